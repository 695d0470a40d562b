"""Offline: songs to a trained auto-encoder (TensorFlow), and the auto-encoder to an ONNX bank.

songs -> corpus -> network, train -> convert -> evaluate, bank -> rnnae_live
"""

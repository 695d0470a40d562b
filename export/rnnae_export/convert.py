"""Weights to an ONNX bundle: the encoder, the single-step decoder, the manifest, and the proof that they agree.

train -> [convert] -> rnnae_live.model

The encoder takes a state and gives one, so the same file reads a whole phrase or one note at a time; its loop is
written gate by gate in the form that tf2onnx turns into a real ONNX ``LSTM``. The decoder does one step and has no
loop. Every export decodes ``PARITY_PHRASES`` phrases in TensorFlow and through the finished bundle, and fails where a
single greedy token differs.

*Shapes*: tokens int32 (n, 2), with their places int32 (n, 4); h and c float32 (batch, units). *Source*: ONNX opset 18
(the newest that tf2onnx 1.17 writes); its LSTM has gates i, o, f, c.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from rnnae_export.network import AutoEncoder, Tensor, lstm_step
from rnnae_export.train import Settings
from rnnae_live.decoder import decode
from rnnae_live.errors import ModelError
from rnnae_live.files import write_whole
from rnnae_live.graph import read_graph
from rnnae_live.manifest import SCHEMA, Golden, Manifest, write_manifest
from rnnae_live.melody import Melody
from rnnae_live.model import FILES, Model
from rnnae_live.state import Link
from rnnae_live.tokens import REST, START, Tokens, Vocabulary, place

OPSET = 18
PARITY_PHRASES = 1000


def export(bank: Path, net: AutoEncoder, settings: Settings, phrases: Sequence[Melody], about: dict[str, Any]) -> Model:
    """Write the bundle of ``net`` into the folder ``bank`` and return it, loaded and checked.

    Args:
        bank: the folder; its presets, if any, stay.
        net: the trained network.
        settings: those of its run.
        phrases: pieces of real music, from which parity, the golden phrase and the spread of the states are taken.
        about: ``name``, ``licence``, ``training`` and ``metrics`` for the manifest.

    Raises:
        ModelError: TensorFlow and ONNX differ, or the graph is not what the runtime expects.
    """
    vocabulary = Vocabulary()
    tokens = [vocabulary.encode(phrase)[0] for phrase in phrases]
    states = [encode(net, t) for t in tokens[:PARITY_PHRASES]]
    decoded = [decode_greedy(net, *s, t, settings.order) for s, t in zip(states, tokens, strict=False)]
    files = {
        "encoder.onnx": _encoder(net),
        "decoder.onnx": _decoder(net),
        "decoder.npz": _weights(net),
    }
    numbers = np.stack([np.concatenate([h.ravel(), c.ravel()]) for h, c in states])
    manifest = Manifest(
        schema=SCHEMA,
        units=net.units,
        order=settings.order,
        lowest=vocabulary.lowest,
        highest=vocabulary.highest,
        durations=vocabulary.durations,
        weights=_hash(net),
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        golden=Golden(_pairs(tokens[0]), numbers[0].astype(float).tolist(), _pairs(decoded[0])),
        state_mean=numbers.mean(axis=0).astype(float).tolist(),
        state_spread=numbers.std(axis=0).astype(float).tolist(),
        **about,
    )
    _check_graphs(files)
    _check_parity(Model(manifest, files), tokens, decoded)
    for name in FILES:
        write_whole(bank / name, files[name])
    write_manifest(bank, manifest)
    return Model.load(bank)


def read_weights(bank: Path, model: Model) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a bank's model, verified when it was loaded, as ``AutoEncoder.load`` takes them."""
    graph = onnx.load_model_from_string((bank / "encoder.onnx").read_bytes()).graph
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    lstm = next(node for node in graph.node if node.op_type == "LSTM")
    kernel, recurrent, bias = (arrays[name][0] for name in lstm.input[1:4])
    weights = {name: getattr(model.weights, name) for name in model.weights.__slots__}
    for name in ("kernel", "recurrent", "bias"):
        weights[f"decoder_{name}"] = weights.pop(name)
    return {
        **weights,
        "encoder_kernel": _from_onnx(kernel).T,
        "encoder_recurrent": _from_onnx(recurrent).T,
        # ONNX has a bias for the input and one for the state, which are added.
        "encoder_bias": _from_onnx(bias[: 4 * model.units]) + _from_onnx(bias[4 * model.units :]),
    }


def _from_onnx(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of gates i, o, f, c, as ONNX has them, in our order i, f, g, o."""
    i, o, f, c = np.split(weights, 4)
    return np.concatenate([i, f, c, o])


def encode(net: AutoEncoder, tokens: Tokens) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return h and c, float32 (1, units), of one phrase's tokens, computed by TensorFlow."""
    h = c = tf.zeros([1, net.units])
    x = tf.gather(net.encoder_kernel, Vocabulary().placed(tokens) + Vocabulary().offsets)
    x = tf.reduce_sum(x, axis=1)
    for t in range(len(tokens)):
        h, c = lstm_step(x[t : t + 1], h, c, net.encoder_recurrent, net.encoder_bias)
    return h.numpy(), c.numpy()


def decode_greedy(
    net: AutoEncoder, h: NDArray[np.float32], c: NDArray[np.float32], tokens: Tokens, order: str
) -> Tokens:
    """Return what TensorFlow's decoder makes of a state, in sounding order, as long as ``tokens`` are in ticks."""
    ticks = Vocabulary().ticks
    length = left = int(ticks[tokens[:, 1]].sum())
    said: list[tuple[int, int]] = []
    token = (START, 0)
    state = [tf.constant(h), tf.constant(c)]
    while left > 0:
        joins = place(left if order == "reversed" else length - left)
        pitches, durations, *state = _step(net, tf.constant([(*token, *joins)]), *state)
        pitch = int(pitches.numpy()[0, REST:].argmax()) + REST
        lengths = durations.numpy()[0] + net.duration_table[pitch].numpy()
        lengths[(ticks > left) | (ticks == 0)] = -np.inf
        token = (pitch, int(lengths.argmax()))
        said.append(token)
        left -= int(ticks[token[1]])
    return np.array(said[::-1] if order == "reversed" else said, np.int32)


def _step(net: AutoEncoder, tokens: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    # Rows of the kernel are gathered: the same function as the product with the one-hot row, at a tenth of its cost.
    x = tf.reduce_sum(tf.gather(net.decoder_kernel, tokens + Vocabulary().offsets), axis=1)
    h, c = lstm_step(x, h, c, net.decoder_recurrent, net.decoder_bias)
    return tf.matmul(h, net.pitch_kernel) + net.pitch_bias, tf.matmul(h, net.duration_kernel), h, c


def _decoder(net: AutoEncoder) -> bytes:
    units = net.units
    # The same function as ``_step`` in fewer operators, each of which costs a microsecond on stage: the bias is added
    # to the rows of the pitches, of which every token has one; three sigmoids are one; both heads are one product.
    kernel = net.decoder_kernel.numpy()
    kernel[: net.pitches] += net.decoder_bias.numpy()
    rows, recurrent = _sigmoids_first(kernel), _sigmoids_first(net.decoder_recurrent.numpy())
    heads = np.concatenate([net.pitch_kernel.numpy(), net.duration_kernel.numpy()], axis=1)
    bias = np.pad(net.pitch_bias.numpy(), (0, net.durations))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.int32, name="symbols"),
            tf.TensorSpec([None, units], tf.float32, name="h"),
            tf.TensorSpec([None, units], tf.float32, name="c"),
        ]
    )
    def step(symbols: Tensor, h: Tensor, c: Tensor) -> dict[str, Any]:
        x = tf.squeeze(tf.matmul(tf.ones([1, 1, 4]), tf.gather(tf.constant(rows), symbols)), 1)
        gates, g = tf.split(x + tf.matmul(h, recurrent), [3 * units, units], axis=1)
        i, f, o = tf.split(tf.sigmoid(gates), 3, axis=1)
        c = f * c + i * tf.tanh(g)
        h = o * tf.tanh(c)
        return {"logits": tf.matmul(h, heads) + bias, "h_out": h, "c_out": c}

    return _converted(step)


def _sigmoids_first(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return columns of gates i, f, g, o in the order i, f, o, g."""
    i, f, g, o = np.split(weights, 4, axis=1)
    return np.concatenate([i, f, o, g], axis=1)


def _encoder(net: AutoEncoder) -> bytes:
    units = net.units

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.int32, name="symbols"),
            tf.TensorSpec([1, units], tf.float32, name="h"),
            tf.TensorSpec([1, units], tf.float32, name="c"),
        ]
    )
    def read(symbols: Tensor, h: Tensor, c: Tensor) -> dict[str, Any]:
        # What is hot is gathered from the unit matrix and added up: one-hot operators, four of each, take twice as
        # long.
        hot = tf.gather(tf.eye(len(net.encoder_kernel)), symbols + Vocabulary().offsets)
        rows = tf.matmul(tf.ones([1, 1, 4]), hot)
        steps = tf.shape(rows)[0]
        source = tf.TensorArray(tf.float32, size=steps).unstack(rows)
        target = tf.TensorArray(tf.float32, size=steps)

        # The loop has to stand here gate by gate: this is the pattern that becomes an LSTM operator.
        def body(t: Tensor, target: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
            z = tf.matmul(source.read(t), net.encoder_kernel) + tf.matmul(h, net.encoder_recurrent)
            i, f, g, o = tf.split(tf.nn.bias_add(z, net.encoder_bias), 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            return t + 1, target.write(t, h), h, c

        _, target, h, c = tf.while_loop(lambda t, *_: t < steps, body, (tf.constant(0), target, h, c))
        return {"h_out": tf.identity(h), "c_out": tf.identity(c), "outputs": target.stack()}

    return _converted(read)


def _converted(function: tf.types.experimental.PolymorphicFunction) -> bytes:
    model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _weights(net: AutoEncoder) -> bytes:
    weights = net.weights()
    named = {name.removeprefix("decoder_"): w for name, w in weights.items() if not name.startswith("encoder")}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **named)
    return file.getvalue()


def _hash(net: AutoEncoder) -> str:
    """Return the sha256 of all weights, the same for every export of a run: files hold dates and node names as well."""
    digest = hashlib.sha256()
    for name, weights in sorted(net.weights().items()):
        digest.update(name.encode() + weights.tobytes())
    return digest.hexdigest()


def _check_graphs(files: dict[str, bytes]) -> None:
    encoder, decoder = (read_graph(files[name]).operators for name in ("encoder.onnx", "decoder.onnx"))
    if "LSTM" not in encoder or "Loop" in encoder | decoder or "Scan" in encoder | decoder:
        raise ModelError(
            f"The encoder did not become an LSTM operator (it has {sorted(encoder)}); check tf2onnx's version."
        )


def _check_parity(model: Model, tokens: list[Tokens], decoded: list[Tokens]) -> None:
    for given, wanted in zip(tokens, decoded, strict=False):
        length = int(model.vocabulary.ticks[given[:, 1]].sum())
        got = decode(model, [Link(model.encode(given), length)])[0]
        if not np.array_equal(got, wanted):
            raise ModelError(
                "TensorFlow and ONNX decode a phrase differently; check the versions of the [train] extra."
            )


def _pairs(tokens: Tokens) -> list[tuple[int, int]]:
    return [(int(p), int(d)) for p, d in tokens]

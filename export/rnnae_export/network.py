"""The LSTM auto-encoder in TensorFlow: one-hot tokens to a state vector, and back.

corpus -> batches -> [network] -> train, convert

The encoder reads the tokens of a phrase; its last (h, c) is the state vector. The decoder starts from
that state and the start tag and is trained to give the tokens back, in reverse order by default. Every
step is one token: a pitch symbol and a duration symbol, each one-hot. The duration head sees the pitch
symbol that was chosen, so the pair is modelled as p(pitch) p(duration | pitch).

*Shapes*: T steps, B phrases, U units, F = pitch + duration symbols. Time is the first axis.
*Source*: METHOD of the talk (auto-encoder, reverse order, 128 units); Hochreiter & Schmidhuber 1997 with
the forget gate of Gers et al. 2000; gates in the order i, f, g, o, as tf2onnx expects of a loop that it
turns into an ONNX ``LSTM``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from rnnae_live.tokens import Vocabulary

Tensor = Any
"""A tf.Tensor; TensorFlow ships no types that a checker could use."""

FORGET_BIAS = 1.0
"""Start value of the forget gate's bias, so that a new cell remembers (Jozefowicz et al. 2015)."""


class Batch(NamedTuple):
    """B phrases of the same bucket: what the encoder reads, what the decoder reads, and what it should say.

    ``source`` int32 (T, B, 2) and ``given``, ``target`` int32 (T + 1, B, 2): pitch and duration symbols;
    ``source_keep`` float32 (T, B, 1) and ``target_keep`` float32 (T + 1, B, 1): 1 where a token is, 0 behind the end.
    """

    source: Tensor
    given: Tensor
    target: Tensor
    source_keep: Tensor
    target_keep: Tensor

    @property
    def signature(self) -> Batch:
        """Shapes and types with any number of phrases, so that a bucket is compiled once."""
        return Batch(*(tf.TensorSpec([a.shape[0], None, a.shape[2]], a.dtype) for a in self))


def lstm_step(x: Tensor, h: Tensor, c: Tensor, recurrent: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return (h, c) after one step from x (B, 4U), the input's contribution to the gates before the bias."""
    i, f, g, o = tf.split(tf.nn.bias_add(x + tf.matmul(h, recurrent), bias), 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


@tf.custom_gradient
def lstm(x: Tensor, keep: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) -> tuple[Any, Callable[..., Any]]:
    """Run an LSTM over all steps; where ``keep`` is 0 the state stays.

    The loop is unrolled (T is known for every bucket) and its gradient written out, so that the gradient of the
    recurrent kernel is one product over all steps instead of T: a third of the training time saved.

    Args:
        x: float32 (T, B, 4U), bias included.
        keep: float32 (T, B, 1).
        h: float32 (B, U), the first outputs.
        c: float32 (B, U), the first cell states.
        recurrent: float32 (U, 4U).

    Returns:
        (outputs (T, B, U), last h, last c), and their gradient function.
    """
    steps = int(x.shape[0])
    saved, outputs = [], []
    for t in range(steps):
        i, f, g, o = tf.split(x[t] + tf.matmul(h, recurrent), 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * c + i * g
        squashed = tf.tanh(cell)
        saved.append((i, f, g, o, c, squashed, h))
        h = h + keep[t] * (o * squashed - h)
        c = c + keep[t] * (cell - c)
        outputs.append(h)

    def gradient(d_outputs: Tensor, dh: Tensor, dc: Tensor) -> tuple[Any, ...]:
        d_gates = []
        for t in reversed(range(steps)):
            i, f, g, o, before, squashed, _ = saved[t]
            dh = dh + d_outputs[t]
            dh_new = keep[t] * dh
            dc_new = keep[t] * dc + dh_new * o * (1 - squashed * squashed)
            parts = [
                dc_new * g * i * (1 - i),
                dc_new * before * f * (1 - f),
                dc_new * i * (1 - g * g),
                dh_new * squashed * o * (1 - o),
            ]
            d_gates.append(tf.concat(parts, axis=1))
            dh = dh - dh_new + tf.matmul(d_gates[-1], recurrent, transpose_b=True)
            dc = dc - keep[t] * dc + dc_new * f
        dx = tf.stack(d_gates[::-1])
        units = int(recurrent.shape[0])
        states = tf.reshape(tf.stack([step[-1] for step in saved]), [-1, units])
        return dx, None, dh, dc, tf.matmul(states, tf.reshape(dx, [-1, 4 * units]), transpose_a=True)

    return (tf.stack(outputs), h, c), gradient


class AutoEncoder(tf.Module):
    """Encoder and decoder of ``units`` hidden units each over the symbols of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, units: int = 128, seed: int = 0) -> None:
        """Draw the first weights from ``seed``."""
        super().__init__(name="auto_encoder")
        self.units = units
        self.pitches, self.durations = vocabulary.pitch_symbols, vocabulary.duration_symbols
        rng = np.random.default_rng(seed)
        features = self.pitches + self.durations
        for side in ("encoder", "decoder"):
            bias = np.zeros(4 * units, np.float32)
            bias[units : 2 * units] = FORGET_BIAS
            recurrent = np.concatenate([_orthogonal(rng, units) for _ in range(4)], axis=1)
            setattr(self, f"{side}_kernel", tf.Variable(2 * _glorot(rng, features, 4 * units), name=f"{side}_kernel"))
            setattr(self, f"{side}_recurrent", tf.Variable(recurrent, name=f"{side}_recurrent"))
            setattr(self, f"{side}_bias", tf.Variable(bias, name=f"{side}_bias"))
        self.pitch_kernel = tf.Variable(_glorot(rng, units, self.pitches), name="pitch_kernel")
        self.pitch_bias = tf.Variable(np.zeros(self.pitches, np.float32), name="pitch_bias")
        self.duration_kernel = tf.Variable(_glorot(rng, units, self.durations), name="duration_kernel")
        self.duration_table = tf.Variable(np.zeros((self.pitches, self.durations), np.float32), name="duration_table")

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return every weight by its name."""
        return {v.name.split(":")[0]: v.numpy() for v in self.trainable_variables}

    def load(self, weights: dict[str, NDArray[np.float32]]) -> None:
        """Take over weights of the same names and shapes.

        Raises:
            ValueError: a shape differs, as from a model with other units.
            KeyError: a weight is missing.
        """
        for variable in self.trainable_variables:
            variable.assign(weights[variable.name.split(":")[0]])

    def one_hot(self, tokens: Tensor) -> Tensor:
        """Return tokens int32 (T, B, 2) as float32 (T, B, F) with two ones in each row."""
        return tf.concat(
            [tf.one_hot(tokens[..., 0], self.pitches), tf.one_hot(tokens[..., 1], self.durations)], axis=-1
        )

    def encode(self, source: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Return the state vectors h, c, float32 (B, U), of tokens (T, B, 2)."""
        zero = tf.zeros([tf.shape(source)[1], self.units])
        x = self._projected(source, self.encoder_kernel, self.encoder_bias)
        _, h, c = lstm(x, keep, zero, zero, self.encoder_recurrent)
        return h, c

    def loss(self, batch: Batch, noise: float, l2: float) -> Tensor:
        """Return the training loss: nats per token, and ``l2`` times the mean square of the cell states.

        Args:
            batch: the phrases.
            noise: standard deviation of the normal noise on the state vectors.
            l2: weight of the penalty that keeps the states close together.
        """
        h, c = self.encode(batch.source, batch.source_keep)
        spread = tf.reduce_mean(c * c)
        h, c = (s + noise * tf.random.normal(tf.shape(s)) for s in (h, c))
        x = self._projected(batch.given, self.decoder_kernel, self.decoder_bias)
        y, _, _ = lstm(x, batch.target_keep, h, c, self.decoder_recurrent)
        real = tf.reshape(batch.target_keep > 0, [-1])
        y = tf.boolean_mask(tf.reshape(y, [-1, self.units]), real)
        pitch, duration = (tf.boolean_mask(tf.reshape(batch.target[:, :, k], [-1]), real) for k in (0, 1))
        pitch_logits = tf.matmul(y, self.pitch_kernel) + self.pitch_bias
        duration_logits = tf.matmul(y, self.duration_kernel) + tf.gather(self.duration_table, pitch)
        nll = tf.nn.sparse_softmax_cross_entropy_with_logits(pitch, pitch_logits)
        nll += tf.nn.sparse_softmax_cross_entropy_with_logits(duration, duration_logits)
        return tf.reduce_mean(nll) + l2 * spread

    def _projected(self, tokens: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        rows = self.one_hot(tokens)
        steps, phrases, features = tf.unstack(tf.shape(rows))
        flat = tf.matmul(tf.reshape(rows, [-1, features]), kernel) + bias
        return tf.ensure_shape(
            tf.reshape(flat, [steps, phrases, 4 * self.units]), [tokens.shape[0], None, 4 * self.units]
        )


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def _orthogonal(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)), np.float32)

"""The LSTM auto-encoder in TensorFlow: one-hot tokens to a state vector, and back.

corpus -> mixtures, shards -> [network] -> train, convert

The encoder reads the tokens of a phrase; its last (h, c) is the state vector. The decoder starts from
that state and the start tag and is trained to give the tokens back, in reverse order by default, and to
say the hybrid of several phrases from the mean of their states. Every step is one token: a pitch symbol, a
duration symbol and its place (beat and tick), each one-hot. The duration head sees the pitch symbol that was
chosen, so the pair is modelled as p(pitch) p(duration | pitch).

*Shapes*: T steps, B phrases, U units, F = symbols of pitch, duration and place. Time is the first axis.
*Source*: METHOD of the talk (auto-encoder, reverse order, 128 units); Hochreiter & Schmidhuber 1997 with
the forget gate of Gers et al. 2000; gates in the order i, f, g, o, as tf2onnx expects of a loop that it
turns into an ONNX ``LSTM``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from rnnae_live.melody import PPQ
from rnnae_live.tokens import BEATS, END, START, Vocabulary

Tensor = Any
"""A tf.Tensor; TensorFlow ships no types that a checker could use."""

FORGET_BIAS = 1.0
"""Start value of the forget gate's bias, so that a new cell remembers (Jozefowicz et al. 2015)."""


class Batch(NamedTuple):
    """N groups of one width: what the encoder reads, what the decoder is given, and what it should say.

    A group has P phrases and M hybrids of them. ``source`` int32 (T, N * P, 2) and ``given``, ``target`` int32
    (T + 1, N * (P + M), 2): pitch and duration symbols; ``source_keep`` float32 (T, N * P, 1) and ``target_keep``
    float32 (T + 1, N * (P + M), 1): 1 where a token is, 0 behind the end; ``weights`` float32 (N, M, P): of the
    phrases in each hybrid.
    """

    source: Tensor
    given: Tensor
    target: Tensor
    source_keep: Tensor
    target_keep: Tensor
    weights: Tensor

    @property
    def signature(self) -> Batch:
        """Shapes and types with any number of groups, so that a width is compiled once."""
        specs = [tf.TensorSpec([a.shape[0], None, a.shape[2]], a.dtype) for a in self[:-1]]
        return Batch._make([*specs, tf.TensorSpec([None, *self.weights.shape[1:]], tf.float32)])


class Loss(NamedTuple):
    """Nats per token: of all that is learned, of the phrases given back, of the hybrids. Scalars."""

    total: Tensor
    phrases: Tensor
    hybrids: Tensor


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

    def __init__(self, vocabulary: Vocabulary, units: int = 128, seed: int = 0, order: str = "reversed") -> None:
        """Draw the first weights from ``seed``; ``order`` is that in which the decoder says a phrase."""
        super().__init__(name="auto_encoder")
        self.units = units
        self.reverses = order == "reversed"
        self.pitches, self.durations = vocabulary.pitch_symbols, vocabulary.duration_symbols
        self.ticks = tf.constant(vocabulary.ticks)
        rng = np.random.default_rng(seed)
        features = vocabulary.features
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

    def load(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over weights of the same names and shapes.

        Raises:
            ValueError: a shape differs, as from a model with other units.
            KeyError: a weight is missing.
        """
        for variable in self.trainable_variables:
            variable.assign(weights[variable.name.split(":")[0]])

    def one_hot(self, symbols: Tensor) -> Tensor:
        """Return symbols int32 (..., 4) of pitch, duration, beat and tick as float32 (..., F) with four ones a row."""
        depths = (self.pitches, self.durations, BEATS, PPQ)
        return tf.concat([tf.one_hot(symbols[..., k], depth) for k, depth in enumerate(depths)], axis=-1)

    def encode(self, source: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Return the state vectors h, c, float32 (B, U), of tokens (T, B, 2)."""
        zero = tf.zeros([tf.shape(source)[1], self.units])
        lasts = self._lasts(source, keep)
        x = self._projected(source, tf.cumsum(lasts, exclusive=True), self.encoder_kernel, self.encoder_bias)
        _, h, c = lstm(x, keep, zero, zero, self.encoder_recurrent)
        return h, c

    def loss(
        self, batch: Batch, *, noise: Tensor | float, l2: float, drop: Tensor | float, mix: Tensor | float, seed: Tensor
    ) -> Loss:
        """Return the training loss: nats per token, and ``l2`` times the mean square of the cell states.

        Args:
            batch: the groups.
            noise: standard deviation of the normal noise on the state vectors.
            l2: weight of the penalty that keeps the states close together.
            drop: share of the tokens that the decoder is not shown, so that it leans on the state.
            mix: weight of a hybrid's token against 1 of a phrase's.
            seed: int32 (2,), of noise and drop.
        """
        h, c = self.encode(batch.source, batch.source_keep)
        spread = tf.reduce_mean(c * c)
        h, c = (
            s + noise * tf.random.stateless_normal(tf.shape(s), seed + at)
            for at, s in enumerate(self._with_means(s, batch.weights) for s in (h, c))
        )
        hidden = tf.random.stateless_uniform(tf.shape(batch.given)[:2], seed + 2) < drop
        hidden &= batch.given[..., 0] != START
        # The end tag is never given otherwise: here it says "not shown".
        given = tf.where(hidden[..., None], tf.constant([END, 0]), batch.given)
        pitch_nll, duration_nll, hybrid = self._errors(batch, given, h, c)
        nll = pitch_nll + duration_nll
        weights = 1.0 + (mix - 1.0) * hybrid
        total = tf.reduce_sum(nll * weights) / tf.reduce_sum(weights)
        means = [tf.math.divide_no_nan(tf.reduce_sum(nll * s), tf.reduce_sum(s)) for s in (1.0 - hybrid, hybrid)]
        return Loss(total + l2 * spread, *means)

    def _errors(self, batch: Batch, given: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the nats of pitch and duration of every token, and 1 where it is a hybrid's; all float32 (tokens,)."""
        lasts = self._lasts(batch.target, batch.target_keep)
        places = tf.cumsum(lasts, exclusive=True)
        if self.reverses:
            places = tf.reduce_sum(lasts, axis=0, keepdims=True) - places
        x = self._projected(given, places, self.decoder_kernel, self.decoder_bias)
        y, _, _ = lstm(x, batch.target_keep, h, c, self.decoder_recurrent)
        real = tf.reshape(batch.target_keep > 0, [-1])
        y = tf.boolean_mask(tf.reshape(y, [-1, self.units]), real)
        pitch, duration = (tf.boolean_mask(tf.reshape(batch.target[:, :, k], [-1]), real) for k in (0, 1))
        pitch_logits = tf.matmul(y, self.pitch_kernel) + self.pitch_bias
        duration_logits = tf.matmul(y, self.duration_kernel) + tf.gather(self.duration_table, pitch)
        mixes, phrases = batch.weights.shape[1:]
        row = tf.concat([tf.zeros(phrases), tf.ones(mixes)], axis=0)
        hybrid = batch.target_keep[..., 0] * tf.tile(row, [tf.shape(batch.weights)[0]])
        return (
            tf.nn.sparse_softmax_cross_entropy_with_logits(pitch, pitch_logits),
            tf.nn.sparse_softmax_cross_entropy_with_logits(duration, duration_logits),
            tf.boolean_mask(tf.reshape(hybrid, [-1]), real),
        )

    def _with_means(self, states: Tensor, weights: Tensor) -> Tensor:
        """Return the states (N * P, U) of groups with the weighted means behind each group's, (N * (P + M), U)."""
        groups = tf.reshape(states, [-1, weights.shape[2], self.units])
        return tf.reshape(tf.concat([groups, tf.matmul(weights, groups)], axis=1), [-1, self.units])

    def _lasts(self, tokens: Tensor, keep: Tensor) -> Tensor:
        """Return the ticks of every token, int32 (T, B), 0 behind the end."""
        return tf.gather(self.ticks, tokens[..., 1]) * tf.cast(keep[..., 0], tf.int32)

    def _projected(self, tokens: Tensor, places: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        symbols = tf.concat([tokens, tf.stack([places // PPQ % BEATS, places % PPQ], axis=-1)], axis=-1)
        x = self.rows(tf.reshape(symbols, [-1, 4]), kernel) + bias
        steps, phrases, _ = tf.unstack(tf.shape(tokens))
        return tf.ensure_shape(tf.reshape(x, [steps, phrases, 4 * self.units]), [tokens.shape[0], None, 4 * self.units])

    def rows(self, symbols: Tensor, kernel: Tensor) -> Tensor:
        """Return the product of symbols (N, 4), one-hot, with the kernel (F, 4U).

        Rows are gathered, which costs a tenth of the product; for the gradient the product is the quicker way.
        """
        depths = (self.pitches, self.durations, BEATS, PPQ)
        starts = np.cumsum([0, *depths[:-1]]).tolist()

        @tf.custom_gradient
        def product(kernel: Tensor) -> tuple[Tensor, Callable[..., Any]]:
            def gradient(upstream: Tensor) -> Tensor:
                return tf.matmul(self.one_hot(symbols), upstream, transpose_a=True)

            return tf.add_n([tf.gather(kernel, symbols[:, k] + start) for k, start in enumerate(starts)]), gradient

        result: Tensor = product(tf.convert_to_tensor(kernel))
        return result


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def _orthogonal(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)), np.float32)

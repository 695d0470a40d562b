"""States moved until the decoder returns their phrase note for note.

mixer, model -> [refine] -> presets

The decoder is frozen; the 2 x 128 numbers of a state go down the gradient of the phrase's likelihood (Adam), from
the encoder's answer on, and stop as soon as every token is the decoder's first choice by a margin. All phrases of
a song are refined in one batch, and only those that are not right yet. The gradient is written in numpy, so that a
preset can be saved on stage, where there is no TensorFlow. Right is only what the shipped ONNX decoder says: the
caller verifies.

*Shapes*: B phrases, T steps, U units: h, c float32 (B, U); tokens int32 (T, B, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnae_live.model import Model, Weights
from rnnae_live.state import Floats, State
from rnnae_live.tokens import END, REST, START, Tokens, place

RATE = 0.04
"""Adam's step; a state's numbers are of the order of 1."""

MARGIN = 0.05
"""Nats by which the right choice has to lead, so that rounding on another machine does not change it."""

_SHIFT = 1e-8


def refine(
    model: Model, states: Sequence[State], phrases: Sequence[Tokens], steps: int = 120
) -> tuple[list[State], int]:
    """Return states from which the decoder says ``phrases``, as far as ``steps`` carry, and the steps taken.

    Args:
        model: whose decoder has to say them.
        states: where to begin, one a phrase.
        phrases: tokens int32 (n, 2), n >= 1, in sounding order.
        steps: at most.
    """
    score = _Score(model, phrases)
    point = np.stack([np.concatenate([s.h.ravel(), s.c.ravel()]) for s in states]).astype(np.float32)
    first, second = np.zeros_like(point), np.zeros_like(point)
    taken = 0
    open_rows = np.arange(len(point))
    for step in range(1, steps + 1):
        right, slope = score.at(point[open_rows], open_rows)
        open_rows, slope = open_rows[~right], slope[~right]
        if not len(open_rows):
            break
        taken = step
        first[open_rows] = 0.9 * first[open_rows] + 0.1 * slope
        second[open_rows] = 0.99 * second[open_rows] + 0.01 * slope * slope
        size = RATE * np.sqrt(1 - 0.99**step) / (1 - 0.9**step)
        point[open_rows] -= size * first[open_rows] / (np.sqrt(second[open_rows]) + _SHIFT)
    units = model.units
    return [State(row[None, :units].copy(), row[None, units:].copy()) for row in point], taken


class _Score:
    """How well states say given phrases, and in which direction better."""

    def __init__(self, model: Model, phrases: Sequence[Tokens]) -> None:
        self.weights, self.units = model.weights, model.units
        self.ticks = model.vocabulary.ticks
        width, count = max(map(len, phrases)), len(phrases)
        self.lengths = np.array([len(p) for p in phrases])
        self.target = np.zeros((width, count, 2), np.int64)
        self.target[:, :, 0] = END
        for at, phrase in enumerate(phrases):
            self.target[: len(phrase), at] = phrase[::-1] if model.reverses else phrase
        begin = np.broadcast_to(np.array((START, 0)), (1, count, 2))
        given = np.concatenate([begin, self.target[:-1]])
        w = self.weights
        said = self.ticks[self.target[..., 1]].astype(np.int64)
        length = said.sum(axis=0)
        left = length - np.concatenate([np.zeros((1, count), np.int64), said.cumsum(axis=0)[:-1]])
        read = np.concatenate([given, np.stack(place(model.place(length, left)), axis=-1)], axis=-1)
        # What the decoder reads is known beforehand, so its share of every gate is too.
        self.x = w.kernel[read + model.vocabulary.offsets].sum(axis=-2) + w.bias
        self.fits = (self.ticks <= left[..., None]) & (self.ticks > 0)

    def at(self, point: Floats, rows: NDArray[np.intp]) -> tuple[NDArray[np.bool_], Floats]:
        """Return which of the phrases ``rows`` come back right, and the gradient of their loss, (B, 2U)."""
        width = int(self.lengths[rows].max())
        x, target = self.x[:width, rows], self.target[:width, rows]
        real = np.arange(width)[:, None] < self.lengths[rows]
        saved, outputs = _forward(self.weights, x, point[:, : self.units], point[:, self.units :])
        pitch, duration, right = self._errors(outputs, target, self.fits[:width, rows], real)
        d_outputs = pitch @ self.weights.pitch_kernel.T + duration @ self.weights.duration_kernel.T
        return right, _backward(self.weights, saved, d_outputs)

    def _errors(
        self, outputs: Floats, target: NDArray[np.int64], fits: NDArray[np.bool_], real: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        w = self.weights
        pitch = outputs @ w.pitch_kernel + w.pitch_bias
        pitch[..., :REST] = -np.inf  # the tags are never chosen before the phrase is full
        duration = np.where(fits, outputs @ w.duration_kernel + w.duration_table[target[..., 0]], -np.inf)
        duration[~real] = 0.0
        right = (_leads(pitch, target[..., 0]) & _leads(duration, target[..., 1]) | ~real).all(axis=0)
        share = real[..., None].astype(np.float32)
        return _slope(pitch, target[..., 0]) * share, _slope(duration, target[..., 1]) * share, np.asarray(right)


def _leads(logits: Floats, target: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where the target's logit is above all others by the margin."""
    wanted = np.take_along_axis(logits, target[..., None], axis=-1)
    others = logits.copy()
    np.put_along_axis(others, target[..., None], -np.inf, axis=-1)
    return np.asarray(wanted[..., 0] >= others.max(axis=-1) + MARGIN)


def _slope(logits: Floats, target: NDArray[np.int64]) -> Floats:
    """Return the gradient of the cross-entropy, softmax minus one-hot."""
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    np.put_along_axis(p, target[..., None], np.take_along_axis(p, target[..., None], -1) - 1.0, axis=-1)
    return np.asarray(p, np.float32)


def _forward(w: Weights, x: Floats, h: Floats, c: Floats) -> tuple[list[tuple[Floats, ...]], Floats]:
    saved: list[tuple[Floats, ...]] = []
    outputs: Floats = np.empty((len(x), *h.shape), np.float32)
    for t in range(len(x)):
        i, f, g, o = np.split(x[t] + h @ w.recurrent, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        before = c
        c = f * c + i * g
        squashed = np.tanh(c)
        h = o * squashed
        saved.append((i, f, g, o, before, squashed))
        outputs[t] = h
    return saved, outputs


def _backward(w: Weights, saved: list[tuple[Floats, ...]], d_outputs: Floats) -> Floats:
    """Return the gradient with respect to the first h and c, (B, 2U)."""
    dh = dc = np.zeros_like(d_outputs[0])
    for t in reversed(range(len(saved))):
        i, f, g, o, before, squashed = saved[t]
        dh = dh + d_outputs[t]
        dc = dc + dh * o * (1 - squashed * squashed)
        gates = (dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o))
        dh = np.concatenate(gates, axis=1) @ w.recurrent.T
        dc = dc * f
    return np.concatenate([dh, dc], axis=1)


def _sigmoid(x: Floats) -> Floats:
    # The form with tanh cannot overflow.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float32)

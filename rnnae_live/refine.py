"""States moved until the decoder returns their phrase note for note.

mixer, model -> [refine] -> presets, voices

The decoder is frozen; the 2 x 128 numbers of a state go down the gradient of the phrase's likelihood (Adam), from
the encoder's answer on, and stop as soon as every token is the decoder's first choice by a margin. The phrases of
a song are refined a few at a time, and each only until it is right. The gradient is written in numpy, so that a
preset can be saved on stage, where there is no TensorFlow. Right is only what the shipped ONNX decoder says:
``Refinement`` asks it.

All of it goes in steps of about a millisecond, between which the music may have the processor.

*Shapes*: B phrases, T steps, U units: h, c float32 (B, U); tokens int32 (T, B, 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnae_live.decoder import allowed, decode
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import each_link, spoken
from rnnae_live.model import Model, Weights
from rnnae_live.state import Chain, Floats, State
from rnnae_live.tokens import END, REST, START, Tokens, place

RATE = 0.04
"""Adam's step; a state's numbers are of the order of 1."""

MARGIN = 0.05
"""Nats by which the right choice has to lead, so that rounding on another machine does not change it."""

STEPS = 120
"""Gradient steps after which a phrase is given up."""

TOGETHER = 4
"""Phrases that are refined at once. For more the matrix product wakes other threads, which on a busy machine costs a
hundred times what it saves."""

_SHIFT = 1e-8


class Refinement:
    """A melody on its way to the chain that returns it, a step at a time.

    ``chain`` has the states as they are: the encoder's at first, then better ones. At the end, ``exact`` says that the
    decoder returns the melody note for note, and ``steps`` how many gradient steps that took.
    """

    def __init__(self, model: Model, melody: Melody) -> None:
        """Begin with a melody of 1 tick or more; nothing is computed yet."""
        self.chain: Chain = ()
        self.exact = False
        self.steps = 0
        self._model = model
        self._melody = melody
        self._work = self._refine()

    def step(self) -> bool:
        """Go on for about a millisecond; True when nothing is left to do."""
        return next(self._work, True)

    def _refine(self) -> Iterator[bool]:
        """Refine the states of two bars each; where one cannot carry its piece, of single bars."""
        for bars in (2, 1):
            pieces = self._melody.cut(bars)
            chain = []
            for link in each_link(self._model, pieces):
                chain.append(link)
                yield False
            self.chain = self.chain or tuple(chain)
            spelled = [self._model.vocabulary.encode(piece)[0] for piece in pieces]
            descent = Descent(self._model, [link.state for link in chain], spelled)
            while not descent.step():
                yield False
            self.steps += descent.taken
            self.chain = tuple(replace(link, state=state) for link, state in zip(chain, descent.states, strict=True))
            yield from self._verify()
            if self.exact:
                return

    def _verify(self) -> Iterator[bool]:
        said: list[Tokens] = []
        for at in range(0, len(self.chain), TOGETHER):
            few = self.chain[at : at + TOGETHER]
            spans = allowed(self._model, few, within=False)
            said += decode(self._model, few, spans=spans)
            yield False
        self.exact = difference(self._melody, spoken(self._model, self.chain, said)) is None


def refine(
    model: Model, states: Sequence[State], phrases: Sequence[Tokens], steps: int = STEPS
) -> tuple[list[State], int]:
    """Return states from which the decoder says ``phrases``, as far as ``steps`` carry, and the most steps taken.

    Args:
        model: whose decoder has to say them.
        states: where to begin, one a phrase.
        phrases: tokens int32 (n, 2), n >= 1, in sounding order.
        steps: at most, for each.
    """
    descent = Descent(model, states, phrases, steps)
    while not descent.step():
        pass
    return descent.states, descent.taken


class Descent:
    """States on their way down the gradient, ``TOGETHER`` at a time; arguments as ``refine`` has them."""

    def __init__(self, model: Model, states: Sequence[State], phrases: Sequence[Tokens], steps: int = STEPS) -> None:
        """Begin at ``states``."""
        self._score = _Score(model, phrases)
        self._units = model.units
        self._point = np.stack([np.concatenate([s.h.ravel(), s.c.ravel()]) for s in states]).astype(np.float32)
        self._first, self._second = np.zeros_like(self._point), np.zeros_like(self._point)
        self._steps = steps
        self._age = np.zeros(len(self._point), np.int64)
        self._rows = np.arange(min(TOGETHER, len(self._point)))
        self._next = len(self._rows)

    @property
    def states(self) -> list[State]:
        """The states as they are now."""
        units = self._units
        return [State(row[None, :units].copy(), row[None, units:].copy()) for row in self._point]

    @property
    def taken(self) -> int:
        """The most steps that a phrase has taken."""
        return int(self._age.max())

    def step(self) -> bool:
        """Move the states that are not right yet by one step; True when none is left."""
        if not len(self._rows):
            return True
        right, slope = self._score.at(self._point[self._rows], self._rows)
        rows = self._rows[~right]
        self._move(rows, slope[~right])
        rows = rows[self._age[rows] < self._steps]
        more = min(TOGETHER - len(rows), len(self._point) - self._next)
        self._rows = np.concatenate([rows, np.arange(self._next, self._next + more)])
        self._next += more
        return not len(self._rows)

    def _move(self, rows: NDArray[np.intp], slope: Floats) -> None:
        self._age[rows] += 1
        age = self._age[rows, None]
        self._first[rows] = 0.9 * self._first[rows] + 0.1 * slope
        self._second[rows] = 0.99 * self._second[rows] + 0.01 * slope * slope
        size = (RATE * np.sqrt(1 - 0.99**age) / (1 - 0.9**age)).astype(np.float32)
        self._point[rows] -= size * self._first[rows] / (np.sqrt(self._second[rows]) + _SHIFT)


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

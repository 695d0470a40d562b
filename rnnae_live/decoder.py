"""State vectors to tokens, one step at a time: one phrase or many in a batch.

state -> [decoder] -> tokens -> melody

Starts from the start tag with (h, c) set to the state and is fed its own last token. At temperature 0 the choice is
the arg-max, so the state of a learned song gives that song back, token for token; above, the pair is sampled.
A phrase has a length in ticks and fills it exactly: a duration that does not fit any more is not chosen, and the end
tag is due when nothing is left, so whatever the state, the answer ends and its bars are full.

*Shapes*: logits float32 (batch, symbols); h and c float32 (batch, units). *Source*: METHOD, composing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnae_live.errors import ModelError
from rnnae_live.model import Model, Stepper
from rnnae_live.state import Chain, Floats, State
from rnnae_live.tokens import FIRST_PITCH, REST, Tokens

Span = tuple[int, int] | None
"""Lowest and highest pitch symbol of a phrase, None for no bounds."""

LONGEST = 24 * 4 * 64
"""Ticks of the longest phrase that is decoded at once, 64 bars of 4/4: a bound, not a musical limit."""


def decode(
    model: Model,
    states: Sequence[State],
    lengths: Sequence[int],
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
    spans: Sequence[Span] | None = None,
) -> list[Tokens]:
    """Return the tokens of every state in the order in which they sound, int32 (n, 2), filling ``lengths`` ticks.

    Args:
        model: whose decoder speaks.
        states: of one phrase or more; all are decoded in one batch.
        lengths: ticks of each phrase, 1 to ``LONGEST``.
        temperature: 0 for the likeliest token at each step, 1 for the model's own distribution.
        rng: needed above temperature 0.
        spans: lowest and highest pitch symbol that each phrase may use, None for all; a phrase with a span has one
            note at least.

    Raises:
        ModelError: a length is outside its range.
    """
    if any(not 1 <= length <= LONGEST for length in lengths):
        raise ModelError(f"A phrase has 1 to {LONGEST} ticks, not {list(lengths)}.")
    if not states:
        return []
    stepper = model.stepper(len(states))
    stepper.begin(np.concatenate([s.h for s in states]), np.concatenate([s.c for s in states]), lengths)
    each = spans or [None] * len(states)
    closed = _closed(model, each)
    silent = [span is not None for span in each]
    if temperature > 0:
        rows = _sampled(model, stepper, lengths, closed, silent, temperature, rng or np.random.default_rng())
    else:
        rows = _greedy(model, stepper, lengths, closed, silent)
    if model.reverses:
        rows = [row[::-1] for row in rows]
    return [np.array(row, np.int32).reshape(-1, 2) for row in rows]


def allowed(model: Model, chain: Chain, *, within: bool) -> list[Span]:
    """Return the pitch symbols that each piece of a chain may use: those of its link's span ``within``, else all.

    None for a piece without pitches, which may also be silent.
    """
    return [link.span if within or link.span is None else model.vocabulary.span for link in chain]


def _closed(model: Model, spans: Sequence[Span]) -> Floats:
    """Return what is added to the pitch logits from ``rest`` on: minus infinity outside each phrase's span."""
    symbols = np.arange(REST, model.vocabulary.pitch_symbols)
    closed = np.zeros((len(spans), len(symbols)), np.float32)
    for row, span in enumerate(spans):
        if span is not None:
            closed[row, (symbols >= FIRST_PITCH) & ((symbols < span[0]) | (symbols > span[1]))] = -np.inf
    return closed


def _greedy(
    model: Model, stepper: Stepper, lengths: Sequence[int], closed: Floats, silent: list[bool]
) -> list[list[tuple[int, int]]]:
    table, ticks = model.duration_table, model.vocabulary.ticks.tolist()
    # How many duration symbols fit into what is left; "none" is the first and never chosen.
    fits = np.searchsorted(model.vocabulary.ticks, np.arange(ticks[-1] + 1), side="right").tolist()
    left = list(lengths)
    rows: list[list[tuple[int, int]]] = [[] for _ in left]
    playing = list(range(len(left)))
    while playing:
        pitches, durations = stepper.step()
        scores = pitches[:, REST:] + closed
        best = scores.argmax(axis=1).tolist()
        for row in playing:
            pitch = best[row] + REST
            fit = fits[min(left[row], ticks[-1])]
            duration = int((durations[row, 1:fit] + table[pitch, 1:fit]).argmax()) + 1
            if silent[row]:
                if pitch < FIRST_PITCH and ticks[duration] == left[row]:
                    # Nothing would ever sound: the likeliest note takes the place of this rest.
                    pitch = int(scores[row, FIRST_PITCH - REST :].argmax()) + FIRST_PITCH
                silent[row] = pitch < FIRST_PITCH
            rows[row].append((pitch, duration))
            left[row] -= ticks[duration]
            stepper.say(row, pitch, duration, model.place(lengths[row], left[row]))
        playing = [row for row in playing if left[row] > 0]
    return rows


def _sampled(
    model: Model,
    stepper: Stepper,
    lengths: Sequence[int],
    closed: Floats,
    silent: list[bool],
    temperature: float,
    rng: np.random.Generator,
) -> list[list[tuple[int, int]]]:
    ticks, whole = model.vocabulary.ticks, np.array(lengths)
    left, still = whole.copy(), np.array(silent)
    rows: list[list[tuple[int, int]]] = [[] for _ in lengths]
    every = np.arange(len(rows))
    while (left > 0).any():
        pitches, durations = stepper.step()
        scores = (pitches[:, REST:] + closed) / temperature
        pitch = _draw(scores, rng) + REST
        logits = (durations + model.duration_table[pitch]) / temperature
        logits[(ticks > np.maximum(left, 1)[:, None]) | (ticks == 0)] = -np.inf
        duration = _draw(logits, rng)
        # Where nothing would ever sound, a note takes the place of the last rest.
        mute = still & (pitch < FIRST_PITCH) & (ticks[duration] == left)
        pitch[mute] = _draw(scores[mute, FIRST_PITCH - REST :], rng) + FIRST_PITCH
        still &= pitch < FIRST_PITCH
        for row in every[left > 0].tolist():
            rows[row].append((int(pitch[row]), int(duration[row])))
        left = np.where(left > 0, left - ticks[duration], left)
        stepper.say(slice(None), pitch, duration, model.place(whole, left))
    return rows


def _draw(logits: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return one index a row, drawn with the probabilities that ``logits`` stand for (Gumbel's trick)."""
    return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))

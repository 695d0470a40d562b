"""State vectors to tokens, one step at a time: one phrase or many in a batch.

state -> [decoder] -> tokens -> melody

Starts from the start tag with (h, c) set to the state and is fed its own last token. At temperature 0 the choice is
the arg-max, so the state of a learned song gives that song back, token for token; above, the pair is sampled.
A phrase has a length in ticks and fills it exactly: a duration that does not fit any more is not chosen, and the end
tag is due when nothing is left, so whatever the state, the answer ends and its bars are full.

A link that leans (``Link.ends``) is said by two decoders that are fed the same tokens: one began with the state at
which the mix begins, the other with that at which it ends. The first is heard at the beginning of the phrase, the
second at its end, and half way both are.

*Shapes*: logits float32 (batch, symbols); h and c float32 (batch, units). *Source*: METHOD, composing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from rnnae_live.errors import ModelError
from rnnae_live.model import Model, Stepper
from rnnae_live.scale import EVERY, PitchClasses
from rnnae_live.state import Chain, Floats, Link
from rnnae_live.tokens import FIRST_PITCH, REST, Tokens, Vocabulary

Span = tuple[int, int] | None
"""Lowest and highest pitch symbol of a phrase, None for no bounds."""

DICE_TICKS = 192
"""Ticks after which ``Dice`` repeat themselves: two bars of 4/4."""

LONGEST = 24 * 4 * 64
"""Ticks of the longest phrase that is decoded at once, 64 bars of 4/4: a bound, not a musical limit."""


SHARPNESS = 8.0
"""How quickly a mix passes from its beginning to its end: the share of the end is a logistic curve this steep."""

Steppers = Callable[[int], Stepper]
"""Gives a stepper of a model for so many states at a time."""


def decode(
    model: Model,
    links: Sequence[Link],
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | Dice | None = None,
    spans: Sequence[Span] | None = None,
    scale: PitchClasses | None = None,
    steppers: Steppers | None = None,
) -> list[Tokens]:
    """Return the tokens of every link in the order in which they sound, int32 (n, 2), filling its ``length``.

    Args:
        model: whose decoder speaks.
        links: phrases of 1 to ``LONGEST`` ticks; all are decoded in one batch.
        temperature: 0 for the likeliest token at each step, 1 for the model's own distribution.
        rng: needed above temperature 0; a generator throws for every token anew, ``Dice`` for every tick.
        spans: lowest and highest pitch symbol that each phrase may use, None for all; a phrase with a span has one
            note at least.
        scale: pitch classes that notes may have, None for all.
        steppers: gives those of this model where they are kept from call to call; else one is made.

    Raises:
        ModelError: a length is outside its range.
    """
    lengths = [link.length for link in links]
    if any(not 1 <= length <= LONGEST for length in lengths):
        raise ModelError(f"A phrase has 1 to {LONGEST} ticks, not {lengths}.")
    if not links:
        return []
    speaker = _Speaker(model, links, steppers or model.stepper)
    choice = _Choice(model, spans or [None] * len(links), scale)
    if temperature > 0:
        choice.chance(temperature, rng if rng is not None else np.random.default_rng())
    rows = _spell(model, speaker, lengths, choice)
    if model.reverses:
        rows = [row[::-1] for row in rows]
    return [np.array(row, np.int32).reshape(-1, 2) for row in rows]


def allowed(model: Model, chain: Chain, *, within: bool) -> list[Span]:
    """Return the pitch symbols that each piece of a chain may use: those of its link's span ``within``, else all.

    None for a piece without pitches, which may also be silent.
    """
    return [link.span if within or link.span is None else model.vocabulary.span for link in chain]


class Dice:
    """Dice that fall at a tick as they fell there before, for every phrase of a batch: like states, like melodies.

    What is decoded again because a knob has moved therefore changes where the states differ, and nowhere by chance.
    """

    def __init__(self, model: Model, seed: Sequence[int]) -> None:
        """Throw for all symbols at every tick of two bars; in a longer phrase the throws come round again."""
        symbols = model.vocabulary.pitch_symbols + model.vocabulary.duration_symbols
        even = np.random.default_rng(seed).standard_exponential((DICE_TICKS, symbols), np.float32)
        self._thrown: Floats = -np.log(np.maximum(even, np.finfo(np.float32).tiny))

    def at(self, ticks: Sequence[int]) -> Floats:
        """Return what is added to the logits at each of ``ticks``, float32 (n, symbols): standard Gumbel numbers."""
        return np.asarray(self._thrown[np.array(ticks) % DICE_TICKS])


class _Choice:
    """Which symbols may be chosen, and by what luck.

    ``closed`` is added to the logits of all pitch symbols: minus infinity for the tags, as a phrase ends when it is
    full, and for pitches outside the span. A scale is kept otherwise, because a note is to stay a note: where a pitch
    outside it is the likeliest, the likeliest inside takes its place; ``locked`` is added to pitches for that.
    """

    def __init__(self, model: Model, spans: Sequence[Span], scale: PitchClasses | None) -> None:
        rows = [_bounds(model.vocabulary, span or model.vocabulary.span, scale or EVERY) for span in spans]
        self.closed = np.stack([row[0] for row in rows])
        self.locked = [row[1] for row in rows]
        self.open = [row[2] for row in rows]
        self.silent = [span is not None for span in spans]
        self.table = model.duration_table
        self._sharpness = np.float32(1)
        self._rng: np.random.Generator | Dice | None = None

    def chance(self, temperature: float, rng: np.random.Generator | Dice) -> None:
        """Let dice decide, as much as ``temperature`` above 0 says."""
        self._sharpness, self._rng = np.float32(1 / temperature), rng
        self.table = self.table * self._sharpness

    def weigh(self, pitches: Floats, durations: Floats, places: list[int]) -> tuple[Floats, Floats]:
        """Return the logits with the luck of the dice: their arg-max is a draw (Gumbel's trick)."""
        if self._rng is None:
            return pitches, durations
        shape = len(pitches), pitches.shape[1] + durations.shape[1]
        thrown = self._rng.at(places) if isinstance(self._rng, Dice) else self._rng.gumbel(size=shape)
        split = pitches.shape[1]
        return pitches * self._sharpness + thrown[:, :split], durations * self._sharpness + thrown[:, split:]

    def pitch(self, row: int, best: int, pitches: Floats) -> int:
        """Return the pitch symbol to choose where ``best`` is the likeliest."""
        return best if self.open[row][best] else self.note(row, pitches)

    def note(self, row: int, pitches: Floats) -> int:
        """Return the symbol of the likeliest pitch that is allowed."""
        return int((pitches[row, FIRST_PITCH:] + self.locked[row]).argmax()) + FIRST_PITCH


@lru_cache(maxsize=1024)
def _bounds(vocabulary: Vocabulary, span: tuple[int, int], scale: PitchClasses) -> tuple[Floats, Floats, list[bool]]:
    """Return ``closed`` and ``locked`` of one phrase, and for each pitch symbol whether it may be chosen."""
    symbols = np.arange(FIRST_PITCH, vocabulary.pitch_symbols)
    away = np.maximum(np.maximum(span[0] - symbols, symbols - span[1]), 0)
    closed = np.zeros(vocabulary.pitch_symbols, np.float32)
    closed[:REST] = -np.inf
    closed[FIRST_PITCH:][away > 0] = -np.inf
    classes = (symbols - FIRST_PITCH + vocabulary.lowest) % 12
    away[~np.isin(classes, list(scale))] = len(symbols)
    # A span without a pitch of the scale is widened to the nearest that there is.
    locked = np.where(away == away.min(), np.float32(0), np.float32(-np.inf))
    return closed, locked, [True] * FIRST_PITCH + (locked == 0).tolist()


class _Speaker:
    """The decoder of links: a row of the stepper for each, and where one of them leans a second row for each."""

    def __init__(self, model: Model, links: Sequence[Link], steppers: Steppers) -> None:
        self._leans = any(link.ends for link in links)
        self._split = model.vocabulary.pitch_symbols
        self._shares = [_shares(link.length, reverses=model.reverses) for link in links] if self._leans else []
        states = [link.ends[0] if link.ends else link.state for link in links]
        if self._leans:
            states += [link.ends[1] if link.ends else link.state for link in links]
        self._stepper = steppers(len(states))
        h, c = np.concatenate([state.h for state in states]), np.concatenate([state.c for state in states])
        self._stepper.begin(h, c, [link.length for link in links] * (len(states) // len(links)))

    def step(self, left: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the logits of every link, of which ``left`` ticks are still to be said."""
        said = self._stepper.step()
        if not self._leans:
            return said
        begin, end = np.split(self._stepper.logits, 2)
        logits = end - begin
        logits *= np.array([[shares[ticks]] for shares, ticks in zip(self._shares, left, strict=True)], np.float32)
        logits += begin
        return logits[:, : self._split], logits[:, self._split :]

    def say(self, pitches: Sequence[int], durations: Sequence[int], places: Sequence[int]) -> None:
        """Tell the next step what was chosen for every link."""
        if len(places) == 1:
            self._stepper.say(slice(None), pitches[0], durations[0], places[0])
            return
        chosen = np.array([pitches, durations, places], np.int32)
        self._stepper.say(slice(None), *(np.tile(chosen, 2) if self._leans else chosen))


@lru_cache(maxsize=64)
def _shares(length: int, *, reverses: bool) -> list[float]:
    """Return the share, 0-1, of the state with which a mix ends, for each number of ticks that are still to be said."""
    steep = -SHARPNESS if reverses else SHARPNESS
    return [1.0 / (1.0 + math.exp(steep * (left / length - 0.5))) for left in range(length + 1)]


def _spell(model: Model, speaker: _Speaker, lengths: Sequence[int], choice: _Choice) -> list[list[tuple[int, int]]]:
    ticks = model.vocabulary.ticks.tolist()
    # How many duration symbols fit into what is left; "none" is the first and never chosen.
    fits = np.searchsorted(model.vocabulary.ticks, np.arange(ticks[-1] + 1), side="right").tolist()
    left = list(lengths)
    places = [model.place(length, length) for length in lengths]
    rows: list[list[tuple[int, int]]] = [[] for _ in left]
    # What has ended goes on unheard with its last token.
    chosen, lasting = [REST] * len(left), [1] * len(left)
    playing = list(range(len(left)))
    while playing:
        pitches, durations = choice.weigh(*speaker.step(left), places)
        best = (pitches + choice.closed).argmax(axis=1).tolist()
        for row in playing:
            pitch = choice.pitch(row, best[row], pitches)
            fit = fits[min(left[row], ticks[-1])]
            duration = int((durations[row, 1:fit] + choice.table[pitch, 1:fit]).argmax()) + 1
            if choice.silent[row]:
                if pitch < FIRST_PITCH and ticks[duration] == left[row]:
                    # Nothing would ever sound: the likeliest note takes the place of this rest.
                    pitch = choice.note(row, pitches)
                choice.silent[row] = pitch < FIRST_PITCH
            rows[row].append((pitch, duration))
            chosen[row], lasting[row] = pitch, duration
            left[row] -= ticks[duration]
            places[row] = model.place(lengths[row], left[row])
        speaker.say(chosen, lasting, places)
        playing = [row for row in playing if left[row] > 0]
    return rows

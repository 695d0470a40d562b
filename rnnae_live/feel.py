"""How a melody on the grid is played: transposed, swung, loud and soft, early and late as the performer was.

mixer, capture -> [feel] -> walk -> player

A melody lies on the grid and knows no touch. ``groove`` takes the touch of a phrase that was played: how hard each
note was struck, and how far it lay beside its place. ``play`` gives it to another melody, with what the knobs add.
Whatever they say, one voice stays one voice: the order of the notes is kept, none sounds into the next, and none
leaves its melody. Small differences belong to a seed and a place, not to the order of calls, so a note that is still
there when a melody is decoded again is played as it was.

*Units*: ticks, 24 to the quarter note; fractions of a tick where something was played. *Errors*: none.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import Note, Phrase

EIGHTH, SIXTEENTH, THIRTY_SECOND = PPQ // 2, PPQ // 4, PPQ // 8

FREE = 0.45
"""Share of the distance to its neighbours that a note may be moved: less than half, so that two never meet."""

UNEVEN = 0.5
"""Ticks (10 ms at 120 bpm) by which notes scatter when ``humanize`` is 1: what skilled players do."""

UNEQUAL = 8.0
"""Steps of velocity by which notes scatter when ``humanize`` is 1."""

SHORTEST = 0.5
"""Ticks that every note sounds, whatever the knobs say."""

NEAR = 6.0
"""Ticks beside its place at which a note of a phrase is still taken for the note of its melody."""

LISTENED = 96
"""Notes from which is found where a melody lies in its phrase."""


@dataclass(frozen=True, slots=True)
class Touch:
    """How one note was played: ``velocity`` 1-127, ``deviation`` in ticks, later than its place above 0."""

    velocity: int
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class Groove:
    """The touch of a phrase of ``length`` ticks, at each of its places; behind its end it begins again."""

    touches: Mapping[int, Touch]
    length: int
    _places: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _usual: Mapping[int, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the usual deviation of each place of a beat."""
        beats: dict[int, list[float]] = defaultdict(list)
        for place, touch in self.touches.items():
            beats[place % PPQ].append(touch.deviation)
        object.__setattr__(self, "_places", tuple(sorted(self.touches)))
        object.__setattr__(self, "_usual", {place: sum(away) / len(away) for place, away in beats.items()})

    def at(self, tick: int) -> Touch | None:
        """Return how a note at ``tick`` is played, None where the phrase has no notes.

        As hard as the last note there or before. As early or late as the note there; where the phrase has none, as
        its notes at the same place of other beats usually are; else in time.
        """
        if not self._places:
            return None
        here = tick % max(1, self.length)
        before = self.touches[self._places[bisect_right(self._places, here) - 1]]
        there = self.touches.get(here)
        return Touch(before.velocity, there.deviation if there else self._usual.get(here % PPQ, 0.0))


@dataclass(frozen=True, slots=True)
class Feel:
    """What the knobs say of how a melody is played.

    ``transpose`` in semitones, ``octave`` in octaves. ``swing`` 0-1: how late the off-beats are, 1 is a triplet;
    ``swung`` which: every second ``EIGHTH`` or every second ``SIXTEENTH``. ``humanize`` 0-1: small differences of
    time and loudness. ``gate`` above 0 to 1: the share of its length that a note sounds; ``shortest`` and ``longest``
    in ticks, as far as there is room. ``groove`` is the touch of a phrase, of which ``amount`` 0-1 is taken over.
    """

    transpose: int = 0
    octave: int = 0
    swing: float = 0.0
    swung: int = EIGHTH
    humanize: float = 0.0
    gate: float = 1.0
    shortest: float = 1.0
    longest: float = math.inf
    groove: Groove | None = None
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Played:
    """A note as it is to sound: ``on_tick`` < ``off_tick``, ``pitch`` 0-127, ``velocity`` 1-127."""

    on_tick: float
    off_tick: float
    pitch: int
    velocity: int


def play(melody: Melody, feel: Feel, start_tick: float, seed: int = 0, *, place: int = 0) -> list[Played]:
    """Return the notes of a melody as they are to sound, in order, one voice inside the melody's length.

    Args:
        melody: on the grid; its tick 0 is a beat, or the beginning of its pickup.
        feel: what the knobs say.
        start_tick: where tick 0 of the melody lies; no note begins earlier.
        seed: of the small differences.
        place: the tick of the groove's phrase that tick 0 of the melody is.
    """
    if not melody.notes:
        return []
    swing = _Swing(melody, feel)
    exact = [swing.at(note.onset) for note in melody.notes]
    touches = [_touch(note, feel, seed, place) for note in melody.notes]
    onsets = _moved(exact, touches, melody)
    played = []
    for at, note in enumerate(melody.notes):
        last = at + 1 == len(onsets)
        limit = float(melody.length) if last else onsets[at + 1]
        # A note that lasts until the next one does so wherever that one goes.
        legato = note.end == (melody.length if last else melody.notes[at + 1].onset)
        lasts = limit - onsets[at] if legato else swing.at(note.end) - exact[at]
        lasts = max(min(lasts * feel.gate, feel.longest), feel.shortest, SHORTEST)
        off = min(onsets[at] + lasts, limit)
        pitch = _folded(note.pitch + feel.transpose + 12 * feel.octave)
        played.append(Played(start_tick + onsets[at], start_tick + off, pitch, touches[at].velocity))
    return played


def groove(phrase: Phrase, melody: Melody) -> Groove:
    """Return the touch of the phrase that a melody on the grid was made from.

    The phrase as a whole may lie anywhere beside the grid: only what single notes deviate from that is its groove.
    A note of the melody that the phrase does not have (the root of a chord) is in time.
    """
    played = [note for part in phrase.parts for note in part.notes]
    times = np.array([note.onset for note in played]) * (PPQ / phrase.ppq)
    pitches = np.array([note.pitch for note in played])
    offset = _offset(times, pitches, melody.notes)
    touches = {}
    for note in melody.notes:
        away = times[pitches == note.pitch] - note.onset - offset
        nearest = float(away[np.abs(away).argmin()]) if len(away) else math.inf
        touches[note.onset] = Touch(min(max(note.velocity, 1), 127), nearest if abs(nearest) <= NEAR else 0.0)
    return Groove(touches, melody.length)


def _offset(times: NDArray[np.float64], pitches: NDArray[np.int64], notes: Sequence[Note]) -> float:
    """Return the tick of the phrase that lies on tick 0 of its melody: where most notes of both are together."""
    heard = notes[:LISTENED]
    if not heard or not len(times):
        return 0.0
    same = pitches[:, None] == np.array([note.pitch for note in heard])
    apart = np.sort((times[:, None] - np.array([note.onset for note in heard]))[same])
    if not len(apart):
        return 0.0
    ends = np.searchsorted(apart, apart + NEAR, side="right")
    first = int((ends - np.arange(len(apart))).argmax())
    return float(np.median(apart[first : ends[first]]))


def _moved(exact: Sequence[float], touches: Sequence[Touch], melody: Melody) -> list[float]:
    """Return the onsets moved by their deviations, as far as their neighbours leave room."""
    edges = [0.0, *exact, float(melody.length)]
    onsets = []
    for onset, before, after, touch in zip(exact, edges, edges[2:], touches, strict=False):
        early, late = FREE * (onset - before), FREE * (after - onset)
        onsets.append(onset + min(max(touch.deviation, -early), late))
    if melody.tied:
        # It sounds already.
        onsets[0] = 0.0
    return onsets


class _Swing:
    """Time as swing bends it: the first of two off-beat halves longer, the second shorter, beats where they were.

    A pair of halves that is played in triplets is not bent, nor is one that the melody's end cuts.
    """

    def __init__(self, melody: Melody, feel: Feel) -> None:
        self._half = feel.swung
        # At 1 the first half is two thirds of both.
        self._late = min(max(feel.swing, 0.0), 1.0) * feel.swung / 3
        self._begin = melody.pickup % (2 * self._half)
        self._even = {self._pair(melody.length)}
        if self._late:
            away = ((note.onset, note.onset - melody.pickup) for note in melody.notes)
            self._even |= {self._pair(onset) for onset, beat in away if beat % THIRTY_SECOND}

    def at(self, tick: int) -> float:
        """Return where a tick of the melody sounds, in ticks; order is kept."""
        pair, half = self._pair(tick), self._half
        if not self._late or pair in self._even:
            return float(tick)
        begin = self._begin + pair * 2 * half
        inside = tick - begin
        if inside <= half:
            return begin + inside * (half + self._late) / half
        return begin + half + self._late + (inside - half) * (half - self._late) / half

    def _pair(self, tick: int) -> int:
        return (tick - self._begin) // (2 * self._half)


def _touch(note: Note, feel: Feel, seed: int, place: int) -> Touch:
    """Return how a note is played: as the groove has it at this place, and a little beside that."""
    velocity, deviation = float(note.velocity), 0.0
    touch = feel.groove.at(place + note.onset) if feel.groove and feel.amount > 0 else None
    if touch is not None:
        velocity += feel.amount * (touch.velocity - velocity)
        deviation += feel.amount * touch.deviation
    if feel.humanize > 0:
        dice = random.Random((seed << 20) + note.onset)
        deviation += feel.humanize * UNEVEN * dice.gauss()
        velocity += feel.humanize * UNEQUAL * dice.gauss()
    return Touch(min(max(round(velocity), 1), 127), deviation)


def _folded(pitch: int) -> int:
    """Return the pitch moved by octaves into 0-127."""
    if pitch < 0:
        return pitch % 12
    return pitch if pitch <= 127 else 116 + (pitch - 116) % 12

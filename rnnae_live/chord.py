"""The root of each chord: what METHOD keeps of harmony.

part -> [chord] -> song

*The rule*: the notes that sound together are compared with the chords that are used in music, built on each of the
twelve pitch classes, and the best match names the root. Each chord tone that sounds counts for it by its weight (root
and third most), each that is missing counts against it, each other note too; doubled and longer notes count a little
more, and the lowest note is a little likelier to be the root. So inversions, open voicings and missing fifths do not
matter; "the lowest note" alone would be right for 30 to 62 of 100. Where two readings fit equally: a sixth chord is
heard as the minor seventh a third below it, which is far commoner; of suspended fourth and second the lowest note
decides. Diminished sevenths and augmented triads divide the octave evenly and have no root in their notes: their
lowest note is taken.

*When chords change*: struck chords change where other notes are struck; repeated ones (comping) are one chord. Broken
chords change on beats: the beats are cut (dynamic programming) so that each piece fits one chord well and there are
few pieces, bar lines and half bars preferred.

*Units*: ticks of the file; pitch classes 0-11, C = 0.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnae_live.lead import chords
from rnnae_live.phrase import Note

Floats = NDArray[np.float64]

CHORDS: dict[str, tuple[float, dict[int, float]]] = {
    "major": (0.0, {0: 1.0, 4: 1.0, 7: 0.6}),
    "minor": (0.02, {0: 1.0, 3: 1.0, 7: 0.6}),
    "seventh": (0.10, {0: 1.0, 4: 1.0, 7: 0.5, 10: 0.9}),
    "minor seventh": (0.14, {0: 1.0, 3: 1.0, 7: 0.5, 10: 0.8}),
    "major seventh": (0.14, {0: 1.0, 4: 1.0, 7: 0.6, 11: 0.8}),
    "diminished": (0.18, {0: 1.0, 3: 1.0, 6: 1.0}),
    "half-diminished": (0.25, {0: 1.0, 3: 1.0, 6: 1.0, 10: 0.9}),
    "sixth": (0.60, {0: 1.0, 4: 1.0, 7: 0.8, 9: 0.7}),
    "minor sixth": (0.30, {0: 1.0, 3: 1.0, 7: 0.8, 9: 0.8}),
    "added ninth": (0.20, {0: 1.0, 4: 1.0, 7: 0.8, 2: 0.6}),
    "ninth": (0.30, {0: 1.0, 4: 1.0, 7: 0.4, 10: 0.9, 2: 0.6}),
    "minor ninth": (0.34, {0: 1.0, 3: 1.0, 7: 0.4, 10: 0.8, 2: 0.6}),
    "suspended fourth": (0.22, {0: 1.0, 5: 1.0, 7: 0.9}),
    "suspended second": (0.32, {0: 1.0, 2: 1.0, 7: 0.9}),
    "suspended seventh": (0.32, {0: 1.0, 5: 1.0, 7: 0.6, 10: 0.9}),
    "fifth": (0.30, {0: 1.0, 7: 1.0}),
    "diminished seventh": (0.30, {0: 1.0, 3: 1.0, 6: 1.0, 9: 1.0}),
    "augmented": (0.30, {0: 1.0, 4: 1.0, 8: 1.0}),
}
"""The chords: how rare each is, and the weight of its tones by their distance from the root in semitones."""

MISSING = 0.9
"""Share of a chord tone's weight that counts against the chord when it does not sound."""

FOREIGN = 1.1
"""Weight of a sounding pitch class that is no chord tone."""

BASS = 0.22
"""Bonus of a root that is the lowest note."""

CHANGE = 0.5
"""Cost of a change of harmony in broken chords, in beats of fitting notes."""

LONGEST = 8
"""Most beats that a broken chord lasts before it is looked at afresh."""


@dataclass(frozen=True, slots=True)
class Root:
    """One chord: it sounds from ``onset`` to ``end`` (ticks), ``pitch_class`` is its root, ``pitch`` a note for it."""

    onset: int
    end: int
    pitch_class: int
    pitch: int


def root(pitches: Sequence[int], weights: Sequence[float] | None = None) -> int:
    """Return the pitch class 0-11 of the root of pitches that sound together (at least one).

    Args:
        pitches: MIDI pitches.
        weights: how much each counts, 1 where not given.
    """
    sounding = np.zeros(12)
    for pitch, weight in zip(pitches, weights or [1.0] * len(pitches), strict=True):
        sounding[pitch % 12] += weight
    # Presence counts, doubling only a little: a doubled third does not become a root.
    present = np.where(sounding > 0, 0.85 + 0.15 * np.minimum(sounding, 2.0), 0.0)
    scores = _fits(present[None, :])[0]
    scores[min(pitches) % 12] += BASS
    even = _evenly_divided({int(pc) for pc in np.flatnonzero(sounding > 0)})
    return min(pitches) % 12 if even else int(np.argmax(scores))


def _evenly_divided(pcs: set[int]) -> bool:
    """Say whether pitch classes are a diminished seventh or an augmented triad."""
    return any({(pc + step) % 12 for pc in pcs} == pcs for step in (3, 4)) and len(pcs) in {3, 4}


def _templates() -> tuple[Floats, Floats]:
    """Return the weight of each pitch class in each chord on each root (12 * chords, 12), and each one's cost."""
    rows, costs = [], []
    for pitch_class in range(12):
        for rare, tones in CHORDS.values():
            row = np.full(12, -FOREIGN)
            for tone, weight in tones.items():
                row[(pitch_class + tone) % 12] = weight * (1 + MISSING)
            rows.append(row)
            costs.append(rare + MISSING * sum(tones.values()))
    return np.array(rows), np.array(costs)


_ROWS, _COSTS = _templates()


def _fits(present: Floats) -> Floats:
    """Return how well the best chord on each of the 12 roots fits each row of pitch-class presences (n, 12)."""
    scores = present @ _ROWS.T - _COSTS
    fits: Floats = scores.reshape(len(present), 12, len(CHORDS)).max(axis=2)
    return fits


def roots(notes: Sequence[Note], spread: float, beat: int, bar: int, origin: int = 0) -> list[Root]:
    """Return the chords of an accompaniment, in order and without overlap; none where nothing sounds like chords.

    Args:
        notes: ordered notes of one or more parts.
        spread: widest gap inside a struck chord.
        beat: ticks of a beat.
        bar: ticks of a bar.
        origin: tick of a bar line.
    """
    groups = chords(notes, spread)
    if not groups:
        return []
    if _is_struck(groups):
        return _struck(groups, bar)
    return _broken(notes, beat, bar, origin)


def _is_struck(groups: Sequence[Sequence[Note]]) -> bool:
    """Say whether harmony comes as chords: most of what sounds is struck in threes or more, little lies between."""
    large = [group for group in groups if len(group) >= 3]
    if not large:
        return False
    total = sum(note.duration for group in groups for note in group)
    (
        between,
        until,
    ) = 0, 0
    for group in groups:
        if len(group) >= 3:
            until = max(note.end for note in group)
        elif group[0].onset >= until:
            between += 1
    return sum(n.duration for group in large for n in group) >= 0.6 * total and between <= 0.3 * len(groups)


def _struck(groups: Sequence[Sequence[Note]], bar: int) -> list[Root]:
    """Return the chords of struck groups; what is struck again stays one chord, two or fewer notes change nothing."""
    found: list[Root] = []
    last: set[int] = set()
    for group in groups:
        pcs = {note.pitch % 12 for note in group}
        if len(group) < 3 and found:
            continue
        onset, end = group[0].onset, max(note.end for note in group)
        if found and pcs <= last and (pcs == last or len(pcs) < 3):
            found[-1] = Root(found[-1].onset, end, found[-1].pitch_class, found[-1].pitch)
            continue
        pitches = [note.pitch for note in group]
        pitch_class = root(pitches, [1.0] * len(pitches))
        found.append(Root(onset, end, pitch_class, _sounding(pitches, pitch_class)))
        last = pcs
    return _joined(found, bar)


def _joined(found: Sequence[Root], bar: int) -> list[Root]:
    """Return chords that last until the next one, unless there is a bar of silence between them."""
    line = []
    for here, after in zip(found, [*found[1:], None], strict=True):
        end = here.end
        if after is not None and (after.onset < end or after.onset - end < bar):
            end = after.onset
        line.append(Root(here.onset, max(end, here.onset + 1), here.pitch_class, here.pitch))
    return line


def _sounding(pitches: Sequence[int], pitch_class: int) -> int:
    """Return the lowest of the pitches that is the root, or the root below the lowest where it does not sound."""
    own = [pitch for pitch in pitches if pitch % 12 == pitch_class]
    low = min(pitches)
    return min(own) if own else max(low - (low - pitch_class) % 12, pitch_class)


def _broken(notes: Sequence[Note], beat: int, bar: int, origin: int) -> list[Root]:
    """Return the chords of a broken accompaniment, changing on beats; a long time without attacks divides it."""
    found: list[Root] = []
    start, until = 0, notes[0].onset
    for i, note in enumerate([*notes[1:], None], start=1):
        if note is None or note.onset > until + 2 * LONGEST * beat:
            found += _passage(notes[start:i], beat, bar, origin)
            start = i
        if note is not None:
            until = note.onset
    return found


def _passage(notes: Sequence[Note], beat: int, bar: int, origin: int) -> list[Root]:
    """Return the chords of notes without a long rest between them."""
    first = origin + (notes[0].onset - origin) // beat * beat
    count = -(-(min(max(note.end for note in notes), notes[-1].onset + LONGEST * beat) - first) // beat)
    heard = np.zeros((count + 1, 12))
    lowest = np.full(count, 128)
    for note in notes:
        start, end = (note.onset - first) / beat, (note.end - first) / beat
        # What is held for longer than a chord lasts says nothing about the next one.
        for i in range(int(start), min(count, math.ceil(end), int(start) + LONGEST)):
            heard[i + 1, note.pitch % 12] += min(end, i + 1) - max(start, i)
            lowest[i] = min(lowest[i], note.pitch)
    sums = heard.cumsum(axis=0)
    costs = [CHANGE * _change(first + i * beat - origin, bar) for i in range(count)]
    # fits[n - 1][i]: each root over n beats from beat i on.
    fits, bass = [], lowest
    for length in range(1, min(LONGEST, count) + 1):
        if length > 1:
            bass = np.minimum(bass[:-1], lowest[length - 1 :])
        fits.append(_spans(sums[length:] - sums[:-length], bass))
    best: list[tuple[float, int]] = [(0.0, 0)]
    peaks = [fit.max(axis=1) * (n + 1) for n, fit in enumerate(fits)]
    for end in range(1, count + 1):
        ways = [
            (best[end - n][0] + float(peaks[n - 1][end - n]) - costs[end - n], end - n)
            for n in range(1, min(LONGEST, end) + 1)
        ]
        best.append(max(ways))
    spans, end = [], count
    while end:
        start = best[end][1]
        spans.append((start, end, int(fits[end - start - 1][start].argmax())))
        end = start
    return _named(notes, spans[::-1], first, beat, heard)


def _change(place: int, bar: int) -> float:
    """Return how unlikely harmony is to change at a place: least on a bar line, then on the half bar."""
    if place % bar == 0:
        return 1.0
    return 1.3 if 2 * (place % bar) == bar else 2.5


def _spans(heard: Floats, lowest: NDArray[np.int64]) -> Floats:
    """Return how well each root fits what is heard in each span (n, 12), about 1 for a whole triad."""
    total = heard.sum(axis=1, keepdims=True)
    # Three pitch classes that sound equally long are present like those of a struck triad.
    present = np.minimum(3.0 * heard / np.maximum(total, 1e-9), 1.15)
    fits: Floats = _fits(present)
    fits[np.arange(len(fits)), lowest % 12] += BASS * (lowest < 128)
    fits[total[:, 0] <= 1e-9] = 0.0
    return fits / 2.6


def _named(
    notes: Sequence[Note], spans: Sequence[tuple[int, int, int]], first: int, beat: int, heard: Floats
) -> list[Root]:
    """Return the chords of spans of beats; silent ones have none, equal ones are one."""
    found: list[Root] = []
    onsets = [note.onset for note in notes]
    for start, end, pitch_class in spans:
        if not heard[start + 1 : end + 1].any():
            continue
        onset, stop = first + start * beat, first + end * beat
        if found and found[-1].pitch_class == pitch_class and found[-1].end == onset:
            found[-1] = Root(found[-1].onset, stop, pitch_class, found[-1].pitch)
            continue
        near = notes[bisect_left(onsets, onset - LONGEST * beat) : bisect_left(onsets, stop)]
        pitches = [note.pitch for note in near if note.end > onset] or [near[-1].pitch]
        found.append(Root(onset, stop, pitch_class, _sounding(pitches, pitch_class)))
    return found

"""What can be heard in a phrase and counted: density, range, syncopation, interval size, contour.

melody -> [attributes] -> a number each

The five are what the knobs of ``steering`` move, measured on what is heard, not on the state:

- ``density``: notes begun a quarter note, 0 to 24.
- ``range``: semitones from the lowest to the highest note, 0 to 127.
- ``syncopation``: Longuet-Higgins and Lee's measure a bar, 0 upwards. A note that sounds, or is followed by rest,
  across a place of the metre stronger than its own counts by how many levels that place is stronger. The bar weighs
  0 and each division of it one less: in 4/4 halves -1, quarters -2, eighths -3, sixteenths -4. A triplet weighs as
  the plain division of the same level does, so triplets that fill their beat are no syncopation.
- ``interval``: mean absolute interval between notes that follow each other, in semitones, 0 to 127.
- ``contour``: slope of the line of least squares through pitch against time, each pitch lasting until the next, in
  semitones a quarter note; below 0 where the phrase falls.

A phrase with too few notes for a measure has 0. A tied first note was not begun here: it has a pitch, but counts
neither as density nor as syncopation. *Units*: ticks, 24 to the quarter note.
*Source*: Longuet-Higgins and Lee, The rhythmic interpretation of monophonic music (1984), in the weights of Fitch and
Rosenfeld, Perception and production of syncopated rhythms (2007); the choice of attributes: Roberts et al., A
hierarchical latent vector model (MusicVAE, 2018), section 6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import Metre

Values = NDArray[np.float64]

ATTRIBUTES = ("density", "range", "syncopation", "interval", "contour")
"""The names, in the order of the numbers that ``measure`` returns."""

LOWEST = (0.0, 0.0, 0.0, 0.0, -np.inf)
"""What no phrase goes below, in the same order."""

SIXTEENTH = PPQ // 4


def measure(phrases: Sequence[Melody]) -> Values:
    """Return the attributes of phrases, float64 (phrases, 5) in the order of ``ATTRIBUTES``."""
    rows = [(density(p), span(p), syncopation(p), interval(p), contour(p)) for p in phrases]
    return np.array(rows, np.float64).reshape(-1, len(ATTRIBUTES))


def density(phrase: Melody) -> float:
    """Return the notes begun a quarter note, 0 for an empty phrase."""
    return PPQ * len(_begun(phrase)) / phrase.length if phrase.length else 0.0


def span(phrase: Melody) -> float:
    """Return the semitones from the lowest to the highest note, 0 for fewer than two."""
    pitches = [note.pitch for note in phrase.notes]
    return float(max(pitches) - min(pitches)) if pitches else 0.0


def interval(phrase: Melody) -> float:
    """Return the mean absolute interval in semitones, 0 for fewer than two notes."""
    steps = [abs(b.pitch - a.pitch) for a, b in pairwise(phrase.notes)]
    return sum(steps) / len(steps) if steps else 0.0


def contour(phrase: Melody) -> float:
    """Return the slope of pitch against time in semitones a quarter note, 0 for fewer than two notes."""
    if len(phrase.notes) < 2:
        return 0.0
    # Each pitch lasts until the next begins: its share of the slope is an integral over that stretch.
    edges = [0, *(note.onset for note in phrase.notes[1:]), phrase.length]
    moment = sum(
        note.pitch * (end - start) * (start + end - phrase.length) / 2
        for note, (start, end) in zip(phrase.notes, pairwise(edges), strict=True)
    )
    return 12 * PPQ * moment / phrase.length**3


def syncopation(phrase: Melody) -> float:
    """Return the levels by which notes reach across stronger places, a bar; 0 for an empty phrase."""
    if not phrase.length:
        return 0.0
    own, place = _weights(phrase)
    bar = phrase.metres[0].bar(PPQ)
    total = 0
    begun = _begun(phrase)
    for onset, after in pairwise([*begun, phrase.length]):
        strongest = max(place[onset + 1 : after], default=own[onset])
        total += max(0, strongest - own[onset])
    return total * bar / phrase.length


def _begun(phrase: Melody) -> list[int]:
    return [note.onset for note in phrase.notes[phrase.tied :]]


def _weights(phrase: Melody) -> tuple[list[int], list[int]]:
    """Return for every tick what a note there weighs, and what the place weighs that another reaches across."""
    own: list[int] = []
    place: list[int] = []
    lines = phrase.bars()
    for start, end in pairwise([*lines, phrase.length]):
        metre = max((m for m in phrase.metres if m.onset <= start), default=phrase.metres[0])
        # A pickup is the end of a bar.
        skip = metre.bar(PPQ) - phrase.pickup if start == 0 and phrase.pickup else 0
        for weights, table in zip((own, place), _bar_weights(metre.numerator, metre.denominator), strict=True):
            weights.extend(table[max(0, skip) :][: end - start])
    return own, place


@lru_cache(maxsize=64)
def _bar_weights(numerator: int, denominator: int) -> tuple[list[int], list[int]]:
    """Return ``_weights`` of one bar."""
    spans = _divisions(numerator, denominator)
    lowest = -len(spans)
    place = [next((-level for level, s in enumerate(spans) if tick % s == 0), lowest) for tick in range(spans[0])]
    own = list(place)
    if PPQ in spans:
        triplet = -spans.index(PPQ) - 1
        for tick, weight in enumerate(place):
            if weight == lowest and tick % 4 == 0:
                own[tick] = triplet if tick % 8 == 0 else triplet - 1
    return own, place


def _divisions(numerator: int, denominator: int) -> list[int]:
    """Return the lengths in ticks of a bar, its groups, beats and their parts down to the sixteenth."""
    spans = [Metre(0, numerator, denominator).bar(PPQ)]
    compound = numerator > 3 and numerator % 3 == 0
    count = numerator // 3 if compound else numerator
    parts = []
    while count > 1:
        parts.append(next(d for d in range(2, count + 1) if count % d == 0))
        count //= parts[-1]
    for part in [*parts, *([3] if compound else [])]:
        spans.append(max(1, spans[-1] // part))
    while spans[-1] % 2 == 0 and spans[-1] // 2 >= SIXTEENTH:
        spans.append(spans[-1] // 2)
    return spans

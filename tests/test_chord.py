"""The root of a chord is found in any inversion and in any way of sounding it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from rnnae_live.chord import root, roots
from rnnae_live.phrase import Note
from rnnae_live.song import Song, read_song
from tests import harmonist

TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7), "seventh": (0, 4, 7, 10), "major seventh": (0, 4, 7, 11),
          "minor seventh": (0, 3, 7, 10), "diminished": (0, 3, 6), "half-diminished": (0, 3, 6, 10),
          "without a fifth": (0, 4, 10)}  # fmt: skip


@pytest.mark.parametrize("quality", TRIADS)
def test_every_inversion_has_the_same_root(quality: str) -> None:
    tones = TRIADS[quality]
    for base in range(12):
        for lowest in tones:
            pitches = [48 + base + lowest, *(60 + base + tone for tone in tones if tone != lowest)]
            assert root(pitches) == base


def test_what_divides_the_octave_evenly_takes_its_lowest_note() -> None:
    for base in range(12):
        assert root([48 + base, 51 + base, 54 + base, 57 + base]) == base
        assert root([48 + base, 52 + base, 56 + base]) == base


def test_of_two_suspensions_the_lowest_note_decides() -> None:
    assert root([48, 53, 55]) == 0
    assert root([53, 60, 67]) == 5


def test_two_notes_and_one() -> None:
    assert root([48, 55]) == 0
    assert root([55, 60]) == 0
    assert root([48, 52]) == 0
    assert root([50]) == 2


def test_what_is_struck_again_is_one_chord() -> None:
    notes = [Note(240 * i, 200, pitch) for i in range(6) for pitch in (60, 64, 67)]
    notes += [Note(1440, 200, pitch) for pitch in (57, 60, 65)]
    found = roots(notes, 20, 480, 1920)
    assert [(r.onset, r.end, r.pitch_class, r.pitch) for r in found] == [(0, 1440, 0, 60), (1440, 1640, 5, 65)]


def test_broken_chords_change_on_beats() -> None:
    harmonies = [(0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)]
    notes = [
        Note(1920 * i + 240 * k, 240, 60 + tones[(0, 1, 2, 1)[k % 4]])
        for i, tones in enumerate(harmonies)
        for k in range(8)
    ]
    found = roots(notes, 20, 480, 1920)
    assert [(r.onset, r.pitch_class) for r in found] == [(0, 0), (1920, 5), (3840, 7), (5760, 0)]


def heard(song: Song, onset: float, duration: float) -> int | None:
    """Return the root that sounds longest between two ticks of the grid."""
    shares: Counter[int] = Counter()
    for start, length, pitch_class in song.roots:
        shares[pitch_class] += max(0, min(start + length, round(onset + duration)) - max(start, round(onset)))
    return shares.most_common(1)[0][0] if shares else None


LEAST = dict.fromkeys(harmonist.STYLES, 0.95) | {"arpeggio": 0.88, "alberti": 0.72, "oom-pah": 0.85}
"""Of broken chords some notes are missing at any time, and of Alberti basses with four-note chords one always is."""


@pytest.mark.parametrize("style", harmonist.STYLES)
def test_chords_are_heard_in_every_style(style: str) -> None:
    dice = random.Random(style)
    right = total = 0
    for _ in range(15):
        piece = harmonist.piece(style, dice)
        song = read_song(piece.data)
        scale = 24 / piece.ppq
        for onset, duration, expected in piece.roots:
            right += heard(song, onset * scale, duration * scale) == expected
            total += 1
    assert right >= LEAST[style] * total

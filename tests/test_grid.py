"""Performed attacks come back as the places that were meant."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live import grid
from tests.performer import ARTICULATIONS, TUNES, perform


def test_written_and_performed_are_told_apart() -> None:
    dice = random.Random(1)
    for notes, _ in TUNES.values():
        for ppq in (24, 48, 96, 100, 120, 240, 384, 480, 960):
            written = [round(onset * ppq / 24) for onset, _, _ in notes]
            assert grid.is_written(written, ppq)
        played = perform(notes, dice, jitter_ms=4)
        assert not grid.is_written([round(onset) for onset, *_ in played], 480)


@pytest.mark.parametrize("jitter", [4, 8, 12])
@pytest.mark.parametrize("tune", TUNES)
def test_places_survive_jitter(tune: str, jitter: int) -> None:
    notes, metre = TUNES[tune]
    for seed in range(5):
        played = perform(notes, random.Random(seed), jitter_ms=jitter, bpm=96, lead_in_ms=137 * seed)
        beat = 36 if metre == (6, 8) else 24
        _, places = grid.fit([onset / 20 for onset, *_ in played], beat, 96)
        assert [place - places[0] for place in places] == [onset for onset, _, _ in notes]


@pytest.mark.parametrize("articulation", ARTICULATIONS)
def test_articulation_belongs_to_the_note(articulation: str) -> None:
    notes, _ = TUNES["amazing"]
    right = total = 0
    for seed in range(10):
        played = perform(notes, random.Random(seed), jitter_ms=6, articulation=articulation)
        onsets, ends = [note[0] / 20 for note in played], [note[1] / 20 for note in played]
        lengths = grid.durations(onsets, ends, [onset for onset, _, _ in notes])
        right += sum(got == meant for got, (_, meant, _) in zip(lengths, notes, strict=True))
        total += len(notes)
    assert right >= {"legato": 0.99, "detached": 0.97, "staccato": 0.94, "mixed": 0.94}[articulation] * total


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=60), st.sampled_from([24, 36]), st.floats(20, 400))
def test_places_always_ascend(times: list[float], beat: int, bpm: float) -> None:
    heard, places = grid.fit(sorted(times), beat, bpm)
    assert len(places) == len(times)
    assert all(a < b for a, b in pairwise(places))
    assert heard.beat == beat
    lengths = grid.durations(sorted(times), [time + 3 for time in sorted(times)], places)
    assert all(length >= 1 for length in lengths)
    assert all(a + length <= b for a, b, length in zip(places, places[1:], lengths, strict=False))

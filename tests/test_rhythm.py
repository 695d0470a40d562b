"""Written notes stay; performed ones begin in their first bar."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.phrase import Metre, Note
from rnnae_live.rhythm import settle
from tests.performer import TUNES, perform


def line(*spans: tuple[int, int]) -> list[Note]:
    return [Note(onset, end - onset, 60 + i % 7) for i, (onset, end) in enumerate(spans)]


def spans(notes: tuple[Note, ...]) -> list[tuple[int, int]]:
    return [(note.onset, note.end) for note in notes]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(3, 60)), min_size=1))
def test_what_is_on_the_grid_stays(steps: list[tuple[int, int]]) -> None:
    notes, now = [], 0
    for rest, duration in steps:
        start = now + rest // 3 * 3
        notes.append(Note(start * 20, duration // 3 * 60, 60))
        now = start + duration // 3 * 3
    result = settle(notes, 480, Metre(0), 120)
    assert [(n.onset * 20, n.duration * 20) for n in result.notes] == [(n.onset, n.duration) for n in notes]
    assert (result.moved, result.shift, result.lead, result.performed) == (0, 0.0, 0.0, False)


def test_legato_is_cut_at_the_next_attack_and_so_is_the_last_note() -> None:
    result = settle(line(*((240 * i, 240 * i + 270) for i in range(8))), 480, Metre(0), 120)
    assert spans(result.notes) == [(12 * i, 12 * i + 12) for i in range(8)]
    assert result.moved == 8


def test_shortened_notes_get_their_ticks_back() -> None:
    for cut in (10, 25, 40):
        result = settle(line(*((480 * i, 480 * i + 480 - cut) for i in range(8))), 480, Metre(0), 120)
        assert spans(result.notes)[:-1] == [(24 * i, 24 * i + 24) for i in range(7)]


def test_a_single_short_gap_is_a_rest() -> None:
    notes = line((0, 480), (480, 920), (960, 1440), (1440, 1920))
    assert spans(settle(notes, 480, Metre(0), 120).notes)[1] == (24, 46)


@pytest.mark.parametrize("ppq", [100, 220, 25, 384])
def test_divisions_without_24_are_rounded_and_counted(ppq: int) -> None:
    notes = [Note(round(on * ppq / 24), max(1, round(d * ppq / 24)), p) for on, d, p in TUNES["triplets"][0]]
    result = settle(notes, ppq, Metre(0), 120)
    assert [n.onset for n in result.notes] == [on for on, _, _ in TUNES["triplets"][0]]
    assert (result.moved > 0) == (ppq % 24 > 0)
    assert result.shift <= 0.5 * 24 / ppq + 1e-9


def test_attacks_closer_than_the_grid_keep_a_tick_each() -> None:
    notes = line((0, 5), (5, 10), (10, 15), (480, 960), (960, 1440), *((480 * i, 480 * i + 480) for i in range(3, 30)))
    result = settle(notes, 480, Metre(0), 120)
    assert spans(result.notes)[:4] == [(0, 1), (1, 2), (2, 20), (24, 48)] or len(result.notes) == len(notes)
    assert len(result.notes) == len(notes)


@pytest.mark.parametrize("lead_in", [0, 40, 333, 500, 1700])
def test_the_first_bar_begins_at_zero(lead_in: int) -> None:
    notes, metre = TUNES["ode"]
    played = perform(notes, random.Random(lead_in), bpm=110, lead_in_ms=lead_in, jitter_ms=6)
    heard = [Note(round(a), round(b - a), p, v) for a, b, p, v in played]
    result = settle(heard, 480, Metre(0, *metre), 110)
    assert result.performed
    assert [(n.onset, n.duration, n.pitch) for n in result.notes] == notes
    assert abs(result.lead - lead_in * 110 * 24 / 60_000) < 0.7

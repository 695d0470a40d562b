"""What waits comes out in order, whatever is forgotten in between, and takes no room once it is forgotten."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.agenda import MOST_DEAD, Agenda, Waiting, key_of
from rnnae_live.events import note_off, note_on

pytestmark = pytest.mark.unit


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.booleans(), st.integers(0, 2)), max_size=50))
def test_what_is_left_comes_out_by_moment_rank_and_age(rows: list[tuple[int, int, bool, int]]) -> None:
    agenda = Agenda()
    left: list[tuple[int, int, int]] = []
    for number, (at, rank, forgotten, owner) in enumerate(rows):
        pushed = agenda.push(at, rank, note_on(0, number, 1), owner, until=at + 1)
        if forgotten:
            agenda.forget(pushed)
            agenda.forget(pushed)
        else:
            left.append((at, rank, number))
    assert len(agenda) == len(left)
    out: list[Waiting] = []
    for end in range(11):
        while (waiting := agenda.pop(end)) is not None:
            assert waiting.at < end
            out.append(waiting)
    assert [(one.at, one.data[1]) for one in out] == [(at, number) for at, _, number in sorted(left)]
    assert agenda.next_at() == math.inf


def test_notes_are_known_by_whose_they_are_and_all_but_one_can_be_forgotten() -> None:
    agenda = Agenda()
    for owner in range(3):
        agenda.push(owner, 0, note_on(0, owner, 1), owner, until=9.0)
    agenda.push(5.0, 0, note_off(0, 1), 1)
    assert [one.key for one in agenda.notes(2)] == [(0, 2)]
    agenda.clear(but=1)
    assert [list(agenda.notes(owner)) == [] for owner in range(3)] == [True, False, True]
    assert len(agenda) == 2
    agenda.clear()
    assert agenda.pop(math.inf) is None


def test_forgotten_entries_are_swept_before_they_outnumber_the_others() -> None:
    agenda = Agenda()
    for _ in range(100 * MOST_DEAD):
        agenda.forget(agenda.push(1.0, 0, note_on(0, 60, 1), 0, until=2.0))
    assert len(agenda._heap) <= MOST_DEAD + 1


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (note_on(3, 60, 1), ((3, 60), True)),
        (b"\x93\x3c\x00", ((3, 60), False)),
        (note_off(3, 60), ((3, 60), False)),
        (b"\xb3\x3c\x00", (None, False)),
        (b"\xf8", (None, False)),
    ],
)
def test_a_note_off_is_one_in_either_spelling(data: bytes, key: tuple[tuple[int, int] | None, bool]) -> None:
    assert key_of(data) == key

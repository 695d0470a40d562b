"""Bridges: the two notes at a seam move to what the music at hand would say, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rnnae_export.bridges import REACH, Bridges

from rnnae_live.tokens import FIRST_PITCH, REST

pytestmark = pytest.mark.unit

QUARTER = 17
"""Some duration symbol."""


def notes(*pitches: int) -> NDArray[np.int16]:
    return np.array([(FIRST_PITCH + pitch, QUARTER) for pitch in pitches], np.int16).reshape(-1, 2)


@pytest.fixture(scope="module")
def bridges() -> Bridges:
    """What has heard scales alone, up and down, a semitone a step."""
    learned = Bridges()
    for start in range(0, 40, 3):
        learned.learn(notes(*range(start, start + 20)))
        learned.learn(notes(*range(start + 20, start, -1)))
    return learned


def test_a_leap_at_the_seam_is_closed_as_far_as_the_two_notes_reach(bridges: Bridges) -> None:
    joined = bridges.join(notes(10, 11, 12, 13), notes(19, 15, 16, 26))
    # 14 is where the scale goes on; its pitch class is there, as 26. What is around the seam stays.
    assert (joined[:, 0] - FIRST_PITCH).tolist() == [10, 11, 12, 13, 14, 15, 16, 26]


def test_it_counts_what_it_has_heard(bridges: Bridges) -> None:
    assert bridges.notes == 2 * 14 * 20


@pytest.mark.parametrize(("first", "second"), [((), (3, 4)), ((3, 4), ()), ((), ())])
def test_what_has_nothing_beside_it_is_only_joined(
    bridges: Bridges, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    joined = bridges.join(notes(*first), notes(*second))
    assert np.array_equal(joined, notes(*first, *second))


def test_silence_is_only_joined(bridges: Bridges) -> None:
    silence = np.array([(REST, QUARTER)], np.int16)
    assert np.array_equal(bridges.join(silence, notes(5, 6)), np.concatenate([silence, notes(5, 6)]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_only_the_notes_at_the_seam_move_and_not_far(bridges: Bridges, a: list[int], b: list[int]) -> None:
    joined, before = bridges.join(notes(*a), notes(*b)), notes(*a, *b)
    moved = np.flatnonzero((joined != before).any(axis=1)).tolist()
    assert set(moved) <= {len(a) - 1, len(a)}
    assert np.array_equal(joined[:, 1], before[:, 1])
    assert np.abs(joined[:, 0] - before[:, 0]).max() <= REACH
    assert set((joined[:, 0] % 12).tolist()) <= set((before[:, 0] % 12).tolist())
    assert before[:, 0].min() <= joined[:, 0].min() <= joined[:, 0].max() <= before[:, 0].max()

"""Endless knobs: the table of the four codings, and how they are told from each other and from knobs with ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control.encoders import Encoding, decoded, detected, encoded

pytestmark = pytest.mark.unit

TABLE = {
    Encoding.SIGNED_BIT: (range(1, 65), range(65, 128)),
    Encoding.SIGNED_BIT_2: (range(65, 128), range(1, 65)),
    Encoding.BINARY_OFFSET: (range(65, 128), range(63, 0, -1)),
    Encoding.TWOS_COMPLEMENT: (range(1, 65), range(127, 64, -1)),
}
"""Values of 1, 2, 3, ... clicks to the right and to the left, as Live's manual prints them."""


@pytest.mark.parametrize("encoding", Encoding)
def test_each_coding_is_as_the_manual_prints_it(encoding: Encoding) -> None:
    right, left = TABLE[encoding]
    assert [decoded(encoding, value) for value in right] == list(range(1, len(right) + 1))
    assert [decoded(encoding, value) for value in left] == [-click for click in range(1, len(left) + 1)]


@given(st.sampled_from(Encoding), st.integers(-63, 63))
def test_clicks_come_back(encoding: Encoding, clicks: int) -> None:
    assert 0 <= encoded(encoding, clicks) <= 127
    assert decoded(encoding, encoded(encoding, clicks)) == clicks


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(
    "path", [[-1] * 6, [-1, -1, -1, -1, -2, -1], [-1] * 5 + [1] * 5, [-1, -1, -1, -1, -5, 3, 1, 1]]
)
def test_a_slow_turn_to_the_left_tells_which_it_is(encoding: Encoding, path: list[int]) -> None:
    assert detected([encoded(encoding, clicks) for clicks in path]) is encoding


@pytest.mark.parametrize("encoding", [Encoding.BINARY_OFFSET, Encoding.TWOS_COMPLEMENT])
def test_a_turn_to_both_sides_tells_these_whichever_came_first(encoding: Encoding) -> None:
    assert detected([encoded(encoding, clicks) for clicks in [1] * 5 + [-1] * 5]) is encoding


@given(st.integers(0, 127), st.lists(st.integers(-12, 12).filter(bool), min_size=1, max_size=64))
def test_a_knob_with_ends_that_moves_is_never_taken_for_an_endless_one(start: int, steps: list[int]) -> None:
    values = [start]
    for step in steps:
        following = min(max(values[-1] + step, 0), 127)
        if following != values[-1]:
            values.append(following)
    assert detected(values) is None


@given(st.lists(st.sampled_from([1, 1, 2, 63, 64, 65, 66, 100, 127, 127]), min_size=4, max_size=12))
def test_what_is_detected_decodes_to_small_steps(values: list[int]) -> None:
    encoding = detected(values)
    assert encoding is None or all(abs(decoded(encoding, value)) <= 16 for value in values)


@pytest.mark.parametrize("values", [[], [1], [127, 127], [64] * 9, [0] * 9, [127, 0, 127, 0, 127, 0]])
def test_too_little_or_a_button_is_no_endless_knob(values: list[int]) -> None:
    assert detected(values) is None

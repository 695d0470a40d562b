"""Takeover: jump, pick-up and scale never leave the range, never go against the knob, never jump where they may not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control.takeover import NEAR, Mode, Takeover

pytestmark = pytest.mark.unit

PLACES = st.floats(0.0, 1.0, allow_subnormal=False)
PATHS = st.lists(PLACES, min_size=1, max_size=30)


def follow(mode: Mode, value: float, knobs: list[float]) -> list[tuple[float, float]]:
    """Return where the parameter was before and after each move of the knob."""
    takeover, path = Takeover(mode), []
    for knob in knobs:
        moved = takeover.move(knob, value)
        after = value if moved is None else moved
        path.append((value, after))
        value = after
    return path


@given(st.sampled_from(Mode), PLACES, PATHS)
def test_the_parameter_stays_in_its_range(mode: Mode, value: float, knobs: list[float]) -> None:
    for _, after in follow(mode, value, knobs):
        assert math.isfinite(after)
        assert 0.0 <= after <= 1.0


@given(st.sampled_from([Mode.PICKUP, Mode.SCALE]), PLACES, PATHS)
def test_the_parameter_never_goes_against_its_knob(mode: Mode, value: float, knobs: list[float]) -> None:
    for (before, after), was, knob in zip(follow(mode, value, knobs)[1:], knobs, knobs[1:], strict=False):
        # What is picked up may lie beside its knob by the tolerance.
        slack = NEAR if mode is Mode.PICKUP else 1e-9
        assert (after - before) * (knob - was) >= -slack


@given(PLACES, PATHS)
def test_jump_is_where_the_knob_is(value: float, knobs: list[float]) -> None:
    assert [after for _, after in follow(Mode.JUMP, value, knobs)] == knobs


@given(PLACES, PATHS)
def test_pickup_never_moves_before_the_knob_has_met_the_parameter(value: float, knobs: list[float]) -> None:
    met, before = False, None
    for knob, (_, after) in zip(knobs, follow(Mode.PICKUP, value, knobs), strict=True):
        crossed = before is not None and min(before, knob) <= value <= max(before, knob)
        met = met or crossed or abs(knob - value) <= NEAR
        assert after == (knob if met else value)
        before = knob


def test_pickup_of_a_whole_sweep_of_a_controller_is_smooth() -> None:
    path = follow(Mode.PICKUP, 0.5, [value / 127 for value in range(128)])
    assert max(abs(after - before) for before, after in path) <= NEAR + 1e-12
    assert path[-1][1] == 1.0


@given(PLACES, st.floats(0.01, 0.99), st.sampled_from([0.0, 1.0]))
def test_scale_reaches_the_end_together_with_its_knob(value: float, knob: float, end: float) -> None:
    middle = (knob + end) / 2
    assert follow(Mode.SCALE, value, [knob, middle, end])[-1][1] == pytest.approx(end, abs=1e-9)


def test_scale_goes_half_of_its_way_while_the_knob_does() -> None:
    path = follow(Mode.SCALE, 0.8, [0.2, 0.6, 1.0, 0.5, 0.0])
    assert [after for _, after in path] == pytest.approx([0.8, 0.9, 1.0, 0.5, 0.0])


@given(PLACES, PATHS)
def test_scale_has_no_large_step_for_a_small_one(value: float, knobs: list[float]) -> None:
    """From a knob in the middle 80 % a step moves the parameter by at most ten times as much."""
    knobs = [0.1 + 0.8 * knob for knob in knobs]
    for (before, after), was, knob in zip(follow(Mode.SCALE, value, knobs)[1:], knobs, knobs[1:], strict=False):
        assert abs(after - before) <= 10 * abs(knob - was) + 1e-9


def test_after_a_preset_the_knob_has_to_be_picked_up_again() -> None:
    takeover = Takeover(Mode.PICKUP)
    assert takeover.move(0.5, 0.5) == 0.5
    assert takeover.move(0.6, 0.5) == 0.6
    takeover.rearm()
    assert takeover.move(0.61, 0.2) is None
    assert takeover.move(0.1, 0.2) == 0.1

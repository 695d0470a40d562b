"""Knobs and buttons of the default map."""

from __future__ import annotations

import math

import pytest

from rnnae_live.control import SPECS, ControlMap, Press, Turn, spec
from rnnae_live.errors import ControlError
from rnnae_live.events import ControlChange

pytestmark = pytest.mark.unit


def read(controller: int, value: int) -> Turn | Press | None:
    return ControlMap().read(ControlChange(0.0, 0, controller, value))


@pytest.mark.parametrize("slot", range(1, 9))
def test_cc_20_to_27_are_the_weights_of_the_slots(slot: int) -> None:
    assert read(19 + slot, 0) == Turn(f"weight {slot}", 0.0)
    assert read(19 + slot, 127) == Turn(f"weight {slot}", 1.0)


def test_cc_28_is_follow_and_29_temperature() -> None:
    assert read(28, 127) == Turn("follow", 1.0)
    assert read(29, 0) == Turn("temperature", 0.0)
    assert read(29, 127) == Turn("temperature", SPECS["temperature"].maximum)


@pytest.mark.parametrize(
    ("controller", "value", "press"),
    [
        (85, 127, Press.ANSWER),
        (85, 1, Press.ANSWER),
        (85, 0, None),
        (86, 127, Press.CAPTURE),
        (87, 64, Press.HOLD),
        (87, 63, Press.LET_GO),
        (120, 0, Press.PANIC),
        (123, 0, Press.PANIC),
    ],
)
def test_buttons(controller: int, value: int, press: Press | None) -> None:
    assert read(controller, value) is press


@pytest.mark.parametrize("controller", [0, 1, 7, 32, 65, 121, 127])
def test_other_controllers_do_nothing(controller: int) -> None:
    assert read(controller, 127) is None


def test_a_parameter_never_leaves_its_range() -> None:
    follow = spec("follow")
    assert [follow.clamped(value) for value in (-1.0, 0.5, 7.0, math.inf, math.nan)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    with pytest.raises(ControlError, match="no parameter 'loudness'"):
        spec("loudness")

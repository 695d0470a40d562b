"""Knobs and buttons of the default map, and how maps learn and forget."""

from __future__ import annotations

import pytest

from rnnae_live.control import ACTIONS, DEFAULT_MAP, SPECS, Assignment, ControlMap, Press, Surface, Turn, Way
from rnnae_live.control.sources import NEVER, Heard, Kind, Source, source
from rnnae_live.control.surface import Move
from rnnae_live.errors import ControlError
from rnnae_live.events import ControlChange

pytestmark = pytest.mark.unit


def read(controller: int, value: int) -> Move | None:
    moves = Surface().read(ControlChange(0.0, 0, controller, value))
    assert len(moves) <= 1
    return moves[0] if moves else None


@pytest.mark.parametrize("slot", range(1, 9))
def test_cc_20_to_27_are_the_weights_of_the_slots(slot: int) -> None:
    assert read(19 + slot, 0) == Turn(f"weight {slot}", 0.0)
    assert read(19 + slot, 127) == Turn(f"weight {slot}", 1.0)


def test_cc_28_is_follow_and_29_temperature() -> None:
    assert read(28, 127) == Turn("follow", 1.0)
    assert read(29, 0) == Turn("temperature", 0.0)
    assert read(29, 127) == Turn("temperature", SPECS["temperature"].maximum)


KNOBS = {
    30: "x",
    31: "y",
    102: "deja vu",
    103: "freeze",
    104: "quantise",
    105: "glide",
    106: "swing",
    107: "humanize",
    108: "feel",
    109: "transpose",
    110: "octave",
    111: "scale",
    112: "root",
    113: "mode",
    114: "thru",
    115: "bpm",
    14: "density",
    15: "range",
    89: "syncopation",
    90: "interval",
    116: "contour",
}


@pytest.mark.parametrize(("controller", "name"), KNOBS.items())
def test_every_knob_reaches_both_ends(controller: int, name: str) -> None:
    assert read(controller, 0) == Turn(name, SPECS[name].minimum)
    assert read(controller, 127) == Turn(name, SPECS[name].maximum)


@pytest.mark.parametrize(
    ("controller", "value", "press"),
    [
        (85, 127, Press.ANSWER),
        (85, 1, Press.ANSWER),
        (85, 0, None),
        (86, 127, Press.CAPTURE),
        (87, 64, Press.HOLD),
        (87, 63, Press.LET_GO),
        (64, 64, Press.PEDAL_DOWN),
        (64, 63, Press.PEDAL_UP),
        (117, 127, Press.UNDO),
        (118, 127, Press.TAP),
        (119, 127, Press.PLAY),
        (3, 127, Press.PREVIOUS),
        (9, 127, Press.NEXT),
        (120, 0, Press.PANIC),
        (123, 0, Press.PANIC),
    ],
)
def test_buttons(controller: int, value: int, press: Press | None) -> None:
    assert read(controller, value) is press


@pytest.mark.parametrize("controller", [0, 1, 6, 7, 32, 38, 65, 98, 101, 121, 127])
def test_other_controllers_do_nothing(controller: int) -> None:
    assert read(controller, 127) is None


def test_the_default_map_uses_no_controller_that_means_something_to_others() -> None:
    numbers = [one.source.number for one in DEFAULT_MAP.assignments]
    assert len(numbers) == len(set(numbers))
    assert not NEVER & set(numbers)


def test_no_parameter_has_the_name_of_an_action() -> None:
    assert not set(SPECS) & set(ACTIONS)


def test_a_control_and_a_target_are_learned_once() -> None:
    old = ControlMap((Assignment(source("cc 21"), "follow"), Assignment(source("cc 22"), "swing")))
    new = old.learned(Assignment(source("cc 21"), "swing"))
    assert new.assignments == (Assignment(source("cc 21"), "swing"),)
    assert new.forgotten("swing").assignments == ()


def test_a_pair_takes_both_of_its_controllers() -> None:
    old = ControlMap(
        (Assignment(source("cc 1"), "x"), Assignment(source("cc 33"), "y"), Assignment(source("cc 2"), "bpm"))
    )
    new = old.learned(Assignment(source("cc14 1"), "follow"))
    assert [one.target for one in new.assignments] == ["bpm", "follow"]


def test_a_control_on_its_channel_goes_before_one_on_any() -> None:
    anywhere, there = Assignment(source("cc 21"), "follow"), Assignment(source("cc 21 channel 3"), "swing")
    both = ControlMap((anywhere, there))
    assert both.moved(Heard(0.0, Source(Kind.CC, 21, 2), 5)) == (there,)
    assert both.moved(Heard(0.0, Source(Kind.CC, 21, 5), 5)) == (anywhere,)


@pytest.mark.parametrize(
    ("words", "target", "way", "reason"),
    [
        ("cc 21", "loudness", Way.ABSOLUTE, "no parameter or action 'loudness'"),
        ("cc 21", "wieght 1", Way.ABSOLUTE, "did you mean 'weight 1'"),
        ("note 36", "follow", Way.SIGNED_BIT, "cannot be an endless knob"),
        ("cc 21", "answer", Way.TWOS_COMPLEMENT, "cannot press 'answer'"),
    ],
)
def test_what_cannot_be_assigned_is_said(words: str, target: str, way: Way, reason: str) -> None:
    with pytest.raises(ControlError, match=reason):
        Assignment(source(words), target, way)

"""The table of parameters: places, values, clicks and words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control import DIRECTIONS, SPECS, Curve, Spec, spec
from rnnae_live.control.sources import COARSE, FINE, numbered, placed
from rnnae_live.errors import ConfigError, ControlError

pytestmark = pytest.mark.unit

ALL = st.sampled_from(list(SPECS.values()))
PLACES = st.floats(0.0, 1.0)


def test_a_parameter_never_leaves_its_range() -> None:
    follow = spec("follow")
    assert [follow.clamped(value) for value in (-1.0, 0.5, 7.0, math.inf, math.nan)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    with pytest.raises(ControlError, match="no parameter 'loudness'"):
        spec("loudness")
    with pytest.raises(ControlError, match="did you mean 'temperature'"):
        spec("temprature")
    with pytest.raises(ConfigError, match="no mode"):
        spec("mode").named("sing")


@pytest.mark.parametrize("name", SPECS)
def test_the_ends_of_a_knob_are_the_ends_of_the_range(name: str) -> None:
    one = SPECS[name]
    assert (one.at(0.0), one.at(1.0)) == (one.minimum, one.maximum)
    assert (one.place(one.minimum), one.place(one.maximum)) == (0.0, 1.0)
    assert one.minimum <= one.default <= one.maximum
    assert one.summary


@given(ALL, PLACES, PLACES)
def test_more_of_a_knob_is_never_less_of_the_parameter(one: Spec, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert one.minimum <= one.at(low) <= one.at(high) <= one.maximum


@given(ALL, st.integers(0, COARSE))
def test_what_a_controller_sets_comes_back_as_the_same_setting(one: Spec, value: int) -> None:
    there = one.at(placed(value, COARSE, centred=one.centred))
    back = numbered(one.place(there), COARSE, centred=one.centred)
    assert one.at(placed(back, COARSE, centred=one.centred)) == pytest.approx(there, abs=1e-12)


@given(ALL, st.integers(0, FINE))
def test_fourteen_bits_come_back_too(one: Spec, value: int) -> None:
    there = one.at(placed(value, FINE, centred=one.centred))
    back = numbered(one.place(there), FINE, centred=one.centred)
    assert one.at(placed(back, FINE, centred=one.centred)) == pytest.approx(there, abs=1e-9)


@pytest.mark.parametrize("name", [one.name for one in SPECS.values() if one.choices])
def test_choices_share_a_controller_evenly(name: str) -> None:
    one = SPECS[name]
    assert [one.at(value / 127) for value in range(128)] == [value * len(one.choices) // 128 for value in range(128)]


@pytest.mark.parametrize("name", [*DIRECTIONS, "transpose", "octave"])
def test_the_middle_of_a_controller_is_nothing_at_all(name: str) -> None:
    one = spec(name)
    assert one.default == one.at(placed(64, COARSE, centred=one.centred)) == 0.0
    assert one.at(placed(8192, FINE, centred=one.centred)) == 0.0


def test_lengths_have_the_same_ratio_for_the_same_way() -> None:
    one = Spec("length", 1.0, 256.0, 1.0, "a length", curve=Curve.EXPONENTIAL)
    assert [one.at(place / 8) for place in range(9)] == pytest.approx([2.0**power for power in range(9)])
    assert one.place(16.0) == pytest.approx(0.5)


@given(ALL, PLACES, st.integers(-200, 200))
def test_clicks_go_their_way_and_stop_at_the_ends(one: Spec, place: float, clicks: int) -> None:
    value = one.at(place)
    after = one.turned(value, clicks)
    assert one.minimum <= after <= one.maximum
    assert (after - value) * clicks >= -1e-6


def test_clicks_add_up_to_round_numbers() -> None:
    follow, value = spec("follow"), 0.0
    for _ in range(30):
        value = follow.turned(value, 1)
    assert value == 0.3
    assert spec("bpm").turned(120.0, 3) == 123.0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("bpm", 120.0, "120.0 bpm"), ("mode", 2.0, "loop"), ("turn", 4.0, "4 bars"), ("follow", 0.25, "0.25")],
)
def test_values_are_told_in_words(name: str, value: float, words: str) -> None:
    assert spec(name).told(value) == words


def test_a_button_goes_to_the_next_choice_or_to_the_other_end() -> None:
    assert [spec("mode").next(value) for value in (0.0, 1.0, 2.0)] == [1.0, 2.0, 0.0]
    assert [spec("follow").next(value) for value in (0.0, 0.4, 0.6, 1.0)] == [1.0, 1.0, 0.0, 0.0]

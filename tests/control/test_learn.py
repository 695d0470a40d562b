"""Learning finds out which control is meant, by its first messages and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control import Assignment, Way
from rnnae_live.control.encoders import Encoding, encoded
from rnnae_live.control.learn import MOST_RECENT, Learn, State
from rnnae_live.control.sources import Kind, Reader, source
from rnnae_live.errors import ControlError
from rnnae_live.events import read

pytestmark = pytest.mark.unit


def learned(target: str, *messages: bytes, kind: Kind | None = None, step: float = 0.05) -> Learn:
    learn, reader = Learn(), Reader()
    learn.begin(target, kind=kind)
    for count, data in enumerate(messages):
        event = read(data, count * step)
        if event is not None:
            learn.heard(*reader.read(event))
    return learn


def knob(number: int, *values: int, channel: int = 0) -> list[bytes]:
    return [bytes((0xB0 | channel, number, value)) for value in values]


def test_a_knob_with_ends() -> None:
    learn = learned("follow", *knob(21, 60, 61, 62, 63, 64, 65, channel=2))
    assert learn.state is State.DONE
    assert learn.result == Assignment(source("cc 21 channel 3"), "follow")


@pytest.mark.parametrize("encoding", Encoding)
def test_an_endless_knob_turned_to_the_left(encoding: Encoding) -> None:
    learn = learned("follow", *knob(21, *[encoded(encoding, -1)] * 6))
    assert learn.result == Assignment(source("cc 21 channel 1"), "follow", Way(encoding.value))


def test_a_pair_of_controllers() -> None:
    messages = [data for value in range(8000, 8012) for data in knob(7, value >> 7) + knob(39, value & 127)]
    assert learned("follow", *messages).result == Assignment(source("cc14 7 channel 1"), "follow")


def test_two_knobs_that_are_32_apart_are_no_pair() -> None:
    messages = [*knob(7, 1, 2, 3), *knob(39, 5), *knob(7, 4, 5, 6)]
    assert learned("follow", *messages).result == Assignment(source("cc 7 channel 1"), "follow")


def test_a_parameter_number() -> None:
    messages = [
        data for value in range(64, 70) for data in [*knob(99, 2), *knob(98, 44), *knob(6, value), *knob(38, 1)]
    ]
    assert learned("follow", *messages).result == Assignment(source("nrpn 300 channel 1"), "follow")


def test_a_parameter_number_that_is_moved_in_steps() -> None:
    learn = learned("follow", *knob(99, 2), *knob(98, 44), *knob(96, *[0] * 6))
    assert learn.result == Assignment(source("nrpn 300 channel 1"), "follow")
    assert [(str(one.source), one.clicks) for one in learn.recent] == [("nrpn 300 channel 1", 1)]


@pytest.mark.parametrize(
    ("target", "way"), [("mode", Way.TOGGLE), ("freeze", Way.TOGGLE), ("answer", Way.ABSOLUTE), ("hold", Way.ABSOLUTE)]
)
def test_a_pad_is_known_at_its_first_press(target: str, way: Way) -> None:
    learn = learned(target, b"\x89\x24\x00", b"\x99\x24\x40")
    assert learn.result == Assignment(source("note 36 channel 10"), target, way)


@pytest.mark.parametrize(
    ("target", "step", "way"),
    [("freeze", 0.1, Way.TOGGLE), ("freeze", 2.0, Way.ABSOLUTE), ("answer", 0.1, Way.ABSOLUTE)],
)
def test_a_button_that_springs_back_toggles_and_a_switch_stays(target: str, step: float, way: Way) -> None:
    learn = learned(target, *knob(41, 127, 0), step=step)
    assert learn.result == Assignment(source("cc 41 channel 1"), target, way)


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ("bend channel 1", [bytes((0xE0, 0, value)) for value in range(64, 72)]),
        ("pressure channel 1", [bytes((0xD0, value)) for value in range(8)]),
        ("key pressure 60 channel 1", [bytes((0xA0, 60, value)) for value in range(8)]),
    ],
)
def test_wheels_and_pressure(words: str, messages: list[bytes]) -> None:
    assert learned("follow", *messages).result == Assignment(source(words), "follow")


def test_pressure_of_a_pad_is_learned_where_it_is_asked_for() -> None:
    messages = [b"\x90\x24\x40", *(bytes((0xD0, value)) for value in range(8))]
    assert learned("follow", *messages, kind=Kind.PRESSURE).result == Assignment(source("pressure channel 1"), "follow")


@pytest.mark.parametrize("number", [0, 32, 6, 38])
def test_what_every_instrument_uses_is_refused_with_a_reason(number: int) -> None:
    learn = learned("follow", *knob(number, *range(20)))
    assert learn.state is State.LISTENING
    assert learn.refused is not None
    assert f"cc {number} channel 1 cannot be learned" in learn.refused


@pytest.mark.parametrize("number", [*range(96, 102), *range(120, 128)])
def test_numbers_of_parameters_and_modes_are_not_even_heard(number: int) -> None:
    learn = learned("follow", *knob(number, *range(20)))
    assert (learn.state, learn.recent) == (State.LISTENING, ())


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ControlError, match="did you mean 'follow'"):
        Learn().begin("folow")


def test_the_last_sources_are_shown_also_when_nothing_is_learned() -> None:
    learn, reader = Learn(), Reader()
    for number in range(70, 90):
        event = read(bytes((0xB0, number, number)), 0.0)
        assert event is not None
        learn.heard(*reader.read(event))
    assert [str(one.source) for one in learn.recent] == [f"cc {number} channel 1" for number in range(89, 81, -1)]
    assert len(learn.recent) == MOST_RECENT
    assert learn.state is State.IDLE


def test_learning_can_be_given_up() -> None:
    learn = Learn()
    learn.begin("follow")
    learn.cancel()
    event = read(b"\x90\x24\x40", 0.0)
    assert event is not None
    learn.heard(*Reader().read(event))
    assert (learn.state, learn.result) == (State.IDLE, None)


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=80))
def test_whatever_comes_only_what_may_be_is_learned(messages: list[bytes]) -> None:
    result = learned("follow", *messages).result
    assert result is None or result.source.refusal() is None

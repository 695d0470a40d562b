"""One port: what its messages turn, press and select, and what goes back to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control import SPECS, Assignment, ControlMap, Mode, Move, Press, Select, Surface, Turn, Way
from rnnae_live.control.display import display
from rnnae_live.control.mirror import HELD
from rnnae_live.control.sources import source
from rnnae_live.events import read

pytestmark = pytest.mark.unit


def surface(
    *assigned: tuple[str, str] | tuple[str, str, Way], takeover: Mode = Mode.JUMP, shows: bool = False
) -> Surface:
    made = [Assignment(source(one[0]), one[1], one[2] if len(one) == 3 else Way.ABSOLUTE) for one in assigned]
    return Surface(ControlMap(tuple(made)), takeover, shows=shows)


def play(one: Surface, *messages: bytes, begin: float = 0.0, step: float = 0.01) -> list[Move]:
    moves: list[Move] = []
    for count, data in enumerate(messages):
        event = read(data, begin + count * step)
        assert event is not None
        moves += one.read(event)
    return moves


@pytest.mark.parametrize(
    ("words", "messages", "value"),
    [
        ("cc 71", [b"\xb5\x47\x7f"], 1.0),
        ("cc14 1", [b"\xb0\x01\x40", b"\xb0\x21\x01"], (64 * 128 + 1) / 16383),
        ("nrpn 300", [b"\xb0\x63\x02", b"\xb0\x62\x2c", b"\xb0\x06\x40", b"\xb0\x26\x01"], (64 * 128 + 1) / 16383),
        ("bend", [b"\xe0\x7f\x7f"], 1.0),
        ("pressure", [b"\xd0\x7f"], 1.0),
        ("key pressure 60", [b"\xa0\x3c\x7f"], 1.0),
        ("note 36", [b"\x90\x24\x10"], 1.0),
        ("note 36", [b"\x90\x24\x10", b"\x80\x24\x00"], 0.0),
    ],
)
def test_each_kind_of_control_turns_a_parameter(words: str, messages: list[bytes], value: float) -> None:
    assert play(surface((words, "follow")), *messages)[-1] == Turn("follow", value)


@pytest.mark.parametrize(
    ("words", "data"),
    [("note 36 channel 10", b"\x99\x24\x01"), ("program 5", b"\xc0\x04"), ("cc 41", b"\xb0\x29\x7f")],
)
def test_notes_programs_and_controllers_are_buttons(words: str, data: bytes) -> None:
    assert play(surface((words, "answer")), data) == [Press.ANSWER]


def test_a_button_with_a_release_tells_both() -> None:
    pad = surface(("note 36", "hold"))
    assert play(pad, b"\x90\x24\x01", b"\x80\x24\x00") == [Press.HOLD, Press.LET_GO]


def test_a_knob_on_an_action_presses_once_a_sweep() -> None:
    knob = surface(("cc 21", "answer"))
    sweep = [bytes((0xB0, 21, value)) for value in range(128)]
    assert play(knob, *sweep, *reversed(sweep[:-1]), *sweep[1:]) == [Press.ANSWER] * 2


def test_a_button_that_never_says_that_it_was_let_go_works_each_time() -> None:
    assert play(surface(("cc 85", "answer")), *[b"\xb0\x55\x7f"] * 3) == [Press.ANSWER] * 3


def test_a_button_goes_through_the_choices() -> None:
    pad = surface(("note 36", "mode", Way.TOGGLE))
    moves = play(pad, *[b"\x90\x24\x40", b"\x80\x24\x00"] * 4)
    assert moves == [Turn("mode", value) for value in (1.0, 2.0, 0.0, 1.0)]


@pytest.mark.parametrize(
    ("way", "right", "left"),
    [
        (Way.SIGNED_BIT, 1, 65),
        (Way.SIGNED_BIT_2, 65, 1),
        (Way.BINARY_OFFSET, 65, 63),
        (Way.TWOS_COMPLEMENT, 1, 127),
    ],
)
def test_an_endless_knob_adds_to_what_is(way: Way, right: int, left: int) -> None:
    knob = surface(("cc 16", "bpm", way))
    knob.told("bpm", 100.0, 0.0)
    assert play(knob, bytes((0xB0, 16, right)), bytes((0xB0, 16, right))) == [Turn("bpm", 101.0), Turn("bpm", 102.0)]
    knob.told("bpm", 90.0, 9.0)
    assert play(knob, bytes((0xB0, 16, left)), begin=9.1) == [Turn("bpm", 89.0)]


SELECT = [b"\xb0\x63\x02", b"\xb0\x62\x2c"]
UP, DOWN = b"\xb0\x60\x00", b"\xb0\x61\x00"


def test_a_parameter_number_is_moved_in_steps_of_what_it_moves() -> None:
    knob = surface(("nrpn 300", "bpm"), takeover=Mode.PICKUP)
    knob.told("bpm", 100.0, 0.0)
    assert play(knob, UP) == []
    assert play(knob, *SELECT, UP, UP, DOWN) == [Turn("bpm", value) for value in (101.0, 102.0, 101.0)]
    knob.told("bpm", 299.0, 9.0)
    assert play(knob, UP, UP, begin=9.1) == [Turn("bpm", 300.0), Turn("bpm", 300.0)]
    scale = surface(("nrpn 300", "scale", Way.TOGGLE))
    assert play(scale, *SELECT, UP, UP, DOWN) == [Turn("scale", value) for value in (1.0, 2.0, 1.0)]


def test_after_a_step_the_value_of_data_entry_has_to_be_picked_up_again() -> None:
    knob = surface(("nrpn 300", "follow"), takeover=Mode.PICKUP)
    knob.told("follow", 0.5, 0.0)
    low, half, high = (bytes((0xB0, 6, value)) for value in (0, 64, 127))
    assert play(knob, *SELECT, low, half)[-1] == Turn("follow", round(64 * 16383 / 127) / 16383)
    assert isinstance(play(knob, *[DOWN] * 20)[-1], Turn)
    assert play(knob, b"\xb0\x06\x41") == []
    assert play(knob, high, low)[-1] == Turn("follow", 0.0)


def test_a_step_up_presses_and_a_step_down_lets_go() -> None:
    assert play(surface(("nrpn 300", "answer")), *SELECT, UP, UP, DOWN) == [Press.ANSWER] * 2
    assert play(surface(("nrpn 300", "hold")), *SELECT, UP, DOWN) == [Press.HOLD, Press.LET_GO]


def test_what_a_step_makes_of_a_value_is_shown_at_once() -> None:
    ring = surface(("nrpn 300", "freeze"), shows=True)
    assert play(ring, *SELECT, UP) == [Turn("freeze", 1.0)]
    assert ring.told("freeze", 1.0, 0.03) == [*SELECT, b"\xb0\x06\x7f", b"\xb0\x26\x7f"]


def test_a_port_that_was_not_asked_to_selects_no_presets_and_has_no_pedal() -> None:
    assert play(surface(("cc 21", "follow")), b"\xb0\x00\x01", b"\xc0\x05", b"\xb0\x40\x7f", b"\x90\x3c\x40") == []


def test_programs_are_latched_with_their_bank() -> None:
    port = Surface(programs=True)
    messages = [b"\xc2\x05", b"\xb2\x00\x01", b"\xb2\x20\x02", b"\xc2\x05", b"\xc3\x05"]
    assert play(port, *messages) == [Select(2, 0, 5), Select(2, 130, 5), Select(3, 0, 5)]
    assert Select(2, 130, 5).number == 130 * 128 + 5


def test_pickup_waits_for_the_knob_and_again_after_a_preset() -> None:
    knob = surface(("cc 21", "follow"), takeover=Mode.PICKUP)
    knob.told("follow", 0.5, 0.0)
    assert play(knob, *[bytes((0xB0, 21, value)) for value in (0, 20, 40)]) == []
    assert play(knob, b"\xb0\x15\x50") == [Turn("follow", 80 / 127)]
    knob.told("follow", 80 / 127, 0.1)
    assert play(knob, b"\xb0\x15\x51") == [Turn("follow", 81 / 127)]
    knob.rearm()
    knob.told("follow", 0.1, 0.2)
    assert play(knob, b"\xb0\x15\x52", begin=0.3) == []
    assert play(knob, b"\xb0\x15\x05", begin=0.4) == [Turn("follow", 5 / 127)]


def test_what_somebody_else_moves_has_to_be_picked_up() -> None:
    knob = surface(("cc 21", "follow"), takeover=Mode.PICKUP)
    knob.told("follow", 0.0, 0.0)
    assert play(knob, b"\xb0\x15\x00", b"\xb0\x15\x10") == [Turn("follow", 0.0), Turn("follow", 16 / 127)]
    knob.told("follow", 0.9, 5.0)
    assert play(knob, b"\xb0\x15\x11", begin=5.1) == []


def test_a_knob_in_a_hand_is_not_taken_away_by_what_the_instrument_rounds() -> None:
    knob = surface(("cc 30", "x"), takeover=Mode.SCALE)
    knob.told("x", 0.0, 0.0)
    value = 0.0
    for count, number in enumerate(range(0, 128, 4)):
        for turn in play(knob, bytes((0xB0, 30, number)), begin=count * 0.02):
            assert isinstance(turn, Turn)
            value = round(turn.value * 7) / 7
            knob.told("x", value, count * 0.02)
    assert value == 1.0


def test_two_knobs_of_one_parameter_take_over_from_each_other() -> None:
    both = surface(("cc 21", "follow"), ("cc 22", "follow"), takeover=Mode.PICKUP)
    both.told("follow", 0.0, 0.0)
    play(both, b"\xb0\x15\x00", b"\xb0\x16\x00", b"\xb0\x15\x00")
    assert play(both, b"\xb0\x15\x40") == [Turn("follow", 64 / 127)]
    assert play(both, b"\xb0\x16\x01") == []


def test_a_part_is_moved_alone() -> None:
    one = Surface(ControlMap((Assignment(source("cc 21"), "follow", part=2),)))
    assert play(one, b"\xb0\x15\x7f") == [Turn("follow", 1.0, 2)]


def test_what_is_shown_is_what_would_have_set_it() -> None:
    words = [("cc 21 channel 2", "follow"), ("cc14 1", "swing"), ("nrpn 300", "feel"), ("bend", "density")]
    shown = surface(*words, ("note 36 channel 10", "freeze"), ("note 37", "play"), shows=True)
    assert shown.told("follow", 1.0, 0.0) == [b"\xb1\x15\x7f"]
    assert shown.told("swing", 1.0, 0.0) == [b"\xb0\x01\x7f", b"\xb0\x21\x7f"]
    assert shown.told("feel", 0.0, 0.0) == [b"\xb0\x63\x02", b"\xb0\x62\x2c", b"\xb0\x06\x00", b"\xb0\x26\x00"]
    assert shown.told("density", 0.0, 0.0) == [b"\xe0\x00\x40"]
    assert shown.told("freeze", 1.0, 0.0) == [b"\x99\x24\x7f"]
    assert shown.told("play", 1.0, 0.0) == [b"\x90\x25\x7f"]
    assert shown.told("play", 1.0, 0.0) == []
    assert shown.told("humanize", 1.0, 0.0) == []


def test_a_fader_is_shown_where_it_was_heard() -> None:
    fader = surface(("cc 21", "follow"), shows=True)
    play(fader, b"\xb6\x15\x7f")
    assert fader.told("follow", 0.0, 5.0) == [b"\xb6\x15\x00"]


def test_a_fader_in_a_hand_is_left_alone_and_catches_up_later() -> None:
    fader = surface(("cc 21", "x"), shows=True)
    assert play(fader, b"\xb0\x15\x40") == [Turn("x", 64 / 127)]
    assert fader.told("x", 4 / 7, 0.01) == []
    assert fader.settle(0.1) == []
    assert fader.wake() == pytest.approx(HELD)
    assert fader.settle(HELD + 0.001) == [b"\xb0\x15\x49"]
    assert (fader.settle(9.0), fader.wake()) == ([], None)


@given(st.lists(st.integers(0, 127), min_size=1, max_size=30))
def test_what_a_fader_sends_is_never_sent_back(values: list[int]) -> None:
    fader, sent = surface(("cc 21", "follow"), shows=True), []
    for count, value in enumerate(values):
        for turn in play(fader, bytes((0xB0, 21, value)), begin=float(count)):
            assert isinstance(turn, Turn)
            sent += fader.told("follow", turn.value, count + 0.001)
        sent += fader.settle(count + 0.9)
    assert sent == []


def test_the_ring_of_an_endless_knob_follows_at_once() -> None:
    ring = surface(("cc 16", "follow", Way.TWOS_COMPLEMENT), shows=True)
    ring.told("follow", 0.5, 0.0)
    moves = play(ring, b"\xb0\x10\x7f", begin=1.0)
    assert moves == [Turn("follow", 0.49)]
    assert ring.told("follow", 0.49, 1.0) == [b"\xb0\x10\x3e"]


def ringed(takeover: Mode, way: Way = Way.ABSOLUTE) -> Surface:
    """A knob whose ring has a number, a channel and thirteen lights of its own."""
    knob = Assignment(source("cc 1 channel 11"), "follow", way, shown=display("cc 9 channel 1 from 1 to 13"))
    return Surface(ControlMap((knob,)), takeover, shows=True)


def test_a_ring_elsewhere_is_told_at_once_and_each_light_once() -> None:
    knob, sent = ringed(Mode.JUMP), []
    for count, value in enumerate(range(128)):
        for turn in play(knob, bytes((0xBA, 1, value)), begin=count * 0.01):
            assert isinstance(turn, Turn)
            sent += knob.told("follow", turn.value, count * 0.01)
    assert sent == [bytes((0xB0, 9, light)) for light in range(1, 14)]
    assert (knob.settle(9.0), knob.wake()) == ([], None)


def test_a_ring_elsewhere_that_followed_its_knob_in_vain_is_told_again() -> None:
    knob = ringed(Mode.PICKUP)
    assert knob.told("follow", 0.5, 0.0) == [b"\xb0\x09\x07"]
    assert play(knob, b"\xba\x01\x00", begin=1.0) == []
    assert knob.told("follow", 0.51, 2.0) == [b"\xb0\x09\x07"]
    assert knob.told("follow", 0.52, 2.1) == []


def test_the_ring_elsewhere_of_an_endless_knob() -> None:
    knob = ringed(Mode.JUMP, Way.TWOS_COMPLEMENT)
    knob.told("follow", 0.5, 0.0)
    assert play(knob, b"\xba\x01\x40", begin=1.0) == [Turn("follow", 1.0)]
    assert knob.told("follow", 1.0, 1.0) == [b"\xb0\x09\x0d"]


def test_a_lamp_elsewhere_shows_a_state_with_its_own_numbers() -> None:
    hold = Assignment(source("note 10 channel 11"), "hold", shown=display("note 2 channel 1 from 0 to 1"))
    port = Surface(ControlMap((hold,)), shows=True)
    assert play(port, b"\x9a\x0a\x7f") == [Press.HOLD]
    assert port.told("hold", 1.0, 0.0) == [b"\x90\x02\x01"]
    assert port.told("hold", 0.0, 0.1) == [b"\x90\x02\x00"]


def test_a_display_without_a_channel_is_on_that_of_its_control() -> None:
    both = [Assignment(source(words), name, shown=display("cc 40")) for words, name in [("cc 1", "follow")]]
    anywhere = Surface(ControlMap(tuple(both)), shows=True)
    assert anywhere.told("follow", 1.0, 0.0) == [b"\xb0\x28\x7f"]
    play(anywhere, b"\xb5\x01\x00", begin=1.0)
    assert anywhere.told("follow", 0.0, 1.0) == [b"\xb5\x28\x00"]


@pytest.mark.parametrize("words", ["cc 21 channel 1", "cc14 21 channel 1", "nrpn 300 channel 1", "bend channel 1"])
def test_a_fader_that_sends_back_what_it_was_sent_moves_nothing_and_is_in_no_hand(words: str) -> None:
    fader = surface((words, "follow"), shows=True)
    sent = fader.told("follow", 0.503, 1.0)
    assert play(fader, *sent, begin=1.01) == []
    assert fader.told("follow", 0.7, 1.1) != []
    assert play(fader, *sent, begin=1.2)[-1].name == "follow"  # type: ignore[union-attr]


def test_a_ring_elsewhere_that_sends_back_what_it_was_sent_moves_no_other_knob() -> None:
    ring = Assignment(source("cc 1 channel 11"), "follow", shown=display("cc 9 channel 1 from 1 to 13"))
    other = Assignment(source("cc 9"), "swing")
    port = Surface(ControlMap((ring, other)), shows=True)
    assert port.told("follow", 1.0, 0.0) == [b"\xb0\x09\x0d"]
    assert play(port, b"\xb0\x09\x0d", begin=0.1) == []
    assert play(port, b"\xb0\x09\x0d", begin=0.2) == [Turn("swing", 13 / 127)]


def test_a_click_is_never_taken_for_an_echo() -> None:
    ring = surface(("cc 16 channel 1", "follow", Way.TWOS_COMPLEMENT), shows=True)
    assert ring.told("follow", 1 / 127, 0.0) == [b"\xb0\x10\x01"]
    assert play(ring, b"\xb0\x10\x01", begin=0.1) != []


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=40), st.sampled_from(Mode))
def test_whatever_comes_every_turn_is_in_its_range(messages: list[bytes], mode: Mode) -> None:
    port = Surface(takeover=mode, programs=True, shows=True)
    for count, data in enumerate(messages):
        event = read(data, count * 0.1)
        for move in port.read(event) if event is not None else ():
            if isinstance(move, Turn):
                assert SPECS[move.name].minimum <= move.value <= SPECS[move.name].maximum

"""Profiles against the messages of the controllers themselves, byte for byte."""

from __future__ import annotations

import pytest

from rnnae_live.control import ACTIONS, SPECS, Mode, Move, Press, Surface, Turn
from rnnae_live.control.learn import Learn, State
from rnnae_live.control.profiles import NANOKONTROL2, PROFILES, profile, profile_for
from rnnae_live.control.sources import Reader, source
from rnnae_live.control.store import controls_of
from rnnae_live.errors import ControlError
from rnnae_live.events import read

pytestmark = pytest.mark.unit

NANO, MPK, TOUCH = "nanoKONTROL2:nanoKONTROL2 _ CTRL 20:0", "MPKmini2:MPKmini2 MIDI 1 24:0", "X-Touch One MIDI 1"
MINI, TWISTER = "X-TOUCH MINI:X-TOUCH MINI MIDI 1 28:0", "Midi Fighter Twister:Midi Fighter Twister MIDI 1 32:0"

# Channel 1 and the numbers of the table in Korg's MIDI Implementation, as bytes.
NANO_ROWS = {
    "slider": "b00000 b00100 b00200 b00300 b00400 b00500 b00600 b00700",
    "knob": "b01000 b01100 b01200 b01300 b01400 b01500 b01600 b01700",
    "S": "b02000 b02100 b02200 b02300 b02400 b02500 b02600 b02700",
    "M": "b03000 b03100 b03200 b03300 b03400 b03500 b03600 b03700",
    "R": "b04000 b04100 b04200 b04300 b04400 b04500 b04600 b04700",
}
NANO_BUTTONS = {
    "play": "b0297f",
    "stop": "b02a7f",
    "rewind": "b02b7f",
    "fast forward": "b02c7f",
    "record": "b02d7f",
    "cycle": "b02e7f",
    "track back": "b03a7f",
    "track forward": "b03b7f",
    "marker set": "b03c7f",
    "marker back": "b03d7f",
    "marker forward": "b03e7f",
}


def moves(port: str, *messages: str) -> list[Move]:
    """Return what a fresh surface of a port makes of messages, every knob taking over at once."""
    section = controls_of(port)
    surface = Surface(section.map, Mode.JUMP)
    events = [read(bytes.fromhex(data), 0.0) for data in messages]
    return [move for event in events if event is not None for move in surface.read(event)]


@pytest.mark.parametrize("row", NANO_ROWS)
def test_every_control_of_the_nanokontrol2_has_its_bytes(row: str) -> None:
    for number, data in enumerate(NANO_ROWS[row].split(), 1):
        event = read(bytes.fromhex(data), 0.0)
        assert event is not None
        heard = Reader().read(event)[-1]
        assert NANOKONTROL2.controls[f"{row} {number}"] == heard.source


def test_the_nanokontrol2_has_nothing_else() -> None:
    assert len(NANOKONTROL2.controls) == 8 * len(NANO_ROWS) + len(NANO_BUTTONS) == 51
    assert len(set(NANOKONTROL2.controls.values())) == 51


@pytest.mark.parametrize("number", range(1, 9))
def test_a_slider_of_the_nanokontrol2_is_a_weight(number: int) -> None:
    head = NANO_ROWS["slider"].split()[number - 1][:4]
    assert moves(NANO, f"{head}00") == [Turn(f"weight {number}", 0.0)]
    assert moves(NANO, f"{head}7f") == [Turn(f"weight {number}", 1.0)]


@pytest.mark.parametrize(
    ("data", "move"),
    [
        ("b0107f", Turn("follow", 1.0)),
        ("b01100", Turn("temperature", 0.0)),
        ("b01240", Turn("density", 0.0)),
        ("b01640", Turn("transpose", 0.0)),
        ("b0207f", Press.ANSWER),
        ("b0307f", Press.UNDO),
        ("b0407f", Press.HOLD),
        ("b04000", Press.LET_GO),
        (NANO_BUTTONS["play"], Press.PLAY),
        (NANO_BUTTONS["stop"], Press.STOP),
        (NANO_BUTTONS["record"], Press.CAPTURE),
        (NANO_BUTTONS["cycle"], Press.FREEZE),
        (NANO_BUTTONS["track back"], Press.PREVIOUS),
        (NANO_BUTTONS["track forward"], Press.NEXT),
        (NANO_BUTTONS["marker set"], Press.TAP),
    ],
)
def test_what_the_nanokontrol2_does(data: str, move: Move) -> None:
    assert moves(NANO, data) == [move]


@pytest.mark.parametrize("data", [*NANO_BUTTONS.values(), "b0207f", "b0307f"])
def test_letting_go_of_a_button_does_nothing(data: str) -> None:
    assert moves(NANO, f"{data[:4]}00") == []


def test_its_first_slider_is_no_bank_select_and_its_buttons_no_pedal_and_no_pair() -> None:
    assert moves(NANO, "b00005", "b02005", "c005") == [Turn("weight 1", 5 / 127), Press.ANSWER]
    assert moves(NANO, "b01040", "b03040") == [Turn("follow", 64 / 127), Press.UNDO]


@pytest.mark.parametrize(
    ("number", "name", "top"),
    [
        (1, "temperature", 1.5),
        (2, "follow", 1.0),
        (3, "weight 1", 1.0),
        (4, "weight 2", 1.0),
        (5, "weight 3", 1.0),
        (6, "weight 4", 1.0),
        (7, "density", 2.0),
        (8, "swing", 1.0),
    ],
)
def test_knobs_of_the_mpk_mini(number: int, name: str, top: float) -> None:
    assert moves(MPK, f"b00{number}7f") == [Turn(name, top)]
    assert moves(MPK, f"b00{number}00") == [Turn(name, SPECS[name].minimum)]


@pytest.mark.parametrize("data", ["90 30 40", "80 30 00", "90 2c 7f", "c0 00", "b0 40 7f", "d0 20", "b1 02 7f"])
def test_keys_pads_programs_and_pedal_of_the_mpk_mini_move_nothing(data: str) -> None:
    assert moves(MPK, data.replace(" ", "")) == []


def test_fader_encoder_and_wheel_of_the_x_touch_one() -> None:
    assert moves(TOUCH, "b0467f", "b05000") == [Turn("follow", 1.0), Turn("temperature", 0.0)]
    assert moves(TOUCH, "b05841", "b05801") == [Turn("bpm", 121.0), Turn("bpm", 120.0)]
    surface = controls_of(TOUCH).surface()
    assert surface.told("follow", 1.0, 0.0) == [bytes.fromhex("b0467f")]
    assert surface.told("temperature", 1.5, 0.0) == [bytes.fromhex("b0507f")]


def test_knobs_buttons_and_fader_of_the_x_touch_mini() -> None:
    assert moves(MINI, "ba017f", "ba0800") == [Turn("weight 1", 1.0), Turn("weight 8", 0.0)]
    assert moves(MINI, "ba097f", "9a007f", "9a107f", "8a1000") == [Turn("follow", 1.0), Press.ANSWER]
    assert moves(MINI, "9a0a7f", "8a0a00", "9a0f7f") == [Press.HOLD, Press.LET_GO, Press.PLAY]
    assert moves(MINI, "ba0b7f") == [Turn("temperature", 1.5)]
    assert moves(MINI, "b0017f", "b0097f") == []


def test_rings_and_lamps_of_the_x_touch_mini_are_on_numbers_and_a_channel_of_their_own() -> None:
    surface = controls_of(MINI).surface()
    shown = {place: surface.told("weight 1", place / 12, place)[0].hex() for place in range(13)}
    assert shown == {place: f"b009{place + 1:02x}" for place in range(13)}
    assert surface.told("weight 8", 1.0, 0.0) == [bytes.fromhex("b0100d")]
    assert surface.told("hold", 1.0, 0.0) == [bytes.fromhex("900201")]
    assert surface.told("play", 1.0, 0.0) == [bytes.fromhex("900701")]
    assert surface.told("play", 0.0, 0.0) == [bytes.fromhex("900700")]


def test_knobs_and_switches_of_the_midi_fighter_twister() -> None:
    assert moves(TWISTER, "b0007f", "b00600") == [Turn("weight 1", 1.0), Turn("weight 7", 0.0)]
    assert moves(TWISTER, "b1007f", "b10000", "b1027f", "b10200") == [Press.ANSWER, Press.HOLD, Press.LET_GO]
    surface = controls_of(TWISTER).surface()
    assert surface.told("weight 1", 1.0, 0.0) == [bytes.fromhex("b0007f")]
    assert surface.told("hold", 1.0, 0.0) == [bytes.fromhex("b1027f")]


def test_a_profile_counts_only_on_the_port_of_its_controller() -> None:
    assert [profile_for(port) for port in (NANO, "RNN-AE Live In", "nanoKONTROL Studio")] == [NANOKONTROL2, None, None]
    assert moves("Some other port", "b0007f") == []
    assert moves("Some other port", "b01c7f") == [Turn("follow", 1.0)]


def test_what_a_profile_knows_may_be_learned_on_its_port_only() -> None:
    slider = source("cc 1 channel 1"), source("cc 0 channel 1"), source("cc 38 channel 1")
    assert [controls_of(NANO).refusal(one) for one in slider] == [None] * 3
    assert [controls_of("Another").refusal(one) is None for one in slider] == [True, False, False]
    learn, reader = Learn(controls_of(NANO).refusal), Reader()
    learn.begin("swing")
    for value in range(6):
        event = read(bytes((0xB0, 0, value)), 0.0)
        assert event is not None
        learn.heard(*reader.read(event))
    assert learn.state is State.DONE


@pytest.mark.parametrize("one", PROFILES, ids=lambda one: one.name)
def test_every_profile_names_what_there_is_and_where_it_is_from(one: object) -> None:
    known = profile(str(getattr(one, "name", "")).upper())
    assert set(known.moves) <= set(known.controls)
    assert set(known.moves.values()) <= {*SPECS, *ACTIONS}
    assert len(known.origin) > 40
    assert known.ports
    assert set(known.lamps or {}) <= set(known.controls)


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(ControlError, match="did you mean 'nanoKONTROL2'"):
        profile("nanoKONTROL")

"""Bytes of MIDI are read as the events they are, and judged before they are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.events import (
    Continue,
    ControlChange,
    KeyPressure,
    NoteOff,
    NoteOn,
    PitchBend,
    Pressure,
    ProgramChange,
    SongPosition,
    Start,
    Stop,
    Tick,
    fault,
    note_off,
    note_on,
    read,
    silence,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"\x93\x3c\x50", NoteOn(1.5, 3, 60, 80)),
        (b"\x93\x3c\x00", NoteOff(1.5, 3, 60)),
        (b"\x8f\x7f\x40", NoteOff(1.5, 15, 127)),
        (b"\xb0\x14\x7f", ControlChange(1.5, 0, 20, 127)),
        (b"\xc1\x05", ProgramChange(1.5, 1, 5)),
        (b"\xe2\x00\x40", PitchBend(1.5, 2, 8192)),
        (b"\xef\x7f\x7f", PitchBend(1.5, 15, 16383)),
        (b"\xd3\x11", Pressure(1.5, 3, 17)),
        (b"\xa0\x3c\x05", KeyPressure(1.5, 0, 60, 5)),
        (b"\xf8", Tick(1.5)),
        (b"\xfa", Start(1.5)),
        (b"\xfb", Continue(1.5)),
        (b"\xfc", Stop(1.5)),
        (b"\xf2\x01\x02", SongPosition(1.5, 257)),
    ],
)
def test_what_is_played_turned_and_counted(data: bytes, event: object) -> None:
    assert read(data, 1.5) == event


@pytest.mark.parametrize(
    "data",
    [b"", b"\xf8\xf8", b"\xf2\x01", b"\xfe", b"\xe0\x00", b"\xf0\x7e\xf7", b"\x90\x3c", b"\x90\x3c\x80", b"\x3c"],
)
def test_what_a_melody_has_no_use_for_is_no_event(data: bytes) -> None:
    assert read(data, 0.0) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x3c\x50", "begins with the data byte"),
        (b"\x90\x3c", "2 bytes instead of 3"),
        (b"\xc0\x01\x02", "3 bytes instead of 2"),
        (b"\x90\x3c\x80", "data byte above 127"),
        (b"\xf4", "does not define"),
        (b"\xf7", "does not define"),
        (b"\xf0\x01\x02", "without its end"),
        (b"\xf0\x90\xf7", "status byte inside"),
        (b"\xf0" + bytes(5000) + b"\xf7", "SysEx of 5002 bytes"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    assert reason in (fault(data) or "")


@pytest.mark.parametrize("data", [b"\xf8", b"\xf2\x01\x02", b"\xf0\x7e\x01\xf7", b"\xd0\x40", *silence()])
def test_what_is_a_message_is_not_refused(data: bytes) -> None:
    assert fault(data) is None


@given(st.integers(0, 15), st.integers(0, 127), st.integers(1, 127))
def test_notes_come_back_as_they_were_written(channel: int, pitch: int, velocity: int) -> None:
    assert read(note_on(channel, pitch, velocity), 0.0) == NoteOn(0.0, channel, pitch, velocity)
    assert read(note_off(channel, pitch), 0.0) == NoteOff(0.0, channel, pitch)
    assert fault(note_on(channel, pitch, velocity)) is None


@given(st.binary(max_size=12))
def test_no_bytes_raise_and_every_event_is_a_valid_message(data: bytes) -> None:
    if read(data, 0.0) is not None:
        assert fault(data) is None

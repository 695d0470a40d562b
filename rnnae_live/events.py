"""What happens on a MIDI port, and what is to happen: the messages of a performance, with their times.

ports -> [events] -> capture, control ... engine -> [events] -> player

``read`` turns the bytes of one complete message into an event; anything that a melody instrument has no use for
(SysEx, half a message) is None and never an error. ``fault`` judges bytes that are to be sent.

*Units*: every ``time``, ``at`` and ``until`` is in seconds of one monotonic clock, the same in all processes.
Channels are 0-15, pitches, velocities, controllers, values and programs 0-127.
*Threading*: values, free to share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL_CHANGE = 0x80, 0x90, 0xA0, 0xB0
PROGRAM_CHANGE, PRESSURE, PITCH_BEND = 0xC0, 0xD0, 0xE0
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
PLAYED, CONTROL = 0, 1
"""Kinds of ports: what is played on, and what answers; a controller's."""
CHANNELS = 16
PITCHES = 128

LENGTHS = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}
"""Bytes of each channel message, by the upper half of its status byte."""
SYSTEM_LENGTHS = {0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1, 0xF8: 1, 0xFA: 1, 0xFB: 1, 0xFC: 1, 0xFE: 1, 0xFF: 1}
"""Bytes of each system message that has a fixed length, by its status byte."""
LONGEST_SYSEX = 4096


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key goes down. ``velocity`` is 1-127: a note-on with velocity 0 is read as a ``NoteOff``."""

    time: float
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key comes up."""

    time: float
    channel: int
    pitch: int


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A knob, slider, button or pedal moves."""

    time: float
    channel: int
    controller: int
    value: int


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """A preset is chosen; ``program`` is the number on the wire, one less than most displays show."""

    time: float
    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class PitchBend:
    """A wheel, stick or ribbon moves; ``value`` is 0-16383, and 8192 at rest."""

    time: float
    channel: int
    value: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """All keys of a channel together are pressed harder or less hard (channel aftertouch)."""

    time: float
    channel: int
    value: int


@dataclass(frozen=True, slots=True)
class KeyPressure:
    """One key that is down is pressed harder or less hard (polyphonic aftertouch)."""

    time: float
    channel: int
    pitch: int
    value: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The MIDI clock of somebody else moves on by one of 24 ticks to the quarter note (F8)."""

    time: float


@dataclass(frozen=True, slots=True)
class Start:
    """Somebody else's transport starts from the beginning; the next ``Tick`` is its first beat (FA)."""

    time: float


@dataclass(frozen=True, slots=True)
class Continue:
    """Somebody else's transport goes on from where it is (FB)."""

    time: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody else's transport stops (FC)."""

    time: float


@dataclass(frozen=True, slots=True)
class SongPosition:
    """Somebody else's transport is put to a place, ``sixteenths`` (6 ticks each, 0-16383) after the beginning (F2)."""

    time: float
    sixteenths: int


Transport = Tick | Start | Continue | Stop | SongPosition
"""What the clock of somebody else says."""

Event = NoteOn | NoteOff | ControlChange | ProgramChange | PitchBend | Pressure | KeyPressure | Transport


@dataclass(frozen=True, slots=True)
class DueNote:
    """A note to play: on at ``at``, off at ``until``. Its note-off can therefore never be lost between processes.

    ``part`` is whose note it is, 0-15, so that one part can change its mind and the others play on.
    """

    at: float
    until: float
    channel: int
    pitch: int
    velocity: int
    part: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """One message to send at ``at``; ``data`` is complete and valid. ``port`` is the kind of port that it is for."""

    at: float
    data: bytes
    port: int = PLAYED


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Notes of ``part`` that would begin at or after ``after`` are forgotten; what sounds of it ends by ``until``."""

    part: int
    after: float
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Retime:
    """The note of ``part`` that sounds, or waits, at ``pitch`` ends at ``until`` instead of when it was to."""

    part: int
    channel: int
    pitch: int
    until: float


@dataclass(frozen=True, slots=True)
class Thru:
    """What is played is passed on at once: 0 nothing, 1 notes, 2 every message (clock and SysEx never)."""

    mode: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Forget what has not sounded yet, release what sounds. ``hard`` adds "all sound off" for whatever listens."""

    hard: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for whoever watches the instrument."""

    text: str
    fault: bool = False


REALTIME: Mapping[int, Callable[[float], Transport]] = {0xF8: Tick, 0xFA: Start, 0xFB: Continue, 0xFC: Stop}
"""What the messages of one byte are that a clock sends."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is played from ``at`` on, in a sentence, for whoever keeps the session."""

    at: float
    text: str


Output = DueNote | Due | Withdraw | Retime | Thru | Cut | Notice | Mark
"""Whatever the engine hands to the player (a ``Notice`` and a ``Mark`` go to the front)."""


def read(data: bytes, time: float) -> Event | None:
    """Return the event that the bytes of one complete message are, None for everything that is not used here."""
    if data and data[0] >= 0xF0:
        return _read_transport(data, time)
    if not data or LENGTHS.get(data[0] & 0xF0) != len(data) or max(data[1:]) > 127:
        return None
    return _read_voice(data[0] & 0xF0, data[0] & 0x0F, data, time)


def _read_voice(kind: int, channel: int, data: bytes, time: float) -> Event:
    """Return what a valid message of a channel says."""
    match kind:
        case 0x90 if data[2]:
            return NoteOn(time, channel, data[1], data[2])
        case 0xB0:
            return ControlChange(time, channel, data[1], data[2])
        case 0xC0:
            return ProgramChange(time, channel, data[1])
        case 0xE0:
            return PitchBend(time, channel, data[1] | data[2] << 7)
        case 0xD0:
            return Pressure(time, channel, data[1])
        case 0xA0:
            return KeyPressure(time, channel, data[1], data[2])
        case _:
            return NoteOff(time, channel, data[1])


def _read_transport(data: bytes, time: float) -> Transport | None:
    """Return what a system message says of somebody else's clock, None for any other."""
    if data[0] == 0xF2 and len(data) == 3 and max(data[1:]) < 0x80:
        return SongPosition(time, data[1] | data[2] << 7)
    made = REALTIME.get(data[0]) if len(data) == 1 else None
    return None if made is None else made(time)


def fault(data: bytes) -> str | None:
    """Return why ``data`` is not exactly one valid MIDI message, None where it is one."""
    if not data:
        return "is empty"
    status = data[0]
    if status < 0x80:
        return f"begins with the data byte {status:#04x}"
    if status == 0xF0:
        if len(data) > LONGEST_SYSEX:
            return f"is a SysEx of {len(data)} bytes, more than {LONGEST_SYSEX}"
        whole = len(data) > 1 and data[-1] == 0xF7 and all(byte < 0x80 for byte in data[1:-1])
        return None if whole else "is a SysEx without its end, or with a status byte inside"
    length = LENGTHS.get(status & 0xF0) if status < 0xF0 else SYSTEM_LENGTHS.get(status)
    if length is None:
        return f"has the status byte {status:#04x}, which MIDI does not define"
    if len(data) != length:
        return f"has {len(data)} bytes instead of {length}"
    if any(byte > 0x7F for byte in data[1:]):
        return "has a data byte above 127"
    return None


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Return the bytes of a note-on."""
    return bytes((NOTE_ON | channel, pitch, velocity))


def note_off(channel: int, pitch: int) -> bytes:
    """Return the bytes of a note-off."""
    return bytes((NOTE_OFF | channel, pitch, 64))


def silence() -> list[bytes]:
    """Return "all notes off" and "all sound off" for every channel, for what listens and has lost count."""
    return [
        bytes((CONTROL_CHANGE | channel, controller, 0))
        for channel in range(CHANNELS)
        for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF)
    ]


def moved(output: Output, by: float) -> Output:
    """Return an output whose moments are ``by`` seconds later; what has no moment stays as it is."""
    if isinstance(output, DueNote):
        return replace(output, at=output.at + by, until=output.until + by)
    if isinstance(output, Due):
        return replace(output, at=output.at + by)
    if isinstance(output, Withdraw):
        return replace(output, after=output.after + by, until=output.until + by)
    if isinstance(output, Retime):
        return replace(output, until=output.until + by)
    return output

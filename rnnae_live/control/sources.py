"""What a controller sends: which of its knobs and buttons was moved, and to where.

events -> [control.sources] -> mapping, learn

A ``Source`` is one knob, slider, wheel, key or button, as its messages name it. Some are named by several messages: a
14-bit pair (controllers n and n + 32), a non-registered parameter (99, 98, then 6 and 38, or 96 and 97 for a step up
and down). ``Reader`` puts these together; of a pair it tells the whole as well as its parts, because only the map knows
what is meant.

*Units*: ``value`` is 0-``top``, 127 or 16383. *Threading*: one thread a ``Reader``.
*Source*: MIDI 1.0 Detailed Specification 4.2, controllers, registered and non-registered parameter numbers; RP-018,
"Response to Data Increment / Data Decrement": their value is ignored, and how far a step of a non-registered parameter
goes is for the receiver to say (here one step of what it moves).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rnnae_live.errors import ControlError
from rnnae_live.events import (
    CHANNELS,
    ControlChange,
    Event,
    KeyPressure,
    NoteOff,
    NoteOn,
    PitchBend,
    Pressure,
    ProgramChange,
)

COARSE, FINE = 127, 16383
"""The highest values of 7 and of 14 bits."""

BANK_SELECT, DATA_ENTRY, LSB, PEDAL = 0, 6, 32, 64
INCREMENT, DECREMENT, NRPN_LSB, NRPN_MSB, RPN_LSB, RPN_MSB = range(96, 102)
FIRST_MODE_MESSAGE = 120
NEVER = frozenset({BANK_SELECT, LSB, DATA_ENTRY, LSB + DATA_ENTRY, *range(96, 102), *range(FIRST_MODE_MESSAGE, 128)})
"""Controllers that mean something to every instrument: bank select, data entry, parameter numbers, channel modes."""

MOST_REMEMBERED = 256
"""Non-registered parameters whose coarse half is remembered; more is no controller but noise."""


class Kind(Enum):
    """Kinds of sources, by the words that files and the command line use."""

    CC = "cc"
    CC14 = "cc14"
    NRPN = "nrpn"
    NOTE = "note"
    PROGRAM = "program"
    BEND = "bend"
    PRESSURE = "pressure"
    KEY = "key pressure"


HIGHEST = {Kind.CC: 127, Kind.CC14: 31, Kind.NRPN: FINE, Kind.NOTE: 127, Kind.PROGRAM: 127, Kind.KEY: 127}
"""The highest number of each kind that has numbers."""

BUTTONS = frozenset({Kind.NOTE, Kind.PROGRAM})
"""Kinds that are pressed and not moved."""


@dataclass(frozen=True, slots=True)
class Source:
    """One control. ``number`` is its controller, pitch, program or parameter; ``channel`` 0-15, None for any."""

    kind: Kind
    number: int = 0
    channel: int | None = None

    def __str__(self) -> str:
        """Return it in words, as ``source`` reads them: channels and programs as performers count, from 1."""
        words = self.kind.value
        if self.kind in HIGHEST:
            words += f" {self.number + (self.kind is Kind.PROGRAM)}"
        return words if self.channel is None else f"{words} channel {self.channel + 1}"

    @property
    def anywhere(self) -> Source:
        """The same control on any channel."""
        return Source(self.kind, self.number)

    def refusal(self) -> str | None:
        """Return why it cannot be learned, None where it can."""
        numbers = {self.number} if self.kind is Kind.CC else set()
        if self.kind is Kind.CC14:
            numbers = {self.number, self.number + LSB}
        if not numbers & NEVER:
            return None
        return f"{self} cannot be learned: bank select, data entry and channel modes use it"


def source(words: str) -> Source:
    """Return the source that words name: ``cc 21``, ``cc14 1 channel 3``, ``nrpn 300``, ``note 36``, ``bend``.

    Raises:
        ControlError: they name none.
    """
    what, _, channel = words.strip().casefold().partition(" channel ")
    name, number = what, ""
    if what and what[-1].isdigit():
        name, _, number = what.rpartition(" ")
    kind = next((one for one in Kind if one.value == name.strip()), None)
    if kind is None or (kind in HIGHEST) != bool(number):
        raise ControlError(
            f"'{words}' names no control; write it as 'cc 21', 'cc14 1', 'nrpn 300', 'note 36 channel 10'."
        )
    count = _number(number, words) - (kind is Kind.PROGRAM) if number else 0
    on = _number(channel, words) - 1 if channel else None
    if not 0 <= count <= HIGHEST.get(kind, 0) or (on is not None and not 0 <= on < CHANNELS):
        raise ControlError(f"'{words}' names no control: a number is out of range.")
    return Source(kind, count, on)


def _number(digits: str, words: str) -> int:
    # A number of a thousand digits is no number of MIDI.
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        raise ControlError(f"'{words}' names no control: '{digits[:20]}' is no number.")
    return int(digits)


@dataclass(frozen=True, slots=True)
class Heard:
    """A control was moved to ``value`` of 0-``top``, or pressed (not 0) and let go (0).

    ``clicks`` other than 0 says that it was moved by so many steps from wherever it is, and ``value`` nothing.
    """

    time: float
    source: Source
    value: int
    top: int = COARSE
    clicks: int = 0

    def place(self, *, centred: bool = False) -> float:
        """Return the place 0-1; ``centred`` puts the middle, 64 or 8192, exactly to 0.5."""
        return placed(self.value, self.top, centred=centred)


def placed(value: int, top: int, *, centred: bool = False) -> float:
    """Return the place 0-1 of a value 0-``top``: the ends exactly, and where ``centred`` the middle as well."""
    middle = (top + 1) // 2
    if not centred:
        return value / top
    return value / (2 * middle) if value <= middle else 0.5 + (value - middle) / (2 * (top - middle))


def numbered(place: float, top: int, *, centred: bool = False) -> int:
    """Return the value 0-``top`` that is nearest to a place 0-1, as ``placed`` has it."""
    place = min(max(place, 0.0), 1.0)
    middle = (top + 1) // 2
    if not centred:
        return round(place * top)
    return round(place * 2 * middle) if place <= 0.5 else middle + round((place - 0.5) * 2 * (top - middle))


class Reader:
    """Reads the messages of one port. What the clock says, and what selects banks and parameters, moves nothing."""

    def __init__(self) -> None:
        """Begin with no parameter number selected."""
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self._parameters: dict[tuple[int, int], _Pair] = {}
        self._selected: dict[int, _Selection] = {}

    def read(self, event: Event) -> tuple[Heard, ...]:
        """Return what was moved, the whole of a pair before its part."""
        match event:
            case ControlChange():
                return self._control(event)
            case NoteOn():
                return (Heard(event.time, Source(Kind.NOTE, event.pitch, event.channel), event.velocity),)
            case NoteOff():
                return (Heard(event.time, Source(Kind.NOTE, event.pitch, event.channel), 0),)
            case ProgramChange():
                return (Heard(event.time, Source(Kind.PROGRAM, event.program, event.channel), COARSE),)
            case PitchBend():
                return (Heard(event.time, Source(Kind.BEND, 0, event.channel), event.value, FINE),)
            case Pressure():
                return (Heard(event.time, Source(Kind.PRESSURE, 0, event.channel), event.value),)
            case KeyPressure():
                return (Heard(event.time, Source(Kind.KEY, event.pitch, event.channel), event.value),)
            case _:
                return ()

    def _control(self, event: ControlChange) -> tuple[Heard, ...]:
        number, channel, time = event.controller, event.channel, event.time
        if number >= FIRST_MODE_MESSAGE:
            return ()
        selection = self._selected.get(channel)
        if number in (INCREMENT, DECREMENT):
            return self._step(event, selection) if selection is not None and selection.active else ()
        if number in range(NRPN_LSB, RPN_MSB + 1):
            self._select(event)
            return ()
        plain = Heard(time, Source(Kind.CC, number, channel), event.value)
        if number % LSB == DATA_ENTRY and number < 2 * LSB and selection is not None and selection.active:
            return self._parameter(event, selection)
        if number >= 2 * LSB:
            return (plain,)
        pair = self._pairs.setdefault((channel, number % LSB), _Pair())
        value = pair.coarse(event.value) if number < LSB else pair.fine(event.value)
        if value is None:
            return (plain,)
        return (Heard(time, Source(Kind.CC14, number % LSB, channel), value, FINE), plain)

    def _select(self, event: ControlChange) -> None:
        selection = self._selected.setdefault(event.channel, _Selection())
        if event.controller in (NRPN_MSB, NRPN_LSB):
            selection.registered = False
        elif event.controller in (RPN_MSB, RPN_LSB):
            selection.registered = True
        if event.controller in (NRPN_MSB, RPN_MSB):
            selection.msb = event.value
        elif event.controller in (NRPN_LSB, RPN_LSB):
            selection.lsb = event.value

    def _parameter(self, event: ControlChange, selection: _Selection) -> tuple[Heard, ...]:
        """Return what data entry moves; registered parameters (bend range, tuning) move nothing here."""
        if selection.registered:
            return ()
        key = (event.channel, selection.number)
        if key not in self._parameters and len(self._parameters) >= MOST_REMEMBERED:
            del self._parameters[next(iter(self._parameters))]
        pair = self._parameters.setdefault(key, _Pair())
        value = pair.coarse(event.value) if event.controller == DATA_ENTRY else pair.fine(event.value)
        if value is None:
            return ()
        return (Heard(event.time, Source(Kind.NRPN, selection.number, event.channel), value, FINE),)

    def _step(self, event: ControlChange, selection: _Selection) -> tuple[Heard, ...]:
        """Return the step that an increment or a decrement is; registered parameters move nothing here."""
        if selection.registered:
            return ()
        # The halves that came before are those of a value that is left now: a fine half alone does not go back to it.
        self._parameters.pop((event.channel, selection.number), None)
        clicks = 1 if event.controller == INCREMENT else -1
        return (Heard(event.time, Source(Kind.NRPN, selection.number, event.channel), 0, FINE, clicks),)


@dataclass(slots=True)
class _Selection:
    """The parameter number that data entry goes to."""

    msb: int = COARSE
    lsb: int = COARSE
    registered: bool = False

    @property
    def active(self) -> bool:
        """Whether it is a number; 127, 127 is none."""
        return (self.msb, self.lsb) != (COARSE, COARSE)

    @property
    def number(self) -> int:
        return self.msb << 7 | self.lsb


@dataclass(slots=True)
class _Pair:
    """The two halves of a value of 14 bits."""

    msb: int | None = None
    lsb: int = 0
    exact: bool = False
    """Whether the fine half has ever come."""

    def coarse(self, msb: int) -> int:
        """Return the value after its coarse half has come, the fine half being still on its way.

        On the way up that half is taken as 0 and on the way down as 127, so that what follows never goes back.
        """
        before, self.msb = self.msb, msb
        if not self.exact:
            return round(msb * FINE / COARSE)
        if before is not None and msb != before:
            self.lsb = COARSE if 0 < msb < before else 0
        return msb << 7 | self.lsb

    def fine(self, lsb: int) -> int | None:
        """Return the value after its fine half has come, None where there is no coarse half yet."""
        if self.msb is None:
            return None
        self.exact, self.lsb = True, lsb
        return self.msb << 7 | lsb

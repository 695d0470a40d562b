"""The map: which control moves what.

specs, actions, sources, display -> [control.mapping] -> surface

An ``Assignment`` gives a control to a parameter or an action. A ``ControlMap`` is all of them for one port; learning
makes a new one. The default map is the one of the port that a DAW sees.

*Errors*: ``ControlError`` where a name is none, or a way does not fit its control.
*Source*: controllers 3, 9, 14, 15, 20-31, 85-87, 89, 90 and 102-119 are undefined in the MIDI 1.0 table of
controllers, so no other instrument means something by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from rnnae_live.control.actions import ACTIONS, Press, known
from rnnae_live.control.display import Display
from rnnae_live.control.encoders import Encoding
from rnnae_live.control.sources import BUTTONS, PEDAL, Heard, Kind, Source
from rnnae_live.control.specs import SLOTS, SPECS, weight_name
from rnnae_live.errors import ControlError


class Way(Enum):
    """How a control moves a parameter: it stands for the value, it adds clicks, or each press is the next choice."""

    ABSOLUTE = "absolute"
    SIGNED_BIT = Encoding.SIGNED_BIT.value
    SIGNED_BIT_2 = Encoding.SIGNED_BIT_2.value
    BINARY_OFFSET = Encoding.BINARY_OFFSET.value
    TWOS_COMPLEMENT = Encoding.TWOS_COMPLEMENT.value
    TOGGLE = "toggle"

    @property
    def encoding(self) -> Encoding | None:
        """The coding of an endless knob, None for anything else."""
        return None if self in (Way.ABSOLUTE, Way.TOGGLE) else Encoding(self.value)


@dataclass(frozen=True, slots=True)
class Assignment:
    """``source`` moves the parameter, or presses the action, called ``target``.

    ``part`` is the part 0-15 whose parameter it is, None for all that listen. ``shown`` is where its value is shown,
    None where that is the control itself.
    """

    source: Source
    target: str
    way: Way = Way.ABSOLUTE
    part: int | None = None
    shown: Display | None = None

    def __post_init__(self) -> None:
        """Check that it can be.

        Raises:
            ControlError: there is no such parameter or action, or only a controller can be an endless knob.
        """
        known(self.target)
        if self.way.encoding is not None and self.source.kind is not Kind.CC:
            raise ControlError(f"{self.source} cannot be an endless knob; only a controller can ('cc 21').")
        if self.way.encoding is not None and self.target in ACTIONS:
            raise ControlError(f"An endless knob cannot press '{self.target}'; give it a button.")
        if self.part is not None and not 0 <= self.part < 16:
            raise ControlError(f"There is no part {self.part + 1}; parts are 1 to 16.")

    @property
    def goal(self) -> tuple[str, int]:
        """What is moved: the name, and the part whose value stands for it where all are meant."""
        return self.target, self.part or 0

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, so that there is nothing to take over."""
        return self.target in ACTIONS or self.source.kind in BUTTONS or len(SPECS[self.target].choices) == 2

    @property
    def words(self) -> str:
        """It in words."""
        way = "" if self.way is Way.ABSOLUTE else f" ({self.way.value})"
        part = "" if self.part is None else f" of part {self.part + 1}"
        shown = "" if self.shown is None else f", shown by {self.shown}"
        return f"{self.source}{way}: {self.target}{part}{shown}"


@dataclass(frozen=True)
class ControlMap:
    """All assignments of a port."""

    assignments: tuple[Assignment, ...] = ()
    _index: dict[tuple[Kind, int], tuple[Assignment, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the table that is asked for each message."""
        index: dict[tuple[Kind, int], tuple[Assignment, ...]] = {}
        for one in self.assignments:
            key = (one.source.kind, one.source.number)
            index[key] = (*index.get(key, ()), one)
        object.__setattr__(self, "_index", index)

    def moved(self, heard: Heard) -> tuple[Assignment, ...]:
        """Return what a control moves; one that was given on its channel goes before one for any channel."""
        there = self._index.get((heard.source.kind, heard.source.number), ())
        exact = tuple(one for one in there if one.source.channel == heard.source.channel)
        return exact or tuple(one for one in there if one.source.channel is None)

    def learned(self, new: Assignment) -> ControlMap:
        """Return the map with one assignment more: its control, and its target, had another one until now.

        A control that is shown somewhere else still is.
        """
        if new.shown is None:
            there = (one.shown for one in self.assignments if one.source == new.source and one.shown is not None)
            new = replace(new, shown=next(there, None))
        kept = [one for one in self.assignments if not _clash(one.source, new.source)]
        kept = [one for one in kept if (one.target, one.part) != (new.target, new.part)]
        return ControlMap((*kept, new))

    def forgotten(self, target: str) -> ControlMap:
        """Return the map without the assignments of a parameter or action."""
        return ControlMap(tuple(one for one in self.assignments if one.target != target))

    def shown(self, target: str, display: Display | None) -> ControlMap:
        """Return the map with the value of a parameter or action shown elsewhere, None: on its own controls.

        Raises:
            ControlError: nothing moves it.
        """
        if all(one.target != target for one in self.assignments):
            raise ControlError(f"Nothing moves '{target}' on this port, so nothing shows it; learn its control first.")
        return ControlMap(
            tuple(replace(one, shown=display) if one.target == target else one for one in self.assignments)
        )

    def without(self, *controls: Source) -> ControlMap:
        """Return the map without some controls."""
        return ControlMap(tuple(one for one in self.assignments if one.source not in controls))


def _clash(one: Source, other: Source) -> bool:
    """Return whether two sources share a message on the same channel: a pair of controllers is both of them."""
    if one.channel != other.channel:
        return False
    if {one.kind, other.kind} == {Kind.CC, Kind.CC14}:
        return one.number % 32 == other.number % 32 and max(one.number, other.number) < 64
    return (one.kind, one.number) == (other.kind, other.number)


def controllers(numbers: Mapping[int, str], channel: int | None = None) -> Iterable[Assignment]:
    """Return assignments of plain controllers, by their numbers."""
    return (Assignment(Source(Kind.CC, number, channel), target) for number, target in numbers.items())


DEFAULT_KNOBS: Mapping[int, str] = {
    14: "density",
    15: "range",
    **{19 + slot: weight_name(slot) for slot in range(1, SLOTS + 1)},
    28: "follow",
    29: "temperature",
    30: "x",
    31: "y",
    89: "syncopation",
    90: "interval",
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
    116: "contour",
}
"""Controller -> parameter, as the port that a DAW sees has it."""

DEFAULT_BUTTONS: Mapping[int, Press] = {
    3: Press.PREVIOUS,
    9: Press.NEXT,
    85: Press.ANSWER,
    86: Press.CAPTURE,
    87: Press.HOLD,
    117: Press.UNDO,
    118: Press.TAP,
    119: Press.PLAY,
}
"""Controller -> what it does when its value is not 0; hold is on from 64."""

_NAMES = {one.press: one.name for one in ACTIONS.values()}
SUSTAIN = Assignment(Source(Kind.CC, PEDAL), "pedal")
"""The pedal, on ports that are played on."""

DEFAULT_MAP = ControlMap(
    (
        *controllers(DEFAULT_KNOBS),
        *controllers({number: _NAMES[press] for number, press in DEFAULT_BUTTONS.items()}),
        SUSTAIN,
    )
)
"""The map of the port that a DAW sees."""

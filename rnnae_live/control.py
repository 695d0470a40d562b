"""What can be turned and pressed: each parameter is a spec, and a map says which controller moves which.

events -> [control] -> engine

``ControlMap.read`` turns a controller message into a ``Turn`` (a parameter has a new value) or a ``Press`` (do
something now). The default map is the one that a DAW sees; it is a table, so a learned map is another table.

*Units*: parameters have their own range; a controller's 0 is exactly the minimum and its 127 exactly the maximum.
*Errors*: ``ControlError`` where a parameter is named that does not exist. What nothing is mapped to is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from rnnae_live.errors import ControlError
from rnnae_live.events import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange

SLOTS = 8
"""Presets that can be in the mix together."""

PRESSED = 64
"""A switch is on from this controller value."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A parameter: its name, range, what it is at the start, and what it does."""

    name: str
    minimum: float
    maximum: float
    default: float
    summary: str

    def scaled(self, value: int) -> float:
        """Return the parameter's value for a controller value 0-127."""
        return self.minimum + (self.maximum - self.minimum) * min(max(value, 0), 127) / 127.0

    def clamped(self, value: float) -> float:
        """Return ``value`` inside the range; what is not a number becomes the default."""
        return self.default if math.isnan(value) else min(max(value, self.minimum), self.maximum)


def weight_name(slot: int) -> str:
    """Return the name of the weight of slot 1-8."""
    return f"weight {slot}"


SPECS: Mapping[str, Spec] = {
    spec.name: spec
    for spec in (
        *(Spec(weight_name(slot), 0.0, 1.0, 0.0, f"how much of slot {slot} is in the mix") for slot in range(1, 9)),
        Spec("follow", 0.0, 1.0, 1.0, "how much of the phrase just played is in the mix"),
        Spec("temperature", 0.0, 1.5, 0.0, "0 always the likeliest note, more is freer"),
    )
}
"""Every parameter, by its name."""


class Press(Enum):
    """What a button does."""

    ANSWER = "answer now"
    CAPTURE = "capture the last phrase as a preset"
    PANIC = "silence everything"
    HOLD = "keep the phrase open through rests"
    LET_GO = "let a rest end the phrase again"


@dataclass(frozen=True, slots=True)
class Turn:
    """A parameter has a new value."""

    name: str
    value: float


DEFAULT_KNOBS: Mapping[int, str] = {
    **{19 + slot: weight_name(slot) for slot in range(1, SLOTS + 1)},
    28: "follow",
    29: "temperature",
}
"""Controller -> parameter, as the port that a DAW sees has it."""

DEFAULT_BUTTONS: Mapping[int, Press] = {85: Press.ANSWER, 86: Press.CAPTURE}
"""Controller -> what it does when its value is not 0."""

HOLD_CONTROLLER = 87


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which controller moves what. ``hold`` is a switch; "all sound off" and "all notes off" are always a panic."""

    knobs: Mapping[int, str] = field(default_factory=lambda: DEFAULT_KNOBS)
    buttons: Mapping[int, Press] = field(default_factory=lambda: DEFAULT_BUTTONS)
    hold: int = HOLD_CONTROLLER

    def read(self, event: ControlChange) -> Turn | Press | None:
        """Return what a controller message means, None where nothing is mapped to it."""
        if event.controller in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            return Press.PANIC
        if event.controller == self.hold:
            return Press.HOLD if event.value >= PRESSED else Press.LET_GO
        if event.controller in self.buttons:
            return self.buttons[event.controller] if event.value else None
        name = self.knobs.get(event.controller)
        return None if name is None else Turn(name, spec(name).scaled(event.value))


def spec(name: str) -> Spec:
    """Return the spec of a parameter.

    Raises:
        ControlError: there is no such parameter.
    """
    try:
        return SPECS[name]
    except KeyError:
        raise ControlError(f"There is no parameter '{name}'; there are {', '.join(SPECS)}.") from None

"""Takeover: what a knob does that does not stand where its parameter does.

sources -> [control.takeover] -> surface

``jump``: the parameter goes where the knob is, at once. ``pickup``: nothing happens until the knob meets the parameter
or goes past it. ``scale``: the parameter goes the knob's way, as fast as it takes to reach the end together with it.

*Units*: places 0-1. *Source*: the three modes of Ableton Live ("none", "pick-up", "value scaling").
"""

from __future__ import annotations

from enum import Enum

NEAR = 1.5 / 127
"""Places this close are the same: between two values of a controller, and half a one more."""


class Mode(Enum):
    """How a knob takes over."""

    JUMP = "jump"
    PICKUP = "pickup"
    SCALE = "scale"


class Takeover:
    """One knob that takes over one parameter."""

    def __init__(self, mode: Mode, knob: float | None = None) -> None:
        """Begin with a knob that stands at ``knob``, None for one that has not been heard of."""
        self.mode = mode
        self.caught = False
        """Whether knob and parameter go together."""
        self.knob = knob
        """Where the knob stands, as far as it was heard of."""

    def rearm(self) -> None:
        """The parameter has been moved by somebody else: the knob has to take over again."""
        self.caught = False

    def move(self, knob: float, value: float) -> float | None:
        """Return where the parameter goes that is at ``value`` when its knob goes to ``knob``; None: it stays.

        What is returned lies in 0-1 and never lies against the knob's way. A knob that is heard for the first time
        scales nothing yet: nobody knows where it came from.
        """
        before, self.knob = self.knob, knob
        if self.mode is Mode.SCALE:
            return None if before is None else _scaled(before, knob, value)
        if self.mode is Mode.PICKUP and not self.caught:
            self.caught = abs(knob - value) <= NEAR or (before is not None and _between(before, value, knob))
            return knob if self.caught else None
        return knob


def _between(one: float, value: float, other: float) -> bool:
    return min(one, other) <= value <= max(one, other)


def _scaled(before: float, knob: float, value: float) -> float:
    """Return the value moved by the part of its way to the end that the knob has made of its own."""
    if knob >= before:
        way = 1.0 if knob >= 1.0 else (knob - before) / (1.0 - before)
        return min(1.0, value + (1.0 - value) * way)
    way = 1.0 if knob <= 0.0 else (before - knob) / before
    return max(0.0, value - value * way)

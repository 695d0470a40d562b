"""Actions: everything that can be pressed, in one table.

[control.actions] -> mapping, OSC, help, engine

*Errors*: ``ControlError`` where an action is named that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rnnae_live.control.specs import SPECS, suggested
from rnnae_live.errors import ControlError


class Press(Enum):
    """What a button does."""

    ANSWER = "answer now"
    CAPTURE = "capture the last phrase as a preset"
    PANIC = "silence everything"
    HOLD = "keep the phrase open through rests"
    LET_GO = "let a rest end the phrase again"
    UNDO = "back to the mix before the last change"
    TAP = "tap the tempo"
    PLAY = "start or stop the transport"
    STOP = "stop the transport"
    NEXT = "the next preset"
    PREVIOUS = "the preset before"
    FREEZE = "freeze what sounds, or let it go"
    PEDAL_DOWN = "the pedal goes down"
    PEDAL_UP = "the pedal comes up"


@dataclass(frozen=True, slots=True)
class Action:
    """What a button may be given to: what it does when it goes down, and, where that matters, when it comes up."""

    name: str
    press: Press
    release: Press | None = None

    @property
    def summary(self) -> str:
        """What it does."""
        return self.press.value


ACTIONS: Mapping[str, Action] = {
    one.name: one
    for one in (
        Action("answer", Press.ANSWER),
        Action("capture", Press.CAPTURE),
        Action("hold", Press.HOLD, Press.LET_GO),
        Action("undo", Press.UNDO),
        Action("panic", Press.PANIC),
        Action("next preset", Press.NEXT),
        Action("previous preset", Press.PREVIOUS),
        Action("tap", Press.TAP),
        Action("play", Press.PLAY),
        Action("stop", Press.STOP),
        Action("freeze toggle", Press.FREEZE),
        Action("pedal", Press.PEDAL_DOWN, Press.PEDAL_UP),
    )
}
"""Every action, by its name. No parameter has the name of an action."""


def action(name: str) -> Action:
    """Return an action.

    Raises:
        ControlError: there is no such action.
    """
    try:
        return ACTIONS[name]
    except KeyError:
        raise ControlError(f"There is no action '{name}'{suggested(name, ACTIONS)}") from None


def known(target: str) -> str:
    """Return the name of a parameter or an action as it was given.

    Raises:
        ControlError: there is neither.
    """
    if target in SPECS or target in ACTIONS:
        return target
    raise ControlError(f"There is no parameter or action '{target}'{suggested(target, [*SPECS, *ACTIONS])}")

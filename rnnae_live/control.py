"""What can be turned and pressed: each parameter is a spec, and a map says which controller moves which.

events -> [control] -> engine

``ControlMap.read`` turns a controller message into a ``Turn`` (a parameter has a new value) or a ``Press`` (do
something now). The default map is the one that a DAW sees; it is a table, so a learned map is another table.

*Units*: parameters have their own range; a controller's 0 is exactly the minimum and its 127 exactly the maximum.
The value of a parameter with choices is the number of the choice.
*Errors*: ``ControlError`` where a parameter is named that does not exist. What nothing is mapped to is None.
*Source*: controllers 20-31, 85-87 and 102-119 are undefined in the MIDI 1.0 table of controllers, so no other
instrument means something by them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from rnnae_live.errors import ConfigError, ControlError
from rnnae_live.events import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange
from rnnae_live.scale import SCALES

SLOTS = 8
"""Presets that can be in the mix together."""

PRESSED = 64
"""A switch is on from this controller value."""

MODES = ("answer", "trade", "loop")
QUANTISE = ("now", "beat", "bar", "phrase")
STARTS = ("auto", "now", "1/16", "beat", "bar")
ENDS = ("rest", "pedal", "length", "bar")
SWITCH = ("off", "on")
THRU = ("off", "notes", "all")
ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Spec:
    """A parameter: its name, range, what it is at the start, and what it does.

    ``choices`` are the words for its values 0, 1, 2, ...; ``whole`` says that only whole numbers make sense.
    """

    name: str
    minimum: float
    maximum: float
    default: float
    summary: str
    choices: tuple[str, ...] = ()
    whole: bool = False
    unit: str = ""

    def scaled(self, value: int) -> float:
        """Return the parameter's value for a controller value 0-127; choices share the range evenly."""
        value = min(max(value, 0), 127)
        if self.choices:
            return float(value * len(self.choices) // 128)
        exact = self.minimum + (self.maximum - self.minimum) * value / 127.0
        return float(round(exact)) if self.whole else exact

    def clamped(self, value: float) -> float:
        """Return ``value`` inside the range; what is not a number becomes the default."""
        if math.isnan(value):
            return self.default
        value = min(max(value, self.minimum), self.maximum)
        return float(round(value)) if self.whole else value

    def named(self, word: str) -> float:
        """Return the value of one of the choices.

        Raises:
            ConfigError: there is no such choice.
        """
        if word not in self.choices:
            raise ConfigError(f"'{word}' is no {self.name}; there are {', '.join(self.choices)}.")
        return float(self.choices.index(word))

    def told(self, value: float) -> str:
        """Return the value as a performer reads it."""
        if self.choices:
            return self.choices[int(value)]
        number = f"{value:.0f}" if self.whole else f"{value:.2f}"
        return f"{number} {self.unit}".rstrip()


def weight_name(slot: int) -> str:
    """Return the name of the weight of slot 1-8."""
    return f"weight {slot}"


def _choice(name: str, choices: tuple[str, ...], summary: str) -> Spec:
    return Spec(name, 0, len(choices) - 1, 0, summary, choices, whole=True)


PART_SPECS: tuple[Spec, ...] = (
    *(Spec(weight_name(slot), 0.0, 1.0, 0.0, f"how much of slot {slot} is in the mix") for slot in range(1, 9)),
    Spec("follow", 0.0, 1.0, 1.0, "how much of the phrase just played is in the mix"),
    Spec("temperature", 0.0, 1.5, 0.0, "0 always the likeliest note, more is freer"),
    Spec("x", 0.0, 1.0, 0.0, "across the map: from slots 1 and 3 to slots 2 and 4"),
    Spec("y", 0.0, 1.0, 0.0, "up the map: from slots 1 and 2 to slots 3 and 4"),
    Spec("glide", 0.0, 16.0, 0.0, "time that a weight takes to its new value", unit="beats"),
    Spec("deja vu", 0.0, 1.0, 1.0, "how likely the dice fall as they did the last time round"),
    _choice("freeze", SWITCH, "the two bars that sound are played again and again, whatever is turned"),
    _choice("quantise", QUANTISE, "when a change is heard"),
    _choice("mode", MODES, "when the instrument plays"),
    _choice("start", STARTS, "the line on which an answer starts"),
    _choice("end", ENDS, "what ends a phrase, beside the button"),
    Spec("turn", 1, 16, 2, "how long a turn is when bars are traded, and a phrase of fixed length", (), True, "bars"),
    _choice("scale", tuple(SCALES), "pitches that may be chosen"),
    _choice("root", ROOTS, "the key note of the scale"),
    Spec("transpose", -12, 12, 0, "moves what is played", whole=True, unit="semitones"),
    Spec("octave", -3, 3, 0, "moves what is played", whole=True, unit="octaves"),
    Spec("swing", 0.0, 1.0, 0.0, "how late the off-beats are: 1 is a triplet"),
    Spec("humanize", 0.0, 1.0, 0.0, "small differences of time and loudness"),
    Spec("feel", 0.0, 1.0, 1.0, "how much of your loudness and timing the answer has"),
    Spec("shortest", 1, 96, 1, "no note is shorter", whole=True, unit="ticks"),
    Spec("longest", 1, 384, 384, "no note is longer", whole=True, unit="ticks"),
)
"""Parameters that every part has for itself."""

SHARED_SPECS: tuple[Spec, ...] = (
    Spec("bpm", 20.0, 300.0, 120.0, "tempo of the internal clock", unit="bpm"),
    _choice("thru", THRU, "what you play is passed on at once"),
)
"""Parameters of the whole instrument."""

SPECS: Mapping[str, Spec] = {one.name: one for one in (*PART_SPECS, *SHARED_SPECS)}
"""Every parameter, by its name."""


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
    PEDAL_DOWN = "the pedal goes down"
    PEDAL_UP = "the pedal comes up"


@dataclass(frozen=True, slots=True)
class Turn:
    """A parameter has a new value."""

    name: str
    value: float


DEFAULT_KNOBS: Mapping[int, str] = {
    **{19 + slot: weight_name(slot) for slot in range(1, SLOTS + 1)},
    28: "follow",
    29: "temperature",
    30: "x",
    31: "y",
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
}
"""Controller -> parameter, as the port that a DAW sees has it."""

DEFAULT_BUTTONS: Mapping[int, Press] = {
    85: Press.ANSWER,
    86: Press.CAPTURE,
    117: Press.UNDO,
    118: Press.TAP,
    119: Press.PLAY,
}
"""Controller -> what it does when its value is not 0."""

HOLD_CONTROLLER = 87
PEDAL_CONTROLLER = 64


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which controller moves what. ``hold`` is a switch; "all sound off" and "all notes off" are always a panic."""

    knobs: Mapping[int, str] = field(default_factory=lambda: DEFAULT_KNOBS)
    buttons: Mapping[int, Press] = field(default_factory=lambda: DEFAULT_BUTTONS)
    hold: int = HOLD_CONTROLLER
    pedal: int = PEDAL_CONTROLLER

    def read(self, event: ControlChange) -> Turn | Press | None:
        """Return what a controller message means, None where nothing is mapped to it."""
        if event.controller in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            return Press.PANIC
        on = event.value >= PRESSED
        if event.controller == self.hold:
            return Press.HOLD if on else Press.LET_GO
        if event.controller == self.pedal:
            return Press.PEDAL_DOWN if on else Press.PEDAL_UP
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


def initial(specs: tuple[Spec, ...] = PART_SPECS) -> dict[str, float]:
    """Return the values that parameters have at the start, by name."""
    return {one.name: one.default for one in specs}

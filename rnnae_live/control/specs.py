"""Parameters as specs: everything that can be turned, in one table.

[control.specs] -> mapping, OSC, configuration, help, engine

A parameter is known by its name. It has a range, a curve that says how a knob's way is spread over it, the step of one
click, what it is at the start, and how it is shown. Whatever moves, stores or shows parameters reads this table.

*Units*: parameters have their own range and unit. A knob's place is 0-1: 0 is exactly the minimum, 1 exactly the
maximum. The value of a parameter with choices is the number of the choice.
*Errors*: ``ControlError`` where a parameter is named that does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from rnnae_live.errors import ConfigError, ControlError
from rnnae_live.scale import SCALES

SLOTS = 8
"""Presets that can be in the mix together."""

MODES = ("answer", "trade", "loop")
QUANTISE = ("now", "beat", "bar", "phrase")
STARTS = ("auto", "now", "1/16", "beat", "bar")
ENDS = ("rest", "pedal", "length", "bar")
SWITCH = ("off", "on")
THRU = ("off", "notes", "all")
ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
DIRECTIONS = ("density", "range", "syncopation", "interval", "contour")
"""What of a mix can be heard and moved, where the bank has such directions."""

_SEVEN_BITS = 127 / 128
"""Choices share the 128 values of a controller evenly, not the 127 ways between them."""
_ROUNDING = 1e-9


class Curve(Enum):
    """How a knob's way is spread over the range: the same difference, or the same ratio, for the same way."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Spec:
    """A parameter: its name, range, what it is at the start, and what it does.

    ``choices`` are the words for its values 0, 1, 2, ...; ``whole`` says that only whole numbers make sense. ``step``
    is what one click of an endless knob adds; ``display`` is how a number is written, without its unit.
    """

    name: str
    minimum: float
    maximum: float
    default: float
    summary: str
    choices: tuple[str, ...] = ()
    whole: bool = False
    unit: str = ""
    curve: Curve = Curve.LINEAR
    step: float = 0.01
    display: str = "{:.2f}"

    @property
    def centred(self) -> bool:
        """Whether the middle of its range is a place of its own, where a controller's 64 has to be exactly."""
        return not self.choices and self.minimum == -self.maximum

    def at(self, place: float) -> float:
        """Return the value for a knob's place 0-1; choices share the range evenly."""
        place = min(max(place, 0.0), 1.0)
        if self.choices:
            return float(int(place * len(self.choices) * _SEVEN_BITS + _ROUNDING))
        if place in (0.0, 1.0):
            return self.maximum if place else self.minimum
        if self.curve is Curve.EXPONENTIAL:
            exact = self.minimum * (self.maximum / self.minimum) ** place
        else:
            exact = self.minimum + (self.maximum - self.minimum) * place
        return self.clamped(exact)

    def place(self, value: float) -> float:
        """Return the knob's place 0-1 that stands for a value."""
        value = self.clamped(value)
        if self.curve is Curve.EXPONENTIAL:
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def turned(self, value: float, clicks: int) -> float:
        """Return the value that so many clicks of an endless knob make of ``value``; it stops at the ends."""
        return self.clamped(round(value + clicks * self.step, 9))

    def next(self, value: float) -> float:
        """Return what a button makes of ``value``: the next choice, the first after the last; or the other end."""
        if self.choices:
            return float((int(self.clamped(value)) + 1) % len(self.choices))
        return self.minimum if self.place(value) >= 0.5 else self.maximum

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
            return self.choices[int(self.clamped(value))]
        return f"{self.display.format(value)} {self.unit}".rstrip()


def weight_name(slot: int) -> str:
    """Return the name of the weight of slot 1-8."""
    return f"weight {slot}"


def _choice(name: str, choices: tuple[str, ...], summary: str) -> Spec:
    return Spec(name, 0, len(choices) - 1, 0, summary, choices, whole=True, step=1, display="{:.0f}")


def _whole(name: str, minimum: int, maximum: int, default: int, summary: str, unit: str) -> Spec:
    return Spec(name, minimum, maximum, default, summary, whole=True, unit=unit, step=1, display="{:.0f}")


def _ticks(name: str, maximum: int, default: int, summary: str) -> Spec:
    """Return a length of a note: the ear compares lengths by their ratio."""
    return Spec(name, 1, maximum, default, summary, (), True, "ticks", Curve.EXPONENTIAL, 1, "{:.0f}")


def _direction(name: str, summary: str) -> Spec:
    return Spec(name, -2.0, 2.0, 0.0, summary, step=0.05)


PART_SPECS: tuple[Spec, ...] = (
    *(Spec(weight_name(slot), 0.0, 1.0, 0.0, f"how much of slot {slot} is in the mix") for slot in range(1, SLOTS + 1)),
    Spec("follow", 0.0, 1.0, 1.0, "how much of the phrase just played is in the mix"),
    Spec("temperature", 0.0, 1.5, 0.0, "0 always the likeliest note, more is freer"),
    Spec("x", 0.0, 1.0, 0.0, "across the map: from slots 1 and 3 to slots 2 and 4"),
    Spec("y", 0.0, 1.0, 0.0, "up the map: from slots 1 and 2 to slots 3 and 4"),
    _direction("density", "fewer or more notes"),
    _direction("range", "a smaller or larger compass"),
    _direction("syncopation", "less or more off the beat"),
    _direction("interval", "smaller or larger steps from note to note"),
    _direction("contour", "falling or rising"),
    Spec("glide", 0.0, 16.0, 0.0, "time that a weight takes to its new value", unit="beats", step=0.25),
    Spec("deja vu", 0.0, 1.0, 1.0, "how likely the dice fall as they did the last time round"),
    _choice("freeze", SWITCH, "the two bars that sound are played again and again, whatever is turned"),
    _choice("quantise", QUANTISE, "when a change is heard"),
    _choice("mode", MODES, "when the instrument plays"),
    _choice("start", STARTS, "the line on which an answer starts"),
    _choice("end", ENDS, "what ends a phrase, beside the button"),
    _whole("turn", 1, 16, 2, "how long a turn is when bars are traded, and a phrase of fixed length", "bars"),
    _choice("scale", tuple(SCALES), "pitches that may be chosen"),
    _choice("root", ROOTS, "the key note of the scale"),
    _whole("transpose", -12, 12, 0, "moves what is played", "semitones"),
    _whole("octave", -3, 3, 0, "moves what is played", "octaves"),
    Spec("swing", 0.0, 1.0, 0.0, "how late the off-beats are: 1 is a triplet"),
    Spec("humanize", 0.0, 1.0, 0.0, "small differences of time and loudness"),
    Spec("feel", 0.0, 1.0, 1.0, "how much of your loudness and timing the answer has"),
    _ticks("shortest", 96, 1, "no note is shorter"),
    _ticks("longest", 384, 384, "no note is longer"),
)
"""Parameters that every part has for itself."""

SHARED_SPECS: tuple[Spec, ...] = (
    Spec("bpm", 20.0, 300.0, 120.0, "tempo of the internal clock", unit="bpm", step=1.0, display="{:.1f}"),
    _choice("thru", THRU, "what you play is passed on at once"),
)
"""Parameters of the whole instrument."""

SPECS: Mapping[str, Spec] = {one.name: one for one in (*PART_SPECS, *SHARED_SPECS)}
"""Every parameter, by its name."""


def spec(name: str) -> Spec:
    """Return the spec of a parameter.

    Raises:
        ControlError: there is no such parameter.
    """
    try:
        return SPECS[name]
    except KeyError:
        raise ControlError(f"There is no parameter '{name}'{suggested(name, SPECS)}") from None


def initial(specs: tuple[Spec, ...] = PART_SPECS) -> dict[str, float]:
    """Return the values that parameters have at the start, by name."""
    return {one.name: one.default for one in specs}


def suggested(word: str, names: Iterable[str]) -> str:
    """Return the end of a sentence about a name that does not exist: the nearest one, or all there are."""
    there = list(names)
    near = get_close_matches(word, there, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(there)}."

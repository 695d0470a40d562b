"""Profiles: what well-known controllers send, as facts, and what their controls are given to.

[control.profiles] -> store

A profile counts only on the port whose name it knows. On that port its own controls may be learned even where their
numbers are bank select or data entry to every other instrument. What is not known for certain is left out.

*Source*: with each profile; channels count from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnae_live.control.display import Display
from rnnae_live.control.mapping import Assignment, ControlMap, Way
from rnnae_live.control.sources import Kind, Source
from rnnae_live.control.specs import SLOTS, suggested, weight_name
from rnnae_live.errors import ControlError


@dataclass(frozen=True, slots=True)
class Profile:
    """A controller: the names that its ports have, its controls by their labels, and what they move to begin with.

    ``note`` says which setting of the controller is meant, ``origin`` where the facts are from. ``lamps`` show the
    values of controls, by their labels, where the controls do not themselves.
    """

    name: str
    ports: tuple[str, ...]
    controls: Mapping[str, Source]
    moves: Mapping[str, str]
    origin: str
    note: str = ""
    shows: bool = False
    ways: Mapping[str, Way] | None = None
    lamps: Mapping[str, Display] | None = None

    def knows(self, port: str) -> bool:
        """Return whether a port is one of this controller."""
        low = port.casefold()
        return any(name.casefold() in low for name in self.ports)

    @property
    def map(self) -> ControlMap:
        """The map to begin with."""
        ways, lamps = self.ways or {}, self.lamps or {}
        return ControlMap(
            tuple(
                Assignment(self.controls[label], target, ways.get(label, Way.ABSOLUTE), shown=lamps.get(label))
                for label, target in self.moves.items()
            )
        )

    def lamp(self, source: Source) -> Display | None:
        """Return what shows the value of a control, None where that is the control itself."""
        return (self.lamps or {}).get(self.label(source) or "")

    def has(self, source: Source) -> bool:
        """Return whether a control is one of this controller's."""
        return source in self.controls.values()

    def label(self, source: Source) -> str | None:
        """Return how a control is called on the controller, None where it is not known."""
        return next((label for label, one in self.controls.items() if one == source), None)


def _row(label: str, kind: Kind, first: int, count: int, channel: int) -> dict[str, Source]:
    return {f"{label} {number + 1}": Source(kind, first + number, channel) for number in range(count)}


def _weights(label: str, count: int = SLOTS) -> dict[str, str]:
    return {f"{label} {number}": weight_name(number) for number in range(1, count + 1)}


_NANOKONTROL2_TRANSPORT = {
    "play": 41,
    "stop": 42,
    "rewind": 43,
    "fast forward": 44,
    "record": 45,
    "cycle": 46,
    "track back": 58,
    "track forward": 59,
    "marker set": 60,
    "marker back": 61,
    "marker forward": 62,
}

NANOKONTROL2 = Profile(
    name="nanoKONTROL2",
    ports=("nanoKONTROL2",),
    controls={
        **_row("slider", Kind.CC, 0, 8, 0),
        **_row("knob", Kind.CC, 16, 8, 0),
        **_row("S", Kind.CC, 32, 8, 0),
        **_row("M", Kind.CC, 48, 8, 0),
        **_row("R", Kind.CC, 64, 8, 0),
        **{label: Source(Kind.CC, number, 0) for label, number in _NANOKONTROL2_TRANSPORT.items()},
    },
    moves={
        **_weights("slider"),
        "knob 1": "follow",
        "knob 2": "temperature",
        "knob 3": "density",
        "knob 4": "syncopation",
        "knob 5": "swing",
        "knob 6": "humanize",
        "knob 7": "transpose",
        "knob 8": "glide",
        "S 1": "answer",
        "M 1": "undo",
        "R 1": "hold",
        "play": "play",
        "stop": "stop",
        "record": "capture",
        "cycle": "freeze toggle",
        "track back": "previous preset",
        "track forward": "next preset",
        "marker set": "tap",
    },
    origin="Korg, nanoKONTROL2 MIDI Implementation 1.00 (2010-12-14), section 4: the number of each control. That "
    "CC mode sends them on channel 1, with 127 down and 0 up, is what players' published maps agree on.",
    note="CC mode: hold SET MARKER and CYCLE while connecting it. Lamps follow with LED Mode set to External.",
)

MPK_MINI_MK2 = Profile(
    name="MPK mini mkII",
    ports=("MPKmini2", "MPK mini 2", "MPK mini mkII", "MPK mini mk2"),
    controls={
        **_row("K", Kind.CC, 1, 8, 0),
        "stick left and right": Source(Kind.BEND, 0, 0),
    },
    moves={
        "K 1": "temperature",
        "K 2": "follow",
        **{f"K {number + 2}": weight_name(number) for number in range(1, 5)},
        "K 7": "density",
        "K 8": "swing",
    },
    origin="Akai, MPK mini MKII Editor User Guide 1.0: knobs and joystick of a program and their one channel. The "
    "numbers are those of factory program 1 as read back from the keyboard by its system-exclusive dump.",
    note="Program 1 (PROG SELECT and pad 5). The stick up and down sends what K 1 sends. Its pads send the same "
    "messages as keys, so they are not described: give them to something by learning.",
)

X_TOUCH_ONE = Profile(
    name="X-Touch One",
    ports=("X-Touch One", "X-TOUCH ONE"),
    controls={
        "fader": Source(Kind.CC, 70),
        "encoder": Source(Kind.CC, 80),
        "fader touch": Source(Kind.NOTE, 110),
        "jog wheel": Source(Kind.CC, 88),
        "foot switch": Source(Kind.CC, 64),
        **{f"button {number}": Source(Kind.NOTE, number) for number in range(35)},
    },
    moves={"fader": "follow", "encoder": "temperature", "jog wheel": "bpm", "foot switch": "answer"},
    origin="Behringer, X-TOUCH ONE MIDI Mode Implementation: numbers sent and received; fader and ring follow "
    "what they are sent, the jog wheel sends 65 to the right and 1 to the left.",
    note="Standard MIDI mode, the encoder set to absolute.",
    shows=True,
    ways={"jog wheel": Way.SIGNED_BIT_2},
)

_MINI, _MINI_LAMPS = 10, 0
"""The channel on which an X-Touch Mini sends, and the one on which its lights listen."""

X_TOUCH_MINI = Profile(
    name="X-Touch Mini",
    ports=("X-TOUCH MINI",),
    controls={
        **_row("knob", Kind.CC, 1, 8, _MINI),
        **_row("push", Kind.NOTE, 0, 8, _MINI),
        **_row("button", Kind.NOTE, 8, 16, _MINI),
        "fader": Source(Kind.CC, 9, _MINI),
        **_row("knob B", Kind.CC, 11, 8, _MINI),
        **_row("push B", Kind.NOTE, 24, 8, _MINI),
        **_row("button B", Kind.NOTE, 32, 16, _MINI),
        "fader B": Source(Kind.CC, 10, _MINI),
    },
    moves={
        **_weights("knob"),
        "fader": "follow",
        "push 1": "answer",
        "push 2": "undo",
        "button 1": "previous preset",
        "button 2": "next preset",
        "button 3": "hold",
        "button 4": "capture",
        "button 5": "tap",
        "button 6": "freeze toggle",
        "button 7": "stop",
        "button 8": "play",
        "knob B 1": "temperature",
        "knob B 2": "density",
        "knob B 3": "syncopation",
        "knob B 4": "swing",
        "knob B 5": "humanize",
        "knob B 6": "transpose",
        "knob B 7": "glide",
        "knob B 8": "deja vu",
    },
    origin="Behringer, X-TOUCH MINI RX MIDI Data: rings of the knobs are CC 9-16 with 1-13 for the lights from the "
    "left, lamps of the buttons notes 0-15 with 0 off and 1 on, on the global channel. What its controls send in the "
    "factory setting, on channel 11, and that the global channel is 1, is what players' published recordings and "
    "programs agree on.",
    note="Standard mode, factory setting; layer A, and of layer B the knobs.",
    shows=True,
    lamps={
        **{f"knob {n}": Display(Source(Kind.CC, 8 + n, _MINI_LAMPS), 1, 13) for n in range(1, 9)},
        **{f"button {n}": Display(Source(Kind.NOTE, n - 1, _MINI_LAMPS), 0, 1) for n in range(1, 17)},
    },
)

MIDI_FIGHTER_TWISTER = Profile(
    name="Midi Fighter Twister",
    ports=("Midi Fighter Twister",),
    controls={
        **_row("knob", Kind.CC, 0, 64, 0),
        **_row("push", Kind.CC, 0, 64, 1),
    },
    moves={
        **_weights("knob"),
        "knob 9": "follow",
        "knob 10": "temperature",
        "knob 11": "density",
        "knob 12": "syncopation",
        "knob 13": "swing",
        "knob 14": "humanize",
        "knob 15": "transpose",
        "knob 16": "glide",
        "push 1": "answer",
        "push 2": "undo",
        "push 3": "hold",
        "push 4": "capture",
        "push 5": "previous preset",
        "push 6": "next preset",
        "push 7": "tap",
        "push 8": "play",
    },
    origin="DJ TechTools, Midi Fighter Twister User Guide 1.03: 16 knobs in four banks, 64 in all, which are shown the "
    "values of their own messages; the light of a switch listens to the switch's own number and channel. That the "
    "factory setting sends the knobs on channel 1 and the switches on channel 2, from 0 on, is what its users report.",
    note="Factory setting: knobs send their place, not clicks.",
    shows=True,
)

PROFILES: tuple[Profile, ...] = (NANOKONTROL2, MPK_MINI_MK2, X_TOUCH_ONE, X_TOUCH_MINI, MIDI_FIGHTER_TWISTER)
"""All controllers that are known."""


def profile(name: str) -> Profile:
    """Return a profile by its name, whatever the case.

    Raises:
        ControlError: there is none.
    """
    for one in PROFILES:
        if one.name.casefold() == name.casefold():
            return one
    raise ControlError(f"There is no profile '{name}'{suggested(name, [one.name for one in PROFILES])}")


def profile_for(port: str) -> Profile | None:
    """Return the profile of the controller that a port belongs to, None where it is not known."""
    return next((one for one in PROFILES if one.knows(port)), None)

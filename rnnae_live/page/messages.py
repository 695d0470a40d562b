"""What a browser asks for, read and checked: nothing that is not in these tables gets any further.

browser -> [messages] -> viewers -> front

A message is a JSON object with one key: ``do``, ``ping``, ``import`` or ``export``. A wish (``do``) leaves here in the
words of ``Engine.do``.

*Units*: as ``control``; parts 0-15, slots 1-8, velocities 1-127. *Threading*: none.
*Errors*: ``ControlError`` with a sentence for whoever sent it.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from rnnae_live.control import ACTIONS, SLOTS, SPECS, Press
from rnnae_live.errors import ControlError

LONGEST = 1 << 16
"""Bytes of a message."""

LONGEST_NAME = 200
"""Characters of a name."""

MOST_PARTS = 16
MOST_MIXED = SLOTS

Wish = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Import:
    """A MIDI file that is to become a preset: put into ``slot`` 1-8 of ``part``, None for nowhere.

    ``track`` is the number of the track that has the melody, None to choose one.
    """

    name: str
    data: bytes
    slot: int | None = None
    part: int = 0
    track: int | None = None


def read(text: str | bytes) -> tuple[str, Any]:
    """Return the kind of a message and its content: a wish, a number, an ``Import`` or the name of what is exported.

    Raises:
        ControlError: it is none that is understood.
    """
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise ControlError(f"That is no JSON: {str(error)[:100]}.") from None
    if not isinstance(message, dict) or len(message) != 1:
        raise ControlError("A message is an object with one key: do, learn, ping, import or export.")
    kind, content = next(iter(message.items()))
    if kind == "do":
        return kind, wish(content)
    if kind == "learn":
        return "do", {"learn": None if content is None else _learnable(content)}
    if kind == "ping":
        return kind, _number(content)
    if kind == "import":
        return kind, _import(content)
    if kind == "export" and content in ("answer", "session"):
        return kind, content
    raise ControlError(f"There is no message {str(kind)[:40]!a}; there are do, learn, ping, import and export.")


def wish(content: object) -> Wish:
    """Return what is to be done, in the words of ``Engine.do``.

    Raises:
        ControlError: it is nothing that can be done.
    """
    if not isinstance(content, dict):
        raise ControlError("What is to be done is an object: turn, press, preset, note or mix.")
    for name, (keys, understood) in WISHES.items():
        if name in content:
            _only(content, {name, "part", *keys})
            return {**understood(content), **_part(content)}
    raise ControlError("There is nothing to do in it; there are turn, press, preset, note and mix.")


def is_panic(one: Wish) -> bool:
    """Return whether a wish goes before everything else."""
    return one.get("press") == Press.PANIC.value


def _learnable(content: object) -> str:
    name = _name(content)
    if name not in SPECS and name not in ACTIONS:
        raise ControlError(f"There is neither a parameter nor an action {name[:40]!a}.")
    return name


def _turn(content: Mapping[str, Any]) -> Wish:
    name, value = _name(content["turn"]), _number(content.get("value"))
    if name not in SPECS:
        raise ControlError(f"There is no parameter {name[:40]!a}.")
    return {"turn": name, "value": value}


def _press(content: Mapping[str, Any]) -> Wish:
    name, down = _name(content["press"]), content.get("down", True)
    if not isinstance(down, bool):
        raise ControlError("Whether a button goes down is true or false.")
    if name in ACTIONS:
        action = ACTIONS[name]
        press = action.press if down else action.release
        if press is None:
            raise ControlError(f"Nothing happens when {name!a} comes up.")
        return {"press": press.value}
    if name in _PRESSES and down:
        return {"press": name}
    raise ControlError(f"There is no button {name[:40]!a}.")


def _preset(content: Mapping[str, Any]) -> Wish:
    slot = _whole(content.get("slot", 1), 1, SLOTS, "slot")
    return {"preset": _name(content["preset"]), "slot": slot}


def _note(content: Mapping[str, Any]) -> Wish:
    note = content["note"]
    if not isinstance(note, list) or len(note) != 3:
        raise ControlError("A note is [1 for on and 0 for off, pitch, velocity].")
    on = _whole(int(note[0]) if isinstance(note[0], bool) else note[0], 0, 1, "switch")
    velocity = _whole(note[2], on, 127, "velocity")
    return {"note": [on, _whole(note[1], 0, 127, "pitch"), velocity], "part": 0}


def _mix(content: Mapping[str, Any]) -> Wish:
    shares = content["mix"]
    if not isinstance(shares, dict) or not 1 <= len(shares) <= MOST_MIXED:
        raise ControlError(f"A mix is an object of 1 to {MOST_MIXED} presets and their weights.")
    mix = {_name(name): _number(weight) for name, weight in shares.items()}
    if not all(0.0 <= weight <= 1.0 for weight in mix.values()):
        raise ControlError("A weight in a mix is from 0 to 1.")
    return {"mix": mix}


WISHES: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Wish]]] = {
    "turn": (("value",), _turn),
    "press": (("down",), _press),
    "preset": (("slot",), _preset),
    "note": ((), _note),
    "mix": ((), _mix),
}
"""What can be asked for: the keys beside it, and what it becomes."""

_PRESSES = frozenset(press.value for press in Press)


def _import(content: object) -> Import:
    if not isinstance(content, dict) or not isinstance(content.get("data"), str):
        raise ControlError("What is imported is an object with name and data, the file as base64.")
    _only(content, {"name", "data", "slot", "part", "track"})
    try:
        data = base64.b64decode(content["data"], validate=True)
    except (binascii.Error, ValueError):
        raise ControlError("The data of what is imported is no base64.") from None
    return imported(_name(content.get("name")), data, content.get("slot"), content.get("part"), content.get("track"))


def imported(name: str, data: bytes, slot: object, part: object, track: object) -> Import:
    """Return a file that is to be imported.

    Raises:
        ControlError: there is no such slot, part or track.
    """
    return Import(
        _name(name),
        data,
        None if slot is None else _whole(slot, 1, SLOTS, "slot"),
        0 if part is None else _whole(part, 0, MOST_PARTS - 1, "part"),
        None if track is None else _whole(track, 0, 1 << 16, "track"),
    )


def _part(content: Mapping[str, Any]) -> Wish:
    return {"part": _whole(content["part"], 0, MOST_PARTS - 1, "part")} if "part" in content else {}


def _only(content: Mapping[str, Any], known: Collection[str]) -> None:
    for key in content:
        if key not in known:
            raise ControlError(f"There is no key {str(key)[:40]!a} in this; there are {', '.join(sorted(known))}.")


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
        raise ControlError(f"A name is a text of 1 to {LONGEST_NAME} characters.")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError("A value is a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ControlError("A value is a finite number.")
    return number


def _whole(value: object, low: int, high: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ControlError(f"A {what} is a whole number from {low} to {high}.")
    return value

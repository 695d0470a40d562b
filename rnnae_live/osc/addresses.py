"""The addresses of OSC: a fixed table made of the parameters and actions, read in both ways.

packet -> [addresses] -> flow -> the front ... engine -> [addresses] -> packet

``/rnnae/part/2/weight/3`` is the weight of slot 3 in part 2; without ``part/N`` part 1 is meant. Parameters of the
whole instrument have no part. An address is looked up, never matched as a pattern.

*Units*: parameters in their own range; a choice is one of its words or its number from 0. Parts are 0-15 in ``Order``
and 1-16 in an address.
*Errors*: ``ControlError`` with what was wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rnnae_live.control.actions import ACTIONS, Press
from rnnae_live.control.specs import PART_SPECS, SHARED_SPECS, SPECS, Spec
from rnnae_live.errors import ConfigError, ControlError
from rnnae_live.osc.packet import Argument, Message

ROOT = "/rnnae"
MOST_PARTS = 16
SHARED_ACTIONS = frozenset({"panic", "play", "stop", "tap"})
"""Actions of the whole instrument."""

PRESET, SELECT = "preset", "preset/select"
REFRESH = "refresh"
LONGEST_NAME = 200
"""Characters of the name of a preset."""

ROUNDING = 1e-6
"""How far a float of 32 bits may lie beyond the end of a range that it stands for."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a parameter's new value, an action, or a preset.

    ``name`` is that of a parameter, of an action, or ``PRESET``. ``value`` is the parameter's value; 1 for a button
    that goes down and 0 for one that comes up; a preset's name, or its program as shown (1-128). ``part`` is None for
    what the whole instrument has.
    """

    part: int | None
    name: str
    value: float | str = 1.0

    @property
    def press(self) -> Press | None:
        """What the button says; None where it is no action, or where its coming up says nothing."""
        action = ACTIONS.get(self.name)
        return None if action is None else action.press if self.value else action.release


@dataclass(frozen=True, slots=True)
class Refresh:
    """All values are to be told again."""


@dataclass(frozen=True, slots=True)
class Address:
    """A line of the table: the path, which part it is of, the name of what it moves, what it takes, what that does."""

    path: str
    part: int | None
    name: str
    takes: str
    summary: str


@cache
def addresses() -> Mapping[str, Address]:
    """Return all addresses by their path, those of part 1 in the short form and in the long one."""
    table = [_of_spec(spec, None) for spec in SHARED_SPECS]
    table += [Address(f"{ROOT}/{_words(name)}", None, name, *_button(name)) for name in sorted(SHARED_ACTIONS)]
    table.append(Address(f"{ROOT}/{REFRESH}", None, REFRESH, "nothing", "tell me all values again"))
    for part in (None, *range(MOST_PARTS)):
        table += [_of_spec(spec, part, of_part=True) for spec in PART_SPECS]
        root, number = _root(part), part or 0
        own = [name for name in ACTIONS if name not in SHARED_ACTIONS]
        table += [Address(f"{root}/{_words(name)}", number, name, *_button(name)) for name in own]
        takes = "a name, or a program 1-128"
        table.append(Address(f"{root}/{SELECT}", number, PRESET, takes, "choose a preset: into slot 1, with its scene"))
    return {one.path: one for one in table}


def understood(message: Message) -> Order | Refresh:
    """Return what a message asks for.

    Raises:
        ControlError: there is no such address, or its argument is none that it takes.
    """
    address = addresses().get(message.path)
    if address is None:
        raise ControlError(f"There is no OSC address {message.path[:80]!a}; `rnnae-live osc --list` lists them.")
    if address.name == REFRESH:
        return Refresh()
    if address.name == PRESET:
        return Order(address.part, PRESET, _preset(message.arguments))
    if address.name in ACTIONS:
        return Order(address.part, address.name, _pressed(message))
    return Order(address.part, address.name, _value(SPECS[address.name], message.arguments))


def told(name: str, part: int | None, value: float, *, long: bool = False) -> Message:
    """Return the message that tells a parameter's value, for part 1 with the ``long`` address or the short one.

    Raises:
        ControlError: there is no such parameter, or the value is none.
    """
    spec = SPECS.get(name)
    if spec is None or not math.isfinite(value):
        raise ControlError(f"There is no parameter '{name}' with the value {value}.")
    shared = any(one is spec for one in SHARED_SPECS)
    root = ROOT if shared or (not part and not long) else _root(part or 0)
    number = spec.clamped(value)
    return Message(f"{root}/{_words(name)}", (int(number) if spec.whole else float(number),))


def _root(part: int | None) -> str:
    return ROOT if part is None else f"{ROOT}/part/{part + 1}"


def _words(name: str) -> str:
    """Return a name as it is in a path: "weight/3", "deja-vu"."""
    first, _, last = name.rpartition(" ")
    return f"{first.replace(' ', '-')}/{last}" if last.isdecimal() else name.replace(" ", "-")


def _of_spec(spec: Spec, part: int | None, *, of_part: bool = False) -> Address:
    takes = f"{'a whole number' if spec.whole else 'a number'} {spec.minimum:g} to {spec.maximum:g}"
    if spec.choices:
        takes = f"{', '.join(spec.choices)}; or 0 to {len(spec.choices) - 1}"
    elif spec.unit:
        takes += f" {spec.unit}"
    return Address(f"{_root(part)}/{_words(spec.name)}", part or 0 if of_part else None, spec.name, takes, spec.summary)


def _button(name: str) -> tuple[str, str]:
    action = ACTIONS[name]
    return ("nothing or 1" if action.release is None else "1 down, 0 up"), action.summary


def _one(arguments: Sequence[Argument]) -> Argument:
    if len(arguments) != 1:
        raise ControlError(f"{len(arguments)} arguments were sent, one is needed.")
    return arguments[0]


def _number(argument: Argument) -> float:
    if not isinstance(argument, bool | int | float) or not math.isfinite(argument):
        raise ControlError(f"{ascii(argument)[:60]} is no finite number.")
    return float(argument)


def _value(spec: Spec, arguments: Sequence[Argument]) -> float:
    """Return a parameter's value; a number outside its range is refused, not moved to its end."""
    argument = _one(arguments)
    if isinstance(argument, str) and spec.choices:
        try:
            return spec.named(argument)
        except ConfigError as error:
            raise ControlError(ascii(str(error)[:200])) from None
    number = _number(argument)
    slack = ROUNDING * max(1.0, abs(spec.maximum), abs(spec.minimum))
    if not spec.minimum - slack <= number <= spec.maximum + slack:
        raise ControlError(f"{number:g} is no {spec.name}; it is from {spec.minimum:g} to {spec.maximum:g}.")
    return spec.clamped(number)


def _pressed(message: Message) -> float:
    """Return 1 for a button that goes down and 0 for one that comes up; no argument is a button that goes down."""
    return 1.0 if not message.arguments or _number(_one(message.arguments)) > 0 else 0.0


def _preset(arguments: Sequence[Argument]) -> float | str:
    argument = _one(arguments)
    if isinstance(argument, str):
        if not argument.strip() or len(argument) > LONGEST_NAME:
            raise ControlError("That is no name of a preset.")
        return argument
    number = _number(argument)
    if not 1 <= number <= 128 or number != int(number):
        raise ControlError(f"{number:g} is no program; they are 1 to 128.")
    return number

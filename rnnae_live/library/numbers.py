"""Programs and slots: numbers that one preset has and no other, and that never shift.

preset -> [numbers] -> library

*Units*: program 0-127 and bank 0-16383 as on the wire, shown from 1; slot 1-8.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import TypeVar

import msgspec

from rnnae_live.library.preset import Preset
from rnnae_live.library.record import Record

Number = tuple[str, int, int]
"""``("program", bank, program)`` or ``("slot", 0, slot)``."""

Numbered = TypeVar("Numbered", Preset, Record)


def numbers(one: Preset | Record) -> list[Number]:
    """Return the numbers that a preset has."""
    found: list[Number] = []
    if one.program is not None:
        found.append(("program", one.bank, one.program))
    if one.slot is not None:
        found.append(("slot", 0, one.slot))
    return found


def without(one: Numbered, number: Number) -> Numbered:
    """Return a preset without one of its numbers."""
    if number[0] == "slot":
        return msgspec.structs.replace(one, slot=None)
    return msgspec.structs.replace(one, program=None, bank=0)


def shown_program(one: Preset | Record) -> str:
    """Return a program as people count: ``5``, or ``2:5`` in another bank than the first; empty for none."""
    if one.program is None:
        return ""
    return f"{one.bank + 1}:{one.program + 1}" if one.bank else str(one.program + 1)


def shown(number: Number) -> str:
    """Return a number as a sentence begins with it."""
    kind, bank, value = number
    if kind == "slot":
        return f"Slot {value}"
    return f"Program {value + 1} of bank {bank + 1}" if bank else f"Program {value + 1}"


def settle(found: Iterable[tuple[int, int, Preset]]) -> tuple[list[Preset], list[Preset]]:
    """Return the presets with a number in the order of their slots and programs, and the others in that of their names.

    Args:
        found: rank, age and preset; of those that have the same number the lowest rank keeps it, then the lowest age.
    """
    wanting: list[tuple[int, int, Preset]] = []
    plain: list[Preset] = []
    for one in found:
        if one[2].program is None and one[2].slot is None:
            plain.append(one[2])
        else:
            wanting.append(one)
    owner: dict[Number, Preset] = {}
    numbered: list[Preset] = []
    for _, _, preset in sorted(wanting, key=itemgetter(0, 1)):
        kept = preset
        for number in numbers(preset):
            if owner.setdefault(number, preset) is not preset:
                kept = without(kept, number)
        (plain if kept.program is None and kept.slot is None else numbered).append(kept)
    return sorted(numbered, key=_order), sorted(plain, key=attrgetter("name"))


def _order(p: Preset) -> tuple[bool, int, bool, int, int, str]:
    return p.slot is None, p.slot or 0, p.program is None, p.bank, p.program or 0, p.name

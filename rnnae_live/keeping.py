"""Captured phrases: in a slot at once, exact as soon as there is time.

hearing -> [keeping: refine] -> slots, and whoever stores presets

*Threading*: one thread. *Errors*: those of the voices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from rnnae_live.events import Notice
from rnnae_live.hearing import Heard
from rnnae_live.melody import Melody
from rnnae_live.slots import Slot, Slots
from rnnae_live.state import Chain
from rnnae_live.voices import Refining, Voices


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A phrase in slot ``number`` on its way to be exact; ``new`` is one that is to be told of and stored then."""

    number: int
    slot: Slot
    melody: Melody
    refining: Refining
    new: bool = True


class Keeping:
    """Captured phrases on their way; ``kept`` are those that are exact, with their states, for whoever stores them."""

    def __init__(self, voices: Voices, slots: Slots) -> None:
        """Begin with nothing captured."""
        self._voices = voices
        self._slots = slots
        self._ways: deque[_Way] = deque()
        self.kept: list[tuple[Melody, Chain]] = []

    def capture(self, heard: Heard | None, values: Mapping[str, float]) -> Notice:
        """Put the last phrase into a slot that is free, and say where."""
        if heard is None:
            return Notice("There is no phrase to capture yet.")
        number = self._slots.keep(heard.melody, heard.chain, values)
        slot = None if number is None else self._slots[number]
        if number is None or slot is None:
            return Notice("All slots are in use; turn one down to capture into it.")
        self._ways.append(_Way(number, slot, heard.melody, self._voices.capture(heard.melody)))
        return Notice(f"The phrase is in slot {number}; turn it up with CC {19 + number}.")

    def exchange(self, voices: Voices) -> None:
        """Make phrases exact with another bank, in whose slots they are already: those on their way, and all others."""
        self._voices = voices
        there = {id(slot.melody): (number, slot) for number, slot in self._slots if slot.melody is not None}
        before, self._ways = self._ways, deque()
        for way in before:
            _, slot = there.pop(id(way.melody), (way.number, way.slot))
            self._ways.append(_Way(way.number, slot, way.melody, voices.capture(way.melody), way.new))
        for number, slot in there.values():
            if slot.melody is not None:
                self._ways.append(_Way(number, slot, slot.melody, voices.capture(slot.melody), new=False))

    def step(self) -> list[Notice] | None:
        """Go on for about a millisecond; return what is to be told, None where nothing is on its way."""
        if not self._ways:
            return None
        way = self._ways[0]
        if not way.refining.step():
            return []
        self._ways.popleft()
        # One that failed before it had states leaves the slot those that it was captured with.
        if way.refining.chain and self._slots[way.number] is way.slot:
            self._slots[way.number] = Slot(way.slot.name, way.refining.chain, way.melody)
        if not way.new:
            return []
        if way.refining.exact:
            self.kept.append((way.melody, way.refining.chain))
        how = "comes back note for note" if way.refining.exact else "does not come back exactly"
        return [Notice(f"'{way.slot.name}' in slot {way.number} {how}.")]

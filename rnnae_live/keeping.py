"""Captured phrases: in a slot at once, exact as soon as there is time.

hearing -> [keeping: refine] -> slots, and whoever stores presets

*Threading*: one thread. *Errors*: those of the voices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from rnnae_live.events import Notice
from rnnae_live.hearing import Heard
from rnnae_live.melody import Melody
from rnnae_live.slots import Slot, Slots
from rnnae_live.state import Chain
from rnnae_live.voices import Refining, Voices


class Keeping:
    """Captured phrases on their way; ``kept`` are those that are exact, with their states, for whoever stores them."""

    def __init__(self, voices: Voices, slots: Slots) -> None:
        """Begin with nothing captured."""
        self._voices = voices
        self._slots = slots
        self._refining: deque[tuple[int, Slot, Refining]] = deque()
        self.kept: list[tuple[Melody, Chain]] = []

    def capture(self, heard: Heard | None, values: Mapping[str, float]) -> Notice:
        """Put the last phrase into a slot that is free, and say where."""
        if heard is None:
            return Notice("There is no phrase to capture yet.")
        number = self._slots.keep(heard.melody, heard.chain, values)
        slot = None if number is None else self._slots[number]
        if number is None or slot is None:
            return Notice("All slots are in use; turn one down to capture into it.")
        self._refining.append((number, slot, self._voices.capture(heard.melody)))
        return Notice(f"The phrase is in slot {number}; turn it up with CC {19 + number}.")

    def step(self) -> list[Notice] | None:
        """Go on for about a millisecond; return what is to be told, None where nothing is on its way."""
        if not self._refining:
            return None
        number, slot, refining = self._refining[0]
        if not refining.step():
            return []
        self._refining.popleft()
        if self._slots[number] is slot:
            self._slots[number] = Slot(slot.name, refining.chain, slot.melody)
        if refining.exact and slot.melody is not None:
            self.kept.append((slot.melody, refining.chain))
        how = "comes back note for note" if refining.exact else "does not come back exactly"
        return [Notice(f"'{slot.name}' in slot {number} {how}.")]

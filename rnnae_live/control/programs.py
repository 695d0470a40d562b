"""Program changes: which preset is meant.

events -> [control.programs] -> engine

Bank select (controllers 0 and 32) waits on its channel for the program change that it belongs to, and stays for those
that follow. A program that nobody has selected a bank for is one of bank 0.

*Units*: banks 0-16383, programs 0-127 as on the wire. *Source*: MIDI 1.0 Detailed Specification 4.2, "Bank Select".
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnae_live.control.sources import BANK_SELECT, LSB
from rnnae_live.events import ControlChange, Event, ProgramChange


@dataclass(frozen=True, slots=True)
class Select:
    """The preset with this program of this bank is asked for, by the parts that hear ``channel``."""

    channel: int
    bank: int
    program: int

    @property
    def number(self) -> int:
        """The program's number where banks follow each other."""
        return self.bank << 7 | self.program


class ProgramLatch:
    """Keeps bank select until its program change comes; for one port."""

    def __init__(self) -> None:
        """Begin in bank 0 of every channel."""
        self._banks: dict[int, int] = {}

    def read(self, event: Event) -> Select | None:
        """Return the preset that is asked for, None where none is."""
        if isinstance(event, ControlChange) and event.controller in (BANK_SELECT, LSB):
            coarse, fine = divmod(self._banks.get(event.channel, 0), 128)
            coarse, fine = (event.value, fine) if event.controller == BANK_SELECT else (coarse, event.value)
            self._banks[event.channel] = coarse << 7 | fine
        if isinstance(event, ProgramChange):
            return Select(event.channel, self._banks.get(event.channel, 0), event.program)
        return None

"""What waits for its moment, in order: a heap in which anything can be forgotten or looked up by whose it is.

engine -> player: [agenda] -> ports

What is forgotten stays in the heap until its moment, or until such entries outnumber what waits: forgetting costs
nothing that grows with what waits, and memory is bounded.

*Units*: seconds of the monotonic clock. *Threading*: one thread at a time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

from rnnae_live.events import NOTE_OFF, NOTE_ON

MOST_DEAD = 256
"""Forgotten entries that may stay in the heap where they outnumber what waits."""

Key = tuple[int, int]
"""Channel and pitch."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A message that waits for its moment. ``key`` is None for what is no note, ``owner`` says whose it is."""

    at: float
    serial: int
    data: bytes
    key: Key | None
    on: bool
    owner: int
    until: float | None = None
    """For the note-on of a whole note: when its note-off is due."""
    of: int | None = None
    """For that note-off: the serial of the note-on."""
    live: bool = True
    """False where it was taken or forgotten."""


class Agenda:
    """All that waits. At the same moment the lower rank comes first, then what was added first."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._heap: list[tuple[float, int, int, Waiting]] = []
        self._live = 0
        self._serial = 0
        self._notes: dict[int, dict[int, Waiting]] = {}

    def __len__(self) -> int:
        """How much waits."""
        return self._live

    def push(
        self, at: float, rank: int, data: bytes, owner: int, until: float | None = None, of: int | None = None
    ) -> Waiting:
        """Let a message wait until ``at``; return its entry."""
        self._serial += 1
        key, on = key_of(data)
        waiting = Waiting(at, self._serial, data, key, on, owner, until, of)
        heapq.heappush(self._heap, (at, rank, self._serial, waiting))
        self._live += 1
        if until is not None:
            self._notes.setdefault(owner, {})[waiting.serial] = waiting
        return waiting

    def next_at(self) -> float:
        """Return the moment of what comes first, infinity where nothing waits."""
        while self._heap and not self._heap[0][3].live:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def pop(self, end: float) -> Waiting | None:
        """Take out what comes first, None where that is not before ``end``."""
        if self.next_at() >= end:
            return None
        waiting = heapq.heappop(self._heap)[3]
        self._drop(waiting)
        return waiting

    def notes(self, owner: int) -> Iterator[Waiting]:
        """Every whole note of ``owner`` that waits for its beginning; entries may be forgotten meanwhile."""
        return iter(list(self._notes.get(owner, {}).values()))

    def forget(self, waiting: Waiting) -> None:
        """Take out an entry; one that is out already is left alone."""
        if not waiting.live:
            return
        self._drop(waiting)
        if len(self._heap) - self._live > max(MOST_DEAD, self._live):
            self._heap = [entry for entry in self._heap if entry[3].live]
            heapq.heapify(self._heap)

    def clear(self, but: int | None = None) -> None:
        """Forget everything, but for what belongs to ``but``."""
        for entry in self._heap:
            if entry[3].live and entry[3].owner != but:
                self._drop(entry[3])
        self._heap = [entry for entry in self._heap if entry[3].live]
        heapq.heapify(self._heap)

    def _drop(self, waiting: Waiting) -> None:
        waiting.live = False
        self._live -= 1
        if waiting.until is not None:
            del self._notes[waiting.owner][waiting.serial]


def key_of(data: bytes) -> tuple[Key | None, bool]:
    """Return channel and pitch of a note message, None for any other, and whether it is a note-on."""
    if data[0] & 0xF0 in (NOTE_ON, NOTE_OFF):
        return (data[0] & 0x0F, data[1]), data[0] & 0xF0 == NOTE_ON and data[2] > 0
    return None, False

"""Due events to bytes, each at its time: the heap of what is due, and the rules that leave no note sounding.

engine -> [player] -> ports

The player is told of whole notes (``DueNote``) and of single messages (``Due``). It hands out bytes when their
moment has come, note-offs before note-ons. A second note-on of a pitch releases the first. A note-on later than
``LATEST`` is dropped together with its note-off, so a backlog is never played as a burst; a note-off is never
dropped. Every note-on is followed by exactly one note-off, whatever comes.

*Units*: seconds of the monotonic clock. Time is an argument: the same class plays live and in virtual time.
*Threading*: one thread. *Errors*: ``send`` may raise; the ledger then still names the note.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from rnnae_live.events import (
    NOTE_OFF,
    NOTE_ON,
    Cut,
    Due,
    DueNote,
    NoteOff,
    NoteOn,
    note_off,
    note_on,
    read,
    silence,
)
from rnnae_live.ledger import Ledger

Send = Callable[[bytes], None]

LATEST = 0.05
"""Seconds by which a note-on may be late and still sound: beyond that it would only be heard as a mistake."""

MOST_PENDING = 8192
"""Events that may wait. Beyond that new note-ons are dropped and counted; note-offs are not."""

_OFF, _OTHER, _ON = 0, 1, 2
"""Order of what is due at the same moment."""


@dataclass(slots=True)
class Lateness:
    """How late messages were sent: ``buckets[n]`` counts those below 2**n microseconds (s in, counts out)."""

    count: int = 0
    worst: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * 24)

    def add(self, seconds: float) -> None:
        """Count one message."""
        self.count += 1
        self.worst = max(self.worst, seconds)
        self.buckets[min(len(self.buckets) - 1, max(0, int(seconds * 1e6)).bit_length())] += 1

    def quantile(self, part: float) -> float:
        """Return the bound in seconds below which ``part`` (0-1) of the messages were, to a factor of two."""
        seen = 0
        for bits, number in enumerate(self.buckets):
            seen += number
            if self.count and seen >= part * self.count:
                return min((1 << bits) / 1e6, self.worst)
        return 0.0


@dataclass(order=True, slots=True)
class _Pending:
    """Something due. ``serial`` keeps what was added first in front."""

    at: float
    rank: int
    serial: int
    data: bytes = field(compare=False)
    until: float | None = field(default=None, compare=False)
    of: int | None = field(default=None, compare=False)
    """For the note-off of a ``DueNote``: the serial of its note-on."""


class Player:
    """Plays due events through ``send`` and keeps the ledger of what sounds."""

    def __init__(self, send: Send, ledger: Ledger | None = None) -> None:
        """Send through ``send``; what the ledger names already is left for ``release``."""
        self._send = send
        self._heap: list[_Pending] = []
        self._serial = 0
        self._sounding: dict[tuple[int, int], int] = {}
        self.ledger = Ledger() if ledger is None else ledger
        self.lateness = Lateness()
        self.sent = 0
        self.dropped = 0

    @property
    def pending(self) -> int:
        """Events that wait for their time."""
        return len(self._heap)

    def add(self, event: DueNote | Due) -> None:
        """Take one event. Times in the past are due now."""
        if isinstance(event, DueNote):
            data = note_on(event.channel, event.pitch, event.velocity)
            self._push(event.at, _ON, data, until=max(event.until, event.at))
        else:
            kind = event.data[0] & 0xF0
            rank = {NOTE_OFF: _OFF, NOTE_ON: _ON}.get(kind, _OTHER)
            if isinstance(read(event.data, 0.0), NoteOff):
                rank = _OFF
            self._push(event.at, rank, event.data)

    def next_at(self) -> float | None:
        """Return when the next event is due, None where nothing waits."""
        return self._heap[0].at if self._heap else None

    def play(self, now: float) -> None:
        """Send everything that is due at ``now``, in order.

        Raises:
            PortError: the port is lost; what was due is still in the ledger.
        """
        while self._heap and self._heap[0].at <= now:
            pending = heapq.heappop(self._heap)
            late = now - pending.at
            event = read(pending.data, pending.at)
            if isinstance(event, NoteOn):
                self._on(event, pending, late)
            elif isinstance(event, NoteOff):
                self._off(event, pending.of, late)
            elif late <= LATEST:
                self._emit(pending.data, late)
            else:
                self.dropped += 1

    def cut(self, event: Cut) -> None:
        """Forget what waits, release what sounds; a hard cut also sends "all sound off" on every channel.

        Raises:
            PortError: the port is lost.
        """
        self._heap.clear()
        self.release()
        for data in silence() if event.hard else ():
            self._emit(data)

    def release(self) -> None:
        """Send the note-off of everything that the ledger names.

        Raises:
            PortError: the port is lost; what could not be released stays in the ledger.
        """
        for channel, pitch in self.ledger:
            self._release(channel, pitch)

    def repeat(self, notes: list[tuple[int, int]]) -> None:
        """Send the note-offs of ``notes`` once more, but not of those that sound by now.

        Raises:
            PortError: the port is lost.
        """
        for channel, pitch in notes:
            if (channel, pitch) not in self.ledger:
                self._emit(note_off(channel, pitch))

    def _push(self, at: float, rank: int, data: bytes, until: float | None = None, of: int | None = None) -> None:
        if len(self._heap) >= MOST_PENDING and rank != _OFF:
            self.dropped += 1
            return
        self._serial += 1
        heapq.heappush(self._heap, _Pending(at, rank, self._serial, data, until, of))

    def _on(self, event: NoteOn, pending: _Pending, late: float) -> None:
        """Send a note-on and make its note-off due, or drop both where it comes too late."""
        if late > LATEST:
            self.dropped += 1
            return
        key = (event.channel, event.pitch)
        if key in self.ledger:
            self._release(*key)
        self.ledger.add(*key, event.velocity)
        self._sounding[key] = pending.serial
        if pending.until is not None:
            # A note that starts late ends when it was meant to, but sounds for an instant at least.
            off_at = max(pending.until, pending.at + late)
            self._push(off_at, _OFF, note_off(*key), of=pending.serial)
        self._emit(pending.data, late)

    def _off(self, event: NoteOff, of: int | None, late: float) -> None:
        """Send a note-off, unless the note that it belongs to has been released already."""
        key = (event.channel, event.pitch)
        if key in self.ledger and of in (None, self._sounding.get(key)):
            self._release(*key, late)

    def _release(self, channel: int, pitch: int, late: float | None = None) -> None:
        self._emit(note_off(channel, pitch), late)
        self.ledger.remove(channel, pitch)
        self._sounding.pop((channel, pitch), None)

    def _emit(self, data: bytes, late: float | None = None) -> None:
        self._send(data)
        self.sent += 1
        if late is not None:
            self.lateness.add(late)

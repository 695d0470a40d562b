"""The player's doorkeeper: what comes in is bounded, own output that comes back is cut, and both ways can be recorded.

ports -> [intake: fuse, guard] -> player (thru), engine ... player -> [intake: guard] -> ports

*Units*: seconds of the monotonic clock.
*Threading*: whoever calls holds the player's lock; only ``news`` and ``taken`` are for the process's own thread.
*Errors*: none.
"""

from __future__ import annotations

from collections import deque

from rnnae_live import events
from rnnae_live.events import Notice
from rnnae_live.feedback import Guard
from rnnae_live.fuse import Fuse
from rnnae_live.live import wire
from rnnae_live.live.wire import Frame

MOST_TAKEN = 8192
"""Messages that wait for the recorder; beyond that the oldest are lost to it."""

Message = tuple[float, bytes]


class Intake:
    """One guard for all ports, a fuse for each. ``recording`` says that a recorder wants to know."""

    def __init__(self, *, recording: bool = False) -> None:
        """Begin with nothing heard."""
        self._recording = recording
        self._guard = Guard()
        self._fuses: dict[str, Fuse] = {}
        self._taken: deque[tuple[float, bool, bytes]] = deque(maxlen=MOST_TAKEN)

    @property
    def waiting(self) -> bool:
        """Whether values wait for a quieter moment."""
        return any(fuse.waiting for fuse in self._fuses.values())

    @property
    def dropped(self) -> int:
        """Messages that were too many."""
        return sum(sum(fuse.dropped.values()) for fuse in self._fuses.values())

    @property
    def echoes(self) -> int:
        """Messages that were our own."""
        return self._guard.echoes

    def heard(self, port: str, kind: int, at: float, data: bytes) -> list[Message]:
        """Take a message that came in through ``port``, of a kind of ports; return what is to be heard now."""
        fuse = self._fuses.setdefault(port, Fuse())
        fuse.put(at, data)
        return self._through(fuse, kind, at)

    def later(self, port: str, kind: int, now: float) -> list[Message]:
        """Return what has waited for a quieter moment and is to be heard now."""
        fuse = self._fuses.get(port)
        return self._through(fuse, kind, now) if fuse is not None and fuse.waiting else []

    def leaves(self, at: float, data: bytes) -> bytes:
        """Take a message that is about to leave; return what leaves in its place."""
        data = self._guard.sent(data, at)
        if self._recording:
            self._taken.append((at, True, data))
        return data

    def probes(self, now: float) -> list[bytes]:
        """Return what is to be sent to find out whether Out leads to In, mostly nothing."""
        return self._guard.probe(now)

    def news(self) -> list[Notice]:
        """Return the sentences for the performer."""
        sources: list[Guard | Fuse] = [self._guard, *self._fuses.values()]
        return [notice for source in sources for notice in iter(source.news, None)]

    def taken(self) -> Frame | None:
        """Return what the recorder has not been told, None where there is nothing."""
        if not self._taken:
            return None
        messages = [self._taken.popleft() for _ in range(len(self._taken))]
        return wire.pack_take(messages)

    def _through(self, fuse: Fuse, kind: int, now: float) -> list[Message]:
        passed = [(at, data) for at, data in fuse.take(now) if kind != events.PLAYED or self._guard.received(data, at)]
        if self._recording:
            self._taken.extend((at, False, data) for at, data in passed)
        # Keys of echoes that were let in before anybody knew come up.
        return passed + [(now, data) for data in self._guard.releases()]

"""When a change of the mix is heard: at once, or on the next line of a grid.

desk -> [change] -> part, walk

*Units*: seconds of the monotonic clock, ticks of the transport. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

from rnnae_live.clock import SIXTEENTH
from rnnae_live.transport import Transport
from rnnae_live.walk import LEAD

COALESCE = 0.005
"""Seconds between two decodings: of a knob that sends faster, the newest value counts."""

SOON = 0.03
"""Seconds before a line at which what changes on it is decoded."""

EARLY = 3.0
"""Ticks by which a note of a line may be played before it; a change on a line includes it."""


class Change:
    """The change that is to be heard next. ``at`` is when it has to be decoded, None where there is none."""

    def __init__(self, transport: Transport) -> None:
        """Begin with nothing to change."""
        self.at: float | None = None
        self._transport = transport
        self._line: float | None = None
        self._last = 0.0

    def ask(self, quantise: str, now: float, origin: float) -> None:
        """Let it be heard "now", or on the next "beat" or "bar", one of which is at tick ``origin``."""
        if self.at is not None:
            return
        self._line, self.at = None, max(now, self._last + COALESCE)
        if quantise != "now":
            line = self._transport.line(now + LEAD + SOON, self._transport.grid(quantise), origin)
            self._line, self.at = line - EARLY, self._transport.clock.time(line) - SOON

    def again(self, now: float, origin: float) -> None:
        """Let the next one be heard on the next sixteenth: weights are gliding."""
        self._line = None
        self.at = self._transport.clock.time(self._transport.line(now + LEAD, SIXTEENTH, origin))

    def due(self, now: float) -> bool:
        """Return whether it has to be decoded now."""
        return self.at is not None and self.at <= now

    def take(self, now: float) -> float:
        """Return the tick from which on it is heard; nothing is to be changed after that."""
        line, self._line, self.at, self._last = self._line, None, None, now
        return self._transport.clock.tick(now + LEAD) if line is None else line

    def forget(self) -> None:
        """There is nothing to change any more."""
        self.at = None

"""When the periods of a JACK server begin, from the moments at which it woke up for them.

server's wake-ups -> [cycle] -> jack

Every client sees the same wake-up of a period, and makes the same of it: two that agree on when a period began agree
on every frame in it, so what one places exactly the other hears exactly. A wake-up is never early and often a little
late. Periods therefore follow each other, nudged towards the wake-ups; one that is clearly late is no news, unless
the next ones are as well, or the server must have lost a period: then they begin anew where it woke.

The server's own estimate is not used. It follows a lost period in seconds, and swings past: all that was due in the
meantime would be off by that, milliseconds at first.

*Units*: seconds, of any one clock. *Threading*: whoever calls. *Errors*: none.
"""

from __future__ import annotations

NUDGE = 0.02
"""Share, 0-1, of what a wake-up is off by which the periods are moved: one is forgotten in some fifty others."""

CLEARLY = 0.0003
"""Seconds by which a wake-up is clearly off: some ten times what a real-time thread is late."""

CONVINCING = 8
"""Wake-ups in a row that are clearly late, after which the periods are where those say."""


class Cycles:
    """Says of each period when it began and when it ends."""

    def __init__(self) -> None:
        """Begin with the first wake-up."""
        self._end: float | None = None
        self._late = 0

    def place(self, woken: float, period: float) -> tuple[float, float]:
        """Return when the period began for which the server woke at ``woken``, and when it ends, ``period`` later."""
        begin = woken if self._end is None else self._end + self._moved(woken - self._end, period)
        self._end = begin + period
        return begin, self._end

    def _moved(self, off: float, period: float) -> float:
        """Return by how much a period begins later than where the last one ended, for a wake-up that is ``off``."""
        if abs(off) <= CLEARLY:
            self._late = 0
            return NUDGE * off
        self._late += 1
        if 0 < off < period and self._late < CONVINCING:
            return 0.0
        self._late = 0
        return off

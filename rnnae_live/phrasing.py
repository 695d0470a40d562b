"""When a phrase is over, and whose turn it is.

capture, transport -> [phrasing] -> part

*Units*: seconds of the monotonic clock; ticks of the transport. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

import math

from rnnae_live.capture import Capture
from rnnae_live.transport import Transport

TAKE = 0.03
"""Seconds before the instrument's turn at which the performer's is taken: what comes later is not heard any more."""


def phrase_ends(capture: Capture, transport: Transport, end: str, length: int) -> float | None:
    """Return when the phrase is over if nothing more is played, None where there is none.

    ``end`` is "rest" or "pedal" (a rest ends it as well where no pedal is down), "length" (``length`` ticks after its
    first note) or "bar" (the bar line after its last note).
    """
    if capture.empty:
        return None
    clock = transport.clock
    if end == "length":
        return capture.began + length * clock.tick_seconds
    quiet = capture.quiet_since
    if end == "bar" and quiet is not None:
        origin = 0.0 if transport.running else clock.tick(capture.began)
        return clock.time(transport.line(quiet, transport.bar, origin))
    return capture.ends_at()


class Turns:
    """Whose turn it is on a running clock: turns are numbered from tick 0, the performer has the even ones."""

    def __init__(self) -> None:
        """Begin without knowing where the clock is."""
        self._next: int | None = None

    def forget(self) -> None:
        """Find the next turn anew: the clock was put elsewhere, or another mode began."""
        self._next = None

    def taken_at(self, transport: Transport, tick: float, length: int) -> float | None:
        """Return when the performer's turn is taken (s), turns of ``length`` ticks; None where nothing runs."""
        if not transport.running:
            return None
        if self._next is None or (self._next + 1) * length <= tick:
            # Unknown, or over before anybody has looked: the machine slept.
            # One that has begun already is past.
            self._next = max(1, math.ceil(tick / length) // 2 * 2 + 1)
        return transport.clock.time(self._next * length) - TAKE

    def take(self, length: int) -> float:
        """Return the tick at which the instrument's turn begins that is next, and go on to the one after it."""
        assert self._next is not None
        start, self._next = self._next * length, self._next + 2
        return float(start)

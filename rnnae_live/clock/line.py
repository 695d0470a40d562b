"""A straight line from seconds to ticks: the tempo, and the moment of tick 0.

[line] -> engine

``Clock.origin`` is the moment of tick 0. A clock never ticks by itself,
so it cannot drift: every due time is computed from the origin and not from the note before it.

*Units*: seconds of the monotonic clock; ticks of the grid, ``PPQ`` = 24 to the quarter note.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

PPQ = 24
SIXTEENTH = PPQ // 4
SLOWEST, FASTEST = 20.0, 300.0
"""Tempos that make sense, in quarter notes a minute."""

AT_ONCE = 1e-6
"""A moment this little (s) after a line counts as on it, so that rounding does not cost a whole line."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``bpm`` quarter notes a minute, tick 0 at ``origin`` seconds."""

    bpm: float = 120.0
    origin: float = 0.0

    @classmethod
    def through(cls, tick: float, time: float, bpm: float) -> Clock:
        """Return the line of a tempo on which ``tick`` is at ``time`` (s)."""
        return cls(bpm, time - tick * 60.0 / (bpm * PPQ))

    @property
    def tick_seconds(self) -> float:
        """Seconds that one tick lasts."""
        return 60.0 / (self.bpm * PPQ)

    def time(self, tick: float) -> float:
        """Return the moment (s) of a tick."""
        return self.origin + tick * self.tick_seconds

    def tick(self, time: float) -> float:
        """Return where a moment (s) lies, in ticks."""
        return (time - self.origin) / self.tick_seconds

    def next_line(self, time: float, grid: int) -> float:
        """Return the first moment at or after ``time`` that lies on a multiple of ``grid`` ticks; 0 is no grid."""
        if grid <= 0:
            return time
        return max(time, self.time(math.ceil(self.tick(time - AT_ONCE) / grid) * grid))

    def at_tempo(self, bpm: float, now: float) -> Clock:
        """Return the line of another tempo that is at the same place at ``now`` (s)."""
        return Clock.through(self.tick(now), now, bpm)

    def shifted(self, seconds: float) -> Clock:
        """Return the line on which everything is ``seconds`` later: what a delay is made up for with."""
        return replace(self, origin=self.origin + seconds)

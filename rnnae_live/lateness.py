"""How late messages were sent: a histogram that costs nothing to keep and can be added up over any time.

player -> [lateness] -> status, bench

*Units*: seconds in, counts out. *Threading*: one writer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BUCKETS = 24
"""Up to 8.4 s; what was later than that is counted in the last."""


@dataclass(slots=True)
class Lateness:
    """``buckets[n]`` counts the messages that were late by less than 2**n microseconds, and by no less than half."""

    count: int = 0
    worst: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

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

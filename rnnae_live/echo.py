"""Ways on which what left may come back: how long, how much higher, and whether it follows a mark.

player -> [echo] -> feedback

*Units*: seconds of one monotonic clock, semitones, velocities 0-127.
"""

from __future__ import annotations

from dataclasses import dataclass, field

JITTER = 0.004
"""Seconds by which one way back may differ from its mean: two messages that are each 1.5 ms early or late, and more."""

RETURNS = 3
"""Messages that came back the same way before that is a suspicion; doubled each time that it was none."""

MARKED_RETURNS = 16
"""Marked notes that prove a loop. By chance they would agree once in 10^8 times: r^2 = 11/12 of 16 random pairs."""


@dataclass(slots=True)
class Left:
    """A message that left. ``plain`` is the velocity it was to have, ``velocity`` the one it has."""

    serial: int
    at: float
    pitch: int
    plain: int
    velocity: int
    data: bytes = b""


@dataclass(slots=True)
class Fit:
    """Least squares of a straight line, in sums."""

    n: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def add(self, x: int, y: int) -> None:
        """Take one pair."""
        self.n += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.xy += x * y
        self.yy += y * y

    def unexplained(self) -> float:
        """Return the mean square of y that the line leaves over."""
        n = self.n
        sxx, sxy, syy = (a - b / n for a, b in ((self.xx, self.x**2), (self.xy, self.x * self.y), (self.yy, self.y**2)))
        return max(0.0, (syy - sxy * sxy / sxx if sxx > 1e-6 else syy) / n)


@dataclass(slots=True, eq=False)
class Way:
    """One way in which messages seem to come back: after ``delay``, ``interval`` semitones higher."""

    interval: int
    delay: float
    serial: int
    """The latest message that came back."""
    at: float
    returned: int = 1
    missed: int = 0
    needed: int = RETURNS
    plain: Fit = field(default_factory=Fit)
    marked: Fit = field(default_factory=Fit)

    def take(self, left: Left, at: float, missed: int) -> None:
        """Count a message that came back, and ``missed`` that should have come before it."""
        if left.serial < self.serial:
            self.missed = max(0, self.missed - 1)
        else:
            self.serial = left.serial
            self.missed += missed
        self.at = at
        self.returned += 1
        self.delay += (at - left.at - self.delay) / min(self.returned, 8)
        if self.missed > self.returned:
            self.returned, self.missed = 1, 0

    def suspicious(self) -> bool:
        """Return whether this is worth a question."""
        return self.returned >= self.needed and 3 * self.missed <= self.returned

    def proved(self) -> bool:
        """Return whether what comes in follows the marks, and not what would have been played without them."""
        if self.marked.n < MARKED_RETURNS:
            return False
        with_marks, without = self.marked.unexplained(), self.plain.unexplained()
        return without >= 1.0 >= with_marks and 12 * with_marks <= without

    def refuted(self) -> bool:
        """Return whether the marks say nothing about what comes in."""
        return 2 * self.marked.unexplained() >= self.plain.unexplained()

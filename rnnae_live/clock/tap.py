"""Tap tempo: the moments of some taps to a line with a beat on each.

control -> [tap] -> engine

A straight line is laid through the last taps by least squares. One bad tap does no harm: a tap that was left out
is a longer step, a second one at once is none, and of four taps or more the worst is left out where it spoils the line.
Two steps that agree with each other and not with those before are a new tempo. Nothing is halved or doubled: a tempo
beyond the slowest and the fastest is held there.

*Units*: seconds of the monotonic clock, ticks of 24 to the quarter note. Time is an argument.
"""

from __future__ import annotations

import math
from statistics import fmean, median

from rnnae_live.clock.line import FASTEST, PPQ, SLOWEST, Clock

FEWEST = 3
"""Taps that a tempo is made of, at least."""

MOST = 8
"""Taps that a tempo is made of, at most: the newest."""

SILENCE, SILENT_BEATS = 2.0, 3.0
"""Seconds, and beats, without a tap after which the next one begins anew, whichever is longer."""

FIRST_SILENCE = 1.1 * 60.0 / SLOWEST
"""Seconds without a tap after the very first one: the slowest tempo must be possible."""

BOUNCE = 0.1
"""Seconds after a tap in which another one is the same finger: half a beat of the fastest tempo."""

OFF = 0.15
"""Part of the beat by which a tap, or a step, may be off before it is thought bad, or new."""


class Tap:
    """Taps so far: a place on the beat and a moment each, the first one at beat 0."""

    def __init__(self) -> None:
        """Begin with no tap."""
        self._taps: list[tuple[int, float]] = []
        self._interval = 0.0
        self.line: Clock | None = None
        """The line through the taps, None before there are enough of them."""

    def tap(self, time: float) -> Clock | None:
        """Take a tap; return the line: a beat at each tap, the first tap at tick 0. None until there are enough."""
        if not math.isfinite(time):
            return self.line
        if self._forgotten(time):
            self._taps, self._interval = [], 0.0
        if not self._taps:
            self._taps, self.line = [(0, time)], None
        elif time - self._taps[-1][1] >= BOUNCE:
            self._add(time)
        return self.line

    def _forgotten(self, time: float) -> bool:
        """Return whether a tap at ``time`` has nothing to do with those before."""
        if not self._taps:
            return False
        silence = max(SILENCE, SILENT_BEATS * self._interval) if self._interval else FIRST_SILENCE
        return not -1.0 < time - self._taps[-1][1] <= silence

    def _add(self, time: float) -> None:
        """Give a tap its beat, and lay the line anew."""
        beat, before = self._taps[-1]
        self._taps = [*self._taps, (beat + self._steps(time - before), time)][-MOST:]
        self._start_again_at_a_new_tempo()
        self._interval = self._typical()
        if len(self._taps) >= FEWEST:
            slope, first = _without_the_worst(self._taps)
            bpm = min(FASTEST, max(SLOWEST, 60.0 / slope))
            # Where the tempo is held the line goes through the newest tap.
            held = bpm != 60.0 / slope
            tap = self._taps[-1]
            self.line = Clock.through(PPQ * tap[0], tap[1], bpm) if held else Clock(bpm, first)

    def _steps(self, seconds: float) -> int:
        """Return how many beats a step is: 1, but for a tap that was left out."""
        if len(self._taps) < FEWEST:
            return 1
        steps = round(seconds / self._interval)
        return steps if steps > 1 and abs(seconds / self._interval - steps) < OFF * steps else 1

    def _start_again_at_a_new_tempo(self) -> None:
        """Keep the last three taps alone where their two steps agree with each other, and not with those before."""
        if len(self._taps) <= FEWEST:
            return
        times = [time for _, time in self._taps[-3:]]
        first, second = times[1] - times[0], times[2] - times[1]
        agree = abs(first - second) < OFF * max(first, second)
        step = (first + second) / 2
        if agree and abs(step - self._interval) > OFF * max(step, self._interval):
            beat = self._taps[-3][0]
            self._taps = [(beat + number, time) for number, time in enumerate(times)]

    def _typical(self) -> float:
        """Return the median seconds of a beat."""
        pairs = zip(self._taps, self._taps[1:], strict=False)
        return median((after - before) / (to - beat) for (beat, before), (to, after) in pairs)


def _fit(taps: list[tuple[int, float]]) -> tuple[float, float, float]:
    """Return seconds a beat, the moment of beat 0, and the largest distance (s) of a tap from that line."""
    beat, time = fmean(beat for beat, _ in taps), fmean(time for _, time in taps)
    slope = sum((b - beat) * (t - time) for b, t in taps) / sum((b - beat) ** 2 for b, _ in taps)
    first = time - slope * beat
    return slope, first, max(abs(first + slope * b - t) for b, t in taps)


def _without_the_worst(taps: list[tuple[int, float]]) -> tuple[float, float]:
    """Return seconds a beat and the moment of beat 0, with the one tap left out that the others fit best without."""
    slope, first, off = _fit(taps)
    if len(taps) > FEWEST and off > OFF / 2 * slope:
        slope, first, _ = min((_fit([*taps[:n], *taps[n + 1 :]]) for n in range(len(taps))), key=lambda fit: fit[2])
    return slope, first

"""One explanation of the ticks that were heard: which tick of the grid the last one was, and the line through them.

follower -> [track] -> follower

A tick that comes early or late has more than one explanation: jitter, a tick that was lost or sent twice, another
tempo, another phase. ``Track.heard`` returns a track for each of them, with its cost; what comes next makes the wrong
ones dear. ``kept`` forgets the hopeless ones, ``best`` names the cheapest. So a first guess is put right
afterwards, position included.

The line of a track is a Kalman filter over (moment of the last tick, period). It is quick while little is known and
narrows as ticks agree. The jitter is measured from the differences of successive errors; when errors lean to one side
the tempo is moving, and the filter is allowed to follow it.

*Units*: seconds, ticks of 24 to the quarter note; variances in s**2; costs in nats (minus the log-likelihood, with
times in ms). *Source*: D. B. Reid, "An algorithm for tracking multiple targets", IEEE Transactions on Automatic
Control 24 (6), 1979.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnae_live.clock.line import FASTEST, PPQ, SLOWEST, Clock

SHORTEST, LONGEST = 60.0 / (PPQ * FASTEST * 1.1), 60.0 / (PPQ * SLOWEST / 1.1)
"""Seconds between ticks that a track may assume: a tenth beyond the tempos that make sense, for what jitter does."""

LEAST_JITTER, FIRST_JITTER, MOST_JITTER = 0.2e-3**2, 2e-3**2, 10e-3**2
"""Variance of the jitter (s**2): its floor, what is assumed at first, its ceiling."""

UNKNOWN_PERIOD = 80e-3**2
"""Variance of the period (s**2) of a track that has heard one tick only."""

STEADY, MOVING = 1e-4, 4e-3
"""By how much of itself the period may wander with each tick: while errors are white, and while they lean."""

LEAN = 1 / 12
"""Weight of the newest error in the mean of errors that tells a moving tempo from jitter."""

LOST, DOUBLED, STRAY, LATE, EARLY, JUMP, SLIP = 5.5, 6.0, 12.0, 9.0, 11.0, 8.5, 16.0
"""Costs: ticks were lost; this one came twice, or from nowhere; it alone is late or early; tempo or phase is new."""

SLIP_AT_START = 2.0
"""Cost of a new phase on the tick that a transport starts with: many masters start their clock anew."""

PLAIN = 6.0
"""An error of less than this many variances is jitter, and nothing else is considered."""

CLOSE = 0.15
"""Part of the period within which a second tick is under suspicion of being the first one again."""

LATEST = 0.06
"""Seconds by which a single tick may be late, with the next one on time."""

HOPELESS, MOST = 18.0, 12
"""Tracks dearer than the best by so much, and tracks beyond so many, are forgotten."""


@dataclass(frozen=True, slots=True)
class Track:
    """Tick number ``tick`` was at ``at``, and one comes every ``period``, each with its variance and the covariance."""

    tick: int
    at: float
    period: float
    var_at: float = FIRST_JITTER
    covariance: float = 0.0
    var_period: float = UNKNOWN_PERIOD
    jitter: float = FIRST_JITTER
    lean: float = 0.0
    error: float = 0.0
    cost: float = 0.0

    @property
    def line(self) -> Clock:
        """The line through the ticks."""
        return Clock.through(self.tick, self.at, 60.0 / (PPQ * self.period))

    @property
    def overdue_at(self) -> float:
        """The moment (s) by which the next tick has been lost, or the tempo is another one."""
        spread = self.var_at + 2 * self.covariance + self.var_period + self.jitter
        return self.at + 1.25 * self.period + 3 * math.sqrt(spread)

    def likely(self, now: float) -> float:
        """Return the cost at ``now``: what has been heard, and that nothing is heard since."""
        return self.cost + (LOST if now >= self.overdue_at else 0.0)

    def heard(self, time: float, last: float, starts: bool = False) -> list[Track]:
        """Return what this track becomes by a tick at ``time``, the tick before it having come at ``last``.

        With ``starts`` it is the first tick of a transport: it counts, whatever was lost before.
        """
        plain, badness = self._on_time(time, 1)
        doubled = time - last < CLOSE * self.period
        if badness < PLAIN and not starts and not doubled:
            return [plain]
        error = time - self.at - self.period
        tracks = [plain]
        if time - self.at < LONGEST:
            tracks.append(self._jump(time))
        if starts or error < LATEST:
            tracks.append(self._slip(time, SLIP_AT_START if starts else SLIP))
            tracks.append(self._alone(LATE if error > 0 else EARLY))
        if not starts and error < 0:
            tracks.append(replace(self, cost=self.cost + (DOUBLED if doubled else STRAY)))
        if not starts and error > 0.35 * self.period:
            passed = (time - self.at) / self.period
            tracks += [self._lost(time, steps) for steps in {math.floor(passed), math.ceil(passed)} if steps > 1]
        return tracks

    def _on_time(self, time: float, steps: int) -> tuple[Track, float]:
        """Return the track with a tick ``steps`` periods on, and its squared error in variances."""
        sway = min(1.0, max(0.0, (self.lean**2 * (2 - LEAN) / LEAN - 5) / 6))
        wander = (self.period * (STEADY + (MOVING - STEADY) * sway)) ** 2 * steps
        var_period = self.var_period + wander
        covariance = self.covariance + steps * var_period
        var_at = self.var_at + steps * (self.covariance + covariance)
        expected = self.at + steps * self.period
        error, spread = time - expected, var_at + self.jitter
        badness = error * error / spread
        period = self.period + covariance / spread * error
        change = min((error - self.error) ** 2 / 2, 9 * self.jitter)
        jitter = self.jitter + (change - self.jitter) / 32 if self.var_period < UNKNOWN_PERIOD / 2 else self.jitter
        track = Track(
            tick=self.tick + steps,
            at=expected + var_at / spread * error,
            period=min(LONGEST, max(SHORTEST, period)),
            var_at=var_at * self.jitter / spread,
            covariance=covariance * self.jitter / spread,
            var_period=max(0.0, var_period - covariance**2 / spread),
            jitter=min(MOST_JITTER, max(LEAST_JITTER, jitter)),
            lean=self.lean + LEAN * (max(-3.0, min(3.0, error / math.sqrt(spread))) - self.lean),
            error=error,
            cost=self.cost + badness / 2 + math.log(spread * 1e6) / 2,
        )
        return track, badness

    def _lost(self, time: float, steps: int) -> Track:
        """Return the track that missed the ticks before this one; how far off the jitter is says nothing."""
        track, _ = self._on_time(time, steps)
        return replace(track, jitter=self.jitter, cost=track.cost + LOST + math.log(steps - 1) / 2)

    def _jump(self, time: float) -> Track:
        """Return the track at a new tempo, which began at the tick before."""
        period = min(LONGEST, max(SHORTEST, time - self.at))
        return replace(
            self,
            tick=self.tick + 1,
            at=time,
            period=period,
            var_at=self.jitter,
            covariance=self.jitter,
            var_period=self.jitter + self.var_at,
            lean=0.0,
            error=0.0,
            cost=self.cost + JUMP,
        )

    def _slip(self, time: float, cost: float) -> Track:
        """Return the track with the same tempo from a new moment."""
        return replace(
            self,
            tick=self.tick + 1,
            at=time,
            var_at=self.jitter,
            covariance=0.0,
            lean=0.0,
            error=0.0,
            cost=self.cost + cost,
        )

    def _alone(self, cost: float) -> Track:
        """Return the track that counts a tick and does not believe its moment."""
        return replace(
            self,
            tick=self.tick + 1,
            at=self.at + self.period,
            var_at=self.var_at + 2 * self.covariance + self.var_period,
            covariance=self.covariance + self.var_period,
            jitter=min(MOST_JITTER, 1.5 * self.jitter),
            cost=self.cost + cost,
        )


def best(tracks: Iterable[Track], now: float) -> Track:
    """Return the cheapest of some tracks at ``now``."""
    return min(tracks, key=lambda track: track.likely(now))


def kept(tracks: Iterable[Track]) -> list[Track]:
    """Return the tracks worth keeping, the cheapest first and at cost 0; of two that say the same, the cheaper."""
    ranked = sorted(tracks, key=lambda track: track.cost)
    cheapest = ranked[0].cost
    distinct: list[Track] = []
    for track in ranked:
        if track.cost - cheapest > HOPELESS or len(distinct) == MOST:
            break
        if not any(_same(track, other) for other in distinct):
            distinct.append(track)
    return [replace(track, cost=track.cost - cheapest) for track in distinct]


def _same(one: Track, other: Track) -> bool:
    """Return whether two tracks expect the same: nothing to come can decide between them, whatever they counted."""
    return (one.at - other.at) ** 2 < one.jitter / 4 and abs(one.period - other.period) < 0.01 * one.period

"""The transport: whose clock counts, whether it runs, and where its lines are.

clock -> [transport] -> engine, part

The internal clock is a line that is kept; somebody else's MIDI clock is followed. While nothing runs and nothing
sounds, the internal line is free: the first note of a phrase is its tick 0, so that an answer comes in the
performer's own time.

*Units*: ticks, 24 to the quarter note; seconds of the monotonic clock. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum

from rnnae_live import events
from rnnae_live.clock import AT_ONCE, FASTEST, PPQ, SLOWEST, Clock, Follower, Tap
from rnnae_live.phrase import Metre

SETTLED = 0.0005
"""Seconds by which a followed line may move, half a second ahead, before what was handed over is put right."""

AHEAD = 0.5

LEAP = 1.5
"""Ticks by which the place in the song changes at once where a master has put it elsewhere."""


class Move(Enum):
    """What has happened to the line."""

    NONE = "nothing that is heard"
    TIME = "ticks come at other moments"
    ELSEWHERE = "started, stopped, or put to another place"


class Transport:
    """One line for all parts. ``sync`` is "internal" or "midi"."""

    def __init__(self, bpm: float = 120.0, metre: Metre | None = None, sync: str = "internal") -> None:
        """Begin at rest, tick 0 at second 0."""
        self.metre = metre or Metre(0)
        self.sync = sync
        self.follower = Follower() if sync == "midi" else None
        self.clock = Clock(bpm)
        self.begin = 0.0
        """Tick from which on parts play: 0, or where a transport was put; before it there is the count-in."""
        self._playing = False
        self._tap = Tap()
        self._played_by = self.clock
        self._seen = (self.clock, False)

    @property
    def bpm(self) -> float:
        """Quarter notes a minute."""
        return self.clock.bpm

    @property
    def running(self) -> bool:
        """Whether it runs, so that its lines hold for everybody."""
        return self._playing

    @property
    def bar(self) -> int:
        """Ticks of a bar."""
        return self.metre.bar(PPQ)

    def grid(self, name: str) -> int:
        """Return the ticks between the lines called "now" (0), "1/16", "beat" or "bar"."""
        return {"now": 0, "1/16": PPQ // 4, "beat": PPQ * 4 // self.metre.denominator, "bar": self.bar}[name]

    def line(self, now: float, grid: int, origin: float = 0.0) -> float:
        """Return the tick of the first line at or after ``now``; lines are ``grid`` ticks apart, one at ``origin``."""
        tick = self.clock.tick(now)
        if grid <= 0:
            return tick
        return origin + math.ceil((self.clock.tick(now - AT_ONCE) - origin) / grid) * grid

    # -- the internal clock ------------------------------------------------------------------------------------------

    def start(self, now: float, count_in: int = 0) -> None:
        """Run from tick 0, which comes after ``count_in`` bars; a followed clock is started by its master."""
        if self.follower is None:
            self.clock = replace(self.clock, origin=now + count_in * self.bar * self.clock.tick_seconds)
            self.begin, self._playing = 0.0, True

    def stop(self) -> None:
        """Rest; a followed clock is stopped by its master."""
        if self.follower is None:
            self._playing = False

    def free(self, origin: float) -> None:
        """Let tick 0 be at ``origin`` (s), unless the transport runs."""
        if not self._playing:
            self.clock = replace(self.clock, origin=origin)

    def tempo(self, bpm: float, now: float) -> None:
        """Go on at another tempo from where it is; a followed clock keeps its master's."""
        if self.follower is None:
            bpm = min(max(bpm, SLOWEST), FASTEST)
            self.clock = Clock(bpm, now - self.clock.tick(now) * 60.0 / (bpm * PPQ))

    def tap(self, now: float, *, sounding: bool = False) -> float | None:
        """Take a tap; return the tempo where taps have set one.

        At rest, with nothing ``sounding``, the beats are where they were tapped.
        """
        line = self._tap.tap(now)
        if line is None or self.follower is not None:
            return None
        if self._playing or sounding:
            self.tempo(line.bpm, now)
        else:
            self.clock = line
        return line.bpm

    # -- somebody else's clock ---------------------------------------------------------------------------------------

    def follow(self, event: events.Transport) -> None:
        """Take what somebody else's clock says; without ``sync`` "midi" nothing."""
        if self.follower is not None:
            self.follower.feed(event)
            self._track()

    def advance(self, now: float) -> None:
        """Notice that somebody else's clock has gone silent."""
        if self.follower is not None:
            self.follower.advance(now)
            self._track()

    def wake(self) -> float | None:
        """Return when ``advance`` has something to notice."""
        return self.follower.wake() if self.follower is not None else None

    def moved(self, now: float) -> Move:
        """Return how far things have moved since this was last asked, for what was handed over before."""
        before, running = self._seen
        self._seen = (self.clock, self._playing)
        if running != self._playing or (self._playing and abs(before.tick(now) - self.clock.tick(now)) > LEAP):
            self._played_by = self.clock
            return Move.ELSEWHERE
        ahead = self._played_by.tick(now + AHEAD)
        if abs(self.clock.time(ahead) - self._played_by.time(ahead)) <= SETTLED:
            return Move.NONE
        self._played_by = self.clock
        return Move.TIME

    def _track(self) -> None:
        assert self.follower is not None
        if self.follower.line is not None:
            self.clock = self.follower.line
        self._playing = self.follower.running

"""A MIDI clock whose truth is known: what a sequencer sends, with jitter, and what becomes of it on the cable."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rnnae_live.clock import PPQ
from rnnae_live.clock.follower import Follower
from rnnae_live.events import Continue, SongPosition, Start, Stop, Tick, Transport

BEFORE = 1e-4
"""Seconds that a message about the transport comes before the tick that it is about."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true at the moment of a tick, and what the follower said after hearing of it (or not)."""

    time: float
    tick: int
    bpm: float
    position: int
    error: float
    """Seconds from where the line has this tick to where it truly is."""
    tempo: float
    running: bool
    generation: int
    heard: bool


@dataclass(slots=True)
class Sent:
    """A message as it arrives; with ``tick`` the true number of the tick, whose true moment is ``true``."""

    event: Transport | None
    true: float
    bpm: float
    tick: int | None = None


@dataclass(slots=True)
class Master:
    """Writes down what it sends. ``jitter`` is uniform, +- seconds; ``lost`` says whether the n-th tick is lost."""

    bpm: float = 120.0
    jitter: float = 0.0
    seed: int = 0
    time: float = 10.0
    lost: Callable[[int], bool] = lambda number: False
    tick: int = 0
    running: bool = False
    sent: list[Sent] = field(default_factory=list)
    _number: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @property
    def period(self) -> float:
        return 60.0 / (PPQ * self.bpm)

    def ticks(self, count: int, *, heard: bool = True) -> Master:
        """Send ticks at the tempo that is set; what is not ``heard`` is a drop-out."""
        for _ in range(count):
            stamp = self.time + self._random.uniform(-self.jitter, self.jitter)
            arrives = heard and not self.lost(self._number)
            event = Tick(self._in_order(stamp)) if arrives else None
            self.sent.append(Sent(event, self.time, self.bpm, self.tick if self.running else None))
            self._number += 1
            self.tick += self.running
            self.time += self.period
        return self

    def beats(self, count: float) -> Master:
        return self.ticks(round(PPQ * count))

    def at(self, bpm: float) -> Master:
        """Go on at another tempo: the interval from the last tick is the first of its length."""
        self.time += 60.0 / (PPQ * bpm) - self.period
        self.bpm = bpm
        return self

    def ramp(self, bpm: float, beats: float) -> Master:
        """Change the tempo evenly, tick by tick."""
        count, first = round(PPQ * beats), self.bpm
        for number in range(1, count + 1):
            self.at(first + (bpm - first) * number / count).ticks(1)
        return self

    def drop_out(self, seconds: float) -> Master:
        """Go on unheard."""
        return self.ticks(round(seconds / self.period), heard=False)

    def wait(self, seconds: float) -> Master:
        """Send nothing, and do not go on."""
        self.time += seconds
        return self

    def start(self) -> Master:
        self.tick, self.running = 0, True
        return self._say(Start(self._before()))

    def go_on(self) -> Master:
        self.running = True
        return self._say(Continue(self._before()))

    def stop(self) -> Master:
        self.running = False
        return self._say(Stop(self._before()))

    def locate(self, sixteenths: int) -> Master:
        self.tick = 6 * sixteenths
        return self._say(SongPosition(self._before(), sixteenths))

    def repeat(self) -> Master:
        """Send the last tick again, at once."""
        last = self.sent[-1].event
        assert last is not None
        return self._say(Tick(last.time + self.period / 50))

    def _say(self, event: Transport) -> Master:
        self.sent.append(Sent(event, self.time, self.bpm))
        return self

    def _before(self) -> float:
        return self._in_order(self.time - BEFORE - self.jitter)

    def _in_order(self, stamp: float) -> float:
        """Return a stamp that is not before what was sent last: a cable keeps the order."""
        last = next((sent.event.time for sent in reversed(self.sent) if sent.event is not None), stamp)
        return max(stamp, last)


def follow(follower: Follower, sent: Iterable[Sent]) -> list[Moment]:
    """Feed what was sent, wake the follower when it wants to be, and return every tick of a running song."""
    moments = []
    for one in sent:
        now = one.true if one.event is None else one.event.time
        wake_until(follower, now)
        if one.event is None:
            follower.advance(now)
        else:
            follower.feed(one.event)
        if one.tick is not None:
            line = follower.line
            moments.append(
                Moment(
                    time=one.true,
                    tick=one.tick,
                    bpm=one.bpm,
                    position=follower.position,
                    error=line.time(one.tick) - one.true if line else float("nan"),
                    tempo=line.bpm if line else float("nan"),
                    running=follower.running,
                    generation=follower.generation,
                    heard=one.event is not None,
                )
            )
    return moments


def wake_until(follower: Follower, now: float) -> None:
    """Do what an engine does between messages."""
    wake = follower.wake()
    while wake is not None and wake < now:
        follower.advance(wake)
        again = follower.wake()
        assert again is None or again > wake, "the follower asks for the same moment again"
        wake = again

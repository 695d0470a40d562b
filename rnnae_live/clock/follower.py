"""Follows the MIDI clock of somebody else: which tick of the song it is, and the line on to the ticks to come.

ports -> events -> [follower: transport rules over the best ``track``] -> engine

The transport: the first tick after Start is tick 0; after Continue it is the song position that was sent, or else the
tick after the last; a song position sent while running holds from the next tick. Stop keeps the position; ticks go on
telling the tempo. Where ticks fail to come the line goes on as it was (it coasts) for one beat; then the clock is lost,
and its next tick is where the line has got to by then.

*Units*: seconds of the monotonic clock, ticks of 24 to the quarter note. Time is an argument.
*Errors*: none, whatever the order and the times of the events. *Source*: MIDI 1.0 Detailed Specification 4.2, system
common and real time messages.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum

from rnnae_live.clock.line import FASTEST, PPQ, SIXTEENTH, SLOWEST, Clock
from rnnae_live.clock.track import Track, best, kept
from rnnae_live.events import Continue, SongPosition, Start, Stop, Tick, Transport

LEAP = 6e-3
"""Seconds by which the place in the song must change at once to be more than jitter."""

TEMPO_LEAP = 0.03
"""Part of the tempo by which it must change at once to be more than jitter."""

BACKWARDS = 1.0
"""Seconds by which time may go backwards before everything known of the line is forgotten; by less it stands still."""


class State(StrEnum):
    """How things stand with somebody else's clock."""

    SILENT = "silent"
    """Nothing has come yet."""
    STOPPED = "stopped"
    """Not running; ticks may come, and tell the tempo."""
    READY = "ready"
    """Start or Continue has come; the next tick runs."""
    RUNNING = "running"
    LOST = "lost"
    """It ran, and one beat went by without a tick. The next tick runs again."""


class Follower:
    """Somebody else's clock. Read ``line`` after each ``feed`` and ``advance``.

    ``generation`` grows whenever the line changes by more than jitter: it begins, ends, or leaps in place or tempo.
    """

    def __init__(self, bpm: float = 120.0, *, start_on_ticks: bool = False) -> None:
        """Assume ``bpm`` until two ticks have come; with ``start_on_ticks`` the first tick ever starts, at tick 0."""
        self.state = State.SILENT
        self.line: Clock | None = None
        """Place in the song of every moment, None while not running."""
        self.generation = 0
        self._bpm = min(FASTEST, max(SLOWEST, bpm)) if math.isfinite(bpm) else 120.0
        self._start_on_ticks = start_on_ticks
        self._tracks: list[Track] = []
        self._known = False
        self._last = self._seen = -math.inf
        self._held, self._next = 0, 0
        self._target: int | None = None

    @property
    def running(self) -> bool:
        """Whether the song goes on."""
        return self.line is not None

    @property
    def bpm(self) -> float | None:
        """Quarter notes a minute, also while stopped; None before two ticks have come."""
        if not self._known:
            return None
        return min(FASTEST, max(SLOWEST, self._best.line.bpm))

    @property
    def position(self) -> int:
        """The last tick of the song, or where the song was put to while it does not run (0 after a Start)."""
        return self._best.tick if self.state == State.RUNNING else self._held

    def feed(self, event: Transport) -> None:
        """Take one message of the clock."""
        if math.isfinite(event.time):
            self.advance(event.time)
        match event:
            case Tick():
                if math.isfinite(event.time):
                    self._tick(event.time)
            case Start():
                self._play(0)
            case Continue() if self.state != State.RUNNING:
                # What is ready already keeps the place that it is to start from.
                self._play(self._next if self._target is None else self._target)
            case Stop():
                self._stop()
            case SongPosition():
                self._locate(SIXTEENTH * event.sixteenths)
            case _:
                pass

    def advance(self, now: float) -> None:
        """Notice what does not come: see ``wake``."""
        if math.isfinite(now) and self.state == State.RUNNING:
            self._seen = max(now, self._seen)
            if self._seen >= self._lost_at():
                self._held, self._next = self.position, self.position + 1
                self.state = State.LOST
            self._show()

    def wake(self) -> float | None:
        """Return when ``advance`` has something to notice if no tick comes before, None for never."""
        if self.state != State.RUNNING:
            return None
        times = [self._best.overdue_at, self._lost_at()]
        return min(time for time in times if time > self._seen or time == times[-1])

    @property
    def _best(self) -> Track:
        return best(self._tracks, self._seen)

    def _lost_at(self) -> float:
        """Return the moment (s) at which one beat has gone by without a tick."""
        return self._last + PPQ * self._best.period

    def _tick(self, time: float) -> None:
        """Count a tick."""
        if self.state == State.SILENT:
            self.state = State.STOPPED
            if self._start_on_ticks:
                self._play(0)
        self._hear(time)
        if self.state in (State.READY, State.LOST):
            self.state = State.RUNNING
        if self.state == State.RUNNING and self._target is not None:
            self._tracks = kept(replace(track, tick=self._target) for track in self._tracks)
            self._target = None
        self._show()

    def _hear(self, time: float) -> None:
        """Let every track explain a tick."""
        backwards = time < self._last - BACKWARDS
        time = time if backwards else max(time, self._last)
        if not self._tracks:
            self._tracks = [Track(0, time, 60.0 / (PPQ * self._bpm))]
        elif backwards or (self.state in (State.STOPPED, State.READY) and time > self._lost_at()):
            self._tracks = [Track(self._best.tick + 1, time, self._best.period)]
        else:
            starts = self._target is not None
            self._tracks = kept(new for track in self._tracks for new in track.heard(time, self._last, starts))
            self._known = True
        self._last = self._seen = time

    def _play(self, tick: int) -> None:
        """Run from the next tick, which is number ``tick`` of the song."""
        self._target = tick
        if self.state != State.RUNNING:
            self._held = tick
            self.state = State.READY

    def _stop(self) -> None:
        """Stop where the song is."""
        if self.state == State.RUNNING:
            self._held, self._next = self.position, self.position + 1
        if self._target is not None:
            self._held = self._next = self._target
        self._target = None
        self.state = State.STOPPED
        self._show()

    def _locate(self, tick: int) -> None:
        """Put the song to a place."""
        if self.state in (State.RUNNING, State.READY, State.LOST):
            self._target = tick
        if self.state != State.RUNNING:
            self._held = self._next = tick

    def _show(self) -> None:
        """Make the line of the best track the line, and count it where it leaps."""
        new = self._best.line if self.state == State.RUNNING else None
        old, self.line = self.line, new
        if old is None or new is None:
            leaps = old is not new
        else:
            step = abs(new.time(old.tick(self._seen)) - self._seen)
            leaps = step > LEAP or abs(new.bpm - old.bpm) > TEMPO_LEAP * old.bpm
        self.generation += leaps

"""A walk along the pieces of a mix: each is decoded when it is due, and again from here on when the mix changes.

mixer, feel -> [walk] -> player

A piece is two bars. The walk hands a note to the player ``HORIZON`` seconds before it begins, so that nothing which
happens here makes a note late, and takes it back where the performer changes the mix in between. What sounds goes on
until the first note of the new melody. A piece that begins with a tie makes the note before it longer.

*Units*: ticks of the transport, 24 to the quarter note; seconds of the monotonic clock. A note has its moment from
the clock's line, never from the note before it.
*Threading*: one thread. *Errors*: those of the source; the walk is then as it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rnnae_live.clock import Clock
from rnnae_live.events import DueNote, Output, Retime, Withdraw
from rnnae_live.feel import Played
from rnnae_live.melody import Melody, join

HORIZON = 0.1
"""Seconds ahead of its moment at which a note is handed to the player."""

LEAD = 0.005
"""Seconds from now on in which nothing is changed any more: time to decode, and to reach the player."""

OFF_LINE = 0.0005
"""Seconds by which the end of a sounding note may be off before it is moved."""

JUST = 1.0
"""Ticks by which a note may have begun and still be played where a walk is entered: 21 ms at 120 bpm."""

BEFORE = 1e-6
"""Seconds by which a moment may be missed because of rounding: what is this near a moment is on it."""


class Source(Protocol):
    """Where a walk gets its melodies from."""

    def piece(self, at: int, tie: int | None) -> Melody:
        """Return the melody of piece ``at``; ``tie`` is the pitch that sounds up to its beginning."""

    def play(self, melody: Melody, at: int, start: float) -> Sequence[Played]:
        """Return how the melody of piece ``at`` is played, its tick 0 being ``start``; in order, one voice."""

    def length(self, at: int) -> int:
        """Return the length of piece ``at`` in ticks."""

    def cycle(self) -> int:
        """Return after how many pieces their lengths come again, 1 where all are of one length."""


@dataclass(slots=True)
class _Handed:
    """A note that the player has been given, and the moments it was given with."""

    note: Played
    at: float
    until: float


class Walk:
    """What one part plays: pieces from tick ``start`` on, ``count`` of them or without end, up to tick ``stop``."""

    def __init__(
        self,
        source: Source,
        *,
        start: float,
        part: int = 0,
        channel: int = 0,
        at: int = 0,
        count: int | None = None,
        stop: float = math.inf,
    ) -> None:
        """Begin before piece ``at``; nothing is decoded yet."""
        self.source = source
        self.part = part
        self.channel = channel
        self.start = start
        self.at = at
        self.melody: Melody | None = None
        self._count = count
        self._stop = stop
        self._notes: list[Played] = []
        self._cursor = 0
        self._handed: list[_Handed] = []
        self._done: list[Played] = []
        # The note that sounds up to the beginning of this piece, and the pitch that the melody before it ended with.
        self._tie: _Handed | None = None
        self._sounding: int | None = None
        # Notes before this tick are not played: a walk that was entered in the middle of a piece.
        self._first = -math.inf

    @property
    def notes(self) -> list[Played]:
        """All notes of this piece: those that were handed over, and those that are still to come."""
        played = [one.note for one in self._handed if one.note.on_tick >= self.start]
        return [*self._done, *played, *self._notes[self._cursor :]]

    @property
    def length(self) -> int:
        """Ticks of the piece that is played now, or is the next one."""
        return self.melody.length if self.melody is not None else self.source.length(self.at)

    @property
    def end(self) -> float:
        """Tick at which the piece that is played now ends."""
        return min(self.start + self.length, self._stop)

    @property
    def over(self) -> bool:
        """True when there is no piece left."""
        return self.start >= self._stop or (self._count is not None and self.at >= self._count)

    def finished(self, now: float) -> bool:
        """Return whether everything has been played and released by ``now``."""
        return self.over and all(one.until <= now for one in self._handed)

    def ends_at(self, clock: Clock) -> float:
        """Return when the last piece ends (s), infinite for a walk without end."""
        if self._count is None and math.isinf(self._stop):
            return math.inf
        tick = self.start
        for at in range(self.at, self._count if self._count is not None else self.at + 1):
            tick += self.length if at == self.at else self.source.length(at)
        return clock.time(min(tick, self._stop))

    def wake(self, clock: Clock) -> float | None:
        """Return when ``advance`` has something to do: a note is due, a piece, or the end of the last one."""
        if self._cursor < len(self._notes):
            return clock.time(self._notes[self._cursor].on_tick) - HORIZON
        if not self.over:
            return clock.time(self.start if self.melody is None else self.end) - HORIZON
        return max((one.until for one in self._handed), default=None)

    def advance(self, clock: Clock, now: float) -> list[Output]:
        """Return the notes that begin within the horizon, decoding the pieces that do."""
        horizon = clock.tick(now + HORIZON + BEFORE)
        out: list[Output] = []
        while not self.over and self.start <= horizon:
            if self.melody is None:
                if self._pass_over(clock.tick(now)):
                    break
                out += self._load(clock)
            out += self._hand_over(clock, horizon)
            if self._cursor < len(self._notes) or self.end > horizon:
                break
            self._sounding = self.melody.sounding if self.melody is not None else None
            self.start, self.at, self.melody = self.end, self.at + 1, None
        self._done += [one.note for one in self._handed if one.until <= now and one.note.on_tick >= self.start]
        self._handed = [one for one in self._handed if one.until > now]
        return out

    def change(self, clock: Clock, now: float, tick: float) -> list[Output]:
        """Return what replaces everything that would begin at or after ``tick``: the piece is decoded again."""
        if self.melody is None:
            return []
        tick = max(tick, self.start)
        melody, notes, tied = self._compose(clock, self.melody.length)
        notes = [note for note in notes if note.on_tick >= tick]
        first = notes[0].on_tick if notes else math.inf
        out: list[Output] = [Withdraw(self.part, clock.time(tick) - BEFORE, clock.time(first))]
        self._handed = [one for one in self._handed if one.note.on_tick < tick]
        if tick <= self.start:
            out += tied
        for one in self._handed:
            if one.note.off_tick > first:
                one.note = replace(one.note, off_tick=first)
                one.until = min(one.until, clock.time(first))
        self.melody, self._notes, self._cursor = melody, notes, 0
        return out + self._hand_over(clock, clock.tick(now + HORIZON + BEFORE))

    def retime(self, clock: Clock, now: float) -> list[Output]:
        """Return what puts handed notes to their moments on a line that has changed."""
        edge = now + LEAD
        later = [one for one in self._handed if one.at >= edge]
        out: list[Output] = [Withdraw(self.part, edge)] if later else []
        for one in self._handed:
            until = max(now, clock.time(one.note.off_tick))
            if one.at >= edge:
                one.at, one.until = max(edge, clock.time(one.note.on_tick)), max(edge, until)
                out.append(self._due(one))
            elif abs(until - one.until) > OFF_LINE and one.until > now:
                one.until = until
                out.append(Retime(self.part, self.channel, one.note.pitch, until))
        return out

    def drop(self, now: float) -> list[Output]:
        """Return what ends this walk at once; it is over then."""
        self._count, self._notes, self._cursor, self._handed = self.at, [], 0, []
        self.melody = None
        return [Withdraw(self.part, now, now)]

    def halt(self, clock: Clock, tick: float) -> list[Output]:
        """Return what ends this walk at ``tick`` instead of at its end."""
        self._stop = min(self._stop, tick)
        self._notes = [replace(note, off_tick=min(note.off_tick, tick)) for note in self._notes if note.on_tick < tick]
        self._cursor = min(self._cursor, len(self._notes))
        self._handed = [one for one in self._handed if one.note.on_tick < tick]
        moment = clock.time(tick)
        for one in self._handed:
            one.until = min(one.until, moment)
        return [Withdraw(self.part, moment - BEFORE, moment)]

    def enter(self, tick: float) -> None:
        """Go on at ``tick`` instead, in the middle of a piece where it lies in one; call before anything is played.

        What has begun just now is played: the first tick of a clock with jitter is late already when it is heard.
        """
        self._pass_over(tick)
        self._first = tick - JUST

    def shift(self, clock: Clock, seconds: float) -> None:
        """Move a walk that has just begun later, with what it has handed over."""
        ticks = seconds / clock.tick_seconds
        self.start += ticks
        self._notes = [_moved(note, ticks) for note in self._notes]
        for one in self._handed:
            one.note = _moved(one.note, ticks)
            one.at, one.until = one.at + seconds, one.until + seconds

    # -- one piece ---------------------------------------------------------------------------------------------------

    def _pass_over(self, tick: float) -> bool:
        """Leave out pieces that have ended by ``tick``: the machine slept, and nobody could hear them any more.

        Return whether none is left. Whole rounds of an endless walk go at once: a sleep of days is no longer than one
        of seconds.
        """
        if self._count is None and not self.over and self.start + self.source.length(self.at) <= tick:
            pieces = self.source.cycle()
            ticks = sum(self.source.length(at) for at in range(self.at, self.at + pieces))
            rounds = int((tick - self.start) // ticks)
            self.start, self.at = self.start + rounds * ticks, self.at + rounds * pieces
            self._sounding = None
        while not self.over and self.start + (length := self.source.length(self.at)) <= tick:
            self.start, self.at = self.start + length, self.at + 1
            self._sounding = None
        return self.over

    def _load(self, clock: Clock) -> list[Output]:
        """Decode the piece that is due."""
        self._tie = next((one for one in self._handed if one.note.on_tick < self.start <= one.note.off_tick + 1), None)
        melody, notes, out = self._compose(clock)
        self.melody, self._cursor, self._done = melody, 0, []
        self._notes = [note for note in notes if note.on_tick >= self._first]
        return out

    def _compose(self, clock: Clock, length: int | None = None) -> tuple[Melody, list[Played], list[Output]]:
        """Return the piece, its notes, and what makes the note before it longer where it begins with a tie.

        ``length`` is how long it has to be, where it has begun already.
        """
        tie = self._tie
        melody = self.source.piece(self.at, None if tie is None else self._sounding)
        if length is not None and melody.length != length:
            melody = join([melody] * math.ceil(length / melody.length)).slice(0, length)
        notes = [
            replace(note, off_tick=min(note.off_tick, self._stop))
            for note in self.source.play(melody, self.at, self.start)
            if note.on_tick < self._stop
        ]
        if tie is None or not melody.tied or not notes or notes[0].pitch != tie.note.pitch:
            return melody, notes, []
        first = notes.pop(0)
        tie.note = replace(tie.note, off_tick=first.off_tick)
        tie.until = clock.time(first.off_tick)
        return melody, notes, [Retime(self.part, self.channel, first.pitch, tie.until)]

    def _hand_over(self, clock: Clock, horizon: float) -> list[Output]:
        out: list[Output] = []
        while self._cursor < len(self._notes) and self._notes[self._cursor].on_tick <= horizon:
            note = self._notes[self._cursor]
            self._cursor += 1
            one = _Handed(note, clock.time(note.on_tick), clock.time(note.off_tick))
            self._handed.append(one)
            out.append(self._due(one))
        return out

    def _due(self, one: _Handed) -> DueNote:
        return DueNote(one.at, one.until, self.channel, one.note.pitch, one.note.velocity, self.part)


def _moved(note: Played, ticks: float) -> Played:
    return replace(note, on_tick=note.on_tick + ticks, off_tick=note.off_tick + ticks)

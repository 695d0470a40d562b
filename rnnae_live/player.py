"""Due events to bytes, each at its time: the heap of what is due, and the rules that leave no note sounding.

engine -> [player] -> ports

The player is told of whole notes (``DueNote``), of single messages (``Due``), of changes of mind (``Withdraw``,
``Retime``) and of what is played through (``Thru``). It hands out bytes when their moment has come, note-offs before
note-ons. A second note-on of a key releases the first, and whoever began a note is the only one to end it: a part's
note-off never ends what was played through, nor the other way round. A note-on later than ``LATEST`` is dropped
together with its note-off, so a backlog is never played as a burst; a note-off is never dropped. Every note-on is
followed by exactly one note-off, whatever comes.

A port that takes bytes at once is given to the player (``Player(send)``) and served by ``play``. One that wants bytes
with their time asks for them, a period at a time (``drive``): releases and cuts then wait for the next period.

*Units*: seconds of the monotonic clock. Time is an argument: the same class plays live and in virtual time.
*Threading*: one thread at a time. *Errors*: ``send`` may raise; the ledger then still names the note.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rnnae_live.agenda import Agenda, Key, Waiting, key_of
from rnnae_live.events import (
    ALL_SOUND_OFF,
    CONTROL_CHANGE,
    Cut,
    Due,
    DueNote,
    Mark,
    Notice,
    Output,
    Retime,
    Thru,
    Withdraw,
    fault,
    note_off,
    note_on,
    silence,
)
from rnnae_live.lateness import Lateness
from rnnae_live.ledger import Ledger

Send = Callable[[bytes], None]
SendAt = Callable[[float, bytes], None]
Leaves = Callable[[float, bytes], bytes]
"""Takes the moment at which a message is to go out, and its bytes; moments never go back within a period."""

LATEST = 0.05
"""Seconds by which a note-on may be late and still sound: beyond that it would only be heard as a mistake."""

MOST_PENDING = 8192
"""Events that may wait. Beyond that new note-ons are dropped and counted; note-offs are not."""

SUSTAIN = 64
"""Controller of the pedal that lets notes sound on."""

_OFF, _OTHER, _ON = 0, 1, 2
"""Order of what is due at the same moment. What is played through keeps its own order and is all in the middle."""

_SINGLE, _THROUGH = -1, -2
"""Whose note it is where it is no part's: that of single messages, or of whoever plays through."""


@dataclass(slots=True)
class _Sounding:
    """A note that sounds: the serial of its note-on, whose it is, and its note-off where that waits already."""

    serial: int
    owner: int
    off: Waiting | None = None


class Player:
    """Plays due events through ``send``, or for a driver that asks, and keeps the ledger of what sounds."""

    def __init__(self, send: Send | None = None, ledger: Ledger | None = None) -> None:
        """Send through ``send``, or wait to be driven; what the ledger names already is left for ``release``."""
        self._plain: SendAt | None = None
        self._out: SendAt | None = None
        self._agenda = Agenda()
        self._played_to = -math.inf
        self._begin = -math.inf
        self._sounding: dict[Key, _Sounding] = {}
        self._floors: dict[int, float] = {}
        self._first: deque[bytes] = deque()
        self._again: deque[Key] = deque()
        self._releasing = False
        self._mode = 0
        self._down: set[Key] = set()
        self._pedals: set[int] = set()
        self.leaves: Leaves = lambda _at, data: data
        """Is shown every message that leaves, and returns what leaves in its place."""
        self.ledger = Ledger() if ledger is None else ledger
        self.lateness = Lateness()
        self.sent = 0
        self.dropped = 0
        self.superseded = 0
        if send is not None:
            self.serve(send)

    def serve(self, send: Send) -> None:
        """Send through ``send`` from now on; ``play`` then has to be called in time."""
        self._plain = self._out = _without_time(send)

    @property
    def pending(self) -> int:
        """Events that wait for their time."""
        return len(self._agenda)

    @property
    def settled(self) -> bool:
        """True where nothing waits to be sent before everything else: no release, no cut."""
        return not (self._releasing or self._first or self._again)

    def take(self, output: Output) -> None:
        """Do what the engine says; a ``Notice`` and a ``Mark`` are not for here.

        Raises:
            PortError: the port is lost.
        """
        if isinstance(output, DueNote | Due):
            self.add(output)
        elif isinstance(output, Withdraw):
            self.withdraw(output)
        elif isinstance(output, Retime):
            self.retime(output)
        elif isinstance(output, Thru):
            self.set_thru(output.mode)
        elif isinstance(output, Cut):
            self.cut(output)
        else:
            assert isinstance(output, Notice | Mark)

    # -- what is due -------------------------------------------------------------------------------------------------

    def add(self, event: DueNote | Due) -> None:
        """Take one event. Times in the past are due now."""
        if isinstance(event, DueNote):
            if event.at < self._floors.get(event.part, -math.inf):
                self.superseded += 1
                return
            data = note_on(event.channel, event.pitch, event.velocity)
            self._push(event.at, _ON, data, event.part, until=max(event.until, event.at))
        else:
            key, on = key_of(event.data)
            rank = _OTHER if key is None else _ON if on else _OFF
            self._push(event.at, rank, event.data, _SINGLE)

    def withdraw(self, event: Withdraw) -> None:
        """Forget the notes of a part that would begin from a moment on, and end what sounds of it by another.

        Where the moment has been played already, what comes later for the time between is dropped and counted in
        ``superseded``: the old notes have sounded there, and both would be heard.
        """
        if event.after < self._played_to:
            self._floors[event.part] = self._played_to
        for waiting in self._agenda.notes(event.part):
            if waiting.at >= event.after:
                self._agenda.forget(waiting)
            elif waiting.until is not None and waiting.until > event.until:
                waiting.until = max(event.until, waiting.at)
        for key, sounding in self._sounding.items():
            if sounding.owner == event.part and sounding.off is not None and sounding.off.at > event.until:
                self._move_off(key, sounding, event.until)

    def retime(self, event: Retime) -> None:
        """Move the end of the note of a part that sounds at a key, else of its next one that waits there."""
        key = (event.channel, event.pitch)
        sounding = self._sounding.get(key)
        if sounding is not None and sounding.owner == event.part:
            self._move_off(key, sounding, event.until)
            return
        waiting = [one for one in self._agenda.notes(event.part) if one.key == key]
        if waiting:
            first = min(waiting, key=lambda one: (one.at, one.serial))
            first.until = max(event.until, first.at)

    def next_at(self) -> float | None:
        """Return when the next event is due, None where nothing waits for a moment that will come."""
        if not self.settled:
            return self._begin
        at = self._agenda.next_at()
        return at if at < math.inf else None

    # -- what is played through --------------------------------------------------------------------------------------

    def set_thru(self, mode: int) -> None:
        """Pass on nothing (0), notes (1) or every message of a channel (2) from now on.

        What sounds of it ends with its own note-off; a pedal that would stay down is lifted.

        Raises:
            PortError: the port is lost.
        """
        self._mode = mode
        if mode < 2:
            self._lift_pedals()
            self._at_once()

    def thru(self, data: bytes, at: float) -> None:
        """Pass on a message that came in at ``at``, as far as the mode says so; it goes out with the next ``play``."""
        if not data or data[0] >= 0xF0 or fault(data):
            return
        key, on = key_of(data)
        if key is None:
            self._thru_other(data, at)
        elif on and self._mode:
            if self._push(at, _OTHER, data, _THROUGH):
                self._down.add(key)
        elif not on and key in self._down:
            self._down.remove(key)
            self._agenda.push(at, _OTHER, data, _THROUGH)

    def _thru_other(self, data: bytes, at: float) -> None:
        channel, pedal = data[0] & 0x0F, data[0] & 0xF0 == CONTROL_CHANGE and data[1] == SUSTAIN
        if self._mode < 2 or not self._push(at, _OTHER, data, _THROUGH):
            return
        if pedal and data[2] >= 64:
            self._pedals.add(channel)
        elif pedal:
            self._pedals.discard(channel)

    def _lift_pedals(self) -> None:
        self._first.extend(bytes((CONTROL_CHANGE | channel, SUSTAIN, 0)) for channel in sorted(self._pedals))
        self._pedals.clear()

    # -- sending -----------------------------------------------------------------------------------------------------

    def play(self, now: float) -> None:
        """Send everything that is due at ``now``, in order.

        Raises:
            PortError: the port is lost; what was due is still in the ledger.
        """
        self._run(now, math.nextafter(now, math.inf))

    def drive(self, begin: float, end: float, send: SendAt) -> None:
        """Hand ``send`` everything that is due before ``end``; what is overdue goes out at ``begin``."""
        self._out = send
        try:
            self._run(begin, end)
        finally:
            self._out = self._plain

    def cut(self, event: Cut) -> None:
        """Forget what waits, release what sounds; a hard cut also sends "all sound off" on every channel.

        Raises:
            PortError: the port is lost.
        """
        self._agenda.clear()
        self._floors.clear()
        self._down.clear()
        self._lift_pedals()
        if event.hard:
            self._first.extend(silence())
        self.release()

    def abandon(self) -> None:
        """Forget what waits and release what sounds, but for what is played through; it goes out with ``play``."""
        self._agenda.clear(but=_THROUGH)
        self._floors.clear()
        for key, sounding in self._sounding.items():
            if sounding.owner != _THROUGH:
                sounding.off = None
                self._set_off(key, sounding, self._played_to)

    def release(self) -> None:
        """Send the note-off of everything that the ledger names.

        Raises:
            PortError: the port is lost; what could not be released stays in the ledger.
        """
        self._releasing = True
        self._at_once()

    def say(self, messages: Iterable[bytes]) -> None:
        """Send messages before everything else.

        Raises:
            PortError: the port is lost.
        """
        self._first.extend(messages)
        self._at_once()

    def repeat(self, notes: list[Key]) -> None:
        """Send the note-offs of ``notes`` once more, but not of those that sound by then.

        Raises:
            PortError: the port is lost.
        """
        self._again.extend(notes)
        self._at_once()

    def _at_once(self) -> None:
        if self._out is not None:
            self._send_first()

    def _send_first(self) -> None:
        """Send what comes before everything else: releases, then what a cut wants, then what is said again."""
        if self._releasing:
            for key in self.ledger:
                self._release(key)
            self._releasing = False
        while self._first:
            self._emit(self._first[0])
            self._first.popleft()
        while self._again:
            if self._again[0] not in self.ledger:
                self._emit(note_off(*self._again[0]))
            self._again.popleft()

    def _run(self, begin: float, end: float) -> None:
        """Send what is due before ``end``, at ``begin`` at the earliest."""
        self._begin = begin
        if not self.settled:
            self._send_first()
        while (waiting := self._agenda.pop(end)) is not None:
            late = max(0.0, begin - waiting.at)
            if waiting.key is not None and not waiting.on:
                self._off(waiting.key, waiting, late)
            elif late > LATEST and not _lets_go(waiting.data):
                self.dropped += 1
            elif waiting.key is not None:
                self._on(waiting.key, waiting, late)
            else:
                self._emit(waiting.data, waiting.at, late)
        self._played_to = max(self._played_to, begin if self._out is self._plain else end)

    def _on(self, key: Key, waiting: Waiting, late: float) -> None:
        """Send a note-on and make its note-off due."""
        if key in self.ledger:
            self._release(key, waiting.at)
        self.ledger.add(*key, waiting.data[2])
        sounding = self._sounding[key] = _Sounding(waiting.serial, waiting.owner)
        if waiting.until is not None:
            # A note that starts late ends when it was meant to, but sounds for an instant at least.
            self._set_off(key, sounding, max(waiting.until, waiting.at + late))
        self._emit(waiting.data, waiting.at, late)

    def _off(self, key: Key, waiting: Waiting, late: float) -> None:
        """Send a note-off, unless the note that it belongs to has been released already."""
        sounding = self._sounding.get(key)
        if key not in self.ledger:
            return
        if waiting.of is not None:
            mine = sounding is not None and sounding.serial == waiting.of
        else:
            through = sounding is not None and sounding.owner == _THROUGH
            mine = through == (waiting.owner == _THROUGH)
        if mine:
            self._release(key, waiting.at, late)

    def _release(self, key: Key, at: float = -math.inf, late: float | None = None) -> None:
        self._emit(note_off(*key), at, late)
        self.ledger.remove(*key)
        sounding = self._sounding.pop(key, None)
        if sounding is not None and sounding.off is not None:
            self._agenda.forget(sounding.off)

    def _emit(self, data: bytes, at: float = -math.inf, late: float | None = None) -> None:
        assert self._out is not None
        at = max(at, self._begin)
        self._out(at, self.leaves(at, data))
        self.sent += 1
        if late is not None:
            self.lateness.add(late)

    # -- what waits --------------------------------------------------------------------------------------------------

    def _push(self, at: float, rank: int, data: bytes, owner: int, until: float | None = None) -> bool:
        """Let something wait; False, and counted, where too much waits already."""
        if len(self._agenda) >= MOST_PENDING and rank != _OFF:
            self.dropped += 1
            return False
        self._agenda.push(at, rank, data, owner, until)
        return True

    def _set_off(self, key: Key, sounding: _Sounding, until: float) -> None:
        sounding.off = self._agenda.push(until, _OFF, note_off(*key), sounding.owner, of=sounding.serial)

    def _move_off(self, key: Key, sounding: _Sounding, until: float) -> None:
        """Let a note that sounds end at another moment, at once where that has passed."""
        if sounding.off is not None:
            self._agenda.forget(sounding.off)
        self._set_off(key, sounding, max(until, self._played_to))


def _without_time(send: Send) -> SendAt:
    """Return a sender that is called at the right moment anyway."""
    return lambda _at, data: send(data)


def _lets_go(data: bytes) -> bool:
    """True for what ends sound although it is no note-off: a pedal that comes up, and the messages of a panic."""
    return data[0] & 0xF0 == CONTROL_CHANGE and (data[1] >= ALL_SOUND_OFF or (data[1] == SUSTAIN and data[2] < 64))

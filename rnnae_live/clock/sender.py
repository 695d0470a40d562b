"""The MIDI clock that we give: tick, start, continue, song position and stop, each at its time, out of a line.

engine -> [sender] -> player

Ticks are sent whether the song runs or not, so that whoever follows knows the tempo before it starts. While it runs
they are numbered, and each number is sent once, in order, whatever becomes of the line: **a tick goes out at its moment
on the line, but never less than half a period after the one before**. Ticks that come late, because the line leapt
forward or nobody asked in time, are therefore caught up with at double speed and never as a burst; where the line
leapt back, ticks wait for it. What is more than a sixteenth away is not made up for: the follower is stopped and put to
the next sixteenth (stop, song position, continue), and its count is right again. While the song does not run, ticks
have no number, and late ones are left out.

*Units*: seconds of the monotonic clock, ticks of 24 to the quarter note. Time is an argument. *Threading*: one thread.
*Source*: MIDI 1.0 Detailed Specification 4.2, system common and real time messages.
"""

from __future__ import annotations

import math

from rnnae_live.clock.line import SIXTEENTH, Clock
from rnnae_live.events import Due

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"

LEAD = 1e-3
"""Seconds between a start and its first tick: what the specification asks for, so that a follower can get ready."""

FURTHEST = 1.0
"""Seconds that are looked ahead at most: what has been handed out cannot be taken back."""

_NEARLY = 1e-6
"""Ticks by which a moment may be after a tick and still be on it, because of rounding."""


def song_position(tick: int) -> bytes:
    """Return the message that puts a follower to the sixteenth of ``tick``; it wraps after 16384 of them."""
    sixteenths = tick // SIXTEENTH % 16384
    return bytes((0xF2, sixteenths & 0x7F, sixteenths >> 7))


class Sender:
    """Gives the clock out. Ask ``due`` again and again, and send what it returns."""

    def __init__(self) -> None:
        """Begin stopped."""
        self.playing = False
        """Whether whoever follows has been told to run."""
        self._next = 0
        self._last = -math.inf

    def due(self, line: Clock | None, running: bool, now: float, until: float) -> list[Due]:
        """Return the messages that are due by ``until``, in order, none of them before ``now``.

        ``line`` says where in the song every moment is (None: there is no clock to give), ``running`` whether the song
        goes on along it; a line that is at a tick below 0 counts in. What is returned counts as sent.
        """
        messages: list[Due] = []
        if self.playing and (line is None or not running):
            messages.append(self._stop(now))
        if line is None:
            return messages
        until = min(until, now + FURTHEST)
        while True:
            if self.playing and self._astray(line, now):
                messages.append(self._stop(now))
            number, at = self._upcoming(line, running, now)
            if at > until:
                return messages
            if running and not self.playing and number >= 0 and number % SIXTEENTH == 0:
                messages += self._begin(number, max(now, self._last, at - LEAD))
            messages.append(Due(at, TICK))
            self._next, self._last = number + 1, at

    def wake(self, line: Clock | None, running: bool, now: float) -> float | None:
        """Return when the next message is due, None for never."""
        if self.playing and (line is None or not running):
            return now
        return None if line is None else self._upcoming(line, running, now)[1]

    def _earliest(self, line: Clock, now: float) -> float:
        """Return the first moment (s) that the next tick may be at."""
        return max(now, self._last + line.tick_seconds / 2)

    def _astray(self, line: Clock, now: float) -> bool:
        """Return whether the line is more than a sixteenth away from the tick that is next."""
        ahead = line.tick(self._earliest(line, now)) - self._next
        return ahead > SIXTEENTH or ahead < -SIXTEENTH - 1

    def _upcoming(self, line: Clock, running: bool, now: float) -> tuple[int, float]:
        """Return the number of the next tick and its moment (s)."""
        earliest = self._earliest(line, now)
        if self.playing:
            number = self._next
        else:
            place = line.tick(earliest) - _NEARLY
            # A song that began less than a tick ago is begun, and not entered at the next sixteenth.
            number = 0 if running and 0 < place < 1 else math.ceil(place)
        return number, max(earliest, line.time(number))

    def _begin(self, number: int, at: float) -> list[Due]:
        """Return what makes a follower run from the tick to come."""
        self.playing = True
        return [Due(at, START)] if number == 0 else [Due(at, song_position(number)), Due(at, CONTINUE)]

    def _stop(self, now: float) -> Due:
        """Return what stops a follower, after the ticks that it has been given."""
        self.playing = False
        return Due(max(now, self._last), STOP)

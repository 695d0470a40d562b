"""The message-rate fuse: however much comes in, what goes on is bounded, and what matters goes first.

ports -> [fuse] -> player

A token bucket. Up to ``rate`` messages a second, and ``burst`` at once, pass as they came. Beyond that each lane may
use the bucket down to a level of its own, so that the lanes give way in the opposite order of this list:

1. panic (all notes off, all sound off): always passes, each 50 times a second at most
2. note-off: always passes after its note-on has passed; is dropped with its note-on
3. clock and transport: a small bucket of their own
4. note-on: dropped, not delayed; a late note is a wrong note
5. controllers, pressure, bend, program: the newest value waits in place of an older one
6. SysEx: dropped

Every message costs constant time, and what waits is bounded: ``ROOM`` messages, the note-offs that are owed, and one
value for each controller.

*Units*: seconds of one monotonic clock; time is an argument. *Threading*: none; callers with several threads lock.
*Errors*: none; what is no message is dropped.
"""

from __future__ import annotations

from enum import IntEnum

from rnnae_live.events import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL_CHANGE, NOTE_OFF, NOTE_ON, Notice

RATE, BURST = 3000.0, 1000.0
"""Messages a second, and at once: a DIN cable carries about 1,000 a second."""
CLOCK_RATE, CLOCK_BURST = 500.0, 64.0
"""The same of clock and transport: 24 to the quarter note are 400 a second at 1,000 bpm."""
PANIC_AGAIN = 0.02
"""Seconds after which the same panic passes again, where no note-on of its channel has passed in between."""
ROOM = 4096
"""Messages that wait for ``take``; note-offs that are owed, and panic, wait beyond that."""
MOST_OWED = 16
"""Note-ons of one key that are sure of their note-offs at the same time."""
SYSEX_UNIT = 32
"""Bytes of SysEx that cost as much as a message."""
QUIET = 5.0
"""Seconds without a drop after which the next one is told again."""

_VALUES_KEEP, _SYSEX_KEEP = 0.4, 0.7
"""Parts of the bucket that controllers, and SysEx, leave to what goes before them."""


class Lane(IntEnum):
    """What kind of message it is; the lowest goes first."""

    PANIC = 0
    NOTE_OFF = 1
    CLOCK = 2
    NOTE_ON = 3
    VALUE = 4
    SYSEX = 5


def lane(data: bytes) -> Lane | None:
    """Return the lane of a message, None where it is to be dropped: it is empty, active sensing, or no message."""
    status = data[0] if data else 0
    kind = status & 0xF0
    if kind == NOTE_ON:
        found = Lane.NOTE_ON if len(data) == 3 and data[2] else Lane.NOTE_OFF
    elif kind == NOTE_OFF:
        found = Lane.NOTE_OFF
    elif kind == CONTROL_CHANGE and len(data) == 3 and data[1] in (ALL_NOTES_OFF, ALL_SOUND_OFF):
        found = Lane.PANIC
    elif 0x80 <= kind < 0xF0:
        found = Lane.VALUE
    elif status in (0xF2, 0xF8, 0xFA, 0xFB, 0xFC):
        return Lane.CLOCK
    else:
        return Lane.SYSEX if status == 0xF0 else None
    return found if len(data) == (2 if kind in (0xC0, 0xD0) else 3) else None


class Fuse:
    """Takes messages with ``put``, gives with ``take`` what goes on."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        """Let ``rate`` messages a second pass, and ``burst`` at once."""
        self.rate, self.burst = rate, burst
        self.dropped: dict[Lane, int] = dict.fromkeys(Lane, 0)
        """What was dropped, by lane. A note-off that went with its note-on is not counted again."""
        self.replaced = 0
        """Values that a newer one took the place of."""
        self._tokens, self._clock_tokens = burst, CLOCK_BURST
        self._now = float("-inf")
        self._ready: list[tuple[float, float, bytes]] = []
        self._values: dict[bytes, tuple[float, float, bytes]] = {}
        self._panic: dict[bytes, float] = {}
        self._owed: dict[int, int] = {}
        self._muted: dict[int, int] = {}
        self._blown_at = float("-inf")
        self._notice: Notice | None = None

    @property
    def waiting(self) -> int:
        """Messages that the next ``take`` may give."""
        return len(self._ready) + len(self._values)

    def put(self, time: float, data: bytes) -> bool:
        """Take a message that came in at ``time``; return False where it, or an older value, gives way."""
        kind = lane(data)
        if kind is None:
            return False
        self._refill(time)
        if not self._passes(kind, data):
            if kind is not Lane.VALUE:
                return False
            return self._wait(time, data)
        self._ready.append((self._now, time, data))
        return True

    def take(self, now: float) -> list[tuple[float, bytes]]:
        """Return what goes on, (time, message), in the order in which it came in; it is given once."""
        self._refill(now)
        for key, value in list(self._values.items()):
            if not self._spend(1, _VALUES_KEEP):
                break
            del self._values[key]
            self._ready.append(value)
        taken = [(time, data) for _, time, data in sorted(self._ready, key=lambda entry: entry[0])]
        self._ready.clear()
        for message in [message for message, at in self._panic.items() if self._now - at >= PANIC_AGAIN]:
            del self._panic[message]
        return taken

    def news(self) -> Notice | None:
        """Return, once, the sentence for the performer: the fuse has blown."""
        notice, self._notice = self._notice, None
        return notice

    def _refill(self, now: float) -> None:
        """Let time pass; a time before the last one counts as the last one."""
        passed = now - self._now
        if passed > 0:
            self._now = now
            self._tokens = min(self.burst, self._tokens + passed * self.rate)
            self._clock_tokens = min(CLOCK_BURST, self._clock_tokens + passed * CLOCK_RATE)

    def _spend(self, cost: float, keep: float = 0.0) -> bool:
        """Take ``cost`` out of the bucket where the part ``keep`` of it stays, and there is room; return whether."""
        if self._tokens - cost < keep * self.burst or len(self._ready) >= ROOM:
            return False
        self._tokens -= cost
        return True

    def _passes(self, kind: Lane, data: bytes) -> bool:
        """Return whether a message goes on as it came; what does not, and is not to wait, is counted."""
        if kind is Lane.PANIC:
            fresh = data[:2] not in self._panic
            self._panic.setdefault(data[:2], self._now)
            return fresh
        if kind is Lane.NOTE_OFF:
            return self._note_off(data)
        if kind is Lane.VALUE:
            return data[: _key_length(data)] not in self._values and self._spend(1, _VALUES_KEEP)
        if kind is Lane.CLOCK:
            passed = self._clock_tokens >= 1 and len(self._ready) < ROOM
            self._clock_tokens -= passed
        elif kind is Lane.NOTE_ON:
            passed = self._spend(1)
            key = (data[0] & 0x0F) << 7 | data[1]
            if passed:
                for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                    self._panic.pop(bytes((CONTROL_CHANGE | data[0] & 0x0F, controller)), None)
                self._owed[key] = min(MOST_OWED, self._owed.get(key, 0) + 1)
            else:
                self._muted[key] = self._muted.get(key, 0) + 1
        else:
            passed = self._spend(1 + len(data) / SYSEX_UNIT, _SYSEX_KEEP)
        if not passed:
            self._drop(kind)
        return passed

    def _note_off(self, data: bytes) -> bool:
        """Let a note-off follow what became of its note-on; one that has none is a message like any other."""
        key = (data[0] & 0x0F) << 7 | data[1]
        for counts, passed in ((self._owed, True), (self._muted, False)):
            count = counts.pop(key, 0)
            if count:
                if count > 1:
                    counts[key] = count - 1
                self._tokens = max(0.0, self._tokens - passed)
                return passed
        if self._spend(1):
            return True
        self._drop(Lane.NOTE_OFF)
        return False

    def _wait(self, time: float, data: bytes) -> bool:
        """Keep a value until the bucket allows it, in place of an older one; return whether there was none."""
        key = data[: _key_length(data)]
        fresh = key not in self._values
        self._values[key] = (self._now, time, data)
        if not fresh:
            self.replaced += 1
            self._blow()
        return fresh

    def _drop(self, kind: Lane) -> None:
        self.dropped[kind] += 1
        self._blow()

    def _blow(self) -> None:
        """Tell the performer, unless that was told a moment ago."""
        if self._now - self._blown_at > QUIET:
            self._notice = Notice(
                f"More than {self.rate:.0f} messages a second come in: some are left out, note-offs never. "
                "Look for a loop or a controller that sends without end.",
                fault=True,
            )
        self._blown_at = self._now


def _key_length(data: bytes) -> int:
    """Return how many bytes say what a value is of: the channel, and the controller or key."""
    return 2 if data[0] & 0xF0 in (0xA0, 0xB0) else 1

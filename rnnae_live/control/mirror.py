"""The mirror: shows on a controller what the instrument has, on its LED rings, lamps and motor faders.

surface -> [control.mirror] -> port of the controller

A value goes back out as the message that would have brought it in, or as its ``display`` says. While a control is in
somebody's hand nothing is sent to it: a motor would pull against the finger, and what comes back would be heard again.
What it missed meanwhile is sent when it has been let go, if it still differs. A display of its own pulls at nothing and
is sent what is new at once. Some controllers send back what they are sent: ``echoed`` knows that.

*Units*: seconds of the monotonic clock; a message's number is 0-127 or 0-16383. Time is an argument.
"""

from __future__ import annotations

from dataclasses import replace

from rnnae_live.control.sources import DATA_ENTRY, LSB, NRPN_LSB, NRPN_MSB, Kind, Source
from rnnae_live.events import CONTROL_CHANGE, NOTE_ON, PITCH_BEND

HELD = 0.4
"""Seconds after its last message for which a control counts as being in a hand."""

ECHO = 0.25
"""Seconds in which a number that was just sent and comes back is nobody's hand."""


def message(source: Source, number: int) -> list[bytes]:
    """Return the messages that show ``number`` on a control; none for a kind that cannot show anything."""
    channel, high, low = source.channel or 0, number >> 7, number & 0x7F
    control = CONTROL_CHANGE | channel
    match source.kind:
        case Kind.CC:
            return [bytes((control, source.number, number))]
        case Kind.CC14:
            return [bytes((control, source.number, high)), bytes((control, source.number + LSB, low))]
        case Kind.NRPN:
            pairs = (
                (NRPN_MSB, source.number >> 7),
                (NRPN_LSB, source.number & 0x7F),
                (DATA_ENTRY, high),
                (DATA_ENTRY + LSB, low),
            )
            return [bytes((control, *pair)) for pair in pairs]
        case Kind.NOTE:
            return [bytes((NOTE_ON | channel, source.number, number))]
        case Kind.BEND:
            return [bytes((PITCH_BEND | channel, low, high))]
        case _:
            return []


class Mirror:
    """What the controls of one port show."""

    def __init__(self) -> None:
        """Begin with controls that show nothing that is known."""
        self._shown: dict[Source, int] = {}
        self._held: dict[Source, float] = {}
        self._waiting: dict[Source, int] = {}
        self._channels: dict[Source, int] = {}
        self._sent: dict[Source, tuple[int, float]] = {}

    def found(self, given: Source, channel: int | None) -> None:
        """Take the channel of a control, where what shows its value has none."""
        if given.channel is None and channel is not None:
            self._channels[given] = channel

    def heard(self, given: Source, channel: int | None, number: int | None, now: float) -> None:
        """A control was moved, which stands for ``number`` from now on; None: nobody knows what it shows now."""
        self.found(given, channel)
        if number is None:
            self._shown.pop(given, None)
            return
        self._shown[given] = number
        self._held[given] = now
        self._waiting.pop(given, None)

    def show(self, given: Source, number: int, now: float) -> list[bytes]:
        """Return what has to be sent so that a control shows ``number``, nothing where it does or may not yet."""
        if now - self._held.get(given, -HELD) < HELD:
            self._waiting[given] = number
            return []
        self._waiting.pop(given, None)
        if self._shown.get(given) == number:
            return []
        self._shown[given] = number
        where = given if given.channel is not None else replace(given, channel=self._channels.get(given, 0))
        self._sent[where] = (number, now)
        return message(where, number)

    def echoed(self, came: Source, number: int, now: float) -> bool:
        """Return whether what came from a knob or fader is only what it was just sent.

        Of a value that comes in two halves the coarse one tells: the fine one is not there yet.
        """
        sent, at = self._sent.get(came, (-1, -ECHO))
        if now - at >= ECHO:
            return False
        if came.kind in (Kind.CC14, Kind.NRPN):
            return sent >> 7 == number >> 7
        del self._sent[came]
        return sent == number

    def forget(self) -> None:
        """What controls missed is not to be shown any more: they stand for something else."""
        self._waiting.clear()

    def settle(self, now: float) -> list[bytes]:
        """Return what controls missed that have been let go."""
        free = [one for one in self._waiting if now - self._held.get(one, -HELD) >= HELD]
        return [data for one in free for data in self.show(one, self._waiting[one], now)]

    def wake(self) -> float | None:
        """Return when ``settle`` has something to send, None for never."""
        return min((self._held[one] + HELD for one in self._waiting if one in self._held), default=None)

"""What has been let go of lately, to be said again where a server has lost it.

A JACK server that does not wait for its clients (no ``-S``) and was late runs two periods at once: a client that
writes may be called twice before the one that reads is called at all, and what it wrote the first time is lost. A note
that does not begin is one note less; one that does not end sounds for ever. So whatever lets go is written once more.

*Units*: periods. *Threading*: the server's thread that plays.
"""

from __future__ import annotations

from rnnae_live.events import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL_CHANGE, NOTE_OFF, NOTE_ON

LATELY = 24
"""Periods for which it is remembered: more than pass before a client is told that one was lost."""

TIMES = (0, 4, 12)
"""Periods after which it is said again: the first ones may be lost as well, without a word."""

PEDALS = frozenset({64, 66, 69})
"""Controllers that keep notes sounding (hold, sostenuto, hold 2)."""

SILENCING = frozenset({ALL_SOUND_OFF, ALL_NOTES_OFF})

DOWN = 64
"""Value of a pedal from which it is down."""


class Lately:
    """The messages of an output that let go of something in the last periods, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._letting_go: dict[object, tuple[int, bytes]] = {}
        self._times: list[int] = []

    def lost(self, period: int) -> None:
        """Have everything said again: a period was lost."""
        self._times = [period + later for later in TIMES]

    def written(self, period: int, data: bytes) -> None:
        """Take note of a message; one that begins what another one ended makes that one void.

        One that is said again is as old as it was, so that it is not said again for ever.
        """
        what, begins = _what(data)
        if begins:
            self._letting_go.pop(what, None)
            for controller in SILENCING:
                # A panic that is said again would silence what has begun after it.
                self._letting_go.pop((data[0] & 0x0F, "controller", controller), None)
        elif what is not None and not self._is_known(what, period):
            self._letting_go[what] = (period, data)

    def _is_known(self, what: object, period: int) -> bool:
        return what in self._letting_go and self._letting_go[what][0] >= period - LATELY

    def again(self, period: int) -> list[bytes]:
        """Return what is to be said again now, of the last ``LATELY`` periods and not begun since."""
        if not self._times or period < self._times[0]:
            return []
        self._times.pop(0)
        for what in [what for what, (then, _) in self._letting_go.items() if then < period - LATELY]:
            del self._letting_go[what]
        return [data for _, data in self._letting_go.values()]


def _what(data: bytes) -> tuple[object, bool]:
    """Return what a message begins or ends, None where it is neither, and whether it begins it."""
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    if kind in (NOTE_ON, NOTE_OFF):
        return (channel, data[1]), kind == NOTE_ON and data[2] > 0
    if kind == CONTROL_CHANGE and data[1] in PEDALS | SILENCING:
        return (channel, "controller", data[1]), data[1] in PEDALS and data[2] >= DOWN
    return None, False

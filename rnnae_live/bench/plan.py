"""What the performer of a measurement plays: messages at seconds after the beginning, and what comes back.

[plan] -> performer or loopback -> [hearing] -> grid, figures

*Units*: seconds; of ``Hearing`` those of the monotonic clock, which is the same in all processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rnnae_live.events import CONTROL_CHANGE, note_off, note_on

ANSWER_NOW = bytes((CONTROL_CHANGE, 85, 127))
"""The button that ends a phrase."""

SILENCE = bytes((CONTROL_CHANGE, 120, 0))
"""The button that ends everything: panic."""

FIRST_WEIGHT, CONTROLLERS = 20, 2
"""The knob is really two: CC 20 down while CC 21 goes up, by turns."""

SWEEP = 2.0
"""Seconds of a knob from one end to the other."""

Message = tuple[float, bytes]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was sent to the instrument and what it put out, each with its moment.

    ``period`` is the driver's, 0 for none; ``faults`` counts what the receiver could not take.
    """

    sent: list[Message]
    heard: list[Message]
    period: float = 0.0
    faults: int = 0

    def ons(self, channel: int | None = None) -> list[float]:
        """Return the moments of all note-ons, of one channel or of all."""
        return [at for at, data in self.heard if _is_on(data) and channel in (None, data[0] & 0x0F)]

    def unreleased(self) -> int:
        """Return how many notes were never released."""
        sounding: set[tuple[int, int]] = set()
        for _, data in self.heard:
            if len(data) == 3 and data[0] & 0xE0 == 0x80:
                key = (data[0] & 0x0F, data[1])
                (sounding.add if _is_on(data) else sounding.discard)(key)
        return len(sounding)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        sent, heard = ([[at, data.hex()] for at, data in rows] for rows in (self.sent, self.heard))
        return {"sent": sent, "heard": heard, "period": self.period, "faults": self.faults}

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Hearing:
        """Return what ``plain`` has written."""
        sent, heard = ([(float(at), bytes.fromhex(data)) for at, data in plain[key]] for key in ("sent", "heard"))
        return cls(sent, heard, float(plain["period"]), int(plain["faults"]))


def knob(seconds: float, rate: float = 100.0, begin: float = 0.0) -> Iterator[Message]:
    """Yield the moves of a knob that never rests, ``rate`` a second."""
    for number in range(int(seconds * rate)):
        at = number / rate
        turn = at / SWEEP % 2.0
        value = round(127 * (turn if turn < 1.0 else 2.0 - turn))
        controller = FIRST_WEIGHT + number % CONTROLLERS
        yield begin + at, bytes((CONTROL_CHANGE, controller, value if number % CONTROLLERS else 127 - value))


def phrases(count: int, bpm: float, every: float) -> Iterator[Message]:
    """Yield ``count`` phrases of a bar of eighths, one every ``every`` seconds, each ended by the button."""
    eighth = 30.0 / bpm
    for number in range(count):
        start = number * every
        for place in range(8):
            pitch = 60 + (0, 2, 4, 5, 7, 9, 11, 12)[(place * 3 + number) % 8]
            yield start + place * eighth, note_on(0, pitch, 80)
            yield start + (place + 0.9) * eighth, note_off(0, pitch)
        yield start + 7.95 * eighth, ANSWER_NOW


def latencies(hearing: Hearing, button: bytes = ANSWER_NOW) -> list[float]:
    """Return for each press of the button how long after it the first note came, for those that a note followed."""
    presses = [at for at, data in hearing.sent if data == button]
    ons = hearing.ons()
    found = []
    for place, press in enumerate(presses):
        until = presses[place + 1] if place + 1 < len(presses) else press + 1.0
        after = [at for at in ons if press <= at < until]
        if after:
            found.append(after[0] - press)
    return found


def _is_on(data: bytes) -> bool:
    return len(data) == 3 and data[0] & 0xF0 == 0x90 and data[2] > 0

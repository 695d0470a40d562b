"""A display: the ring, lamp or motor that shows a value, where it does not listen to the control's own messages.

sources -> [control.display] -> mapping, mirror

The lamps of some controllers have numbers and channels of their own, and count their lights instead of 0-127: the
ring beside knob 1 of an X-Touch Mini is "cc 9 channel 1 from 1 to 13".

*Units*: numbers as they are sent, 0-127 or 0-16383; places 0-1. *Errors*: ``ControlError`` for words that name none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnae_live.control.sources import COARSE, FINE, Kind, Source, numbered, source
from rnnae_live.errors import ControlError

FINE_KINDS = frozenset({Kind.CC14, Kind.NRPN, Kind.BEND})
SHOWING = frozenset({Kind.CC, Kind.NOTE, *FINE_KINDS})
"""Kinds of messages that show something."""


@dataclass(frozen=True, slots=True)
class Display:
    """The message that shows a value, with its numbers for the lowest and (None: as high as it goes) the highest.

    Without a channel it is that of the control.
    """

    source: Source
    low: int = 0
    high: int | None = None

    def __post_init__(self) -> None:
        """Check that it can be.

        Raises:
            ControlError: a number is out of range.
        """
        if not (0 <= self.low <= self.top and 0 <= self.highest <= self.top):
            raise ControlError(f"'{self}' cannot be sent: its numbers are 0 to {self.top}.")

    def __str__(self) -> str:
        """Return it in words, as ``display`` reads them."""
        whole = self.low == 0 and self.highest == self.top
        return str(self.source) if whole else f"{self.source} from {self.low} to {self.highest}"

    @property
    def top(self) -> int:
        """The highest number that its message can carry."""
        return FINE if self.source.kind in FINE_KINDS else COARSE

    @property
    def highest(self) -> int:
        """The number that stands for the highest value."""
        return self.top if self.high is None else self.high

    def number(self, place: float, *, centred: bool = False) -> int:
        """Return the number that shows a place 0-1; ``centred`` shows the middle exactly."""
        steps = numbered(place, abs(self.highest - self.low), centred=centred)
        return self.low + steps if self.highest >= self.low else self.low - steps

    def on(self, channel: int | None) -> Display:
        """Return the same on a channel, where it has none of its own."""
        return self if self.source.channel is not None else replace(self, source=replace(self.source, channel=channel))


def display(words: str) -> Display:
    """Return the display that words name: ``cc 9 channel 1``, ``note 0 channel 1 from 0 to 1``.

    Raises:
        ControlError: they name none.
    """
    where, ranged, numbers = words.strip().casefold().partition(" from ")
    low, _, high = (one.strip() for one in numbers.partition(" to "))
    if ranged and not all(one.isascii() and one.isdecimal() and len(one) <= 5 for one in (low, high)):
        raise ControlError(f"'{words}' names nothing that shows a value; write it as 'cc 9 channel 1 from 1 to 13'.")
    message = source(where)
    if message.kind not in SHOWING:
        raise ControlError(f"'{message}' can show nothing; a controller, a note or a bend can ('cc 9 channel 1').")
    return Display(message, int(low), int(high)) if ranged else Display(message)

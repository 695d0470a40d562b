"""Endless knobs: the four ways in which they say "so much further", and how to tell which one a knob speaks.

sources -> [control.encoders] -> surface, learn

``decoded`` is the table of Ableton Live's manual. ``detected`` needs several equal messages in a row of a single step,
which a knob with ends never sends: it sends a value when it changes. A first turn to the *left* tells the codings
apart that are each other's mirror.

*Units*: clicks, positive to the right. *Source*: Ableton Live Reference Manual, "Mapping to Relative MIDI Controllers":
increments 1-64 and decrements 65-127 (signed bit), the reverse (signed bit 2), 65-127 and 63-1 (binary offset), 1-64
and 127-65 (two's complement).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

ENOUGH = 3
"""Times that one step has to be repeated at once before a knob counts as endless."""

NEAR = 16
"""Clicks in one message that a slow turn may have, with a knob that speeds up by itself."""


class Encoding(Enum):
    """A coding of relative movement."""

    SIGNED_BIT = "signed bit"
    SIGNED_BIT_2 = "signed bit 2"
    BINARY_OFFSET = "binary offset"
    TWOS_COMPLEMENT = "two's complement"


LEFT = {
    65: Encoding.SIGNED_BIT,
    1: Encoding.SIGNED_BIT_2,
    63: Encoding.BINARY_OFFSET,
    127: Encoding.TWOS_COMPLEMENT,
}
"""What a single click to the left is in each coding."""


def decoded(encoding: Encoding, value: int) -> int:
    """Return the clicks that a value 0-127 stands for, -64 to 64."""
    if value == 0:
        return -64 if encoding is Encoding.BINARY_OFFSET else 0
    if encoding is Encoding.BINARY_OFFSET:
        return value - 64
    if encoding is Encoding.TWOS_COMPLEMENT:
        return value if value <= 64 else value - 128
    signed = value if value <= 64 else 64 - value
    return signed if encoding is Encoding.SIGNED_BIT else -signed


def encoded(encoding: Encoding, clicks: int) -> int:
    """Return the value 0-127 that stands for clicks, -63 to 63; ``decoded`` gives them back."""
    clicks = min(max(clicks, -63), 63)
    if encoding is Encoding.BINARY_OFFSET:
        return 64 + clicks
    if encoding is Encoding.TWOS_COMPLEMENT:
        return clicks % 128
    if encoding is Encoding.SIGNED_BIT_2:
        clicks = -clicks
    return clicks if clicks >= 0 else 64 - clicks


def detected(values: Sequence[int]) -> Encoding | None:
    """Return the coding of an endless knob that was turned slowly, first to the left; None for a knob with ends.

    A turn to both sides tells binary offset and two's complement whichever came first.
    """
    steps = [value for value in LEFT if _repeated(values, value) >= ENOUGH]
    if not steps:
        return None
    if {63, 65} & set(steps) and _all_near(values, Encoding.BINARY_OFFSET) and min(values) < 64 < max(values):
        return Encoding.BINARY_OFFSET
    if {1, 127} & set(steps) and _all_near(values, Encoding.TWOS_COMPLEMENT) and min(values) <= 64 < max(values):
        return Encoding.TWOS_COMPLEMENT
    first = next(value for value in values if value in LEFT)
    encoding = LEFT[first]
    return encoding if _all_near(values, encoding) else None


def _repeated(values: Sequence[int], value: int) -> int:
    """Return how often ``value`` follows itself."""
    return sum(1 for one, other in pairwise(values) if one == other == value)


def _all_near(values: Sequence[int], encoding: Encoding) -> bool:
    return all(abs(decoded(encoding, value)) <= NEAR for value in values)

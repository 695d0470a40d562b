"""Datagrams of OSC: bytes in, messages out, and one message as bytes.

server -> [packet] -> addresses

The frames of bundles are walked here, with bounds: a bundle's length field can be negative, and one bundle can hold
another without end. Each message in it has to look like one before python-osc reads its arguments. A message carries
the latest time tag of the bundles around it; whether that is waited for is decided by ``flow``.

*Units*: time tags are 64 bits, seconds since 1900 and their fraction; ``ahead`` makes them seconds from now.
*Errors*: ``ControlError`` for everything that is no datagram of ours.
*Source*: Open Sound Control 1.0: "OSC Packets", "OSC Type Tag String", "Temporal Semantics and OSC Time Tags".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from rnnae_live.errors import ControlError

Argument = bool | int | float | str

LARGEST = 8192
"""Bytes of a datagram."""

DEEPEST = 4
"""Bundles in bundles."""

MOST_MESSAGES = 256
"""Messages of one datagram."""

IMMEDIATELY = 1
"""The time tag that says so."""

_BUNDLE = b"#bundle\0"
_HEAD = len(_BUNDLE) + 8
_FROM_1900 = 2_208_988_800
"""Seconds from 1900 to 1970."""

_SECOND, _ERA = 1 << 32, 1 << 64
_SHAPE = re.compile(rb"(/[!-~]{1,120})\0{1,4}(?:,([ifhdsTF]{0,4})\0.*)?\Z", re.DOTALL)
"""An address, and the types of at most four arguments that we know."""


@dataclass(frozen=True, slots=True)
class Message:
    """An address and its arguments."""

    path: str
    arguments: tuple[Argument, ...] = ()
    tag: int = IMMEDIATELY


def ahead(tag: int, now: float) -> float:
    """Return how many seconds a time tag lies ahead of ``now``, seconds since 1970; 0 for one that says immediately.

    The past is negative. The 64 bits begin again in 2036: a tag means the nearest moment that it can.
    """
    if tag == IMMEDIATELY:
        return 0.0
    ticks = (tag - round((now + _FROM_1900) * _SECOND) + _ERA // 2) % _ERA - _ERA // 2
    return ticks / _SECOND


def messages(data: bytes) -> list[Message]:
    """Return the messages of a datagram, those of bundles in their order.

    Raises:
        ControlError: it is too large or too deep, or no OSC.
    """
    if len(data) > LARGEST:
        raise ControlError(f"The datagram has {len(data)} bytes or more; {LARGEST} are read.")
    found: list[Message] = []
    for element, tag in _elements(data, 0, IMMEDIATELY):
        if len(found) >= MOST_MESSAGES:
            raise ControlError(f"The datagram has more than {MOST_MESSAGES} messages.")
        found.append(_message(element, tag))
    return found


def datagram(message: Message) -> bytes:
    """Return the bytes of a message; floats have 32 bits."""
    builder = OscMessageBuilder(message.path)
    for argument in message.arguments:
        builder.add_arg(argument)
    data: bytes = builder.build().dgram
    return data


def _elements(data: bytes, depth: int, tag: int) -> Iterator[tuple[bytes, int]]:
    """Yield the messages in a datagram or in an element of a bundle, each with its time tag."""
    if not data.startswith(_BUNDLE):
        yield data, tag
        return
    if depth >= DEEPEST:
        raise ControlError(f"Bundles are nested deeper than {DEEPEST}.")
    if len(data) < _HEAD:
        raise ControlError("A bundle has no time tag.")
    (own,) = struct.unpack_from(">Q", data, len(_BUNDLE))
    # A bundle in another may not be earlier, says the standard; 0 is what careless senders mean by immediately.
    tag = max(tag, own)
    start = _HEAD
    while start < len(data):
        if start + 4 > len(data):
            raise ControlError("A bundle ends inside a length.")
        (length,) = struct.unpack_from(">i", data, start)
        start += 4
        if length <= 0 or length % 4 or start + length > len(data):
            raise ControlError(f"An element of a bundle has the impossible length {length}.")
        yield from _elements(data[start : start + length], depth + 1, tag)
        start += length


def _message(data: bytes, tag: int) -> Message:
    shape = _SHAPE.match(data)
    if shape is None:
        raise ControlError("The datagram is no OSC message with arguments of the types i, f, h, d, s, T or F.")
    try:
        read = OscMessage(data)
        return Message(read.address, tuple(read.params), tag)
    except Exception as error:
        # The parser has its own errors, and lets others through: text that is no UTF-8.
        raise ControlError(f"The arguments of {shape[1].decode()} cannot be read.") from error

"""What an ONNX file is made of, read before a runtime is given it: operators and weights.

model file -> [graph] -> model

Of 6,000 damaged model files one in nine loads and plays wrong notes, so the few facts that decide are read here
from the bytes: no operator outside the list, no weights kept in other files, no weight that is not finite. Only
those fields of the message are read; the full format is ``onnx.proto`` of the ONNX specification, and its encoding
that of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rnnae_live.errors import ModelError

_GRAPH, _NODE, _INITIALIZER, _OP_TYPE, _ATTRIBUTE = 7, 1, 5, 4, 5
_DATA_TYPE, _FLOAT_DATA, _RAW_DATA, _DATA_LOCATION = 2, 4, 9, 14
_FLOAT = 1


@dataclass(slots=True)
class Contents:
    """The operators of a graph, and whether all its weights are inside the file and finite."""

    operators: set[str] = field(default_factory=set)
    sound: bool = True


def read_graph(data: bytes) -> Contents:
    """Return the contents of the ONNX model in ``data``.

    Raises:
        ModelError: the bytes are no model.
    """
    contents = Contents()
    try:
        for number, value in _fields(memoryview(data)):
            if number == _GRAPH:
                _read_nodes(value, contents)
    except (IndexError, ValueError, TypeError) as error:
        raise ModelError("The model file is damaged; copy the bank again.") from error
    if not contents.operators:
        raise ModelError("The model file holds no network; copy the bank again.")
    return contents


def _read_nodes(graph: memoryview, contents: Contents) -> None:
    for number, value in _fields(graph):
        if number == _NODE:
            operators = [bytes(v).decode("ascii") for n, v in _fields(value) if n == _OP_TYPE]
            contents.operators.update(operators or ["?"])
        elif number == _INITIALIZER:
            contents.sound = contents.sound and _is_sound(value)


def _is_sound(tensor: memoryview) -> bool:
    kind = 0
    blocks: list[memoryview] = []
    for number, value in _fields(tensor):
        if number == _DATA_TYPE:
            kind = int.from_bytes(value, "little")
        elif number == _DATA_LOCATION and int.from_bytes(value, "little"):
            return False
        elif number in {_FLOAT_DATA, _RAW_DATA}:
            blocks.append(value)
    if kind != _FLOAT:
        return True
    return all(bool(np.isfinite(np.frombuffer(block, "<f4")).all()) for block in blocks)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (field number, payload) of a message; a number is given as its little-endian bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            number, at = _varint(message, at)
            yield key >> 3, memoryview(number.to_bytes(10, "little"))
            continue
        size, at = {1: (8, at), 5: (4, at)}.get(wire) or (_varint(message, at) if wire == 2 else (len(message), at))
        if at + size > len(message):
            raise ValueError("A field is longer than the message.")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("A number is longer than ten bytes.")

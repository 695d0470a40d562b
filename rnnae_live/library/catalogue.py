"""What is in a folder of presets, without reading each: remembered from last time, checked by size and times.

shelf -> [catalogue] -> library

Ten thousand files take seconds to read and check, their entries in the folder some hundredths. The memory is a file
under ``home()`` that may be lost, damaged or removed at any time: then the presets are read again.

*Errors*: none; a damaged preset is a row that tells its fault.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.files import home, write_whole
from rnnae_live.library.preset import Preset, read_record

VERSION = 1
LARGEST_CACHE = 256 << 20
"""Bytes; a million presets are less."""

Stamp = tuple[int, int, int, int]
"""Time of the last change of the content and of the entry in ns, bytes, and the file's number in its file system."""

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True, array_like=True, eq=False, gc=False):
    """A file of the folder: the preset in it, or what is wrong with it."""

    name: str
    stamp: Stamp
    preset: Preset | None = None
    fault: str = ""


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a folder."""

    version: int
    folder: str
    rows: list[Row]


class ModelMemory(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a bank's model: the id that its manifest of this stamp has."""

    version: int
    stamp: Stamp
    model_id: str


def scan(folder: Path) -> list[Row]:
    """Return a row for every preset file of a folder, by file name; none where there is no folder."""
    place = folder.absolute()
    found = _stamps(place)
    if not found:
        return []
    memory = _recall(place, Memory)
    known = memory.rows if memory and memory.folder == str(place) else []
    if len(known) == len(found) and all(
        row.name == name and row.stamp == stamp for row, (name, stamp) in zip(known, found, strict=True)
    ):
        return known
    before = {(row.name, row.stamp): row for row in known}
    rows = [before.get(one) or _read(place / one[0], one[1]) for one in found]
    _remember(place, Memory(VERSION, str(place), rows))
    return rows


def model_id(folder: Path) -> str:
    """Return the id of the model in a bank's folder; nothing is loaded for it where the manifest is as it was.

    Raises:
        ModelError: there is no bank, or its manifest is damaged.
    """
    manifest = folder.absolute() / "manifest.json"  # as ``model`` names it, which would load all that plays one
    stamp: Stamp | None = None
    with contextlib.suppress(OSError):
        stamp = _stamp(manifest.stat())
        memory = _recall(manifest, ModelMemory)
        if memory is not None and memory.stamp == stamp:
            return memory.model_id
    from rnnae_live.manifest import identify, read_manifest

    made = identify(read_manifest(manifest.parent))
    if stamp is not None:
        _remember(manifest, ModelMemory(VERSION, stamp, made))
    return made


def _stamps(folder: Path) -> list[tuple[str, Stamp]]:
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(".json") and not name.startswith("."):
                try:
                    found.append((name, _stamp(entry.stat())))
                except OSError:
                    continue  # It was removed meanwhile.
    found.sort(key=itemgetter(0))
    return found


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(file: Path, stamp: Stamp) -> Row:
    try:
        return Row(file.name, stamp, Preset.of(read_record(file), str(file)).afresh())
    except PresetError as error:
        return Row(file.name, stamp, None, str(error))


def _cache(of: Path) -> Path:
    return home() / "cache" / f"{hashlib.sha256(str(of).encode(errors='surrogateescape')).hexdigest()[:24]}.catalogue"


def _recall(of: Path, kind: type[T]) -> T | None:
    try:
        file = _cache(of)
        if file.stat().st_size > LARGEST_CACHE:
            return None
        data = file.read_bytes()
        memory: T = msgspec.msgpack.decode(data[4:], type=kind)
    except (OSError, msgspec.DecodeError, ValueError):
        return None
    if zlib.crc32(data[4:]).to_bytes(4, "big") != data[:4] or getattr(memory, "version", 0) != VERSION:
        return None
    return memory


def _remember(of: Path, memory: Memory | ModelMemory) -> None:
    data = msgspec.msgpack.encode(memory)
    with contextlib.suppress(OSError):  # A home that cannot be written costs time, nothing else.
        write_whole(_cache(of), zlib.crc32(data).to_bytes(4, "big") + data, lasting=False)

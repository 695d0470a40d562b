"""Rows that were seen already, kept in a folder: hours of faults may be interrupted, go on, and be shared by processes.

report <-> [kept] <-> folder, a file a row

*Errors*: ``OSError`` where the folder cannot be made or written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import msgspec

import rnnae_live
from tests.faults.seen import Seen


@cache
def sources() -> str:
    """Return eight digits that stand for the present sources of the instrument and its model."""
    digest = hashlib.sha256()
    root = Path(rnnae_live.__file__).parent
    for path in sorted([*root.rglob("*.py"), *root.parent.glob("presets/**/*.onnx")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


class Place:
    """Where one row is kept. ``seen`` is what was seen of it, None where it has not ended yet."""

    def __init__(self, handle: int) -> None:
        """Read what is there already; the handle's lock is held."""
        self._handle = handle
        self.seen: Seen | None = None
        with suppress(msgspec.DecodeError):  # Nothing, or what a process left that was killed as it wrote.
            self.seen = msgspec.json.decode(os.pread(handle, os.fstat(handle).st_size, 0), type=Seen)

    def keep(self, seen: Seen) -> None:
        """Write down what was seen."""
        self.seen = seen
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, msgspec.json.encode(seen), 0)


@contextmanager
def taken(folder: Path, row: str) -> Iterator[Place | None]:
    """Take a row for this process; None where another one is at it. A process that dies has it no longer."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", row.lower()).strip("-")
    handle = os.open(folder / f"{name}.json", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield Place(handle)
    finally:
        os.close(handle)

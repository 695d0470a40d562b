"""Files that are written whole or not at all, and where they are.

A reader finds the old content or the new one, never a part, also after a power cut: temporary file, sync, rename,
sync of the folder. What has returned lasts: a new folder is synced into the one that holds it.

*Threading*: ``Lock`` keeps both other processes and other threads out. *Errors*: ``OSError``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

TEMPORARY = ".tmp"
"""How the names of unfinished files end; they begin with a dot."""

PATIENCE = 10.0
"""Seconds to wait for another program that is writing."""


def home() -> Path:
    """Return the folder for everything that is written: ``RNNAE_HOME``, or the system's place for user data."""
    return Path(os.environ.get("RNNAE_HOME") or platformdirs.user_data_dir("rnnae-live"))


def recordings() -> Path:
    """Return the folder of recorded sessions; it need not be there."""
    return home() / "recordings"


def write_whole(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Replace the content of ``path`` with ``data``, making its folder if need be.

    ``lasting=False`` leaves out the syncs, for what can be made again.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; ``path`` is as it was.
    """
    make_folder(path.parent)
    name = path.with_name(f".{path.name}-{secrets.token_hex(4)}{TEMPORARY}")
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        try:
            _write_all(handle, data)
            if lasting:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(name, path)  # noqa: PTH105 - every change of the disk in this module is a plain system call
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    if lasting:
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good.

    Raises:
        OSError: it is not there, or its folder cannot be written.
    """
    os.unlink(path)  # noqa: PTH108
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are not there yet.

    Raises:
        OSError: that is not allowed, or something else has the name.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        os.mkdir(folder)  # noqa: PTH102
    except FileExistsError:
        if not folder.is_dir():
            raise
    sync_folder(folder.parent)


def move_folder(source: Path, target: Path) -> None:
    """Give a finished folder its name, which nothing has; both lie in the same folder.

    Raises:
        OSError: the name is taken, or that is not allowed.
    """
    os.rename(source, target)  # noqa: PTH104
    sync_folder(target.parent)


def sweep(folder: Path) -> None:
    """Remove what a program that was killed has left unfinished; the caller holds the folder's lock."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(TEMPORARY) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108


def sync_folder(folder: Path) -> None:
    """Make a change of a folder last through a power cut, where the system can: Windows has no such call."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # Some shared folders of a network cannot.
            raise
    finally:
        os.close(handle)


class Lock:
    """The right to change what is in a folder: one holder at a time, whatever process or thread; not re-entrant.

    The system takes it back from a process that dies.
    """

    def __init__(self, file: Path, patience: float = PATIENCE) -> None:
        """Name the file by which the holders know each other; it stays empty and may stay."""
        self._file = file
        self._patience = patience
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Wait for the lock.

        Raises:
            TimeoutError: another program held it all the time.
            OSError: the file cannot be made.
        """
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + self._patience
        while not _locked(handle):
            if time.monotonic() > until:
                os.close(handle)
                raise TimeoutError(None, f"another program has been writing for {self._patience:.0f} s")
            time.sleep(0.005)
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None


if sys.platform == "win32":
    import msvcrt

    def _locked(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]

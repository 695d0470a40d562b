"""The folder of a live session: where its processes meet, and where the ledger of sounding notes survives them.

A session holds a lock for as long as its front lives, so the next start knows which ledgers nobody looks after any
more. Everything is below ``RNNAE_HOME``/run where that is set, else in a folder of the user's for temporary files.

*Errors*: ``PortError`` where no folder can be made.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from rnnae_live.errors import PortError
from rnnae_live.ledger import Ledger

if sys.platform != "win32":
    import fcntl

LEDGER = "ledger"
LOCK = "lock"
PREFIX = "session-"


class Session:
    """A folder that is locked while this object lives. ``left`` are the notes that dead sessions left sounding."""

    def __init__(self) -> None:
        """Make the folder, and take over what dead sessions left in theirs.

        Raises:
            PortError: no folder can be made.
        """
        try:
            root = sessions_root()
            self.left = _take_over(root)
            self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            self._lock: IO[bytes] | None = (self.folder / LOCK).open("wb")
            if sys.platform != "win32":
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PortError(f"No folder for the session could be made: {error}. Set RNNAE_HOME to one.") from error
        self.ledger = Ledger.open(self.folder / LEDGER)
        for channel, pitch in self.left:
            self.ledger.add(channel, pitch, 1)

    def close(self) -> None:
        """Remove the folder, unless notes still sound: then the next start finds the ledger and releases them."""
        sounding = list(self.ledger)
        self.ledger.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if not sounding:
            shutil.rmtree(self.folder, ignore_errors=True)


def sessions_root() -> Path:
    """Return the folder of all sessions of this user, made where it is not there.

    Raises:
        OSError: it cannot be made.
    """
    home = os.environ.get("RNNAE_HOME")
    if home:
        root = Path(home) / "run"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return root.resolve()
    user = os.getuid() if hasattr(os, "getuid") else 0
    root = Path(tempfile.gettempdir()) / f"rnnae-live-{user}"
    with suppress(FileExistsError):
        root.mkdir(mode=0o700)
    status = root.lstat()
    if hasattr(os, "getuid") and (status.st_uid != user or not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o077):
        # Somebody else made a folder of this name; ours must be one that only we can enter.
        root = Path(tempfile.mkdtemp(prefix="rnnae-live-"))
    return root


def running() -> list[Path]:
    """Return the folders of the sessions that run now."""
    with suppress(OSError):
        return [folder for folder in sessions_root().glob(f"{PREFIX}*") if not _dead(folder)]
    return []


def _dead(folder: Path) -> bool:
    """Return whether nobody holds the lock of a session."""
    if sys.platform == "win32":
        return False  # Sessions are not told apart, so nothing of a dead one is taken over.
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # It is held, or the folder is being made or removed.
    return True


def _take_over(root: Path) -> list[tuple[int, int]]:
    """Return the notes that dead sessions left sounding, and remove their folders."""
    left: set[tuple[int, int]] = set()
    for folder in root.glob(f"{PREFIX}*"):
        if not _dead(folder):
            continue
        with suppress(PortError, OSError):
            ledger = Ledger.open(folder / LEDGER)
            left.update(ledger)
            ledger.close()
        shutil.rmtree(folder, ignore_errors=True)
    return sorted(left)

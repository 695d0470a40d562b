"""Files that are written whole or not at all, and where they are.

A reader finds the old content or the new one, never a part, also after a power cut: temporary file, sync,
rename, sync of the folder.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import platformdirs


def home() -> Path:
    """Return the folder for everything that is written: ``RNNAE_HOME``, or the system's place for user data."""
    return Path(os.environ.get("RNNAE_HOME") or platformdirs.user_data_dir("rnnae-live"))


def recordings() -> Path:
    """Return the folder of recorded sessions; it need not be there."""
    return home() / "recordings"


def write_whole(path: Path, data: bytes) -> None:
    """Replace the content of ``path`` with ``data``, making its folder if need be.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; a result is as readable as any other new file.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system can: Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

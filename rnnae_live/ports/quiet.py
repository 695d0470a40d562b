"""Keeps what system libraries write to file descriptor 2 away from the terminal.

libasound and libjack print there when there is no sequencer or server, which is no news to a performer: the
ladder says it in one line.

*Threading*: file descriptor 2 belongs to the whole process; use it only while ports are being opened.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Send file descriptor 2 to a temporary file for the time of the block; where that is impossible, do nothing."""
    try:
        saved = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)

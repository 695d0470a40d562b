"""Notices that the JACK server is gone, which python-rtmidi does not tell: what it sends afterwards is lost.

Only where JACK is served by python-rtmidi: a client of our own (``jack``) is told. A client without ports asks libjack
to be told of the server's end. It is not activated, so the server never has to wait for it. The library is the one that
RtMidi has loaded already; where it cannot be found there is no watch, and the first message that hangs is noticed by
whoever watches the process.

*Threading*: the receiver is called on a thread of libjack. *Errors*: none.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnae_live.ports.quiet import quiet

NO_START_SERVER = 1
"""JackNoStartServer of libjack's options."""

NAMES = ("libjack.so.0", "libjack.0.dylib", "libjack64.dll")

_Shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class ServerWatch:
    """Calls ``lost`` once when the server to which RtMidi is connected ends."""

    def __init__(self, client: str, lost: Callable[[], None]) -> None:
        """Watch under the name ``client``; without libjack or a server, do nothing."""
        self._lost = lost
        # libjack keeps only the address of the callback: this reference keeps it alive.
        self._callback = _Shutdown(self._ended)
        library = _library()
        self.watching = library is not None and self._open(library, client)

    def _open(self, library: Any, client: str) -> bool:  # noqa: ANN401 - a C library has no type
        library.jack_client_open.restype = ctypes.c_void_p
        library.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        library.jack_on_shutdown.restype = None
        library.jack_on_shutdown.argtypes = [ctypes.c_void_p, _Shutdown, ctypes.c_void_p]
        status = ctypes.c_int()
        with quiet():
            handle = library.jack_client_open(client.encode(), NO_START_SERVER, ctypes.byref(status))
        if not handle:
            return False
        library.jack_on_shutdown(handle, self._callback, None)
        return True

    def _ended(self, _argument: int | None) -> None:
        self._lost()


def _library() -> Any:  # noqa: ANN401
    """Return libjack, first of all the copy that this process has loaded; None where there is none."""
    loaded: list[str] = []
    with suppress(OSError):
        rows = Path("/proc/self/maps").read_text(errors="replace").splitlines()
        loaded = sorted({row[row.index("/") :] for row in rows if "libjack" in row and "/" in row})
    for name in (*loaded, *NAMES):
        with suppress(OSError):
            library = ctypes.CDLL(name)
            if hasattr(library, "jack_on_shutdown") and hasattr(library, "jack_client_open"):
                return library
    return None

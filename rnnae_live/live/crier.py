"""Says sentences to the performer, on a thread of its own: a terminal that is stopped (Ctrl-S) stops nothing else.

front -> [crier] -> terminal

*Threading*: ``say`` and ``close`` on the front's thread, the printing on its own. *Errors*: none; a terminal that is
gone is no reason to stop playing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

MOST = 256
"""Sentences that wait; beyond that the newest are not said."""

LEAVING = 0.5
"""Seconds that the last sentences have at the end."""


class Crier:
    """Hands sentences to ``say``, one at a time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Begin with nothing to say."""
        self._say = say
        self._waiting: queue.Queue[str | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._run, name="crier", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Let a sentence be said as soon as the terminal takes it."""
        with suppress(queue.Full):
            self._waiting.put_nowait(text)

    def close(self) -> None:
        """Say what is left, if the terminal takes it."""
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(LEAVING)

    def _run(self) -> None:
        while (text := self._waiting.get()) is not None:
            with suppress(OSError, ValueError):
                self._say(text)

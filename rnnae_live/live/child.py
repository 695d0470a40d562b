"""What the two child processes have in common: a line to the front, signals, and how they leave.

*Threading*: one thread. *Errors*: ``run`` turns a ``RnnaeError`` into a message to the front and exit status 1.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnae_live.errors import RnnaeError
from rnnae_live.live import wire
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError

LEAVING = 3.0
"""Seconds after which a child that leaves is ended by the system; the front, where there is one, waits less."""

PATIENCE = 5.0
"""Seconds that a child waits for the front to give it its options."""


class Child(ABC):
    """A process that the front has started. ``role`` is its name."""

    role: str

    def __init__(self, folder: Path) -> None:
        """Call the front of the session in ``folder`` and wait for the options.

        Raises:
            OSError: there is no front.
        """
        self.folder = folder
        self.stopping = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._take_signals()
        self.front: Link = wire.call(folder, "front", PATIENCE)
        self.front.send(*wire.pack_json(Kind.HELLO, {"role": self.role}))
        self.options: dict[str, Any] = self._await_options()

    @abstractmethod
    def start(self) -> dict[str, Any]:
        """Make everything ready; return what the front is told about it.

        Raises:
            RnnaeError: it cannot be made ready.
        """

    @abstractmethod
    def turn(self) -> None:
        """Wait for something to happen, and do it."""

    @abstractmethod
    def leave(self) -> None:
        """Release everything."""

    @abstractmethod
    def status(self) -> dict[str, Any]:
        """Return how it is, for the heartbeat."""

    def take(self, frame: Frame) -> None:
        """Take a frame from the front that every child understands the same way."""
        if frame[0] is Kind.STOP:
            self.stopping = True
        elif frame[0] is Kind.PING:
            self.front.send(*wire.pack_json(Kind.PONG, self.status()))

    def run(self) -> int:
        """Work until told to stop; return the exit status."""
        try:
            ready = self.start()
            self.front.send(*wire.pack_json(Kind.READY, ready))
            while not self.stopping:
                self.turn()
        except RnnaeError as error:
            with suppress(LinkLostError):
                self.front.send(*wire.pack_fatal(error.exit_status, str(error)))
            return 1
        except LinkLostError:
            return 1  # The front is gone, and nobody is left to be told.
        finally:
            _leave_or_die()
            self.leave()
        return 0

    def wait(self, others: list[Any], timeout: float | None) -> list[Any]:
        """Wait until the front or one of ``others`` has something, at most ``timeout`` seconds; return which."""
        seconds = None if timeout is None else max(0.0, timeout)
        ready, _, _ = select.select([self.front, self._woken, *others], [], [], seconds)
        if self._woken in ready:
            with suppress(BlockingIOError, InterruptedError):
                self._woken.recv(4096)
        if self.front in ready:
            for frame in self.front.receive():
                self.take(frame)
        return ready

    def wake(self) -> None:
        """End a ``wait`` from any thread."""
        with suppress(OSError):
            self._waker.send(b"\0")

    def _await_options(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self.stopping:
            select.select([self.front], [], [], 0.1)
            for kind, payload in self.front.receive():
                if kind is Kind.HELLO:
                    return wire.unpack_json(payload)
        raise LinkLostError("the front gave no options")

    def _take_signals(self) -> None:
        """Leave terminal signals to the front, which tells when to stop; SIGTERM of our own is a stop."""
        for name in ("SIGINT", "SIGHUP", "SIGTSTP", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, _number: int, _frame: object) -> None:
        self.stopping = True


def _leave_or_die() -> None:
    """Let the system end this process if leaving takes too long: a driver may never come back, with nobody to watch."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, LEAVING)


def main(child: type[Child]) -> int:
    """Run a child process for the session named on its command line; return the exit status."""
    try:
        return child(Path(sys.argv[1])).run()
    except (OSError, LinkLostError):
        return 1  # The front was gone before it began.

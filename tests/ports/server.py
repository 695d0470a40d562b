"""A JACK server of our own with the dummy driver: real MIDI ports on a machine without any sound hardware."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

from tests.processes import BOUND, running

PERIOD = "128"
RATE = "48000"
CLIENT_TIMEOUT = "100"
"""Milliseconds. A synchronous server stands still ten times as long for each client that was killed."""


def unavailable(reason: str) -> NoReturn:
    """Skip, or fail where real ports are required."""
    if os.environ.get("RNNAE_REQUIRE_PORTS") == "1":
        pytest.fail(f"RNNAE_REQUIRE_PORTS is set, but {reason}")
    pytest.skip(reason)


class JackServer:
    """Runs ``jackd`` under the name in JACK_DEFAULT_SERVER until ``stop``."""

    def __init__(self, log: Path, timeout: str = CLIENT_TIMEOUT, *, synchronous: bool = True) -> None:
        """Start it and wait until it takes clients; skip where it does not."""
        self.name = os.environ["JACK_DEFAULT_SERVER"]
        waits = ["-S"] if synchronous else []
        command = ["jackd", "-n", self.name, *waits, "-r", "-t", timeout, "-d", "dummy", "-r", RATE, "-p", PERIOD]
        command = [*BOUND, *command]
        forget_dead_servers()
        with log.open("ab") as sink:
            self._process = subprocess.Popen(command, stdout=sink, stderr=sink)
        deadline = time.monotonic() + 15
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                unavailable(f"jackd did not start: {log.read_text(errors='replace')[-400:]}")
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        return self._process.pid

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and remove what it leaves in shared memory."""
        self._process.send_signal(number)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for path in Path("/dev/shm").glob(f"jack*{self.name}*"):
            path.unlink(missing_ok=True)

    def _answers(self) -> bool:
        """Ask in another process: libjack does not forgive one that has seen a server die."""
        ask = "from rnnae_live.ports import backend; backend('jack', 'probe')"
        return not subprocess.run(
            [sys.executable, "-c", ask], stderr=subprocess.DEVNULL, timeout=10, check=False
        ).returncode


def forget_dead_servers() -> None:
    """Remove what servers left in shared memory that were killed, where none is running.

    JACK 2 has places for eight servers on a machine and frees that of a dead one only for a server of the same name:
    after eight killed test runs no server would start any more.
    """
    if running("jackd"):
        return
    for path in Path("/dev/shm").glob("jack*"):
        with suppress(OSError):  # A folder stays, and what belongs to another user.
            path.unlink()

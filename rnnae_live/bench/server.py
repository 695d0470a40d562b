"""A JACK server of our own with the dummy driver, for measurements on a machine without sound hardware.

*Errors*: ``PortError`` where jackd is not installed or does not start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnae_live.bench.priority import real_time
from rnnae_live.errors import PortError

RATE = 48000
PERIOD = 128
STARTING = 15.0
"""Seconds that the server may take to start."""

NAME = "rnnae-bench"
"""The same every time: JACK has places for eight servers, and frees that of a killed one for its own name only."""

PRIORITY = "60"
"""Real-time priority of the server, above the player's."""

PROBE = "from rnnae_live.ports import backend; backend('jack', 'RNN-AE Live Probe')"


@contextmanager
def own_server(period: int = PERIOD) -> Iterator[str]:
    """Run a JACK server with ``period`` frames while the block runs, and make it the default of this process.

    Raises:
        PortError: there is no jackd, or it does not start; the message has its last words.
    """
    program = shutil.which("jackd")
    if program is None:
        raise PortError("jackd is not installed, so no server of our own can be started: sudo apt install jackd2.")
    name = NAME
    before = {key: os.environ.get(key) for key in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER")}
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")
    process = None
    try:
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command(program, name, period), stdout=log, stderr=log)
            _await(process, log.fileno())
            yield name
    finally:
        if process is not None:
            _end(process, name)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def command(program: str, name: str, period: int) -> list[str]:
    """Return the command line of the server: synchronous, so that no client misses a period silently."""
    with real_time() as allowed:
        priority = ["-R", "-P", PRIORITY] if allowed else ["-r"]
    return [program, "-n", name, "-S", *priority, "-t", "500", "-d", "dummy", "-r", str(RATE), "-p", str(period)]


def answers() -> bool:
    """Return whether a JACK server answers, asked in another process: libjack does not forgive a server that died."""
    try:
        done = subprocess.run([sys.executable, "-c", PROBE], stderr=subprocess.DEVNULL, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _await(process: subprocess.Popen[bytes], log: int) -> None:
    """Wait until the server answers.

    Raises:
        PortError: it ended, or took too long.
    """
    deadline = time.monotonic() + STARTING
    # A server of somebody else under this name may answer in its place.
    while not (answers() and process.poll() is None):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PortError(f"A JACK server of our own did not start: {_cause(os.pread(log, 4096, 0))}")
        time.sleep(0.1)


def _cause(log: bytes) -> str:
    """Return why a server did not start, and the next step where it is known."""
    said = " ".join(log.decode(errors="replace").split()).partition(" jackdmp")[0][:200].rstrip(".")
    if "Too many servers" in said:
        return f"{said}. Killed servers keep their places: where none is running, remove /dev/shm/jack*."
    return f"{said or 'it said nothing'}."


def _end(process: subprocess.Popen[bytes], name: str) -> None:
    """End the server and remove what it leaves in shared memory."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for path in Path("/dev/shm").glob(f"jack*{name}*"):  # noqa: S108 - where jackd itself puts them
        path.unlink(missing_ok=True)

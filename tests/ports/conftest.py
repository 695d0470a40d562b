"""A JACK server of our own with the dummy driver: real MIDI ports on a machine without any sound hardware."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PERIOD = 128
RATE = 48_000
CLIENT_TIMEOUT = "100"
"""Milliseconds. A synchronous server stands still ten times as long for each client that was killed."""


def _missing(reason: str) -> None:
    """Skip, or fail where real ports are required."""
    if os.environ.get("RNNAE_REQUIRE_PORTS") == "1":
        pytest.fail(f"RNNAE_REQUIRE_PORTS is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def jack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a running JACK server; JACK_DEFAULT_SERVER names it for this process and its children."""
    if shutil.which("jackd") is None:
        _missing("jackd is not installed (sudo apt install jackd2)")
    name = f"rnnae{os.getpid()}"
    log = tmp_path_factory.mktemp("jack") / "jackd.log"
    before = {key: os.environ.get(key) for key in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER")}
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")
    with log.open("wb") as sink:
        server = subprocess.Popen(
            ["jackd", "-n", name, "-S", "-r", "-t", CLIENT_TIMEOUT, "-d", "dummy", "-r", str(RATE), "-p", str(PERIOD)],
            stdout=sink,
            stderr=sink,
        )
    try:
        if not _answers(server):
            _missing(f"jackd did not start: {log.read_text(errors='replace')[-300:]}")
        yield name
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        for path in Path("/dev/shm").glob(f"jack*{name}*"):
            path.unlink(missing_ok=True)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _answers(server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server takes clients."""
    from rnnae_live.errors import PortError
    from rnnae_live.ports.system import System

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and server.poll() is None:
        try:
            System("jack", "probe")
        except PortError:
            time.sleep(0.1)
        else:
            return True
    return False

"""A client that leaves the server while it is called: the interpreter survives, and nobody else waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnae_live.bench.performer import perform
from tests.ports.server import JackServer

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

TIMEOUT = 1000
"""Milliseconds; a synchronous server stands still ten times as long for a client that is missing."""

TIMES = 25

COMINGS_AND_GOINGS = f"""
import sys, threading, time
sys.setswitchinterval(1e-4)
from rnnae_live.ports import backend
stop = threading.Event()

def compute():
    # Whoever is called by the server has to wait for the interpreter.
    while not stop.is_set():
        sum(range(200_000))

threading.Thread(target=compute, daemon=True).start()
for number in range({TIMES}):
    system = backend("jack", "Coming and going")
    system.open_input(lambda at, data: None, "in")
    system.open_output("out").drive(lambda begin, end, send: None)
    system.await_cycles(2 + number % 3, lambda: True)
    system.close()
    print(number, flush=True)
stop.set()
"""


LEAVE = """
import time
from rnnae_live.ports import backend
system = backend("jack", "Leaving")
system.open_input(lambda at, data: None, "in")
system.open_output("out").drive(lambda begin, end, send: None)
time.sleep(0.1)
system.close()
"""

WATCHER = """
import subprocess, sys, time
from rnnae_live.ports import backend

moments = []
watcher = backend("jack", "Watcher")
watcher.open_input(lambda at, data: None, "ear")
watcher.open_output("out").drive(lambda begin, end, send: moments.append(time.monotonic()))
for _ in range({times}):
    subprocess.run({command}, check=True, stdout=subprocess.DEVNULL)
watcher.close()
print(max(after - before for before, after in zip(moments, moments[1:])))
"""


LATE = 0.5
"""Seconds for which the server stands still while a client leaves; longer than a loaded machine lets it wait."""

LEAVE_LATE = """
import os, signal, threading, time
from rnnae_live.ports import backend

heard = []
listener = backend("jack", "Listener")
listener.open_input(lambda at, data: heard.append(data.hex()), "ear")
leaving = backend("jack", "Leaving")
out = leaving.open_output("out", "Listener:ear")
out.send(b"\\x90\\x3c\\x40")
while not heard:
    time.sleep(0.01)
os.kill({pid}, signal.SIGSTOP)
threading.Timer({late}, os.kill, ({pid}, signal.SIGCONT)).start()
out.send(b"\\x80\\x3c\\x00")
out.close()
leaving.close()
time.sleep(0.3)
listener.close()
print(*heard)
"""


@pytest.fixture(params=["synchronous", "asynchronous"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"closing{os.getpid()}")
    one = JackServer(tmp_path / "jackd.log", str(TIMEOUT), synchronous=request.param == "synchronous")
    yield one
    one.stop()


@pytest.mark.usefixtures("server")
def test_a_client_can_leave_while_it_is_called() -> None:
    said, status = run(COMINGS_AND_GOINGS)
    assert said.split() == [str(number) for number in range(TIMES)]
    assert status == 0


@pytest.mark.usefixtures("server")
def test_nobody_else_waits_for_a_client_that_leaves() -> None:
    assert longest_wait([sys.executable, "-c", LEAVE], 8) < 5 * TIMEOUT / 1000


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "command",
    [
        ["rnnae_live.doctor.probe", "jack"],
        ["rnnae_live", "panic", "--backend", "jack", "--out", "Watcher:ear"],
        ["tests.ports.test_closing"],
    ],
)
def test_nobody_else_waits_for_a_command(command: list[str]) -> None:
    assert longest_wait([sys.executable, "-m", *command], 2) < 5 * TIMEOUT / 1000


def test_the_last_messages_reach_a_server_that_is_late(server: JackServer) -> None:
    said, status = run(LEAVE_LATE.format(pid=server.pid, late=LATE))
    assert status == 0
    heard = said.split()
    assert heard[0] == "903c40"
    assert set(heard[1:]) == {"803c00"}  # Said again where the server told of a lost period.


def longest_wait(command: list[str], times: int) -> float:
    """Return the longest time between two calls of a client while a command was run some times."""
    said, status = run(WATCHER.format(command=command, times=times))
    assert status == 0
    return float(said)


def run(script: str) -> tuple[str, int]:
    """Run a script in a process of its own; return what it said, and its status."""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    return said, process.returncode


if __name__ == "__main__":
    perform({"backend": "jack", "source": "Watcher:out", "destination": "Watcher:ear", "seconds": 0.1, "messages": []})

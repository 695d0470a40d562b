"""A client that leaves the server while it is called: the interpreter survives, again and again."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

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


def test_a_client_can_leave_while_it_is_called() -> None:
    command = [sys.executable, "-c", COMINGS_AND_GOINGS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    assert said.split() == [str(number) for number in range(TIMES)]
    assert process.returncode == 0

"""Learning on a real port: a controller on JACK is moved, and the command keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnae_live.control import Assignment, Way
from rnnae_live.control.sources import source
from rnnae_live.control.store import load
from rnnae_live.ports import Output, backend

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]


PAIR = [data for fine in range(12) for data in (b"\xb0\x07\x20", bytes((0xB0, 39, fine)))]


@pytest.fixture(scope="module")
def controller(jack_server: str) -> Iterator[Output]:
    # One for all, of a name that no other test has: the server gives it free when its process ends.
    system = backend("jack", "Nocturn")
    yield system.open_output("knobs")
    system.close()


@pytest.mark.parametrize(
    ("target", "messages", "words", "way"),
    [
        ("follow", [bytes((0xB0, 16, value)) for value in range(60, 68)], "cc 16 channel 1", Way.ABSOLUTE),
        ("swing", [b"\xb1\x11\x7f"] * 8, "cc 17 channel 2", Way.TWOS_COMPLEMENT),
        ("mode", [b"\x99\x24\x40"], "note 36 channel 10", Way.TOGGLE),
        ("feel", PAIR, "cc14 7 channel 1", Way.ABSOLUTE),
    ],
)
def test_what_is_moved_is_learned(
    tmp_path: Path, controller: Output, target: str, messages: list[bytes], words: str, way: Way
) -> None:
    command = [sys.executable, "-m", "rnnae_live", "learn", target, "--backend", "jack", "--control", "Nocturn"]
    environment = {**os.environ, "RNNAE_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as learning:
        assert learning.stdout is not None
        assert "move its control on 'Nocturn:knobs'" in learning.stdout.readline()
        for data in messages:
            controller.send(data)
        assert learning.wait(20) == 0
    there = load(tmp_path / "controls.json").of("Nocturn:knobs").map.assignments
    assert Assignment(source(words), target, way) in there

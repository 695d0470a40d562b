"""Starts processes that do not outlive the tests, and finds those that a session has started."""

from __future__ import annotations

import shutil
from pathlib import Path

BOUND = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
"""Put before a command, this ends it together with the test run, however that ends."""


def children(parent: int) -> dict[int, list[str]]:
    """Return process id and arguments of every child of a process."""
    found: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found[int(path.name)] = arguments
        except OSError:
            continue  # It has left meanwhile.
    return found


def child(parent: int, role: str) -> int:
    """Return the process id of the player or the engine of a front."""
    for pid, arguments in children(parent).items():
        if f"rnnae_live.live.{role}" in arguments:
            return pid
    raise AssertionError(f"no {role} is running")


def running(name: str) -> bool:
    """Return whether a process of this name runs on the machine, whoever started it."""
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                return True
        except OSError:
            continue  # It has left meanwhile.
    return False

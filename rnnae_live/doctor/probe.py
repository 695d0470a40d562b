"""Asks one MIDI system in a process of its own, because a driver may freeze or end whoever asks it.

``python -m rnnae_live.doctor.probe NAME`` prints one JSON object: the names of the ports, and whether virtual ports
can be made; or why the system does not answer.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Any

from rnnae_live.errors import PortError
from rnnae_live.ports import backend
from rnnae_live.ports.base import Backend

CLIENT = "RNN-AE Live Doctor"


def probe(name: str) -> dict[str, Any]:
    """Return ``in`` and ``out`` (names), ``virtual`` (why none can be made, empty where they can), or ``missing``."""
    try:
        with closing(backend(name, CLIENT)) as system:
            found: dict[str, Any] = {"title": system.title, "in": system.sources(), "out": system.destinations()}
            found["virtual"] = _virtual(system)
    except PortError as error:
        return {"missing": str(error)}
    return found


def _virtual(system: Backend) -> str:
    """Return why no virtual ports can be made, nothing where they can."""
    try:
        system.open_input(_forget, "Doctor In")
        system.open_output("Doctor Out")
    except PortError as error:
        return str(error)
    return ""


def _forget(_at: float, _data: bytes) -> None:
    """Take a message that nobody wants."""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(sys.argv[1])) + "\n")

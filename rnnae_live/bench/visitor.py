"""A visitor: does to a session what a browser with the control page open does, in a process of its own.

page -> web socket -> [visitor] -> timing

It takes every state and reads it, asks for the clock once a second, and moves a finger on the morph pad: the weights of
the first two slots of the first part, one up while the other goes down.

``python -m rnnae_live.bench.visitor URL TURNS`` says ``{}`` when it is in, and what it has seen and done when its
standard input is closed.

*Errors*: ``PortError`` where it does not come in, or is thrown out.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from rnnae_live.bench.plan import SWEEP
from rnnae_live.errors import PortError

PING = 1.0
"""Seconds between two questions for the clock."""

PATIENCE = 20.0
"""Seconds that it may take to come in, and to leave."""


class Visitor:
    """One visit, in this process. ``told`` counts what was seen and done."""

    def __init__(self, socket: ClientConnection, turns: float) -> None:
        """Begin with a web socket that is open."""
        self._socket = socket
        self._begin = time.monotonic()
        self._every = {"turn": 1.0 / turns, "ping": PING}
        self._due = dict.fromkeys(self._every, self._begin)
        self.told: dict[str, float] = {"states": 0, "state_bytes": 0, "turns": 0, "pings": 0, "longest_trip_ms": 0.0}

    def look(self) -> None:
        """Do what is due, and take what comes until something is."""
        for what, at in self._due.items():
            if at <= time.monotonic():
                self._due[what] = at + self._every[what]
                self._do(what)
        with suppress(TimeoutError):
            self._take(self._socket.recv(max(0.0, min(self._due.values()) - time.monotonic())))

    def _do(self, what: str) -> None:
        self.told[f"{what}s"] += 1
        now = time.monotonic()
        if what == "ping":
            self._socket.send(json.dumps({"ping": now}))
            return
        way = (now - self._begin) / SWEEP % 2.0
        place = way if way < 1.0 else 2.0 - way
        slot = 1 + int(self.told["turns"]) % 2
        wish = {"turn": f"weight {slot}", "value": place if slot == 1 else 1.0 - place, "part": 0}
        self._socket.send(json.dumps({"do": wish}))

    def _take(self, text: str | bytes) -> None:
        message = json.loads(text)
        if "state" in message:
            self.told["states"] += 1
            self.told["state_bytes"] += len(text)
        if "clock" in message:
            trip = (time.monotonic() - message["clock"]["ping"]) * 1000
            self.told["longest_trip_ms"] = round(max(self.told["longest_trip_ms"], trip), 3)


@contextmanager
def visiting(url: str, turns: float) -> Iterator[dict[str, Any]]:
    """Visit a page while the block runs, with ``turns`` of a weight a second; gives what was seen, empty until the end.

    Raises:
        PortError: it did not come in, or was thrown out.
    """
    command = [sys.executable, "-m", "rnnae_live.bench.visitor", url, f"{turns:g}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    told: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], PATIENCE)[0] or not process.stdout.readline():
            raise PortError("The control page did not let its visitor in.")
        yield told
        said, _ = process.communicate(timeout=PATIENCE)
        if process.returncode:
            raise PortError("The control page threw its visitor out.")
        told.update(json.loads(said))
    except subprocess.TimeoutExpired:
        raise PortError("The visitor of the control page did not leave.") from None
    finally:
        process.kill()
        process.communicate()


def main() -> int:
    """Visit the page that the command line names until the standard input is closed."""
    place = urlsplit(sys.argv[1]).netloc
    try:
        origin = Origin(f"http://{place}")
        with connect(f"ws://{place}/ws", origin=origin, compression=None, max_size=None, proxy=None) as socket:
            visitor = Visitor(socket, float(sys.argv[2]))
            sys.stdout.write("{}\n")
            sys.stdout.flush()
            while not select.select([sys.stdin], [], [], 0)[0]:
                visitor.look()
    except (OSError, WebSocketException):
        return 1
    sys.stdout.write(json.dumps(visitor.told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

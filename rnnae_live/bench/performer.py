"""The performer: plays to the instrument through real ports and records what comes out, in a process of its own.

plan -> [performer] -> ports -> instrument -> ports -> [performer] -> hearing

``python -m rnnae_live.bench.performer`` reads one JSON object (backend, source, destination, seconds, messages) and
prints one when the time is over: what was sent and heard, each with the moment that the backend stamps it with, which
under JACK is exact to the frame.

*Threading*: the driver's thread only appends. *Errors*: status 1, and the sentence in ``error``.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rnnae_live.bench.plan import Hearing, Message
from rnnae_live.bench.priority import real_time
from rnnae_live.errors import PortError
from rnnae_live.ports import backend
from rnnae_live.ports.base import IN, OUT

CLIENT = "RNN-AE Live Bench"

SETTLE = 0.3
"""Seconds between opening ports and the first message, and after the last one."""

PATIENCE = 20.0
"""Seconds that a performer may take longer than its plan."""


class Performer:
    """A performance that runs in another process, from ``__init__`` until ``hearing`` has been called."""

    def __init__(self, system: str, seconds: float, messages: Iterable[Message]) -> None:
        """Start it."""
        self._seconds = seconds
        plain = [[at, data.hex()] for at, data in sorted(messages)]
        plan = {"backend": system, "source": OUT, "destination": IN, "seconds": seconds, "messages": plain}
        command = [sys.executable, "-m", "rnnae_live.bench.performer"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(plan).encode())
        self._process.stdin.close()
        self._process.stdin = None

    def hearing(self) -> Hearing:
        """Wait until it is over; return what was sent and heard.

        Raises:
            PortError: the ports could not be opened, or it did not come to its end.
        """
        try:
            said, _ = self._process.communicate(timeout=self._seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            self.close()
            raise PortError("The measuring process did not come to its end: the MIDI system is frozen.") from None
        rows = [line for line in said.splitlines() if line.startswith(b"{")]
        plain = json.loads(rows[-1]) if rows else {"error": "The measuring process ended without a word."}
        if "error" in plain:
            raise PortError(plain["error"])
        return Hearing.read(plain)

    def close(self) -> None:
        """End it before its time."""
        self._process.kill()
        self._process.communicate()


def perform(plan: dict[str, Any]) -> Hearing:
    """Play a plan; return what was sent and heard.

    Raises:
        PortError: the ports cannot be opened.
    """
    heard: list[Message] = []
    # Two clients: one that both plays to the instrument and hears it would be a circle, which JACK breaks with a delay
    # of one period, and what is heard would be stamped by the clock of another period.
    system, other = backend(plan["backend"], f"{CLIENT} Ears"), backend(plan["backend"], f"{CLIENT} Hands")
    ears = system.open_input(lambda at, data: heard.append((at, data)), "Ears", plan["source"])
    hands = other.open_output("Hands", plan["destination"])
    messages = [(float(at), bytes.fromhex(data)) for at, data in plan["messages"]]
    gc.freeze()
    begin = time.monotonic() + SETTLE
    timed = Timed([(begin + at, data) for at, data in messages])
    sent = timed.sent if hands.drive(timed) else play(hands.send, messages, begin)
    time.sleep(max(0.0, begin + plan["seconds"] - time.monotonic()) + SETTLE)
    # A synchronous server would wait five seconds for a client that is gone and has not said so.
    other.close()
    system.close()
    return Hearing(sent, heard, float(getattr(system, "period", 0.0)), ears.fault_count)


class Timed:
    """Gives a driver that asks what is due in each period; ``sent`` is what it was given, with the moments."""

    def __init__(self, messages: list[Message]) -> None:
        """Take messages with their moments, in order."""
        self._waiting = deque(messages)
        self.sent: list[Message] = []

    def __call__(self, begin: float, end: float, put: Callable[[float, bytes], None]) -> None:
        """Put what is due before ``end``; called on the driver's thread."""
        while self._waiting and self._waiting[0][0] < end:
            at, data = self._waiting.popleft()
            put(max(at, begin), data)
            self.sent.append((max(at, begin), data))


def play(send: Callable[[bytes], None], messages: Sequence[Message], begin: float) -> list[Message]:
    """Send messages at their seconds after ``begin``; return them with the moments at which they were sent."""
    sent = []
    for at, data in messages:
        time.sleep(max(0.0, begin + at - time.monotonic()))
        now = time.monotonic()
        send(data)
        sent.append((now, data))
    return sent


def main() -> int:
    """Read a plan, play it, print what was heard."""
    plan = json.load(sys.stdin)
    try:
        with real_time():
            hearing = perform(plan)
    except PortError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    sys.stdout.write(json.dumps(hearing.plain()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

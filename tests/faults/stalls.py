"""A row about JACK servers that stand still for a moment, as those of a starved machine do.

libjack knows one server in the life of a process, so each server has a process of its own that performs on it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.seen import Row, Seen
from tests.faults.show import THRU, count, hold_keys, left_sounding, show
from tests.ports.performer import Performer
from tests.ports.server import JackServer

PATIENT = "1000"
"""Milliseconds after which the server drops a client: longer than it stands still."""


def struck_twice(performer: Performer) -> int:
    """Return how many notes of the piece began although they still sounded, their note-offs lost or not yet there."""
    down: set[tuple[int, int]] = set()
    twice = 0
    for _, data in performer.recorded:
        key = (data[0] & 0x0F, data[1])
        if data[0] & 0xF0 == 0x90 and data[2]:
            twice += key in down and key[0] != THRU
            down.add(key)
        elif data[0] & 0xF0 in (0x80, 0x90):
            down.discard(key)
    return twice


def stall(folder: Path, times: int, *, synchronous: bool) -> dict[str, int]:
    """Let a server stand still some times while the piece plays; return what was heard."""
    dice = random.Random(f"stalls {synchronous}")
    server = JackServer(folder / "jackd.log", PATIENT, synchronous=synchronous)
    try:
        with show(folder) as (instrument, performer):
            for _ in range(times):
                hold_keys(performer, dice)
                time.sleep(dice.uniform(0.1, 0.4))
                os.kill(server.pid, signal.SIGSTOP)
                time.sleep(dice.choice((0.005, 0.02, 0.1, 0.3)))
                os.kill(server.pid, signal.SIGCONT)
            performer.until(lambda: not performer._sending, 10)
            performer.play([(key * 0.002, bytes((0x80 | THRU, key, 0))) for key in range(128)])
            status = instrument.stop()
            return {
                "status": status,
                "restarts": count(instrument, "plays again"),
                "stuck": left_sounding(performer, but={THRU}),
                "twice": struck_twice(performer),
            }
    finally:
        server.stop()


def main(folder: str, times: str, kind: str) -> None:
    """Stall in a process of its own."""
    sys.stdout.write("\n" + json.dumps(stall(Path(folder), int(times), synchronous=kind == "synchronous")))


def stalls(seen: Seen, long: bool, folder: Path) -> None:
    """Let both kinds of servers stand still, again and again."""
    times = 200 if long else 10
    for kind in ("synchronous", "asynchronous"):
        (own := folder / kind).mkdir()
        environment = {**os.environ, "JACK_DEFAULT_SERVER": f"{os.environ['JACK_DEFAULT_SERVER']}{kind[0]}"}
        command = [
            sys.executable,
            "-c",
            f"from tests.faults.stalls import main; main({str(own)!r}, '{times}', '{kind}')",
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        seen.inject(f"a server that stands still, {kind}", times)
        seen.hold(done.returncode == 0, f"{kind}: {done.stderr[-300:]}")
        if done.returncode == 0:
            heard = json.loads(done.stdout.splitlines()[-1])  # libjack speaks before.
            seen.leave_sounding(heard["stuck"], f"after an {kind} server stood still")
            seen.figures[f"struck while they sounded, {kind}"] = heard["twice"]
            seen.hold(heard["status"] == 0, f"left with {heard['status']}")
            seen.restarts += heard["restarts"]


ROWS = [Row("JACK server stands still", "0 stuck notes, also where it does not wait for its clients", stalls, True)]

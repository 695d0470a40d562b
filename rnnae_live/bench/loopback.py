"""The instrument over the in-process loopback, in the shape of a live session: engine here, player in another process.

::

    engine (this process) <- wire -> player, loopback ports, performer (one process of its own)

The player's process holds both ends of the ports, so every message is stamped where it is received. Like the live
player it has no numpy and no model in it.

``python -m rnnae_live.bench.loopback FD`` is that process; FD is a connected socket.

*Threading*: one thread on each side. *Errors*: ``PortError`` where the other process ends early.
"""

from __future__ import annotations

import gc
import json
import math
import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import rnnae_live
from rnnae_live.bench.plan import Hearing, Message
from rnnae_live.bench.priority import real_time
from rnnae_live.errors import PortError
from rnnae_live.events import DueNote, Output, read
from rnnae_live.live import wire
from rnnae_live.live.wire import Kind, Link, LinkLostError
from rnnae_live.player import Player
from rnnae_live.ports.loopback import Loopback, World

if TYPE_CHECKING:
    from rnnae_live.engine import Engine  # Not in the player's process: it would bring numpy along.

TRANSIT = 0.0005
"""Seconds from the engine to the player: an answer that would start sooner starts as a whole that much later."""

PATIENCE = 20.0
"""Seconds that the player may take longer than the plan."""


def rehearsed(engine: Engine, seconds: float, messages: Iterable[Message], polls: float = 0.0) -> Hearing:
    """Play ``messages`` to ``engine`` through loopback ports for ``seconds``; return what was sent and heard.

    ``polls`` is how often a second the engine is asked how it is, as a control page does.

    Raises:
        PortError: the player's process ended early.
    """
    ours, theirs = socket.socketpair()
    root = str(Path(rnnae_live.__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "rnnae_live.bench.loopback", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdout=subprocess.PIPE, env=environment)
    theirs.close()
    link = Link(ours)
    try:
        plain = [[at, data.hex()] for at, data in sorted(messages)]
        link.send(*wire.pack_json(Kind.HELLO, {"seconds": seconds, "messages": plain}))
        _make_music(engine, link, seconds + PATIENCE, polls)
        link.close()
        said, _ = process.communicate(timeout=PATIENCE)
        return Hearing.read(json.loads(said))
    except (LinkLostError, ValueError, subprocess.TimeoutExpired) as error:
        raise PortError(f"The process of the loopback ports ended early ({error}).") from error
    finally:
        link.close()
        process.kill()
        process.communicate()


def _make_music(engine: Engine, link: Link, most: float, polls: float) -> None:
    """Do what the live engine's process does, until the player says that it is over or ``most`` seconds have passed."""
    end, poll_at = time.monotonic() + most, time.monotonic()
    started = False
    while time.monotonic() < end:
        moments = [end, *([poll_at] if polls else [])]
        wake = engine.wake() if started else None
        moments += [wake] if wake is not None else []
        ready, _, _ = select.select([link], [], [], max(0.0, min(moments) - time.monotonic()))
        for kind, payload in link.receive() if ready else ():
            if kind is Kind.STOP:
                return
            if kind is Kind.READY:
                started = True
                _put(engine, link, engine.start(time.monotonic()))
            if kind is Kind.INPUT:
                at, data = wire.unpack_input(payload)[:2]
                event = read(data, at)
                if event is not None:
                    _put(engine, link, engine.handle(event, time.monotonic()))
        if started:
            _put(engine, link, engine.advance(time.monotonic()))
        if polls and time.monotonic() >= poll_at:
            poll_at += 1.0 / polls
            json.dumps(engine.snapshot())


def _put(engine: Engine, link: Link, outputs: list[Output]) -> None:
    """Hand outputs to the player, an answer that took too long as a whole a little later."""
    late = time.monotonic() + TRANSIT - min((one.at for one in outputs if isinstance(one, DueNote)), default=math.inf)
    if late > 0:
        outputs = engine.delay(outputs, late)
    if outputs:
        link.send_frames([wire.pack_output(output) for output in outputs])


class _Ports:
    """The player's process: the instrument's ports, the performer's ports, and the player between."""

    def __init__(self, link: Link) -> None:
        """Open and connect the ports."""
        world = World()
        instrument, performer = Loopback(world=world), Loopback("Performer", world)
        self._link = link
        self._in: deque[Message] = deque()
        self._port = instrument.open_input(lambda at, data: self._in.append((at, data)))
        self._player = Player(instrument.open_output().send)
        self._heard: list[Message] = []
        self._hands = performer.open_output("Hands", world.inputs()[0])
        self._ears = performer.open_input(lambda at, data: self._heard.append((at, data)), "Ears", world.outputs()[0])

    def play(self, seconds: float, messages: list[Message]) -> Hearing:
        """Send messages at their seconds, play what the engine sends; return what went out and came in."""
        sent: list[Message] = []
        waiting = deque(messages)
        begin = time.monotonic()
        while (now := time.monotonic()) < begin + seconds:
            self._player.play(now)
            while waiting and begin + waiting[0][0] <= now:
                data = waiting.popleft()[1]
                sent.append((time.monotonic(), data))
                self._hands.send(data)
            self._link.send_frames([wire.pack_input(*self._in.popleft()) for _ in range(len(self._in))])
            moments = [begin + seconds, *([begin + waiting[0][0]] if waiting else [])]
            due = self._player.next_at()
            moments += [due] if due is not None else []
            ready, _, _ = select.select([self._link], [], [], max(0.0, min(moments) - time.monotonic()))
            for frame in self._link.receive() if ready else ():
                output = wire.unpack_output(frame)
                if output is not None and frame[0] is not Kind.NOTICE:
                    self._player.take(output)
        self._player.release()
        return Hearing(sent, self._heard, 0.0, self._ears.fault_count + self._port.fault_count)


def main() -> int:
    """Wait for the plan, play it, print what was heard."""
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    frames: list[wire.Frame] = []
    while not frames:
        select.select([link], [], [], PATIENCE)
        frames = link.receive()
    plan = wire.unpack_json(frames[0][1])
    ports = _Ports(link)
    gc.freeze()
    link.send(Kind.READY)
    with real_time():
        messages = [(float(at), bytes.fromhex(data)) for at, data in plan["messages"]]
        hearing = ports.play(float(plan["seconds"]), messages)
    link.send(Kind.STOP)
    sys.stdout.write(json.dumps(hearing.plain()) + "\n")
    sys.stdout.flush()
    # The engine may be sending still: leave after it has.
    with suppress(LinkLostError):
        while select.select([link], [], [], PATIENCE)[0]:
            link.receive()
    return 0


if __name__ == "__main__":
    sys.exit(main())

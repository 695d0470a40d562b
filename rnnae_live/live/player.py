"""The player's process: owns the MIDI ports and the clock of what is due.

Kept small on purpose, no numpy and no model, so that nothing here can compute for long; a driver that freezes it
takes nothing else along. It stamps and forwards what comes in, plays what is due, and releases what sounds as soon
as the engine or the front is gone. What an earlier player left sounding it releases first.

*Threading*: one thread, and the driver's own, which only enqueue. *Errors*: see ``child``.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnae_live.errors import PortError
from rnnae_live.events import Cut, Due, DueNote, NoteOff, read
from rnnae_live.ledger import Ledger
from rnnae_live.live import wire
from rnnae_live.live.child import Child, main
from rnnae_live.live.session import LEDGER
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError, Listener
from rnnae_live.player import Player
from rnnae_live.ports import Choice, Input, Output, choose
from rnnae_live.ports.base import CONTROL, IN, OUT

MOST_INPUT = 4096
"""Messages that may wait for an engine. Beyond that only note-offs are kept."""

RELEASE_AGAIN = (0.1, 0.3, 1.0, 2.0, 5.0)
"""Seconds after which notes of a dead player are released again: a first volley through a fresh port may be lost,
and what listens may still have to connect itself, after a server has got rid of the dead client's ports."""

AFTER_A_CRASH = 5.0
"""Seconds for which the ports are tried at a start that has notes of a dead session to release."""

TRY_AGAIN = 0.5
"""Seconds between two attempts to open ports that were there before."""

PRIORITY = 10
"""Real-time priority: above everything that is not real time, below audio servers."""

STACK_SECONDS = 0.5
"""Seconds of processor time without waiting after which the system ends a real-time player: it spins in a driver."""


class PlayerProcess(Child):
    """The process that owns the ports."""

    role = "player"

    def __init__(self, folder: Path) -> None:
        """Call the front; listen for the engine."""
        super().__init__(folder)
        self._listener = Listener(folder, "player")
        self._engine: Link | None = None
        self._choice: Choice | None = None
        self._inputs: list[Input] = []
        self._output: Output | None = None
        self._heard: deque[tuple[float, bytes]] = deque()
        self._input_dropped = 0
        self._faults_told = 0
        self._again: list[tuple[float, list[tuple[int, int]]]] = []
        self.player = Player(self._send, Ledger.open(folder / LEDGER))

    def start(self) -> dict[str, Any]:
        """Open the ports; where they were there before, wait until they are there again."""
        real_time = _real_time()
        told = False
        # A server that has just lost a client may turn the next one away for a moment; what sounds has to be released.
        patience = time.monotonic() + (AFTER_A_CRASH if list(self.player.ledger) else 0.0)
        while not self.stopping:
            try:
                self._open()
                break
            except PortError as error:
                if not self.options["again"] and time.monotonic() >= patience:
                    raise
                if not told:
                    self.front.send(Kind.NOTICE, b"\1" + f"Waiting for the MIDI ports: {error}".encode())
                told = True
            self.front.send(*wire.pack_json(Kind.PONG, {}))
            self.wait([], TRY_AGAIN)
        gc.freeze()
        choice = self._choice
        return {
            "why": choice.why if choice else "",
            "backend": choice.backend.name if choice else self.options["backend"],
            "real_time": real_time,
        }

    def turn(self) -> None:
        """Play what is due, first of all; then pass on what came in and take what the engine sends.

        Raises:
            PortError: a port is lost. This process ends; the next one opens it as soon as it is there again.
        """
        others: list[Any] = [self._listener, *([self._engine] if self._engine else [])]
        ready = self.wait(others, self._seconds_to_wait())
        self._play(time.monotonic())
        if self._listener in ready:
            self._meet()
        self._exchange(self._engine in ready)
        self._tell_faults()

    def take(self, frame: Frame) -> None:
        """Take a frame of the front: a cut is done at once."""
        super().take(frame)
        if frame[0] is Kind.CUT:
            self._cut(Cut(hard=bool(frame[1] and frame[1][0])))

    def leave(self) -> None:
        """Release everything, let the driver send it, and close."""
        self._cut(Cut())
        self._close_ports()

    def status(self) -> dict[str, Any]:
        """Return counts and lateness (microseconds) of what was sent."""
        late = self.player.lateness
        return {
            "sent": self.player.sent,
            "dropped": self.player.dropped + self._input_dropped,
            "pending": self.player.pending,
            "late_us": [round(late.quantile(part) * 1e6) for part in (0.5, 0.99, 1.0)],
        }

    # -- ports -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open all ports, and release through them what the ledger still names.

        Raises:
            PortError: one of them cannot be opened; none is then open.
        """
        source, destination, control = (self.options[name] for name in ("source", "destination", "control"))
        named = source is not None and destination is not None
        self._choice = choose(self.options["backend"], named=named)
        system = self._choice.backend
        try:
            self._inputs.append(system.open_input(self._arrived, IN, source))
            self._output = system.open_output(OUT, destination)
            if control is not None:
                self._inputs.append(system.open_input(self._arrived, CONTROL, control))
            notes = list(self.player.ledger)
            self.player.release()
        except PortError:
            self._close_ports()
            raise
        system.watch(self._system_gone)
        self._again = [(time.monotonic() + seconds, notes) for seconds in RELEASE_AGAIN if notes]

    def _close_ports(self) -> None:
        for port in (*self._inputs, self._output):
            if port is not None:
                with suppress(PortError):
                    port.close()
        self._inputs, self._output, self._choice = [], None, None

    def _send(self, data: bytes) -> None:
        if self._output is None:
            raise PortError("The out port is not open.")
        self._output.send(data)

    def _system_gone(self) -> None:
        """End this process, on a thread of the driver: whatever touches a dead system may never come back.

        The next process opens the ports as soon as the system is there again.
        """
        with suppress(LinkLostError):
            self.front.send(Kind.NOTICE, b"\1The MIDI system is gone; the ports come back with it.")
        os._exit(1)

    def _arrived(self, at: float, data: bytes) -> None:
        """Take a message on the driver's thread: enqueue, wake, return."""
        if len(self._heard) >= MOST_INPUT and not isinstance(read(data, at), NoteOff):
            self._input_dropped += 1
            return
        self._heard.append((at, data))
        self.wake()

    # -- turns -------------------------------------------------------------------------------------------------------

    def _seconds_to_wait(self) -> float | None:
        """Return the seconds until something is due, None where nothing is."""
        moments = [moment for moment, _ in self._again]
        due = self.player.next_at()
        if due is not None:
            moments.append(due)
        return min(moments) - time.monotonic() if moments else None

    def _play(self, now: float) -> None:
        """Send what is due.

        Raises:
            PortError: the port is lost.
        """
        self.player.play(now)
        while self._again and self._again[0][0] <= now:
            self.player.repeat(self._again.pop(0)[1])

    def _cut(self, event: Cut) -> None:
        try:
            self.player.cut(event)
        except PortError:
            self._heard.clear()  # Nothing can be sent; the ledger keeps what has to be released.

    def _meet(self) -> None:
        """Take the call of an engine; one that was there before has nothing to say any more."""
        link = self._listener.accept()
        if link is not None:
            self._part()
            self._engine = link

    def _part(self) -> None:
        """Let go of the engine: what it wanted to play is forgotten, what sounds is released."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
            self._cut(Cut())

    def _exchange(self, ready: bool) -> None:
        """Forward what came in; take what the engine wants to be played."""
        if self._engine is None:
            return
        try:
            frames = []
            while self._heard:
                frames.append(wire.pack_input(*self._heard.popleft()))
            self._engine.send_frames(frames)
            for frame in self._engine.receive() if ready else ():
                event = wire.unpack_output(frame)
                if isinstance(event, Cut):
                    self._cut(event)
                elif isinstance(event, DueNote | Due):
                    self.player.add(event)
        except LinkLostError:
            self._part()

    def _tell_faults(self) -> None:
        """Tell the front what receivers raised: a driver would have lost it."""
        faults = sum(port.fault_count for port in self._inputs)
        if faults > self._faults_told:
            last = next(port.faults[-1] for port in self._inputs if port.faults)
            text = f"A message that came in was lost ({type(last).__name__}: {last}); {faults} so far."
            self.front.send(Kind.NOTICE, b"\1" + text.encode())
        self._faults_told = max(faults, self._faults_told)


def _real_time() -> bool:
    """Ask for real-time scheduling, for this thread and those of the driver; return whether it was given."""
    if not hasattr(os, "sched_setscheduler"):
        return False
    try:
        import resource

        limit = int(STACK_SECONDS * 1e6)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        resource.setrlimit(resource.RLIMIT_RTTIME, (limit, limit))
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(PlayerProcess))

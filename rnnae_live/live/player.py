"""The player's process: owns the MIDI ports and the clock of what is due.

Kept small on purpose, no numpy and no model, so that nothing here can compute for long; a driver that freezes it
takes nothing else along. It stamps and forwards what comes in, plays it through at once where that is wished, plays
what is due, and releases what sounds as soon as the engine or the front is gone. What an earlier player left sounding
it releases first. Without an engine it still plays through. Where the engine has died too often and is not tried for
a while, it is alone (``_be_alone``): every message of In goes straight to Out, and a panic still silences all.

A driver that takes messages with their time (JACK) asks the player for each period; for the others this process is in
time itself.

*Threading*: one thread, and the driver's own: they enqueue what comes in, and ask for what is due. One lock guards the
player; it is held for one event at a time. *Errors*: see ``child``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from rnnae_live import events
from rnnae_live.agenda import Key, key_of
from rnnae_live.errors import PortError
from rnnae_live.events import Cut, Due, Notice
from rnnae_live.fuse import Lane, lane
from rnnae_live.ledger import Ledger
from rnnae_live.live import realtime, wire
from rnnae_live.live.child import Child, main
from rnnae_live.live.hotplug import Hotplug
from rnnae_live.live.intake import Intake
from rnnae_live.live.options import port_names
from rnnae_live.live.session import LEDGER
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError, Listener
from rnnae_live.player import Player
from rnnae_live.ports import Backend, Input, Output, choose
from rnnae_live.ports.base import CONTROL, IN, LAMPS, OUT

MOST_INPUT = 4096
"""Messages that may wait for an engine. Beyond that only note-offs are kept."""

RELEASE_AGAIN = (0.1, 0.3, 1.0, 2.0, 5.0)
"""Seconds after which notes of a dead player are released again: a first volley through a fresh port may be lost,
and what listens may still have to connect itself, after a server has got rid of the dead client's ports."""

AFTER_A_CRASH = 5.0
"""Seconds for which the ports are tried at a start that has notes of a dead session to release."""

TRY_AGAIN = 0.5
"""Seconds between two attempts to open ports that were there before."""

TELL, SOON = 0.2, 0.005
"""Seconds between two looks at what came in and went out, the second while something waits there."""

THRU = {"off": 0, "notes": 1, "all": 2}
"""Modes of ``events.Thru`` by their names on the command line."""


class PlayerProcess(Child):
    """The process that owns the ports."""

    role = "player"

    def __init__(self, folder: Path) -> None:
        """Call the front; listen for the engine."""
        super().__init__(folder)
        self._listener = Listener(folder, "player")
        self._engine: Link | None = None
        self._alone = False
        self._backend: Backend | None = None
        self._why = ""
        self._inputs: list[Input] = []
        self._output: Output | None = None
        self._lamps: Output | None = None
        self._driven = False
        self._lock = threading.Lock()
        self._intake = Intake(recording=bool(self.options.get("record")))
        self._doors: list[tuple[str, int, set[Key]]] = []
        self._listen_at = 0.0
        self._heard: deque[tuple[float, bytes, int]] = deque()
        self._input_dropped = 0
        self._faults_told = 0
        self._again: list[tuple[float, list[Key]]] = []
        self.player = Player(None, Ledger.open(folder / LEDGER))
        self.player.leaves = self._intake.leaves
        self._hotplug = Hotplug(self._tell, lambda: list(self.player.ledger), self._repeat, self._returned)

    def start(self) -> dict[str, Any]:
        """Open the ports; where they were there before, wait until they are there again."""
        real_time = realtime.schedule(realtime.PLAYER)
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
                    self._tell(f"Waiting for the MIDI ports: {error}", fault=True)
                told = True
            self.front.send(*wire.pack_json(Kind.PONG, {}))
            self.wait([], TRY_AGAIN)
        realtime.settle()
        return {
            "why": self._why,
            "backend": self._backend.name if self._backend else self.options["backend"],
            "real_time": real_time,
            "locked": realtime.lock_memory(),
            "timed": self._driven,
            "ahead": self._output.ahead if self._output else 0.0,
        }

    def turn(self) -> None:
        """Play what is due, first of all; then pass on what came in and take what the engine sends.

        Raises:
            PortError: a port is lost. This process ends; the next one opens it as soon as it is there again.
        """
        others: list[Any] = [self._listener, *([self._engine] if self._engine else [])]
        ready = self.wait(others, self._seconds_to_wait())
        self._play(time.monotonic())
        self._hear_later(time.monotonic())
        if self._listener in ready:
            self._meet()
        self._exchange(self._engine in ready)
        due = None if self._driven else self.player.next_at()
        self._hotplug.mend(self._backend, time.monotonic(), due)
        self._tell_faults()

    def take(self, frame: Frame) -> None:
        """Take a frame of the front: a cut is done at once."""
        super().take(frame)
        if frame[0] is Kind.CUT:
            self._cut(Cut(hard=bool(frame[1] and frame[1][0])))
        elif frame[0] is Kind.ALONE:
            self._part()
            self._be_alone(True)

    def leave(self) -> None:
        """Release everything, let the driver send it, and close."""
        with suppress(PortError), self._lock:
            # Whoever plays on while the ports close would begin a note that nobody ends.
            self.player.set_thru(0)
        self._cut(Cut())
        self._close_ports()
        taken = self._intake.taken()
        if taken is not None:
            with suppress(LinkLostError):
                self.front.send(*taken)

    def status(self) -> dict[str, Any]:
        """Return counts and lateness (microseconds) of what was sent."""
        player, late = self.player, self.player.lateness
        p50, p99, p999, worst = (round(late.quantile(part) * 1e6) for part in (0.5, 0.99, 0.999, 1.0))
        return {
            "sent": player.sent,
            "dropped": player.dropped + self._input_dropped + self._intake.dropped,
            "echoes": self._intake.echoes,
            "superseded": player.superseded,
            "pending": player.pending,
            "late_us": [p50, p99, worst],
            "late_us_p999": p999,
            "late_buckets": list(late.buckets),
            "missed_periods": self._backend.missed_periods if self._backend else 0,
        }

    # -- ports -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open all ports, and release through them what the ledger still names.

        Raises:
            PortError: one of them cannot be opened; none is then open.
        """
        sources, destinations, control = (port_names(self.options, one) for one in ("source", "destination", "control"))
        choice = choose(self.options["backend"], named=bool(sources and destinations))
        system, self._backend, self._why = choice.backend, choice.backend, choice.why
        system.patient = bool(self.options["again"])
        try:
            system.watch(self._system_gone, self._ports_changed)
            self._listen(events.PLAYED, IN, sources)
            if control:
                self._listen(events.CONTROL, CONTROL, control)
                with suppress(PortError):  # Many controllers only send.
                    self._lamps = self._hotplug.lamps = system.open_output(LAMPS, *control)
            self._output = system.open_output(OUT, *destinations)
            notes = list(self.player.ledger)
            self._be_alone(bool(self.options.get("alone")))
            self._driven = self._output.drive(self._due)
            if not self._driven:
                self.player.serve(self._output.send)
            with self._lock:
                self.player.release()
        except PortError:
            self._close_ports()
            raise
        self._again = [(time.monotonic() + seconds, notes) for seconds in RELEASE_AGAIN if notes]
        for port in (self._output, *self._inputs):
            for peer in port.peers:
                if not peer.there:
                    self._tell(f"'{peer.wanted}' is not there; it is joined as soon as it is.", fault=True)
        self._ports_changed()

    def _listen(self, kind: int, port: str, sources: list[str]) -> None:
        assert self._backend is not None
        down: set[Key] = set()
        self._doors.append((port, kind, down))
        opened = self._backend.open_input(partial(self._arrived, port, kind, down), port, *sources)
        self._inputs.append(opened)
        self._hotplug.down[opened] = down

    def _close_ports(self) -> None:
        system, self._backend = self._backend, None
        for port in (self._output, self._lamps, *self._inputs):
            if port is not None:
                with suppress(PortError):
                    port.close()
        self._inputs, self._output, self._lamps, self._driven = [], None, None, False
        self._hotplug.down.clear()
        self._hotplug.lamps = None
        self._doors.clear()
        if system is not None:
            with suppress(PortError):
                system.close()

    def _due(self, begin: float, end: float, send: Callable[[float, bytes], None]) -> None:
        """Give the driver what is due in a period, on the driver's thread."""
        with self._lock:
            self.player.drive(begin, end, send)

    def _system_gone(self) -> None:
        """End this process, on a thread of the driver: whatever touches a dead system may never come back.

        The next process opens the ports as soon as the system is there again.
        """
        if not self.stopping:
            with suppress(LinkLostError):
                self._tell("The MIDI system is gone; the ports come back with it.", fault=True)
        os._exit(1)

    def _ports_changed(self) -> None:
        """Look at once which ports there are; on any thread."""
        self._hotplug.soon()
        self.wake()

    def _repeat(self, notes: list[Key]) -> None:
        with self._lock:
            self.player.repeat(notes)

    def _arrived(self, port: str, kind: int, down: set[Key], at: float, data: bytes) -> None:
        """Take a message on the driver's thread: bound it, play it through, enqueue, wake, return."""
        with self._lock:
            self._hear(kind, down, self._intake.heard(port, kind, at, data))
            probes = self._intake.probes(at) if kind == events.PLAYED else []
            if probes:
                self.player.say(probes)
        self.wake()

    def _hear(self, kind: int, down: set[Key], messages: list[tuple[float, bytes]]) -> None:
        """Play messages through and keep them for the engine; the lock is held."""
        for at, data in messages:
            key, on = key_of(data)
            if key is not None:
                (down.add if on else down.discard)(key)
            if self._alone and lane(data) is Lane.PANIC:
                self.player.cut(Cut(hard=True))
            if kind == events.PLAYED:
                self.player.thru(data, at)
            if self._alone:
                continue  # Whoever comes later has nothing to do with it.
            if len(self._heard) >= MOST_INPUT and (key is None or on):
                self._input_dropped += 1
            else:
                self._heard.append((at, data, kind))

    def _hear_later(self, now: float) -> None:
        """Hear what has waited for a quieter moment; find out whether own output comes back; tell of both."""
        if now < self._listen_at:
            return
        self._listen_at = now + (SOON if self._intake.waiting else TELL)
        with self._lock:
            for port, kind, down in self._doors:
                self._hear(kind, down, self._intake.later(port, kind, now))
            probes = self._intake.probes(now)
            if probes:
                self.player.say(probes)
            taken = self._intake.taken()
        for notice in self._intake.news():
            self._tell(notice.text, fault=notice.fault)
        if taken is not None:
            self.front.send(*taken)

    # -- turns -------------------------------------------------------------------------------------------------------

    def _seconds_to_wait(self) -> float:
        """Return the seconds until something has to be done."""
        moments = [self._hotplug.at, self._listen_at, *(moment for moment, _ in self._again)]
        due = None if self._driven else self.player.next_at()
        if due is not None:
            moments.append(due)
        return min(moments) - time.monotonic()

    def _play(self, now: float) -> None:
        """Send what is due, unless the driver asks for it.

        Raises:
            PortError: the port is lost.
        """
        with self._lock:
            if not self._driven:
                self.player.play(now)
            while self._again and self._again[0][0] <= now:
                self.player.repeat(self._again.pop(0)[1])

    def _cut(self, event: Cut) -> None:
        try:
            with self._lock:
                self.player.cut(event)
        except PortError:
            self._heard.clear()  # Nothing can be sent; the ledger keeps what has to be released.

    def _meet(self) -> None:
        """Take the call of an engine; one that was there before has nothing to say any more."""
        link = self._listener.accept()
        if link is not None:
            self._part()
            self._engine = link
            with suppress(LinkLostError):
                link.send(Kind.READY)
            if self._alone:
                self._be_alone(False)

    def _be_alone(self, alone: bool) -> None:
        """Pass every message of In on to Out as long as nobody else can play; afterwards what was asked for."""
        with suppress(PortError), self._lock:
            self._alone = alone
            if alone:
                self._heard.clear()
            self.player.set_thru(THRU["all"] if alone else THRU.get(self.options.get("thru", ""), 0))

    def _part(self) -> None:
        """Let go of the engine: what it wanted to play is forgotten and released; what is played through goes on."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
            with self._lock:
                self.player.abandon()

    def _exchange(self, ready: bool) -> None:
        """Forward what came in; take what the engine wants to be played."""
        if self._engine is None:
            return
        try:
            frames = []
            while self._heard:
                at, data, kind = self._heard.popleft()
                frames.append(wire.pack_input(at, data, kind))
            self._engine.send_frames(frames)
            for frame in self._engine.receive() if ready else ():
                output = wire.unpack_output(frame)
                if isinstance(output, Cut):
                    self._cut(output)
                elif isinstance(output, Due) and output.port == events.CONTROL:
                    self._show(output.data)
                elif output is not None and not isinstance(output, Notice):
                    with self._lock:
                        self.player.take(output)
        except LinkLostError:
            self._part()

    def _show(self, data: bytes) -> None:
        """Send a value back to the controller; one that is gone has nothing to show it."""
        if self._lamps is not None:
            with suppress(PortError):
                self._lamps.send(data)

    def _returned(self) -> None:
        if self._engine is not None:
            with suppress(LinkLostError):
                self._engine.send(Kind.RETURNED)

    def _tell(self, text: str, fault: bool = False) -> None:
        self.front.send(*wire.pack_output(Notice(text, fault)))

    def _tell_faults(self) -> None:
        """Tell the front what receivers raised: a driver would have lost it."""
        lossy: list[Input | Backend] = [*self._inputs, *([self._backend] if self._backend else [])]
        faults = sum(one.fault_count for one in lossy)
        if faults > self._faults_told:
            last = next(one.faults[-1] for one in lossy if one.faults)
            self._tell(f"A message was lost ({type(last).__name__}: {last}); {faults} so far.", fault=True)
        self._faults_told = max(faults, self._faults_told)


if __name__ == "__main__":
    sys.exit(main(PlayerProcess))

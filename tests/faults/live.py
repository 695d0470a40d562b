"""Rows with real processes on a real JACK server: kills, freezes, floods, ports that go, a starved machine.

*Units*: moments are seconds of the monotonic clock, in the period in which a message came.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import jack

from tests.faults.floods import noise
from tests.faults.seen import Row, Seen, quantile
from tests.faults.show import (
    NAMED,
    PIECE,
    THRU,
    await_again,
    count,
    hold_keys,
    left_sounding,
    pitches,
    released,
    same_presets,
    show,
    struck,
    with_site,
)
from tests.ports.performer import Performer
from tests.ports.server import JackServer
from tests.ports.test_jack import Instrument
from tests.processes import BOUND, children


def kill_child(role: str, number: int) -> Callable[[Seen, bool, Path], None]:
    """Return the row's function: hit a child with a signal at random moments, five to a session."""

    def run(seen: Seen, long: bool, folder: Path) -> None:
        dice = random.Random(f"{role} {number}")
        stop = number == signal.SIGSTOP
        left = (50 if stop else 300) if long else (2 if stop else 6)
        while left:
            with show(folder) as (instrument, performer):
                for _ in range(min(5, left)):
                    left -= 1
                    hold_keys(performer, dice)
                    time.sleep(dice.uniform(0.15, 0.7))
                    before = count(instrument, f"{role} plays again")
                    pid, since = instrument.child(role), len(performer.recorded)
                    at = time.monotonic()
                    os.kill(pid, number)
                    time.sleep(0.02)
                    # What is played through does not end with the engine.
                    notes = struck(performer, at + 0.003, but=THRU if role == "engine" else None)
                    ends = released(performer, notes, at)
                    seen.released_ms += [seconds * 1000 for seconds in ends]
                    seen.inject(f"{signal.Signals(number).name} of the {role}")
                    seen.leave_sounding(len(notes) - len(ends), f"{signal.Signals(number).name} of the {role}")
                    again = await_again(instrument, role, before)
                    seen.restarts += again
                    seen.hold(again, f"the {role} did not come back: {instrument.lines[-3:]}")
                    if again:
                        same_presets(seen, performer, max(since, len(performer.recorded) - 1))
                status = instrument.stop()
                seen.hold(status == 0, f"left with {status}")
                seen.leave_sounding(left_sounding(performer), "at the end of the session")
        goal = {"engine": 20.0, "player": 500.0}[role] + (2000.0 if stop else 0.0)
        seen.bound("last note-off, p99 (ms)", quantile(seen.released_ms, 0.99), goal)

    return run


def kill_front(seen: Seen, long: bool, folder: Path) -> None:
    """Kill the front at random moments: its children release and leave; the next start is as good as the first."""
    dice = random.Random(12)
    for _ in range(100 if long else 4):
        with show(folder) as (instrument, performer):
            hold_keys(performer, dice)
            time.sleep(dice.uniform(0.05, 0.6))
            pids = list(children(instrument.process.pid))
            at = time.monotonic()
            os.kill(instrument.process.pid, signal.SIGKILL)
            time.sleep(0.05)
            notes = struck(performer, at + 0.003)
            ends = released(performer, notes, at)
            seen.released_ms += [seconds * 1000 for seconds in ends]
            seen.inject("SIGKILL of the front")
            seen.leave_sounding(len(notes) - len(ends), "the front was killed")
            deadline = time.monotonic() + 10
            while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.hold(not any(Path(f"/proc/{pid}").exists() for pid in pids), "a child outlives the front")
            seen.leave_sounding(left_sounding(performer), "after all had left")
    seen.bound("last note-off, p99 (ms)", quantile(seen.released_ms, 0.99), 500.0)


def freeze_all(seen: Seen, long: bool, folder: Path) -> None:
    """Stop all processes for four seconds, as a machine that sleeps does."""
    dice = random.Random(13)
    for _ in range(20 if long else 1):
        with show(folder) as (instrument, performer):
            time.sleep(dice.uniform(0.1, 0.6))
            pids = [instrument.process.pid, *children(instrument.process.pid)]
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(4.0)
            since = len(performer.recorded)
            at = time.monotonic()
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.3)
            burst = sum(d[0] & 0xF0 == 0x90 and d[2] > 0 and m < at + 0.05 for m, d in performer.recorded[since:])
            seen.inject("SIGSTOP of everything for 4 s")
            # Three parts: one note each may begin at that moment.
            seen.hold(burst <= 6, f"{burst} notes within 50 ms of waking")
            seen.figures["notes within 50 ms of waking"] = burst
            same_presets(seen, performer, len(performer.recorded) - 1)
            seen.restarts += count(instrument, "plays again")
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), "after a sleep")


def signals(seen: Seen, long: bool, folder: Path) -> None:
    """End it while it loads, while it plays and while it saves: it releases, flushes and leaves with 0."""
    dice = random.Random(14)
    took = []
    for turn in range(60 if long else 6):
        number = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[turn % 3]
        with Performer() as performer:
            instrument = Instrument(folder, *PIECE, *NAMED, "--record")
            try:
                if turn % 2:
                    deadline = time.monotonic() + 10
                    while not children(instrument.process.pid) and time.monotonic() < deadline:
                        time.sleep(0.005)
                    time.sleep(dice.uniform(0.0, 0.5))
                else:
                    instrument.await_ready()
                    performer.until(lambda: len(performer.ons()) >= 3, 30)
                    phrase = [(n * 0.05, bytes((0x80 if n % 2 else 0x90, 60 + n // 2, 80))) for n in range(12)]
                    performer.play([*phrase, (0.7, b"\xb0\x55\x7f"), (0.75, b"\xb0\x56\x7f")])
                    time.sleep(dice.uniform(0.6, 1.2))
                at = time.monotonic()
                status = instrument.stop(number)
                took.append(time.monotonic() - at)
                seen.inject(f"{signal.Signals(number).name} while {'loading' if turn % 2 else 'saving'}")
                seen.hold(status == 0, f"left with {status} after {signal.Signals(number).name}")
                seen.leave_sounding(left_sounding(performer), "after a signal")
                seen.hold(not list(folder.glob("run/session-*")), "the folder of the session is left")
                seen.hold(not list(folder.rglob("*.tmp")), "a temporary file is left")
            finally:
                if instrument.process.poll() is None:
                    instrument.stop(signal.SIGKILL)
    seen.bound("leaves after (s), longest", max(took), 2.0)


def hot_plug(seen: Seen, long: bool, folder: Path) -> None:
    """Pull the performer's client out and put it back: joined by name, released, no backlog."""
    performer = Performer()
    instrument = Instrument(folder, *PIECE, *NAMED)
    try:
        instrument.await_ready()
        performer.until(lambda: len(performer.ons()) >= 3, 30)
        joined = []
        for _ in range(50 if long else 3):
            performer.client.deactivate()
            performer.client.close()
            time.sleep(0.5)
            at = time.monotonic()
            performer = Performer()
            performer.until(partial(_heard, performer), 20)
            joined.append(time.monotonic() - at)
            first = [m for m, d in performer.recorded if d[0] & 0xF0 == 0x90]
            burst = sum(m < first[0] + 0.01 for m in first)
            seen.inject("port vanishes and returns")
            seen.restarts += 1
            seen.hold(burst <= 6, f"{burst} notes of a backlog")
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(performer), "after hot-plugging")
        seen.bound("heard again after (s), longest", max(joined), 2.0)
    finally:
        if instrument.process.poll() is None:
            instrument.stop(signal.SIGKILL)
        performer.client.close()


def server_dies(seen: Seen, long: bool, folder: Path) -> None:
    """Kill the JACK server in mid-piece and start it again: playing again, without anybody's help."""
    before = os.environ["JACK_DEFAULT_SERVER"]
    os.environ["JACK_DEFAULT_SERVER"] = f"{before}b"
    took = []
    server = JackServer(folder / "jackd.log")
    instrument = Instrument(folder, *PIECE)
    try:
        instrument.await_ready()
        for _ in range(50 if long else 3):
            known, gone = count(instrument, "player plays again"), count(instrument, "MIDI system is gone")
            server.stop(signal.SIGKILL)
            deadline = time.monotonic() + 15
            while count(instrument, "MIDI system is gone") <= gone and time.monotonic() < deadline:
                time.sleep(0.01)
            server = JackServer(folder / "jackd.log")
            at = time.monotonic()
            again = await_again(instrument, "player", known)
            took.append(time.monotonic() - at)
            # libjack knows one server in the life of a process.
            heard = "from tests.faults.live import hear_three; hear_three()"
            done = subprocess.run([sys.executable, "-c", heard], timeout=60, check=False, capture_output=True)
            seen.inject("JACK server killed")
            seen.restarts += again and done.returncode == 0
            seen.hold(again and done.returncode == 0, f"not playing again: {done.stderr.decode()[-200:]}")
            # At most five restarts a minute are given.
            time.sleep(12.0 if long else 0.0)
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.bound("ports open again after (s), longest", max(took), 2.0)
    finally:
        if instrument.process.poll() is None:
            instrument.stop(signal.SIGKILL)
        server.stop()
        os.environ["JACK_DEFAULT_SERVER"] = before


def hear_three() -> None:
    """Connect to the instrument, and wait for three notes; for a process of its own."""
    with Performer() as performer:
        performer.connect()
        performer.until(lambda: len(performer.ons()) >= 3, 20)


def _heard(performer: Performer) -> bool:
    return bool(performer.ons())


def _sent(performer: Performer) -> bool:
    return not performer._sending


class Flooder(Performer):
    """A performer whose flood goes out as far as a period holds it; ``offered`` counts what went."""

    MOST = 600
    offered = 0

    def _process(self, frames: int) -> None:
        now = self.woken()
        for offset, data in self._from.incoming_midi_events():
            self.recorded.append((now + offset / self.rate, bytes(data)))
        self._to.clear_buffer()
        sent = 0
        try:
            while self._sending and self._sending[0][0] < now + self.period_seconds and sent < self.MOST:
                self._to.write_midi_event(min(frames - 1, sent * frames // self.MOST), self._sending.popleft()[1])
                sent += 1
        except jack.JackError:
            pass  # The period is full.
        self.offered += sent


def floods(seen: Seen, long: bool, folder: Path) -> None:
    """Flood In at 20,000 and 100,000 messages a second while the piece plays."""
    dice = random.Random(15)
    for rate in (20_000, 100_000):
        for kind in ("mixed", "notes", "controllers", "SysEx"):
            with show(folder, performer=Flooder) as (instrument, performer):
                seconds = 10.0 if long else 0.5
                flood = [noise(dice, kind) for _ in range(5_000)]
                flood = [data for data in flood if len(data) < 100]
                began = time.monotonic()
                performer.play([(n / rate, flood[n % len(flood)]) for n in range(int(rate * seconds))])
                time.sleep(seconds)
                took = time.monotonic() - began
                performer._sending.clear()  # What a loaded machine could not send in time is not sent later.
                offered = cast("Flooder", performer).offered
                # All keys are let go of: no note-off is dropped whose note-on has passed.
                performer.play([(0.3 + n * 0.0005, bytes((0x80 | n % 16, n // 16, 0))) for n in range(2048)])
                performer.until(partial(_sent, performer), 60)
                seen.inject(f"{rate} messages a second of {kind}")
                seen.hold(instrument.process.poll() is None, "the instrument ended in a flood")
                seen.restarts += count(instrument, "plays again")
                through = left_sounding(performer, but=set(pitches()))
                seen.leave_sounding(through, f"played through, {kind} at {rate}/s")
                seen.hold(instrument.stop() == 0, "did not leave with 0")
                seen.leave_sounding(left_sounding(performer), f"a flood of {kind} at {rate}/s")
                seen.figures[f"offered a second, {kind} at {rate}/s"] = round(offered / took)


def starved(seen: Seen, long: bool, folder: Path) -> None:
    """Let busy processes of the same priority take all of the processor."""
    busy = [
        subprocess.Popen([*BOUND, sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        with show(folder) as (instrument, performer):
            time.sleep(60.0 if long else 4.0)
            seen.inject("all of the processor taken by others", len(busy))
            ons = performer.ons()
            seen.hold(len(ons) > 10, f"only {len(ons)} notes")
            seen.restarts += count(instrument, "plays again")
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), "starved")
            told = next((one for one in instrument.lines if one.startswith("Sent ")), "")
            seen.figures["what the player says"] = told
    finally:
        for process in busy:
            process.kill()
            process.wait()


JUMPING = """
import random, time
_real, _dice = time.time, random.Random(1)
time.time = lambda: _real() + _dice.choice((-1e6, -3600.0, 0.0, 3600.0, 1e6))
time.time_ns = lambda: int(time.time() * 1e9)
"""


def wall_jumps(seen: Seen, _long: bool, folder: Path) -> None:
    """Let the time of day jump by hours and days in every process, again and again."""
    with with_site(folder, JUMPING), show(folder / "home") as (instrument, performer):
        since = len(performer.recorded)
        time.sleep(2.0)
        same_presets(seen, performer, since)
        seen.inject("wall clock jumps")
        seen.restarts += count(instrument, "plays again")
        seen.hold(not count(instrument, "plays again"), "a child was restarted for a jump of the wall clock")
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(performer), "wall clock")


KILL, STOP = signal.SIGKILL, signal.SIGSTOP
ROWS = [
    Row(
        "kill -9 of the engine", "note-offs within 20 ms, back with the same presets", kill_child("engine", KILL), True
    ),
    Row("kill -9 of the player", "note-offs within 0.5 s, back with the same ports", kill_child("player", KILL), True),
    Row("kill -9 of the front", "note-offs within 0.5 s, children leave", kill_front, True),
    Row("engine hangs (SIGSTOP)", "replaced, every note-off kept", kill_child("engine", STOP), True),
    Row("player hangs (SIGSTOP)", "replaced, every note-off kept", kill_child("player", STOP), True),
    Row("everything sleeps for 4 s", "drop what is overdue, rejoin, no burst", freeze_all, True),
    Row("signals while loading and saving", "release, flush, exit 0 within 2 s", signals, True),
    Row("ports vanish and return", "rejoined by name within 2 s, no backlog", hot_plug, True),
    Row("JACK server killed and back", "playing again within 2 s", server_dies, True),
    Row("floods on a real port", "bounded, no stuck note, drops counted", floods, True),
    Row("processor taken by others", "late but whole", starved, True),
    Row("wall clock jumps", "monotonic, nothing is heard of it", wall_jumps, True),
]

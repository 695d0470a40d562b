"""Rows about what must not change while it plays: descriptors and threads, pauses of Python, and a disk that fails.

*Units*: moments are seconds of the monotonic clock, in the period in which a message came.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnae_live import files
from rnnae_live.library import SONGS, record
from rnnae_live.live import wire
from rnnae_live.live.nursery import MOST_STARTS
from rnnae_live.live.wire import Kind
from rnnae_live.midifile import read
from tests.faults.seen import Row, Seen
from tests.faults.show import await_again, await_count, count, hold_keys, left_sounding, same_presets, show, with_site
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument

PAUSE_MS = 2.0
"""Most that a collection of garbage may take."""

CAPTURED = (0.7, b"\xb0\x55\x7f"), (0.75, b"\xb0\x56\x7f")
"""End of the phrase, and "capture it"."""


def held(pid: int) -> dict[str, int]:
    """Return how many descriptors and threads a process has."""
    return {"fd": len(os.listdir(f"/proc/{pid}/fd")), "threads": len(os.listdir(f"/proc/{pid}/task"))}  # noqa: PTH208


def everybody(instrument: Instrument) -> dict[str, dict[str, int]]:
    """Return that for the front and its children."""
    pids = {"front": instrument.process.pid, **{role: instrument.child(role) for role in ("player", "engine")}}
    return {role: held(pid) for role, pid in pids.items()}


def play_phrase(performer: Performer, dice: random.Random) -> None:
    """Play a phrase on the piece's own channel, and ask for the answer."""
    pitches = [dice.randrange(55, 75) for _ in range(6)]
    phrase = [(n * 0.05, bytes((0x90, pitch, 80))) for n, pitch in enumerate(pitches)]
    phrase += [(n * 0.05 + 0.04, bytes((0x80, pitch, 0))) for n, pitch in enumerate(pitches)]
    performer.play(sorted([*phrase, (0.4, b"\xb0\x55\x7f")]))
    time.sleep(0.5)


def visit(folder: Path) -> None:
    """Ask the front how everybody is, as another command does, and leave."""
    (session,) = folder.glob("run/session-*")
    link = wire.call(session, "front", 1.0)
    link.send(Kind.PING)
    time.sleep(0.05)
    link.close()


def growth(seen: Seen, long: bool, folder: Path) -> None:
    """Kill children, join and leave, play: what a process holds in the end is what it held in the beginning."""
    dice = random.Random(24)
    with show(folder) as (instrument, performer):
        play_phrase(performer, dice)
        time.sleep(1.0)
        first = everybody(instrument)
        for turn in range(20 if long else 1):
            if turn:
                time.sleep(61.0)  # Five deaths a minute are forgiven.
            for number in range(MOST_STARTS):
                for role in ("engine", "player"):
                    before = count(instrument, f"{role} plays again")
                    hold_keys(performer, dice)
                    os.kill(instrument.child(role), signal.SIGKILL)
                    seen.inject(f"SIGKILL of the {role}")
                    again = await_again(instrument, role, before)
                    seen.restarts += again
                    seen.hold(again, f"the {role} did not come back ({number})")
                visit(folder)
                seen.inject("another command that comes and goes")
                play_phrase(performer, dice)
                seen.inject("a phrase")
        same_presets(seen, performer, len(performer.recorded) - 1)
        time.sleep(1.0)
        last = everybody(instrument)
        for role, was in first.items():
            for what, number in was.items():
                now = last[role][what]
                seen.figures[f"{what} of the {role}, first and last"] = f"{number}, {now}"
                seen.hold(now <= number, f"the {role} has {now} {what} instead of {number}")
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(performer), "after kills, visits and phrases")


WATCHING = """
import atexit, gc, json, os, sys, time
_role = next((one.rpartition(".")[2] for one in sys.orig_argv if one.startswith("rnnae_live.live.")), "")
_seen = {"collections": [0, 0, 0], "wall_ms": [0.0, 0.0, 0.0], "own_ms": [0.0, 0.0, 0.0]}
_begun, _frozen = [0.0, 0.0], []
def _watch(phase, about):
    if phase == "stop":
        wall, own = (time.monotonic() - _begun[0]) * 1e3, (time.thread_time() - _begun[1]) * 1e3
    if not _frozen:
        if not gc.get_freeze_count():  # Counting takes milliseconds: never between the two moments.
            return
        _frozen.append(True)
    if phase == "start":
        _begun[:] = time.monotonic(), time.thread_time()
        return
    at = about["generation"]
    _seen["collections"][at] += 1
    _seen["wall_ms"][at], _seen["own_ms"][at] = max(wall, _seen["wall_ms"][at]), max(own, _seen["own_ms"][at])
def _end():
    gc.callbacks.remove(_watch)  # Python collects once more when it leaves.
    with open(os.path.join(os.environ["WATCHED"], _role), "w") as file:
        json.dump(_seen, file)
if _role:
    gc.callbacks.append(_watch)
    atexit.register(_end)
"""
"""Measures collections in the player and the engine from the moment at which they have frozen what they loaded."""


def collections(seen: Seen, long: bool, folder: Path) -> None:
    """Play the dense piece with everything that a performer does, and measure the collections of garbage."""
    dice = random.Random(25)
    (folder / "watched").mkdir()
    with (
        _environment(WATCHED=str(folder / "watched")),
        with_site(folder, WATCHING),
        show(folder / "home") as (instrument, performer),
    ):
        end = time.monotonic() + (600.0 if long else 8.0)
        while time.monotonic() < end:
            hold_keys(performer, dice)
            time.sleep(0.3)
            play_phrase(performer, dice)
            knobs = [(n * 0.01, bytes((0xB0, 20 + n % 12, dice.randrange(128)))) for n in range(40)]
            performer.play(knobs)
            time.sleep(0.5)
        seen.inject("a dense piece with phrases and knobs")
        seen.hold(not count(instrument, "plays again"), "a child was restarted")
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(performer), "after a dense piece")
    for role in ("player", "engine"):
        told = json.loads((folder / "watched" / role).read_text())
        for what, name in (("collections", "collections"), ("wall_ms", "longest, with what came between (ms)"),
                           ("own_ms", "longest, its own time (ms)")):  # fmt: skip
            seen.figures[f"{role}, by generation: {name}"] = ", ".join(f"{number:.4g}" for number in told[what])
        seen.bound(f"longest collection of the {role}, its own time (ms)", max(told["own_ms"]), PAUSE_MS)
        seen.hold(role == "engine" or not any(told["collections"]), "the player collects")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name)


FAILING = """
import io, os, stat
_file, _real = os.environ["DISK_FAILS"], {name: getattr(os, name) for name in ("write", "fsync", "mkdir", "replace")}
def _number():
    try:
        with open(_file) as file:
            return int(file.read() or 0)
    except OSError:
        return 0
def _fail(number):
    raise OSError(number, os.strerror(number))
def _write(handle, data):
    number = _number() if stat.S_ISREG(os.fstat(handle).st_mode) else 0
    if number:
        _real["write"](handle, bytes(data)[: len(data) // 2])
        _fail(number)
    return _real["write"](handle, data)
def _wrap(name):
    def call(*args, **named):
        number = _number()
        return _fail(number) if number else _real[name](*args, **named)
    return call
class _FileIO(io.FileIO):
    def write(self, data):
        number = _number()
        if number:
            super().write(bytes(data)[: len(data) // 2])
            _fail(number)
        return super().write(data)
if any(one.startswith("rnnae_live") for one in __import__("sys").orig_argv):
    os.write, io.FileIO = _write, _FileIO
    for _name in ("fsync", "mkdir", "replace"):
        setattr(os, _name, _wrap(_name))
"""
"""A disk that takes half of what is written and then fails, as long as a file holds the number of an error."""


def disk_fails(seen: Seen, long: bool, folder: Path) -> None:
    """Let the disk be full or broken while it plays, records, and a phrase is to be kept; then let it heal."""
    for turn, (word, number) in enumerate([("full", errno.ENOSPC), ("broken", errno.EIO)] * (5 if long else 1)):
        place = folder / str(turn)
        place.mkdir()
        (switch := place / "fails").write_text("0")
        with (
            _environment(DISK_FAILS=str(switch)),
            with_site(place, FAILING),
            show(place / "home", "--record") as (instrument, performer),
        ):
            time.sleep(1.0)
            switch.write_text(str(number))
            capture(performer)
            seen.inject(f"a disk that is {word} while a phrase is kept and the session recorded")
            told = await_count(instrument, "could not be saved and stays for this session", 1)
            seen.hold(told, f"disk {word}: a phrase that is not saved is not told of: {instrument.lines[-3:]}")
            told = await_count(instrument, "The recording stops", 1)
            seen.hold(told, f"disk {word}: a recording that stops is not told of: {instrument.lines[-3:]}")
            same_presets(seen, performer, len(performer.recorded) - 1)
            switch.write_text("0")
            capture(performer)
            seen.hold(await_count(instrument, "Saved as", 1), f"disk {word}: nothing is saved after it has healed")
            seen.hold(not count(instrument, "plays again"), f"disk {word}: a child was restarted")
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), f"a disk that is {word}")
        left = [path.name for path in place.rglob(f"*{files.TEMPORARY}")]
        seen.hold(not left, f"disk {word}: temporary files are left: {left}")
        for recording in place.rglob("*.mid"):
            read(recording.read_bytes())
            seen.figures["recordings that stopped and can be read"] = turn + 1
        own = [path for path in place.rglob("*.json") if path.parent.name == SONGS]
        seen.hold(len(own) == 1, f"disk {word}: {len(own)} presets instead of 1")
        for path in own:
            record.read(path.read_bytes(), path.name)


def capture(performer: Performer) -> None:
    """Play a phrase and keep it."""
    phrase = [(n * 0.05, bytes((0x80 if n % 2 else 0x90, 60 + n // 2, 80))) for n in range(12)]
    performer.play([*phrase, *CAPTURED])
    time.sleep(0.8)


ROWS = [
    Row("descriptors and threads", "flat over kills, visits and phrases", growth, True),
    Row("collections of garbage", "none in the player, 2 ms at most in the engine", collections, True),
    Row("the disk fails while it plays", "told, nothing torn, the music unaffected", disk_fails, True),
]

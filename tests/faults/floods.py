"""Rows in virtual time: too much, what is no message, cables that lead back, clocks that lie, and days."""

from __future__ import annotations

import gc
import random
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rnnae_live.control import spec
from rnnae_live.events import PLAYED, read
from rnnae_live.feedback import Guard
from rnnae_live.fuse import ROOM
from rnnae_live.live.intake import Intake
from rnnae_live.player import MOST_PENDING
from tests.faults.real import PLAY, Real, dense, perform
from tests.faults.seen import Row, Seen
from tests.test_feedback import PHRASES, WITHIN_MESSAGES, WITHIN_SECONDS, Wire, melody, notes, sounding
from tests.test_feedback import Stage as Cable
from tests.test_sync import CONTINUE, SCALE, START, STOP, TICK, Synced, warm

Message = bytes


def noise(dice: random.Random, kind: str) -> Message:
    """Return one message of a flood."""
    channel, first, second = dice.randrange(16), dice.randrange(128), dice.randrange(128)
    if kind == "mixed":
        kind = dice.choice(("notes", "notes", "controllers", "clock", "other"))
    if kind == "notes":
        return bytes(((0x90 if dice.random() < 0.5 else 0x80) | channel, first, second))
    if kind == "controllers":
        return bytes((0xB0 | channel, first, second))
    if kind == "clock":
        return bytes((dice.choice((0xF8, 0xF8, 0xFA, 0xFB, 0xFC)),))
    if kind == "SysEx":
        return b"\xf0" + bytes(dice.randrange(128) for _ in range(dice.choice((1, 10, 200)))) + b"\xf7"
    if kind == "unended SysEx":
        return b"\xf0" + bytes(dice.randrange(128) for _ in range(dice.randrange(300)))
    if kind == "stray bytes":
        return bytes(dice.randrange(256) for _ in range(dice.randrange(5)))
    if kind == "realtime inside messages":
        return bytes((0x90 | channel, first, 0xF8, second))
    return bytes((dice.choice((0xA0, 0xC0, 0xD0, 0xE0)) | channel, first, second))


KINDS = ("mixed", "notes", "controllers", "clock", "SysEx", "unended SysEx", "stray bytes", "realtime inside messages")


def flood(seen: Seen, rate: int, kind: str, seconds: float) -> float:
    """Flood doorkeeper, player and engine together, and return the seconds of work that a message took (p99)."""
    dice = random.Random(rate + len(kind))
    stage = Real(dense("loop", 2, thru="notes"))
    intake, player = Intake(), stage.player
    player.set_thru(2)
    most, costs = 0, []
    begin = at = stage.now
    panicked = False
    for number in range(int(rate * seconds)):
        at = begin + number / rate
        data = noise(dice, kind)
        if number == int(rate * seconds / 2):
            data, panicked = b"\xb0\x7b\x00", True
        before = time.perf_counter()
        passed = intake.heard("in", PLAYED, at, data)
        for moment, message in passed:
            player.thru(message, moment)
        costs.append(time.perf_counter() - before)
        if at > stage.now + 0.002:
            stage.run(at)
        for moment, message in passed:
            event = read(message, moment)
            if event is not None:
                stage.take(stage.engine.handle(event, stage.now))
        if panicked:
            seen.hold(
                any(m[1] == b"\xb0\x7b\x00" for m in passed), f"a panic did not pass {rate} messages a second of {kind}"
            )
            panicked = False
        most = max(most, player.pending)
    let_go(stage, intake, at)
    seen.inject(f"{rate} messages a second of {kind}")
    seen.hold(most <= MOST_PENDING + ROOM, f"{most} events waited")
    seen.leave_sounding(stage.end(), f"a flood of {kind} at {rate}/s")
    seen.figures["messages dropped"] = int(seen.figures.get("messages dropped", 0)) + intake.dropped
    costs.sort()
    return costs[int(0.99 * len(costs))]


def let_go(stage: Real, intake: Intake, at: float) -> None:
    """Release all keys, as whoever flooded does at the end: no note-off is dropped whose note-on has passed."""
    for number in range(16 * 128):
        off = bytes((0x80 | number % 16, number // 16, 0))
        for moment, message in intake.heard("in", PLAYED, at + 1.0, off):
            stage.player.thru(message, moment)
    stage.run(at + 2.0)
    for moment, message in intake.later("in", PLAYED, at + 2.0):
        stage.player.thru(message, moment)


def floods(seen: Seen, long: bool, _folder: Path) -> None:
    """Flood with everything at 3,000 (DIN speed of several ports), 20,000 and 100,000 messages a second."""
    cost = 0.0
    for rate in (3_000, 20_000, 100_000):
        for kind in KINDS:
            cost = max(cost, flood(seen, rate, kind, (10.0 if long else 0.3) * (20_000 / rate if rate > 20_000 else 1)))
    seen.figures["work for a message, p99 (us)"] = round(cost * 1e6, 1)


def feedback(seen: Seen, long: bool, _folder: Path) -> None:
    """Lead Out back to In: at once, later, higher, softer, without controllers; and trill without any cable."""
    dice = random.Random(6)
    worst_messages, worst_seconds = 0, 0.0
    for _ in range(1_000 if long else 60):
        wire = Wire(
            dice.uniform(0.0001, 0.2), dice.choice((0, 0, 12, -12, 7, dice.randint(-24, 24))),
            dice.choice((0.0, 0.0015)), dice.choice((0.5, 0.8, 1.0)), dice.randrange(16), dice=dice,
        )  # fmt: skip
        stage = Cable(wire, thru=True).play(notes(melody(dice, 24)))
        seen.inject("a loop" if not wire.interval else "a loop that transposes")
        cut = stage.cut is not None and stage.first_echo is not None
        seen.hold(cut, f"a loop of {wire.delay * 1000:.0f} ms, {wire.interval} semitones was not cut")
        if stage.cut is not None and stage.first_echo is not None:
            worst_messages = max(worst_messages, stage.cut_after)
            worst_seconds = max(worst_seconds, stage.cut - stage.first_echo)
        seen.leave_sounding(len(sounding(stage.out)), "after a loop was cut")
    phrases, alarms = (10_000 if long else 140), 0
    guard, at = Guard(seed=5), 0.0
    for number in range(phrases):
        played, answers = PHRASES[number % len(PHRASES)](dice)
        for t, kind, data in sorted([(t, 0, d) for t, d in played] + [(t, 1, d) for t, d in answers]):
            if kind:
                guard.sent(data, at + t)
            elif guard.received(data, at + t) and number % 2:
                guard.sent(data, at + t + 0.0003)
            guard.probe(at + t)
        at += 10.0
        alarms += guard.news() is not None
    seen.inject("a phrase that could be a loop and is none", phrases)
    seen.hold(not alarms, f"{alarms} false alarms")
    seen.hold(worst_messages <= WITHIN_MESSAGES, f"cut after {worst_messages} messages")
    seen.hold(worst_seconds <= WITHIN_SECONDS, f"cut after {worst_seconds * 1000:.0f} ms")
    seen.figures |= {
        "cut after messages, most": worst_messages,
        "cut after ms of virtual time, most": round(worst_seconds * 1000, 1),
        "false alarms": f"{alarms} of {phrases} phrases",
    }


def clock_faults(seen: Seen, long: bool, _folder: Path) -> None:
    """Break the clock that is followed in every way, then let it be good, and hear whether the tick is right."""
    dice = random.Random(7)
    for _ in range(400 if long else 24):
        stage = Synced(jitter=dice.choice((0.0, 0.002, 0.005)))
        warm(stage)
        stage.hear(START)
        stage.tick(dice.randrange(24, 96), 120.0)
        for _ in range(3):
            kind = dice.choice(sorted(CLOCKS))
            CLOCKS[kind](stage, dice)
            seen.inject(kind)
        # A fresh start on a good clock: everything is on its tick again.
        stage.hear(STOP)
        stage.tick(24, 120.0)
        seen.hold(stage.whole(), "a note was left by a clock fault")
        stage.sent.clear()
        stage.ticks.clear()
        stage.hear(START)
        stage.tick(16 * 24, 120.0)
        right = [pitch for pitch, _ in stage.played()][:16] == SCALE * 2
        seen.hold(right, "not on the right tick after clock faults")
        # A clock that dies: nothing sounds a beat later.
        stage.run(stage.now + 3.0)
        seen.inject("clock dies")
        seen.leave_sounding(0 if stage.whole() else 1, "after the clock died")


def _lost(stage: Synced, dice: random.Random) -> None:
    for _ in range(dice.randrange(1, 5)):
        stage.tick(dice.randrange(1, 20), 120.0)
        stage.run(stage.now + 60.0 / (120.0 * 24))


def _doubled(stage: Synced, dice: random.Random) -> None:
    for _ in range(dice.randrange(1, 20)):
        stage.tick(1, 120.0)
        stage.hear(TICK)


def _jump(stage: Synced, dice: random.Random) -> None:
    stage.tick(48, dice.choice((20.0, 60.0, 180.0, 300.0)))


def _drift(stage: Synced, dice: random.Random) -> None:
    bpm, step = 120.0, dice.uniform(-0.5, 0.5)
    for _ in range(96):
        bpm = min(290.0, max(25.0, bpm + step))
        stage.tick(1, bpm)


def _burst(stage: Synced, dice: random.Random) -> None:
    for _ in range(dice.randrange(10, 500)):
        stage.hear(TICK)


def _stop_lost(stage: Synced, _dice: random.Random) -> None:
    stage.run(stage.now + 1.5)
    stage.hear(START)


def _start_lost(stage: Synced, _dice: random.Random) -> None:
    stage.hear(STOP)
    stage.tick(30, 120.0)


def _started_twice(stage: Synced, _dice: random.Random) -> None:
    stage.hear(START)
    stage.tick(5, 120.0)
    stage.hear(START)


def _put_while_running(stage: Synced, dice: random.Random) -> None:
    stage.hear(bytes((0xF2, dice.randrange(128), dice.randrange(128))))
    stage.tick(30, 120.0)


def _put_while_stopped(stage: Synced, dice: random.Random) -> None:
    stage.hear(STOP)
    stage.hear(bytes((0xF2, dice.randrange(64), 0)))
    stage.hear(CONTINUE)
    stage.tick(40, 120.0)


def _continued(stage: Synced, _dice: random.Random) -> None:
    stage.hear(CONTINUE)
    stage.tick(12, 120.0)


def _silent(seconds: float) -> Callable[[Synced, random.Random], None]:
    return lambda stage, _dice: stage.run(stage.now + seconds)


CLOCKS: dict[str, Callable[[Synced, random.Random], None]] = {
    "ticks lost": _lost,
    "ticks doubled": _doubled,
    "tempo jump": _jump,
    "drift": _drift,
    "burst of ticks": _burst,
    "500 ms without clock": _silent(0.5),
    "4 s without clock": _silent(4.0),
    "Stop lost": _stop_lost,
    "Start lost": _start_lost,
    "Start twice": _started_twice,
    "song position while running": _put_while_running,
    "Continue without Stop": _continued,
    "Stop, song position, Continue": _put_while_stopped,
}


def days(seen: Seen, long: bool, _folder: Path) -> None:
    """Play for a day of virtual time (20 minutes in the short form), with everything that a performer does."""
    hours = 24.0 if long else 1 / 3
    dice = random.Random(8)
    stage = Real(dense("loop", 3, bpm=120.0))
    marks: list[tuple[float, int, int, int]] = []
    end, began = stage.now + hours * 3600.0, time.monotonic()
    next_mark = stage.now + hours * 3600.0 / 8
    while stage.now < end:
        perform(stage, dice, dice.randrange(3))
        if dice.random() < 0.05:
            stage.turn(123, 0)
            stage.turn(PLAY, 127)
        if dice.random() < 0.05:
            mode = dice.choice(("answer", "trade", "loop"))
            stage.take(stage.engine.do({"turn": "mode", "value": spec("mode").named(mode)}, stage.now))
        if not stage.engine.transport.running:
            stage.turn(PLAY, 127)
        if stage.now >= next_mark:
            gc.collect()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            marks.append((stage.now, memory, len(gc.get_objects()), threading.active_count()))
            next_mark += hours * 3600.0 / 8
    seen.inject("a performance without end")
    seen.leave_sounding(stage.end(), f"after {hours:g} h")
    half = len(marks) // 2
    # What is made once is made in the first half; after that nothing grows.
    grown = (marks[-1][1] - marks[half - 1][1]) / 1024
    objects = marks[-1][2] - marks[half - 1][2]
    seen.hold(grown <= 8.0, f"{grown:.1f} MB more memory in the second half")
    seen.hold(objects <= 2_000, f"{objects} objects more in the second half")
    seen.hold(marks[-1][3] == marks[0][3], "threads were started")
    seen.hold(stage.idle == 0, f"{stage.idle} note-offs of keys that did not sound")
    seen.figures |= {
        "virtual hours / growth of memory (MB)": f"{hours:.2f} / {grown:.1f}",
        "objects more in the second half": objects,
        "messages sent": stage.messages,
        "faults told": stage.engine.counts.faults,
        "CPU seconds": round(time.monotonic() - began, 1),
    }


ROWS = [
    Row("floods in virtual time", "bounded, panic and note-offs pass, drops counted", floods),
    Row("feedback loops", "cut within 100 messages and 250 ms, no false alarm", feedback),
    Row("clock faults", "on the right tick, notes released after a beat without clock", clock_faults),
    Row("days of virtual time", "flat memory, no stuck note", days),
]

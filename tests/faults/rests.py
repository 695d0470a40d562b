"""Rows in which a child dies more often than it is given back, or cannot come back: what is left to the performer.

*Units*: moments are seconds of the monotonic clock, in the period in which a message came.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path

from rnnae_live.events import note_off
from rnnae_live.live.nursery import MOST_STARTS
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.presets import factory
from tests.faults.files import damaged
from tests.faults.seen import Row, Seen, quantile
from tests.faults.show import (
    THRU,
    await_again,
    await_count,
    count,
    hold_keys,
    left_sounding,
    released,
    same_presets,
    show,
    struck,
)
from tests.manifests import rewrite
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument

PEDAL = 64


def kill_often(seen: Seen, instrument: Instrument, role: str) -> None:
    """Kill a child as often as it is given back."""
    for number in range(MOST_STARTS):
        os.kill(instrument.child(role), signal.SIGKILL)
        seen.inject(f"SIGKILL of the {role}, again and again")
        seen.hold(await_again(instrument, role, number), f"the {role} did not come back: {instrument.lines[-3:]}")
        seen.restarts += 1


def heard(performer: Performer, since: int, data: bytes) -> bool:
    return data in [one for _, one in performer.recorded[since:]]


def play_alone(seen: Seen, instrument: Instrument, performer: Performer) -> None:
    """Play while there is no engine: every message comes out, a panic silences, nothing stays."""
    since = len(performer.recorded)
    on, down, off = bytes((0x90, 60, 90)), bytes((0xB0, PEDAL, 127)), note_off(0, 60)
    up, held = bytes((0xB0, PEDAL, 0)), bytes((0x90 | THRU, 47, 90))
    performer.play([(0.0, on), (0.05, down), (0.1, off), (0.15, up), (0.2, held)])
    for data in (on, down, off, up, held):
        try:
            performer.until(partial(heard, performer, since, data), 5)
        except AssertionError:
            seen.hold(False, f"alone: {data.hex(' ')} did not come out")
    performer.play([(0.0, bytes((0xB0, 120, 0)))])
    notes = struck(performer, time.monotonic())
    at = time.monotonic()
    ends = released(performer, notes, at)
    seen.leave_sounding(len(notes) - len(ends), "a panic without an engine")
    performer.play([(0.0, held)])
    seen.hold(instrument.process.poll() is None, "the session ended")


def engine_rests(seen: Seen, long: bool, folder: Path) -> None:
    """Kill the engine more often than it is given back: what is played passes through until it is tried again."""
    dice = random.Random(21)
    for _ in range(5 if long else 1):
        with show(folder) as (instrument, performer):
            hold_keys(performer, dice)
            kill_often(seen, instrument, "engine")
            performer.until(lambda: any(channel != THRU for channel, _ in performer.sounding()), 20)
            at, since = time.monotonic(), len(performer.recorded)
            os.kill(instrument.child("engine"), signal.SIGKILL)
            seen.inject("the engine dies for good")
            told = await_count(instrument, "what you play goes straight to the output", 1)
            seen.hold(told, "the performer is not told")
            notes = struck(performer, at + 0.003, but=THRU)
            ends = released(performer, notes, at)
            seen.released_ms += [seconds * 1000 for seconds in ends]
            seen.leave_sounding(len(notes) - len(ends), "the engine died too often")
            play_alone(seen, instrument, performer)
            seen.hold(count(instrument, "engine plays again") == MOST_STARTS, "the engine was tried too soon")
            if long:
                # It is tried again when the first death is a minute ago.
                came = await_count(instrument, "engine plays again", MOST_STARTS + 1, 75.0)
                seen.hold(came, "the engine was not tried again")
                seen.figures["engine plays again after (s)"] = round(time.monotonic() - at, 1)
                same_presets(seen, performer, max(since, len(performer.recorded) - 1))
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), "after the engine had rested")
    seen.bound("last note-off, p99 (ms)", quantile(seen.released_ms, 0.99), 20.0)


def player_rests(seen: Seen, long: bool, folder: Path) -> None:
    """Kill the player more often than it is given back: what sounded is released at once, not at the next try."""
    dice = random.Random(22)
    for _ in range(10 if long else 1):
        with show(folder) as (instrument, performer):
            hold_keys(performer, dice)
            kill_often(seen, instrument, "player")
            performer.until(lambda: len(performer.sounding()) >= 2, 20)
            at = time.monotonic()
            os.kill(instrument.child("player"), signal.SIGKILL)
            seen.inject("the player dies for good")
            time.sleep(0.05)
            notes = struck(performer, at + 0.003)
            ends = released(performer, notes, at)
            seen.released_ms += [seconds * 1000 for seconds in ends]
            seen.leave_sounding(len(notes) - len(ends), "the player died too often")
            seen.hold(await_count(instrument, "what sounded is released", 1), "the performer is not told")
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), "while the player rested")
    seen.bound("last note-off, p99 (ms)", quantile(seen.released_ms, 0.99), 2000.0)


def change(bank: Path, kind: str, dice: random.Random) -> None:
    """Replace, delete or damage the model of a bank, or put another valid one into its place."""
    for name in (*FILES, MANIFEST):
        path = bank / name
        if kind == "deleted":
            path.unlink()
        elif kind == "damaged":
            path.write_bytes(damaged(path.read_bytes(), dice))
        elif kind == "replaced by noise":
            path.write_bytes(path.read_bytes()[::-1])
    if kind == "replaced by a valid one":
        rewrite(bank, name="another")


KINDS = {
    "replaced by noise": "The bank has changed and cannot be used; the one that is loaded plays on.",
    "deleted": "is gone; the one that is loaded plays on.",
    "damaged": "The bank has changed and cannot be used; the one that is loaded plays on.",
    "replaced by a valid one": "its model 'another' plays from the next phrase on.",
}
"""What becomes of a model while it plays, and what the performer is told of it."""


def model_changes(seen: Seen, long: bool, folder: Path) -> None:
    """Change the model while it plays: a valid one plays from the next phrase on, else what was loaded plays on.

    An engine that dies then loads what is there. A valid bank plays; another one is refused, and without it the player
    is alone.
    """
    dice = random.Random(16)
    for turn in range(32 if long else len(KINDS)):
        kind = tuple(KINDS)[turn % len(KINDS)]
        bank = folder / f"bank {turn}"
        shutil.copytree(factory(), bank)
        with show(folder / f"home {turn}", "--bank", str(bank)) as (instrument, performer):
            change(bank, kind, dice)
            since = len(performer.recorded)
            seen.hold(await_count(instrument, KINDS[kind], 1), f"model {kind}: not told: {instrument.lines[-3:]}")
            same_presets(seen, performer, since)
            same_presets(seen, performer, len(performer.recorded) - 1)
            seen.inject(f"model {kind} while playing")
            seen.hold(count(instrument, "could not be played") == 0, f"model {kind}: {instrument.lines[-3:]}")
            seen.hold(count(instrument, "does not answer") == 0, "a child froze")
            seen.hold(count(instrument, "died") == 0, "a child died of it")
            os.kill(instrument.child("engine"), signal.SIGKILL)
            seen.inject(f"model {kind}, and the engine dies")
            if kind == "replaced by a valid one":
                again = await_again(instrument, "engine", 0)
                seen.restarts += again
                seen.hold(again, "an engine does not come back with a valid bank")
                same_presets(seen, performer, len(performer.recorded) - 1)
            else:
                told = await_count(instrument, "what you play goes straight to the output", 1)
                seen.hold(told, f"model {kind}: not told that the player is alone: {instrument.lines[-3:]}")
                seen.hold(count(instrument, str(bank)) > 0, f"model {kind}: not told what is wrong with the bank")
                play_alone(seen, instrument, performer)
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), f"model {kind}")


ROWS = [
    Row("the engine dies too often", "played through until it is tried again, told", engine_rests, True),
    Row("the player dies too often", "what sounded released at once, told", player_rests, True),
    Row(
        "model changes while playing",
        "verified aside, swapped at a phrase boundary, else the old one stays",
        model_changes,
        True,
    ),
]

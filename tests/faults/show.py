"""A dense piece on a JACK server, and a performer who hears what of it stops and when it goes on.

*Units*: moments are seconds of the monotonic clock, in the period in which a message came.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.real import voices
from tests.faults.seen import Seen
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument

SONGS = (("Greensleeves", 1), ("Arirang", 2), ("The Entertainer (opening)", 3))
THRU = 5
"""The channel (0-15) on which the performer plays through."""

NAMED = ("--in", "performer:to", "--out", "performer:from")
PIECE = ("--mode", "loop", "--follow", "0", "--bpm", "200", "--thru", "notes", "--channel", "1", "--out-channel", "1",
         "-p", "Greensleeves=1",
         "--part", "2 loop Arirang=1", "--part", "3 loop 'The Entertainer (opening)=1'")  # fmt: skip

FOR_GOOD = 10.0
"""Seconds after which a note that still sounds counts as stuck."""


def pitches() -> dict[int, set[int]]:
    """Return which pitches each part of the piece may play, by channel 0-15."""
    return {channel - 1: {note[2] for note in voices().bank.find(name).notes} for name, channel in SONGS}


@contextmanager
def show(folder: Path, *options: str, performer: type[Performer] = Performer) -> Iterator[tuple[Instrument, Performer]]:
    """Run the dense piece, with a performer who is connected by the instrument itself."""
    with performer() as one:
        instrument = Instrument(folder, *PIECE, *NAMED, *options)
        try:
            instrument.await_ready()
            one.until(lambda: len(one.ons()) >= 3, 30)
            yield instrument, one
        finally:
            if instrument.process.poll() is None:
                instrument.stop(signal.SIGKILL)


def hold_keys(performer: Performer, dice: random.Random) -> None:
    """Play keys through, some of which stay down."""
    keys = [dice.randrange(30, 50) for _ in range(6)]
    phrase = [(n * 0.03, bytes((0x90 | THRU, key, 70))) for n, key in enumerate(keys)]
    phrase += [(0.1 + n * 0.03, bytes((0x80 | THRU, key, 0))) for n, key in enumerate(keys[:4])]
    performer.play(sorted(phrase))


def struck(performer: Performer, at: float, *, but: int | None = None) -> dict[tuple[int, int], float]:
    """Return the notes that sound at a moment and when each began, but for those of a channel."""
    down: dict[tuple[int, int], float] = {}
    for moment, data in list(performer.recorded):
        key = (data[0] & 0x0F, data[1])
        if moment > at:
            break
        if data[0] & 0xF0 == 0x90 and data[2]:
            down[key] = moment
        elif data[0] & 0xF0 in (0x80, 0x90):
            down.pop(key, None)
    return {key: moment for key, moment in down.items() if key[0] != but}


def released(performer: Performer, notes: dict[tuple[int, int], float], at: float) -> list[float]:
    """Return for each note the seconds after ``at`` at which it was let go of; fewer where some never are."""
    deadline = time.monotonic() + FOR_GOOD
    while True:
        ends: dict[tuple[int, int], float] = {}
        for moment, data in list(performer.recorded):
            key = (data[0] & 0x0F, data[1])
            off = data[0] & 0xF0 == 0x80 or (data[0] & 0xF0 == 0x90 and not data[2])
            if off and key in notes and moment > notes[key] and key not in ends:
                ends[key] = moment
        if len(ends) == len(notes) or time.monotonic() > deadline:
            return [max(0.0, moment - at) for moment in ends.values()]
        time.sleep(0.005)


def left_sounding(performer: Performer, *, but: Collection[int] = ()) -> int:
    """Return how many notes nobody lets go of any more, but for those of some channels."""
    deadline = time.monotonic() + FOR_GOOD
    while left := sum(channel not in but for channel, _ in performer.sounding()):
        if time.monotonic() > deadline:
            return left
        time.sleep(0.005)
    return 0


@contextmanager
def with_site(folder: Path, code: str) -> Iterator[None]:
    """Let every Python process that is started meanwhile begin with ``code``."""
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(code)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder / "site"), *([before] if before else [])])
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def count(instrument: Instrument, words: str) -> int:
    return sum(words in line for line in instrument.lines)


def await_again(instrument: Instrument, role: str, before: int) -> bool:
    """Wait until a child works again; return whether it does."""
    deadline = time.monotonic() + 30
    while count(instrument, f"{role} plays again") <= before:
        if time.monotonic() > deadline or instrument.process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


def await_count(instrument: Instrument, words: str, number: int, seconds: float = 30.0) -> bool:
    """Wait until so many sentences hold some words; return whether they do."""
    deadline = time.monotonic() + seconds
    while count(instrument, words) < number:
        if time.monotonic() > deadline or instrument.process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


def same_presets(seen: Seen, performer: Performer, since: int) -> None:
    """Hear whether all parts play on, and what they played before."""
    want = pitches()

    def all_parts() -> bool:
        heard = {data[0] & 15 for _, data in performer.recorded[since:] if data[0] & 0xF0 == 0x90 and data[2]}
        return heard >= set(want)

    try:
        performer.until(all_parts, 15)
    except AssertionError:
        seen.hold(False, "not all parts play again")
        return
    wrong = {
        data[1] for _, data in performer.recorded[since:]
        if data[0] & 0xF0 == 0x90 and data[2] and data[1] not in want.get(data[0] & 15, {data[1]})
    }  # fmt: skip
    seen.hold(not wrong, f"after the restart pitches {sorted(wrong)} of no preset of the mix")

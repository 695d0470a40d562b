"""Rows about other programs: their ports get other names, two are called the same, and a DAW is killed.

*Units*: moments are seconds of the monotonic clock, in the period in which a message came.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.seen import Row, Seen
from tests.faults.show import (
    NAMED,
    PIECE,
    THRU,
    await_count,
    count,
    left_sounding,
    released,
    same_presets,
    show,
    struck,
)
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument
from tests.processes import BOUND

JOINED = 2.0
"""Seconds within which a port that comes back is joined."""


def peers(port: object) -> set[str]:
    """Return the names of the ports that are connected to one of a performer's."""
    return {one.name for one in port.connections}  # type: ignore[attr-defined]


def hears(performer: Performer, seconds: float = 10.0) -> float | None:
    """Return after how many seconds the next note comes, None where none does."""
    known, at = len(performer.ons()), time.monotonic()
    try:
        performer.until(lambda: len(performer.ons()) > known, seconds)
    except AssertionError:
        return None
    return time.monotonic() - at


def renamed(seen: Seen, long: bool, folder: Path) -> None:
    """Rename both ports while they are connected, and back."""
    with show(folder) as (instrument, performer):
        for turn in range(20 if long else 2):
            gone, back = count(instrument, "is gone"), count(instrument, "is back")
            performer.play([(0.0, bytes((0x90 | THRU, 44, 90)))])
            performer.until(lambda: (THRU, 44) in performer.sounding(), 5)
            at = time.monotonic()
            performer._to.shortname, performer._from.shortname = f"to {turn}", f"from {turn}"
            seen.inject("both ports renamed")
            seen.hold(await_count(instrument, "is gone", gone + 2, 5), "a name that is gone is not told of")
            # Nobody who holds a key on a port that is gone can be believed to let go of it.
            ends = released(performer, {(THRU, 44): at}, at)
            seen.leave_sounding(1 - len(ends), "a key held on a port that was renamed")
            performer._to.shortname, performer._from.shortname = "to", "from"
            at = time.monotonic()
            seen.hold(await_count(instrument, "is back", back + 2, 5), "a name that is back is not joined")
            seen.bound("joined again after (s)", time.monotonic() - at, JOINED)
            seen.restarts += hears(performer) is not None
            performer.play([(0.0, bytes((0x80 | THRU, 44, 0)))])
        same_presets(seen, performer, len(performer.recorded) - 1)
        seen.hold(not count(instrument, "plays again"), "a child was restarted for a name")
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(performer), "after renaming")


def twins(seen: Seen, long: bool, folder: Path) -> None:
    """Have two clients of nearly the same name: the exact one is joined, never the other; what fits both is refused."""
    first, second = Performer(), Performer()  # The server calls the second one "performer-01".
    other = second.client.name
    instrument = Instrument(folder, *PIECE, *NAMED)
    try:
        instrument.await_ready()
        for _ in range(20 if long else 2):
            seen.hold(hears(first) is not None, "the port of exactly this name hears nothing")
            seen.hold(not peers(second._to) | peers(second._from), f"'{other}' was joined instead of 'performer'")
            gone, back = count(instrument, "is gone"), count(instrument, "is back")
            first.client.deactivate()
            first.client.close()
            seen.inject("one of two ports of the same name goes")
            seen.hold(await_count(instrument, "is gone", gone + 2, 5), "a port that is gone is not told of")
            time.sleep(1.5)  # Longer than between two looks.
            seen.hold(not peers(second._to) | peers(second._from), f"'{other}' was taken for 'performer'")
            at = time.monotonic()
            first = Performer()
            seen.hold(first.client.name == "performer", f"the server calls it '{first.client.name}'")
            seen.hold(await_count(instrument, "is back", back + 2, 10), "the port is not joined again")
            seen.bound("joined again after (s)", time.monotonic() - at, JOINED)
            seen.restarts += 1
        seen.hold(instrument.stop() == 0, "did not leave with 0")
        seen.leave_sounding(left_sounding(first) + left_sounding(second), "two of the same name")
        doubtful = Instrument(folder, *PIECE, "--in", "erforme", "--out", "performer:from")
        seen.inject("a name that fits two ports")
        try:
            seen.hold(doubtful.process.wait(30) == 1, "a doubtful name was accepted")
        finally:
            if doubtful.process.poll() is None:
                doubtful.stop(signal.SIGKILL)
    finally:
        if instrument.process.poll() is None:
            instrument.stop(signal.SIGKILL)
        for one in (first, second):
            one.client.deactivate()
            one.client.close()


def daw() -> None:
    """Play and listen for ever, as a DAW does: a process of its own, to be killed."""
    with Performer("daw") as performer:
        sys.stdout.write(f"here {time.monotonic()}\n")
        sys.stdout.flush()
        performer.until(lambda: bool(performer.ons()), 60)
        sys.stdout.write(f"hears {performer.ons()[0][0]}\n")
        sys.stdout.flush()
        while True:
            keys = [40 + n for n in range(8)]
            phrase = [(n * 0.1, bytes((0x90 | THRU, key, 80))) for n, key in enumerate(keys)]
            phrase += [(0.25 + n * 0.1, bytes((0x80 | THRU, key, 0))) for n, key in enumerate(keys)]
            performer.play(sorted(phrase))
            time.sleep(1.2)


class Daw:
    """The process of ``daw``."""

    def __init__(self) -> None:
        command = [*BOUND, sys.executable, "-c", "from tests.faults.joins import daw; daw()"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def moment(self, word: str) -> float:
        """Return when it said a word; waits for it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return float(line.split()[1])
        raise AssertionError(f"the DAW ended before it said '{word}'")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _through(performer: Performer) -> Callable[[], bool]:
    return lambda: any(channel == THRU for channel, _ in performer.sounding())


def daw_dies(seen: Seen, long: bool, folder: Path) -> None:
    """Kill a DAW that plays and listens in mid-phrase: its keys are let go of, the next one of its name is joined."""
    dice = random.Random(23)
    joined = []
    daw_ = Daw()
    daw_.moment("here")
    try:
        with show(folder, "--in", "daw:to", "--out", "daw:from") as (instrument, performer):
            daw_.moment("hears")
            for number in range(30 if long else 3):
                performer.until(_through(performer), 20)
                time.sleep(dice.uniform(0.0, 0.5))
                performer.until(_through(performer), 20)
                gone = count(instrument, "'daw:to' is gone")
                at = time.monotonic()
                daw_.kill()
                seen.inject("SIGKILL of the DAW")
                time.sleep(0.02)
                notes = {key: began for key, began in struck(performer, at + 0.003).items() if key[0] == THRU}
                ends = released(performer, notes, at)
                seen.released_ms += [seconds * 1000 for seconds in ends]
                seen.leave_sounding(len(notes) - len(ends), f"keys of a DAW that was killed ({number})")
                told = await_count(instrument, "'daw:to' is gone", gone + 1, 10)
                seen.hold(told, "a DAW that is gone is not told of")
                same_presets(seen, performer, len(performer.recorded) - 1)
                daw_ = Daw()
                here = daw_.moment("here")
                joined.append(daw_.moment("hears") - here)
                seen.restarts += 1
            seen.hold(not count(instrument, "plays again"), "a child was restarted for a DAW")
            seen.hold(instrument.stop() == 0, "did not leave with 0")
            seen.leave_sounding(left_sounding(performer), "after DAWs were killed")
    finally:
        daw_.kill()
    seen.bound("the next DAW hears after (s), longest", max(joined, default=0.0), JOINED)


ROWS = [
    Row("ports are renamed", "told, rejoined by exact name within 2 s, no stuck note", renamed, True),
    Row("two ports of the same name", "the exact name is joined, never the other; a doubtful one refused", twins, True),
    Row("the DAW is killed", "its keys let go of, the next one joined within 2 s", daw_dies, True),
]

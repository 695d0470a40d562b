"""The figures of the clock: phase error, time to settle, drift. In virtual time, so the same on every machine.

``python -m tests.clock.yardsticks`` prints them, ``--json`` as JSON; ``--beats`` makes the long runs shorter.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable

from rnnae_live.clock import PPQ
from rnnae_live.clock.follower import Follower
from tests.clock.master import Master, Moment, follow

TEMPOS = (20.0, 40.0, 60.0, 120.0, 180.0, 240.0, 300.0)
JUMPS = ((60.0, 180.0), (180.0, 60.0), (20.0, 300.0), (300.0, 20.0))
JITTERS = (2e-3, 5e-3)
SEEDS = range(8)
BEATS = 10_000

LOCKED = 2 * PPQ
"""Ticks after which the follower has locked."""

SETTLED, SETTLED_TEMPO = 2e-3, 0.03
"""Settled is, from there on: the right tick, within the jitter of a tick (or these seconds), this near to the tempo."""


def phase_rms(bpm: float, jitter: float, seed: int, beats: int = 100) -> float:
    """Return the RMS (s) of the line against the true ticks, after lock."""
    moments = follow(Follower(), Master(bpm, jitter, seed).start().beats(beats).sent)[LOCKED:]
    return math.sqrt(sum(moment.error**2 for moment in moments) / len(moments))


def settle_beats(slow: float, fast: float, jitter: float, seed: int) -> float:
    """Return the beats after a tempo jump until everything is right and stays so."""
    jump = 32 * PPQ
    moments = follow(Follower(), Master(slow, jitter, seed).start().ticks(jump).at(fast).beats(16).sent)
    unsettled = [moment.tick for moment in moments[LOCKED:] if not settled(moment, jitter)]
    return max(0, max(unsettled, default=jump - 1) - jump + 1) / PPQ


def settling(slow: float, fast: float, jitter: float) -> tuple[float, float]:
    """Return the median and the most of the beats that a tempo jump takes to settle."""
    beats = [settle_beats(slow, fast, jitter, seed) for seed in SEEDS]
    return statistics.median(beats), max(beats)


def settled(moment: Moment, jitter: float) -> bool:
    """Return whether the follower is where the master is."""
    return (
        moment.position == moment.tick
        and abs(moment.error) <= max(SETTLED, jitter)
        and abs(moment.tempo - moment.bpm) <= SETTLED_TEMPO * moment.bpm
    )


def drift(master: Master) -> dict[str, int]:
    """Return the ticks that the follower is off at the end, and how many ticks on the way had another number first."""
    moments = [moment for moment in follow(Follower(), master.sent) if moment.heard]
    wrong = sum(moment.position != moment.tick for moment in moments)
    return {"ticks": len(moments), "off_at_the_end": moments[-1].position - moments[-1].tick, "late_right": wrong}


def jittered(beats: int) -> Master:
    """Return a clock with +-5 ms of jitter."""
    return Master(120, 5e-3).start().beats(beats)


def losing(beats: int) -> Master:
    """Return a clock that loses one tick of 97."""
    return Master(120, 2e-3, lost=lambda number: number % 97 == 50).start().beats(beats)


def dropping_out(beats: int) -> Master:
    """Return a clock that is silent for half a second every 32 beats, at several tempos."""
    master = Master(120, 2e-3).start()
    for turn in range(max(1, beats // 33)):
        master.at((20, 60, 120, 180, 240)[turn * 5 // max(1, beats // 33)]).beats(24).drop_out(0.5).beats(8)
    return master.beats(4)


def told_around(beats: int) -> Master:
    """Return a clock that is stopped, located, continued and started again and again."""
    master = Master(120, 2e-3).start().beats(8)
    for turn in range(max(1, beats // 8)):
        master.ticks(1 + turn % 50).stop().ticks(turn % 40)
        if turn % 3 == 0:
            master.locate(7 * turn % 16384)
        if turn % 7 == 0:
            master.start().beats(3)
        else:
            master.go_on().beats(3)
        if turn % 5 == 0:
            master.locate(11 * turn % 16384).beats(2)
        if turn % 4 == 0:
            master.stop().wait(3.0).go_on().beats(2)
    return master.beats(4)


LONG: dict[str, Callable[[int], Master]] = {
    "jitter of 5 ms": jittered,
    "one tick of 97 lost": losing,
    "500 ms drop-outs": dropping_out,
    "song position, stop, continue": told_around,
}


def measure(beats: int) -> dict[str, dict[str, object]]:
    """Return every figure by the row of the goals that it is for."""
    return {
        "phase_rms_ms": {
            f"+-{jitter * 1e3:g} ms at {bpm:g} bpm": round(max(phase_rms(bpm, jitter, s) for s in SEEDS) * 1e3, 3)
            for jitter in JITTERS
            for bpm in TEMPOS
        },
        "settle_beats_median_and_worst": {
            f"{slow:g} to {fast:g} bpm, +-{jitter * 1e3:g} ms": [
                round(beats, 3) for beats in settling(slow, fast, jitter)
            ]
            for jitter in (0.0, *JITTERS)
            for slow, fast in JUMPS
        },
        f"drift_ticks_after_{beats}_beats": {name: drift(master(beats)) for name, master in LONG.items()},
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure the clock against its goals, in virtual time.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--beats", type=int, default=BEATS, help="beats of each long run")
    options = parser.parse_args()
    figures = measure(options.beats)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for row, values in figures.items():
        print(row)
        for name, value in values.items():
            print(f"  {name:<36} {value}")


if __name__ == "__main__":
    main()

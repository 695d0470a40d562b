"""The goals of the clock, by the figures that the yardsticks print."""

from __future__ import annotations

import pytest

from tests.clock import yardsticks
from tests.clock.yardsticks import JUMPS, LONG, TEMPOS

pytestmark = pytest.mark.unit

ALL_RIGHT = {"off_at_the_end": 0, "late_right": 0}


@pytest.mark.parametrize(("jitter", "goal"), [(2e-3, 1e-3), (5e-3, 2e-3)])
@pytest.mark.parametrize("bpm", TEMPOS)
def test_the_phase_error_of_a_jittered_clock(bpm: float, jitter: float, goal: float) -> None:
    assert max(yardsticks.phase_rms(bpm, jitter, seed, beats=40) for seed in range(3)) <= goal


@pytest.mark.parametrize("jitter", [0.0, 2e-3])
@pytest.mark.parametrize(("slow", "fast"), JUMPS)
def test_a_tempo_jump_settles_within_one_beat(slow: float, fast: float, jitter: float) -> None:
    assert yardsticks.settling(slow, fast, jitter)[1] <= 1.0


@pytest.mark.parametrize(("slow", "fast"), JUMPS)
def test_with_5_ms_of_jitter_half_of_the_tempo_jumps_do_so(slow: float, fast: float) -> None:
    # At 300 bpm that is more than half a period either way.
    assert yardsticks.settling(slow, fast, 5e-3)[0] <= 1.0


@pytest.mark.timeout(400)
def test_ten_thousand_beats_have_no_drift() -> None:
    assert yardsticks.drift(yardsticks.jittered(10_000)) == {"ticks": 240_000, **ALL_RIGHT}


@pytest.mark.parametrize("name", list(LONG))
def test_whatever_happens_to_a_clock_it_is_on_the_right_tick(name: str) -> None:
    figures = yardsticks.drift(LONG[name](600))
    assert figures.pop("ticks") > 8000
    assert figures == ALL_RIGHT


def test_the_yardstick_sees_a_follower_that_is_off() -> None:
    master = yardsticks.jittered(4)
    for sent in master.sent[50:]:
        if sent.tick is not None:
            sent.tick += 1
            sent.true += master.period
    assert yardsticks.drift(master)["off_at_the_end"] == -1

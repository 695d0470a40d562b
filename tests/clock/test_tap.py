"""Lists of taps, and the tempo and the beat that they are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.clock import FASTEST, PPQ, SLOWEST, Clock, Tap

pytestmark = pytest.mark.unit


def tapped(*times: float) -> Clock | None:
    tap = Tap()
    for time in times:
        tap.tap(time)
    return tap.line


def off_the_beat(line: Clock, time: float) -> float:
    """Return the ticks from a moment to the nearest beat."""
    tick = line.tick(time)
    return abs(tick - PPQ * round(tick / PPQ))


def steps(*intervals: float) -> list[float]:
    times = [100.0]
    for interval in intervals:
        times.append(times[-1] + interval)
    return times


@given(st.floats(SLOWEST, FASTEST), st.integers(3, 20))
def test_even_taps_are_their_tempo_with_a_beat_on_each(bpm: float, count: int) -> None:
    times = steps(*[60 / bpm] * (count - 1))
    line = tapped(*times)
    assert line is not None
    assert line.bpm == pytest.approx(bpm)
    assert [line.tick(time) for time in times] == pytest.approx([PPQ * n for n in range(count)], abs=1e-3)


def test_two_taps_are_not_enough() -> None:
    assert tapped(1.0) is None
    assert tapped(1.0, 1.5) is None
    assert tapped(1.0, 1.5, 2.0) is not None


@pytest.mark.parametrize(
    "intervals",
    [
        [0.5, 0.5, 0.65, 0.35, 0.5, 0.5],  # late
        [0.5, 0.5, 0.5, 1.0, 0.5, 0.5],  # left out
        [0.5, 0.5, 0.5, 0.03, 0.47, 0.5],  # twice
    ],
)
def test_one_bad_tap_does_no_harm(intervals: list[float]) -> None:
    line = tapped(*steps(*intervals))
    assert line is not None
    assert line.bpm == pytest.approx(120, rel=0.01)
    assert off_the_beat(line, steps(*intervals)[-1]) < 0.5


@pytest.mark.parametrize(("before", "after"), [(0.5, 1.0), (1.0, 0.5), (0.5, 0.6), (0.6, 0.25)])
def test_two_steps_of_another_length_are_a_new_tempo(before: float, after: float) -> None:
    line = tapped(*steps(*[before] * 4, after, after))
    assert line is not None
    assert line.bpm == pytest.approx(60 / after)


@pytest.mark.parametrize("pause", [2.1, 30.0, -5.0])
def test_a_pause_begins_anew(pause: float) -> None:
    times = steps(0.5, 0.5, 0.5)
    anew = times[-1] + pause
    assert tapped(*times, anew) is None
    line = tapped(*times, anew, anew + 0.8, anew + 1.6)
    assert line is not None
    assert line.bpm == pytest.approx(75)
    assert line.tick(anew) == pytest.approx(0, abs=1e-6)


def test_a_tempo_beyond_the_limits_is_held_there_with_the_newest_tap_on_the_beat() -> None:
    times = steps(0.15, 0.15, 0.15)
    line = tapped(*times)
    assert line is not None
    assert line.bpm == FASTEST
    assert off_the_beat(line, times[-1]) < 1e-6
    slow = tapped(*steps(3.2, 3.2, 3.2))
    assert slow is not None
    assert slow.bpm == SLOWEST


@given(st.lists(st.floats(-1e3, 1e6) | st.sampled_from([math.nan, math.inf, 1.0, 1.2, 1.4, 1.6]), max_size=20))
def test_any_times_give_a_tempo_that_makes_sense_or_none(times: list[float]) -> None:
    line = tapped(*times)
    assert line is None or SLOWEST <= line.bpm <= FASTEST

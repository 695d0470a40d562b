"""Lists of ticks and the seconds they are expected at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.clock import PPQ, SIXTEENTH, Clock

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("bpm", "tick", "seconds"), [(120, 24, 0.5), (60, 24, 1.0), (180, 96, 4 / 3), (120, 0, 0.0)])
def test_ticks_are_at_their_seconds(bpm: float, tick: int, seconds: float) -> None:
    assert Clock(bpm, 10.0).time(tick) == pytest.approx(10.0 + seconds)
    assert Clock(bpm, 10.0).tick(10.0 + seconds) == pytest.approx(tick)


@pytest.mark.parametrize(
    ("now", "grid", "line"),
    [(10.0, PPQ, 10.0), (10.01, PPQ, 10.5), (10.01, SIXTEENTH, 10.125), (10.26, SIXTEENTH, 10.375), (10.26, 0, 10.26)],
)
def test_the_next_line(now: float, grid: int, line: float) -> None:
    assert Clock(120, 10.0).next_line(now, grid) == pytest.approx(line)


@given(st.floats(20, 300), st.floats(0, 1e5), st.floats(0, 1e4), st.sampled_from([1, 6, 24, 96]))
def test_a_line_is_never_in_the_past_and_never_a_grid_away(bpm: float, origin: float, after: float, grid: int) -> None:
    clock, now = Clock(bpm, origin), origin + after
    line = clock.next_line(now, grid)
    assert now <= line <= now + grid * clock.tick_seconds + 1e-5


def test_an_hour_has_no_drift() -> None:
    assert Clock(120.0).time(24 * 2 * 3600) == 3600.0


@given(st.floats(20, 300), st.floats(20, 300), st.floats(0, 1e4), st.floats(0, 1e4))
def test_another_tempo_begins_at_the_same_place(bpm: float, other: float, origin: float, now: float) -> None:
    line = Clock(bpm, origin)
    assert line.at_tempo(other, now).bpm == other
    assert line.at_tempo(other, now).tick(now) == pytest.approx(line.tick(now), abs=1e-6)


def test_a_shifted_line_is_later_by_so_much() -> None:
    assert Clock(120, 10.0).shifted(0.25).time(24) == 10.75
    assert Clock.through(48, 11.0, 120) == Clock(120, 10.0)

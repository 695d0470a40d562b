"""Periods follow the wake-ups of a server: evenly while it wakes a little late, at once where it has lost some."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.ports.cycle import CONVINCING, Cycles

PERIOD = 128 / 48000


def wakeups(count: int, jitter: float, seed: int = 0, begin: float = 5.0) -> Iterator[float]:
    """Moments on a grid of periods, each up to ``jitter`` late."""
    chance = random.Random(seed)
    for number in range(count):
        yield begin + number * PERIOD + jitter * chance.random()


def test_periods_follow_each_other_without_a_gap() -> None:
    cycles = Cycles()
    placed = [cycles.place(woken, PERIOD) for woken in wakeups(500, 0.0002)]
    for (_, end), (begin, _) in pairwise(placed):
        assert begin == pytest.approx(end, abs=5e-6)


def test_a_wobble_of_the_wake_ups_is_not_heard() -> None:
    cycles = Cycles()
    begins = [cycles.place(woken, PERIOD)[0] for woken in wakeups(2000, 0.0001)][500:]
    off = [begin - 5.0 - (500 + number) * PERIOD for number, begin in enumerate(begins)]
    assert max(off) - min(off) < 0.00002


def test_one_late_wake_up_moves_nothing() -> None:
    cycles = Cycles()
    for number, woken in enumerate(wakeups(300, 0.0)):
        late = 0.002 if number % 20 == 19 else 0.0
        assert cycles.place(woken + late, PERIOD)[0] == pytest.approx(woken)


def test_after_a_lost_period_they_begin_where_the_server_woke() -> None:
    cycles = Cycles()
    for woken in wakeups(100, 0.0):
        cycles.place(woken, PERIOD)
    for woken in wakeups(100, 0.0, begin=5.0 + 100 * PERIOD + 0.025):
        assert cycles.place(woken, PERIOD) == pytest.approx((woken, woken + PERIOD))


def test_wake_ups_that_stay_late_are_believed() -> None:
    cycles = Cycles()
    for woken in wakeups(100, 0.0):
        cycles.place(woken, PERIOD)
    later = [(woken, cycles.place(woken, PERIOD)[0]) for woken in wakeups(50, 0.0, begin=5.0 + 100 * PERIOD + 0.001)]
    assert all(begin == pytest.approx(woken - 0.001) for woken, begin in later[: CONVINCING - 1])
    assert all(begin == pytest.approx(woken) for woken, begin in later[CONVINCING - 1 :])


def test_an_early_wake_up_shows_that_the_periods_were_late() -> None:
    cycles = Cycles()
    cycles.place(5.0 + 0.001, PERIOD)
    assert cycles.place(5.0 + PERIOD, PERIOD)[0] == 5.0 + PERIOD


def test_a_drift_of_the_sound_card_is_followed() -> None:
    cycles = Cycles()
    real = PERIOD * 1.0003
    off = [cycles.place(5.0 + number * real, PERIOD)[0] - 5.0 - number * real for number in range(5000)]
    assert max(map(abs, off)) < 0.00005


@given(st.integers(1, 400), st.integers(0, 2**16), st.lists(st.floats(0.0, 0.05), max_size=5))
def test_two_clients_soon_agree_whenever_they_came(apart: int, seed: int, lost: list[float]) -> None:
    """One begins ``apart`` periods after the other; some periods are lost while both listen."""
    one, other = Cycles(), Cycles()
    shift = 0.0
    for number, woken in enumerate(wakeups(apart + 900, 0.00005, seed)):
        if number > apart and number % 50 == 0 and lost:
            shift += lost.pop()
        begin, _ = one.place(woken + shift, PERIOD)
        if number >= apart:
            again, _ = other.place(woken + shift, PERIOD)
            if number > apart + 600:
                assert again == pytest.approx(begin, abs=1e-6)

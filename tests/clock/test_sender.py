"""What whoever follows us is sent, and that a follower is where we are by it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.clock import PPQ, Clock, Follower, Sender
from rnnae_live.clock.sender import CONTINUE, LEAD, START, STOP, TICK, song_position
from rnnae_live.events import Due, Transport, read

pytestmark = pytest.mark.unit

LINE = Clock(120, 10.0)
PERIOD = LINE.tick_seconds
HORIZON = 0.02


def asked(sender: Sender, line: Clock, running: bool, begin: float, end: float, step: float = 0.01) -> list[Due]:
    """Return what is due when it is asked for again and again."""
    messages, now = [], begin
    while now < end:
        messages += sender.due(line, running, now, now + HORIZON)
        now += step
    return messages


def ticks(messages: list[Due]) -> list[float]:
    return [one.at for one in messages if one.data == TICK]


def others(messages: list[Due]) -> list[bytes]:
    return [one.data for one in messages if one.data != TICK]


def heard(messages: list[Due]) -> Follower:
    follower = Follower()
    for one in messages:
        event = read(one.data, one.at)
        assert isinstance(event, Transport)
        follower.feed(event)
    return follower


def test_a_count_in_gives_the_tempo_then_start_then_tick_0() -> None:
    messages = asked(Sender(), LINE, True, 9.0, 11.0)
    start = next(n for n, one in enumerate(messages) if one.data == START)
    assert others(messages) == [START]
    assert messages[start].at == pytest.approx(10.0 - LEAD)
    assert ticks(messages[start:])[:3] == pytest.approx([10.0, 10.0 + PERIOD, 10.0 + 2 * PERIOD])
    assert ticks(messages[:start]) == pytest.approx([10.0 - n * PERIOD for n in range(48, 0, -1)])


def test_a_song_that_begins_now_is_started_at_once() -> None:
    messages = Sender().due(LINE, True, 10.0, 10.02)
    assert messages == [Due(10.0, START), Due(10.0, TICK)]
    late = Sender().due(LINE, True, 10.005, 10.006)
    assert late == [Due(10.005, START), Due(10.005, TICK)]


def test_a_song_that_goes_on_is_entered_at_the_next_sixteenth() -> None:
    messages = asked(Sender(), LINE, True, LINE.time(27.5), 11.5)
    where = next(n for n, one in enumerate(messages) if one.data == CONTINUE)
    assert others(messages) == [song_position(30), CONTINUE]
    assert messages[where + 1].at == pytest.approx(LINE.time(30))
    assert len(ticks(messages[:where])) == 2


def test_the_song_position_is_in_sixteenths_lower_half_first() -> None:
    assert song_position(6 * 300) == bytes((0xF2, 300 & 127, 300 >> 7))
    assert read(song_position(6 * 16384), 0.0) == read(song_position(0), 0.0)


def test_stop_is_sent_once_and_the_clock_goes_on() -> None:
    sender = Sender()
    messages = asked(sender, LINE, True, 10.0, 11.0) + asked(sender, LINE, False, 11.0, 12.0)
    assert others(messages) == [START, STOP]
    assert ticks(messages) == pytest.approx([LINE.time(n) for n in range(len(ticks(messages)))])
    assert sender.due(None, False, 12.0, 12.1) == []
    assert sender.wake(None, False, 12.0) is None


def test_without_a_line_a_follower_is_stopped() -> None:
    sender = Sender()
    asked(sender, LINE, True, 10.0, 10.5)
    assert sender.wake(None, True, 10.5) == 10.5
    assert others(sender.due(None, True, 10.5, 10.6)) == [STOP]


@given(
    st.lists(st.tuples(st.floats(20, 300), st.floats(0.05, 2.0)), min_size=1, max_size=8),
    st.sampled_from([0.001, 0.01, 0.02]),
)
@settings(deadline=None)
def test_each_tick_is_sent_once_whatever_the_tempo_does(tempos: list[tuple[float, float]], step: float) -> None:
    sender, line, now = Sender(), LINE, 10.0
    messages: list[Due] = []
    for bpm, seconds in tempos:
        # The tempo changes where nothing has been promised yet.
        line = line.at_tempo(bpm, now + HORIZON)
        messages += asked(sender, line, True, now, now + seconds, step)
        now = max(now + seconds, messages[-1].at)
    messages += asked(sender, line, True, now, now + 6.0)
    assert others(messages) == [START]
    assert all(later.at >= one.at for one, later in pairwise(messages))
    played = ticks(messages[messages.index(next(one for one in messages if one.data == START)) :])
    assert played[-1] == pytest.approx(line.time(len(played) - 1), abs=1e-6)


@pytest.mark.parametrize("missed", [1.5, 3, 5.5])
def test_ticks_that_are_late_are_caught_up_with_and_never_as_a_burst(missed: float) -> None:
    sender = Sender()
    first = asked(sender, LINE, True, 10.0, 10.5)
    resumed = first[-1].at + (missed + 1) * PERIOD
    second = asked(sender, LINE, True, resumed, resumed + 1.0)
    times = ticks(first + second)
    assert others(first + second) == [START]
    assert min(later - one for one, later in pairwise(times)) >= PERIOD / 2 - 1e-9
    assert times[-1] == pytest.approx(LINE.time(len(times) - 1))


def test_what_is_further_away_is_located() -> None:
    sender = Sender()
    first = asked(sender, LINE, True, 10.0, 10.5)
    second = asked(sender, LINE, True, 14.1, 15.5)
    place = int(LINE.tick(14.1)) // 6 * 6 + 6
    assert others(second) == [STOP, song_position(place), CONTINUE]
    follower = heard(first + second)
    assert follower.position == round(LINE.tick(second[-1].at))


def test_a_line_that_leaps_back_a_little_is_waited_for_and_one_that_leaps_far_is_located() -> None:
    sender = Sender()
    first = asked(sender, LINE, True, 10.0, 11.0)
    back = LINE.shifted(4 * PERIOD)
    second = asked(sender, back, True, 11.0, 12.0)
    assert others(first + second) == [START]
    assert second[-1].at == pytest.approx(back.time(len(ticks(first + second)) - 1))
    anew = Clock(120, 12.2)
    third = asked(sender, anew, True, 12.0, 13.0)
    assert others(third) == [STOP, START]
    assert heard(first + second + third).position == round(anew.tick(third[-1].at))


def test_a_far_horizon_is_bounded_and_wake_is_the_next_message() -> None:
    sender = Sender()
    messages = sender.due(LINE, True, 10.0, 1e9)
    assert len(ticks(messages)) <= 2 * PPQ + 1
    wake = sender.wake(LINE, True, 10.5)
    assert wake == pytest.approx(messages[-1].at + PERIOD)

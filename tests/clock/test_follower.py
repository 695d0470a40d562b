"""What the follower makes of somebody else's clock: a list of messages and the tick that it must be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.clock import FASTEST, PPQ, SLOWEST, Follower, State
from rnnae_live.events import Continue, SongPosition, Start, Stop, Tick, Transport
from tests.clock.master import Master, Moment, follow

pytestmark = pytest.mark.unit

TEMPO = st.floats(SLOWEST, FASTEST)
STEADY = 2e-4
"""Seconds by which a clock without jitter may be off, while the tempo that was assumed at first is forgotten."""


def heard(master: Master, follower: Follower | None = None) -> list[Moment]:
    """Return the moments of ticks that were heard."""
    return [moment for moment in follow(follower or Follower(), master.sent) if moment.heard]


def wrong(moments: list[Moment]) -> list[tuple[int, int]]:
    return [(moment.tick, moment.position) for moment in moments if moment.tick != moment.position]


# -- the transport -----------------------------------------------------------------------------------------------------


def test_nothing_runs_before_the_first_tick_after_start() -> None:
    follower = Follower()
    follower.feed(Start(10.0))
    assert (follower.state, follower.line, follower.running, follower.position) == (State.READY, None, False, 0)
    follower.feed(Tick(10.3))
    assert follower.running
    assert follower.line is not None
    assert follower.line.tick(10.3) == 0.0


def test_ticks_alone_tell_the_tempo_and_do_not_run() -> None:
    follower = Follower()
    assert follower.bpm is None
    follow(follower, Master(90).beats(2).sent)
    assert not follower.running
    assert follower.state == State.STOPPED
    assert follower.bpm == pytest.approx(90)


def test_ticks_alone_run_where_that_is_asked_for() -> None:
    follower = Follower(start_on_ticks=True)
    follow(follower, Master(90).beats(2).sent)
    assert (follower.running, follower.position) == (True, 47)
    follower.feed(Stop(12.0))
    follower.feed(Tick(12.01))
    assert not follower.running


@given(bpm=TEMPO, before=st.integers(0, 60), beats=st.integers(1, 4))
@settings(deadline=None)
def test_the_first_tick_after_start_is_tick_0(bpm: float, before: int, beats: int) -> None:
    moments = heard(Master(bpm).ticks(before).start().beats(beats))
    assert not wrong(moments)
    assert abs(moments[0].error) < STEADY
    assert all(abs(moment.error) < STEADY for moment in moments[1:])
    assert moments[-1].tempo == pytest.approx(bpm)


def test_a_start_that_begins_its_clock_anew_is_followed_at_once() -> None:
    moments = heard(Master(120).beats(8).wait(0.007).start().beats(1))
    assert not wrong(moments)
    assert all(abs(moment.error) < 1e-3 for moment in moments)


def test_a_second_start_changes_nothing_before_the_tick_and_a_start_while_running_goes_to_0() -> None:
    moments = heard(Master(120).start().start().beats(2).start().beats(1))
    assert [moment.position for moment in moments] == [*range(48), *range(24)]


def test_stop_keeps_the_position_and_continue_goes_on() -> None:
    follower, master = Follower(), Master(120).start().ticks(31).stop()
    follow(follower, master.sent)
    assert (follower.position, follower.running, follower.line, follower.state) == (30, False, None, State.STOPPED)
    assert not wrong(heard(master.ticks(9).go_on().beats(2)))


@given(sixteenths=st.integers(0, 16383), before=st.integers(0, 40), stopped=st.integers(0, 40))
@settings(deadline=None)
def test_a_song_position_holds_from_continue(sixteenths: int, before: int, stopped: int) -> None:
    follower, master = Follower(), Master(120).start().ticks(before).stop().ticks(stopped).locate(sixteenths)
    follow(follower, master.sent)
    assert follower.position == 6 * sixteenths
    moments = heard(master.go_on().beats(2))
    assert not wrong(moments)
    assert moments[-1].position == 6 * sixteenths + 47


def test_a_song_position_while_running_holds_from_the_next_tick() -> None:
    moments = heard(Master(120).start().beats(2).locate(400).beats(1).locate(0).beats(1))
    assert [moment.position for moment in moments] == [*range(48), *range(2400, 2424), *range(24)]
    assert moments[48].generation == moments[47].generation + 1


def test_what_is_ready_and_stopped_again_goes_on_from_there() -> None:
    follower = Follower()
    for event in (SongPosition(1.0, 4), Continue(1.1), Stop(1.2), Continue(1.3), Tick(1.4)):
        follower.feed(event)
    assert follower.position == 24


def test_continue_while_running_changes_nothing() -> None:
    moments = heard(Master(120).start().beats(1).go_on().beats(1))
    assert not wrong(moments)
    assert moments[-1].generation == moments[2].generation


def test_a_clock_that_is_silent_while_stopped_and_comes_back_at_another_tempo() -> None:
    moments = heard(Master(120).start().beats(4).stop().wait(7.3).at(75).go_on().beats(2))
    assert not wrong(moments)
    assert all(abs(moment.error) < STEADY for moment in moments[98:])


# -- ticks that do not come, and ticks that come twice -----------------------------------------------------------------


@pytest.mark.parametrize("bpm", [20, 60, 120, 240, 300])
@pytest.mark.parametrize("jitter", [0.0, 1e-3])
def test_a_lost_tick_is_counted_and_not_noticed(bpm: float, jitter: float) -> None:
    moments = heard(Master(bpm, jitter, lost=lambda number: number % 50 == 49).start().beats(20))
    assert not wrong(moments)
    assert moments[-1].generation == moments[PPQ].generation


@pytest.mark.parametrize("bpm", [20, 60, 119, 121, 240, 300])
@pytest.mark.parametrize("jitter", [0.0, 1e-3])
def test_a_drop_out_of_half_a_second(bpm: float, jitter: float) -> None:
    moments = heard(Master(bpm, jitter).start().beats(16).drop_out(0.5).beats(8).drop_out(0.5).beats(2))
    assert not wrong(moments)
    assert all(abs(moment.error) < 2e-3 for moment in moments[PPQ:])


def test_the_line_coasts_for_a_beat_and_is_lost_then() -> None:
    follower = Follower()
    follow(follower, Master(120, time=10.0).start().beats(4).sent)
    line, last = follower.line, 10.0 + 95 / 48
    follower.advance(last + 0.49)
    assert follower.line == line
    assert follower.wake() == pytest.approx(last + 0.5)
    follower.advance(last + 0.5 + STEADY)
    assert (follower.state, follower.line, follower.position, follower.wake()) == (State.LOST, None, 95, None)
    follower.feed(Tick(last + 2.0))
    assert (follower.state, follower.position) == (State.RUNNING, 95 + 96)


def test_a_lost_clock_that_was_stopped_goes_on_where_it_was() -> None:
    master = Master(120).start().beats(4).wait(3.0)
    assert not wrong(heard(master.go_on().beats(1)))
    follower = Follower()
    follow(follower, master.stop().sent)
    assert follower.state == State.STOPPED


@given(bpm=st.sampled_from([30, 60, 120, 240]), every=st.integers(20, 60))
@settings(max_examples=30, deadline=None)
def test_a_tick_that_comes_twice_counts_once(bpm: float, every: int) -> None:
    master = Master(bpm).start().ticks(40)
    for _ in range(6):
        master.ticks(every).repeat()
    moments = heard(master.beats(1))
    assert not wrong(moments)
    assert all(abs(moment.error) < 1e-3 for moment in moments[2:])


def test_a_late_tick_with_the_next_ones_right_behind_it_is_not_a_new_tempo() -> None:
    master = Master(120).start().beats(8)
    before = len(master.sent)
    master.beats(2)
    for sent in master.sent[before + 3 : before + 5]:
        assert sent.event is not None
        sent.event = Tick(master.sent[before + 5].true - 1e-4)
    moments = heard(master)
    assert not wrong(moments[before + 5 :])
    assert all(abs(moment.error) < 2e-3 for moment in moments[PPQ:])


# -- the tempo ---------------------------------------------------------------------------------------------------------


@given(slow=TEMPO, fast=TEMPO)
@settings(max_examples=60, deadline=None)
def test_any_tempo_jump_is_right_within_a_beat(slow: float, fast: float) -> None:
    moments = heard(Master(slow).start().beats(8).at(fast).beats(4))
    assert not wrong(moments[9 * PPQ :])
    assert all(abs(moment.error) < 3e-3 for moment in moments[9 * PPQ :])


@pytest.mark.parametrize(("slow", "fast"), [(60, 180), (180, 60), (20, 300), (300, 20)])
def test_a_tempo_jump_is_a_discontinuity_and_is_over_soon(slow: float, fast: float) -> None:
    moments = heard(Master(slow).start().beats(8).at(fast).beats(8))
    assert moments[-1].generation > moments[8 * PPQ - 1].generation
    assert moments[-1].generation == moments[9 * PPQ].generation


@pytest.mark.parametrize(("first", "last"), [(60, 120), (120, 60)])
@pytest.mark.parametrize("jitter", [0.0, 2e-3, 5e-3])
def test_an_accelerando_over_eight_bars_is_followed(first: float, last: float, jitter: float) -> None:
    moments = heard(Master(first, jitter).start().beats(8).ramp(last, 32).beats(8))
    assert not wrong(moments)
    assert max(abs(moment.error) for moment in moments[8 * PPQ :]) < 2e-3 + 1.5 * jitter
    assert moments[-1].tempo == pytest.approx(last, rel=0.01)


@given(bpm=TEMPO, seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_place_of_a_jittered_clock_is_never_wrong(bpm: float, seed: int) -> None:
    assert not wrong(heard(Master(bpm, 2e-3, seed).start().beats(20)))


# -- nothing raises ----------------------------------------------------------------------------------------------------

TIME = st.floats(-1e3, 1e6) | st.sampled_from([0.0, 1.0, 1.0001, 1.02, math.nan, math.inf, -math.inf])
STEP = st.sampled_from([0.0, -1e-4, 1e-4, 8e-3, 0.02, 0.125, 0.6, 5.0, -3.0, 1e5])
EVENT = st.sampled_from([Tick, Tick, Tick, Start, Continue, Stop])


def check(follower: Follower) -> None:
    """Assert what holds at any moment."""
    assert follower.running == (follower.line is not None) == (follower.state == State.RUNNING)
    assert follower.bpm is None or SLOWEST <= follower.bpm <= FASTEST
    assert follower.line is None or math.isfinite(follower.line.time(follower.position))
    wake = follower.wake()
    assert wake is None or math.isfinite(wake)


@given(st.lists(st.tuples(EVENT, STEP), max_size=80), st.booleans())
@settings(max_examples=200, deadline=None)
def test_messages_in_any_order_at_any_distance(steps: list[tuple[type[Tick], float]], on_ticks: bool) -> None:
    follower, time, generation = Follower(start_on_ticks=on_ticks), 100.0, 0
    for number, (kind, step) in enumerate(steps):
        time += step
        event: Transport = SongPosition(time, number) if number % 13 == 12 else kind(time)
        follower.feed(event)
        check(follower)
        assert follower.generation >= generation
        generation = follower.generation
        follower.advance(time + step / 2)
        check(follower)


@given(st.lists(st.tuples(EVENT, TIME), max_size=40))
@settings(deadline=None)
def test_messages_at_any_time(events: list[tuple[type[Tick], float]]) -> None:
    follower = Follower(math.nan)
    for kind, time in events:
        follower.feed(kind(time))
        follower.advance(time)
        check(follower)

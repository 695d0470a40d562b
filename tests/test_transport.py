"""The transport: lines, tempo, taps, and what has moved."""

from __future__ import annotations

import pytest

from rnnae_live.events import SongPosition, Start, Stop, Tick
from rnnae_live.phrase import Metre
from rnnae_live.transport import Move, Transport

pytestmark = pytest.mark.unit


def test_lines_of_a_grid_are_counted_from_an_origin() -> None:
    transport = Transport(120.0, Metre(0, 3, 4))
    transport.start(10.0)
    assert [transport.grid(name) for name in ("now", "1/16", "beat", "bar")] == [0, 6, 24, 72]
    assert transport.line(10.0, 72) == 0.0
    assert transport.line(10.1, 72) == 72.0
    assert transport.line(10.1, 24, origin=7.0) == 7.0
    assert transport.line(10.5, 0) == pytest.approx(24.0)


def test_in_six_eight_a_beat_is_an_eighth() -> None:
    transport = Transport(metre=Metre(0, 6, 8))
    assert (transport.grid("beat"), transport.bar) == (12, 72)


def test_another_tempo_goes_on_from_where_it_is() -> None:
    transport = Transport(120.0)
    transport.start(0.0)
    transport.moved(0.0)
    transport.tempo(60.0, 1.0)
    assert transport.clock.tick(1.0) == pytest.approx(48.0)
    assert transport.clock.tick(2.0) == pytest.approx(72.0)
    assert transport.moved(1.0) is Move.TIME
    assert transport.moved(1.0) is Move.NONE
    transport.tempo(1000.0, 2.0)
    assert transport.bpm == 300.0


def test_the_count_in_lies_before_tick_0() -> None:
    transport = Transport(120.0)
    transport.start(5.0, count_in=2)
    assert transport.clock.tick(5.0) == pytest.approx(-192.0)
    assert transport.moved(5.0) is Move.ELSEWHERE
    transport.stop()
    assert transport.moved(6.0) is Move.ELSEWHERE


def test_a_free_clock_takes_the_phase_of_a_phrase_and_a_running_one_does_not() -> None:
    transport = Transport(120.0)
    transport.free(3.25)
    assert transport.clock.tick(3.25) == 0.0
    transport.start(4.0)
    transport.free(9.0)
    assert transport.clock.tick(4.0) == 0.0


def test_taps_set_tempo_and_phase_at_rest_and_tempo_alone_while_it_runs() -> None:
    transport = Transport(120.0)
    for beat in range(4):
        transport.tap(1.0 + beat * 0.4)
    assert transport.bpm == pytest.approx(150.0)
    assert (transport.clock.tick(1.4) + 12) % 24 == pytest.approx(12.0, abs=0.01)
    running = Transport(120.0)
    running.start(0.0)
    for beat in range(4):
        running.tap(1.03 + beat * 0.4)
    assert running.bpm == pytest.approx(150.0)


def test_a_tap_under_an_answer_moves_no_tick_of_it() -> None:
    transport = Transport(120.0)
    for beat in range(4):
        at = 1.07 + beat * 0.4
        before = transport.clock.tick(at)
        transport.tap(at, sounding=True)
        assert transport.clock.tick(at) == pytest.approx(before)
    assert transport.bpm == pytest.approx(150.0)


def test_somebody_elses_clock_is_followed_and_cannot_be_turned() -> None:
    transport = Transport(120.0, sync="midi")
    for number in range(48):
        transport.follow(Tick(number * 0.025))
    transport.follow(Start(1.19))
    for number in range(25):
        transport.follow(Tick(1.2 + number * 0.025))
    ran = transport.running
    assert transport.moved(1.8) is Move.ELSEWHERE
    assert transport.clock.tick(1.8) == pytest.approx(24.0, abs=0.05)
    transport.tempo(60.0, 1.8)
    transport.start(1.8)
    assert transport.bpm == pytest.approx(100.0, abs=0.5)
    assert transport.tap(1.8) is None
    transport.follow(SongPosition(1.81, 0))
    transport.follow(Tick(1.825))
    assert transport.moved(1.825) is Move.ELSEWHERE
    transport.follow(Stop(1.83))
    assert (ran, transport.running) == (True, False)
    own = Transport()
    own.follow(Start(0.0))
    own.follow(Tick(0.0))
    assert not own.running

"""Parts in virtual time: loops, traded bars, and what changes while it sounds."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnae_live.events import Cut, note_off, note_on
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.walk import HORIZON, LEAD
from tests.virtual import BAR, BEAT, BEGIN, DOWN, UP, Echo, Preset, Stage, begun, choose, line, looping

pytestmark = pytest.mark.path


def test_a_loop_walks_along_its_song_without_end() -> None:
    stage = Stage(looping(("Down", 1.0)))
    stage.run(BEGIN + 13.0)
    # Two bars with eight notes, two with four and a bar of rest each, and again.
    start = begun(stage)
    assert stage.pitches()[:24] == DOWN * 2
    assert [at for at, _, _ in stage.ons()[:12]] == [round(start + n * BEAT, 3) for n in range(12)]
    assert stage.ons()[12][0] == round(start + 3 * BAR, 3)


def test_a_change_is_heard_at_once_and_only_in_what_was_not_played() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 2.4 * BEAT)
    assert stage.pitches() == DOWN[:3]
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 4 * BEAT - 0.01)
    assert stage.pitches() == [*DOWN[:3], UP[3]]
    assert len({at for at, _, _ in stage.ons()}) == 4
    stage.player.cut(Cut())
    assert stage.whole()


def test_a_note_that_was_handed_over_is_taken_back() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT - HORIZON / 2)
    assert stage.player.pending
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 1.5 * BEAT)
    assert stage.pitches() == [DOWN[0], UP[1]]


def test_what_is_about_to_sound_is_not_taken_back() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT - LEAD / 2)
    stage.turn(20, 0)
    stage.turn(21, 127)
    stage.run(BEGIN + start + 2.5 * BEAT)
    assert stage.pitches() == [DOWN[0], DOWN[1], UP[2]]


@pytest.mark.parametrize(("quantise", "line_at"), [("beat", 2), ("bar", 4), ("phrase", 8)])
def test_a_change_waits_for_its_line(quantise: str, line_at: int) -> None:
    voices = Echo([Preset("Low", line(*[40] * 8), 0), Preset("High", line(*[80] * 8), 1)])
    stage = Stage(looping(("Low", 1.0), ("High", 0.0), quantise=choose("quantise", quantise)), voices)
    start = begun(stage)
    stage.run(BEGIN + start + 1.2 * BEAT)
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 16 * BEAT - 0.2)
    assert stage.pitches()[:16] == [40] * line_at + [80] * (16 - line_at)
    assert [at for at, _, _ in stage.ons()] == [round(start + n * BEAT, 3) for n in range(16)]


def test_a_shorter_song_that_comes_in_fills_what_is_left_of_the_piece() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 5.5 * BEAT)
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 12 * BEAT - 0.1)
    assert stage.pitches() == [*DOWN[:6], *UP[2:], *UP]
    assert stage.player.dropped == 0


def test_a_fast_knob_costs_no_more_than_one_decoding_every_five_milliseconds() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    stage.run(BEGIN + 1.0)
    before = len(stage.voices.asked)
    for step in range(100):
        stage.turn(21, step)
        stage.run(stage.now + 0.001)
    assert 15 <= len(stage.voices.asked) - before <= 25
    assert stage.voices.asked[-1][0][-1][1] >= 94 / 127


def test_weights_glide_over_the_beats_that_are_asked_for() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0), glide=4.0))
    start = begun(stage)
    stage.run(BEGIN + start + 0.5 * BEAT)
    stage.turn(21, 127)
    before = len(stage.voices.asked)
    stage.run(BEGIN + start + 5.0 * BEAT)
    weights = [dict_of[-1][1] for dict_of, _ in stage.voices.asked[before:] if len(dict_of) > 1]
    assert weights == sorted(weights)
    assert len(set(weights)) >= 14
    assert weights[-1] == pytest.approx(1.0)


def test_frozen_bars_are_played_again_and_again_whatever_is_turned() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 1.2 * BEAT)
    stage.turn(103, 127)
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 4 * BAR - 0.2)
    assert stage.pitches() == DOWN[:8] * 2
    stage.turn(103, 0)
    stage.run(BEGIN + start + 6 * BAR - 0.2)
    assert stage.pitches(since=start + 4 * BAR - 0.1) == UP * 2


def test_trading_bars_the_performer_begins_and_is_answered_on_the_line() -> None:
    values = {"mode": choose("mode", "trade"), "turn": 1.0}
    stage = Stage(Settings(parts=(PartSettings(values=values),)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT)
    stage.play(60, 64, 67)
    stage.run(BEGIN + start + 2 * BAR - 0.01)
    # What was played on beats two to four is played on beats two to four.
    assert [(at, pitch) for at, pitch, _ in stage.ons()] == [
        (round(start + BAR + n * BEAT, 3), pitch) for n, pitch in ((1, 60), (2, 64), (3, 67))
    ]
    stage.run(BEGIN + start + 3 * BAR - 0.01)
    assert stage.whole()
    assert len(stage.ons()) == 3


def test_a_turn_of_two_bars_is_as_long_as_the_performers() -> None:
    values = {"mode": choose("mode", "trade"), "turn": 2.0, "follow": 0.0}
    stage = Stage(PartSettings(presets=(("Down", 1.0),), values=values))
    start = begun(stage)
    stage.run(BEGIN + start + 8 * BAR)
    assert stage.pitches(start + 2 * BAR - 0.01) == DOWN[:8] * 2
    assert {at >= start + 6 * BAR - 0.01 or at < start + 4 * BAR for at, _, _ in stage.ons()} == {True}


@pytest.mark.parametrize(
    ("end", "asked", "answered"),
    [("pedal", True, 1.5), ("length", False, 4.0), ("bar", False, 2.0)],
)
def test_what_ends_a_phrase(end: str, asked: bool, answered: float) -> None:
    values = {"end": choose("end", end), "start": choose("start", "now"), "turn": 2.0}
    stage = Stage(PartSettings(values=values))
    if asked:
        stage.turn(64, 127)
    stage.play(60, 62)
    stage.run(BEGIN + 1.5)
    assert not stage.sent
    if asked:
        stage.turn(64, 0)
    stage.run(BEGIN + 6.0)
    assert stage.ons()[0][0] == pytest.approx(answered, abs=0.002)
    assert stage.pitches() == [60, 62]


def test_a_phrase_is_taken_into_a_loop() -> None:
    stage = Stage(looping(("Up", 1.0), follow=1.0))
    stage.run(BEGIN + 0.5)
    stage.play(50, 52)
    stage.run(BEGIN + 8 * BAR)
    voices = [len(mix) for mix, _ in stage.voices.asked]
    assert (voices[0], voices[-1]) == (1, 2)


def test_a_captured_phrase_is_there_at_once_and_exact_soon() -> None:
    stage = Stage()
    stage.play(50, 52)
    stage.hear(b"\xb0\x55\x7f")
    stage.hear(b"\xb0\x56\x7f")
    slot = stage.engine.parts[0].slots[1]
    assert slot is not None
    stage.work()
    exact = stage.engine.parts[0].slots[1]
    assert exact is not None
    assert exact is not slot
    assert exact.melody == slot.melody
    assert "note for note" in stage.notices[-1].text


def test_modes_change_on_a_bar_line_while_it_plays() -> None:
    stage = Stage(looping(("Down", 1.0)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT)
    stage.turn(113, 0)
    stage.run(BEGIN + start + 3 * BAR)
    assert stage.pitches() == DOWN[:4]
    assert stage.whole()
    stage.turn(113, 127)
    stage.run(BEGIN + start + 5 * BAR - 0.1)
    assert stage.pitches(start + 3 * BAR) == DOWN[:4]


def test_parts_play_side_by_side_on_their_own_channels() -> None:
    first = PartSettings(0, 0, (("Up", 1.0),), looping().values)
    second = PartSettings(1, 1, (("Down", 1.0),), looping(octave=-1.0).values)
    stage = Stage(Settings(parts=(first, second)))
    start = begun(stage)
    stage.run(BEGIN + start + BAR - 0.1)
    by_channel = {channel: [data[1] for _, data in stage.sent if data[0] == 0x90 | channel] for channel in (0, 1)}
    assert by_channel == {0: UP, 1: [pitch - 12 for pitch in DOWN[:4]]}
    stage.turn(20, 0, channel=1)
    assert stage.engine.parts[0].desk.values["weight 1"] == 1.0
    assert stage.engine.parts[1].desk.values["weight 1"] == 0.0


def test_play_stops_and_starts_from_the_beginning() -> None:
    stage = Stage(looping(("Down", 1.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 1.5 * BEAT)
    stage.hear(b"\xb0\x77\x7f")
    assert stage.whole()
    stage.run(BEGIN + start + 8 * BEAT)
    assert stage.pitches() == DOWN[:2]
    stage.hear(b"\xb0\x77\x7f")
    stage.run(BEGIN + start + 9.5 * BEAT)
    assert stage.pitches() == [*DOWN[:2], *DOWN[:2]]


def test_the_count_in_clicks_every_beat_before_the_first_bar() -> None:
    stage = Stage(Settings(count_in=1, parts=(looping(("Up", 1.0)),)))
    stage.run(BEGIN + 8 * BEAT)
    clicks = [(round(at - BEGIN, 3), data[1]) for at, data in stage.sent if data[0] == 0x99]
    start = begun(stage)
    assert clicks == [(round(start + (n - 4) * BEAT, 3), 76 if n == 0 else 77) for n in range(4)]
    assert stage.ons()[4][0] == start


def test_a_tempo_that_changes_moves_what_was_handed_over() -> None:
    stage = Stage(looping(("Down", 1.0)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT - 0.05)
    stage.turn(115, 127)
    stage.run(BEGIN + start + BEAT + 1.0)
    bpm = stage.engine.transport.bpm
    assert bpm == 300.0
    first = BEAT - 0.05 + 0.05 * 120 / 300
    assert [at - start for at, _, _ in stage.ons()[1:4]] == pytest.approx(
        [first + n * 60 / bpm for n in range(3)], abs=0.002
    )
    stage.player.cut(Cut())
    assert stage.whole()


def test_everything_is_sent_early_by_the_delay_compensation() -> None:
    late, early = (
        Stage(Settings(parts=(looping(("Up", 1.0)),))),
        Stage(Settings(offset=0.02, parts=(looping(("Up", 1.0)),))),
    )
    for stage in (late, early):
        stage.run(BEGIN + 3.0)
    assert [at for at, _, _ in early.ons()] == pytest.approx([at - 0.02 for at, _, _ in late.ons()], abs=0.0011)


def test_thru_is_told_to_the_player() -> None:
    stage = Stage(Settings(thru="notes"))
    stage.player.thru(note_on(0, 60, 90), stage.now)
    stage.player.thru(note_off(0, 60), stage.now)
    stage.run(BEGIN + 0.1)
    assert [data for _, data in stage.sent] == [note_on(0, 60, 90), note_off(0, 60)]
    stage.turn(114, 0)
    stage.player.thru(note_on(0, 61, 90), stage.now)
    stage.run(BEGIN + 0.2)
    assert len(stage.sent) == 2


KNOBS = [20, 21, 28, 30, 31, 103, 104, 105, 106, 110, 113, 115, 117, 119]
TAP = 118

turns = st.tuples(
    st.floats(0, 1.5),
    st.one_of(
        st.tuples(
            st.sampled_from([20, 21, 28, 30, 31, 103, 104, 105, 106, 110, 113, 115, 117, 119]), st.integers(0, 127)
        ),
        st.tuples(st.sampled_from([85, 86, 118, 123]), st.just(127)),
    ),
)


@settings(max_examples=80, deadline=None)
@example([(0.0, (20, 0)), *[(1.0, (118, 127))] * 2, (0.0, (85, 127)), (1.0, (118, 127))], "trade")
@given(st.lists(turns, max_size=30), st.sampled_from(["loop", "trade", "answer"]))
def test_whatever_is_turned_every_note_is_whole_and_none_is_doubled(script: list, mode: str) -> None:  # type: ignore[type-arg]
    values = {"mode": choose("mode", mode), "turn": 1.0}
    stage = Stage(PartSettings(presets=(("Down", 0.7), ("Up", 0.5)), values=values))
    for seconds, (controller, value) in script:
        stage.run(stage.now + seconds)
        stage.turn(controller, value)
    stage.run(stage.now + 4.0)
    stage.player.cut(Cut())
    assert stage.whole()
    assert not [notice.text for notice in stage.notices if notice.fault]
    # A tap is a beat: where that is ahead of the clock, what lies between was missed and is not played late.
    assert stage.player.dropped == 0 or any(controller == TAP for _, (controller, _) in script)

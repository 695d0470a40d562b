"""The engine in virtual time: bytes in, bytes out, without a model, a port or a second of waiting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.control import SLOTS
from rnnae_live.errors import ConfigError, PresetError
from rnnae_live.events import Cut, NoteOn, note_off, note_on, read
from rnnae_live.settings import REST_BEATS, PartSettings, from_plain
from tests.virtual import Stage

GOLDEN = Path(__file__).parent / "golden"
ASK = b"\xb0\x55\x7f"


@pytest.mark.path
def test_a_rest_ends_the_phrase_and_the_answer_starts_on_its_beat() -> None:
    stage = Stage()
    stage.play(60, 64, 67, 72)
    stage.run(110.0)
    # The last key comes up at 1.98 s; two beats later the phrase is over; the next beat of its tempo is at 3.0 s.
    assert REST_BEATS == 2.0
    assert [at for at, _, _ in stage.ons()] == [3.0, 3.5, 4.0, 4.5]
    assert [pitch for _, pitch, _ in stage.ons()] == [60, 64, 67, 72]
    assert not list(stage.player.ledger)


@pytest.mark.path
def test_answer_now_answers_at_once() -> None:
    stage = Stage()
    stage.play(60, 64)
    stage.hear(ASK)
    assert stage.ons() == [(1.0, 60, 80)]
    stage.run(105.0)
    assert [at for at, _, _ in stage.ons()] == [1.0, 1.5]


@pytest.mark.path
@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_bytes_in_bytes_out(name: str) -> None:
    lines = (GOLDEN / f"{name}.txt").read_text().splitlines()
    settings = next((line.removeprefix("# settings ") for line in lines if line.startswith("# settings ")), "{}")
    script = [line.split() for line in lines if line and line[0] != "#"]
    stage = Stage(from_plain(json.loads(settings)))
    for at, way, data in script:
        if way == "in":
            stage.run(100.0 + float(at))
            stage.hear(bytes.fromhex(data))
    wanted = [(float(at), data) for at, way, data in script if way == "out"]
    stage.run(100.0 + wanted[-1][0] + 0.01)
    assert [(round(at - 100.0, 3), data.hex()) for at, data in stage.sent] == wanted


@pytest.mark.unit
def test_asking_again_answers_the_last_phrase_with_the_mix_of_now() -> None:
    stage = Stage()
    stage.play(60, 64, 67, 72)
    stage.hear(ASK)
    stage.run(110.0)
    stage.hear(b"\xb0\x1c\x00")
    stage.hear(b"\xb0\x14\x7f")
    stage.hear(ASK)
    stage.run(120.0)
    assert [pitch for _, pitch, _ in stage.ons()][4:] == [60, 62, 64, 65]


@pytest.mark.unit
def test_loud_and_soft_carry_over_on_the_channel_that_was_played() -> None:
    stage = Stage()
    stage.play(60, velocity=33, channel=5)
    stage.play(64, velocity=77, channel=5)
    stage.hear(ASK)
    stage.run(105.0)
    assert [velocity for _, _, velocity in stage.ons()] == [33, 77]
    assert {data[0] & 0x0F for _, data in stage.sent} == {5}


@pytest.mark.unit
def test_knobs_set_the_mix_and_all_at_zero_keeps_the_last() -> None:
    stage = Stage(PartSettings(presets=(("Down", 0.5),), values={"follow": 0.25}))
    stage.play(60)
    stage.hear(ASK)
    assert [weight for _, weight in stage.voices.asked[-1][0]] == [0.25, 0.5]
    stage.hear(b"\xb0\x15\x7f")
    stage.hear(b"\xb0\x1d\x7f")
    stage.hear(ASK)
    assert [weight for _, weight in stage.voices.asked[-1][0]] == [0.25, 0.5, 1.0]
    assert stage.voices.asked[-1][1] == 1.5
    for controller in (20, 21, 28):
        stage.hear(bytes((0xB0, controller, 0)))
    stage.hear(ASK)
    assert [weight for _, weight in stage.voices.asked[-1][0]] == [0.25, 0.5, 1.0]


@pytest.mark.unit
def test_an_answer_is_as_long_as_the_phrase_and_a_song_alone_is_played_whole() -> None:
    stage = Stage(PartSettings(presets=(("Down", 1.0),), values={"follow": 0.5}))
    stage.play(60, 62, 64, 65)
    stage.hear(ASK)
    stage.run(110.0)
    assert stage.pitches() == [72, 71, 69, 67, 65, 64, 62, 60]
    stage.hear(b"\xb0\x1c\x00")
    stage.hear(ASK)
    stage.run(120.0)
    assert stage.pitches(since=10.0) == [72, 71, 69, 67, 65, 64, 62, 60, 59, 57, 55, 53]


@pytest.mark.unit
def test_nothing_to_answer_with_is_said() -> None:
    stage = Stage()
    stage.hear(ASK)
    assert "nothing to answer with" in stage.notices[0].text
    assert not stage.sent


@pytest.mark.unit
def test_a_program_change_puts_its_preset_into_slot_1() -> None:
    stage = Stage(PartSettings(values={"follow": 0.0}))
    stage.hear(b"\xc0\x04")
    assert stage.notices[-1].text == "Slot 1 is 'Down'."
    stage.hear(ASK)
    stage.run(101.0)
    assert stage.ons()[0][1] == 72
    stage.hear(b"\xc0\x63")
    assert "No preset has program 100" in stage.notices[-1].text


@pytest.mark.unit
def test_hold_keeps_the_phrase_open_through_rests() -> None:
    stage = Stage()
    stage.hear(b"\xb0\x57\x7f")
    stage.play(60, 62)
    stage.run(105.0)
    assert not stage.sent
    stage.play(64, 65)
    stage.hear(b"\xb0\x57\x00")
    stage.run(115.0)
    assert [pitch for _, pitch, _ in stage.ons()] == [60, 62, 64, 65]


@pytest.mark.unit
def test_capture_puts_the_phrase_into_a_slot_that_is_not_heard() -> None:
    stage = Stage(PartSettings(presets=(("Up", 1.0),)))
    stage.hear(b"\xb0\x56\x7f")
    assert "no phrase" in stage.notices[-1].text
    stage.play(40, 41)
    stage.hear(ASK)
    stage.hear(b"\xb0\x56\x7f")
    assert "slot 2" in stage.notices[-1].text
    assert "CC 21" in stage.notices[-1].text
    for _ in range(SLOTS):
        stage.hear(b"\xb0\x56\x7f")
    assert "in use" in stage.notices[-1].text


@pytest.mark.unit
def test_panic_cuts_everything_and_forgets_the_phrase() -> None:
    stage = Stage()
    stage.play(60, 62)
    stage.hear(ASK)
    stage.play(64)
    stage.hear(b"\xb0\x78\x00")
    assert not list(stage.player.ledger)
    count = len(stage.sent)
    stage.run(120.0)
    assert len(stage.sent) == count


@pytest.mark.unit
def test_a_new_answer_cuts_the_old_one() -> None:
    stage = Stage()
    stage.play(*range(60, 68))
    stage.hear(ASK)
    stage.play(40)
    stage.hear(ASK)
    stage.run(120.0)
    assert [pitch for _, pitch, _ in stage.ons()] == [60, 61, 40]
    assert not list(stage.player.ledger)


@pytest.mark.unit
@pytest.mark.parametrize("stage_of_fault", ["encode", "compose"])
def test_a_fault_is_told_and_the_next_phrase_is_answered(stage_of_fault: str) -> None:
    stage = Stage()
    stage.voices.broken = stage_of_fault
    stage.play(60)
    stage.hear(ASK)
    stage.play(62)
    stage.run(110.0)
    assert [notice.fault for notice in stage.notices] == [True, True]
    assert stage.engine.counts.faults == 2
    stage.voices.broken = ""
    stage.play(64)
    stage.hear(ASK)
    stage.run(112.0)
    assert [pitch for _, pitch, _ in stage.ons()] == [64]


@pytest.mark.unit
def test_an_event_that_comes_late_finds_the_phrase_ended_before_it() -> None:
    stage = Stage()
    stage.play(60, 62)
    # A starved engine sees the next note three seconds after the rest: it belongs to the next phrase.
    stage.now = 106.0
    stage.take(stage.engine.handle(NoteOn(105.9, 0, 72, 80), stage.now))
    assert not stage.engine.parts[0].capture.empty
    stage.run(107.5)
    assert [(at, pitch) for at, pitch, _ in stage.ons()] == [(6.0, 60), (6.5, 62)]


@pytest.mark.unit
def test_an_answer_that_took_its_time_is_moved_as_a_whole() -> None:
    stage = Stage()
    stage.play(60, 62)
    event = read(ASK, stage.now)
    assert event is not None
    outputs = stage.engine.handle(event, stage.now)
    stage.take(stage.engine.delay(outputs, 0.004))
    stage.run(104.0)
    assert [at for at, _, _ in stage.ons()] == [1.004, 1.504]


@pytest.mark.unit
def test_an_engine_takes_over_what_another_knew() -> None:
    first = Stage(PartSettings(presets=(("Down", 0.5),)))
    first.play(60, 64)
    first.hear(ASK)
    for data in (b"\xb0\x56\x7f", b"\xb0\x1c\x20", b"\xb0\x14\x50", b"\xb0\x57\x7f"):
        first.hear(data)
    plain = json.loads(json.dumps(first.engine.snapshot()))
    second = Stage()
    second.engine.restore(plain)
    assert second.engine.snapshot() == plain
    heard = [stage.engine.parts[0].desk.heard for stage in (first, second)]
    assert heard[0] is not None
    assert heard[1] is not None
    assert heard[0].melody == heard[1].melody


@pytest.mark.unit
def test_wrong_presets_are_refused_at_the_start() -> None:
    with pytest.raises(PresetError, match="no preset called 'Sideways'"):
        Stage(PartSettings(presets=(("Sideways", 1.0),)))
    with pytest.raises(ConfigError, match="9 presets"):
        Stage(PartSettings(presets=(("Up", 1.0),) * 9))


messages = st.one_of(
    st.builds(note_on, st.integers(0, 1), st.integers(58, 62), st.integers(0, 127)),
    st.builds(note_off, st.integers(0, 1), st.integers(58, 62)),
    st.builds(
        lambda c, v: bytes((0xB0, c, v)), st.sampled_from([20, 28, 29, 85, 86, 87, 120, 123]), st.integers(0, 127)
    ),
    st.builds(lambda p: bytes((0xC0, p)), st.integers(0, 6)),
    st.binary(max_size=4),
)


@pytest.mark.unit
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2), messages), max_size=40))
def test_whatever_is_played_nothing_raises_and_nothing_hangs(script: list[tuple[float, bytes]]) -> None:
    stage = Stage()
    for seconds, data in script:
        stage.run(stage.now + seconds)
        stage.hear(data)
    stage.hear(b"\xb0\x57\x00")
    stage.run(stage.now + 60)
    stage.player.cut(Cut())
    assert not list(stage.player.ledger)
    assert not [notice for notice in stage.notices if notice.fault]
    on, off = (sum(data[0] & 0xF0 == kind for _, data in stage.sent) for kind in (0x90, 0x80))
    assert on == off

"""The desk of a part in virtual time: what is set, undone, diced, mapped and brought along by a preset."""

from __future__ import annotations

import pytest

from rnnae_live.settings import PartSettings
from tests.virtual import BAR, BEAT, BEGIN, DOWN, Echo, Preset, Scene, Stage, begun, line, looping

pytestmark = pytest.mark.path


def test_undo_goes_back_to_the_mix_that_was_heard_before() -> None:
    stage = Stage(looping(("Down", 1.0), ("Up", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + BEAT)
    stage.turn(21, 127)
    stage.turn(20, 0)
    stage.run(BEGIN + start + 2 * BAR + BEAT)
    stage.hear(b"\xb0\x75\x7f")
    assert stage.engine.parts[0].desk.values["weight 1"] == 1.0
    assert stage.engine.parts[0].desk.values["weight 2"] == 0.0
    stage.hear(b"\xb0\x75\x7f")
    assert "nothing to go back to" in stage.notices[-1].text


def test_undo_keeps_a_captured_phrase_exact() -> None:
    stage = Stage()
    stage.play(50, 52)
    stage.hear(b"\xb0\x55\x7f")
    stage.hear(b"\xb0\x56\x7f")
    stage.run(stage.now + 4.0)
    stage.turn(20, 127)
    stage.hear(b"\xb0\x55\x7f")
    stage.work()
    exact = stage.engine.parts[0].slots[1]
    stage.run(stage.now + 4.0)
    stage.hear(b"\xb0\x75\x7f")
    assert stage.engine.parts[0].desk.values["weight 1"] == 0.0
    assert stage.engine.parts[0].slots[1] is exact


def test_dice_fall_as_before_with_deja_vu_and_anew_without() -> None:
    for deja_vu, fresh in ((1.0, False), (0.0, True)):
        stage = Stage(looping(("Up", 1.0), **{"deja vu": deja_vu, "temperature": 1.0}))
        stage.run(BEGIN + 8 * BAR)
        seeds = dict(stage.voices.seeds)
        assert (len(set(seeds.values())) > 1) == fresh


def test_the_same_seed_plays_the_same() -> None:
    seeds = []
    for seed in (7, 7, 8):
        part = PartSettings(None, None, (("Up", 1.0),), looping(**{"deja vu": 0.0}).values, seed=seed)
        stage = Stage(part)
        stage.run(BEGIN + 6 * BAR)
        seeds.append(stage.voices.seeds)
    assert seeds[0] == seeds[1] != seeds[2]


def test_the_map_is_decoded_ahead_in_one_batch_and_then_read() -> None:
    stage = Stage(looping(("Up", 1.0), ("Down", 0.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 0.2)
    stage.turn(30, 0)
    stage.work()
    assert stage.voices.batches == [64]
    before = len(stage.voices.asked)
    for value in range(0, 128, 8):
        stage.turn(30, value)
        stage.run(stage.now + 0.01)
    stage.turn(30, 127)
    stage.run(BEGIN + start + 3.5 * BEAT)
    assert len(stage.voices.asked) == before
    assert stage.pitches()[-1] == DOWN[3]


def test_an_attribute_knob_is_heard_as_soon_as_its_state_is_found() -> None:
    stage = Stage(looping(("Down", 1.0)))
    start = begun(stage)
    stage.run(BEGIN + start + 1.5 * BEAT)
    stage.turn(14, 127)
    stage.run(BEGIN + start + 2.5 * BEAT)
    stage.work()
    stage.run(BEGIN + start + 12 * BEAT - 0.2)
    assert stage.pitches() == [*DOWN[:3], *(pitch + 12 for pitch in DOWN[3:])]
    stage.turn(14, 64)
    stage.run(BEGIN + start + 14 * BEAT - 0.2)
    assert stage.pitches(start + 12 * BEAT - 0.1) == DOWN[:2]


def test_buttons_step_through_the_presets_and_freeze() -> None:
    stage = Stage(looping(("Up", 1.0)))
    slots, values = stage.engine.parts[0].slots, stage.engine.parts[0].desk.values
    names = []
    for controller in (9, 9, 3):
        stage.hear(bytes((0xB0, controller, 127)))
        stage.hear(bytes((0xB0, controller, 0)))
        slot = slots[1]
        names.append(slot and slot.name)
    assert names == ["Down", "Up", "Down"]
    assert values["weight 1"] == 1.0


def test_a_preset_with_a_scene_sets_everything_that_it_names() -> None:
    scene = Scene({"octave": -1.0, "scale": "major", "nothing": 3.0}, "loop")
    voices = Echo([Preset("Up", line(60, 62, 64, 65), 0), Preset("Low", line(60, 60, 60, 60), 7, scene)])
    stage = Stage(looping(("Up", 1.0)), voices)
    start = begun(stage)
    stage.run(BEGIN + start + 1.5 * BEAT)
    stage.hear(b"\xc0\x07")
    stage.run(BEGIN + start + 3.5 * BEAT)
    assert stage.pitches() == [60, 62, 48, 48]
    stage.hear(b"\xb0\x20\x02")
    stage.hear(b"\xc0\x07")
    assert "program 8 of bank 3" in stage.notices[-1].text

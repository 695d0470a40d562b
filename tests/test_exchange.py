"""Another bank in mid-performance: heard at the next phrase, all or nothing, and no note is cut for it."""

from __future__ import annotations

import pytest

from rnnae_live.control import Press
from rnnae_live.errors import PresetError
from tests.virtual import BAR, BEAT, BEGIN, DOWN, UP, Echo, Preset, Stage, begun, choose, line, looping

pytestmark = pytest.mark.unit

OTHER = [67, 66, 65, 64]


def other(*more: str) -> Echo:
    """A bank whose songs have the same names and other notes."""
    return Echo([Preset(name, line(*OTHER)) for name in ("Up", *more)])


def looped(bars: float = 0.5, **values: float) -> Stage:
    """A loop of "Up", in the middle of a bar."""
    stage = Stage(looping(("Up", 1.0), **values))
    stage.run(BEGIN + begun(stage) + bars * BAR)
    return stage


def test_the_next_piece_is_the_new_banks_and_the_one_that_plays_ends_as_it_began() -> None:
    stage = looped()
    assert stage.pitches() == UP[:3]
    stage.engine.exchange(other("Down"))
    stage.run(BEGIN + begun(stage) + 3 * BAR - 0.01)
    assert stage.pitches() == [*UP, *OTHER, *OTHER]
    stage.take(stage.engine.press(Press.STOP, stage.now))
    stage.run(stage.now + BAR)
    assert stage.whole()


def test_a_bank_without_a_preset_that_is_heard_changes_nothing() -> None:
    stage = looped()
    with pytest.raises(PresetError, match="'Up'"):
        stage.engine.exchange(Echo([Preset("Down", line(*OTHER))]))
    assert stage.engine.voices is stage.voices
    stage.turn(21, 127)  # The old bank's "Down" is in slot 2 still.
    stage.turn(20, 0)
    stage.run(stage.now + 4 * BAR)
    assert set(stage.pitches(stage.now - BEGIN - 2 * BAR)) <= set(DOWN)


def test_a_place_whose_preset_is_not_there_and_not_heard_becomes_empty() -> None:
    stage = looped()
    stage.engine.exchange(other())
    assert [slot.name for _, slot in stage.engine.parts[0].slots] == ["Up"]


def test_presets_are_chosen_from_the_new_bank() -> None:
    stage = looped()
    stage.engine.exchange(Echo([Preset("Up", line(*OTHER)), Preset("New", line(*OTHER), 9)]))
    stage.hear(b"\xc0\x09")
    assert stage.engine.parts[0].slots[1] is not None
    assert stage.notices[-1].text == "Slot 1 is 'New'."


def test_what_was_played_is_encoded_again() -> None:
    stage = Stage()
    stage.play(60, 62, 64)
    stage.run(stage.now + 2 * BAR)
    part = stage.engine.parts[0]
    before = part.desk.heard
    assert before is not None
    new = other("Down")
    stage.engine.exchange(new)
    assert part.desk.heard is not None
    assert part.desk.heard.melody is before.melody
    assert part.desk.heard.chain is not before.chain
    stage.turn(85, 127)
    stage.run(stage.now + 2 * BAR)
    assert new.asked[-1][0][0][0] is part.desk.heard.chain


def test_a_captured_phrase_is_made_exact_again_and_stored_once() -> None:
    stage = Stage()
    stage.play(60, 62, 64)
    stage.run(stage.now + 2 * BAR)
    stage.turn(86, 127)
    stage.engine.exchange(other("Down"))  # On its way: stored when the new bank has it.
    stage.work()
    assert [melody.notes[0].pitch for melody, _ in stage.engine.take_kept()] == [60]
    told = [one.text for one in stage.notices if "note for note" in one.text]
    slot = next(slot for _, slot in stage.engine.parts[0].slots if slot.melody is not None)
    stage.engine.exchange(other("Down"))  # Stored already.
    stage.work()
    assert stage.engine.take_kept() == []
    assert [one.text for one in stage.notices if "note for note" in one.text] == told
    again = next(slot for _, slot in stage.engine.parts[0].slots if slot.melody is not None)
    assert again.melody is slot.melody
    assert again.chain is not slot.chain


def test_a_map_that_was_decoded_ahead_is_decoded_again() -> None:
    stage = looped(quantise=choose("quantise", "beat"))
    stage.turn(30, 0)
    stage.work()
    new = other("Down")
    stage.engine.exchange(new)
    stage.turn(31, 0)
    stage.work()
    assert new.batches == [64]
    stage.run(stage.now + BEAT)
    assert not stage.notices or "could not" not in stage.notices[-1].text


def test_there_is_no_way_back_to_the_old_bank() -> None:
    stage = looped()
    stage.turn(21, 127)
    stage.run(stage.now + 3 * BAR)
    stage.engine.exchange(other("Down"))
    stage.take(stage.engine.press(Press.UNDO, stage.now))
    assert stage.notices[-1].text == "There is nothing to go back to."

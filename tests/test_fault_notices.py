"""What fails again and again is counted always, told once in a while, and does not keep the engine busy."""

from __future__ import annotations

import pytest

from rnnae_live.errors import PresetError
from rnnae_live.faults import REST, Faults
from rnnae_live.part import Part
from tests.virtual import BAR, Refining, Stage, looping

pytestmark = pytest.mark.unit


def test_the_same_fault_is_told_once_and_counted_always() -> None:
    faults = Faults()
    assert [one.text for one in faults.tell(ValueError("NaN"), 5.0)] == [
        "Something could not be played: ValueError: NaN"
    ]
    assert faults.tell(ValueError("NaN"), 5.5) == []
    assert [one.text for one in faults.tell(PresetError("There is\nnone."), 5.5)] == [
        "Something could not be played: There is none."
    ]
    assert len(faults.tell(ValueError("NaN"), 5.0 + REST)) == 1
    assert faults.count == 4


def test_work_that_fails_for_good_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def fails(_part: Part) -> None:
        nonlocal asked
        asked += 1
        raise MemoryError

    stage = Stage(looping(("Up", 1.0)))
    stage.run(stage.now + 1.0)
    monkeypatch.setattr(Part, "work", fails)
    stage.work()
    stage.work()
    assert asked == 1
    stage.run(stage.now + REST + 0.1)
    stage.work()
    assert asked == 2
    assert stage.engine.counts.faults == 2
    assert len([one for one in stage.notices if one.fault]) == 2
    monkeypatch.undo()
    stage.run(stage.now + REST + 0.1)
    stage.turn(30, 64)
    stage.work()
    assert stage.voices.batches == [64]


def test_a_captured_phrase_whose_states_cannot_be_found_keeps_those_it_was_heard_with() -> None:
    stage = Stage()
    stage.voices.capture = lambda _melody: Refining((), exact=False)  # type: ignore[method-assign,assignment]
    stage.play(60, 62, 64)
    stage.run(stage.now + 2 * BAR)
    stage.turn(86, 127)
    number, slot = next((number, slot) for number, slot in stage.engine.parts[0].slots if slot.melody is not None)
    stage.work()
    after = stage.engine.parts[0].slots[number]
    assert after is not None
    assert after.chain is slot.chain
    assert stage.notices[-1].text == f"'captured {number}' in slot {number} does not come back exactly."
    before = len(stage.sent)
    stage.turn(19 + number, 127)
    stage.turn(85, 127)
    stage.run(stage.now + 2 * BAR)
    assert len(stage.sent) > before
    assert not [one for one in stage.notices if one.fault]

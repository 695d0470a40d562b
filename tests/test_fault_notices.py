"""What fails again and again is counted always, told once in a while, and does not keep the engine busy."""

from __future__ import annotations

import pytest

from rnnae_live.errors import PresetError
from rnnae_live.faults import REST, Faults
from rnnae_live.part import Part
from tests.virtual import Stage, looping

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

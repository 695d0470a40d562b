"""What an engine shows: all of it once, and then what has changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control import spec
from rnnae_live.settings import PartSettings
from rnnae_live.view import apply, changes, view
from tests.virtual import BEGIN, Stage

pytestmark = pytest.mark.unit

leaves = st.none() | st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=3)
trees = st.recursive(leaves, lambda inner: st.fixed_dictionaries({"a": inner, "b": inner}), max_leaves=12)
views = st.fixed_dictionaries({"a": trees, "b": trees, "c": trees})


@given(views, views)
def test_what_has_changed_leads_from_one_view_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Branches of a view have the same names always, or are None."""
    assert apply(before, changes(before, after)) == after
    assert apply({}, changes({}, after)) == after
    assert changes(after, after) == {}


def test_a_view_shows_what_plays_what_was_heard_and_what_is_turned() -> None:
    values = {"mode": spec("mode").named("loop"), "follow": 0.5}
    stage = Stage(PartSettings(presets=(("Down", 1.0),), values=values))
    stage.run(BEGIN + 0.3)
    stage.play(60, 62)
    stage.run(BEGIN + 3.6)
    seen = json.loads(json.dumps(view(stage.engine, stage.now)))
    part = seen["parts"]["0"]
    assert seen["transport"]["running"]
    assert part["slots"][:3] == ["Down", "Up", None]
    assert [note[2] for note in part["heard"]["notes"]] == [60, 62]
    assert part["sounding"]["weight 1"] == 1.0
    playing = part["playing"]
    assert len(playing["notes"]) == 8
    assert all(playing["start"] <= note[0] < playing["start"] + playing["length"] for note in playing["notes"])
    stage.turn(29, 127)
    different = changes(seen, json.loads(json.dumps(view(stage.engine, stage.now))))
    assert different["parts"]["0"]["values"] == {"temperature": 1.5}
    assert "slots" not in different["parts"]["0"]

"""The slots: presets by name, by number, one after the other; captured phrases; scenes."""

from __future__ import annotations

import pytest

from rnnae_live.control import SLOTS, weight_name
from rnnae_live.errors import ConfigError, ControlError, PresetError
from rnnae_live.slots import Slots, numbered, wishes_of
from tests.virtual import Echo, Preset, Scene, line

pytestmark = pytest.mark.unit

WEIGHTS = {weight_name(number): 0.0 for number in range(1, SLOTS + 1)}


def names(slots: Slots) -> list[str]:
    return [slot.name for _, slot in slots]


def test_what_was_asked_for_comes_first_and_others_of_the_bank_behind_it() -> None:
    assert names(Slots(Echo(), ["Down"])) == ["Down", "Up"]
    assert names(Slots(Echo(), [])) == ["Up", "Down"]
    with pytest.raises(PresetError, match="no preset called"):
        Slots(Echo(), ["Sideways"])


def test_presets_with_a_place_of_their_own_are_there_at_the_start() -> None:
    songs = [Preset(name, line(60), slot=slot) for name, slot in (("a", None), ("b", 3), ("c", None), ("d", 1))]
    assert [(number, slot.name) for number, slot in Slots(Echo(songs), [])] == [(1, "d"), (2, "a"), (3, "b"), (4, "c")]
    assert [(number, slot.name) for number, slot in Slots(Echo(songs), ["c"])] == [(1, "c"), (2, "a"), (3, "b")]


def test_presets_go_where_they_are_put() -> None:
    slots = Slots(Echo(), [])
    assert slots.put("Down", 8).name == "Down"
    assert slots[8] is not None
    with pytest.raises(ControlError, match="no slot 9; there are 1 to 8"):
        slots.put("Down", 9)
    chosen = slots.select(4)
    assert chosen is not None
    assert chosen.name == "Down"
    assert slots.select(99) is None
    stepped = [slots.step(by) for by in (1, 1, -1)]
    assert [slot and slot.name for slot in stepped] == ["Up", "Down", "Up"]


def test_a_captured_phrase_takes_a_slot_that_nobody_hears() -> None:
    voices, melody = Echo(), line(60, 62)
    slots = Slots(voices, [])
    chain = voices.encode(melody)
    assert slots.keep(melody, chain, {**WEIGHTS, "weight 1": 0.5}) == 2
    assert [slots.keep(melody, chain, {**WEIGHTS, "weight 1": 0.5}) for _ in range(7)] == [3, 4, 5, 6, 7, 8, None]
    again = Slots(voices, [])
    again.restore(slots.snapshot())
    assert names(again) == names(slots)
    captured = again[2]
    assert captured is not None
    assert captured.melody == melody


def test_scenes_and_numbers_in_words() -> None:
    scene = Scene({"octave": 9.0, "scale": "dorian", "unknown": 1.0, "freeze": True}, "trade")
    wished = wishes_of(scene)
    assert (wished["octave"], wished["freeze"], wished["mode"]) == (3.0, 1.0, 1.0)
    assert "unknown" not in wished
    assert wishes_of(None) == {}
    with pytest.raises(ConfigError, match="'sideways' is no scale"):
        wishes_of(Scene({"scale": "sideways"}))
    assert [numbered(number) for number in (0, 127, 128 * 2 + 4)] == ["program 1", "program 128", "program 5 of bank 3"]

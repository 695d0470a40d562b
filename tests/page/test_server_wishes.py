"""What only a page asks the engine for: a mix of presets, keys of a screen, a melody that is no preset."""

from __future__ import annotations

import pytest

from rnnae_live.engine import Engine
from rnnae_live.events import DueNote, Notice
from rnnae_live.hearing import plain
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank, make
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.voices import BankVoices

pytestmark = pytest.mark.model

TUNE = Melody(tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate((60, 64, 67, 72, 71, 67, 64, 62))), 192)


def engine(bank: Bank, parts: int = 1) -> Engine:
    return Engine(BankVoices(bank), Settings(parts=tuple(PartSettings(channel_in=at) for at in range(parts))))


def weights(one: Engine, part: int = 0) -> dict[str, float]:
    """Return what is heard of each preset."""
    desk = one.parts[part].desk
    return {slot.name: desk.values[f"weight {at}"] for at, slot in one.parts[part].slots if desk.values[f"weight {at}"]}


def test_a_finger_on_the_map_moves_through_all_songs_and_the_mix_is_always_what_it_says(bank: Bank) -> None:
    one = engine(bank)
    names = [preset.name for preset in bank.presets]
    for at in range(40):
        mix = {names[(at * step) % len(names)]: (step % 4 + 1) / 8 for step in (1, 5, 7, 11)}
        assert not [out for out in one.do({"mix": mix, "part": 0}, float(at)) if isinstance(out, Notice)]
        assert weights(one) == mix


def test_what_is_in_the_mix_already_stays_where_it_is(bank: Bank) -> None:
    one = engine(bank)
    before = {slot.name: at for at, slot in one.parts[0].slots}
    stay = next(name for name, at in before.items() if at == 3)
    other = bank.presets[-1].name
    one.do({"mix": {stay: 0.5, other: 0.5}}, 1.0)
    after = {slot.name: at for at, slot in one.parts[0].slots}
    assert after[stay] == 3
    assert sum(before.get(name) == at for name, at in after.items()) == 7


def test_a_mix_with_a_song_that_is_not_there_changes_nothing(bank: Bank) -> None:
    one = engine(bank)
    one.do({"mix": {bank.presets[0].name: 1.0}}, 1.0)
    before = weights(one)
    told = one.do({"mix": {bank.presets[1].name: 0.5, "No Such Song": 0.5}}, 2.0)
    assert any(isinstance(out, Notice) and out.fault for out in told)
    assert weights(one) == before


def test_a_captured_phrase_is_the_last_to_go(bank: Bank) -> None:
    one = engine(bank)
    one.do({"melody": {"name": "Mine", **plain(TUNE)}, "slot": 8}, 1.0)
    one.do({"mix": {preset.name: 0.1 for preset in bank.presets[-7:]}}, 2.0)
    assert one.parts[0].slots[8] is not None
    assert one.parts[0].slots[8].name == "Mine"
    one.do({"mix": {preset.name: 0.1 for preset in bank.presets[-8:]}}, 3.0)
    assert len(weights(one)) == 8


def test_keys_of_a_screen_are_a_phrase_of_the_part_that_they_are_for(bank: Bank) -> None:
    one = engine(bank, parts=2)
    now = 1.0
    for pitch in (60, 64, 67, 72):
        one.do({"note": [1, pitch, 90], "part": 1}, now)
        one.do({"note": [0, pitch, 0], "part": 1}, now + 0.2)
        now += 0.25
    out = one.do({"press": "answer now", "part": 1}, now)
    while now < 4.0:
        now += 0.02
        out += one.advance(now)
    assert one.parts[0].desk.heard is None
    heard = one.parts[1].desk.heard
    assert heard is not None
    assert [note.pitch for note in heard.melody.notes] == [60, 64, 67, 72]
    assert {note.part for note in out if isinstance(note, DueNote)} == {1}


def test_a_melody_in_a_slot_is_played_from_there(bank: Bank) -> None:
    one = engine(bank)
    told = one.do({"melody": {"name": "Mine", **plain(TUNE)}, "slot": 2, "part": 0}, 1.0)
    assert [out.text for out in told if isinstance(out, Notice)] == ["Slot 2 is 'Mine'."]
    slot = one.parts[0].slots[2]
    assert slot is not None
    assert slot.melody == TUNE
    refused = one.do({"melody": {"name": "Mine", **plain(TUNE)}, "slot": 9}, 2.0)
    assert any(isinstance(out, Notice) and out.fault for out in refused)


def test_a_preset_that_another_process_has_stored_is_found(own: Bank) -> None:
    one = engine(own)
    Bank.open(own.folder).save(make(own.model, TUNE, "Fresh"))
    one.do({"preset": "Fresh", "slot": 1}, 1.0)
    slot = one.parts[0].slots[1]
    assert slot is not None
    assert slot.name == "Fresh"

"""Presets: exact or said to be not, readable, never lost, never in each other's way."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnae_live.errors import PresetError
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import Voice, compose, play
from rnnae_live.mixer import blend as mixed
from rnnae_live.phrase import Metre, Note
from rnnae_live.presets import SONGS, TRASH, Bank, blend, clean_name, make, read_preset

pytestmark = pytest.mark.model


def odd_song(seed: int, notes: int = 40) -> Melody:
    """Return music that no corpus has: random pitches and durations."""
    rng = np.random.default_rng(seed)
    line, here = [], 0
    for _ in range(notes):
        duration = int(rng.choice([3, 6, 8, 12, 18, 24, 27, 48]))
        line.append(Note(here, duration, int(rng.integers(48, 84))))
        here += duration + int(rng.choice([0, 0, 6]))
    return Melody(tuple(line), -(-here // 96) * 96)


def test_every_factory_song_returns_note_for_note(bank: Bank) -> None:
    assert len(bank.presets) == 24
    assert not bank.notices
    assert [p.program for p in bank.presets] == list(range(24))
    for preset, missed in bank.check():
        assert missed is None, preset.name
        assert preset.exact


def test_a_song_of_random_notes_is_exact_or_says_that_it_is_not(bank: Bank) -> None:
    exact = 0
    for seed in range(8):
        preset = make(bank.model, odd_song(seed), f"odd {seed}")
        missed = difference(preset.melody, play(bank.model, preset.chain))
        assert preset.exact == (missed is None)
        exact += preset.exact
    assert exact >= 4


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 300), st.integers(0, 127), st.integers(2, 7))
def test_any_metre_pickup_and_pitch_come_back(bank: Bank, duration: int, pitch: int, beats: int) -> None:
    melody = Melody((Note(5, duration, pitch), Note(5 + duration, 24, pitch)), duration + 100, (Metre(0, beats, 4),))
    preset = make(bank.model, melody, "odd")
    assert preset.exact
    assert difference(melody, play(bank.model, preset.chain)) is None


def test_a_preset_is_read_back_as_it_was_written(own: Bank) -> None:
    preset = make(own.model, odd_song(1), "Straße nach Süden", program=77, credit="nobody")
    file = own.save(preset)
    assert read_preset(file) == preset
    assert own.find(preset.id).chain[0].length == preset.chain[0].length
    assert Bank.open(own.folder).find("straße nach süden").program == 77
    assert json.loads(file.read_text())["notes"][0] == list(preset.notes[0])


def test_saving_again_replaces_and_keeps_the_old_one_in_the_trash(own: Bank) -> None:
    own.save(make(own.model, odd_song(1), "one"))
    own.save(make(own.model, odd_song(2), "One"))
    assert [p.name for p in own.presets if p.name.lower() == "one"] == ["One"]
    assert len(list((own.own / TRASH).iterdir())) == 1


def test_deleting_moves_to_the_trash(own: Bank) -> None:
    preset = make(own.model, odd_song(1), "one")
    file = own.save(preset)
    where = own.delete(preset)
    assert not file.exists()
    assert where.parent == own.own / TRASH
    assert own.deleted() == [preset]
    with pytest.raises(PresetError, match="no preset called 'one'"):
        own.find("one")


def test_a_preset_of_another_model_is_kept_and_comes_home_from_its_notes(bank: Bank, own: Bank) -> None:
    stored = make(own.model, bank.presets[0].melody, "one", program=5, credit="me")
    noise = [msgspec.structs.replace(link, state=stored.links[0].state) for link in stored.links]
    file = own.save(stored)
    file.write_bytes(msgspec.json.encode(stored.changed(model_id="0" * 16, links=noise).record))
    opened = Bank.open(own.folder)
    assert not opened.presets
    assert [p.name for p in opened.strangers] == ["one"]
    assert "reencode" in opened.notices[0]
    made = opened.reencode(opened.strangers[0])
    assert made.exact
    assert not opened.strangers
    again = Bank.open(own.folder)
    assert again.find("one").program == 5
    assert [missed for _, missed in again.check()] == [None]
    assert [p.model_id for p in own.deleted()] == ["0" * 16]


def test_what_the_new_model_cannot_return_stays_as_it_is(own: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = make(own.model, odd_song(1), "one").changed(model_id="0" * 16)
    file = own.save(stored)
    before = file.read_bytes()
    opened = Bank.open(own.folder)
    monkeypatch.setattr("rnnae_live.presets.bank.make", lambda *_, **__: stored.changed(exact=False))
    assert not opened.reencode(opened.strangers[0]).exact
    assert file.read_bytes() == before
    assert opened.strangers


def test_factory_presets_stay(bank: Bank, tmp_path: Path) -> None:
    guarded = Bank(bank.folder, tmp_path / SONGS, bank.model)
    guarded.refresh()
    with pytest.raises(PresetError, match="factory"):
        guarded.delete(guarded.presets[0])
    with pytest.raises(PresetError, match="another name"):
        guarded.save(make(bank.model, odd_song(1), bank.presets[0].name.upper()))


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": 1}',
        b"\xff\xfe",
        b'{"name": "x", "length": 1e999}',
    ],
)
def test_a_damaged_file_is_skipped_with_a_notice(own: Bank, damage: bytes) -> None:
    own.save(make(own.model, odd_song(1), "good"))
    (own.own / "bad.json").write_bytes(damage)
    again = Bank.open(own.folder)
    assert [p.name for p in again.presets] == ["good"]
    assert len(again.notices) == 1
    assert "bad.json" in again.notices[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "AAAA"), ("state", "not base64!"), ("length", 0), ("metre", [0, 4]), ("octaves", 99)],
)
def test_a_link_with_an_impossible_value_is_refused(own: Bank, field: str, value: object) -> None:
    file = own.save(make(own.model, odd_song(1), "good"))
    record = json.loads(file.read_text())
    record["links"][0][field] = value
    file.write_text(json.dumps(record))
    with pytest.raises(PresetError, match=r"no preset|left out"):
        read_preset(file)


def test_names_are_text_and_files_are_tame(own: Bank) -> None:
    preset = make(own.model, odd_song(1), "../../\x1b[31mevil\n\x00name " + "x" * 500)
    assert preset.name.startswith("../../ [31mevil name x")
    assert len(preset.name) <= 120
    assert own.save(preset).parent == own.own
    with pytest.raises(PresetError, match="no name"):
        clean_name("\n\t\x00")


def test_a_wrong_name_is_answered_with_the_near_one(bank: Bank) -> None:
    with pytest.raises(PresetError, match="did you mean 'Ode to Joy'"):
        bank.find("Ode to Joi")
    assert bank.find("#1") == bank.presets[0]
    assert bank.find("ode TO joy").name == "Ode to Joy"


@pytest.mark.parametrize(("count", "first"), [(2, 0), (2, 5), (3, 8), (4, 12), (8, 3), (1, 2)])
def test_a_blend_is_the_mean_and_comes_back_note_for_note(own: Bank, bank: Bank, count: int, first: int) -> None:
    parents = [(preset, 1.0 + at / 2) for at, preset in enumerate(bank.presets[first : first + count])]
    made = blend(own.model, parents, "child", credit="me")
    voices = [Voice(preset.chain, weight) for preset, weight in parents]
    wanted = compose(own.model, voices, bpm=parents[-1][0].bpm)
    assert made.melody.notes == wanted.notes
    assert made.bpm == parents[-1][0].bpm
    assert made.exact
    own.save(made)
    stored = Bank.open(own.folder).find("child")
    assert difference(wanted, play(own.model, stored.chain)) is None
    assert all(preset.name in stored.credit for preset, _ in parents)
    if made.refine_steps == 0:
        mean = mixed(voices)
        assert all(np.array_equal(a.state.h, b.state.h) for a, b in zip(stored.chain, mean, strict=True))


def test_a_blend_needs_a_weight(bank: Bank) -> None:
    with pytest.raises(PresetError, match="weight above 0"):
        blend(bank.model, [(bank.presets[0], 0.0)], "child")


def test_a_moved_preset_keeps_its_program_unless_somebody_has_it(own: Bank) -> None:
    own.save(make(own.model, odd_song(1), "one", program=5).changed(tags=["slow"], slot=2))
    own.save(make(own.model, odd_song(2), "two", program=6))
    for name in ("one", "two"):
        file = own.own / f"{own.find(name).id}.json"
        file.write_bytes(file.read_bytes().replace(own.model.model_id.encode(), b"0" * 16))
    own.refresh()
    assert not own.presets
    own.save(make(own.model, odd_song(3), "three", program=6))
    for stranger in own.strangers:
        assert own.reencode(stranger).exact
    assert [(p.name, p.program, p.slot) for p in own.presets] == [
        ("one", 5, 2),
        ("three", 6, None),
        ("two", None, None),
    ]
    assert own.find("one").tags == ("slow",)

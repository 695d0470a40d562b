"""The library: found by name, program, tag; changed only where it is one's own; numbers stay where they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnae_live.errors import PresetError
from rnnae_live.files import home
from rnnae_live.library import BACKUP, SONGS, TRASH, Library, Preset, Record, Scene, clean_name, shown_program
from rnnae_live.library import catalogue as memory
from rnnae_live.library.names import FILE_NAME, clean_tags, identity
from rnnae_live.library.preset import read_record
from rnnae_live.library.record import SCHEMA, read, write
from tests.library.songs import MODEL, library, song

pytestmark = pytest.mark.unit


@pytest.fixture
def mixed(tmp_path: Path) -> Library:
    """A factory with two presets, and two of one's own."""
    library(tmp_path / "factory", song("Ode", 1, program=0), song("Air", 2, program=4))
    found = Library(tmp_path / "factory", tmp_path / "home" / SONGS, MODEL)
    found.refresh()
    found.save(song("Mine", 3, credit="somebody", tags=["slow", "set 1"]))
    found.save(song("Yours", 4, program=9, tags=["slow"]))
    return found


def test_a_record_is_read_back_as_it_was_written() -> None:
    record = song("ä", 1, program=3, bank=200, slot=8, tags=["x"], scene=Scene({"follow": 0.5}, "loop")).record
    assert read(write(record), "x") == record
    assert json.loads(write(record))["notes"] == [list(note) for note in record.notes]


@pytest.mark.parametrize(
    "fields",
    [
        {"program": 128},
        {"program": -1},
        {"bank": 1 << 14},
        {"slot": 9},
        {"slot": 0},
        {"tags": [""]},
        {"tags": ["x"] * 99},
        {"name": "\n"},
        {"bpm": 0},
        {"links": []},
        {"metres": []},
        {"metres": [[0, 0, 4]]},
        {"notes": [[0, 24, 128, 80]]},
        {"notes": [[0, 24, 60, 80], [12, 24, 60, 80]]},
        {"schema": 0},
        {"scene": {"values": {"follow": [1]}}},
    ],
)
def test_what_cannot_be_is_refused_when_it_is_read(fields: dict[str, object]) -> None:
    record = json.loads(write(song("x").record))
    with pytest.raises(PresetError, match=r"x\.json is no preset"):
        read(json.dumps(record | fields).encode(), "x.json")


def test_what_would_be_refused_is_not_written(mixed: Library) -> None:
    with pytest.raises(PresetError, match="program 128 is not possible"):
        mixed.assign(mixed.find("Mine"), 128)
    with pytest.raises(PresetError, match="33 tags"):
        mixed.tag(mixed.find("Mine"), add=[f"t{n}" for n in range(31)])
    assert mixed.find("Mine").tags == ("set 1", "slow")


def test_a_later_schema_is_left_alone(mixed: Library) -> None:
    file = Path(mixed.find("Mine").file)
    later = file.read_bytes().replace(b'"schema": 2', b'"schema": 3')
    file.write_bytes(later)
    mixed.refresh()
    assert "Update rnnae-live" in mixed.notices[0]
    mixed.save(song("Mine", 3))
    assert file.read_bytes() == later
    assert mixed.find("Mine").id != file.stem


def test_the_old_schema_is_read_and_kept_when_it_is_migrated(mixed: Library) -> None:
    file = Path(mixed.find("Yours").file)
    record = json.loads(file.read_bytes())
    for name in ("bank", "slot", "tags", "scene"):
        del record[name]
    old = json.dumps({**record, "schema": 1}).encode()
    file.write_bytes(old)
    mixed.refresh()
    assert mixed.find("Yours").program == 9
    assert file.read_bytes() == old
    mixed.tag(mixed.find("Yours"), add=["new"])
    assert json.loads(file.read_bytes())["schema"] == SCHEMA
    assert (mixed.own / BACKUP / f"schema1-{file.name}").read_bytes() == old
    assert {p.name for p in mixed.presets} == {"Ode", "Air", "Mine", "Yours"}


def test_the_name_of_the_file_is_the_id_whatever_is_inside(mixed: Library, tmp_path: Path) -> None:
    bad = mixed.own / "tame.json"
    bad.write_bytes(write(msgspec.structs.replace(song("evil", 5).record, id="../../evil")))
    mixed.refresh()
    assert mixed.find("evil").id == "tame"
    mixed.rename(mixed.find("evil"), "good")
    assert mixed.find("good").file == str(bad)
    assert not list(tmp_path.parent.glob("evil*"))


def test_presets_are_found_by_name_id_program_and_nearly(mixed: Library) -> None:
    mine = mixed.find("mine")
    assert mixed.find(mine.id) is mine
    assert mixed.find("#10").name == "Yours"
    mixed.assign(mine, 9, 2)
    assert mixed.find("#3:10").name == "Mine"
    assert shown_program(mixed.find("Mine")) == "3:10"
    for wrong in ("#11", "#2:10", "#", "#x", "#0", "#1:"):
        with pytest.raises(PresetError, match="There is no preset called"):
            mixed.find(wrong)
    with pytest.raises(PresetError, match="did you mean 'Yours'"):
        mixed.find("Your")


def test_a_search_needs_every_word_and_every_tag(mixed: Library) -> None:
    def names(query: str = "", *tags: str) -> list[str]:
        return [p.name for p in mixed.search(query, tags)]

    assert names() == ["Ode", "Air", "Yours", "Mine"]
    assert names("", "SLOW") == ["Yours", "Mine"]
    assert names("", "slow", "set 1") == ["Mine"]
    assert names("some MIN") == ["Mine"]
    assert names("set") == ["Mine"]
    assert names("mine yours") == []


def test_programs_are_found_and_never_move(mixed: Library) -> None:
    def who(program: int, bank: int = 0) -> str | None:
        found = mixed.by_program(bank, program)
        return found.name if found else None

    mixed.delete(mixed.find("Yours"))
    assert [who(n) for n in (0, 4, 9)] == ["Ode", "Air", None]
    assert who(0, 1) is None
    with pytest.raises(PresetError, match="Program 5 is 'Air'; --force"):
        mixed.assign(mixed.find("Mine"), 4)
    mixed.assign(mixed.find("Mine"), 4, force=True)
    assert who(4) == "Mine"
    assert mixed.find("Air").program is None
    mixed.rename(mixed.find("Mine"), "Zzz")
    assert [who(n) for n in (0, 4)] == ["Ode", "Zzz"]
    mixed.delete(mixed.find("Zzz"))
    assert who(4) == "Air"
    mixed.restore()
    assert who(4) == "Zzz"


def test_a_program_that_another_of_ones_own_has_moves_only_when_forced(mixed: Library) -> None:
    mixed.save(song("Third", 5))
    with pytest.raises(PresetError, match="Program 10 is 'Yours'"):
        mixed.assign(mixed.find("Third"), 9)
    with pytest.raises(PresetError, match="Program 10 is 'Yours'"):
        mixed.save(song("Fourth", 6, program=9))
    mixed.save(song("Fourth", 6, program=9), force=True)
    assert mixed.find("#10").name == "Fourth"
    assert mixed.find("Yours").program is None
    again = library(mixed.folder)
    assert [p.name for p in again.presets] == ["Ode", "Air"]


def test_slots_come_first_and_are_one_presets_each(mixed: Library) -> None:
    mixed.place(mixed.find("Mine"), 2)
    mixed.place(mixed.find("Yours"), 1)
    assert [p.name for p in mixed.presets] == ["Yours", "Mine", "Ode", "Air"]
    with pytest.raises(PresetError, match="Slot 1 is 'Yours'"):
        mixed.place(mixed.find("Mine"), 1)
    mixed.place(mixed.find("Mine"), 1, force=True)
    assert [(p.name, p.slot) for p in mixed.presets[:2]] == [("Mine", 1), ("Ode", None)]


@pytest.mark.parametrize("change", ["rename", "tag", "assign", "place", "delete", "scene"])
def test_factory_presets_stay_and_the_next_step_is_told(mixed: Library, change: str) -> None:
    before = Path(mixed.find("Ode").file).read_bytes()
    calls: dict[str, Callable[[Preset], object]] = {
        "rename": lambda p: mixed.rename(p, "x"),
        "tag": lambda p: mixed.tag(p, add=["x"]),
        "assign": lambda p: mixed.assign(p, 50),
        "place": lambda p: mixed.place(p, 1),
        "delete": mixed.delete,
        "scene": lambda p: mixed.set_scene(p, Scene({"follow": 0.1})),
    }
    with pytest.raises(PresetError, match="preset duplicate 'Ode'"):
        calls[change](mixed.find("Ode"))
    assert Path(mixed.find("Ode").file).read_bytes() == before
    copy = mixed.duplicate(mixed.find("Ode"), "My ode")
    assert mixed.is_own(copy)
    assert copy.program is None
    assert mixed.rename(copy, "Better ode").notes == mixed.find("Ode").notes


def test_names_belong_to_one_preset(mixed: Library) -> None:
    with pytest.raises(PresetError, match="'Ode' already"):
        mixed.rename(mixed.find("Mine"), "ODE")
    with pytest.raises(PresetError, match="'Yours' already"):
        mixed.duplicate(mixed.find("Mine"), "yours")
    with pytest.raises(PresetError, match="factory bank has a preset called 'Ode'"):
        mixed.save(song("ode", 9))
    assert mixed.rename(mixed.find("Mine"), "MINE").name == "MINE"


def test_a_name_that_was_given_up_can_be_used_again(mixed: Library) -> None:
    first = mixed.find("Mine")
    mixed.rename(first, "Was mine")
    mixed.save(song("Mine", 3))
    assert mixed.find("Mine").id != first.id
    assert mixed.find("Was mine").notes == mixed.find("Mine").notes


def test_saving_again_keeps_numbers_tags_and_the_old_song(mixed: Library) -> None:
    old = mixed.place(mixed.find("Yours"), 3)
    mixed.save(song("yours", 8))
    new = mixed.find("Yours")
    assert (new.name, new.id, new.program, new.slot, new.tags) == ("yours", old.id, 9, 3, ("slow",))
    assert new.notes == song("x", 8).notes
    assert [p.notes for p in mixed.deleted()] == [song("x", 4).notes]
    with pytest.raises(PresetError, match="called 'yours' again"):
        mixed.restore()
    back, lost = mixed.restore(force=True)
    assert (back.name, back.notes, back.program, lost) == ("Yours", song("x", 4).notes, 9, [])
    assert [p.name for p in mixed.deleted()] == ["yours"]


def test_what_was_deleted_comes_back_last_first_or_by_name(mixed: Library) -> None:
    mixed.delete(mixed.find("Mine"))
    mixed.delete(mixed.find("Yours"))
    assert [p.name for p in mixed.deleted()] == ["Yours", "Mine"]
    mixed.save(song("Other", 7, program=9))
    with pytest.raises(PresetError, match="did you mean 'Mine'"):
        mixed.restore("Mime")
    assert mixed.restore("mine")[0].tags == ("set 1", "slow")
    back, lost = mixed.restore()
    assert (back.name, back.program) == ("Yours", None)
    assert lost == ["Program 10 is 'Other' now"]
    with pytest.raises(PresetError, match="trash is empty"):
        mixed.restore()


def test_what_comes_in_never_replaces_unasked(mixed: Library) -> None:
    before = {p.name: p.record for p in mixed.presets}
    incoming = [song("New", 20, program=9), song("Mine", 21), song("Ode", 22), song("Yours", 4)]
    with pytest.raises(PresetError, match="'Mine' would be replaced; nothing was changed"):
        mixed.take_in(incoming)
    assert {p.name: p.record for p in mixed.presets} == before
    intake = mixed.take_in(incoming, force=True)
    assert intake.stored == ["New", "Mine", "Ode 2"]
    assert intake.there == ["Yours"]
    assert any("'Ode' came in as 'Ode 2'" in text for text in intake.notices)
    assert any("Program 10 is 'Yours'" in text for text in intake.notices)
    assert mixed.find("Mine").notes == song("x", 21).notes
    assert mixed.find("Mine").tags == ("set 1", "slow")
    assert [p.name for p in mixed.deleted()] == ["Mine"]
    assert mixed.take_in([song("Low", 30, program=4)]).notices == []
    assert mixed.find("#5").name == "Low"


def test_twins_that_come_in_together_both_stay(mixed: Library) -> None:
    intake = mixed.take_in([song("Twin", 1, program=70), song("twin", 2, program=70), song("Twin", 1)])
    assert intake.stored == ["Twin", "twin 2", "Twin 3"]
    assert len({p.id for p in mixed.presets}) == len(mixed.presets) == 7
    assert mixed.find("twin 2").program is None


def test_others_changes_are_seen(mixed: Library) -> None:
    other = Library(mixed.folder, mixed.own, MODEL)
    other.refresh()
    assert not mixed.refresh()
    other.rename(other.find("Mine"), "Theirs")
    stale = mixed.find("Mine")
    mixed.tag(stale, add=["x"])
    assert mixed.find("Theirs").tags == ("set 1", "slow", "x")
    other.refresh()
    other.delete(other.find("Theirs"))
    assert mixed.by_program(0, 9) is not None
    with pytest.raises(PresetError, match="is gone"):
        mixed.tag(stale, add=["y"])


def test_a_program_whose_file_is_gone_is_no_program(mixed: Library) -> None:
    mixed.preload()
    again = Library(mixed.folder, mixed.own, MODEL)
    again.refresh()
    Path(again.find("Yours").file).unlink()
    assert again.by_program(0, 9) is None
    ready = mixed.by_program(0, 9)
    assert ready is not None
    assert ready.notes == song("x", 4).notes


def test_files_are_read_once_and_again_when_they_change(mixed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    read_files: list[str] = []

    def counted(file: Path) -> Record:
        read_files.append(file.name)
        return read_record(file)

    monkeypatch.setattr(memory, "read_record", counted)
    mixed.refresh()
    first = Library(mixed.folder, mixed.own, MODEL)
    first.refresh()
    read_files.clear()
    second = Library(mixed.folder, mixed.own, MODEL)
    second.refresh()
    assert read_files == []
    assert [p.name for p in second.presets] == [p.name for p in first.presets]
    file = Path(second.find("Mine").file)
    file.write_bytes(file.read_bytes().replace(b'"Mine"', b'"Nine"'))
    second.refresh()
    assert read_files == [file.name]
    assert second.find("Nine").id == file.stem


@pytest.mark.parametrize("damage", [b"", b"\0" * 4000, b"cut", b"flip"])
def test_a_damaged_memory_is_made_again(
    mixed: Library, tmp_path_factory: pytest.TempPathFactory, damage: bytes
) -> None:
    again = Library(mixed.folder, mixed.own, MODEL)
    again.refresh()
    files = list((home() / "cache").iterdir())
    assert files
    for file in files:
        data = file.read_bytes()
        flipped = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
        file.write_bytes({b"cut": data[: len(data) // 2], b"flip": flipped}.get(damage, damage))
    after = Library(mixed.folder, mixed.own, MODEL)
    after.refresh()
    assert [p.name for p in after.presets] == [p.name for p in again.presets]
    assert not after.notices


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PresetError, match="cannot be written"):
        Library(tmp_path, tmp_path / "file" / SONGS, MODEL).save(song("x"))


def test_a_scene_is_kept_with_its_preset(mixed: Library) -> None:
    scene = Scene({"follow": 0.25, "freeze": True, "scale": "dorian"}, "loop", "nano")
    assert mixed.set_scene(mixed.find("Mine"), scene).scene == scene
    assert library(mixed.folder).find("Ode").scene is None
    mixed.save(song("Mine", 40))
    assert mixed.find("Mine").scene == scene
    assert mixed.set_scene(mixed.find("Mine"), None).scene is None


HOSTILE = [
    "../../etc/passwd",
    "CON",
    "nul.json",
    "a" * 5000,
    "\x1b[31mred\x07",
    "☃\u202e",
    "e\u0301",
    "  ",
    "-rf",
    "\ud800x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_make_tame_files(mixed: Library, name: str) -> None:
    try:
        clean = clean_name(name)
    except PresetError:
        assert name == "  "
        return
    file = mixed.save(song(clean, 50))
    assert file.parent == mixed.own
    assert FILE_NAME.fullmatch(file.name)
    assert library(mixed.folder).refresh() is False
    mixed.refresh()
    assert not mixed.notices
    assert mixed.find(clean).name == clean


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1))
def test_any_name_is_a_file_name_and_one_line(name: str) -> None:
    assert FILE_NAME.fullmatch(f"{identity(name, 0)}.json")
    try:
        clean = clean_name(name)
    except PresetError:
        return
    assert clean.isprintable()
    assert clean_name(clean) == clean


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_tags_are_clean_once_and_for_all(tags: list[str]) -> None:
    try:
        clean = clean_tags(tags)
    except PresetError:
        return
    assert clean_tags(clean) == clean


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.booleans()), max_size=12))
def test_no_number_ever_has_two_presets(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int, bool]]
) -> None:
    found = library(tmp_path_factory.mktemp("bank"), *(song(name, n) for n, name in enumerate("abcd")))
    expected: dict[str, int | None] = dict.fromkeys("abcd")
    for name, program, force in moves:
        holder = next((other for other, had in expected.items() if had == program), None)
        if holder in (None, name) or force:
            found.assign(found.find(name), program, force=force)
            if holder is not None:
                expected[holder] = None
            expected[name] = program
        else:
            with pytest.raises(PresetError, match="--force"):
                found.assign(found.find(name), program)
        assert {p.name: p.program for p in found.presets} == expected
    assert not (found.own / TRASH).exists()

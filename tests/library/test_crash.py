"""Whatever a power cut, a full disk, a kill or a second program does: old or new, nothing torn, nothing lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnae_live import files
from rnnae_live.errors import PresetError
from rnnae_live.library import BACKUP, SONGS, Library, Preset
from rnnae_live.library.shelf import Shelf
from tests.library.disk import Disk, lay_out, tree_of
from tests.library.songs import MODEL, library, song
from tests.processes import BOUND

pytestmark = pytest.mark.unit

Facts = frozenset[tuple[object, ...]]
Change = Callable[[Library], object]


def seen(found: Library) -> Facts:
    """Return all that is known of the presets of a library."""
    return frozenset((p.name, p.bank, p.program, p.slot, p.tags, tuple(p.notes), tuple(p.links)) for p in found.presets)


def songs(found: Library) -> set[tuple[object, ...]]:
    """Return the songs of a library, those in the trash too."""
    return {tuple(p.notes) for p in (*found.presets, *found.deleted())}


def nothing(_: Path) -> None:
    """Begin with no folder at all."""


def two(root: Path) -> None:
    library(root, song("one", 1, program=4, slot=1), song("two", 2, tags=["slow"]))


def one_deleted(root: Path) -> None:
    two(root)
    found = library(root)
    found.delete(found.find("two"))


def one_replaced(root: Path) -> None:
    one_deleted(root)
    library(root, song("two", 9))


def old_schema(root: Path) -> None:
    two(root)
    for file in (root / SONGS).glob("*.json"):
        record = json.loads(file.read_bytes())
        for name in ("bank", "slot", "tags", "scene"):
            del record[name]
        file.write_text(json.dumps({**record, "schema": 1}))


CHANGES: dict[str, tuple[Callable[[Path], None], Change]] = {
    "save into a new home": (nothing, lambda it: it.save(song("three", 3))),
    "save": (two, lambda it: it.save(song("three", 3, program=7))),
    "save over another": (two, lambda it: it.save(song("one", 4))),
    "save and take a program": (two, lambda it: it.save(song("three", 3, program=4), force=True)),
    "rename": (two, lambda it: it.rename(it.find("one"), "uno")),
    "duplicate": (two, lambda it: it.duplicate(it.find("one"), "uno")),
    "tag": (two, lambda it: it.tag(it.find("one"), add=["loud"])),
    "take a program": (two, lambda it: it.assign(it.find("two"), 4, force=True)),
    "take a slot": (two, lambda it: it.place(it.find("two"), 1, force=True)),
    "delete": (two, lambda it: it.delete(it.find("two"))),
    "bring back": (one_deleted, lambda it: it.restore()),
    "bring back over another": (one_replaced, lambda it: it.restore("two", force=True)),
    "migrate": (old_schema, lambda it: it.tag(it.find("one"), add=["loud"])),
    "take in": (two, lambda it: it.take_in([song("three", 3), song("one", 5), song("four", 6)], force=True)),
}
MANY = {"take in"}
"""Changes of several presets: each of them is old or new."""


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be remembered of a folder, so that every look reads its files."""
    monkeypatch.setenv("RNNAE_HOME", os.devnull)


def losses(name: str, tmp_path: Path, deaf_to: str = "") -> list[str]:
    """Cut the power at every moment of a change and return what is wrong afterwards, empty where nothing is."""
    begin, change = CHANGES[name]
    root = tmp_path / "bank"
    root.mkdir()
    begin(root)
    found = library(root)
    old, before = seen(found), songs(found)
    disk = Disk(root, deaf_to)
    with disk.recording():
        change(found)
    now = library(root)
    new = seen(now)
    assert old != new
    wrong = []
    for number, (finished, tree) in enumerate(disk.crashes()):
        place = tmp_path / f"after {number}"
        lay_out(tree, place)
        after = library(place)
        facts = seen(after)
        fits = facts == new if finished else (facts in (old, new) or (name in MANY and facts <= old | new))
        if not fits:
            wrong.append(f"finished {finished}: {sorted(p.name for p in after.presets)}")
        wrong += after.notices
        if not before <= songs(after):
            wrong.append("a song is lost")
        if facts == new and name == "migrate" and not any((place / SONGS / BACKUP).glob("schema1-*.json")):
            wrong.append("no backup")
        after.save(song("next", 99))
        wrong += [f"{path} is left" for path in place.rglob(f"*{files.TEMPORARY}")]
    assert disk.whole() == tree_of(root), "the recorder missed something"
    return wrong


@pytest.mark.parametrize("name", CHANGES)
def test_a_power_cut_at_any_moment_leaves_old_or_new(name: str, tmp_path: Path) -> None:
    assert losses(name, tmp_path) == []


@pytest.mark.parametrize("name", ["save", "save over another", "rename", "tag", "delete", "bring back", "migrate"])
@pytest.mark.parametrize("deaf_to", ["file", "folder"])
def test_without_one_kind_of_sync_the_check_finds_a_loss(name: str, deaf_to: str, tmp_path: Path) -> None:
    assert losses(name, tmp_path, deaf_to)


def test_without_the_sync_above_a_new_folder_the_check_finds_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.sync_folder
    monkeypatch.setattr(files, "sync_folder", lambda folder: real(folder) if folder.name == SONGS else None)
    assert losses("save into a new home", tmp_path)


def test_deleting_before_the_trash_has_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(shelf: Shelf, file: Path) -> Path:
        data = file.read_bytes()
        files.remove(file)
        files.write_whole(shelf.trash / file.name, data)
        return shelf.trash / file.name

    monkeypatch.setattr(Shelf, "discard", careless)
    assert "a song is lost" in losses("delete", tmp_path)


@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_is_full_at_any_moment_leaves_old_or_new(name: str, tmp_path: Path) -> None:
    begin, change = CHANGES[name]
    (tmp_path / "whole").mkdir()
    begin(tmp_path / "whole")
    change(library(tmp_path / "whole"))
    new = seen(library(tmp_path / "whole"))
    for number in range(1, 200):
        root = tmp_path / str(number)
        root.mkdir()
        begin(root)
        found = library(root)
        old, before = seen(found), songs(found)
        disk = Disk(root)
        disk.fail_at = number
        failed = False
        with disk.recording():
            try:
                change(found)
            except PresetError as error:
                failed = "No space left" in str(error)
        if disk.asked < number:
            assert seen(library(root)) == new
            return
        after = library(root)
        assert failed
        assert not after.notices
        assert before <= songs(after)
        assert seen(after) in (old, new) or (name in MANY and seen(after) <= old | new)
        after.save(song("next", 99))
        assert not list(root.rglob(f"*{files.TEMPORARY}"))
    pytest.fail("the change never came to an end")


WRITER = """
import sys
from pathlib import Path
from tests.library.songs import library, song
found = library(Path(sys.argv[1]))
print("ready", flush=True)
{body}
"""


def writer(root: Path, body: str, *args: str) -> subprocess.Popen[str]:
    """Start a program that changes a library."""
    code = WRITER.format(body=body)
    here = Path(__file__).parents[2]
    command = [*BOUND, sys.executable, "-c", code, str(root), *args]
    return subprocess.Popen(command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


CHURN = """
count = 0
while True:
    count += 1
    found.refresh()
    a, b = found.find("one"), found.find("two")
    found.tag(a, add=[f"t{count % 20}"])
    found.assign(b, count % 100, force=True)
    found.rename(b, "two" if count % 2 else "Two")
    found.save(song("three", count))
    found.delete(found.find("three"))
    found.restore()
"""


def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    two(tmp_path)
    wanted = songs(library(tmp_path))
    dice = random.Random(7)
    for _ in range(6):
        process = writer(tmp_path, CHURN)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.0, 0.15))
        process.kill()
        process.communicate()
        after = library(tmp_path)
        assert not after.notices
        assert wanted <= {tuple(p.notes) for p in after.presets}
        names = [p.name.lower() for p in after.presets]
        assert sorted(set(names) - {"three"}) == ["one", "two"]
        assert len(names) == len(set(names))
    library(tmp_path).save(song("next", 99))
    assert not list(tmp_path.rglob(f"*{files.TEMPORARY}"))


BOTH = """
me = sys.argv[2]
sys.stdin.readline()
for count in range(12):
    found.tag(found.find("one"), add=[f"{me}{count}"])
    found.save(song(f"{me} {count}", count, program=count + (20 if me == "a" else 50)))
"""


def test_two_programs_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    two(tmp_path)
    both = [writer(tmp_path, BOTH, me) for me in "ab"]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    after = library(tmp_path)
    assert set(after.find("one").tags) == {f"{me}{count}" for me in "ab" for count in range(12)}
    assert {p.name for p in after.presets} == {"one", "two", *(f"{me} {n}" for me in "ab" for n in range(12))}


def test_two_presets_of_one_number_are_settled_by_what_was_written_last(tmp_path: Path) -> None:
    two(tmp_path)
    found = library(tmp_path)
    loser, winner = found.find("one"), found.find("two")
    text = Path(winner.file).read_text().replace('"program": null', '"program": 4')
    Path(winner.file).write_text(text)
    os.utime(loser.file, (1, 1))
    found.refresh()
    taken = found.by_program(0, 4)
    assert taken is not None
    assert taken.name == "two"
    assert found.find("one").program is None
    assert Preset.of(found.find("one").record).program is None
    assert found.model_id == MODEL

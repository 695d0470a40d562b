"""A bank that is replaced while it plays is opened aside; whatever else becomes of it is told once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnae_live.events import Notice
from rnnae_live.live.bank import BankWatch
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.presets import Bank, factory
from tests.manifests import rewrite

pytestmark = pytest.mark.model


class Watched:
    """A copy of the factory bank, watched; errands are done at once."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(factory(), folder)
        self.folder = folder
        self.errands: list[Callable[[], object]] = []
        self.told: list[Notice] = []
        self.watch = BankWatch(folder, Bank.open(folder), self.errands.append, self.told.append)

    def rename(self, name: str) -> None:
        rewrite(self.folder, name=name)

    def look(self, times: int = 4) -> None:
        for _ in range(times):
            self.watch.look()
            while self.errands:
                assert self.watch.opening
                self.errands.pop()()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "bank")


def test_a_bank_that_stays_is_not_opened_again(watched: Watched) -> None:
    watched.look()
    assert watched.watch.take() is None
    assert watched.told == []


def test_a_bank_that_is_replaced_is_handed_over_once(watched: Watched) -> None:
    watched.rename("another")
    watched.look()
    opened = watched.watch.take()
    assert opened is not None
    assert opened.bank.model.manifest.name == "another"
    watched.look()
    assert watched.watch.take() is None
    assert not watched.watch.opening
    assert watched.told == []


def test_a_bank_that_still_changes_is_left_alone(watched: Watched) -> None:
    for turn in range(4):
        watched.rename(f"another {turn}")
        watched.watch.look()
    assert watched.errands == []
    watched.look()
    opened = watched.watch.take()
    assert opened is not None
    assert opened.bank.model.manifest.name == "another 3"


def test_what_changes_while_it_is_opened_is_opened_again(watched: Watched) -> None:
    watched.rename("first")
    watched.watch.look()
    watched.watch.look()
    open_it = watched.errands.pop()
    watched.rename("second, and longer")
    open_it()
    assert watched.watch.take() is None
    watched.look()
    opened = watched.watch.take()
    assert opened is not None
    assert opened.bank.model.manifest.name == "second, and longer"


def test_a_damaged_bank_is_told_of_once_and_a_good_one_after_it_is_taken(watched: Watched) -> None:
    whole = (watched.folder / FILES[0]).read_bytes()
    (watched.folder / FILES[0]).write_bytes(whole[:-100])
    watched.look(6)
    assert watched.watch.take() is None
    (told,) = watched.told
    assert told.fault
    assert told.text.startswith("The bank has changed and cannot be used; the one that is loaded plays on. ")
    (watched.folder / FILES[0]).write_bytes(whole)
    watched.look()
    assert watched.watch.take() is not None


def test_a_model_that_is_gone_is_told_of(watched: Watched) -> None:
    (watched.folder / MANIFEST).unlink()
    watched.look(6)
    (told,) = watched.told
    assert told.text == f"The model in {watched.folder} is gone; the one that is loaded plays on."
    assert watched.watch.take() is None


def test_a_bank_that_lacks_presets_is_opened_again_when_they_come(watched: Watched) -> None:
    song = next((watched.folder / "songs").glob("*.json"))
    content = song.read_bytes()
    song.unlink()
    watched.rename("another")
    watched.look()
    assert watched.watch.take() is not None
    watched.watch.refuse()
    watched.look()
    assert watched.watch.take() is None
    song.write_bytes(content)
    watched.look()
    opened = watched.watch.take()
    assert opened is not None
    (watched.folder / "songs" / "notes.txt").write_text("a capture, say")
    watched.look()
    assert watched.watch.take() is None
    assert len(opened.bank.presets) == len(Bank.open(watched.folder).presets)


def test_whatever_is_raised_while_it_is_opened_is_told(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_folder: Path | None) -> None:
        raise MemoryError

    monkeypatch.setattr("rnnae_live.live.bank.open_voices", fails)
    watched.rename("another")
    watched.look()
    (told,) = watched.told
    assert "MemoryError" in told.text
    assert not watched.watch.opening

"""The factory's songs and the user's own in one list: found by name, program or tag, and changed.

catalogue, shelf -> [library] -> presets

The factory's presets are read-only. A program and a slot belong to one preset each; a number that one of the user's
own has is not the factory's any more, and no number moves unless it is told to.

*Units*: program 0-127 and bank 0-16383 as on the wire, shown from 1. *Threading*: reading and one writer at a time
may be on different threads: what is found is replaced as a whole. *Errors*: ``PresetError``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.library import catalogue
from rnnae_live.library.names import clean_name, clean_tags, folded, identity, nearest, slug
from rnnae_live.library.numbers import Number, numbers, settle, shown, without
from rnnae_live.library.preset import Preset
from rnnae_live.library.record import Record, Scene
from rnnae_live.library.shelf import SONGS, Shelf, places

PRELOADED = 1024
"""Presets with a program whose notes and states are kept in memory on stage: 20 MB."""


class Library:
    """A bank's presets without its model.

    ``folder`` is the bank, ``own`` the folder of what is saved; ``presets`` in the order of slots, programs and names;
    ``strangers`` were made by another model than ``model_id``; ``notices`` tell what was skipped.
    """

    def __init__(self, folder: Path, own: Path, model_id: str) -> None:
        """Name the folders; ``refresh`` reads them."""
        self.folder = folder
        self.own = own
        self.model_id = model_id
        self.presets: list[Preset] = []
        self.strangers: list[Preset] = []
        self.notices: list[str] = []
        self._seen: list[tuple[str, catalogue.Stamp]] | None = None
        self._numbers: dict[Number, Preset] = {}
        self._ids: dict[str, Preset] = {}
        self._names: dict[str, list[Preset]] = {}
        self._shelf = Shelf(own)

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Return the library of the bank in ``folder``, or the factory's with the user's own presets.

        Raises:
            ModelError: there is no bank.
        """
        place, own = places(folder)
        library = cls(place, own, catalogue.model_id(place))
        library.refresh()
        return library

    def refresh(self) -> bool:
        """Read what others have changed meanwhile; False where they have not."""
        rows = [catalogue.scan(folder) for folder in dict.fromkeys((self.folder / SONGS, self.own))]
        seen = [(row.name, row.stamp) for each in rows for row in each]
        if seen == self._seen:
            return False
        # What comes from the user's own folder has the first right to a number.
        found = [(-at, row.stamp[0], row.preset) for at, each in enumerate(rows) for row in each if row.preset]
        at_home = settle(one for one in found if one[2].model_id == self.model_id)
        strangers = [preset for _, _, preset in found if preset.model_id != self.model_id]
        hint = "`rnnae-live preset reencode` moves it to this one"
        told = [row.fault for each in rows for row in each if row.preset is None]
        told += [f"{one.name!r} was made with another model and is left out; {hint}." for one in strangers]
        self.presets, self.strangers, self.notices, self._seen = at_home, strangers, told, seen
        self._numbers = {number: one for one in at_home for number in numbers(one)}
        self._ids = {one.id: one for one in at_home}
        names: dict[str, list[Preset]] = {}
        for one in at_home:
            names.setdefault(folded(one.name), []).append(one)
        self._names = names
        return True

    def is_own(self, preset: Preset) -> bool:
        """Return whether a preset is the user's to change, or one that is not stored yet."""
        return not preset.file or Path(preset.file).parent == self.own.absolute()

    def by_program(self, bank_number: int, program: int) -> Preset | None:
        """Return the preset of a program 0-127 in a bank 0-16383 (128 x MSB + LSB), ready to play.

        None where there is none, or its file is gone.
        """
        preset = self._numbers.get(("program", bank_number, program))
        if preset is None:
            return None
        try:
            _ = preset.record
        except PresetError:
            return None
        return preset

    def preload(self) -> None:
        """Read the presets that a program or a slot selects, so that choosing one does not wait for the disk."""
        for preset in list(dict.fromkeys(self._numbers.values()))[:PRELOADED]:
            with contextlib.suppress(PresetError):  # Who chooses it is told.
                _ = preset.record

    def find(self, name: str) -> Preset:
        """Return the preset of that name, id, or program number as shown: ``#5``, or ``#2:5`` in bank 2.

        Raises:
            PresetError: there is none, or several.
        """
        tries: tuple[Callable[[], Iterable[Preset]], ...] = (
            lambda: self._by_number(name) if name.startswith("#") else filter(None, [self._ids.get(name)]),
            lambda: (p for p in self._names.get(folded(name), ()) if p.name == name),
            lambda: self._names.get(folded(name), ()),
            lambda: (p for p in self.presets if slug(p.name) == slug(name)),
        )
        for attempt in tries:
            found = list(attempt())
            if len(found) > 1:
                ids = ", ".join(p.id for p in found)
                raise PresetError(f"{len(found)} presets are called {name!r}; give the id of one: {ids}.")
            if found:
                return found[0]
        near = nearest(name, (p.name for p in self.presets))
        hint = f"did you mean {near!r}?" if near else "see `rnnae-live preset list`."
        raise PresetError(f"There is no preset called {name!r}; {hint}")

    def search(self, query: str = "", tags: Sequence[str] = ()) -> list[Preset]:
        """Return the presets that have every word of ``query`` in name, credit or tags, and all of ``tags``."""
        words, wanted = folded(query).split(), set(clean_tags(tags))
        return [
            p
            for p in self.presets
            if (not wanted or wanted <= set(p.tags))
            and (not words or all(word in folded(" ".join((p.name, p.credit, *p.tags))) for word in words))
        ]

    def save(self, preset: Preset, *, force: bool = False) -> Path:
        """Write a preset into the bank's own folder and return its file.

        One of the same name there is replaced: a copy of it goes to the trash, and what the new one does not say
        (program, slot, tags, scene) stays as it was.

        Args:
            preset: that was made.
            force: take program and slot from whichever preset has them.

        Raises:
            PresetError: the folder cannot be written, a factory preset has the name, or its program or slot is taken.
        """
        with self._shelf.writing():
            self.refresh()
            old = self._of_name(preset.name)
            if old is not None and not self.is_own(old):
                raise PresetError(f"The factory bank has a preset called {old.name!r}; give yours another name.")
            record = self._unlike_others(preset.record)
            if old is not None:
                record = _inherit(preset.record, self._without_taken(old.afresh().record)[0])
            losers = self._losers(record, force=force)
            file = self._shelf.put(record, keep_old=True)
            self._strip(losers)
        self.refresh()
        return file

    def change(self, preset: Preset, *, force: bool = False, **fields: Any) -> Preset:  # noqa: ANN401
        """Write other values of some fields of one of the user's own presets and return it as it is now.

        Args:
            preset: to change.
            force: take program and slot from whichever preset has them.
            fields: of ``Record``: name, bank, program, slot, tags, credit, scene.

        Raises:
            PresetError: it is a factory preset, is gone, or its new name, program or slot is taken.
        """
        with self._shelf.writing():
            self.refresh()
            now = self._mine(preset)
            record = msgspec.structs.replace(now.record, **fields)
            if "name" in fields:
                record = msgspec.structs.replace(record, name=self.free_name(record.name, now))
            losers = self._losers(record, force=force)
            self._shelf.put(record, keep_old=False)
            self._strip(losers)
        return self._now(record)

    def rename(self, preset: Preset, name: str) -> Preset:
        """Give a preset another name and return it; its id and file stay.

        Raises:
            PresetError: as ``change``.
        """
        return self.change(preset, name=name)

    def tag(self, preset: Preset, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Preset:
        """Add tags to a preset, take others away, and return it.

        Raises:
            PresetError: as ``change``; a tag is empty, or there are too many.
        """
        added, removed = clean_tags(add), clean_tags(remove)
        with self._shelf.writing():
            self.refresh()
            record = self._mine(preset).record
            record = msgspec.structs.replace(record, tags=sorted({*record.tags, *added} - set(removed)))
            self._shelf.put(record, keep_old=False)
        return self._now(record)

    def assign(self, preset: Preset, program: int | None, bank: int = 0, *, force: bool = False) -> Preset:
        """Give a preset a program 0-127 in a bank 0-16383, None for none, and return it.

        Raises:
            PresetError: as ``change``.
        """
        return self.change(preset, force=force, program=program, bank=bank if program is not None else 0)

    def place(self, preset: Preset, slot: int | None, *, force: bool = False) -> Preset:
        """Put a preset into slot 1-8 of the mixer, None for none, and return it.

        Raises:
            PresetError: as ``change``.
        """
        return self.change(preset, force=force, slot=slot)

    def set_scene(self, preset: Preset, scene: Scene | None) -> Preset:
        """Give a preset a scene, None for none, and return it.

        Raises:
            PresetError: as ``change``.
        """
        return self.change(preset, scene=scene)

    def duplicate(self, preset: Preset, name: str) -> Preset:
        """Copy a preset, a factory preset too, under another name and without its numbers; return the copy.

        Raises:
            PresetError: the name is taken, or the folder cannot be written.
        """
        record = msgspec.structs.replace(preset.record, name=clean_name(name), bank=0, program=None, slot=None)
        with self._shelf.writing():
            self.refresh()
            record = self._unlike_others(msgspec.structs.replace(record, name=self.free_name(name)))
            self._shelf.put(record, keep_old=True)
        return self._now(record)

    def delete(self, preset: Preset) -> Path:
        """Move a preset of the user's own to the trash and return where it lies now.

        Raises:
            PresetError: it is a factory preset, or the folder cannot be written.
        """
        with self._shelf.writing():
            self.refresh()
            trash = self._shelf.discard(Path(self._mine(preset).file))
        self.refresh()
        return trash

    def deleted(self) -> list[Preset]:
        """Return what is in the trash, the last that came first."""
        return self._shelf.deleted()

    def restore(self, name: str | None = None, *, force: bool = False) -> tuple[Preset, list[str]]:
        """Bring back what was deleted or replaced last, of that name or id where one is given.

        ``force`` puts a preset that has the name now into the trash instead.

        Returns:
            The preset, and what it could not keep because others have it now: program, slot.

        Raises:
            PresetError: there is nothing to bring back, or another preset has the name.
        """
        with self._shelf.writing():
            self.refresh()
            old = self._from_trash(name)
            now = self._of_name(old.name)
            if now is not None and (not force or not self.is_own(now)):
                step = "--force puts that one into the trash" if self.is_own(now) else "rename the file in the trash"
                raise PresetError(f"There is a preset called {now.name!r} again; {step}.")
            record = msgspec.structs.replace(old.record, id=now.id) if now else self._unlike_others(old.record)
            record, lost = self._without_taken(record)
            self._shelf.bring_back(old, record)
        return self._now(record), lost

    def free_name(self, name: str, but: Preset | None = None) -> str:
        """Return a name as it is stored.

        Raises:
            PresetError: it is empty, or another preset than ``but`` has it.
        """
        name = clean_name(name)
        other = self._of_name(name)
        if other is not None and (but is None or other.id != but.id):
            raise PresetError(f"There is a preset called {other.name!r} already; give another name.")
        return name

    def _of_name(self, name: str) -> Preset | None:
        """Return who has a name, a preset of another model too; the user's own first."""
        everyone = [*self._names.get(folded(name), ()), *(p for p in self.strangers if folded(p.name) == folded(name))]
        return min(everyone, key=lambda p: not self.is_own(p), default=None)

    def _by_number(self, text: str) -> list[Preset]:
        bank, _, program = text[1:].rpartition(":")
        if not program.isdecimal() or not (bank.isdecimal() or not bank):
            return []
        found = self._numbers.get(("program", int(bank or 1) - 1, int(program) - 1))
        return [found] if found else []

    def _now(self, record: Record) -> Preset:
        """Read what others have changed too, and return the preset that was written."""
        self.refresh()
        there = (p for p in (*self.presets, *self.strangers) if p.id == record.id and self.is_own(p))
        return next(there, Preset.of(record, str(self.own.absolute() / f"{record.id}.json")))

    def _mine(self, preset: Preset) -> Preset:
        """Return one of the user's own presets as it is now.

        Raises:
            PresetError: it is a factory preset, or gone.
        """
        if not self.is_own(preset):
            copy = f"`rnnae-live preset duplicate {preset.name!r} --name NAME` makes a copy that is yours"
            raise PresetError(f"{preset.name!r} is a factory preset and stays as it is; {copy}.")
        for now in (*self.presets, *self.strangers):
            if now.id == preset.id and self.is_own(now):
                return now.afresh()
        raise PresetError(f"{preset.name!r} is gone: another program has deleted it. `preset undo` brings it back.")

    def _unlike_others(self, record: Record) -> Record:
        """Return a new record with an id that no file has."""
        wanted, salt = record.id, 0
        while (self.own / f"{wanted}.json").exists() or any(p.id == wanted for p in self.presets):
            salt += 1
            wanted = identity(record.name, (salt, record.notes))
        return msgspec.structs.replace(record, id=wanted)

    def _losers(self, record: Record, *, force: bool) -> list[tuple[Preset, Number]]:
        """Return whose numbers a record takes.

        Raises:
            PresetError: it takes some, and ``force`` does not allow that.
        """
        wanted = numbers(record)
        losers = [(self._numbers[n], n) for n in wanted if n in self._numbers and self._numbers[n].id != record.id]
        if losers and not force:
            other, number = losers[0]
            raise PresetError(f"{shown(number)} is {other.name!r}; --force gives it to {record.name!r} instead.")
        return losers

    def _strip(self, losers: Iterable[tuple[Preset, Number]]) -> None:
        # Until this is done both have the number, and the file that was written last counts.
        taken: dict[str, list[Number]] = {}
        for preset, number in losers:
            if self.is_own(preset):
                taken.setdefault(preset.id, []).append(number)
        for one, theirs in taken.items():
            record = self._ids[one].afresh().record
            for number in theirs:
                record = without(record, number)
            self._shelf.put(record, keep_old=False)

    def _without_taken(self, record: Record) -> tuple[Record, list[str]]:
        lost = []
        for number in numbers(record):
            other = self._numbers.get(number)
            if other is not None and other.id != record.id:
                record = without(record, number)
                lost.append(f"{shown(number)} is {other.name!r} now")
        return record, lost

    def _from_trash(self, name: str | None) -> Preset:
        deleted = self.deleted()
        found = [p for p in deleted if name is None or name == p.id or folded(p.name) == folded(name)]
        if found:
            return found[0]
        if name is None:
            raise PresetError("The trash is empty; there is nothing to bring back.")
        near = nearest(name, (p.name for p in deleted))
        hint = f"did you mean {near!r}?" if near else "see `rnnae-live preset list --trash`."
        raise PresetError(f"There is nothing called {name!r} in the trash; {hint}")


def _inherit(record: Record, before: Record) -> Record:
    """Return a record that takes the place of one of its name."""
    numbered = record.program is not None
    return msgspec.structs.replace(
        record,
        id=before.id,
        bank=record.bank if numbered else before.bank,
        program=record.program if numbered else before.program,
        slot=record.slot if record.slot is not None else before.slot,
        tags=record.tags or before.tags,
        scene=record.scene or before.scene,
    )

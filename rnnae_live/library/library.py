"""The library as it is changed: saved, renamed, tagged, numbered, copied, deleted and brought back.

lookup, shelf -> [library] -> presets

The factory's presets are read-only. Every change is made under the lock of the user's own folder, on what is there at
that moment, whoever wrote it.

*Threading*: any. *Errors*: ``PresetError``; then nothing was changed, and nothing lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.library.lookup import Lookup
from rnnae_live.library.names import LONGEST_NAME, clean_name, clean_tags, folded, identity, nearest
from rnnae_live.library.numbers import Number, numbers, shown, without
from rnnae_live.library.preset import Preset
from rnnae_live.library.record import Record, Scene
from rnnae_live.library.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of presets that were brought: names of those stored and of those that were there, and notices."""

    stored: list[str]
    there: list[str]
    notices: list[str]


class Library(Lookup):
    """A bank's presets without its model, to look up and to change."""

    def __init__(self, folder: Path, own: Path, model_id: str) -> None:
        """Name the folders; ``refresh`` reads them."""
        super().__init__(folder, own, model_id)
        self.shelf = Shelf(own)

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
        with self.shelf.writing():
            self.refresh()
            old = self.of_name(preset.name)
            if old is not None and not self.is_own(old):
                raise PresetError(f"The factory bank has a preset called {old.name!r}; give yours another name.")
            record = preset.record
            losers = self._losers(record if old is None else msgspec.structs.replace(record, id=old.id), force=force)
            if old is None:
                record = self._unlike_others(record)
            else:
                record = _inherit(record, self._without_taken(old.afresh().record)[0])
            file = self.shelf.put(record, keep_old=True)
            self._strip(losers)
        self.refresh()
        return file

    def take_in(self, presets: Sequence[Preset], *, force: bool = False) -> Intake:
        """Write presets that come from elsewhere; what is here already with the same notes and states stays.

        Numbers that the user's own have here are left out; one whose name a factory preset has comes in under another.
        Without ``force`` nothing at all is written where one would replace another preset.

        Raises:
            PresetError: one would replace another preset, or the folder cannot be written.
        """
        intake = Intake([], [], [])
        with self.shelf.writing():
            self.refresh()
            planned: list[Record] = []
            names: set[str] = set()
            replaced: list[str] = []
            for preset in presets:
                record, old = preset.record, self.of_name(preset.name)
                if old is not None and _same(record, old.afresh().record):
                    intake.there.append(record.name)
                    continue
                if old is not None and self.is_own(old) and folded(record.name) not in names:
                    replaced.append(old.name)
                    record = _inherit(record, self._without_taken(old.afresh().record)[0])
                elif old is not None or folded(record.name) in names:
                    record = self._renamed(record, names)
                    intake.notices.append(f"{preset.name!r} came in as {record.name!r}: the name is taken.")
                names.add(folded(record.name))
                planned.append(record)
            if replaced and not force:
                some = ", ".join(repr(name) for name in replaced[:5]) + (" and others" if len(replaced) > 5 else "")
                raise PresetError(
                    f"{some} would be replaced; nothing was changed. --force puts the old into the trash."
                )
            for record in self._numbered(planned, intake.notices):
                self.shelf.put(record, keep_old=True)
                intake.stored.append(record.name)
        self.refresh()
        return intake

    def change(self, preset: Preset, *, force: bool = False, **fields: Any) -> Preset:  # noqa: ANN401
        """Write other values of some fields of one of the user's own presets and return it as it is now.

        Args:
            preset: to change.
            force: take program and slot from whichever preset has them.
            fields: of ``Record``: name, bank, program, slot, tags, credit, scene.

        Raises:
            PresetError: it is a factory preset, is gone, or its new name, program or slot is taken.
        """
        self._refuse_factory(preset)
        with self.shelf.writing():
            self.refresh()
            now = self._mine(preset)
            record = msgspec.structs.replace(now.record, **fields)
            if "name" in fields:
                record = msgspec.structs.replace(record, name=self.free_name(record.name, now))
            losers = self._losers(record, force=force)
            self.shelf.put(record, keep_old=False)
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
        self._refuse_factory(preset)
        with self.shelf.writing():
            self.refresh()
            record = self._mine(preset).record
            record = msgspec.structs.replace(record, tags=sorted({*record.tags, *added} - set(removed)))
            self.shelf.put(record, keep_old=False)
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
        with self.shelf.writing():
            self.refresh()
            record = self._unlike_others(msgspec.structs.replace(record, name=self.free_name(name)))
            self.shelf.put(record, keep_old=True)
        return self._now(record)

    def delete(self, preset: Preset) -> Path:
        """Move a preset of the user's own to the trash and return where it lies now.

        Raises:
            PresetError: it is a factory preset, or the folder cannot be written.
        """
        self._refuse_factory(preset)
        with self.shelf.writing():
            self.refresh()
            trash = self.shelf.discard(Path(self._mine(preset).file))
        self.refresh()
        return trash

    def deleted(self) -> list[Preset]:
        """Return what is in the trash, the last that came first."""
        return self.shelf.deleted()

    def restore(self, name: str | None = None, *, force: bool = False) -> tuple[Preset, list[str]]:
        """Bring back what was deleted or replaced last, of that name or id where one is given.

        ``force`` puts a preset that has the name now into the trash instead.

        Returns:
            The preset, and what it could not keep because others have it now: program, slot.

        Raises:
            PresetError: there is nothing to bring back, or another preset has the name.
        """
        with self.shelf.writing():
            self.refresh()
            old = self._from_trash(name)
            now = self.of_name(old.name)
            if now is not None and (not force or not self.is_own(now)):
                step = "--force puts that one into the trash" if self.is_own(now) else "rename the file in the trash"
                raise PresetError(f"There is a preset called {now.name!r} again; {step}.")
            record = msgspec.structs.replace(old.record, id=now.id) if now else self._unlike_others(old.record)
            record, lost = self._without_taken(record)
            self.shelf.bring_back(old, record)
        return self._now(record), lost

    def free_name(self, name: str, but: Preset | None = None) -> str:
        """Return a name as it is stored.

        Raises:
            PresetError: it is empty, or another preset than ``but`` has it.
        """
        name = clean_name(name)
        other = self.of_name(name)
        if other is not None and (but is None or other.id != but.id):
            raise PresetError(f"There is a preset called {other.name!r} already; give another name.")
        return name

    def _now(self, record: Record) -> Preset:
        """Read what others have changed too, and return the preset that was written."""
        self.refresh()
        there = (p for p in (*self.presets, *self.strangers) if p.id == record.id and self.is_own(p))
        return next(there, Preset.of(record, str(self.own.absolute() / f"{record.id}.json")))

    def _refuse_factory(self, preset: Preset) -> None:
        if not self.is_own(preset):
            copy = f"`rnnae-live preset duplicate {preset.name!r} --name NAME` makes a copy that is yours"
            raise PresetError(f"{preset.name!r} is a factory preset and stays as it is; {copy}.")

    def _mine(self, preset: Preset) -> Preset:
        """Return one of the user's own presets as it is now.

        Raises:
            PresetError: it is gone.
        """
        for now in (*self.presets, *self.strangers):
            if now.id == preset.id and self.is_own(now):
                return now.afresh()
        raise PresetError(f"{preset.name!r} is gone: another program has deleted it. `preset undo` brings it back.")

    def _unlike_others(self, record: Record, ids: Collection[str] = ()) -> Record:
        """Return a new record with an id that no file has, and none of ``ids`` is."""
        wanted, salt = record.id, 0
        while (self.own / f"{wanted}.json").exists() or wanted in self.ids or wanted in ids:
            salt += 1
            wanted = identity(record.name, (salt, record.notes))
        return msgspec.structs.replace(record, id=wanted)

    def _renamed(self, record: Record, names: set[str]) -> Record:
        """Return a record under the first name that nobody has, here and in ``names``: "Name 2", "Name 3"."""
        number = 2
        while self.of_name(name := f"{record.name[: LONGEST_NAME - 8]} {number}") or folded(name) in names:
            number += 1
        return msgspec.structs.replace(record, name=name)

    def _numbered(self, records: Iterable[Record], notices: list[str]) -> Iterator[Record]:
        """Yield records with ids of their own, and without the numbers that others have."""
        given: set[Number] = set()
        ids: set[str] = set()
        for planned in records:
            record, lost = self._without_taken(planned)
            for number in given.intersection(numbers(record)):
                record = without(record, number)
                lost.append(f"{shown(number)} came in twice")
            old = self.of_name(record.name)
            if old is None or old.id != record.id:
                record = self._unlike_others(record, ids)
            given.update(numbers(record))
            ids.add(record.id)
            notices += [f"{record.name!r} has no number: {reason}." for reason in lost]
            yield record

    def _losers(self, record: Record, *, force: bool) -> list[tuple[Preset, Number]]:
        """Return whose numbers a record takes.

        Raises:
            PresetError: it takes some, and ``force`` does not allow that.
        """
        wanted = numbers(record)
        losers = [(self.owners[n], n) for n in wanted if n in self.owners and self.owners[n].id != record.id]
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
            record = self.ids[one].afresh().record
            for number in theirs:
                record = without(record, number)
            self.shelf.put(record, keep_old=False)

    def _without_taken(self, record: Record) -> tuple[Record, list[str]]:
        """Return a record without the numbers that others of the user's own have meanwhile, and who has them."""
        lost = []
        for number in numbers(record):
            other = self.owners.get(number)
            if other is not None and other.id != record.id and self.is_own(other):
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


def _same(one: Record, other: Record) -> bool:
    """Return whether two records hold the same song and states, whatever their numbers and tags."""
    fields = ("name", "model_id", "length", "pickup", "metres", "notes", "links")
    return all(getattr(one, field) == getattr(other, field) for field in fields)

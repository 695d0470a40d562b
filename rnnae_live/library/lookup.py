"""The factory's songs and the user's own in one list: found by name, program or tag.

catalogue -> [lookup] -> library

A program and a slot belong to one preset each; a number that one of the user's
own has is not the factory's any more, and no number moves unless it is told to.

*Units*: program 0-127 and bank 0-16383 as on the wire, shown from 1. *Threading*: reading and one writer at a time
may be on different threads: what is found is replaced as a whole. *Errors*: ``PresetError``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

from rnnae_live.errors import PresetError
from rnnae_live.library import catalogue
from rnnae_live.library.names import clean_tags, folded, nearest, slug
from rnnae_live.library.numbers import Number, numbers, settle
from rnnae_live.library.preset import Preset
from rnnae_live.library.shelf import SONGS, places

PRELOADED = 1024
"""Presets with a program whose notes and states are kept in memory on stage: 20 MB."""


class Lookup:
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
        self._prefix = str(own.absolute()) + os.sep
        self._seen: list[tuple[str, catalogue.Stamp]] | None = None
        self.owners: dict[Number, Preset] = {}
        self.ids: dict[str, Preset] = {}
        self._names: dict[str, list[Preset]] | None = None

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Return the library of the bank in ``folder``, or the factory's with the user's own presets.

        Raises:
            ModelError: there is no bank.
        """
        place, own = places(folder)
        found = cls(place, own, catalogue.model_id(place))
        found.refresh()
        return found

    def refresh(self) -> bool:
        """Read what others have changed meanwhile; False where they have not."""
        rows = [catalogue.scan(folder) for folder in dict.fromkeys((self.folder / SONGS, self.own))]
        seen = [(row.name, row.stamp) for each in rows for row in each]
        if seen == self._seen:
            return False
        # What comes from the user's own folder has the first right to a number.
        found = [(-at, -row.stamp[0], row.preset) for at, each in enumerate(rows) for row in each if row.preset]
        numbered, plain = settle(one for one in found if one[2].model_id == self.model_id)
        at_home = numbered + plain
        strangers = [preset for _, _, preset in found if preset.model_id != self.model_id]
        hint = "`rnnae-live preset reencode` moves it to this one"
        told = [row.fault for each in rows for row in each if row.preset is None]
        told += [f"{one.name!r} was made with another model and is left out; {hint}." for one in strangers]
        self.presets, self.strangers, self.notices, self._seen = at_home, strangers, told, seen
        self.owners = {number: one for one in numbered for number in numbers(one)}
        self.ids = {one.id: one for one in at_home}
        self._names = None
        return True

    def is_own(self, preset: Preset) -> bool:
        """Return whether a preset is the user's to change, or one that is not stored yet."""
        return not preset.file or preset.file.startswith(self._prefix)

    def by_program(self, bank_number: int, program: int) -> Preset | None:
        """Return the preset of a program 0-127 in a bank 0-16383 (128 x MSB + LSB), ready to play.

        None where there is none, or its file is gone.
        """
        preset = self.owners.get(("program", bank_number, program))
        if preset is None:
            return None
        try:
            _ = preset.record
        except PresetError:
            return None
        return preset

    def holder(self, kind: Literal["program", "slot"], bank: int, number: int) -> Preset | None:
        """Return who has a number: a program 0-127 of a bank, or a slot 1-8 (bank 0); None for nobody."""
        return self.owners.get((kind, bank, number))

    def preload(self) -> None:
        """Read the presets that a program or a slot selects, so that choosing one does not wait for the disk."""
        for preset in list(dict.fromkeys(self.owners.values()))[:PRELOADED]:
            with contextlib.suppress(PresetError):  # Who chooses it is told.
                _ = preset.record

    def find(self, name: str) -> Preset:
        """Return the preset of that name, id, or program number as shown: ``#5``, or ``#2:5`` in bank 2.

        Raises:
            PresetError: there is none, or several.
        """
        tries: tuple[Callable[[], Iterable[Preset]], ...] = (
            lambda: self._by_number(name) if name.startswith("#") else filter(None, [self.ids.get(name)]),
            lambda: (p for p in self._called(name) if p.name == name),
            lambda: self._called(name),
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

    def find_any(self, name: str) -> Preset:
        """Return what ``find`` does, or a preset of another model of that name or id.

        Raises:
            PresetError: there is none, or several.
        """
        try:
            return self.find(name)
        except PresetError:
            for one in self.strangers:
                if name == one.id or folded(name) == folded(one.name):
                    return one
            raise

    def search(self, query: str = "", tags: Sequence[str] = ()) -> list[Preset]:
        """Return the presets that have every word of ``query`` in name, credit or tags, and all of ``tags``."""
        words, wanted = folded(query).split(), set(clean_tags(tags))
        return [
            p
            for p in self.presets
            if (not wanted or wanted <= set(p.tags))
            and (not words or all(word in folded(" ".join((p.name, p.credit, *p.tags))) for word in words))
        ]

    def _called(self, name: str) -> list[Preset]:
        """Return the presets whose names count as ``name``."""
        names = self._names
        if names is None:
            names = {}
            for one in self.presets:
                names.setdefault(folded(one.name), []).append(one)
            self._names = names
        return names.get(folded(name), [])

    def of_name(self, name: str) -> Preset | None:
        """Return who has a name, a preset of another model too; the user's own first."""
        everyone = [*self._called(name), *(p for p in self.strangers if folded(p.name) == folded(name))]
        return min(everyone, key=lambda p: not self.is_own(p), default=None)

    def _by_number(self, text: str) -> list[Preset]:
        bank, _, program = text[1:].rpartition(":")
        if not program.isdecimal() or not (bank.isdecimal() or not bank):
            return []
        found = self.owners.get(("program", int(bank or 1) - 1, int(program) - 1))
        return [found] if found else []

"""A bank: a model and the presets made with it.

library, making -> [bank] -> voices, render

*Threading*: as ``Library``. *Errors*: ``ModelError`` when it is opened, ``PresetError`` later; a damaged file of a bank
is skipped with a notice, never in the way of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from rnnae_live.errors import PresetError
from rnnae_live.library import Library, Preset
from rnnae_live.library.shelf import places
from rnnae_live.melody import Difference, difference
from rnnae_live.mixer import play
from rnnae_live.model import Model
from rnnae_live.presets.making import make


class Bank(Library):
    """A library with the model that its presets were made with."""

    def __init__(self, folder: Path, own: Path, model: Model) -> None:
        """Name the folders of a model that is loaded; ``refresh`` reads the presets."""
        super().__init__(folder, own, model.model_id)
        self.model = model

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Return the bank in ``folder``, or the factory bank with the user's own presets.

        Raises:
            ModelError: there is no bank, or its model is damaged.
        """
        place, own = places(folder)
        bank = cls(place, own, Model.load(place))
        bank.refresh()
        return bank

    def reencode(self, preset: Preset) -> Preset:
        """Return a stranger as a preset of this model, made of its notes; an exact one takes the old one's place.

        A copy of the old file goes to the trash. Tags and scene stay, and numbers that nobody has meanwhile.

        Raises:
            PresetError: it is not in the folder of this bank's own presets, or that cannot be written.
        """
        if not self.is_own(preset):
            raise PresetError(f"{preset.name!r} is not one of your own presets; its bank has to be made again.")
        made = self.translate(preset)
        if made.exact:
            # Numbers that nobody has meanwhile come from the preset whose place it takes.
            self.save(made.changed(bank=0, program=None, slot=None))
        return made

    def translate(self, preset: Preset) -> Preset:
        """Return the preset of another model as one of this model, made of its notes; nothing is written."""
        made = make(self.model, preset.melody, preset.name, credit=preset.credit)
        old = preset.record
        return made.changed(bank=old.bank, program=old.program, slot=old.slot, tags=old.tags, scene=old.scene)

    def check(self, presets: Sequence[Preset] | None = None) -> Iterator[tuple[Preset, Difference | None]]:
        """Yield every preset with what its states do not return, None where they return every note.

        Raises:
            PresetError: a file is gone or damaged.
            ModelError: a state is damaged.
        """
        for preset in self.presets if presets is None else presets:
            one = preset.afresh() if preset.file else preset
            yield preset, difference(one.melody, play(self.model, one.chain))

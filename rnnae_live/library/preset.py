"""A preset as lists and searches see it; its notes and states are read from its file when somebody asks for them.

record -> [preset] -> catalogue, library

*Units*: program 0-127 and bank 0-16383 as on the wire; people count both from 1.
*Errors*: ``PresetError`` where the file is gone or damaged when it is read.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.library.record import LARGEST_FILE, LinkRecord, Record, Scene, read
from rnnae_live.melody import Melody

if TYPE_CHECKING:
    from rnnae_live.state import Chain


class Preset(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True, array_like=True):
    """A stored song. ``notes_count`` and ``states_count`` are known without its file; ``file`` is empty before that.

    Two are equal when everything that is stored of them is.
    """

    id: str
    name: str
    bank: int = 0
    program: int | None = None
    slot: int | None = None
    tags: tuple[str, ...] = ()
    credit: str = ""
    model_id: str
    exact: bool
    bpm: float
    notes_count: int
    states_count: int
    has_scene: bool = False
    file: str = ""

    @classmethod
    def of(cls, record: Record, file: str = "") -> Preset:
        """Return the preset of a record that is at hand, with the file it is in."""
        preset = cls(
            id=record.id,
            name=record.name,
            bank=record.bank,
            program=record.program,
            slot=record.slot,
            tags=tuple(record.tags),
            credit=record.credit,
            model_id=record.model_id,
            exact=record.exact,
            bpm=record.bpm,
            notes_count=len(record.notes),
            states_count=len(record.links),
            has_scene=record.scene is not None,
            file=file,
        )
        preset.__dict__["record"] = record
        return preset

    @cached_property
    def record(self) -> Record:
        """Everything that is stored of it.

        Raises:
            PresetError: its file is gone or damaged.
        """
        record = read_record(Path(self.file))
        # Numbers that somebody else has now are not its own any more, whatever its file says.
        return msgspec.structs.replace(record, bank=self.bank, program=self.program, slot=self.slot)

    @property
    def notes(self) -> list[tuple[int, int, int, int]]:
        """Onset, duration, pitch and velocity of every note."""
        return self.record.notes

    @property
    def links(self) -> list[LinkRecord]:
        """The states as they are written."""
        return self.record.links

    @property
    def scene(self) -> Scene | None:
        """What else it sets when it is chosen."""
        return self.record.scene if self.has_scene else None

    @property
    def metres(self) -> list[tuple[int, int, int]]:
        """Onset, numerator and denominator of every time signature."""
        return self.record.metres

    @property
    def length(self) -> int:
        """Length in ticks."""
        return self.record.length

    @property
    def pickup(self) -> int:
        """Length of an incomplete first bar in ticks, 0 for none."""
        return self.record.pickup

    @property
    def refine_steps(self) -> int:
        """How many steps its refinement took."""
        return self.record.refine_steps

    @property
    def chain(self) -> Chain:
        """The states, one a piece.

        Raises:
            PresetError: its file is gone or damaged.
            ModelError: a state is damaged.
        """
        return self.record.chain

    @property
    def melody(self) -> Melody:
        """The notes that were stored.

        Raises:
            PresetError: its file is gone or damaged.
        """
        return self.record.melody

    def changed(self, **fields: Any) -> Preset:  # noqa: ANN401 - the types are those of the record
        """Return it with other values of some fields of its record; nothing is written."""
        return Preset.of(msgspec.structs.replace(self.record, **fields), self.file)

    def afresh(self) -> Preset:
        """Return it without the notes and states that were read, for whoever goes through thousands."""
        return msgspec.structs.replace(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preset) and self.id == other.id and self.record == other.record

    def __hash__(self) -> int:
        return hash(self.id)


def read_record(file: Path) -> Record:
    """Return the record in a file.

    Raises:
        PresetError: the file cannot be read, or is no preset.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise PresetError(f"{file} cannot be read ({error.strerror}); it was left out.") from error
    # The file's name is the id, whatever is written inside: so no preset can be written anywhere else.
    return msgspec.structs.replace(read(data, str(file)), id=file.stem)


def read_preset(file: Path) -> Preset:
    """Return the preset in a file, every field checked.

    Raises:
        PresetError: the file cannot be read, or is no preset.
    """
    return Preset.of(read_record(file), str(file))

"""What the file of a preset holds: readable JSON, every field checked when it is read.

library <- [record] -> melody, state

Schema 1 had no bank, slot, tags and scene. It is read as it is, and becomes schema 2 when its file is next written.

*Units*: ticks, 24 to the quarter note; program 0-127 and bank 0-16383 as on the wire. *Errors*: ``PresetError``.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from rnnae_live.errors import ModelError, PresetError
from rnnae_live.library.names import clean_name, clean_tags
from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note

if TYPE_CHECKING:
    from rnnae_live.state import Chain, Link

SCHEMA = 2
OLDEST = 1
LARGEST_FILE = 8 << 20
"""Bytes; a preset of ten thousand notes is half of this."""
PROGRAMS, BANKS, SLOTS = 128, 1 << 14, 8
MOST_TAGS = 32
MOST_VALUES = 256


class LinkRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link as it is written: ``state`` is h then c, float32 little-endian, base64."""

    length: int
    metre: tuple[int, int]
    state: str
    octaves: int = 0
    pickup: bool = False
    span: tuple[int, int] | None = None


class Scene(msgspec.Struct, frozen=True, omit_defaults=True):
    """What else a preset sets when it is chosen: parameters by name, the mode, a map of controls by name."""

    values: dict[str, bool | float | str] = {}
    mode: str | None = None
    mapping: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A stored song: its notes (onset, duration, pitch, velocity), its states, and how it is found.

    ``program`` with ``bank`` selects it over MIDI, None for not at all; ``slot`` is its place in the mixer at the
    start. ``exact`` says that the states return the notes; ``refine_steps`` how many steps that took.
    """

    schema: int = SCHEMA
    id: str
    name: str
    bank: int = 0
    program: int | None = None
    slot: int | None = None
    tags: list[str] = []
    credit: str = ""
    model_id: str
    exact: bool
    refine_steps: int
    bpm: float
    length: int
    pickup: int
    metres: list[tuple[int, int, int]]
    notes: list[tuple[int, int, int, int]]
    links: list[LinkRecord]
    scene: Scene | None = None

    @property
    def chain(self) -> Chain:
        """The states, one a piece.

        Raises:
            ModelError: a state is damaged.
        """
        return tuple(_link(record) for record in self.links)

    @property
    def melody(self) -> Melody:
        """The notes that were stored.

        Raises:
            ValueError: they overlap or leave the melody.
        """
        metres = tuple(Metre(*m) for m in self.metres)
        return Melody(tuple(Note(*n) for n in self.notes), self.length, metres, self.pickup, self.bpm)


def read(data: bytes, source: str) -> Record:
    """Return the record in the content of a file, of whichever schema, every field checked.

    Args:
        data: the content.
        source: what it is called in a message.

    Raises:
        PresetError: it is no preset, or of a later version.
    """
    if len(data) > LARGEST_FILE:
        raise PresetError(f"{source} is too large for a preset; it was left out.")
    try:
        record = msgspec.json.decode(data, type=Record)
        if record.schema > SCHEMA:
            raise PresetError(
                f"{source} has schema {record.schema}, this version reads {SCHEMA}; it was left out. Update rnnae-live."
            )
        fault = _fault(record)
        if not fault:
            _ = record.chain, record.melody
            name, tags = clean_name(record.name), clean_tags(record.tags)
    except (msgspec.DecodeError, ValueError, OverflowError, ModelError) as error:
        raise PresetError(f"{source} is no preset ({error}); it was left out.") from error
    if fault:
        raise PresetError(f"{source} is no preset ({fault}); it was left out.")
    return msgspec.structs.replace(record, name=name, tags=tags)


def write(record: Record) -> bytes:
    """Return the content of a record's file in the present schema: a line a field, a line a note, a line a state.

    Raises:
        PresetError: a field has a value that ``read`` would refuse.
    """
    if fault := _fault(record):
        raise PresetError(f"{record.name!r} cannot be stored: {fault} is not possible.")
    lines = []
    for key, value in msgspec.to_builtins(msgspec.structs.replace(record, schema=SCHEMA)).items():
        if isinstance(value, list) and value and isinstance(value[0], tuple | list | dict):
            rows = ",\n".join(f"  {_json(row)}" for row in value)
            lines.append(f" {_json(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {_json(key)}: {_json(value)}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def link_record(link: Link) -> LinkRecord:
    """Return a link as it is written."""
    import numpy as np

    numbers = np.concatenate([link.state.h.ravel(), link.state.c.ravel()]).astype("<f4")
    text = base64.b64encode(numbers.tobytes()).decode()
    metre = (link.metre.numerator, link.metre.denominator)
    return LinkRecord(link.length, metre, text, link.octaves, link.pickup, link.span)


def _link(record: LinkRecord) -> Link:
    # Listing presets needs no arrays, and loading numpy takes longer than that.
    import numpy as np

    from rnnae_live.state import Link, State

    numbers = np.frombuffer(base64.b64decode(record.state, validate=True), "<f4").astype(np.float32)
    h, c = numbers.reshape(2, 1, -1)
    numerator, denominator = record.metre
    if record.length < 1 or numerator < 1 or denominator < 1 or abs(record.octaves) > 10:
        raise ValueError("a piece has an impossible length, metre or octave")
    return Link(
        State(h, c), record.length, Metre(0, numerator, denominator), record.octaves, record.pickup, record.span
    )


def _fault(record: Record) -> str:
    """Return what of a record cannot be, empty where all can."""
    scene = record.scene or Scene()
    checks = (
        (record.schema >= OLDEST, f"schema {record.schema}"),
        (bool(record.links), "no state"),
        (any(c.isprintable() and not c.isspace() for c in record.name), "no name"),
        (all(any(c.isalnum() for c in tag) for tag in record.tags), "an empty tag"),
        (bool(record.metres), "no metre"),
        (record.bpm > 0, f"{record.bpm} bpm"),
        (all(0 <= pitch <= 127 and 0 <= velocity <= 127 for _, _, pitch, velocity in record.notes), "a pitch"),
        (all(numerator > 0 and denominator > 0 for _, numerator, denominator in record.metres), "a metre"),
        (record.program is None or 0 <= record.program < PROGRAMS, f"program {record.program}"),
        (0 <= record.bank < BANKS, f"bank {record.bank}"),
        (record.slot is None or 1 <= record.slot <= SLOTS, f"slot {record.slot}"),
        (len(record.tags) <= MOST_TAGS, f"{len(record.tags)} tags"),
        (len(scene.values) <= MOST_VALUES, f"a scene of {len(scene.values)} values"),
    )
    return next((what for sound, what in checks if not sound), "")


def _json(value: Any) -> str:  # noqa: ANN401 - any part of a record
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode().replace("\n", "")

"""Presets and banks: songs kept as chains of states, in readable files beside the model that made them.

melody -> mixer, refine -> [presets] -> mixer

A bank is a folder: a model's bundle and ``songs/``, one JSON file a preset. The factory bank is read-only; what a
user saves goes to the user's own folder, or into the bank that was named. A preset holds the notes that it came from
as well, so a new model can encode it again and nothing that was stored dies. It is written only after the shipped
decoder has returned it note for note, or with ``exact: false`` where that was asked for.

*Units*: ticks, 24 to the quarter note. *Threading*: none; files are replaced whole, so readers may be anywhere.
*Errors*: ``PresetError``; a damaged file of a bank is skipped with a notice, never in the way of the others.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from rnnae_live.errors import ModelError, PresetError
from rnnae_live.files import home, write_whole
from rnnae_live.melody import Difference, Melody, difference
from rnnae_live.mixer import play
from rnnae_live.model import Model
from rnnae_live.phrase import Metre, Note
from rnnae_live.refine import Refinement
from rnnae_live.state import Chain, Link, State

SCHEMA = 1
SONGS = "songs"
TRASH = "trash"
LARGEST_FILE = 8 << 20
"""Bytes; a preset of ten thousand notes is half of this."""
LONGEST_NAME = 120


class LinkRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link as it is written: ``state`` is h then c, float32 little-endian, base64."""

    length: int
    metre: tuple[int, int]
    state: str
    octaves: int = 0
    pickup: bool = False
    span: tuple[int, int] | None = None


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A stored song: its notes (onset, duration, pitch, velocity) and its states.

    ``program`` is the MIDI program 0-127 that selects it, None for none. ``exact`` says that the states return the
    notes; ``refine_steps`` how many steps that took.
    """

    schema: int = SCHEMA
    id: str
    name: str
    program: int | None = None
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


def make(model: Model, melody: Melody, name: str, *, program: int | None = None, credit: str = "") -> Preset:
    """Return the preset of a melody, its states refined until the decoder returns it, as far as that goes.

    Raises:
        PresetError: the melody has no notes, or the name is empty.
    """
    refinement = Refinement(model, melody)
    # A melody without notes is refused below.
    while melody.notes and not refinement.step():
        pass
    chain, steps = refinement.chain, refinement.steps
    return keep(model, melody, name, chain, steps=steps, program=program, credit=credit)


def keep(
    model: Model,
    melody: Melody,
    name: str,
    chain: Chain,
    *,
    steps: int = 0,
    program: int | None = None,
    credit: str = "",
) -> Preset:
    """Return the preset of a melody with a chain made for it, ``exact`` where the chain returns the melody.

    Raises:
        PresetError: the melody has no notes, or the name is empty.
    """
    name = clean_name(name)
    if not melody.notes:
        raise PresetError(f"{name!r} has no notes to store; play or give a melody.")
    notes = [(n.onset, n.duration, n.pitch, n.velocity) for n in melody.notes]
    identity = hashlib.sha256(repr((name, notes)).encode()).hexdigest()[:8]
    return Preset(
        id=f"{_slug(name)}-{identity}",
        name=name,
        program=program,
        credit=credit,
        model_id=model.model_id,
        exact=difference(melody, play(model, chain)) is None,
        refine_steps=steps,
        bpm=melody.bpm,
        length=melody.length,
        pickup=melody.pickup,
        metres=[(m.onset, m.numerator, m.denominator) for m in melody.metres],
        notes=notes,
        links=[_record(link) for link in chain],
    )


@dataclass(slots=True)
class Bank:
    """A model and its presets.

    ``own`` is the folder for what is saved; ``strangers`` are presets that another model made, which this one cannot
    play before they are encoded again; ``notices`` tell what was skipped.
    """

    folder: Path
    model: Model
    own: Path
    presets: list[Preset] = field(default_factory=list)
    strangers: list[Preset] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path | None = None) -> Bank:
        """Return the bank in ``folder``, or the factory bank with the user's own presets.

        Raises:
            ModelError: there is no bank, or its model is damaged.
        """
        place = folder or factory()
        own = place / SONGS if folder else home() / SONGS
        bank = cls(place, Model.load(place), own)
        for file in sorted({*(place / SONGS).glob("*.json"), *own.glob("*.json")}):
            bank._add(file)
        bank.presets.sort(key=lambda p: (p.program is None, p.program or 0, p.name))
        return bank

    def find(self, name: str) -> Preset:
        """Return the preset of that name, id, or program number as shown (1-128, written ``#5``).

        Raises:
            PresetError: there is none, or several.
        """
        tries: tuple[Callable[[Preset], bool], ...] = (
            lambda p: name == p.id or (p.program is not None and name == f"#{p.program + 1}"),
            lambda p: name == p.name,
            lambda p: _folded(name) == _folded(p.name) or _slug(name) == _slug(p.name),
        )
        for fits in tries:
            found = [p for p in self.presets if fits(p)]
            if len(found) > 1:
                ids = ", ".join(p.id for p in found)
                raise PresetError(f"{len(found)} presets are called {name!r}; give the id of one: {ids}.")
            if found:
                return found[0]
        near = difflib.get_close_matches(_folded(name), {_folded(p.name): p for p in self.presets}, n=1, cutoff=0.5)
        hint = next((f"did you mean {p.name!r}?" for p in self.presets if near and _folded(p.name) == near[0]), "")
        raise PresetError(f"There is no preset called {name!r}; {hint or 'see `rnnae-live preset list`.'}")

    def save(self, preset: Preset) -> Path:
        """Write a preset into the bank's own folder and return its file; one of the same name there is replaced.

        Raises:
            PresetError: the folder cannot be written, or a factory preset has the name.
        """
        for other in [p for p in self.presets if _folded(p.name) == _folded(preset.name)]:
            if self.files[other.id].parent != self.own:
                raise PresetError(f"The factory bank has a preset called {other.name!r}; give yours another name.")
        file = self.own / f"{preset.id}.json"
        try:
            write_whole(file, msgspec.json.format(msgspec.json.encode(preset), indent=1))
        except OSError as error:
            raise PresetError(f"{file} cannot be written ({error.strerror}); nothing was changed.") from error
        for other in [p for p in self.presets if _folded(p.name) == _folded(preset.name) and p.id != preset.id]:
            self.delete(other)
        self.presets = [p for p in self.presets if p.id != preset.id]
        self._add(file)
        return file

    def delete(self, preset: Preset) -> Path:
        """Move a preset of the user's own to the trash and return where it lies now.

        Raises:
            PresetError: it is a factory preset, or the folder cannot be written.
        """
        file = self.files[preset.id]
        if file.parent != self.own:
            raise PresetError(f"{preset.name!r} is a factory preset and stays.")
        target = self._trash(file)
        try:
            target.parent.mkdir(exist_ok=True)
            file.replace(target)
        except OSError as error:
            raise PresetError(f"{file} cannot be moved to the trash ({error.strerror}).") from error
        self.presets = [p for p in self.presets if p.id != preset.id]
        return target

    def _trash(self, file: Path) -> Path:
        return self.own / TRASH / f"{time.strftime('%Y%m%dT%H%M%S')}-{file.name}"

    def reencode(self, preset: Preset) -> Preset:
        """Return a stranger as a preset of this model, made of its notes; an exact one takes the old one's place.

        A copy of the old file goes to the trash.

        Raises:
            PresetError: it is not in the folder of this bank's own presets, or that cannot be written.
        """
        file = self.files[preset.id]
        if file.parent != self.own:
            raise PresetError(f"{preset.name!r} is not one of your own presets; its bank has to be made again.")
        made = make(self.model, preset.melody, preset.name, program=preset.program, credit=preset.credit)
        if made.exact:
            try:
                write_whole(self._trash(file), file.read_bytes())
            except OSError as error:
                raise PresetError(f"{file} cannot be copied to the trash ({error.strerror}); it stays.") from error
            self.save(made)
            self.strangers = [p for p in self.strangers if p.id != preset.id]
        return made

    def check(self, presets: Sequence[Preset] | None = None) -> Iterator[tuple[Preset, Difference | None]]:
        """Yield every preset with what its states do not return, None where they return every note.

        Raises:
            ModelError: a state is damaged.
        """
        for preset in self.presets if presets is None else presets:
            yield preset, difference(preset.melody, play(self.model, preset.chain))

    def _add(self, file: Path) -> None:
        try:
            preset = read_preset(file)
        except PresetError as error:
            self.notices.append(str(error))
            return
        self.files[preset.id] = file
        if preset.model_id == self.model.model_id:
            self.presets.append(preset)
            return
        self.strangers.append(preset)
        hint = "`rnnae-live preset reencode` moves it to this one"
        self.notices.append(f"{preset.name!r} was made with another model and is left out; {hint}.")


def read_preset(file: Path) -> Preset:
    """Return the preset in a file, every field checked.

    Raises:
        PresetError: the file cannot be read, or is no preset.
    """
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise PresetError(f"{file} is too large for a preset; it was left out.")
        preset = msgspec.json.decode(file.read_bytes(), type=Preset)
        _ = preset.chain, preset.melody
    except OSError as error:
        raise PresetError(f"{file} cannot be read ({error.strerror}); it was left out.") from error
    except (msgspec.DecodeError, ValueError, OverflowError, ModelError) as error:
        raise PresetError(f"{file} is no preset ({error}); it was left out.") from error
    if preset.schema != SCHEMA or not preset.links:
        raise PresetError(f"{file} has schema {preset.schema}, this version reads {SCHEMA}; it was left out.")
    return msgspec.structs.replace(preset, name=clean_name(preset.name))


def factory() -> Path:
    """Return the folder of the factory bank: beside the code when installed, ``presets`` in a checkout."""
    installed = Path(__file__).parent / "factory"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "presets"


def clean_name(name: str) -> str:
    """Return a name as one line of printable text, NFC.

    Raises:
        PresetError: nothing is left.
    """
    text = unicodedata.normalize("NFC", name)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_NAME]
    if not text:
        raise PresetError(f"{name!r} is no name for a preset; give one with letters.")
    return text


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40] or "preset"


def _record(link: Link) -> LinkRecord:
    numbers = np.concatenate([link.state.h.ravel(), link.state.c.ravel()]).astype("<f4")
    text = base64.b64encode(numbers.tobytes()).decode()
    return LinkRecord(
        link.length, (link.metre.numerator, link.metre.denominator), text, link.octaves, link.pickup, link.span
    )


def _link(record: LinkRecord) -> Link:
    numbers = np.frombuffer(base64.b64decode(record.state, validate=True), "<f4").astype(np.float32)
    h, c = numbers.reshape(2, 1, -1)
    numerator, denominator = record.metre
    if record.length < 1 or numerator < 1 or denominator < 1 or abs(record.octaves) > 10:
        raise ValueError("a piece has an impossible length, metre or octave")
    return Link(
        State(h, c), record.length, Metre(0, numerator, denominator), record.octaves, record.pickup, record.span
    )

"""Banks and presets on their way from one computer to another: a zip file of a model and its presets, or one preset.

library -> [pack] -> bank

A pack holds ``pack.json`` with the sha256 of every other file, the model's bundle, and ``songs/``. What comes in is
taken for hostile: sizes and names are bounded before anything is read, nothing is unpacked under a name of its own
choice, hashes are compared, every preset is checked field by field and decoded, and a model is loaded, with all the
checks of ``Model.load``, from a folder aside before it gets its place.

*Errors*: ``PresetError``, ``ModelError``; then nothing was changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.files import Lock, home, make_folder, move_folder, write_whole
from rnnae_live.library import SONGS, Library, Preset, Record, clean_name
from rnnae_live.library import record as records
from rnnae_live.library.names import FILE_NAME, identity, slug
from rnnae_live.library.record import LARGEST_FILE as LARGEST_PRESET
from rnnae_live.manifest import LARGEST_FILE, MANIFEST, identify, read_manifest
from rnnae_live.melody import difference
from rnnae_live.mixer import play
from rnnae_live.model import FILES, Model

SCHEMA = 1
CONTENTS = "pack.json"
TEXTS = ("MODEL_CARD.md", "DATA.md", "LICENSE")
"""What else of a bank goes along, where it is there."""

LARGEST_TEXT = 1 << 20
LARGEST_ARCHIVE = 256 << 20
LARGEST_WHOLE = 512 << 20
"""Bytes of all files of a pack together."""
MOST_FILES = 20_000
_MOMENT = (2000, 1, 1, 0, 0, 0)
"""Time of every file in a pack, so that the same bank is the same pack."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What ``pack.json`` says."""

    schema: int = SCHEMA
    name: str
    model_id: str
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was read and whose hashes agree: the files of its model and texts, and its presets."""

    name: str
    model_id: str
    files: Mapping[str, bytes]
    presets: list[Preset]


def export_preset(preset: Preset, file: Path, *, force: bool = False) -> None:
    """Write a preset into a file of its own.

    Raises:
        PresetError: the file is there and ``force`` is not given, or it cannot be written.
    """
    _write(file, records.write(preset.record), force=force)


def export_pack(library: Library, presets: Iterable[Preset], file: Path, name: str, *, force: bool = False) -> int:
    """Write the model of a library and presets into a pack and return how many presets it holds.

    Raises:
        PresetError: the file is there and ``force`` is not given, it cannot be written, or the model is not whole.
    """
    files: dict[str, bytes] = {}
    try:
        manifest = read_manifest(library.folder)
        for entry in (MANIFEST, *FILES):
            files[entry] = (library.folder / entry).read_bytes()
        for entry in TEXTS:
            with contextlib.suppress(FileNotFoundError):
                files[entry] = (library.folder / entry).read_bytes()
    except OSError as error:
        raise PresetError(f"{error.filename} cannot be read ({error.strerror}); nothing was written.") from error
    for entry in FILES:
        if hashlib.sha256(files[entry]).hexdigest() != manifest.sha256.get(entry):
            raise PresetError(f"{library.folder / entry} is not what its manifest names; copy the bank again.")
    count = 0
    for preset in presets:
        safe = preset.id if FILE_NAME.fullmatch(f"{preset.id}.json") else identity(preset.name, preset.id)
        files[f"{SONGS}/{safe}.json"] = records.write(preset.afresh().record if preset.file else preset.record)
        count += 1
    hashes = {entry: hashlib.sha256(data).hexdigest() for entry, data in files.items()}
    contents = Contents(name=clean_name(name), model_id=identify(manifest), sha256=hashes)
    about = msgspec.json.format(msgspec.json.encode(contents), indent=1)
    _write(file, _zipped({CONTENTS: about, **files}), force=force)
    return count


def read_pack(file: Path) -> Pack:
    """Return what is in a pack, every hash compared and every preset's fields checked; its model is not loaded yet.

    Raises:
        PresetError: it cannot be read, is no pack, is damaged, or is larger than packs are.
    """
    try:
        if file.stat().st_size > LARGEST_ARCHIVE:
            _refuse(file, f"it is larger than {LARGEST_ARCHIVE >> 20} MiB")
        with zipfile.ZipFile(file) as archive:
            sizes = _sizes(file, archive)
            data = {entry: _extract(file, archive, entry, size) for entry, size in sizes.items()}
    except OSError as error:
        raise PresetError(f"{file} cannot be read ({error.strerror or error}).") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise PresetError(f"{file} is no pack of presets ({error}).") from error
    try:
        contents = msgspec.json.decode(data.pop(CONTENTS, b""), type=Contents)
    except (msgspec.DecodeError, ValueError) as error:
        raise PresetError(f"{file} is no pack of presets ({CONTENTS}: {error}).") from error
    if contents.schema > SCHEMA:
        _refuse(file, f"it has schema {contents.schema} and this version reads {SCHEMA}; update rnnae-live")
    if contents.sha256.keys() != data.keys():
        _refuse(file, "its list of contents is not what it contains")
    for entry, content in data.items():
        if hashlib.sha256(content).hexdigest() != contents.sha256[entry]:
            _refuse(file, f"{entry} was changed on the way; get the file again")
    if missing := {MANIFEST, *FILES} - data.keys():
        _refuse(file, f"its model lacks {', '.join(sorted(missing))}")
    songs = {entry: data.pop(entry) for entry in sorted(data) if entry.startswith(f"{SONGS}/")}
    presets = [_preset(content, entry) for entry, content in songs.items()]
    if any(preset.model_id != contents.model_id for preset in presets):
        _refuse(file, "some of its presets were made with another model")
    return Pack(clean_name(contents.name), contents.model_id, data, presets)


def read_single(file: Path) -> Preset:
    """Return the preset in a file that came from elsewhere, every field checked.

    Raises:
        PresetError: it cannot be read, or is no preset.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_PRESET + 1)
    except OSError as error:
        raise PresetError(f"{file} cannot be read ({error.strerror}).") from error
    return _preset(data, str(file))


def verified(model: Model, preset: Preset) -> Preset:
    """Return a preset that came from elsewhere, ``exact`` only where ``model`` returns its notes.

    Raises:
        PresetError: its states do not fit the model.
    """
    try:
        exact = difference(preset.melody, play(model, preset.chain)) is None
    except Exception as error:  # what a state of a wrong shape does to the decoder is not documented
        raise PresetError(
            f"{preset.name!r} does not fit its model ({type(error).__name__}); it was left out."
        ) from error
    return preset.changed(exact=exact)


def install(pack: Pack, target: Path | None = None) -> Path:
    """Make a bank of a pack in a folder that is not there yet, by default under ``home()``, and return it.

    Raises:
        PresetError: the folder is there and not empty, or cannot be written.
        ModelError: the model is not sound.
    """
    place = (target or home() / "banks" / f"{slug(pack.name)}-{pack.model_id[:8]}").absolute()
    aside = place.with_name(f".{place.name}.tmp")
    try:
        make_folder(home())
        make_folder(place.parent)
        with Lock(home() / ".import.lock"):
            # What is left there is of an import that was killed.
            shutil.rmtree(aside, ignore_errors=True)
            if place.exists() and (not place.is_dir() or any(place.iterdir())):
                raise PresetError(f"{place} is there already and is no bank of this model; name an empty folder.")
            try:
                for entry, content in pack.files.items():
                    write_whole(aside / entry, content)
                model = Model.load(aside)
                if model.model_id != pack.model_id:
                    raise PresetError("The model of the pack is not the one that it names; get the file again.")
                for preset in pack.presets:
                    record = verified(model, preset).record
                    write_whole(aside / SONGS / f"{record.id}.json", records.write(record))
                if place.exists():
                    place.rmdir()
                move_folder(aside, place)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise PresetError(f"{error.filename or place} cannot be written ({error.strerror}).") from error
    return place


def _preset(data: bytes, source: str) -> Preset:
    record: Record = records.read(data, source)
    stem = Path(source).stem
    wanted = stem if FILE_NAME.fullmatch(f"{stem}.json") else slug(record.name)
    return Preset.of(msgspec.structs.replace(record, id=wanted))


def _sizes(file: Path, archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the entries of an archive and the most bytes that each may have, refusing what no pack has."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > LARGEST_WHOLE:
        _refuse(file, f"it holds more than {MOST_FILES} files or {LARGEST_WHOLE >> 20} MiB")
    caps = {MANIFEST: LARGEST_FILE, CONTENTS: LARGEST_FILE} | dict.fromkeys(FILES, LARGEST_FILE)
    caps |= dict.fromkeys(TEXTS, LARGEST_TEXT)
    sizes: dict[str, int] = {}
    for entry in entries:
        folder, _, name = entry.filename.partition("/")
        song = folder == SONGS and FILE_NAME.fullmatch(name)
        cap = LARGEST_PRESET if song else caps.get(entry.filename)
        if cap is None:
            _refuse(file, f"{entry.filename!r} has no place in a pack")
        if entry.filename in sizes:
            _refuse(file, f"{entry.filename} is in it twice")
        if entry.file_size > cap or entry.flag_bits & 1 or entry.compress_type not in {0, zipfile.ZIP_DEFLATED}:
            _refuse(file, f"{entry.filename} is too large, locked, or packed in an unknown way")
        sizes[entry.filename] = cap
    return sizes


def _extract(file: Path, archive: zipfile.ZipFile, entry: str, cap: int) -> bytes:
    # What the archive says of a size need not be true.
    with archive.open(entry) as opened:
        data = opened.read(cap + 1)
    if len(data) > cap:
        _refuse(file, f"{entry} is too large")
    return data


def _zipped(files: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in files.items():
            info = zipfile.ZipInfo(entry, _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return made.getvalue()


def _write(file: Path, data: bytes, *, force: bool) -> None:
    if file.exists() and not force:
        raise PresetError(f"{file} is there already; --force replaces it.")
    try:
        write_whole(file, data)
    except OSError as error:
        raise PresetError(f"{file} cannot be written ({error.strerror}); nothing was changed.") from error


def _refuse(file: Path, why: str) -> NoReturn:
    raise PresetError(f"{file} was not taken in: {why}.")

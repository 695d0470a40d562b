"""Songs to training pieces: folders and zip files of MIDI, through the importer that the stage uses.

files -> song -> [corpus] -> mixtures, shards

Every song is read by ``rnnae_live.song`` and spelled by ``rnnae_live.tokens``, so training and stage cannot drift
apart. Pieces are windows of whole bars that begin on every bar line. Songs come one after the other, so that a corpus
of any size is read in the same memory.

*Errors*: ``MidiFileError`` where a source does not exist; a file that is no song comes with the reason instead.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from rnnae_live.errors import MidiFileError
from rnnae_live.melody import Melody
from rnnae_live.song import read_song

FEWEST_NOTES = 2
"""A window with fewer notes teaches nothing."""

AT_ONCE = 1024
"""Files that are in memory at a time while songs are read."""

MIDI_SUFFIXES = (".mid", ".midi", ".smf")

Read = tuple[str, Melody | None, str]
"""A song's name, its melody, or None and the reason why there is none."""


@dataclass(slots=True)
class Corpus:
    """The melodies that were kept, by name, and why the others were dropped."""

    melodies: dict[str, Melody] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


def read_corpus(sources: Sequence[Path], workers: int = 2) -> Corpus:
    """Return the melodies of all MIDI files in folders (searched deep), zip files and single files, in memory.

    Raises:
        MidiFileError: a source does not exist, or there is no melody in any of them.
    """
    corpus = Corpus()
    for name, melody, fault in songs(sources, workers):
        if melody is None:
            corpus.dropped[name] = fault
        else:
            corpus.melodies[name] = melody
    if not corpus.melodies:
        raise no_melody(sources)
    return corpus


def no_melody(sources: Sequence[Path]) -> MidiFileError:
    """Return the error that says that sources hold no song."""
    places = ", ".join(str(s) for s in sources)
    return MidiFileError(f"No melody was found in {places}; give a folder or zip file of MIDI files.")


def songs(sources: Sequence[Path], workers: int = 2, leave_out: Sequence[str] = ()) -> Iterator[Read]:
    """Yield every song of the sources in the order of their names, one after the other.

    Args:
        sources: folders, zip files, MIDI files.
        workers: processes that read.
        leave_out: what the name of a song must not contain, the name of its zip file included.

    Raises:
        MidiFileError: a source does not exist.
    """
    waiting = ((name, data) for name, data in files(sources) if not any(part in name for part in leave_out))
    # Spawned: a fork of a process with threads, as TensorFlow's, may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        while batch := list(islice(waiting, AT_ONCE)):
            yield from pool.map(_read, batch, chunksize=32)


def files(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every MIDI file in the sources.

    Raises:
        MidiFileError: a source does not exist.
    """
    for source in sources:
        if source.is_dir():
            found = sorted(p for p in source.rglob("*") if p.suffix.lower() in (*MIDI_SUFFIXES, ".zip") and p.is_file())
            yield from files(found)
        elif source.suffix.lower() == ".zip" and source.is_file():
            try:
                with zipfile.ZipFile(source) as archive:
                    for entry in sorted(archive.namelist()):
                        if entry.lower().endswith(MIDI_SUFFIXES):
                            yield f"{source.name}/{entry}", archive.read(entry)
            except zipfile.BadZipFile:
                yield str(source), b""
        elif source.is_file():
            yield source.name, source.read_bytes()
        else:
            raise MidiFileError(f"{source} does not exist; give a folder or zip file of MIDI files.")


def fingerprint(sources: Sequence[Path], *facts: object) -> str:
    """Return a hash of the paths, sizes and dates of all files in the sources, and of ``facts``.

    Raises:
        MidiFileError: a source does not exist.
    """
    digest = hashlib.sha256(repr(facts).encode())
    for source in sources:
        if not source.exists():
            raise MidiFileError(f"{source} does not exist; give a folder or zip file of MIDI files.")
        for file in sorted(p for p in (source.rglob("*") if source.is_dir() else [source]) if p.is_file()):
            status = file.stat()
            digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def windows(melody: Melody, bars: int, stride: int = 1) -> Iterator[Melody]:
    """Yield the windows of ``bars`` whole bars with notes enough, beginning at every ``stride``-th bar line."""
    lines = melody.bars()
    for start, end in zip(lines[::stride], lines[bars::stride], strict=False):
        window = melody.slice(start, end)
        if len(window.notes) >= FEWEST_NOTES:
            yield window


def _read(file: tuple[str, bytes]) -> Read:
    name, data = file
    try:
        return name, read_song(data).melody, ""
    except MidiFileError as error:
        return name, None, str(error)

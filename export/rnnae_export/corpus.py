"""Songs to training pieces: folders and zip files of MIDI, through the importer that the stage uses.

files -> song -> [corpus] -> batches

Every song is read by ``rnnae_live.song`` and spelled by ``rnnae_live.tokens``, so training and stage cannot
drift apart. Pieces are windows of 1, 2 and 4 bars that begin on every bar line; a window that has been
seen already (a repeat that is written out, a tune in two books) counts once.

*Shapes*: tokens int32 (n, 2); a bucket holds all pieces of up to ``width`` tokens, int16 (N, width, 2).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnae_live.errors import MidiFileError
from rnnae_live.melody import Melody
from rnnae_live.song import read_song
from rnnae_live.tokens import FIRST_PITCH, Tokens, Vocabulary

WIDTHS = (6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64)
"""Bucket widths in tokens; a piece with more tokens than the last is dropped."""

FEWEST_NOTES = 2
"""A window with fewer notes teaches nothing."""

MIDI_SUFFIXES = (".mid", ".midi", ".smf")


@dataclass(slots=True)
class Corpus:
    """The melodies that were kept, by name, and why the others were dropped."""

    melodies: dict[str, Melody] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


def read_corpus(sources: Sequence[Path], workers: int = 2) -> Corpus:
    """Return the melodies of all MIDI files in folders (searched deep), zip files and single files.

    Raises:
        MidiFileError: a source does not exist, or there is no melody in any of them.
    """
    corpus = Corpus()
    # Spawned: a fork of a process with threads, as TensorFlow's, may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for name, melody, fault in pool.map(_read, _files(sources), chunksize=32):
            if melody is None:
                corpus.dropped[name] = fault
            else:
                corpus.melodies[name] = melody
    if not corpus.melodies:
        places = ", ".join(str(s) for s in sources)
        raise MidiFileError(f"No melody was found in {places}; give a folder or zip file of MIDI files.")
    return corpus


def _files(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        if source.is_dir():
            found = sorted(p for p in source.rglob("*") if p.suffix.lower() in (*MIDI_SUFFIXES, ".zip") and p.is_file())
            yield from _files(found)
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


def _read(file: tuple[str, bytes]) -> tuple[str, Melody | None, str]:
    name, data = file
    try:
        return name, read_song(data).melody, ""
    except MidiFileError as error:
        return name, None, str(error)


def windows(melody: Melody, bars: int, stride: int = 1) -> Iterator[Melody]:
    """Yield the windows of ``bars`` whole bars with notes enough, beginning at every ``stride``-th bar line."""
    lines = melody.bars()
    for start, end in zip(lines[::stride], lines[bars::stride], strict=False):
        window = melody.slice(start, end)
        if len(window.notes) >= FEWEST_NOTES:
            yield window


@dataclass(slots=True)
class Pieces:
    """Training pieces in buckets of similar length.

    ``tokens[k]`` int16 (N, WIDTHS[k], 2), ``lengths[k]`` int16 (N,), ``room[k]`` int8 (N, 2): how many semitones each
    piece can go down and up inside the vocabulary.
    """

    tokens: list[NDArray[np.int16]]
    lengths: list[NDArray[np.int16]]
    room: list[NDArray[np.int16]]

    def __len__(self) -> int:
        """Return the number of pieces."""
        return sum(len(lengths) for lengths in self.lengths)

    @property
    def notes(self) -> int:
        """Number of tokens in all pieces."""
        return int(sum(lengths.sum() for lengths in self.lengths))


def cut_pieces(melodies: Sequence[Melody], vocabulary: Vocabulary, bars: Sequence[int], stride: int = 1) -> Pieces:
    """Return the different windows of all ``bars`` lengths of the melodies, in buckets."""
    seen: set[bytes] = set()
    buckets: list[list[Tokens]] = [[] for _ in WIDTHS]
    for melody in melodies:
        for count in bars:
            for window in windows(melody, count, stride):
                tokens, _ = vocabulary.encode(window)
                key = tokens.tobytes()
                if len(tokens) <= WIDTHS[-1] and key not in seen:
                    seen.add(key)
                    buckets[int(np.searchsorted(WIDTHS, len(tokens)))].append(tokens)
    packed = [_pack(bucket, width, vocabulary) for bucket, width in zip(buckets, WIDTHS, strict=True)]
    return Pieces([p[0] for p in packed], [p[1] for p in packed], [p[2] for p in packed])


def _pack(bucket: list[Tokens], width: int, vocabulary: Vocabulary) -> tuple[NDArray[np.int16], ...]:
    tokens = np.zeros((len(bucket), width, 2), np.int16)
    room = np.zeros((len(bucket), 2), np.int16)
    for row, piece in enumerate(bucket):
        tokens[row, : len(piece)] = piece
        pitches = piece[piece[:, 0] >= FIRST_PITCH, 0]
        if len(pitches):
            room[row] = (FIRST_PITCH - pitches.min(), vocabulary.pitch_symbols - 1 - pitches.max())
    return tokens, np.array([len(piece) for piece in bucket], np.int16), room

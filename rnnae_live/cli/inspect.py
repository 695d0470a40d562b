"""``rnnae-live inspect``: how the importer reads a file, without a model."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rnnae_live.song import Song

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

BARS_SHOWN = 16
"""Bars of the piano roll and of the list of notes."""


@click.command(short_help="Show how a MIDI file is read, without a model.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.option("--notes", "all_notes", is_flag=True, help="List every note, not only the first bars.")
def command(*, file: Path, as_json: bool, all_notes: bool) -> None:
    """Show the melody, the bars and the chords that are heard in FILE, and what had to be moved for it."""
    from rnnae_live.chunks import printable
    from rnnae_live.song import read_song

    song = read_song(file)
    if as_json:
        click.echo(as_record(song).decode())
        return
    click.echo(printable(file.name, 200))
    for line in [*_facts(song), "", *_roll(song), "", *_list(song, all_notes=all_notes)]:
        click.echo(line)
    for notice in song.notices:
        click.echo(f"note: {notice}")


def as_record(song: Song) -> bytes:
    """Return a song as one line of JSON: onsets and durations in ticks, ``ppqn`` to the quarter note.

    ``exact`` says that no note was moved, ``moved`` how many were, ``max_shift_ms`` the farthest that an attack was;
    ``pickup`` is the length in ticks of an incomplete first bar; ``roots`` is empty where the file has no chords.
    """
    from rnnae_live.melody import PPQ

    melody = song.melody
    record = {
        "ppqn": PPQ,
        "melody": [[note.onset, note.duration, note.pitch] for note in melody.notes],
        "roots": [list(root) for root in song.roots],
        "exact": song.exact,
        "moved": song.moved,
        "max_shift_ms": song.max_shift_ms,
        "metre": [[metre.onset, metre.numerator, metre.denominator] for metre in melody.metres],
        "tempo_bpm": song.tempo_bpm,
        "pickup": song.pickup,
        "notices": list(song.notices),
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def _facts(song: Song) -> list[str]:
    """Return what there is to say about the whole song."""
    melody = song.melody
    pitches = [note.pitch for note in melody.notes]
    metres = [f"{metre.numerator}/{metre.denominator}" for metre in melody.metres]
    rows = {
        "melody": f"{len(pitches)} notes, {note_name(min(pitches))} to {note_name(max(pitches))}, {_bars(song)}",
        "part": f"{song.part or 'without a name'} ({song.why})",
        "metre": " ".join(metres[:6]) + (f" and {len(metres) - 6} more" if len(metres) > 6 else ""),
        "tempo": f"{melody.bpm:g} bpm",
        "grid": _grid(song),
    }
    if song.roots:
        roots = [NAMES[root] for _, _, root in song.roots]
        rows["chords"] = f"{len(roots)}, roots {' '.join(roots[:16])}{' ...' if len(roots) > 16 else ''}"
    return [f"  {name:<8}{value}" for name, value in rows.items()]


def _bars(song: Song) -> str:
    """Return the number of bars in words, and the pickup."""
    lines = song.melody.bars()
    full = len(lines) - 1 - (1 if song.pickup and len(lines) > 1 else 0) + (lines[-1] < song.melody.length)
    bars = f"{full} bar{'' if full == 1 else 's'}"
    return f"{bars} after a pickup of {song.pickup / 24:g} quarter notes" if song.pickup else bars


def _grid(song: Song) -> str:
    """Return how the notes lie on the grid."""
    if song.exact:
        return "exact, every note is where the file has it"
    how = "played freely" if song.performed else "written"
    count = f"{song.moved} of {len(song.melody.notes)} notes"
    return f"{how}; {count} were moved or cut to length, attacks by {song.max_shift_ms:.1f} ms at most"


def _roll(song: Song) -> list[str]:
    """Return the first bars as a piano roll of text."""
    from rnnae_live.pianoroll import as_text, pitch_range

    melody = song.melody
    lines = melody.bars()
    ticks = lines[BARS_SHOWN] if len(lines) > BARS_SHOWN else melody.length
    shown = melody.slice(0, ticks)
    lowest, highest = pitch_range([shown])
    columns = max(20, min(100, shutil.get_terminal_size().columns - 6))
    rows = as_text(shown, columns, lowest, highest, max(1, ticks))
    names = [note_name(max(0, highest - 4 * i)) for i in range(len(rows))]
    return [f"{name:>4} {row}" for name, row in zip(names, rows, strict=True)]


def _list(song: Song, *, all_notes: bool) -> list[str]:
    """Return the notes bar by bar: name and length in sixteenths, ``-`` for a rest."""
    melody = song.melody
    edges = [*melody.bars(), melody.length]
    rows: list[str] = []
    number = 0 if song.pickup else 1
    for start, end in pairwise(edges):
        if start >= end:
            continue
        if len(rows) == BARS_SHOWN and not all_notes:
            rows.append(f"  ... {len(melody.notes)} notes in all; --notes lists them")
            break
        rows.append(f"{number:>4} {_bar(song, start, end)}")
        number += 1
    return rows


def _bar(song: Song, start: int, end: int) -> str:
    """Return the notes that begin in one bar."""
    words = []
    here = start
    for note in song.melody.notes:
        if start <= note.onset < end:
            if note.onset > here:
                words.append(f"-/{(note.onset - here) / 6:.3g}")
            words.append(f"{note_name(note.pitch)}/{note.duration / 6:.3g}")
        if note.onset < end:
            here = max(here, note.end)
    return " ".join(words) or "-"


def note_name(pitch: int) -> str:
    """Return the name of a MIDI pitch, middle C (60) being C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"

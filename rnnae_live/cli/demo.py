"""``rnnae-live demo``: recall, answer and morph in the terminal, as MIDI, as sound and as a picture."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rnnae_live.demo import Result, Step
    from rnnae_live.melody import Melody

INPUT, ANSWER, FAINT, GOOD, BAD = "bright_cyan", "bright_yellow", "bright_black", "bright_green", "bright_red"
MORPH = ("bright_green", "green", "cyan", "magenta", "bright_magenta")
"""Terminal colours from the first song to the second."""

MARGIN = 12
"""Columns left of everything that is not a heading."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), help="Folder for the files.  [demo]")
@click.option("--seed", type=click.IntRange(0), default=0, help="Choose other songs.  [0]")
@click.option("--bank", type=click.Path(path_type=Path), help="Another bank than the factory's.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(out: Path, seed: int, bank: Path | None, as_json: bool) -> None:
    """Hear and see the instrument without any MIDI device.

    Recalls the stored songs, answers a built-in phrase, morphs between two songs, and writes demo.mid, demo.wav and
    demo.png. Every figure is measured in this run.
    """
    began = time.perf_counter()
    from rnnae_live import demo

    result = demo.run(seed, bank)
    if not as_json:
        _show(result)
    files = demo.write(result, out)
    seconds = time.perf_counter() - began
    if as_json:
        click.echo(json.dumps(figures(result, files, seconds), indent=2))
        return
    _files(files, seconds)
    _next()


def figures(result: Result, files: tuple[Path, ...], seconds: float) -> dict[str, Any]:
    """Return what was measured as plain data; units are in the names."""
    recall, take = result.recall, result.take
    return {
        "bank": str(result.bank.folder),
        "model": result.bank.model.model_id,
        "load_ms": round(result.load_seconds * 1000, 1),
        "recall": {
            "songs": recall.songs,
            "exact_songs": recall.exact_songs,
            "notes": recall.notes,
            "right_notes": recall.right_notes,
            "seconds": round(recall.seconds, 3),
        },
        "answer": {
            "phrase_notes": len(result.phrase.notes),
            "answer_notes": len(take.melody.notes),
            "latency_ms_p50": round(take.seconds * 1000, 3),
            "latency_ms_max": round(result.worst_seconds * 1000, 3),
            "mixed_with": result.partner.name,
            "unreleased_notes": take.sounding,
        },
        "morph": {
            "first": result.first.name,
            "second": result.second.name,
            "steps": [
                {
                    "weight": step.weight,
                    "notes": len(step.melody.notes),
                    "like_first": round(step.like_first, 3),
                    "like_second": round(step.like_second, 3),
                    "ms": round(step.seconds * 1000, 3),
                }
                for step in result.morph
            ],
        },
        "files": [str(file) for file in files],
        "seconds": round(seconds, 2),
    }


def _show(result: Result) -> None:
    """Print what was found, in three parts."""
    from rnnae_live import __version__

    songs = len(result.bank.presets)
    click.echo()
    _line("rnnae-live", click.style(f"{__version__} · the state space of an LSTM auto-encoder, played live", fg=FAINT))
    _line("", f"Bank of {songs} songs, loaded and checked in {result.load_seconds * 1000:.0f} ms.")
    _recall(result)
    _answer(result)
    _morph(result)


def _recall(result: Result) -> None:
    recall = result.recall
    _head("1 Recall", "a song is a few state vectors, and they give it back")
    exact = recall.right_notes == recall.notes and recall.exact_songs == recall.songs
    verdict = click.style("exact" if exact else "not exact", fg=GOOD if exact else BAD, bold=True)
    _line(
        "",
        f"{recall.right_notes:,} of {recall.notes:,} notes, {verdict}: "
        f"{recall.exact_songs} of {recall.songs} songs decoded in {recall.seconds:.2f} s.",
    )
    _line("", _faint(f"'{recall.shown.name}', decoded from {_count(len(recall.shown.links), 'state')}:"))
    lines = recall.melody.bars()
    start = recall.melody.pickup
    end = min(recall.melody.length, start + 8 * (lines[-1] - lines[-2]) if len(lines) > 1 else recall.melody.length)
    _rolls([(recall.melody.slice(start, end), "", ANSWER)])


def _answer(result: Result) -> None:
    from rnnae_live.demo import FOLLOW, TAKES

    take = result.take
    _head("2 Answer", "what is played is encoded, mixed with a song, and decoded")
    _line("", _faint(f"{_count(len(result.phrase.notes), 'note')} go in at the port 'RNN-AE Live In',"))
    answer = _count(len(take.melody.notes), "note")
    _line(
        "",
        _faint(
            f"{answer} come out of 'RNN-AE Live Out', {FOLLOW:.0%} phrase and {1 - FOLLOW:.0%} '{result.partner.name}':"
        ),
    )
    _rolls([(result.phrase, "in", INPUT), (take.melody, "out", ANSWER)])
    latency = click.style(f"{take.seconds * 1000:.1f} ms", fg=GOOD, bold=True)
    _line(
        "",
        f"First note {latency} after the phrase, the median of {TAKES} takes ({result.worst_seconds * 1000:.1f} ms "
        f"at worst); {take.sounding} notes left sounding.",
    )


def _morph(result: Result) -> None:
    _head("3 Morph", "five points on the line between two songs")
    _line("", _faint(f"from '{result.first.name}' to '{result.second.name}':"))
    _rolls([(step.melody, _weights(step), MORPH[i]) for i, step in enumerate(result.morph)])
    names = (result.first.name, result.second.name)
    width = max(len(name) for name in names)
    shares = ([step.like_first for step in result.morph], [step.like_second for step in result.morph])
    _line("", _faint("Sixteenths that sound as in the parent, at each step:"))
    for name, row in zip(names, shares, strict=True):
        _line("", f"{name:<{width}} " + "".join(f"{share:6.0%}" for share in row))
    slowest = max(step.seconds for step in result.morph) * 1000
    _line("", f"Each step mixed and decoded in {slowest:.1f} ms or less.")


def _files(files: tuple[Path, ...], seconds: float) -> None:
    _head("Files", "")
    what = ("open it in your DAW", "listen", "look")
    width = max(len(str(file)) for file in files)
    for file, hint in zip(files, what, strict=True):
        size = file.stat().st_size / 1024
        _line("", f"{file!s:<{width}}  {size:6.0f} kB  {_faint(hint)}")
    _line("", _faint(f"All of this took {seconds:.1f} s."))


def _next() -> None:
    _head("Next", "")
    started = Path(sys.argv[0]).name.startswith("rnnae-live")
    live = "rnnae-live" if started else "python3 start.py"
    rows = (
        (f"{live} live", "play: connect your DAW to 'RNN-AE Live In' and 'RNN-AE Live Out'"),
        (f"{live} demo --seed 1", "the same with other songs"),
        (f"{live} preset save SONG.mid --name NAME", "keep a song of your own"),
        (f"{live} --help", "everything else"),
    )
    width = max(len(words) for words, _ in rows)
    for words, meaning in rows:
        _line("", f"{click.style(f'{words:<{width}}', bold=True)}  {_faint(meaning)}")
    click.echo()


def _rolls(rows: list[tuple[Melody, str, str]]) -> None:
    """Print melodies as text on one scale, each with its label, as wide as the terminal allows."""
    from rnnae_live.pianoroll import as_text, pitch_range

    if not _shows_braille():
        return
    columns = max(24, min(84, _width() - MARGIN))
    melodies = [melody for melody, _, _ in rows]
    lowest, highest = pitch_range(melodies)
    ticks = max(melody.length for melody in melodies)
    for melody, label, colour in rows:
        lines = as_text(melody, columns, lowest, highest, ticks)
        filled = [i for i, line in enumerate(lines) if line.strip("\u2800")] or [0]
        for i in range(filled[0], filled[-1] + 1):
            name = label if i == filled[0] else ""
            click.echo(f"{_faint(f'{name:>{MARGIN - 2}}')}  {click.style(lines[i], fg=colour)}")


def _weights(step: Step) -> str:
    return f"{(1 - step.weight) * 100:.0f} : {step.weight * 100:.0f}"


def _head(title: str, text: str) -> None:
    click.echo()
    _line(title, _faint(text))


def _line(title: str, text: str) -> None:
    click.echo(click.style(title, bold=True) + (" " * (MARGIN - len(title)) + text if text else ""))


def _faint(text: str) -> str:
    return text and click.style(text, fg=FAINT)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _width() -> int:
    return shutil.get_terminal_size((96, 24)).columns


def _shows_braille() -> bool:
    """Return whether what is written can be braille dots; a screen reader or an old code page cannot take them."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").startswith("utf") and os.environ.get("TERM") != "dumb"

"""``rnnae-live train``, ``export`` and ``evaluate``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnae_live.errors import RnnaeError

if TYPE_CHECKING:
    from rnnae_export.corpus import Corpus
    from rnnae_export.evaluate import Report
    from rnnae_export.train import Progress

RUNS = Path("runs")
FACTS = "facts.json"
PATH = click.Path(path_type=Path)
SOURCES = click.argument("sources", nargs=-1, required=True, type=PATH, metavar="DIR...")
MOST_PROGRAMS = 128
HELD_OUT = 20
"""Without --valid every twentieth song is kept back to measure with."""


@click.command(short_help="Learn a folder of songs.")
@SOURCES
@click.option("--name", default="mine", show_default=True, help="Name of the run, a folder under runs/.")
@click.option("--runs", type=PATH, default=RUNS, show_default=True, help="Where runs are kept.")
@click.option("--valid", type=PATH, help="Songs to measure with; by default one in twenty is kept back.")
@click.option("--bank", type=PATH, help="Write the finished bank here; by default into the run's folder.")
@click.option("--songs", type=PATH, help="Store these as presets: a folder, or a JSON list of {midi, title, composer}.")
@click.option(
    "--notes", type=click.FloatRange(0.001), default=60.0, show_default=True, help="Millions of notes to learn from."
)
@click.option(
    "--units", type=click.IntRange(8, 1024), default=128, show_default=True, help="Hidden units of each side."
)
@click.option("--order", type=click.Choice(["reversed", "forward"]), default="reversed", show_default=True,
              help="Order in which the decoder gives a phrase back.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 4096), default=128, show_default=True, help="Phrases a step.")
@click.option("--learning-rate", type=click.FloatRange(0, 1), default=3e-3, show_default=True, help="Adam's peak rate.")
@click.option("--noise", type=click.FloatRange(0), default=0.1, show_default=True, help="Noise on the state.")
@click.option("--l2", type=click.FloatRange(0), default=1e-4, show_default=True, help="Penalty on the cell state.")
@click.option("--transpose", type=click.IntRange(0, 12), default=6, show_default=True, help="Semitones up and down.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same batches.")
@click.option("--data", default="", help="Where the songs come from, for the model card.")
@click.option("--licence", default="", help="Licence of the weights, for the model card.")
def train(sources: tuple[Path, ...], name: str, runs: Path, valid: Path | None, bank: Path | None, songs: Path | None,
          data: str, licence: str, **chosen: Any) -> None:  # noqa: ANN401 - the fields of Settings  # fmt: skip
    """Learn all MIDI files in folders and zip files, and make a bank that can be played.

    Says what was kept, what was dropped and why. A run that was stopped goes on where it was when the same command is
    given again.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from rnnae_export.corpus import cut_pieces, read_corpus
    from rnnae_export.train import Settings
    from rnnae_export.train import train as learn
    from rnnae_live.tokens import Vocabulary

    corpus = read_corpus(sources)
    _say_dropped(corpus)
    held = read_corpus([valid]) if valid else _hold_out(corpus)
    settings = Settings(**chosen)
    pieces = cut_pieces(list(corpus.melodies.values()), Vocabulary(), settings.bars)
    measured = cut_pieces(list(held.melodies.values()), Vocabulary(), (2,), 2)
    click.echo(f"{len(pieces):,} different windows of {settings.bars} bars, {pieces.notes:,} notes; "
               f"{len(held.melodies)} songs to measure with.")  # fmt: skip
    run = runs / name
    learn(run, settings, pieces, measured, _say_progress)
    training = {"songs": len(corpus.melodies), "dropped": len(corpus.dropped), "pieces": len(pieces), "data": data}
    training |= {"seconds": _seconds(run), "cores": os.cpu_count(), "sources": [s.name for s in sources]}
    _finish(run, bank or run / "bank", corpus, held, songs, training, licence)


@click.command(short_help="Make a bank of a finished run again.")
@click.argument("run", type=PATH)
@click.option("--corpus", "sources", type=PATH, multiple=True, required=True, help="Songs for parity and figures.")
@click.option("--bank", type=PATH, help="Folder of the bank; by default inside the run.")
@click.option("--songs", type=PATH, help="Store these as presets: a folder, or a JSON list of {midi, title, composer}.")
def export(run: Path, sources: tuple[Path, ...], bank: Path | None, songs: Path | None) -> None:
    """Convert a finished run to ONNX, prove that it plays as TensorFlow does, measure it, and store songs in it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import msgspec

    from rnnae_export.corpus import read_corpus

    corpus = read_corpus(sources)
    try:
        facts = msgspec.json.decode((run / FACTS).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise RnnaeError(f"{run} is no finished run; give the folder that `rnnae-live train` made.") from error
    _finish(run, bank or run / "bank", corpus, corpus, songs, facts["training"], facts["licence"])


@click.command(short_help="Measure a bank on a corpus.")
@click.argument("bank", type=PATH)
@click.option("--corpus", "sources", type=PATH, multiple=True, required=True, help="Folder, zip or MIDI file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(bank: Path, sources: tuple[Path, ...], as_json: bool) -> None:
    """Print how well a bank reads phrases (encoder only) and recalls songs (as presets)."""
    import msgspec

    from rnnae_export.corpus import read_corpus
    from rnnae_export.evaluate import evaluate as measure
    from rnnae_live.model import Model

    report = measure(Model.load(bank), read_corpus(sources).melodies)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _say_report(report)


def _finish(
    run: Path, bank: Path, corpus: Corpus, held: Corpus, songs: Path | None, training: dict[str, Any], licence: str
) -> None:
    import msgspec

    from rnnae_export.bank import build_bank, list_songs, store_songs
    from rnnae_live.files import write_whole

    write_whole(run / FACTS, msgspec.json.encode({"training": training, "licence": licence}))
    melodies = list((held if len(held.melodies) >= HELD_OUT else corpus).melodies.values())
    report = build_bank(run, bank, phrases=melodies, valid=held.melodies, training=training, licence=licence)
    _say_report(report)
    if songs:
        presets = store_songs(bank, list_songs(songs)[:MOST_PROGRAMS])
        click.echo(f"{len(presets)} songs stored, each returns note for note.")
    click.echo(f"The bank is {bank}. Play it: rnnae-live live --bank {bank}")


def _hold_out(corpus: Corpus) -> Corpus:
    from rnnae_export.corpus import Corpus

    names = sorted(corpus.melodies)[HELD_OUT - 1 :: HELD_OUT] or sorted(corpus.melodies)[:1]
    if len(corpus.melodies) == 1:
        return Corpus(dict(corpus.melodies))
    return Corpus({name: corpus.melodies.pop(name) for name in names})


def _seconds(run: Path) -> float:
    import msgspec

    lines = (run / "log.jsonl").read_bytes().splitlines()
    return float(msgspec.json.decode(lines[-1])["seconds"])


def _say_dropped(corpus: Corpus) -> None:
    click.echo(f"{len(corpus.melodies):,} songs read, {len(corpus.dropped):,} dropped.")
    for name, why in corpus.dropped.items():
        click.echo(f"  {name}: {why}")


def _say_progress(line: Progress) -> None:
    left = time.strftime("%H:%M:%S", time.gmtime(line.left))
    click.echo(f"{line.notes / 1e6:7.2f} M notes   loss {line.loss:.4f}   unseen {line.valid:.4f} nats   {left} left")


def _say_report(report: Report) -> None:
    click.echo(f"{'encoder only':<28} {'phrases':>7}  every note  notes   sixteenths")
    for label, row in (
        ("2 bars, greedy", report.two_bars),
        ("2 bars, sampled at 1", report.two_bars_sampled),
        ("4 bars in one state", report.four_bars),
        ("16 bars as a chain", report.chains_of_16_bars),
    ):
        click.echo(f"{label:<28} {row.phrases:>7}  {row.exact:>10.4f}  {row.notes:.4f}  {row.sixteenths:.4f}")
    recall = report.recall
    click.echo(f"Stored as presets: {recall.exact} of {recall.songs} songs return note for note, "
               f"{recall.cpu_seconds_a_song:.3f} CPU s and {recall.refine_steps_a_song:.1f} steps a song.")  # fmt: skip
    for name in recall.inexact:
        click.echo(f"  not exact: {name}")

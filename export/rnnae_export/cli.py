"""``rnnae-live train``, ``export`` and ``evaluate``."""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnae_live.errors import RnnaeError

if TYPE_CHECKING:
    from rnnae_export.corpus import Corpus
    from rnnae_export.evaluate import Report
    from rnnae_export.material import Material
    from rnnae_export.train import Progress, Settings, Weights
    from rnnae_live.melody import Melody
    from rnnae_live.model import Model
    from rnnae_live.presets import Bank

RUNS = Path("runs")
FACTS = "facts.json"
PATH = click.Path(path_type=Path)
SOURCES = click.argument("sources", nargs=-1, required=True, type=PATH, metavar="DIR...")
MOST_SONGS = 1000
"""Songs that are stored as presets of a new bank."""

WHOLE, TUNED = 60.0, 1.5
"""Millions of notes to learn from: from scratch, and when a trained model learns some more songs."""


@click.command(short_help="Learn a folder of songs.")
@SOURCES
@click.option("--name", default="mine", show_default=True, help="Name of the run, a folder under runs/.")
@click.option("--runs", type=PATH, default=RUNS, show_default=True, help="Where runs are kept.")
@click.option("--start", type=PATH, help="Begin with the model of this bank; by default the factory bank.")
@click.option("--scratch", is_flag=True, help="Begin with nothing.")
@click.option("--valid", type=PATH, help="Songs to measure with; by default one in twenty is kept back.")
@click.option("--leave-out", multiple=True, metavar="TEXT",
              help="Learn no song with this in its name, or in that of its zip file.")  # fmt: skip
@click.option("--bank", type=PATH, help="Write the finished bank here; by default into the run's folder.")
@click.option("--songs", type=PATH,
              help="Store these as presets: a folder, or a JSON list of {midi, title, composer}.")  # fmt: skip
@click.option("--notes", type=click.FloatRange(0.001),
              help=f"Millions of notes to learn from; by default {TUNED}, or {WHOLE} from scratch.")  # fmt: skip
@click.option("--units", type=click.IntRange(8, 1024), help="Hidden units of each side; by default 128.")
@click.option("--order", type=click.Choice(["reversed", "forward"]),
              help="Order in which the decoder gives a phrase back; by default reversed.")  # fmt: skip
@click.option("--batch", type=click.IntRange(4, 4096), default=128, show_default=True, help="Phrases a step.")
@click.option("--learning-rate", type=click.FloatRange(0, 1),
              help="Adam's peak rate; by default 0.001, or 0.003 from scratch.")  # fmt: skip
@click.option("--noise", type=click.FloatRange(0), default=0.02, show_default=True, help="Noise on the state.")
@click.option("--l2", type=click.FloatRange(0), default=1e-4, show_default=True, help="Penalty on the cell state.")
@click.option("--drop", type=click.FloatRange(0, 1), default=0.3, show_default=True,
              help="Share of its own tokens that the decoder does not see.")  # fmt: skip
@click.option("--mix", type=click.FloatRange(0), default=2.0, show_default=True, help="Weight of mixtures.")
@click.option("--transpose", type=click.IntRange(0, 12), default=6, show_default=True, help="Semitones up and down.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same batches.")
@click.option("--data", default="", help="Where the songs come from, for the model card.")
@click.option("--licence", default="", help="Licence of the weights, for the model card.")
def train(sources: tuple[Path, ...], name: str, runs: Path, start: Path | None, scratch: bool, valid: Path | None,
          leave_out: tuple[str, ...], bank: Path | None, songs: Path | None, data: str, licence: str,
          **chosen: Any) -> None:  # noqa: ANN401 - the fields of Settings  # fmt: skip
    """Learn all MIDI files in folders and zip files, and make a bank that can be played.

    It begins with the factory model, so that some songs of your own take minutes; --scratch begins with nothing, for a
    large corpus. Says what was kept, what was dropped and why. A run that was stopped (Ctrl-C, or worse) goes on where
    it was when the same command is given again.

    \b
    rnnae-live train MY_SONGS --name mine
    rnnae-live train CORPUS --scratch --name large --valid UNSEEN
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from rnnae_export.corpus import Corpus, read_corpus
    from rnnae_export.material import divide
    from rnnae_export.train import train as learn
    from rnnae_export.train import worker

    other = worker() > 0
    source, weights, rehearsed = _beginning(start, scratch=scratch)
    settings = _settings(chosen, source)
    run = runs / name
    material = divide(run, sources, settings, valid=valid, leave_out=leave_out, beside=rehearsed)
    _say_material(material, len(rehearsed))
    try:
        learn(run, settings, material.index, material.measured(settings.order), _say_progress, weights)
    except KeyboardInterrupt:
        click.echo(f"Stopped; {run} is kept. The same command goes on from here.")
        raise click.exceptions.Exit(130) from None
    if other:
        return  # The first worker makes the bank.
    training = {"songs": material.index.songs, "dropped": len(material.index.dropped), "data": data,
                "pieces": material.index.pieces, "seconds": _seconds(run), "cores": os.cpu_count(),
                "sources": [s.name for s in sources],
                "measured": "unseen" if material.held else "learned"}  # fmt: skip
    held = Corpus(material.held) if material.held else read_corpus(sources)
    # The judge of mixtures needs a corpus to learn from; with some songs of one's own there is none.
    lessons = read_corpus(sources) if valid else None
    songs = songs or (None if scratch else sources[0])
    _finish(run, bank or run / "bank", held, songs, training, licence, lessons)


def _beginning(start: Path | None, *, scratch: bool) -> tuple[Model | None, Weights | None, list[tuple[str, Melody]]]:
    """Return the model that a run begins with, its weights, and the songs of its bank, which it is not to forget."""
    from rnnae_export.convert import read_weights
    from rnnae_live.presets import Bank, factory

    if scratch:
        if start:
            raise click.UsageError("Give --start or --scratch, not both.")
        return None, None, []
    folder = start or factory()
    opened = Bank.open(folder)
    songs = [(preset.name, preset.melody) for preset in opened.presets]
    return opened.model, read_weights(folder, opened.model), songs


def _settings(chosen: dict[str, Any], source: Model | None) -> Settings:
    """Return the settings of a run: what was chosen, what the model that it begins with decides, and what suits it."""
    from rnnae_export.train import Settings

    fitting: dict[str, Any] = {"notes": WHOLE, "learning_rate": 3e-3}
    if source is not None:
        fixed = {"units": source.units, "order": source.manifest.order}
        for name, value in fixed.items():
            if chosen[name] not in (None, value):
                raise click.UsageError(f"The model to begin with has {name} {value}; give --scratch for another.")
        fitting = {"notes": TUNED, "learning_rate": 1e-3, "start": source.model_id, **fixed}
    return Settings(**{**fitting, **{name: value for name, value in chosen.items() if value is not None}})


@click.command(short_help="Make a bank of a finished run again.")
@click.argument("run", type=PATH)
@click.option("--corpus", "sources", type=PATH, multiple=True, required=True, help="Songs for parity and figures.")
@click.option("--bank", type=PATH, help="Folder of the bank; by default inside the run.")
@click.option("--judge", "lessons", type=PATH, multiple=True, help="Songs that a judge of mixing learns from.")
@click.option("--songs", type=PATH, help="Store these as presets: a folder, or a JSON list of {midi, title, composer}.")
def export(
    run: Path, sources: tuple[Path, ...], bank: Path | None, lessons: tuple[Path, ...], songs: Path | None
) -> None:
    """Convert a finished run to ONNX, prove that it plays as TensorFlow does, measure it, and store songs in it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import msgspec

    from rnnae_export.corpus import read_corpus

    corpus = read_corpus(sources)
    try:
        facts = msgspec.json.decode((run / FACTS).read_bytes())
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise RnnaeError(f"{run} is no finished run; give the folder that `rnnae-live train` made.") from error
    learned = read_corpus(lessons) if lessons else None
    _finish(run, bank or run / "bank", corpus, songs, facts["training"], facts["licence"], learned)


@click.command(short_help="Measure a bank on a corpus.")
@click.argument("bank", type=PATH)
@click.option("--corpus", "sources", type=PATH, multiple=True, required=True, help="Folder, zip or MIDI file.")
@click.option("--judge", "lessons", type=PATH, multiple=True,
              help="Songs that the judge of mixing learns from; by default half of the corpus.")  # fmt: skip
@click.option("--pairs", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Pairs that are mixed.")
@click.option("--random", "random_states", type=click.IntRange(0, 10_000_000), default=10_000, show_default=True,
              help="Random states that have to give valid melodies.")  # fmt: skip
@click.option("--steered", type=click.IntRange(0, 10_000), default=50, show_default=True,
              help="Phrases that every knob steers.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same figures.")
@click.option("--out", type=PATH, help="Write report.md, report.json and pictures into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(bank: Path, sources: tuple[Path, ...], lessons: tuple[Path, ...], pairs: int, random_states: int,
             steered: int, seed: int, out: Path | None, as_json: bool) -> None:  # fmt: skip
    """Print how well a bank recalls songs, reads phrases (encoder only) and mixes them, beside the goals."""
    import msgspec

    from rnnae_export.corpus import read_corpus
    from rnnae_export.evaluate import evaluate as measure
    from rnnae_export.mixing import Trial
    from rnnae_live.presets import Bank

    opened = Bank.open(bank)
    for notice in opened.notices:
        click.echo(notice, err=True)
    songs = read_corpus(sources).melodies
    report = measure(
        opened.model,
        songs,
        presets=opened.presets,
        trial=Trial(pairs=pairs, random=random_states, steered=steered, seed=seed),
        judge_songs=read_corpus(lessons).melodies if lessons else None,
        judge_source=", ".join(lesson.name for lesson in lessons),
        seed=seed,
    )
    title = f"{opened.model.manifest.name} ({opened.model.model_id})"
    if out:
        _write_report(out, opened, songs, report, title)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _say_report(report, title)


def _write_report(out: Path, bank: Bank, songs: dict[str, Melody], report: Report, title: str) -> None:
    import msgspec

    from rnnae_export.plots import write_plots
    from rnnae_export.report import with_definitions
    from rnnae_live.files import write_whole

    try:
        write_whole(out / "report.json", msgspec.json.format(msgspec.json.encode(report)))
        write_whole(out / "report.md", with_definitions(report, title).encode())
        write_plots(out, bank.model, songs, bank.presets, report.mixing)
    except OSError as error:
        raise RnnaeError(f"{out} cannot be written ({error.strerror}); give another folder with --out.") from error


def _finish(
    run: Path,
    bank: Path,
    corpus: Corpus,
    songs: Path | None,
    training: dict[str, Any],
    licence: str,
    lessons: Corpus | None,
) -> None:
    """Make the bank of a finished run: measured on ``corpus``, with ``songs`` stored in it."""
    import msgspec

    from rnnae_export.bank import build_bank, list_songs, store_songs
    from rnnae_live.files import write_whole
    from rnnae_live.presets import Bank

    write_whole(run / FACTS, msgspec.json.encode({"training": training, "licence": licence}))
    melodies = corpus.melodies
    report = build_bank(
        run,
        bank,
        phrases=list(melodies.values()),
        valid=melodies,
        training=training,
        licence=licence,
        lessons=lessons.melodies if lessons else None,
    )
    _say_report(report)
    if songs:
        made = store_songs(bank, islice(list_songs(songs), MOST_SONGS))
        lost = [preset.name for preset in made if not preset.exact]
        click.echo(f"{len(made) - len(lost)} of {len(made)} songs are stored and return note for note.")
        for name in lost:
            click.echo(f"  not stored, because it does not come back note for note: {name}")
    _write_report(run / "report", Bank.open(bank), melodies, report, run.name)
    _draw_losses(run)
    click.echo(
        f"The bank is {bank}, pictures and report are in {run / 'report'}. Play it: rnnae-live live --bank {bank}"
    )


def _draw_losses(run: Path) -> None:
    """Draw how the run learned."""
    import msgspec

    from rnnae_export.plots import draw_losses, write_picture
    from rnnae_export.train import Progress

    lines = (run / "log.jsonl").read_bytes().splitlines()
    write_picture(
        run / "report" / "losses.png", draw_losses([msgspec.json.decode(line, type=Progress) for line in lines])
    )


def _seconds(run: Path) -> float:
    import msgspec

    lines = (run / "log.jsonl").read_bytes().splitlines()
    return float(msgspec.json.decode(lines[-1])["seconds"])


def _say_material(material: Material, rehearsed: int) -> None:
    index = material.index
    click.echo(f"{index.songs - rehearsed:,} songs to learn, {len(material.held):,} to measure with, "
               f"{len(index.dropped):,} dropped.")  # fmt: skip
    for name, why in index.dropped.items():
        click.echo(f"  {name}: {why}")
    if rehearsed:
        click.echo(f"{rehearsed} songs of the bank that it begins with are learned again beside them.")
    click.echo(f"{index.pieces:,} different windows, {index.tokens:,} notes.")


def _say_progress(line: Progress) -> None:
    left = time.strftime("%H:%M:%S", time.gmtime(line.left))
    seen = f"learned {line.loss:.3f} / {line.mixed:.3f}   unseen {line.valid:.3f} / {line.valid_mixed:.3f}"
    click.echo(f"{line.notes / 1e6:7.2f} M notes   nats a note, phrases / mixtures: {seen}   {left} left")


def _say_report(report: Report, title: str = "The bank") -> None:
    from rnnae_export.report import text

    click.echo(text(report, title), nl=False)

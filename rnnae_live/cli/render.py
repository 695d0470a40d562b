"""``rnnae-live render``: a mix of phrase and presets as a MIDI file, sound and picture."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnae_live.cli.live import preset_weight
from rnnae_live.errors import UsageError

if TYPE_CHECKING:
    from rnnae_live.melody import Melody

PATH = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Mix a phrase and presets into a MIDI file.")
@click.argument("phrase", required=False, type=click.Path(path_type=Path))
@click.option("-p", "--preset", "presets", multiple=True, metavar="PRESET=WEIGHT", help="Mix in a preset; repeatable.")
@click.option("--follow", type=click.FloatRange(0.0), default=1.0, show_default=True, help="Weight of the phrase.")
@click.option("--random", "chance", type=click.FloatRange(0.0), default=0.0, metavar="WEIGHT",
              help="Mix in random states: a song that nobody has stored, drawn by --seed.")  # fmt: skip
@click.option("--knob", "turned", multiple=True, metavar="NAME=VALUE",
              help="More (1, at most 2) or less (-1, at least -2) density, range, syncopation, interval or contour; "
              "repeatable.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(0.0, 2.0), default=0.0, show_default=True,
              help="0: the likeliest melody; 1: drawn from the model's own distribution.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Dice of --random and of temperatures above 0.")
@click.option("--bars", type=click.IntRange(1, 256), help="Length in bars.")
@click.option(
    "--bank", type=click.Path(path_type=Path), envvar="RNNAE_BANK", help="Bank folder; the factory bank without."
)
@click.option("-o", "--output", type=PATH, metavar="OUT.mid", help="Write the melody as MIDI.")
@click.option("--wav", type=PATH, help="Write it as sound.")
@click.option("--plot", type=PATH, metavar="OUT.png", help="Write it as a piano roll.")
@click.option("--json", "as_json", is_flag=True, help="Print the melody in the form of `inspect --json`.")
def command(
    *,
    phrase: Path | None,
    presets: tuple[str, ...],
    follow: float,
    chance: float,
    turned: tuple[str, ...],
    temperature: float,
    seed: int,
    bars: int | None,
    bank: Path | None,
    output: Path | None,
    wav: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Mix a phrase and presets into a melody.

    \b
    rnnae-live render phrase.mid -o answer.mid            the model's own reading of the phrase
    rnnae-live render -p "Ode to Joy=1" -o ode.mid        a stored song, note for note
    rnnae-live render --random 1 --seed 7 -o new.mid      a song that nobody has stored
    rnnae-live render phrase.mid --knob density=0.5 -o fuller.mid
    rnnae-live render -p "Ode to Joy=1" -p "Greensleeves=1" -o both.mid --wav both.wav
    """
    from rnnae_live.presets import Bank
    from rnnae_live.render import render
    from rnnae_live.song import read_song

    heard = read_song(phrase).melody if phrase else None
    voices = [preset_weight(text) for text in presets]
    opened = Bank.open(bank)
    knobs = dict(_knob(text) for text in turned)
    melody = render(opened, heard, voices, follow=follow, chance=chance, temperature=temperature, seed=seed, bars=bars,
                    knobs=knobs)  # fmt: skip
    written = _write(melody, heard, output, wav, plot)
    if as_json:
        from rnnae_live.cli.inspect import as_record
        from rnnae_live.song import Song

        sys.stdout.buffer.write(as_record(Song(melody)) + b"\n")
        return
    bars_count = len(melody.bars()) - 1
    click.echo(f"{len(melody.notes)} notes, {bars_count} bars, {melody.bpm:.0f} bpm")
    for path in written:
        click.echo(f"wrote {path}")
    if not written:
        click.echo("Nothing was written; give -o OUT.mid, --wav OUT.wav or --plot OUT.png.")


def _knob(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not -1.0 <= value <= 1.0:
        raise UsageError(f"The knob '{text}' is not a name and a number from -1 to 1: --knob density=0.5.")
    return name.strip(), value


def _write(
    melody: Melody, heard: Melody | None, output: Path | None, wav: Path | None, plot: Path | None
) -> list[Path]:
    from rnnae_live import midifile, pianoroll, synth

    if output:
        midifile.write(output, melody)
    if wav:
        synth.write(wav, synth.render([synth.Voice(melody)]))
    if plot:
        panels = [pianoroll.Panel("phrase", heard, pianoroll.INPUT)] if heard else []
        pianoroll.write(plot, [*panels, pianoroll.Panel("mix", melody, pianoroll.ANSWER)])
    return [path for path in (output, wav, plot) if path]

"""``rnnae-live preset``: the library of songs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rnnae_live.presets import Bank, Preset

BANK = click.option("--bank", type=click.Path(path_type=Path), envvar="RNNAE_BANK",
                    help="Bank folder; the factory bank and your own presets without.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="preset", short_help="List, show, save, check, reencode and delete presets.")
def command() -> None:
    """Songs stored as states, recalled note for note."""


@command.command(name="list", short_help="List all presets.")
@BANK
@JSON
def list_presets(*, bank: Path | None, as_json: bool) -> None:
    """List all presets with their programs, as a DAW shows them (1-128)."""
    opened = _open(bank)
    if as_json:
        _print_json([_summary(opened, preset) for preset in opened.presets])
        return
    width = max((len(p.name) for p in opened.presets), default=4)
    click.echo(f"{'prog':>4}  {'name':<{width}}  {'notes':>5}  {'states':>6}  {'bpm':>3}  recall")
    for p in opened.presets:
        program = "" if p.program is None else str(p.program + 1)
        recall = "exact" if p.exact else "not exact"
        click.echo(f"{program:>4}  {p.name:<{width}}  {p.notes_count:>5}  {p.states_count:>6}  {p.bpm:>3.0f}  {recall}")


@command.command(short_help="Show one preset.")
@click.argument("name")
@BANK
@JSON
def show(*, name: str, bank: Path | None, as_json: bool) -> None:
    """Show what a preset holds, and its melody."""
    opened = _open(bank)
    preset = opened.find(name)
    if as_json:
        _print_json({**_summary(opened, preset), "melody": [list(n[:3]) for n in preset.notes]})
        return
    from rnnae_live.pianoroll import as_text, pitch_range

    for key, value in _summary(opened, preset).items():
        click.echo(f"{key:>12}  {value}")
    melody = preset.melody
    ticks = max(6, -(-melody.length // 96))
    for line in as_text(melody, -(-melody.length // ticks), *pitch_range([melody]), ticks):
        click.echo(f"  {line}")


@command.command(short_help="Store a MIDI file's melody as a preset.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the preset.")
@click.option("--program", type=click.IntRange(1, 128), help="Program number, as your DAW shows it.")
@click.option("--credit", default="", help="Composer, source, licence.")
@click.option("--inexact", is_flag=True, help="Store it even where the model cannot return every note.")
@BANK
@JSON
def save(
    *, file: Path, name: str, program: int | None, credit: str, inexact: bool, bank: Path | None, as_json: bool
) -> None:
    """Store a MIDI file's melody so that it comes back note for note.

    What cannot come back exactly is said with the difference, and stored only with --inexact.
    """
    import time

    from rnnae_live.errors import PresetError
    from rnnae_live.melody import difference
    from rnnae_live.mixer import play
    from rnnae_live.presets import make
    from rnnae_live.song import read_song

    opened = _open(bank)
    song = read_song(file)
    begun = time.perf_counter()
    preset = make(opened.model, song.melody, name, program=None if program is None else program - 1, credit=credit)
    seconds = time.perf_counter() - begun
    missed = None if preset.exact else difference(song.melody, play(opened.model, preset.chain))
    if missed and not inexact and not as_json:
        raise PresetError(
            f"{missed.wrong} of {missed.notes} notes would not come back, the first at tick {missed.first}; "
            "nothing was stored. Give --inexact to store it as it is."
        )
    stored = preset.exact or inexact
    if stored:
        opened.save(preset)
    result: dict[str, Any] = {"id": preset.id, "states": len(preset.links), "exact": preset.exact}
    result |= {"notes": len(preset.notes), "refine_steps": preset.refine_steps, "seconds": round(seconds, 4)}
    if as_json:
        _print_json({**result, "stored": stored})
        if not stored:
            raise click.exceptions.Exit(1)
        return
    for notice in song.notices:
        click.echo(notice)
    recall = "exact" if preset.exact else "not exact"
    click.echo(f"{preset.name}: {len(preset.notes)} notes in {len(preset.links)} states, recall {recall}.")
    click.echo(f"Stored as {preset.id} in {opened.own}, {seconds:.2f} s, {preset.refine_steps} refinement steps.")


@command.command(short_help="Verify that every preset comes back note for note.")
@click.argument("names", nargs=-1)
@BANK
@JSON
def check(*, names: tuple[str, ...], bank: Path | None, as_json: bool) -> None:
    """Decode presets through the model and compare every note. Leaves with 1 where an exact preset is not."""
    opened = _open(bank)
    chosen = [opened.find(name) for name in names] or None
    rows = []
    for preset, missed in opened.check(chosen):
        rows.append({"id": preset.id, "name": preset.name, "exact": missed is None, "stored_as_exact": preset.exact})
        if not as_json:
            verdict = "exact" if missed is None else f"{missed.wrong} of {missed.notes} notes differ"
            click.echo(f"{preset.name}: {verdict}")
    broken = [row for row in rows if row["stored_as_exact"] and not row["exact"]]
    if as_json:
        _print_json(rows)
    else:
        click.echo(f"{sum(bool(row['exact']) for row in rows)} of {len(rows)} presets return note for note.")
    if broken or opened.notices:
        raise click.exceptions.Exit(1)


@command.command(short_help="Move your presets to the bank's present model.")
@click.argument("names", nargs=-1)
@BANK
def reencode(*, names: tuple[str, ...], bank: Path | None) -> None:
    """Encode your own presets that another model made again, from the notes that they hold; all of them, or NAMES.

    What comes back note for note takes the place of the old preset, which goes to the trash. What does not stays as it
    is and is named. Leaves with 1 where that happens.
    """
    from rnnae_live.errors import PresetError
    from rnnae_live.presets import Bank, clean_name

    opened = Bank.open(bank)
    wanted = {clean_name(name).casefold() for name in names}
    chosen = [p for p in opened.strangers if not names or wanted & {p.id, p.name.casefold()}]
    if names and len(chosen) < len(wanted):
        raise PresetError(f"Not all of {', '.join(names)} are presets that another model made; see `preset list`.")
    lost = 0
    for preset in chosen:
        made = opened.reencode(preset)
        lost += not made.exact
        click.echo(f"{preset.name}: " + ("exact" if made.exact else "this model does not return it; it stays as it is"))
    click.echo(f"{len(chosen) - lost} of {len(chosen)} presets are at home in the model {opened.model.model_id} now.")
    if lost:
        raise click.exceptions.Exit(1)


@command.command(short_help="Move a preset of your own to the trash.")
@click.argument("name")
@BANK
def delete(*, name: str, bank: Path | None) -> None:
    """Move a preset of your own to the trash folder beside the presets; move its file back to undo that."""
    opened = _open(bank)
    preset = opened.find(name)
    trash = opened.delete(preset)
    click.echo(f"{preset.name} is in the trash: {trash}")


def _open(folder: Path | None) -> Bank:
    from rnnae_live.presets import Bank

    bank = Bank.open(folder)
    for notice in bank.notices:
        click.echo(notice, err=True)
    return bank


def _summary(bank: Bank, preset: Preset) -> dict[str, Any]:
    return {
        "id": preset.id,
        "name": preset.name,
        "program": None if preset.program is None else preset.program + 1,
        "notes": len(preset.notes),
        "states": len(preset.links),
        "bpm": preset.bpm,
        "exact": preset.exact,
        "factory": not bank.is_own(preset),
        "credit": preset.credit,
    }


def _print_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value).decode())

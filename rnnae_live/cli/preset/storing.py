"""``preset save``, ``blend`` and ``reencode``: what makes states, and so needs the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnae_live.cli.preset.arguments import BANK, FORCE_NUMBER, JSON, NAMES, PROGRAM, complete, print_json, tell

if TYPE_CHECKING:
    from rnnae_live.presets import Bank, Preset

INEXACT = click.option("--inexact", is_flag=True, help="Store it even where the model cannot return every note.")
TAGS = click.option("--tag", "tags", multiple=True, help="Give it this tag; repeatable.")


@click.command(short_help="Store a MIDI file's melody as a preset.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the preset.")
@PROGRAM
@FORCE_NUMBER
@TAGS
@click.option("--credit", default="", help="Composer, source, licence.")
@INEXACT
@BANK
@JSON
def save(
    *,
    file: Path,
    name: str,
    program: tuple[int, int] | None,
    force: bool,
    tags: tuple[str, ...],
    credit: str,
    inexact: bool,
    bank: Path | None,
    as_json: bool,
) -> None:
    """Store a MIDI file's melody so that it comes back note for note.

    What cannot come back exactly is said with the difference, and stored only with --inexact. One of the same name is
    replaced and lies in the trash.

    \b
    Examples:
      rnnae-live preset save SONG.mid --name "My song"
      rnnae-live preset save SONG.mid --name "My song" --program 5 --force --tag slow
    """
    import time

    from rnnae_live.presets import Bank, make
    from rnnae_live.song import read_song

    opened = Bank.open(bank)
    tell(opened.notices)
    song = read_song(file)
    begun = time.perf_counter()
    preset = make(opened.model, song.melody, name, credit=credit)
    seconds = time.perf_counter() - begun
    notices = [] if as_json else list(song.notices)
    preset = _numbered(preset, program, tags)
    _store(opened, preset, seconds, notices, inexact=inexact, force=force, as_json=as_json)


@click.command(short_help="Store the mean of several presets as a new one.")
@click.argument("parents", nargs=-1, required=True, metavar="NAME=WEIGHT...", shell_complete=complete)
@click.option("--name", required=True, help="Name of the new preset.")
@PROGRAM
@FORCE_NUMBER
@TAGS
@click.option("--credit", default="", help="Composer, source, licence; what it is made of is added.")
@INEXACT
@BANK
@JSON
def blend(
    *,
    parents: tuple[str, ...],
    name: str,
    program: tuple[int, int] | None,
    force: bool,
    tags: tuple[str, ...],
    credit: str,
    inexact: bool,
    bank: Path | None,
    as_json: bool,
) -> None:
    """Store the weighted mean of presets: its melody, and states that return it note for note.

    A name without a weight has weight 1; what counts is how the weights relate to each other.

    \b
    Examples:
      rnnae-live preset blend "Ode to Joy=0.5" "Greensleeves=0.5" --name "Joyful sleeves"
      rnnae-live preset blend arirang=0.2 "sakura sakura=0.3" "my song=0.5" --name "Three of a kind" --tag blend
    """
    import time

    from rnnae_live.cli.live import preset_weight
    from rnnae_live.presets import Bank
    from rnnae_live.presets import blend as mean

    voices = [preset_weight(text) for text in parents]
    opened = Bank.open(bank)
    tell(opened.notices)
    found = [(opened.find(voice), weight) for voice, weight in voices]
    begun = time.perf_counter()
    preset = mean(opened.model, found, name, credit=credit)
    seconds = time.perf_counter() - begun
    preset = _numbered(preset, program, tags)
    _store(opened, preset, seconds, [], inexact=inexact, force=force, as_json=as_json)


@click.command(short_help="Move your presets to the bank's present model.")
@NAMES
@BANK
def reencode(*, names: tuple[str, ...], bank: Path | None) -> None:
    """Encode your own presets that another model made again, from the notes that they hold; all of them, or NAMES.

    What comes back note for note takes the place of the old preset, which goes to the trash. What does not stays as it
    is and is named. Leaves with 1 where that happens.

    \b
    Examples:
      rnnae-live preset reencode
      rnnae-live preset reencode "My song"
    """
    from rnnae_live.errors import PresetError
    from rnnae_live.presets import Bank, clean_name

    opened = Bank.open(bank)
    wanted = {clean_name(name).casefold() for name in names}
    chosen = [p for p in opened.strangers if not names or wanted & {p.id, p.name.casefold()}]
    if names and len(chosen) < len(wanted):
        raise PresetError(f"Not all of {', '.join(names)} are presets that another model made; see `preset list`.")
    if not chosen:
        click.echo(f"Nothing to do: all your presets are at home in the model {opened.model.model_id}.")
    lost = 0
    for preset in chosen:
        made = opened.reencode(preset)
        lost += not made.exact
        click.echo(f"{preset.name}: " + ("exact" if made.exact else "this model does not return it; it stays as it is"))
    if chosen:
        click.echo(
            f"{len(chosen) - lost} of {len(chosen)} presets are at home in the model {opened.model.model_id} now."
        )
    if lost:
        raise click.exceptions.Exit(1)


def _numbered(preset: Preset, program: tuple[int, int] | None, tags: tuple[str, ...]) -> Preset:
    from rnnae_live.library.names import clean_tags

    if program is not None:
        preset = preset.changed(bank=program[0], program=program[1])
    return preset.changed(tags=clean_tags(tags)) if tags else preset


def _store(
    bank: Bank, preset: Preset, seconds: float, notices: list[str], *, inexact: bool, force: bool, as_json: bool
) -> None:
    """Save a preset that was made, where it is exact or that is not asked for, and tell what became of it."""
    from rnnae_live.errors import PresetError
    from rnnae_live.melody import difference
    from rnnae_live.mixer import play

    missed = None if preset.exact else difference(preset.melody, play(bank.model, preset.chain))
    if missed and not inexact and not as_json:
        raise PresetError(
            f"{missed.wrong} of {missed.notes} notes would not come back, the first at tick {missed.first}; "
            "nothing was stored. Give --inexact to store it as it is."
        )
    stored = preset.exact or inexact
    where = bank.save(preset, force=force) if stored else None
    result: dict[str, Any] = {"id": where.stem if where else preset.id, "states": len(preset.links)}
    result |= {"exact": preset.exact, "notes": len(preset.notes), "refine_steps": preset.refine_steps}
    if as_json:
        print_json({**result, "seconds": round(seconds, 4), "stored": stored})
        if not stored:
            raise click.exceptions.Exit(1)
        return
    for notice in notices:
        click.echo(notice)
    recall = "exact" if preset.exact else "not exact"
    click.echo(f"{preset.name}: {len(preset.notes)} notes in {len(preset.links)} states, recall {recall}.")
    click.echo(f"Stored as {result['id']} in {bank.own}, {seconds:.2f} s, {preset.refine_steps} refinement steps.")

"""``preset list``, ``show`` and ``check``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnae_live.cli.preset.arguments import (
    BANK,
    JSON,
    NAME,
    NAMES,
    open_library,
    print_json,
    scene_words,
    summary,
    tell,
)

if TYPE_CHECKING:
    from rnnae_live.library import Library, Preset

MOST_COLUMNS = 100
"""Of a piano roll of text."""


@click.command(name="list", short_help="List presets: all, or those that a word or a tag finds.")
@click.argument("query", nargs=-1)
@click.option("--tag", "tags", multiple=True, help="Only those with this tag; repeatable.")
@click.option("--trash", is_flag=True, help="What was deleted or replaced, the last first.")
@BANK
@JSON
def list_presets(
    *, query: tuple[str, ...], tags: tuple[str, ...], trash: bool, bank: Path | None, as_json: bool
) -> None:
    """List presets with their programs, as a DAW shows them (1-128).

    Every word of QUERY has to be in the name, the credit or a tag.

    \b
    Examples:
      rnnae-live preset list
      rnnae-live preset list lullaby --tag slow
      rnnae-live preset list --trash
    """
    library = open_library(bank)
    found = library.deleted() if trash else library.search(" ".join(query), tags)
    if as_json:
        print_json([summary(library, preset) for preset in found])
        return
    if not found:
        click.echo("Nothing in the trash." if trash else "No preset fits.")
        return
    click.echo("\n".join(_table(library, found)))


def _table(library: Library, presets: list[Preset]) -> list[str]:
    from rnnae_live.library import shown_program

    width = max(len(p.name) for p in presets)
    lines = [f"{'prog':>6}  {'slot':>4}  {'name':<{width}}  {'notes':>5}  {'states':>6}  {'bpm':>3}  recall     tags"]
    for p in presets:
        recall = "exact" if p.exact else "not exact"
        tags = ", ".join(p.tags) if library.is_own(p) else ", ".join(("(factory)", *p.tags))
        lines.append(
            f"{shown_program(p):>6}  {p.slot or '':>4}  {p.name:<{width}}  {p.notes_count:>5}  {p.states_count:>6}  "
            f"{p.bpm:>3.0f}  {recall:<9}  {tags}".rstrip()
        )
    return lines


@click.command(short_help="Show one preset and its melody.")
@NAME
@BANK
@JSON
def show(*, name: str, bank: Path | None, as_json: bool) -> None:
    """Show what a preset holds, and its melody.

    \b
    Examples:
      rnnae-live preset show "Ode to Joy"
      rnnae-live preset show "#5" --json
    """
    from msgspec import to_builtins

    library = open_library(bank)
    preset = library.find(name)
    if as_json:
        facts = {**summary(library, preset), "scene": to_builtins(preset.scene), "file": preset.file}
        print_json({**facts, "melody": [list(n[:3]) for n in preset.notes]})
        return
    for key, value in _facts(library, preset).items():
        if value:
            click.echo(f"{key:>8}  {value}")
    for line in _roll(preset):
        click.echo(f"          {line}")


def _facts(library: Library, preset: Preset) -> dict[str, str]:
    """Return what a preset holds, in words; nothing for what it has not."""
    from rnnae_live.library import shown_program

    return {
        "name": preset.name,
        "id": preset.id,
        "program": shown_program(preset),
        "slot": str(preset.slot or ""),
        "tags": ", ".join(preset.tags),
        "melody": f"{preset.notes_count} notes in {preset.states_count} states, {preset.bpm:g} bpm",
        "recall": "exact" if preset.exact else "not exact",
        "sets": scene_words(preset),
        "credit": preset.credit,
        "file": f"{preset.file}{'' if library.is_own(preset) else ' (factory, read-only)'}",
    }


def _roll(preset: Preset) -> list[str]:
    """Return the melody as a piano roll of text."""
    from rnnae_live.pianoroll import as_text, pitch_range

    melody = preset.melody
    columns = max(20, min(MOST_COLUMNS, shutil.get_terminal_size().columns - 10))
    return as_text(melody, columns, *pitch_range([melody]), max(1, melody.length))


@click.command(short_help="Verify that every preset comes back note for note.")
@NAMES
@BANK
@JSON
def check(*, names: tuple[str, ...], bank: Path | None, as_json: bool) -> None:
    """Decode presets through the model and compare every note. Leaves with 1 where an exact preset is not.

    \b
    Examples:
      rnnae-live preset check
      rnnae-live preset check "My song" --json
    """
    from rnnae_live.presets import Bank

    opened = Bank.open(bank)
    tell(opened.notices)
    chosen = [opened.find(name) for name in names] or None
    rows = []
    for preset, missed in opened.check(chosen):
        rows.append({"id": preset.id, "name": preset.name, "exact": missed is None, "stored_as_exact": preset.exact})
        if not as_json:
            verdict = "exact" if missed is None else f"{missed.wrong} of {missed.notes} notes differ"
            click.echo(f"{preset.name}: {verdict}")
    broken = [row for row in rows if row["stored_as_exact"] and not row["exact"]]
    if as_json:
        print_json(rows)
    else:
        click.echo(f"{sum(bool(row['exact']) for row in rows)} of {len(rows)} presets return note for note.")
    if broken or opened.notices:
        raise click.exceptions.Exit(1)

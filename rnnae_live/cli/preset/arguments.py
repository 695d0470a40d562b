"""What several commands of ``preset`` take and print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnae_live.errors import UsageError

if TYPE_CHECKING:
    from rnnae_live.library import Library, Preset

MOST_NOTICES = 5
"""Notices that are printed; a folder of another model's presets has thousands."""

BANK = click.option("--bank", type=click.Path(path_type=Path), envvar="RNNAE_BANK",
                    help="Bank folder; the factory bank and your own presets without.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the presets whose names a shell may go on with."""
    from rnnae_live.cli._types import presets

    return sorted(name for name in presets(incomplete) if name.startswith(incomplete))


NAME = click.argument("name", shell_complete=complete)
NAMES = click.argument("names", nargs=-1, shell_complete=complete)
SOME_NAMES = click.argument("names", nargs=-1, required=True, shell_complete=complete, metavar="NAME...")


class Program(click.ParamType[tuple[int, int] | None]):
    """A program as people count: 5, or 2:5 in bank 2; as (bank, program) on the wire."""

    name = "program"

    def __init__(self, *, none: bool = False) -> None:
        """``none`` accepts that word."""
        self._none = none

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int] | None:
        """Return bank and program."""
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        if self._none and text == "none":
            return None
        bank, _, program = text.rpartition(":")
        if program.isdecimal() and (bank.isdecimal() or not bank):
            found = (int(bank or 1) - 1, int(program) - 1)
            if 0 <= found[0] < 1 << 14 and 0 <= found[1] < 128:
                return found
        rest = ", or none" if self._none else ""
        raise UsageError(f"{text!r} is no program: a number from 1 to 128, with the bank in front as in 2:5{rest}.")


PROGRAM = click.option("--program", type=Program(), metavar="[BANK:]N",
                       help="Program number 1-128, as your DAW shows it; 2:5 is program 5 of bank 2.")  # fmt: skip
FORCE_NUMBER = click.option("--force", is_flag=True, help="Take the number from whichever preset has it.")


def open_library(folder: Path | None) -> Library:
    """Return the library of a bank, and print its notices."""
    import gc

    from rnnae_live.library import Library

    # A command ends soon; looking for garbage among ten thousand presets takes a tenth of its time.
    gc.disable()
    library = Library.open(folder)
    tell(library.notices)
    return library


def tell(notices: list[str]) -> None:
    """Print the first notices, and how many more there are."""
    for notice in notices[:MOST_NOTICES]:
        click.echo(notice, err=True)
    if len(notices) > MOST_NOTICES:
        click.echo(f"and {len(notices) - MOST_NOTICES} more like these.", err=True)


def summary(library: Library, preset: Preset) -> dict[str, Any]:
    """Return what is known of a preset without its notes, numbers as people count."""
    return {
        "id": preset.id,
        "name": preset.name,
        "program": None if preset.program is None else preset.program + 1,
        "bank": preset.bank + 1,
        "slot": preset.slot,
        "tags": list(preset.tags),
        "notes": preset.notes_count,
        "states": preset.states_count,
        "bpm": preset.bpm,
        "exact": preset.exact,
        "factory": not library.is_own(preset),
        "scene": preset.has_scene,
        "credit": preset.credit,
    }


def scene_words(preset: Preset) -> str:
    """Return in words what a preset sets beside its song, empty for nothing."""
    scene = preset.scene
    if scene is None:
        return ""
    parts = [f"{key}={value}" for key, value in scene.values.items()]
    parts += [f"mode {scene.mode}"] * bool(scene.mode)
    parts += [f"the map {scene.mapping!r} of your controller"] * bool(scene.mapping)
    return ", ".join(parts)


def report(library: Library, preset: Preset, sentence: str, *, as_json: bool) -> None:
    """Print what was done to a preset, and what is known of it now where a program reads it."""
    if as_json:
        print_json(summary(library, preset))
    else:
        click.echo(sentence)


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    import msgspec

    click.echo(msgspec.json.encode(value).decode())

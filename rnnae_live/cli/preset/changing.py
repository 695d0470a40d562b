"""``preset rename``, ``duplicate``, ``tag``, ``program``, ``slot``, ``scene``, ``delete``, ``undo`` and ``restore``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnae_live.cli._types import Text, parameters
from rnnae_live.cli.preset.arguments import (
    BANK,
    FORCE_NUMBER,
    JSON,
    NAME,
    SOME_NAMES,
    Program,
    open_library,
    print_json,
    report,
    scene_words,
    summary,
)
from rnnae_live.control import MODES, SHARED_SPECS, SPECS
from rnnae_live.errors import RnnaeError, UsageError

if TYPE_CHECKING:
    from rnnae_live.library import Preset


def _maps(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in _map_names() if name.startswith(begun)]


@click.command(short_help="Give a preset another name.")
@NAME
@click.argument("new")
@BANK
@JSON
def rename(*, name: str, new: str, bank: Path | None, as_json: bool) -> None:
    """Give a preset another name; its id, program, slot and tags stay.

    \b
    Example:
      rnnae-live preset rename "My song" "My better song"
    """
    library = open_library(bank)
    old = library.find_any(name)
    now = library.rename(old, new)
    report(library, now, f"{old.name!r} is called {now.name!r} now.", as_json=as_json)


@click.command(short_help="Copy a preset under another name.")
@NAME
@click.option("--name", "new", required=True, help="Name of the copy.")
@BANK
@JSON
def duplicate(*, name: str, new: str, bank: Path | None, as_json: bool) -> None:
    """Copy a preset under another name. The copy of a factory preset is yours to change.

    \b
    Example:
      rnnae-live preset duplicate "Ode to Joy" --name "My ode"
    """
    library = open_library(bank)
    old = library.find(name)
    now = library.duplicate(old, new)
    report(library, now, f"{now.name!r} is a copy of {old.name!r}, in {library.own}.", as_json=as_json)


@click.command(short_help="Give a preset tags.")
@NAME
@click.argument("tags", nargs=-1, required=True)
@BANK
@JSON
def tag(*, name: str, tags: tuple[str, ...], bank: Path | None, as_json: bool) -> None:
    """Give a preset tags, by which `preset list --tag` finds it.

    \b
    Example:
      rnnae-live preset tag "My song" slow "set 2"
    """
    library = open_library(bank)
    now = library.tag(library.find_any(name), add=tags)
    report(library, now, _tagged(now), as_json=as_json)


@click.command(short_help="Take tags from a preset.")
@NAME
@click.argument("tags", nargs=-1, required=True)
@BANK
@JSON
def untag(*, name: str, tags: tuple[str, ...], bank: Path | None, as_json: bool) -> None:
    """Take tags from a preset.

    \b
    Example:
      rnnae-live preset untag "My song" slow
    """
    library = open_library(bank)
    now = library.tag(library.find_any(name), remove=tags)
    report(library, now, _tagged(now), as_json=as_json)


@click.command(short_help="Give a preset a program number.")
@NAME
@click.argument("number", type=Program(none=True), metavar="[BANK:]N|none")
@FORCE_NUMBER
@BANK
@JSON
def program(*, name: str, number: tuple[int, int] | None, force: bool, bank: Path | None, as_json: bool) -> None:
    """Give a preset the program number by which a program change selects it: 1-128, as your DAW shows it.

    2:5 is program 5 of bank 2; banks are counted from 1 too, on the wire (128 x MSB + LSB) from 0. A number belongs to
    one preset and never moves by itself; with --force yours take it from others, the factory's too.

    \b
    Examples:
      rnnae-live preset program "My song" 30
      rnnae-live preset program "My song" 5 --force
      rnnae-live preset program "My song" none
    """
    from rnnae_live.library import shown_program

    library = open_library(bank)
    preset = library.find(name)
    loser = None if number is None else library.holder("program", *number)
    now = library.assign(preset, None if number is None else number[1], number[0] if number else 0, force=force)
    text = f"{now.name!r} is program {shown_program(now)}." if number else f"{now.name!r} has no program."
    report(library, now, text + _taken(loser, now, "program"), as_json=as_json)


@click.command(short_help="Give a preset a place in the mixer.")
@NAME
@click.argument("number", metavar="1-8|none")
@FORCE_NUMBER
@BANK
@JSON
def slot(*, name: str, number: str, force: bool, bank: Path | None, as_json: bool) -> None:
    """Give a preset a place among the mixer's slots 1-8; presets with a slot come first, in that order.

    \b
    Examples:
      rnnae-live preset slot "My song" 1
      rnnae-live preset slot "My song" none
    """
    library = open_library(bank)
    if number not in {*"12345678", "none"}:
        raise UsageError(f"{number!r} is no slot: a number from 1 to 8, or none.")
    wanted = None if number == "none" else int(number)
    preset = library.find(name)
    loser = None if wanted is None else library.holder("slot", 0, wanted)
    now = library.place(preset, wanted, force=force)
    text = f"{now.name!r} is in slot {wanted}." if wanted else f"{now.name!r} has no slot."
    report(library, now, text + _taken(loser, now, "slot"), as_json=as_json)


@click.command(short_help="Let a preset set parameters too.")
@NAME
@click.argument("values", nargs=-1, metavar="[PARAMETER=VALUE...]", type=Text("as follow=0.3", complete=parameters))
@click.option("--mode", type=click.Choice([*MODES, ""]), metavar="answer|trade|loop",
              help="Mode that it sets; '' for none.")  # fmt: skip
@click.option("--mapping", metavar="NAME", shell_complete=_maps,
              help="Map of your controller that it brings, made by `rnnae-live learn --map NAME`; '' for "
              "none.")  # fmt: skip
@click.option("--clear", is_flag=True, help="Forget what it sets so far.")
@BANK
@JSON
def scene(
    *,
    name: str,
    values: tuple[str, ...],
    mode: str | None,
    mapping: str | None,
    clear: bool,
    bank: Path | None,
    as_json: bool,
) -> None:
    """Let a preset set parameters, the mode and a map of controls when it is chosen; without values show them.

    A preset without a map brings back your own.

    \b
    Examples:
      rnnae-live preset scene "My song" "weight 1=0.8" follow=0.3 --mode loop
      rnnae-live preset scene "My song" --mapping verse
      rnnae-live preset scene "My song" --clear
    """
    from msgspec import to_builtins

    from rnnae_live.control.store import map_name
    from rnnae_live.library import Scene

    library = open_library(bank)
    preset = library.find(name)
    if values or mode is not None or mapping is not None or clear:
        old = Scene() if clear or preset.scene is None else preset.scene
        made = Scene(
            {**old.values, **dict(map(_value, values))},
            old.mode if mode is None else mode or None,
            old.mapping if mapping is None else map_name(mapping) if mapping else None,
        )
        preset = library.set_scene(preset, None if made == Scene() else made)
        if mapping and made.mapping not in _map_names():
            click.echo(
                f"There is no map '{made.mapping}' yet: rnnae-live learn --map '{made.mapping}' makes it.", err=True
            )
    if as_json:
        print_json({**summary(library, preset), "scene": to_builtins(preset.scene)})
        return
    click.echo(f"{preset.name!r} sets {scene_words(preset) or 'nothing but its song'}.")


def _map_names() -> tuple[str, ...]:
    """Return the names of all maps that were learned, none where the file cannot be read."""
    from rnnae_live.control.store import load

    with suppress(RnnaeError):
        return load().names
    return ()


@click.command(short_help="Move presets of your own to the trash.")
@SOME_NAMES
@BANK
@JSON
def delete(*, names: tuple[str, ...], bank: Path | None, as_json: bool) -> None:
    """Move presets of your own to the trash; `preset undo` brings the last one back. No other program number moves.

    \b
    Examples:
      rnnae-live preset delete "My song"
      rnnae-live preset undo
    """
    library = open_library(bank)
    gone = []
    for preset in [library.find_any(name) for name in names]:
        trash = library.delete(preset)
        gone.append({"id": preset.id, "name": preset.name, "trash": str(trash)})
        if not as_json:
            click.echo(f"{preset.name!r} is in the trash; `rnnae-live preset undo` brings it back.")
    if as_json:
        print_json(gone)


FORCE_NAME = click.option("--force", is_flag=True, help="Put a preset that has the name now into the trash.")


@click.command(short_help="Bring back what was deleted or replaced last.")
@FORCE_NAME
@BANK
@JSON
def undo(*, force: bool, bank: Path | None, as_json: bool) -> None:
    """Bring back what was deleted or replaced last.

    \b
    Example:
      rnnae-live preset undo
    """
    _restore(None, bank, force=force, as_json=as_json)


@click.command(short_help="Bring back a deleted preset by its name.")
@click.argument("name")
@FORCE_NAME
@BANK
@JSON
def restore(*, name: str, force: bool, bank: Path | None, as_json: bool) -> None:
    """Bring back the last preset of a name that was deleted or replaced; `preset list --trash` shows them.

    \b
    Example:
      rnnae-live preset restore "My song"
    """
    _restore(name, bank, force=force, as_json=as_json)


def _restore(name: str | None, bank: Path | None, *, force: bool, as_json: bool) -> None:
    library = open_library(bank)
    preset, lost = library.restore(name, force=force)
    report(library, preset, "; ".join([f"{preset.name!r} is back", *lost]) + ".", as_json=as_json)


def _tagged(preset: Preset) -> str:
    if not preset.tags:
        return f"{preset.name!r} has no tags."
    return f"{preset.name!r} has the tag{'s' * (len(preset.tags) > 1)} {', '.join(preset.tags)}."


def _taken(loser: Preset | None, winner: Preset, kind: str) -> str:
    if loser is None or loser.id == winner.id:
        return ""
    return f" {loser.name!r} had that {kind} and has none now."


def _value(text: str) -> tuple[str, bool | float | str]:
    """Return a parameter of a part and its value: a number, or one of its words.

    Raises:
        UsageError: it is no ``PARAMETER=VALUE``, there is no such parameter, or it cannot have this value.
    """
    from rnnae_live.cli.live import setting

    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise UsageError(f"{text!r} is no parameter with a value: follow=0.3.")
    name, number = setting(text, "=")
    if name in {one.name for one in SHARED_SPECS}:
        raise UsageError(f"'{name}' is one for all parts; a preset sets those of its part, as follow or swing.")
    choices = SPECS[name].choices
    return name, choices[int(number)] if choices else number

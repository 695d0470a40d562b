"""``rnnae-live config``: what is set, where it comes from, and how to set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rnnae_live.cli._types import Text

if TYPE_CHECKING:
    from rnnae_live.config import Layers, Table

PARTS = "part"


def _keys(_begun: str) -> list[str]:
    return [*_table().keys]


KEY = click.argument("key", type=Text("the name of a setting", complete=_keys))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
USER = click.option("--user/--here", "user", default=None, help="In your own file, or in the one of this folder; "
                    "without, in this folder's where there is one.")  # fmt: skip


@click.group(name="config", short_help="Show the settings and where each comes from.")
def command() -> None:
    """Show and change how `rnnae-live live` starts.

    \b
    rnnae-live config show --origin      every setting, and where it comes from
    rnnae-live config set bpm 96         into ./rnnae.toml where there is one, else into your own file
    rnnae-live config set --here preset "Greensleeves=0.7; Ode to Joy=0.3"
    rnnae-live config set part.2.channel 3
    rnnae-live config unset bpm
    rnnae-live config check              is every file as it should be?

    A setting has the name of its option without the dashes, or of a parameter (scale, weight-1, deja-vu). An option
    goes before the environment (RNNAE_BPM), that before ./rnnae.toml, that before your own file.
    """


@command.command(short_help="Print every setting.")
@click.option("--origin", is_flag=True, help="Say where each comes from.")
@JSON
def show(*, origin: bool, as_json: bool) -> None:
    """Print what `rnnae-live live` would start with if it were called without options."""
    rows = _effective(_loaded())
    if as_json:
        _print({name: {"value": v, "origin": o} if origin else v for name, (v, o) in rows.items()})
        return
    lines = [(f"{name} = {_shown(value)}", where) for name, (value, where) in rows.items() if value is not None]
    width = min(max(len(line) for line, _ in lines), 60)
    for line, where in lines:
        click.echo(f"{line:<{width}}  # {where}" if origin else line)


@command.command(short_help="Print one setting.")
@KEY
@JSON
def get(*, key: str, as_json: bool) -> None:
    """Print what KEY is."""
    layers = _loaded()
    if key != PARTS:
        _table().key(key)
    value = _effective(layers)[key][0]
    if as_json or isinstance(value, list | dict):
        _print(value)
    else:
        click.echo("" if value is None else _shown(value).strip('"'))


@command.command(
    name="set", short_help="Change one setting in a file.", context_settings={"ignore_unknown_options": True}
)
@KEY
@click.argument("value")
@USER
def set_value(*, key: str, value: str, user: bool | None) -> None:
    """Set KEY to VALUE; comments and all else in the file stay. Elements of a list are separated by semicolons."""
    _change(key, value, user)


@command.command(short_help="Take one setting out of a file.")
@KEY
@USER
def unset(*, key: str, user: bool | None) -> None:
    """Take KEY out of the file, so that what goes after it counts again."""
    _change(key, None, user)


@command.command(short_help="Print where the files are.")
@JSON
def path(*, as_json: bool) -> None:
    """Print the files that are read, the one that goes first in front."""
    from rnnae_live.config import here, user

    rows = [{"path": str(file), "exists": file.exists()} for file in dict.fromkeys((here(), user()))]
    if as_json:
        _print(rows)
        return
    for row in rows:
        click.echo(f"{row['path']}{'' if row['exists'] else '  (not there)'}")


@command.command(short_help="Check the files.")
def check() -> None:
    """Read every file as `rnnae-live live` does; leave with 2 where one is broken, after saying what and where."""
    from rnnae_live.config import load

    layers = load(_table(), strict=True)
    _effective(layers)
    for layer in layers.files:
        count = len(layer.values)
        click.echo(
            f"{layer.path}: {count} settings, all of them good." if count != 1 else f"{layer.path}: 1 setting, good."
        )
    if not layers.files:
        click.echo("There is no configuration; `rnnae-live config set bpm 96` would begin one.")


def _change(key: str, value: str | None, user: bool | None) -> None:
    from rnnae_live import config

    own = user if user is not None else not config.here().exists()
    file = config.user() if own else config.here()
    config.written(file, _table(), key, value)
    click.echo(f"{key} is {'not set any more' if value is None else f'set to {value}'} in {file}.")
    layers = config.load(_table())
    first = layers.origin(key.partition(".")[0])
    if value is not None and first is not None and first.path != file:
        click.echo(f"{first.path} sets it too, and goes before this file in this folder.", err=True)


def _effective(layers: Layers) -> dict[str, tuple[Any, str]]:
    """Return every setting with where it comes from."""
    from rnnae_live.cli import _configured
    from rnnae_live.cli.live import command as live

    origins = {name: str(layer.path) for name in layers.values() if (layer := layers.origin(name)) is not None}
    values, rows = layers.values(), {}
    for key in _table().keys.values():
        rows[key.name] = (values.get(key.name, key.default), origins.get(key.name, "default"))
        given = _configured.environment(key)
        if given is not None:
            rows[key.name] = (given, key.variable)
    known = _configured.defaults(live, layers)
    if "bank" in known and rows["bank"][1] == origins.get("bank"):
        rows["bank"] = (known["bank"], origins["bank"])
    if PARTS in values:
        rows[PARTS] = (values[PARTS], origins[PARTS])
    else:
        rows[PARTS] = ([], "default")
    return rows


def _table() -> Table:
    from rnnae_live.cli import _configured
    from rnnae_live.cli.live import command as live

    return _configured.table(live)


def _loaded() -> Layers:
    from rnnae_live.config import load

    layers = load(_table())
    for text in layers.notices:
        click.echo(text, err=True)
    return layers


def _shown(value: object) -> str:
    """Return a value as TOML has it."""
    import tomlkit

    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return (
            "[" + ", ".join("{" + ", ".join(f"{k} = {_shown(v)}" for k, v in one.items()) + "}" for one in value) + "]"
        )
    return tomlkit.item(value).as_string()


def _print(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value).decode())

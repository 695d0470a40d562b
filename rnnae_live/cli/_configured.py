"""The command ``live`` with configuration: what files say are the defaults of its options.

config -> [configured] -> live

The keys of a file are the options of ``live`` without their dashes, and all parameters of a part; so whatever ``live``
takes can be written down, with the range that the option has. Click itself prefers an option to the environment and
that to a default, which is where the files come in; parameters, which ``--set`` takes one by one, go in front of it.

*Errors*: none for a file that is broken, or with which the instrument does not start: that is said in one sentence,
and it starts with what worked last.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal

import click
import msgspec

from rnnae_live.config import PARTS, Key, Layers, Table, here, load, remember, remembered, user
from rnnae_live.control import PART_SPECS, Spec
from rnnae_live.errors import ConfigError, RnnaeError

PREFIX = "RNNAE_"
SETTINGS, MORE = "settings", "more"
"""Arguments of ``live`` that its options ``--set`` and ``--part`` fill."""

CHANNEL = Key("channel", Annotated[int, msgspec.Meta(ge=1, le=16)], "a whole number from 1 to 16", "its MIDI channel")
"""What a further part needs."""

_LAYERS, _ARGUMENTS, _ATTEMPT, _NOTICES, _WORKED = (f"{__name__}.{n}" for n in ("layers", "args", "try", "say", "ok"))


class Configured(click.Command):
    """A command whose options have their defaults from ``rnnae.toml``."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> click.Context:
        """Return the context, with the first configuration that fits the options."""
        keys = table(self)
        return self._context(info_name, args, parent, attempts(load(keys), keys), extra)

    def _context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None,
        tries: list[Layers],
        extra: dict[str, Any],
    ) -> click.Context:
        first: click.UsageError | None = None
        for number, layers in enumerate(tries):
            try:
                values = defaults(self, layers)
                ctx = super().make_context(info_name, list(args), parent, **{**extra, "default_map": values})
            except click.UsageError as error:
                first = first or error
                continue
            if SETTINGS in ctx.params:
                ctx.params[SETTINGS] = (*parameters(layers), *ctx.params[SETTINGS])
            notices = list(layers.notices)
            if first is not None:
                notices.append(_instead(first.format_message(), layers))
            ctx.meta.update({_LAYERS: layers, _ARGUMENTS: list(args), _ATTEMPT: tries[number + 1 :], _WORKED: False})
            ctx.meta[_NOTICES] = notices
            return ctx
        assert first is not None
        raise first

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; where it does not start, run it with the configuration that worked last."""
        for text in ctx.meta[_NOTICES]:
            click.echo(text, err=True)
        tries: list[Layers] = ctx.meta[_ATTEMPT]
        try:
            return super().invoke(ctx)
        except RnnaeError as error:
            if ctx.meta[_WORKED] or not tries:
                raise
            with self._context(ctx.info_name, ctx.meta[_ARGUMENTS], ctx.parent, tries, {}) as again:
                again.meta[_NOTICES] = [_instead(str(error), again.meta[_LAYERS])]
                try:
                    return self.invoke(again)
                except RnnaeError as second:
                    # It was not for the configuration.
                    raise second if again.meta[_WORKED] else error from None


def worked() -> None:
    """Keep the configuration of the command that runs: the instrument has started with it."""
    ctx = click.get_current_context(silent=True)
    if ctx is not None and ctx.meta.get(_WORKED) is False:
        ctx.meta[_WORKED] = True
        remember(ctx.meta[_LAYERS])


def table(command: click.Command) -> Table:
    """Return all keys of a configuration for ``command``."""
    specs = {key_name(one.name): of_spec(one) for one in PART_SPECS}
    options = {one.name: one for one in (_of_option(option) for option in _options(command))}
    presets = {"preset": options["preset"]} if "preset" in options else {}
    return Table({**specs, **options}, {"channel": CHANNEL, **presets, **specs})


def key_name(parameter: str) -> str:
    """Return the key of a parameter."""
    return parameter.replace(" ", "-")


def of_spec(spec: Spec) -> Key:
    """Return the key of a parameter, with its range."""
    name = key_name(spec.name)
    default: object = spec.choices[int(spec.default)] if spec.choices else spec.default
    number = int if spec.whole else float
    kind = _number(number, number(spec.minimum), number(spec.maximum))
    wanted = f"a {'whole ' if spec.whole else ''}number from {spec.minimum:g} to {spec.maximum:g}"
    if spec.choices:
        kind, wanted = Literal[spec.choices], _among(spec.choices)
    return Key(name, kind, wanted, spec.summary, default, _variable(name))


def defaults(command: click.Command, layers: Layers) -> dict[str, Any]:
    """Return what files say as click takes it: values by the names of the arguments."""
    values = layers.values()
    given: dict[str, Any] = {}
    for option in _options(command):
        name = option_key(option)
        layer = layers.origin(name)
        if layer is not None:
            given[option.name] = _placed(values[name], layer.path) if _is_path(option) else values[name]
    if PARTS in values:
        given[MORE] = [_words(part) for part in values[PARTS]]
    return given


def parameters(layers: Layers) -> Iterator[str]:
    """Yield the parameters that environment and files set, as ``--set`` takes them.

    Raises:
        ConfigError: the environment gives one a value that it cannot have.
    """
    values = layers.values()
    for one in PART_SPECS:
        key = of_spec(one)
        given = environment(key)
        if given is not None:
            yield f"{one.name}={given}"
        elif key.name in values:
            yield f"{one.name}={values[key.name]}"


def environment(key: Key) -> Any:  # noqa: ANN401 - whatever the key has
    """Return what the environment says a setting is, None where it says nothing.

    Raises:
        ConfigError: it is a value that the setting cannot have; the variable is named.
    """
    text = os.environ.get(key.variable, "")
    try:
        return key.parsed(text) if text else None
    except ConfigError as error:
        raise ConfigError(f"In the environment variable {key.variable}: {error}") from None


def attempts(layers: Layers, keys: Table) -> list[Layers]:
    """Return the configurations to start with, one after the other: of now, that worked last, none."""
    tries = [layers]
    for other in (remembered(keys), Layers()):
        if all(other.values() != one.values() for one in tries):
            tries.append(other)
    return tries


def option_key(option: click.Parameter) -> str:
    """Return the key of an option: its long name without dashes."""
    return max(option.opts, key=len).lstrip("-")


class BankDefaults(dict[str, Any]):
    """The default of ``--bank``, of a command and of the commands inside it; read when it is asked for."""

    def get(self, _key: str, _default: object = None, /) -> Any:  # noqa: ANN401 - dict's own signature
        return self

    def __contains__(self, name: object) -> bool:
        return name == "bank" and self._bank is not None

    def __getitem__(self, _name: str) -> str | None:
        return self._bank

    @cached_property
    def _bank(self) -> str | None:
        if not (here().exists() or user().exists()):
            return None
        from rnnae_live.cli.live import command

        layers = load(table(command))
        for text in layers.notices:
            click.echo(text, err=True)
        layer = layers.origin("bank")
        return None if layer is None else _placed(layer.values["bank"], layer.path)


def _options(command: click.Command) -> Iterator[click.Option]:
    """Yield the options that have a key of their own."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in (SETTINGS, MORE) and not option.is_eager:
            yield option


def _of_option(option: click.Option) -> Key:
    name = option_key(option)
    kind, wanted = _type(option)
    if option.multiple:
        kind, wanted = GenericAlias(list, (kind,)), f"a list; each element is {wanted}"
    default = option.default if isinstance(option.default, str | int | float) and not option.multiple else None
    if option.is_flag:
        default = bool(default)
    variable = option.envvar if isinstance(option.envvar, str) else _variable(name)
    check = None if _is_path(option) or option.is_flag else lambda value: option.type.convert(value, option, None)
    return Key(name, kind, wanted, option.help or "", default, variable, option.multiple, _sentence(check))


def _type(option: click.Option) -> tuple[Any, str]:
    """Return what msgspec converts an option's value to, and the words for it."""
    kind = option.type
    if option.is_flag:
        return bool, "true or false"
    if isinstance(kind, click.Choice):
        words = tuple(str(one) for one in kind.choices)
        return Literal[words], _among(words)
    if isinstance(kind, click.FloatRange):
        return _number(float, kind.min, kind.max), f"a number from {kind.min:g} to {kind.max:g}"
    if isinstance(kind, click.IntRange):
        return _number(int, kind.min, kind.max), f"a whole number from {kind.min} to {kind.max}"
    if isinstance(kind, click.Path):
        return str, "the path of a folder, in quotation marks"
    described = getattr(kind, "wanted", "a text in quotation marks")
    return (str | int if getattr(kind, "numeric", False) else str), described


def _sentence(check: Any) -> Any:  # noqa: ANN401 - a callable or None
    """Return a check of an option's type whose errors are sentences of ours."""
    if check is None:
        return None

    def checked(value: object) -> None:
        try:
            check(value)
        except click.ClickException as error:
            raise ValueError(error.message.rstrip(".")) from None

    return checked


def _number(kind: Any, least: float | None, most: float | None) -> Any:  # noqa: ANN401 - a type
    return Annotated[kind, msgspec.Meta(ge=least, le=most)]


def _among(words: tuple[str, ...]) -> str:
    return f"one of {', '.join(words)}"


def _variable(name: str) -> str:
    return PREFIX + name.upper().replace("-", "_").replace("#", "")


def _is_path(option: click.Option) -> bool:
    return isinstance(option.type, click.Path)


def _placed(value: str, path: Path) -> str:
    """Return a path that a file names: it begins where the file is."""
    return str(path.parent / Path(value).expanduser())


def _words(part: Mapping[str, Any]) -> str:
    """Return the table of a part as ``--part`` takes it."""
    words = [str(part["channel"]), *part.get("preset", ())]
    known = {key_name(one.name): one.name for one in PART_SPECS}
    words += [f"{known[name]}:{value}" for name, value in part.items() if name in known]
    return shlex.join(words)


def _instead(why: str, layers: Layers) -> str:
    """Return the sentence for a configuration that did not work."""
    instead = "as it worked last" if layers.files else "without it"
    return f"With the configuration as it is this does not start ({why.rstrip('.')}); it starts {instead}."

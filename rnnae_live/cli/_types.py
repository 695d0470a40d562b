"""Types of options: texts that are checked where they are given, listed in the environment, and completed by shells.

*Errors*: those of the check, which are sentences. Completion never fails: it offers nothing instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

import rnnae_live
from rnnae_live.config.key import SEPARATOR
from rnnae_live.control import SPECS
from rnnae_live.files import home

MOST_OFFERED = 500
"""Completions; nobody reads more."""

SONGS = "songs"

Complete = Callable[[str], Iterable[str]]


class Text(click.ParamType[str]):
    """A text that ``check`` accepts. ``wanted`` ends the sentence "it is ...".

    In an environment variable the texts of an option that may be given again are separated by ``;``: names have blanks.
    """

    name = "text"
    envvar_list_splitter = SEPARATOR

    def __init__(
        self,
        wanted: str,
        check: Callable[[str], object] = str,
        complete: Complete = lambda _begun: (),
        *,
        numeric: bool = False,
    ) -> None:
        """Keep what the text has to be; ``numeric``: in a file it may be a whole number."""
        self.numeric = numeric
        self.wanted = wanted
        self._check = check
        self._complete = complete

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text without blanks around it, once the check has accepted it."""
        text = str(value).strip()
        self._check(text)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return what the text may go on with."""
        with suppress(Exception):
            offered = sorted(one for one in self._complete(incomplete) if one.startswith(incomplete))
            return [CompletionItem(one) for one in offered[:MOST_OFFERED]]
        return []


def presets(_begun: str = "") -> list[str]:
    """Return presets as a shell can write them without quotation marks: "ode-to-joy", or the id where that is not one.

    No file is opened: the names of the files are all that it takes, so that ten thousand of them are no wait.
    """
    installed = Path(rnnae_live.__file__).parent / "factory"
    factory = installed if installed.is_dir() else Path(rnnae_live.__file__).parents[1] / "presets"
    ids = {file.stem for folder in (factory, home()) for file in (folder / SONGS).glob("*.json")}
    short: dict[str, list[str]] = {}
    for one in ids:
        short.setdefault(one.rpartition("-")[0], []).append(one)
    return [name for slug, same in short.items() for name in ([slug] if slug and len(same) == 1 else same)]


def parameters(begun: str = "") -> list[str]:
    """Return "name=" of all parameters; once a name is there, with the words that it can be."""
    name = begun.partition("=")[0]
    if name in SPECS and "=" in begun:
        return [f"{name}={word}" for word in SPECS[name].choices]
    return [f"{one}=" for one in SPECS]

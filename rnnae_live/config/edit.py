"""A configuration file with one setting changed, and everything else, comments too, as it was.

file, key, places -> [edit] -> file

*Threading*: ``written`` keeps other programs out from reading to writing, so that two at once lose nothing.
*Errors*: ``ConfigError``; the result is checked before it is written, and a file that is broken is not touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnae_live.config.file import decode, read
from rnnae_live.config.key import PARTS, Table
from rnnae_live.config.places import lock_of
from rnnae_live.errors import ConfigError
from rnnae_live.files import Lock, make_folder, write_whole

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table as Section

FIRST_FURTHER_PART = 2
"""The first part is what the rest of the file describes."""


def edited(data: bytes, path: Path, table: Table, name: str, text: str | None) -> bytes:
    """Return the bytes of a file with a setting changed to what ``text`` says, or taken out where that is None.

    ``part.2.scale`` is the scale of part 2; setting the channel of the first part that there is not adds it.

    Raises:
        ConfigError: there is no such key, it cannot have this value, it is not there to be taken out, or the file is
            broken.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    decode(data, path, table)  # What is broken is not touched.
    try:
        document = tomlkit.parse(data.decode("utf-8-sig"))
        section, key, keys = _place(document, table, name, adding=text is not None)
        known = table.key(key, keys)
        if text is not None:
            section[key] = _plain(known.parsed(text), text)
        elif key in section:
            del section[key]
        else:
            raise ConfigError(f"{path} does not set {name}; `rnnae-live config show --origin` says who does.")
        made = tomlkit.dumps(document).encode()
    except TOMLKitError as error:
        raise ConfigError(f"{path} cannot be changed: {error}") from None
    _compare(decode(data, path, table), decode(made, path, table), head=name.partition(".")[0], path=path)
    return made


def _compare(before: dict[str, Any], after: dict[str, Any], *, head: str, path: Path) -> None:
    """Make sure that nothing else has changed.

    Raises:
        ConfigError: something has.
    """
    if {**before, head: None} != {**after, head: None}:
        raise ConfigError(f"{path} is written in a way that cannot be changed from here; change it in an editor.")


def _plain(value: Any, text: str) -> Any:  # noqa: ANN401 - what TOML can hold
    """Return a number as it was written, 96 and not 96.0."""
    return int(value) if isinstance(value, float) and text.strip().lstrip("+-").isdecimal() else value


def written(path: Path, table: Table, name: str, text: str | None) -> None:
    """Change a setting in a file, see ``edited``; a file that is not there is made.

    Raises:
        ConfigError: as ``edited``, or the file cannot be written, or another program does not finish writing.
    """
    # A link leads to the file that is meant, which stays where it is.
    file = path.resolve()
    edited(read(path) or b"", path, table, name, text)  # What is refused leaves no trace, not even a lock.
    lock = lock_of(file)
    try:
        make_folder(lock.parent)
        with Lock(lock):
            write_whole(file, edited(read(path) or b"", path, table, name, text))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); nothing was changed.") from None


def _place(document: TOMLDocument, table: Table, name: str, *, adding: bool) -> tuple[TOMLDocument | Section, str, Any]:
    """Return the table that a setting is in, its name there, and the keys that there can be."""
    import tomlkit

    head, *rest = name.split(".")
    if head != PARTS or len(rest) != 2 or not rest[0].isdecimal():
        if head == PARTS:
            raise ConfigError(f"'{name}' is no setting; one of part 2 is, for instance, part.2.scale.")
        return document, name, table.keys
    number, key = int(rest[0]), rest[1]
    sections: Any = document.get(PARTS)
    count = 0 if sections is None else len(sections)
    index = number - FIRST_FURTHER_PART
    if index == count and adding and key == "channel":
        if sections is None:
            document[PARTS] = sections = tomlkit.aot()
        sections.append(tomlkit.table())
        sections = document[PARTS]
    elif not 0 <= index < count:
        step = "the first part has its settings without a number" if number < FIRST_FURTHER_PART else "set its channel"
        after = "" if number < FIRST_FURTHER_PART else f": part.{count + FIRST_FURTHER_PART}.channel comes next"
        raise ConfigError(f"There is no table [[part]] of part {number}; {step}{after}.")
    section: Section = sections[index]
    return section, key, table.parts

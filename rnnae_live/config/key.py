"""A key of the configuration: its name, the values that it takes, and the sentence that says so.

options, specs -> [key] -> file, edit

*Errors*: ``ConfigError``, with the value that was given and those that can be. A number is never NaN or infinite.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from rnnae_live.errors import ConfigError, RnnaeError

PARTS = "part"
"""The key whose value is an array of tables: further parts."""

MOST_PARTS = 15
"""Further parts, beside the one that the rest of the file describes."""

LONGEST_SHOWN = 60
"""Characters of a value that a sentence quotes."""

SEPARATOR = ";"
"""Between the elements of a list where it is one text: names of ports have blanks and commas."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. ``type`` is what msgspec converts to; ``wanted`` ends the sentence "it is ...".

    ``many`` says that it is a list; a single element may stand for a list of one. ``check`` looks at what the type
    cannot say; it raises an ``RnnaeError`` or a ``ValueError`` whose text says what is wrong.
    """

    name: str
    type: Any
    wanted: str
    summary: str = ""
    default: Any = None
    variable: str = ""
    many: bool = False
    check: Callable[[Any], object] | None = None

    def taken(self, given: object) -> Any:  # noqa: ANN401 - whatever the type says
        """Return a value as it was found in a file, converted.

        Raises:
            ConfigError: the key cannot have it.
        """
        if self.many and not isinstance(given, list):
            given = [given]
        return self._converted(given, given, strict=True)

    def parsed(self, text: str) -> Any:  # noqa: ANN401 - whatever the type says
        """Return the value that a text stands for; elements of a list are separated by ``;``.

        Raises:
            ConfigError: the key cannot have it.
        """
        given: object = text.strip()
        if self.many:
            given = [one.strip() for one in text.split(SEPARATOR) if one.strip()]
        elif self.type is bool and text.strip().lower() in ("on", "yes", "off", "no"):
            given = text.strip().lower() in ("on", "yes")
        return self._converted(given, text, strict=False)

    def _converted(self, given: object, shown: object, *, strict: bool) -> Any:  # noqa: ANN401
        try:
            value = _finite(msgspec.convert(given, self.type, strict=strict))
            if self.check is not None:
                for one in value if self.many else (value,):
                    self.check(one)
        except (msgspec.ValidationError, RnnaeError, ValueError) as error:
            why = "" if isinstance(error, msgspec.ValidationError) else f" ({error})" if str(error) else ""
            raise ConfigError(f"{self.name} is {quoted(shown)}; it is {self.wanted}{why}.") from None
        return value


@dataclass(frozen=True, slots=True)
class Table:
    """All keys of a file, and those of the tables ``[[part]]`` in it (``channel`` is needed there)."""

    keys: Mapping[str, Key]
    parts: Mapping[str, Key]

    def key(self, name: str, keys: Mapping[str, Key] | None = None) -> Key:
        """Return the key of a name.

        Raises:
            ConfigError: there is none; the nearest is named.
        """
        known = self.keys if keys is None else keys
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), known, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'?" if near else "`rnnae-live config show` lists those that there are."
        raise ConfigError(f"There is no setting {quoted(name)}; {hint}")

    def values(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Return the content of a file, every value converted.

        Raises:
            ConfigError: a key that does not exist, or a value that its key cannot have.
        """
        return {name: self._parts(one) if name == PARTS else self.key(name).taken(one) for name, one in given.items()}

    def _parts(self, given: object) -> list[dict[str, Any]]:
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise ConfigError(f"{PARTS} is {quoted(given)}; further parts are tables: [[part]], then channel = 2.")
        if len(given) > MOST_PARTS:
            raise ConfigError(f"There are {len(given)} tables [[part]]; there can be {MOST_PARTS}.")
        parts = []
        for number, table in enumerate(given, 2):
            try:
                parts.append({name: self.key(name, self.parts).taken(one) for name, one in table.items()})
            except ConfigError as error:
                raise ConfigError(f"In the table [[part]] of part {number}: {error}") from None
            if "channel" not in table:
                raise ConfigError(f"The table [[part]] of part {number} has no channel; add channel = {number}.")
        return parts


def quoted(value: object) -> str:
    """Return a value as a sentence quotes it: on one line, printable, not too long."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    """Return a value that is no number without end.

    Raises:
        ValueError: it is NaN or infinite.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value

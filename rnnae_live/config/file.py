"""A configuration file: bytes in, checked values out.

places -> [file] -> key

TOML is read by the standard library, whose time grows with the square of a key's dots: a line of 40 kB can cost six
seconds. What no performer writes is refused before it is parsed: large files, long lines.

*Errors*: ``ConfigError`` that begins with the file's name. A device or a pipe is no file.
"""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

from rnnae_live.config.key import Table
from rnnae_live.errors import ConfigError

LARGEST_FILE = 16 << 10
"""Bytes: every key with a comment beside it is a quarter of this."""

LONGEST_LINE = 2000
"""Characters."""


def read(path: Path) -> bytes | None:
    """Return the bytes of a configuration file, None where there is none.

    Raises:
        ConfigError: it cannot be read, is no file or too large.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path} is no file; move it away, or write the settings into a file of this name.")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    _measure(data, path)
    return data


def decode(data: bytes, path: Path, table: Table) -> dict[str, Any]:
    """Return the values in the bytes of a configuration file.

    Raises:
        ConfigError: it is no TOML, or a key or a value is wrong.
    """
    _measure(data, path)
    try:
        given = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no text in UTF-8; save it as that.") from None
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        # A number of thousands of digits is a ValueError, brackets in brackets without end a RecursionError.
        what = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a value is too long or nested too deep"
        raise ConfigError(f"{path} is no TOML: {what}. A line is, for instance, bpm = 96.") from None
    try:
        return table.values(given)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _measure(data: bytes, path: Path) -> None:
    if len(data) > LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {LARGEST_FILE} bytes, too large for settings; shorten it.")
    if any(len(line) > LONGEST_LINE for line in data.splitlines()):
        raise ConfigError(f"{path} has a line of more than {LONGEST_LINE} characters; shorten it.")

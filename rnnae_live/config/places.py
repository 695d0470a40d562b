"""Where configuration is: the folder that one is in, then the user's own; and the copies of what worked last.

[places] -> file; cli -> [places]

``load`` for whoever is to play never fails: a file that is broken is told about in one sentence and replaced by its
copy, which ``remember`` makes of what has worked. Copies are in the user's folder, one for each file.

*Errors*: ``ConfigError`` from ``load`` with ``strict``; what cannot be copied is not.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnae_live.config.file import decode, read
from rnnae_live.config.key import Table
from rnnae_live.errors import ConfigError
from rnnae_live.files import home, write_whole

FILE = "rnnae.toml"
COPIES = "last-working"


@dataclass(frozen=True, slots=True)
class Layer:
    """A file that was read. ``source`` is where its bytes came from: the file itself, or the copy that replaces it."""

    path: Path
    source: Path
    data: bytes
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layers:
    """The files that there are, the one that goes first in front; ``notices`` tell what was wrong with them."""

    files: tuple[Layer, ...] = ()
    notices: tuple[str, ...] = field(default=())

    def values(self) -> dict[str, Any]:
        """Return all settings, those of the file in front before the others'."""
        return {name: value for layer in reversed(self.files) for name, value in layer.values.items()}

    def origin(self, name: str) -> Layer | None:
        """Return the file that says what a setting is, None where none does."""
        return next((layer for layer in self.files if name in layer.values), None)


def here() -> Path:
    """Return the configuration of the folder that one is in; the file need not be there."""
    return Path(FILE).absolute()


def user() -> Path:
    """Return the user's own configuration; the file need not be there."""
    return home().absolute() / FILE


def load(table: Table, *, strict: bool = False) -> Layers:
    """Return what the files say. Without ``strict``, a broken file is replaced by the copy that worked last.

    Raises:
        ConfigError: ``strict``, and a file is broken.
    """
    layers: list[Layer] = []
    notices: list[str] = []
    for path in dict.fromkeys((here(), user())):
        try:
            layer = _layer(path, path, table)
        except ConfigError as error:
            if strict:
                raise
            layer = _copy_of(path, table)
            instead = "as it worked last is used instead" if layer else "is left out"
            notices.append(f"{str(error).rstrip('.')}. The file {instead}.")
        if layer is not None:
            layers.append(layer)
    return Layers(tuple(layers), tuple(notices))


def remembered(table: Table) -> Layers:
    """Return what the files said when they worked last, nothing where they never did."""
    copies = (_copy_of(path, table) for path in dict.fromkeys((here(), user())))
    return Layers(tuple(layer for layer in copies if layer is not None))


def remember(layers: Layers) -> None:
    """Keep copies of files that have worked."""
    for layer in layers.files:
        copy = _copy(layer.path)
        with suppress(OSError):
            if layer.source == layer.path and not (copy.is_file() and copy.read_bytes() == layer.data):
                write_whole(copy, layer.data)


def lock_of(path: Path) -> Path:
    """Return by which file those who change a configuration know each other: in the user's folder, in nobody's way."""
    return _copy(path).with_suffix(".lock")


def _copy(path: Path) -> Path:
    """Return where the copy of a file is."""
    place = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:16]
    return home().absolute() / COPIES / f"{place}.toml"


def _copy_of(path: Path, table: Table) -> Layer | None:
    with suppress(ConfigError):
        return _layer(path, _copy(path), table)
    return None


def _layer(path: Path, source: Path, table: Table) -> Layer | None:
    data = read(source)
    return None if data is None else Layer(path, source, data, decode(data, path, table))

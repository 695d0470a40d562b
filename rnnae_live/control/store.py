"""What was learned, kept in a file of its own: ``controls.json``, readable, one section a port, and maps with names.

learn -> [control.store] -> surface

A port that nothing was learned for has the map of its profile where its controller is known, else the default map
without the pedal. A port of a controller feeds no notes, no pedal and no program changes unless its section says so.
A preset may bring a map by its name: for the ports that have a map of this name it takes the place of the port's own
map and takeover, and of nothing else. It is never written over the own one.

Schema 1 had no displays and no names. It is read as it is, and kept beside the file when that is next written.

*Errors*: ``ControlError`` says what of the file cannot be read, and nothing of it is used. *Threading*: none; files
are replaced whole, and ``changed`` is cheap enough to be asked twice a second.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from rnnae_live.control.display import display
from rnnae_live.control.mapping import DEFAULT_MAP, SUSTAIN, Assignment, ControlMap, Way
from rnnae_live.control.profiles import Profile, profile_for
from rnnae_live.control.sources import Source, source
from rnnae_live.control.specs import suggested
from rnnae_live.control.surface import Surface
from rnnae_live.control.takeover import Mode
from rnnae_live.errors import ControlError, PortError
from rnnae_live.files import Lock, home, make_folder, write_whole
from rnnae_live.ports.base import bare, match

SCHEMA = 2
LARGEST_FILE = 1 << 20
"""Bytes; a port whose every control was learned is a hundredth of it."""

LONGEST_NAME = 60
"""Characters of the name of a map."""

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class PortControls:
    """How one port is read: its map, its takeover, and whether it may feed notes, programs and the pedal.

    ``shows`` says that values are sent back to it.
    """

    port: str
    map: ControlMap
    takeover: Mode = Mode.PICKUP
    notes: bool = False
    programs: bool = False
    sustain: bool = False
    shows: bool = False

    def surface(self, maps: Mapping[str, PortControls] | None = None) -> Surface:
        """Return a surface that reads this port; ``maps`` is what it is when maps with names are in force."""
        named = {name: one.playable for name, one in (maps or {}).items()}
        return Surface(*self.playable, programs=self.programs, shows=self.shows, maps=named)

    @property
    def playable(self) -> tuple[ControlMap, Mode]:
        """The map as it is played with, and its takeover."""
        if self.sustain and SUSTAIN not in self.map.assignments:
            return ControlMap((*self.map.assignments, SUSTAIN)), self.takeover
        return self.map, self.takeover

    @property
    def profile(self) -> Profile | None:
        """The profile of the controller, None where it is not known."""
        return profile_for(self.port)

    def learned(self, new: Assignment) -> PortControls:
        """Return the same with one assignment more; a profile knows what shows its control."""
        if new.shown is None and self.profile is not None:
            new = replace(new, shown=self.profile.lamp(new.source))
        return replace(self, map=self.map.learned(new))

    def refusal(self, one: Source) -> str | None:
        """Return why a control of this port cannot be learned, None where it can: a profile knows its own."""
        known = self.profile
        return None if known is not None and known.has(one) else one.refusal()


def controls_of(port: str) -> PortControls:
    """Return what a port has that nothing was learned for."""
    known = profile_for(port)
    if known is not None:
        return PortControls(port, known.map, shows=known.shows)
    return PortControls(port, DEFAULT_MAP.without(SUSTAIN.source), Mode.JUMP)


@dataclass(frozen=True, slots=True)
class NamedMap:
    """What takes the place of a port's own map while a preset asks for it by this name."""

    name: str
    port: str
    map: ControlMap
    takeover: Mode = Mode.PICKUP


@dataclass(frozen=True, slots=True)
class Controls:
    """Everything that was learned, a section a port. ``stamp`` is the state of the file that it was read from."""

    ports: tuple[PortControls, ...] = ()
    path: Path | None = None
    stamp: Stamp = field(default=None, compare=False)
    maps: tuple[NamedMap, ...] = ()

    def of(self, port: str, name: str | None = None) -> PortControls:
        """Return how a port is read: as was learned under its name, or as it has it without.

        With ``name``, as it is read while the map of this name is in force; a port without one keeps its own.
        """
        place = _place(port, [one.port for one in self.ports])
        own = controls_of(port) if place is None else replace(self.ports[place], port=port)
        named = None if name is None else self._named(port, name)
        return own if named is None else replace(own, map=named.map, takeover=named.takeover)

    def having(self, new: PortControls, name: str | None = None) -> Controls:
        """Return the same with one section replaced, or more; with ``name`` only its map of this name."""
        port = bare(new.port)
        if name is not None:
            others = tuple(one for one in self.maps if (one.name, bare(one.port)) != (name, port))
            return replace(self, maps=(*others, NamedMap(name, port, new.map, new.takeover)))
        kept = tuple(one for one in self.ports if bare(one.port) != port)
        return replace(self, ports=(*kept, replace(new, port=port)))

    def without(self, name: str) -> Controls:
        """Return the same without the maps of a name.

        Raises:
            ControlError: there is none.
        """
        if name not in self.names:
            raise ControlError(f"There is no map '{name}'{suggested(name, self.names)}")
        return replace(self, maps=tuple(one for one in self.maps if one.name != name))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all maps, whatever port they are for."""
        return tuple(sorted({one.name for one in self.maps}))

    def surface(self, port: str) -> Surface:
        """Return a surface that reads a port, with all its maps."""
        maps = {name: self.of(port, name) for name in self.names if self._named(port, name) is not None}
        return self.of(port).surface(maps)

    def _named(self, port: str, name: str) -> NamedMap | None:
        there = [one for one in self.maps if one.name == name]
        place = _place(port, [one.port for one in there])
        return None if place is None else there[place]

    def seen(self) -> Controls:
        """Return the same as if the file, as it is now, had said nothing else: what is wrong with it is told once."""
        path = self.path or controls_file()
        return replace(self, path=path, stamp=_stamp(path))

    def changed(self) -> bool:
        """Return whether the file is another one by now."""
        return self.path is not None and _stamp(self.path) != self.stamp


def _place(port: str, names: list[str]) -> int | None:
    """Return which of the names of ports is this one's, None where none is or several might be."""
    with suppress(PortError):
        return match(port, [name if name != bare(port) else port for name in names])
    return None


def map_name(text: str) -> str:
    """Return the name of a map as it is kept: one line, NFC.

    Raises:
        ControlError: nothing is left, or it is too long.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise ControlError(f"{text[:LONGEST_NAME]!r} is no name for a map; give 1 to {LONGEST_NAME} characters.")
    return name


class _Control(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An assignment as it is written."""

    control: str
    moves: str
    way: str = Way.ABSOLUTE.value
    part: int | None = None
    shown: str | None = None


class _Port(msgspec.Struct, forbid_unknown_fields=True):
    """A section as it is written."""

    port: str
    controls: list[_Control]
    takeover: str = Mode.PICKUP.value
    notes: bool = False
    programs: bool = False
    sustain: bool = False
    shows: bool = False


class _Map(msgspec.Struct, forbid_unknown_fields=True):
    """A map with a name as it is written."""

    name: str
    port: str
    controls: list[_Control]
    takeover: str = Mode.PICKUP.value


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    ports: list[_Port]
    maps: list[_Map] = []
    schema: int = SCHEMA


class _Head(msgspec.Struct):
    """What every version of the file begins with."""

    schema: int


def controls_file() -> Path:
    """Return where the learned controls are; the file need not be there."""
    return home() / "controls.json"


def load(path: Path | None = None) -> Controls:
    """Return what was learned; nothing where there is no file.

    Raises:
        ControlError: the file cannot be read, or holds what is none.
    """
    path = path or controls_file()
    stamp = _stamp(path)
    if stamp is None:
        return Controls((), path, None)
    try:
        if stamp[1] > LARGEST_FILE:
            raise ControlError(f"The file '{path}' is too large to be one of controls ({stamp[1]} bytes).")
        ports, maps = _read(path.read_bytes())
        return Controls(ports, path, stamp, maps)
    except OSError as error:
        raise ControlError(f"The file '{path}' cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ControlError(f"The file '{path}' cannot be read: {error}. Mend it or move it away.") from error


def save(controls: Controls, path: Path | None = None) -> Controls:
    """Write what was learned; return it as it is read from now on.

    Raises:
        OSError: the file cannot be written; it is as it was.
    """
    path = path or controls.path or controls_file()
    maps = [_Map(one.name, one.port, _controls(one.map), one.takeover.value) for one in controls.maps]
    data = msgspec.json.encode(_File([_written(one) for one in controls.ports], maps))
    write_whole(path, msgspec.json.format(data, indent=2) + b"\n")
    return replace(controls, path=path, stamp=_stamp(path))


def change(how: Callable[[Controls], Controls], path: Path | None = None) -> Controls:
    """Change the file while no other program does; return what it holds now.

    Raises:
        ControlError: the file cannot be read, so that it is left alone.
        OSError: it cannot be written, or another program does not finish.
    """
    path = path or controls_file()
    make_folder(path.parent)
    with Lock(path.with_name(f".{path.name}.lock")):
        changed = how(load(path))
        _keep_older(path)
        return save(changed, path)


def _keep_older(path: Path) -> None:
    """Keep a copy of a file of an older schema."""
    if not path.exists():
        return
    data = path.read_bytes()
    schema = msgspec.json.decode(data, type=_Head).schema
    if schema < SCHEMA:
        write_whole(path.with_name(f"{path.stem}.schema{schema}{path.suffix}"), data)


def _read(data: bytes) -> tuple[tuple[PortControls, ...], tuple[NamedMap, ...]]:
    if msgspec.json.decode(data, type=_Head).schema > SCHEMA:
        raise ControlError("The file of controls was written by a newer version; update rnnae-live or move it away.")
    file = msgspec.json.decode(data, type=_File)
    maps = (NamedMap(map_name(one.name), one.port, _map(one.controls), _mode(one.takeover)) for one in file.maps)
    return tuple(_section(one) for one in file.ports), tuple(maps)


def _section(one: _Port) -> PortControls:
    mapping, mode = _map(one.controls), _mode(one.takeover)
    return PortControls(one.port, mapping, mode, one.notes, one.programs, one.sustain, one.shows)


def _map(controls: list[_Control]) -> ControlMap:
    return ControlMap(
        tuple(
            Assignment(
                source(each.control),
                each.moves,
                _way(each.way),
                None if each.part is None else each.part - 1,
                None if each.shown is None else display(each.shown),
            )
            for each in controls
        )
    )


def _mode(word: str) -> Mode:
    modes = {mode.value: mode for mode in Mode}
    if word not in modes:
        raise ControlError(f"'{word}' is no takeover{suggested(word, modes)}")
    return modes[word]


def _way(word: str) -> Way:
    ways = {way.value: way for way in Way}
    if word not in ways:
        raise ControlError(f"'{word}' is no way to move a parameter{suggested(word, ways)}")
    return ways[word]


def _written(one: PortControls) -> _Port:
    controls = _controls(one.map)
    return _Port(one.port, controls, one.takeover.value, one.notes, one.programs, one.sustain, one.shows)


def _controls(mapping: ControlMap) -> list[_Control]:
    return [
        _Control(
            str(each.source),
            each.target,
            each.way.value,
            None if each.part is None else each.part + 1,
            None if each.shown is None else str(each.shown),
        )
        for each in mapping.assignments
    ]


def _stamp(path: Path) -> Stamp:
    """Return what changes when a file is replaced: time, size, number; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino

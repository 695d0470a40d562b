"""``rnnae-live learn``: teach a controller's knobs and buttons what they move."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from rnnae_live.control.actions import ACTIONS, known
from rnnae_live.control.display import Display, display
from rnnae_live.control.learn import Learn, Shown, State
from rnnae_live.control.mapping import Assignment, ControlMap
from rnnae_live.control.profiles import PROFILES, Profile, profile
from rnnae_live.control.sources import Kind, Reader
from rnnae_live.control.specs import SPECS
from rnnae_live.control.store import Controls, PortControls, change, controls_file, controls_of, load, map_name
from rnnae_live.control.takeover import Mode
from rnnae_live.errors import ControlError, RnnaeError, UsageError
from rnnae_live.events import Event, read
from rnnae_live.ports import BACKENDS, choose
from rnnae_live.ports.base import match

CLIENT = "RNN-AE Live Learn"
PORT = "RNN-AE Live Learn In"


EPILOG = """\b
rnnae-live learn --control nano                      show what the controller sends
rnnae-live learn follow temperature --control nano   turn a knob for each, slowly, to the left first
rnnae-live learn "weight 1" --control nano           a name of two words
rnnae-live learn --forget follow --control nano
rnnae-live learn --shown "follow=cc 9 channel 1 from 1 to 13" --control mini    its ring is there, with 13 lights
rnnae-live learn density --map verse --control nano  into a map that presets bring (preset scene NAME --mapping verse)
rnnae-live learn --profile nanoKONTROL2 --control nano
rnnae-live learn --list"""


def _targets(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in (*SPECS, *ACTIONS) if name.startswith(begun)]


def _maps(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    with suppress(RnnaeError):
        return [name for name in load().names if name.startswith(begun)]
    return []


@click.command(short_help="Teach a controller's knobs what they move.", epilog=EPILOG)
@click.argument("targets", nargs=-1, metavar="[PARAMETER|ACTION]...", shell_complete=_targets)
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, envvar="RNNAE_BACKEND",
              help="MIDI system to use.")  # fmt: skip
@click.option("--control", "--in", "control", metavar="NAME", envvar="RNNAE_CONTROL",
              help="Port of the controller, as 'rnnae-live ports' lists it.")  # fmt: skip
@click.option("--part", type=click.IntRange(1, 16), help="Move this part only; without, all that listen.")
@click.option("--kind", type=click.Choice([one.value for one in Kind]), help="Listen for this kind of control only.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600.0), default=30.0, show_default=True,
              help="Give up after so long.")  # fmt: skip
@click.option("--takeover", type=click.Choice([one.value for one in Mode]),
              help="What a knob does that stands elsewhere: jump, wait to be picked up, or scale.")  # fmt: skip
@click.option("--notes/--no-notes", default=None, help="Let this controller's keys be heard as playing as well.")
@click.option("--programs/--no-programs", default=None, help="Let its program changes select presets.")
@click.option("--sustain/--no-sustain", default=None, help="Let its controller 64 be the pedal.")
@click.option("--shows/--no-shows", default=None, help="Send values back to its lamps and motors.")
@click.option("--shown", multiple=True, metavar="NAME=WHERE",
              help="Show this parameter or action there: 'cc 9 channel 1', with 'from 1 to 13' where lights are "
              "counted. 'follow=' shows it on its control again.")  # fmt: skip
@click.option("--map", "into", metavar="NAME", shell_complete=_maps,
              help="The map of this name, which a preset's scene brings; it begins as a copy of your own. Without, "
              "your own.")  # fmt: skip
@click.option("--forget-map", "gone", metavar="NAME", shell_complete=_maps, help="Forget a map, for all controllers.")
@click.option("--list", "as_list", is_flag=True, help="List what was learned, and what is known of controllers.")
@click.option("--forget", multiple=True, metavar="NAME", help="Forget what moves this parameter or action.")
@click.option("--profile", "named", metavar="NAME", help="Begin again with the map of a known controller.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(
    *,
    targets: tuple[str, ...],
    backend: str,
    control: str | None,
    part: int | None,
    kind: str | None,
    seconds: float,
    takeover: str | None,
    notes: bool | None,
    programs: bool | None,
    sustain: bool | None,
    shows: bool | None,
    shown: tuple[str, ...],
    into: str | None,
    gone: str | None,
    as_list: bool,
    forget: tuple[str, ...],
    named: str | None,
    as_json: bool,
) -> None:
    """Move a knob, and it is known from then on: also by a session that is playing.

    What was learned is kept in controls.json, in the folder that RNNAE_HOME names.
    """
    if gone is not None:
        change(lambda controls: controls.without(map_name(gone)))
    if as_list or (gone is not None and control is None):
        _tell(load(), as_json=as_json)
        return
    into = None if into is None else map_name(into)
    flags = {"notes": notes, "programs": programs, "sustain": sustain, "shows": shows}
    wished = {name: value for name, value in flags.items() if value is not None}
    if control is None:
        raise UsageError("Name the controller's port: rnnae-live learn --control NAME; 'rnnae-live ports' lists them.")
    for name in (*targets, *forget):
        known(name)
    asked = _Asked(
        profile(named) if named is not None else None,
        forget,
        tuple(_shown_at(one) for one in shown),
        None if takeover is None else Mode(takeover),
        wished,
    )
    if asked:
        _set(_full_name(backend, control), asked, into)
    if not targets and asked:
        _tell(load(), as_json=as_json)
        return
    with _listening(backend, control) as (port, came):
        for target in targets:
            _learn(port, came, target, part, kind, seconds, into)
        if not targets:
            _watch(port, came, seconds, into)
    if targets and as_json:
        _tell(load(), as_json=True)


Came = Iterator[Event | None]


@contextmanager
def _listening(backend: str, control: str) -> Iterator[tuple[str, Came]]:
    """Open the controller; give its name in full and the events that come, None every tenth of a second.

    Raises:
        PortError: there is no such port, or it cannot be opened.
    """
    heard: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def came() -> Came:
        while True:
            try:
                at, data = heard.get(timeout=0.1)
            except queue.Empty:
                yield None
                continue
            event = read(data, at)
            if event is not None:
                yield event

    system = choose(backend, named=True, client=CLIENT).backend
    try:
        names = system.sources()
        name = names[match(control, names)]
        system.open_input(lambda at, data: heard.put((at, data)), PORT, name)
        yield name, came()
    finally:
        system.close()


def _full_name(backend: str, control: str) -> str:
    """Return the name of the port in full; one that is not connected is known as it was given."""
    try:
        system = choose(backend, named=True, client=CLIENT).backend
    except RnnaeError:
        return control
    try:
        names = system.sources()
        return names[match(control, names)]
    except RnnaeError:
        return control
    finally:
        system.close()


def _learn(
    port: str, came: Came, target: str, part: int | None, kind: str | None, seconds: float, into: str | None
) -> None:
    """Wait for one control and keep it in the port's own map, or in the one called ``into``.

    Raises:
        ControlError: nothing was moved in time.
    """
    section = load().of(port)
    learn = Learn(section.refusal)
    learn.begin(target, None if part is None else part - 1, None if kind is None else Kind(kind))
    click.echo(f"{target}: move its control on '{port}', a knob slowly and to the left first.")
    until, reader, refused = time.monotonic() + seconds, Reader(), None
    while learn.state is State.LISTENING:
        event = next(came)
        if time.monotonic() > until:
            heard = ", ".join(str(one.source) for one in learn.recent) or "nothing"
            raise ControlError(f"{target} was not learned in {seconds:g} s; heard: {heard}.")
        if event is not None:
            learn.heard(*reader.read(event))
        if learn.refused != refused:
            refused = learn.refused
            click.echo(f"{refused}.", err=True)
    new = learn.result
    assert new is not None
    change(lambda controls: controls.having(controls.of(port, into).learned(new), into))
    click.echo(f"Learned {new.words}" if into is None else f"Learned {new.words} (in '{into}')")


def _watch(port: str, came: Came, seconds: float, into: str | None) -> None:
    """Show what comes, one line for each message."""
    click.echo(f"Listening to '{port}' for {seconds:g} s; Ctrl-C ends.")
    section = load().of(port, into)
    learn, reader, until = Learn(section.refusal), Reader(), time.monotonic() + seconds
    while time.monotonic() < until:
        event = next(came)
        heard = () if event is None else reader.read(event)
        learn.heard(*heard)
        if heard:
            click.echo(_line(section, learn.recent[0]))


def _line(section: PortControls, shown: Shown) -> str:
    """Return what was heard: the control, its label where it is known, its value, what it moves."""
    anywhere = shown.source.anywhere
    labels = section.profile
    label = labels and (labels.label(shown.source) or labels.label(anywhere))
    moves = [one.target for one in section.map.assignments if one.source in (shown.source, anywhere)]
    named = f" ({label})" if label else ""
    value = f"{shown.clicks:+d}" if shown.clicks else f"= {shown.value}"
    return f"{shown.source}{named} {value}: {', '.join(moves) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be changed without listening: in this order."""

    profile: Profile | None
    forget: tuple[str, ...]
    shown: tuple[tuple[str, Display | None], ...]
    takeover: Mode | None
    flags: dict[str, bool]

    def __bool__(self) -> bool:
        return any((self.profile, self.forget, self.shown, self.takeover, self.flags))

    def done(self, section: PortControls) -> PortControls:
        """Return a section of controls as it is to be."""
        if self.profile is not None:
            section = controls_of(section.port)
        mapping: ControlMap = section.map
        for target in self.forget:
            mapping = mapping.forgotten(target)
        for target, where in self.shown:
            mapping = mapping.shown(target, where)
        flags: dict[str, Any] = dict(self.flags)
        if self.shown:
            flags.setdefault("shows", True)
        return replace(section, map=mapping, takeover=self.takeover or section.takeover, **flags)


def _shown_at(text: str) -> tuple[str, Display | None]:
    """Return the name and the display of "follow=cc 9 channel 1".

    Raises:
        UsageError: there is no "=" in it.
        ControlError: one of both is none.
    """
    name, equals, where = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' says not where: --shown \"follow=cc 9 channel 1 from 1 to 13\".")
    return known(name.strip()), display(where) if where.strip() else None


def _set(port: str, asked: _Asked, into: str | None) -> None:
    """Change the section of a port, or its map called ``into``, without listening to it.

    Raises:
        UsageError: the profile is one of another controller.
        ControlError: what is to be shown is moved by nothing.
    """
    if asked.profile is not None and not asked.profile.knows(port):
        raise UsageError(f"The profile {asked.profile.name} is for its own controller, not for '{port}'.")

    def changed(controls: Controls) -> Controls:
        made = asked.done(controls.of(port, into))
        # What a port may feed and show is one for all of its maps.
        own = controls.of(port)
        whole = replace(made, map=own.map, takeover=own.takeover)
        if into is None or whole != own:
            controls = controls.having(made if into is None else whole)
        return controls if into is None else controls.having(made, into)

    change(changed)


def _tell(controls: Controls, *, as_json: bool) -> None:
    """Print what was learned and which controllers are known."""
    path: Path = controls_file()
    if as_json:
        ports = [
            {
                "port": one.port,
                "takeover": one.takeover.value,
                "controls": [_plain(each) for each in one.map.assignments],
            }
            for one in controls.ports
        ]
        maps = [
            {"name": one.name, "port": one.port, "takeover": one.takeover.value, "controls": _all_plain(one.map)}
            for one in controls.maps
        ]
        profiles = [one.name for one in PROFILES]
        click.echo(json.dumps({"file": str(path), "ports": ports, "maps": maps, "profiles": profiles}))
        return
    for one in controls.ports:
        asked = [name for name in ("notes", "programs", "sustain", "shows") if getattr(one, name)]
        click.echo(f"'{one.port}', takeover {one.takeover.value}{''.join(f', {name}' for name in asked)}:")
        for each in one.map.assignments:
            click.echo(f"  {each.words}")
    for named in controls.maps:
        click.echo(f"Map '{named.name}' for '{named.port}', takeover {named.takeover.value}:")
        for each in named.map.assignments:
            click.echo(f"  {each.words}")
    if not controls.ports and not controls.maps:
        click.echo(f"Nothing was learned yet ({path}).")
    click.echo(f"Known controllers: {', '.join(one.name for one in PROFILES)}.")


def _all_plain(mapping: ControlMap) -> list[dict[str, object]]:
    return [_plain(one) for one in mapping.assignments]


def _plain(one: Assignment) -> dict[str, object]:
    """Return an assignment as programs read it."""
    plain: dict[str, object] = {"control": str(one.source), "moves": one.target, "way": one.way.value}
    if one.part is not None:
        plain["part"] = one.part + 1
    if one.shown is not None:
        plain["shown"] = str(one.shown)
    return plain

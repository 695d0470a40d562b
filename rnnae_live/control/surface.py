"""A control surface: the messages of one port become what is turned, pressed and selected; and back.

sources, mapping, takeover -> [control.surface: mirror] -> engine

``read`` takes what comes in. ``told`` keeps the surface informed of every value that changes, whoever changed it: an
endless knob adds to it, a knob with ends takes over from it, a motor fader goes to it. ``recall`` puts another of the
port's maps in force, until the own one is recalled.

*Units*: seconds of the monotonic clock; places 0-1. Time is an argument. *Threading*: one thread.
*Errors*: none: what nothing is assigned to moves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rnnae_live.control.actions import ACTIONS, Press
from rnnae_live.control.display import Display
from rnnae_live.control.encoders import decoded
from rnnae_live.control.mapping import DEFAULT_MAP, Assignment, ControlMap, Way
from rnnae_live.control.mirror import HELD, Mirror
from rnnae_live.control.programs import ProgramLatch, Select
from rnnae_live.control.sources import Heard, Kind, Reader
from rnnae_live.control.specs import SPECS
from rnnae_live.control.takeover import Mode, Takeover
from rnnae_live.events import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange, Event

ON = 64
"""A switch is on from this controller value."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A parameter has a new value; ``part`` 0-15 whose, None: of all parts that listen."""

    name: str
    value: float
    part: int | None = None


Move = Turn | Press | Select


class Surface:
    """One port with controls. ``programs`` says that its program changes select presets, ``shows`` that it can show.

    ``maps`` are others than its own, by their names, each with its takeover.
    """

    def __init__(
        self,
        mapping: ControlMap = DEFAULT_MAP,
        takeover: Mode = Mode.JUMP,
        *,
        programs: bool = False,
        shows: bool = False,
        maps: Mapping[str, tuple[ControlMap, Mode]] | None = None,
    ) -> None:
        """Begin with every parameter at its default, until it is told otherwise."""
        self.shows = shows
        self.active: str | None = None
        """The name of the map in force, None for the port's own."""
        self._maps: dict[str | None, tuple[ControlMap, Mode]] = {None: (mapping, takeover)}
        for name, one in (maps or {}).items():
            self._maps[name] = one
        self._reader = Reader()
        self._latch = ProgramLatch() if programs else None
        self._takeovers: dict[Assignment, Takeover] = {}
        self._places: dict[tuple[str, int], float] = {}
        self._values: dict[tuple[str, int], float] = {}
        self._moved: dict[tuple[str, int], float] = {}
        self._before: dict[Assignment, int] = {}
        self._down: set[Assignment] = set()
        self._left = ControlMap()
        self._mirror = Mirror()
        self._use(mapping, takeover)

    def _use(self, mapping: ControlMap, takeover: Mode) -> None:
        """Put a map in force. Where a control of the one before stands is still known."""
        knobs = {one.source: takes.knob for one, takes in self._takeovers.items()}
        heights = {one.source: value for one, value in self._before.items()}
        self.mapping = mapping
        self._takeovers = {
            one: Takeover(takeover, knobs.get(one.source)) for one in mapping.assignments if not one.is_switch
        }
        self._before = {one: heights[one.source] for one in mapping.assignments if one.source in heights}
        self._left = ControlMap((*self._left.assignments, *self._down))
        self._down = set()
        self._goals: dict[tuple[str, int], list[Assignment]] = {}
        for one in mapping.assignments:
            self._goals.setdefault(one.goal, []).append(one)
        self.physical: dict[tuple[str, int], float] = {
            one.goal: SPECS[one.target].at(takes.knob)
            for one, takes in self._takeovers.items()
            if takes.knob is not None
        }
        """Where knobs with ends stand, by parameter and part (0 where all are meant), as far as they were moved."""

    # -- what comes in -----------------------------------------------------------------------------------------------

    def read(self, event: Event) -> list[Move]:
        """Return what a message turns, presses or selects. "All sound off" and "all notes off" are always a panic."""
        if isinstance(event, ControlChange) and event.controller in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            return [Press.PANIC]
        select = self._latch.read(event) if self._latch is not None else None
        moves: list[Move] = [] if select is None else [select]
        for heard in self._reader.read(event):
            given = self._given(heard)
            if self._echoed(given, heard):
                continue
            for one in given:
                move = self._press(one, heard) if one.target in ACTIONS else self._turn(one, heard)
                if move is not None:
                    moves.append(move)
        return moves

    def _given(self, heard: Heard) -> tuple[Assignment, ...]:
        """Return what a control moves. A button that was pressed in another map is let go there."""
        left = self._left.moved(heard)
        if not left:
            return self.mapping.moved(heard)
        if not _is_down(heard):
            self._left = self._left.without(*(one.source for one in left))
        return left

    def _echoed(self, given: tuple[Assignment, ...], heard: Heard) -> bool:
        """Return whether a knob or fader only sends back what it was just sent; of a click nobody could tell."""
        knobs = (one for one in given if one.way is Way.ABSOLUTE and not one.is_switch)
        return (
            self.shows
            and not heard.clicks
            and any(knobs)
            and self._mirror.echoed(heard.source, heard.value, heard.time)
        )

    def _press(self, one: Assignment, heard: Heard) -> Press | None:
        """Return what a button does; of a knob that is swept only the beginning counts, of steps those up."""
        action = ACTIONS[one.target]
        self._mirror.heard(_shown(one).source, heard.source.channel, None, heard.time)
        if heard.clicks:
            return action.press if heard.clicks > 0 else action.release
        before = self._before.get(one, 0)
        self._before[one] = heard.value
        if action.release is not None:
            if not _is_down(heard):
                self._down.discard(one)
                return action.release
            self._down.add(one)
            return action.press
        if not heard.value or (before and before != heard.value):
            return None
        return action.press

    def _turn(self, one: Assignment, heard: Heard) -> Turn | None:
        """Return the new value of a parameter, None where the control has not taken over."""
        one_spec, goal = SPECS[one.target], one.goal
        value = self._values.get(goal, one_spec.default)
        place = self._places.get(goal, one_spec.place(value))
        clicks = heard.clicks if one.way.encoding is None else decoded(one.way.encoding, heard.value)
        if clicks or one.way.encoding is not None:
            value = one_spec.turned(value, clicks)
            place = one_spec.place(value)
        elif one.way is Way.TOGGLE:
            if not self._pressed(one, heard):
                return None
            value = one_spec.next(value)
            place = one_spec.place(value)
        else:
            knob = float(heard.value > 0) if heard.source.kind is Kind.NOTE else heard.place(centred=one_spec.centred)
            self.physical[goal] = one_spec.at(knob)
            takeover = self._takeovers.get(one)
            taken = knob if takeover is None else takeover.move(knob, place)
            self._felt(one, heard, taken=taken is not None)
            if taken is None:
                return None
            place, value = taken, one_spec.at(taken)
        if one.way is not Way.ABSOLUTE or heard.clicks:
            self._mirror.heard(_shown(one).source, heard.source.channel, None, heard.time)
        for other in self._goals[goal]:
            if (other != one or heard.clicks) and other in self._takeovers:
                self._takeovers[other].rearm()
        self._places[goal], self._values[goal], self._moved[goal] = place, value, heard.time
        return Turn(one.target, value, one.part)

    def _felt(self, one: Assignment, heard: Heard, *, taken: bool) -> None:
        """Let the mirror know that a control was moved that stands for a value itself."""
        shown, channel = _shown(one).source, heard.source.channel
        if one.shown is None:
            self._mirror.heard(shown, channel, heard.value, heard.time)
        elif taken:
            self._mirror.found(shown, channel)
        else:
            # Many rings follow their knob by themselves, also where the value does not.
            self._mirror.heard(shown, channel, None, heard.time)

    def _pressed(self, one: Assignment, heard: Heard) -> bool:
        """Return whether a button that toggles goes down now, and not just further."""
        before = self._before.get(one, 0)
        self._before[one] = heard.value
        threshold = 1 if heard.source.kind is Kind.NOTE else ON
        return heard.value >= threshold and (before < threshold or before == heard.value)

    # -- what goes back ----------------------------------------------------------------------------------------------

    def told(self, name: str, value: float, now: float, part: int = 0) -> list[bytes]:
        """Take a parameter's value, or an action's state (1 on, 0 off), after any change; return what shows it.

        A knob that is not in somebody's hand has to take over again when the value is not its own.
        """
        goal = (name, part)
        if name in SPECS:
            one_spec = SPECS[name]
            known = self._values.get(goal)
            if known != value and now - self._moved.get(goal, -math.inf) >= HELD:
                self._places[goal] = one_spec.place(value)
                for one in self._goals.get(goal, ()):
                    if one in self._takeovers:
                        self._takeovers[one].rearm()
        self._values[goal] = value
        if not self.shows:
            return []
        return [data for one in self._goals.get(goal, ()) for data in self._show(one, value, now)]

    def _show(self, one: Assignment, value: float, now: float) -> list[bytes]:
        shown = _shown(one)
        if one.target in ACTIONS:
            number = shown.highest if value else shown.low
        else:
            one_spec = SPECS[one.target]
            number = shown.number(one_spec.place(value), centred=one_spec.centred)
        return self._mirror.show(shown.source, number, now)

    def settle(self, now: float) -> list[bytes]:
        """Return what controls missed while they were in somebody's hand."""
        return self._mirror.settle(now)

    def wake(self) -> float | None:
        """Return when ``settle`` has something to send, None for never."""
        return self._mirror.wake()

    def rearm(self) -> None:
        """A preset was switched: every knob has to take over again, also the one that was just moved."""
        self._moved.clear()
        for takeover in self._takeovers.values():
            takeover.rearm()

    # -- other maps --------------------------------------------------------------------------------------------------

    def has(self, name: str | None) -> bool:
        """Return whether there is a map of this name."""
        return name in self._maps

    def recall(self, name: str | None, values: Mapping[tuple[str, int], float], now: float) -> list[bytes]:
        """Put the map called ``name`` in force, the port's own for None and where there is none of that name.

        Every knob has to take over again, whether the map is another one or not. ``values`` are all that there are, by
        name and part; returns what shows them on the controls of the new map, and darkens the others.
        """
        chosen = name if self.has(name) else None
        self.rearm()
        if chosen == self.active:
            return []
        before, self.active = self.mapping, chosen
        self._use(*self._maps[chosen])
        self._values.update(values)
        self._places = {goal: SPECS[goal[0]].place(value) for goal, value in values.items() if goal[0] in SPECS}
        return self._change_over(before, now) if self.shows else []

    def _change_over(self, before: ControlMap, now: float) -> list[bytes]:
        """Return what shows all values in the map in force, after the one before."""
        self._mirror.forget()
        lit, stays = (
            {_shown(one).source: None for one in mapping.assignments if one.goal in self._values}
            for mapping in (before, self.mapping)
        )
        out = [data for shown in lit if shown not in stays for data in self._mirror.show(shown, 0, now)]
        for one in self.mapping.assignments:
            if one.goal in self._values:
                out += self._show(one, self._values[one.goal], now)
        return out


def _is_down(heard: Heard) -> bool:
    """Return whether a button that has two states is pressed."""
    return heard.value * 2 > heard.top or (heard.source.kind is Kind.NOTE and heard.value > 0)


def _shown(one: Assignment) -> Display:
    """Return what shows the value of an assignment: its display, or the control itself."""
    return (one.shown or Display(one.source)).on(one.source.channel)

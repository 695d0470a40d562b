"""All control surfaces: what each kind of port is read with, what they are told, and the map that a preset brings.

surface -> [control.surfaces] -> engine

A preset may bring a map of controls by its name. From then on the ports that have a map of this name are read with it;
a preset that brings none brings the performer's own back. What the port of the DAW is read with never changes.

*Units*: seconds of the monotonic clock; parts count from 0. Time is an argument. *Threading*: one thread.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnae_live.control.surface import Move, Surface
from rnnae_live.events import CONTROL, PLAYED, Due, Event, Notice, Output

Values = Mapping[tuple[str, int], float]
"""Values of parameters and states of actions, by name and part (0 for what the instrument has)."""

LONGEST_SHOWN = 40
"""Characters of a map's name that a sentence quotes: it came with a preset from anywhere."""


class Surfaces:
    """The port to play on, and the controller once there is one."""

    def __init__(self) -> None:
        """Begin with the port to play on."""
        self._ports = {PLAYED: Surface(programs=True)}
        self._told: Values = {}
        self.map: str | None = None
        """The name of the map that the last preset brought, None for the performer's own."""
        self._recalled = False
        self._said: tuple[str | None, str | None] = (None, None)

    def get(self, port: int) -> Surface | None:
        """Return what a kind of port is read with, None where nothing reads it."""
        return self._ports.get(port)

    def attach(self, surface: Surface) -> None:
        """Read the controller with ``surface`` from now on; it is told all values next."""
        self._ports[CONTROL] = surface
        self._told = {}
        self._recalled = True

    def read(self, event: Event, port: int) -> list[Move]:
        """Return what a message turns, presses or selects."""
        surface = self._ports.get(port)
        return [] if surface is None else surface.read(event)

    def recall(self, name: str | None) -> None:
        """Take the map that a preset brings, None for the performer's own; it is in force after the next ``tell``."""
        self.map, self._recalled = name, True

    def tell(self, values: Values, now: float) -> list[Output]:
        """Tell all surfaces which values have changed, whoever changed them; return what shows them."""
        out: list[Output] = []
        if self._recalled:
            self._recalled = False
            out += self._change_over(values, now)
        changed = [(goal, value) for goal, value in values.items() if self._told.get(goal) != value]
        self._told = dict(values)
        for (name, number), value in changed:
            for port, surface in self._ports.items():
                out += (Due(now, data, port) for data in surface.told(name, value, now, number))
        return [*out, *(Due(now, data, port) for port, one in self._ports.items() for data in one.settle(now))]

    def wake(self) -> float | None:
        """Return when ``tell`` has something to show that was held back, None for never."""
        return min((at for at in (one.wake() for one in self._ports.values()) if at is not None), default=None)

    def _change_over(self, values: Values, now: float) -> list[Output]:
        """Put the map that was asked for in force on all ports; return what shows it, and the sentence that says so."""
        out: list[Output] = [
            Due(now, data, port) for port, one in self._ports.items() for data in one.recall(self.map, values, now)
        ]
        controller = self._ports.get(CONTROL)
        if controller is None:
            return out
        before, self._said = self._said, (self.map, controller.active)
        if controller.active is not None and controller.active != before[1]:
            out.append(Notice(f"Your controls are now those of the map '{controller.active}'."))
        elif controller.active is None and self.map not in (None, before[0]):
            name = " ".join(str(self.map).split())[:LONGEST_SHOWN]
            out.append(Notice(f"There is no map '{name}' for your controller; your controls are your own."))
        elif controller.active is None and before[1] is not None:
            out.append(Notice("Your controls are your own again."))
        return out

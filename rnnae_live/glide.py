"""Weights on their way: a knob that jumps, and a mix that glides to where it points.

control -> [glide] -> part

*Units*: ticks of the transport. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Move:
    """A value on its way from ``source`` to where its knob points."""

    source: float
    begin: float
    end: float


class Glide:
    """Which values are on their way."""

    def __init__(self) -> None:
        """Begin with everything at its place."""
        self._moves: dict[str, _Move] = {}

    def turn(self, name: str, source: float, tick: float, ticks: float) -> None:
        """Let the value of ``name`` leave ``source`` at ``tick`` and arrive ``ticks`` later; 0 is at once."""
        self._moves.pop(name, None)
        if ticks > 0:
            self._moves[name] = _Move(source, tick, tick + ticks)

    def value(self, name: str, target: float, tick: float) -> float:
        """Return where the value of ``name`` is at ``tick``, ``target`` being where its knob points."""
        move = self._moves.get(name)
        if move is None or tick >= move.end:
            return target
        share = min(max((tick - move.begin) / (move.end - move.begin), 0.0), 1.0)
        return move.source + (target - move.source) * share

    def values(self, targets: Mapping[str, float], tick: float) -> dict[str, float]:
        """Return all values at ``tick``."""
        return {name: self.value(name, target, tick) for name, target in targets.items()}

    def moving(self, tick: float) -> bool:
        """Return whether something is on its way at ``tick``; forget what has arrived."""
        self._moves = {name: move for name, move in self._moves.items() if tick < move.end}
        return bool(self._moves)

"""What was seen of one row of the fault matrix: how often injected, what broke, and the figures.

rows -> [seen] -> report

A *guarantee* (nothing stuck, nothing torn, started again) is broken or not, whatever the machine does; a *bound* in
seconds is measured and told with its goal, because it says as much about the machine as about the instrument.

*Units*: milliseconds where a name ends in ``ms``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Figure = int | float | str


def quantile(numbers: Sequence[float], part: float) -> float:
    """Return the number below which ``part`` (0-1) of numbers lie, 0 where there are none."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class Bound:
    """A measured time and the most that it is to be."""

    name: str
    value: float
    goal: float

    @property
    def met(self) -> bool:
        return self.value <= self.goal


@dataclass(slots=True)
class Seen:
    """One row.

    ``stuck`` counts notes without note-off in ``looks`` looks after a fault, ``late`` note-ons that sounded although
    they were overdue.
    """

    name: str
    required: str
    injected: dict[str, int] = field(default_factory=dict)
    stuck: int = 0
    looks: int = 0
    restarts: int = 0
    late: int = 0
    released_ms: list[float] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    bounds: list[Bound] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0
    load: float = 0.0
    """How many processes wanted to run when it ended, on average over a minute."""
    sources: str = ""
    """Which sources of the instrument it was seen with."""

    def inject(self, kind: str, count: int = 1) -> None:
        """Count a fault of some kind."""
        if count:
            self.injected[kind] = self.injected.get(kind, 0) + count

    def hold(self, kept: bool, sentence: str) -> None:
        """Write down a guarantee that is not kept."""
        if not kept:
            self.broken.append(sentence)

    def leave_sounding(self, notes: int, where: str) -> None:
        """Write down notes that were never released."""
        self.looks += 1
        self.stuck += notes
        self.hold(not notes, f"{notes} notes stuck: {where}")

    def bound(self, name: str, value: float, goal: float) -> None:
        """Write down a time and its goal."""
        self.bounds.append(Bound(name, round(value, 2), goal))

    @property
    def missed(self) -> list[str]:
        """The bounds that were not met."""
        return [f"{one.name} {one.value:g}, goal {one.goal:g}" for one in self.bounds if not one.met]

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        released = {f"p{part * 100:g}": round(quantile(self.released_ms, part), 1) for part in (0.5, 0.99)}
        return {
            "row": self.name,
            "required": self.required,
            "injected": self.injected,
            "stuck_notes": self.stuck,
            "looks": self.looks,
            "released_ms": {**released, "max": round(max(self.released_ms), 1)} if self.released_ms else None,
            "restarts": self.restarts,
            "late_events": self.late,
            "figures": self.figures,
            "bounds": [{"name": one.name, "value": one.value, "goal": one.goal, "met": one.met} for one in self.bounds],
            "broken": self.broken,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "load": round(self.load, 1),
            "sources": self.sources,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix: ``run`` injects into ``seen``, many times where ``long``, with files in a folder of its own.

    ``ports`` says that it needs a JACK server.
    """

    name: str
    required: str
    run: Callable[[Seen, bool, Path], None]
    ports: bool = False

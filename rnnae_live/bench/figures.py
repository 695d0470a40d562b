"""Figures: samples to p50, p99, p99.9 and max, each with its goal and whether it is met.

samples -> [figures] -> table, JSON

*Units*: the name of a figure ends with the unit of its numbers (``_us``, ``_ms``, ``_mb``, ``_share``, ``_percent``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QUANTILES: Mapping[str, float] = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
"""Names of the quantiles and the part of the samples that is not above them."""

UNITS = ("us", "ms", "mb", "share", "percent", "ratio", "count")
"""With which a name may end."""

SIGNIFICANT = 4
"""Digits that are kept: more would be noise."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Bounds by quantile (``{"p50": 12}``): what is measured must not be above, or with ``least`` not below."""

    bounds: Mapping[str, float]
    least: bool = False

    def met(self, quantiles: Mapping[str, float]) -> bool:
        """Return whether every bound holds."""
        sign = -1 if self.least else 1
        return all(sign * quantiles[name] <= sign * bound for name, bound in self.bounds.items())

    def __str__(self) -> str:
        """The bounds as a reader of a table wants them."""
        sign = ">=" if self.least else "<="
        same = set(self.bounds) == set(QUANTILES) or len(self.bounds) == 1
        if same:
            name, bound = next(iter(self.bounds.items()))
            return f"{sign} {bound:g}" if set(self.bounds) == set(QUANTILES) else f"{name} {sign} {bound:g}"
        return f"{'/'.join(self.bounds)} {sign} {' / '.join(f'{bound:g}' for bound in self.bounds.values())}"


def all_of(bound: float, *, least: bool = False) -> Goal:
    """Return the goal that every sample is within ``bound``."""
    return Goal(dict.fromkeys(QUANTILES, bound), least)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: ``samples`` in the unit that ``name`` ends with, 1 or more.

    ``cpu`` is the processor time of one sample in the same unit, on average, None where it has no meaning; ``title``
    says to a reader what was measured.
    """

    name: str
    title: str
    samples: Sequence[float]
    goal: Goal | None = None
    cpu: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the name and the samples.

        Raises:
            ValueError: the name does not end with a unit, or there are no samples.
        """
        if self.unit not in UNITS:
            raise ValueError(f"The figure '{self.name}' does not end with a unit ({', '.join(UNITS)}).")
        if not self.samples:
            raise ValueError(f"The figure '{self.name}' has no samples.")

    @property
    def unit(self) -> str:
        """The unit of the samples."""
        return self.name.rpartition("_")[2]

    @property
    def quantiles(self) -> dict[str, float]:
        """p50, p99, p999 and max of the samples."""
        ranked = sorted(self.samples)
        return {name: quantile(ranked, part) for name, part in QUANTILES.items()}

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None where there is none."""
        return None if self.goal is None else self.goal.met(self.quantiles)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        found: dict[str, Any] = {name: rounded(value) for name, value in self.quantiles.items()}
        found["samples"] = len(self.samples)
        if self.cpu is not None:
            found["cpu_mean"] = rounded(self.cpu)
        if self.goal is not None:
            bounds = dict(self.goal.bounds)
            found["goal"] = next(iter(bounds.values())) if len(set(bounds.values())) == 1 else bounds
            found["goal_of"] = list(bounds)
            found["met"] = self.met
        return {**found, **self.about}


def quantile(ranked: Sequence[float], part: float) -> float:
    """Return the smallest of the sorted samples that ``part`` (0-1) of them do not exceed (nearest rank)."""
    return ranked[min(len(ranked) - 1, max(0, math.ceil(part * len(ranked)) - 1))]


def rounded(value: float) -> float:
    """Return a number with ``SIGNIFICANT`` digits, shares near 1 with as many nines as they have."""
    if value == 0 or not math.isfinite(value):
        return value
    digits = SIGNIFICANT - 1 - math.floor(math.log10(abs(value)))
    return round(value, max(0, digits)) if abs(value) < 0.9 or abs(value) >= 1 else round(value, 6)


def verdict(figures: Iterable[Figure]) -> str:
    """Return in one line how many goals are met, and which are not."""
    judged = [figure for figure in figures if figure.goal is not None]
    missed = [figure.name for figure in judged if not figure.met]
    line = f"{len(judged) - len(missed)} of {len(judged)} goals met"
    return f"{line}; not met: {', '.join(missed)}." if missed else f"{line}."

"""How far the notes that were heard lie from the ideal grid of their tempo.

performer -> [grid] -> figures

The grid's step is known, its phase is not: nobody outside knows when the instrument began. It is taken once, from all
notes of a measurement (the median of what they are off the grid), so a drift shows as an error and a constant delay of
the ports does not.

*Units*: seconds. *Errors*: ``ValueError`` where there is nothing to judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

TICKS = 24
"""Of a quarter note."""


def tick_seconds(bpm: float) -> float:
    """Return the length of a tick."""
    return 60.0 / bpm / TICKS


def errors(moments: Sequence[float], step: float) -> list[float]:
    """Return by how much each moment is off the nearest line of a grid of ``step``, 0 or more.

    An error of more than half a step is seen as the distance to the next line, so ``step`` has to be long against
    what is expected.

    Raises:
        ValueError: there are no moments, or the step is not above 0.
    """
    if not moments or step <= 0:
        raise ValueError("A grid needs moments, and a step above 0.")
    phase = _phase(moments, step)
    return [abs(_off(moment - phase, step)) for moment in moments]


def _phase(moments: Sequence[float], step: float) -> float:
    """Return the phase of the grid: a circular mean, which needs no beginning, then a median."""
    angles = [2 * math.pi * (moment / step % 1.0) for moment in moments]
    turn = math.atan2(sum(map(math.sin, angles)), sum(map(math.cos, angles))) / (2 * math.pi) * step
    return turn + median(_off(moment - turn, step) for moment in moments)


def _off(moment: float, step: float) -> float:
    """Return ``moment`` less the nearest multiple of ``step``."""
    return moment - round(moment / step) * step

"""What has failed while it played: counted always, told once, so that a fault that comes back is no flood.

engine -> [faults] -> whoever is told

*Units*: seconds of the monotonic clock. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

from rnnae_live.errors import RnnaeError
from rnnae_live.events import Notice

REST = 1.0
"""Seconds for which what has failed is left alone, and not told again."""


class Faults:
    """Faults of a performance. ``count`` is how many there were."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self._told: dict[str, float] = {}

    def tell(self, error: Exception, now: float) -> list[Notice]:
        """Count a fault; return the sentence about it, nothing where it was told less than ``REST`` seconds ago."""
        self.count += 1
        what = str(error) if isinstance(error, RnnaeError) else f"{type(error).__name__}: {error}"
        self._told = {text: at for text, at in self._told.items() if now < at + REST}
        if what in self._told:
            return []
        self._told[what] = now
        return [Notice(f"Something could not be played: {' '.join(what.split())}", fault=True)]

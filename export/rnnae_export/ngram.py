"""An n-gram: how likely a symbol is after those before it, by counting, interpolated after Witten and Bell.

lines of symbols -> [ngram] -> judge, bridges

*Units*: nats.
*Source*: Witten and Bell 1991, method C; interpolation as in Bell, Cleary and Witten, Text Compression, 1990.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

UNHEARD = 1 / 20_000
"""Probability that the lowest order falls back to, about one over the number of thinkable (interval, duration)."""

_BEFORE = "before"
"""Stands before the first symbol."""


class NGram:
    """Counts of what follows what, ``order`` symbols at a time: the one that is judged and those before it."""

    def __init__(self, order: int) -> None:
        """Begin with nothing heard.

        Raises:
            ValueError: the order is below 1.
        """
        if order < 1:
            raise ValueError(f"An n-gram looks at 1 symbol or more at a time, not {order}.")
        self.order = order
        # By context, a tuple of 0 to order - 1 symbols: how often each symbol came, and how many came at all.
        self._came: dict[tuple[Hashable, ...], dict[Hashable, int]] = {}
        self._total: dict[tuple[Hashable, ...], int] = {}

    def learn(self, line: Sequence[Hashable]) -> None:
        """Count a line of symbols."""
        padded = self._padded(line)
        for at in range(self.order - 1, len(padded)):
            for back in range(self.order):
                context = padded[at - back : at]
                came = self._came.setdefault(context, {})
                came[padded[at]] = came.get(padded[at], 0) + 1
                self._total[context] = self._total.get(context, 0) + 1

    def nats(self, line: Sequence[Hashable], begin: int = 0) -> float:
        """Return the negative log likelihood of the symbols from number ``begin`` on, after all that come before."""
        padded, first = self._padded(line), self.order - 1
        return -sum(
            math.log(self._chance(padded[at - first : at], padded[at])) for at in range(first + begin, len(padded))
        )

    def _chance(self, before: tuple[Hashable, ...], said: Hashable) -> float:
        """Return the probability of a symbol after ``order - 1`` others, above 0."""
        chance = UNHEARD
        for back in range(self.order):
            context = before[len(before) - back :]
            came = self._came.get(context)
            if came is None:
                break
            kinds = len(came)
            chance = (came.get(said, 0) + kinds * chance) / (self._total[context] + kinds)
        return chance

    def _padded(self, line: Sequence[Hashable]) -> tuple[Hashable, ...]:
        return (_BEFORE,) * (self.order - 1) + tuple(line)

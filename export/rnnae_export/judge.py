"""A language model of melodies that was never used to choose or train anything: how likely music sounds.

melodies -> [judge] -> mixing

An n-gram over (interval, duration) of one note after the other, interpolated after Witten and Bell. Rests are left out,
so an interval may span one. What it learns from is said beside every figure: its numbers mean something only beside
those of real and of shuffled music by the same judge.

*Units*: nats; intervals in semitones, durations in ticks, 24 to the quarter note.
*Source*: Witten and Bell 1991, method C; interpolation as in Bell, Cleary and Witten, Text Compression, 1990.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from rnnae_live.melody import Melody

ORDER = 3
"""Notes that are looked at together: the one that is judged and two before it."""

UNHEARD = 1 / 20_000
"""Probability that the lowest order falls back to, about one over the number of thinkable (interval, duration)."""

Symbol = tuple[int | None, int]
"""Interval from the note before, None at the first, and the duration."""

_BEFORE: Symbol = (None, 0)
"""Stands before the first note."""


class Judge:
    """Counts of what follows what; ``songs`` and ``notes`` say how much was learned."""

    def __init__(self, order: int = ORDER) -> None:
        """Begin with nothing heard.

        Raises:
            ValueError: the order is below 1.
        """
        if order < 1:
            raise ValueError(f"A judge looks at 1 note or more at a time, not {order}.")
        self.order = order
        self.songs = self.notes = 0
        # By context, a tuple of 0 to order - 1 symbols: how often each symbol came, and how many came at all.
        self._came: dict[tuple[Symbol, ...], dict[Symbol, int]] = {}
        self._total: dict[tuple[Symbol, ...], int] = {}

    def learn(self, melodies: Iterable[Melody]) -> Judge:
        """Count the melodies, and return the judge."""
        for melody in melodies:
            self.songs += 1
            self.notes += len(melody.notes)
            line = self._line(melody)
            for at in range(self.order - 1, len(line)):
                for back in range(self.order):
                    context = line[at - back : at]
                    came = self._came.setdefault(context, {})
                    came[line[at]] = came.get(line[at], 0) + 1
                    self._total[context] = self._total.get(context, 0) + 1
        return self

    def nats(self, melody: Melody) -> float:
        """Return the negative log likelihood of all notes together, 0 and above; 0 for a melody without notes."""
        line = self._line(melody)
        return -sum(math.log(self._chance(line[: at + 1])) for at in range(self.order - 1, len(line)))

    def _chance(self, line: tuple[Symbol, ...]) -> float:
        """Return the probability of the last symbol after those before it, above 0."""
        chance = UNHEARD
        *_, said = line
        for back in range(self.order):
            context = line[len(line) - 1 - back : -1]
            came = self._came.get(context)
            if came is None:
                break
            kinds = len(came)
            chance = (came.get(said, 0) + kinds * chance) / (self._total[context] + kinds)
        return chance

    def _line(self, melody: Melody) -> tuple[Symbol, ...]:
        line = [_BEFORE] * (self.order - 1)
        pitch: int | None = None
        for note in melody.notes:
            line.append((None if pitch is None else note.pitch - pitch, note.duration))
            pitch = note.pitch
        return tuple(line)

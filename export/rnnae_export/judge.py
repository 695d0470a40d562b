"""A language model of melodies that was never used to choose or train anything: how likely music sounds.

melodies, ngram -> [judge] -> mixing

An n-gram over (interval, duration) of one note after the other. Rests are left out, so an interval may span one. What
it learns from is said beside every figure: its numbers mean something only beside those of real and of shuffled music
by the same judge.

*Units*: nats; intervals in semitones, durations in ticks, 24 to the quarter note.
"""

from __future__ import annotations

from collections.abc import Iterable

from rnnae_export.ngram import NGram
from rnnae_live.melody import Melody

ORDER = 3
"""Notes that are looked at together: the one that is judged and two before it."""

Symbol = tuple[int | None, int]
"""Interval from the note before, None at the first, and the duration."""


class Judge:
    """Counts of what follows what; ``songs`` and ``notes`` say how much was learned."""

    def __init__(self, order: int = ORDER) -> None:
        """Begin with nothing heard.

        Raises:
            ValueError: the order is below 1.
        """
        self.order = order
        self.songs = self.notes = 0
        self._ngram = NGram(order)

    def learn(self, melodies: Iterable[Melody]) -> Judge:
        """Count the melodies, and return the judge."""
        for melody in melodies:
            self.songs += 1
            self.notes += len(melody.notes)
            self._ngram.learn(_line(melody))
        return self

    def nats(self, melody: Melody) -> float:
        """Return the negative log likelihood of all notes together, 0 and above; 0 for a melody without notes."""
        return self._ngram.nats(_line(melody))


def _line(melody: Melody) -> list[Symbol]:
    line: list[Symbol] = []
    pitch: int | None = None
    for note in melody.notes:
        line.append((None if pitch is None else note.pitch - pitch, note.duration))
        pitch = note.pitch
    return line

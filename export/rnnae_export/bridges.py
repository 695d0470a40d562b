"""Bridges: where one phrase goes on with another, the two notes at the seam are moved to where music would have them.

mixtures, ngram -> [bridges] -> mixtures

Two phrases that are cut and joined meet in an interval of chance. An n-gram of the phrases at hand, one that looks at
other things than the judge does (rests count, one note more), chooses the pitches of the last note before the seam and
of the first behind it: near what they were, from the pitch classes that the two phrases use here. Rhythm stays.

*Shapes*: tokens int16 (n, 2). *Units*: pitches are symbols of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnae_export.ngram import NGram
from rnnae_live.tokens import FIRST_PITCH

ORDER = 4
"""Tokens that are looked at together."""

REACH = 7
"""Semitones by which a note is moved at most."""

AROUND = 4
"""Tokens on each side of a seam that a choice looks at."""

KEPT = 3
"""Pitches of the second note that are tried with all of the first's."""

Spelled = NDArray[np.int16]


class Bridges:
    """How phrases of some music go on, and the joints that follow from it; ``notes`` says how much was heard."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.notes = 0
        self._idiom = NGram(ORDER)

    def learn(self, tokens: Spelled) -> None:
        """Learn from a phrase or a song how notes follow each other."""
        self.notes += len(tokens)
        self._idiom.learn(_line(tokens.tolist()))

    def join(self, first: Spelled, second: Spelled) -> Spelled:
        """Return the second part behind the first, the notes at the seam moved; what has no note is only joined."""
        tokens = np.concatenate([first, second])
        sounding = np.flatnonzero(tokens[:, 0] >= FIRST_PITCH)
        before, behind = sounding[sounding < len(first)], sounding[sounding >= len(first)]
        begin = max(0, len(first) - AROUND)
        near = tokens[begin : len(first) + AROUND].tolist()
        if not len(before) or not len(behind) or before[-1] < begin or behind[0] >= begin + len(near):
            return tokens
        left, right = int(before[-1]) - begin, int(behind[0]) - begin
        pitches = tokens[sounding, 0]
        lefts, rights = (_choices(near[at][0], pitches) for at in (left, right))
        rights = sorted(rights, key=lambda pitch: self._nats(near, left, {right: pitch}))[:KEPT]
        moved = min(
            ({left: a, right: b} for b in rights for a in lefts), key=lambda notes: self._nats(near, left, notes)
        )
        for at, pitch in moved.items():
            tokens[begin + at, 0] = pitch
        return tokens

    def _nats(self, near: list[list[int]], begin: int, moved: Mapping[int, int]) -> float:
        """Return how unlikely tokens are from number ``begin`` on when some have the pitches ``moved``."""
        return self._idiom.nats(_line([[moved.get(at, p), d] for at, (p, d) in enumerate(near)]), begin)


def _choices(was: int, pitches: NDArray[np.int16]) -> list[int]:
    """Return where a note may be moved to, its own pitch first: near it, in the span and classes of ``pitches``."""
    low, high = max(int(pitches.min()), was - REACH), min(int(pitches.max()), was + REACH)
    classes = set((pitches % 12).tolist())
    return [was, *(pitch for pitch in range(low, high + 1) if pitch % 12 in classes and pitch != was)]


def _line(tokens: Sequence[Sequence[int]]) -> list[tuple[int | str, int]]:
    """Return tokens as an n-gram sees them: the interval from the note before, and the duration; rests as they are."""
    line: list[tuple[int | str, int]] = []
    pitch: int | None = None
    for symbol, duration in tokens:
        if symbol < FIRST_PITCH:
            line.append((f"symbol {symbol}", duration))
        else:
            line.append(("first" if pitch is None else symbol - pitch, duration))
            pitch = symbol
    return line

"""How far apart two melodies are: the edits that turn one into the other, as a share of the longer.

melodies -> [distance] -> mixing, plots

A melody is compared as the line of its notes and rests; changing, leaving out or putting in one of them is one edit
(Levenshtein). A note that is too long or too high is as wrong as a missing one.

*Units*: shares from 0, the same melody, to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnae_live.melody import Melody

BATCH = 4096
"""Pairs that are compared at once."""


def distances(first: Sequence[Melody], second: Sequence[Melody]) -> NDArray[np.float64]:
    """Return the edit distance of each pair of melodies as a share of the longer, 0-1.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    lines = [(_spelled(a), _spelled(b)) for a, b in zip(first, second, strict=True)]
    parts = [_edits(lines[at : at + BATCH]) for at in range(0, len(lines), BATCH)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _spelled(melody: Melody) -> list[int]:
    """Return one number for each note and rest, the same for the same pitch and duration."""
    line: list[int] = []
    free = 0
    for note in melody.notes:
        if note.onset > free:
            line.append(note.onset - free)
        line.append(((note.pitch + 1) << 32) + note.duration)
        free = note.end
    if melody.length > free:
        line.append(melody.length - free)
    return line


def _edits(lines: Sequence[tuple[list[int], list[int]]]) -> NDArray[np.float64]:
    """Return Levenshtein's distance of each pair over the longer's length, all pairs row by row together."""
    sizes = np.array([(len(a), len(b)) for a, b in lines])
    # The two fillers differ from each other and from every symbol; no cell beyond the ends is read anyway.
    x, y = _padded([a for a, _ in lines], -1), _padded([b for _, b in lines], -2)
    across = np.arange(y.shape[1] + 1)
    row = np.broadcast_to(across, (len(lines), len(across)))
    edits = np.where(sizes[:, 0] == 0, sizes[:, 1], 0)
    for i in range(x.shape[1]):
        change = row[:, :-1] + (x[:, i, None] != y)
        row = np.concatenate([np.full((len(lines), 1), i + 1), np.minimum(row[:, 1:] + 1, change)], axis=1)
        # Putting in costs 1 a step to the right: the least of everything to the left, and the way from there.
        row = np.minimum.accumulate(row - across, axis=1) + across
        ended = sizes[:, 0] == i + 1
        edits[ended] = row[ended, sizes[ended, 1]]
    return np.asarray(edits / np.maximum(1, sizes.max(axis=1)))


def _padded(lines: Sequence[Sequence[int]], filler: int) -> NDArray[np.int64]:
    table = np.full((len(lines), max(map(len, lines))), filler, np.int64)
    for row, line in enumerate(lines):
        table[row, : len(line)] = line
    return table

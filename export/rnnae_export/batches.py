"""Training pieces to batches: shuffled, transposed, padded, in the order that the decoder has to say them.

corpus -> [batches] -> network

*Shapes*: as ``network.Batch``; time is the first axis.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rnnae_export.corpus import Pieces
from rnnae_export.network import Batch
from rnnae_live.tokens import END, FIRST_PITCH, START


def batches(pieces: Pieces, size: int, rng: np.random.Generator, *, transpose: int, order: str) -> Iterator[Batch]:
    """Yield one epoch: every piece once, in random order, each transposed by up to ``transpose`` semitones.

    A bucket's last batch may be smaller.
    """
    plan = []
    for k, lengths in enumerate(pieces.lengths):
        shuffled = rng.permutation(len(lengths))
        plan += [(k, shuffled[i : i + size]) for i in range(0, len(shuffled), size)]
    for at in rng.permutation(len(plan)):
        k, rows = plan[at]
        low, high = np.clip(pieces.room[k][rows], -transpose, transpose).T
        yield batch(pieces.tokens[k][rows], pieces.lengths[k][rows], rng.integers(low, high + 1), order)


def batch(tokens: NDArray[np.int16], lengths: NDArray[np.int16], shift: NDArray[np.int64], order: str) -> Batch:
    """Return padded tokens (B, T, 2) of the given lengths (B,), transposed by ``shift`` (B,), as arrays for training.

    ``order`` is "reversed" (the decoder says the last token first) or "forward".
    """
    count, width, _ = tokens.shape
    tokens = tokens.astype(np.int32)
    tokens[:, :, 0] += np.where(tokens[:, :, 0] >= FIRST_PITCH, shift[:, None], 0)
    steps = np.arange(width + 1)
    said = tokens
    if order == "reversed":
        back = np.maximum(lengths[:, None].astype(np.int64) - 1 - steps[None, :width], 0)
        said = np.take_along_axis(tokens, back[:, :, None], axis=1)
    given = np.concatenate([np.full((count, 1, 2), (START, 0), np.int32), said], axis=1)
    target = np.concatenate([said, np.zeros((count, 1, 2), np.int32)], axis=1)
    target[np.arange(count), lengths] = (END, 0)
    keep = (steps[None] < lengths[:, None] + 1).astype(np.float32)[:, :, None]
    arrays = (tokens, given, target, keep[:, 1:], keep)
    return Batch(*(np.ascontiguousarray(a.swapaxes(0, 1)) for a in arrays))

"""Training mixtures: phrases in groups, and what the means of their states are to say.

corpus, bridges -> [mixtures] -> shards -> network

An auto-encoder that is only asked to give phrases back leaves the space between them to chance, and a decoder that
is confident everywhere makes nonsense there. So it is told what a mean is: a *hybrid*, a phrase whose parts are taken
from its parents in one fixed order (the one whose range is higher first), each as long as its weight, joined where one
of both begins a note, and the notes at the seam moved so that they meet like music (``bridges``).
The order depends on the phrases alone, so the hybrid of A and B is that of B and A, and a weight that moves moves the
seams and nothing else.

*Shapes*: tokens int16 (n, 2); a group has ``PHRASES`` phrases and ``MIXES`` hybrids of the same length in ticks.
*Units*: ticks, 24 to the quarter note; pitches are symbols of the vocabulary.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnae_export.bridges import Bridges
from rnnae_live.melody import PPQ
from rnnae_live.tokens import FIRST_PITCH, HOLD, Vocabulary

PHRASES = 4
"""Phrases of a group."""

MIXES = 2
"""Hybrids of a group."""

ROWS = PHRASES + MIXES

HYBRIDS = 2
"""Number of the way in which hybrids are made: shards that were written in another are written again."""

WIDTHS = (8, 12, 16, 20, 24, 32, 48, 64)
"""Tokens to which the rows of a group are padded; a group with a longer row is left out."""

PAIRS = 0.7
"""Share of the hybrids that have two parents; the others have three or four."""

ALIGNED = 0.7
"""Share of the phrases that are moved to the key of the first of their group, as a performer would."""

ASTRAY = 3
"""Semitones by which the others are moved up or down at most."""

SORTED = 64
"""Phrases among which a group looks for others of its own density: batches of like lengths waste less on padding."""

CUT = 0.25
"""Beats by which a seam may lie farther from its place if that saves cutting a note or rest."""

SHORTEST = 12
"""Ticks that a seam leaves of a note or rest at least."""

Spelled = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Outline:
    """What has to be known of a phrase to join it to another.

    ``length``, and ``onsets`` of its tokens; ``starts`` and ``ends`` of its notes and rests, whole, however many tokens
    they take; all in ticks. ``table`` has the duration symbol of ticks. Its lowest and highest pitch; how long each
    pitch class sounds, as a vector of length 1.
    """

    tokens: Spelled
    length: int
    onsets: NDArray[np.int64]
    starts: list[int]
    ends: list[int]
    table: dict[int, int]
    low: int
    high: int
    classes: NDArray[np.float64]

    @classmethod
    def of(cls, tokens: Spelled, ticks: NDArray[np.int32]) -> Outline:
        """Return the outline of a phrase. ``ticks`` are those of every duration symbol."""
        lasts = ticks[tokens[:, 1]].astype(np.int64)
        onsets = np.cumsum(lasts) - lasts
        sounding = tokens[:, 0] >= FIRST_PITCH
        pitches, weights = tokens[sounding, 0].astype(np.int64), lasts[sounding]
        classes = np.bincount(pitches % 12, weights, 12)
        length = int(lasts.sum())
        begins = tokens[:, 0] != HOLD
        begins[:1] = True
        starts = onsets[begins].tolist()
        return cls(
            tokens,
            length,
            onsets,
            starts,
            [*starts[1:], length],
            {int(tick): symbol for symbol, tick in enumerate(ticks)},
            int(pitches.min(initial=FIRST_PITCH + 127)),
            int(pitches.max(initial=0)),
            classes / max(1e-9, float(np.linalg.norm(classes))),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """``PHRASES`` phrases, ``MIXES`` hybrids of them, and the weights (MIXES, PHRASES), float32, of each hybrid."""

    phrases: list[Spelled]
    hybrids: list[Spelled]
    weights: NDArray[np.float32]

    @property
    def rows(self) -> list[Spelled]:
        """The phrases, then the hybrids."""
        return [*self.phrases, *self.hybrids]


def group(
    phrases: Sequence[Spelled],
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    bridges: Bridges | None = None,
    *,
    move: bool = True,
) -> Iterator[Group]:
    """Yield groups of phrases of one length in ticks, in which every phrase comes once; the last is filled up.

    ``bridges`` move the notes at the seams of hybrids. With ``move``, the phrases of a group are brought into one key,
    or nearly; a group that does not fit into the vocabulary then is left out. Without, every phrase stays at its pitch.
    """
    outlines = [Outline.of(tokens, vocabulary.ticks) for tokens in phrases]
    order = rng.permutation(len(outlines))
    for block in (order[at : at + SORTED] for at in range(0, len(order), SORTED)):
        # Every other block is sorted by density: mixtures of a calm and a busy phrase have to be learned as well.
        rows = sorted(block, key=lambda n: len(outlines[n].tokens)) if rng.random() < 0.5 else list(block)
        for at in range(0, len(rows), PHRASES):
            members = rows[at : at + PHRASES]
            members += [int(n) for n in rng.choice(order, PHRASES - len(members))]
            chosen = [outlines[n] for n in members]
            shifts = _shifts(chosen, vocabulary, rng) if move else [0] * PHRASES
            if shifts is not None:
                yield _mixed(chosen, shifts, bridges, rng)


def _shifts(outlines: list[Outline], vocabulary: Vocabulary, rng: np.random.Generator) -> list[int] | None:
    """Return the semitones by which the phrases of a group are moved, None where they do not fit together."""
    shifts = [0]
    for one in outlines[1:]:
        aligned = rng.random() < ALIGNED
        shifts.append(key_shift(outlines[0], one) if aligned else int(rng.integers(-ASTRAY, ASTRAY + 1)))
    low = min(one.low + shift for one, shift in zip(outlines, shifts, strict=True))
    high = max(one.high + shift for one, shift in zip(outlines, shifts, strict=True))
    least, most = FIRST_PITCH - low, vocabulary.pitch_symbols - 1 - high
    if least > most:
        return None
    together = min(max(0, least), most)
    return [shift + together for shift in shifts]


def _mixed(outlines: list[Outline], shifts: list[int], bridges: Bridges | None, rng: np.random.Generator) -> Group:
    weights = np.zeros((MIXES, PHRASES), np.float32)
    for row in weights:
        size = 2 if rng.random() < PAIRS else int(rng.integers(3, PHRASES + 1))
        row[rng.choice(PHRASES, size, replace=False)] = rng.dirichlet(np.ones(size))
    moved = [transposed(one.tokens, shift) for one, shift in zip(outlines, shifts, strict=True)]
    return Group(moved, [hybrid(outlines, shifts, row.tolist(), bridges) for row in weights], weights)


def hybrid(
    outlines: Sequence[Outline], shifts: Sequence[int], weights: Sequence[float], bridges: Bridges | None = None
) -> Spelled:
    """Return what the mean of several phrases is to say: their parts, the higher phrase's first.

    Args:
        outlines: of phrases of one length in ticks.
        shifts: semitones by which each is moved.
        weights: of which one at least is above 0; they add up to 1.
        bridges: move the notes at the seams; without, they stay.
    """
    parents = [n for n, weight in enumerate(weights) if weight > 0]
    parents.sort(key=lambda n: (*rank(outlines[n], shifts[n]), outlines[n].tokens.tobytes()))
    length = outlines[0].length
    made: Spelled = np.zeros((0, 2), np.int16)
    begin, share = 0, 0.0
    for place, n in enumerate(parents):
        share += weights[n]
        last = place + 1 == len(parents)
        end = length if last else _seam(outlines[n], outlines[parents[place + 1]], begin, share * length)
        part = transposed(_part(outlines[n], begin, end), shifts[n])
        made = bridges.join(made, part) if bridges else np.concatenate([made, part])
        begin = end
    return made


def rank(one: Outline, shift: int) -> tuple[int, int]:
    """Return what puts phrases in order, the first to sound with the least: the middle of the range, then its top."""
    return -(one.low + one.high + 2 * shift), -(one.high + shift)


def _seam(first: Outline, second: Outline, begin: int, wanted: float) -> int:
    """Return the tick nearest to ``wanted`` at which the first phrase can end and the second go on.

    One of them begins a note or a rest there. What sounds on in the other is cut: it ends early, or begins late.
    """
    costs = {first.length: first.length - wanted}
    for tick in {0, *first.starts, *second.starts}:
        pieces = _cut(first, tick, begin)[0], _cut(second, tick, begin)[1]
        if tick >= begin and all(piece == 0 or (piece in first.table and piece >= SHORTEST) for piece in pieces):
            costs[tick] = abs(tick - wanted) + CUT * PPQ * sum(piece > 0 for piece in pieces)
    return min(costs, key=lambda tick: (costs[tick], tick))


def _cut(one: Outline, tick: int, begin: int) -> tuple[int, int]:
    """Return the ticks of what sounds through ``tick``: from its start, or ``begin``, until then, and from then on."""
    at = bisect_right(one.starts, tick) - 1
    start, end = one.starts[at], one.ends[at]
    return (tick - max(start, begin), end - tick) if start < tick else (0, 0)


def _part(one: Outline, begin: int, end: int) -> Spelled:
    """Return the tokens of a phrase from ``begin`` to ``end``; what is cut there has durations of the table."""
    rows: list[Spelled] = []
    for start, stop in zip(one.starts, one.ends, strict=True):
        low, high = max(start, begin), min(stop, end)
        if low < high:
            inside = one.tokens[(one.onsets >= start) & (one.onsets < stop)]
            whole = (low, high) == (start, stop)
            rows.append(inside if whole else np.array([(inside[0, 0], one.table[high - low])], np.int16))
    return np.concatenate(rows) if rows else np.zeros((0, 2), np.int16)


def key_shift(first: Outline, second: Outline) -> int:
    """Return the semitones, -6 to 5, that bring the second phrase nearest to the first one's pitch classes."""
    steps = range(-6, 6)
    return max(
        steps,
        key=lambda shift: (round(float(first.classes @ np.roll(second.classes, shift)), 6), -abs(shift)),
    )


def transposed(tokens: Spelled, shift: int) -> Spelled:
    """Return tokens with their pitches moved by ``shift`` semitones."""
    moved = tokens.copy()
    moved[moved[:, 0] >= FIRST_PITCH, 0] += shift
    return moved


def padded_width(one: Group) -> int | None:
    """Return the tokens to which a group is padded, None where it is too long."""
    longest = max(map(len, one.rows))
    return WIDTHS[int(np.searchsorted(WIDTHS, longest))] if longest <= WIDTHS[-1] else None


def records(
    phrases: Sequence[Spelled], vocabulary: Vocabulary, seed: Sequence[int], bridges: Bridges | None, *, move: bool
) -> dict[int, list[bytes]]:
    """Return groups of phrases of one length in ticks as records, by their width; the arguments as of ``group``.

    A record is tokens uint8 (ROWS, width, 2), lengths uint8 (ROWS,) and weights float32 (MIXES, PHRASES).
    """
    made: dict[int, list[bytes]] = {}
    for one in group(phrases, vocabulary, np.random.default_rng(seed), bridges, move=move):
        if (padded := padded_width(one)) is not None:
            tokens = np.zeros((ROWS, padded, 2), np.uint8)
            for row, spelled in zip(tokens, one.rows, strict=True):
                row[: len(spelled)] = spelled
            lengths = bytes(map(len, one.rows))
            made.setdefault(padded, []).append(tokens.tobytes() + lengths + one.weights.astype("<f4").tobytes())
    return made


_equipment: list[Bridges] = []
"""What a process has been given, once, because it is too large to travel with every block."""


def equip(bridges: Bridges) -> None:
    """Give this process the bridges of all the ``equipped_records`` that it will make."""
    _equipment[:] = [bridges]


def equipped_records(
    phrases: Sequence[Spelled], vocabulary: Vocabulary, seed: Sequence[int], *, move: bool
) -> dict[int, list[bytes]]:
    """Return ``records`` made with the bridges that this process has been given.

    It is here, and not where the processes are started, because they load what is about it: not TensorFlow.
    """
    return records(phrases, vocabulary, seed, _equipment[0], move=move)

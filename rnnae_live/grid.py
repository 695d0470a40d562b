"""The grid under the notes: files that keep to it stay as they are, performances are heard as they were meant.

phrase -> [grid] -> song

A file is *written* when most of its attacks lie exactly on the grid; each note then keeps its place, and what lies
between two ticks goes to the nearer one. Anything else was *performed*: an unknown lead-in, attacks some milliseconds
off, and durations that say how the player articulates rather than how long the note is. The grid's phase is where
the attacks fit best; then the most likely sequence of places is chosen (Viterbi), given how far each attack is from a
place, how common the place and the distance to the next attack are in real tunes, and that a beat is divided either
straight or in triplets. A gap in the player's usual articulation belongs to the note before it; only a clearly shorter
note leaves a rest.

*Units*: attacks and durations enter as real numbers of grid ticks (24 to the quarter note) and leave as integers.
*Source*: the tables are log2 frequencies of 835,000 notes of public-domain tunes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnae_live.melody import PPQ

Floats = NDArray[np.float64]

STRAIGHT = {0: 1.0, 12: 1.9, 18: 3.3, 6: 4.2, 21: 7.5, 9: 7.9, 15: 8.7, 3: 8.8}
TRIPLET = {0: 1.0, 16: 5.3, 8: 5.5, 20: 7.9, 4: 8.2, 12: 1.9}
COMPOUND = {0: 1.4, 24: 1.6, 12: 2.3, 18: 4.9, 30: 5.0, 6: 5.8, 28: 8.7, 33: 8.8, 32: 8.9, 27: 9.2, 4: 9.4, 16: 9.4}
COMPOUND |= {21: 9.7, 9: 9.7, 20: 9.7, 8: 9.7, 15: 10.2, 3: 10.2}
"""Cost in bits of an attack at a tick of the beat: straight and triplet quarter notes, dotted quarters of 6/8."""

DISTANCES = {12: 1.3, 6: 2.2, 24: 2.9, 8: 4.5, 18: 4.8, 36: 4.9, 48: 5.0, 3: 5.6, 4: 5.8, 72: 6.6, 60: 7.6, 96: 7.9}
DISTANCES |= {16: 8.1, 9: 8.1, 30: 9.2, 120: 9.4, 144: 9.4, 84: 9.5, 42: 9.7, 108: 9.8, 32: 10.1, 192: 10.4}
RARE = 13.0
"""Cost in bits of a distance between attacks; that of one not in the table, and of a place not in the table."""

SAME = 0.6
"""Share of the chance that a distance repeats the one before it (0.40 of all do), against the table."""

LEGATO = 0.93
"""A note that sounds for this share of the distance to the next attack is played to its end."""

VALUES = (3, 4, 6, 8, 9, 12, 16, 18, 24, 30, 32, 36, 48, 60, 64, 72, 84, 96, 108, 120, 144, 168, 192)
"""Durations in ticks that a note followed by a rest, or by nothing, may mean."""

REST = 4.0
"""Cost in bits of a rest after a note: one in twenty has one."""

SPREADS_MS = (3.0, 6.0, 10.0, 15.0, 20.0)
"""How far attacks are taken to scatter around their places (standard deviation); the likeliest is chosen."""

TRIPLETS = 2.0
"""Bits that a triplet costs less after a triplet: they come in runs, and a tune has many or none."""

LISTENED = 400
"""Attacks from which the phase is found."""

CLASH = 12.0
"""Cost in bits of straight and triplet places next to each other in one beat."""

FAR = -(10**9)
"""Place before the first attack."""

UPBEAT = 5.0
"""Bits that it costs to begin off the beat, more than any other attack there."""

Way = tuple[float, int, int, int]
"""Cost in bits, place, distance from the place before, index of the way that led there."""


@dataclass(frozen=True, slots=True)
class Performance:
    """How a performance lies on the grid: ``phase`` in ticks, ``beat`` in ticks, ``spread`` of the attacks in ticks."""

    phase: float
    beat: int
    spread: float


def is_written(attacks: Sequence[int], ppq: int) -> bool:
    """Say whether attacks in ticks of the file lie on the grid already.

    They do if most lie on it as exactly as the file can say; in a file whose ticks are coarse that alone says little,
    so most must then be sixteenths, triplets or halves of these.
    """
    if not attacks:
        return True
    ticks = np.asarray(attacks) * (PPQ / ppq)
    places = np.rint(ticks).astype(int)
    on = np.abs(ticks - places) <= 0.5 * PPQ / ppq + 1e-9
    plain = on & ((places % 3 == 0) | (places % 4 == 0))
    return bool(plain.mean() >= 0.85 or (ppq >= 8 * PPQ and on.mean() >= 0.7))


def fit(attacks: Sequence[float], beat: int, bpm: float) -> tuple[Performance, list[int]]:
    """Return how performed attacks (in ticks, ascending) lie on the grid, and their places counted from the phase.

    Args:
        attacks: when notes or chords begin.
        beat: 36 where quarter notes are dotted, else 24.
        bpm: quarter notes a minute.
    """
    best: tuple[float, Performance, list[int]] | None = None
    every, attacks = attacks, attacks[:LISTENED]
    least = SPREADS_MS[0] * bpm * PPQ / 60_000
    for first in listen(attacks, beat, bpm):
        heard = first
        cost, line = places(attacks, heard)
        for _ in range(2):
            # The places say better than the phase alone where the grid is and how far attacks scatter.
            off = np.asarray(attacks) - heard.phase - np.asarray(line)
            shift = float(np.median(off))
            spread = float(np.sqrt(np.mean(np.minimum((off - shift) ** 2, 9 * heard.spread**2))))
            refined = Performance(heard.phase + shift, beat, max(least, spread))
            cheaper, other = places(attacks, refined)
            if cheaper >= cost:
                break
            cost, heard, line = cheaper, refined, other
        if best is None or cost < best[0]:
            best = cost, heard, line
    assert best, "A phase is always found."
    return best[1], best[2] if len(every) == len(attacks) else places(every, best[1])[1]


def listen(attacks: Sequence[float], beat: int, bpm: float) -> list[Performance]:
    """Return how performed attacks may lie on the grid, the likeliest first, at most four phases."""
    times = np.asarray(attacks)
    costs = _table(beat)
    places = np.array(sorted(costs))
    prior = np.array([2.0 ** -costs[place] for place in sorted(costs)])
    phases = np.arange(0, beat, 0.25)
    tick_ms = 60_000 / bpm / PPQ
    best: list[tuple[float, Performance]] = []
    for spread in (ms / tick_ms for ms in SPREADS_MS):
        # How likely each place of the beat is, on a ring of quarter ticks, blurred by the spread.
        ring = (phases[:, None] - places + beat / 2) % beat - beat / 2
        density = (np.exp(-0.5 * (ring / spread) ** 2) @ prior) / spread + 1e-3
        index = np.rint((times[:, None] - phases) * 4).astype(int) % len(phases)
        scores = np.log(density)[index].sum(axis=0)
        peaks = (scores >= np.roll(scores, 1)) & (scores > np.roll(scores, -1))
        best += [(scores[i], Performance(float(phases[i]), beat, spread)) for i in np.flatnonzero(peaks)]
    best.sort(key=lambda entry: -entry[0])
    chosen: list[Performance] = []
    for _, candidate in best:
        if all(_apart(candidate.phase, other.phase, beat) > 1.5 for other in chosen):
            chosen.append(candidate)
    return chosen[:4]


def places(attacks: Sequence[float], heard: Performance) -> tuple[float, list[int]]:
    """Return the cost in bits and the ticks of the likeliest places of attacks, in order and each later than the last.

    The ticks count from the phase; attacks that come before it have negative ones.
    """
    table, beat = _table(heard.beat), heard.beat
    reach = max(2.5, 3.2 * heard.spread)
    width = math.log2(heard.spread)
    # For each attack the ways to get there: cost, place, distance from the place before, and which way came before.
    layers: list[list[Way]] = [[(0.0, FAR, 0, 0)]]
    for attack in attacks:
        time = attack - heard.phase
        ticks = range(math.ceil(time - reach), math.floor(time + reach) + 1)
        options = [(k, table[k % beat]) for k in ticks if k % beat in table] or [(round(time), RARE)]
        layer: list[Way] = []
        for place, common in options:
            off = (time - place) / heard.spread
            here = min(0.72 * off * off, 25.0) + common + width
            ways = [
                (cost + here + _step(before, place, distance, beat), place, place - before, i)
                for i, (cost, before, distance, _) in enumerate(layers[-1])
                if before < place
            ]
            if ways:
                layer.append(min(ways))
        if not layer:
            # Attacks closer to each other than the grid can say: the next tick, whatever it costs.
            i, (cost, before, _, _) = min(enumerate(layers[-1]), key=lambda entry: entry[1])
            layer = [(cost + 2 * RARE, before + 1, 1, i)]
        layers.append(layer)
    i, (cost, _, _, _) = min(enumerate(layers[-1]), key=lambda entry: entry[1])
    line = []
    for layer in layers[:0:-1]:
        line.append(layer[i][1])
        i = layer[i][3]
    return cost, line[::-1]


def durations(attacks: Sequence[float], ends: Sequence[float], line: Sequence[int]) -> list[int]:
    """Return how long the notes at the places ``line`` were meant to be, in ticks, from how long they sounded.

    The player's articulation is estimated first: the usual share of the distance to the next attack that a note
    sounds. A note is as long as that distance unless it sounds so much shorter than usual that a rest is likelier.
    """
    sounded = [max(end - attack, 0.05) for attack, end in zip(attacks, ends, strict=True)]
    gaps = [b - a for a, b in pairwise(line)]
    usual, scatter = _articulation([s / g for s, g in zip(sounded, gaps, strict=False)])
    lengths = [_meant(s, gap, usual, scatter) for s, gap in zip(sounded, gaps, strict=False)]
    return [*lengths, _last(sounded[-1], line[-1], usual)]


def _articulation(shares: Sequence[float]) -> tuple[float, float]:
    """Return the usual logarithm of the share of its time that a note sounds, and how far shares scatter around it."""
    if not shares:
        return 0.0, 0.1
    logs = np.log(np.clip(shares, 0.02, 1.5))
    usual = float(np.median(logs))
    # Rests make shares smaller, never larger, so the upper half shows the player's own scatter.
    upper = logs[logs >= usual] - usual
    scatter = 1.6 * float(np.sqrt(np.mean(upper**2))) if len(shares) > 3 else 0.25
    return usual, min(max(scatter, 0.05), 0.35)


def _meant(sounded: float, gap: int, usual: float, scatter: float) -> int:
    """Return the likeliest length of a note whose next attack is ``gap`` ticks away."""
    if sounded >= LEGATO * gap:
        return gap

    def cost(length: int) -> float:
        off = (math.log(sounded / length) - usual) / scatter
        return 0.72 * off * off + (0 if length == gap else REST + 0.5 * DISTANCES.get(length, RARE))

    return min((gap, *(value for value in VALUES if value < gap)), key=cost)


def _last(sounded: float, place: int, usual: float) -> int:
    """Return the length of the last note: a common one, best if it ends on a quarter note."""
    wish = sounded / math.exp(min(usual, 0.03))

    def cost(length: int) -> float:
        off = math.log(wish / length) / 0.15
        return 0.72 * off * off + 0.5 * DISTANCES.get(length, RARE) + (0 if (place + length) % PPQ == 0 else 3.0)

    return min(VALUES, key=cost)


@lru_cache(maxsize=64)
def _table(beat: int) -> dict[int, float]:
    """Return the cost in bits of an attack at each tick of a beat that is used at all."""
    if beat % 36 == 0:
        return COMPOUND
    return {tick: min(t.get(tick, RARE) for t in (STRAIGHT, TRIPLET)) for tick in {**STRAIGHT, **TRIPLET}}


@lru_cache(maxsize=65536)
def _move(gap: int, before: int) -> float:
    """Return the cost in bits of a distance to the next attack after a distance ``before``."""
    table = 2.0 ** -DISTANCES.get(gap, RARE)
    if not before:
        return -math.log2(table)
    return -math.log2((1 - SAME) * table + (SAME if gap == before else 0.0) * 0.4)


def _step(before: int, place: int, distance: int, beat: int) -> float:
    """Return the cost in bits of going from one place to a later one, after a step of ``distance``."""
    if before == FAR:
        return 0.0 if place % beat == 0 else UPBEAT
    cost = _move(place - before, distance if distance < -FAR // 2 else 0)
    if distance < -FAR // 2 and distance % 3 and (place - before) % 3:
        cost -= TRIPLETS
    if before // beat == place // beat and _clash(before % beat, place % beat, beat):
        cost += CLASH
    return cost


def _clash(a: int, b: int, beat: int) -> bool:
    """Say whether two places of a beat divide it differently: one into triplets, one straight."""
    unit = 12 if beat % 36 == 0 else PPQ
    if a // unit != b // unit:
        return False
    a, b = a % unit, b % unit
    return (a % 4 == 0) != (b % 4 == 0) and (a % 3 == 0) != (b % 3 == 0)


def _apart(a: float, b: float, beat: int) -> float:
    return abs((a - b + beat / 2) % beat - beat / 2)

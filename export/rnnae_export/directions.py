"""Attribute knobs of a bank: how states have to move, found from a corpus, and how well the knobs then do.

rnnae_live.model, corpus -> [directions] -> bank, evaluate

*Finding.* All states are regressed on all attributes at once: the coefficients of an attribute are how states of real
phrases differ when that attribute differs by one standard deviation and the others do not. (The difference of the
means of the top and bottom quartile, as in MusicVAE, mixes in whatever goes with the attribute.) What the decoder
makes of it is less than that, so each direction is lengthened, by ``GAINS`` at most, until a knob from -1 to 1 changes
its attribute by two deviations or as near to that as it comes.

*Measuring.* Phrases of two bars, encoder only, each steered alone by one knob to the nine positions -1, -0.75 .. 1.

- ``spearman``: rank correlation of position and measured attribute, one phrase at a time, ties at their mean rank, 0
  where nothing changes; the mean over phrases.
- ``spearman_reachable``: the same over the positions whose wish no floor cuts off: a phrase without syncopation has no
  less of it to give, and its five lower positions are one. (Syncopation also comes in whole counts, about two thirds of
  a deviation in two bars, so that nine positions have fewer than nine values even then.)
- ``spearman_pooled``: rank correlation over all phrases and positions at once of position and *change* from 0.
- ``reach``: mean change of the attribute from -1 to 1, in standard deviations over the corpus; 2 is asked for, floors
  allow less.
- ``off_target``: for each other attribute the mean absolute change from -1 to 1, over that of the attribute itself,
  both in standard deviations; the mean over the others. ``off_target_range`` has the ranges of the corpus (5th to 95th
  percentile) in their place, and ``drift`` the mean change with its sign, as MusicVAE's Fig. 4, where rises and falls
  make up for each other.
- ``kept``: share of the notes of both that a phrase and the same phrase at -1 or 1 have in common.
- ``straight`` and ``straight_off_target``: ``spearman`` and ``off_target`` of the direction alone (``steering.shift``).

*Source*: Roberts et al., A hierarchical latent vector model (MusicVAE, 2018), section 6.3.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from rnnae_live import attributes
from rnnae_live.attributes import ATTRIBUTES, LOWEST, Values
from rnnae_live.melody import Melody
from rnnae_live.mixer import links
from rnnae_live.model import Model
from rnnae_live.state import Chain, State
from rnnae_live.steering import STEP, hear, knob_names, shared_notes, shift, walk

GAINS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""How much longer than the regression's a direction may be."""

GAIN_PHRASES = 100
"""Phrases on which the gains are tried."""

POSITIONS = np.linspace(-1.0, 1.0, 9)
"""Of the knob, when it is measured."""

MEASURED_PHRASES = 50
"""Each takes ten walks, about a CPU second."""

MIDDLE = len(POSITIONS) // 2


class Knobs(msgspec.Struct, frozen=True):
    """Directions and standard deviations of attributes by name, as the manifest has them."""

    directions: dict[str, list[float]]
    deviations: dict[str, float]


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """How well one knob does, as the module's docstring defines it; shares from 0, correlations -1 to 1."""

    name: str
    phrases: int
    spearman: float
    spearman_reachable: float
    spearman_pooled: float
    reach: float
    off_target: float
    off_target_range: float
    drift: float
    kept: float
    straight: float
    straight_off_target: float


def find(model: Model, phrases: Sequence[Melody]) -> Knobs:
    """Return the knobs of a model, found from phrases of two bars; none where an attribute is the same in all."""
    heard = attributes.measure(phrases)
    deviations = heard.std(axis=0) if len(heard) else np.zeros(len(ATTRIBUTES))
    varied = np.flatnonzero(deviations > 1e-9)
    if not len(varied):
        return Knobs({}, {})
    chain = links(model, phrases)
    points = np.stack([np.concatenate([link.state.h.ravel(), link.state.c.ravel()]) for link in chain])
    given = (heard[:, varied] - heard[:, varied].mean(axis=0)) / deviations[varied]
    coefficients = np.linalg.lstsq(given, points - points.mean(axis=0), rcond=None)[0]
    directions = {}
    for at, direction in zip(varied.tolist(), coefficients, strict=True):
        gain = _gain(model, chain[:GAIN_PHRASES], direction, at, deviations[at])
        directions[ATTRIBUTES[at]] = (gain * direction).tolist()
    return Knobs(directions, {ATTRIBUTES[at]: float(deviations[at]) for at in varied})


def _gain(model: Model, chain: Chain, direction: NDArray[np.floating], at: int, deviation: float) -> float:
    """Return how much longer the direction has to be for a change of one deviation each way, as far as that goes."""

    def change(gain: float) -> float:
        h, c = (gain * direction).astype(np.float32).reshape(2, 1, model.units)
        low, high = (
            [State(np.clip(s.h + sign * h, -1.0, 1.0), s.c + sign * c) for s in (link.state for link in chain)]
            for sign in (-1, 1)
        )
        return float((_heard(model, chain, high) - _heard(model, chain, low))[:, at].mean() / deviation)

    return min(GAINS, key=lambda gain: abs(change(gain) - 2.0))


def measure(model: Model, phrases: Sequence[Melody], count: int = MEASURED_PHRASES, seed: int = 0) -> list[Knob]:
    """Return how well each knob of the bank does on ``count`` of the phrases of two bars, drawn by ``seed``."""
    names = knob_names(model)
    if not phrases or not names or not count:
        return []
    heard = attributes.measure(phrases)
    low, high = np.percentile(heard, (5, 95), axis=0)
    deviations = np.array([model.manifest.deviations.get(name, np.inf) for name in ATTRIBUTES])
    ranges = np.where(high > low, high - low, np.inf)
    drawn = random.Random(seed).sample(list(phrases), min(count, len(phrases)))
    chain = links(model, drawn)
    return [_knob(model, chain, name, deviations, ranges) for name in names]


def _knob(model: Model, chain: Chain, name: str, deviations: Values, ranges: Values) -> Knob:
    at = ATTRIBUTES.index(name)
    places = _walked(model, chain, name)
    steered = np.stack([_heard(model, chain, states) for states in places], axis=1)
    straight = [[shift(model, link.state, {name: place}) for link in chain] for place in POSITIONS]
    shifted = np.stack([_heard(model, chain, states) for states in straight], axis=1)
    begun = steered[:, MIDDLE, at, None]
    within_reach = (begun + POSITIONS * deviations[at] >= LOWEST[at]) | (POSITIONS == 0)
    moved = steered[:, -1] - steered[:, 0]
    return Knob(
        name=name,
        phrases=len(chain),
        spearman=_by_phrase(steered[:, :, at]),
        spearman_reachable=_by_phrase(steered[:, :, at], within_reach),
        spearman_pooled=spearman(np.tile(POSITIONS, len(chain)), (steered[:, :, at] - begun).ravel()),
        reach=float(moved[:, at].mean() / deviations[at]),
        off_target=_off_target(np.abs(moved).mean(axis=0) / deviations, at),
        off_target_range=_off_target(np.abs(moved).mean(axis=0) / ranges, at),
        drift=_off_target(np.abs(moved.mean(axis=0)) / deviations, at),
        kept=_kept(model, chain, places),
        straight=_by_phrase(shifted[:, :, at]),
        straight_off_target=_off_target(np.abs(shifted[:, -1] - shifted[:, 0]).mean(axis=0) / deviations, at),
    )


def _walked(model: Model, chain: Chain, name: str) -> list[list[State]]:
    """Return the states of the phrases at every position of the knob: a walk to the end comes by all before it."""
    every = round((POSITIONS[1] - POSITIONS[0]) / STEP)
    down, up = (list(walk(model, chain, {name: sign}))[every - 1 :: every] for sign in (-1.0, 1.0))
    return [[link.state for link in moved] for moved in (*reversed(down), chain, *up)]


def _said(model: Model, chain: Chain, states: Sequence[State]) -> list[Melody]:
    return hear(model, [replace(link, state=state) for link, state in zip(chain, states, strict=True)])


def _heard(model: Model, chain: Chain, states: Sequence[State]) -> Values:
    return attributes.measure(_said(model, chain, states))


def _kept(model: Model, chain: Chain, places: Sequence[Sequence[State]]) -> float:
    """Return the share of notes that the phrases at the two ends have in common with those in the middle."""
    low, begun, high = (_said(model, chain, places[at]) for at in (0, MIDDLE, -1))
    return float(np.mean([shared_notes(a, b) for end in (low, high) for a, b in zip(begun, end, strict=True)]))


def _off_target(changes: Values, at: int) -> float:
    """Return the mean of the other changes over that of the target; infinite where the target does not change."""
    return float(np.delete(changes, at).mean() / changes[at]) if changes[at] > 0 else float("inf")


def _by_phrase(values: Values, counted: NDArray[np.bool_] | None = None) -> float:
    """Return the mean over phrases of the rank correlation of position and value, at the positions that count."""
    places = np.ones(values.shape, bool) if counted is None else counted
    return float(np.mean([spearman(POSITIONS[p], row[p]) for row, p in zip(values, places, strict=True)]))


def spearman(first: Values, second: Values) -> float:
    """Return Spearman's rank correlation, -1 to 1, ties at their mean rank; 0 where one of both is constant."""
    a, b = (ranks - ranks.mean() for ranks in (_ranks(first), _ranks(second)))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else 0.0


def _ranks(values: Values) -> Values:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])

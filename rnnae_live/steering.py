"""States moved by knobs: more notes or fewer, wider or narrower, and still the same phrase.

mixer -> [steering] -> attributes, decoder -> mixer

A knob of 1 asks for one standard deviation (over the corpus of the bank) more of its attribute than the phrase has,
-1 for one less, and for no change of the attributes whose knobs stand at 0. There are two ways to obey:

- ``shift`` adds the bank's direction of the attribute to the state: one addition, and as good as the space is straight.
- ``steer`` walks. A state of music that is nearby in the space and has what is wanted exists, but where it lies
  differs from phrase to phrase. So the state's surroundings are decoded, ``CANDIDATES`` at a time and some of them
  along the directions, and the one that comes nearest to the wish is where the next ``STEP`` of the knob begins; of
  equals, the one that keeps more of the phrase's notes. The dice are the same every time, so a knob turned to 0.5 gives
  what it gave on its way to 1, and equal pieces of a song stay equal.

*Shapes*: L links, M candidates, U units: points float32 (L, M, 2U), h then c, h within -1..1.
*Units*: knobs -2 to 2; attributes as in ``attributes``. *Errors*: ``ConfigError``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnae_live.attributes import ATTRIBUTES, LOWEST, Values, measure
from rnnae_live.decoder import allowed, decode
from rnnae_live.errors import ConfigError
from rnnae_live.melody import Melody
from rnnae_live.model import Model
from rnnae_live.phrase import Metre
from rnnae_live.state import LIMIT, Chain, Floats, Link, State

REACH = 2.0
"""The knob's furthest position."""

STEP = 0.125
"""Of a knob, between two looks around."""

CANDIDATES = 64
"""States that are decoded for each link at each step."""

PARENTS = 8
"""The best states so far, around which the next ones lie."""

NEAR, FAR = 0.08, 0.7
"""How far a candidate is moved at random, in standard deviations of the states of real phrases."""

KEEPING = 0.02
"""What losing all notes costs, in squared standard deviations of an attribute: it decides between equals."""


def knob_names(model: Model) -> list[str]:
    """Return the attributes that the bank has knobs for, in the order of ``ATTRIBUTES``."""
    return [name for name in ATTRIBUTES if name in model.manifest.directions]


def turned(model: Model, knobs: Mapping[str, float]) -> dict[str, float]:
    """Return the knobs that do not stand at 0.

    Raises:
        ConfigError: the bank has no such knob, or it cannot stand there.
    """
    names = knob_names(model)
    for name, value in knobs.items():
        if name not in names:
            known = f"it has {', '.join(names)}" if names else "it has none, because it was made without"
            raise ConfigError(f"This bank has no knob '{name}'; {known}.")
        if not -REACH <= value <= REACH:
            raise ConfigError(f"The knob '{name}' stands between {-REACH:g} and {REACH:g}, not at {value}.")
    return {name: value for name, value in knobs.items() if value}


def shift(model: Model, state: State, knobs: Mapping[str, float]) -> State:
    """Return the state moved along the bank's directions; the state itself when all knobs are 0.

    Raises:
        ConfigError: the bank has no such knob, or it cannot stand there.
    """
    away = turned(model, knobs)
    return _state(_point(state) + _heading(model, away), model.units) if away else state


def steer(model: Model, chain: Chain, knobs: Mapping[str, float], *, within: bool = False) -> Chain:
    """Return the chain with every link walked to where the knobs stand; the chain itself when all are 0.

    Args:
        model: whose decoder will speak.
        chain: of one link or more.
        knobs: by name, -2 to 2.
        within: whether it will be decoded inside the spans of its links.

    Raises:
        ConfigError: the bank has no such knob, or it cannot stand there.
    """
    for moved in walk(model, chain, knobs, within=within):
        chain = moved
    return chain


def walk(model: Model, chain: Chain, knobs: Mapping[str, float], *, within: bool = False) -> Iterator[Chain]:
    """Yield the chain after every ``STEP`` of the knob that is furthest from 0, until all knobs are where they stand.

    Raises:
        ConfigError: the bank has no such knob, or it cannot stand there.
    """
    away = turned(model, knobs)
    if not away:
        return
    furthest = max(map(abs, away.values()))
    wish = _in_order(away) * _in_order(model.manifest.deviations)
    heading = _heading(model, away) / furthest
    rng = np.random.default_rng(0)
    near = _Surroundings(model, chain, within)
    for step in range(1, math.ceil(furthest / STEP - 1e-9) + 1):
        wanted = np.maximum(near.begun + wish * min(1.0, step * STEP / furthest), LOWEST)
        near.explore(wanted, heading, rng)
        yield near.best(wanted)


class _Surroundings:
    """What was decoded around the states of a chain so far, and the best of it."""

    def __init__(self, model: Model, chain: Chain, within: bool) -> None:
        self.model, self.chain, self.within = model, chain, within
        self.spread = _point(model.spread)
        scale = _in_order(model.manifest.deviations)
        # An attribute that the bank has no measure for does not count.
        self.scale = np.where(scale > 0, scale, np.inf)
        self.points = np.stack([_point(link.state) for link in chain])[:, None]
        self.phrases = self._heard(self.points)
        self.values = measure(self.phrases)[:, None]
        self.begun = self.values[:, 0]
        self.lost = np.zeros((len(chain), 1))

    def explore(self, wanted: Values, heading: Floats, rng: np.random.Generator) -> None:
        """Decode states around those that come nearest to ``wanted``, and keep the nearest of all."""
        self._keep(self._ranked(wanted)[:, :CANDIDATES])
        parents = np.resize(np.arange(min(PARENTS, self.points.shape[1])), CANDIDATES)
        size = np.exp(rng.uniform(math.log(NEAR), math.log(FAR), (CANDIDATES, 1)))
        away = size * self.spread * rng.standard_normal((CANDIDATES, len(heading)))
        away[::4] += rng.uniform(0.0, 2.0 * STEP, (len(away[::4]), 1)) * heading
        points = _bounded(self.points[:, parents] + away, self.model.units)
        phrases = self._heard(points)
        lost = [1.0 - shared_notes(self.phrases[at // CANDIDATES], phrase) for at, phrase in enumerate(phrases)]
        shape = points.shape[:2]
        self.points = np.concatenate([self.points, points], axis=1)
        self.values = np.concatenate([self.values, measure(phrases).reshape(*shape, -1)], axis=1)
        self.lost = np.concatenate([self.lost, np.array(lost).reshape(shape)], axis=1)

    def best(self, wanted: Values) -> Chain:
        first = self._ranked(wanted)[:, 0]
        rows = zip(self.chain, self.points, first, strict=True)
        return tuple(link.moved(_state(points[at], self.model.units)) for link, points, at in rows)

    def _ranked(self, wanted: Values) -> NDArray[np.intp]:
        """Return the order of the points of each link, nearest to its wish first."""
        misses = (self.values - wanted[:, None]) / self.scale
        return np.argsort((misses**2).sum(axis=2) + KEEPING * self.lost, axis=1, kind="stable")

    def _keep(self, order: NDArray[np.intp]) -> None:
        self.points = np.take_along_axis(self.points, order[..., None], axis=1)
        self.values = np.take_along_axis(self.values, order[..., None], axis=1)
        self.lost = np.take_along_axis(self.lost, order, axis=1)

    def _heard(self, points: Floats) -> list[Melody]:
        """Return what the decoder says of points (L, M, 2U), link after link."""
        each = points.shape[1]
        links = [link for link in self.chain for _ in range(each)]
        states = [_state(point, self.model.units) for row in points for point in row]
        there = [link.moved(state) for link, state in zip(links, states, strict=True)]
        return hear(self.model, there, within=self.within)


def hear(model: Model, links: Sequence[Link], *, within: bool = False) -> list[Melody]:
    """Return each link decoded alone, in its own metre; what is tied to the piece before counts as rest."""
    spelled = decode(model, links, spans=allowed(model, tuple(links), within=within))
    said = []
    for link, tokens in zip(links, spelled, strict=True):
        metre = Metre(0, link.metre.numerator, link.metre.denominator)
        pickup = link.length if link.pickup else 0
        said.append(replace(model.vocabulary.decode(tokens), metres=(metre,), pickup=pickup))
    return said


def shared_notes(first: Melody, second: Melody) -> float:
    """Return the share of the notes of both that both have, 0-1: onset, duration and pitch are the same."""
    a, b = ({(note.onset, note.duration, note.pitch) for note in melody.notes} for melody in (first, second))
    return len(a & b) / max(1, len(a | b))


def _heading(model: Model, knobs: Mapping[str, float]) -> Floats:
    """Return how far the directions carry, float32 (2U,)."""
    parts = [np.float32(value) * _point(model.direction(name)) for name, value in knobs.items()]
    return np.asarray(sum(parts, np.zeros(2 * model.units, np.float32)))


def _in_order(numbers: Mapping[str, float]) -> Values:
    return np.array([numbers.get(name, 0.0) for name in ATTRIBUTES])


def _point(state: State) -> Floats:
    return np.concatenate([state.h.ravel(), state.c.ravel()])


def _bounded(points: NDArray[np.floating], units: int) -> Floats:
    """Return points whose h lies within -1..1, as that of every LSTM does, and whose c a state may hold."""
    limit = np.repeat([1.0, LIMIT / 2], units)
    return np.asarray(np.clip(points, -limit, limit), np.float32)


def _state(point: NDArray[np.floating], units: int) -> State:
    bounded = _bounded(point, units)
    return State(bounded[None, :units], bounded[None, units:])

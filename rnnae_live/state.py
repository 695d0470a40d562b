"""State vectors, the places of phrases in the model's space, and chains of them: songs.

model -> [state] -> mixer -> decoder

*Shapes*: ``h`` and ``c`` are float32 of shape (layers, units), here 1 x 128. The state of an LSTM is the pair of
both, and a mix is the weighted mean of each. *Units*: lengths in ticks, 24 a quarter note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnae_live.errors import ModelError
from rnnae_live.phrase import Metre

Floats = NDArray[np.float32]

COMMON = Metre(0, 4, 4)

LIMIT = 1e3
"""No number of a state that a model has made comes near this; one that does is damage."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One point of the state space: ``h`` and ``c``, float32 (layers, units), finite."""

    h: Floats
    c: Floats

    def __post_init__(self) -> None:
        """Check the numbers, since an ONNX LSTM hides NaN in its input behind confident output.

        Raises:
            ModelError: a number is not finite or absurdly large, or the shapes differ.
        """
        if self.h.shape != self.c.shape or self.h.ndim != 2:
            raise ModelError(f"A state needs h and c of one shape, not {self.h.shape} and {self.c.shape}.")
        if not (np.abs(self.h) < LIMIT).all() or not (np.abs(self.c) < LIMIT).all():
            raise ModelError("A state holds a number that is not finite; encode its phrase again.")

    def distance(self, other: State) -> float:
        """Return the Euclidean distance to another state."""
        return float(np.sqrt(((self.h - other.h) ** 2).sum() + ((self.c - other.c) ** 2).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One piece of a song: its state, and what the state does not say.

    ``length`` in ticks; ``octaves`` by which its notes were moved to fit the vocabulary; ``pickup`` says that it is
    an incomplete first bar; ``span`` is its lowest and highest pitch symbol, None where it has no pitch. ``ends`` are
    the states with which a mix begins and ends, where it leans from one voice to another; ``state`` is its middle.
    """

    state: State
    length: int
    metre: Metre = COMMON
    octaves: int = 0
    pickup: bool = False
    span: tuple[int, int] | None = None
    ends: tuple[State, State] | None = None

    def moved(self, state: State) -> Link:
        """Return this piece with its state elsewhere: what leans leans from there as before."""
        if self.ends is None:
            return replace(self, state=state)
        h, c = state.h - self.state.h, state.c - self.state.c
        first, last = self.ends
        return replace(self, state=state, ends=(State(first.h + h, first.c + c), State(last.h + h, last.c + c)))


Chain = tuple[Link, ...]
"""A song as states, one for each piece of two bars, in order."""


def mix(states: Sequence[State], weights: Sequence[float]) -> State:
    """Return the weighted mean of states; equal weights are the plain mean.

    Raises:
        ModelError: no weight is above 0, or there are not as many weights as states.
    """
    shares = np.asarray(weights, np.float32)
    if len(states) != len(shares) or not np.isfinite(shares).all() or (shares < 0).any() or not (shares > 0).any():
        raise ModelError(f"A mix needs a weight of 0 or more for each state and one above 0, not {list(weights)}.")
    shares = shares / shares.sum()
    h = sum((share * s.h for share, s in zip(shares, states, strict=True)), np.zeros_like(states[0].h))
    c = sum((share * s.c for share, s in zip(shares, states, strict=True)), np.zeros_like(states[0].c))
    return State(h.astype(np.float32), c.astype(np.float32))


def interpolate(first: State, second: State, weight: float) -> State:
    """Return the state that lies ``weight`` (0-1) of the way from ``first`` to ``second``."""
    return mix((first, second), (1.0 - weight, weight))


def random_state(mean: State, spread: State, rng: np.random.Generator) -> State:
    """Return a random state, normal around ``mean`` with deviation ``spread``: a song that nobody has stored."""
    h, c = (m + s * rng.standard_normal(m.shape) for m, s in ((mean.h, spread.h), (mean.c, spread.c)))
    return State(np.clip(h, -1.0, 1.0).astype(np.float32), c.astype(np.float32))

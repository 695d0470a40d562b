"""Attribute knobs while it plays: a mix is steered in spare moments, and heard when it has arrived.

control, voices -> [wishes] -> desk

Steering decodes hundreds of states (0.1 s of a processor for two bars), far too long for one turn of a knob. So it is
done a step at a time for the piece that plays and the one after it, and the unplayed rest is decoded again at the end.

*Threading*: one thread. *Errors*: those of the voices.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from rnnae_live.control import DIRECTIONS
from rnnae_live.state import Chain
from rnnae_live.voices import Voices

Mix = Sequence[tuple[Chain, float]]

MOST = 64
"""Pieces that are remembered."""


class Wishes:
    """Pieces of mixes that were steered, and the one that is on its way."""

    def __init__(self, voices: Voices) -> None:
        """Begin with nothing wished for."""
        self._voices = voices
        self._found: dict[Hashable, Chain] = {}
        self._way: tuple[Hashable, Iterator[Chain], Chain] | None = None
        self.arrived = False
        """Whether a piece has arrived since this was last set to False."""

    def steered(self, mix: Mix, at: int, values: Mapping[str, float]) -> Mix | None:
        """Return what piece ``at`` of a mix has become, as a mix with one piece; None while it is on its way."""
        knobs = self._knobs(values)
        chain = self._found.get(_key(mix, at, knobs)) if knobs else None
        if chain is None:
            return None
        # The mean of a state and itself is that state, and a mix of several keeps to the pitches of its voices.
        return [(chain, 0.5), (chain, 0.5)] if len(mix) > 1 else [(chain, 1.0)]

    def step(self, mix: Mix, at: int, values: Mapping[str, float]) -> bool:
        """Go a step on with what the knobs wish for piece ``at``; False where there is nothing to do."""
        knobs = self._knobs(values)
        key = _key(mix, at, knobs)
        if not knobs or not mix or key in self._found:
            return False
        if self._way is None or self._way[0] != key:
            self._way = (key, self._voices.steered(mix, at, knobs), ())
        way = next(self._way[1], None)
        if way is not None:
            self._way = (key, self._way[1], way)
            return True
        if len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[key], self._way, self.arrived = self._way[2], None, True
        return True

    def _knobs(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the knobs that do not stand at 0, of those that the bank has."""
        return {name: values[name] for name in DIRECTIONS if values[name] and name in self._voices.knobs}


def _key(mix: Mix, at: int, knobs: Mapping[str, float]) -> Hashable:
    return (at, tuple((id(chain), round(weight, 3)) for chain, weight in mix), tuple(knobs.items()))

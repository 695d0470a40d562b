"""The mixing desk of a part: knobs, slots and the phrase just played, and the melody that they make together.

control, slots, hearing, glide -> [desk] -> walk

The desk is asked for the piece that is due and answers with the mix of this moment. The same knobs, piece and seed
give the same melody, so what is decoded again changes only where the mix has.

*Units*: ticks of the transport. *Threading*: one thread. *Errors*: those of the voices.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnae_live.clock import PPQ
from rnnae_live.control import PART_SPECS, SLOTS, initial, spec, weight_name
from rnnae_live.feel import Feel, Played, play
from rnnae_live.glide import Glide
from rnnae_live.hearing import Heard, from_plain, plain, whole_bars_of
from rnnae_live.melody import BARS_PER_PIECE, Melody
from rnnae_live.phrase import Metre
from rnnae_live.scale import SCALES, pitch_classes
from rnnae_live.slots import Slot, Slots
from rnnae_live.state import Chain
from rnnae_live.voices import Voices
from rnnae_live.wishes import Wishes

Mix = list[tuple[Chain, float]]

GRID = 8
"""Cells along each side of the map that x and y move on."""

CORNERS = (1, 2, 3, 4)
"""Slots at the corners of the map: below left and right, above left and right."""

MOST_SEEDS = 1 << 14
MOST_UNDO = 64
PITCH_CLASSES = 12


@dataclass(frozen=True, slots=True)
class _Moment:
    """A mix to come back to."""

    values: dict[str, float]
    places: tuple[Slot | None, ...]
    seed: int

    def same(self, other: _Moment) -> bool:
        """Return whether the other is the same mix; a captured phrase that has become exact is the same phrase."""
        names = [[slot and slot.name for slot in one.places] for one in (self, other)]
        values = [{**one.values, "mode": 0.0} for one in (self, other)]
        return values[0] == values[1] and self.seed == other.seed and names[0] == names[1]


class Desk:
    """Values of all parameters of a part, its slots, what it heard last. Answers what a walk asks for."""

    def __init__(self, voices: Voices, slots: Slots, metre: Metre, seed: int) -> None:
        """Begin with every parameter at its default."""
        self.voices = voices
        self.slots = slots
        self.metre = metre
        self.values = initial(PART_SPECS)
        self.heard: Heard | None = None
        self.glide = Glide()
        self.tick = 0.0
        """Where the transport is, as far as gliding weights are concerned; set by whoever asks."""
        self.begin = 0.0
        """Where the answer began, so that it has the touch of the phrase at the same place."""
        self.seed = seed
        self._seeds: dict[int, int] = {}
        self._dice = random.Random(seed)
        self._asked = -1
        self._last_mix: Mix = []
        self._frozen: Melody | None = None
        self._sounded: Melody | None = None
        self.wishes = Wishes(voices)
        self._map: tuple[object, list[Melody]] = (None, [])
        self._past: deque[_Moment] = deque(maxlen=MOST_UNDO)
        self.mapped = False
        """Whether x and y are in use, so that their map is worth to be decoded ahead."""

    def set_up(self, weights: Sequence[float], values: Mapping[str, float]) -> None:
        """Set the weights of the first slots, and parameters by name.

        Raises:
            ControlError: there is no such parameter.
        """
        for place, weight in enumerate(weights, 1):
            self.values[weight_name(place)] = spec(weight_name(place)).clamped(weight)
        for name, value in values.items():
            self.turn(name, value)

    # -- knobs -------------------------------------------------------------------------------------------------------

    def turn(self, name: str, value: float) -> None:
        """Take a new value; weights glide, x and y set the weights of the slots at the corners."""
        value = spec(name).clamped(value)
        if name == "freeze":
            self._freeze(on=value > 0)
        if name in ("x", "y"):
            # Between the cells nothing is decoded ahead.
            value = round(value * (GRID - 1)) / (GRID - 1)
            self.mapped = True
        self._set(name, value)
        if name in ("x", "y"):
            for corner, weight in zip(CORNERS, _corners(self.values["x"], self.values["y"]), strict=True):
                self._set(weight_name(corner), weight)

    def _set(self, name: str, value: float) -> None:
        if name.startswith("weight") or name == "follow":
            here = self.glide.value(name, self.values[name], self.tick)
            self.glide.turn(name, here, self.tick, self.values["glide"] * PPQ)
        self.values[name] = value

    def choice(self, name: str) -> str:
        """Return the word for the value of a parameter with choices."""
        return spec(name).choices[int(self.values[name])]

    def _freeze(self, *, on: bool) -> None:
        self._frozen = self._sounded if on else None

    # -- the mix -----------------------------------------------------------------------------------------------------

    def mix(self) -> Mix:
        """Return the chains with their weights of this moment; all weights zero keep the last mix."""
        mix: Mix = []
        weights = self.glide.values(self.values, self.tick)
        if self.heard is not None and weights["follow"] > 0:
            mix.append((self.heard.chain, weights["follow"]))
        for number, slot in self.slots:
            weight = weights[weight_name(number)]
            if weight > 0:
                mix.append((slot.chain, weight))
        self._last_mix = mix or self._last_mix
        return self._last_mix

    def pieces(self) -> int:
        """Return of how many pieces an answer is: as many as the phrase, or as the longest song without one."""
        mix = self.mix()
        if self.heard is not None and self.values["follow"] > 0:
            return len(_chain(self.heard.chain, mix))
        return max((len(_chain(chain, mix)) for chain, _ in mix), default=0)

    def length(self, at: int) -> int:
        """Return the length of piece ``at`` in ticks: that of the heaviest voice."""
        if self._frozen is not None:
            return self._frozen.length
        mix = self.mix()
        if not mix:
            return BARS_PER_PIECE * self.metre.bar(PPQ)
        chain = _heaviest(mix)
        return chain[at % len(chain)].length

    def cycle(self) -> int:
        """Return after how many pieces their lengths come again."""
        mix = self.mix()
        return len(_heaviest(mix)) if mix and self._frozen is None else 1

    def piece(self, at: int, tie: int | None) -> Melody:
        """Return the melody of piece ``at`` of the mix of this moment; silence where nothing is in it."""
        if self._frozen is not None:
            return self._frozen
        mix = self.mix()
        if not mix:
            return Melody((), self.length(at), (self.metre,))
        seed, steered = self._seed(at, mix), self.wishes.steered(mix, at, self.values)
        melody = self._cell(mix, at) if steered is None else None
        if melody is None:
            where = at if steered is None else 0
            melody = self.voices.piece(
                steered or mix, where, temperature=self.values["temperature"], seed=seed, within=self._scale(), tie=tie
            )
        self._sounded = melody
        return melody

    def play(self, melody: Melody, at: int, start: float) -> Sequence[Played]:
        """Return how the melody of piece ``at`` is played from tick ``start`` on."""
        values = self.values
        feel = Feel(
            transpose=int(values["transpose"]),
            octave=int(values["octave"]),
            swing=values["swing"],
            humanize=values["humanize"],
            shortest=int(values["shortest"]),
            longest=int(values["longest"]),
            groove=self.heard.groove if self.heard is not None else None,
            amount=values["feel"],
        )
        return play(melody, feel, start, self.seed + at, place=round(start - self.begin))

    def _scale(self) -> frozenset[int] | None:
        """Return the pitch classes that may be chosen, before what is chosen is transposed; None for all."""
        name = tuple(SCALES)[int(self.values["scale"])]
        root = int(self.values["root"] - self.values["transpose"]) % PITCH_CLASSES
        return pitch_classes(name, root)

    # -- dice --------------------------------------------------------------------------------------------------------

    def sow(self, seed: int) -> None:
        """Let all dice fall as they do from ``seed``."""
        self.seed, self._seeds, self._dice = seed, {}, random.Random(seed)

    def _seed(self, at: int, mix: Mix) -> int:
        """Return how the dice fall for piece ``at``: mostly as the last time round, as "deja vu" has it."""
        place = self._place(at, mix)
        again = at == self._asked
        self._asked = at
        if place not in self._seeds:
            self._seeds[place] = self.seed + place
        elif not again and self._dice.random() >= self.values["deja vu"]:
            self._seeds[place] = self._dice.randrange(MOST_SEEDS)
        return self._seeds[place]

    def _place(self, at: int, mix: Mix) -> int:
        """Return which place of the longest song piece ``at`` is."""
        return at % max((len(_chain(chain, mix)) for chain, _ in mix), default=1)

    # -- the past ----------------------------------------------------------------------------------------------------

    def remember(self) -> bool:
        """Keep the mix that is heard from now on, to come back to; False where it is the one before."""
        moment = self._moment()
        if self._past and self._past[-1].same(moment):
            return False
        self._past.append(moment)
        return True

    def told(self) -> str:
        """Return in words what is in the mix."""
        names = [(slot.name, self.values[weight_name(number)]) for number, slot in self.slots]
        if self.heard is not None:
            names.insert(0, ("phrase", self.values["follow"]))
        mix = ", ".join(f"{name} {weight:.2f}" for name, weight in names if weight > 0) or "nothing new"
        return f"{mix}; temperature {self.values['temperature']:.2f}; seed {self.seed}"

    def undo(self) -> bool:
        """Go back to the last mix that was heard and was another one; False where there is none.

        The mode stays: it is no part of a mix, and changes on a bar line.
        """
        while self._past and self._past[-1].same(self._moment()):
            self._past.pop()
        if not self._past:
            return False
        moment = self._past.pop()
        self.values = {**moment.values, "mode": self.values["mode"]}
        self.sow(moment.seed)
        self.slots.put_back(moment.places)
        return True

    def _moment(self) -> _Moment:
        return _Moment(dict(self.values), self.slots.copy(), self.seed)

    def exchange(self, voices: Voices, heard: Heard | None) -> None:
        """Ask another bank from now on; what was made with the old one is forgotten, and with it the way back."""
        self.voices, self.heard = voices, heard
        self.wishes = Wishes(voices)
        self._map = (None, [])
        self._last_mix = []
        self._past.clear()

    def snapshot(self) -> dict[str, Any]:
        """Return all settings as plain data (JSON), for a desk that takes over from this one."""
        heard = self.heard
        return {
            "values": dict(self.values),
            "slots": self.slots.snapshot(),
            "heard": None if heard is None else {"melody": plain(heard.melody), "channel": heard.channel},
            "seed": self.seed,
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over from the desk that made the snapshot; what this bank does not have is left as it is."""
        self.values.update({name: spec(name).clamped(value) for name, value in data["values"].items()})
        self.sow(int(data["seed"]))
        self.slots.restore(data["slots"])
        if data["heard"]:
            melody = from_plain(data["heard"]["melody"])
            self.heard = Heard(melody, self.voices.encode(melody), data["heard"]["channel"])

    # -- the map -----------------------------------------------------------------------------------------------------

    def prepare(self, at: int) -> bool:
        """Do a little for piece ``at`` that can wait: steer it, or decode all cells of the map in one batch.

        False where there is nothing to prepare.
        """
        if self.steer(at):
            return True
        if not self.mapped or self._frozen is not None or self._moving():
            return False
        key = self._key(at)
        if self._map[0] == key:
            return False
        mix = self.mix()
        mixes = [self._mix_at(x / (GRID - 1), y / (GRID - 1)) for y in range(GRID) for x in range(GRID)]
        place = self._place(at, mix)
        seed = self._seeds.get(place, self.seed + place)
        there = [one for one in mixes if one]
        made = iter(
            self.voices.pieces(there, at, temperature=self.values["temperature"], seed=seed, within=self._scale())
            if there
            else ()
        )
        silent = Melody((), self.length(at), (self.metre,))
        self._map = (key, [next(made) if one else silent for one in mixes])
        return True

    def steer(self, at: int) -> bool:
        """Go on a step with what the attribute knobs wish for piece ``at``; False where there is nothing to do."""
        return self._frozen is None and self.wishes.step(self.mix(), at, self.values)

    def _cell(self, mix: Mix, at: int) -> Melody | None:
        """Return the melody that was decoded ahead for this place on the map, None where none was."""
        x, y = self.values["x"], self.values["y"]
        if not self.mapped or self._moving() or self._map[0] != self._key(at) or mix != self._mix_at(x, y):
            return None
        return self._map[1][round(y * (GRID - 1)) * GRID + round(x * (GRID - 1))]

    def _mix_at(self, x: float, y: float) -> Mix:
        """Return the mix of a place on the map."""
        before = {weight_name(corner): self.values[weight_name(corner)] for corner in CORNERS}
        last = self._last_mix
        self.values.update(zip(before, _corners(x, y), strict=True))
        mix = self.mix()
        self.values.update(before)
        self._last_mix = last
        return mix

    def _key(self, at: int) -> object:
        """Return all that the map depends on."""
        others = [self.values[weight_name(number)] for number in range(len(CORNERS) + 1, SLOTS + 1)]
        chains = tuple(id(slot.chain) for _, slot in self.slots)
        seed = self._seeds.get(self._place(at, self.mix()))
        values = (self.values["follow"], self.values["temperature"], self._scale(), seed)
        return (at, tuple(others), chains, id(self.heard), values)

    def _moving(self) -> bool:
        return self.glide.moving(self.tick)


def _chain(chain: Chain, mix: Mix) -> Chain:
    """Return the chain as it is played: in a mix of several without its pickup."""
    return whole_bars_of(chain) if len(mix) > 1 else chain


def _heaviest(mix: Mix) -> Chain:
    """Return the chain that says how long pieces are."""
    return _chain(max(mix, key=lambda voice: voice[1])[0], mix)


def _corners(x: float, y: float) -> tuple[float, float, float, float]:
    """Return the weights of the corners for a place on the map: each is 1 at its own and 0 at the others."""
    return ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)

"""The slots: which presets and captured phrases a part has in its mix.

voices -> [slots] -> part

*Errors*: ``PresetError`` and ``ConfigError`` at the start only. *Threading*: one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnae_live.control import PART_SPECS, SLOTS, weight_name
from rnnae_live.errors import ConfigError, ControlError
from rnnae_live.hearing import from_plain, plain
from rnnae_live.melody import Melody
from rnnae_live.state import Chain
from rnnae_live.voices import PROGRAMS, Scene, Song, Voices


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A place in the mix: a preset of the bank, or with ``melody`` a phrase that was captured in this session."""

    name: str
    chain: Chain
    melody: Melody | None = None
    scene: Scene | None = None


def slot_of(song: Song) -> Slot:
    """Return a preset as it is in a slot."""
    return Slot(song.name, song.chain, scene=song.scene)


def numbered(program: int) -> str:
    """Return the number of a program change as performers count: programs and banks from 1, the first bank unsaid."""
    bank, number = divmod(program, PROGRAMS)
    return f"program {number + 1} of bank {bank + 1}" if bank else f"program {number + 1}"


def wishes_of(scene: Scene | None) -> dict[str, float]:
    """Return the parameters that a scene sets, by name; what no part has is left out.

    Raises:
        ConfigError: a parameter has no such choice.
    """
    if scene is None:
        return {}
    known = {one.name: one for one in PART_SPECS}
    named = {**scene.values, **({} if scene.mode is None else {"mode": scene.mode})}
    return {
        name: known[name].named(value) if isinstance(value, str) else known[name].clamped(float(value))
        for name, value in named.items()
        if name in known
    }


class Slots:
    """Eight places, numbered from 1."""

    def __init__(self, voices: Voices, named: Sequence[str]) -> None:
        """Put the named presets into the first places, those that have a place of their own there, others between.

        Raises:
            PresetError: a preset that was asked for does not exist.
            ConfigError: more presets than places.
        """
        if len(named) > SLOTS:
            raise ConfigError(f"{len(named)} presets were asked for; the mix has {SLOTS} slots.")
        self._voices = voices
        songs = [voices.find(name) for name in named]
        names = {one.name for one in songs}
        self._places: list[Slot | None] = [slot_of(one) for one in songs] + [None] * (SLOTS - len(songs))
        others = [one for one in voices.songs if one.name not in names]
        for one in others:
            if one.slot is not None and 1 <= one.slot <= SLOTS and self[one.slot] is None:
                self[one.slot] = slot_of(one)
        rest = iter([one for one in others if one.slot is None])
        for number in range(1, SLOTS + 1):
            if self[number] is None and (other := next(rest, None)) is not None:
                self[number] = slot_of(other)

    def __getitem__(self, number: int) -> Slot | None:
        """What is in place 1-8, None where it is empty."""
        return self._places[number - 1]

    def __setitem__(self, number: int, slot: Slot | None) -> None:
        """Put something into place 1-8."""
        self._places[number - 1] = slot

    def __iter__(self) -> Iterator[tuple[int, Slot]]:
        """Every place that holds something, with its number."""
        return iter([(number, slot) for number, slot in enumerate(self._places, 1) if slot is not None])

    def copy(self) -> tuple[Slot | None, ...]:
        """Return what is in all places."""
        return tuple(self._places)

    def put_back(self, places: tuple[Slot | None, ...]) -> None:
        """Put back what ``copy`` returned; a captured phrase that has become exact meanwhile stays so."""
        self._places = [
            now if now is not None and then is not None and now.name == then.name else then
            for now, then in zip(self._places, places, strict=True)
        ]

    def exchange(self, voices: Voices, places: Sequence[Slot | None]) -> None:
        """Take presets from another bank from now on, and have these in all places."""
        self._voices = voices
        self._places = list(places)

    def select(self, number: int) -> Slot | None:
        """Put the preset of a program change into place 1; None where the bank has no such number."""
        one = self._voices.by_number(number)
        if one is None:
            return None
        self[1] = slot_of(one)
        return self[1]

    def put(self, name: str, number: int) -> Slot:
        """Put the preset called ``name`` into place 1-8.

        Raises:
            PresetError: there is none, or several.
            ControlError: there is no such place.
        """
        if not 1 <= number <= SLOTS:
            raise ControlError(f"There is no slot {number}; there are 1 to {SLOTS}.")
        slot = slot_of(self._voices.find(name))
        self[number] = slot
        return slot

    def step(self, by: int) -> Slot | None:
        """Put the preset into place 1 that is ``by`` further in the order of the bank than the one there."""
        names = [one.name for one in self._voices.songs]
        if not names:
            return None
        slot = self[1]
        here = names.index(slot.name) if slot is not None and slot.name in names else (-1 if by > 0 else 0)
        return self.put(names[(here + by) % len(names)], 1)

    def hold(self, name: str, melody: Melody, number: int) -> None:
        """Put a melody that is no preset into place 1-8.

        Raises:
            ControlError: there is no such place.
        """
        if not 1 <= number <= SLOTS:
            raise ControlError(f"There is no slot {number}; there are 1 to {SLOTS}.")
        self[number] = Slot(name, self._voices.encode(melody), melody)

    def seat(self, weights: Mapping[str, float]) -> dict[int, float]:
        """Give every preset that is named a place, and return the weight of each place 1-8: 0 for all others.

        A preset stays where it is. One that has no place takes an empty one, or the last that holds another preset;
        captured phrases are the last to go.

        Raises:
            PresetError: there is no such preset.
            ControlError: there are more than places.
        """
        if len(weights) > SLOTS:
            raise ControlError(f"{len(weights)} presets are in the mix; it has {SLOTS} slots.")
        wanted = {self._voices.find(name).name: weight for name, weight in weights.items()}
        seated: dict[int, float] = {}
        for number, slot in self:
            if slot.melody is None and slot.name in wanted:
                seated[number] = wanted.pop(slot.name)
        places = [number for number in range(1, SLOTS + 1) if number not in seated]
        places.sort(key=lambda number: (self._worth(number), -number))
        for number, (name, weight) in zip(places, wanted.items(), strict=False):
            self.put(name, number)
            seated[number] = weight
        return {number: seated.get(number, 0.0) for number in range(1, SLOTS + 1)}

    def _worth(self, number: int) -> int:
        """Return how much is lost where another preset takes a place."""
        slot = self[number]
        return 0 if slot is None else 1 if slot.melody is None else 2

    def keep(self, melody: Melody, chain: Chain, weights: Mapping[str, float]) -> int | None:
        """Put a phrase into the next place that is not heard and holds no captured phrase; return its number."""
        for number, slot in enumerate(self._places, 1):
            if slot is None or (slot.melody is None and not weights[weight_name(number)]):
                self[number] = Slot(f"captured {number}", chain, melody)
                return number
        return None

    def snapshot(self) -> list[Any]:
        """Return all places as plain data (JSON)."""
        return [
            None if slot is None else {"name": slot.name, "melody": plain(slot.melody)} if slot.melody else slot.name
            for slot in self._places
        ]

    def restore(self, places: Sequence[Any]) -> None:
        """Put back what ``snapshot`` wrote; what this bank does not have is left as it is."""
        there = {one.name: one for one in self._voices.songs}
        for number, slot in enumerate(places[:SLOTS], 1):
            if isinstance(slot, dict):
                melody = from_plain(slot["melody"])
                self[number] = Slot(slot["name"], self._voices.encode(melody), melody)
            elif slot in there:
                self[number] = slot_of(there[slot])

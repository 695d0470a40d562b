"""A bank as the engine plays it: its songs, and the way from melodies to states and back.

presets, mixer -> [voices] -> engine

``Voices`` is all that the engine knows of a bank, so that it can be played in tests without a model; ``BankVoices``
is the real one. *Errors*: ``ModelError``, ``PresetError``. *Threading*: one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self

from rnnae_live.errors import PresetError
from rnnae_live.melody import Melody
from rnnae_live.mixer import Voice, blend, encode, length, pieces
from rnnae_live.model import Stepper
from rnnae_live.presets import Bank
from rnnae_live.refine import Refinement
from rnnae_live.scale import PitchClasses
from rnnae_live.state import Chain
from rnnae_live.steering import knob_names, walk

Mix = Sequence[tuple[Chain, float]]
"""Chains with their weights, 0 or more."""


PROGRAMS = 128
"""Programs of a bank that a bank select chooses."""


class Song(Protocol):
    """What the engine uses of a preset."""

    @property
    def name(self) -> str:
        """The name that the performer reads."""

    @property
    def program(self) -> int | None:
        """The program change 0-127 that selects it, None for none."""

    @property
    def chain(self) -> Chain:
        """Its states."""

    @property
    def slot(self) -> int | None:
        """Its place 1-8 in the mix at the start, None for any."""

    @property
    def scene(self) -> Scene | None:
        """What else it sets, None for nothing."""


class Scene(Protocol):
    """What a preset sets beside its place in the mix."""

    @property
    def values(self) -> Mapping[str, bool | float | str]:
        """Values of parameters by name; choices by their words."""

    @property
    def mode(self) -> str | None:
        """The mode: "answer", "trade" or "loop", None where it says nothing."""

    @property
    def mapping(self) -> str | None:
        """The map of controls by its name, None for the performer's own."""


class Refining(Protocol):
    """A melody on its way to the chain that returns it note for note."""

    @property
    def chain(self) -> Chain:
        """The states as they are now."""

    @property
    def exact(self) -> bool:
        """Whether the decoder has returned the melody note for note."""

    def step(self) -> bool:
        """Go on for about a millisecond; True when nothing is left to do."""


class Voices(Protocol):
    """What the engine asks of a bank."""

    @property
    def songs(self) -> Sequence[Song]:
        """All presets, in the order of the bank."""

    def find(self, name: str) -> Song:
        """Return the preset called ``name``; raises ``PresetError``."""

    def by_number(self, number: int) -> Song | None:
        """Return the preset of a program change: 128 times the bank that was selected, plus the program."""

    def encode(self, melody: Melody) -> Chain:
        """Return the states of a melody."""

    def capture(self, melody: Melody) -> Refining:
        """Return a melody that is to become a preset, before the first step."""

    @property
    def knobs(self) -> Sequence[str]:
        """Attributes along which mixes can be steered."""

    def steered(self, mix: Mix, at: int, knobs: Mapping[str, float]) -> Iterator[Chain]:
        """Yield piece ``at`` of a mix as one link, steered a little further each time, until the knobs are obeyed."""

    def length(self, mix: Mix) -> int:
        """Return how many pieces the longest chain of a mix that is heard has, 0 where none is."""

    def piece(
        self,
        mix: Mix,
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: PitchClasses | None = None,
        tie: int | None = None,
    ) -> Melody:
        """Return the melody of piece ``at`` (0, 1, ...) of the weighted mean; the same for the same arguments.

        ``within`` are the pitch classes that it keeps to. ``tie`` is the pitch that sounds until the piece begins: the
        melody is ``tied`` where it begins by holding that.
        """

    def pieces(
        self,
        mixes: Sequence[Mix],
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: PitchClasses | None = None,
        tie: int | None = None,
    ) -> list[Melody]:
        """Return ``piece`` of many mixes, made in one batch."""


class BankVoices:
    """The voices of a bank."""

    def __init__(self, bank: Bank) -> None:
        """Play with ``bank``."""
        self.bank = bank
        # Kept, because making one takes as long as four of its steps.
        self._steppers: dict[int, Stepper] = {}

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Open the bank in ``folder``, the factory bank and the user's presets without.

        Raises:
            ModelError: there is no bank, or its model is damaged.
        """
        return cls(Bank.open(folder))

    @property
    def songs(self) -> Sequence[Song]:
        """All presets that this model made, in the order of the bank."""
        return self.bank.presets

    def by_number(self, number: int) -> Song | None:
        """Return the preset of a program change: 128 times the bank that was selected, plus the program."""
        return self.bank.by_program(*divmod(number, PROGRAMS))

    def find(self, name: str) -> Song:
        """Return the preset called ``name``, also where somebody else has stored it meanwhile.

        Raises:
            PresetError: there is none, or several.
        """
        try:
            return self.bank.find(name)
        except PresetError:
            if not self.bank.refresh():
                raise
            return self.bank.find(name)

    def encode(self, melody: Melody) -> Chain:
        """Return the states of a melody, as the encoder has them."""
        return encode(self.bank.model, melody)

    def capture(self, melody: Melody) -> Refinement:
        """Return a melody of 1 tick or more that is to become a preset, before the first step."""
        return Refinement(self.bank.model, melody)

    @property
    def knobs(self) -> Sequence[str]:
        """Attributes along which mixes can be steered."""
        return knob_names(self.bank.model)

    def steered(self, mix: Mix, at: int, knobs: Mapping[str, float]) -> Iterator[Chain]:
        """Yield piece ``at`` of a mix as one link, steered a little further each time; see ``steering.walk``.

        Raises:
            ModelError: no weight is above 0.
        """
        link = blend(_voices(mix), at + 1)[at]
        several = sum(weight > 0 for _, weight in mix) > 1
        return walk(self.bank.model, (link,), knobs, within=several)

    def length(self, mix: Mix) -> int:
        """Return how many pieces the longest chain of a mix that is heard has, 0 where none is."""
        return length(_voices(mix))

    def piece(
        self,
        mix: Mix,
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: PitchClasses | None = None,
        tie: int | None = None,
    ) -> Melody:
        """Return piece ``at`` of the weighted mean; see ``mixer.pieces``.

        Raises:
            ModelError: no weight is above 0.
        """
        return self.pieces([mix], at, temperature=temperature, seed=seed, within=within, tie=tie)[0]

    def pieces(
        self,
        mixes: Sequence[Mix],
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: PitchClasses | None = None,
        tie: int | None = None,
    ) -> list[Melody]:
        """Return piece ``at`` of many weighted means, made in one batch; see ``mixer.pieces``.

        Raises:
            ModelError: no weight of a mix is above 0.
        """
        return pieces(
            self.bank.model,
            [_voices(mix) for mix in mixes],
            at,
            temperature=temperature,
            seed=seed,
            scale=within,
            tie=tie,
            steppers=self._stepper,
        )

    def _stepper(self, rows: int) -> Stepper:
        """Return the decoder for ``rows`` states at a time."""
        if rows not in self._steppers:
            self._steppers[rows] = self.bank.model.stepper(rows)
        return self._steppers[rows]


def _voices(mix: Mix) -> list[Voice]:
    return [Voice(chain, weight) for chain, weight in mix]

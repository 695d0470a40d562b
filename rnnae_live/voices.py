"""A bank as the engine plays it: its songs, and the way from melodies to states and back.

presets, mixer -> [voices] -> engine

``Voices`` is all that the engine knows of a bank, so that it can be played in tests without a model; ``BankVoices``
is the real one. *Errors*: ``ModelError``, ``PresetError``. *Threading*: one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from rnnae_live.melody import Melody
from rnnae_live.mixer import Voice, compose, encode
from rnnae_live.presets import Bank
from rnnae_live.state import Chain


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


class Voices(Protocol):
    """What the engine asks of a bank."""

    @property
    def songs(self) -> Sequence[Song]:
        """All presets, in the order of the bank."""

    def find(self, name: str) -> Song:
        """Return the preset called ``name``; raises ``PresetError``."""

    def encode(self, melody: Melody) -> Chain:
        """Return the states of a melody."""

    def compose(self, mix: Sequence[tuple[Chain, float]], temperature: float) -> Melody:
        """Return the melody of the weighted mean of several chains."""


class BankVoices:
    """The voices of a bank. ``rng`` are the dice of temperatures above 0."""

    def __init__(self, bank: Bank, rng: np.random.Generator | None = None) -> None:
        """Play with ``bank``."""
        self.bank = bank
        self._rng = rng if rng is not None else np.random.default_rng()

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
        return [preset for preset in self.bank.presets if preset.model_id == self.bank.model.model_id]

    def find(self, name: str) -> Song:
        """Return the preset called ``name``.

        Raises:
            PresetError: there is none, or several.
        """
        return self.bank.find(name)

    def encode(self, melody: Melody) -> Chain:
        """Return the states of a melody, as the encoder has them."""
        return encode(self.bank.model, melody)

    def compose(self, mix: Sequence[tuple[Chain, float]], temperature: float) -> Melody:
        """Return the melody of the weighted mean of several chains.

        Raises:
            ModelError: no weight is above 0.
        """
        voices = [Voice(chain, weight) for chain, weight in mix]
        return compose(self.bank.model, voices, temperature=temperature, rng=self._rng)

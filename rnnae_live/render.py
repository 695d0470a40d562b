"""A mix without a stage: phrase and presets to one melody, at once and reproducibly.

song, presets -> mixer -> [render] -> midifile, synth, pianoroll
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnnae_live.errors import UsageError
from rnnae_live.melody import BARS_PER_PIECE, PPQ, Melody
from rnnae_live.mixer import Voice, compose, encode
from rnnae_live.phrase import Metre
from rnnae_live.presets import Bank
from rnnae_live.state import Chain, Link, random_state

RANDOM_BARS = 8
"""Bars of a random song where no length is asked for."""


def render(  # noqa: PLR0913 - each is an option of the command
    bank: Bank,
    phrase: Melody | None,
    presets: Sequence[tuple[str, float]],
    *,
    follow: float = 1.0,
    chance: float = 0.0,
    temperature: float = 0.0,
    seed: int = 0,
    bars: int | None = None,
    knobs: Mapping[str, float] | None = None,
) -> Melody:
    """Return the mix of a phrase and presets.

    Args:
        bank: the model, and the presets by name.
        phrase: what was played; None for presets alone.
        presets: name and weight of each.
        follow: weight of the phrase.
        chance: weight of a chain of random states, drawn by ``seed``.
        temperature: 0 for the likeliest melody.
        seed: of the dice, for ``chance`` and above temperature 0.
        bars: length of the result; by default that of the phrase where it sounds, else of the longest preset.
        knobs: attributes by name, -2 to 2, of which the mix gets more or less.

    Raises:
        ConfigError: the bank has no such knob, or it cannot stand there.
        PresetError: a preset does not exist.
        UsageError: nothing has a weight above 0.
    """
    found = [(bank.find(name), weight) for name, weight in presets]
    voices = [Voice(preset.chain, weight) for preset, weight in found]
    rng = np.random.default_rng(seed)
    if chance > 0:
        voices.append(Voice(_random_chain(bank, bars, rng), chance))
    bpm = max(found, key=lambda f: f[1])[0].bpm if found else 120.0
    pieces = None
    if phrase is not None and phrase.length and follow > 0:
        chain = encode(bank.model, phrase)
        voices.insert(0, Voice(chain, follow))
        bpm = phrase.bpm
        pieces = len(chain) if len(voices) == 1 else sum(not link.pickup for link in chain)
    if not any(voice.weight > 0 for voice in voices):
        raise UsageError("Nothing sounds: give a phrase with --follow above 0, or a preset as -p NAME=WEIGHT.")
    if bars is not None:
        pieces = -(-bars // BARS_PER_PIECE)
    melody = compose(bank.model, voices, temperature=temperature, rng=rng, pieces=pieces, bpm=bpm, knobs=knobs)
    lines = melody.bars()
    return melody.slice(0, lines[bars]) if bars is not None and bars < len(lines) else melody


def _random_chain(bank: Bank, bars: int | None, rng: np.random.Generator) -> Chain:
    """Return states that nobody has stored, one for each two bars of 4/4."""
    model, metre = bank.model, Metre(0)
    pieces = -(-(bars or RANDOM_BARS) // BARS_PER_PIECE)
    length = BARS_PER_PIECE * metre.bar(PPQ)
    span = model.vocabulary.span
    return tuple(Link(random_state(model.mean, model.spread, rng), length, metre, span=span) for _ in range(pieces))

"""A fitted bank: songs as one state each, or as a chain where one does not carry them, and nothing that is not exact.

fit, convert -> [whole_songs] -> rnnae_live.presets

The bundle is that of any bank: the encoder of the model that the fit began with, so that played phrases still have
states, and the tuned decoder. The finished ONNX files have the last word: a preset is stored where ``difference`` finds
nothing.

*Units*: ticks, 24 to the quarter note. *Source*: METHOD, composing, row 6: one state is one song.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rnnae_export.bank import PROGRAMS, list_songs, pick_phrases
from rnnae_export.convert import export
from rnnae_export.evaluate import reconstruct
from rnnae_export.network import AutoEncoder
from rnnae_export.train import Settings
from rnnae_live.decoder import LONGEST
from rnnae_live.errors import MidiFileError
from rnnae_live.manifest import write_manifest
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import links, play
from rnnae_live.model import Model
from rnnae_live.presets import SONGS, Bank, clean_name, keep, make
from rnnae_live.song import read_song
from rnnae_live.state import Chain, Floats, State
from rnnae_live.tokens import Tokens, Vocabulary

MOST_TOKENS = 512
"""A song of more tokens is not given one state."""

PARITY_PHRASES = 200
MEASURED_SONGS = 100
SPREAD = 0.1
"""Standard deviation of the states around the mean at which songs begin: enough to tell them apart."""


@dataclass(frozen=True, slots=True)
class Song:
    """A melody, its name and what is known of it."""

    name: str
    melody: Melody
    credit: str = ""

    @property
    def tokens(self) -> Tokens:
        """The melody as the decoder says it, in sounding order."""
        return Vocabulary().encode(self.melody)[0]

    @property
    def fits_one_state(self) -> bool:
        """Whether the song is short enough to be tried as one state."""
        return self.melody.length <= LONGEST and len(self.tokens) <= MOST_TOKENS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a song: its ``states`` in the bank, 0 where it is not stored.

    ``wrong`` of its ``notes`` differ when it is said from one state; None where that was not tried.
    """

    name: str
    notes: int
    states: int
    wrong: int | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A finished bank: what became of every song, and the share of two-bar phrases that come back whole (encoder only).

    ``before`` is that share with the decoder that the fit began with, ``after`` with the tuned one: the cost.
    """

    outcomes: list[Outcome]
    before: float
    after: float


def read_songs(sources: Iterable[Path]) -> tuple[list[Song], dict[str, str]]:
    """Return the songs of folders, zip files and JSON lists, no two of one name, and why others were dropped.

    Raises:
        MidiFileError: a source does not exist, or no song was found.
        PresetError: a JSON list, or a file that it names, cannot be read.
    """
    songs: list[Song] = []
    dropped: dict[str, str] = {}
    seen: dict[str, int] = {}
    places = list(sources)
    for data, title in (song for source in places for song in list_songs(source)):
        try:
            melody = read_song(data).melody
        except MidiFileError as error:
            dropped[title.midi] = str(error)
            continue
        name = clean_name(title.title)
        seen[name.casefold()] = number = seen.get(name.casefold(), 0) + 1
        songs.append(Song(name if number == 1 else f"{name} ({number})", melody, title.composer))
    if not songs:
        raise MidiFileError(f"No melody was found in {', '.join(map(str, places))}; give a folder of MIDI files.")
    return songs, dropped


def around_the_mean(model: Model, count: int, seed: int = 0) -> Floats:
    """Return states to begin a fit with, float32 (count, 2U).

    They lie close to the mean of the model's phrases: the encoder's own states of whole songs are far out (cells up to
    90, against 9 after a fit from here) and cost more steps.
    """
    mean = np.concatenate([model.mean.h.ravel(), model.mean.c.ravel()])
    noise = np.random.default_rng(seed).normal(0.0, SPREAD, (count, len(mean)))
    return np.asarray(mean + noise, np.float32)


def build_bank(
    folder: Path,
    net: AutoEncoder,
    start: Model,
    songs: Sequence[Song],
    states: Floats,
    about: dict[str, Any],
) -> Stored:
    """Write a fitted bank with all songs that come back note for note, each as one state where that is exact.

    Args:
        folder: of the bank; songs that it holds go.
        net: encoder of ``start``, tuned decoder.
        start: the model that the fit began with.
        songs: all; those of them that ``fits_one_state`` were fitted.
        states: of the fitted songs, float32 (n, 2U), in their order.
        about: ``name``, ``licence`` and ``training`` for the manifest.

    Raises:
        ModelError: TensorFlow and ONNX differ, or the model it began with has another vocabulary.
    """
    melodies = [song.melody for song in songs]
    settings = Settings(units=net.units, order=start.manifest.order, start=start.model_id)
    phrases = pick_phrases(melodies)[:PARITY_PHRASES] or [melody.cut()[0] for melody in melodies]
    training = {**about["training"], "fitted": True}
    model = export(folder, net, settings, phrases, {**about, "training": training})
    chains = _chains(model, [song for song in songs if song.fits_one_state], states)
    for old in (folder / SONGS).glob("*.json"):
        old.unlink()
    bank = Bank.open(folder)
    outcomes = [_stored(bank, song, chains.get(song.name)) for song in songs]
    before, after = (reconstruct(one, melodies[:MEASURED_SONGS], 2).exact for one in (start, model))
    whole = sum(outcome.states == 1 for outcome in outcomes)
    training |= {"songs_as_one_state": whole, "phrases_exact_before": before, "phrases_exact_after": after}
    _describe(folder, model, training, states)
    return Stored(outcomes, before, after)


def _chains(model: Model, songs: Sequence[Song], states: Floats) -> dict[str, Chain]:
    """Return each song as one link with its state."""
    chains: dict[str, Chain] = {}
    for song, numbers in zip(songs, states, strict=True):
        h, c = numbers.reshape(2, 1, model.units)
        (link,) = links(model, [song.melody])
        chains[song.name] = (replace(link, state=State(h, c)),)
    return chains


def _stored(bank: Bank, song: Song, chain: Chain | None) -> Outcome:
    """Store a song as one state if that is exact, else as a chain if that is, and return what became of it."""
    found = difference(song.melody, play(bank.model, chain)) if chain else None
    wrong = None if chain is None else found.wrong if found else 0
    number = len(bank.presets)
    program = number if number < PROGRAMS else None
    if chain and not found:
        preset = keep(bank.model, song.melody, song.name, chain, program=program, credit=song.credit)
    else:
        preset = make(bank.model, song.melody, song.name, program=program, credit=song.credit)
    if preset.exact:
        bank.save(preset)
    return Outcome(song.name, len(song.melody.notes), len(preset.links) if preset.exact else 0, wrong)


def _describe(folder: Path, model: Model, training: dict[str, Any], states: Floats) -> None:
    """Write the manifest again: what was measured, and the space of the songs' states, for random ones."""
    changed: dict[str, Any] = {"training": training}
    if len(states) > 1:
        changed |= {"state_mean": states.mean(axis=0).astype(float).tolist()}
        changed |= {"state_spread": states.std(axis=0).astype(float).tolist()}
    manifest = msgspec.structs.replace(model.manifest, **changed)
    write_manifest(folder, manifest)

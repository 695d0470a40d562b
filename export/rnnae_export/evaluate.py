"""How well a bank recalls and reads: its figures on a corpus, through the shipped ONNX files.

rnnae_live.model -> [evaluate] -> report

*Reconstruction*: windows of whole bars, one after the other, encoder only, greedy. ``exact`` is the share of windows
with every note right, ``notes`` the share of notes with onset, duration and pitch right, ``sixteenths`` the share of
sixteenth-note steps on which the same thing happens (an attack of the same pitch, a note going on, or a rest: the
measure of MusicVAE, Roberts et al. 2018, Table 1). *Chains* are 16 bars as one state for each piece of two.
*Recall*: whole songs stored as presets, every note compared; the seconds are CPU time of this process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from rnnae_export.corpus import windows
from rnnae_live.decoder import LONGEST, decode
from rnnae_live.melody import Melody
from rnnae_live.mixer import encode, play
from rnnae_live.model import Model
from rnnae_live.presets import make

SIXTEENTH = 6
BATCH = 64
CHAIN_BARS = 16


class Reconstruction(msgspec.Struct, frozen=True):
    """Shares from 0 to 1 over ``phrases`` phrases."""

    phrases: int
    exact: float
    notes: float
    sixteenths: float


class Recall(msgspec.Struct, frozen=True):
    """``exact`` of ``songs`` stored songs came back note for note; CPU seconds a song; what was not exact."""

    songs: int
    exact: int
    cpu_seconds_a_song: float
    states: int
    refine_steps_a_song: float
    inexact: list[str]


class Report(msgspec.Struct, frozen=True):
    """Everything that is measured."""

    two_bars: Reconstruction
    two_bars_sampled: Reconstruction
    four_bars: Reconstruction
    chains_of_16_bars: Reconstruction
    recall: Recall


def evaluate(model: Model, songs: dict[str, Melody], seed: int = 0) -> Report:
    """Return the figures of a model on songs that it has not learned, or has, as the caller knows."""
    melodies = list(songs.values())
    return Report(
        reconstruct(model, melodies, 2),
        reconstruct(model, melodies, 2, temperature=1.0, rng=np.random.default_rng(seed)),
        reconstruct(model, melodies, 4),
        reconstruct_chains(model, melodies),
        recall(model, songs),
    )


def reconstruct(
    model: Model,
    melodies: Sequence[Melody],
    bars: int,
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Reconstruction:
    """Return how well one state carries windows of ``bars`` bars."""
    phrases = [w for m in melodies for w in windows(m, bars, bars) if w.length <= LONGEST]
    decoded: list[Melody] = []
    for at in range(0, len(phrases), BATCH):
        part = phrases[at : at + BATCH]
        spelled = [model.vocabulary.encode(p) for p in part]
        states = [model.encode(tokens) for tokens, _ in spelled]
        back = decode(model, states, [p.length for p in part], temperature=temperature, rng=rng)
        ties = [p.notes[0].pitch if p.tied else None for p in part]
        for tokens, (_, octaves), tie in zip(back, spelled, ties, strict=True):
            decoded.append(model.vocabulary.decode(tokens, octaves=octaves, tie=tie))
    return _compared(phrases, decoded)


def reconstruct_chains(model: Model, melodies: Sequence[Melody]) -> Reconstruction:
    """Return how well chains of states carry 16 bars."""
    phrases = [w for m in melodies for w in windows(m, CHAIN_BARS, CHAIN_BARS)]
    return _compared(phrases, [play(model, encode(model, p)) for p in phrases])


def recall(model: Model, songs: dict[str, Melody]) -> Recall:
    """Return how many songs come back note for note as presets, and what it costs to store one."""
    begun = time.process_time()
    presets = [make(model, melody, name) for name, melody in songs.items()]
    seconds = time.process_time() - begun
    count = max(1, len(presets))
    return Recall(
        len(presets),
        sum(p.exact for p in presets),
        seconds / count,
        sum(len(p.links) for p in presets),
        sum(p.refine_steps for p in presets) / count,
        [p.name for p in presets if not p.exact],
    )


def _compared(wanted: Sequence[Melody], got: Sequence[Melody]) -> Reconstruction:
    exact = notes = right = steps = same = 0
    for a, b in zip(wanted, got, strict=True):
        first, second = ({(n.onset, n.duration, n.pitch) for n in m.notes} for m in (a, b))
        exact += first == second
        notes += len(first)
        right += len(first & second)
        x, y = _sixteenths(a), _sixteenths(b)
        steps += len(x)
        same += int((x == y).sum())
    return Reconstruction(len(wanted), exact / max(1, len(wanted)), right / max(1, notes), same / max(1, steps))


def _sixteenths(melody: Melody) -> NDArray[np.int16]:
    """Return what happens on every sixteenth: 0 rest, 1 a note goes on, pitch + 2 an attack within the step."""
    happens = np.zeros(-(-melody.length // SIXTEENTH), np.int16)
    for note in melody.notes:
        happens[-(-note.onset // SIXTEENTH) : -(-note.end // SIXTEENTH)] = 1
    for i, note in enumerate(melody.notes):
        if not (i == 0 and melody.tied):
            happens[note.onset // SIXTEENTH] = note.pitch + 2
    return happens

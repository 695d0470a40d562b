"""How well a bank recalls, reads and mixes: its figures on a corpus, through the shipped ONNX files.

rnnae_live.model, corpus -> mixing, judge, directions -> [evaluate] -> report, plots, bank

1. Recall. *Stored songs*: the bank's presets, each played from its states and compared note for note. *Unseen songs*:
whole songs of the corpus stored as presets and compared; the seconds are CPU time of this process.

2. Reconstruction. Windows of whole bars, one after the other, encoder only, greedy or sampled. ``exact`` is the share
of windows with every note right, ``notes`` the share of notes with onset, duration and pitch right, ``sixteenths`` the
share of sixteenth-note steps on which the same thing happens (an attack of the same pitch, a note going on, or a rest:
the measure of MusicVAE, Roberts et al. 2018, Table 1). *Chains* are 16 bars as one state for each piece of two.

3. Mixing, of phrases of two bars (``rnnae_export.pairs``), each kept as one refined state. Distance is the edit
distance of lines of (pitch, duration) over the longer's length (``rnnae_export.distance``).

- *NLL*: nats a note that the judge (``rnnae_export.judge``) gives the child half way; lower is more like written music.
- *Rank*: the chance that a parent is nearer to the child half way than a phrase of another song is, ties half; over
  all parents, and of each child's weaker parent. Chance is 0.5.
- *Novelty*: distance of the child half way to its nearest parent.
- *Ends*: share of ends of the morph (w = 0, w = 1) that are the parent exactly. A phrase that one state cannot carry,
  which a preset would keep as two, counts as not exact.
- *Step*, *jump*: distance of neighbours on the morph, the mean and the largest of each pair, averaged over pairs.
- *Invalid*: decoded states without a note, or not of the length asked for (as when decoding never ends).
- *Incoming*: the first parent is what the encoder alone makes of it, as a phrase that is played.
- *Knobs*: phrases steered by the attribute knobs, as ``rnnae_export.directions`` defines its figures. A knob looks for
  a state near the phrase's whose melody has what is asked for, so it is judged by what it has aimed at.
- *Baselines*: coin and splice of the same parents (``rnnae_export.mixing``), which need no model.

Intervals are 95 % bootstrap intervals over pairs or groups: the percentiles of 1,000 resamples.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from rnnae_export.corpus import windows
from rnnae_export.directions import Knob
from rnnae_export.directions import measure as measure_knobs
from rnnae_export.judge import Judge
from rnnae_export.mixing import SEVERAL, Mixing, Trial, measure
from rnnae_export.pairs import line
from rnnae_live.decoder import LONGEST, decode
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import encode, play
from rnnae_live.model import Model
from rnnae_live.presets import Preset, make
from rnnae_live.state import Link

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


class Stored(msgspec.Struct, frozen=True):
    """Of the bank's own ``songs`` and their ``notes``, how many came back; ``inexact`` names the songs that did not."""

    songs: int
    exact: int
    notes: int
    notes_right: int
    inexact: list[str]


class JudgeFacts(msgspec.Struct, frozen=True):
    """What the judge is: its order, what it learned from, and how many of the evaluated songs it had heard."""

    order: int
    source: str
    songs: int
    notes: int
    heard: int


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that is measured; what was not asked for, or could not be, is left out, and ``notices`` say why."""

    two_bars: Reconstruction
    two_bars_sampled: Reconstruction
    four_bars: Reconstruction
    chains_of_16_bars: Reconstruction
    recall: Recall
    stored: Stored | None = None
    judge: JudgeFacts | None = None
    mixing: Mixing | None = None
    knobs: list[Knob] = []
    notices: list[str] = []


def evaluate(
    model: Model,
    songs: Mapping[str, Melody],
    *,
    presets: Sequence[Preset] = (),
    trial: Trial | None = None,
    judge_songs: Mapping[str, Melody] | None = None,
    judge_source: str = "other songs",
    seed: int = 0,
) -> Report:
    """Return the figures of a model on songs that it has not learned, or has, as the caller knows.

    Args:
        model: of the bank.
        songs: by name; two names are two songs.
        presets: of the bank, to be recalled.
        trial: how much of mixing is measured; None for recall and reconstruction only.
        judge_songs: what the judge learns from; None for the half of ``songs`` that is not mixed.
        judge_source: what these are called in the report.
        seed: of sampling.
    """
    melodies = list(songs.values())
    report = Report(
        reconstruct(model, melodies, 2),
        reconstruct(model, melodies, 2, temperature=1.0, rng=np.random.default_rng(seed)),
        reconstruct(model, melodies, 4),
        reconstruct_chains(model, melodies),
        recall(model, songs),
        recall_presets(model, presets) if presets else None,
    )
    if trial is None:
        return report
    if judge_songs is None:
        songs, judge_songs = halve(songs, trial.seed)
        judge_source = "the half of the corpus that is not mixed"
    judge = Judge().learn(judge_songs.values())
    known = {line(melody) for melody in judge_songs.values()}
    heard = sum(line(melody) in known for melody in songs.values())
    mixing = measure(model, judge, songs, trial)
    phrases = [w for melody in songs.values() for w in windows(melody, 2, 2) if w.length <= LONGEST]
    return msgspec.structs.replace(
        report,
        judge=JudgeFacts(judge.order, judge_source, judge.songs, judge.notes, heard),
        mixing=mixing,
        knobs=measure_knobs(model, phrases, trial.steered, trial.seed),
        notices=_notices(mixing, trial, heard, len(songs)),
    )


def _notices(mixing: Mixing | None, trial: Trial, heard: int, songs: int) -> list[str]:
    notices = []
    if heard:
        notices.append(f"The judge has heard {heard} of the {songs} songs that are mixed; so far its figures flatter.")
    if mixing is None:
        notices.append(
            f"Mixing was not measured: no three of {songs} songs have phrases of two bars in the same metre. "
            "Give a larger corpus; with songs for the judge (--judge), none of this one is kept for it."
        )
    elif mixing.pairs.groups < trial.pairs or len(mixing.several) < len(SEVERAL):
        several = " and of ".join(str(mixture.voices) for mixture in mixing.several) or "no more than two"
        notices.append(
            f"The corpus is small: {mixing.pairs.groups} pairs of the {trial.pairs} asked for, and means of {several}."
        )
    return notices


def halve(songs: Mapping[str, Melody], seed: int = 0) -> tuple[dict[str, Melody], dict[str, Melody]]:
    """Return the songs in two halves, mixed by ``seed``: to be measured with, and to be learned from."""
    names = sorted(songs)
    random.Random(seed).shuffle(names)
    middle = -(-len(names) // 2)
    first, second = ({name: songs[name] for name in half} for half in (names[:middle], names[middle:]))
    return first, second


def recall_presets(model: Model, presets: Sequence[Preset]) -> Stored:
    """Return how many of a bank's presets their states give back, note for note.

    Raises:
        ModelError: a state is damaged.
    """
    lost = [(preset, difference(preset.melody, play(model, preset.chain))) for preset in presets]
    notes = sum(len(preset.notes) for preset in presets)
    wrong = sum(faults.wrong for _, faults in lost if faults)
    names = [preset.name for preset, faults in lost if faults]
    return Stored(len(presets), len(presets) - len(names), notes, notes - wrong, names)


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
        read = zip(part, spelled, strict=True)
        links = [Link(model.encode(tokens), piece.length, piece.metres[0]) for piece, (tokens, _) in read]
        back = decode(model, links, temperature=temperature, rng=rng)
        ties = [p.notes[0].pitch if p.tied else None for p in part]
        for tokens, (_, octaves), tie in zip(back, spelled, ties, strict=True):
            decoded.append(model.vocabulary.decode(tokens, octaves=octaves, tie=tie))
    return _compared(phrases, decoded)


def reconstruct_chains(model: Model, melodies: Sequence[Melody]) -> Reconstruction:
    """Return how well chains of states carry 16 bars."""
    phrases = [w for m in melodies for w in windows(m, CHAIN_BARS, CHAIN_BARS)]
    return _compared(phrases, [play(model, encode(model, p)) for p in phrases])


def recall(model: Model, songs: Mapping[str, Melody]) -> Recall:
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

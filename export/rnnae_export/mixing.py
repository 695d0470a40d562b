"""How good a mix of states is as music, and how much of its parents it shows, beside two mixes that need no model.

pairs, judge, rnnae_live.mixer -> [mixing] -> evaluate

Parents are kept as presets are: each phrase one state, refined. Children are decoded as the stage decodes a mix, many
in a batch. The baselines: the *coin* takes every sixteenth from one parent or another, the weights being its chances;
the *splice* plays the first part of the first parent, then the second, each for its weight's share of the time.
What each figure means is said in ``rnnae_export.evaluate``.

*Units*: ticks, 24 to the quarter note; nats a note; distances are shares of the longer phrase, 0-1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, islice, pairwise
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from rnnae_export.distance import distances
from rnnae_export.judge import Judge
from rnnae_export.pairs import Group, pick_groups
from rnnae_live.decoder import decode
from rnnae_live.melody import Melody, join
from rnnae_live.mixer import Voice, blend, links
from rnnae_live.model import Model
from rnnae_live.phrase import Note
from rnnae_live.refine import refine
from rnnae_live.state import Chain, Link, State, random_state

SIXTEENTH = 6
BATCH = 512
RESAMPLES = 1000
"""Bootstrap samples behind every interval."""
SEVERAL = (4, 8)
"""Parents of the means of more than two."""
WIDE = 3.0
"""Every second of the random states lies this many times as far out as the states of music do."""

T = TypeVar("T")

Ways = Sequence[Sequence[float]]
"""Weights of the parents at each step of a morph, or the one row of a mean."""


class Trial(msgspec.Struct, frozen=True):
    """How much is measured.

    ``pairs``; ``steps`` of a morph, odd, so that one is half way; ``random`` states; phrases ``steered`` by every knob.
    """

    pairs: int = 1000
    steps: int = 21
    random: int = 10_000
    steered: int = 50
    seed: int = 0


class Figure(msgspec.Struct, frozen=True):
    """A mean over groups, and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is measured of children; the last four only of morphs between two parents."""

    nll: Figure
    notes: Figure
    rank: Figure
    rank_weaker: Figure
    novelty: Figure
    ends: Figure | None = None
    step: Figure | None = None
    jump: Figure | None = None
    similarity: list[tuple[float, float]] = []
    """To the first and to the second parent, at every step from the first to the second: 1 - distance."""


class Mixture(msgspec.Struct, frozen=True):
    """The mix of states of ``voices`` parents over ``groups``, and the two baselines."""

    voices: int
    groups: int
    mix: Figures
    coin: Figures
    splice: Figures


class Sanity(msgspec.Struct, frozen=True):
    """The same figures of what is no mix: the first parent, its notes shuffled, a third song, a random state."""

    real: Figures
    shuffled: Figures
    third: Figures
    random: Figures


class Invalid(msgspec.Struct, frozen=True):
    """Of ``outputs`` decoded states, how many gave no note, or not the length that was asked for."""

    outputs: int
    empty: int
    wrong_length: int


class Mixing(msgspec.Struct, frozen=True):
    """Section 3: ``pairs``, ``incoming`` (first parent by the encoder only), means of more parents where there are."""

    trial: Trial
    sanity: Sanity
    pairs: Mixture
    incoming: Mixture
    several: list[Mixture]
    invalid_mixes: Invalid
    invalid_random: Invalid


def measure(model: Model, judge: Judge, songs: Mapping[str, Melody], trial: Trial | None = None) -> Mixing | None:
    """Return the figures of mixes of phrases of ``songs``; None where these do not give a single pair.

    Raises:
        ValueError: the trial has an even number of steps.
    """
    trial = trial or Trial()
    if trial.steps < 3 or not trial.steps % 2:
        raise ValueError(f"A morph has an odd number of steps from 3 on, not {trial.steps}.")
    groups = pick_groups(songs, trial.pairs, 2, trial.seed)
    if not groups:
        return None
    dice = np.random.default_rng(trial.seed)
    ways = morph_ways(trial.steps)
    stored = _by_group(store(model, [p for g in groups for p in g.parents]), 2)
    pairs, children = _mixture(model, judge, groups, stored, ways, dice)
    played = [(links(model, [group.parents[0]]), chains[1]) for group, chains in zip(groups, stored, strict=True)]
    paths = morph(model, played, ways)
    children += _with_length(groups, paths)
    incoming = Mixture(2, len(groups), weigh(judge, groups, paths), pairs.coin, pairs.splice)
    several = []
    for voices in SEVERAL:
        many = pick_groups(songs, -(-trial.pairs // 4), voices, trial.seed)
        if many:
            stored = _by_group(store(model, [p for g in many for p in g.parents]), voices)
            mixture, means = _mixture(model, judge, many, stored, [(1 / voices,) * voices], dice)
            several.append(mixture)
            children += means
    sanity = _sanity(model, judge, groups, dice)
    states = _random_links(model, groups, (1.0, WIDE), trial.random, dice)
    lengths = (groups[at % len(groups)].parents[0].length for at in range(trial.random))
    drawn = zip(_decoded(model, states), lengths, strict=True)
    return Mixing(trial, sanity, pairs, incoming, several, invalid(children), invalid(drawn))


def morph_ways(steps: int) -> Ways:
    """Return the weights of two parents at ``steps`` equal steps from the first alone to the second alone."""
    return [(1 - at / (steps - 1), at / (steps - 1)) for at in range(steps)]


def store(model: Model, phrases: Sequence[Melody]) -> list[Chain]:
    """Return each phrase as a chain of one state, refined as a preset's is."""
    chains: list[Chain] = []
    for at in range(0, len(phrases), BATCH):
        part = [links(model, [phrase])[0] for phrase in phrases[at : at + BATCH]]
        spelled = [model.vocabulary.encode(phrase)[0] for phrase in phrases[at : at + BATCH]]
        states, _ = refine(model, [link.state for link in part], spelled)
        chains += [(replace(link, state=state),) for link, state in zip(part, states, strict=True)]
    return chains


def morph(model: Model, parents: Sequence[Sequence[Chain]], ways: Ways) -> list[list[Melody]]:
    """Return, for the parents of each group, the child at each of ``ways``."""
    mixes = [[Voice(c, w) for c, w in zip(chains, way, strict=True)] for chains in parents for way in ways]
    return _by_group(speak(model, mixes), len(ways))


def speak(model: Model, mixes: Sequence[Sequence[Voice]]) -> list[Melody]:
    """Return the melodies of mixes of one-state chains, as ``rnnae_live.mixer.compose`` gives them, many in a batch.

    This is the one place where parents and weights become melodies.
    """
    mixed = []
    for voices in mixes:
        link = blend(voices, 1)[0]
        several = sum(voice.weight > 0 for voice in voices) > 1
        mixed.append(link if several else replace(link, span=model.vocabulary.span))
    return list(_decoded(model, mixed))


def coin(parents: Sequence[Melody], way: Sequence[float], dice: np.random.Generator) -> Melody:
    """Return the child whose every sixteenth is that of a parent drawn by its weight; of one parent, that parent.

    A note goes on while the same parent is drawn; one that is entered in its middle begins there.
    """
    if max(way) == 1:
        return parents[int(np.argmax(way))]
    length = parents[0].length
    steps = -(-length // SIXTEENTH)
    sounding = np.zeros((len(parents), steps), int)
    for row, parent in enumerate(parents):
        for at, note in enumerate(parent.notes, 1):
            sounding[row, note.onset // SIXTEENTH : -(-note.end // SIXTEENTH)] = at
    drawn = dice.choice(len(parents), steps, p=np.asarray(way) / sum(way)).tolist()
    notes: list[Note] = []
    before = (0, 0)
    for step, source in enumerate(drawn):
        here = (source, int(sounding[source, step]))
        onset, end = step * SIXTEENTH, min(length, (step + 1) * SIXTEENTH)
        if here[1] and here == before:
            notes[-1] = replace(notes[-1], duration=end - notes[-1].onset)
        elif here[1]:
            notes.append(Note(onset, end - onset, parents[source].notes[here[1] - 1].pitch))
        before = here
    return Melody(tuple(notes), length, parents[0].metres)


def splice(parents: Sequence[Melody], way: Sequence[float]) -> Melody:
    """Return the parents one after the other, each for its weight's share of the time, cut on sixteenths."""
    length = parents[0].length
    cuts = [min(length, round(share * length / SIXTEENTH) * SIXTEENTH) for share in accumulate(way)]
    spans = pairwise([0, *cuts[:-1], length])
    return join([replace(p.slice(a, b), tied=False) for p, (a, b) in zip(parents, spans, strict=True) if a < b])


def weigh(judge: Judge, groups: Sequence[Group], paths: Sequence[Sequence[Melody]]) -> Figures:
    """Return the figures of children: ``paths[k]`` the morph of group k, or its one mean."""
    middle = [path[len(path) // 2] for path in paths]
    nats = np.array([judge.nats(child) for child in middle])
    notes = np.array([len(child.notes) for child in middle])
    near = _apart([[child] * len(g.parents) for child, g in zip(middle, groups, strict=True)],
                  [g.parents for g in groups])  # fmt: skip
    far = _apart([[child] * len(g.others) for child, g in zip(middle, groups, strict=True)],
                 [g.others for g in groups])  # fmt: skip
    above = near[:, :, None] < far[:, None, :]
    level = near[:, :, None] == far[:, None, :]
    ranks = (above + 0.5 * level).mean(axis=2)
    figures = Figures(
        estimate(nats, notes),
        estimate(notes),
        estimate(ranks.mean(axis=1)),
        estimate(ranks.min(axis=1)),
        estimate(near.min(axis=1)),
    )
    return figures if len(paths[0]) == 1 else _along(figures, groups, paths)


def estimate(values: NDArray[np.generic], shares: NDArray[np.generic] | None = None) -> Figure:
    """Return the mean of ``values``, or their sum over that of ``shares``, with its 95 % bootstrap interval."""
    top = np.asarray(values, float)
    bottom = np.ones_like(top) if shares is None else np.asarray(shares, float)
    dice = np.random.default_rng(0)
    drawn = [dice.integers(len(top), size=len(top)) for _ in range(RESAMPLES)]
    means = [top[rows].sum() / max(1.0, bottom[rows].sum()) for rows in drawn]
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(top.sum() / max(1.0, bottom.sum())), float(low), float(high))


def invalid(children: Iterable[tuple[Melody, int]]) -> Invalid:
    """Count what is invalid of melodies, each with the length in ticks that was asked for."""
    outputs = empty = wrong = 0
    for child, length in children:
        outputs += 1
        empty += not child.notes
        wrong += child.length != length
    return Invalid(outputs, empty, wrong)


def _mixture(
    model: Model,
    judge: Judge,
    groups: Sequence[Group],
    stored: Sequence[Sequence[Chain]],
    ways: Ways,
    dice: np.random.Generator,
) -> tuple[Mixture, list[tuple[Melody, int]]]:
    """Return the figures of a mix and its baselines, and the children of the mix with the length they should have."""
    paths = morph(model, stored, ways)
    coins = [[coin(g.parents, way, dice) for way in ways] for g in groups]
    splices = [[splice(g.parents, way) for way in ways] for g in groups]
    figures = (weigh(judge, groups, p) for p in (paths, coins, splices))
    return Mixture(len(ways[0]), len(groups), *figures), _with_length(groups, paths)


def _along(figures: Figures, groups: Sequence[Group], paths: Sequence[Sequence[Melody]]) -> Figures:
    """Return the figures with those of the whole way from the first parent to the second."""
    width = len(paths[0])
    steps = _apart([path[:-1] for path in paths], [path[1:] for path in paths])
    from_parents = [_apart(paths, [[g.parents[k]] * width for g in groups]) for k in (0, 1)]
    ends = ((from_parents[0][:, 0] == 0).astype(float) + (from_parents[1][:, -1] == 0)) / 2
    first, second = (1 - d.mean(axis=0) for d in from_parents)
    return msgspec.structs.replace(
        figures,
        ends=estimate(ends),
        step=estimate(steps.mean(axis=1)),
        jump=estimate(steps.max(axis=1)),
        similarity=list(zip(first.tolist(), second.tolist(), strict=True)),
    )


def _sanity(model: Model, judge: Judge, groups: Sequence[Group], dice: np.random.Generator) -> Sanity:
    drawn = list(_decoded(model, _random_links(model, groups, (1.0,), len(groups), dice)))
    rows = (
        [group.parents[0] for group in groups],
        [_shuffled(group.parents[0], dice) for group in groups],
        [group.third for group in groups],
        drawn,
    )
    return Sanity(*(weigh(judge, groups, [[melody] for melody in row]) for row in rows))


def _shuffled(melody: Melody, dice: np.random.Generator) -> Melody:
    """Return the melody's pitches and durations in an order each of their own, without rests."""
    pitches = dice.permutation([note.pitch for note in melody.notes]).tolist()
    durations = dice.permutation([note.duration for note in melody.notes]).tolist()
    onsets = accumulate(durations, initial=0)
    notes = tuple(Note(*row) for row in zip(onsets, durations, pitches, strict=False))
    return replace(melody, notes=notes)


def _with_length(groups: Sequence[Group], paths: Sequence[Sequence[Melody]]) -> list[tuple[Melody, int]]:
    return [(child, group.parents[0].length) for group, path in zip(groups, paths, strict=True) for child in path]


def _random_links(
    model: Model, groups: Sequence[Group], widths: Sequence[float], count: int, dice: np.random.Generator
) -> Iterator[Link]:
    """Yield random states, ``widths`` times as spread as those of music in turn, with the lengths of the groups."""
    mean, spread = model.mean, model.spread
    for at in range(count):
        width = np.float32(widths[at % len(widths)])
        like = groups[at % len(groups)].parents[0]
        state = random_state(mean, State(spread.h * width, spread.c * width), dice)
        yield Link(state, like.length, like.metres[0], span=model.vocabulary.span)


def _decoded(model: Model, mixed: Iterable[Link]) -> Iterator[Melody]:
    """Yield the melody of each link, its octaves and metre given back, decoded in batches."""
    waiting = iter(mixed)
    while batch := list(islice(waiting, BATCH)):
        spelled = decode(model, batch, spans=[link.span for link in batch])
        for link, tokens in zip(batch, spelled, strict=True):
            melody = model.vocabulary.decode(tokens, octaves=link.octaves)
            yield replace(melody, metres=(replace(link.metre, onset=0),))


def _by_group(row: Sequence[T], width: int) -> list[list[T]]:
    return [list(row[at : at + width]) for at in range(0, len(row), width)]


def _apart(first: Sequence[Sequence[Melody]], second: Sequence[Sequence[Melody]]) -> NDArray[np.float64]:
    """Return the distances of two tables of melodies, entry by entry."""
    flat = distances([m for row in first for m in row], [m for row in second for m in row])
    return flat.reshape(len(first), -1)

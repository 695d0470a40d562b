"""The figures of mixing: each on children whose figures are known, and the mixer on the shipped model."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from rnnae_export.distance import distances
from rnnae_export.judge import Judge
from rnnae_export.mixing import (
    SIXTEENTH,
    Figures,
    Trial,
    coin,
    estimate,
    invalid,
    measure,
    morph,
    morph_ways,
    speak,
    splice,
    store,
    weigh,
)
from rnnae_export.pairs import line, pick_groups

from rnnae_live.melody import Melody
from rnnae_live.mixer import Voice, compose, links
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank
from rnnae_live.state import Chain
from tests.export.test_pairs import tune, tunes

unit = pytest.mark.unit
model = pytest.mark.model

GROUPS = pick_groups(tunes(8), 30)
JUDGE = Judge().learn(tunes(8).values())


def edits(a: Melody, b: Melody) -> float:
    """Levenshtein's recursion as the textbook has it, on melodies without rests."""
    x, y = ([(n.pitch, n.duration) for n in m.notes] for m in (a, b))
    table = {(i, 0): i for i in range(len(x) + 1)} | {(0, j): j for j in range(len(y) + 1)}
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            change = table[i - 1, j - 1] + (x[i - 1] != y[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, change)
    return table[len(x), len(y)] / max(len(x), len(y))


@unit
def test_distances_are_the_textbooks() -> None:
    dice = random.Random(0)
    songs = [tune(seed, dice.randint(1, 4)) for seed in range(40)]
    a, b = dice.choices(songs, k=200), dice.choices(songs, k=200)
    assert distances(a, b).tolist() == pytest.approx([edits(x, y) for x, y in zip(a, b, strict=True)])


@unit
def test_a_rest_counts_as_a_note_does() -> None:
    whole = Melody((Note(0, 48, 60), Note(48, 48, 62)), 96)
    short = Melody((Note(0, 24, 60), Note(48, 48, 62)), 96)
    assert distances([whole, whole, Melody((), 96)], [short, whole, whole]).tolist() == [2 / 3, 0, 1]
    assert distances([], []).shape == (0,)


@unit
def test_the_coin_takes_each_sixteenth_from_one_parent() -> None:
    low = Melody(tuple(Note(12 * i, 12, 48) for i in range(400)), 4800)
    high = Melody(tuple(Note(24 * i, 24, 72) for i in range(200)), 4800)
    child = coin((low, high), (0.25, 0.75), np.random.default_rng(0))
    assert child.length == 4800
    assert all(n.onset % SIXTEENTH == n.duration % SIXTEENTH == 0 for n in child.notes)
    assert all(n.duration <= {48: 12, 72: 24}[n.pitch] for n in child.notes)
    assert sum(n.duration for n in child.notes if n.pitch == 72) / 4800 == pytest.approx(0.75, abs=0.05)
    assert any(n.duration == 24 for n in child.notes)  # a note goes on while its parent is drawn
    assert coin((low, high), (0, 1), np.random.default_rng(0)) == high


@unit
def test_the_splice_is_one_after_the_other() -> None:
    low = Melody(tuple(Note(24 * i, 24, 48) for i in range(8)), 192)
    high = Melody(tuple(Note(24 * i, 24, 72) for i in range(8)), 192)
    assert [n.pitch for n in splice((low, high), (0.5, 0.5)).notes] == [48] * 4 + [72] * 4
    assert [n.pitch for n in splice((low, high, low, high), (0.25,) * 4).notes] == [48, 48, 72, 72] * 2
    assert line(splice((low, high), (1, 0))) == line(low)
    assert line(splice((low, high), (0, 1))) == line(high)
    cut = splice((low, high), (0.45, 0.55))  # 86.4 ticks: the cut is on the sixteenth at 84
    assert [(n.onset, n.duration) for n in cut.notes if 72 <= n.onset < 96] == [(72, 12), (84, 12)]


@unit
def test_an_interval_holds_the_mean_and_narrows() -> None:
    rng = np.random.default_rng(1)
    few, many = (estimate(rng.normal(5, 1, count)) for count in (50, 5000))
    assert few.low < few.value < few.high
    assert many.low < 5 < many.high
    # A mean of n has an error of 1 / sqrt(n); 95 % lie within 1.96 of it.
    assert many.high - many.low == pytest.approx(2 * 1.96 / 5000**0.5, rel=0.15)
    assert few.high - few.low > 5 * (many.high - many.low)
    ratio = estimate(np.array([1.0, 9.0]), np.array([1.0, 4.0]))
    assert ratio.value == 2
    assert estimate(np.zeros(3), np.zeros(3)).value == 0


@unit
def test_a_child_that_is_a_parent_ranks_it_above_all_and_is_not_new() -> None:
    figures = weigh(JUDGE, GROUPS, [[group.parents[0]] for group in GROUPS])
    assert figures.novelty.value == 0
    # The first parent ranks above every other song, so the mean of both is 1/2 and half of the second's.
    assert figures.rank.value == pytest.approx(0.5 + figures.rank_weaker.value / 2)
    assert figures.ends is None
    real = sum(JUDGE.nats(g.parents[0]) for g in GROUPS) / sum(len(g.parents[0].notes) for g in GROUPS)
    assert figures.nll.value == pytest.approx(real)


@unit
def test_a_third_song_ranks_by_chance() -> None:
    many = pick_groups(tunes(30), 300)
    rank = weigh(JUDGE, many, [[group.third] for group in many]).rank
    assert rank.low < 0.5 < rank.high or rank.value == pytest.approx(0.5, abs=0.03)


@unit
def test_steps_jumps_ends_and_likeness_of_a_switch() -> None:
    switch = [[g.parents[0]] * 3 + [g.parents[1]] * 2 for g in GROUPS]
    figures = weigh(JUDGE, GROUPS, switch)
    apart = distances([g.parents[0] for g in GROUPS], [g.parents[1] for g in GROUPS]).mean()
    assert figures.ends and figures.step and figures.jump  # noqa: PT018 - for the type checker
    assert figures.ends.value == 1
    assert figures.jump.value == pytest.approx(apart)
    assert figures.step.value == pytest.approx(apart / 4)
    assert figures.similarity[0] == pytest.approx((1, 1 - apart))
    assert figures.similarity[-1] == pytest.approx((1 - apart, 1))
    missed = weigh(JUDGE, GROUPS, [path[::-1] for path in switch])
    assert missed.ends is not None
    assert missed.ends.value == 0


@unit
def test_what_is_invalid_is_counted() -> None:
    sound, silent = tune(0, 2), Melody((), 192)
    counted = invalid([(sound, 192), (silent, 192), (sound, 96), (silent, 24)])
    assert (counted.outputs, counted.empty, counted.wrong_length) == (4, 2, 2)


@model
def test_many_mixes_in_a_batch_are_what_the_stage_plays(bank: Bank) -> None:
    groups = GROUPS[:6]
    chains = [links(bank.model, [parent]) for group in groups for parent in group.parents]
    mixes = [[Voice(chains[at], w), Voice(chains[at + 1], 1 - w)] for at in range(0, 12, 2) for w in (0, 0.4, 0.5, 1)]
    # A voice alone is not held to its span, whatever that says.
    mixes.append([Voice((replace(chains[0][0], span=(30, 30)),), 1.0)])
    wanted = [compose(bank.model, voices, pieces=1) for voices in mixes]
    got = speak(bank.model, mixes)
    assert [line(m) for m in got] == [line(m) for m in wanted]
    assert [m.metres for m in got] == [m.metres for m in wanted]


@model
def test_stored_parents_are_the_ends_of_their_morph(bank: Bank) -> None:
    """Of pieces of the bank's own songs, which are known to be carried by one state each."""
    whole = [preset.melody.cut() for preset in bank.presets if len(preset.melody.cut()) == len(preset.links)]
    phrases = [piece for song in whole for piece in song if piece.length == 192 and piece.notes and not piece.tied][:12]
    chains = store(bank.model, phrases)
    paths = morph(bank.model, list(zip(chains[::2], chains[1::2], strict=True)), morph_ways(3))
    for first, second, path in zip(phrases[::2], phrases[1::2], paths, strict=True):
        assert [line(path[0]), line(path[-1])] == [line(first), line(second)]
    assert any(line(path[1]) not in {line(path[0]), line(path[-1])} for path in paths)


@model
def test_storing_refines(bank: Bank) -> None:
    """Random notes are not music: the encoder alone loses some, and gradient steps find most of them again."""
    phrases = [parent for group in GROUPS for parent in group.parents]
    heard = [links(bank.model, [phrase]) for phrase in phrases]

    def exact(chains: list[Chain]) -> int:
        back = speak(bank.model, [[Voice(chain)] for chain in chains])
        return sum(line(child) == line(phrase) for child, phrase in zip(back, phrases, strict=True))

    assert exact(heard) < exact(store(bank.model, phrases))


@model
def test_the_whole_section_is_reproducible_and_complete(bank: Bank) -> None:
    trial = Trial(steered=0, pairs=6, steps=3, random=10)
    mixing = measure(bank.model, JUDGE, tunes(10), trial)
    assert mixing == measure(bank.model, JUDGE, tunes(10), trial)
    assert mixing is not None
    assert [mixture.voices for mixture in mixing.several] == [4, 8]
    assert mixing.invalid_mixes.outputs == 2 * 6 * 3 + 2 * 2
    assert mixing.invalid_random.outputs == 10
    assert mixing.pairs.splice.rank.value > 0.8
    assert mixing.pairs.splice.nll.value < mixing.pairs.coin.nll.value
    assert mixing.sanity.real.nll.value < mixing.sanity.shuffled.nll.value
    assert isinstance(mixing.incoming.mix, Figures)
    assert mixing.incoming.coin == mixing.pairs.coin


@model
def test_too_few_songs_or_no_middle_are_said(bank: Bank) -> None:
    assert measure(bank.model, JUDGE, tunes(2), Trial(steered=0, pairs=3)) is None
    with pytest.raises(ValueError, match="odd number of steps"):
        measure(bank.model, JUDGE, tunes(8), Trial(steps=4))

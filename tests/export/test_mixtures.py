"""Training mixtures: hybrids are made of their parents, fill their length, and groups hold every phrase."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rnnae_export.mixtures import MIXES, PHRASES, Outline, group, hybrid, key_shift, transposed

from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.tokens import FIRST_PITCH, HOLD, Vocabulary
from tests.export.test_network import tune

pytestmark = pytest.mark.export

VOCABULARY = Vocabulary()


def outline(melody: Melody) -> Outline:
    return Outline.of(VOCABULARY.encode(melody)[0].astype(np.int16), VOCABULARY.ticks)


def line(pitch: int, *durations: int) -> Melody:
    notes, here = [], 0
    for duration in durations:
        notes.append(Note(here, duration, pitch))
        here += duration
    return Melody(tuple(notes), here)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=2, max_size=4, unique=True), st.data())
def test_a_hybrid_fills_its_length_with_parts_of_its_parents(seeds: list[int], data: st.DataObject) -> None:
    outlines = [outline(tune(seed)) for seed in seeds]
    weights = [data.draw(st.floats(0.01, 1.0)) for _ in outlines]
    weights = [weight / sum(weights) for weight in weights]
    made = hybrid(outlines, [0] * len(outlines), weights)
    parents = [sounding(one.tokens) for one in outlines]
    assert len(sounding(made)) == outlines[0].length
    assert all(symbol in here for symbol, *here in zip(sounding(made), *parents, strict=True))


def sounding(tokens: NDArray[np.int16]) -> list[int]:
    """The pitch symbol at every tick, a held note's its own."""
    row: list[int] = []
    for symbol, duration in tokens.tolist():
        row += [row[-1] if symbol == HOLD else symbol] * int(VOCABULARY.ticks[duration])
    return row


def test_a_hybrid_is_the_same_whichever_parent_is_named_first() -> None:
    a, b = outline(tune(1)), outline(tune(2))
    for weight in np.linspace(0, 1, 11):
        one = hybrid([a, b], [0, 0], [1 - weight, weight])
        other = hybrid([b, a], [0, 0], [weight, 1 - weight])
        assert np.array_equal(one, other)


def test_the_higher_parent_comes_first_and_lasts_as_long_as_its_weight() -> None:
    high, low = outline(line(80, *[24] * 8)), outline(line(60, *[24] * 8))
    for share, notes in ((1.0, 8), (0.75, 6), (0.5, 4), (0.1, 1), (0.0, 0)):
        made = hybrid([low, high], [0, 0], [1 - share, share])
        pitches = made[:, 0] - FIRST_PITCH + VOCABULARY.lowest
        assert pitches.tolist() == [80] * notes + [60] * (8 - notes)


def test_a_hybrid_is_joined_where_one_begins_a_note_and_the_other_is_cut() -> None:
    high, low = outline(line(80, 36, 36, 24)), outline(line(60, 24, 48, 24))
    made = hybrid([high, low], [0, 0], [0.5, 0.5])
    # 48, the middle, is a note of neither. 36 is nearer than 72, though the low note there comes in late.
    assert VOCABULARY.ticks[made[:, 1]].tolist() == [36, 36, 24]
    assert (made[:, 0] - FIRST_PITCH + VOCABULARY.lowest).tolist() == [80, 60, 60]


def test_a_seam_that_cuts_nothing_is_chosen_where_it_is_hardly_farther() -> None:
    high, low = outline(line(80, 42, 12, 42)), outline(line(60, 54, 42))
    made = hybrid([high, low], [0, 0], [0.5, 0.5])
    # 42 and 54 are as far from the middle; at 42 the low note would begin late.
    assert VOCABULARY.ticks[made[:, 1]].tolist() == [42, 12, 42]


def test_a_note_that_is_held_on_is_cut_only_where_its_parts_have_durations() -> None:
    long, short = outline(line(70, 48, 55, 89)), outline(line(60, *[12] * 16))
    assert HOLD in long.tokens[:, 0]
    assert long.starts == [0, 48, 103]
    for share in np.linspace(0.05, 0.95, 19):
        made = hybrid([long, short], [0, 0], [share, 1 - share])
        ends = np.cumsum(VOCABULARY.ticks[made[:, 1]])
        seam = max(
            (int(end) for end, pitch in zip(ends, sounding_pitches(made), strict=True) if pitch == 70), default=0
        )
        begun = max(start for start in long.starts if start <= seam)
        assert seam == begun or seam - begun in VOCABULARY.durations or seam == long.length


def sounding_pitches(tokens: NDArray[np.int16]) -> list[int]:
    """The pitch of every token, a held one's its own."""
    pitches: list[int] = []
    for symbol in tokens[:, 0].tolist():
        pitches.append(pitches[-1] if symbol == HOLD else symbol - FIRST_PITCH + VOCABULARY.lowest)
    return pitches


def test_the_key_of_a_transposed_phrase_is_found() -> None:
    first = outline(tune(3))
    for shift in range(-6, 6):
        moved = Outline.of(transposed(first.tokens, shift), VOCABULARY.ticks)
        assert key_shift(first, moved) in (-shift, -shift - 12 if shift < -5 else -shift)


@pytest.mark.parametrize("count", [1, 3, 4, 70])
def test_every_phrase_is_in_one_group_and_the_weights_add_up(count: int) -> None:
    phrases = [VOCABULARY.encode(tune(seed))[0].astype(np.int16) for seed in range(count)]
    groups = list(group(phrases, VOCABULARY, np.random.default_rng(1)))
    assert sum(len(one.phrases) for one in groups) >= count
    assert len(groups) <= -(-count // PHRASES) + 1
    for one in groups:
        assert len(one.phrases) == PHRASES
        assert len(one.hybrids) == MIXES
        assert np.allclose(one.weights.sum(axis=1), 1.0, atol=1e-6)
        assert all((row[:, 0] < VOCABULARY.pitch_symbols).all() for row in (*one.phrases, *one.hybrids))
    rhythms = {tuple(one[:, 1].tolist()) for one in phrases}
    assert {tuple(row[:, 1].tolist()) for one in groups for row in one.phrases} == rhythms

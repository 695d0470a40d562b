"""Tokens: every melody on the grid is spelled in exactly one way and read back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.melody import Melody, join
from rnnae_live.phrase import Metre, Note
from rnnae_live.tokens import BEATS, FIRST_PITCH, HOLD, REST, Vocabulary

VOCABULARY = Vocabulary()


@st.composite
def melodies(draw: st.DrawFn, lowest: int = 36, highest: int = 96) -> Melody:
    gaps = draw(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 400)), min_size=1, max_size=20))
    pitches = draw(st.lists(st.integers(lowest, highest), min_size=len(gaps), max_size=len(gaps)))
    notes, here = [], 0
    for (rest, duration), pitch in zip(gaps, pitches, strict=True):
        notes.append(Note(here + rest, duration, pitch))
        here += rest + duration
    return Melody(tuple(notes), here + draw(st.integers(0, 100)))


@given(melodies())
def test_a_melody_comes_back_as_it_was(melody: Melody) -> None:
    tokens, octaves = VOCABULARY.encode(melody)
    assert VOCABULARY.decode(tokens, octaves=octaves) == melody


@given(melodies(0, 48), st.integers(0, 6))
def test_octaves_outside_the_range_are_remembered(melody: Melody, up: int) -> None:
    moved = Melody(tuple(Note(n.onset, n.duration, n.pitch + 12 * up) for n in melody.notes), melody.length)
    tokens, octaves = VOCABULARY.encode(moved)
    assert tokens[:, 0].max() < VOCABULARY.pitch_symbols
    assert VOCABULARY.decode(tokens, octaves=octaves) == moved


@given(melodies())
def test_pieces_of_two_bars_join_to_the_whole(melody: Melody) -> None:
    back: list[Melody] = []
    for piece in melody.cut():
        tokens, octaves = VOCABULARY.encode(piece)
        last = (
            back[-1].notes[-1].pitch if back and back[-1].notes and back[-1].notes[-1].end == back[-1].length else None
        )
        back.append(VOCABULARY.decode(tokens, octaves=octaves, tie=last))
    assert join(back).notes == melody.notes


def test_a_duration_outside_the_table_is_a_note_and_holds() -> None:
    tokens, _ = VOCABULARY.encode(Melody((Note(0, 27, 60),), 30))
    assert [(p, int(VOCABULARY.ticks[d])) for p, d in tokens.tolist()] == [
        (FIRST_PITCH + 60 - 36, 24),
        (HOLD, 3),
        (REST, 3),
    ]


def test_a_hold_with_nothing_before_it_is_a_rest() -> None:
    assert VOCABULARY.decode(np.array([[HOLD, 5], [FIRST_PITCH, 5]], np.int32)).notes == (Note(5, 5, 36),)


def test_a_tie_is_a_hold_at_the_beginning() -> None:
    piece = Melody((Note(0, 96, 60), Note(96, 192, 64)), 288).cut()[1]
    tokens, _ = VOCABULARY.encode(piece)
    assert tokens[0, 0] == HOLD
    assert VOCABULARY.decode(tokens, tie=64).tied


def test_one_hot_says_pitch_duration_beat_and_tick() -> None:
    tokens, _ = VOCABULARY.encode(Melody((Note(6, 12, 60), Note(30, 18, 62)), 48))
    rows = VOCABULARY.one_hot(tokens)
    assert rows.shape == (4, VOCABULARY.features)
    assert (rows.sum(axis=1) == 4).all()
    beats = VOCABULARY.pitch_symbols + VOCABULARY.duration_symbols
    assert rows[1, FIRST_PITCH + 24] == rows[1, beats] == rows[1, beats + BEATS + 6] == 1
    assert rows[3, FIRST_PITCH + 26] == rows[3, beats + 1] == rows[3, beats + BEATS + 6] == 1


def test_places_go_on_where_a_phrase_was_left() -> None:
    tokens, _ = VOCABULARY.encode(Melody((Note(0, 30, 60), Note(30, 18, 62)), 48))
    whole = VOCABULARY.placed(tokens)
    assert np.array_equal(whole[1:], VOCABULARY.placed(tokens[1:], start=30))
    assert whole[:, 2:].tolist() == [[0, 0], [1, 6]]


@pytest.mark.parametrize(
    ("lowest", "highest", "durations"), [(60, 65, (1,)), (36, 96, ()), (36, 96, (2, 3)), (36, 96, (1, 3, 3))]
)
def test_a_vocabulary_that_cannot_spell_is_refused(lowest: int, highest: int, durations: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Vocabulary(lowest, highest, durations)


def test_a_pickup_is_a_piece_of_its_own() -> None:
    notes = tuple(Note(24 * i, 24, 60 + i) for i in range(17))
    melody = Melody(notes, 17 * 24, (Metre(0, 4, 4),), pickup=24)
    assert [piece.length for piece in melody.cut()] == [24, 192, 192]
    assert join(melody.cut()) == melody

"""Pairs to mix: of different songs, comparable, in one key, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from rnnae_export.pairs import OTHERS, align, line, pick_groups

from rnnae_live.melody import Melody, transpose
from rnnae_live.phrase import Metre, Note

pytestmark = pytest.mark.unit


def tune(seed: int, bars: int = 8, beats: int = 4) -> Melody:
    """Random notes in steps of a scale; ``seed`` + 1 is the velocity, by which a note's song is known."""
    dice = np.random.default_rng(seed)
    notes, onset, step, length = [], 0, 0, 24 * beats * bars
    while onset < length:
        # Every note ends with its bar, so no window begins in the middle of one.
        duration = min(int(dice.choice([6, 12, 24, 36])), 24 * beats - onset % (24 * beats))
        step = max(-7, min(12, step + int(dice.integers(-2, 3))))
        pitch = 60 + 12 * (step // 7) + (0, 2, 4, 5, 7, 9, 11)[step % 7]
        notes.append(Note(onset, duration, pitch, seed + 1))
        onset += duration
    return Melody(tuple(notes), length, (Metre(0, beats, 4),))


def tunes(count: int, beats: int = 4) -> dict[str, Melody]:
    return {f"song {seed}": tune(seed, beats=beats) for seed in range(count)}


@pytest.mark.parametrize("voices", [2, 4, 8])
def test_a_group_is_of_different_songs_in_one_metre(voices: int) -> None:
    mixed = tunes(12) | {f"waltz {seed}": tune(seed, beats=3) for seed in range(20, 32)}
    groups = pick_groups(mixed, 40, voices)
    assert len(groups) == 40
    for group in groups:
        songs = {parent.notes[0].velocity for parent in group.parents}
        assert len(songs) == len(group.parents) == voices
        assert len(group.others) == OTHERS
        assert not songs & {other.notes[0].velocity for other in (*group.others, group.third)}
        assert len({(m.length, m.metres) for m in (*group.parents, *group.others, group.third)}) == 1
        assert all(len(parent.notes) >= 4 and not parent.tied for parent in group.parents)
    assert {group.parents[0].metres[0].numerator for group in groups} == {3, 4}


def test_the_same_seed_gives_the_same_groups() -> None:
    assert pick_groups(tunes(6), 10, seed=1) == pick_groups(tunes(6), 10, seed=1)
    assert pick_groups(tunes(6), 10, seed=1) != pick_groups(tunes(6), 10, seed=2)
    assert pick_groups(tunes(6), 10, seed=1)[:4] == pick_groups(tunes(6), 4, seed=1)


def test_a_phrase_is_moved_into_the_key_of_the_first() -> None:
    first = tune(3, 2)
    for shift in (-5, -1, 0, 4, 5):
        assert line(align(first, transpose(first, shift))) == line(first)
    assert line(align(first, transpose(first, 12))) == line(transpose(first, 12))


def test_a_move_stays_inside_midi() -> None:
    first = Melody((Note(0, 24, 60), Note(24, 24, 64)), 192)
    for edge in (-60, 63):
        moved = align(transpose(first, 3), transpose(first, edge))
        assert {note.pitch % 12 for note in moved.notes} == {3, 7}


def test_ties_pickups_changes_of_metre_and_few_notes_are_left_out() -> None:
    plain = tune(0, 2)
    held = Melody((Note(0, 200, 60, 50), *(Note(200 + 8 * i, 8, 60 + i, 50) for i in range(23))), 384)
    few = Melody((Note(0, 96, 60, 51), Note(96, 96, 62, 51)), 192)
    begun = Melody(tune(52, 3).notes, 288, (Metre(0),), pickup=96)
    changed = Melody(tune(53, 2).notes, 192, (Metre(0), Metre(96, 2, 2)))
    songs = {"a": plain, "b": tune(1, 2), "c": tune(2, 2), "held": held, "few": few, "begun": begun, "changed": changed}
    heard = {m.notes[0].velocity for g in pick_groups(songs, 50) for m in (*g.parents, *g.others, g.third)}
    assert heard <= {1, 2, 3}
    assert len(heard) == 3


def test_too_few_songs_give_no_group() -> None:
    assert pick_groups({}, 5) == []
    assert pick_groups(tunes(2), 5) == []
    assert len(pick_groups(tunes(3), 5)) == 5
    assert pick_groups(tunes(8), 5, voices=8) == []


def test_one_tune_under_many_names_is_no_pair() -> None:
    assert pick_groups({str(copy): transpose(tune(0, 2), copy) for copy in range(4)}, 5) == []

"""Piece by piece on the shipped model: the song and the mix as they are whole, dice that are kept, the scale."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rnnae_live.errors import ModelError
from rnnae_live.melody import Melody, difference, join
from rnnae_live.mixer import Voice, compose
from rnnae_live.presets import Bank
from rnnae_live.scale import PitchClasses, pitch_classes
from rnnae_live.state import Chain
from rnnae_live.voices import BankVoices, Mix

pytestmark = pytest.mark.model

Key = list[tuple[int, int, int]]


@pytest.fixture
def voices(bank: Bank) -> BankVoices:
    return BankVoices(bank)


def walked(voices: BankVoices, mix: Mix, within: PitchClasses | None = None, temperature: float = 0.0) -> Melody:
    """Every piece of a mix, one after the other, joined as the engine plays them."""
    pieces: list[Melody] = []
    for at in range(voices.length(mix)):
        tie = pieces[-1].sounding if pieces else None
        pieces.append(voices.piece(mix, at, tie=tie, within=within, temperature=temperature))
    return join(pieces)


def key(melody: Melody) -> Key:
    return [(note.onset, note.duration, note.pitch) for note in melody.notes]


def mixes(bank: Bank, count: int) -> list[list[tuple[Chain, float]]]:
    """Some mixes of two to four songs of the bank."""
    rng = np.random.default_rng(0)
    return [
        [(bank.presets[i].chain, float(rng.uniform(0.1, 1))) for i in rng.choice(len(bank.presets), rng.integers(2, 5))]
        for _ in range(count)
    ]


def test_the_pieces_of_a_song_are_the_song(bank: Bank, voices: BankVoices) -> None:
    assert len(bank.presets) == 24
    for preset in bank.presets:
        got = walked(voices, [(preset.chain, 1.0)])
        assert difference(preset.melody, got) is None, preset.name
        assert (got.pickup, got.metres) == (preset.pickup, preset.melody.metres)


def test_the_pieces_of_a_mix_are_the_mix(bank: Bank, voices: BankVoices) -> None:
    for mix in mixes(bank, 20):
        whole = compose(bank.model, [Voice(*voice) for voice in mix])
        got = walked(voices, mix)
        assert (key(got), got.length, got.metres) == (key(whole), whole.length, whole.metres)


def test_a_song_is_begun_again_behind_its_end(bank: Bank, voices: BankVoices) -> None:
    mix = [(bank.presets[0].chain, 0.7)]
    assert voices.piece(mix, 1 + 3 * voices.length(mix)) == voices.piece(mix, 1)


def test_several_songs_begin_together_without_their_pickups(bank: Bank, voices: BankVoices) -> None:
    short = next(p for p in bank.presets if p.pickup)
    other = next(p for p in bank.presets if not p.pickup)
    alone, both = [(short.chain, 1.0)], [(short.chain, 1.0), (other.chain, 0.5)]
    assert voices.length(alone) == len(short.chain)
    assert voices.length(both) == max(len(short.chain) - 1, len(other.chain))
    assert voices.length([*alone, (other.chain, 0.0)]) == len(short.chain)
    assert voices.piece(alone, 0).length == short.pickup
    assert voices.piece(both, 0).length == short.chain[1].length


def test_a_map_is_its_cells(bank: Bank, voices: BankVoices) -> None:
    cells = mixes(bank, 16)
    for temperature in (0.0, 1.0):
        made = voices.pieces(cells, 2, temperature=temperature, seed=5)
        assert made == [voices.piece(cell, 2, temperature=temperature, seed=5) for cell in cells]
        assert len({piece.notes for piece in made}) > 8
    assert voices.pieces([], 2) == []


def test_the_same_seed_is_the_same_melody_and_others_are_not(bank: Bank, voices: BankVoices) -> None:
    mix = mixes(bank, 1)[0]
    drawn = [voices.piece(mix, 1, temperature=1.5, seed=seed) for seed in range(6)]
    assert [BankVoices(bank).piece(mix, 1, temperature=1.5, seed=seed) for seed in range(6)] == drawn
    assert len({piece.notes for piece in drawn}) > 3
    assert {piece.length for piece in drawn} == {voices.piece(mix, 1).length}


def test_with_the_same_dice_a_small_move_of_a_knob_changes_less_than_new_dice(bank: Bank, voices: BankVoices) -> None:
    def shared(a: Melody, b: Melody) -> float:
        return len(set(key(a)) & set(key(b))) / max(1, len(set(key(a)) | set(key(b))))

    first, second = bank.presets[0].chain, bank.presets[7].chain
    moves = [[(first, 0.5 + 0.01 * step), (second, 0.5 - 0.01 * step)] for step in range(20)]
    kept = [voices.piece(mix, 1, temperature=1.0, seed=1) for mix in moves]
    new = [voices.piece(mix, 1, temperature=1.0, seed=seed) for seed, mix in enumerate(moves)]
    means = [np.mean([shared(a, b) for a, b in pairwise(pieces)]) for pieces in (kept, new)]
    assert means[0] > means[1]


def test_a_piece_that_begins_by_holding_needs_something_to_hold(bank: Bank, voices: BankVoices) -> None:
    tied = [
        (preset, at, piece)
        for preset in bank.presets
        for at, piece in enumerate(preset.melody.cut())
        if piece.tied and at < len(preset.chain) == len(preset.melody.cut())
    ]
    assert tied
    for preset, at, piece in tied:
        mix = [(preset.chain, 1.0)]
        pitch = piece.notes[0].pitch
        held, free = voices.piece(mix, at, tie=pitch), voices.piece(mix, at)
        assert held.tied
        assert key(held) == key(piece)
        assert not free.tied
        assert key(free) == key(piece)[1:]
        assert voices.piece(mix, at, tie=pitch, within=frozenset({(pitch + 1) % 12})).tied is False


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_every_note_is_in_the_scale(bank: Bank, voices: BankVoices, temperature: float) -> None:
    scales = [pitch_classes("pentatonic minor", 1), pitch_classes("major", 6), frozenset({3})]
    for mix in [*mixes(bank, 6), *([(p.chain, 1.0)] for p in bank.presets[:6])]:
        for scale in scales:
            got = walked(voices, mix, scale, temperature)
            assert got.notes
            assert {note.pitch % 12 for note in got.notes} <= (scale or set())


def test_a_song_in_its_own_scale_stays_as_it_is(bank: Bank, voices: BankVoices) -> None:
    for preset in bank.presets:
        used = frozenset(note.pitch % 12 for note in preset.melody.notes)
        assert difference(preset.melody, walked(voices, [(preset.chain, 1.0)], used)) is None


def test_a_scale_takes_no_notes_away(bank: Bank, voices: BankVoices) -> None:
    free, locked = (
        sum(len(walked(voices, mix, scale).notes) for mix in mixes(bank, 20))
        for scale in (None, pitch_classes("blues", 3))
    )
    assert locked > 0.8 * free


def test_silence_is_refused(bank: Bank, voices: BankVoices) -> None:
    for mix in ([], [(bank.presets[0].chain, 0.0)]):
        assert voices.length(mix) == 0
        with pytest.raises(ModelError, match="weight"):
            voices.piece(mix, 0)

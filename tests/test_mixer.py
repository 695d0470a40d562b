"""The mixer on the shipped model: means of songs, the phrase as one more voice, whole bars."""

from __future__ import annotations

import numpy as np
import pytest

from rnnae_live.errors import ModelError
from rnnae_live.melody import Melody
from rnnae_live.mixer import LEAN, Voice, blend, compose, encode, pieces, play
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank
from rnnae_live.state import mix

pytestmark = pytest.mark.model


def test_one_voice_is_its_song(bank: Bank) -> None:
    preset = bank.presets[0]
    wanted = [(n.onset, n.duration, n.pitch) for n in preset.melody.notes]
    got = compose(bank.model, [Voice(preset.chain, 0.3), Voice(bank.presets[1].chain, 0.0)])
    assert [(n.onset, n.duration, n.pitch) for n in got.notes] == wanted
    assert (got.length, got.pickup) == (preset.length, preset.pickup)


def test_equal_weights_are_the_mean_position_by_position(bank: Bank) -> None:
    plain = [p for p in bank.presets if not p.pickup][:4]
    chains = [p.chain for p in plain]
    mixed = blend([Voice(chain) for chain in chains])
    assert len(mixed) == max(map(len, chains))
    for at, link in enumerate(mixed):
        wanted = mix([chain[at % len(chain)].state for chain in chains], [1] * 4)
        assert link.state.distance(wanted) < 1e-4


def test_a_mean_of_several_songs_is_none_of_them_and_fills_its_bars(bank: Bank) -> None:
    for first, second in zip(bank.presets[:-1], bank.presets[1:], strict=True):
        child = compose(bank.model, [Voice(first.chain), Voice(second.chain)])
        assert child.notes
        assert child.length == sum(link.length for link in blend([Voice(first.chain), Voice(second.chain)]))
        assert child.notes not in {first.melody.notes, second.melody.notes}


def test_a_mix_begins_nearer_to_its_highest_song_and_ends_nearer_to_its_lowest(bank: Bank) -> None:
    for first, second in zip(bank.presets[:-1], bank.presets[1:], strict=True):
        (link,) = blend([Voice(first.chain[-1:]), Voice(second.chain[-1:])])
        assert link.ends is not None
        begin, end = link.ends
        high, low = sorted((first.chain[-1], second.chain[-1]), key=lambda one: one.span or (0, 0), reverse=True)
        if high.span and low.span and sum(high.span) > sum(low.span):
            assert begin.distance(mix([high.state, low.state], [1 + LEAN / 2, 1 - LEAN / 2])) < 1e-4
            assert end.distance(mix([high.state, low.state], [1 - LEAN / 2, 1 + LEAN / 2])) < 1e-4


def test_the_ends_of_a_mix_of_any_weights_have_its_state_between_them(bank: Bank) -> None:
    voices = [
        Voice(preset.chain[-1:], weight) for preset, weight in zip(bank.presets, (0.5, 0.1, 3.0, 0.7), strict=False)
    ]
    (link,) = blend(voices)
    assert link.ends is not None
    assert mix(link.ends, [1, 1]).distance(link.state) < 1e-4


def test_a_faint_voice_hardly_leans(bank: Bank) -> None:
    one, other = bank.presets[0].chain[-1:], bank.presets[1].chain[-1:]
    (link,) = blend([Voice(one, 1.0), Voice(other, 1e-6)])
    assert link.ends is not None
    assert max(end.distance(one[0].state) for end in link.ends) < 1e-3


def test_one_voice_does_not_lean(bank: Bank) -> None:
    assert all(link.ends is None for link in blend([Voice(bank.presets[0].chain, 0.3)]))


def test_a_song_mixed_with_itself_is_that_song(bank: Bank) -> None:
    for preset in bank.presets:
        if not preset.pickup:
            child = compose(bank.model, [Voice(preset.chain), Voice(preset.chain, 0.4)])
            notes = [(n.onset, n.duration, n.pitch) for n in preset.melody.notes]
            assert [(n.onset, n.duration, n.pitch) for n in child.notes] == notes


def test_many_mixes_in_a_batch_are_what_each_is_alone(bank: Bank) -> None:
    chains = [preset.chain for preset in bank.presets[:6]]
    mixes = [[Voice(chains[0], 1.0), Voice(chain, 0.1 * number)] for number, chain in enumerate(chains)]
    together = pieces(bank.model, mixes, 1)
    assert [pieces(bank.model, [voices], 1)[0] for voices in mixes] == together


def test_the_phrase_is_one_more_voice(bank: Bank) -> None:
    phrase = Melody(tuple(Note(24 * i, 24, 60 + 2 * (i % 4)) for i in range(8)), 192)
    chain = encode(bank.model, phrase)
    alone = play(bank.model, chain)
    mixed = compose(bank.model, [Voice(chain, 1.0), Voice(bank.presets[0].chain, 1.0)], pieces=1)
    assert alone.length == mixed.length == 192
    assert alone.notes != mixed.notes


def test_silence_is_refused(bank: Bank) -> None:
    with pytest.raises(ModelError, match="weight"):
        compose(bank.model, [Voice(bank.presets[0].chain, 0.0)])


def test_temperature_gives_many_melodies_of_the_same_bars(bank: Bank) -> None:
    # A stored song's own state is too sure of itself to be moved by dice; between two songs they are heard.
    chain = blend([Voice(bank.presets[0].chain), Voice(bank.presets[7].chain)])
    rng = np.random.default_rng(0)
    drawn = [play(bank.model, chain, temperature=1.5, rng=rng) for _ in range(5)]
    assert len({melody.notes for melody in drawn}) > 1
    assert {melody.length for melody in drawn} == {sum(link.length for link in chain)}


def test_a_mix_keeps_between_the_lowest_and_the_highest_pitch_of_its_songs(bank: Bank) -> None:
    for first, second in zip(bank.presets[:-1], bank.presets[1:], strict=True):
        if first.chain[0].octaves or second.chain[0].octaves:
            continue
        child = compose(bank.model, [Voice(first.chain, 0.6), Voice(second.chain, 0.4)])
        pitches = [n.pitch for p in (first, second) for n in p.melody.notes]
        assert min(pitches) <= min(n.pitch for n in child.notes)
        assert max(n.pitch for n in child.notes) <= max(pitches)

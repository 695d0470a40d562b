"""Any file becomes one voice on the grid, from bytes to notes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from rnnae_live.errors import MidiFileError
from rnnae_live.midifile import read
from rnnae_live.phrase import Note, Part, Phrase
from rnnae_live.song import read_song, song
from tests import harmonist, performer
from tests.performer import ARTICULATIONS, TUNES, file, part


@pytest.mark.parametrize("tune", TUNES)
@pytest.mark.parametrize("ppq", [24, 96, 480, 960])
def test_a_written_tune_is_exact(tune: str, ppq: int) -> None:
    notes, metre = TUNES[tune]
    played = [(on * ppq // 24, (on + duration) * ppq // 24, pitch, 80) for on, duration, pitch in notes]
    result = read_song(performer.song([part(played)], ppq, 100, metre))
    assert [(n.onset, n.duration, n.pitch) for n in result.melody.notes] == notes
    assert (result.exact, result.moved, result.max_shift_ms, result.roots) == (True, 0, 0.0, ())
    assert result.tempo_bpm == 100
    assert result.melody.metres[0].numerator == metre[0]


@pytest.mark.parametrize("articulation", ARTICULATIONS)
@pytest.mark.parametrize("tune", TUNES)
def test_a_performance_comes_back_as_the_notes_that_were_meant(tune: str, articulation: str) -> None:
    notes, metre = TUNES[tune]
    attacks = 0
    for seed, (jitter, bpm, ppq) in enumerate([(4, 76, 480), (8, 100, 960), (10, 116, 240), (12, 128, 480)]):
        played = performer.perform(
            notes, random.Random(seed), ppq=ppq, bpm=bpm, jitter_ms=jitter, articulation=articulation,
            lead_in_ms=(500, 0, 911, 1300)[seed],
        )  # fmt: skip
        result = read_song(performer.song([part(played)], ppq, bpm, metre))
        line = [(n.onset - result.melody.notes[0].onset, n.pitch) for n in result.melody.notes]
        attacks += line == [(onset, pitch) for onset, _, pitch in notes]
        assert result.performed
        assert not result.exact
        assert 0 < result.max_shift_ms < 80
    assert attacks >= 3


def test_a_short_performance_begins_in_the_first_beat() -> None:
    played = performer.perform(performer.ODE[:7], random.Random(2), lead_in_ms=2345, bpm=90)
    melody = read_song(performer.song([part(played)], 480, 90)).melody
    assert [(n.onset, n.pitch) for n in melody.notes] == [(on, pitch) for on, _, pitch in performer.ODE[:7]]
    assert melody.pickup == 0


@pytest.mark.parametrize("style", ["block", "strum", "jitter", "comp", "two hands", "bass track"])
def test_chords_alone_are_the_voice_of_their_roots(style: str) -> None:
    piece = harmonist.piece(style, random.Random(5))
    result = read_song(piece.data)
    assert len(result.melody.notes) >= len(result.roots) >= 0.8 * len(piece.roots)
    assert "no melody" in " ".join(result.notices)
    for onset, duration, pitch_class in result.roots:
        inside = {n.pitch % 12 for n in result.melody.notes if onset <= n.onset < onset + duration}
        assert inside == {pitch_class}


def test_a_melody_above_chords_in_one_track_is_kept() -> None:
    piece = harmonist.piece("melody", random.Random(7))
    result = read_song(piece.data)
    assert [n.pitch for n in result.melody.notes] == [pitch for _, _, pitch in piece.melody]
    assert len(result.roots) >= 0.8 * len(piece.roots)


def test_there_is_no_song_without_notes() -> None:
    with pytest.raises(MidiFileError, match="no notes"):
        read_song(file([]))
    with pytest.raises(MidiFileError, match="only percussion"):
        read_song(file([part([(0, 9, 36, 80)], 9)]))


def test_the_end_of_the_track_keeps_a_last_rest() -> None:
    phrase = Phrase((Part((Note(0, 480, 60), Note(480, 480, 62), Note(960, 480, 64)), length=1920),), 480, 1920)
    assert song(phrase).melody.length == 96
    late = replace(phrase, parts=(replace(phrase.parts[0], length=960_000),))
    assert song(late).melody.length == 72


def test_metres_and_tempo_changes_are_kept() -> None:
    bars = [(0, performer.metre(3, 4)), (1440 * 8, performer.metre(4, 4)), (0, performer.tempo(80)),
            (5000, performer.tempo(140))]  # fmt: skip
    notes = [(480 * i, 480 * i + 480, 60 + i % 5, 80) for i in range(40)]
    result = read_song(file([performer.events(bars), part(notes)]))
    assert [(m.onset, m.numerator) for m in result.melody.metres] == [(0, 3), (576, 4)]
    assert result.tempo_bpm == 80


def test_the_import_of_an_import_is_the_same() -> None:
    for seed in range(20):
        data = performer.arrange(performer.GREENSLEEVES, random.Random(seed), signature=(6, 8), kind=seed % 2)
        first = read_song(data).melody
        phrase = read(data)
        alone = Part(first.notes, length=first.length)
        again = song(replace(phrase, parts=(alone,), ppq=24, metres=first.metres)).melody
        assert (again.notes, again.length) == (first.notes, first.length)

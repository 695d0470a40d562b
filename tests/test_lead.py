"""The melody is the part that sounds like one, wherever it is and whatever it is called."""

from __future__ import annotations

import random

import pytest

from rnnae_live.lead import chords, melody_part, spread_ticks, voices
from rnnae_live.midifile import read
from rnnae_live.phrase import Note, Part, Phrase
from rnnae_live.song import read_song
from tests import performer
from tests.performer import NAMES, TUNES


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("extra", [("bass", "pad", "drums"), ("broken", "bass"), ("pad",)])
@pytest.mark.parametrize("tune", TUNES)
def test_the_tune_is_found_in_any_arrangement(kind: int, names: str, extra: tuple[str, ...], tune: str) -> None:
    notes, signature = TUNES[tune]
    dice = random.Random(f"{kind}{names}{extra}{tune}")
    for ppq in (96, 480):
        data = performer.arrange(notes, dice, ppq=ppq, signature=signature, kind=kind, names=names, extra=extra)
        melody = read_song(data).melody
        assert [(n.onset, n.duration, n.pitch) for n in melody.notes] == notes


def test_percussion_is_no_melody() -> None:
    drums = Part((Note(0, 10, 60),), "Melody", 0, 9)
    assert melody_part(Phrase((drums,))) is None


def test_a_strum_is_one_chord_and_legato_is_none() -> None:
    strum = [Note(0, 480, 60), Note(12, 470, 64), Note(30, 450, 67)]
    legato = [Note(480, 270, 60), Note(720, 260, 62), Note(960, 240, 64)]
    assert [len(group) for group in chords(strum + legato, 40)] == [3, 1, 1, 1]
    line, rest = voices(legato, 40)
    assert (line, rest) == (legato, [])


def test_of_a_double_stop_the_top_note_is_kept() -> None:
    notes = [Note(i * 240, 240, 60 + i % 5) for i in range(16)]
    double = Note(960, 240, 52)
    line, rest = voices(sorted([*notes, double]), 20)
    assert line == notes
    assert rest == [double]


def test_a_hymn_in_one_track_sings_its_top_voice() -> None:
    soprano = [Note(20 * on, 20 * duration, pitch) for on, duration, pitch in performer.ODE]
    below = [Note(n.onset, n.duration, n.pitch - step) for n in soprano for step in (5, 9, 14)]
    phrase = Phrase((Part(tuple(sorted([*soprano, *below]))),), 480, soprano[-1].end)
    line, rest = voices(phrase.parts[0].notes, spread_ticks(phrase))
    assert line == soprano
    assert len(rest) == len(below)


def test_block_chords_have_no_melody() -> None:
    roots = [0, 9, 5, 7, 2, 7, 0, 4]
    notes = [Note(i * 960, 900, 48 + root + step) for i, root in enumerate(roots) for step in (0, 4, 7)]
    assert voices(notes, 40) == ([], notes)


def test_the_choice_says_why() -> None:
    choice = melody_part(read(performer.arrange(performer.ODE, random.Random(3))))
    assert choice is not None
    assert "one note at a time" in choice.why

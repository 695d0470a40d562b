"""What was played, as it is heard: free phrases, and turns in the clock."""

from __future__ import annotations

import pytest

from rnnae_live.capture import Capture, Performance
from rnnae_live.clock import Clock
from rnnae_live.errors import RnnaeError
from rnnae_live.events import NoteOff, NoteOn
from rnnae_live.hearing import from_plain, hear, hear_turn, plain, whole_bars
from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note
from tests.virtual import Echo

pytestmark = pytest.mark.unit

BEAT = 0.5


def performed(*notes: tuple[float, float, int]) -> Performance:
    """A phrase of notes (beat, beats, pitch) at 120 bpm, beginning at second 10."""
    capture = Capture(120.0, 1.0)
    events: list[NoteOn | NoteOff] = []
    for beat, beats, pitch in notes:
        events += [NoteOn(10 + beat * BEAT, 3, pitch, 70), NoteOff(10 + (beat + beats) * BEAT, 3, pitch)]
    for event in sorted(events, key=lambda event: event.time):
        capture.feed(event)
    made = capture.finish(60.0)
    assert made is not None
    return made


def test_a_free_phrase_begins_at_its_first_note_and_fills_its_bars() -> None:
    heard = hear(Echo(), performed((2.0, 1.0, 60), (3.0, 1.0, 62)))
    assert [(note.onset, note.pitch) for note in heard.melody.notes] == [(0, 60), (24, 62)]
    assert heard.melody.length == 96
    assert heard.channel == 3
    assert heard.groove is not None


@pytest.mark.parametrize(("late", "onset"), [(0.0, 24), (0.04, 24), (-0.04, 24)])
def test_a_turn_keeps_its_rests(late: float, onset: int) -> None:
    performance = performed((1.0 + late, 0.9, 60), (2.0 + late, 0.9, 62))
    heard = hear_turn(Echo(), performance, Clock(120.0, 10.0), 0.0, 96, Metre(0))
    assert heard is not None
    assert [(note.onset, note.pitch) for note in heard.melody.notes] == [(onset, 60), (onset + 24, 62)]
    assert heard.melody.length == 96


def test_of_a_turn_only_what_lies_in_it_is_heard() -> None:
    performance = performed((0.0, 1.0, 60), (3.0, 2.0, 62))
    heard = hear_turn(Echo(), performance, Clock(120.0, 10.0), 48.0, 48, Metre(0))
    assert heard is not None
    assert [(note.onset, note.end, note.pitch) for note in heard.melody.notes] == [(24, 48, 62)]
    assert hear_turn(Echo(), performance, Clock(120.0, 10.0), 480.0, 96, Metre(0)) is None


def test_bars_are_filled_and_plain_data_is_the_same_melody() -> None:
    melody = Melody((Note(0, 12, 60, 90),), 100, (Metre(0, 3, 4),), bpm=90.0)
    assert whole_bars(melody).length == 144
    assert from_plain(plain(melody)) == melody


def test_nothing_to_hear_is_an_error_of_ours() -> None:
    empty = performed((0.0, 1.0, 60))
    with pytest.raises(RnnaeError):
        hear(Echo(), Performance(type(empty.phrase)((), empty.phrase.ppq, 0), 0.0, 0.0, 0))

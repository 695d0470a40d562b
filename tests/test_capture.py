"""Keys in, finished phrases out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.capture import LONGEST_NOTE, MOST_NOTES, Capture
from rnnae_live.events import NoteOff, NoteOn
from rnnae_live.phrase import LIVE_PPQ, Note

pytestmark = pytest.mark.unit


def test_a_phrase_starts_with_its_first_note_and_ends_after_a_rest() -> None:
    capture = Capture(120.0, rest=1.0)
    assert capture.ends_at() is None
    assert capture.finish(5.0) is None
    capture.feed(NoteOn(10.0, 2, 60, 100))
    capture.feed(NoteOff(10.5, 2, 60))
    capture.feed(NoteOn(10.5, 2, 62, 50))
    capture.feed(NoteOff(11.25, 2, 62))
    assert capture.ends_at() == 12.25
    done = capture.finish(12.25)
    assert done is not None
    assert done.phrase.parts[0].notes == (Note(0, LIVE_PPQ, 60, 100), Note(LIVE_PPQ, LIVE_PPQ * 3 // 2, 62, 50))
    assert (done.origin, done.end, done.channel) == (10.0, 11.25, 2)
    assert done.phrase.tempos[0].bpm == 120.0
    assert capture.empty


def test_the_notes_of_a_phrase_are_seen_while_it_is_played() -> None:
    capture = Capture(120.0, rest=1.0)
    assert capture.latest(64) == []
    capture.feed(NoteOn(10.0, 2, 60, 100))
    capture.feed(NoteOff(10.5, 2, 60))
    capture.feed(NoteOn(10.5, 2, 62, 50))
    assert capture.latest(64) == [(10.0, 10.5, 60, 100), (10.5, None, 62, 50)]
    assert capture.latest(1) == [(10.5, None, 62, 50)]
    capture.finish(12.0)
    assert capture.latest(64) == []


def test_a_held_note_keeps_the_phrase_open_and_finishing_releases_it() -> None:
    capture = Capture(60.0, rest=1.0)
    capture.feed(NoteOn(0.0, 0, 60, 100))
    assert capture.ends_at() == LONGEST_NOTE + 1.0
    done = capture.finish(2.0)
    assert done is not None
    assert done.phrase.parts[0].notes == (Note(0, 2 * LIVE_PPQ, 60, 100),)
    capture.feed(NoteOff(3.0, 0, 60))
    assert capture.empty


def test_a_second_note_on_of_a_held_key_ends_the_first() -> None:
    capture = Capture(60.0, rest=1.0)
    capture.feed(NoteOn(0.0, 0, 60, 100))
    capture.feed(NoteOn(1.0, 0, 60, 90))
    capture.feed(NoteOff(2.0, 0, 60))
    done = capture.finish(9.0)
    assert done is not None
    assert [(n.onset, n.end) for n in done.phrase.parts[0].notes] == [(0, LIVE_PPQ), (LIVE_PPQ, 2 * LIVE_PPQ)]


def test_a_phrase_is_bounded() -> None:
    capture = Capture(60.0, rest=1.0)
    for number in range(MOST_NOTES + 10):
        capture.feed(NoteOn(0.1 * number, 0, number % 128, 100))
    assert capture.full
    done = capture.finish(1000.0)
    assert done is not None
    assert len(done.phrase.parts[0].notes) == MOST_NOTES
    assert max(note.duration for note in done.phrase.parts[0].notes) <= LONGEST_NOTE * LIVE_PPQ


keys = st.tuples(st.booleans(), st.floats(0, 2), st.integers(0, 2), st.integers(58, 62))


@given(st.lists(keys, max_size=50), st.floats(30, 240))
def test_any_keys_make_a_sound_phrase(script: list[tuple[bool, float, int, int]], bpm: float) -> None:
    capture = Capture(bpm, rest=1.0)
    now, pressed = 0.0, 0
    for on, seconds, channel, pitch in script:
        now += seconds
        capture.feed(NoteOn(now, channel, pitch, 64) if on else NoteOff(now, channel, pitch))
        pressed += on
    done = capture.finish(now)
    assert (done is None) == (pressed == 0)
    if done is not None:
        part = done.phrase.parts[0]
        assert len(part.notes) == pressed
        assert part.notes[0].onset == 0
        assert list(part.notes) == sorted(part.notes)
        assert all(note.duration >= 1 and note.end <= done.phrase.length for note in part.notes)

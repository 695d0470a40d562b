"""What is gathered from the views of an engine, and read back from the files that are made of it."""

from __future__ import annotations

from typing import Any

import pytest

from rnnae_live.errors import MidiFileError
from rnnae_live.midifile import read
from rnnae_live.page.takes import Takes

pytestmark = pytest.mark.unit

SECOND = 60 / (120 * 24)


Plain = dict[str, Any]


def seen(at: float, playing: Plain | None = None, heard: Plain | None = None, bpm: float = 120.0) -> Plain:
    return {
        "at": at,
        "transport": {"bpm": bpm, "origin": 10.0},
        "parts": {"0": {"heard": heard, "playing": playing}},
    }


def piece(start: float, at: int, *pitches: int, length: float = 96) -> dict[str, Any]:
    notes = [[start + 24 * i, start + 24 * i + 20, pitch, 80] for i, pitch in enumerate(pitches)]
    return {"start": start, "length": length, "at": at, "notes": notes}


def pitches(data: bytes) -> list[list[int]]:
    return [[note.pitch for note in part.notes] for part in read(data).parts]


def moment(tick: float) -> float:
    return 10.0 + tick * SECOND


def test_an_answer_of_several_pieces_is_one_file() -> None:
    takes = Takes()
    takes.see(seen(moment(0), piece(0, 0, 60, 62, 64, 65)))
    takes.see(seen(moment(96), piece(96, 1, 67, 69, 71, 72)))
    assert pitches(takes.answer()) == [[60, 62, 64, 65, 67, 69, 71, 72]]
    takes.see(seen(moment(200)))
    assert pitches(takes.answer()) == [[60, 62, 64, 65, 67, 69, 71, 72]]
    ticks = read(takes.answer()).ppq
    assert [note.onset * 24 / ticks for note in read(takes.answer()).parts[0].notes] == pytest.approx(
        [24 * i for i in range(8)], abs=0.1
    )


def test_the_next_answer_is_another_and_the_session_has_both() -> None:
    takes = Takes()
    takes.see(seen(moment(0), piece(0, 0, 60, 62)))
    takes.see(seen(moment(96)))
    takes.see(seen(moment(200), piece(200, 0, 70)))
    takes.see(seen(moment(300)))
    assert pitches(takes.answer()) == [[70]]
    assert pitches(takes.session()) == [[60, 62, 70]]


def test_a_piece_that_changes_is_what_it_became_and_what_was_not_reached_has_not_been_played() -> None:
    takes = Takes()
    takes.see(seen(moment(0), piece(0, 0, 60, 62, 64, 65)))
    takes.see(seen(moment(30), piece(0, 0, 60, 62, 70, 71)))
    takes.see(seen(moment(60)))
    assert pitches(takes.answer()) == [[60, 62, 70]]


def test_the_session_has_what_was_played_in_a_track_of_its_own() -> None:
    takes = Takes()
    heard = {"notes": [[0, 12, 50, 90], [24, 12, 52, 90]], "length": 96}
    takes.see(seen(moment(0)))
    takes.see(seen(moment(36), piece(48, 0, 60), heard))
    takes.see(seen(moment(100), None, heard))
    assert pitches(takes.session()) == [[50, 52], [60]]
    phrase = read(takes.session())
    assert phrase.parts[1].notes[0].onset * 24 / phrase.ppq == pytest.approx(48, abs=0.1)


def test_what_was_heard_before_anybody_looked_is_not_dated_now() -> None:
    takes = Takes()
    takes.see(seen(moment(0), None, {"notes": [[0, 12, 50, 90]], "length": 96}))
    with pytest.raises(MidiFileError, match="Nothing has been played yet"):
        takes.session()


def test_before_anything_there_is_nothing() -> None:
    takes = Takes()
    takes.see({})
    takes.see({"at": 1.0, "player": {}})
    with pytest.raises(MidiFileError, match="Nothing has been answered yet"):
        takes.answer()


def test_each_part_has_its_own_last_answer() -> None:
    takes = Takes()
    both = seen(moment(0), piece(0, 0, 60, 62))
    both["parts"]["1"] = {"heard": None, "playing": piece(0, 0, 40, 43)}
    both["parts"]["2"] = {"heard": None, "playing": None}
    takes.see(both)
    assert [pitches(takes.answer(number)) for number in (0, 1)] == [[[60, 62]], [[40, 43]]]
    for number in (2, 9):
        with pytest.raises(MidiFileError, match="Nothing has been answered"):
            takes.answer(number)

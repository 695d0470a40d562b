"""The bank on the page: rows, the map, and files that become presets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.errors import MidiFileError
from rnnae_live.hearing import from_plain
from rnnae_live.melody import Melody
from rnnae_live.midifile import write
from rnnae_live.mixer import play
from rnnae_live.page.messages import Import
from rnnae_live.page.songs import LARGEST_IMPORT, MARGIN, Songs, places
from rnnae_live.phrase import Metre, Note
from rnnae_live.presets import Bank, make

TUNE = Melody(tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate((60, 64, 67, 72, 71, 67, 64, 62))), 192)


def midi(tmp_path: Path, *tunes: Melody) -> bytes:
    path = tmp_path / "tune.mid"
    write(path, {f"Voice {number}": tune for number, tune in enumerate(tunes, 1)})
    return path.read_bytes()


@pytest.mark.unit
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.integers(0, 1000))
def test_all_songs_are_on_the_map(count: int, seed: int) -> None:
    states = list(np.random.default_rng(seed).normal(size=(count, 16)))
    where = places(states)
    assert len(where) == count
    assert all(MARGIN - 1e-9 <= one <= 1 - MARGIN + 1e-9 for place in where for one in place)
    assert places(states) == where


@pytest.mark.unit
def test_songs_that_are_alike_lie_near_each_other() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(3, 32)) * 10
    states = [centre + rng.normal(size=32) * 0.1 for centre in centres for _ in range(5)]
    where = np.array(places(states)).reshape(3, 5, 2)
    inside = max(np.ptp(where[i], axis=0).max() for i in range(3))
    between = min(np.linalg.norm(where[i].mean(0) - where[j].mean(0)) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert between > 3 * inside


@pytest.mark.unit
def test_a_song_alone_and_two_that_are_the_same_have_a_place() -> None:
    assert places([np.ones(8)]) == [(0.5, 0.5)]
    assert places([np.ones(8), np.ones(8)]) == [(0.5, 0.5)] * 2


@pytest.mark.model
def test_the_factory_bank_has_a_row_and_a_place_for_every_song(bank: Bank) -> None:
    rows = Songs(bank.folder).rows()
    assert [row["name"] for row in rows] == [preset.name for preset in bank.presets]
    assert all(len(row["xy"]) == 2 and row["notes"] and row["bars"] >= 1 for row in rows)
    assert [row["program"] for row in rows] == [
        None if preset.program is None else preset.program + 1 for preset in bank.presets
    ]


@pytest.mark.model
def test_a_row_says_where_the_pieces_begin_that_are_mixed_with_those_of_others(own: Bank, tmp_path: Path) -> None:
    upbeat = Melody(tuple(replace(note, onset=note.onset + 24) for note in TUNE.notes), 216, pickup=24)
    waltz = Melody(tuple(Note(24 * i, 24, 60 + i) for i in range(9)), 216, (Metre(0, 3, 4),))
    songs = Songs(own.folder)
    for name, tune in (("Upbeat", upbeat), ("Waltz", waltz), ("Even", TUNE)):
        own.save(make(own.model, tune, name))
    songs.refresh()
    rows = {row["name"]: row["pieces"] for row in songs.rows()}
    assert rows == {"Upbeat": [24], "Waltz": [0, 144], "Even": [0]}


@pytest.mark.model
def test_a_file_becomes_a_preset_and_goes_into_its_slot(own: Bank, tmp_path: Path) -> None:
    songs = Songs(own.folder)
    report, asked = songs.take(Import("My Tune", midi(tmp_path, TUNE), slot=3, part=1))
    assert report["exact"]
    assert report["stored"]
    assert report["notes"] == [[n.onset, n.duration, n.pitch] for n in TUNE.notes]
    assert asked == {"preset": "My Tune", "slot": 3, "part": 1}
    own.refresh()
    preset = own.find("My Tune")
    assert [n.pitch for n in play(own.model, preset.chain).notes] == [n.pitch for n in TUNE.notes]
    assert [row["name"] for row in songs.rows()] == ["My Tune"]


@pytest.mark.model
def test_what_is_not_exact_is_told_not_stored_and_goes_into_its_slot_all_the_same(
    own: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a step of refinement these notes stay what the encoder makes of them.
    monkeypatch.setattr("rnnae_live.refine.Descent.step", lambda self: True)
    high = Melody(tuple(Note(7 * i, 5, 30 + (i * 37) % 90) for i in range(40)), 280)
    songs = Songs(own.folder)
    report, asked = songs.take(Import("Odd", midi(tmp_path, high), slot=2))
    assert not report["exact"]
    assert report["difference"]["wrong"] > 0
    assert report["difference"]["notes"] == 40
    assert not songs.refresh()
    assert songs.rows() == []
    assert asked["slot"] == 2
    assert asked["melody"]["name"] == "Odd"
    assert len(from_plain(asked["melody"]).notes) == 40


@pytest.mark.model
def test_another_track_can_be_the_melody(own: Bank, tmp_path: Path) -> None:
    low = Melody(tuple(Note(48 * i, 48, 40 + i) for i in range(4)), 192)
    data = midi(tmp_path, TUNE, low)
    songs = Songs(own.folder)
    report, asked = songs.take(Import("Low", data, track=1))
    assert report["tracks"] == ["Voice 1", "Voice 2"]
    assert [pitch for _, _, pitch in report["notes"]] == [40, 41, 42, 43]
    assert asked == {}
    with pytest.raises(MidiFileError, match="There is no track 2"):
        songs.take(Import("None", data, track=2))


@pytest.mark.model
@pytest.mark.parametrize("data", [b"", b"MThd", b"x" * 100, bytes(LARGEST_IMPORT + 1)])
def test_what_is_no_file_is_refused_in_a_sentence(own: Bank, data: bytes) -> None:
    with pytest.raises(MidiFileError, match=r"\.$"):
        Songs(own.folder).take(Import("Bad", data))
    own.refresh()
    assert own.presets == []

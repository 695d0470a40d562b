"""Shards: written once, streamed whole, in the same order for the same seed, in shares for several workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export.mixtures import MIXES, PHRASES, ROWS
from rnnae_export.shards import Index, Recipe, Stream, read_index, write_shards

from rnnae_live.errors import RnnaeError
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.tokens import FIRST_PITCH, Vocabulary
from tests.export.test_network import tune

pytestmark = pytest.mark.export

VOCABULARY = Vocabulary()
SONGS = [(f"tune {seed}", tune(seed, bars=8), "") for seed in range(12)]
RECIPE = Recipe(bars=(2,), passes=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("run") / "shards"
    write_shards(made, [*SONGS, ("empty", None, "it has no note")], RECIPE, "first", workers=1)
    return made


@pytest.fixture(scope="module")
def index(folder: Path) -> Index:
    found = read_index(folder)
    assert found is not None
    return found


def test_the_index_says_what_was_read_and_why_not(index: Index) -> None:
    assert index.songs == 12
    assert index.dropped == {"empty": "it has no note"}
    assert index.pieces == 12 * 7
    assert sum(index.groups.values()) == 12 * 7 // PHRASES


def test_shards_of_the_same_songs_are_not_written_again(folder: Path, index: Index) -> None:
    assert write_shards(folder, [], RECIPE, "first") == index


def test_repeats_count_once(tmp_path: Path) -> None:
    once = write_shards(tmp_path / "once", SONGS[:1], RECIPE, "x", workers=1)
    twice = write_shards(tmp_path / "twice", SONGS[:1] * 2, RECIPE, "x", workers=1)
    assert once.pieces == twice.pieces == 7


def test_songs_without_a_window_are_refused(tmp_path: Path) -> None:
    short = Melody((Note(0, 24, 60),), 24)
    with pytest.raises(RnnaeError, match="no window of whole bars"):
        write_shards(tmp_path / "none", [("short", short, "")], RECIPE, "x", workers=1)
    assert read_index(tmp_path / "none") is None


def rhythms(stream: Stream, index: Index, epoch: int = 0, start: int = 0) -> list[bytes]:
    """The durations of every phrase of an epoch, which no transposition changes, padding apart."""
    rows = []
    for width, items in stream.batches(stream.plan(index, epoch), epoch, start):
        assert items.source.shape[0] == width
        assert items.target.shape[1] == items.source.shape[1] // PHRASES * ROWS
        assert items.weights.shape[1:] == (MIXES, PHRASES)
        source = np.asarray(items.source)[:, :, 1] * np.asarray(items.source_keep)[:, :, 0].astype(int)
        rows += [bytes(source[:, k].tolist()).rstrip(b"\0") for k in range(source.shape[1])]
    return rows


def test_an_epoch_has_every_phrase_once(folder: Path, index: Index) -> None:
    wanted = sorted(
        bytes(VOCABULARY.encode(melody.slice(96 * bar, 96 * bar + 192))[0][:, 1].tolist())
        for _, melody, _ in SONGS
        for bar in range(7)
    )
    assert sorted(rhythms(Stream(folder, 2, 6, "reversed"), index)) == wanted


def test_an_epoch_that_was_cut_goes_on_as_it_would_have(folder: Path, index: Index) -> None:
    stream = Stream(folder, 2, 6, "reversed", seed=3)
    whole = [np.asarray(items.target) for _, items in stream.batches(stream.plan(index, 1), 1)]
    rest = [np.asarray(items.target) for _, items in stream.batches(stream.plan(index, 1), 1, start=4)]
    assert len(rest) == len(whole) - 4
    for a, b in zip(whole[4:], rest, strict=True):
        assert np.array_equal(a, b)
    other = [np.asarray(items.target) for _, items in stream.batches(stream.plan(index, 2), 2)]
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(whole, other, strict=False))


def test_a_transposed_group_stays_in_the_vocabulary_and_moves_as_one(folder: Path, index: Index) -> None:
    still, moved = (Stream(folder, 1, most, "forward") for most in (0, 6))
    shifts = set()
    for (_, a), (_, b) in zip(
        still.batches(still.plan(index, 0), 0), moved.batches(moved.plan(index, 0), 0), strict=True
    ):
        sounding = np.asarray(a.source)[..., 0] >= FIRST_PITCH
        difference = (np.asarray(b.source) - np.asarray(a.source))[..., 0]
        assert len(set(difference[sounding])) == 1
        assert not difference[~sounding].any()
        assert np.asarray(b.source)[..., 0].max() < VOCABULARY.pitch_symbols
        shifts.add(int(difference[sounding][0]))
    assert len(shifts) > 3


def test_workers_share_the_phrases_and_agree_on_the_widths(folder: Path, index: Index) -> None:
    streams = [Stream(folder, 1, 0, "reversed", worker=n, workers=2) for n in range(2)]
    assert streams[0].plan(index, 0) == streams[1].plan(index, 0)
    alone = rhythms(Stream(folder, 1, 0, "reversed"), index)
    shares = [rhythms(stream, index) for stream in streams]
    assert len(shares[0]) == len(shares[1]) >= (len(alone) - 2 * PHRASES * len(index.groups)) // 2
    for rhythm in shares[0] + shares[1]:
        alone.remove(rhythm)

"""The demo on the factory bank: what it claims is so, and its files hold it."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from rnnae_live import demo
from rnnae_live.cli import cli
from rnnae_live.demo import PIECES, STEPS, Result, alike, built_in_phrase
from rnnae_live.melody import PPQ, Melody, difference
from rnnae_live.midifile import read
from rnnae_live.phrase import Note

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def result() -> Result:
    return demo.run()


def test_every_factory_song_comes_back_exactly(result: Result) -> None:
    recall = result.recall
    assert recall.songs == recall.exact_songs == len(result.bank.presets) >= 24
    assert recall.notes == recall.right_notes > 1000
    assert difference(recall.shown.melody, recall.melody) is None


def test_the_answer_is_whole_and_every_note_is_released(result: Result) -> None:
    take = result.take
    assert take.notices == ()
    assert take.sounding == 0
    assert take.messages == 2 * len(take.melody.notes) > 0
    assert take.melody.length == result.phrase.length
    assert 0 < take.seconds < 0.5


def test_the_morph_begins_with_one_song_and_ends_with_the_other(result: Result) -> None:
    assert tuple(step.weight for step in result.morph) == STEPS
    assert result.morph[0].like_first == result.morph[-1].like_second == 1.0
    for step, preset in ((result.morph[0], result.first), (result.morph[-1], result.second)):
        song = preset.melody
        wanted = song.slice(song.pickup, song.pickup + step.melody.length)
        assert difference(wanted, step.melody) is None
    assert {step.melody.length for step in result.morph} == {PIECES * 8 * PPQ}


def test_a_seed_gives_the_same_again_and_another_gives_other_songs(result: Result) -> None:
    again, other = demo.run(), demo.run(seed=1)
    assert [step.melody for step in again.morph] == [step.melody for step in result.morph]
    assert again.take.melody == result.take.melody
    assert (other.first.name, other.second.name) != (result.first.name, result.second.name)


def test_the_phrase_fills_its_bars() -> None:
    phrase = built_in_phrase()
    assert phrase.length == 4 * 4 * PPQ
    assert phrase.bars()[-1] == phrase.length


def test_alike_counts_sixteenths() -> None:
    one = Melody((Note(0, 48, 60),), 96)
    assert alike(one, one) == 1.0
    assert alike(one, Melody((Note(0, 24, 60), Note(24, 24, 62)), 96)) == 0.75
    assert alike(one, Melody((Note(0, 96, 61),), 96)) == 0.0


def test_the_files_hold_what_was_found(result: Result, tmp_path: Path) -> None:
    mid, wav, png = demo.write(result, tmp_path)
    played = read(mid)
    names = [part.name for part in played.parts]
    assert names == ["Phrase", "Answer", f"Recall: {result.recall.shown.name}", "Morph"]
    counts = [len(part.notes) for part in played.parts]
    assert counts[0] == len(result.phrase.notes)
    assert counts[1] == len(result.take.melody.notes)
    assert counts[3] == sum(len(step.melody.notes) for step in result.morph)
    with wave.open(str(wav)) as file:
        assert file.getnframes() / file.getframerate() > 30
    with Image.open(png) as image:
        assert image.height > 7 * 100


def test_the_command_prints_what_it_measured(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "a")])
    assert done.exit_code == 0, done.output
    assert "exact" in done.stdout
    for words in ("1 Recall", "2 Answer", "3 Morph", "Next", "demo.wav"):
        assert words in done.stdout
    assert "\x1b[" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 130


def test_the_command_speaks_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path), "--seed", "3", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["recall"]["exact_songs"] == told["recall"]["songs"]
    assert told["answer"]["unreleased_notes"] == 0
    assert len(told["morph"]["steps"]) == len(STEPS)
    assert all(Path(file).stat().st_size > 0 for file in told["files"])
    assert told["seconds"] < 10


def test_a_missing_bank_and_a_folder_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["demo", "--bank", str(tmp_path / "none")])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "file")])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)

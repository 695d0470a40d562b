"""The commands that need no port: render and preset, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rnnae_live import midifile
from rnnae_live.cli import cli
from rnnae_live.errors import RnnaeError
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank
from rnnae_live.song import read_song

pytestmark = pytest.mark.model

TUNE = Melody(tuple(Note(12 * i, 12, 60 + p) for i, p in enumerate((0, 2, 4, 5, 7, 5, 4, 2) * 4)), 384)


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    midifile.write(tmp_path / "tune.mid", TUNE)
    return tmp_path / "tune.mid"


def test_a_preset_alone_is_recalled_note_for_note(bank: Bank) -> None:
    for preset in bank.presets[:3]:
        record = json.loads(call("render", "-p", f"{preset.name}=1", "--follow", 0, "--json").output)
        assert record["melody"] == [list(n[:3]) for n in preset.notes]
        assert record["pickup"] == preset.pickup
        assert record["ppqn"] == 24


def test_a_phrase_alone_is_the_encoders_own_reading(tune: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mid"
    record = json.loads(call("render", tune, "-o", out, "--json").output)
    assert [[n.onset, n.duration, n.pitch] for n in read_song(out).melody.notes] == record["melody"]
    right = {(n.onset, n.duration, n.pitch) for n in TUNE.notes} & {(a, b, c) for a, b, c in record["melody"]}
    assert len(right) > len(TUNE.notes) / 2


def test_sound_and_picture_are_written(tune: Path, tmp_path: Path) -> None:
    wav, png = tmp_path / "a.wav", tmp_path / "a.png"
    result = call("render", tune, "-p", "Arirang=0.5", "--wav", wav, "--plot", png)
    assert "notes" in result.output
    assert wav.read_bytes()[:4] == b"RIFF"
    assert png.read_bytes()[1:4] == b"PNG"


def test_random_states_follow_their_seed() -> None:
    first, again, other = (call("render", "--random", 1, "--seed", seed, "--json").output for seed in (1, 1, 2))
    assert first == again != other
    assert json.loads(first)["melody"]


@pytest.mark.parametrize("bars", [1, 3, 5])
def test_the_length_is_as_many_bars_as_asked_for(bars: int, tmp_path: Path) -> None:
    out = tmp_path / "out.mid"
    call("render", "-p", "Ode to Joy", "--bars", bars, "-o", out)
    assert max(n.end for n in read_song(out).melody.notes) <= 96 * bars


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["render"], 2),
        (["render", "-p", "Ode to Joi=1"], 1),
        (["render", "-p", "Arirang=x"], 2),
        (["render", "no.mid"], 4),
    ],
)
def test_what_cannot_be_rendered_is_a_sentence(words: list[str], status: int) -> None:
    result = CliRunner().invoke(cli, words)
    if isinstance(result.exception, RnnaeError):
        assert result.exception.exit_status == status
    else:
        assert result.exit_code == status


def test_a_song_is_saved_listed_shown_recalled_and_deleted(tune: Path) -> None:
    saved = json.loads(call("preset", "save", tune, "--name", "Mine", "--program", 99, "--json").output)
    assert saved["exact"]
    assert (saved["notes"], saved["states"]) == (32, 2)
    listed = {row["name"]: row for row in json.loads(call("preset", "list", "--json").output)}
    assert listed["Mine"]["program"] == 99
    assert not listed["Mine"]["factory"]
    assert "32" in call("preset", "show", "Mine").output
    assert "Mine: exact" in call("preset", "check", "Mine").output
    recalled = json.loads(call("render", "-p", "Mine=1", "--follow", 0, "--json").output)
    assert recalled["melody"] == [[n.onset, n.duration, n.pitch] for n in TUNE.notes]
    assert "trash" in call("preset", "delete", "mine").output
    assert "Mine" not in call("preset", "list").output


def test_every_valid_song_is_stored_exactly_or_truthfully(bank: Bank, corpus: Path) -> None:
    from rnnae_export.corpus import read_corpus

    from rnnae_live.melody import difference
    from rnnae_live.mixer import play
    from rnnae_live.presets import make

    songs = read_corpus([corpus / "valid" / "hymns.zip", corpus / "valid" / "riffs.zip"]).melodies
    exact = 0
    for name, melody in songs.items():
        preset = make(bank.model, melody, name)
        assert preset.exact == (difference(melody, play(bank.model, preset.chain)) is None)
        exact += preset.exact
    assert exact == len(songs)

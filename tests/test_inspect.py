"""``inspect`` shows how a file is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rnnae_live.cli import cli
from tests import performer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    notes = [(20 * on, 20 * (on + duration), pitch, 80) for on, duration, pitch in performer.AMAZING]
    file = tmp_path / "grace.mid"
    file.write_bytes(performer.song([performer.part(notes, 0, "Voice")], 480, 90, (3, 4)))
    return file


def test_json_has_the_form_of_the_design(path: Path) -> None:
    result = CliRunner().invoke(cli, ["inspect", str(path), "--json"])
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert record == {
        "ppqn": 24,
        "melody": [list(note) for note in performer.AMAZING],
        "roots": [],
        "exact": True,
        "moved": 0,
        "max_shift_ms": 0.0,
        "metre": [[0, 3, 4]],
        "tempo_bpm": 90.0,
        "pickup": 24,
        "notices": [],
    }


def test_people_see_notes_bars_and_a_piano_roll(path: Path) -> None:
    result = CliRunner().invoke(cli, ["inspect", str(path)])
    assert result.exit_code == 0
    assert "after a pickup of 1 quarter note" in result.stdout
    assert "Voice (the only part)" in result.stdout
    assert "   0 C4/4\n   1 F4/8 A4/2 F4/2\n" in result.stdout
    assert "exact" in result.stdout


def test_a_refused_file_leaves_with_4_and_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.mid").write_text("<html>")
    result = CliRunner().invoke(cli, ["inspect", str(tmp_path / "page.mid"), "--json"])
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1

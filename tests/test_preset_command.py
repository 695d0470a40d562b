"""``rnnae-live preset``: what a user types, reads, and gets as an exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rnnae_live import midifile
from rnnae_live.cli import cli
from rnnae_live.cli.preset import command
from rnnae_live.cli.preset.arguments import complete
from rnnae_live.control.store import change
from rnnae_live.files import home
from rnnae_live.library import Library
from rnnae_live.presets import Bank
from tests.manifests import rewrite

pytestmark = pytest.mark.model


def run(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["preset", *words], catch_exceptions=False, prog_name="rnnae-live")
    assert result.exit_code == status, result.output
    return result


def told(*words: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(run(*words, "--json").stdout)


@pytest.fixture
def song(bank: Bank, tmp_path: Path) -> str:
    """A MIDI file with a factory song."""
    midifile.write(tmp_path / "song.mid", bank.presets[6].melody)
    return str(tmp_path / "song.mid")


def test_a_song_on_program_five_travels_into_an_empty_home(
    song: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--force" in run("save", song, "--name", "My song", "--program", "5", status=1).stderr
    saved = told("save", song, "--name", "My song", "--program", "5", "--force", "--tag", "mine")
    assert saved["exact"]
    assert saved["stored"]
    assert set(saved) >= {"id", "states", "exact", "notes", "refine_steps", "seconds"}
    made = told("blend", "My song=0.4", "ode to joy=0.3", "Greensleeves=0.3", "--name", "Child")
    assert made["exact"]
    assert [row["name"] for row in told("list", "--tag", "mine")] == ["My song"]
    assert told("show", "#5")["name"] == "My song"
    assert "27 of" not in run("check", "My song", "Child").stdout
    out = tmp_path / "bank.zip"
    assert told("export", "--all", "-o", str(out))["presets"] == 26
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path / "empty"))
    assert len(told("list")) == 24
    (taken,) = told("import", str(out))
    assert sorted(taken["stored"]) == ["Child", "My song"]
    assert len(taken["there"]) == 24
    assert told("show", "#5")["name"] == "My song"
    assert run("check", "My song", "Child").stdout.endswith("2 of 2 presets return note for note.\n")


def test_everyday_changes_are_said_and_last(song: str) -> None:
    run("save", song, "--name", "My song")
    assert "'Better' now" in run("rename", "My song", "Better").stdout
    assert told("tag", "better", "Slow", "set 1")["tags"] == ["set 1", "slow"]
    assert told("untag", "better", "slow")["tags"] == ["set 1"]
    assert told("program", "better", "2:7")["program"] == 7
    assert told("slot", "better", "1")["slot"] == 1
    assert told("list")[0]["name"] == "Better"
    scene = told("scene", "better", "follow=0.5", "scale=dorian", "--mode", "loop")["scene"]
    assert scene == {"values": {"follow": 0.5, "scale": "dorian"}, "mode": "loop"}
    assert "There is no map 'verse' yet" in run("scene", "better", "--mapping", "verse").stderr
    change(lambda known: known.having(known.of("Twister"), "verse"))
    assert not run("scene", "better", "--mapping", "verse", "--mode", "").stderr
    assert told("scene", "better")["scene"] == {"values": {"follow": 0.5, "scale": "dorian"}, "mapping": "verse"}
    assert "the map 'verse' of your controller" in run("scene", "better").stdout
    assert told("scene", "better", "--mapping", "")["scene"] == {"values": {"follow": 0.5, "scale": "dorian"}}
    assert told("scene", "better", "--clear")["scene"] is None
    run("duplicate", "Better", "--name", "Other")
    assert "had that program and has none" in run("program", "Other", "2:7", "--force").stdout
    assert told("program", "Other", "none")["program"] is None
    run("delete", "Better", "Other")
    assert [row["name"] for row in told("list", "--trash")] == ["Other", "Better"]
    assert "'Better' is back" in run("restore", "better").stdout
    assert "'Other' is back" in run("undo").stdout
    assert "trash is empty" in run("undo", status=1).stderr
    assert told("show", "better")["tags"] == ["set 1"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["lsit"], 2, "Did you mean 'preset list'?"),
        (["renam", "a", "b"], 2, "Did you mean 'preset rename'?"),
        (["xyzzy"], 2, "There are list, show, save"),
        (["show", "Ode to Joi"], 1, "did you mean 'Ode to Joy'?"),
        (["rename", "Ode to Joy", "x"], 1, "duplicate 'Ode to Joy'"),
        (["delete", "Ode to Joy"], 1, "factory preset"),
        (["program", "Ode to Joy", "129"], 2, "a number from 1 to 128"),
        (["program", "Ode to Joy", "0"], 2, "a number from 1 to 128"),
        (["slot", "Ode to Joy", "9"], 2, "a number from 1 to 8"),
        (["scene", "Ode to Joy", "follow"], 2, "follow=0.3"),
        (["scene", "Ode to Joy", "follow=inf"], 2, "'inf' is no follow: it is a number from 0 to 1"),
        (["scene", "Ode to Joy", "folow=0.3"], 2, "did you mean 'follow'?"),
        (["scene", "Ode to Joy", "scale=doric"], 2, "'doric' is no scale"),
        (["scene", "Ode to Joy", "bpm=90"], 2, "'bpm' is one for all parts"),
        (["scene", "Ode to Joy", "--mode", "lop"], 2, "--mode"),
        (["blend", "Ode to Joy=0", "Greensleeves=0", "--name", "x"], 1, "weight above 0"),
        (["export", "-o", "x.zip"], 2, "--all"),
        (["export", "--all", "-o", "x.json"], 2, "one preset, not 24"),
        (["export", "--all", "-o", "x.tar"], 2, "end in .zip"),
        (["import", "there-is-none.zip"], 1, "cannot be read"),
        (["list", "--bank", "there-is-none"], 1, "is no bank"),
    ],
)
def test_wrong_words_get_a_sentence_with_the_next_step(
    words: list[str], status: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in run(*words, status=status).stderr
    assert not list(tmp_path.iterdir())
    assert not (home() / "songs").exists()


def test_every_command_has_an_example_that_is_one() -> None:
    for name in command.commands:
        shown = run(str(name), "--help").stdout
        assert re.search(rf"^ +Examples?:\n +rnnae-live preset {name}( |$)", shown, re.MULTILINE), shown
    assert "Examples:" in run("--help").stdout


def test_a_pack_of_another_model_becomes_a_bank_or_is_made_again(own: Bank, bank: Bank, tmp_path: Path) -> None:
    own.take_in(bank.presets[:2])
    out = str(tmp_path / "pack.zip")
    run("export", "--all", "-o", out, "--bank", str(own.folder))
    rewrite(own.folder, weights="0" * 64)
    other = str(own.folder)
    assert "--reencode" in run("import", out, "--bank", other, status=1).stderr
    strange = [p.name for p in Library.open(own.folder).strangers]
    assert len(told("delete", strange[0], "--bank", other)) == 1
    (row,) = told("import", out, "--bank", other, "--reencode", "--force")
    assert len(row["stored"]) == 2
    assert [p.model_id for p in Library.open(own.folder).presets] == [Library.open(own.folder).model_id] * 2
    (row,) = told("import", out, "--bank", str(tmp_path / "fresh"))
    assert len(told("list", "--bank", row["bank"])) == 2


def test_shells_are_told_the_names_that_begin_so() -> None:
    names = complete(None, None, "ode")  # type: ignore[arg-type]
    assert names == ["ode-to-joy"]
    assert told("show", names[0])["name"] == "Ode to Joy"


def test_listing_loads_neither_model_nor_arrays() -> None:
    import subprocess
    import sys

    run("list")
    code = (
        "import sys; from rnnae_live.cli import cli; cli.main(['preset', 'list'], standalone_mode=False);"
        "print(sorted({'numpy', 'onnxruntime', 'mido'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(done.stdout.splitlines()) == 26

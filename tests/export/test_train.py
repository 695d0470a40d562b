"""Training runs: the same seed, a kill in the middle, a folder of songs to a bank that plays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export import train as training
from rnnae_export.cli import evaluate, export
from rnnae_export.cli import train as train_command
from rnnae_export.corpus import read_corpus
from rnnae_export.shards import Index, Recipe, write_shards
from rnnae_export.train import SHARDS, Progress, Settings, claim, train

from rnnae_live import midifile
from rnnae_live.errors import RnnaeError
from rnnae_live.presets import Bank
from rnnae_live.tokens import Vocabulary
from tests.export.test_network import tune

pytestmark = [pytest.mark.export, pytest.mark.timeout(600)]

VOCABULARY = Vocabulary()
SETTINGS = Settings(units=16, notes=0.012, batch=8, bars=(2,))


def songs(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for seed in range(count):
        midifile.write(folder / f"{seed:02} tune.mid", tune(seed, bars=8))
    return folder


def shards(run: Path, count: int = 6) -> Index:
    melodies = [(f"tune {seed}", tune(seed, bars=8), "") for seed in range(count)]
    return write_shards(run / SHARDS, melodies, Recipe(bars=(2,)), "tunes", workers=1)


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, noise and hidden tokens are those of the run that was not killed, so the weights are as well."""
    monkeypatch.setattr(training, "LOG_STEPS", 10)
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 7)
    whole = train(tmp_path / "whole", SETTINGS, shards(tmp_path / "whole"), [], lambda _: None)

    class KilledError(BaseException):
        pass

    def kill(line: Progress) -> None:
        raise KilledError

    index = shards(tmp_path / "cut")
    with pytest.raises(KilledError):
        train(tmp_path / "cut", SETTINGS, index, [], kill)
    lines: list[Progress] = []
    resumed = train(tmp_path / "cut", SETTINGS, index, [], lines.append)
    assert lines[0].step == 20
    assert max(np.abs(whole[name] - resumed[name]).max() for name in whole) < 1e-4
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_other_settings_do_not_mix_into_a_run(tmp_path: Path) -> None:
    index = shards(tmp_path / "run")
    claim(tmp_path / "run", SETTINGS)
    with pytest.raises(RnnaeError, match="other settings"):
        train(tmp_path / "run", Settings(units=16, notes=0.02), index, [], lambda _: None)


def test_a_folder_of_songs_becomes_a_bank(tmp_path: Path) -> None:
    """Parity of TensorFlow and ONNX is checked by the export itself, which fails where a token differs."""
    folder = songs(tmp_path / "songs", 8)
    (folder / "broken.mid").write_bytes(b"<html>")
    arguments = ["--runs", str(tmp_path / "runs"), "--name", "x", "--scratch", "--units", "32", "--notes", "0.05",
                 "--batch", "16", "--noise", "0", "--drop", "0", "--transpose", "0", "--learning-rate", "0.01",
                 "--songs", str(folder)]  # fmt: skip
    result = CliRunner().invoke(train_command, [str(folder), *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert "8 songs to learn, 0 to measure with, 1 dropped" in result.output
    assert "broken.mid" in result.output
    assert "left" in result.output
    assert "of 8 songs are stored and return note for note" in result.output
    run = tmp_path / "runs" / "x"
    opened = Bank.open(run / "bank")
    assert opened.model.manifest.units == 32
    assert opened.model.manifest.training["songs"] == 8
    assert "Model card" in (run / "bank" / "MODEL_CARD.md").read_text()
    assert all(preset.exact for preset in opened.presets)

    CliRunner().invoke(
        export,
        [str(run), "--corpus", str(folder), "--bank", str(tmp_path / "bank"), "--songs", str(folder)],
        catch_exceptions=False,
    )
    again = Bank.open(tmp_path / "bank")
    assert again.model.model_id == opened.model.model_id
    assert [preset.name for preset in again.presets] == [preset.name for preset in opened.presets]

    few = ["--pairs", "4", "--random", "10", "--steered", "0", "--json"]
    measured = CliRunner().invoke(evaluate, [str(run / "bank"), "--corpus", str(folder), *few])
    figures = json.loads(measured.output)
    assert figures["two_bars"]["phrases"] == 32
    assert 0 <= figures["two_bars"]["exact"] <= figures["two_bars"]["sixteenths"] <= 1


@pytest.mark.parametrize("content", [None, b"", b"no zip"])
def test_a_source_without_a_melody_is_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "songs.zip"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(RnnaeError, match=r"give a folder or zip file"):
        read_corpus([source])

"""Training runs: the same seed, a kill in the middle, a folder of songs to a bank that plays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export import train as training
from rnnae_export.batches import batches
from rnnae_export.cli import evaluate, export
from rnnae_export.cli import train as train_command
from rnnae_export.corpus import Pieces, cut_pieces, read_corpus
from rnnae_export.train import Progress, Settings, train

from rnnae_live import midifile
from rnnae_live.errors import RnnaeError
from rnnae_live.presets import Bank
from rnnae_live.tokens import Vocabulary
from tests.export.test_network import tune

pytestmark = pytest.mark.export

VOCABULARY = Vocabulary()
SETTINGS = Settings(units=16, notes=0.004, batch=8, bars=(2,))


def songs(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for seed in range(count):
        midifile.write(folder / f"{seed:02} tune.mid", tune(seed, bars=8))
    return folder


@pytest.fixture
def pieces(tmp_path: Path) -> Pieces:
    return cut_pieces(list(read_corpus([songs(tmp_path / "songs")]).melodies.values()), VOCABULARY, (2,))


def test_every_piece_is_seen_once_an_epoch_and_only_transposed(pieces: Pieces) -> None:
    seen = list(batches(pieces, 4, np.random.default_rng(0), transpose=6, order="reversed"))
    assert sum(b.source.shape[1] for b in seen) == len(pieces)
    assert max(int(b.source[..., 0].max()) for b in seen) < VOCABULARY.pitch_symbols


def test_repeats_count_once(tmp_path: Path) -> None:
    folder = songs(tmp_path / "songs", 1)
    once = cut_pieces(list(read_corpus([folder]).melodies.values()), VOCABULARY, (2,))
    twice = cut_pieces(list(read_corpus([folder]).melodies.values()) * 2, VOCABULARY, (2,))
    assert len(once) == len(twice) == 7


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LOG_STEPS", 10)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    quiet = SETTINGS.__class__(**{f: getattr(SETTINGS, f) for f in SETTINGS.__struct_fields__} | {"noise": 0.0})
    whole = train(tmp_path / "whole", quiet, pieces, pieces, lambda _: None)

    class KilledError(Exception):
        pass

    def kill(line: Progress) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        train(tmp_path / "cut", quiet, pieces, pieces, kill)
    lines: list[Progress] = []
    resumed = train(tmp_path / "cut", quiet, pieces, pieces, lines.append)
    assert lines[0].step == 20
    assert max(np.abs(whole[name] - resumed[name]).max() for name in whole) < 1e-4
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_other_settings_do_not_mix_into_a_run(tmp_path: Path, pieces: Pieces) -> None:
    train(tmp_path / "run", SETTINGS, pieces, pieces, lambda _: None)
    with pytest.raises(RnnaeError, match="other settings"):
        train(tmp_path / "run", Settings(units=16, notes=0.02), pieces, pieces, lambda _: None)


def test_a_folder_of_songs_becomes_a_bank(tmp_path: Path) -> None:
    """Parity of TensorFlow and ONNX is checked by the export itself, which fails where a token differs."""
    folder = songs(tmp_path / "songs", 8)
    (folder / "broken.mid").write_bytes(b"<html>")
    arguments = ["--runs", str(tmp_path / "runs"), "--name", "x", "--units", "32", "--notes", "0.05", "--batch", "16",
                 "--noise", "0", "--transpose", "0", "--learning-rate", "0.01"]  # fmt: skip
    result = CliRunner().invoke(train_command, [str(folder), *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert "8 songs read, 1 dropped" in result.output
    assert "broken.mid" in result.output
    assert "left" in result.output
    run = tmp_path / "runs" / "x"
    opened = Bank.open(run / "bank")
    assert opened.model.manifest.units == 32
    assert opened.model.manifest.training["songs"] == 7  # the eighth is kept back to measure with
    assert "Model card" in (run / "bank" / "MODEL_CARD.md").read_text()

    again = CliRunner().invoke(
        export,
        [str(run), "--corpus", str(folder), "--bank", str(tmp_path / "bank"), "--songs", str(folder)],
    )
    assert "8 songs stored" in again.output or "does not come back note for note" in str(again.exception)
    assert Bank.open(tmp_path / "bank").model.model_id == opened.model.model_id

    measured = CliRunner().invoke(evaluate, [str(run / "bank"), "--corpus", str(folder), "--json"])
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

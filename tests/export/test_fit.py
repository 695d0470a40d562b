"""Fitted banks: one state is one whole song through ONNX, a killed fit goes on, and what is not exact is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export import fit as fitting
from rnnae_export.convert import export
from rnnae_export.fit import Fitting, Progress, fit, title
from rnnae_export.fit_cli import fit as fit_command
from rnnae_export.network import AutoEncoder
from rnnae_export.train import Settings
from rnnae_export.whole_songs import Song, build_bank, read_songs

from rnnae_live import midifile
from rnnae_live.decoder import LONGEST
from rnnae_live.errors import MidiFileError, RnnaeError
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import play
from rnnae_live.model import Model
from rnnae_live.phrase import Metre, Note
from rnnae_live.presets import Bank
from rnnae_live.state import Floats
from rnnae_live.tokens import Vocabulary
from tests.export.test_network import tune

pytestmark = [pytest.mark.export, pytest.mark.timeout(600)]

UNITS = 16
RATES = Fitting(rate=2e-2, state_rate=0.1)


def melodies() -> list[Melody]:
    """Three tunes of different lengths, and one with a pickup and a change of metre."""
    last = tune(9, bars=2)
    moved = Melody(last.notes, last.length, (Metre(0, 3, 4), Metre(24 + 72, 2, 4)), pickup=24)
    return [*(tune(seed, bars=bars) for seed, bars in ((1, 3), (2, 4), (3, 6))), moved]


def net_of(seed: int = 0) -> AutoEncoder:
    return AutoEncoder(Vocabulary(), UNITS, seed)


def begun(count: int) -> Floats:
    return np.random.default_rng(0).normal(0.0, 0.1, (count, 2 * UNITS)).astype(np.float32)


def start_bank(folder: Path) -> Model:
    return export(folder, net_of(), Settings(units=UNITS), melodies(), {"name": "start"})


def test_one_state_is_one_whole_song_through_onnx(tmp_path: Path) -> None:
    start = start_bank(tmp_path / "start")
    songs = [Song(f"tune {at}", melody) for at, melody in enumerate(melodies())]
    net, lines = net_of(), list[Progress]()
    fitted = fit(tmp_path / "run", net, [s.tokens for s in songs], begun(4), RATES, 2.0, lines.append)
    assert fitted.right.all()
    stored = build_bank(tmp_path / "bank", net, start, songs, fitted.states, {"name": "x", "training": {}})
    assert [(o.states, o.wrong) for o in stored.outcomes] == [(1, 0)] * 4
    opened = Bank.open(tmp_path / "bank")
    assert len(opened.presets) == 4
    for preset, song in zip(opened.presets, songs, strict=True):
        assert len(preset.chain) == 1
        assert preset.melody == song.melody  # its pickup and its metres too
        assert difference(song.melody, play(opened.model, preset.chain)) is None
    training = opened.model.manifest.training
    assert (training["fitted"], training["songs_as_one_state"]) == (True, 4)
    tokens = songs[0].tokens
    assert opened.model.encode(tokens).distance(start.encode(tokens)) == 0


def test_a_killed_fit_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "LOG_SECONDS", 0.0)
    spelled = [Song("", melody).tokens for melody in melodies()]

    class KilledError(BaseException):
        pass

    def kill(line: Progress) -> None:
        if line.round == 10:
            raise KilledError

    with pytest.raises(KilledError):
        fit(tmp_path, net_of(), spelled, begun(4), RATES, 2.0, kill)
    net, lines = net_of(), list[Progress]()
    fitted = fit(tmp_path, net, spelled, begun(4), RATES, 2.0, lines.append)
    assert lines[0].round == 11
    assert lines[0].loss < 0.9 * np.log(60 * 30)
    assert fitted.right.all()
    rounds = [json.loads(line)["round"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rounds == sorted(set(rounds))


def test_other_songs_do_not_mix_into_a_run(tmp_path: Path) -> None:
    spelled = [Song("", melody).tokens for melody in melodies()]
    assert title(spelled) != title(spelled[1:])
    fit(tmp_path, net_of(), spelled, begun(4), Fitting(songs=title(spelled)), 1e-6, lambda _: None)
    with pytest.raises(RnnaeError, match="other songs"):
        fit(tmp_path, net_of(), spelled[1:], begun(3), Fitting(songs=title(spelled[1:])), 1.0, lambda _: None)


def test_what_one_state_does_not_carry_is_said_and_not_stored_as_exact(tmp_path: Path) -> None:
    """One song has five octaves and one note more, which the vocabulary folds; one is too long; nothing was fitted."""
    start = start_bank(tmp_path / "start")
    wide = Melody((Note(0, 24, 30), Note(24, 24, 100)), 96)
    long = Melody((Note(0, 24, 60),), LONGEST + 96)
    songs = [Song("wide", wide), Song("long", long), Song("tune", tune(7, bars=8))]
    assert [song.fits_one_state for song in songs] == [True, False, True]
    stored = build_bank(tmp_path / "bank", net_of(), start, songs, begun(2), {"name": "x", "training": {}})
    outcomes = {outcome.name: outcome for outcome in stored.outcomes}
    assert (outcomes["wide"].states, outcomes["long"].wrong) == (0, None)
    assert outcomes["wide"].wrong
    assert outcomes["tune"].states != 1
    assert outcomes["tune"].wrong
    opened = Bank.open(tmp_path / "bank")
    assert {p.name for p in opened.presets} == {o.name for o in stored.outcomes if o.states}
    assert all(found is None for _, found in opened.check())


def test_the_command_says_what_is_exact(tmp_path: Path) -> None:
    start_bank(tmp_path / "start")
    folder = tmp_path / "songs"
    folder.mkdir()
    for seed in range(3):
        midifile.write(folder / f"{seed:02}_tune.mid", tune(seed, bars=3))
    (folder / "broken.mid").write_bytes(b"<html>")
    arguments = [str(folder), "--name", "x", "--runs", str(tmp_path), "--start", str(tmp_path / "start")]
    result = CliRunner().invoke(fit_command, [*arguments, "--minutes", "1"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "3 songs, 1 dropped" in result.output
    assert "3 of 3 songs are one state each and return note for note" in result.output
    assert [len(p.links) for p in Bank.open(tmp_path / "x" / "bank").presets] == [1, 1, 1]


def test_songs_of_one_name_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        midifile.write(tmp_path / folder / "tune.mid", tune(ord(folder)))
    assert [song.name for song in read_songs([tmp_path / "a", tmp_path / "b"])[0]] == ["tune", "tune (2)"]
    with pytest.raises(MidiFileError, match="No melody"):
        read_songs([tmp_path / "empty"])

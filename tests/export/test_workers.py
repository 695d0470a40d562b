"""Several workers: the loss of two is that of one within noise, and a run of two that was killed goes on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_live import midifile
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from tests.processes import BOUND

pytestmark = [pytest.mark.export, pytest.mark.timeout(900)]

OPTIONS = [
    "--scratch",
    "--name",
    "run",
    "--units",
    "16",
    "--batch",
    "16",
    "--transpose",
    "0",
    "--learning-rate",
    "0.01",
]

LESSON = ["--notes", "0.013", "--learning-rate", "0.01"]
"""Some 200 steps."""

COMMAND = """
from rnnae_export import train
from rnnae_live.cli import main

train.LOG_STEPS, train.CHECKPOINT_STEPS = 20, 40
main()
"""
"""The command line, which writes down where it is more often than a run of hours does."""


def songs(folder: Path) -> None:
    """Eight songs in half notes: their phrases are short and of few lengths, each of which is compiled."""
    folder.mkdir(parents=True)
    for seed in range(8):
        pitches = np.random.default_rng(seed).integers(55, 80, 16).tolist()
        notes = tuple(Note(48 * at, 48, pitch) for at, pitch in enumerate(pitches))
        midifile.write(folder / f"{seed} tune.mid", Melody(notes, 48 * 16))


def start(folder: Path, workers: int) -> list[subprocess.Popen[str]]:
    """Start the workers of a run on this machine."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    places = [f"127.0.0.1:{one.getsockname()[1]}" for one in listening]
    for one in listening:
        one.close()
    started = []
    for number in range(workers):
        task = {"cluster": {"worker": places}, "task": {"type": "worker", "index": number}}
        config = {"TF_CONFIG": json.dumps(task)} if workers > 1 else {}
        command = [sys.executable, "-c", COMMAND, "train", str(folder / "songs"), "--runs", str(folder), *OPTIONS]
        started.append(
            subprocess.Popen(
                [*BOUND, *command, *LESSON],
                env={**os.environ, **config, "CUDA_VISIBLE_DEVICES": ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return started


def finish(workers: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for all, and return what they said."""
    said = [one.communicate(timeout=540)[0] for one in workers]
    assert [one.returncode for one in workers] == [0] * len(workers), said
    return said


def losses(folder: Path) -> dict[int, float]:
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return {line["step"]: line["loss"] for line in map(json.loads, lines)}


def kill(workers: list[subprocess.Popen[str]]) -> None:
    for one in workers:
        one.kill()
    for one in workers:
        one.communicate()


def test_two_workers_learn_as_one_does_and_go_on_after_a_kill(tmp_path: Path) -> None:
    for name in ("one", "two"):
        songs(tmp_path / name / "songs")
    finish(start(tmp_path / "one", 1))

    two = start(tmp_path / "two", 2)
    try:
        checkpoints = tmp_path / "two" / "run" / "checkpoint"
        deadline = time.monotonic() + 400
        while not list(checkpoints.glob("ckpt-1.index")):
            assert time.monotonic() < deadline
            assert all(one.poll() is None for one in two)
            time.sleep(0.1)
    finally:
        # The machine of one worker is gone; the other cannot go on alone and is stopped by whoever runs them.
        kill(two)
    finish(start(tmp_path / "two", 2))

    alone, together = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(together) == len(set(together))
    shared = sorted(set(alone) & set(together))
    assert len(shared) >= 3
    for step in shared:
        assert together[step] == pytest.approx(alone[step], rel=0.1)
    assert together[shared[-1]] < 0.8 * together[shared[0]]

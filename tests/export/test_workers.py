"""Several workers: the loss of two is that of one within noise, and a run of two that was killed goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from tests.export.test_train import songs
from tests.processes import BOUND

pytestmark = [pytest.mark.export, pytest.mark.timeout(600)]

OPTIONS = ["--scratch", "--name", "run", "--units", "16", "--batch", "16", "--transpose", "0", "--notes"]


def start(folder: Path, notes: str, workers: int) -> list[subprocess.Popen[str]]:
    """Start the workers of a run on this machine."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    places = [f"127.0.0.1:{one.getsockname()[1]}" for one in listening]
    for one in listening:
        one.close()
    started = []
    for number in range(workers):
        task = {"cluster": {"worker": places}, "task": {"type": "worker", "index": number}}
        config = {"TF_CONFIG": json.dumps(task)} if workers > 1 else {}
        command = [sys.executable, "-m", "rnnae_live", "train", str(folder / "songs"), "--runs", str(folder), *OPTIONS]
        started.append(
            subprocess.Popen(
                [*BOUND, *command, notes],
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


def test_two_workers_learn_as_one_does_and_go_on_after_a_kill(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        songs(tmp_path / name / "songs", 8)
    finish(start(tmp_path / "one", "0.2", 1))

    two = start(tmp_path / "two", "0.2", 2)
    checkpoints = tmp_path / "two" / "run" / "checkpoint"
    deadline = time.monotonic() + 200
    while not list(checkpoints.glob("ckpt-1.index")):
        assert time.monotonic() < deadline
        assert all(one.poll() is None for one in two)
        time.sleep(0.1)
    # The machine of one worker is gone; the other cannot go on alone and is stopped by whoever runs them.
    two[1].send_signal(signal.SIGKILL)
    two[0].send_signal(signal.SIGKILL)
    for one in two:
        one.communicate()
    finish(start(tmp_path / "two", "0.2", 2))

    alone, together = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(together) == len(set(together))
    shared = sorted(set(alone) & set(together))
    assert len(shared) >= 3
    for step in shared:
        assert together[step] == pytest.approx(alone[step], rel=0.1)
    assert together[shared[-1]] < 0.8 * together[shared[0]]

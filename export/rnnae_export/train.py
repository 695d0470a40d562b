"""Training: a corpus to the weights of an auto-encoder, in a run folder that survives a kill.

corpus -> [train] -> convert

A run folder holds ``run.json`` (the settings), ``log.jsonl`` (one line every ``LOG_STEPS`` steps, to plot),
``checkpoint/`` (weights, optimizer and position, so that a killed run goes on where it was) and, when it
is done, ``weights.npz``. The same seed on the same machine gives the same batches in the same order.

*Units*: the learning rate follows a cosine over the number of notes (tokens) seen; losses in nats per token.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from rnnae_export.batches import batch, batches
from rnnae_export.corpus import Pieces
from rnnae_export.network import AutoEncoder, Batch, Tensor
from rnnae_live.errors import RnnaeError
from rnnae_live.files import write_whole
from rnnae_live.tokens import Vocabulary

# Every bucket is compiled once, on purpose; TensorFlow warns about that.
tf.get_logger().setLevel("ERROR")

LOG_STEPS = 250
CHECKPOINT_SECONDS = 60.0
WARM_UP_STEPS = 100
FLOOR = 0.02
"""The learning rate ends at this share of its peak."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run learns; ``notes`` in millions of tokens, ``bars`` lengths of the windows."""

    units: int = 128
    order: str = "reversed"
    notes: float = 100.0
    batch: int = 128
    learning_rate: float = 3e-3
    noise: float = 0.1
    l2: float = 1e-4
    transpose: int = 6
    bars: tuple[int, ...] = (1, 2, 4)
    seed: int = 0


class Progress(msgspec.Struct, frozen=True):
    """One line of the log: where the run is; ``loss`` and ``valid`` in nats per token, ``left`` in seconds."""

    step: int
    notes: int
    loss: float
    valid: float
    learning_rate: float
    seconds: float
    left: float


def train(
    run: Path, settings: Settings, pieces: Pieces, valid: Pieces, report: Callable[[Progress], None]
) -> dict[str, Any]:
    """Train until ``settings.notes`` are seen, going on from the run's checkpoint if it has one.

    Returns:
        The weights by name, also written to ``run/weights.npz``.

    Raises:
        RnnaeError: there are too few pieces for one batch, or the run folder was made with other settings.
    """
    _claim(run, settings)
    return _Training(run, settings, pieces, valid).run_to_end(report)


def _claim(run: Path, settings: Settings) -> None:
    file = run / "run.json"
    if file.exists() and msgspec.json.decode(file.read_bytes(), type=Settings) != settings:
        raise RnnaeError(f"{run} was begun with other settings; give another --name, or the settings in {file}.")
    write_whole(file, msgspec.json.format(msgspec.json.encode(settings)))


class _Training:
    """The moving parts of one run."""

    def __init__(self, run: Path, settings: Settings, pieces: Pieces, valid: Pieces) -> None:
        if not len(pieces):
            raise RnnaeError("The corpus has no window of whole bars with two notes or more; add more or longer songs.")
        self.folder, self.settings, self.pieces = run, settings, pieces
        self.net = AutoEncoder(Vocabulary(), settings.units, settings.seed)
        self.optimizer = tf.keras.optimizers.Adam(settings.learning_rate, beta_2=0.99)
        self.optimizer.build(self.net.trainable_variables)
        self.position = {name: tf.Variable(0, dtype=tf.int64) for name in ("step", "notes", "epoch", "batch")}
        self.seconds = tf.Variable(0.0, dtype=tf.float64)
        saved = tf.train.Checkpoint(net=self.net, optimizer=self.optimizer, seconds=self.seconds, **self.position)
        self.checkpoints = tf.train.CheckpointManager(saved, str(run / "checkpoint"), max_to_keep=2)
        self.checkpoints.restore_or_initialize()
        self.steps: dict[int, Callable[..., Any]] = {}
        self.losses: dict[int, Callable[..., Any]] = {}
        self.valid = [
            batch(tokens[::8], lengths[::8], np.zeros(len(lengths[::8]), np.int64), settings.order)
            for tokens, lengths in zip(valid.tokens, valid.lengths, strict=True)
            if len(lengths)
        ]

    def run_to_end(self, report: Callable[[Progress], None]) -> dict[str, Any]:
        end = int(self.settings.notes * 1e6)
        begun, spent = time.monotonic(), float(self.seconds)
        saved, recent = begun, []
        p = {name: int(v) for name, v in self.position.items()}
        while p["notes"] < end:
            rng = np.random.default_rng((self.settings.seed, p["epoch"]))
            epoch = batches(
                self.pieces, self.settings.batch, rng, transpose=self.settings.transpose, order=self.settings.order
            )
            for at, items in enumerate(epoch):
                if at < p["batch"]:
                    continue
                rate = self._rate(p["notes"] / end, p["step"])
                recent.append(float(self._step(items, rate)))
                p = {**p, "step": p["step"] + 1, "batch": at + 1, "notes": p["notes"] + int(items.target_keep.sum())}
                now = time.monotonic()
                self.seconds.assign(spent + now - begun)
                if now - saved > CHECKPOINT_SECONDS:
                    saved = now
                    self._save(p)
                if p["step"] % LOG_STEPS == 0 or p["notes"] >= end:
                    self._log(p, end, recent, rate, report)
                    recent = []
                if p["notes"] >= end:
                    break
            else:
                p = {**p, "epoch": p["epoch"] + 1, "batch": 0}
        self._save(p)
        weights = self.net.weights()
        with (self.folder / "weights.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **weights)
        return weights

    def _rate(self, done: float, step: int) -> float:
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        return float(self.settings.learning_rate * warm * max(FLOOR, 0.5 * (1 + np.cos(np.pi * min(1.0, done)))))

    def _step(self, items: Batch, rate: float) -> Tensor:
        width = len(items.source)
        if width not in self.steps:
            self.steps[width] = tf.function(self._learn, input_signature=[items.signature], autograph=False)
        self.optimizer.learning_rate.assign(rate)
        return self.steps[width](Batch(*map(tf.constant, items)))

    def _learn(self, items: Batch) -> Tensor:
        variables = self.net.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.net.loss(items, self.settings.noise, self.settings.l2)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 1.0)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def _valid_loss(self) -> float:
        total = 0.0
        for items in self.valid:
            width = len(items.source)
            if width not in self.losses:
                loss = functools.partial(self.net.loss, noise=0.0, l2=0.0)
                self.losses[width] = tf.function(loss, input_signature=[items.signature], autograph=False)
            total += float(self.losses[width](Batch(*map(tf.constant, items)))) * float(items.target_keep.sum())
        return total / max(1.0, float(sum(items.target_keep.sum() for items in self.valid)))

    def _save(self, position: dict[str, int]) -> None:
        for name, value in position.items():
            self.position[name].assign(value)
        self.checkpoints.save()

    def _log(
        self, p: dict[str, int], end: int, recent: list[float], rate: float, report: Callable[[Progress], None]
    ) -> None:
        seconds = float(self.seconds)
        left = seconds * (end - p["notes"]) / max(1, p["notes"])
        line = Progress(
            p["step"], p["notes"], float(np.mean(recent)), self._valid_loss(), rate, seconds, max(0.0, left)
        )
        with (self.folder / "log.jsonl").open("ab") as log:
            log.write(msgspec.json.encode(line) + b"\n")
        report(line)

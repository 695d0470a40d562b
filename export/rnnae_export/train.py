"""Training: a corpus to the weights of an auto-encoder, in a run folder that survives a kill.

mixtures, shards -> [train] -> convert

A run folder holds ``run.json`` (the settings), ``shards/`` (what is learned), ``log.jsonl`` (one line every
``LOG_STEPS`` steps, to plot), ``checkpoint/`` (weights, optimizer and position, so that a stopped run goes on where it
was) and, when it is done, ``weights.npz``. The same seed on the same machine gives the same batches, noise and losses.

With TF_CONFIG in the environment the run is one worker of several (``tf.distribute``, MultiWorkerMirroredStrategy):
each reads its share of the shards, their gradients are averaged at every step, and the first one keeps the run folder,
which all must see.

*Units*: the learning rate follows a cosine over the number of notes (tokens) seen; losses in nats per token.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from rnnae_export.mixtures import PHRASES
from rnnae_export.network import AutoEncoder, Batch, Loss, Tensor
from rnnae_export.shards import Index, Stream
from rnnae_live.errors import RnnaeError
from rnnae_live.files import write_whole
from rnnae_live.tokens import Vocabulary

# Every width is compiled once, on purpose; TensorFlow warns about that.
tf.get_logger().setLevel("ERROR")

LOG_STEPS = 250
CHECKPOINT_STEPS = 500
WARM_UP_STEPS = 100
FLOOR = 0.02
"""The learning rate ends at this share of its peak."""

EASED = (0.67, 0.92)
"""Shares of a run between which noise, hidden tokens and the extra weight of hybrids fade away.

They give the space of states its shape; afterwards the phrases themselves are learned to the last note.
"""

SHARDS = "shards"
WEIGHTS = "weights.npz"

Weights = Mapping[str, NDArray[np.float32]]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run learns.

    ``notes`` in millions of tokens; ``batch`` in phrases; ``bars`` are the lengths of the windows; ``noise``, ``l2``,
    ``drop`` and ``mix`` as in ``AutoEncoder.loss``; ``start`` names the weights that it begins with, "" for none.
    """

    units: int = 128
    order: str = "reversed"
    notes: float = 60.0
    batch: int = 128
    learning_rate: float = 3e-3
    noise: float = 0.02
    l2: float = 1e-4
    drop: float = 0.3
    mix: float = 2.0
    transpose: int = 6
    bars: tuple[int, ...] = (1, 2, 4)
    seed: int = 0
    start: str = ""


class Progress(msgspec.Struct, frozen=True):
    """One line of the log: where the run is; losses in nats per token (``valid`` of unseen songs), ``left`` in seconds.

    ``loss`` is of phrases given back, ``mixed`` of hybrids said from means.
    """

    step: int
    notes: int
    loss: float
    mixed: float
    valid: float
    valid_mixed: float
    learning_rate: float
    seconds: float
    left: float


def train(
    run: Path,
    settings: Settings,
    index: Index,
    valid: list[Batch],
    report: Callable[[Progress], None],
    start: Weights | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train on the shards in ``run`` until ``settings.notes`` are seen, going on from its checkpoint if it has one.

    Args:
        run: the run folder, with the shards in it.
        settings: of the run.
        index: of its shards.
        valid: groups of unseen songs, for the log; may be empty.
        report: is told every line of the log.
        start: weights to begin with instead of random ones.

    Returns:
        The weights by name, also written to ``run/weights.npz``.

    Raises:
        RnnaeError: the run folder was made with other settings.
    """
    claim(run, settings)
    return _Training(run, settings, index, valid, start).run_to_end(report)


@functools.cache
def workers() -> tf.distribute.Strategy:
    """Return how this process trains: alone, or with TF_CONFIG in the environment as one of several workers.

    TensorFlow connects workers only before it has computed anything: a command that may be a worker calls this first.
    """
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def worker() -> int:
    """Return the number of this worker among all, 0 for the one that keeps the run folder, also where it is alone."""
    resolver = workers().cluster_resolver
    return int(resolver.task_id or 0) if resolver is not None else 0


def claim(run: Path, settings: Settings) -> None:
    """Make the folder of a run that has these settings.

    Raises:
        RnnaeError: it was made with others.
    """
    file = run / "run.json"
    text = msgspec.json.format(msgspec.json.encode(settings))
    if file.exists() and msgspec.json.format(file.read_bytes()) != text:
        raise RnnaeError(f"{run} was begun with other settings; give another --name, or the settings in {file}.")
    write_whole(file, text)


def strain(done: float) -> float:
    """Return how much of noise, hiding and extra weight is left, 1 to 0, when ``done`` (0-1) of a run is over."""
    begin, end = EASED
    return min(1.0, max(0.0, (end - done) / (end - begin)))


class _Training:
    """The moving parts of one run."""

    def __init__(self, run: Path, settings: Settings, index: Index, valid: list[Batch], start: Weights | None) -> None:
        self.folder, self.settings, self.index, self.valid = run, settings, index, valid
        self.strategy, self.worker = workers(), worker()
        self.workers = self.strategy.num_replicas_in_sync
        with self.strategy.scope():
            self.net = AutoEncoder(Vocabulary(), settings.units, settings.seed, settings.order)
            if start is not None:
                self.net.load(start)
            self.optimizer = tf.keras.optimizers.Adam(settings.learning_rate, beta_2=0.99)
            self.optimizer.build(self.net.trainable_variables)
        self.position = {name: tf.Variable(0, dtype=tf.int64) for name in ("step", "notes", "epoch", "batch")}
        self.seconds = tf.Variable(0.0, dtype=tf.float64)
        saved = tf.train.Checkpoint(net=self.net, optimizer=self.optimizer, seconds=self.seconds, **self.position)
        self.checkpoints = tf.train.CheckpointManager(saved, str(run / "checkpoint"), max_to_keep=2)
        self.checkpoints.restore_or_initialize()
        size = max(1, settings.batch // PHRASES // self.workers)
        self.stream = Stream(
            run / SHARDS, size, settings.transpose, settings.order, settings.seed, self.worker, self.workers
        )
        self.steps: dict[int, Callable[..., tuple[Loss, Tensor]]] = {}
        self.losses: dict[int, Callable[..., Loss]] = {}

    def run_to_end(self, report: Callable[[Progress], None]) -> dict[str, NDArray[np.float32]]:
        end = int(self.settings.notes * 1e6)
        p = {name: int(v) for name, v in self.position.items()}
        begun, recent = time.monotonic() - float(self.seconds), []
        try:
            while p["notes"] < end:
                plan = self.stream.plan(self.index, p["epoch"])
                for width, items in self.stream.batches(plan, p["epoch"], p["batch"]):
                    done = p["notes"] / end
                    rate = self._rate(done, p["step"])
                    loss, seen = self._step(width, items, rate, strain(done), p["step"])
                    recent.append(loss)
                    p = {**p, "step": p["step"] + 1, "batch": p["batch"] + 1, "notes": p["notes"] + int(seen)}
                    self.seconds.assign(time.monotonic() - begun)
                    if p["step"] % CHECKPOINT_STEPS == 0:
                        self._save(p)
                    if p["step"] % LOG_STEPS == 0 or p["notes"] >= end:
                        self._log(p, end, recent, rate, report)
                        recent = []
                    if p["notes"] >= end:
                        break
                else:
                    p = {**p, "epoch": p["epoch"] + 1, "batch": 0}
        finally:
            # Also where it was stopped by hand: the same command goes on from here.
            self._save(p)
        weights = self.net.weights()
        if self.worker == 0:
            with (self.folder / WEIGHTS).open("wb") as file:
                np.savez(file, allow_pickle=False, **weights)
        return weights

    def _rate(self, done: float, step: int) -> float:
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        return float(self.settings.learning_rate * warm * max(FLOOR, 0.5 * (1 + np.cos(np.pi * min(1.0, done)))))

    def _step(self, width: int, items: Batch, rate: float, strain: float, step: int) -> tuple[Loss, Tensor]:
        """Learn a batch; return this worker's loss, and the tokens that all workers have seen."""
        if width not in self.steps:

            def learn(items: Batch, seed: Tensor, strain: Tensor) -> tuple[Loss, Tensor]:
                loss, seen = self.strategy.run(self._learn, (items, seed, strain))
                # Summed, so that all workers agree on where they are and when the run ends.
                return loss, self.strategy.reduce(tf.distribute.ReduceOp.SUM, seen, axis=None)

            signature = [items.signature, tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.float32)]
            self.steps[width] = tf.function(learn, input_signature=signature, autograph=False)
        self.optimizer.learning_rate.assign(rate)
        seed = (self.settings.seed * self.workers + self.worker, 4 * step)
        return self.steps[width](items, tf.constant(seed, tf.int32), tf.constant(strain, tf.float32))

    def _learn(self, items: Batch, seed: Tensor, strain: Tensor) -> tuple[Loss, Tensor]:
        variables, s = self.net.trainable_variables, self.settings
        mix = 1.0 + (s.mix - 1.0) * strain
        with tf.GradientTape() as tape:
            loss = self.net.loss(items, noise=strain * s.noise, l2=s.l2, drop=strain * s.drop, mix=mix, seed=seed)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss.total, variables), 1.0)
        # The optimizer adds up what all workers give.
        share = 1.0 / self.workers
        self.optimizer.apply_gradients(
            zip([tf.convert_to_tensor(g) * share for g in gradients], variables, strict=True)
        )
        return loss, tf.reduce_sum(items.source_keep)

    def _valid_loss(self) -> tuple[float, float]:
        """Return the nats per token of unseen phrases and hybrids, nothing added and nothing hidden."""
        sums = np.zeros(3)
        for items in self.valid:
            width = len(items.source)
            if width not in self.losses:
                self.losses[width] = tf.function(self._quiet, input_signature=[items.signature], autograph=False)
            loss, tokens = self.losses[width](items), float(tf.reduce_sum(items.target_keep))
            sums += tokens * np.array([1.0, float(loss.phrases), float(loss.hybrids)])
        return float(sums[1] / max(1.0, sums[0])), float(sums[2] / max(1.0, sums[0]))

    def _quiet(self, items: Batch) -> Loss:
        return self.net.loss(items, noise=0.0, l2=0.0, drop=0.0, mix=1.0, seed=tf.zeros(2, tf.int32))

    def _save(self, position: Mapping[str, int]) -> None:
        for name, value in position.items():
            self.position[name].assign(value)
        if self.worker == 0:
            self.checkpoints.save()

    def _log(
        self, p: Mapping[str, int], end: int, recent: list[Loss], rate: float, report: Callable[[Progress], None]
    ) -> None:
        if self.worker:
            return
        seconds = float(self.seconds)
        left = max(0.0, seconds * (end - p["notes"]) / max(1, p["notes"]))
        loss, mixed = (float(np.mean([float(x[k]) for x in recent])) for k in (1, 2))
        line = Progress(p["step"], p["notes"], loss, mixed, *self._valid_loss(), rate, seconds, left)
        with (self.folder / "log.jsonl").open("ab") as log:
            log.write(msgspec.json.encode(line) + b"\n")
        report(line)

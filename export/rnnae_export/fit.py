"""Fitting: the decoder of a trained model and one free state a song, tuned together until every song comes back whole.

corpus, convert -> [fit] -> whole_songs

A state of the general model carries a piece of two bars. Here one state (h and c) is one whole song, METHOD's literal
reading: the states are parameters like the decoder's weights, and both go down the gradient (Adam) of the likelihood of
whole songs, each token given those before it and its place. What the decoder never chooses (tags, durations that do not
fit any more) is closed as on stage, so a song is right when each of its tokens leads by ``MARGIN``. The encoder stays
as it is. Songs that are right rest: a share of them is learned in each round, and all of the others. When the time is
up, the decoder rests, and the states alone of the songs that are not right yet move on.

A run folder holds ``fit.json`` (what is fitted), ``log.jsonl`` and ``checkpoint/``: a fit that was stopped goes on.

*Shapes*: T steps, B songs of a batch, N songs, U units; tokens int32 (n, 2); states float32 (N, 2U), h then c.
*Units*: rates are Adam's; losses in nats per token. *Source*: METHOD, composing; states as parameters: Bojanowski et
al., Optimizing the latent space of generative networks (2018).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from rnnae_export.network import AutoEncoder, Tensor, lstm
from rnnae_live.errors import RnnaeError
from rnnae_live.files import write_whole
from rnnae_live.refine import MARGIN
from rnnae_live.state import Floats
from rnnae_live.tokens import REST, START, Tokens, Vocabulary, place

CHUNK = 16
"""Steps that are unrolled; a song is so many of them, one after the other, so that one graph serves every length."""

BATCHES = 12
"""Batches of all songs in a round: with fewer steps a round is worth less, with more the weights move too far between
two visits of a song."""

SMALLEST, LARGEST = 8, 96
"""Songs of a batch."""

REVISITED = 0.25
"""Share of the right songs that are learned in a round none the less: the weights move under them."""

SETTLING = 100
"""Rounds, at most, in which the states alone are moved at the end."""

FULL, FLOOR = 0.6, 0.05
"""Rates are at their peak above ``FULL`` nats per token and fall with the loss to the share ``FLOOR``: at the peak, the
weights move so far between two visits of a song that of a thousand songs not a third becomes right."""

LOG_SECONDS = 10.0
CHECKPOINT_SECONDS = 60.0

CLOSED = -1e9
"""Added to the logits of what cannot be chosen."""


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """What decides a fit: peak rates of weights and states, the seed, the model it begins with and the songs' hash."""

    rate: float = 8e-3
    state_rate: float = 7e-2
    seed: int = 0
    start: str = ""
    songs: str = ""


class Progress(msgspec.Struct, frozen=True):
    """One line of the log: how many songs are right by the last look, the loss of those learned; ``left`` in seconds.

    ``left`` is what is left of the time that was given; a fit ends before it where every song is right.
    """

    round: int
    right: int
    songs: int
    loss: float
    rate: float
    seconds: float
    left: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """States float32 (N, 2U) of the songs, and which of them the tuned decoder returns by the margin, bool (N,)."""

    states: Floats
    right: NDArray[np.bool_]


def fit(
    run: Path,
    net: AutoEncoder,
    songs: Sequence[Tokens],
    states: Floats,
    fitting: Fitting,
    minutes: float,
    report: Callable[[Progress], None],
) -> Fitted:
    """Tune the decoder of ``net`` in place, and states, until every song is right or ``minutes`` are used.

    Args:
        run: the run folder; a fit that it holds goes on, its earlier minutes counted.
        net: with the weights of a trained model.
        songs: tokens int32 (n, 2), n >= 1, in sounding order.
        states: where to begin, float32 (N, 2U).
        fitting: rates and seed, and what names model and songs.
        minutes: wall time, above 0.
        report: is told every line of the log.

    Raises:
        RnnaeError: there are no songs, or the run folder was made of others or with another model.
    """
    if not songs:
        raise RnnaeError(
            "No song is short enough for one state; `rnnae-live preset save` keeps songs as chains of them."
        )
    file = run / "fit.json"
    text = msgspec.json.format(msgspec.json.encode(fitting))
    if file.exists() and file.read_bytes() != text:
        raise RnnaeError(f"{run} was begun with other songs or another model; give another --name.")
    write_whole(file, text)
    return _Fit(run, net, _Sheet.of(songs, reverses=net.reverses), states, fitting).run_to_end(60 * minutes, report)


def title(songs: Sequence[Tokens]) -> str:
    """Return a hash that names songs, for ``Fitting.songs``."""
    return hashlib.sha256(b"".join(np.int64(len(song)).tobytes() + song.tobytes() for song in songs)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """All songs as the decoder meets them, padded.

    ``read`` int32 (T, N, 4), symbols with beat and tick; ``target`` int32 (T, N, 2); ``fits`` int32 (T, N), how many
    duration symbols may be chosen, "none" included, 0 behind the end; ``lengths`` int64 (N,), tokens.
    """

    read: NDArray[np.int32]
    target: NDArray[np.int32]
    fits: NDArray[np.int32]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, songs: Sequence[Tokens], *, reverses: bool) -> _Sheet:
        vocabulary = Vocabulary()
        lengths = np.array([len(song) for song in songs])
        steps = -(-int(lengths.max()) // CHUNK) * CHUNK
        read, target = (np.zeros((steps, len(songs), k), np.int32) for k in (4, 2))
        fits = np.zeros((steps, len(songs)), np.int32)
        for at, song in enumerate(songs):
            said = song[::-1] if reverses else song
            ends = vocabulary.ticks[said[:, 1]].cumsum()
            before = np.concatenate([[0], ends[:-1]])
            left = ends[-1] - before
            given = np.concatenate([[(START, 0)], said[:-1]])
            beats, ticks = place(left if reverses else before)
            rows = slice(len(said))
            read[rows, at] = np.column_stack([given, beats, ticks])
            target[rows, at] = said
            fits[rows, at] = np.searchsorted(vocabulary.ticks, left, side="right")
        return cls(read, target, fits, lengths)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Tensor, ...]:
        """Return (rows, read, target, fits) of some songs, no wider than the longest of them needs."""
        width = -(-int(self.lengths[rows].max()) // CHUNK) * CHUNK
        arrays = (self.read[:width, rows], self.target[:width, rows], self.fits[:width, rows])
        return tuple(tf.constant(array) for array in (rows.astype(np.int32), *arrays))


class _Fit:
    """The moving parts of a fit."""

    def __init__(self, run: Path, net: AutoEncoder, sheet: _Sheet, states: Floats, fitting: Fitting) -> None:
        self.folder, self.net, self.sheet, self.fitting = run, net, sheet, fitting
        self.weights = [v for v in net.trainable_variables if not v.name.startswith("encoder")]
        self.optimizer = tf.keras.optimizers.Adam(fitting.rate, beta_2=0.99)
        self.optimizer.build(self.weights)
        self.states = tf.Variable(states)
        self.moments = [tf.Variable(tf.zeros_like(self.states)) for _ in range(2)]
        self.visits = tf.Variable(tf.zeros([len(states), 1]))
        self.right = tf.Variable(tf.zeros([len(states)], tf.bool))
        self.rate = tf.Variable(1.0)
        self.round = tf.Variable(0, dtype=tf.int64)
        self.seconds = tf.Variable(0.0, dtype=tf.float64)
        named = {name: value for name, value in vars(self).items() if isinstance(value, tf.Variable)}
        saved = tf.train.Checkpoint(net=net, optimizer=self.optimizer, moments=self.moments, **named)
        self.checkpoints = tf.train.CheckpointManager(saved, str(run / "checkpoint"), max_to_keep=2)
        self.checkpoints.restore_or_initialize()
        shapes = [(None,), (None, None, 4), (None, None, 2), (None, None)]
        signature = [tf.TensorSpec(shape, tf.int32) for shape in shapes]
        self.learn = tf.function(
            lambda *batch: self._learn(*batch, tuned=self.weights), input_signature=signature, autograph=False
        )
        self.settle = tf.function(
            lambda *batch: self._learn(*batch, tuned=()), input_signature=signature, autograph=False
        )
        self.look = tf.function(self._look, input_signature=signature, autograph=False)

    def run_to_end(self, budget: float, report: Callable[[Progress], None]) -> Fitted:
        begun = time.monotonic() - float(self.seconds)
        told = saved = float(self.seconds)
        try:
            while not self._all_right() and float(self.seconds) < budget:
                loss = self._round(self.learn, REVISITED)
                self.seconds.assign(time.monotonic() - begun)
                seconds = float(self.seconds)
                if seconds - told > LOG_SECONDS:
                    told = seconds
                    self._log(loss, budget, report)
                if seconds - saved > CHECKPOINT_SECONDS:
                    saved = seconds
                    self.checkpoints.save()
        finally:
            # Also where it was stopped by hand: the same command goes on from here.
            self.checkpoints.save()
        self._look_at_all()
        for _ in range(SETTLING):
            if self.right.numpy().all():
                break
            self._round(self.settle, 0.0)
        return Fitted(self.states.numpy(), self._look_at_all())

    def _round(self, step: Callable[..., tuple[Tensor, Tensor]], revisited: float) -> float:
        """Take a step with each song that is not right and the share ``revisited`` of the others; return their loss."""
        rng = np.random.default_rng((self.fitting.seed, int(self.round)))
        right = self.right.numpy()
        picked = np.flatnonzero(~right | (rng.random(len(right)) < revisited))
        losses = np.zeros(2)
        for rows in self._batches(picked, rng):
            loss, tokens = step(*self.sheet.batch(rows))
            losses += float(loss) * float(tokens), float(tokens)
        self.round.assign_add(1)
        loss = float(losses[0] / max(1.0, losses[1]))
        self.rate.assign(min(1.0, max(FLOOR, loss / FULL)))
        return loss

    def _batches(self, rows: NDArray[np.intp], rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """Yield songs of similar length together, in any order."""
        ordered = rows[np.argsort(self.sheet.lengths[rows] + rng.uniform(0, CHUNK, len(rows)))]
        size = min(LARGEST, max(SMALLEST, len(self.sheet.lengths) // BATCHES))
        count = max(1, -(-len(rows) // size))
        batches = np.array_split(ordered, count)
        for at in rng.permutation(len(batches)):
            if len(batches[at]):
                yield batches[at]

    def _all_right(self) -> bool:
        """Return whether all songs are right, looking at all again before saying so: the weights have moved."""
        return bool(self.right.numpy().all()) and bool(self._look_at_all().all())

    def _look_at_all(self) -> NDArray[np.bool_]:
        """Return which songs are right with the weights as they are, bool (N,)."""
        every = np.argsort(self.sheet.lengths)
        for rows in np.array_split(every, -(-len(every) // LARGEST)):
            self.look(*self.sheet.batch(rows))
        return np.asarray(self.right.numpy())

    def _learn(
        self, rows: Tensor, read: Tensor, target: Tensor, fits: Tensor, *, tuned: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Take a step with the states ``rows`` and the weights ``tuned``; return the loss and its tokens."""
        states = tf.gather(self.states, rows)
        with tf.GradientTape() as tape:
            tape.watch(states)
            nll, leads, real = self._errors(states, read, target, fits)
            tokens = tf.reduce_sum(real)
            loss = tf.reduce_sum(nll * real) / tokens
        *slopes, slope = tape.gradient(loss, [*tuned, states])
        if tuned:
            slopes, _ = tf.clip_by_global_norm(slopes, 1.0)
            self.optimizer.learning_rate.assign(self.fitting.rate * self.rate)
            self.optimizer.apply_gradients(zip(slopes, tuned, strict=True))
        right = self._note(rows, leads)
        # With the decoder at rest, a state that is right stays as it is.
        self._move(rows, slope * tokens, tf.zeros_like(right) if tuned else right)
        return loss, tokens

    def _move(self, rows: Tensor, slope: Tensor, rests: Tensor) -> None:
        """Take a step of Adam with those of the states ``rows`` that do not rest; all others keep their moments."""
        visits = tf.gather(self.visits, rows) + 1.0
        first = 0.9 * tf.gather(self.moments[0], rows) + 0.1 * slope
        second = 0.99 * tf.gather(self.moments[1], rows) + 0.01 * slope * slope
        size = self.fitting.state_rate * self.rate * tf.sqrt(1 - 0.99**visits) / (1 - 0.9**visits)
        size = tf.where(rests[:, None], 0.0, size)
        moved = tf.gather(self.states, rows) - size * first / (tf.sqrt(second) + 1e-8)
        changed = zip((self.visits, *self.moments, self.states), (visits, first, second, moved), strict=True)
        for variable, values in changed:
            variable.scatter_update(tf.IndexedSlices(values, rows))

    def _look(self, rows: Tensor, read: Tensor, target: Tensor, fits: Tensor) -> None:
        self._note(rows, self._errors(tf.gather(self.states, rows), read, target, fits)[1])

    def _note(self, rows: Tensor, leads: Tensor) -> Tensor:
        """Remember which of the songs ``rows`` are right, bool (B,), and return it."""
        right = tf.reduce_all(leads >= MARGIN, axis=0)
        self.right.scatter_update(tf.IndexedSlices(right, rows))
        return right

    def _errors(self, states: Tensor, read: Tensor, target: Tensor, fits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return nats, lead over the next best choice (large behind the end) and 1 for a token, all float32 (T, B)."""
        net = self.net
        real = tf.cast(fits > 0, tf.float32)
        symbols = tf.reshape(read, [-1, 4])
        x = net.rows(symbols, net.decoder_kernel) + net.decoder_bias
        y = self._outputs(tf.reshape(x, [tf.shape(read)[0], -1, 4 * net.units]), real[..., None], states)
        shape = tf.concat([tf.shape(fits), [-1]], axis=0)
        y = tf.reshape(y, [-1, net.units])
        pitches = tf.matmul(y, net.pitch_kernel[:, REST:]) + net.pitch_bias[REST:]
        durations = tf.matmul(y, net.duration_kernel) + tf.gather(net.duration_table, tf.reshape(target[..., 0], [-1]))
        durations = tf.reshape(durations, shape)
        choices = tf.range(net.durations)
        durations += CLOSED * tf.cast((choices == 0) | (choices >= fits[..., None]), tf.float32)
        nll, leads = zip(
            _scored(tf.reshape(pitches, shape), tf.maximum(0, target[..., 0] - REST)),
            _scored(durations, target[..., 1]),
            strict=True,
        )
        return tf.add_n(nll), tf.where(fits > 0, tf.minimum(*leads), -CLOSED), real

    def _outputs(self, x: Tensor, keep: Tensor, states: Tensor) -> Tensor:
        """Return the decoder's outputs (T, B, U) from inputs (T, B, 4U), chunk by chunk."""
        units = self.net.units
        recurrent = tf.convert_to_tensor(self.net.decoder_recurrent)
        count = tf.shape(x)[0] // CHUNK

        def run(at: Tensor, h: Tensor, c: Tensor, said: Tensor) -> tuple[Any, ...]:
            here = slice(at * CHUNK, (at + 1) * CHUNK)
            steps = tf.ensure_shape(x[here], [CHUNK, None, 4 * units])
            y, h, c = lstm(steps, tf.ensure_shape(keep[here], [CHUNK, None, 1]), h, c, recurrent)
            return at + 1, h, c, said.write(at, y)

        said = tf.TensorArray(tf.float32, size=count, element_shape=[CHUNK, None, units])
        h, c = tf.split(states, 2, axis=1)
        *_, said = tf.while_loop(lambda at, *_: at < count, run, (0, h, c, said))
        return tf.reshape(said.stack(), [count * CHUNK, -1, units])

    def _log(self, loss: float, budget: float, report: Callable[[Progress], None]) -> None:
        right, seconds = self.right.numpy(), float(self.seconds)
        line = Progress(
            int(self.round), int(right.sum()), len(right), loss, float(self.rate), seconds, max(0.0, budget - seconds)
        )
        with (self.folder / "log.jsonl").open("ab") as log:
            log.write(msgspec.json.encode(line) + b"\n")
        report(line)


def _scored(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nats of the targets and by how much their logits lead, float32 (T, B)."""
    wanted = tf.one_hot(target, tf.shape(logits)[-1])
    lead = tf.reduce_sum(logits * wanted, axis=-1) - tf.reduce_max(logits + 2 * CLOSED * wanted, axis=-1)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits), lead

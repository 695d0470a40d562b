"""Training groups in files: written once a run, streamed in any size through constant memory.

corpus -> mixtures -> [shards] -> train

The groups of a corpus are written to TFRecord files by their width, the number of tokens that a row is padded to, so
that a batch has one shape. An index beside them holds what was read and a fingerprint of the sources and settings:
a run that is started again with the same ones reads no song twice. Of several workers each reads every n-th record.

*Shapes*: a record holds a group, ``ROWS`` = phrases and hybrids: tokens uint8 (ROWS, width, 2), lengths uint8 (ROWS,),
weights float32 (MIXES, PHRASES). A ``Batch`` has time as its first axis.
*Errors*: ``RnnaeError`` where the sources have no window to learn from.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from rnnae_export.bridges import Bridges
from rnnae_export.corpus import Read, windows
from rnnae_export.mixtures import (
    HYBRIDS,
    MIXES,
    PHRASES,
    ROWS,
    WIDTHS,
    Group,
    Spelled,
    equip,
    equipped_records,
    padded_width,
)
from rnnae_export.network import Batch, Tensor
from rnnae_live.errors import RnnaeError
from rnnae_live.files import write_whole
from rnnae_live.melody import Melody
from rnnae_live.tokens import END, FIRST_PITCH, START, Vocabulary

BLOCK = 4096
"""Phrases of one length that are grouped at once: what is held in memory while shards are written."""

SHUFFLED = 4096
"""Groups among which a stream is shuffled."""

LESSONS = 500_000
"""Notes of the first songs, from which all processes learn how the seams of hybrids are bridged."""

INDEX = "index.json"

PATIENCE = 4 * 3600.0
"""Seconds that a worker waits for the one that writes the shards: 170,000 files take the better part of an hour."""


class Index(msgspec.Struct, frozen=True):
    """What the shards hold: ``groups`` by width, of ``pieces`` different windows of ``songs`` songs; the rest why not.

    ``fingerprint`` is that of the sources and settings; ``tokens`` counts those of all phrases, hybrids apart.
    """

    fingerprint: str
    songs: int
    dropped: dict[str, str]
    pieces: int
    tokens: int
    groups: dict[int, int]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How shards are made.

    ``bars`` of the windows; ``passes``, how often each comes, in other company; whether phrases are moved to the key
    of their company; the seed; the way in which hybrids are made.
    """

    bars: tuple[int, ...]
    passes: int = 2
    move: bool = True
    seed: int = 0
    hybrids: int = HYBRIDS


def write_shards(folder: Path, songs: Iterable[Read], recipe: Recipe, fingerprint: str, workers: int = 2) -> Index:
    """Write the groups of all songs into ``folder`` and return their index; what is there already is used again.

    Args:
        folder: made where it is not there.
        songs: names with their melodies, or with None and the reason.
        recipe: how groups are made.
        fingerprint: names sources and recipe; shards of the same one are up to date.
        workers: processes that form the groups.

    Raises:
        RnnaeError: there is no window with two notes or more.
    """
    there = read_index(folder)
    if there is not None and there.fingerprint == fingerprint:
        return there
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    writer = _Writer(folder, recipe)
    bridges, songs = _lessons(iter(songs), writer.vocabulary)
    # Spawned: a fork of a process with threads, as TensorFlow's, may hang.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, equip, (bridges,)) as pool, ExitStack() as files:
        writer.open(files)
        for name, melody, fault in songs:
            if melody is None:
                writer.dropped[name] = fault
                continue
            writer.songs += 1
            writer.add(melody, pool)
        writer.finish(pool)
    if not writer.pieces:
        raise RnnaeError("The songs have no window of whole bars with two notes or more; add more or longer songs.")
    index = Index(
        fingerprint, writer.songs, writer.dropped, writer.pieces, writer.tokens, dict(sorted(writer.groups.items()))
    )
    write_whole(folder / INDEX, msgspec.json.format(msgspec.json.encode(index)))
    return index


def _lessons(songs: Iterator[Read], vocabulary: Vocabulary) -> tuple[Bridges, Iterator[Read]]:
    """Return what the first songs teach about seams, and the songs, those among them."""
    bridges, heard = Bridges(), []
    for song in songs:
        heard.append(song)
        if song[1] is not None and song[1].length:
            bridges.learn(vocabulary.encode(song[1])[0].astype(np.int16))
        if bridges.notes >= LESSONS:
            break
    return bridges, chain(heard, songs)


def await_shards(folder: Path, fingerprint: str) -> Index:
    """Return the index of shards that another process writes, once it is there.

    Raises:
        RnnaeError: nobody has written it in ``PATIENCE`` seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        there = read_index(folder)
        if there is not None and there.fingerprint == fingerprint:
            return there
        time.sleep(0.5)
    raise RnnaeError(f"No other worker has written {folder}; all workers need the same folder and the same songs.")


def read_index(folder: Path) -> Index | None:
    """Return the index of finished shards, None where there are none."""
    try:
        return msgspec.json.decode((folder / INDEX).read_bytes(), type=Index)
    except (OSError, msgspec.DecodeError, ValueError):
        return None


class _Writer:
    """Windows in, records out: blocks of windows are grouped by other processes and written as they come back."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe
        self.vocabulary = Vocabulary()
        self.songs = self.pieces = self.tokens = self.blocks = 0
        self.dropped: dict[str, str] = {}
        self.groups: dict[int, int] = {}
        self._seen: set[bytes] = set()
        self._waiting: dict[int, list[Spelled]] = {}
        self._running: list[Future[dict[int, list[bytes]]]] = []
        self._files: dict[int, Any] = {}

    def open(self, files: ExitStack) -> None:
        for width in WIDTHS:
            self._files[width] = files.enter_context(tf.io.TFRecordWriter(str(shard(self.folder, width))))

    def add(self, melody: Melody, pool: ProcessPoolExecutor) -> None:
        for window in (w for bars in self.recipe.bars for w in windows(melody, bars)):
            tokens, _ = self.vocabulary.encode(window)
            # A window that has been seen already (a repeat that is written out, a tune in two books) counts once.
            key = hashlib.blake2b(tokens.tobytes(), digest_size=8).digest()
            if len(tokens) > WIDTHS[-1] or key in self._seen:
                continue
            self._seen.add(key)
            self.pieces += 1
            self.tokens += len(tokens)
            waiting = self._waiting.setdefault(window.length, [])
            waiting.append(tokens.astype(np.int16))
            if len(waiting) == BLOCK:
                self._submit(self._waiting.pop(window.length), pool)

    def finish(self, pool: ProcessPoolExecutor) -> None:
        for _, waiting in sorted(self._waiting.items()):
            self._submit(waiting, pool)
        while self._running:
            self._write()

    def _submit(self, phrases: list[Spelled], pool: ProcessPoolExecutor) -> None:
        for part in range(self.recipe.passes):
            seed = (self.recipe.seed, self.blocks, part)
            self._running.append(pool.submit(equipped_records, phrases, self.vocabulary, seed, move=self.recipe.move))
        self.blocks += 1
        while len(self._running) > 2 * self.recipe.passes + 2:
            self._write()

    def _write(self) -> None:
        for width, made in self._running.pop(0).result().items():
            self.groups[width] = self.groups.get(width, 0) + len(made)
            for record in made:
                self._files[width].write(record)


def shard(folder: Path, width: int) -> Path:
    """Return the file of the groups of one width."""
    return folder / f"groups-{width:02}.tfrecord"


@dataclass(frozen=True, slots=True)
class Stream:
    """How shards are read: groups a batch, semitones of transposition, order of the decoder, and which share.

    Of ``workers`` the one numbered ``worker`` reads every ``workers``-th record.
    """

    folder: Path
    size: int
    transpose: int
    order: str
    seed: int = 0
    worker: int = 0
    workers: int = 1

    def plan(self, index: Index, epoch: int) -> list[int]:
        """Return the widths of an epoch's batches in their order, the same for every worker."""
        counts = {width: -(-(groups // self.workers) // self.size) for width, groups in index.groups.items()}
        widths = np.repeat(list(counts), list(counts.values()))
        return [int(width) for width in np.random.default_rng((self.seed, epoch)).permutation(widths)]

    def batches(self, plan: Sequence[int], epoch: int, start: int = 0) -> Iterator[tuple[int, Batch]]:
        """Yield the batches of an epoch's plan with their widths, from number ``start`` on."""
        done = {width: plan[:start].count(width) for width in set(plan)}
        streams = {width: iter(self.dataset(width, epoch).skip(skip)) for width, skip in done.items()}
        for width in plan[start:]:
            yield width, next(streams[width])

    def dataset(self, width: int, epoch: int) -> tf.data.Dataset:
        """Return the batches of one width in the order of one epoch."""
        seed = int(np.random.default_rng((self.seed, epoch, width)).integers(1 << 31))
        data = tf.data.TFRecordDataset(str(shard(self.folder, width)), buffer_size=1 << 20)
        data = data.shard(self.workers, self.worker).shuffle(SHUFFLED, seed=seed).batch(self.size)
        assemble = tf.autograph.experimental.do_not_convert(partial(_assemble, width=width, stream=self, seed=seed))
        return data.enumerate().map(assemble, num_parallel_calls=1, deterministic=True).prefetch(2)


def _assemble(number: Tensor, raw: Tensor, *, width: int, stream: Stream, seed: int) -> Batch:
    """Return records as a batch: transposed, and in the order in which the decoder has to say them."""
    size, edge = ROWS * width * 2, ROWS * width * 2 + ROWS
    numbers = tf.io.decode_raw(raw, tf.uint8)
    tokens = tf.cast(tf.reshape(numbers[:, :size], [-1, ROWS, width, 2]), tf.int32)
    lengths = tf.cast(numbers[:, size:edge], tf.int32)
    floats = tf.io.decode_raw(tf.strings.substr(raw, edge, 4 * MIXES * PHRASES), tf.float32)
    weights = tf.reshape(floats, [-1, MIXES, PHRASES])
    tokens = _transposed(tokens, stream.transpose, tf.stack([tf.cast(seed, tf.int64), number]))
    return together(tokens, lengths, weights, stream.order)


def _transposed(tokens: Tensor, most: int, seed: Tensor) -> Tensor:
    """Move each group by up to ``most`` semitones, as far as the vocabulary has room."""
    sounding = tokens[..., 0] >= FIRST_PITCH
    low = tf.reduce_min(tf.where(sounding, tokens[..., 0], 255), axis=[1, 2])
    high = tf.reduce_max(tf.where(sounding, tokens[..., 0], 0), axis=[1, 2])
    down = tf.clip_by_value(FIRST_PITCH - low, -most, 0)
    up = tf.clip_by_value(Vocabulary().pitch_symbols - 1 - high, 0, most)
    dice = tf.random.stateless_uniform(tf.shape(low), seed)
    shift = down + tf.cast(dice * tf.cast(up - down + 1, tf.float32), tf.int32)
    moved = tf.where(sounding, tokens[..., 0] + shift[:, None, None], tokens[..., 0])
    return tf.stack([moved, tokens[..., 1]], axis=-1)


def together(tokens: Tensor, lengths: Tensor, weights: Tensor, order: str) -> Batch:
    """Return groups as a batch: what the encoder reads, what the decoder is given and what it is to say.

    Args:
        tokens: int32 (N, ROWS, T, 2), padded with anything.
        lengths: int32 (N, ROWS).
        weights: float32 (N, MIXES, PHRASES).
        order: "reversed" (the decoder says the last token first) or "forward".
    """
    width = tokens.shape[2]
    source = tf.reshape(tokens[:, :PHRASES], [-1, width, 2])
    said, last = tf.reshape(tokens, [-1, width, 2]), tf.reshape(lengths, [-1])
    if order == "reversed":
        said = tf.reverse_sequence(said, last, seq_axis=1, batch_axis=0)
    tag = tf.zeros_like(said[:, :1])
    given = tf.concat([tag + tf.constant([START, 0]), said], axis=1)
    steps = tf.range(width + 1)[None]
    ends = tf.equal(steps, last[:, None])[:, :, None]
    target = tf.where(ends, tf.constant([END, 0]), tf.concat([said, tag], axis=1))
    reads = tf.cast(tf.range(width)[None] < tf.reshape(lengths[:, :PHRASES], [-1])[:, None], tf.float32)
    says = tf.cast(steps <= last[:, None], tf.float32)
    arrays = (source, given, target, reads[:, :, None], says[:, :, None])
    return Batch._make([*(tf.transpose(array, [1, 0, 2]) for array in arrays), weights])


def gather(groups: Iterable[Group], order: str) -> list[Batch]:
    """Return groups as one batch for each width, in memory and as they are: what a run is measured with."""
    found: dict[int, list[Group]] = {}
    for one in groups:
        if (padded := padded_width(one)) is not None:
            found.setdefault(padded, []).append(one)
    return [_gathered(some, width, order) for width, some in sorted(found.items())]


def _gathered(groups: Sequence[Group], width: int, order: str) -> Batch:
    tokens = np.zeros((len(groups), ROWS, width, 2), np.int32)
    lengths = np.zeros((len(groups), ROWS), np.int32)
    for n, one in enumerate(groups):
        for k, row in enumerate((*one.phrases, *one.hybrids)):
            tokens[n, k, : len(row)], lengths[n, k] = row, len(row)
    weights = tf.constant(np.stack([one.weights for one in groups]))
    return together(tf.constant(tokens), tf.constant(lengths), weights, order)

"""The network: its hand-written gradient, its learning of one song, and its orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export.batches import batch
from rnnae_export.convert import decode_greedy, encode
from rnnae_export.corpus import cut_pieces
from rnnae_export.network import AutoEncoder, Batch, Tensor, lstm, lstm_step
from rnnae_export.train import Settings, train

from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.tokens import Tokens, Vocabulary

pytestmark = pytest.mark.export

VOCABULARY = Vocabulary()


def tune(seed: int, bars: int = 2) -> Melody:
    rng = np.random.default_rng(seed)
    notes, here = [], 0
    while here < 96 * bars:
        duration = min(int(rng.choice([6, 12, 12, 24])), 96 * bars - here)
        notes.append(Note(here, duration, int(rng.integers(55, 80))))
        here += duration
    return Melody(tuple(notes), 96 * bars)


def test_the_written_gradient_is_the_one_that_tensorflow_derives() -> None:
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(5, 3, 16)), tf.float32)
    keep = tf.constant([[[1.0], [1.0], [1.0]]] * 3 + [[[1.0], [0.0], [1.0]]] + [[[0.0], [0.0], [1.0]]])
    h, c = (tf.constant(rng.normal(size=(3, 4)), tf.float32) for _ in range(2))
    kernel = tf.constant(rng.normal(size=(4, 16)), tf.float32)
    given = [x, h, c, kernel]

    def plain() -> tuple[Tensor, Tensor, Tensor]:
        a, b, outputs = h, c, []
        for t in range(5):
            new_a, new_b = lstm_step(x[t], a, b, kernel, tf.zeros(16))
            a, b = a + keep[t] * (new_a - a), b + keep[t] * (new_b - b)
            outputs.append(a)
        return tf.stack(outputs), a, b

    def loss(outputs: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return tf.reduce_sum(tf.sin(outputs)) + tf.reduce_sum(a * a) + tf.reduce_sum(tf.cos(b))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(given)
        wanted, got = loss(*plain()), loss(*lstm(x, keep, h, c, kernel))
    assert float(wanted) == pytest.approx(float(got), rel=1e-5)
    for a, b in zip(tape.gradient(wanted, given), tape.gradient(got, given), strict=True):
        assert np.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("order", ["reversed", "forward"])
def test_one_song_learned_from_scratch_comes_back_note_for_note(tmp_path: Path, order: str) -> None:
    """METHOD, composing: the state of one learned song gives that song back exactly."""
    song = tune(4, bars=8)
    pieces = cut_pieces([song], VOCABULARY, (2,), 2)
    settings = Settings(order=order, notes=0.02, batch=4, noise=0.0, transpose=0, bars=(2,), learning_rate=1e-2)
    weights = train(tmp_path / "run", settings, pieces, pieces, lambda _: None)
    net = AutoEncoder(VOCABULARY)
    net.load(weights)
    for piece in song.cut():
        tokens, _ = VOCABULARY.encode(piece)
        assert np.array_equal(decode_greedy(net, *encode(net, tokens), tokens, order), tokens)


def test_training_and_export_read_a_phrase_alike() -> None:
    net = AutoEncoder(VOCABULARY, units=16, seed=3)
    tokens: Tokens = VOCABULARY.encode(tune(1))[0]
    padded = np.zeros((2, 32, 2), np.int16)
    padded[:, : len(tokens)] = tokens
    items = batch(padded, np.array([len(tokens)] * 2, np.int16), np.zeros(2, np.int64), "reversed")
    h, c = net.encode(*map(tf.constant, (items.source, items.source_keep)))
    alone = encode(net, tokens)
    assert np.allclose(h[0], alone[0][0], atol=1e-5)
    assert np.allclose(c[1], alone[1][0], atol=1e-5)


def test_a_batch_says_what_it_should_in_both_orders() -> None:
    tokens = np.array([[[10, 3], [11, 4], [3, 5], [0, 0]]], np.int16)
    length, up = np.array([3], np.int16), np.array([2])
    forward = batch(tokens, length, up, "forward")
    assert forward.source[:3, 0].tolist() == [[12, 3], [13, 4], [3, 5]]
    assert forward.given[:4, 0].tolist() == [[0, 0], [12, 3], [13, 4], [3, 5]]
    assert forward.target[:4, 0].tolist() == [[12, 3], [13, 4], [3, 5], [1, 0]]
    assert batch(tokens, length, up, "reversed").target[:4, 0].tolist() == [[3, 5], [13, 4], [12, 3], [1, 0]]
    assert forward.source_keep[:, 0, 0].tolist() == [1, 1, 1, 0]
    assert forward.target_keep[:, 0, 0].tolist() == [1, 1, 1, 1, 0]


def test_the_loss_of_an_untrained_net_is_near_uniform() -> None:
    net = AutoEncoder(VOCABULARY, units=8)
    padded = np.zeros((4, 32, 2), np.int16)
    phrases = [VOCABULARY.encode(tune(seed))[0] for seed in range(4)]
    for row, tokens in enumerate(phrases):
        padded[row, : len(tokens)] = tokens
    items = batch(padded, np.array([len(t) for t in phrases], np.int16), np.zeros(4, np.int64), "reversed")
    uniform = np.log(VOCABULARY.pitch_symbols * VOCABULARY.duration_symbols)
    assert float(net.loss(Batch(*map(tf.constant, items)), 0.0, 0.0)) == pytest.approx(uniform, rel=0.1)

"""The network: its hand-written gradient, its learning of one song, and its orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="the [train] extra is not installed")

from rnnae_export.convert import decode_greedy, encode
from rnnae_export.mixtures import PHRASES, group
from rnnae_export.network import AutoEncoder, Loss, Tensor, lstm, lstm_step
from rnnae_export.shards import Recipe, gather, together, write_shards
from rnnae_export.train import SHARDS, Settings, train

from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.tokens import Tokens, Vocabulary

pytestmark = [pytest.mark.export, pytest.mark.timeout(600)]

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
    run = tmp_path / "run"
    index = write_shards(run / SHARDS, [("song", song, "")], Recipe(bars=(2,), move=False), "one song", workers=1)
    settings = Settings(
        order=order, notes=0.014, batch=4, noise=0.0, drop=0.0, mix=0.0, transpose=0, bars=(2,), learning_rate=1e-2
    )
    weights = train(run, settings, index, [], lambda _: None)
    net = AutoEncoder(VOCABULARY, order=order)
    net.load(weights)
    for piece in song.cut():
        tokens, _ = VOCABULARY.encode(piece)
        assert np.array_equal(decode_greedy(net, *encode(net, tokens), tokens, order), tokens)


def test_training_and_export_read_a_phrase_alike() -> None:
    net = AutoEncoder(VOCABULARY, units=16, seed=3)
    tokens: Tokens = VOCABULARY.encode(tune(1))[0]
    alone = encode(net, tokens)
    items = gather(group([tokens.astype(np.int16)], VOCABULARY, np.random.default_rng(0)), "reversed")[0]
    h, c = net.encode(items.source, items.source_keep)
    assert h.shape == (PHRASES, 16)
    assert np.allclose(h, np.tile(alone[0], (PHRASES, 1)), atol=1e-5)
    assert np.allclose(c, np.tile(alone[1], (PHRASES, 1)), atol=1e-5)


def test_a_batch_says_what_it_should_in_both_orders() -> None:
    rows = [[[12, 3], [13, 4], [3, 5], [0, 0]]] * 6
    tokens, lengths = tf.constant([rows]), tf.constant([[3] * 6])
    weights = tf.constant([[[0.5, 0.5, 0.0, 0.0]] * 2])
    forward = together(tokens, lengths, weights, "forward")
    assert forward.source[:3, 0].numpy().tolist() == [[12, 3], [13, 4], [3, 5]]
    assert forward.given[:4, 0].numpy().tolist() == [[0, 0], [12, 3], [13, 4], [3, 5]]
    assert forward.target[:4, 0].numpy().tolist() == [[12, 3], [13, 4], [3, 5], [1, 0]]
    backward = together(tokens, lengths, weights, "reversed")
    assert backward.target[:4, 5].numpy().tolist() == [[3, 5], [13, 4], [12, 3], [1, 0]]
    assert forward.source_keep[:, 0, 0].numpy().tolist() == [1, 1, 1, 0]
    assert forward.target_keep[:, 0, 0].numpy().tolist() == [1, 1, 1, 1, 0]


def losses(net: AutoEncoder, phrases: list[Tokens], drop: float = 0.0) -> Loss:
    groups = group([p.astype(np.int16) for p in phrases], VOCABULARY, np.random.default_rng(0))
    items = gather(groups, "reversed")[0]
    return net.loss(items, noise=0.0, l2=0.0, drop=drop, mix=1.0, seed=tf.zeros(2, tf.int32))


def test_the_loss_of_an_untrained_net_is_near_uniform() -> None:
    loss = losses(AutoEncoder(VOCABULARY, units=8), [VOCABULARY.encode(tune(seed))[0] for seed in range(4)])
    uniform = np.log(VOCABULARY.pitch_symbols * VOCABULARY.duration_symbols)
    for part in loss:
        assert float(part) == pytest.approx(uniform, rel=0.1)


def test_what_is_dropped_is_hidden_from_the_decoder_only() -> None:
    net = AutoEncoder(VOCABULARY, units=8)
    phrases = [VOCABULARY.encode(tune(seed))[0] for seed in range(4)]
    hidden = float(losses(net, phrases, drop=1.0).total)
    # With every token hidden, the decoder's rows for pitches and durations make no difference any more.
    kernel = net.decoder_kernel.numpy()
    kernel[2 : VOCABULARY.pitch_symbols] += 1.0
    net.decoder_kernel.assign(kernel)
    assert float(losses(net, phrases, drop=1.0).total) == pytest.approx(hidden, abs=1e-6)
    assert float(losses(net, phrases).total) != pytest.approx(hidden, abs=1e-3)

"""Refinement: its gradient is the gradient, and it makes wrong phrases right."""

from __future__ import annotations

import numpy as np
import pytest

from rnnae_live.decoder import decode
from rnnae_live.presets import Bank
from rnnae_live.refine import _Score, refine
from rnnae_live.state import random_state

pytestmark = pytest.mark.model


def test_the_gradient_agrees_with_differences(bank: Bank) -> None:
    model = bank.model
    phrase = model.vocabulary.encode(bank.presets[0].melody.cut()[0])[0]
    score = _Score(model, [phrase])
    rng = np.random.default_rng(0)
    point = rng.normal(size=(1, 2 * model.units)).astype(np.float32) * 0.5
    _, slope = score.at(point, np.array([0]))

    def loss(at: np.ndarray) -> float:
        h, c = at[:, : model.units].astype(np.float64), at[:, model.units :].astype(np.float64)
        w, total = model.weights, 0.0
        for step, (pitch, duration) in enumerate(phrase[::-1] if model.reverses else phrase):
            i, f, g, o = np.split(score.x[step] + h @ w.recurrent, 4, axis=1)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            logits = (h @ w.pitch_kernel + w.pitch_bias)[0]
            total += np.log(np.exp(logits[2:]).sum()) - logits[pitch]
            lengths = np.where(score.fits[step, 0], (h @ w.duration_kernel)[0] + w.duration_table[pitch], -np.inf)
            total += np.log(np.exp(lengths).sum()) - lengths[duration]
        return float(total)

    for at in rng.integers(0, 2 * model.units, 12):
        ahead, behind = point.copy(), point.copy()
        ahead[0, at] += 1e-2
        behind[0, at] -= 1e-2
        assert slope[0, at] == pytest.approx((loss(ahead) - loss(behind)) / 2e-2, rel=0.05, abs=2e-3)


def test_a_random_state_is_moved_until_it_says_the_phrase(bank: Bank) -> None:
    model = bank.model
    pieces = [p.melody.cut()[-1] for p in bank.presets[:6]]
    phrases = [model.vocabulary.encode(piece)[0] for piece in pieces]
    rng = np.random.default_rng(0)
    begin = [random_state(model.mean, model.spread, rng) for _ in phrases]
    refined, steps = refine(model, begin, phrases, steps=400)
    assert 0 < steps < 400
    for tokens, phrase in zip(decode(model, refined, [p.length for p in pieces]), phrases, strict=True):
        assert np.array_equal(tokens, phrase)


def test_states_that_are_right_stay_as_they_are(bank: Bank) -> None:
    chain = bank.presets[0].chain
    phrases = [bank.model.vocabulary.encode(piece)[0] for piece in bank.presets[0].melody.cut()]
    if len(phrases) == len(chain):
        refined, steps = refine(bank.model, [link.state for link in chain], phrases)
        assert steps <= 5
        assert max(a.distance(link.state) for a, link in zip(refined, chain, strict=True)) < 1.0

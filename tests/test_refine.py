"""Refinement: its gradient is the gradient, and it makes wrong phrases right."""

from __future__ import annotations

import numpy as np
import pytest

from rnnae_live.decoder import decode
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import encode, play
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank, make
from rnnae_live.refine import STEPS, TOGETHER, Descent, Refinement, _Score, refine
from rnnae_live.state import Link, random_state

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
    links = [Link(state, piece.length) for state, piece in zip(refined, pieces, strict=True)]
    for tokens, phrase in zip(decode(model, links), phrases, strict=True):
        assert np.array_equal(tokens, phrase)


def test_states_that_are_right_stay_as_they_are(bank: Bank) -> None:
    chain = bank.presets[0].chain
    phrases = [bank.model.vocabulary.encode(piece)[0] for piece in bank.presets[0].melody.cut()]
    if len(phrases) == len(chain):
        refined, steps = refine(bank.model, [link.state for link in chain], phrases)
        assert steps <= 5
        assert max(a.distance(link.state) for a, link in zip(refined, chain, strict=True)) < 1.0


def wild(bars: int, seed: int) -> Melody:
    """A phrase that no tune has: leaps, rests, and any rhythm."""
    rng = np.random.default_rng(seed)
    notes, here, end = [], 0, 96 * bars
    while here < end:
        duration = min(int(rng.choice([6, 8, 12, 18, 24])), end - here)
        if rng.random() < 0.9:
            notes.append(Note(here, duration, int(rng.integers(48, 84))))
        here += duration
    return Melody(tuple(notes), end)


@pytest.mark.parametrize("bars", [2, 3 * 2 * TOGETHER])
def test_a_captured_phrase_becomes_exact_step_by_step(bank: Bank, bars: int) -> None:
    melody = wild(bars, 1)
    assert difference(melody, play(bank.model, encode(bank.model, melody))) is not None
    refinement = Refinement(bank.model, melody)
    steps = 0
    while not refinement.step():
        steps += 1
        assert not refinement.exact
    assert refinement.exact
    assert difference(melody, play(bank.model, refinement.chain)) is None
    # One slice for each piece to encode, one for each gradient step, one for some pieces to verify.
    assert steps >= bars // 2 + refinement.steps + 1
    assert refinement.step()


def test_a_phrase_can_be_played_before_it_is_exact(bank: Bank) -> None:
    melody = wild(8, 2)
    refinement = Refinement(bank.model, melody)
    while not refinement.chain:
        assert not refinement.step()
    first = refinement.chain
    assert [link.length for link in first] == [192] * 4
    assert all(a.state.distance(b.state) == 0 for a, b in zip(first, encode(bank.model, melody), strict=True))


def test_a_piece_that_one_state_cannot_carry_is_cut_into_bars(bank: Bank) -> None:
    # Sixty-four notes of one tick or two in two bars, far from anything that was learned.
    rng = np.random.default_rng(0)
    notes = tuple(Note(3 * at, int(rng.integers(1, 3)), int(rng.integers(40, 90))) for at in range(64))
    melody = Melody(notes, 192)
    refinement = Refinement(bank.model, melody)
    while not refinement.step():
        pass
    assert len(refinement.chain) == 2
    assert refinement.exact == (difference(melody, play(bank.model, refinement.chain)) is None)
    assert refinement.steps > STEPS


def test_a_preset_is_made_by_the_same_steps(bank: Bank) -> None:
    melody = wild(4, 3)
    refinement = Refinement(bank.model, melody)
    while not refinement.step():
        pass
    preset = make(bank.model, melody, "Wild")
    assert (preset.exact, preset.refine_steps) == (refinement.exact, refinement.steps)
    for link, other in zip(preset.chain, refinement.chain, strict=True):
        assert link.state.distance(other.state) == 0


def test_phrases_do_not_disturb_each_other(bank: Bank) -> None:
    model = bank.model
    phrases = [model.vocabulary.encode(wild(2, seed))[0] for seed in range(2 * TOGETHER + 1)]
    begin = [model.encode(phrase) for phrase in phrases]
    states, steps = refine(model, begin, phrases)
    alone = [refine(model, [state], [phrase]) for state, phrase in zip(begin, phrases, strict=True)]
    assert steps == max(taken for _, taken in alone) > 0
    for state, ((other,), _) in zip(states, alone, strict=True):
        assert state.distance(other) < 1e-2


def test_what_is_given_up_has_taken_its_steps_and_no_more(bank: Bank) -> None:
    model = bank.model
    phrases = [model.vocabulary.encode(wild(2, seed))[0] for seed in range(3)]
    rng = np.random.default_rng(0)
    descent = Descent(model, [random_state(model.mean, model.spread, rng) for _ in phrases], phrases, steps=4)
    calls = 1
    while not descent.step():
        calls += 1
    assert calls == descent.taken == 4

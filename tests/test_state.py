"""States: weighted means, and nothing that is not a number."""

from __future__ import annotations

import numpy as np
import pytest

from rnnae_live.errors import ModelError
from rnnae_live.state import Link, State, interpolate, mix, random_state


def state(value: float) -> State:
    return State(np.full((1, 4), value, np.float32), np.full((1, 4), 2 * value, np.float32))


def test_the_mix_is_the_weighted_mean_of_h_and_c() -> None:
    mixed = mix([state(0.0), state(1.0)], [1.0, 3.0])
    assert np.allclose(mixed.h, 0.75)
    assert np.allclose(mixed.c, 1.5)


def test_interpolation_meets_both_ends() -> None:
    assert interpolate(state(0.2), state(0.8), 0.0).distance(state(0.2)) == 0.0
    assert interpolate(state(0.2), state(0.8), 1.0).distance(state(0.8)) == 0.0


@pytest.mark.parametrize("weights", [[0.0, 0.0], [-1.0, 2.0], [1.0], [float("nan"), 1.0]])
def test_weights_that_make_no_mean_are_refused(weights: list[float]) -> None:
    with pytest.raises(ModelError, match="weight"):
        mix([state(0.0), state(1.0)], weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_state_is_finite(value: float) -> None:
    with pytest.raises(ModelError, match="not finite"):
        state(value)


def test_random_states_follow_their_seed() -> None:
    first, again, other = (random_state(state(0.1), state(0.5), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.distance(again) == 0.0
    assert first.distance(other) > 0.1


def test_a_piece_that_is_moved_takes_its_ends_along() -> None:
    plain = Link(state(0.2), 192)
    leaning = Link(state(0.2), 192, ends=(state(0.1), state(0.3)))
    assert plain.moved(state(0.5)).ends is None
    moved = leaning.moved(state(0.5))
    assert moved.ends is not None
    assert moved.state.distance(state(0.5)) == 0.0
    assert [end.distance(state(at)) < 1e-6 for end, at in zip(moved.ends, (0.4, 0.6), strict=True)] == [True, True]

"""Weights on their way to where their knobs point."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.glide import Glide

pytestmark = pytest.mark.unit


def test_a_value_goes_evenly_and_arrives() -> None:
    glide = Glide()
    glide.turn("follow", 0.2, 100.0, 48.0)
    assert [glide.value("follow", 1.0, tick) for tick in (90.0, 100.0, 124.0, 148.0, 200.0)] == pytest.approx(
        [0.2, 0.2, 0.6, 1.0, 1.0]
    )
    assert glide.value("weight 1", 0.3, 110.0) == 0.3
    assert glide.values({"follow": 1.0, "weight 1": 0.3}, 124.0) == pytest.approx({"follow": 0.6, "weight 1": 0.3})


def test_what_has_arrived_is_forgotten() -> None:
    glide = Glide()
    glide.turn("follow", 0.0, 0.0, 24.0)
    assert glide.moving(23.0)
    assert not glide.moving(24.0)
    glide.turn("follow", 0.0, 30.0, 24.0)
    glide.turn("follow", 0.5, 31.0, 0.0)
    assert not glide.moving(31.0)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 100), st.floats(0.1, 400), st.floats(-50, 600))
def test_it_never_leaves_the_way(source: float, target: float, begin: float, ticks: float, tick: float) -> None:
    glide = Glide()
    glide.turn("x", source, begin, ticks)
    here = glide.value("x", target, tick)
    assert min(source, target) - 1e-9 <= here <= max(source, target) + 1e-9

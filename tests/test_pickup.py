"""The first bar is inferred from the tune."""

from __future__ import annotations

import numpy as np
import pytest

from rnnae_live.phrase import Metre, Note
from rnnae_live.pickup import beat, features, pickup, weights
from tests.performer import AMAZING, GREENSLEEVES, ODE


def notes(tune: list[tuple[int, int, int]]) -> list[Note]:
    return [Note(*note) for note in tune]


@pytest.mark.parametrize(
    ("tune", "metre", "expected"),
    [(ODE, Metre(0), 0), (GREENSLEEVES, Metre(0, 6, 8), 12), (AMAZING, Metre(0, 3, 4), 24)],
)
def test_well_known_tunes(tune: list[tuple[int, int, int]], metre: Metre, expected: int) -> None:
    line = notes(tune)
    assert pickup(line, metre, line[-1].end) == expected


def test_two_bars_from_the_start_have_none() -> None:
    line = notes(AMAZING[:5])
    assert pickup(line, Metre(0, 3, 4), 144) == 0


def test_odd_and_tiny_metres_do_no_harm() -> None:
    line = notes(GREENSLEEVES)
    for metre in (Metre(0, 1, 8), Metre(0, 5, 8), Metre(0, 7, 16), Metre(0, 1, 64), Metre(0, 255, 4), Metre(0, 3, 32)):
        assert 0 <= pickup(line, metre, line[-1].end) < max(metre.bar(24), 1)
    assert pickup([], Metre(0), 0) == 0


def test_a_change_of_metre_is_a_bar_line() -> None:
    line = [Note(24 * i, 24, 60 + i % 3) for i in range(60)]
    assert pickup(line, Metre(0), 60 * 24, 24 * 41) == 24


def test_beats() -> None:
    metres = {(4, 4): 24, (6, 8): 36, (9, 8): 36, (3, 8): 36, (2, 2): 48, (3, 4): 24, (5, 8): 24, (6, 16): 18}
    assert {metre: beat(Metre(0, *metre)) for metre in metres} == metres


def test_every_feature_has_a_weight() -> None:
    line = notes(ODE)
    table = features(line, Metre(0), np.arange(0, 96, 6), line[-1].end, 0)
    assert table.shape == (16, len(weights()))

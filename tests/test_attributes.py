"""Attributes of phrases whose numbers are known by hand."""

from __future__ import annotations

import math

import pytest

from rnnae_live.attributes import ATTRIBUTES, LOWEST, contour, density, interval, measure, span, syncopation
from rnnae_live.melody import Melody, transpose
from rnnae_live.phrase import Metre, Note

pytestmark = pytest.mark.unit


def line(*notes: tuple[int, int], pitch: int = 60, length: int = 96, metre: Metre | None = None) -> Melody:
    """A phrase of (onset, duration), all of one pitch."""
    return Melody(tuple(Note(*n, pitch) for n in notes), length, (metre or Metre(0),))


def scale(step: int) -> Melody:
    return Melody(tuple(Note(24 * i, 24, 60 + step * i) for i in range(8)), 192)


def test_density_counts_the_notes_begun_a_quarter_note() -> None:
    assert density(scale(0)) == 1.0
    tied = Melody((Note(0, 24, 60), Note(24, 24, 60)), 96, tied=True)
    assert density(tied) == 0.25


def test_range_and_interval_are_semitones() -> None:
    phrase = Melody(tuple(Note(24 * i, 24, p) for i, p in enumerate((60, 67, 55, 60))), 96)
    assert span(phrase) == 12
    assert interval(phrase) == pytest.approx((7 + 12 + 5) / 3)


@pytest.mark.parametrize("step", [-2, 0, 1, 3])
def test_the_contour_of_a_scale_is_its_step(step: int) -> None:
    # A staircase of eight steps has a slope of step * (1 - 1/64) a quarter note.
    assert contour(scale(step)) == pytest.approx(step * 63 / 64)


def test_contour_weighs_pitches_by_how_long_they_last() -> None:
    grace = Melody((Note(0, 2, 84), Note(2, 94, 60)), 96)
    assert -3.0 < contour(grace) < 0.0


@pytest.mark.parametrize(
    ("notes", "wanted"),
    [
        ([(0, 24), (24, 24), (48, 24), (72, 24)], 0),  # quarters
        ([(12, 24)], 2),  # the "and of one" (-3), then nothing on the half bar (-1)
        ([(0, 12), (12, 24), (36, 12), (48, 48)], 1),  # -3 across a quarter, -2
        ([(0, 24), (24, 48), (72, 24)], 1),  # a quarter (-2) across the half bar (-1)
        ([(0, 36), (36, 60)], 2),  # "and of two" (-3) across the half bar (-1)
        ([(0, 8), (8, 8), (16, 8), (24, 24), (48, 48)], 0),  # a triplet that fills its beat
        ([(0, 8), (8, 8), (16, 32), (48, 48)], 1),  # a triplet tied over a quarter
        ([(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4), (24, 24), (48, 48)], 0),  # a sextuplet
        ([], 0),
    ],
)
def test_syncopation_counts_levels_across_stronger_places(notes: list[tuple[int, int]], wanted: int) -> None:
    assert syncopation(line(*notes)) == wanted


def test_syncopation_is_a_bar() -> None:
    assert syncopation(line((0, 36), (36, 60), (96, 96), length=192)) == 1.0


def test_the_metre_decides_what_is_strong() -> None:
    notes = [(0, 24), (24, 24), (48, 24)]
    assert syncopation(line(*notes, length=72, metre=Metre(0, 3, 4))) == 0
    # In 6/8 the second quarter crosses the second dotted quarter.
    assert syncopation(line(*notes, length=72, metre=Metre(0, 6, 8))) == 1


def test_a_pickup_is_the_end_of_its_bar() -> None:
    whole = Melody((Note(0, 24, 60), Note(24, 96, 60)), 120, pickup=24)
    assert syncopation(whole) == 0
    late = Melody((Note(12, 60, 60), Note(72, 48, 60)), 120, pickup=24)
    assert syncopation(late) == pytest.approx(3 * 96 / 120)
    # The first note stands on the second half of the third beat, and lasts across the fourth.
    long = Melody((Note(0, 36, 60), Note(36, 96, 60)), 132, pickup=36)
    assert syncopation(long) == pytest.approx(1 * 96 / 132)


def test_a_phrase_of_other_pitch_or_velocity_measures_the_same() -> None:
    phrase = Melody((Note(0, 36, 60), Note(36, 12, 67), Note(60, 36, 62)), 96)
    assert (measure([phrase]) == measure([transpose(phrase, 5)])).all()


@pytest.mark.parametrize("metre", [Metre(0, n, d) for n in (1, 2, 3, 5, 6, 7, 9, 12, 15) for d in (1, 2, 4, 8, 16, 64)])
def test_every_metre_has_numbers(metre: Metre) -> None:
    length = 2 * metre.bar(24)
    phrases = [
        Melody((), length, (metre,)),
        Melody((), 0, (metre,)),
        Melody((Note(length - 1, 1, 127),), length, (metre,)),
        Melody(tuple(Note(t, 1, 60 + t % 3) for t in range(length)), length, (metre,)),
    ]
    values = measure(phrases)
    assert values.shape == (4, len(ATTRIBUTES))
    assert all(math.isfinite(v) for v in values.ravel())
    assert (values >= LOWEST).all()
    assert (values[:2] == 0).all()

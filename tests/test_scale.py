"""Scales: their notes, their names in any spelling, and what is said of a name that none has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.errors import ConfigError
from rnnae_live.scale import ALIASES, OFF, SCALES, pitch_classes

pytestmark = pytest.mark.unit

C, D, E, F, G, A, B = 0, 2, 4, 5, 7, 9, 11


@pytest.mark.parametrize(
    ("name", "root", "notes"),
    [
        ("major", C, {C, D, E, F, G, A, B}),
        ("minor", A, {C, D, E, F, G, A, B}),
        ("dorian", D, {C, D, E, F, G, A, B}),
        ("phrygian", E, {C, D, E, F, G, A, B}),
        ("lydian", F, {C, D, E, F, G, A, B}),
        ("mixolydian", G, {C, D, E, F, G, A, B}),
        ("locrian", B, {C, D, E, F, G, A, B}),
        ("pentatonic major", C, {C, D, E, G, A}),
        ("pentatonic minor", A, {C, D, E, G, A}),
        ("harmonic minor", A, {A, B, C, D, E, F, 8}),
        ("melodic minor", A, {A, B, C, D, E, 6, 8}),
        ("blues", A, {A, C, D, 3, E, G}),
    ],
)
def test_scales_have_the_notes_that_theory_gives_them(name: str, root: int, notes: set[int]) -> None:
    assert pitch_classes(name, root) == frozenset(notes)


@given(st.sampled_from([name for name in SCALES if name != OFF]), st.integers(0, 127))
def test_a_scale_holds_its_root_and_moves_with_it(name: str, root: int) -> None:
    notes = pitch_classes(name, root)
    assert notes is not None
    assert root % 12 in notes
    assert notes == {(note + root) % 12 for note in pitch_classes(name) or ()}
    assert len(notes) == len(set(SCALES[name]))


def test_no_scale_is_no_bound() -> None:
    assert pitch_classes("off") is None
    assert pitch_classes("Chromatic", 5) is None


def test_names_are_read_in_any_spelling() -> None:
    assert (
        pitch_classes("Harmonic-Minor", 2) == pitch_classes("harmonic_minor", 2) == pitch_classes("harmonic minor", 2)
    )
    assert {ALIASES[name] for name in ALIASES} <= set(SCALES)


def test_an_unknown_name_is_a_sentence_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no scale called 'mixolidian'; did you mean 'mixolydian'\?"):
        pitch_classes("mixolidian")
    with pytest.raises(ConfigError, match="there are off, major"):
        pitch_classes("xyzzy")

"""Directions found from a corpus: what is planted is found, what is measured is right, a bank's knobs have figures."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from rnnae_export import directions
from rnnae_export.directions import POSITIONS, Knob, find, measure, spearman

from rnnae_live import attributes
from rnnae_live.attributes import ATTRIBUTES
from rnnae_live.manifest import Manifest
from rnnae_live.melody import Melody
from rnnae_live.mixer import links
from rnnae_live.model import Model
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank

pytestmark = pytest.mark.model


def walks(count: int, seed: int = 0) -> list[Melody]:
    """Phrases of two bars that differ in every attribute."""
    rng = np.random.default_rng(seed)
    phrases = []
    for _ in range(count):
        step, size = int(rng.choice([6, 12, 24])), int(rng.integers(1, 6))
        onsets = np.arange(0, 192, step)[rng.random(192 // step) < 0.8]
        pitches = np.clip(66 + np.cumsum(rng.integers(-size, size + 1, len(onsets))), 40, 90)
        ends = np.append(onsets[1:], 192)
        notes = zip(onsets.tolist(), (ends - onsets).tolist(), pitches.tolist(), strict=True)
        phrases.append(Melody(tuple(Note(*note) for note in notes), 192))
    return phrases


@pytest.fixture(scope="module")
def phrases() -> list[Melody]:
    return walks(60)


@pytest.fixture
def model(own: Bank) -> Model:
    return own.model


def with_knobs(model: Model, found: directions.Knobs) -> Manifest:
    return msgspec.structs.replace(model.manifest, **msgspec.structs.asdict(found))


def test_every_attribute_has_a_direction_and_its_deviation(model: Model, phrases: list[Melody]) -> None:
    found = find(model, phrases)
    assert tuple(found.directions) == tuple(found.deviations) == ATTRIBUTES
    assert list(found.deviations.values()) == pytest.approx(attributes.measure(phrases).std(axis=0))
    assert {len(numbers) for numbers in found.directions.values()} == {2 * model.units}
    assert all(np.isfinite(numbers).all() and np.any(numbers) for numbers in found.directions.values())


def test_a_direction_is_what_its_attribute_alone_adds(
    model: Model, phrases: list[Melody], monkeypatch: pytest.MonkeyPatch
) -> None:
    # States that are made of the attributes: each direction must come back, free of the others that go with it.
    heard = attributes.measure(phrases)
    made = np.random.default_rng(1).normal(0, 0.01, (len(ATTRIBUTES), 2 * model.units))
    points = ((heard - heard.mean(axis=0)) / heard.std(axis=0) @ made).astype(np.float32)
    chain = links(model, phrases[:1])
    given = tuple(replace(chain[0], state=model._state(row.tolist())) for row in points)
    monkeypatch.setattr(directions, "links", lambda *_: given)
    monkeypatch.setattr(directions, "_gain", lambda *_: 2.0)
    found = find(model, phrases)
    assert np.array(list(found.directions.values())) == pytest.approx(2.0 * made, abs=1e-4)


def test_phrases_that_are_all_alike_give_no_knobs(model: Model, phrases: list[Melody]) -> None:
    assert find(model, phrases[:1] * 3) == find(model, []) == directions.Knobs({}, {})
    flat = [Melody(tuple(Note(size * i, size, 60) for i in range(192 // size)), 192) for size in (6, 12, 24)]
    assert tuple(find(model, flat).directions) == ("density",)


def test_the_shortest_gain_that_does_it_is_taken(model: Model, phrases: list[Melody]) -> None:
    chain = links(model, phrases[:40])
    still = np.zeros(2 * model.units)
    assert directions._gain(model, chain, still, 0, 1.0) == directions.GAINS[0]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 99], 1.0),
        ([1, 2, 3, 4], [5, 4, 3, 2], -1.0),
        ([1, 2, 3, 4], [7, 7, 7, 7], 0.0),
        # Ranks 1 2 3 4 5 and 2 2 2 4 5: 8 / sqrt(10 * 8).
        ([1, 2, 3, 4, 5], [0, 0, 0, 1, 2], 8 / np.sqrt(80)),
    ],
)
def test_spearman_ranks_with_ties(first: list[float], second: list[float], wanted: float) -> None:
    assert spearman(np.array(first), np.array(second)) == pytest.approx(wanted)


def test_a_perfect_knob_has_perfect_figures(
    model: Model, phrases: list[Melody], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.manifest = with_knobs(model, directions.Knobs({"contour": [0.0] * (2 * model.units)}, {"contour": 2.0}))
    places = [[model.mean] for _ in POSITIONS]
    values = iter([*(np.array([[1.0, 2.0 + 0.1 * k, 0.0, 0.5, 2.0 * k]]) for k in POSITIONS)] * 2)
    monkeypatch.setattr(directions, "_walked", lambda *_: places)
    monkeypatch.setattr(directions, "_heard", lambda *_: next(values))
    deviations, ranges = np.array([1.0, 2.0, 1.0, 1.0, 2.0]), np.array([1.0, 4.0, 1.0, 1.0, 4.0])
    knob = directions._knob(model, links(model, phrases[:1]), "contour", deviations, ranges)
    assert knob.spearman == knob.spearman_reachable == knob.spearman_pooled == knob.straight == pytest.approx(1.0)
    assert knob.reach == pytest.approx(2.0)
    # The range changed by 0.2, a tenth of its deviation; the contour by two of its own; the other three not at all.
    assert knob.off_target == knob.drift == knob.straight_off_target == pytest.approx(0.1 / 2 / 4)
    assert knob.off_target_range == pytest.approx(0.05 / 1 / 4)


def test_the_knobs_of_a_bank_are_measured(model: Model, phrases: list[Melody]) -> None:
    assert measure(model, []) == []
    found = find(model, phrases)
    one = directions.Knobs({"contour": found.directions["contour"]}, found.deviations)
    model.manifest = with_knobs(model, one)
    (knob,) = measure(model, walks(6, seed=1), count=4)
    assert (knob.name, knob.phrases) == ("contour", 4)
    assert knob.spearman > 0.6
    assert knob.reach > 0.4
    assert 0.0 <= knob.off_target < 0.6
    assert msgspec.json.decode(msgspec.json.encode(knob), type=Knob) == knob

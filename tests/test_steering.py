"""Knobs on the factory model: zero is exact, a turned knob moves what it should, faults are sentences."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from rnnae_live.attributes import ATTRIBUTES, measure
from rnnae_live.cli import cli
from rnnae_live.errors import ConfigError, ModelError, RnnaeError
from rnnae_live.manifest import read_manifest
from rnnae_live.melody import Melody
from rnnae_live.mixer import Voice, compose, links, play
from rnnae_live.model import Model
from rnnae_live.phrase import Note
from rnnae_live.presets import Bank
from rnnae_live.state import Chain
from rnnae_live.steering import hear, knob_names, shared_notes, shift, steer, walk
from tests.manifests import rewrite

pytestmark = pytest.mark.model

DEVIATIONS = (0.8, 5.0, 0.8, 1.7, 1.4)
PHRASE = Melody(tuple(Note(24 * i, 24, 60 + p) for i, p in enumerate((0, 4, 7, 4, 5, 2, 0, 2))), 192)


@pytest.fixture
def model(own: Bank) -> Model:
    """The factory model with made-up directions, whatever its bank has."""
    rng = np.random.default_rng(0)
    directions = {name: (0.05 * rng.standard_normal(2 * own.model.units)).tolist() for name in ATTRIBUTES}
    deviations = dict(zip(ATTRIBUTES, DEVIATIONS, strict=True))
    own.model.manifest = msgspec.structs.replace(own.model.manifest, directions=directions, deviations=deviations)
    return own.model


@pytest.fixture
def chain(model: Model) -> Chain:
    return links(model, [PHRASE])


def test_knobs_at_zero_change_nothing_at_all(model: Model, chain: Chain) -> None:
    still = dict.fromkeys(ATTRIBUTES, 0.0)
    assert steer(model, chain, still) is chain
    assert shift(model, chain[0].state, still) is chain[0].state
    assert compose(model, [Voice(chain)], knobs=still) == compose(model, [Voice(chain)]) == play(model, chain)


@pytest.mark.parametrize("name", ["density", "interval", "contour"])
def test_a_knob_moves_its_attribute_up_and_down(model: Model, chain: Chain, name: str) -> None:
    at = ATTRIBUTES.index(name)
    low, middle, high = (measure(hear(model, steer(model, chain, {name: k})))[0, at] for k in (-0.5, 0.0, 0.5))
    assert low < middle < high
    assert high - low > 0.4 * DEVIATIONS[at]


def test_what_is_steered_is_what_is_played(model: Model, chain: Chain) -> None:
    steered = steer(model, chain, {"density": 0.5})
    played = compose(model, [Voice(chain)], knobs={"density": 0.5})
    assert played.notes == hear(model, steered)[0].notes != play(model, chain).notes
    assert played.length == PHRASE.length


def test_a_knob_half_way_is_half_of_the_walk(model: Model, chain: Chain) -> None:
    ways = list(walk(model, chain, {"contour": 0.5}))
    assert len(ways) == 4
    half = steer(model, chain, {"contour": 0.25})
    assert half[0].state.distance(ways[1][0].state) == 0


def test_equal_pieces_stay_equal_and_two_knobs_go_together(model: Model, chain: Chain) -> None:
    twice = steer(model, (*chain, *chain), {"density": 0.25, "contour": -0.125})
    assert twice[0].state.distance(twice[1].state) == 0
    assert twice[0].state.distance(chain[0].state) > 0
    assert [(link.length, link.metre, link.octaves) for link in twice] == [(192, chain[0].metre, 0)] * 2


def test_spans_are_kept_where_the_mix_is_kept_to_them(model: Model, chain: Chain) -> None:
    lowest, highest = chain[0].span or (0, 0)
    steered = steer(model, chain, {"range": 0.5}, within=True)
    tokens = model.vocabulary.encode(hear(model, steered, within=True)[0])[0]
    assert lowest <= min(p for p in tokens[:, 0] if p > 3) <= max(tokens[:, 0]) <= highest


def test_moved_states_stay_bounded(model: Model, chain: Chain) -> None:
    long = {name: [900.0] * (2 * model.units) for name in ATTRIBUTES}
    model.manifest = msgspec.structs.replace(model.manifest, directions=long)
    for state in (shift(model, chain[0].state, {"range": 2}), steer(model, chain, {"range": 0.125})[0].state):
        assert np.abs(state.h).max() <= 1.0
        assert state.h.dtype == state.c.dtype == np.float32


@pytest.mark.parametrize(("name", "value"), [("loudness", 0.5), ("range", 2.5), ("range", float("nan"))])
def test_a_knob_that_cannot_be_is_a_sentence(model: Model, chain: Chain, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=r"knob '\w+'.*\.$"):
        steer(model, chain, {name: value})


def test_notes_in_common_are_counted() -> None:
    other = Melody((*PHRASE.notes[:4], *(Note(n.onset, n.duration, 80) for n in PHRASE.notes[4:])), 192)
    assert shared_notes(PHRASE, PHRASE) == 1.0
    assert shared_notes(PHRASE, other) == pytest.approx(4 / 12)


def written(own: Bank, **fields: object) -> Path:
    rewrite(own.folder, **fields)
    return own.folder


def test_a_bank_without_knobs_loads_and_says_so(own: Bank) -> None:
    model = Model.load(written(own, directions={}, deviations={}))
    assert knob_names(model) == []
    with pytest.raises(ConfigError, match="it has none"):
        steer(model, links(model, [PHRASE]), {"density": 1})


@pytest.mark.parametrize(("number", "count", "deviation"), [(1e999, 256, 1.0), (0.0, 255, 1.0), (0.0, 256, 0.0)])
def test_a_direction_that_does_not_fit_is_refused(own: Bank, number: float, count: int, deviation: float) -> None:
    folder = written(own, directions={"density": [number] * count}, deviations={"density": deviation})
    with pytest.raises(ModelError, match=r"manifest|knob"):
        read_manifest(folder)


def test_the_command_line_turns_knobs(own: Bank, model: Model) -> None:
    folder = written(own, directions=model.manifest.directions, deviations=model.manifest.deviations)

    def notes(*knobs: str) -> list[list[int]]:
        words = ["render", "--random", "1", "--bars", "2", "--bank", str(folder), "--json"]
        result = CliRunner().invoke(cli, [*words, *(w for k in knobs for w in ("--knob", k))], catch_exceptions=False)
        return list(json.loads(result.stdout)["melody"])

    still, more = notes(), notes("density=0.5")
    assert notes("density=0", "contour=0") == still
    assert len(more) > len(still)
    for wrong in ("loudness=0.5", "density=1.5", "density", "density=nan"):
        result = CliRunner().invoke(cli, ["render", "--random", "1", "--bank", str(folder), "--knob", wrong])
        fault = result.exception
        assert (fault.exit_status if isinstance(fault, RnnaeError) else result.exit_code) == 2

"""The shipped bundle: it loads, it plays as its weights say, and a damaged one does not get that far."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rnnae_live.decoder import LONGEST, decode
from rnnae_live.errors import ModelError
from rnnae_live.graph import read_graph
from rnnae_live.manifest import MANIFEST
from rnnae_live.melody import Melody
from rnnae_live.model import FILES, Model
from rnnae_live.phrase import Note
from rnnae_live.presets import factory
from rnnae_live.refine import refine
from rnnae_live.state import Link, State, random_state
from rnnae_live.tokens import FIRST_PITCH, START, place
from tests.manifests import rewrite, sealed

pytestmark = pytest.mark.model

SCALE = Melody(tuple(Note(12 * i, 12, 60 + (0, 2, 4, 5, 7, 9, 11, 12)[i % 8]) for i in range(16)), 192)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(factory())


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name in (*FILES, MANIFEST):
        shutil.copy(factory() / name, tmp_path / name)
    return tmp_path


def test_the_encoder_is_a_real_lstm_and_the_decoder_has_no_loop() -> None:
    encoder, decoder = (read_graph((factory() / name).read_bytes()) for name in FILES[:2])
    assert "LSTM" in encoder.operators
    assert not {"Loop", "Scan", "If"} & (encoder.operators | decoder.operators)
    assert encoder.sound
    assert decoder.sound


def test_encoding_note_by_note_is_encoding_at_once(model: Model) -> None:
    tokens, _ = model.vocabulary.encode(SCALE)
    whole = model.encode(tokens)
    encoder = model.encoder()
    for row in tokens:
        encoder.advance(row[None])
    assert encoder.state.distance(whole) < 1e-5


def test_the_onnx_decoder_says_what_its_weights_say(model: Model) -> None:
    w = model.weights
    tokens, _ = model.vocabulary.encode(SCALE)
    state = model.encode(tokens)
    stepper = model.stepper()
    length = left = SCALE.length
    stepper.begin(state.h, state.c, [length])
    h, c = state.h, state.c
    for number, token in enumerate([(START, 0), *tokens[::-1].tolist()]):
        left -= int(model.vocabulary.ticks[token[1]])
        if number:
            stepper.say(0, token[0], token[1], left)
        pitches, durations = stepper.step()
        symbols = np.array([*token, *place(left)]) + model.vocabulary.offsets
        x = w.kernel[symbols].sum(axis=0) + w.bias
        i, f, g, o = np.split(x + h @ w.recurrent, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        assert np.allclose(pitches, h @ w.pitch_kernel + w.pitch_bias, atol=2e-3)
        assert np.allclose(durations, h @ w.duration_kernel, atol=2e-3)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_a_state_of_silence_sounds_where_a_note_is_wanted(model: Model, temperature: float) -> None:
    silence = model.vocabulary.encode(Melody((), 192))[0]
    phrase, spans = [silence], [model.vocabulary.span, (40, 44), None]
    (state,), _ = refine(model, [model.encode(silence)], phrase)
    rng = np.random.default_rng(0)
    said = decode(model, [Link(state, 192)] * 3, spans=spans, temperature=temperature, rng=rng)
    for tokens, span in zip(said, spans, strict=True):
        assert int(model.vocabulary.ticks[tokens[:, 1]].sum()) == 192
        pitches = tokens[tokens[:, 0] >= FIRST_PITCH, 0]
        assert (len(pitches) > 0) == (span is not None)
        assert span is None or (span[0] <= pitches.min() and pitches.max() <= span[1])


def test_a_batch_decodes_what_each_would_alone(model: Model) -> None:
    rng = np.random.default_rng(0)
    states = [random_state(model.mean, model.spread, rng) for _ in range(17)]
    links = [Link(state, 96 + 12 * number) for number, state in enumerate(states)]
    together = decode(model, links)
    for link, tokens in zip(links, together, strict=True):
        assert np.array_equal(decode(model, [link])[0], tokens)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_any_state_fills_its_bars_and_ends(model: Model, temperature: float) -> None:
    rng = np.random.default_rng(1)
    states = [random_state(model.mean, model.spread, rng) for _ in range(150)]
    states += [
        State(np.full((1, model.units), v, np.float32), np.full((1, model.units), v, np.float32)) for v in (-99, 99)
    ]
    links = [Link(state, int(rng.integers(1, 400))) for state in states]
    for tokens, link in zip(decode(model, links, temperature=temperature, rng=rng), links, strict=True):
        melody = model.vocabulary.decode(tokens)
        assert melody.length == link.length


def test_sampling_follows_its_seed_and_differs_from_another(model: Model) -> None:
    links = [Link(model.mean, 192)] * 8
    first, again, other = (decode(model, links, temperature=1.0, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("length", [0, -1, LONGEST + 1])
def test_a_length_outside_its_range_is_refused(model: Model, length: int) -> None:
    with pytest.raises(ModelError, match="ticks"):
        decode(model, [Link(model.mean, length)])


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_noticed(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(ModelError, match=r"not the file that the manifest names"):
        Model.load(bundle)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_a_sentence(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(ModelError, match=r"\w+ .*\."):
        Model.load(bundle)


@pytest.mark.parametrize(
    ("field", "value"),
    [("schema", 99), ("units", 64), ("durations", [1, 1]), ("highest", 30), ("order", 5), ("sha256", {})],
)
def test_a_manifest_that_contradicts_the_files_is_refused(bundle: Path, field: str, value: object) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_bytes(sealed({**manifest, field: value}))
    with pytest.raises(ModelError):
        Model.load(bundle)


def test_another_golden_phrase_is_refused(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["golden"]["decoded"][-1][0] ^= 1
    (bundle / MANIFEST).write_bytes(sealed(manifest))
    with pytest.raises(ModelError, match="golden phrase"):
        Model.load(bundle)


@pytest.mark.parametrize(
    ("field", "value"),
    [("state_mean", [0.5] * 256), ("name", "factorx"), ("licence", "none"), ("digest", ""), ("digest", "0" * 64)],
)
def test_a_manifest_that_was_changed_by_accident_is_refused(bundle: Path, field: str, value: object) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**manifest, field: value}))
    with pytest.raises(ModelError, match="not as it was written; copy the bank again"):
        Model.load(bundle)


def test_a_manifest_that_is_laid_out_otherwise_is_the_same(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(dict(sorted(manifest.items())), indent=7))
    assert Model.load(bundle).manifest.name == "factory"


def test_a_bank_of_an_older_schema_says_what_to_do(bundle: Path) -> None:
    rewrite(bundle, schema=2)
    with pytest.raises(ModelError, match="make the bank again"):
        Model.load(bundle)


def test_damaged_graphs_are_read_without_a_crash() -> None:
    data = (factory() / "decoder.onnx").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        broken = bytearray(data[: rng.integers(1, len(data))] if rng.random() < 0.5 else data)
        for at in rng.integers(0, len(broken), 8):
            broken[at] = rng.integers(256)
        try:
            read_graph(bytes(broken))
        except ModelError:
            refused += 1
    assert refused > 100

"""The ONNX bundle: a verified encoder and single-step decoder, ready to play.

tokens -> [model] -> state -> decoder

A bundle is a folder with ``manifest.json``, ``encoder.onnx``, ``decoder.onnx`` and ``decoder.npz`` (the decoder's
weights once more, for the refinement of states and as a second opinion). Nothing of it is parsed before its
sha256 agrees with the manifest; then operators, names, shapes and finiteness are checked, and a golden phrase
must come back token for token.

*Shapes*: tokens int32 (n, 2), as the network reads them int32 (n, 4) with beat and tick (the decoder counts all four
through the features); h and c float32 (batch, units); logits float32 (batch, pitches + durations), of which the row of
the chosen pitch in ``duration_table`` is added to those of the durations.
*Threading*: a ``Stepper`` and an ``Encoder`` belong to one thread; a ``Model`` may be shared.
*Errors*: ``ModelError`` from ``Model.load`` only.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rnnae_live.errors import ModelError
from rnnae_live.graph import read_graph
from rnnae_live.manifest import LARGEST_FILE, Manifest, identify, read_manifest
from rnnae_live.melody import PPQ
from rnnae_live.state import Floats, State
from rnnae_live.tokens import BEATS, REST, START, Tokens, Vocabulary, place

T = TypeVar("T", int, NDArray[np.int64])

Ints = int | NDArray[np.int64]

FILES = ("encoder.onnx", "decoder.onnx", "decoder.npz")

OPERATORS = frozenset(
    [
        "Add",
        "Concat",
        "Gather",
        "LSTM",
        "MatMul",
        "Mul",
        "OneHot",
        "Reshape",
        "Sigmoid",
        "Slice",
        "Split",
        "Squeeze",
        "Sub",
        "Tanh",
        "Transpose",
        "Unsqueeze",
    ]
)
"""What encoder and decoder may consist of."""

GOLDEN_TOLERANCE = 1e-3
"""Largest difference of a golden state's number between machines; a wrong weight shows as 0.1 and more."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The decoder in numpy: kernels of an LSTM with gates i, f, g, o, and of its two heads, all float32."""

    kernel: Floats
    recurrent: Floats
    bias: Floats
    pitch_kernel: Floats
    pitch_bias: Floats
    duration_kernel: Floats
    duration_table: Floats


class Model:
    """A loaded bundle. ``model_id`` names it: the start of the hash of its weights and vocabulary."""

    def __init__(self, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        """Open the verified ``files``; use ``Model.load``."""
        self.manifest = manifest
        self.units = manifest.units
        self.vocabulary = Vocabulary(manifest.lowest, manifest.highest, manifest.durations)
        self.reverses = manifest.order == "reversed"
        self.model_id = identify(manifest)
        self.encoder_session = _session(files["encoder.onnx"])
        self.decoder_session = _session(files["decoder.onnx"])
        self.weights = _weights(files["decoder.npz"], manifest, self.vocabulary)
        self.duration_table = self.weights.duration_table

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Return the model of a bank's folder, verified.

        Raises:
            ModelError: a file is missing, is not the one that the manifest names, or does not play as it should.
        """
        manifest = read_manifest(folder)
        files = {name: _verified(folder / name, manifest.sha256.get(name, "")) for name in FILES}
        for name in ("encoder.onnx", "decoder.onnx"):
            contents = read_graph(files[name])
            if strange := contents.operators - OPERATORS:
                raise ModelError(f"{folder / name} uses {', '.join(sorted(strange))}, which no model of ours does.")
            if not contents.sound:
                raise ModelError(f"{folder / name} holds weights that are not finite or not inside the file.")
        try:
            model = cls(manifest, files)
            model.check_golden()
        except ModelError:
            raise
        except Exception as error:  # onnxruntime raises many kinds, none of them documented
            raise ModelError(
                f"The model in {folder} does not run ({type(error).__name__}); copy the bank again."
            ) from error
        return model

    def check_golden(self) -> None:
        """Encode and decode the golden phrase.

        Raises:
            ModelError: the state or the tokens differ from the manifest.
        """
        golden = self.manifest.golden
        state = self.encode(np.array(golden.tokens, np.int32))
        numbers = np.concatenate([state.h.ravel(), state.c.ravel()])
        if len(golden.state) != len(numbers) or np.abs(numbers - np.array(golden.state)).max() > GOLDEN_TOLERANCE:
            raise ModelError("The encoder does not give the golden state of its manifest; copy the bank again.")
        given = golden.decoded[::-1] if self.reverses else golden.decoded
        ticks = self.vocabulary.ticks
        length = left = int(ticks[[duration for _, duration in given]].sum())
        stepper = self.stepper()
        stepper.begin(state.h, state.c, [length])
        for pitch, duration in given:
            logits, lengths = stepper.step()
            said = int(logits[0, REST:].argmax()) + REST
            fits = int(np.searchsorted(ticks, left, side="right"))
            if (said, int((lengths[0] + self.duration_table[said])[1:fits].argmax()) + 1) != (pitch, duration):
                raise ModelError("The decoder does not give the golden phrase of its manifest; copy the bank again.")
            left -= int(ticks[duration])
            stepper.say(0, pitch, duration, self.place(length, left))

    @property
    def mean(self) -> State:
        """The mean of the states of the training phrases."""
        return self._state(self.manifest.state_mean)

    @property
    def spread(self) -> State:
        """The standard deviation of the states of the training phrases, number by number."""
        return self._state(self.manifest.state_spread)

    def direction(self, name: str) -> State:
        """Return what is added to a state at a knob ``name`` of 1, the name being one of the manifest's."""
        return self._state(self.manifest.directions[name])

    def encode(self, tokens: Tokens) -> State:
        """Return the state of a phrase's tokens, int32 (n, 2) with n >= 1."""
        encoder = self.encoder()
        encoder.advance(tokens)
        return encoder.state

    def encoder(self) -> Encoder:
        """Return an encoder that has read nothing yet."""
        return Encoder(self.encoder_session, self.units, self.vocabulary)

    def place(self, length: T, left: T) -> T:
        """Return the tick at which the decoder's next token joins what it has said of a phrase; ``left`` is unsaid."""
        return left if self.reverses else length - left

    def stepper(self, batch: int = 1) -> Stepper:
        """Return a decoder for ``batch`` phrases at a time."""
        return Stepper(self, batch)

    def _state(self, numbers: list[float]) -> State:
        h, c = np.array(numbers, np.float32).reshape(2, 1, self.units)
        return State(h, c)


class Encoder:
    """The encoder on its way through a phrase: advanced by one token or many, with the same result.

    A single token goes through memory that is bound once, so that a phrase is encoded as soon as it ends.
    """

    def __init__(self, session: onnxruntime.InferenceSession, units: int, vocabulary: Vocabulary) -> None:
        """Begin at the zero state and at tick 0."""
        self._session = session
        self._vocabulary = vocabulary
        self._ticks: list[int] = vocabulary.ticks.tolist()
        self._tick = 0
        self._symbols: NDArray[np.int32] = np.zeros((1, 4), np.int32)
        self._states = [(np.zeros((1, units), np.float32), np.zeros((1, units), np.float32)) for _ in range(2)]
        self._bindings = [_bound(session, self._symbols, self._states[here], self._states[1 - here]) for here in (0, 1)]
        self._turn = 0

    def advance(self, tokens: Tokens) -> None:
        """Read tokens int32 (n, 2), n >= 0."""
        if len(tokens) == 1:
            self._advance(*tokens[0].tolist())
        elif len(tokens):
            symbols, (h, c) = self._vocabulary.placed(tokens, self._tick), self._states[self._turn]
            h[:], c[:] = self._session.run(["h_out", "c_out"], {"symbols": symbols, "h": h, "c": c})
            self._tick += int(self._vocabulary.ticks[tokens[:, 1]].sum())

    def _advance(self, pitch: int, duration: int) -> None:
        self._symbols[0] = (pitch, duration, *place(self._tick))
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn ^= 1
        self._tick += self._ticks[duration]

    @property
    def state(self) -> State:
        """The state after what was read so far."""
        h, c = self._states[self._turn]
        return State(h.copy(), c.copy())


class Stepper:
    """The decoder, a step at a time, in memory that is bound once: nothing is allocated while it plays.

    ``begin``, then by turns ``step`` and ``say``, which tells it what was chosen.
    """

    def __init__(self, model: Model, batch: int) -> None:
        """Bind two sets of state buffers, of which each step reads one and writes the other."""
        units, vocabulary = model.units, model.vocabulary
        self._model = model
        self._session = model.decoder_session
        self._offsets = [int(offset) for offset in vocabulary.offsets]
        self._symbols: NDArray[np.int32] = np.zeros((batch, 4), np.int32)
        self.logits: Floats = np.zeros((batch, vocabulary.pitch_symbols + vocabulary.duration_symbols), np.float32)
        self.pitch_logits: Floats = self.logits[:, : vocabulary.pitch_symbols]
        self.duration_logits: Floats = self.logits[:, vocabulary.pitch_symbols :]
        self._states = [(np.zeros((batch, units), np.float32), np.zeros((batch, units), np.float32)) for _ in range(2)]
        self._bindings = [
            _bound(self._session, self._symbols, self._states[here], self._states[1 - here], self.logits)
            for here in (0, 1)
        ]
        self._turn = 0

    def begin(self, h: Floats, c: Floats, lengths: Sequence[int]) -> None:
        """Start from states (batch, units) and the start tag, to say phrases of ``lengths`` ticks."""
        self._turn = 0
        self._states[0][0][:] = h
        self._states[0][1][:] = c
        whole = np.array(lengths)
        self.say(slice(None), START, 0, self._model.place(whole, whole))

    def say(self, rows: int | slice, pitch: Ints, duration: Ints, tick: Ints) -> None:
        """Tell the next step what was chosen: symbols of pitch and duration, and the tick at which the next joins."""
        symbols, (_, durations, beats, ticks) = self._symbols, self._offsets
        symbols[rows, 0] = pitch
        symbols[rows, 1] = duration + durations
        symbols[rows, 2] = tick // PPQ % BEATS + beats
        symbols[rows, 3] = tick % PPQ + ticks

    def step(self) -> tuple[Floats, Floats]:
        """Return (pitch logits, duration logits), views that the next step overwrites."""
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn ^= 1
        return self.pitch_logits, self.duration_logits


def _bound(
    session: onnxruntime.InferenceSession,
    symbols: NDArray[np.int32],
    source: tuple[Floats, Floats],
    target: tuple[Floats, Floats],
    logits: Floats | None = None,
) -> onnxruntime.IOBinding:
    """Return a step of a network in memory that stays where it is: symbols and a state in, a state and logits out."""
    binding = session.io_binding()
    for name, array in {"symbols": symbols, "h": source[0], "c": source[1]}.items():
        binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    wanted = {"h_out": target[0], "c_out": target[1], **({} if logits is None else {"logits": logits})}
    for name, array in wanted.items():
        binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return binding


def _verified(file: Path, sha256: str) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise ModelError(f"{file} is too large for a model; copy the bank again.")
        data = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); copy the bank again.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(f"{file} is not the file that the manifest names; copy the bank again.")
    return data


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread: at 128 units a second one costs more in waking than it computes.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _weights(data: bytes, manifest: Manifest, vocabulary: Vocabulary) -> Weights:
    u, p, d = manifest.units, vocabulary.pitch_symbols, vocabulary.duration_symbols
    shapes = {
        "kernel": (vocabulary.features, 4 * u),
        "recurrent": (u, 4 * u),
        "bias": (4 * u,),
        "pitch_kernel": (u, p),
        "pitch_bias": (p,),
        "duration_kernel": (u, d),
        "duration_table": (p, d),
    }
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        for name, shape in shapes.items():
            array = arrays[name]
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise ModelError(f"The decoder's {name} is not float32 {shape} and finite; copy the bank again.")
        return Weights(**{name: arrays[name] for name in shapes})

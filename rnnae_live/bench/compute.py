"""What it costs to compute: a step of the decoder and the encoder, a melody, a map of melodies; hot and paced.

model, mixer -> [compute] -> figures

*Hot* repeats at once, everything in the caches: what the code costs. *Paced* does it every few milliseconds, after as
much other memory was read as the core's second-level cache holds, as on stage: what the performer waits for.

*Units*: microseconds or milliseconds, as the name of the figure says. *Threading*: one thread.
*Source*: a bare numpy step of the same decoder and a loop of pure Python are measured in the same run, so that figures
of different or shared machines can be compared by their ratio to these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnae_live.bench.figures import Figure, Goal, all_of
from rnnae_live.bench.priority import real_time
from rnnae_live.model import Model
from rnnae_live.presets import Bank
from rnnae_live.state import Chain, Floats
from rnnae_live.tokens import FIRST_PITCH
from rnnae_live.voices import BankVoices

CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
"""Where Linux tells the size of a core's second-level cache, in KiB."""

USUAL_CACHE = 1 << 20
"""Bytes of it where that is not told."""

PACE = 0.004
"""Seconds between two paced samples."""

BARS_TICKS = 192
"""Ticks of two bars of 4/4."""

MAP = 8
"""Cells of the XY map in each direction."""

DEADLINE = 0.01
"""Seconds until the next move of a knob that moves a hundred times a second."""

LOOP = 20_000
"""Turns of the loop of pure Python, 1 ms or so."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How many samples are taken: ``hot`` in a row, ``paced`` with pauses, ``steps`` of the decoder by a deadline."""

    hot: int = 20_000
    paced: int = 1_000
    melodies: int = 1_000
    maps: int = 200
    steps: int = 100_000

    @classmethod
    def quick(cls) -> Amount:
        """Return a tenth or less: enough to see that everything runs, not enough for p99.9."""
        return cls(hot=1_000, paced=40, melodies=50, maps=5, steps=2_000)


@dataclass(frozen=True, slots=True)
class Samples:
    """Wall time of each sample and processor time of all, in seconds."""

    wall: list[float]
    cpu: float

    def figure(self, name: str, title: str, goal: Goal | None = None) -> Figure:
        """Return them as the figure ``name`` in the unit that it ends with."""
        scale = 1e6 if name.endswith("_us") else 1e3
        return Figure(name, title, [one * scale for one in self.wall], goal, self.cpu / len(self.wall) * scale)


def hot(work: Callable[[], object], count: int) -> Samples:
    """Return how long ``work`` took, ``count`` times in a row after some turns of warming up."""
    for _ in range(min(count, 50)):
        work()
    wall = []
    before = time.thread_time()
    for _ in range(count):
        began = time.perf_counter()
        work()
        wall.append(time.perf_counter() - began)
    return Samples(wall, time.thread_time() - before)


def paced(work: Callable[[], object], count: int, pace: float = PACE) -> Samples:
    """Return how long ``work`` took every ``pace`` seconds, each time with cold caches."""
    other = np.zeros(cache_bytes() // 8)
    wall, cpu = [], 0.0
    with real_time():
        for _ in range(count):
            time.sleep(pace)
            other.sum()
            before, began = time.thread_time(), time.perf_counter()
            work()
            wall.append(time.perf_counter() - began)
            cpu += time.thread_time() - before
    return Samples(wall, cpu)


def cache_bytes() -> int:
    """Return the size of the second-level cache of a core."""
    try:
        return int(CACHE.read_text().strip().removesuffix("K")) << 10
    except (OSError, ValueError):
        return USUAL_CACHE


def figures(bank: Bank, amount: Amount) -> Iterator[Figure]:
    """Yield every figure of computing with a bank that has two presets or more."""
    yield from yardsticks(bank.model, amount)
    yield from steps(bank.model, amount)
    yield from encoder(bank.model, amount)
    yield from melodies(bank, amount)
    yield xy_map(bank, amount)
    yield deadlines(bank, amount)


def yardsticks(model: Model, amount: Amount) -> Iterator[Figure]:
    """Yield what the same machine needs for work that is not ours."""
    yield hot(python_loop, max(20, amount.hot // 100)).figure("python_loop_us", f"pure Python, {LOOP:,} turns")
    yield hot(numpy_step(model), amount.hot // 4).figure("numpy_step_us", "one decoder step in bare numpy")


def steps(model: Model, amount: Amount) -> Iterator[Figure]:
    """Yield one step of the decoder, hot and paced."""
    stepper = model.stepper()
    zero = np.zeros((1, model.units), np.float32)

    def step() -> None:
        stepper.step()

    stepper.begin(zero, zero, [BARS_TICKS])
    yield hot(step, amount.hot).figure("decoder_step_hot_us", "one decoder step, hot", Goal({"p50": 12.0}))
    goal = Goal({"p50": 100.0, "p99": 150.0})
    yield paced(step, amount.paced).figure("decoder_step_paced_us", "one decoder step, paced", goal)


def encoder(model: Model, amount: Amount) -> Iterator[Figure]:
    """Yield how long after the last note of a phrase its state is there, the others having been read as they came."""
    phrase = np.array([(FIRST_PITCH + 24 + number % 12, 6) for number in range(16)], np.int32)
    last = phrase[-1:]
    reader = model.encoder()
    reader.advance(phrase[:-1])

    def read() -> None:
        reader.advance(last)

    goal = Goal({"p50": 20.0})
    yield hot(read, amount.hot // 4).figure("encoder_ready_hot_us", "last note to encoder ready, hot", goal)
    yield paced(read, amount.paced).figure("encoder_ready_paced_us", "last note to encoder ready, paced")


def melodies(bank: Bank, amount: Amount) -> Iterator[Figure]:
    """Yield how long after a knob has moved the melody of two bars is there, hot and paced."""
    turn = Knob(bank)
    goal = Goal({"p99": 1.0})
    title = "knob to re-decoded 2-bar melody"
    yield hot(turn, amount.melodies).figure("knob_to_melody_hot_ms", f"{title}, hot", goal)
    yield paced(turn, amount.melodies, DEADLINE).figure("knob_to_melody_paced_ms", f"{title}, paced", goal)


class Knob:
    """A knob between the first pieces of two presets; each call moves it and decodes ``notes`` more."""

    def __init__(self, bank: Bank) -> None:
        """Take the first two presets of the bank."""
        self._voices = BankVoices(bank)
        self._first, self._second = (piece(preset.chain) for preset in bank.presets[:2])
        self._place = 0
        self.notes = 0

    def __call__(self) -> None:
        """Move by a hundredth, decode."""
        self._place = (self._place + 1) % 101
        weight = self._place / 100
        mix = [(self._first, 1.0 - weight), (self._second, weight)]
        self.notes += len(self._voices.piece(mix, 0).notes)


def piece(chain: Chain) -> Chain:
    """Return the first whole piece of a chain: two bars."""
    whole = [link for link in chain if not link.pickup] or list(chain)
    return (max(whole[:4], key=lambda link: link.length),)


def xy_map(bank: Bank, amount: Amount) -> Figure:
    """Return how long all cells of the XY map take, decoded ahead in one batch."""
    voices = BankVoices(bank)
    mixes = cells([piece(preset.chain) for preset in (bank.presets * 4)[:4]])

    def work() -> None:
        voices.pieces(mixes, 0)

    return hot(work, amount.maps).figure(
        "xy_map_64_ms", f"{MAP} x {MAP} cells of the XY map, 2 bars, one batch", Goal({"p50": 10.0})
    )


def cells(corners: Sequence[Chain]) -> list[list[tuple[Chain, float]]]:
    """Return the mixes of the XY map between four corners, row by row."""
    places = [number / (MAP - 1) for number in range(MAP)]
    weights = [((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y) for y in places for x in places]
    return [list(zip(corners, each, strict=True)) for each in weights]


def deadlines(bank: Bank, amount: Amount) -> Figure:
    """Return the share of decoder steps that were done before their deadline, by a knob that never rests.

    A move of the knob brings one melody; its steps are in time where the whole of it is ready ``DEADLINE`` seconds
    later, when the knob moves again.
    """
    turn = Knob(bank)
    counted = in_time = 0
    while counted < amount.steps:
        before, began = turn.notes, time.perf_counter()
        turn()
        made = max(1, turn.notes - before)  # A rest or a hold is a step as well: this counts too few, never too many.
        counted += made
        in_time += made if time.perf_counter() - began <= DEADLINE else 0
    return Figure(
        "deadline_success_share",
        f"decoder steps in time, of {counted:,}",
        [in_time / counted],
        all_of(0.9999, least=True),
        about={"steps": counted, "deadline_ms": DEADLINE * 1000},
    )


def python_loop() -> int:
    """Do a fixed amount of work in pure Python."""
    value = 1
    for number in range(LOOP):
        value = value * 3 + number & 0xFFFF
    return value


def numpy_step(model: Model) -> Callable[[], tuple[Floats, Floats]]:
    """Return a function that does one step of the decoder in numpy, in memory that is made once."""
    weights, units = model.weights, model.units
    rows = np.array([0, 70, 100, 140]) % len(weights.kernel)
    h, c = np.zeros(units, np.float32), np.zeros(units, np.float32)
    gates = np.zeros(4 * units, np.float32)

    def step() -> tuple[Floats, Floats]:
        nonlocal h, c
        np.dot(h, weights.recurrent, out=gates)
        gates.__iadd__(weights.kernel[rows].sum(0) + weights.bias)
        i, f, g, o = gates.reshape(4, units)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        return h @ weights.pitch_kernel + weights.pitch_bias, h @ weights.duration_kernel

    return step

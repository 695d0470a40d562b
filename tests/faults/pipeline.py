"""Rows in virtual time with the real engine, player and model: what breaks on the way from a key to a port.

Whatever stage raises, says nonsense or never ends: every note-on has its note-off, and the music goes on.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnae_live
from rnnae_live import part
from rnnae_live.capture import Capture
from rnnae_live.control import Surface
from rnnae_live.decoder import decode
from rnnae_live.desk import Desk
from rnnae_live.keeping import Keeping
from rnnae_live.model import Encoder, Stepper
from rnnae_live.slots import Slots
from rnnae_live.state import Link, State, random_state
from rnnae_live.tokens import REST
from rnnae_live.transport import Transport
from rnnae_live.voices import BankVoices
from rnnae_live.walk import Walk
from tests.faults.real import ANSWER, CAPTURE, Failing, Real, dense, perform, voices
from tests.faults.seen import Row, Seen

STAGES: list[tuple[Any, str]] = [
    (Surface, "read"), (Capture, "feed"), (part, "hear"), (Transport, "advance"), (Transport, "tempo"),
    (BankVoices, "encode"), (BankVoices, "piece"), (BankVoices, "pieces"), (BankVoices, "capture"),
    (Desk, "turn"), (Desk, "play"), (Slots, "select"), (Keeping, "step"),
    (Walk, "advance"), (Walk, "change"), (Walk, "_compose"), (Stepper, "step"), (Encoder, "advance"),
]  # fmt: skip
"""Every stage on the way from a key to a due note."""

ERRORS: list[Callable[[], Exception]] = [
    lambda: ValueError("NaN in the state"),
    MemoryError,
    lambda: RecursionError("too deep"),
    lambda: OSError(5, "Input/output error"),
]


def exceptions(seen: Seen, long: bool, _folder: Path) -> None:
    """Let every stage raise, once or for good, in every mode; then heal it and hear whether the music goes on."""
    dice = random.Random(1)
    for turn in range(20 if long else 1):
        for owner, name in STAGES:
            for mode in ("answer", "loop"):
                stage = Real(dense(mode, 2))
                perform(stage, dice)
                failing = Failing(owner, name, dice.randrange(3), heals=(turn + len(mode)) % 2 == 0)
                with pytest.MonkeyPatch.context() as patch:
                    failing.into(patch, dice.choice(ERRORS))
                    for _ in range(3):
                        perform(stage, dice)
                        touch(stage, dice)
                    stage.work()
                where = f"{owner.__name__}.{name} in mode {mode}"
                seen.inject(f"exception in {_named(owner)}.{name}", failing.raised)
                stage.settle()
                before = stage.messages
                stage.play(60, 62, 64, 65)
                stage.turn(ANSWER, 127)
                stage.run(stage.now + 8.0)
                seen.leave_sounding(stage.end(), where)
                seen.hold(stage.messages > before, f"silent after {where} had failed")
    seen.figures["stages"] = len(STAGES)
    silent = {f"exception in {_named(owner)}.{name}" for owner, name in STAGES} - seen.injected.keys()
    seen.hold(not silent, f"nothing was raised: {', '.join(sorted(silent))}")


def touch(stage: Real, dice: random.Random) -> None:
    """Do once what ``perform`` does now and then, and turn the tempo."""
    stage.play(60, 67)
    stage.turn(ANSWER, 127)
    stage.hear(bytes((0xC0, dice.randrange(20))))
    stage.take(stage.engine.do({"turn": "bpm", "value": dice.uniform(90.0, 180.0)}, stage.now))
    stage.turn(CAPTURE, 127)
    stage.work()


def _named(owner: Any) -> str:  # noqa: ANN401 - any class or module
    return str(owner.__name__).rpartition(".")[2]


def _endless(stepper: Stepper) -> None:
    stepper.logits[:] = 0
    stepper.duration_logits[:, 1] = 1e9
    stepper.pitch_logits[:, REST] = 1e9


def _tags(stepper: Stepper) -> None:
    stepper.logits[:] = 0
    stepper.pitch_logits[:, :REST] = 1e9
    stepper.duration_logits[:, 0] = 1e9


def _noise(stepper: Stepper) -> None:
    stepper.logits[:] = np.random.default_rng(3).standard_normal(stepper.logits.shape) * 1e30


NONSENSE: dict[str, Callable[[Stepper], object]] = {
    "logits NaN": lambda one: one.logits.fill(np.nan),
    "logits infinite": lambda one: one.logits.fill(np.inf),
    "logits noise": _noise,
    "a decoder of shortest rests without end": _endless,
    "a decoder of tags without end": _tags,
}


def garbage(seen: Seen, long: bool, _folder: Path) -> None:
    """Let the network say NaN, infinity and noise, always the shortest duration, or tags without end."""
    dice = random.Random(2)
    for _ in range(20 if long else 1):
        for name, fill in NONSENSE.items():
            for mode in ("answer", "loop"):
                stage = Real(dense(mode, 2))
                with pytest.MonkeyPatch.context() as patch, np.errstate(invalid="ignore"):
                    patch.setattr(Stepper, "step", _saying(fill))
                    for _ in range(3):
                        perform(stage, dice)
                seen.inject(name, 3)
                stage.play(60, 62, 64)
                stage.turn(ANSWER, 127)
                stage.run(stage.now + 6.0)
                seen.leave_sounding(stage.end(), name)
        for name, number in (("state NaN", np.nan), ("state infinite", np.inf), ("state huge", 1e6)):
            stage = Real(dense("answer", 2))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Encoder, "advance", _filling(number))
                stage.play(60, 62, 64)
                stage.turn(ANSWER, 127)
                for _ in range(3):
                    perform(stage, dice)
                faults = stage.engine.counts.faults
            seen.inject(name, 3)
            seen.hold(faults > 0, f"{name} was not noticed")
            seen.leave_sounding(stage.end(), name)


def _saying(fill: Callable[[Stepper], object]) -> Callable[[Stepper], Any]:
    def step(stepper: Stepper) -> Any:  # noqa: ANN401 - as the real one
        fill(stepper)
        return stepper.pitch_logits, stepper.duration_logits

    return step


def _filling(number: float) -> Callable[[Encoder, object], None]:
    def advance(encoder: Encoder, _tokens: object) -> None:
        for pair in encoder._states:
            for numbers in pair:
                numbers.fill(number)

    return advance


def bounded_decoding(seen: Seen, long: bool, _folder: Path) -> None:
    """Decode from states that nothing has made: every phrase ends, and fills exactly its bars."""
    model, rng = voices().bank.model, np.random.default_rng(4)
    count = 100_000 if long else 1_000
    invalid = 0
    for begin in range(0, count, 100):
        scale = [0.1, 1.0, 5.0, 100.0][begin // 100 % 4]
        states = [random_state(model.mean, model.spread, rng) for _ in range(100)]
        states = [State(np.clip(one.h * scale, -900, 900), np.clip(one.c * scale, -900, 900)) for one in states]
        links = [Link(state, int(rng.integers(1, 400))) for state in states]
        temperature = float(rng.choice([0.0, 1.0, 2.0]))
        for tokens, link in zip(decode(model, links, temperature=temperature), links, strict=True):
            invalid += int(model.vocabulary.ticks[tokens[:, 1]].sum()) != link.length or len(tokens) > link.length
    seen.inject("a random state", count)
    seen.figures["invalid outputs"] = invalid
    seen.hold(not invalid, f"{invalid} of {count} outputs do not fill their bars")


def suspend(seen: Seen, long: bool, _folder: Path) -> None:
    """Let the machine sleep for a moment, for seconds or half a day: overdue is dropped, and the beat is found."""
    dice = random.Random(5)
    worst = 0
    for _ in range(400 if long else 24):
        stage = Real(dense(dice.choice(("loop", "answer", "trade")), 3))
        for _ in range(2):
            perform(stage, dice)
        stage.run(stage.now + dice.uniform(0.0, 1.0))
        late = stage.late
        stage.leap(dice.choice((0.3, 1.0, 4.0, 4.0, 60.0, 3600.0, 12 * 3600.0, 3 * 86400.0)))
        before, slept_to = len(stage.sent), stage.now
        stage.run(stage.now + 0.2)
        burst = sum(d[0] & 0xF0 == 0x90 and at <= slept_to + 0.002 for at, d in stage.sent[before:])
        worst = max(worst, burst)
        seen.inject("suspend")
        seen.late += stage.late - late
        seen.hold(stage.late - late <= 1, f"{stage.late - late} late notes after a sleep")
        # Each part may begin one note at the moment of waking.
        seen.hold(burst <= 3, f"{burst} notes at once after a sleep")
        stage.run(stage.now + 4.0)
        seen.leave_sounding(stage.end(), "after a sleep")
    seen.figures["notes at the moment of waking, most"] = worst


OF_THE_WALL = {"library/shelf.py", "live/engine.py", "live/tape.py", "osc/server.py", "recorder.py", "cli/demo.py"}
"""Modules that name files after the time of day, or are told moments in it (OSC); nobody else may look at it."""


def wall_clock(seen: Seen, _long: bool, _folder: Path) -> None:
    """Find whoever asks the clock on the wall, which can be put back."""
    root = Path(rnnae_live.__file__).parent
    asked = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            if (node.value.id, node.attr) in {("time", "time"), ("time", "time_ns"), ("datetime", "now")}:
                asked.add(path.relative_to(root).as_posix())
    seen.inject("a clock on the wall that jumps")
    strange = {one for one in asked - OF_THE_WALL if not one.startswith(("cli/", "bench/", "doctor/"))}
    seen.figures["modules that read it"] = ", ".join(sorted(asked))
    seen.hold(not strange, f"the time of day decides in {', '.join(sorted(strange))}")


ROWS = [
    Row("exception at any stage", "caught, counted, phrase ends cleanly, the music goes on", exceptions),
    Row("NaN, noise, a decoder that never ends", "caught, counted; caps in tokens and bars", garbage),
    Row("random states", "0 invalid outputs", bounded_decoding),
    Row("suspend in virtual time", "drop what is overdue, rejoin, at most one late event", suspend),
    Row("the clock on the wall", "monotonic everywhere", wall_clock),
]

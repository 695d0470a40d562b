"""The real engine, player and model in virtual time: a stage that can play for days, and be broken anywhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import pytest

from rnnae_live.agenda import Key, Waiting
from rnnae_live.control import Press, spec
from rnnae_live.events import Output
from rnnae_live.player import LATEST
from rnnae_live.presets import Bank, factory
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.voices import BankVoices
from tests.virtual import Echo, Stage

SONGS = ("Greensleeves", "Arirang", "The Entertainer (opening)", "Ode to Joy")
PLAY, ANSWER, CAPTURE, TAP, STOP_ALL = 119, 85, 86, 118, 120
"""Controllers of buttons: play and stop, answer now, keep the last phrase, tap, panic."""


@cache
def voices() -> BankVoices:
    """Return the factory bank as the engine plays it."""
    return BankVoices(Bank.open(factory()))


def dense(mode: str = "loop", parts: int = 3, bpm: float = 160.0, *, thru: str = "off") -> Settings:
    """Return settings of a piece in which several parts play, each on its own channel."""
    values = {"mode": spec("mode").named(mode), "follow": 0.0 if mode == "loop" else 0.5}
    made = tuple(PartSettings(n, n, ((name, 1.0),), values, seed=n) for n, name in enumerate(SONGS[:parts]))
    return Settings(bpm=bpm, parts=made, thru=thru)


class Real(Stage):
    """The virtual stage with the real bank. What was sent is counted, and kept for a while only.

    ``late`` counts note-ons that sounded more than ``LATEST`` after they were due, ``doubled`` those of a key that
    sounded, ``idle`` note-offs of a key that did not.
    """

    def __init__(self, settings: Settings) -> None:
        self.messages = self.late = self.doubled = self.idle = 0
        self._down: set[bytes] = set()
        self._checked = 0
        super().__init__(settings, cast("Echo", voices()))
        begin = self.player._on

        def on(key: Key, waiting: Waiting, late: float) -> None:
            self.late += late > LATEST
            begin(key, waiting, late)

        self.player._on = on  # type: ignore[method-assign]

    def take(self, outputs: Sequence[Output]) -> None:
        super().take(outputs)
        if len(self.sent) - self._checked > 256:
            self.settle()
        del self.notices[:-64]

    def settle(self) -> None:
        """Check the balance of what was sent since the last time."""
        for _, data in self.sent[self._checked :]:
            self.messages += 1
            key, kind = bytes((data[0] & 0x0F, data[1] if len(data) > 1 else 0)), data[0] & 0xF0
            if kind == 0x90 and data[2]:
                self.doubled += key in self._down
                self._down.add(key)
            elif kind in (0x80, 0x90):
                self.idle += key not in self._down
                self._down.discard(key)
        del self.sent[:-512]
        self._checked = len(self.sent)

    def end(self) -> int:
        """Stop what plays, let it end, and return how many notes are wrong: still sounding or doubled."""
        self.take(self.engine.press(Press.STOP, self.now))
        self.run(self.now + 20.0)
        self.settle()
        return len(self._down | {bytes(key) for key in self.player.ledger}) + self.doubled

    def leap(self, seconds: float) -> None:
        """Let time pass in which nobody is asked: the machine slept."""
        self.now += seconds

    def ons_of(self, channel: int) -> list[tuple[float, int]]:
        """Moment and pitch of the note-ons of a channel that are still remembered."""
        return [(at, data[1]) for at, data in self.sent if data[0] == 0x90 | channel and data[2]]


def perform(stage: Stage, dice: random.Random, channel: int = 0) -> None:
    """Play a short phrase, turn a knob, and ask for the answer or not."""
    stage.play(*(dice.randrange(55, 80) for _ in range(dice.randrange(2, 9))), beats=dice.choice((0.25, 0.5)))
    stage.turn(dice.choice((20, 21, 22, 28, 29, 30, 31)), dice.randrange(128), channel)
    if dice.random() < 0.5:
        stage.turn(ANSWER, 127, channel)
    if dice.random() < 0.1:
        stage.turn(CAPTURE, 127, channel)
    if dice.random() < 0.1:
        stage.hear(bytes((0xC0 | channel, dice.randrange(30))))
    if dice.random() < 0.2:
        stage.work()
    stage.run(stage.now + dice.uniform(0.1, 2.0))


class Failing:
    """Makes a function of a class raise at its call ``at`` (from 0), and at every later one where it does not heal."""

    def __init__(self, owner: Any, name: str, at: int, *, heals: bool = True) -> None:  # noqa: ANN401 - any class
        self._owner, self._name, self._at, self._heals = owner, name, at, heals
        self.calls = self.raised = 0

    def into(self, patch: pytest.MonkeyPatch, error: Callable[[], Exception]) -> None:
        """Break it for as long as ``patch`` lasts."""
        real = getattr(self._owner, self._name)

        def broken(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it is given
            self.calls += 1
            if self.calls == self._at + 1 or (self.calls > self._at and not self._heals):
                self.raised += 1
                raise error()
            return real(*args, **named)

        patch.setattr(self._owner, self._name, broken)

"""Sentences are said in order, and a terminal that takes nothing holds nobody up."""

from __future__ import annotations

import threading

import pytest

from rnnae_live.live.crier import MOST, Crier

pytestmark = pytest.mark.unit


def test_sentences_are_said_in_order_and_faults_of_the_terminal_end_nothing() -> None:
    said: list[str] = []

    def say(text: str) -> None:
        if text == "broken":
            raise OSError("the terminal is gone")
        said.append(text)

    crier = Crier(say)
    for text in ("one", "broken", "two"):
        crier.say(text)
    crier.close()
    assert said == ["one", "two"]


def test_a_stopped_terminal_holds_nobody_up() -> None:
    stopped, said = threading.Event(), []

    def say(text: str) -> None:
        stopped.wait(10)
        said.append(text)

    crier = Crier(say)
    for number in range(4 * MOST):
        crier.say(str(number))
    assert said == []
    stopped.set()
    crier.close()
    assert said[:3] == ["0", "1", "2"]
    assert len(said) <= MOST + 1

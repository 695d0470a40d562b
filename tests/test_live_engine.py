"""The engine's process between two players: it waits, whatever it would have had to play meanwhile."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rnnae_live.engine import Engine
from rnnae_live.live import realtime, wire
from rnnae_live.live.engine import AGAIN, EngineProcess
from rnnae_live.live.options import LiveOptions
from rnnae_live.live.wire import Kind
from tests.faults.real import dense

pytestmark = pytest.mark.model


class Lonely(EngineProcess):
    """An engine whose player is gone, and who writes down how long it wants to wait."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder, self.options, self.stopping = folder, options, False
        self.front = self  # type: ignore[assignment]
        self.waits: list[float | None] = []

    def send(self, *_frame: object) -> None:
        """Nobody listens."""

    def send_frames(self, _frames: object) -> None:
        """Nobody listens."""

    def wait(self, others: list[Any], timeout: float | None) -> list[Any]:
        self.waits.append(timeout)
        return [one for one in others if one.says]


class Answered:
    """The line to a player that has taken the call and opens its ports."""

    def __init__(self) -> None:
        self.says: list[wire.Frame] = []
        self.sent: list[bytes] = []

    def receive(self) -> list[wire.Frame]:
        said, self.says = self.says, []
        return said

    def send_frames(self, frames: list[wire.Frame]) -> None:
        self.sent += [payload for kind, payload in frames if kind is Kind.NOTE]

    def close(self) -> None:
        """The line is cut."""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lonely:
    monkeypatch.setattr(realtime, "settle", lambda: None)
    monkeypatch.setattr(realtime, "schedule", lambda _priority: False)
    one = Lonely(tmp_path, asdict(LiveOptions()))
    one.start()
    one.engine = Engine(one.engine.voices, dense("loop"))
    return one


def test_nothing_begins_before_the_player_has_its_ports(engine: Lonely, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Answered()
    monkeypatch.setattr(wire, "call", lambda *_: player)
    for _ in range(20):
        engine.turn()
    assert player.sent == []
    assert engine.waits[-1] is None
    player.says.append((Kind.READY, b""))
    engine.turn()
    assert engine.engine.transport.running
    assert len(player.sent) >= 3


def test_it_waits_for_a_player_although_notes_are_overdue(engine: Lonely) -> None:
    engine.engine.start(time.monotonic() - 5.0)  # It has played for five seconds, and its player is killed.
    wake = engine.engine.wake()
    assert wake is not None
    assert wake < time.monotonic()
    for _ in range(20):
        engine.turn()
    assert all(seconds is not None and seconds > AGAIN / 2 for seconds in engine.waits[10:])

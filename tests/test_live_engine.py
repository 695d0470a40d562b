"""The engine's process between two players: it waits, whatever it would have had to play meanwhile."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rnnae_live.engine import Engine
from rnnae_live.live import realtime
from rnnae_live.live.engine import AGAIN, EngineProcess
from rnnae_live.live.options import LiveOptions
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

    def wait(self, _others: list[Any], timeout: float | None) -> list[Any]:
        self.waits.append(timeout)
        return []


def test_it_waits_for_a_player_although_notes_are_overdue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "settle", lambda: None)
    monkeypatch.setattr(realtime, "schedule", lambda _priority: False)
    engine = Lonely(tmp_path, asdict(LiveOptions()))
    engine.start()
    engine.engine = Engine(engine.engine.voices, dense("loop"))
    engine.engine.start(time.monotonic() - 5.0)  # It has played for five seconds, and its player is killed.
    wake = engine.engine.wake()
    assert wake is not None
    assert wake < time.monotonic()
    for _ in range(20):
        engine.turn()
    assert all(seconds is not None and seconds > AGAIN / 2 for seconds in engine.waits[10:])

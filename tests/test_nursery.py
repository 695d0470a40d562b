"""The front's children in virtual time: started again, given a rest, and what holds while they rest."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from rnnae_live.live.nursery import MOST_STARTS, RELEASE, Kid, Nursery
from rnnae_live.live.wire import Kind, Link

pytestmark = pytest.mark.unit


class Process:
    """A process that ends when it is told to."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.status: int | None = None

    def poll(self) -> int | None:
        return self.status

    def wait(self, _timeout: float | None = None) -> int:
        assert self.status is not None
        return self.status

    def kill(self) -> None:
        self.status = -9


class Kids:
    """A nursery whose seconds pass when they are told to."""

    def __init__(self, folder: Path, *roles: str) -> None:
        self.said: list[str] = []
        self.started: list[tuple[float, Process]] = []
        self.now = 0.0
        self.nursery = Nursery(
            folder, [Kid(role, was_ready=True) for role in roles], self.said.append, lambda _kid: None
        )
        self.nursery._spawn = self._spawn  # type: ignore[method-assign,assignment]
        self.run(0.1)

    def _spawn(self, program: str) -> Any:  # noqa: ANN401 - stands in for a process
        self.started.append((self.now, Process(program)))
        return self.started[-1][1]

    def run(self, until: float) -> None:
        while self.now < until:
            self.nursery.start(self.now)
            for kid in self.nursery:
                kid.heard_at = self.now
            self.nursery.beat(self.now)
            self.now += 0.05

    def die(self, role: str, status: int = -9) -> None:
        process: Any = self.nursery[role].process
        process.status = status
        self.run(self.now + 0.1)

    def programs(self) -> list[str]:
        return [process.program for _, process in self.started]


def test_an_engine_that_dies_too_often_rests_and_the_player_is_told_that_it_is_alone(tmp_path: Path) -> None:
    kids = Kids(tmp_path, "player", "engine")
    here, there = socket.socketpair()
    with here, there:
        kids.nursery["player"].link, player = Link(here), Link(there)
        for _ in range(MOST_STARTS):
            kids.die("engine")
        assert kids.nursery["engine"].rest_until is None
        kids.die("engine")
        assert [frame[0] for frame in player.receive() if frame[0] is not Kind.PING] == [Kind.ALONE]
    kids.nursery["player"].link = None
    assert kids.said[-1].startswith(
        "The engine died 6 times in a minute; next try in 59 s, what you play goes straight"
    )
    count = len(kids.started)
    kids.run(59.0)
    assert len(kids.started) == count
    kids.run(60.5)
    assert kids.programs()[count:] == ["engine"]


def test_a_player_that_dies_too_often_is_followed_by_one_that_only_releases(tmp_path: Path) -> None:
    kids = Kids(tmp_path, "player", "engine")
    for _ in range(MOST_STARTS + 1):
        kids.die("player")
    assert kids.programs()[-1] == RELEASE
    assert kids.started[-1][0] < 1.5
    assert "what sounded is released" in kids.said[-1]
    said = len(kids.said)
    kids.die("player", status=0)
    kids.run(59.0)
    assert kids.programs()[-1] == RELEASE
    kids.run(60.5)
    assert kids.programs()[-1] == "player"
    assert len(kids.said) == said


def test_a_release_that_fails_is_tried_again_until_the_player_is(tmp_path: Path) -> None:
    kids = Kids(tmp_path, "player")
    for _ in range(MOST_STARTS + 1):
        kids.die("player")
    for _ in range(3):
        kids.die("player", status=1)
        kids.run(kids.now + 1.2)
    assert kids.programs().count(RELEASE) == 4
    assert kids.programs()[-1] == RELEASE


def test_after_a_rest_another_death_is_another_rest(tmp_path: Path) -> None:
    kids = Kids(tmp_path, "engine")
    for _ in range(30):
        kids.run(kids.now + 0.2)
        if kids.nursery["engine"].process is not None:
            kids.die("engine")
    kids.run(200.0)
    for at, _ in kids.started:
        assert sum(at <= other < at + 59.9 for other, _ in kids.started) <= MOST_STARTS + 1

"""The front's children: started, asked how they are, and started again when they die or freeze.

front -> [nursery] -> player, engine, page

A vital child that dies or freezes is started again, at most ``MOST_STARTS`` times a minute; one that could not start
the first time ends the session. Without the page the music goes on. After more deaths there is a rest: without the
engine the player is alone and plays everything through, without the player what sounded is released and nothing else.

*Units*: seconds of the monotonic clock. *Threading*: the front's thread. *Errors*: none; ``failure`` is why the
session cannot go on.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rnnae_live
from rnnae_live.errors import RnnaeError
from rnnae_live.live import realtime
from rnnae_live.live.wire import Kind, Link, LinkLostError

FROZEN = {"player": 0.5, "engine": 2.0, "page": 10.0}
"""Seconds without an answer after which a child counts as frozen and is killed."""

PROGRAMS = {"page": "rnnae_live.page"}
"""What is started for a child that is not one of ``rnnae_live.live``."""

RELEASE = "release"
"""What is started in the place of a player that died too often."""

STARTING = 30.0
"""Seconds that a child may take to be ready: a slow disk, a loaded machine."""

MOST_STARTS = 5
"""Starts again of a child within a minute."""

MEANWHILE = {
    "engine": "what you play goes straight to the output until then",
    "player": "what sounded is released and nothing plays until then",
    "page": "the music goes on",
}
"""What holds while a child that died too often is not tried."""

RELEASE_AGAIN = 1.0
"""Seconds after which notes are released once more where that failed."""

HEARTBEAT = 0.1
"""Seconds between two questions to each child."""


@dataclass(slots=True)
class Kid:
    """One child process as the front sees it."""

    role: str
    vital: bool = True
    """Whether there is no music without it."""
    process: subprocess.Popen[bytes] | None = None
    link: Link | None = None
    ready: bool = False
    was_ready: bool = False
    heard_at: float = 0.0
    start_at: float | None = 0.0
    """When it is to be started, None while it runs."""
    excused: bool = False
    """Whether it has said why it cannot start."""
    rest_until: float | None = None
    """When it is tried again where it died too often, None where it works."""
    releasing: bool = False
    """Whether its process is one that only lets go of notes."""
    starts: deque[float] = field(default_factory=deque)
    status: dict[str, Any] = field(default_factory=dict)


class Nursery:
    """The children of a session, by their roles. ``last_words`` is asked to read what one has said before it died."""

    def __init__(
        self, folder: Path, children: Iterable[Kid], say: Callable[[str], None], last_words: Callable[[Kid], None]
    ) -> None:
        """Begin with none of them started."""
        self.children = {child.role: child for child in children}
        self.failure: RnnaeError | None = None
        self.stopping = False
        self._folder = folder
        self._say = say
        self._last_words = last_words
        self._ping_at = 0.0

    def __getitem__(self, role: str) -> Kid:
        """The child with a role."""
        return self.children[role]

    def __iter__(self) -> Iterator[Kid]:
        """All children."""
        return iter(self.children.values())

    def excuse(self, now: float) -> None:
        """Blame nobody for a silence: this process, or the whole machine, stood still."""
        for child in self:
            child.heard_at = now

    def start(self, now: float) -> None:
        """Start those whose time has come."""
        for child in self:
            if child.start_at is not None and now >= child.start_at:
                child.start_at = None
                child.heard_at = now
                child.releasing = child.role == "player" and child.rest_until is not None and now < child.rest_until
                child.process = self._spawn(RELEASE if child.releasing else child.role)

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        """Start a child: a new interpreter, because a fork of what has threads and ports is no clean start."""
        root = str(Path(rnnae_live.__file__).resolve().parent.parent)
        paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        program = PROGRAMS.get(role, f"rnnae_live.live.{role}")
        command = [sys.executable, "-m", program, str(self._folder)]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if role == RELEASE or (role == "player" and self[role].was_ready):
            realtime.hurry(process.pid)  # Notes that the last one left sounding wait for it.
        return process

    def beat(self, now: float) -> None:
        """Ask each child how it is; kill the one that does not answer, start again the one that is gone."""
        asking = now >= self._ping_at
        if asking:
            self._ping_at = now + HEARTBEAT
        for child in self:
            if child.process is None:
                continue
            if child.process.poll() is not None:
                self._died(child, now)
            elif now - child.heard_at > (FROZEN[child.role] if child.ready else STARTING):
                self._say(f"The {child.role} does not answer any more and is replaced.")
                child.process.kill()
                child.process.wait()
                self._died(child, now)
            elif asking and child.ready and child.link is not None:
                with suppress(LinkLostError):
                    child.link.send(Kind.PING)

    def _died(self, child: Kid, now: float) -> None:
        """Start a child again that died, or give up where it has never been ready."""
        assert child.process is not None
        status = child.process.wait()
        if child.link is not None:
            self._last_words(child)  # Its last words may still wait.
        if child.link is not None:
            child.link.close()
        child.process, child.link, child.ready = None, None, False
        if self.stopping or self.failure is not None:
            return
        if child.releasing:
            child.releasing = False
            later = math.inf if status == 0 else now + RELEASE_AGAIN
            child.start_at = min(later, child.rest_until or now)
            return
        if not child.was_ready:
            if child.vital:
                self.failure = RnnaeError(f"The {child.role} could not start (status {status}).")
            elif not child.excused:
                self._say(f"The {child.role} could not start (status {status}); everything else goes on.")
            return
        while child.starts and child.starts[0] < now - 60.0:
            child.starts.popleft()
        child.start_at = now
        how = f"signal {-status}" if status < 0 else f"status {status}"
        if len(child.starts) >= MOST_STARTS:
            child.start_at = self._rest(child, now)
        else:
            rest = "notes are released" if child.vital else "the music goes on"
            self._say(f"The {child.role} died ({how}); {rest}, it is started again.")
        child.starts.append(child.rest_until or child.start_at)

    def _rest(self, child: Kid, now: float) -> float:
        """Let a child rest that died too often, and return when the next process of it is to be started."""
        child.rest_until = child.starts[0] + 60.0
        seconds, meanwhile = child.rest_until - now, MEANWHILE[child.role]
        self._say(
            f"The {child.role} died {MOST_STARTS + 1} times in a minute; next try in {seconds:.0f} s, {meanwhile}."
        )
        player = self.children.get("player")
        if child.role == "engine" and player is not None and player.link is not None:
            with suppress(LinkLostError):
                player.link.send(Kind.ALONE)
        return now if child.role == "player" else child.rest_until

    def bury(self, child: Kid) -> None:
        """Make sure that a child whose line is cut is gone, so that it is replaced at once."""
        if child.process is None or self.stopping:
            return
        try:
            child.process.wait(0.02)
        except subprocess.TimeoutExpired:
            if child.ready:
                child.process.kill()

"""The front: starts the player and the engine, watches both, and starts again what died or froze.

It is the process of the command line; nothing musical passes through it, so whatever it does makes no note late.

*Threading*: one thread; signals end its wait. *Errors*: ``run`` raises what kept a child from starting the first time;
after that a child that dies is started again, at most ``MOST_STARTS`` times a minute, and the performer is told.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import rnnae_live
from rnnae_live.errors import RnnaeError
from rnnae_live.live import wire
from rnnae_live.live.audience import Audience
from rnnae_live.live.session import Session
from rnnae_live.live.tape import Tape
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError, Listener
from rnnae_live.ports.base import IN, OUT

HEARTBEAT = 0.1
"""Seconds between two questions to each child."""

FROZEN = {"player": 0.5, "engine": 2.0, "page": 10.0}
"""Seconds without an answer after which a child counts as frozen and is killed."""

PROGRAMS = {"page": "rnnae_live.page"}
"""What is started for a child that is not one of ``rnnae_live.live``."""

TOKEN_BYTES = 32
"""Random bytes in the link that lets other computers see the page."""

STARTING = 30.0
"""Seconds that a child may take to be ready: a slow disk, a loaded machine."""

MOST_STARTS = 5
"""Starts again of a child within a minute."""

LEAVING = 1.4
"""Seconds that children have to release everything and leave."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What ``rnnae-live live`` was asked for, as plain data.

    Without names of ports there are virtual ones of our own. ``offset`` in seconds; ``parts`` as ``PartSettings``.
    ``page`` is the port of the control page as digits, "auto" for the first free one of its own, "off" for none.
    """

    backend: str = "auto"
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    control: str | None = None
    bank: str | None = None
    sync: str = "internal"
    bpm: float = 120.0
    metre: tuple[int, int] = (4, 4)
    count_in: int = 0
    send_clock: bool = False
    offset: float = 0.0
    thru: str = "off"
    parts: tuple[dict[str, Any], ...] = ({},)
    record: bool = False
    page: str = "off"
    page_host: str = "127.0.0.1"


@dataclass(slots=True)
class _Child:
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
    starts: deque[float] = field(default_factory=deque)
    status: dict[str, Any] = field(default_factory=dict)


class Front:
    """Runs a live session. ``say`` takes one sentence at a time."""

    def __init__(self, options: LiveOptions, say: Say) -> None:
        """Make the session's folder.

        Raises:
            PortError: no folder can be made.
        """
        self.options = asdict(options)
        self._print = say
        self._stopping = False
        self._failure: RnnaeError | None = None
        self._takeover: dict[str, Any] | None = None
        self._why = ""
        self._session = Session()
        self._listener = Listener(self._session.folder, "front")
        self._strangers: list[Link] = []
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self.children = {role: _Child(role) for role in ("player", "engine")}
        if options.page != "off":
            # It is started when the music is.
            self.children["page"] = _Child("page", vital=False, start_at=None)
        self._token = "" if wire.is_local(options.page_host) else secrets.token_urlsafe(TOKEN_BYTES)
        self._tape: Tape | None = None
        self._audience = Audience()
        self._said_ready = False
        self._ping_at = 0.0

    def run(self) -> None:
        """Play until a signal says stop (SIGINT, SIGTERM, SIGHUP); release everything and return.

        Raises:
            RnnaeError: a child could not start the first time; the message says why.
        """
        before = self._take_signals()
        try:
            last = time.monotonic()
            while not self._stopping and self._failure is None:
                now = time.monotonic()
                if now - last > HEARTBEAT * 3:
                    # The whole machine, or this process, stood still: nobody else is to blame.
                    for child in self.children.values():
                        child.heard_at = now
                last = now
                self._start_what_is_due(now)
                self._beat(now)
                self._listen(HEARTBEAT / 2)
                if self._tape is not None:
                    self._tape.turn(now)
        finally:
            self._leave()
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failure is not None:
            raise self._failure
        self._sum_up()

    def _sum_up(self) -> None:
        """Tell how exact the player was, as far as it has told by now."""
        status = self.children["player"].status
        if status.get("sent"):
            half, most, worst = status["late_us"]
            late = f"late by at most {half} us (p50), {most} us (p99), {worst} us (once)"
            self._say(f"Sent {status['sent']} messages, {late}; {status['dropped']} dropped.")
        if self._tape is not None:
            self._tape.close()

    def _say(self, text: str) -> None:
        """Tell the performer, and whoever watches; nobody listening is no reason to stop playing."""
        self._audience.tell((Kind.NOTICE, b"\0" + text.encode()))
        with suppress(OSError, ValueError):
            self._print(text)

    # -- children ----------------------------------------------------------------------------------------------------

    def _start_what_is_due(self, now: float) -> None:
        for child in self.children.values():
            if child.start_at is not None and now >= child.start_at:
                child.start_at = None
                child.heard_at = now
                child.process = self._spawn(child.role)

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        """Start a child: a new interpreter, because a fork of what has threads and ports is no clean start."""
        root = str(Path(rnnae_live.__file__).resolve().parent.parent)
        paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        program = PROGRAMS.get(role, f"rnnae_live.live.{role}")
        command = [sys.executable, "-m", program, str(self._session.folder)]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def _beat(self, now: float) -> None:
        """Ask each child how it is; kill the one that does not answer, start again the one that is gone."""
        asking = now >= self._ping_at
        if asking:
            self._ping_at = now + HEARTBEAT
        for child in self.children.values():
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

    def _died(self, child: _Child, now: float) -> None:
        """Start a child again that died, or give up where it has never been ready."""
        assert child.process is not None
        status = child.process.wait()
        if child.link is not None:
            self._receive(child)  # Its last words may still wait.
        if child.link is not None:
            self._leave_audience(child.link)
            child.link.close()
        child.process, child.link, child.ready = None, None, False
        if self._stopping or self._failure is not None:
            return
        if not child.was_ready:
            if child.vital:
                self._failure = RnnaeError(f"The {child.role} could not start (status {status}).")
            elif not child.excused:
                self._say(f"The {child.role} could not start (status {status}); everything else goes on.")
            return
        while child.starts and child.starts[0] < now - 60.0:
            child.starts.popleft()
        child.start_at = now
        how = f"signal {-status}" if status < 0 else f"status {status}"
        if len(child.starts) >= MOST_STARTS:
            child.start_at = child.starts[0] + 60.0
            seconds = child.start_at - now
            self._say(f"The {child.role} died {MOST_STARTS + 1} times in a minute; next try in {seconds:.0f} s.")
        else:
            rest = "notes are released" if child.vital else "the music goes on"
            self._say(f"The {child.role} died ({how}); {rest}, it is started again.")
        child.starts.append(child.start_at)

    # -- messages ----------------------------------------------------------------------------------------------------

    def _listen(self, timeout: float) -> None:
        """Wait for a message, a call, a death or a signal, and take it."""
        links = [child.link for child in self.children.values() if child.link is not None]
        waiting: list[Any] = [self._listener, self._woken, *links, *self._strangers]
        ready, _, _ = select.select(waiting, [], [], timeout)
        if self._woken in ready:
            with suppress(BlockingIOError, InterruptedError):
                self._woken.recv(4096)
        if self._listener in ready:
            link = self._listener.accept()
            if link is not None:
                self._strangers.append(link)
        for link in [one for one in self._strangers if one in ready]:
            self._greet(link)
        for child in self.children.values():
            if child.link in ready:
                self._receive(child)

    def _greet(self, link: Link) -> None:
        """Take the first frame of a caller: a child that says who it is, or another command with a wish."""
        try:
            frames = link.receive()
        except LinkLostError:
            self._strangers.remove(link)
            self._leave_audience(link)
            link.close()
            return
        for kind, payload in frames:
            if kind is Kind.HELLO:
                self._strangers.remove(link)
                child = self.children[wire.unpack_json(payload)["role"]]
                child.link, child.heard_at = link, time.monotonic()
                options = {**self.options, "again": child.was_ready, "takeover": self._takeover}
                if child.role == "page":
                    options["token"] = self._token
                with suppress(LinkLostError):
                    link.send(*wire.pack_json(Kind.HELLO, options))
                return
            player = self.children["player"].link
            with suppress(LinkLostError):
                if kind is Kind.CUT and player is not None:
                    player.send(kind, payload)
                    link.send(Kind.PONG)
                elif kind in (Kind.WATCH, Kind.DO):
                    self._watch(link, (kind, payload))
                elif kind is Kind.PING:
                    status = {role: child.status for role, child in self.children.items()}
                    link.send(*wire.pack_json(Kind.PONG, status))

    def _watch(self, link: Link, frame: Frame) -> None:
        """Let somebody watch, or hand what a remote control asks for to the engine, and its panic to the player."""
        kind, payload = frame
        engine, player = (self.children[role].link for role in ("engine", "player"))
        if kind in (Kind.DO, Kind.CUT):
            taker = engine if kind is Kind.DO else player
            if taker is not None:
                with suppress(LinkLostError):
                    taker.send(kind, payload)
            return
        watched = bool(self._audience)
        if not (payload and payload[0]):
            self._leave_audience(link)
        elif self._audience.join(link) and not watched and engine is not None:
            with suppress(LinkLostError):
                engine.send(Kind.WATCH, b"\1")

    def _leave_audience(self, link: Link) -> None:
        """Let the engine rest its eyes when the last watcher goes."""
        engine = self.children["engine"].link
        if link in self._audience:
            self._audience.leave(link)
            if not self._audience and engine is not None:
                with suppress(LinkLostError):
                    engine.send(Kind.WATCH, b"\0")

    def _receive(self, child: _Child) -> None:
        """Take what a child says."""
        assert child.link is not None
        try:
            for frame in child.link.receive():
                self._take(child, frame)
        except LinkLostError:
            self._leave_audience(child.link)
            child.link.close()
            child.link = None
            self._bury(child)

    def _bury(self, child: _Child) -> None:
        """Make sure that a child whose line is cut is gone, so that it is replaced at once."""
        if child.process is None or self._stopping:
            return
        try:
            child.process.wait(0.02)
        except subprocess.TimeoutExpired:
            if child.ready:
                child.process.kill()

    def _take(self, child: _Child, frame: Frame) -> None:
        kind, payload = frame
        child.heard_at = time.monotonic()
        if kind is Kind.READY:
            self._is_ready(child, wire.unpack_json(payload))
        elif kind is Kind.PONG:
            child.status = wire.unpack_json(payload)
            if self._audience:
                self._audience.show({child.role: {key: one for key, one in child.status.items() if key != "settings"}})
            self._takeover = child.status.pop("settings", None) or self._takeover
        elif kind is Kind.NOTICE or (kind is Kind.FATAL and child.was_ready):
            self._say(payload[1:].decode(errors="replace"))
        elif kind in (Kind.TAKE, Kind.MARK):
            if self._tape is not None:
                self._tape.take(frame)
        elif kind is Kind.STATE:
            self._audience.show(wire.unpack_json(payload))
        elif kind in (Kind.WATCH, Kind.DO, Kind.CUT) and child.link is not None:
            self._watch(child.link, frame)
        elif kind is Kind.FATAL and not child.vital:
            child.excused = True
            self._say(f"{payload[1:].decode(errors='replace')} Everything else goes on.")
        elif kind is Kind.FATAL:
            self._failure = RnnaeError(payload[1:].decode(errors="replace"))
            self._failure.exit_status = payload[0]

    def _is_ready(self, child: _Child, about: dict[str, Any]) -> None:
        if child.was_ready:
            self._say(f"The {child.role} {'plays' if child.vital else 'is there'} again.")
        elif child.role == "page":
            self._show_page(about)
        child.ready = child.was_ready = True
        if child.role == "player":
            # A player that takes over opens the same ports; it must not fall back to others.
            self.options["backend"] = about["backend"]
            if not self._why:
                self._why = about["why"]
                self._say(f"MIDI: {self._why}.")
                if self._session.left:
                    self._say(f"Released {len(self._session.left)} notes that the last session left sounding.")
        if child.role == "engine" and self._audience and child.link is not None:
            child.link.send(Kind.WATCH, b"\1")
        if self.options["record"] and self._tape is None:
            self._tape = Tape(self.options["bpm"], time.monotonic(), self._say)
        if not self._said_ready and all(one.ready for one in self.children.values() if one.vital):
            self._said_ready = True
            heard, played = (
                ", ".join(f"'{name}'" for name in self.options[key] or (own,))
                for key, own in (("sources", IN), ("destinations", OUT))
            )
            self._say(f"ready: listening on {heard}, answering on {played}. Ctrl-C ends.")
            if "page" in self.children:
                self.children["page"].start_at = time.monotonic()

    def _show_page(self, about: dict[str, Any]) -> None:
        """Print where the page is; one that takes over is at the same place."""
        self.options["page"] = str(about["port"])
        link = f"{about['url']}enter#{self._token}" if self._token else about["url"]
        # Only on the terminal: whoever watches must not read the token.
        with suppress(OSError, ValueError):
            self._print(f"page: {link}")

    # -- the end -----------------------------------------------------------------------------------------------------

    def _take_signals(self) -> dict[int, Any]:
        """End the wait on every signal that means stop; return the handlers there were."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        return {getattr(signal, name): signal.signal(getattr(signal, name), self._on_signal) for name in names}

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _leave(self) -> None:
        """Tell the children to release everything and leave; end the one that does not."""
        self._stopping = True
        for child in self.children.values():
            if child.link is not None:
                with suppress(LinkLostError):
                    child.link.send(Kind.STOP)
            elif child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + LEAVING
        for child in self.children.values():
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.01, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            if child.link is not None:
                self._receive(child)  # What it said at the end belongs on the tape.
        for link in (*self._strangers, *(child.link for child in self.children.values())):
            if link is not None:
                link.close()
        self._listener.close()
        signal.set_wakeup_fd(-1)
        self._woken.close()
        self._waker.close()
        self._session.close()

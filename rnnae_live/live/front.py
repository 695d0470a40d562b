"""The front: starts the player and the engine, watches both, and starts again what died or froze.

It is the process of the command line; nothing musical passes through it, so whatever it does makes no note late.

*Threading*: one thread; signals end its wait. *Errors*: ``run`` raises what kept a child from starting the first time;
after that a child that dies is started again, at most ``MOST_STARTS`` times a minute, and the performer is told.
"""

from __future__ import annotations

import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rnnae_live.errors import RnnaeError
from rnnae_live.live import wire
from rnnae_live.live.audience import Audience
from rnnae_live.live.crier import Crier
from rnnae_live.live.nursery import HEARTBEAT, Kid, Nursery
from rnnae_live.live.options import LiveOptions
from rnnae_live.live.remote import Remote
from rnnae_live.live.session import Session
from rnnae_live.live.tape import Tape
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError, Listener
from rnnae_live.ports.base import IN, OUT

TOKEN_BYTES = 32
"""Random bytes in the link that lets other computers see the page."""

LEAVING = 1.4
"""Seconds that children have to release everything and leave."""

Say = Callable[[str], None]


class Front:
    """Runs a live session. ``say`` takes one sentence at a time."""

    def __init__(self, options: LiveOptions, say: Say) -> None:
        """Make the session's folder.

        Raises:
            PortError: no folder can be made.
        """
        self.options = asdict(options)
        self._crier = Crier(say)
        self._takeover: dict[str, Any] | None = None
        self._why = ""
        self._session = Session()
        self._listener = Listener(self._session.folder, "front")
        self._strangers: list[Link] = []
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        children = [Kid("player"), Kid("engine")]
        if options.page != "off":
            # It is started when the music is.
            children.append(Kid("page", vital=False, start_at=None))
        self.children = Nursery(self._session.folder, children, self._say, self._receive)
        self._token = "" if wire.is_local(options.page_host) else secrets.token_urlsafe(TOKEN_BYTES)
        self._tape: Tape | None = None
        self._audience = Audience()
        self._remote = Remote(self._wake)
        self._said_ready = False

    def run(self) -> None:
        """Play until a signal says stop (SIGINT, SIGTERM, SIGHUP); release everything and return.

        Raises:
            RnnaeError: a child could not start the first time; the message says why.
        """
        before = self._take_signals()
        try:
            last = time.monotonic()
            while not self.children.stopping and self.children.failure is None:
                now = time.monotonic()
                if now - last > HEARTBEAT * 3:
                    # The whole machine, or this process, stood still: nobody else is to blame.
                    self.children.excuse(now)
                last = now
                self.children.start(now)
                self.children.beat(now)
                self._listen(HEARTBEAT / 2)
                for wish in self._remote.wishes():
                    self._do(wire.pack_json(Kind.DO, wish))
                if self._tape is not None:
                    self._tape.turn(now)
        finally:
            self._leave()
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.children.failure is None:
            self._sum_up()
        self._crier.close()
        if self.children.failure is not None:
            raise self.children.failure

    def _sum_up(self) -> None:
        """Tell how exact the player was, as far as it has told by now."""
        status = self.children["player"].status
        if status.get("sent"):
            half, most, worst = status["late_us"]
            late = f"late by at most {half} us (p50), {most} us (p99), {worst} us (once)"
            self._say(f"Sent {status['sent']} messages, {late}; {status['dropped']} dropped.")
        if self._tape is not None:
            self._tape.close()

    @property
    def _watched(self) -> bool:
        """Whether anybody wants to know what the engine does."""
        return bool(self._audience) or self._remote.on

    def _wake(self) -> None:
        """End the front's wait, from any thread."""
        with suppress(OSError):
            self._waker.send(b"\0")

    def _say(self, text: str) -> None:
        """Tell the performer, and whoever watches; nobody listening is no reason to stop playing."""
        self._audience.tell((Kind.NOTICE, b"\0" + text.encode()))
        self._crier.say(text)

    # -- messages ----------------------------------------------------------------------------------------------------

    def _listen(self, timeout: float) -> None:
        """Wait for a message, a call, a death or a signal, and take it."""
        links = [child.link for child in self.children if child.link is not None]
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
        for child in self.children:
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
                alone = self.children["engine"].rest_until is not None
                options = {**self.options, "again": child.was_ready, "takeover": self._takeover, "alone": alone}
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
                    status = {child.role: child.status for child in self.children}
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
        watched = self._watched
        if not (payload and payload[0]):
            self._leave_audience(link)
        elif self._audience.join(link) and not watched and engine is not None:
            with suppress(LinkLostError):
                engine.send(Kind.WATCH, b"\1")

    def _do(self, frame: Frame) -> None:
        """Hand what a remote control asks for to the engine."""
        engine = self.children["engine"].link
        if engine is not None:
            with suppress(LinkLostError):
                engine.send(*frame)

    def _leave_audience(self, link: Link) -> None:
        """Let the engine rest its eyes when the last watcher goes."""
        engine = self.children["engine"].link
        if link in self._audience:
            self._audience.leave(link)
            if not self._watched and engine is not None:
                with suppress(LinkLostError):
                    engine.send(Kind.WATCH, b"\0")

    def _receive(self, child: Kid) -> None:
        """Take what a child says."""
        assert child.link is not None
        try:
            for frame in child.link.receive():
                self._take(child, frame)
        except LinkLostError:
            self._leave_audience(child.link)
            child.link.close()
            child.link = None
            self.children.bury(child)

    def _take(self, child: Kid, frame: Frame) -> None:
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
            text = payload[1:].decode(errors="replace")
            self._say(text)
            if child.role == "player":
                self._audience.show({"ports": {"told": text}})
        elif kind in (Kind.TAKE, Kind.MARK):
            if self._tape is not None:
                self._tape.take(frame)
        elif kind is Kind.STATE:
            different = wire.unpack_json(payload)
            self._audience.show(different)
            self._remote.show(different)
        elif kind in (Kind.WATCH, Kind.DO, Kind.CUT) and child.link is not None:
            self._watch(child.link, frame)
        elif kind is Kind.FATAL and not child.vital:
            child.excused = True
            self._say(f"{payload[1:].decode(errors='replace')} Everything else goes on.")
        elif kind is Kind.FATAL:
            self.children.failure = RnnaeError(payload[1:].decode(errors="replace"))
            self.children.failure.exit_status = payload[0]

    def _is_ready(self, child: Kid, about: dict[str, Any]) -> None:
        if child.releasing:
            return
        child.rest_until = None
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
        if child.role == "engine" and self._watched and child.link is not None:
            child.link.send(Kind.WATCH, b"\1")
        if self.options["record"] and self._tape is None:
            self._tape = Tape(self.options["bpm"], time.monotonic(), self._say)
        if not self._said_ready and all(one.ready for one in self.children if one.vital):
            self._said_ready = True
            if self.options["osc"] is not None:
                self._listen_to_osc(*self.options["osc"])
            heard, played = (
                ", ".join(f"'{name}'" for name in self.options[key] or (own,))
                for key, own in (("sources", IN), ("destinations", OUT))
            )
            self._say(f"ready: listening on {heard}, answering on {played}. Ctrl-C ends.")
            self._audience.show({"ports": {"told": f"Listening on {heard}, answering on {played}."}})
            if "page" in self.children.children:
                self.children["page"].start_at = time.monotonic()

    def _show_page(self, about: dict[str, Any]) -> None:
        """Print where the page is; one that takes over is at the same place."""
        self.options["page"] = str(about["port"])
        link = f"{about['url']}enter#{self._token}" if self._token else about["url"]
        # Only on the terminal: whoever watches must not read the token.
        with suppress(OSError, ValueError):
            self._crier.say(f"page: {link}")

    def _listen_to_osc(self, address: str, port: int) -> None:
        reply, others = self.options["osc_reply"], self.options["osc_open"]
        self._say(self._remote.start(address, port, reply_port=reply, open_to_others=others))
        engine = self.children["engine"].link
        if self._remote.on and engine is not None:
            with suppress(LinkLostError):
                engine.send(Kind.WATCH, b"\1")

    # -- the end -----------------------------------------------------------------------------------------------------

    def _take_signals(self) -> dict[int, Any]:
        """End the wait on every signal that means stop; return the handlers there were."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        return {getattr(signal, name): signal.signal(getattr(signal, name), self._on_signal) for name in names}

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.children.stopping = True

    def _leave(self) -> None:
        """Tell the children to release everything and leave; end the one that does not."""
        self._remote.close()
        self.children.stopping = True
        for child in self.children:
            if child.link is not None:
                with suppress(LinkLostError):
                    child.link.send(Kind.STOP)
            elif child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + LEAVING
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.01, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            if child.link is not None:
                self._receive(child)  # What it said at the end belongs on the tape.
        for link in (*self._strangers, *(child.link for child in self.children)):
            if link is not None:
                link.close()
        self._listener.close()
        signal.set_wakeup_fd(-1)
        self._woken.close()
        self._waker.close()
        self._session.close()

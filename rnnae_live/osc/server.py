"""The OSC server: a thread with one UDP socket, between who sends and the front.

network -> [server: packet -> addresses -> flow] -> front, and back to the last sender

*Threading*: one thread of its own; ``told`` and ``counts`` may be called from any other, ``take`` is called from here.
*Errors*: ``start`` raises ``ConfigError`` for an address that others can reach without ``open_to_others``,
``PortError`` where the port cannot be opened. After that nothing leaves the thread: what is wrong is counted.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from rnnae_live.control.specs import SPECS
from rnnae_live.errors import ConfigError, ControlError, PortError
from rnnae_live.osc.addresses import PRESET, Order, Refresh, told, understood
from rnnae_live.osc.flow import Feedback, Intake, Later
from rnnae_live.osc.packet import LARGEST, ahead, datagram, messages

PORT = 9010
"""Where one listens when nothing else is said."""

AT_ONCE = 64
"""Datagrams that are read before what they ask for is handed on."""

REFRESH_EVERY = 1.0
"""Seconds between two times that everything is told again because somebody asks."""

BREATH = 0.05
"""Seconds of rest after a fault."""

CLOSING = 2.0
"""Seconds that the thread may take to end."""


@dataclass(slots=True)
class Counts:
    """What has happened so far.

    ``replaced`` are values that a newer one of the same parameter overtook, ``dropped`` what was too much or timed too
    far ahead, ``faults`` what should not have happened; ``refusal`` is why the last datagram was refused.
    """

    datagrams: int = 0
    messages: int = 0
    orders: int = 0
    refused: int = 0
    replaced: int = 0
    dropped: int = 0
    faults: int = 0
    echoes: int = 0
    sent: int = 0
    refusal: str = ""


class OscServer:
    """Listens on ``address``:``port`` and calls ``take`` with each order; tells the last sender what changes."""

    def __init__(
        self,
        address: str,
        port: int,
        take: Callable[[Order], None],
        *,
        reply_port: int | None = None,
        open_to_others: bool = False,
    ) -> None:
        """Keep the settings. ``reply_port`` is where senders listen, the port that they send from without it."""
        self.address, self.port = address, port
        self._take = take
        self._reply_port = reply_port
        self._open = open_to_others
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._fresh: dict[tuple[str, int | None], float] = {}
        self._stopping = False
        self._woken: socket.socket | None = None
        self._waker: socket.socket | None = None
        self._counts = Counts()
        self._later = Later()
        self._intake = Intake()
        self._feedback = Feedback()
        self._listener: Any = None
        self._long = False
        self._refreshed_at = float("-inf")

    def start(self) -> None:
        """Open the port and listen; ``port`` is the one that was opened, also where 0 was asked for.

        Raises:
            ConfigError: the address is not this computer's own and ``open_to_others`` was not given.
            PortError: the port cannot be opened.
        """
        try:
            family, _, _, _, place = socket.getaddrinfo(
                self.address, self.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )[0]
        except (OSError, UnicodeError, OverflowError):
            raise PortError(f"'{self.address}' is no address for OSC; give one as 127.0.0.1.") from None
        if not self._open and not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback:
            raise ConfigError(f"{self.address} can be reached from other computers; give --osc-open if that is meant.")
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.bind(place)
        except OSError as error:
            opened.close()
            raise PortError(
                f"The UDP port {self.port} of {self.address} cannot be opened ({error.strerror}); give another, as "
                f"--osc {self.port + 1 if self.port < 65535 else PORT}."
            ) from None
        self._woken, self._waker = socket.socketpair()
        for one in (opened, self._woken, self._waker):
            one.setblocking(False)
        self._socket, self.port = opened, opened.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(opened, self._woken), name="osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join(CLOSING)
        for one in (self._socket, self._woken, self._waker):
            if one is not None:
                one.close()

    def told(self, name: str, part: int | None, value: float) -> None:
        """Take the value that a parameter has, of ``part`` 0-15 or (None) of the instrument; never waits or raises."""
        with self._lock:
            idle = not self._fresh
            self._fresh[name, part] = value
        if idle:
            self._wake()

    def counts(self) -> Counts:
        """Return what has happened so far."""
        dropped = self._counts.dropped + self._intake.dropped + self._later.dropped
        return replace(self._counts, dropped=dropped, replaced=self._intake.replaced, echoes=self._feedback.echoes)

    # -- the thread --------------------------------------------------------------------------------------------------

    def _serve(self, opened: socket.socket, woken: socket.socket) -> None:
        while not self._stopping:
            try:
                self._turn(opened, woken)
            except Exception:  # noqa: BLE001 - whatever goes wrong with one turn, the next is another
                self._counts.faults += 1
                time.sleep(BREATH)

    def _turn(self, opened: socket.socket, woken: socket.socket) -> None:
        """Wait, read what has come, hand on what it asks for, and tell what has changed."""
        now = time.monotonic()
        telling = self._feedback.wake(now) if self._listener is not None else None
        wakes = [at for at in (self._intake.wake(now), self._later.wake(), telling) if at is not None]
        ready, _, _ = select.select([opened, woken], [], [], max(0.0, min(wakes) - now) if wakes else None)
        if woken in ready:
            with suppress(OSError):
                woken.recv(4096)
        if opened in ready:
            self._read(opened)
        for path, asked in self._later.due(time.monotonic()):
            self._offer(path, asked)
        for order in self._intake.take(time.monotonic()):
            self._counts.orders += 1
            try:
                self._take(order)
            except Exception:  # noqa: BLE001 - whoever takes it has its own troubles
                self._counts.faults += 1
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        for place, value in fresh.items():
            self._feedback.told(place, value)
        if self._listener is not None:
            self._tell(opened)

    def _read(self, opened: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                data, sender = opened.recvfrom(LARGEST + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # On some systems a listener that went away is told here.
                continue
            self._counts.datagrams += 1
            try:
                asked = [(one, understood(one)) for one in messages(data)]
            except ControlError as error:
                self._counts.refused += 1
                self._counts.refusal = str(error)
                continue
            self._counts.messages += len(asked)
            self._greet(sender)
            for message, one in asked:
                wait = ahead(message.tag, time.time())
                if not self._later.put(wait, time.monotonic(), message.path, one):
                    self._offer(message.path, one)

    def _greet(self, sender: Any) -> None:  # noqa: ANN401 - an address of any family
        """Tell whoever sent last, from now on."""
        listener = sender if self._reply_port is None else (sender[0], self._reply_port, *sender[2:])
        if listener != self._listener:
            self._listener = listener
            self._feedback.forget()

    def _offer(self, path: str, one: Order | Refresh) -> None:
        now = time.monotonic()
        if isinstance(one, Refresh):
            if now - self._refreshed_at >= REFRESH_EVERY:
                self._refreshed_at = now
                self._feedback.forget()
            return
        if one.part == 0:
            self._long = "/part/" in path
        if one.name in SPECS and not isinstance(one.value, str):
            wished = self._feedback.heard((one.name, one.part), one.value, now)
        else:
            wished = one.name == PRESET or one.press is not None
        if wished:
            self._intake.offer(one)

    def _tell(self, opened: socket.socket) -> None:
        for (name, part), value in self._feedback.due(time.monotonic()):
            try:
                opened.sendto(datagram(told(name, part, value, long=self._long)), self._listener)
                self._counts.sent += 1
            except (ControlError, OSError):
                self._counts.dropped += 1

    def _wake(self) -> None:
        with suppress(OSError):
            if self._waker is not None:
                self._waker.send(b"\0")

"""MIDI ports of a JACK server, exact to the frame: one client, whose driver asks for what is due a period at a time.

Messages come with the frame at which they were sent, and go out at the frame at which they are due, however busy the
machine is in between: the server calls once a period, early enough, and everything of that period is written then.

Frames become monotonic seconds by when the server woke for the cycle (``jackclock``). A period is taken in when it
begins: what comes in may be stamped with a moment up to a period ahead, as what goes out is placed up to a period
ahead. What lets go of a note is said again where the server tells of a lost period (``lately``).

*Units*: seconds of the monotonic clock.
*Threading*: the server calls on its own threads: one plays (``_process``), another tells of ports. They call receivers
and sources; nothing else here may be called by these.
*Errors*: libjack's become ``PortError``. *Source*: jackaudio.org, "jack_position_t", "MIDI API".
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from errno import EEXIST
from pathlib import Path
from threading import Thread
from typing import Any

import jack

from rnnae_live.errors import PortError
from rnnae_live.ports.base import CLIENT, IN, OUT, Backend, Input, Output, Receive, Source
from rnnae_live.ports.jackclock import CycleTimes
from rnnae_live.ports.lately import Lately
from rnnae_live.ports.quiet import quiet

NEXT_STEP = "Start a JACK server (for instance: jackd -d dummy), or choose another --backend."

DRAIN = 0.8
"""Seconds that an output waits at most for its last messages to be written and read: a starved server calls late."""

DRAIN_CYCLES = 3
"""Periods for that: one in which a source is asked for its last, one in which it is read, and one begun already."""

DRAINS = 3
"""How often that is waited for, at most, while the server tells of lost periods."""

REST = 0.1
"""Seconds beyond two periods without a call after which the server is taken to call no more."""

LEAVING = 1.0
"""Seconds that leaving the server's cycle may take."""

CONNECT_CYCLES = 2
"""Periods after which a new connection carries messages: what is written before is lost."""

TURNED_AWAY = 0.5
"""Seconds for which a server that is there may refuse a client."""

SOCKET = "/dev/shm/jack_{name}_{user}_0"  # noqa: S108 - nothing is written there
"""Where JACK 2 listens."""

DISABLED = {"linux": 1, "darwin": 0}
"""PTHREAD_CANCEL_DISABLE, where there is one."""


class Jack(Backend):
    """A client of the JACK server. All ports of ours are its."""

    name = "jack"
    title = "JACK"

    def __init__(self, client: str = CLIENT) -> None:
        """Become a client called ``client``, or something like it.

        Raises:
            PortError: no server answers; the message has the next step.
        """
        super().__init__()
        self._lost: Callable[[], None] = _nothing
        self._changed: Callable[[], None] = _nothing
        self._inputs: tuple[_Input, ...] = ()
        self._outputs: tuple[_Output, ...] = ()
        self._active = self._leaving = self._gone = False
        self.cycles = 0
        self._silent_since = -1
        with self._failing("be reached"), quiet():
            self._client: Any = _become(client)
        self._times = CycleTimes(self._client)
        self._client.set_process_callback(self._process)
        self._client.set_shutdown_callback(self._shut_down)
        self._client.set_port_registration_callback(self._registration, only_available=False)
        self._client.set_xrun_callback(self._late)

    def watch(self, lost: Callable[[], None], changed: Callable[[], None]) -> None:
        """Call ``lost`` when the server ends, ``changed`` when a port comes or goes; see ``Backend``."""
        self._lost, self._changed = lost, changed

    def sources(self) -> list[str]:
        """Return the names of the ports that an input can listen to."""
        return self._listed(is_output=True)

    def destinations(self) -> list[str]:
        """Return the names of the ports that an output can send to."""
        return self._listed(is_input=True)

    def open_input(self, receive: Receive, port: str = IN, *sources: str) -> Input:
        """Make an input; see ``Backend``."""
        with self._failing(f"open '{port}'"), quiet():
            own = _Input(self, self._registered(self._client.midi_inports, port), receive)
            self._inputs = (*self._inputs, own)
            self._activate()
        self._connect(own, sources, self.sources)
        return own

    def open_output(self, port: str = OUT, *destinations: str) -> Output:
        """Make an output; see ``Backend``."""
        with self._failing(f"open '{port}'"), quiet():
            own = _Output(self, self._registered(self._client.midi_outports, port))
            self._outputs = (*self._outputs, own)
            self._activate()
        self._connect(own, destinations, self.destinations)
        return own

    def close(self) -> None:
        """Close all ports and leave the server's cycle; the server forgets the client when this process ends.

        libjack ends a client by cancelling its thread wherever that is. In the middle of waiting for the interpreter it
        would take the interpreter's lock along for ever; one that ends by itself is missed by a synchronous server,
        which waits for it for seconds, and everybody with it. So the thread refuses to be cancelled, and whoever
        waits for its end waits aside.
        """
        super().close()
        if not self._active:
            with quiet():
                self._client.close()  # Twice is allowed.
        elif not self._leaving:
            self._leaving = True
            Thread(target=self._deactivate, name="leaving JACK", daemon=True).start()
            self._await_rest()

    def _deactivate(self) -> None:
        with contextlib.suppress(jack.JackError), quiet():
            self._client.deactivate()

    def _await_rest(self) -> None:
        """Wait until the server calls no more, ``LEAVING`` seconds at most: a call into a process that ends crashes."""
        deadline = time.monotonic() + LEAVING
        seen, since = -1, 0.0
        while not self._gone and (now := time.monotonic()) < deadline:
            if self.cycles != seen:
                seen, since = self.cycles, now
            elif now - since > REST + 2 * self.period:
                return
            time.sleep(0.001)

    @property
    def period(self) -> float:
        """Seconds of a period."""
        return float(self._client.blocksize / self._client.samplerate)

    def connect(self, source: str, destination: str) -> None:
        """Connect two ports by their full names, and wait until that holds; it may hold already.

        Raises:
            PortError: the server refuses.
        """
        with self._failing(f"connect '{source}' to '{destination}'"), quiet():
            try:
                self._client.connect(source, destination)
            except jack.JackErrorCode as error:
                if error.code != EEXIST:
                    raise
        self.await_cycles(CONNECT_CYCLES, lambda: True)

    def await_cycles(self, number: int, also: Callable[[], bool]) -> None:
        """Wait until the server has called ``number`` times and ``also`` holds.

        ``DRAIN`` seconds at most, and no more where it is gone or has not called since somebody waited in vain.
        """
        goal, deadline = self.cycles + number, time.monotonic() + DRAIN
        while not (self.cycles >= goal and also()):
            if self._gone or self.cycles == self._silent_since:
                return
            if time.monotonic() > deadline:
                self._silent_since = self.cycles
                return
            time.sleep(0.001)

    def forget(self, port: _Input | _Output) -> None:
        """Take a port out of the cycle, and then off the server."""
        self._inputs = tuple(one for one in self._inputs if one is not port)
        self._outputs = tuple(one for one in self._outputs if one is not port)
        self._ports = [one for one in self._ports if one is not port]
        self.await_cycles(1, lambda: True)  # A cycle that has begun may still use it.
        with contextlib.suppress(jack.JackError), quiet():
            port.own.unregister()

    def _activate(self) -> None:
        if not self._active:
            self._client.activate()
            self._active = True

    def _registered(self, ports: Any, port: str) -> Any:  # noqa: ANN401 - the package has no types
        """Return a new port called ``port``, with a number behind where we have one of that name already."""
        taken = {own.shortname for kind in (self._client.midi_inports, self._client.midi_outports) for own in kind}
        name, number = port, 2
        while name in taken:
            name, number = f"{port} {number}", number + 1
        return ports.register(name)

    def _listed(self, **which: bool) -> list[str]:
        with self._failing("list its ports"):
            return [port.name for port in self._client.get_ports(is_midi=True, **which)]

    def _registration(self, port: Any, there: bool) -> None:  # noqa: ANN401 - libjack calls it so
        if not there:
            # A look at the ports may come too early to miss it, and the next one too late.
            self.went.add(port.name)
        self._changed()

    def _shut_down(self, _status: object, _reason: str) -> None:
        self._gone = True
        self._lost()

    def _late(self, _microseconds: float) -> None:
        self.missed_periods += 1

    def _process(self, frames: int) -> None:
        """Take in and write out what belongs to one period. An exception would end all further calls: kept, counted."""
        try:
            if not self.cycles:
                _refuse_cancelling()
            begin, end = self._times.cycle(frames)
            for port in self._inputs:
                port.read(begin, (end - begin) / frames)
            for out in self._outputs:
                out.write(begin, end, frames)
        except Exception as error:  # noqa: BLE001
            self.fault_count += 1
            self.faults.append(error)
        self.cycles += 1

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Turn what libjack raises into a ``PortError`` with the next step."""
        try:
            yield
        except jack.JackOpenError as error:
            raise PortError(f"{self.title} could not {what} (no server answers). {NEXT_STEP}") from error
        except jack.JackError as error:
            raise PortError(f"{self.title} could not {what} ({error}). {NEXT_STEP}") from error


class _Input(Input):
    """An input of our client."""

    def __init__(self, client: Jack, own: Any, receive: Receive) -> None:  # noqa: ANN401
        super().__init__(receive)
        self.own = own
        self._client = client
        self._open = True

    def read(self, begin: float, frame: float) -> None:
        """Take what came in this period; called by the server. ``frame`` is the length of a frame in seconds."""
        for offset, data in self.own.incoming_midi_events():
            self.arrived(bytes(data), begin + offset * frame)

    def _join(self, name: str) -> None:
        self._client.connect(name, self.own.name)

    def _close(self) -> None:
        """Stop listening."""
        if self._open:
            self._open = False
            self._client.forget(self)


class _Output(Output):
    """An output of our client. Messages without a time wait in ``_waiting`` for the next period."""

    def __init__(self, client: Jack, own: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.own = own
        self.ahead = client.period
        self._client = client
        self._open = True
        self._source: Source | None = None
        self._waiting: deque[bytes] = deque()
        self._lately = Lately()
        self._missed = client.missed_periods
        self._begin = self._frame = 0.0
        self._place = self._last = 0

    def drive(self, source: Source) -> bool:
        """Ask ``source`` in every period from now on."""
        self._source = source
        return True

    def write(self, begin: float, end: float, frames: int) -> None:
        """Write what belongs to this period; called by the server."""
        self.own.clear_buffer()
        self._begin, self._frame, self._place, self._last = begin, (end - begin) / frames, 0, frames - 1
        if self._missed != self._client.missed_periods:
            self._missed = self._client.missed_periods
            self._lately.lost(self._client.cycles)
        again = self._lately.again(self._client.cycles)
        self._waiting.extendleft(data for data in reversed(again) if data not in self._waiting)
        while self._waiting and self._written(0, self._waiting[0]):
            self._waiting.popleft()
        if self._source is not None:
            self._source(begin, end, self._put)

    def _put(self, at: float, data: bytes) -> None:
        """Write a message at the frame of its moment; what finds no room goes first in the next period, in order."""
        # The server takes no message before the one that was written last.
        self._place = max(self._place, min(round((at - self._begin) / self._frame), self._last))
        if self._waiting or not self._written(self._place, data):
            self._waiting.append(data)

    def _written(self, place: int, data: bytes) -> bool:
        try:
            self.own.write_midi_event(place, data)
        except jack.JackError:
            return False
        self._lately.written(self._client.cycles, data)
        return True

    def _send(self, data: bytes) -> None:
        if not self._open:
            raise PortError(f"The port '{self.own.shortname}' is closed.")
        self._waiting.append(data)

    def _join(self, name: str) -> None:
        self._client.connect(self.own.name, name)

    def _close(self) -> None:
        """Close once the last messages have been written, and read."""
        if self._open:
            self._open = False
            missed = -1
            for _ in range(DRAINS):
                if missed != self._client.missed_periods:
                    missed = self._client.missed_periods
                    self._client.await_cycles(DRAIN_CYCLES, lambda: not self._waiting)
            self._client.forget(self)


def _become(name: str) -> Any:  # noqa: ANN401 - the package has no types
    """Return a new client; a server that has just lost another one turns it away for a moment."""
    deadline = time.monotonic() + TURNED_AWAY
    while True:
        try:
            # A server is the user's to start: libjack would start one with settings nobody chose.
            return jack.Client(name, no_start_server=True)
        except jack.JackOpenError:
            if time.monotonic() > deadline or not _server_is_there():
                raise
        time.sleep(0.02)


def _server_is_there() -> bool:
    """Return whether a server of this user's has a socket; one that was killed leaves its behind."""
    if sys.platform != "linux":
        return False
    return Path(SOCKET.format(name=os.environ.get("JACK_DEFAULT_SERVER") or "default", user=os.getuid())).exists()


def _refuse_cancelling() -> None:
    """Let no other thread cancel this one (pthread_setcancelstate; the numbers are those of the C libraries)."""
    if sys.platform in DISABLED:
        ctypes.PyDLL(None).pthread_setcancelstate(DISABLED[sys.platform], None)


def _nothing() -> None:
    """Nobody watches."""

"""A performer: a JACK client of its own that plays into the instrument and records what comes out.

Moments are monotonic seconds, counted from the server's wake-up for the period in which a message went or came. Frames
would not do: a server with the dummy driver loses frames whenever the machine makes it late. Its own time then runs
slow against the tempo, and may lie so far behind ``frame_time`` that what is scheduled by it is never played.
"""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import jack

_server_time = ctypes.CDLL(jack._libname).jack_get_time
_server_time.restype = ctypes.c_uint64


class Performer:
    """Sends to the instrument's In, records its Out; reconnects by itself when the instrument's ports come back."""

    def __init__(self, name: str = "performer") -> None:
        self.client: Any = jack.Client(name, no_start_server=True)
        self.rate: int = self.client.samplerate
        self.period: int = self.client.blocksize
        self._to = self.client.midi_outports.register("to")
        self._from = self.client.midi_inports.register("from")
        self._sending: deque[tuple[float, bytes]] = deque()
        self.played: list[tuple[float, bytes]] = []
        self.recorded: list[tuple[float, bytes]] = []
        self.client.set_process_callback(self._process)
        self.client.activate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.client.deactivate()
        self.client.close()

    def _process(self, frames: int) -> None:
        now = self.woken()
        for offset, data in self._from.incoming_midi_events():
            self.recorded.append((now + offset / self.rate, bytes(data)))
        self._to.clear_buffer()
        offset = 0
        while self._sending and self._sending[0][0] < now + self.period_seconds:
            at, data = self._sending.popleft()
            # A phrase may begin before the last one has ended, and no message comes before the one that was written.
            offset = min(max(offset, round((at - now) * self.rate)), frames - 1)
            self._to.write_midi_event(offset, data)
            self.played.append((now + offset / self.rate, data))

    def woken(self) -> float:
        """Return when the server woke for this period, however late this client is called."""
        now, theirs = time.monotonic(), _server_time()
        late = (theirs - self.client.transport_query_struct()[1].usecs) / 1e6
        return now - late if 0 <= late < 1 else now

    def connect(self, seconds: float = 10.0) -> None:
        """Connect to the instrument's ports as soon as they are there."""
        self.until(self.try_connect, seconds)

    def try_connect(self) -> bool:
        """Connect to both ports; return whether both are connected."""
        into = self.client.get_ports("RNN-AE Live In", is_midi=True, is_input=True)
        out = self.client.get_ports("RNN-AE Live Out", is_midi=True, is_output=True)
        if not into or not out:
            return False
        try:
            # All of them: those of a client that was killed are there until the server has noticed.
            for port in into:
                if not self._to.is_connected_to(port):
                    self.client.connect(self._to, port)
            for port in out:
                if not self._from.is_connected_to(port):
                    self.client.connect(port, self._from)
        except jack.JackError:
            return False
        return True

    def play(self, phrase: Sequence[tuple[float, bytes]]) -> None:
        """Play messages at their seconds from now on."""
        self.played.clear()
        start = time.monotonic() + 4 * self.period_seconds
        self._sending.extend((start + at, data) for at, data in phrase)

    def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until something is true; fail after ``seconds``, which is only a bound for a broken run."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"nothing after {seconds} s; {self._situation()}"
            time.sleep(0.002)

    def _situation(self) -> str:
        """What a failed test has to know: whether the phrase went out, and who is connected to whom."""
        ports = [(own.name, [other.name for other in own.connections]) for own in (self._to, self._from)]
        return f"recorded {self.recorded[-6:]}, played {len(self.played)}, waiting {len(self._sending)}, {ports}"

    @property
    def period_seconds(self) -> float:
        """Length of one period."""
        return self.period / self.rate

    def ons(self) -> list[tuple[float, int, int]]:
        """(moment, pitch, velocity) of all note-ons that came."""
        return [(at, data[1], data[2]) for at, data in self.recorded if data[0] & 0xF0 == 0x90 and data[2]]

    def sounding(self) -> set[tuple[int, int]]:
        """(channel, pitch) of the notes that sound now."""
        notes: set[tuple[int, int]] = set()
        for _, data in self.recorded:
            kind, key = data[0] & 0xF0, (data[0] & 0x0F, data[1])
            if kind == 0x90 and data[2]:
                notes.add(key)
            elif kind in (0x80, 0x90):
                notes.discard(key)
        return notes


def play_and_hear() -> None:
    """Play a note to the instrument, ask for the answer, and wait until it has sounded; a process of its own can."""
    with Performer() as performer:
        performer.connect()
        performer.play([(0.0, b"\x90\x3c\x50"), (0.4, b"\x80\x3c\x40"), (0.5, b"\xb0\x55\x7f")])
        performer.until(lambda: bool(performer.ons()) and not performer.sounding())

"""What every kind of MIDI port offers, and how ports are found, lost and found again by their names.

A port of ours is there for others to connect to, or is connected to existing ports that were named. One of these that
goes away is missed, and joined again when a port of exactly its name comes back (``Backend.mend``).

*Units*: seconds of the monotonic clock.
*Threading*: ``Receive`` and ``Source`` are called on a thread of the driver, everything else on the owner's.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rnnae_live import events
from rnnae_live.errors import PortError

CLIENT = "RNN-AE Live"
"""Name of the client, as other programs see it."""
IN, OUT, CONTROL, LAMPS = "RNN-AE Live In", "RNN-AE Live Out", "RNN-AE Live Control", "RNN-AE Live Lamps"
"""Names of our ports."""

Receive = Callable[[float, bytes], None]
"""Takes the time in monotonic seconds at which a message came, and its bytes."""

Source = Callable[[float, float, Callable[[float, bytes], None]], None]
"""Asked once a period: takes its begin and end, and a function to which it gives each message with its moment."""

HEARD = frozenset({0xF2, 0xF8, 0xFA, 0xFB, 0xFC})
"""System messages that inputs pass on: those of a clock. Active sensing and SysEx would only wake everybody up."""

_ALSA_NUMBERS = re.compile(r" \d+:\d+$")


@dataclass(slots=True)
class Peer:
    """An existing port that one of ours is to be connected to: as it was asked for, and by its full name once found."""

    wanted: str
    name: str | None = None
    there: bool = False

    def find(self, names: Sequence[str]) -> str | None:
        """Return which of ``names`` it is: exactly the one it was, but for the numbers that ALSA gives; None if none.

        One that has never been there is matched as it was asked for.
        """
        if self.name is None:
            with suppress(PortError):
                return names[match(self.wanted, names)]
            return None
        if self.name in names:
            return self.name
        same = [name for name in names if bare(name) == bare(self.name) and bare(name) != name]
        return same[0] if len(same) == 1 else None


class Port(ABC):
    """What inputs and outputs have in common: the existing ports they are connected to."""

    def __init__(self) -> None:
        """Begin without peers."""
        self.peers: list[Peer] = []
        self.missed: list[str] = []
        """Names of peers that went away since ``mend`` looked last."""

    def join(self, peer: Peer, name: str) -> None:
        """Connect to the existing port ``name``.

        Raises:
            PortError: it cannot be done; the peer still counts as missing.
        """
        self._join(name)
        peer.name, peer.there = name, True

    def miss(self, peer: Peer) -> None:
        """Take note that a peer is gone."""
        peer.there = False
        if peer.name is not None:
            self._part(peer.name)
        self.missed.append(peer.name or peer.wanted)

    @abstractmethod
    def _join(self, name: str) -> None:
        """Connect to the existing port ``name``."""

    def _part(self, name: str) -> None:  # noqa: B027 - most drivers have nothing to let go of
        """Let go of what is left of the connection to ``name``."""

    def close(self) -> None:
        """Close after the driver has taken what was sent. Closing twice is allowed."""
        self.peers.clear()
        self._close()

    @abstractmethod
    def _close(self) -> None:
        """Close; may be called twice."""


class Input(Port):
    """A port that listens. Drivers call ``arrived``; whatever the receiver raises is kept in ``faults``."""

    def __init__(self, receive: Receive) -> None:
        """Hand what arrives to ``receive``."""
        super().__init__()
        self._receive = receive
        self.faults: deque[Exception] = deque(maxlen=16)
        self.fault_count = 0

    def arrived(self, data: Sequence[int], at: float | None = None) -> None:
        """Stamp a message and pass it on; never raises, because nobody would hear it.

        A driver that knows the moment gives it in ``at``.
        """
        moment = time.monotonic() if at is None else at
        try:
            if data[0] < 0xF0 or data[0] in HEARD:
                self._receive(moment, bytes(data))
        except Exception as error:  # noqa: BLE001 - a driver's thread loses exceptions: kept here and counted
            self.fault_count += 1
            self.faults.append(error)


class Output(Port):
    """A port that sends."""

    ahead: float = 0.0
    """Seconds by which a driver that asks for what is due is ahead of the present."""

    def send(self, data: bytes) -> None:
        """Send one complete message as soon as the driver takes it.

        Raises:
            PortError: ``data`` is not one valid message, or the port is closed or lost.
        """
        reason = events.fault(data)
        if reason:
            raise PortError(f"The message {data.hex(' ')} was not sent: it {reason}.")
        self._send(data)

    def drive(self, source: Source) -> bool:  # noqa: ARG002 - for drivers that take times
        """Let the driver ask ``source`` for what is due, with its time, from now on.

        Return False where the driver only takes what is to go out at once: its owner then has to be in time.
        """
        return False

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Send ``data``, which is valid."""


@dataclass(frozen=True, slots=True)
class Change:
    """A named port that went away or came back, and which of ours is connected to it."""

    port: Port
    name: str
    there: bool


class Backend(ABC):
    """One MIDI system. ``name`` is its name on the command line, ``virtual`` says that it can make ports."""

    name: str
    title: str
    virtual: bool = True
    patient: bool = False
    """True where a named port that is missing is waited for (``mend``) and does not keep ours from opening."""

    def __init__(self) -> None:
        """Begin without ports."""
        self._ports: list[Port] = []
        self.went: set[str] = set()
        """Ports that the system has said to be gone since ``mend`` looked last; they may be back by now."""
        self.missed_periods = 0
        """How often the system said that it was late itself."""
        self.fault_count = 0
        self.faults: deque[Exception] = deque(maxlen=16)
        """What was raised on threads of the driver, where nobody would have heard it."""

    def watch(self, lost: Callable[[], None], changed: Callable[[], None]) -> None:  # noqa: B027 - see below
        """Call ``lost``, on any thread, when the whole system goes away, ``changed`` when ports came or went.

        Nothing of the system may be used after the first. Many systems tell neither.
        """

    @abstractmethod
    def sources(self) -> list[str]:
        """Return the names of the ports that an input can listen to.

        Raises:
            PortError: the system does not answer.
        """

    @abstractmethod
    def destinations(self) -> list[str]:
        """Return the names of the ports that an output can send to.

        Raises:
            PortError: the system does not answer.
        """

    @abstractmethod
    def open_input(self, receive: Receive, port: str = IN, *sources: str) -> Input:
        """Make the input ``port``, for others to connect to, or connected to the existing ports ``sources``.

        Raises:
            PortError: there is no such source, or the system refuses.
        """

    @abstractmethod
    def open_output(self, port: str = OUT, *destinations: str) -> Output:
        """Make the output ``port``, for others to connect to, or connected to the existing ports ``destinations``.

        Raises:
            PortError: there is no such destination, or the system refuses.
        """

    def mend(self) -> list[Change]:
        """Join named ports again that came back, miss those that went away; return what changed.

        Raises:
            PortError: the system does not answer.
        """
        named = [port for port in self._ports if port.peers]
        went, self.went = self.went, set()
        inputs = self.sources() if any(isinstance(port, Input) for port in named) else []
        outputs = self.destinations() if any(isinstance(port, Output) for port in named) else []
        changes = []
        for port in named:
            found = [(peer, peer.find(inputs if isinstance(port, Input) else outputs)) for peer in port.peers]
            for peer, name in found:
                if peer.there and (name is None or peer.name in went):
                    port.miss(peer)
            changes += [Change(port, name, there=False) for name in port.missed]
            port.missed.clear()
            for peer, name in found:
                if not peer.there and name is not None:
                    with suppress(PortError):
                        port.join(peer, name)
                        changes.append(Change(port, name, there=True))
        return changes

    def close(self) -> None:
        """Leave the system; all ports are closed."""
        for port in list(self._ports):
            port.close()

    def _connect(self, port: Port, wanted: Iterable[str], names: Callable[[], list[str]]) -> None:
        """Connect a new port to the existing ones that were asked for; where one fails, close it again.

        Raises:
            PortError: one is not there, and not waited for.
        """
        self._ports.append(port)
        port.peers = [Peer(name) for name in wanted]
        try:
            there = names() if port.peers else []
            for peer in port.peers:
                if not self.patient or peer.find(there) is not None:
                    port.join(peer, there[match(peer.wanted, there)])
        except PortError:
            port.close()
            raise


def match(wanted: str, names: Sequence[str]) -> int:
    """Return the place in ``names`` of the port called ``wanted``.

    An exact name comes first, then the exact name of a port without its client and numbers, then the one
    name that contains ``wanted``, whatever the case. Several are never decided by their order.

    Raises:
        PortError: none or several match; the message lists them.
    """
    low = wanted.lower()
    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: name == wanted,
        lambda name: wanted in (bare(name), bare(name).partition(":")[2]),
        lambda name: low in name.lower(),
    )
    for rule in rules:
        found = [place for place, name in enumerate(names) if rule(name)]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"'{names[place]}'" for place in found)
            raise PortError(f"The port name '{wanted}' fits several ports: {several}. Give one of these names in full.")
    there = ", ".join(f"'{name}'" for name in names) or "none"
    raise PortError(f"There is no MIDI port '{wanted}'. There are: {there}.")


def bare(name: str) -> str:
    """Return the name without the numbers that ALSA gives anew each time."""
    return _ALSA_NUMBERS.sub("", name)

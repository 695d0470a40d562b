"""What every kind of MIDI port offers, and how a port is found by its name.

*Threading*: ``Receive`` is called on the driver's thread, ``send`` and ``close`` on the owner's.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from rnnae_live import events
from rnnae_live.errors import PortError

CLIENT = "RNN-AE Live"
"""Name of the client, as other programs see it."""
IN, OUT, CONTROL = "RNN-AE Live In", "RNN-AE Live Out", "RNN-AE Live Control"
"""Names of our ports."""

Receive = Callable[[float, bytes], None]
"""Takes the time in monotonic seconds at which a message came, and its bytes."""

_ALSA_NUMBERS = re.compile(r" \d+:\d+$")


class Input:
    """A port that listens. Drivers call ``arrived``; whatever the receiver raises is kept in ``faults``."""

    def __init__(self, receive: Receive) -> None:
        """Hand what arrives to ``receive``."""
        self._receive = receive
        self.faults: deque[Exception] = deque(maxlen=16)
        self.fault_count = 0

    def arrived(self, data: Sequence[int]) -> None:
        """Stamp a message and pass it on; never raises, because nobody would hear it."""
        now = time.monotonic()
        try:
            self._receive(now, bytes(data))
        except Exception as error:  # noqa: BLE001 - a driver's thread loses exceptions: kept here and counted
            self.fault_count += 1
            self.faults.append(error)

    def close(self) -> None:
        """Stop listening. Closing twice is allowed."""


class Output(ABC):
    """A port that sends."""

    def send(self, data: bytes) -> None:
        """Send one complete message as soon as the driver takes it.

        Raises:
            PortError: ``data`` is not one valid message, or the port is closed or lost.
        """
        reason = events.fault(data)
        if reason:
            raise PortError(f"The message {data.hex(' ')} was not sent: it {reason}.")
        self._send(data)

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Send ``data``, which is valid."""

    @abstractmethod
    def close(self) -> None:
        """Close after the driver has taken what was sent. Closing twice is allowed."""


class Backend(ABC):
    """One MIDI system. ``name`` is its name on the command line, ``virtual`` says that it can make ports."""

    name: str
    title: str
    virtual: bool = True

    def watch(self, lost: Callable[[], None]) -> None:  # noqa: B027 - most systems have nothing to watch
        """Call ``lost``, on any thread, when the whole system goes away. Nothing of it may be used after that."""

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
    def open_input(self, receive: Receive, port: str = IN, source: str | None = None) -> Input:
        """Make the input ``port``, for others to connect to, or connected to the existing port ``source``.

        Raises:
            PortError: there is no such source, or the system refuses.
        """

    @abstractmethod
    def open_output(self, port: str = OUT, destination: str | None = None) -> Output:
        """Make the output ``port``, for others to connect to, or connected to the existing port ``destination``.

        Raises:
            PortError: there is no such destination, or the system refuses.
        """


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
        lambda name: wanted in (_bare(name), _bare(name).partition(":")[2]),
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


def _bare(name: str) -> str:
    """Return the name without the numbers that ALSA gives anew each time."""
    return _ALSA_NUMBERS.sub("", name)

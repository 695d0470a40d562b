"""The MIDI ports of the system, through python-rtmidi: ALSA, JACK, CoreMIDI and winmm.

*Threading*: RtMidi calls the receiver on a thread of its own. *Errors*: RtMidi's own become ``PortError``.
After its server has died, JACK's ``send`` may spin for ever: the process that sends is watched from outside.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rtmidi

from rnnae_live.errors import PortError
from rnnae_live.ports.base import CLIENT, IN, OUT, Backend, Input, Output, Port, Receive, match
from rnnae_live.ports.jackwatch import ServerWatch
from rnnae_live.ports.quiet import quiet

TITLES = {"jack": "JACK", "alsa": "ALSA sequencer", "coremidi": "CoreMIDI", "winmm": "Windows MIDI"}

APIS = {
    "jack": rtmidi.API_UNIX_JACK,
    "alsa": rtmidi.API_LINUX_ALSA,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}

DRAIN = 0.15
"""Seconds that an output stays open after its last message: a driver sends at its next period, 43 ms at 2048 frames,
and a busy machine makes it miss one or two. What it has not sent by then are the note-offs of the end."""

NEXT_STEPS = {
    "jack": "Start a JACK server (for instance: jackd -d dummy), or choose another --backend.",
    "alsa": "Load the sequencer (sudo modprobe snd-seq), or choose another --backend.",
    "coremidi": "CoreMIDI is part of macOS only; choose another --backend.",
    "winmm": "Windows MIDI is part of Windows only; choose another --backend.",
}

NO_VIRTUAL = (
    "Windows cannot make virtual MIDI ports for a program. Give existing ports with --in NAME and --out NAME: on "
    "Windows 11 24H2 and later 'Default App Loopback (A)' and '(B)' are there, on others install loopMIDI and make two."
)


class System(Backend):
    """One of the system's MIDI drivers."""

    def __init__(self, name: str, client: str = CLIENT) -> None:
        """Ask the driver called ``name`` (a key of ``APIS``) whether it is there.

        Raises:
            PortError: this installation does not have the driver, or nothing answers; the message has the next step.
        """
        super().__init__()
        self.name = name
        self.title = TITLES[name]
        self.virtual = name != "winmm"
        self._api = APIS[name]
        self._client = client
        self._listers: dict[Callable[..., Any], Any] = {}
        if self._api not in rtmidi.get_compiled_api():
            raise PortError(f"This installation has no driver for {self.title}. {NEXT_STEPS[name]}")
        if name == "jack":
            # A server is the user's to start: libjack would start one with settings nobody chose.
            os.environ.setdefault("JACK_NO_START_SERVER", "1")
        # Creating asks the driver whether it is there. The first input uses this object: a second client of JACK
        # would get another name.
        self._spare: Any = self._make(rtmidi.MidiIn)

    def watch(self, lost: Callable[[], None], changed: Callable[[], None]) -> None:  # noqa: ARG002 - nothing tells
        """Call ``lost`` when the JACK server ends; the other systems live as long as the computer."""
        if self.name == "jack":
            self._watch = ServerWatch(f"{self._client} Watch", lost)

    def sources(self) -> list[str]:
        """Return the names of the ports that an input can listen to."""
        return self._listed(rtmidi.MidiIn)

    def destinations(self) -> list[str]:
        """Return the names of the ports that an output can send to."""
        return self._listed(rtmidi.MidiOut)

    def open_input(self, receive: Receive, port: str = IN, *sources: str) -> Input:
        """Make an input; see ``Backend``."""
        self._check(sources)
        own = _Input(self, port, receive)
        self._connect(own, sources, self.sources)
        if not sources:
            own.open_virtual()
        return own

    def open_output(self, port: str = OUT, *destinations: str) -> Output:
        """Make an output; see ``Backend``."""
        self._check(destinations)
        own = _Output(self, port)
        self._connect(own, destinations, self.destinations)
        if not destinations:
            own.open_virtual()
        return own

    def close(self) -> None:
        """Leave the system; all ports are closed."""
        super().close()
        for lister in self._listers.values():
            lister.delete()
        self._listers.clear()

    def new_input(self) -> Any:  # noqa: ANN401 - rtmidi has no types
        """Return a driver that listens; the first is the one that asked whether the system is there."""
        driver, self._spare = self._spare or self._make(rtmidi.MidiIn), None
        driver.ignore_types(sysex=True, timing=False, active_sense=True)
        return driver

    def new_output(self) -> Any:  # noqa: ANN401
        """Return a driver that sends."""
        return self._make(rtmidi.MidiOut)

    def open(self, driver: Any, port: str, other: str | None) -> Any:  # noqa: ANN401
        """Open ``driver`` as the virtual port ``port``, or connect it to the port called ``other``; return it.

        Raises:
            PortError: the system refuses; the driver is gone.
        """
        try:
            with self._failing(f"open '{other or port}'"), quiet():
                if other is None:
                    driver.open_virtual_port(port)
                else:
                    driver.open_port(match(other, driver.get_ports()), port)
        except PortError:
            driver.delete()
            raise
        return driver

    def _check(self, names: Sequence[str]) -> None:
        if not names and not self.virtual:
            raise PortError(NO_VIRTUAL)

    def _make(self, kind: Callable[..., Any], client: str = "") -> Any:  # noqa: ANN401 - rtmidi has no types
        """Return a new RtMidi object of our client."""
        with self._failing("be reached"), quiet():
            return kind(self._api, name=client or self._client)

    def _listed(self, kind: Callable[..., Any]) -> list[str]:
        """Ask one client that stays, so that asking once a second makes and ends none."""
        if kind not in self._listers:
            self._listers[kind] = self._make(kind, f"{self._client} List")
        with self._failing("list its ports"):
            return list(self._listers[kind].get_ports())

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Turn what RtMidi raises into a ``PortError`` with the next step."""
        try:
            yield
        except PortError:
            raise
        except (OSError, RuntimeError, NotImplementedError) as error:
            reason = " ".join(str(error).split()).rstrip(".?")
            raise PortError(f"{self.title} could not {what} ({reason}). {NEXT_STEPS[self.name]}") from error


class _Drivers(Port):
    """A port of ours: one RtMidi object for each port that it is connected to, or one that is virtual (None)."""

    def _use(self, system: System, port: str) -> None:
        self._system = system
        self._port = port
        self._drivers: dict[str | None, Any] = {}

    def open_virtual(self) -> None:
        """Make the virtual port.

        Raises:
            PortError: the system refuses.
        """
        self._drivers[None] = self._opened(None)

    def _opened(self, name: str | None) -> Any:  # noqa: ANN401
        raise NotImplementedError

    def _join(self, name: str) -> None:
        self._drivers[name] = self._opened(name)

    def _part(self, name: str) -> None:
        driver = self._drivers.pop(name, None)
        if driver is not None:
            self._end(driver)

    def _end(self, driver: Any) -> None:  # noqa: ANN401
        driver.close_port()
        driver.delete()

    def _close(self) -> None:
        """Close all of them."""
        for name in list(self._drivers):
            self._end(self._drivers.pop(name))


class _Input(_Drivers, Input):
    """An input of the system."""

    def __init__(self, system: System, port: str, receive: Receive) -> None:
        Input.__init__(self, receive)
        self._use(system, port)

    def _opened(self, name: str | None) -> Any:  # noqa: ANN401
        driver = self._system.new_input()
        driver.set_callback(self._heard)
        return self._system.open(driver, self._port, name)

    def _heard(self, message: tuple[Sequence[int], float], _data: object = None) -> None:
        """Take what RtMidi heard. Its delta time is unreliable and not used."""
        self.arrived(message[0])

    def _end(self, driver: Any) -> None:  # noqa: ANN401
        driver.cancel_callback()
        super()._end(driver)


class _Output(_Drivers, Output):
    """An output of the system."""

    def __init__(self, system: System, port: str) -> None:
        Output.__init__(self)
        self._use(system, port)
        self._open = True
        self._sent_at = 0.0

    def _opened(self, name: str | None) -> Any:  # noqa: ANN401
        return self._system.open(self._system.new_output(), self._port, name)

    def _send(self, data: bytes) -> None:
        """Send to all. A virtual port that fails is lost; a named one is missed until it is there again."""
        if not self._open:
            raise PortError(f"The port '{self._port}' is closed.")
        for name, driver in list(self._drivers.items()):
            try:
                driver.send_message(data)
            except (OSError, RuntimeError) as error:
                if name is None:
                    raise PortError(f"The port '{self._port}' is lost: {error}. It is opened again.") from error
                for peer in self.peers:
                    if peer.name == name:
                        self.miss(peer)
        self._sent_at = time.monotonic()

    def _close(self) -> None:
        """Close once the driver has had time to send what it was given."""
        if self._drivers:
            time.sleep(max(0.0, self._sent_at + DRAIN - time.monotonic()))
        self._open = False
        super()._close()

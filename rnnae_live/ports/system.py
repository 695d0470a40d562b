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
from rnnae_live.ports.base import CLIENT, IN, OUT, Backend, Input, Output, Receive, match
from rnnae_live.ports.jack import ServerWatch
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
        self.name = name
        self.title = TITLES[name]
        self.virtual = name != "winmm"
        self._api = APIS[name]
        self._client = client
        if self._api not in rtmidi.get_compiled_api():
            raise PortError(f"This installation has no driver for {self.title}. {NEXT_STEPS[name]}")
        if name == "jack":
            # A server is the user's to start: libjack would start one with settings nobody chose.
            os.environ.setdefault("JACK_NO_START_SERVER", "1")
        # Creating asks the driver whether it is there. The first input uses this object: a second client of JACK
        # would get another name.
        self._spare: Any = self._make(rtmidi.MidiIn)

    def watch(self, lost: Callable[[], None]) -> None:
        """Call ``lost`` when the JACK server ends; the other systems live as long as the computer."""
        if self.name == "jack":
            self._watch = ServerWatch(f"{self._client} Watch", lost)

    def sources(self) -> list[str]:
        """Return the names of the ports that an input can listen to."""
        return self._listed(rtmidi.MidiIn)

    def destinations(self) -> list[str]:
        """Return the names of the ports that an output can send to."""
        return self._listed(rtmidi.MidiOut)

    def open_input(self, receive: Receive, port: str = IN, source: str | None = None) -> Input:
        """Make an input; see ``Backend``."""
        driver, self._spare = self._spare or self._make(rtmidi.MidiIn), None
        own = _Input(receive, driver)
        driver.ignore_types(sysex=True, timing=True, active_sense=True)
        driver.set_callback(own.heard)
        self._open(driver, port, source)
        return own

    def open_output(self, port: str = OUT, destination: str | None = None) -> Output:
        """Make an output; see ``Backend``."""
        driver = self._make(rtmidi.MidiOut)
        self._open(driver, port, destination)
        return _Output(driver, port)

    def _make(self, kind: Callable[..., Any], client: str = "") -> Any:  # noqa: ANN401 - rtmidi has no types
        """Return a new RtMidi object of our client."""
        with self._failing("be reached"), quiet():
            return kind(self._api, name=client or self._client)

    def _listed(self, kind: Callable[..., Any]) -> list[str]:
        driver = self._make(kind, f"{self._client} List")
        try:
            with self._failing("list its ports"):
                return list(driver.get_ports())
        finally:
            driver.delete()

    def _open(self, driver: Any, port: str, other: str | None) -> None:  # noqa: ANN401
        """Open ``driver`` as the virtual port ``port``, or connect it to the port called ``other``."""
        if other is None and not self.virtual:
            raise PortError(NO_VIRTUAL)
        try:
            with self._failing(f"open '{other or port}'"), quiet():
                if other is None:
                    driver.open_virtual_port(port)
                else:
                    driver.open_port(match(other, driver.get_ports()), port)
        except PortError:
            driver.delete()
            raise

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


class _Input(Input):
    """An input of the system."""

    def __init__(self, receive: Receive, driver: Any) -> None:  # noqa: ANN401
        super().__init__(receive)
        self._driver = driver

    def heard(self, message: tuple[Sequence[int], float], _data: object = None) -> None:
        """Take what RtMidi heard. Its delta time is unreliable and not used."""
        self.arrived(message[0])

    def close(self) -> None:
        """Stop listening."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.cancel_callback()
            driver.close_port()
            driver.delete()


class _Output(Output):
    """An output of the system."""

    def __init__(self, driver: Any, port: str) -> None:  # noqa: ANN401
        self._driver = driver
        self._port = port
        self._sent_at = 0.0

    def _send(self, data: bytes) -> None:
        if self._driver is None:
            raise PortError(f"The port '{self._port}' is closed.")
        try:
            self._driver.send_message(data)
        except (OSError, RuntimeError) as error:
            raise PortError(f"The port '{self._port}' is lost: {error}. It is opened again.") from error
        self._sent_at = time.monotonic()

    def close(self) -> None:
        """Close once the driver has had time to send what it was given."""
        driver, self._driver = self._driver, None
        if driver is not None:
            time.sleep(max(0.0, self._sent_at + DRAIN - time.monotonic()))
            driver.close_port()
            driver.delete()

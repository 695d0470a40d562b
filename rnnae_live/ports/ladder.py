"""Which MIDI system to take: the named one, or the first that works.

*Errors*: ``auto`` has none, because the last step is the loopback. A system that was asked for by name and is not
there is a ``PortError`` with the next step.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module

from rnnae_live.errors import PortError
from rnnae_live.ports.base import CLIENT, Backend
from rnnae_live.ports.loopback import Loopback

BACKENDS = ("auto", "alsa", "jack", "coremidi", "winmm", "loopback")
"""What ``--backend`` takes."""

# A running JACK server was started for music, an ALSA sequencer is simply there: JACK first.
LADDERS = {"linux": ("jack", "alsa"), "darwin": ("coremidi", "jack"), "win32": ("winmm",)}

MISSING = {
    "jack": "no JACK server answers",
    "alsa": "there is no ALSA sequencer (/dev/snd/seq)",
    "coremidi": "CoreMIDI does not answer",
    "winmm": "Windows makes no virtual ports (give --in and --out, for instance of loopMIDI)",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The MIDI system that was taken, and in one line which and why."""

    backend: Backend
    why: str


def backend(name: str, client: str = CLIENT) -> Backend:
    """Return the MIDI system called ``name``.

    Raises:
        PortError: there is no such system here; the message has the next step.
    """
    if name == "loopback":
        return Loopback(client)
    if name not in BACKENDS or name == "auto":
        raise PortError(f"There is no MIDI system '{name}'; there are {', '.join(BACKENDS)}.")
    if name == "jack":
        try:
            exact: Backend = import_module("rnnae_live.ports.jack").Jack(client)
        except (ImportError, OSError, AttributeError) as error:
            return _through_rtmidi(client, error)
        return exact
    return _rtmidi(name, client)


def _rtmidi(name: str, client: str) -> Backend:
    """Return a MIDI system through python-rtmidi.

    Raises:
        PortError: it is not here.
    """
    try:
        system = import_module("rnnae_live.ports.system")
    except ImportError as error:
        raise PortError(
            f"python-rtmidi could not be loaded ({error}). On Linux it needs libasound: sudo apt install libasound2."
        ) from error
    made: Backend = system.System(name, client)
    return made


def _through_rtmidi(client: str, error: Exception) -> Backend:
    """Return JACK through python-rtmidi, which cannot place a note within a period, and says why it is not better."""
    made = _rtmidi("jack", client)
    reason = str(error).rstrip(".") or type(error).__name__
    made.title = f"JACK through python-rtmidi, notes at the start of a period (JACK-Client is not usable: {reason})"
    return made


def choose(name: str = "auto", *, named: bool = False, client: str = CLIENT) -> Choice:
    """Return the MIDI system to use. ``named`` says that only existing ports will be opened, no virtual ones.

    Raises:
        PortError: ``name`` is not ``auto`` and that system is not here.
    """
    if name != "auto":
        taken = backend(name, client)
        if not taken.virtual and not named:
            raise PortError(import_module("rnnae_live.ports.system").NO_VIRTUAL)
        return Choice(taken, f"{taken.title}, as asked for")
    reasons = []
    for rung in LADDERS.get(sys.platform, ("jack", "alsa")):
        try:
            taken = backend(rung, client)
        except PortError as error:
            reasons.append(str(error).rstrip(".") if "rtmidi" in str(error) else MISSING[rung])
            continue
        if taken.virtual or named:
            return Choice(taken, f"{taken.title}, because {', '.join([*reasons, 'it answers'])}")
        reasons.append(MISSING[rung])
    why = " and ".join(dict.fromkeys(reasons))
    return Choice(Loopback(client), f"in-process loopback, because {why}: nothing outside can play or hear it")

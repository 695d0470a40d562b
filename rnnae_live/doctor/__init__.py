"""The doctor: looks at this computer and says of each thing that playing needs whether it is well.

::

    installation    Python, the packages and their versions
    systems         the MIDI systems, their ports, sessions that play
    realtime        what the kernel allows, and how exactly a process here wakes up
    bank            the model and the presets
    home            where things are written, and the settings in the environment
          |
          v
    findings        one sentence each: mark, cause, next step  ->  cli

*Errors*: none. What cannot be looked at becomes a finding that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rnnae_live.doctor import bank, home, installation, realtime, systems
from rnnae_live.doctor.findings import Finding, Mark, guarded, healthy, summary

__all__ = ["Finding", "Mark", "examine", "healthy", "summary"]


def examine(variables: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield every finding as it is made. ``variables`` are the ``RNNAE_*`` names that the command line knows."""
    names = frozenset(variables)
    yield from guarded("Python", installation.python)
    yield from guarded("packages", installation.packages)
    yield from guarded("MIDI", systems.ports)
    yield from guarded("sessions", systems.sessions)
    yield from guarded("real time", realtime.permissions)
    yield from guarded("processor", realtime.governor)
    yield from guarded("timing", realtime.timing)
    yield from guarded("bank", bank.contents)
    yield from guarded("user folder", home.writable)
    yield from guarded("settings", lambda: home.settings(names))

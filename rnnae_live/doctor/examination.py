"""The examination: every check in its order, each guarded, so that a broken part hides nothing of the others.

checks -> findings -> [examination] -> cli

A check is imported when its turn comes: a package that does not load is what the doctor is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from importlib import import_module

from rnnae_live.doctor.findings import Finding, guarded

CHECKS = (
    ("Python", "installation", "python"),
    ("packages", "installation", "packages"),
    ("MIDI", "systems", "ports"),
    ("sessions", "systems", "sessions"),
    ("real time", "realtime", "permissions"),
    ("processor", "realtime", "governor"),
    ("timing", "realtime", "timing"),
    ("model", "bank", "contents"),
    ("user folder", "home", "writable"),
)
"""Names of the checks, and where each is."""


def examine(variables: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield every finding as it is made. ``variables`` are the ``RNNAE_*`` names that the command line knows."""
    for name, module, check in CHECKS:
        yield from guarded(name, partial(_findings, module, check))
    yield from guarded("settings", partial(_findings, "home", "settings", frozenset(variables)))


def _findings(module: str, check: str, *given: object) -> Iterator[Finding]:
    """Yield what a check finds, which is imported now."""
    yield from getattr(import_module(f"rnnae_live.doctor.{module}"), check)(*given)

"""The folder that everything is written to, the room that is left there, and settings that nothing reads.

environment -> [home] -> findings
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rnnae_live.doctor.findings import Finding, Mark
from rnnae_live.files import home

PREFIX = "RNNAE_"

OWN = frozenset({"RNNAE_HOME", "RNNAE_DEBUG", "RNNAE_PRESETS"})
"""Variables that belong to no option; every other one does."""

TESTS = frozenset({"RNNAE_CORPUS", "RNNAE_REQUIRE_PORTS"})
"""Variables that only the tests read."""

ENOUGH, SCARCE = 200 << 20, 10 << 20
"""Bytes of free disk space: below the first worth a look, below the second nothing may be saved any more."""


def writable(folder: Path | None = None) -> Iterator[Finding]:
    """Yield whether the user's folder, or ``folder``, can be written, and how much room is left."""
    place = home() if folder is None else folder
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-") as file:
            file.write(b"\0")
    except OSError as error:
        cause = f"{place} cannot be written ({error.strerror}): presets and recordings would be lost."
        yield Finding("user folder", Mark.BROKEN, cause, "Set RNNAE_HOME to a folder that you can write to.")
        return
    yield Finding("user folder", Mark.OK, f"{place} can be written.")
    yield room(place, shutil.disk_usage(place).free)


def room(place: Path, free: int) -> Finding:
    """Return the finding on ``free`` bytes."""
    text = f"{free / (1 << 20):,.0f} MiB are free at {place}."
    if free >= ENOUGH:
        return Finding("disk", Mark.OK, text)
    step = "Make room, or set RNNAE_HOME to a folder on another disk."
    return Finding("disk", Mark.LOOK if free >= SCARCE else Mark.BROKEN, text, step)


def settings(known: frozenset[str], environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Yield the ``RNNAE_*`` variables of the environment that nothing reads, each with the nearest that is read."""
    readable = known | OWN | TESTS
    given = sorted(name for name in environment if name.startswith(PREFIX))
    unknown = [name for name in given if name not in readable] if known else []
    for name in unknown:
        near = difflib.get_close_matches(name, readable - TESTS, n=1, cutoff=0.6)
        step = f"Did you mean {near[0]}?" if near else f"Remove it: unset {name}"
        yield Finding("settings", Mark.LOOK, f"Nothing reads the variable {name}.", step)
    read = [name for name in given if name in readable]
    if read or not unknown:
        text = f"Set in the environment: {', '.join(read)}." if read else "Nothing is set in the environment."
        yield Finding("settings", Mark.OK, text)

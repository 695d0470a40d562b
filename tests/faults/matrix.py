"""All rows of the fault matrix, in the order in which they are injected, and the JACK server that some need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.faults import attacks, files, floods, fuzz, pipeline
from tests.faults.planted import PLANTED, found
from tests.faults.seen import Row, Seen

STANDING = "20"
"""Milliseconds, of which a synchronous server stands still ten times for a client that was killed."""


def rows() -> list[Row]:
    """Return all rows in which something is injected."""
    virtual = [*pipeline.ROWS, *floods.ROWS, *files.ROWS, *fuzz.ROWS, *attacks.ROWS]
    if find_spec("jack") is None:
        return virtual
    from tests.faults import joins, live, rests, stalls, steady

    return [*live.ROWS, *rests.ROWS, *joins.ROWS, *stalls.ROWS, *steady.ROWS, *virtual]


def protections(seen: Seen, _long: bool, folder: Path) -> None:
    """Take out each protection in turn: its check has to notice."""
    count = 0
    for number, one in enumerate(PLANTED):
        noticed = found(one, folder / str(number))
        count += noticed
        seen.hold(noticed, f"nobody notices that this is gone: {one.name}")
    seen.figures["planted faults found"] = f"{count} of {len(PLANTED)}"


TAKEN_OUT = Row("protections taken out", "each is missed by its check", protections)


@contextmanager
def with_server(folder: Path, *, needed: bool) -> Iterator[str]:
    """Run a JACK server where one is needed; why there is none otherwise, else an empty text."""
    if not needed or shutil.which("jackd") is None:
        yield "jackd is not installed" if needed else ""
        return
    from tests.ports.server import JackServer

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", f"rnnaefaults{os.getpid()}")
        patch.setenv("JACK_NO_START_SERVER", "1")
        try:
            server = JackServer(folder / "jackd.log", STANDING)
        except (pytest.skip.Exception, pytest.fail.Exception) as reason:
            yield str(reason)
            return
        try:
            yield ""
        finally:
            server.stop()

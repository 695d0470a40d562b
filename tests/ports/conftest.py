"""A JACK server for all tests of real ports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.ports.server import JackServer, unavailable


@pytest.fixture(scope="session")
def jack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a running JACK server; JACK_DEFAULT_SERVER names it for this process and its children."""
    if shutil.which("jackd") is None:
        unavailable("jackd is not installed (sudo apt install jackd2)")
    name = f"rnnae{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        log = tmp_path_factory.mktemp("jack") / "jackd.log"
        server = JackServer(log)
        yield name
        server.stop()

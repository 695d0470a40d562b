"""A live session on the loopback with its page, as a browser finds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.page.browsing import browser, tab  # noqa: F401 - fixtures for all tests of the page
from tests.processes import BOUND, children

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Page:
    """A session under test: its process, and where its page is."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    @property
    def pid(self) -> int:
        """The process id of the page."""
        return next(pid for pid, words in children(self.process.pid).items() if "rnnae_live.page" in words)

    def line(self, words: str) -> str:
        """Return the next line of the terminal that holds some words."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            if words in text:
                return text.strip()
        raise AssertionError(f"no line with {words!r}")


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Starts ``rnnae-live live`` on the loopback with a page on a free port; whatever is left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def _open(*options: str, page: str = "0", wait: bool = True) -> Page:
        process = subprocess.Popen(
            [*BOUND, sys.executable, "-m", "rnnae_live", "live", "--backend", "loopback", "--page", page, *options],
            cwd=REPOSITORY,
            env={**os.environ, "RNNAE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        found = Page(process, "")
        return Page(process, found.line("page: ").removeprefix("page: ")) if wait else found

    yield _open
    for process in started:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A session with its page."""
    return open_page()


@pytest.fixture
def page_url(page: Page) -> str:
    """Where a browser finds the page of a session."""
    return page.url

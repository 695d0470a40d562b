"""What the tests in a browser share: one browser for all of them, and a page that is ready in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from tests.page.chromium import Browser, Tab, installed

REQUIRED = bool(os.environ.get("RNNAE_REQUIRE_BROWSER"))
"""Whether a test that finds no browser has failed; read before the tests are kept out of the environment."""

READY = (
    "document.body.dataset.link === 'open' && rnnae.mirror.part && rnnae.mirror.presets.length > 0"
    " && rnnae.mirror.specs.size > 0 && rnnae.link.offset !== null"
    " && document.querySelectorAll('.rows button').length > 0 && document.querySelectorAll('#mode button').length > 0"
)

TUNE = [("a", 0.25), ("s", 0.25), ("d", 0.25), ("f", 0.25), ("g", 0.5), ("h", 0.25), ("g", 0.5)]
"""Keys of the computer and how long they take, in seconds: C D E F G A G from C4 on."""

PITCHES = [60, 62, 64, 65, 67, 69, 67]

PART = "rnnae.mirror.part"


def unavailable(why: str) -> NoReturn:
    """Skip a test, or let it fail where a browser is required."""
    if REQUIRED:
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser without a window."""
    path = installed()
    if path is None:
        unavailable("no browser is installed (sudo apt install chromium)")
    with Browser(path, tmp_path_factory.mktemp("browser") / "profile") as found:
        yield found


@pytest.fixture
def tab(browser: Browser, page_url: str) -> Iterator[Tab]:
    """The page of a session, ready to be played; nothing may have gone wrong in it in the end."""
    opened = browser.open(page_url)
    opened.wait(READY)
    yield opened
    opened.close()
    assert opened.errors == []


def play(tab: Tab, seconds: Callable[[float], float] = lambda length: length) -> None:
    """Play ``TUNE`` on the computer's keys."""
    for key, length in TUNE:
        tab.key(key, up=False)
        time.sleep(seconds(length) * 0.8)
        tab.key(key, down=False)
        time.sleep(seconds(length) * 0.2)


def track(slot: int) -> str:
    """Return the selector of the fader of a slot, 0 for the phrase."""
    name = f"weight {slot}" if slot else "follow"
    return f'.fader[data-name="{name}"] .track'


def lit(tab: Tab, canvas: str) -> int:
    """Return how many pixels of a piano roll have the colour of a note: neither ground, nor lines, nor words."""
    return int(
        tab.evaluate(
            f"(() => {{ const c = document.getElementById('{canvas}');"
            " const d = c.getContext('2d').getImageData(31, 0, c.width - 31, c.height).data;"
            " let n = 0; for (let i = 0; i < d.length; i += 4) {"
            " const [most, least] = [Math.max(d[i], d[i + 1], d[i + 2]), Math.min(d[i], d[i + 1], d[i + 2])];"
            " n += most > 110 && most - least > 50; }"
            " return n; })()"
        )
    )

"""Pictures of the control page for the README: a session is started, played and morphed, and photographed.

``python -m tests.page.screenshots OUT`` writes page.png, page-map.png, page-presets.png, page-timing.png,
page-tablet.png, and with more parts than one page-parts.png, page-parts-tablet.png and page-parts-many.png there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.page.browsing import PART, READY, play, track
from tests.page.chromium import Browser, Tab, installed
from tests.processes import BOUND

MIX = {1: 0.55, 2: 0.8, 4: 0.35, 7: 0.2}
"""Weights of slots in the pictures."""


FOUR = (
    "2 loop 'Ode to Joy=0.7' 'Jingle Bells (chorus)=0.4' octave:-1",
    "3 loop Arirang=0.9 'Frere Jacques=0.3'",
    "10 trade",
)
"""Parts beside the first, as ``--part`` has them."""

SIXTEEN = tuple(f"{channel} {'loop Arirang=0.5' if channel % 3 else 'answer'}" for channel in range(2, 17))


@contextmanager
def session(home: Path, parts: Sequence[str] = ()) -> Iterator[str]:
    """Run a session while the block runs; gives where its page is."""
    command = [*BOUND, sys.executable, "-m", "rnnae_live", "live", "--backend", "loopback", "--page", "0"]
    process = subprocess.Popen(
        [*command, *(word for part in parts for word in ("--part", part))],
        env={**os.environ, "RNNAE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield next(line for line in process.stdout if line.startswith("page: ")).removeprefix("page: ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def photograph(tab: Tab, out: Path) -> None:
    """Play, morph, and write the pictures."""
    tab.wait(READY)
    play(tab)
    for slot, weight in MIX.items():
        tab.drag([tab.point(track(slot), 0.5, 1 - weight)])
    tab.click("#answer")
    tab.wait(f"{PART}.playing && rnnae.stage.answer.notes.length > 0")
    # The middle of the melody, where some of it has been played and some is to come.
    tab.wait("rnnae.mirror.tick(rnnae.link.time()) - rnnae.stage.playing.start > rnnae.stage.playing.length * 0.55")
    tab.screenshot(out / "page.png")
    tab.drag([tab.point("#pane-pad canvas", 0.3, 0.7), tab.point("#pane-pad canvas", 0.62, 0.36)])
    tab.evaluate("rnnae.link.turn('mode', 2)")
    for pane in ("presets", "timing", "map"):
        tab.click(f"#tab-{pane}")
        if pane == "map":
            tab.drag([tab.point("#pane-map canvas", 0.5, 0.5), tab.point("#pane-map canvas", 0.42, 0.45)])
        time.sleep(1.5)
        tab.screenshot(out / f"page-{pane}.png")
    tab.click("#tab-pad")
    tab.size(1024, 768, 2.0)
    time.sleep(1.0)
    tab.screenshot(out / "page-tablet.png")


def photograph_parts(tab: Tab, out: Path, name: str) -> None:
    """Choose the second part, while all of them play, and write the picture ``name``."""
    tab.wait(f"{READY} && rnnae.mirror.tree.parts[1].playing")
    tab.click(".parts button:nth-child(2)")
    tab.wait("rnnae.stage.answer.notes.length > 0")
    tab.wait("rnnae.mirror.tick(rnnae.link.time()) - rnnae.stage.playing.start > rnnae.stage.playing.length * 0.55")
    tab.screenshot(out / f"{name}.png")


def main() -> int:
    """Write the pictures to the folder that the command line names."""
    path = installed()
    if len(sys.argv) != 2 or path is None:
        sys.stderr.write(
            "Usage: python -m tests.page.screenshots OUT; it needs a browser (sudo apt install chromium).\n"
        )
        return 2
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Browser(path, Path(folder) / "browser") as browser:
        with session(Path(folder) / "one") as url:
            photograph(browser.open(url, scale=1.5), out)
        with session(Path(folder) / "four", FOUR) as url:
            photograph_parts(browser.open(url, scale=1.5), out, "page-parts")
            photograph_parts(browser.open(url, 1024, 768, 2.0), out, "page-parts-tablet")
        with session(Path(folder) / "sixteen", SIXTEEN) as url:
            photograph_parts(browser.open(url, scale=1.5), out, "page-parts-many")
    return 0


if __name__ == "__main__":
    sys.exit(main())

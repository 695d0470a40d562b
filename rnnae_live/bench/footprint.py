"""What the live processes cost before they play: imports, start, memory; and what the help costs over bare Python.

processes -> [footprint] -> figures
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from rnnae_live.bench.figures import Figure, all_of
from rnnae_live.bench.session import Scene, session

IMPORTS = {"player": "rnnae_live.live.player", "engine": "rnnae_live.live.engine"}
"""Processes of a session, and what each imports before it does anything."""


def figures(backend: str, repeats: int) -> Iterator[Figure]:
    """Yield the figures, each of ``repeats`` starts; ``backend`` is what the live session is started with.

    Raises:
        PortError: the live session does not start.
    """
    yield help_page(repeats)
    for role, module in IMPORTS.items():
        samples = [_importing(module) for _ in range(repeats)]
        yield Figure(f"import_{role}_ms", f"import of the {role}'s process", samples)
    started, memory = [], []
    for _ in range(max(1, repeats // 2)):
        with session(Scene(backend, mode="answer")) as live:
            started.append(live.started_ms)
            memory.append({role: one.rss_mb for role, one in live.usage().items()})
    yield Figure("ports_open_ms", "start of `rnnae-live live` to ports open and ready", started, all_of(1000.0))
    known = [one for one in memory if one]
    if known:
        last = {f"{role}_mb": round(size, 1) for role, size in known[-1].items()}
        largest = [max(one.values()) for one in known]
        what = "resident memory of the largest process, without what a JACK server shares"
        yield Figure("rss_largest_mb", what, largest, all_of(120.0), about=last)
        total = [sum(one.values()) for one in known]
        yield Figure("rss_total_mb", "resident memory of all processes, shared pages counted in each", total)


def help_page(repeats: int) -> Figure:
    """Return how much longer ``rnnae-live --help`` takes than Python without anything; run by turns."""
    bare, helped = [], []
    for _ in range(repeats):
        bare.append(_running("-c", "pass"))
        helped.append(_running("-m", "rnnae_live", "--help"))
    base = median(bare)
    return Figure(
        "help_over_python_ms",
        "`rnnae-live --help` over bare Python",
        [one - base for one in helped],
        all_of(150.0),
        about={"bare_python_ms": round(base, 1)},
    )


def _running(*words: str) -> float:
    """Return how long Python takes with these words, in milliseconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


def _importing(module: str) -> float:
    """Return how long a new process takes to import a module, in milliseconds."""
    script = f"import time; began = time.perf_counter(); import {module}; print((time.perf_counter() - began) * 1000)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)

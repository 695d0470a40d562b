"""Load: one busy process for each processor, at normal priority, for as long as a block lasts.

*Errors*: none; a process that ends early is only less load. Each ends by itself when this process is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = "import os\nmine = os.getppid()\nwhile os.getppid() == mine:\n    for _ in range(100000):\n        pass\n"


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def load(count: int | None = None) -> Iterator[None]:
    """Keep ``count`` processes busy, by default one for each processor, while the block runs."""
    busy = [
        subprocess.Popen([sys.executable, "-S", "-c", BUSY]) for _ in range(processors() if count is None else count)
    ]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()

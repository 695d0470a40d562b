"""Real-time priority for a part of a measurement, where the kernel gives it.

*Errors*: none. *Threading*: the calling thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PRIORITY = 5
"""Below the player's, so that what is measured does not disturb who measures."""


@contextmanager
def real_time() -> Iterator[bool]:
    """Run the block with real-time priority; give whether it was allowed."""
    given = False
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
            given = True
    try:
        yield given
    finally:
        if sys.platform == "linux" and given:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

"""Wakes up a hundred times, 10 ms apart, in a process like the player's, and prints how late each time it was.

``python -m rnnae_live.doctor.wakeups`` prints one JSON object: microseconds late, and whether it ran in real time.

*Source*: the player waits with ``select`` for what is due; the same call is measured here.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
import time
from contextlib import suppress

COUNT = 100
STEP = 0.01
PRIORITY = 10


def lateness(count: int = COUNT) -> list[int]:
    """Return by how many microseconds each wake-up was late."""
    quiet, other = socket.socketpair()
    late = []
    start = time.monotonic()
    for number in range(1, count + 1):
        due = start + number * STEP
        select.select([quiet], [], [], max(0.0, due - time.monotonic()))
        late.append(max(0, round((time.monotonic() - due) * 1e6)))
    quiet.close()
    other.close()
    return late


def real_time() -> bool:
    """Ask for real-time scheduling as the player does; return whether it was given."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
            return True
    return False


if __name__ == "__main__":
    allowed = real_time()
    gc.freeze()
    sys.stdout.write(json.dumps({"real_time": allowed, "late_us": lateness()}) + "\n")

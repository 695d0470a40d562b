"""What a process is granted, in a process of its own: real-time scheduling would stay with this one."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = """
import os, threading
from rnnae_live.live import realtime
threading.Thread(target=threading.Event().wait, daemon=True).start()
given = realtime.schedule(realtime.ENGINE)
later = threading.Thread(target=threading.Event().wait, daemon=True)
later.start()
print(given, *(os.sched_getscheduler(int(task)) == os.SCHED_FIFO for task in os.listdir("/proc/self/task")))
"""


@pytest.mark.unit
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are listed on Linux only")
def test_all_threads_are_in_real_time_or_none() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
    given, *threads = done.stdout.split()
    assert len(threads) == 3
    assert set(threads) == {given}

"""What a process is granted, in a process of its own: real-time scheduling would stay with this one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rnnae_live.live import realtime

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


@pytest.mark.unit
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="scheduling is told on Linux only")
def test_a_process_that_notes_wait_for_begins_in_real_time_where_that_is_allowed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waited_for:
        realtime.hurry(waited_for.pid)
        given = os.sched_getscheduler(waited_for.pid) == os.SCHED_FIFO
        waited_for.communicate(b"\n")
    allowed = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
    assert str(given) == allowed.stdout.split()[0]
    realtime.hurry(waited_for.pid)  # One that is gone already is nobody's fault.

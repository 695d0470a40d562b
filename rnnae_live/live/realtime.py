"""What a process asks of the system and of Python so that it is always in time.

[realtime] -> player, engine, nursery

*Threading*: ask before threads are made: those of a driver inherit the scheduling. *Errors*: none; each answer says
what was granted, because without real-time scheduling everything works, less exactly on a busy machine.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

PLAYER, ENGINE = 10, 5
"""Real-time priorities: above everything that is not real time, below audio servers; the player before the engine."""

STUCK = {PLAYER: 0.5, ENGINE: 2.0}
"""Seconds of processor time without waiting after which the system ends a real-time process: it spins in a driver, or
computes without end."""

SWITCH_SECONDS = 0.0001
"""Seconds after which a Python thread that wants to run may interrupt another one: a period may be as short as 1 ms."""

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""Flags of ``mlockall``; the last keeps memory that was never touched from being taken."""


def schedule(priority: int) -> bool:
    """Ask for real-time scheduling for all threads and those that they make; return whether it was given.

    Libraries have threads that only wait. When the process is killed its sockets close after the last of them has
    ended, and whoever waits for that waits for the processor that each of them needs for it.
    """
    if not hasattr(os, "sched_setscheduler"):
        return False
    try:
        import resource

        limit = int(STUCK[priority] * 1e6)
        for thread in _threads():
            os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
        resource.setrlimit(resource.RLIMIT_RTTIME, (limit, limit))
    except (OSError, ValueError):
        return False
    return True


def hurry(pid: int) -> None:
    """Let a process that has just been started begin at once, on a busy machine as well, where that is allowed."""
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(PLAYER))


def _threads() -> list[int]:
    """Return the numbers of this process's threads where the system tells them, else 0 for the one that asks."""
    tasks = Path("/proc/self/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [0]


def lock_memory() -> bool:
    """Keep everything of this process in memory, now and later; return whether the system agreed."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import resource

        # With a limit, memory that is asked for later could be refused because of the lock.
        unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY or os.geteuid() == 0
        lock = ctypes.CDLL(None).mlockall
        return unlimited and any(lock(flags) == 0 for flags in (_CURRENT | _FUTURE | _ON_FAULT, _CURRENT | _FUTURE))
    except (OSError, ValueError, AttributeError):
        return False


def settle() -> None:
    """Let Python do nothing on its own from now on: no collection of garbage, quick changes between threads."""
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(SWITCH_SECONDS)

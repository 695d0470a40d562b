"""What a process asks of the system and of Python so that it is always in time.

[realtime] -> player, engine

*Threading*: ask before threads are made: those of a driver inherit the scheduling. *Errors*: none; each answer says
what was granted, because without real-time scheduling everything works, less exactly on a busy machine.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys

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
    """Ask for real-time scheduling for this thread and those that it makes; return whether it was given."""
    if not hasattr(os, "sched_setscheduler"):
        return False
    try:
        import resource

        limit = int(STUCK[priority] * 1e6)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        resource.setrlimit(resource.RLIMIT_RTTIME, (limit, limit))
    except (OSError, ValueError):
        return False
    return True


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

"""Time: whether the kernel gives the player real-time priority and memory, and how exactly a process wakes up here.

kernel -> [realtime] -> findings
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rnnae_live.doctor.findings import Finding, Mark

LIMITS = "/etc/security/limits.d/95-rnnae-live.conf"
RULES = "@audio - rtprio 95 and @audio - memlock unlimited"
ENOUGH_MEMORY = 64 << 20
"""Bytes that may be locked; the player is about half of this."""
WORST_PRIORITY = 10
"""Real-time priority that the player asks for."""

TIGHT, LOOSE, LATE = 1000, 5000, 20000
"""Microseconds: p99 of the wake-ups that nobody hears, that a good listener feels, that everybody hears."""

GOVERNORS = Path("/sys/devices/system/cpu")


def permissions(platform: str = sys.platform) -> Iterator[Finding]:
    """Yield whether the player gets real-time priority and locked memory."""
    if platform != "linux":
        text = "Not applicable: this system gives audio programs their priority without asking."
        yield Finding("real time", Mark.ABSENT, text)
        return
    import resource

    refused = ask_for_fifo()
    _, most = resource.getrlimit(resource.RLIMIT_RTPRIO)
    yield scheduling(refused, most)
    memory, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    yield locking(None if memory == resource.RLIM_INFINITY else memory, privileged=os.geteuid() == 0)


def ask_for_fifo() -> str:
    """Ask the kernel, in a process of its own, for what the player asks for; return why it refused, empty if not."""
    script = (
        "import os\n"
        f"try: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({WORST_PRIORITY}))\n"
        "except OSError as error: print(error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip()


def scheduling(refused: str, most: int) -> Finding:
    """Return the finding on real-time priority: why it was refused, and the highest that the limits allow."""
    if not refused:
        return Finding("real time", Mark.OK, "The player gets real-time priority (SCHED_FIFO).")
    cause = f"The player gets no real-time priority ({refused}; RLIMIT_RTPRIO is {most}), so a busy computer delays it."
    if os.geteuid() == 0:
        step = "In a container, start it with --cap-add SYS_NICE --ulimit rtprio=95."
    else:
        step = (
            f"As root write {RULES} on two lines into {LIMITS}, add yourself to the group "
            f"(sudo usermod -aG audio {user()}), and log in again."
        )
    return Finding("real time", Mark.LOOK, cause, step)


def locking(memory: int | None, *, privileged: bool = False) -> Finding:
    """Return the finding on the bytes that may be locked into memory, None for no limit."""
    if privileged or memory is None or memory >= ENOUGH_MEMORY:
        amount = "no limit" if memory is None or privileged else f"{memory >> 20} MiB"
        return Finding("memory", Mark.OK, f"The player may lock its memory ({amount}).")
    cause = f"Only {memory >> 10} KiB of memory may be locked, so what swapping takes away comes back late."
    return Finding("memory", Mark.LOOK, cause, f"As root write '@audio - memlock unlimited' into {LIMITS}.")


def governor(folder: Path = GOVERNORS) -> Iterator[Finding]:
    """Yield what the processors do when there is little to do."""
    texts = [read for file in sorted(folder.glob("cpu[0-9]*/cpufreq/scaling_governor")) if (read := _text(file))]
    if not texts:
        yield Finding("processor", Mark.ABSENT, "How its clock is governed cannot be read here (a virtual machine?).")
        return
    found = ", ".join(f"{name} on {number}" for name, number in sorted(Counter(texts).items()))
    if set(texts) <= {"performance", "schedutil"}:
        yield Finding("processor", Mark.OK, f"Governor {found} of {len(texts)} processors.")
        return
    cause = f"Governor {found} of {len(texts)} processors: they save power, and are slow for some ms after a rest."
    yield Finding("processor", Mark.LOOK, cause, "On stage: sudo cpupower frequency-set -g performance")


def timing() -> Iterator[Finding]:
    """Yield how late a process like the player wakes up, measured for a second."""
    done = subprocess.run(
        [sys.executable, "-m", "rnnae_live.doctor.wakeups"], capture_output=True, text=True, timeout=60, check=True
    )
    said = json.loads(done.stdout)
    yield punctuality(said["late_us"], real_time=said["real_time"])


def punctuality(late_us: list[int], *, real_time: bool) -> Finding:
    """Return the finding on wake-ups that were so many microseconds late."""
    ranked = sorted(late_us)
    half, most, worst = (ranked[min(len(ranked) - 1, int(part * len(ranked)))] for part in (0.5, 0.99, 1.0))
    how = "with real-time priority" if real_time else "without real-time priority"
    figures = f"{len(ranked)} wake-ups {how}: late by {half} us (p50), {most} us (p99), {worst} us (once)"
    if most <= TIGHT:
        return Finding("timing", Mark.OK, f"Tight. {figures}.")
    step = "Close what keeps the computer busy" + ("." if real_time else ", or allow real-time priority (see above).")
    if most <= LOOSE:
        return Finding("timing", Mark.LOOK, f"Loose, a good listener may feel it. {figures}.", step)
    if most <= LATE:
        return Finding("timing", Mark.LOOK, f"Late, rhythm suffers. {figures}.", step)
    return Finding("timing", Mark.BROKEN, f"Too late to play with others. {figures}.", step)


def user() -> str:
    """Return the name of the user, or what a shell puts in its place."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "$USER"


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""

"""A live session under test, started as a user would: its command line, its processes, and what it says.

[session: rnnae-live live] <-> ports <-> performer

*Errors*: ``PortError`` where it does not start; the message has its last words.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnae_live.errors import PortError
from rnnae_live.live.wire import Kind, Link, LinkLostError, call, unpack_json

STARTING = 60.0
"""Seconds that a session may take to be ready."""

ANSWERING = 0.5
"""Seconds that an answer to a question of how it is may take."""

LEAVING = 10.0
"""Seconds that it may take to leave."""

READY, PAGE = "ready:", "page: "
"""With what the lines begin that say so."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played: the mode, the tempo, and for each part the names of its presets; ``page``: whether it has one."""

    backend: str
    mode: str = "loop"
    bpm: float = 120.0
    parts: Sequence[Sequence[str]] = ()
    follow: float = 0.0
    page: bool = False

    def arguments(self) -> list[str]:
        """Return the words behind ``rnnae-live``: the one place that knows the options of ``live``."""
        first, *more = self.parts or ((),)
        words = ["live", "--backend", self.backend, "--mode", self.mode, "--bpm", f"{self.bpm:g}"]
        words += ["--follow", f"{self.follow:g}", "--page", "0" if self.page else "off"]
        for name, weight in _weights(first):
            words += ["-p", f"{name}={weight}"]
        for channel, names in enumerate(more, 2):
            presets = " ".join(f'"{name}={weight}"' for name, weight in _weights(names))
            words += ["--part", f"{channel} {self.mode} {presets}".strip()]
        return words


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used at a moment: seconds of processor time, and resident memory of its own in MB (10**6)."""

    at: float
    cpu: float
    rss_mb: float


class LiveSession:
    """``rnnae-live live`` in processes of its own, ready to play after ``__init__``.

    ``started_ms`` is how long that took, ``lines`` what it has said, ``status`` what it answered last.
    """

    def __init__(self, scene: Scene) -> None:
        """Start it and wait until it is ready.

        Raises:
            PortError: it ended, or is not ready in time.
        """
        self._home = Path(tempfile.mkdtemp(prefix="rnnae-bench-"))
        self.lines: list[str] = []
        self._is_ready = threading.Event()
        self._link: Link | None = None
        self.status: dict[str, Any] = {}
        began = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RNNAE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rnnae_live", *scene.arguments()],
            env={**environment, "RNNAE_HOME": str(self._home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._is_ready.wait(STARTING)
        self.started_ms = (time.monotonic() - began) * 1000
        if not any(line.startswith(READY) for line in self.lines):
            self.close()
            raise PortError(f"The live session did not start: {' '.join(self.lines)[-300:]}")

    def page(self) -> str:
        """Return where its page is, as soon as that is served.

        Raises:
            PortError: it is not.
        """
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.lines:
                if line.startswith(PAGE):
                    return line.removeprefix(PAGE)
            time.sleep(0.05)
        raise PortError(f"The page of the session was not served: {' '.join(self.lines)[-300:]}")

    def processes(self) -> dict[str, int]:
        """Return the process ids by role: the front, and each of its children by the last name of its module."""
        found = {"front": self.process.pid}
        with suppress(OSError):
            task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            for pid in map(int, task.read_text().split()):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                modules = [word for word in words if word.startswith("rnnae_live.")]
                found.update({module.rpartition(".")[2]: pid for module in modules[:1]})
        return found

    def usage(self) -> dict[str, Usage]:
        """Return what each process has used so far; empty where the system does not tell."""
        return {role: one for role, pid in self.processes().items() if (one := _usage(pid)) is not None}

    def since(self, before: dict[str, Usage]) -> dict[str, float]:
        """Return for each process its share of a core since ``before``, its memory in MB, and how much that grew."""
        found: dict[str, float] = {}
        for role, now in self.usage().items():
            was = before.get(role)
            if was is not None and now.at > was.at:
                found[f"{role}_cpu_percent"] = round(100 * (now.cpu - was.cpu) / (now.at - was.at), 2)
                found[f"{role}_grown_mb"] = round(now.rss_mb - was.rss_mb, 2)
            found[f"{role}_rss_mb"] = round(now.rss_mb, 1)
        return found

    def poll(self) -> bool:
        """Ask the session how its processes are, as a control page does; return whether it answered (``status``)."""
        try:
            if self._link is None:
                folder = next((self._home / "run").glob("session-*"))
                self._link = call(folder, "front")
            self._link.send(Kind.PING)
            select.select([self._link], [], [], ANSWERING)
            told = [unpack_json(payload) for kind, payload in self._link.receive() if kind is Kind.PONG]
        except (OSError, LinkLostError, StopIteration):
            self._link = None
            return False
        self.status = told[-1] if told else self.status
        return bool(told)

    def close(self) -> list[str]:
        """End it as Ctrl-C does; return all that it said."""
        if self._link is not None:
            self._link.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(2)
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self._home, ignore_errors=True)
        return self.lines

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError):
            for line in self.process.stdout:
                self.lines.append(line.strip())
                if line.startswith(READY):
                    self._is_ready.set()
        self._is_ready.set()  # Whatever it was to say, it has.


@contextmanager
def session(scene: Scene) -> Iterator[LiveSession]:
    """Run a live session while the block runs.

    Raises:
        PortError: it does not start.
    """
    one = LiveSession(scene)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def polled(one: LiveSession, rate: float) -> Iterator[list[int]]:
    """Ask the session ``rate`` times a second how it is while the block runs; gives [asked, answered]."""
    counts = [0, 0]
    over = threading.Event()

    def ask() -> None:
        while not over.wait(1.0 / rate):
            counts[0] += 1
            counts[1] += one.poll()

    thread = threading.Thread(target=ask, daemon=True)
    if rate > 0:
        thread.start()
    try:
        yield counts
    finally:
        over.set()
        if rate > 0:
            thread.join(2)


def _weights(names: Sequence[str]) -> list[tuple[str, float]]:
    """Return names with weights that add up to 1."""
    return [(name, round(1 / len(names), 3)) for name in names]


def _usage(pid: int) -> Usage | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        # The JACK server's memory (100 MB) is mapped into each of its clients; it is not theirs.
        kilobytes = int(status["VmRSS"].split()[0]) - int(status["RssShmem"].split()[0])
        return Usage(time.monotonic(), cpu, kilobytes * 1024 / 1e6)
    except (OSError, ValueError, IndexError, KeyError):
        return None

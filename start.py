"""All set-up, then the instrument: ``python3 start.py`` is the demo, ``start.py test`` every check.

Any other words are passed on to ``rnnae-live``: ``python3 start.py live``. The set-up lives in ``.venv`` (what
plays) or ``.venv-test`` (also what trains and checks) beside this file, installed from the lock files. A stamp
is written when all of it is there, so a set-up that was interrupted is made again and a finished one costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
SUPPORTED = ((3, 11), (3, 12))
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "import contracts": ["lint-imports"],
}
"""What takes seconds, by name."""

TYPES = {"mypy": ["mypy"]}
TESTS = {"tests": ["pytest", "--ignore=tests/export"]}
TRAINING = {"tests of training": ["pytest", "-p", "no:cacheprovider", "tests/export"]}
"""These compute, and the other tests mostly wait for moments and processes, so both are done at the same time."""

YIELDING = ["nice", "-n", "19"] if shutil.which("nice") else []
"""Put before a command, it leaves the processor to whoever else wants it."""


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


class Result(NamedTuple):
    """How a check went, in how many seconds, and what it said where nobody listened."""

    name: str
    green: bool
    seconds: float
    said: str


def main(words: list[str]) -> int:
    """Set up, run what ``words`` ask for, and return its exit status."""
    try:
        if sys.version_info[:2] not in SUPPORTED:
            return _run([_supported_python(), __file__, *words])
        if words[:1] == ["test"]:
            return test(prepare(ROOT / ".venv-test", ROOT / "requirements-dev.lock"), words[1:])
        python = prepare(ROOT / ".venv", ROOT / "requirements.lock")
        return _run([str(python), "-m", "rnnae_live", *(words or ["demo"])])
    except SetupError as error:
        print(f"start.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def prepare(folder: Path, lock: Path) -> Path:
    """Return the Python of an environment that holds ``lock`` and this project, made now if need be.

    Raises:
        SetupError: the environment cannot be made.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "ready"
    wanted = fingerprint(lock)
    if python.exists() and stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    began = time.monotonic()
    often = "once; TensorFlow is large, this takes minutes" if "dev" in lock.name else "once, about half a minute"
    print(f"Setting up in {folder.name} ({often}) ...", end=" ", flush=True)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")
        log = folder / "setup.log"
        _step([sys.executable, "-m", "venv", str(folder)], log)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-compile"]
        _step([*pip, "--require-hashes", "-r", str(lock)], log)
        _step([*pip, "--no-deps", "--no-index", "--no-build-isolation", "-e", str(ROOT)], log)
        stamp.write_text(wanted, "utf-8")
    except OSError as error:
        print()
        hint = "Copy the project to a folder that you may write to."
        raise SetupError(f"'{error.filename or folder}' cannot be written: {error.strerror}. {hint}") from None
    print(f"ready in {time.monotonic() - began:.0f} s.", flush=True)
    return python


def fingerprint(lock: Path) -> str:
    """Return what an environment depends on as one hexadecimal number: place, Python, packages, project."""
    parts = (str(ROOT), sys.version, lock.read_text("utf-8"), (ROOT / "pyproject.toml").read_text("utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def test(python: Path, words: list[str]) -> int:
    """Run every check and return 0 if all are green, else 1; ``words`` are pytest's, and choose among the tests."""
    if words:
        return _told([_check(python, *one) for one in {**CHECKS, **TYPES, "tests": ["pytest", *words]}.items()])
    with ThreadPoolExecutor() as beside:
        results = [_check(python, *one) for one in CHECKS.items()]
        quiet = [beside.submit(_check, python, *one, aside=True) for one in {**TYPES, **TRAINING}.items()]
        results += [_check(python, *one) for one in TESTS.items()]
        for one in quiet:
            results.append(one.result())
            print(f"\n== {one.result().name}\n{one.result().said}", end="", flush=True)
    return _told(results)


def _check(python: Path, name: str, command: list[str], *, aside: bool = False) -> Result:
    """Run one check where all can read it, or ``aside``: out of the way, and what it says is kept."""
    command = [str(python.with_name(command[0])), *command[1:]]
    began = time.monotonic()
    if aside:
        run = [*YIELDING, *command]
        done = subprocess.run(run, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        status, said = done.returncode, done.stdout.decode(errors="replace")
    else:
        print(f"\n== {name}", flush=True)
        status, said = subprocess.call(command, cwd=ROOT), ""
    return Result(name, status == 0, time.monotonic() - began, said)


def _told(results: list[Result]) -> int:
    """Say how each check went, and return the exit status of all."""
    print()
    for one in results:
        print(f"{'ok    ' if one.green else 'FAILED'} {one.name} ({one.seconds:.1f} s)")
    return 0 if all(one.green for one in results) else 1


def _supported_python() -> str:
    """Return another Python of this computer that can run the project.

    Raises:
        SetupError: there is none on the path.
    """
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}")
        # A name on the path may be a version manager's stub for a Python that is not there: ask it.
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    version = ".".join(str(part) for part in sys.version_info[:3])
    raise SetupError(f"Python 3.11 or 3.12 is needed, this is {version}. Install one and start again with it.")


def _step(command: list[str], log: Path) -> None:
    """Run one step of the set-up, its output added to ``log``.

    Raises:
        SetupError: the step failed.
    """
    with log.open("ab") as out:
        if subprocess.call(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT) == 0:
            return
    print()
    said = log.read_text("utf-8", "replace")
    if "-m venv" in " ".join(command):
        hint = "Python's venv module is incomplete: on Debian and Ubuntu, apt install python3-venv."
    elif any(word in said for word in ("Connection", "ProxyError", "name resolution", "Network is unreachable")):
        hint = "The packages cannot be reached: go online (or set a proxy) and start again."
    else:
        reasons = [line for line in said.splitlines() if line.startswith("ERROR")]
        hint = reasons[-1] if reasons else "A step of the set-up failed."
    raise SetupError(f"{hint} The whole log is {log}.")


def _run(command: list[str]) -> int:
    """Become ``command``, so that signals and its exit status are its own; Windows waits for it instead."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 - does not return
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

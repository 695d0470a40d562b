"""Python and the packages: are they there, do they load, and are they the versions that this package asks for.

package metadata -> [installation] -> findings

Packages are loaded in a process of their own: a wheel that is made for another processor ends its process.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rnnae_live.doctor.findings import Finding, Mark

DISTRIBUTION = "rnnae-live"

SUPPORTED = ">=3.11,<3.13"
"""Versions of Python, for a checkout without metadata."""

MODULES = {"python-rtmidi": "rtmidi", "pillow": "PIL", "jack-client": "jack"}
"""What a package is imported as, where that is not its own name."""

OPTIONAL = {"jack-client": "Only JACK needs it (on Debian: sudo apt install libjack-jackd2-0)."}
"""Packages without which the instrument plays all the same, and what they are for."""

REINSTALL = "pip install --force-reinstall {}"

LOADING = 60.0
"""Seconds that all packages may take to load."""

LOADER = """
import importlib, json, sys, time
for name in sys.argv[1:]:
    print(json.dumps({"trying": name}), flush=True)
    began = time.perf_counter()
    try:
        importlib.import_module(name)
        why = ""
    except BaseException as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
    print(json.dumps({"loaded": name, "why": why, "ms": (time.perf_counter() - began) * 1000}), flush=True)
"""

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?$")
_BOUND = re.compile(r"^(>=|<=|==|!=|~=|<|>)\s*([0-9][0-9A-Za-z.*+!-]*)$")
_PLATFORM = re.compile(r"sys_platform\s*(==|!=)\s*['\"]([^'\"]*)['\"]")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package by its name, and the versions that will do (``>=2,<3``)."""

    name: str
    versions: str

    @property
    def module(self) -> str:
        """What it is imported as."""
        return MODULES.get(self.name.lower(), self.name.replace("-", "_"))


def python(version: tuple[int, ...] | None = None) -> Iterator[Finding]:
    """Yield whether this Python, or ``version``, is one that the package runs on."""
    here = tuple(sys.version_info[:3]) if version is None else version
    text = ".".join(map(str, here))
    try:
        wanted = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"] or SUPPORTED
    except importlib.metadata.PackageNotFoundError:
        wanted = SUPPORTED
    if inside(text, wanted):
        yield Finding("Python", Mark.OK, f"{text}, in {sys.prefix}")
        return
    cause = f"{text} is not a version that all packages are made for ({wanted})."
    yield Finding("Python", Mark.BROKEN, cause, "Install Python 3.11 or 3.12 and run `python3.12 start.py`.")


def packages() -> Iterator[Finding]:
    """Yield one finding for all packages that are well, and one for each that is not."""
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        cause = "This is a copy of the code that was never installed, so what it needs is not written down here."
        yield Finding("packages", Mark.LOOK, cause, "Run `python3 start.py`, or `pip install -e .` in the checkout.")
        return
    wanted = list(required(lines))
    loaded = load([one.module for one in wanted])
    well = []
    for one in wanted:
        version = _version(one.name)
        finding = _judge(one, version, loaded.get(one.module, "it was not reached"))
        if finding is None:
            well.append(f"{one.name} {version}")
        else:
            yield finding
    if well:
        yield Finding("packages", Mark.OK, ", ".join(well))


def required(lines: Iterable[str], platform: str = sys.platform) -> Iterator[Requirement]:
    """Yield what a package needs on ``platform``, of the lines of its metadata; extras are left out."""
    for line in lines:
        parts = _REQUIREMENT.match(line.strip())
        if parts is None:
            continue
        name, versions, marker = parts.group(1), parts.group(2).strip(), parts.group(3) or ""
        asked = _PLATFORM.search(marker)
        elsewhere = asked is not None and (platform == asked.group(2)) is not (asked.group(1) == "==")
        if "extra" not in marker and not elsewhere:
            yield Requirement(name, versions)


def inside(version: str, wanted: str) -> bool:
    """Return whether ``version`` meets every bound of ``wanted`` (``>=1.2,<2``); what is not understood is met."""
    here = _numbers(version)
    for text in filter(None, (part.strip() for part in wanted.split(","))):
        bound = _BOUND.match(text)
        if bound is None:
            continue
        sign, number = bound.group(1), bound.group(2)
        there = _numbers(number)
        size = max(len(here), len(there))
        a, b = (numbers + (0,) * (size - len(numbers)) for numbers in (here, there))
        same = here[: len(there)] == there if number.endswith("*") else a == b
        compatible = a >= b and here[: len(there) - 1] == there[:-1]
        met = {">=": a >= b, "<=": a <= b, "<": a < b, ">": a > b, "==": same, "!=": not same, "~=": compatible}
        if not met[sign]:
            return False
    return True


def load(modules: list[str]) -> dict[str, str]:
    """Return for each module why it could not be loaded, empty where it could."""
    why: dict[str, str] = {}
    left = list(modules)
    while left:
        said, ended = _load(left)
        trying = ""
        for row in said:
            if "loaded" in row:
                why[str(row["loaded"])] = str(row["why"])
            trying = str(row.get("trying", trying))
        if trying and trying not in why:
            why[trying] = f"loading it ended the process ({ended})"
        rest = [module for module in left if module not in why]
        if len(rest) == len(left):
            return {**dict.fromkeys(rest, f"no process could be started to load it ({ended})"), **why}
        left = rest
    return why


def _load(modules: list[str]) -> tuple[list[dict[str, object]], str]:
    """Load modules in another process; return what it said and how it ended."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOADER, *modules],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LOADING,
            check=False,
        )
        said, ended = done.stdout, f"status {done.returncode}"
    except subprocess.TimeoutExpired as error:
        said, ended = error.stdout or b"", f"after {LOADING:g} s"
    return [json.loads(line) for line in said.splitlines() if line.startswith(b"{")], ended


def _judge(one: Requirement, version: str, why: str) -> Finding | None:
    """Return what is wrong with a package, None where nothing is."""
    name = f"package {one.name}"
    spelled = f"'{one.name}{one.versions}'"
    if not version:
        return Finding(name, Mark.BROKEN, "It is not installed.", f"pip install {spelled}")
    if why and one.name.lower() in OPTIONAL:
        return Finding(name, Mark.LOOK, f"{version} does not load ({why}).", OPTIONAL[one.name.lower()])
    if why:
        return Finding(name, Mark.BROKEN, f"{version} does not load ({why}).", REINSTALL.format(spelled))
    if not inside(version, one.versions):
        return Finding(name, Mark.BROKEN, f"{version} is not in {one.versions}.", f"pip install {spelled}")
    return None


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; of a pre-release those before its letter."""
    numbers = []
    for part in version.split("+", maxsplit=1)[0].split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        numbers.append(int(digits.group()))
        if digits.group() != part:
            break
    return tuple(numbers)

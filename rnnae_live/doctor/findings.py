"""A finding: one thing that was looked at, how it is, why, and what to do.

checks -> [findings] -> cli
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How something is. Only ``BROKEN`` needs doing before one can play."""

    OK = "ok"
    LOOK = "look"
    BROKEN = "broken"
    ABSENT = "-"
    """It does not apply to this computer, or cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What ``check`` found, as a sentence; ``step`` is what to do next, empty where there is nothing to do."""

    check: str
    mark: Mark
    found: str
    step: str = ""


Check = Callable[[], Iterable[Finding]]


def guarded(name: str, check: Check) -> Iterator[Finding]:
    """Yield what a check finds; a check that raises has found that it cannot be done."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a computer, the other checks are wanted
        what = " ".join(f"{type(error).__name__}: {error}".split())
        step = "Run it again with RNNAE_DEBUG=1, and report what it says."
        yield Finding(name, Mark.LOOK, f"This could not be checked ({what}).", step)


def healthy(findings: Iterable[Finding]) -> bool:
    """Return whether nothing needs doing."""
    return all(finding.mark is not Mark.BROKEN for finding in findings)


def summary(findings: Iterable[Finding]) -> str:
    """Return all findings in one line."""
    marks = [finding.mark for finding in findings]
    broken, look = marks.count(Mark.BROKEN), marks.count(Mark.LOOK)
    well = f"{marks.count(Mark.OK)} ok"
    worth = f", {look} worth a look" if look else ""
    if broken:
        return f"{broken} {'thing needs' if broken == 1 else 'things need'} doing{worth}; {well}."
    return f"Ready to play: {well}{worth}."

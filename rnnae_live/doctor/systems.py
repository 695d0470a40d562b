"""MIDI: which systems answer, what ports they have, whether our own can be made, and who is playing already.

ports -> probe -> [systems] -> findings
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from rnnae_live.doctor.findings import Finding, Mark
from rnnae_live.live.session import running
from rnnae_live.ports.base import CLIENT
from rnnae_live.ports.ladder import LADDERS

ANSWERING = 10.0
"""Seconds after which a MIDI system counts as frozen."""

SHOWN = 6
"""Names of ports that are shown."""

NONE = (
    "No MIDI system answers: the instrument starts, but nothing outside can play or hear it.",
    {
        "linux": "Start a JACK server (sudo apt install jackd2; jackd -d dummy, or -d alsa with a sound card), "
        "or load the ALSA sequencer (sudo modprobe snd-seq).",
        "darwin": "CoreMIDI is part of macOS; open 'Audio MIDI Setup' and restart the MIDI server there.",
        "win32": "Windows makes no virtual ports: give existing ones with --in and --out, for instance of loopMIDI.",
    },
)


def ports() -> Iterator[Finding]:
    """Yield one finding for each MIDI system of this computer, one for all of them, and one for names in use."""
    ladder = LADDERS.get(sys.platform, ("jack", "alsa"))
    yield from judge({name: ask(name) for name in ladder})


def ask(name: str) -> dict[str, Any]:
    """Return what ``probe`` says of a MIDI system, or why it says nothing."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "rnnae_live.doctor.probe", name],
            capture_output=True,
            text=True,
            timeout=ANSWERING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"frozen": f"It has not answered within {ANSWERING:g} s."}
    rows = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not rows:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"frozen": f"Asking it ended the process (status {done.returncode}) {last}".strip()}
    found: dict[str, Any] = json.loads(rows[-1])
    return found


def judge(systems: dict[str, dict[str, Any]], platform: str = sys.platform) -> Iterator[Finding]:
    """Yield the findings on what the systems said, in the order in which ``--backend auto`` tries them."""
    usable = []
    for name, said in systems.items():
        check = f"MIDI {name}"
        if "missing" in said:
            yield Finding(check, Mark.ABSENT, said["missing"])
        elif "frozen" in said:
            step = "Restart that system; until then choose another one with --backend."
            yield Finding(check, Mark.BROKEN, said["frozen"], step)
        elif said["virtual"] and not (said["in"] and said["out"]):
            yield Finding(check, Mark.LOOK, f"It answers but has no ports to use. {said['virtual']}")
        else:
            usable.append(said)
            yield Finding(check, Mark.OK, f"{said['title']} answers; {_ways(said)}.")
    if usable:
        yield from _taken(usable)
    else:
        cause, steps = NONE
        yield Finding("MIDI", Mark.BROKEN, cause, steps.get(platform, steps["linux"]))


def sessions() -> Iterator[Finding]:
    """Yield how many sessions play now."""
    folders = running()
    if not folders:
        yield Finding("sessions", Mark.OK, "No other session is playing.")
        return
    names = ", ".join(str(folder) for folder in folders)
    many = f"{len(folders)} sessions are" if len(folders) > 1 else "A session is"
    step = "A second one gets ports with a number behind their names; `rnnae-live panic` silences what plays."
    yield Finding("sessions", Mark.LOOK, f"{many} playing ({names}).", step)


def _ways(said: dict[str, Any]) -> str:
    """Return the ports of a system in words."""
    parts = [f"{way}: {_names(said[key])}" for way, key in (("to listen to", "in"), ("to answer to", "out"))]
    virtual = "virtual ports can be made" if not said["virtual"] else "no virtual ports, so --in and --out are needed"
    return "; ".join([virtual, *parts])


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + more if names else "none"


def _taken(usable: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield whether somebody has ports of our names."""
    taken = sorted({name for said in usable for name in (*said["in"], *said["out"]) if _ours(name)})
    if taken:
        cause = f"The names of our ports are in use: {_names(taken)}."
        yield Finding("MIDI names", Mark.LOOK, cause, "Another session has them; end it to get the plain names.")


def _ours(name: str) -> bool:
    client = name.partition(":")[0]
    return client == CLIENT or client.startswith(f"{CLIENT}-")

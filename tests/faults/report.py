"""The report of the fault matrix, in words and as JSON.

``python -m tests.faults`` injects a little of everything, in a few minutes; ``--long`` hundreds and thousands, in
hours. ``--only WORDS`` takes the rows whose names hold some words, ``--json`` prints JSON, ``--list`` the rows.
``--into FOLDER`` keeps each row there as it ends and leaves out those that are there: the report is always of all of
them, and two processes may share a folder, say one for real ports and one (``--rows virtual``) for the rest.
It leaves with 0 where every guarantee was kept, 1 where one was not. Bounds in seconds that were not met are told: on
a machine that others use they say as much about these.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kept import sources, taken
from tests.faults.matrix import TAKEN_OUT, rows, with_server
from tests.faults.seen import Row, Seen, quantile

OF_PRESETS = ("power cuts while presets change", "full and failing disks", "kills and two writers")
"""Rows in which a preset may be torn or lost."""


def observe(row: Row, *, long: bool, folder: Path) -> Seen:
    """Return what is seen of a row; what it raises is a guarantee that was not kept."""
    seen = Seen(row.name, row.required, sources=sources())
    began = time.monotonic()
    try:
        # What the instruments say belongs to the row, not into the report.
        with contextlib.redirect_stdout(io.StringIO()):
            row.run(seen, long, folder)
    except pytest.skip.Exception as reason:
        seen.skipped = str(reason)
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - one row that ends is told, and the next one is another
        seen.broken.append(f"the row ended with {type(error).__name__}: {str(error)[:300]}")
    seen.seconds = time.monotonic() - began
    seen.load = os.getloadavg()[0]
    return seen


def goals(all_seen: Sequence[Seen]) -> dict[str, Any]:
    """Return the figures of the goals."""
    by_name = {seen.name: seen for seen in all_seen}
    engine = by_name.get("kill -9 of the engine")
    server = by_name.get("JACK server killed and back")
    figures = {key: value for seen in all_seen for key, value in seen.figures.items()}
    injected = sum(sum(seen.injected.values()) for seen in all_seen)
    return {
        "stuck notes": sum(seen.stuck for seen in all_seen),
        "looks for stuck notes after a fault": sum(seen.looks for seen in all_seen),
        "injected faults": injected,
        "kinds of faults": len({kind for seen in all_seen for kind in seen.injected}),
        "kill -9 of the engine, last note-off p99 (ms)": engine and round(quantile(engine.released_ms, 0.99), 1),
        "JACK server returns, playing again": server and f"{server.restarts} of {sum(server.injected.values())}",
        "hostile MIDI files / crashes": figures.get("MIDI files / crashes"),
        "mutated files imported (%)": figures.get("mutated files imported (%)"),
        "hostile byte streams / crashes": figures.get("byte streams / crashes"),
        "corrupted models / run": figures.get("corrupted models / run"),
        "presets torn or lost": sum(len(by_name[row].broken) for row in OF_PRESETS if row in by_name),
        "virtual hours / growth of memory (MB)": figures.get("virtual hours / growth of memory (MB)"),
        "planted faults found": figures.get("planted faults found"),
    }


def words(seen: Seen) -> str:
    """Return a row in words."""
    state = "skipped" if seen.skipped else "BROKEN" if seen.broken else "bound missed" if seen.missed else "kept"
    lines = [f"{seen.name}: {state}", f"  required  {seen.required}"]
    if seen.skipped:
        return "\n".join([*lines, f"  skipped   {seen.skipped}"])
    kinds = sorted(seen.injected)
    shown = ", ".join(f"{seen.injected[kind]} x {kind}" for kind in kinds[:6])
    more = f" and {len(kinds) - 6} kinds more" if len(kinds) > 6 else ""
    lines.append(f"  injected  {sum(seen.injected.values())}: {shown}{more}")
    heard = f"{seen.stuck} notes stuck in {seen.looks} looks, {seen.restarts} restarts, {seen.late} late events"
    if seen.released_ms:
        half, most, worst = (quantile(seen.released_ms, part) for part in (0.5, 0.99, 1.0))
        heard += f"; released after {half:.1f} / {most:.1f} / {worst:.1f} ms (p50 / p99 / max)"
    lines.append(f"  seen      {heard}")
    lines += [f"            {name}: {value}" for name, value in seen.figures.items()]
    lines += [f"  bound     {b.name}: {b.value:g}, goal {b.goal:g}{'' if b.met else ' - missed'}" for b in seen.bounds]
    lines += [f"  BROKEN    {sentence}" for sentence in seen.broken[:10]]
    return "\n".join([*lines, f"  took      {seen.seconds:.1f} s, load {seen.load:.1f}"])


def inject(chosen: Sequence[Row], *, long: bool, into: Path | None) -> Iterator[Seen]:
    """Yield what is seen of each row, or was; those that another process is at are left to it."""
    with tempfile.TemporaryDirectory(prefix="rnnae-faults-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAE_HOME", str(Path(folder) / "home"))
        patch.setenv("RNNAE_PAGE", "off")
        with with_server(Path(folder), needed=any(row.ports for row in chosen)) as missing:
            for number, row in enumerate(chosen):
                with taken(into or Path(folder) / "kept", row.name) as place:
                    if place is None:
                        continue
                    if place.seen is None and row.ports and missing:
                        yield Seen(row.name, row.required, skipped=missing)
                        continue
                    if place.seen is None:
                        (own := Path(folder) / str(number)).mkdir()
                        place.keep(observe(row, long=long, folder=own))
                    if place.seen is not None:
                        yield place.seen


def conclusion(told: Sequence[Seen], chosen: int, machine: str) -> str:
    """Return what all rows come to."""
    missed = [f"  {seen.name}: {sentence}" for seen in told for sentence in seen.missed]
    broken = [seen.name for seen in told if seen.broken]
    old = [seen.name for seen in told if seen.sources not in ("", sources())]
    lines = [f"Goals ({machine})", *(f"  {k}: {v}" for k, v in goals(told).items() if v is not None)]
    lines += ["Bounds missed", *missed] if missed else ["All bounds met."]
    if len(told) < chosen:
        lines.append(f"{chosen - len(told)} of {chosen} rows are still being injected by others.")
    if old:
        lines.append(f"Seen with other sources than these: {', '.join(old)}")
    lines.append(f"Broken: {', '.join(broken)}" if broken else "Every guarantee was kept.")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Inject, print the report, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Inject faults and tell what happens.")
    parser.add_argument("--long", action="store_true", help="hundreds of each, for hours")
    parser.add_argument("--only", metavar="WORDS", default="", help="rows whose names hold these words")
    parser.add_argument("--rows", choices=("all", "ports", "virtual"), default="all", help="those on real ports or not")
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="keep each row there, and take those kept there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    options = parser.parse_args(arguments)
    wanted = {"all": (True, False), "ports": (True,), "virtual": (False,)}[options.rows]
    words_ = options.only.lower()
    chosen = [row for row in (*rows(), TAKEN_OUT) if row.ports in wanted and words_ in row.name.lower()]
    if options.list:
        sys.stdout.write("".join(f"{row.name}: {row.required}\n" for row in chosen))
        return 0
    told: list[Seen] = []
    for seen in inject(chosen, long=options.long, into=options.into):
        told.append(seen)
        if not options.json:
            sys.stdout.write(f"{words(seen)}\n\n")
            sys.stdout.flush()
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}"
    )
    broken = [seen.name for seen in told if seen.broken]
    if options.json:
        plain = {"machine": machine, "long": options.long, "rows": [seen.plain() for seen in told]}
        sys.stdout.write(json.dumps({**plain, "goals": goals(told), "broken": broken}, indent=1) + "\n")
    else:
        sys.stdout.write(conclusion(told, len(chosen), machine))
    return 1 if broken else 0

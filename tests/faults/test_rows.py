"""The short form of the fault matrix: every guarantee of every row is kept. Bounds in seconds are told, not asserted.

Rows on a real port run in a process of their own: libjack knows one server in the life of a process.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import kept, report
from tests.faults.matrix import rows
from tests.faults.seen import Row, Seen
from tests.processes import BOUND

REPOSITORY = Path(__file__).parents[2]
VIRTUAL = [row for row in rows() if not row.ports]
REAL = [row for row in rows() if row.ports]


@pytest.mark.model
@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", VIRTUAL, ids=lambda row: row.name)
def test_every_guarantee_is_kept(row: Row, tmp_path: Path) -> None:
    seen = report.observe(row, long=False, folder=tmp_path)
    sys.stdout.write(report.words(seen))
    assert not seen.broken
    assert sum(seen.injected.values()) > 0
    assert seen.stuck == 0


@pytest.mark.ports
@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", REAL, ids=lambda row: row.name)
def test_every_guarantee_is_kept_on_real_ports(row: Row) -> None:
    command = [*BOUND, sys.executable, "-m", "tests.faults", "--json", "--only", row.name]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=380, check=False)
    told = json.loads(done.stdout)
    sys.stdout.write(done.stdout)
    (seen,) = told["rows"]
    if seen["skipped"]:
        from tests.ports.server import unavailable

        unavailable(seen["skipped"])
    assert not seen["broken"]
    assert sum(seen["injected"].values()) > 0
    assert seen["stuck_notes"] == 0
    assert done.returncode == 0


@pytest.mark.unit
def test_what_a_row_raises_and_what_is_stuck_is_broken(tmp_path: Path) -> None:
    def ends(_seen: Seen, _long: bool, _folder: Path) -> None:
        raise ZeroDivisionError("nothing")

    def sticks(seen: Seen, _long: bool, _folder: Path) -> None:
        seen.inject("a fault", 3)
        seen.leave_sounding(2, "here")
        seen.bound("released (ms)", 30.0, 20.0)

    def fails(_seen: Seen, _long: bool, _folder: Path) -> None:
        pytest.fail("lost")

    seen = report.observe(Row("x", "y", ends), long=False, folder=tmp_path)
    assert seen.broken == ["the row ended with ZeroDivisionError: nothing"]
    assert "lost" in report.observe(Row("x", "y", fails), long=False, folder=tmp_path).broken[0]
    seen = report.observe(Row("x", "y", sticks), long=False, folder=tmp_path)
    assert seen.broken == ["2 notes stuck: here"]
    assert seen.missed == ["released (ms) 30, goal 20"]
    assert "BROKEN" in report.words(seen)
    assert seen.plain()["bounds"] == [{"name": "released (ms)", "value": 30.0, "goal": 20.0, "met": False}]
    figures = report.goals([seen, Seen("z", "", figures={"planted faults found": "3 of 4"})])
    assert figures["stuck notes"] == 2
    assert figures["injected faults"] == 3
    assert figures["planted faults found"] == "3 of 4"


@pytest.mark.unit
def test_the_list_names_every_row() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert report.main(["--list"]) == 0
    assert told.getvalue().count("\n") == len(rows()) + 1
    assert len({row.name for row in rows()}) == len(rows())


@pytest.mark.unit
def test_a_row_that_was_seen_is_not_injected_again(tmp_path: Path) -> None:
    count = 0

    def run(seen: Seen, long: bool, folder: Path) -> None:
        nonlocal count
        count += 1
        seen.inject("a fault", 2)
        seen.released_ms.append(1.5)
        seen.bound("released (ms)", 30.0, 20.0)
        seen.hold(long and folder.is_dir(), "short")

    rows_ = [Row("A row, of two", "kept", run), Row("another", "kept", run)]
    with kept.taken(tmp_path, "another") as place:
        assert place is not None
        (first,) = report.inject(rows_, long=False, into=tmp_path)
    assert (first.name, first.broken) == ("A row, of two", ["short"])
    again, other = report.inject(rows_, long=True, into=tmp_path)
    assert again == first
    assert other.broken == []
    assert count == 2
    assert other.sources == kept.sources()
    (tmp_path / "another.json").write_bytes(b'{"name":')  # Killed as it wrote.
    assert [one.name for one in report.inject(rows_, long=True, into=tmp_path)] == ["A row, of two", "another"]
    assert count == 3

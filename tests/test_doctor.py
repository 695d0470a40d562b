"""The doctor: what it finds, what it makes of it, and that nothing of it raises."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import rnnae_live.doctor.examination
from rnnae_live.cli import cli
from rnnae_live.cli.doctor import variables
from rnnae_live.doctor import bank as bank_checks
from rnnae_live.doctor import home, installation, realtime, systems
from rnnae_live.doctor.findings import Finding, Mark, guarded, healthy, summary
from rnnae_live.doctor.probe import probe
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.presets import Bank, factory

pytestmark = pytest.mark.unit

OK, LOOK, BROKEN = (Finding("x", mark, "as it is") for mark in (Mark.OK, Mark.LOOK, Mark.BROKEN))


def test_a_check_that_raises_is_a_finding_with_its_cause() -> None:
    def check() -> Iterator[Finding]:
        yield OK
        raise ValueError("no such thing")

    first, second = guarded("thing", check)
    assert first == OK
    assert (second.check, second.mark) == ("thing", Mark.LOOK)
    assert "ValueError: no such thing" in second.found
    assert second.step


@pytest.mark.parametrize(
    ("findings", "well", "text"),
    [
        ([OK, OK], True, "Ready to play: 2 ok."),
        ([OK, LOOK], True, "Ready to play: 1 ok, 1 worth a look."),
        ([OK, BROKEN, LOOK], False, "1 thing needs doing, 1 worth a look; 1 ok."),
        ([BROKEN, BROKEN], False, "2 things need doing; 0 ok."),
    ],
)
def test_the_summary_counts_and_only_what_is_broken_needs_doing(findings: list[Finding], well: bool, text: str) -> None:
    assert healthy(findings) is well
    assert summary(findings) == text


@pytest.mark.parametrize(
    ("version", "wanted", "met"),
    [
        ("2.4.6", ">=2.0,<3", True),
        ("3.0", ">=2.0,<3", False),
        ("1.5.8", ">=1.5.8,<2", True),
        ("1.5.7", ">=1.5.8,<2", False),
        ("13.0.0", ">=10.1", True),
        ("2.0rc1", ">=2", True),
        ("1.2", "==1.2.*", True),
        ("1.3", "==1.2.*", False),
        ("1.2.0", "==1.2", True),
        ("1.2", "!=1.2", False),
        ("1.4.9", "~=1.4.2", True),
        ("1.5", "~=1.4.2", False),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, met: bool) -> None:
    assert installation.inside(version, wanted) is met


def test_extras_and_other_platforms_are_not_required() -> None:
    lines = [
        "numpy<3,>=2.0",
        "onnx<2,>=1.17; extra == 'train'",
        'jack-client>=0.5.5; sys_platform != "win32"',
        'pywin32; sys_platform == "win32"',
    ]
    names = [one.name for one in installation.required(lines, "linux")]
    assert names == ["numpy", "jack-client"]
    assert [one.name for one in installation.required(lines, "win32")] == ["numpy", "pywin32"]
    assert next(installation.required(lines, "linux")).versions == "<3,>=2.0"


@pytest.mark.parametrize(
    ("version", "mark"), [((3, 10, 4), Mark.BROKEN), ((3, 12, 1), Mark.OK), ((3, 13, 0), Mark.BROKEN)]
)
def test_python_outside_the_range_is_broken_and_says_which_to_take(version: tuple[int, ...], mark: Mark) -> None:
    (finding,) = installation.python(version)
    assert finding.mark is mark
    assert ("3.11 or 3.12" in finding.step) is (mark is Mark.BROKEN)


def test_packages_that_are_missing_old_or_do_not_load_each_get_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["click>=8.1,<9", "msgspec>=99", "no-such-package>=1", "pillow>=10", "jack-client>=0.5"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: lines)
    monkeypatch.setattr(installation, "load", lambda names: {**dict.fromkeys(names, ""), "PIL": "X", "jack": "OSError"})
    found = {finding.check: finding for finding in installation.packages()}
    assert {name: one.mark for name, one in found.items()} == {
        "packages": Mark.OK,
        "package msgspec": Mark.BROKEN,
        "package no-such-package": Mark.BROKEN,
        "package pillow": Mark.BROKEN,
        "package jack-client": Mark.LOOK,
    }
    assert "click 8" in found["packages"].found
    assert ">=99" in found["package msgspec"].found
    assert found["package no-such-package"].step == "pip install 'no-such-package>=1'"
    assert all(one.step for one in found.values() if one.mark is not Mark.OK)


def test_a_module_that_ends_its_process_is_named_and_the_others_are_still_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crashes.py").write_text("import os\nos._exit(9)\n")
    (tmp_path / "raises.py").write_text("raise OSError('no libjack')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    why = installation.load(["json", "crashes", "raises", "socket"])
    assert why["json"] == why["socket"] == ""
    assert "ended the process (status 9)" in why["crashes"]
    assert why["raises"] == "OSError: no libjack"


def there(**changed: object) -> dict[str, Any]:
    return {"title": "JACK", "in": ["system:midi"], "out": [], "virtual": "", **changed}


def test_one_system_that_answers_is_enough() -> None:
    found = list(systems.judge({"jack": {"missing": "no server"}, "alsa": there()}))
    assert [(one.check, one.mark) for one in found] == [("MIDI jack", Mark.ABSENT), ("MIDI alsa", Mark.OK)]
    assert "'system:midi'" in found[1].found
    assert "to answer to: none" in found[1].found


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "other"])
def test_no_midi_system_needs_doing(platform: str) -> None:
    found = list(systems.judge({"jack": {"missing": "no server"}, "alsa": {"frozen": "not within 10 s"}}, platform))
    assert [one.mark for one in found] == [Mark.ABSENT, Mark.BROKEN, Mark.BROKEN]
    assert all(one.step for one in found[1:])


def test_a_system_without_virtual_ports_is_usable_with_named_ones_only() -> None:
    (alone, nothing) = systems.judge({"winmm": there(virtual="Windows cannot.", out=[])}, "win32")
    assert (alone.mark, nothing.mark) == (Mark.LOOK, Mark.BROKEN)
    (named,) = systems.judge({"winmm": there(virtual="Windows cannot.", out=["loopMIDI 1"])}, "win32")
    assert named.mark is Mark.OK
    assert "--in and --out are needed" in named.found


def test_names_of_ours_that_somebody_has_are_told() -> None:
    names = ["RNN-AE Live:RNN-AE Live Out", "RNN-AE Live-01:x", "RNN-AE Live Doctor:y"]
    *_, last = systems.judge({"jack": there(**{"in": names})})
    assert (last.check, last.mark) == ("MIDI names", Mark.LOOK)
    assert "Live Out'" in last.found
    assert "Doctor" not in last.found


def test_a_frozen_or_crashed_system_does_not_freeze_the_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 30\n")
    python.chmod(0o755)
    monkeypatch.setattr(systems, "ANSWERING", 0.2)
    monkeypatch.setattr(sys, "executable", str(python))
    assert "within 0.2 s" in systems.ask("jack")["frozen"]
    python.write_text("#!/bin/sh\necho 'Segmentation fault' >&2\nexit 139\n")
    monkeypatch.setattr(systems, "ANSWERING", 10.0)
    assert systems.ask("jack")["frozen"] == "Asking it ended the process (status 139) Segmentation fault"


def test_the_probe_lists_ports_or_says_why_there_are_none() -> None:
    assert probe("loopback")["virtual"] == ""
    assert "no-such" in probe("no-such")["missing"]


def test_sessions_that_play_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "running", list)
    assert [one.mark for one in systems.sessions()] == [Mark.OK]
    monkeypatch.setattr(systems, "running", lambda: [Path("/tmp/session-1")])
    (one,) = systems.sessions()
    assert (one.mark, "session-1" in one.found) == (Mark.LOOK, True)


def test_refused_priority_names_the_file_and_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    assert realtime.scheduling("", 95).mark is Mark.OK
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("USER", "ada")
    refused = realtime.scheduling("Operation not permitted", 0)
    assert refused.mark is Mark.LOOK
    assert "RLIMIT_RTPRIO is 0" in refused.found
    assert realtime.LIMITS in refused.step
    assert "usermod -aG audio ada" in refused.step
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--cap-add SYS_NICE" in realtime.scheduling("Operation not permitted", 0).step


def test_memory_that_may_be_locked() -> None:
    assert realtime.locking(None).mark is Mark.OK
    assert realtime.locking(8 << 20).mark is Mark.LOOK
    assert realtime.locking(8 << 20, privileged=True).mark is Mark.OK


def test_other_systems_need_no_permission() -> None:
    (finding,) = realtime.permissions("darwin")
    assert finding.mark is Mark.ABSENT
    assert "Not applicable" in finding.found


@pytest.mark.parametrize(
    ("names", "mark"),
    [
        ([], Mark.ABSENT),
        (["performance", "performance"], Mark.OK),
        (["powersave", "performance"], Mark.LOOK),
    ],
)
def test_governors(tmp_path: Path, names: list[str], mark: Mark) -> None:
    for number, name in enumerate(names):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{name}\n")
    (finding,) = realtime.governor(tmp_path)
    assert finding.mark is mark
    assert all(name in finding.found for name in names)


@pytest.mark.parametrize(
    ("worst", "mark", "word"),
    [(900, Mark.OK, "Tight"), (4000, Mark.LOOK, "Loose"), (9000, Mark.LOOK, "Late"), (30000, Mark.BROKEN, "Too late")],
)
def test_lateness_is_judged_by_its_99th_percentile(worst: int, mark: Mark, word: str) -> None:
    finding = realtime.punctuality([50] * 97 + [worst] * 3, real_time=False)
    assert finding.mark is mark
    assert finding.found.startswith(word)
    assert f"50 us (p50), {worst} us (p99), {worst} us (once)" in finding.found
    assert ("real-time priority (see above)" in finding.step) is (mark is not Mark.OK)


def test_a_process_like_the_players_is_measured() -> None:
    (finding,) = realtime.timing()
    assert finding.found.count("100 wake-ups") == 1


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bank of the factory's model without presets, which RNNAE_BANK names."""
    for name in (*FILES, MANIFEST):
        shutil.copy(factory() / name, tmp_path / name)
    (tmp_path / "songs").mkdir()
    monkeypatch.setenv("RNNAE_BANK", str(tmp_path))
    return tmp_path


def test_the_factory_bank_is_well(bank: Bank) -> None:
    model, presets = bank_checks.contents()
    assert (model.mark, presets.mark) == (Mark.OK, Mark.OK)
    assert bank.model.model_id in model.found


def test_a_damaged_model_is_broken(copy: Path) -> None:
    (copy / "decoder.onnx").write_bytes(b"nonsense")
    (finding,) = bank_checks.contents()
    assert finding.mark is Mark.BROKEN
    assert "decoder.onnx is not the file that the manifest names" in finding.found
    assert finding.step


def test_presets_that_are_damaged_foreign_or_of_one_program_are_told(copy: Path) -> None:
    (empty,) = [one for one in bank_checks.contents() if one.check == "presets"]
    assert "no presets" in empty.found
    first, second, third, *_ = sorted((factory() / "songs").glob("*.json"))
    for number, file in enumerate((first, second)):
        plain = json.loads(file.read_text())
        (copy / "songs" / f"{number}.json").write_text(json.dumps({**plain, "program": 4}))
    plain = json.loads(third.read_text())
    (copy / "songs" / "2.json").write_text(json.dumps({**plain, "model_id": "0" * 16}))
    (copy / "songs" / "3.json").write_text("{")
    _, well, *others = bank_checks.contents()
    assert (well.mark, well.found.startswith("2 presets")) == (Mark.OK, True)
    texts = [(one.mark, one.found) for one in others]
    assert [mark for mark, _ in texts] == [Mark.LOOK] * 3
    assert "3.json is no preset" in texts[0][1]
    assert repr(plain["name"]) in texts[1][1]
    assert texts[2][1].startswith("Program 5 is claimed by several presets, one of which has it: ")


def test_a_folder_that_cannot_be_written_needs_doing(tmp_path: Path) -> None:
    fine, disk = home.writable(tmp_path / "new")
    assert (fine.mark, disk.check) == (Mark.OK, "disk")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    (refused,) = home.writable(tmp_path / "file" / "inside")
    assert refused.mark is Mark.BROKEN
    assert "RNNAE_HOME" in refused.step


def test_free_room() -> None:
    place = Path("there")
    assert [home.room(place, size << 20).mark for size in (500, 50, 5)] == [Mark.OK, Mark.LOOK, Mark.BROKEN]


def test_variables_that_nothing_reads_are_told_with_the_nearest() -> None:
    known = frozenset({"RNNAE_BPM", "RNNAE_BANK"})
    given = {"RNNAE_BMP": "3", "RNNAE_HOME": "/tmp", "RNNAE_QQQQQQQQQQ": "", "PATH": "/bin"}
    near, far, read = home.settings(known, given)
    assert (near.mark, near.step) == (Mark.LOOK, "Did you mean RNNAE_BPM?")
    assert far.step == "Remove it: unset RNNAE_QQQQQQQQQQ"
    assert (read.mark, "RNNAE_HOME" in read.found) == (Mark.OK, True)


def test_every_option_of_the_command_line_has_a_variable_that_is_known() -> None:
    names = variables(click.Context(cli, auto_envvar_prefix="RNNAE"))
    assert {"RNNAE_BACKEND", "RNNAE_BANK", "RNNAE_DOCTOR_AS_JSON"} <= set(names)


@pytest.mark.parametrize(("finding", "status"), [(OK, 0), (LOOK, 0), (BROKEN, 1)])
def test_the_exit_status_says_whether_something_needs_doing(
    finding: Finding, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rnnae_live.doctor.examination, "examine", lambda _names: iter([finding]))
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    record = json.loads(done.stdout)
    assert done.exit_code == status
    assert record["ready"] is (status == 0)
    assert record["findings"] == [{"check": "x", "mark": finding.mark.value, "found": "as it is", "next": ""}]
    shown = CliRunner().invoke(cli, ["doctor"])
    assert shown.stdout.splitlines()[0].split() == [finding.mark.value, "x", "as", "it", "is"]
    assert shown.stdout.splitlines()[-1] == summary([finding])


def test_a_part_that_does_not_load_hides_nothing_of_the_others() -> None:
    script = (
        "import sys\n"
        "for name in ('onnxruntime', 'numpy', 'rtmidi', 'jack'):\n    sys.modules[name] = None\n"
        "from rnnae_live.doctor.examination import examine\n"
        "print(*(f'{f.check}|{f.mark}|{f.found}' for f in examine()), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    rows = {line.split("|")[0]: line.split("|")[1:] for line in done.stdout.splitlines()}
    assert rows["model"][0] == "look"
    assert "could not be checked" in rows["model"][1]
    assert rows["Python"][0] == "ok"
    assert rows["real time"][0] in ("ok", "look", "-")


def test_the_whole_examination_of_this_computer_raises_nothing() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    record = json.loads(done.stdout)
    assert done.exit_code == (0 if record["ready"] else 1)
    checks = {row["check"] for row in record["findings"]}
    assert {"Python", "packages", "sessions", "real time", "timing", "model", "presets", "settings"} <= checks
    assert all(row["next"] for row in record["findings"] if row["mark"] == "broken")
    assert not [row for row in record["findings"] if "could not be checked" in row["found"]]

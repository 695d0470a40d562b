"""``start.py``: when it sets up, what it runs, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import start

pytestmark = pytest.mark.unit


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock and a project file, and no environment."""
    monkeypatch.setattr(start, "ROOT", tmp_path)
    (tmp_path / "requirements.lock").write_text("click==8\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps of the set-up, as words; the first makes an environment that holds nothing."""
    taken: list[str] = []

    def step(command: list[str], _log: Path) -> None:
        taken.append(" ".join(command))
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir()
            (Path(command[-1]) / "bin" / "python").touch()

    monkeypatch.setattr(start, "_step", step)
    return taken


def prepare(place: Path) -> Path:
    return start.prepare(place / ".venv", place / "requirements.lock")


def test_the_second_start_does_nothing(place: Path, steps: list[str]) -> None:
    assert prepare(place) == place / ".venv" / "bin" / "python"
    assert len(steps) == 3
    assert "--require-hashes" in steps[1]
    assert "--no-index" in steps[2]
    prepare(place)
    assert len(steps) == 3


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_change_sets_up_again(place: Path, steps: list[str], changed: str) -> None:
    prepare(place)
    (place / changed).write_text("something else\n")
    prepare(place)
    assert len(steps) == 6


def test_a_half_built_environment_is_built_again(
    place: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_command: list[str], _log: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(start, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(place)
    assert not (place / ".venv" / "ready").exists()
    prepare(place)
    assert len(steps) == 3


def test_a_folder_that_cannot_be_written_is_a_sentence(place: Path) -> None:
    with pytest.raises(start.SetupError, match=r"cannot be written.*Copy the project"):
        start.prepare(place / "pyproject.toml" / ".venv", place / "requirements.lock")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("NewConnectionError: Temporary failure in name resolution", "go online"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "DO NOT MATCH THE HASHES"),
    ],
)
def test_a_step_that_fails_says_why_and_where_the_log_is(place: Path, said: str, hint: str) -> None:
    log = place / "setup.log"
    with pytest.raises(start.SetupError, match=hint) as caught:
        start._step([sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"], log)
    assert str(log) in str(caught.value)


def test_a_wrong_python_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(start, "SUPPORTED", ((2, 7),))
    monkeypatch.setenv("PATH", "")
    assert start.main([]) == 1
    said = capsys.readouterr().err
    assert f"this is {sys.version.split()[0]}" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "runs"), [([], ["demo"]), (["live", "--bpm", "90"], ["live", "--bpm", "90"]), (["--help"], ["--help"])]
)
def test_other_words_are_passed_on(words: list[str], runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(start, "prepare", lambda *_: Path("python"))

    def run(command: list[str]) -> int:
        ran.append(command)
        return 3

    monkeypatch.setattr(start, "_run", run)
    assert start.main(words) == 3
    assert ran == [["python", "-m", "rnnae_live", *runs]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The checks that were run. Where all can read it mypy finds fault, and beside them the tests of training."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append([Path(command[0]).name, *command[1:]])
        return subprocess.CompletedProcess(command, int("tests/export" in command), b"1 failed\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(subprocess, "call", lambda command, **_: int("mypy" in run(command).args[0]))
    monkeypatch.setattr(start, "YIELDING", [])
    return commands


def test_test_runs_every_check_and_fails_with_one(ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert start.test(Path("bin/python"), ["-k", "melody"]) == 1
    assert [command[0] for command in ran] == ["ruff", "ruff", "lint-imports", "mypy", "pytest"]
    assert ran[-1] == ["pytest", "-k", "melody"]
    said = capsys.readouterr().out
    assert "FAILED mypy" in said
    assert "ok     tests" in said


def test_what_runs_beside_the_others_is_told_after_them_and_counts(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert start.test(Path("bin/python"), []) == 1
    assert sorted(command[0] for command in ran) == ["lint-imports", "mypy", "pytest", "pytest", "ruff", "ruff"]
    chosen = [word for command in ran if command[0] == "pytest" for word in command if "tests/export" in word]
    assert sorted(chosen) == ["--ignore=tests/export", "tests/export"]
    said = capsys.readouterr().out
    assert said.index("== tests\n") < said.index("== tests of training\n1 failed\n")
    assert "FAILED tests of training" in said
    assert "ok     mypy" in said

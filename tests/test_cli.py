"""The command line: what it imports, what it lists, and the status and sentence that each error leaves with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner, Result

import rnnae_live.cli
from rnnae_live import __version__, errors
from rnnae_live.cli import INTERRUPTED, SECTIONS, cli

pytestmark = pytest.mark.unit

HEAVY = ("numpy", "onnxruntime", "mido", "rtmidi", "PIL", "tensorflow", "asyncio")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), prog_name="rnnae-live")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes the command ``broken`` exist and raise the given error."""

    def add(error: BaseException) -> None:
        def callback() -> None:
            raise error

        command = click.Command("broken", callback=callback)
        entry = EntryPoint("broken", "unused", rnnae_live.cli.ENTRY_POINTS)
        monkeypatch.setattr(EntryPoint, "load", lambda _self: command)
        monkeypatch.setattr(rnnae_live.cli, "_contributed", lambda: {"broken": entry})

    return add


def test_help_lists_only_commands_that_exist_and_imports_none_of_them() -> None:
    script = (
        "import sys\nfrom rnnae_live.cli import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit as left:\n    assert not left.code\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])\n"
        "print('commands:', [name for name in sys.modules if name.startswith('rnnae_live.cli.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["heavy: []", "commands: []"]
    assert "Exit status: 0 done, 1 failed, 2 wrong use, 3 optional part missing" in done.stdout


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_every_command_has_a_help_page_and_a_summary(name: str) -> None:
    done = run(name, "--help")
    if done.exit_code == 3:
        pytest.skip(done.stderr)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"Usage: rnnae-live {name}")
    assert any(name in section for section in SECTIONS.values())
    assert f"\n  {name} " in run("--help").stdout


def test_version() -> None:
    assert run("--version").stdout == f"rnnae-live {__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("isnpect", "inspect"), ("presets", "preset"), ("demos", "demo")])
def test_unknown_name_is_answered_with_the_nearest(typed: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rnnae_live.cli, "_modules", lambda: ["demo", "inspect", "preset"])
    done = run(typed)
    assert done.exit_code == 2
    assert f"There is no command '{typed}'. Did you mean '{meant}'?" in done.stderr


def test_unknown_name_like_no_other_is_answered_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rnnae_live.cli, "_modules", lambda: ["demo", "inspect"])
    monkeypatch.setattr(rnnae_live.cli, "_contributed", dict)
    assert "There are demo, inspect." in run("qqqq").stderr


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (errors.PortError("No port is called 'X'; `rnnae-live ports` lists them."), 1, "No port is called 'X'"),
        (errors.UsageError("Give a song."), 2, "Give a song."),
        (errors.ConfigError("bpm is 0; 20 to 300 can be played."), 2, "bpm is 0"),
        (errors.MissingPartError("Install it."), 3, "Install it."),
        (errors.MidiFileError("'x.mid' is empty."), 4, "'x.mid' is empty."),
        (ModuleNotFoundError("no", name="tensorflow.keras"), 3, "needs tensorflow, which is not installed: "),
        (ModuleNotFoundError("no", name="tf2onnx"), 3, "pip install 'rnnae-live[train]'"),
        (ModuleNotFoundError("no", name="numpy"), 1, "incomplete, numpy is missing"),
        (ModuleNotFoundError("no rnnae_live.x", name="rnnae_live.x"), 1, "no rnnae_live.x"),
        (PermissionError(13, "Permission denied", "out.mid"), 1, "refused 'out.mid': Permission denied."),
        (ZeroDivisionError("division\nby zero"), 1, "ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), INTERRUPTED, ""),
    ],
)
def test_an_error_leaves_with_its_status_one_line_and_no_traceback(
    broken: Callable[[BaseException], None], error: BaseException, status: int, sentence: str
) -> None:
    broken(error)
    done = run("broken")
    assert done.exit_code == status
    assert sentence in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == (1 if sentence else 0)


def test_debug_shows_the_traceback(
    broken: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RNNAE_DEBUG", "1")
    broken(errors.PortError("The port went away."))
    done = run("broken")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr + capfd.readouterr().err


def test_a_command_whose_package_is_missing_is_listed_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = EntryPoint("train", "rnnae_no_such_package.cli:train", rnnae_live.cli.ENTRY_POINTS)

    def load(_self: EntryPoint) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(EntryPoint, "load", load)
    monkeypatch.setattr(rnnae_live.cli, "_contributed", lambda: {"train": entry})
    assert "\n  train " in run("--help").stdout
    done = run("train", "songs")
    assert done.exit_code == 3
    assert "pip install 'rnnae-live[train]'" in done.stderr


def test_the_script_and_the_module_are_the_same() -> None:
    done = subprocess.run([sys.executable, "-m", "rnnae_live", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"rnnae-live {__version__}\n"

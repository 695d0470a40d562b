"""Configuration: what a file may say and what is said where it may not, precedence, edits, and what works last."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live import config
from rnnae_live.cli import _configured, cli, live
from rnnae_live.cli.doctor import variables
from rnnae_live.config import LARGEST_FILE, Table, decode, edited
from rnnae_live.config.places import lock_of
from rnnae_live.control import PART_SPECS
from rnnae_live.errors import ConfigError, PresetError
from rnnae_live.files import Lock, home
from rnnae_live.live.options import LiveOptions
from rnnae_live.presets import Bank

pytestmark = pytest.mark.unit

TABLE: Table = _configured.table(live.command)
FILE = Path("rnnae.toml")


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, list(words), prog_name="rnnae-live", env=env)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[..., LiveOptions]:
    """Runs ``live`` without processes and returns what it would have started with; refuses presets called "gone"."""
    seen: list[LiveOptions] = []

    class Recorded:
        def __init__(self, options: LiveOptions, say: Callable[[str], None]) -> None:
            self.options, self.say = options, say

        def run(self) -> None:
            if any(name == "gone" for part in self.options.parts for name, _ in part["presets"]):
                raise PresetError("There is no preset called 'gone'.")
            seen.append(self.options)
            self.say("ready: listening.")

    monkeypatch.setattr(live, "Front", Recorded)

    def start(*words: str, env: dict[str, str] | None = None, said: str = "", status: int = 0) -> LiveOptions:
        done = run("live", *words, env=env)
        assert done.exit_code == status, done.output
        assert said in done.stderr
        assert done.stderr.count("\n") == (1 if said else 0)
        return seen.pop()

    return start


def own() -> Path:
    home().mkdir(parents=True, exist_ok=True)
    return home() / "rnnae.toml"


# -- what a file may say ---------------------------------------------------------------------------------------------


def test_every_option_of_live_and_every_parameter_has_a_key() -> None:
    options = {max(one.opts, key=len).lstrip("-") for one in live.command.params} - {"set", "part", "help"}
    assert options <= set(TABLE.keys)
    assert {one.name.replace(" ", "-") for one in PART_SPECS} <= set(TABLE.keys) & set(TABLE.parts)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bmp = 96", "There is no setting 'bmp'; did you mean 'bpm'?"),
        ("count_in = 1", "did you mean 'count-in'?"),
        ('"deja vu" = 1', "did you mean 'deja-vu'?"),
        ("qqqqqq = 1", "`rnnae-live config show` lists"),
        ("bpm = 400", "bpm is 400; it is a number from 20 to 300."),
        ('bpm = "fast"', "bpm is 'fast'; it is a number from 20 to 300."),
        ("bpm = nan", "bpm is nan; it is a number from 20 to 300."),
        ("bpm = 1e999", "bpm is inf; it is a number from 20 to 300."),
        ("bpm = true", "bpm is True; it is a number from 20 to 300."),
        ("channel = 17", "channel is 17; it is a whole number from 1 to 16."),
        ("channel = 2.5", "channel is 2.5; it is a whole number from 1 to 16."),
        ('mode = "anser"', "mode is 'anser'; it is one of answer, trade, loop."),
        ('metre = "5/5"', "metre is '5/5'; it is as 4/4, 3/4 or 6/8 ('5/5' is no metre"),
        ('preset = ["Arirang=7"]', "The weight '7' of preset 'Arirang' is not a number from 0 to 1"),
        ("send-clock = 1", "send-clock is 1; it is true or false."),
        ("part = 3", "part is 3; further parts are tables: [[part]]"),
        ('[[part]]\nmode = "loop"', "The table [[part]] of part 2 has no channel; add channel = 2."),
        ("[[part]]\nchannel = 2\nbpm = 90", "In the table [[part]] of part 2: There is no setting 'bpm'"),
        ("[[part]]\nchannel = 2\n" * 16, "There are 16 tables [[part]]; there can be 15."),
        ("bpm 96", "is no TOML: "),
        ("bpm = " + "[" * 900, "is no TOML: a value is too long or nested too deep."),
        ("x = " + "9" * 1990, "x is"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_key_value_and_what_it_is(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        decode(text.encode(), FILE, TABLE)
    assert sentence in str(error.value)
    assert str(error.value).startswith("rnnae.toml")
    assert "\n" not in str(error.value)


def test_what_costs_seconds_to_parse_is_refused_before() -> None:
    hostile = "a" + ".a" * 20_000 + " = 1"
    begun = time.process_time()
    with pytest.raises(ConfigError, match="larger than 16384 bytes"):
        decode(hostile.encode(), FILE, TABLE)
    with pytest.raises(ConfigError, match="more than 2000 characters"):
        decode(hostile[: LARGEST_FILE - 1].encode(), FILE, TABLE)
    parsed = time.process_time()
    tomllib.loads(hostile[:12_001] + " = 1")
    assert parsed - begun < time.process_time() - parsed


def test_a_file_that_is_none_is_said_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "rnnae.toml")
    with pytest.raises(ConfigError, match="is no file"):
        config.read(folder / "rnnae.toml")
    (folder / "folder").mkdir()
    with pytest.raises(ConfigError, match="is no file"):
        config.read(folder / "folder")
    assert config.read(folder / "none") is None


@settings(deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_settings_or_a_sentence(data: bytes) -> None:
    try:
        values = decode(data, FILE, TABLE)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right
    else:
        assert set(values) <= {*TABLE.keys, "part"}


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_in_its_range_or_refused(number: float) -> None:
    key = TABLE.keys["bpm"]
    if math.isfinite(number) and 20 <= number <= 300:
        assert key.taken(number) == number
        assert key.parsed(repr(number)) == number
    else:
        with pytest.raises(ConfigError):
            key.taken(number)
        with pytest.raises(ConfigError):
            key.parsed(repr(number))


# -- precedence ------------------------------------------------------------------------------------------------------


def test_an_option_goes_before_the_environment_and_that_before_the_files(
    started: Callable[..., LiveOptions], folder: Path
) -> None:
    assert started().bpm == 120
    own().write_text("bpm = 60\noffset = 20\nscale = 'dorian'\nswing = 0.5\n")
    assert started().bpm == 60
    (folder / "rnnae.toml").write_text("bpm = 70\nin = 'My, Keys'\n")
    options = started()
    assert (options.bpm, options.offset, options.sources) == (70, 0.02, ("My, Keys",))
    assert options.parts[0]["values"]["swing"] == 0.5
    assert started(env={"RNNAE_BPM": "80", "RNNAE_SWING": "0.25"}).parts[0]["values"]["swing"] == 0.25
    options = started("--bpm", "90", "--set", "swing=0.75", env={"RNNAE_BPM": "80", "RNNAE_SWING": "0.25"})
    assert (options.bpm, options.parts[0]["values"]["swing"]) == (90, 0.75)
    assert options.parts[0]["values"]["scale"] == started("--set", "scale=dorian").parts[0]["values"]["scale"] != 0


def test_presets_come_from_option_environment_or_file(started: Callable[..., LiveOptions], folder: Path) -> None:
    (folder / "rnnae.toml").write_text('preset = ["Auld Lang Syne=0.5"]\n')
    assert started().parts[0]["presets"] == [["Auld Lang Syne", 0.5]]
    both = started(env={"RNNAE_PRESETS": "Ode to Joy=0.25; Arirang"}).parts[0]["presets"]
    assert both == [["Ode to Joy", 0.25], ["Arirang", 1.0]]
    assert started("-p", "Arirang", env={"RNNAE_PRESETS": "Ode to Joy"}).parts[0]["presets"] == [["Arirang", 1.0]]


def test_tables_are_further_parts_as_the_option_makes_them(started: Callable[..., LiveOptions], folder: Path) -> None:
    (folder / "rnnae.toml").write_text(
        '[[part]]\nchannel = 2\nmode = "loop"\npreset = ["Ode to Joy=0.5", "Arirang"]\noctave = -1\ndeja-vu = 0.5\n'
        "[[part]]\nchannel = 5\n"
    )
    written = started().parts
    given_ = started(
        "--part", "2 loop 'Ode to Joy=0.5' Arirang=1 octave:-1 'deja vu:0.5'", "--part", "5"
    ).parts  # fmt: skip
    assert written == given_
    assert len(written) == 3
    assert len(started("--part", "7").parts) == 2


def test_a_path_begins_where_its_file_is(started: Callable[..., LiveOptions]) -> None:
    (own().parent / "bank").mkdir()
    own().write_text('bank = "bank"\n')
    assert started().bank == str(home() / "bank")
    own().write_text(f'bank = "{home() / "bank"}"\n')
    assert started().bank == str(home() / "bank")


def test_commands_that_read_a_bank_read_the_one_of_the_configuration(folder: Path) -> None:
    (folder / "rnnae.toml").write_text('bank = "no-such-bank"\n')
    done = run("preset", "list")
    assert done.exit_code == 1
    assert str(folder / "no-such-bank") in done.stderr


# -- the show starts -------------------------------------------------------------------------------------------------


def test_a_broken_file_is_said_and_replaced_by_what_worked_last(
    started: Callable[..., LiveOptions], folder: Path
) -> None:
    file = folder / "rnnae.toml"
    file.write_text("bpm = 7000\n")
    assert started(said="bpm is 7000; it is a number from 20 to 300. The file is left out.").bpm == 120
    file.write_text("bpm = 70\n")
    assert started().bpm == 70
    file.write_text("bpm = 7000\n")
    assert started(said="bpm is 7000; it is a number from 20 to 300. The file as it worked last is used").bpm == 70
    own().write_text("offset = 10\n")
    options = started(said="as it worked last is used")
    assert (options.bpm, options.offset) == (70, 0.01)


def test_a_configuration_that_does_not_start_is_replaced_by_the_one_that_did(
    started: Callable[..., LiveOptions], folder: Path
) -> None:
    file = folder / "rnnae.toml"
    file.write_text('preset = ["gone=1"]\n')
    assert started(said="no preset called 'gone'); it starts without it").parts[0]["presets"] == []
    file.write_text('preset = ["Arirang=1"]\n')
    started()
    file.write_text('preset = ["gone=1"]\n')
    assert started(said="it starts as it worked last").parts[0]["presets"] == [["Arirang", 1.0]]
    file.write_text('bank = "gone"\n')
    assert started(said="it starts as it worked last").parts[0]["presets"] == [["Arirang", 1.0]]


def test_what_the_options_ask_for_is_no_fault_of_the_configuration(
    started: Callable[..., LiveOptions], folder: Path
) -> None:
    (folder / "rnnae.toml").write_text("bpm = 70\n")
    done = run("live", "-p", "gone=1")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith("There is no preset called 'gone'.")
    assert run("live", "--bpm", "7000").exit_code == 2


# -- edits -----------------------------------------------------------------------------------------------------------

WRITTEN = """# For the trio.
bpm = 96  # slower than it sounds

preset = [
  "Arirang=1",  # first
]

[[part]]  # the bass
channel = 2
mode = "loop"
"""


def test_a_change_keeps_comments_and_everything_else() -> None:
    made = edited(WRITTEN.encode(), FILE, TABLE, "bpm", "88").decode()
    assert made == WRITTEN.replace("96", "88")
    assert edited(made.encode(), FILE, TABLE, "bpm", "96").decode() == WRITTEN
    part = edited(WRITTEN.encode(), FILE, TABLE, "part.2.mode", "answer").decode()
    assert part == WRITTEN.replace("loop", "answer")
    assert edited(WRITTEN.encode(), FILE, TABLE, "part.2.mode", None).decode() == WRITTEN.replace('mode = "loop"\n', "")


@pytest.mark.parametrize("begun", ["", WRITTEN, WRITTEN.rstrip("\n"), "bpm = 60", "[[part]]\nchannel = 2"])
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("scale", "dorian", "dorian"),
        ("bpm", "70.5", 70.5),
        ("octave", "-1", -1),
        ("send-clock", "on", True),
        ("in", "My Keys; Other, Keys", ["My Keys", "Other, Keys"]),
        ("metre", "6/8", "6/8"),
    ],
)
def test_a_new_setting_is_where_it_is_read(begun: str, name: str, text: str, value: object) -> None:
    before = decode(begun.encode(), FILE, TABLE)
    assert decode(edited(begun.encode(), FILE, TABLE, name, text), FILE, TABLE) == {**before, name: value}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(TABLE.keys)), st.text(max_size=12)), max_size=8))
def test_edits_are_taken_whole_or_refused(changes: list[tuple[str, str]]) -> None:
    data = WRITTEN.encode()
    values: dict[str, Any] = decode(data, FILE, TABLE)
    for name, text in changes:
        try:
            wanted = TABLE.keys[name].parsed(text)
        except ConfigError:
            with pytest.raises(ConfigError):
                edited(data, FILE, TABLE, name, text)
            continue
        data = edited(data, FILE, TABLE, name, text)
        values[name] = wanted
        assert decode(data, FILE, TABLE) == values
    assert data.decode().startswith("# For the trio.\n")
    assert "# the bass" in data.decode()


def test_parts_are_added_one_after_the_other() -> None:
    data = edited(b"", FILE, TABLE, "part.2.channel", "2")
    data = edited(data, FILE, TABLE, "part.3.channel", "10")
    data = edited(data, FILE, TABLE, "part.3.preset", "Ode to Joy=0.5; Arirang")
    parts = decode(data, FILE, TABLE)["part"]
    assert parts == [{"channel": 2}, {"channel": 10, "preset": ["Ode to Joy=0.5", "Arirang"]}]
    for name in ("part.5.channel", "part.1.channel", "part.2.bpm", "part", "part.x.mode"):
        with pytest.raises(ConfigError):
            edited(data, FILE, TABLE, name, "4")


# -- the command -----------------------------------------------------------------------------------------------------


def test_set_get_show_unset(folder: Path) -> None:
    own().write_text("bpm = 60 # mine\n")
    assert run("config", "set", "offset", "-20").exit_code == 0
    assert own().read_text() == "bpm = 60 # mine\noffset = -20\n"
    assert run("config", "set", "--here", "bpm", "70").exit_code == 0
    assert (folder / "rnnae.toml").read_text() == "bpm = 70\n"
    assert run("config", "set", "scale", "dorian").exit_code == 0, "this folder's file goes before"
    assert "sets it too" in run("config", "set", "--user", "bpm", "65").stderr
    shown = json.loads(run("config", "show", "--origin", "--json", env={"RNNAE_FOLLOW": "0.5"}).stdout)
    assert shown["bpm"] == {"value": 70, "origin": str(folder / "rnnae.toml")}
    assert shown["offset"] == {"value": -20, "origin": str(own())}
    assert shown["follow"] == {"value": 0.5, "origin": "RNNAE_FOLLOW"}
    assert shown["seed"] == {"value": 0, "origin": "default"}
    assert run("config", "get", "scale").stdout == "dorian\n"
    assert run("config", "unset", "bpm").exit_code == 0
    assert run("config", "get", "bpm").stdout.strip() == "65"
    assert run("config", "unset", "bpm").exit_code == 2


def test_what_show_prints_can_be_written_into_a_file(folder: Path) -> None:
    text = 'preset = ["Ode to Joy=0.5"]\nmetre = "6/8"\n[[part]]\nchannel = 4\nmode = "trade"\n'
    (folder / "rnnae.toml").write_text(text)
    shown = run("config", "show").stdout
    values = decode(shown.encode(), FILE, TABLE)
    assert {name: values[name] for name in ("preset", "metre", "part")} == decode(text.encode(), FILE, TABLE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "bpm", "9000"), "bpm is '9000'; it is a number from 20 to 300."),
        (("set", "bmp", "90"), "did you mean 'bpm'?"),
        (("get", "bmp"), "did you mean 'bpm'?"),
        (("set", "bpm", "nan"), "bpm is 'nan'"),
    ],
)
def test_what_cannot_be_set_changes_nothing(words: tuple[str, ...], sentence: str) -> None:
    own().write_text("bpm = 60\n")
    done = run("config", *words)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert sentence in done.stderr
    assert own().read_text() == "bpm = 60\n"
    assert [one.name for one in home().iterdir()] == ["rnnae.toml"]


def test_check_leaves_with_2_where_a_file_is_broken(folder: Path) -> None:
    assert run("config", "check").exit_code == 0
    (folder / "rnnae.toml").write_text("bpm = 60\n")
    assert "1 setting, good" in run("config", "check").stdout
    (folder / "rnnae.toml").write_text("bpm = 6\n")
    done = run("config", "check")
    assert done.exit_code == 2
    assert "bpm is 6; it is a number from 20 to 300." in done.stderr
    (folder / "rnnae.toml").unlink()
    assert run("config", "check", env={"RNNAE_SCALE": "doric"}).exit_code == 2


def test_as_a_process_with_a_link_to_the_file(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "trio.toml").write_text("# trio\n")
    (folder / "rnnae.toml").symlink_to("elsewhere/trio.toml")
    command = [sys.executable, "-m", "rnnae_live", "config"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([*command, "set", "bpm", "77"], check=True, env=env, capture_output=True)
    done = subprocess.run([*command, "get", "bpm", "--json"], check=True, env=env, capture_output=True, text=True)
    assert json.loads(done.stdout) == 77
    assert (folder / "rnnae.toml").is_symlink()
    assert (folder / "elsewhere" / "trio.toml").read_text() == "# trio\nbpm = 77\n"


def test_programs_that_write_at_once_lose_nothing(folder: Path) -> None:
    (folder / "rnnae.toml").write_text("# the trio\nbpm = 96  # slow\n")
    names = {one.name.replace(" ", "-") for one in PART_SPECS if one.name.startswith("weight")}
    # Each waits until all are there, so that they read and write at the same time.
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from rnnae_live.cli import _configured, live\nfrom rnnae_live.config import written\n"
        "table = _configured.table(live.command)\n"
        "Path(sys.argv[1] + '.there').touch()\n"
        "while not Path('go').exists(): time.sleep(0.001)\n"
        "for name in sys.argv[2:]: written(Path('rnnae.toml'), table, name, '0.5')\n"
    )
    shares = [sorted(names)[::2], sorted(names)[1::2]]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    both = [
        subprocess.Popen([sys.executable, "-c", program, f"writer {number}", *share], env=env)
        for number, share in enumerate(shares)
    ]
    while not all((folder / f"writer {number}.there").exists() for number in range(2)):
        assert all(one.poll() is None for one in both)
        time.sleep(0.01)
    (folder / "go").touch()
    assert [one.wait(60) for one in both] == [0, 0]
    text = (folder / "rnnae.toml").read_text()
    assert text.startswith("# the trio\nbpm = 96  # slow\n")
    assert tomllib.loads(text) == {"bpm": 96, **dict.fromkeys(names, 0.5)}


def test_a_program_that_does_not_finish_writing_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock.__init__, "__defaults__", (0.01,))
    lock = lock_of(folder / "rnnae.toml")
    lock.parent.mkdir(parents=True)
    with Lock(lock):
        done = run("config", "set", "--here", "bpm", "96")
    assert done.exit_code == 2
    assert "cannot be written (another program has been writing for" in done.stderr
    assert not (folder / "rnnae.toml").exists()
    assert run("config", "set", "--here", "bpm", "96").exit_code == 0
    assert [one.name for one in folder.iterdir() if one != home()] == ["rnnae.toml"]


# -- completion ------------------------------------------------------------------------------------------------------


def completed(*words: str) -> list[str]:
    """Return what zsh is offered for the last of the words."""
    env = {"_RNNAE_LIVE_COMPLETE": "zsh_complete", "COMP_WORDS": " ".join(["rnnae-live", *words]),
           "COMP_CWORD": str(len(words))}  # fmt: skip
    done = run(env=env)
    return done.stdout.splitlines()[1::3]


def test_presets_parameters_and_settings_are_completed() -> None:
    assert "ode-to-joy" in completed("live", "-p", "od")
    assert completed("live", "--set", "deja") == ["deja vu="] or "tempo" in completed("live", "--set", "te")[0]
    assert completed("config", "get", "metr") == ["metre"]
    assert completed("live", "--quan") == ["--quantise"]


def test_a_completed_preset_is_found_by_that_name(bank: Bank) -> None:
    names = completed("live", "-p", "")
    assert len(names) == 24
    assert len({bank.find(name).id for name in names}) == 24


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_help_says_how_a_shell_completes_and_that_works(shell: str) -> None:
    assert f"{shell}_source" in run("--help").stdout
    assert "rnnae-live" in run(env={"_RNNAE_LIVE_COMPLETE": f"{shell}_source"}).stdout


def test_doctor_knows_the_variables_of_parameters() -> None:
    assert {"RNNAE_SCALE", "RNNAE_WEIGHT_1", "RNNAE_BPM"} <= set(
        variables(click.Context(cli, auto_envvar_prefix="RNNAE"))
    )

"""``rnnae-live learn``, with a controller that sends what a hand would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rnnae_live.cli import cli, learn
from rnnae_live.control import Assignment, Mode, Way
from rnnae_live.control.sources import source
from rnnae_live.control.store import load
from rnnae_live.ports import Input
from rnnae_live.ports.base import Receive
from rnnae_live.ports.ladder import Choice
from rnnae_live.ports.loopback import Loopback, World

pytestmark = pytest.mark.unit

Run = Callable[..., Result]


class Hand(Loopback):
    """A MIDI system with one controller, which is moved as soon as somebody listens."""

    def __init__(self, port: str, messages: list[bytes]) -> None:
        world = World()
        super().__init__("Learn", world)
        self._controller = Loopback("Box", world).open_output(port)
        self._messages = messages

    def open_input(self, receive: Receive, port: str = "In", *sources: str) -> Input:
        own = super().open_input(receive, port, *sources)
        for data in self._messages:
            self._controller.send(data)
        return own


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path))

    def runs(*words: str, port: str = "Twister", messages: list[bytes] | None = None) -> Result:
        made = Hand(port, messages or [])
        monkeypatch.setattr(learn, "choose", lambda *_, **__: Choice(made, "a test"))
        return CliRunner().invoke(cli, ["learn", *words])

    return runs


def sweep(number: int, *values: int) -> list[bytes]:
    return [bytes((0xB0, number, value)) for value in values]


def test_a_knob_is_learned_and_kept(run: Run) -> None:
    result = run("swing", "--control", "twister", messages=sweep(16, 60, 61, 62, 63, 64, 65))
    assert result.exit_code == 0, result.output
    assert "Learned cc 16 channel 1: swing" in result.stdout
    assert Assignment(source("cc 16 channel 1"), "swing") in load().of("Box:Twister").map.assignments


def test_several_are_learned_one_after_the_other_and_an_endless_one_is_known(run: Run) -> None:
    run("swing", "--in", "Twister", messages=sweep(16, *[63] * 6))
    result = run("answer", "--in", "Twister", "--part", "2", messages=[b"\x99\x24\x40"])
    assert result.exit_code == 0, result.output
    there = load().of("Box:Twister").map.assignments
    assert Assignment(source("cc 16 channel 1"), "swing", Way.BINARY_OFFSET) in there
    assert Assignment(source("note 36 channel 10"), "answer", part=1) in there


def test_what_comes_is_shown(run: Run) -> None:
    messages = [*sweep(16, 5), b"\xb0\x00\x07", b"\xb0\x29\x7f"]
    result = run("--control", "nano", "--seconds", "0.3", port="nanoKONTROL2", messages=messages)
    assert result.exit_code == 0, result.output
    assert "cc 16 channel 1 (knob 1) = 5: follow" in result.stdout
    assert "cc 0 channel 1 (slider 1) = 7: weight 1" in result.stdout
    assert "cc 41 channel 1 (play) = 127: play" in result.stdout


def test_bank_select_is_refused_and_said(run: Run) -> None:
    result = run("swing", "--control", "Twister", "--seconds", "0.3", messages=sweep(0, *range(9)))
    assert result.exit_code == 1
    assert "cc 0 channel 1 cannot be learned" in result.stderr
    assert "swing was not learned in 0.3 s; heard: cc 0 channel 1." in result.stderr
    assert load().ports == ()


def test_forget_profile_and_flags(run: Run) -> None:
    run("swing", "--control", "nano", port="nanoKONTROL2", messages=sweep(16, 1, 2, 3, 4, 5, 6))
    assert "follow" not in [one.target for one in load().of("Box:nanoKONTROL2").map.assignments]
    result = run("--forget", "swing", "--takeover", "scale", "--notes", "--control", "nano", port="nanoKONTROL2")
    assert result.exit_code == 0, result.output
    section = load().of("Box:nanoKONTROL2")
    assert "swing" not in [one.target for one in section.map.assignments]
    assert (section.takeover, section.notes, section.programs) == (Mode.SCALE, True, False)
    run("--profile", "nanokontrol2", "--control", "nano", port="nanoKONTROL2")
    assert "follow" in [one.target for one in load().of("Box:nanoKONTROL2").map.assignments]


def test_a_list_is_for_people_and_for_programs(run: Run) -> None:
    assert "Nothing was learned yet" in run("--list").stdout
    run("swing", "--control", "Twister", messages=[b"\x99\x24\x40"])
    assert "note 36 channel 10 (toggle): swing" in run("--list").stdout
    told = json.loads(run("--list", "--json").stdout)
    assert {"control": "note 36 channel 10", "moves": "swing", "way": "toggle"} in told["ports"][0]["controls"]
    assert "nanoKONTROL2" in told["profiles"]


def test_where_a_value_is_shown_is_said_without_listening(run: Run) -> None:
    run("swing", "--control", "Twister", messages=sweep(16, 1, 2, 3, 4, 5, 6))
    result = run("--shown", "swing=cc 9 channel 2 from 1 to 13", "--control", "Twister")
    assert result.exit_code == 0, result.output
    assert "cc 16 channel 1: swing, shown by cc 9 channel 2 from 1 to 13" in result.stdout
    section = load().of("Box:Twister")
    assert section.shows
    told = json.loads(run("--list", "--json").stdout)
    swing = next(one for one in told["ports"][0]["controls"] if one["moves"] == "swing")
    assert swing["shown"] == "cc 9 channel 2 from 1 to 13"
    run("swing", "--control", "Twister", messages=sweep(16, 1, 2, 3, 4, 5, 6))
    assert load().of("Box:Twister").map.assignments[-1].shown is not None
    run("--shown", "swing=", "--control", "Twister")
    assert all(one.shown is None for one in load().of("Box:Twister").map.assignments)


def test_a_map_with_a_name_begins_as_the_own_one_and_leaves_that_alone(run: Run) -> None:
    run("swing", "--control", "Twister", messages=sweep(16, 1, 2, 3, 4, 5, 6))
    own = load().of("Box:Twister")
    result = run("feel", "--map", " the  verse", "--control", "Twister", messages=sweep(16, 1, 2, 3, 4, 5, 6))
    assert result.exit_code == 0, result.output
    assert "Learned cc 16 channel 1: feel (in 'the verse')" in result.stdout
    run("--takeover", "scale", "--programs", "--forget", "follow", "--map", "the verse", "--control", "Twister")
    there, verse = load().of("Box:Twister"), load().of("Box:Twister", "the verse")
    assert (there.map, there.takeover, there.programs, verse.programs) == (own.map, own.takeover, True, True)
    assert verse.takeover is Mode.SCALE
    # What moved swing moves feel, what moved feel nothing, and follow has no control any more.
    assert {one.target for one in own.map.assignments} - {one.target for one in verse.map.assignments} == {
        "swing",
        "follow",
    }
    shown = run("--map", "the verse", "--control", "Twister", "--seconds", "0.3", messages=sweep(16, 5))
    assert "cc 16 channel 1 = 5: feel" in shown.stdout
    assert "Map 'the verse' for 'Box:Twister', takeover scale:" in run("--list").stdout
    assert [one["name"] for one in json.loads(run("--list", "--json").stdout)["maps"]] == ["the verse"]
    assert "Map 'the verse'" not in run("--forget-map", "the verse").stdout
    assert load().of("Box:Twister").map == own.map


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["--forget-map", "verse"], 1, "There is no map 'verse'"),
        (["swing", "--map", " ", "--control", "Twister"], 1, "is no name for a map"),
        (["--shown", "swing", "--control", "Twister"], 2, "says not where"),
        (["--shown", "swing=pressure", "--control", "Twister"], 1, "'pressure' can show nothing"),
        (["--shown", "swing=cc 9 from 1", "--control", "Twister"], 1, "'cc 9 from 1' names nothing that shows"),
        (["--shown", "swing=cc 9 from 1 to 200", "--control", "Twister"], 1, "numbers are 0 to 127"),
        (["--shown", "turn=cc 9", "--control", "Twister"], 1, "Nothing moves 'turn' on this port"),
        (["swing"], 2, "Name the controller's port"),
        (["swnig", "--control", "Twister"], 1, "did you mean 'swing'"),
        (["swing", "--control", "Piano"], 1, "There is no MIDI port 'Piano'"),
        (["--profile", "nanoKONTROL2", "--control", "Twister"], 2, "not for 'Box:Twister'"),
        (["--profile", "Moog", "--control", "Twister"], 1, "no profile 'Moog'"),
    ],
)
def test_wrong_use_is_a_sentence(run: Run, words: list[str], status: int, reason: str) -> None:
    result = run(*words)
    assert (result.exit_code, reason in result.stderr) == (status, True), result.output

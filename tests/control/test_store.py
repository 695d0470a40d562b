"""What was learned is kept, readable, found again under the port's name, and never half believed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rnnae_live.control import DEFAULT_MAP, Assignment, Mode, Press, Way
from rnnae_live.control.display import display
from rnnae_live.control.sources import source
from rnnae_live.control.store import Controls, PortControls, change, controls_file, controls_of, load, save
from rnnae_live.errors import ControlError
from rnnae_live.events import read

pytestmark = pytest.mark.unit

PORT = "Twister:Twister MIDI 1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "controls.json"


def learned(controls: Controls, words: str, target: str, way: Way = Way.ABSOLUTE, part: int | None = None) -> Controls:
    section = controls.of(PORT)
    return controls.having(replace(section, map=section.map.learned(Assignment(source(words), target, way, part))))


def test_nothing_is_there_at_first(path: Path) -> None:
    controls = load(path)
    assert controls.ports == ()
    assert controls.of(PORT) == controls_of(PORT)
    assert not controls.changed()


def test_a_port_without_a_profile_has_the_default_map_without_the_pedal() -> None:
    section = controls_of(PORT)
    assert len(section.map.assignments) == len(DEFAULT_MAP.assignments) - 1
    assert (section.notes, section.programs, section.sustain) == (False, False, False)
    pedal = read(b"\xb0\x40\x7f", 0.0)
    assert pedal is not None
    assert section.surface().read(pedal) == []
    assert replace(section, sustain=True).surface().read(pedal) == [Press.PEDAL_DOWN]


def test_what_was_learned_is_read_back_as_it_was(path: Path) -> None:
    new = learned(load(path), "cc 16", "bpm", Way.TWOS_COMPLEMENT)
    new = learned(new, "note 36 channel 10", "mode", Way.TOGGLE, part=1)
    shown = new.of(PORT).map.shown("bpm", display("cc 9 channel 1 from 1 to 13"))
    new = new.having(
        replace(new.of(PORT), map=shown, takeover=Mode.SCALE, notes=True, programs=True, sustain=True, shows=True)
    )
    save(new, path)
    assert load(path).ports == new.ports
    text = path.read_text()
    assert '"control": "note 36 channel 10"' in text
    assert '"shown": "cc 9 channel 1 from 1 to 13"' in text
    assert json.loads(text)["schema"] == 2


@pytest.mark.parametrize("name", [PORT, f"{PORT} 24:0", "Twister MIDI 1", "twister"])
def test_a_port_is_found_under_its_name_whatever_number_it_has_today(path: Path, name: str) -> None:
    save(learned(load(path), "cc 16", "bpm"), path)
    assert Assignment(source("cc 16"), "bpm") in load(path).of(name).map.assignments


def test_two_ports_that_fit_are_never_chosen_by_their_order(path: Path) -> None:
    controls = load(path)
    for port in ("Twister A", "Twister B"):
        controls = controls.having(PortControls(port, DEFAULT_MAP.forgotten("follow")))
    assert controls.of("Twister") == controls_of("Twister")
    assert controls.of("Twister B").map == DEFAULT_MAP.forgotten("follow")


def test_a_change_of_the_file_is_noticed_once(path: Path) -> None:
    before = load(path)
    after = save(learned(before, "cc 16", "bpm"), path)
    assert before.changed()
    assert not after.changed()
    assert not load(path).changed()


def test_programs_that_write_at_once_lose_nothing(path: Path) -> None:
    names = [f"weight {slot}" for slot in range(1, 9)]

    def learn(place: int) -> None:
        change(lambda controls: learned(controls, f"cc {40 + place}", names[place]), path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(learn, range(8)))
    there = {str(one.source): one.target for one in load(path).of(PORT).map.assignments}
    assert {f"cc {40 + place}": name for place, name in enumerate(names)}.items() <= there.items()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ('{"schema": 3, "ports": []}', "newer version"),
        ('{"schema": 1, "ports": [{"port": "a", "controls": [], "colour": 1}]}', "colour"),
        ('{"schema": 1, "ports": [{"port": "a", "controls": [{"control": "cc 21", "moves": "swnig"}]}]}', "'swing'"),
        ('{"schema": 1, "ports": [{"port": "a", "controls": [{"control": "cc 128", "moves": "swing"}]}]}', "cc 128"),
        ('{"schema": 1, "ports": [{"port": "a", "controls": [], "takeover": "pikcup"}]}', "'pickup'"),
        (
            '{"schema": 1, "ports": [{"port": "a", "controls": [{"control": "cc 1", "moves": "x", "way": "left"}]}]}',
            "left",
        ),
        ("[" * 100_000, "cannot be read"),
        (" " * (1 << 20) + "{}", "too large"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole_with_the_reason(path: Path, text: str, reason: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ControlError, match=reason):
        load(path)
    with pytest.raises(ControlError):
        change(lambda controls: controls, path)
    assert path.read_text() == text


def test_a_file_of_the_first_schema_is_read_and_kept_when_it_is_changed(path: Path) -> None:
    old = '{"schema": 1, "ports": [{"port": "twister", "controls": [{"control": "cc 16", "moves": "bpm"}]}]}'
    path.parent.mkdir()
    old = old.replace("twister", PORT)
    path.write_text(old)
    assert load(path).of(PORT).map.assignments == (Assignment(source("cc 16"), "bpm"),)
    change(lambda controls: learned(controls, "cc 17", "swing"), path)
    change(lambda controls: learned(controls, "cc 18", "feel"), path)
    assert json.loads(path.read_text())["schema"] == 2
    assert len(load(path).of(PORT).map.assignments) == 3
    assert path.with_name("controls.schema1.json").read_text() == old


def test_what_a_profile_shows_elsewhere_is_shown_there_whatever_is_learned() -> None:
    section = controls_of("X-TOUCH MINI MIDI 1").learned(Assignment(source("cc 3 channel 11"), "swing"))
    assert section.map.assignments[-1].shown == display("cc 11 channel 1 from 1 to 13")


def test_the_file_is_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path))
    assert controls_file() == tmp_path / "controls.json"

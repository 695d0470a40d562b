"""A preset brings a map of controls along: in virtual time, what is turned, shown, taken over and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rnnae_live.control import SPECS, Assignment, ControlMap, Mode
from rnnae_live.control.display import display
from rnnae_live.control.sources import source
from rnnae_live.control.store import Controls, PortControls, change, load, save
from rnnae_live.events import CONTROL, PLAYED, Due, Notice, read
from rnnae_live.live.lesson import Lesson
from tests.virtual import Echo, Preset, Scene, Stage, line

pytestmark = pytest.mark.unit

PORT = "Twister:knobs"


def mapped(*assigned: tuple[str, str]) -> ControlMap:
    return ControlMap(tuple(Assignment(source(words), target) for words, target in assigned))


def controls(takeover: Mode = Mode.JUMP) -> Controls:
    """A performer's own map, with a lamp elsewhere, and one called "verse"."""
    ring = Assignment(source("cc 18"), "humanize", shown=display("cc 40 channel 2"))
    own = ControlMap((*mapped(("cc 16", "swing"), ("note 36", "hold"), ("cc 17", "feel")).assignments, ring))
    verse = mapped(("cc 16", "glide"), ("note 36", "answer"), ("cc 19", "swing"))
    section = PortControls(PORT, own, takeover, shows=True)
    return Controls((section,)).having(replace(section, map=verse, takeover=Mode.PICKUP), "verse")


class Show(Stage):
    """An instrument with a controller, and presets of which program 2 brings "verse", program 3 what is not there."""

    def __init__(self, known: Controls | None = None, *, attached: bool = True) -> None:
        up, down = line(60, 62, 64, 65), line(72, 71, 69, 67)
        super().__init__(voices=Echo([
            Preset("Plain", up, 0),
            Preset("Verse", down, 1, Scene(mapping="verse")),
            Preset("Lost", up, 2, Scene(mapping="chorus\n")),
            Preset("Quiet", down, 3, Scene({"swing": 0.25})),
        ]))  # fmt: skip
        self.controls = known or controls()
        self.lamps: list[bytes] = []
        if attached:
            self.attach()

    def attach(self) -> None:
        self.lamp(self.engine.attach(self.controls.surface(PORT), self.now))

    def lamp(self, outputs: object) -> None:
        assert isinstance(outputs, list)
        self.lamps += [one.data for one in outputs if isinstance(one, Due) and one.port == CONTROL]
        self.notices += [one for one in outputs if isinstance(one, Notice)]

    def move(self, data: bytes, port: int = CONTROL, after: float = 1.0) -> list[bytes]:
        """Let a control move; return what its lamps are sent."""
        self.now += after
        self.lamps.clear()
        event = read(data, self.now)
        assert event is not None
        self.lamp(self.engine.handle(event, self.now, port))
        return list(self.lamps)

    def program(self, number: int) -> list[bytes]:
        return self.move(bytes((0xC0, number)), PLAYED)

    def do(self, **wish: object) -> list[bytes]:
        self.now += 1.0
        self.lamps.clear()
        self.lamp(self.engine.do(wish, self.now))
        return list(self.lamps)

    def value(self, name: str) -> float:
        return self.engine.parts[0].desk.values[name]

    def active(self) -> str | None:
        surface = self.engine.surfaces.get(CONTROL)
        assert surface is not None
        return surface.active

    @property
    def told(self) -> str:
        return " ".join(one.text for one in self.notices if "control" in one.text)


RECALLS: dict[str, Callable[[Show, int], object]] = {
    "program change": lambda show, number: show.program(number),
    "program over OSC": lambda show, number: show.do(program=number),
    "name over OSC": lambda show, number: show.do(preset=show.engine.voices.songs[number].name, part=0),
    "page": lambda show, number: show.do(preset=show.engine.voices.songs[number].name, slot=1),
}


@pytest.mark.parametrize("recall", RECALLS.values(), ids=RECALLS)
def test_a_preset_brings_its_map_and_one_without_brings_the_own_back(recall: Callable[[Show, int], object]) -> None:
    show = Show()
    show.move(b"\xb0\x10\x7f")
    assert (show.value("swing"), show.value("glide")) == (1.0, 0.0)
    recall(show, 1)
    assert show.active() == "verse"
    show.move(b"\xb0\x10\x00")
    show.move(b"\xb0\x10\x20")
    assert (show.value("swing"), show.value("glide") > 0) == (1.0, True)
    recall(show, 0)
    assert show.active() is None
    show.move(b"\xb0\x10\x00")
    assert (show.value("swing"), show.value("glide") > 0) == (0.0, True)
    assert show.told == "Your controls are now those of the map 'verse'. Your controls are your own again."


def test_next_and_previous_preset_bring_their_maps_as_well() -> None:
    show = Show()
    show.program(0)
    assert [show.move(data, PLAYED) and show.active() for data in (b"\xb0\x09\x7f", b"\xb0\x03\x7f")] == ["verse", None]


def test_a_preset_in_another_slot_brings_nothing() -> None:
    show = Show()
    show.do(preset="Verse", slot=2)
    show.do(mix={"Verse": 1.0})
    assert show.active() is None


def test_the_controls_of_the_new_map_show_its_values_and_the_others_go_dark() -> None:
    show = Show()
    for data in (b"\xb0\x11\x7f", b"\xb0\x12\x40", b"\xb0\x10\x40"):
        show.move(data)
    assert sorted(show.program(1)) == sorted([
        b"\xb0\x10\x00",  # The knob that was swing shows glide.
        b"\xb0\x13\x40",  # Another one shows swing.
        b"\xb0\x11\x00",  # The one that was feel shows nothing,
        b"\xb1\x28\x00",  # nor does the ring elsewhere. The lamp of the button is dark as it is.
    ])  # fmt: skip
    back = show.program(0)
    assert {b"\xb0\x10\x40", b"\xb0\x11\x7f", b"\xb1\x28\x40", b"\xb0\x13\x00"} <= set(back)


def test_values_of_the_scene_are_shown_once_on_the_map_that_comes_with_it() -> None:
    show = Show()
    show.program(1)
    lamps = show.program(3)
    assert [data for data in lamps if data.startswith(b"\xb0\x10")] == [b"\xb0\x10\x20"]


def test_every_knob_has_to_be_picked_up_again_by_the_takeover_of_the_map() -> None:
    show = Show()
    show.do(turn="glide", value=2.0)
    show.move(b"\xb0\x10\x7f")
    show.program(1)
    # It stands above the value, as is known from the other map, and has to come down to it.
    show.move(b"\xb0\x10\x7e")
    assert show.value("glide") == 2.0
    show.move(b"\xb0\x10\x00")
    assert show.value("glide") == 0.0
    show.program(0)
    show.move(b"\xb0\x10\x7f")
    assert show.value("swing") == 1.0


def test_where_a_knob_stands_is_still_known_in_another_map() -> None:
    show = Show()
    show.do(turn="glide", value=2.0)
    show.move(b"\xb0\x10\x7f")
    show.program(1)
    surface = show.engine.surfaces.get(CONTROL)
    assert surface is not None
    assert surface.physical == {("glide", 0): SPECS["glide"].maximum}
    # So that one message that passes the value is enough.
    show.move(b"\xb0\x10\x01")
    assert 0 < show.value("glide") < 2.0


def test_a_knob_in_a_hand_has_to_be_picked_up_after_a_preset() -> None:
    show = Show(controls(Mode.PICKUP))
    show.move(b"\xb0\x10\x00")
    show.move(b"\xb0\x10\x40")
    show.move(b"\xc0\x03", PLAYED, after=0.1)
    show.move(b"\xb0\x10\x41", after=0.1)
    assert show.value("swing") == 0.25


def test_the_same_map_again_still_has_to_be_picked_up() -> None:
    show = Show(controls(Mode.PICKUP))
    show.move(b"\xb0\x10\x00")
    show.move(b"\xb0\x10\x40")
    assert show.value("swing") > 0
    swing = show.value("swing")
    show.program(3)
    assert show.value("swing") == 0.25 != swing
    show.move(b"\xb0\x10\x41")
    assert show.value("swing") == 0.25


def test_a_map_that_is_not_there_is_said_once_and_the_own_one_holds() -> None:
    show = Show()
    show.program(2)
    show.program(2)
    show.attach()
    assert show.told == "There is no map 'chorus' for your controller; your controls are your own."
    show.move(b"\xb0\x10\x7f")
    assert show.value("swing") == 1.0


def test_a_button_that_was_pressed_before_is_let_go_as_what_it_was() -> None:
    show = Show()
    held = []
    show.move(b"\x90\x24\x7f")
    for number, data in ((1, b"\x80\x24\x00"), (0, b"\x90\x24\x7f")):
        show.program(number)
        held.append(show.engine.parts[0].hold)
        show.move(data)
        held.append(show.engine.parts[0].hold)
    assert held == [True, False, False, True]


def test_a_button_that_brings_a_map_in_which_it_does_the_same_is_pressed_once() -> None:
    button = mapped(("cc 41", "next preset"))
    known = Controls((PortControls(PORT, button, Mode.JUMP),))
    known = known.having(replace(known.of(PORT), map=button), "verse")
    show = Show(known)
    show.program(0)
    for value in (1, 40, 90, 127):
        show.move(bytes((0xB0, 41, value)))
    slot = show.engine.parts[0].slots[1]
    assert slot is not None
    assert slot.name == "Verse"


def test_the_port_of_the_daw_keeps_its_map() -> None:
    show = Show()
    show.program(1)
    show.move(b"\xb0\x6a\x7f", PLAYED)
    assert show.value("swing") == 1.0


def test_a_controller_that_comes_later_has_the_map_of_the_preset_and_so_has_the_next_engine() -> None:
    show = Show(attached=False)
    show.program(1)
    assert show.notices[-1].text.startswith("Slot 1 is")
    show.attach()
    assert show.active() == "verse"
    other = Show(attached=False)
    other.engine.restore(show.engine.snapshot())
    other.attach()
    assert other.active() == "verse"
    old = {name: value for name, value in show.engine.snapshot().items() if name != "map"}
    other.engine.restore(old)
    other.attach()
    assert other.active() is None


def test_what_is_learned_goes_into_the_map_in_force_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path))
    before = save(controls())
    show = Show(before)
    said: list[str] = []

    def done(errand: Callable[[], object]) -> None:
        errand()

    lesson = Lesson(PORT, lambda notice: said.append(notice.text), done)
    for program, target in ((1, "density"), (0, "syncopation")):
        show.program(program)
        lesson.begin(target, load(), None, show.active())
        for value in range(60, 70):
            event = read(bytes((0xB0, 30 + program, value)), show.now)
            assert event is not None
            lesson.heard(event)
        show.controls = load()
        show.attach()
        assert show.active() == (None, "verse")[program]
    assert said == ["Learned: cc 31 channel 1: density (in 'verse')", "Learned: cc 30 channel 1: syncopation"]
    for name, new in (("verse", "density"), (None, "syncopation")):
        was, now = before.of(PORT, name), load().of(PORT, name)
        assert now.map.assignments[:-1] == was.map.assignments
        assert now.map.assignments[-1].target == new


def test_playing_with_a_map_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path))
    before = save(controls())
    show = Show(before)
    for program in (1, 0, 2, 1):
        show.program(program)
        show.move(b"\xb0\x10\x40")
    assert not before.changed()
    assert load() == before


def test_maps_are_kept_with_their_names_and_a_port_without_one_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "controls.json"
    save(controls(), path)
    read_back = load(path)
    assert read_back == replace(controls(), path=path)
    assert read_back.names == ("verse",)
    assert read_back.of("Another", "verse") == read_back.of("Another")
    assert read_back.of(PORT, "bridge") == read_back.of(PORT)
    change(lambda known: known.without("verse"), path)
    assert (load(path).names, load(path).ports) == ((), read_back.ports)

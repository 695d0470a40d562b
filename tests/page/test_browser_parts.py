"""Several parts on the control page: one of them is chosen, shown, played and turned, and the others are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.page.browsing import READY, play, track
from tests.page.chromium import Browser, Tab
from tests.page.conftest import Page
from tests.page.test_browser_access import CONTRAST, FOCUSED, WORDS, controls

pytestmark = [pytest.mark.page, pytest.mark.timeout(240)]

PARTS = ("2 loop 'Ode to Joy=0.5'", "10 answer")


def part(number: int) -> str:
    """Return the words for a part, as performers count."""
    return f"rnnae.mirror.tree.parts[{number - 1}]"


def button(number: int) -> str:
    """Return the selector of the button of a part."""
    return f".parts button:nth-child({number})"


@pytest.fixture
def parts(open_page: Callable[..., Page], browser: Browser) -> Iterator[Tab]:
    """The page of a session with three parts; nothing may have gone wrong in it in the end."""
    opened = browser.open(open_page(*(word for one in PARTS for word in ("--part", one))).url)
    opened.wait(f"{READY} && document.querySelectorAll('.parts button').length === 3")
    yield opened
    opened.close()
    assert opened.errors == []


def choose(tab: Tab, number: int) -> None:
    """Choose a part by its button."""
    tab.click(button(number))
    tab.wait(f"rnnae.mirror.part === {part(number)}")


def test_where_there_is_one_part_nothing_is_to_choose(tab: Tab) -> None:
    assert tab.evaluate("document.getElementById('parts').checkVisibility()") is False
    tab.key("2")
    assert tab.evaluate("[rnnae.mirror.number, rnnae.link.part, location.hash]") == [0, 0, ""]


def test_what_is_turned_pressed_and_put_is_the_chosen_parts_alone(parts: Tab) -> None:
    alone = f"JSON.stringify([{part(1)}.values, {part(1)}.slots, {part(1)}.heard, {part(3)}.values, {part(3)}.slots])"
    before = parts.evaluate(alone)
    choose(parts, 2)
    parts.wait("document.querySelector('.fader[data-slot=\"1\"] .head').textContent === 'Ode to Joy'")
    parts.drag([parts.point(track(3), 0.5, 0.5), parts.point(track(3), 0.5, 0.01)])
    parts.wait(f"{part(2)}.values['weight 3'] === 1")
    parts.drag([parts.point("#pane-pad canvas", 0.5, 0.5), parts.point("#pane-pad canvas", 1.0, 0.0)])
    parts.wait(f"{part(2)}.values['weight 4'] === 1 && {part(2)}.values.x === 1")
    # A value that waits goes to the part for which it was turned.
    parts.evaluate(f"rnnae.link.turn('weight 2', 0.25), document.querySelector('{button(1)}').click()")
    parts.wait(f"{part(2)}.values['weight 2'] === 0.25")
    choose(parts, 2)
    parts.click("#freeze")
    parts.wait(f"{part(2)}.values.freeze === 1")
    parts.click("#hold")
    parts.wait(f"{part(2)}.hold")
    parts.click('.fader[data-slot="6"] .head')
    parts.wait("document.activeElement.type === 'search'")
    for key in "swan":
        parts.key(key)
    parts.wait("document.querySelectorAll('.rows button').length === 1")
    parts.click(".rows button")
    parts.wait(f"{part(2)}.slots[5] === 'Swan Lake, theme'")
    parts.click("#mode button:nth-child(1)")
    parts.wait(f"{part(2)}.values.mode === 0")
    assert parts.evaluate(f"[{part(1)}.hold, {part(3)}.hold]") == [False, False]
    assert parts.evaluate(alone) == before


def test_the_keys_play_to_the_chosen_part(parts: Tab) -> None:
    choose(parts, 3)
    play(parts)
    parts.click("#answer")
    parts.wait(f"{part(3)}.heard && {part(3)}.playing && rnnae.stage.answer.notes.length > 0")
    parts.wait("rnnae.stage.phrase.notes.length === 7")
    parts.key("a", up=False)
    parts.wait(f"{part(3)}.listening")
    # A key that is held goes up where it went down.
    parts.click(button(2))
    parts.wait(f"{part(3)}.coming.length > 0 && {part(3)}.coming.every(([, off]) => off !== null)")
    parts.key("a", down=False)
    assert parts.evaluate(f"{part(2)}.heard") is None


def test_what_is_seen_is_the_chosen_parts_and_nothing_of_the_one_before(parts: Tab) -> None:
    choose(parts, 2)
    parts.wait(f"rnnae.stage.playing && rnnae.stage.playing.start === {part(2)}.playing.start")
    assert parts.evaluate("document.querySelector('#mode [aria-checked=true]').textContent") == "Loop"
    # A hand that lies on a fader moves it no more when another part comes.
    point = parts.point(track(1), 0.5, 0.3)
    parts.mouse("mousePressed", *point)
    parts.wait(f"{part(2)}.values['weight 1'] > 0.6")
    parts.key("3")
    parts.wait(f"rnnae.mirror.part === {part(3)}")
    parts.mouse("mouseMoved", *parts.point(track(1), 0.5, 0.01))
    parts.mouse("mouseReleased", *parts.point(track(1), 0.5, 0.01))
    parts.wait(f"document.querySelector('{track(1)}').getAttribute('aria-valuenow') === '0'")
    assert parts.evaluate("[rnnae.stage.answer.notes.length, rnnae.stage.phrase.notes.length]") == [0, 0]
    assert parts.evaluate(f"{part(3)}.values['weight 1']") == 0
    assert parts.evaluate("document.querySelector('#mode [aria-checked=true]').textContent") == "Answer"


def test_a_reload_keeps_the_part_and_a_second_page_has_its_own(parts: Tab, browser: Browser) -> None:
    choose(parts, 2)
    parts.drag([parts.point(track(2), 0.5, 0.01)])
    parts.wait(f"{part(2)}.values['weight 2'] === 1")
    parts.call("Page.reload")
    parts.wait(f"{READY} && rnnae.mirror.part === {part(2)}")
    parts.wait(f"document.querySelector('{button(2)}').getAttribute('aria-checked') === 'true'")
    parts.wait(f"document.querySelector('{track(2)}').getAttribute('aria-valuenow') === '1'")
    assert parts.evaluate("document.title") == "Part 2 · RNN-AE Live"
    url = parts.evaluate("location.href")
    assert url.endswith("/#part=2")
    other = browser.open(url.replace("part=2", "part=9"))
    other.wait(f"{READY} && rnnae.mirror.part === {part(1)} && location.hash === ''")
    other.key("3")
    other.wait(f"rnnae.mirror.part === {part(3)}")
    assert other.errors == []
    other.close()
    assert parts.evaluate("rnnae.mirror.number") == 1


def test_a_light_says_which_part_sounds_and_the_answer_taken_out_is_the_chosen_parts(parts: Tab) -> None:
    parts.wait(f"document.querySelector('{button(2)}').classList.contains('sounds')")
    assert parts.evaluate(f"document.querySelector('{button(3)}').classList.contains('sounds')") is False
    fetched = "fetch(document.getElementById('answer-file').href).then((one) => one.status)"
    choose(parts, 3)
    assert parts.evaluate(fetched) == 404
    choose(parts, 2)
    parts.wait("rnnae.stage.answer.notes.length > 0")
    assert parts.evaluate(fetched) == 200
    parts.key("Escape")
    parts.wait("document.querySelector('.parts .sounds') === null")
    parts.errors = [one for one in parts.errors if "404" not in one]


def test_parts_are_chosen_by_keys_and_told_to_a_screen_reader(parts: Tab) -> None:
    parts.evaluate(f"document.querySelector('{button(1)}').focus()")
    parts.key("ArrowRight")
    parts.wait(f"rnnae.mirror.part === {part(2)} && document.activeElement.matches('{button(2)}')")
    assert parts.evaluate(FOCUSED)[1], "the focus is seen"
    parts.key("ArrowLeft")
    parts.key("ArrowLeft")
    parts.wait(f"rnnae.mirror.part === {part(3)} && document.activeElement.matches('{button(3)}')")
    assert parts.evaluate("document.querySelectorAll('.parts [tabindex=\"0\"]').length") == 1
    radios = {one["name"]["value"]: one for one in controls(parts) if one["role"]["value"] == "radio"}
    assert "Part 1, Answer, all channels, Your phrase" in radios
    assert "Part 2, Loop, channel 2, Ode to Joy" in radios
    chosen = radios["Part 3, Answer, channel 10, Your phrase"]
    assert {one["name"]: one["value"].get("value") for one in chosen["properties"]}["checked"] == "true"
    faint = [(text, round(contrast, 2)) for text, contrast in parts.evaluate(WORDS) if contrast < CONTRAST]
    assert faint == []


def test_sixteen_parts_have_room_on_every_screen(open_page: Callable[..., Page], browser: Browser) -> None:
    tab = browser.open(open_page(*(word for channel in range(2, 17) for word in ("--part", f"{channel} trade"))).url)
    tab.wait(f"{READY} && document.querySelectorAll('.parts button').length === 16")
    for width, height in ((1280, 720), (1024, 768)):
        tab.size(width, height)
        tab.wait(f"innerWidth === {width}")
        boxes = tab.evaluate(
            "[...document.querySelectorAll('.parts button, .track, canvas')].filter((one) => one.checkVisibility())"
            ".map((one) => one.getBoundingClientRect()).map(({left, right, height}) => [left, right, height])"
        )
        assert len(boxes) > 26
        assert all(0 <= left < right <= width and tall >= 40 for left, right, tall in boxes)
        assert tab.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert tab.evaluate("document.querySelector('.foot').getBoundingClientRect().bottom") <= height
    assert tab.errors == []

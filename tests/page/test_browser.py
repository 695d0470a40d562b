"""The control page in a real browser, on a real session: played, morphed, heard, silenced, reloaded, seen by two."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.page.browsing import PART, PITCHES, READY, lit, play, track
from tests.page.chromium import Browser, Tab
from tests.page.conftest import Page

pytestmark = [pytest.mark.page, pytest.mark.timeout(240)]

ANSWERED = f"{PART}.playing && rnnae.stage.answer.notes.length > 0"


def test_a_phrase_is_played_answered_and_morphed_in_the_page(tab: Tab) -> None:
    assert lit(tab, "roll-in") == 0
    tab.key("a", up=False)
    tab.wait(f"{PART}.listening")
    tab.wait("document.querySelector('.piano .down')?.dataset.pitch === '60'")
    tab.wait("rnnae.stage.phrase.notes.length === 1")
    assert lit(tab, "roll-in") > 10
    tab.key("a", down=False)
    tab.wait("!document.querySelector('.piano .down')")
    tab.click("#answer")
    tab.wait(f"{PART}.heard")
    play(tab)
    tab.click("#answer")
    tab.wait(f"{PART}.heard.notes.length === {len(PITCHES)}")
    assert [note[2] for note in tab.evaluate(f"{PART}.heard.notes")] == PITCHES
    tab.wait(ANSWERED)
    tab.wait("rnnae.stage.phrase.notes.length === 7")
    assert lit(tab, "roll-in") > 100
    assert lit(tab, "roll-out") > 100
    before = tab.evaluate(f"JSON.stringify({PART}.playing.notes.map((note) => note[2]))")
    # The phrase goes out of the mix, a song comes in: another melody, and in the colour of its slot.
    tab.drag([tab.point(track(1), 0.5, 0.9), tab.point(track(1), 0.5, 0.4), tab.point(track(1), 0.5, 0.01)])
    tab.drag([tab.point(track(0), 0.5, 0.4), tab.point(track(0), 0.5, 0.99)])
    tab.wait(f"{PART}.values['weight 1'] === 1 && {PART}.values.follow === 0")
    tab.click("#answer")
    tab.wait(f"{ANSWERED} && JSON.stringify({PART}.playing.notes.map((note) => note[2])) !== {before!r}")
    tab.wait("rnnae.stage.tracing.every((parent) => parent === 1)")


def test_a_note_has_the_colour_of_its_song_also_where_that_begins_with_a_pickup(tab: Tab) -> None:
    # What a mix plays of a song that alone has a weight worth the name is this song, from its first whole bar on.
    traced = tab.evaluate(
        """(async () => {
          const {parents, trace} = await import('/static/parentage.js');
          const songs = rnnae.mirror.presets;
          const found = [];
          for (const song of songs.filter((one) => one.pieces[0] > 0)) {
            const other = songs.find((one) => one.pieces[0] === 0);
            const sounding = {'weight 1': 1, 'weight 2': 1};
            const part = {slots: [other.name, song.name], values: {follow: 0}, sounding};
            const among = parents({part, byName: rnnae.mirror.byName, transport: rnnae.mirror.transport});
            song.pieces.forEach((begin, at) => {
              const end = song.pieces[at + 1] ?? song.length;
              const notes = song.notes.filter(([on]) => on >= begin && on < end);
              const placed = notes.map(([on, long, pitch]) => [on - begin, on - begin + long, pitch]);
              found.push(...trace(placed, at, among));
            });
          }
          return found;
        })()"""
    )
    assert len(traced) > 100
    # A few notes are those of both songs.
    assert traced.count(2) > 0.95 * len(traced)


def test_the_pad_is_moved_by_mouse_touch_and_keys(tab: Tab) -> None:
    pad = "#pane-pad canvas"
    tab.drag([tab.point(pad, 0.2, 0.8), tab.point(pad, 0.5, 0.5), tab.point(pad, 1.0, 0.0)])
    tab.wait(f"{PART}.values.x === 1 && {PART}.values.y === 1 && {PART}.values['weight 4'] === 1")
    tab.touch("touchStart", [tab.point(pad, 0.9, 0.1)])
    tab.touch("touchMove", [tab.point(pad, 0.5, 0.5)])
    tab.touch("touchMove", [tab.point(pad, 0.0, 1.0)])
    tab.touch("touchEnd", [])
    tab.wait(f"{PART}.values.x === 0 && {PART}.values.y === 0 && {PART}.values['weight 1'] === 1")
    tab.evaluate("document.querySelector('#pane-pad input').focus()")
    tab.key("ArrowRight")
    tab.wait(f"Math.abs({PART}.values.x - 1 / 7) < 0.01 && {PART}.values['weight 2'] > 0.1")


def test_two_fingers_move_two_faders_at_once(tab: Tab) -> None:
    tab.touch("touchStart", [tab.point(track(2), 0.5, 0.9), tab.point(track(5), 0.5, 0.9)])
    tab.touch("touchMove", [tab.point(track(2), 0.5, 0.5), tab.point(track(5), 0.5, 0.2)])
    tab.touch("touchMove", [tab.point(track(2), 0.5, 0.01), tab.point(track(5), 0.5, 0.5)])
    tab.touch("touchEnd", [])
    tab.wait(f"{PART}.values['weight 2'] === 1 && Math.abs({PART}.values['weight 5'] - 0.5) < 0.05")


def test_the_map_mixes_the_songs_near_the_finger(tab: Tab) -> None:
    tab.click("#tab-map")
    song = tab.evaluate("rnnae.mirror.presets.find((one) => one.name === 'Greensleeves').xy")
    left, top, width, height = tab.box("#pane-map canvas")
    edge = 22
    place = (left + edge + song[0] * (width - 2 * edge), top + height - edge - song[1] * (height - 2 * edge))
    tab.drag([tab.point("#pane-map canvas", 0.5, 0.05), place])
    heard = f"{PART}.slots.filter((_, slot) => {PART}.values[`weight ${{slot + 1}}`] > 0)"
    tab.wait(f"{heard}.length === 1 && {heard}[0] === 'Greensleeves'")


def test_a_preset_is_found_and_put_into_a_slot(tab: Tab) -> None:
    tab.click('.fader[data-slot="3"] .head')
    tab.wait("document.activeElement.type === 'search'")
    for key in "swan":
        tab.key(key)
    tab.wait("document.querySelectorAll('.rows button').length === 1")
    tab.click(".rows button")
    tab.wait(f"{PART}.slots[2] === 'Swan Lake, theme'")
    tab.wait("document.querySelector('.fader[data-slot=\"3\"] .head').textContent === 'Swan Lake, theme'")
    assert tab.evaluate(f"{PART}.listening") is False, "what is typed into the search is no music"


def test_what_is_heard_is_not_silent_and_ends(tab: Tab) -> None:
    loud = (
        "(async () => {{ const sound = await rnnae.render({notes}, 3); const data = sound.getChannelData(0);"
        " const level = (from, to) => {{ const part = data.subarray(from * 44100, to * 44100);"
        " return Math.sqrt(part.reduce((sum, one) => sum + one * one, 0) / part.length); }};"
        " const worst = data.reduce((most, one) => Math.max(most, Math.abs(one)), 0);"
        " return [level(0, 0.25), level(0.25, 0.5), level(2.9, 3), worst]; }})()"
    )
    note = "[{pitch: 64, velocity: 100, at: 0, until: 0.5, timbre: '%s'}]"
    for timbre in ("answer", "phrase"):
        begin, later, end, worst = tab.evaluate(loud.format(notes=note % timbre))
        assert begin > 0.01
        assert later > 0.005
        assert end < begin / 100
        assert worst <= 1.0
    assert tab.evaluate(loud.format(notes="[]"))[3] == 0


def test_the_page_sounds_when_it_is_asked_to(tab: Tab) -> None:
    assert tab.evaluate("rnnae.speaker.on") is False
    tab.click("#sound")
    tab.wait("document.getElementById('sound').getAttribute('aria-pressed') === 'true' && rnnae.speaker.on")
    play(tab)
    tab.click("#answer")
    tab.wait(f"{ANSWERED} && rnnae.speaker.given.size > 0")
    # Every note is struck at the moment that the transport has for it.
    tab.wait("[...rnnae.speaker.given.values()].every((one) => one.off > one.on)")
    tab.key("Escape")
    tab.wait(f"!{PART}.playing && rnnae.speaker.given.size === 0")


def test_a_phrase_is_captured_into_a_slot(tab: Tab) -> None:
    play(tab)
    tab.click("#answer")
    tab.wait(ANSWERED)
    tab.click("#capture")
    tab.wait(f"{PART}.captured.length === 1")
    slot = tab.evaluate(f"{PART}.captured[0]")
    tab.wait(f"document.querySelector('.fader[data-slot=\"{slot}\"]').classList.contains('captured')")
    tab.wait("document.querySelectorAll('#log li').length > 0")
    tab.wait("document.getElementById('notice-text').textContent !== ''")


def test_a_change_is_undone(tab: Tab) -> None:
    play(tab)
    tab.click("#answer")
    tab.wait(ANSWERED)
    tab.drag([tab.point(track(2), 0.5, 0.5)])
    tab.wait(f"{PART}.values['weight 2'] > 0.4")
    tab.click("#answer")
    tab.wait(ANSWERED)
    tab.click("#undo")
    tab.wait(f"{PART}.values['weight 2'] === 0")


def test_a_control_is_named_for_learning_and_not_moved(tab: Tab) -> None:
    tab.click("#learn")
    tab.wait("document.getElementById('notice-text').textContent.includes('--control')")
    tab.evaluate("window.sent = [], rnnae.link.send = (message) => window.sent.push(JSON.stringify(message))")
    tab.evaluate("rnnae.mirror.take({learn: {armed: null, recent: [], refused: null}})")
    tab.wait("!document.getElementById('learn').classList.contains('idle')")
    tab.click("#learn")
    tab.click(track(3))
    tab.click("#freeze")
    learned = "window.sent.filter((one) => !one.includes('ping'))"
    assert tab.evaluate(learned) == ['{"learn":"weight 3"}', '{"learn":"freeze toggle"}']
    assert tab.evaluate("document.getElementById('controls').hidden") is True
    tab.evaluate("rnnae.mirror.take({learn: {map: 'Faders <b>'}})")
    tab.wait("document.getElementById('controls').textContent === 'Controls: Faders <b>'")
    assert tab.evaluate("document.getElementById('controls').hidden") is False
    tab.evaluate("rnnae.mirror.take({learn: {map: null}})")
    tab.wait("document.getElementById('controls').hidden")
    tab.evaluate("rnnae.mirror.take({learn: {armed: 'weight 3', recent: [], refused: 'CC 0 is bank select.'}})")
    tab.wait("document.querySelector('.armed')?.dataset.name === 'weight 3'")
    tab.wait("document.getElementById('notice-text').textContent === 'CC 0 is bank select.'")
    tab.click("#learn")
    assert tab.evaluate(learned)[-1] == '{"learn":null}'
    tab.click("#panic")
    assert "silence everything" in tab.evaluate(learned)[-1]


@pytest.mark.parametrize("place", ["nowhere", "the search", "the log"])
def test_escape_silences_everything_from_everywhere(tab: Tab, place: str) -> None:
    tab.evaluate("rnnae.link.turn('weight 1', 1), rnnae.link.turn('mode', 2)")
    tab.wait(ANSWERED)
    tab.evaluate("rnnae.link.turn('mode', 0)")
    tab.key("k", up=False)
    tab.wait(f"{PART}.listening")
    if place == "the search":
        tab.click('.fader[data-slot="3"] .head')
    elif place == "the log":
        tab.click("#notice")
        tab.wait("document.getElementById('log').open")
    tab.key("Escape")
    tab.wait(f"!{PART}.playing && !{PART}.listening && !document.querySelector('.piano .down')")


def test_the_panic_button_is_in_reach_even_while_something_lies_over_the_page(tab: Tab) -> None:
    tab.evaluate("rnnae.link.turn('weight 1', 1)")
    tab.click("#notice")
    tab.wait("document.getElementById('log').open")
    tab.evaluate("document.getElementById('answer').click()")
    tab.wait(ANSWERED)
    tab.touch("touchStart", [tab.point("#panic")])
    tab.touch("touchEnd", [])
    tab.wait(f"!{PART}.playing")


def test_a_reload_and_a_second_page_show_the_same(tab: Tab, browser: Browser, page_url: str) -> None:
    play(tab)
    tab.click("#answer")
    tab.drag([tab.point(track(3), 0.5, 0.25)])
    tab.wait(f"{PART}.values['weight 3'] > 0.6 && {PART}.heard")
    told = f"JSON.stringify([{PART}.values, {PART}.slots, {PART}.heard])"
    before = tab.evaluate(told)
    tab.call("Page.reload")
    tab.wait(f"{READY} && {told} === {before!r}")
    tab.wait("rnnae.stage.phrase.notes.length === 7")
    other = browser.open(page_url)
    other.wait(f"{READY} && {told} === {before!r}")
    other.drag([other.point(track(4), 0.5, 0.01)])
    other.wait(f"{PART}.values['weight 4'] === 1")
    assert other.errors == []
    other.close()
    tab.front()
    tab.wait(f"document.querySelector('{track(4)}').getAttribute('aria-valuenow') === '1'")


def test_a_page_whose_server_dies_comes_back_to_the_same_mix(tab: Tab, page: Page) -> None:
    tab.drag([tab.point(track(6), 0.5, 0.01)])
    tab.wait(f"{PART}.values['weight 6'] === 1")
    tab.key("a", up=False)
    tab.wait(f"{PART}.listening")
    os.kill(page.pid, signal.SIGKILL)
    tab.wait("document.body.dataset.link === 'lost'")
    assert tab.evaluate("document.querySelector('.piano .down')") is None
    tab.wait(f"{READY} && {PART}.values['weight 6'] === 1", patience=40)
    tab.errors = [one for one in tab.errors if "WebSocket" not in one and "ERR_CONNECTION" not in one]


def test_a_page_that_nobody_touches_draws_nothing(tab: Tab) -> None:
    time.sleep(1.5)
    tab.evaluate(
        "window.drawn = 0, CanvasRenderingContext2D.prototype.fillRect = new Proxy("
        "CanvasRenderingContext2D.prototype.fillRect,"
        " {apply(...all) { window.drawn += 1; return Reflect.apply(...all); }})"
    )
    time.sleep(1.0)
    assert tab.evaluate("window.drawn") == 0
    tab.drag([tab.point(track(3), 0.5, 0.25)])
    tab.wait("window.drawn > 0")

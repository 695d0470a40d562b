"""MIDI files dropped on the page and taken from it, names that want to be more than text, and the page's own files."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import mido
import pytest

from tests.page.browsing import PART, play
from tests.page.chromium import Tab

pytestmark = [pytest.mark.page, pytest.mark.timeout(240)]

STATIC = Path(__file__).parents[2] / "rnnae_live" / "page" / "static"

HOSTILE = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 1</script>'

SCALE = [60, 62, 64, 65, 67, 65, 64, 62]


def midi(pitches: list[int]) -> str:
    """Return a MIDI file with quarter notes, as base64."""
    track = mido.MidiTrack()
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=90, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    file = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    data = io.BytesIO()
    file.save(file=data)
    return base64.b64encode(data.getvalue()).decode()


def drop(tab: Tab, name: str, data: str, target: str) -> None:
    """Let a file fall on an element, as a hand lets it."""
    tab.evaluate(
        f"""(() => {{
          const bytes = Uint8Array.from(atob({json.dumps(data)}), (one) => one.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], {json.dumps(name)}, {{type: 'audio/midi'}}));
          const target = document.querySelector({json.dumps(target)});
          const box = target.getBoundingClientRect();
          const at = {{dataTransfer, bubbles: true, cancelable: true, clientX: box.left + box.width / 2,
            clientY: box.top + box.height / 2}};
          for (const kind of ['dragenter', 'dragover', 'drop']) target.dispatchEvent(new DragEvent(kind, at));
        }})()"""
    )


def test_a_file_that_is_dropped_on_a_slot_becomes_its_preset(tab: Tab) -> None:
    drop(tab, "My scale.mid", midi(SCALE), '.fader[data-slot="4"]')
    tab.wait("document.getElementById('import').open", patience=60)
    assert "8 notes in 2 bars, comes back note for note" in tab.evaluate(
        "document.querySelector('#import .told').textContent"
    )
    tab.wait(f"{PART}.slots[3] === 'My scale'")
    tab.wait("rnnae.mirror.byName.has('My scale')")
    assert [note[2] for note in tab.evaluate("rnnae.mirror.byName.get('My scale').notes")] == SCALE
    # What was read can go somewhere else as well.
    tab.evaluate("document.querySelector('#import .slot').value = '7'")
    tab.click("#import .into")
    tab.wait(f"{PART}.slots[6] === 'My scale' && !document.getElementById('import').open")


def test_what_is_no_midi_file_is_refused_with_a_sentence(tab: Tab) -> None:
    drop(tab, "picture.png", midi(SCALE), "main")
    tab.wait("document.getElementById('notice-text').textContent.includes('is no MIDI file')")
    drop(tab, "broken.mid", base64.b64encode(b"MThd nonsense").decode(), "main")
    tab.wait("document.querySelector('#log li').textContent.includes('could not be imported')", patience=60)
    assert tab.evaluate("document.getElementById('import').open") is False
    # The browser writes down every answer that is not 200; this one is meant.
    tab.errors = [one for one in tab.errors if "422" not in one]


def test_a_hostile_name_is_text(tab: Tab) -> None:
    drop(tab, f"{HOSTILE.replace('/', ' ')}.mid", midi(SCALE), '.fader[data-slot="1"]')
    tab.wait(f"{PART}.slots[0].includes('<img')", patience=60)
    tab.wait("document.querySelector('#import .name').textContent.includes('<img')")
    tab.evaluate("document.getElementById('import').close()")
    for pane in ("map", "presets", "pad"):
        tab.click(f"#tab-{pane}")
    tab.wait("[...document.querySelectorAll('.rows .name')].some((one) => one.textContent.includes('<img'))")
    assert "<img" in tab.evaluate("document.querySelector('.fader[data-slot=\"1\"] .head').textContent")
    assert tab.evaluate("document.querySelectorAll('img').length") == 0
    assert tab.evaluate("document.querySelectorAll('script').length") == 1
    assert tab.evaluate("window.hurt === undefined")
    # Not even the page's own hand could run it: the policy forbids what is written into the page.
    tab.evaluate(f"document.getElementById('ports').innerHTML = {json.dumps(HOSTILE)}")
    tab.wait("document.querySelector('#ports img').complete")
    assert tab.evaluate("window.hurt === undefined")
    assert any("Content Security Policy" in one for one in tab.errors)
    tab.errors.clear()


def test_the_answer_and_the_session_are_taken_out_as_midi_files(tab: Tab) -> None:
    play(tab)
    tab.click("#answer")
    tab.wait(f"{PART}.playing && rnnae.stage.answer.notes.length > 0")
    answered = tab.evaluate(f"{PART}.playing.notes[0][2]")
    tab.wait(f"!{PART}.playing", patience=60)
    for link in ("answer-file", "session-file"):
        data = tab.evaluate(
            f"fetch(document.getElementById('{link}').href).then((one) => one.arrayBuffer())"
            ".then((one) => btoa(String.fromCharCode(...new Uint8Array(one))))"
        )
        file = mido.MidiFile(file=io.BytesIO(base64.b64decode(data)))
        pitches = [message.note for message in file if message.type == "note_on" and message.velocity]
        assert answered in pitches
        dragged = tab.evaluate(
            "(() => { const dataTransfer = new DataTransfer();"
            f" document.getElementById('{link}').dispatchEvent(new DragEvent('dragstart', {{dataTransfer}}));"
            " return dataTransfer.getData('DownloadURL'); })()"
        )
        assert re.fullmatch(r"audio/midi:\w+\.mid:http://127\.0\.0\.1:\d+/\w+\.mid", dragged)


@pytest.mark.unit
def test_the_pages_files_are_small_and_ask_for_nothing_else() -> None:
    scripts = sorted(STATIC.glob("*.js"))
    assert len(scripts) > 15
    for script in scripts:
        text = script.read_text()
        assert len(text.splitlines()) <= 300, f"{script.name} is too long"
        assert text.startswith("/**\n * "), f"{script.name} does not say what it is"
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http:",
            "https:/",
        ):
            assert word not in text, f"{script.name} has {word}"
    page = (STATIC / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page) == []
    asked = set(re.findall(r"(?:src|href)=\"static/([^\"]+)\"", page))
    for script in scripts:
        asked |= set(re.findall(r"from \"\./([^\"]+)\"", script.read_text()))
    assert asked == {one.name for one in STATIC.iterdir() if one.name != "index.html"}

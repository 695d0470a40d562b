"""The control page for everybody: names for screen readers, contrast, focus that is seen, an order that makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.page.browsing import PART
from tests.page.chromium import Tab

pytestmark = [pytest.mark.page, pytest.mark.timeout(240)]

PANES = ("pad", "map", "presets", "shape", "timing")

CONTROLS = {"button", "slider", "textbox", "searchbox", "combobox", "tab", "radio", "link", "spinbutton", "checkbox"}

CONTRAST = 4.5
"""Of text to what is behind it: WCAG 2.2, 1.4.3."""

WORDS = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const line = (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = c.map((one) => line(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // A ground of several colours is taken at the lightest and at the darkest of them.
  const grounds = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const colours = [...style.backgroundImage.matchAll(/rgba?\\([^)]*\\)/g)].map((found) => found[0]);
      layers.unshift(colours.length && !style.backgroundImage.startsWith('url') ? colours : [style.backgroundColor]);
    }
    return [0, 1].map((which) => layers.reduce((below, layer) => {
      const sorted = layer.map(rgba).sort((one, other) => light(one) - light(other));
      return over(which ? sorted[sorted.length - 1] : sorted[0], below);
    }, [0, 0, 0, 1]));
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (element.closest('.unseen, option, noscript, script')) continue;
    const ink = rgba(getComputedStyle(element).color);
    for (const ground of grounds(element)) {
      const [one, other] = [light(over(ink, ground)), light(ground)].sort((a, b) => b - a);
      found.push([text, (one + 0.05) / (other + 0.05)]);
    }
  }
  return found;
})()"""

FOCUSED = """(() => {
  const at = document.activeElement;
  const seen = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  if (at === document.body) return ['BODY', true];
  return [at.id || at.getAttribute('aria-label') || at.closest('[data-name]')?.dataset.name || at.textContent,
    seen(at) || (at.closest('.plane') !== null && seen(at.closest('.plane')))];
})()"""


def controls(tab: Tab) -> list[dict[str, Any]]:
    """Return every control that a screen reader finds."""
    tab.call("Accessibility.enable")
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in CONTROLS]


def test_every_control_has_a_name(tab: Tab) -> None:
    for pane in PANES:
        tab.click(f"#tab-{pane}")
        found = controls(tab)
        assert len(found) > 25
        nameless = [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]
        assert nameless == [], f"in {pane}"


def test_faders_tell_their_name_range_and_value(tab: Tab) -> None:
    tab.evaluate("rnnae.link.turn('weight 2', 0.5)")
    tab.wait(f"{PART}.values['weight 2'] === 0.5")
    tab.wait("document.querySelector('.fader[data-slot=\"2\"] .track').getAttribute('aria-valuenow') === '0.5'")
    name = tab.evaluate(f"{PART}.slots[1]")
    fader = next(one for one in controls(tab) if one["name"]["value"] == f"Weight of slot 2, {name}")
    told = {one["name"]: one["value"].get("value") for one in fader["properties"]}
    assert fader["role"]["value"] == "slider"
    assert (told["valuemin"], told["valuemax"]) == (0, 1)
    assert fader["value"]["value"] in ("0.50", 0.5)


def test_text_stands_out_from_what_is_behind_it(tab: Tab) -> None:
    tab.evaluate("rnnae.link.turn('weight 2', 0.5), rnnae.link.turn('scale', 3), rnnae.link.turn('freeze', 1)")
    tab.wait("document.getElementById('freeze').getAttribute('aria-pressed') === 'true'")
    tab.key("a", up=False)
    for pane in PANES:
        tab.click(f"#tab-{pane}")
        tab.wait(f"!document.getElementById('pane-{pane}').hidden")
        words = tab.evaluate(WORDS)
        assert len(words) > 60
        faint = [(text, round(contrast, 2)) for text, contrast in words if contrast < CONTRAST]
        assert faint == [], f"in {pane}"
    tab.key("a", down=False)


def test_the_focus_goes_everywhere_in_order_and_is_seen(tab: Tab) -> None:
    order: list[str] = []
    unseen: list[str] = []
    for _ in range(70):
        tab.key("Tab")
        name, seen = tab.evaluate(FOCUSED)
        if order and name == order[0]:
            break
        order.append(name)
        if not seen:
            unseen.append(name)
    assert unseen == []
    expected = ["play", "bpm", "tap", "mode", "scale", "sound", "panic", "answer-file", "Temperature", "tab-pad"]
    expected += [
        "answer",
        "capture",
        "undo",
        "freeze",
        "hold",
        "Octave down (key Z)",
        "notice",
        "session-file",
        "learn",
    ]
    assert [name for name in order if name in expected] == expected
    assert len(set(order)) == len(order), "the focus goes in circles"


def test_faders_and_tabs_are_worked_by_keys(tab: Tab) -> None:
    tab.evaluate("document.querySelector('.fader[data-slot=\"1\"] .track').focus()")
    tab.key("End")
    tab.wait(f"{PART}.values['weight 1'] === 1")
    tab.key("PageDown")
    tab.wait(f"Math.abs({PART}.values['weight 1'] - 0.9) < 0.001")
    tab.key("Home")
    tab.wait(f"{PART}.values['weight 1'] === 0")
    tab.evaluate("document.getElementById('tab-pad').focus()")
    tab.key("ArrowRight")
    tab.wait("document.activeElement.id === 'tab-map' && !document.getElementById('pane-map').hidden")
    tab.key("ArrowLeft")
    tab.wait("document.activeElement.id === 'tab-pad' && document.getElementById('pane-map').hidden")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768), (1920, 1080), (820, 1180)])
def test_everything_has_room_on_every_screen(tab: Tab, width: int, height: int) -> None:
    tab.size(width, height)
    tab.wait(f"innerWidth === {width}")
    beside = """[...document.querySelectorAll('button, select, input, canvas, .track, output')]
      .filter((one) => one.checkVisibility() && !one.closest('.unseen, dialog, .rows, #pane-shape'))
      .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
      .filter(([, box]) => box.left < 0 || box.right > innerWidth || box.top < 0 || box.width < 10 || box.height < 10)
      .map(([name]) => name)"""
    assert tab.evaluate(beside) == []
    if height <= width:
        assert tab.evaluate("document.documentElement.scrollHeight <= innerHeight")
        bottoms = "[...document.querySelectorAll('.foot *, .keys *')].map((one) => one.getBoundingClientRect().bottom)"
        assert tab.evaluate(f"Math.max(...{bottoms})") <= height
    tab.evaluate("scrollTo(0, 1e6)")
    _, top, _, tall = tab.box("#panic")
    assert top >= 0, "panic is in reach"
    assert top + tall <= height
    small = """[...document.querySelectorAll('.top button, .actions button, .tabs button')]
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 40).length"""
    assert tab.evaluate(small) == 0, "a finger needs room"

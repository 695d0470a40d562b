"""What browsers send: the tables hold, and nothing else gets through, whatever it is."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control import ACTIONS, SPECS, Press
from rnnae_live.errors import ControlError
from rnnae_live.page.messages import Import, is_panic, read, wish

pytestmark = pytest.mark.unit

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(["turn", "value", "press", "down", "preset", "slot", "note", "mix", "part", "other"])


@given(st.text() | st.binary())
def test_whatever_comes_is_a_message_or_refused(data: str | bytes) -> None:
    try:
        kind, _ = read(data)
    except ControlError:
        return
    assert kind in ("do", "ping", "import", "export")


@given(st.dictionaries(keys, values, max_size=4))
def test_whatever_is_wished_is_in_the_words_of_the_engine_or_refused(content: dict[str, Any]) -> None:
    try:
        one = wish(content)
    except ControlError:
        return
    assert len(one.keys() & {"turn", "press", "preset", "note", "mix"}) == 1
    assert one.get("part", 0) in range(16)
    if "turn" in one:
        assert one["turn"] in SPECS
        assert math.isfinite(one["value"])
    if "press" in one:
        assert Press(one["press"]) in Press
    if "mix" in one:
        assert all(0 <= weight <= 1 for weight in one["mix"].values())


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ({"turn": "weight 1", "value": 0.5}, {"turn": "weight 1", "value": 0.5}),
        ({"turn": "bpm", "value": 90, "part": 3}, {"turn": "bpm", "value": 90.0, "part": 3}),
        ({"press": "panic"}, {"press": "silence everything"}),
        ({"press": "silence everything"}, {"press": "silence everything"}),
        ({"press": "hold", "down": False}, {"press": "let a rest end the phrase again"}),
        ({"preset": "Arirang", "slot": 8}, {"preset": "Arirang", "slot": 8}),
        ({"note": [1, 60, 100]}, {"note": [1, 60, 100], "part": 0}),
        ({"note": [False, 60, 0], "part": 2}, {"note": [0, 60, 0], "part": 2}),
        ({"mix": {"A": 1, "B": 0.25}}, {"mix": {"A": 1.0, "B": 0.25}}),
    ],
)
def test_wishes(content: dict[str, Any], asked: dict[str, Any]) -> None:
    assert read(json.dumps({"do": content})) == ("do", asked)


@pytest.mark.parametrize(
    "text",
    [
        '{"do": {"turn": "weight 1", "value": NaN}}',
        '{"do": {"turn": "weight 1", "value": 1e999}}',
        '{"do": {"turn": "weight 1", "value": ' + "9" * 400 + "}}",
        '{"do": {"turn": "weight 1", "value": true}}',
        '{"do": {"turn": "weight 1", "value": "1"}}',
        '{"do": {"turn": "weight 9", "value": 1}}',
        '{"do": {"turn": "weight 1", "value": 1, "then": "rm"}}',
        '{"do": {"turn": "weight 1", "value": 1, "part": 16}}',
        '{"do": {"turn": "weight 1", "value": 1, "part": -1}}',
        '{"do": {"turn": "weight 1", "value": 1, "part": 1.5}}',
        '{"do": {"press": "self-destruct"}}',
        '{"do": {"press": "panic", "down": false}}',
        '{"do": {"preset": "", "slot": 1}}',
        '{"do": {"preset": "x", "slot": 9}}',
        '{"do": {"preset": "' + "x" * 201 + '"}}',
        '{"do": {"note": [1, 128, 100]}}',
        '{"do": {"note": [1, 60, 0]}}',
        '{"do": {"note": [2, 60, 1]}}',
        '{"do": {"note": [1, 60]}}',
        '{"do": {"mix": {}}}',
        '{"do": {"mix": {"A": -0.1}}}',
        '{"do": {"melody": {"notes": []}}}',
        '{"do": {"turn": "weight 1", "value": 1}, "ping": 1}',
        '{"ping": null}',
        '{"export": "../../etc/passwd"}',
        '{"import": {"name": "x", "data": "not base64!"}}',
        '{"import": {"name": "x"}}',
        '{"__proto__": {}}',
        "[" * 100_000,
        '{"do":' * 50_000,
        "[]",
        "",
        "\ud800",
    ],
)
def test_what_is_refused_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(ControlError, match=r"^[A-Z].*\.$"):
        read(text)


def test_every_button_of_the_table_can_be_pressed() -> None:
    for name, action in ACTIONS.items():
        assert wish({"press": name})["press"] == action.press.value
    assert is_panic(wish({"press": "panic", "part": 3}))
    assert not is_panic(wish({"press": "answer"}))


def test_a_file_is_imported_as_it_is() -> None:
    data = bytes(range(256))
    text = json.dumps({"import": {"name": "Ähre <b>", "data": base64.b64encode(data).decode(), "slot": 2, "track": 0}})
    assert read(text) == ("import", Import("Ähre <b>", data, 2, 0, 0))

"""A port is found by its exact name, else by the only one that fits, and never by being first in a list."""

from __future__ import annotations

import pytest

from rnnae_live.errors import PortError
from rnnae_live.ports import choose, match

NAMES = ["Midi Through:Midi Through Port-0 14:0", "Launchkey MIDI 20:0", "Launchkey MIDI 2 24:0", "Synth:in 128:0"]


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("Launchkey MIDI 20:0", 1),
        ("Launchkey MIDI", 1),
        ("Launchkey MIDI 2", 2),
        ("Midi Through Port-0", 0),
        ("in", 3),
        ("synth", 3),
    ],
)
def test_exact_then_bare_then_unique(wanted: str, place: int) -> None:
    assert match(wanted, NAMES) == place


@pytest.mark.parametrize("wanted", ["Launchkey", "LAUNCHKEY MIDI 2"])
def test_several_are_never_decided_by_their_order(wanted: str) -> None:
    with pytest.raises(PortError, match="fits several ports: 'Launchkey MIDI 20:0', 'Launchkey MIDI 2 24:0'"):
        match(wanted, NAMES)


def test_nothing_is_told_with_what_there_is() -> None:
    with pytest.raises(PortError, match=r"no MIDI port 'Juno'\. There are: none"):
        match("Juno", [])


def test_the_ladder_ends_at_the_loopback_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnae_live.ports import ladder

    def refuse(name: str, client: str) -> None:
        raise PortError("not here")

    monkeypatch.setattr(ladder, "backend", refuse)
    choice = choose()
    assert choice.backend.name == "loopback"
    assert choice.why.count("\n") == 0
    assert "because" in choice.why


def test_a_system_that_is_asked_for_and_missing_is_an_error_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there-is-no-such-server")
    with pytest.raises(PortError, match=r"JACK could not be reached.*Start a JACK server"):
        choose("jack")


def test_drivers_print_nothing_while_they_are_tried(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there-is-no-such-server")
    choose()
    assert capfd.readouterr() == ("", "")

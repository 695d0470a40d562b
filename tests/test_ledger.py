"""The ledger: what sounds is written down before it does, for whoever comes after a player that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnae_live.errors import PortError
from rnnae_live.events import DueNote, note_off, note_on
from rnnae_live.ledger import Ledger
from rnnae_live.player import Player
from tests.recording import Recorder, balanced

pytestmark = pytest.mark.unit


def test_a_lost_port_leaves_the_note_in_the_ledger_for_the_next() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.0, 0.5, 0, 60, 80))
    player.play(0.0)
    out.broken = True
    with pytest.raises(PortError):
        player.play(0.5)
    assert list(player.ledger) == [(0, 60)]
    out.broken = False
    player.release()
    assert not balanced(out.sent)


def test_the_ledger_survives_its_writer(tmp_path: Path) -> None:
    first = Player(Recorder(), Ledger.open(tmp_path / "ledger"))
    first.add(DueNote(0.0, 9.0, 3, 60, 80))
    first.add(DueNote(0.0, 9.0, 15, 127, 1))
    first.play(0.0)
    out = Recorder()
    second = Player(out, Ledger.open(tmp_path / "ledger"))
    assert list(second.ledger) == [(3, 60), (15, 127)]
    second.release()
    assert [data for _, data in out.sent] == [note_off(3, 60), note_off(15, 127)]
    second.repeat([(3, 60)])
    assert [data for _, data in out.sent[2:]] == [note_off(3, 60)]
    second.add(DueNote(0.0, 9.0, 3, 60, 80))
    second.play(0.0)
    second.repeat([(3, 60)])
    assert out.sent[-1][1] == note_on(3, 60, 80)


def test_a_note_is_in_the_ledger_before_it_sounds_and_until_it_is_silent() -> None:
    seen: list[bool] = []
    ledger = Ledger()
    player = Player(lambda data: seen.append((0, 60) in ledger), ledger)
    player.add(DueNote(0.0, 1.0, 0, 60, 80))
    player.play(0.0)
    player.play(1.0)
    assert seen == [True, True]
    assert not list(ledger)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"something else")
    with pytest.raises(PortError, match="not a table of sounding notes"):
        Ledger.open(tmp_path / "ledger")

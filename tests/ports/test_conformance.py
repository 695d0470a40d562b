"""Every kind of port keeps the same promises: the loopback is held to what the real ones do."""

from __future__ import annotations

import math
import os
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from rnnae_live.errors import PortError
from rnnae_live.events import Cut, DueNote, note_off, note_on
from rnnae_live.ledger import Ledger
from rnnae_live.player import Player
from rnnae_live.ports import Backend, Change, Input, Output
from rnnae_live.ports.loopback import Loopback

ON, OFF = b"\x90\x3c\x50", b"\x80\x3c\x40"


@dataclass
class Pair:
    """Our ports, and another program's that are connected to them by name."""

    ours: Backend
    theirs: Backend
    heard: queue.Queue[tuple[float, bytes]] = field(default_factory=queue.Queue)
    answered: queue.Queue[tuple[float, bytes]] = field(default_factory=queue.Queue)
    ports: list[Input | Output] = field(default_factory=list)

    def connect(self) -> tuple[Output, Output]:
        """Open In and Out as ours, then the other program's; return its output and ours."""
        own_in = self.ours.open_input(lambda time, data: self.heard.put((time, data)))
        own_out = self.ours.open_output()
        their_out = self.theirs.open_output("to us", "RNN-AE Live In")
        their_in = self.theirs.open_input(lambda time, data: self.answered.put((time, data)), "from us", "Live Out")
        self.ports += [own_in, own_out, their_out, their_in]
        return their_out, own_out


@pytest.fixture(
    params=["loopback", pytest.param("jack", marks=pytest.mark.ports), pytest.param("rtmidi", marks=pytest.mark.ports)]
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param == "loopback":
        ours = Loopback()
        made = Pair(ours, Loopback("other", ours.world))
    else:
        request.getfixturevalue("jack_server")
        from rnnae_live.ports.jack import Jack
        from rnnae_live.ports.system import System

        kind = Jack if request.param == "jack" else partial(System, "jack")
        made = Pair(kind(), kind(f"other {os.getpid()}"))
    yield made
    for port in made.ports:
        port.close()
        port.close()
    made.ours.close()
    made.theirs.close()


def test_a_phrase_goes_in_and_out_in_order(pair: Pair) -> None:
    to_us, from_us = pair.connect()
    sent = [bytes((0x90 | n % 16, n, 1 + n)) for n in range(100)]
    for data in sent:
        to_us.send(data)
        from_us.send(data)
    assert [pair.heard.get(timeout=5)[1] for _ in sent] == sent
    assert [pair.answered.get(timeout=5)[1] for _ in sent] == sent


def test_time_is_monotonic_seconds(pair: Pair) -> None:
    to_us, from_us = pair.connect()
    before = time.monotonic()
    to_us.send(ON)
    first = pair.heard.get(timeout=5)[0]
    to_us.send(OFF)
    second = pair.heard.get(timeout=5)[0]
    # A driver that knows frames stamps with the frame: what goes out at once has the first of a period that has begun.
    frame = 2 * from_us.ahead
    assert before - frame <= first <= second <= time.monotonic() + frame


@pytest.mark.parametrize(
    "data", [b"", b"\x3c", b"\x90\x3c", b"\x90\x3c\x80", b"\x90\x3c\x50\x50", b"\xf0\x01", b"\xf4"]
)
def test_bytes_that_are_no_message_are_refused(pair: Pair, data: bytes) -> None:
    to_us, _ = pair.connect()
    with pytest.raises(PortError, match="was not sent"):
        to_us.send(data)
    to_us.send(ON)
    assert pair.heard.get(timeout=5)[1] == ON


def test_a_receiver_that_raises_is_not_lost_and_goes_on(pair: Pair) -> None:
    heard: queue.Queue[bytes] = queue.Queue()

    def receive(_time: float, data: bytes) -> None:
        heard.put(data)
        raise ValueError("no such note")

    port = pair.ours.open_input(receive)
    to_us = pair.theirs.open_output("to us", "RNN-AE Live In")
    pair.ports += [port, to_us]
    to_us.send(ON)
    to_us.send(OFF)
    assert [heard.get(timeout=5), heard.get(timeout=5)] == [ON, OFF]
    deadline = time.monotonic() + 5
    while port.fault_count < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert port.fault_count == 2
    assert str(port.faults[0]) == "no such note"


def test_a_name_that_nothing_has_is_refused_with_the_names_there_are(pair: Pair) -> None:
    pair.connect()
    with pytest.raises(PortError, match=r"There is no MIDI port 'nanoKONTROL'.*RNN-AE Live In"):
        pair.theirs.open_output("to us", "nanoKONTROL")
    with pytest.raises(PortError, match=r"There is no MIDI port 'nanoKONTROL'.*RNN-AE Live Out"):
        pair.theirs.open_input(lambda time, data: None, "from us", "nanoKONTROL")


def test_a_name_that_several_have_is_not_guessed(pair: Pair) -> None:
    pair.connect()
    pair.ports.append(pair.ours.open_input(lambda time, data: None, "RNN-AE Live In 2"))
    with pytest.raises(PortError, match="fits several"):
        pair.theirs.open_output("to us", "AE Live In")
    pair.ports.append(pair.theirs.open_output("to us again", "RNN-AE Live In"))


def test_ports_appear_under_their_names_and_go_when_they_are_closed(pair: Pair) -> None:
    pair.connect()
    assert any(name.endswith(":RNN-AE Live In") for name in pair.theirs.destinations())
    assert any(name.endswith(":RNN-AE Live Out") for name in pair.theirs.sources())
    for port in pair.ports:
        port.close()
    assert not [name for name in pair.theirs.destinations() if "RNN-AE Live In" in name]
    assert not [name for name in pair.theirs.sources() if "RNN-AE Live Out" in name]


def test_a_closed_port_says_so(pair: Pair) -> None:
    _, from_us = pair.connect()
    from_us.close()
    with pytest.raises(PortError, match="closed"):
        from_us.send(ON)


def test_what_was_sent_before_closing_arrives(pair: Pair) -> None:
    _, from_us = pair.connect()
    from_us.send(ON)
    from_us.send(OFF)
    from_us.close()
    assert [pair.answered.get(timeout=5)[1] for _ in range(2)] == [ON, OFF]


def test_a_clock_is_heard_and_what_nobody_needs_is_not(pair: Pair) -> None:
    to_us, _ = pair.connect()
    clock = [b"\xf2\x08\x01", b"\xfa", b"\xf8", b"\xfc", b"\xfb"]
    for data in (b"\xfe", b"\xf0\x7d\x01\xf7", *clock, ON):
        to_us.send(data)
    assert [pair.heard.get(timeout=5)[1] for _ in range(6)] == [*clock, ON]


def test_one_output_is_heard_by_several_and_one_input_hears_several(pair: Pair) -> None:
    heard: list[queue.Queue[bytes]] = [queue.Queue(), queue.Queue()]
    theirs = [
        pair.theirs.open_input(lambda time, data, into=into: into.put(data), f"ear {number}")  # type: ignore[misc]
        for number, into in enumerate(heard)
    ]
    hands = [pair.theirs.open_output(f"hand {number}") for number in range(2)]
    out = pair.ours.open_output("Out", "ear 0", "ear 1")
    own = pair.ours.open_input(lambda time, data: pair.heard.put((time, data)), "In", "hand 0", "hand 1")
    pair.ports += [*theirs, *hands, out, own]
    out.send(ON)
    assert [one.get(timeout=5) for one in heard] == [ON, ON]
    hands[0].send(ON)
    assert pair.heard.get(timeout=5)[1] == ON
    hands[1].send(OFF)
    assert pair.heard.get(timeout=5)[1] == OFF


def changes(backend: Backend, number: int) -> list[Change]:
    """Look again until so many named ports have changed."""
    found: list[Change] = []
    deadline = time.monotonic() + 10
    while len(found) < number:
        assert time.monotonic() < deadline, found
        found += backend.mend()
        time.sleep(0.01)
    return found


def test_named_ports_that_go_and_come_back_are_joined_again_and_hear_no_backlog(pair: Pair) -> None:
    def appear() -> tuple[Output, Input]:
        # RtMidi makes a client for each port and numbers them in the order in which they are made.
        ear = pair.theirs.open_input(lambda time, data: pair.answered.put((time, data)), "ear")
        hand = pair.theirs.open_output("hand")
        pair.ports += [hand, ear]
        return hand, ear

    stranger = pair.theirs.open_output("hand two")
    hand, ear = appear()
    out = pair.ours.open_output("Out", "ear")
    own = pair.ours.open_input(lambda time, data: pair.heard.put((time, data)), "In", "hand")
    pair.ports += [out, own]
    assert pair.ours.mend() == []
    hand.close()
    ear.close()
    gone = changes(pair.ours, 2)
    assert {(change.port, change.there) for change in gone} == {(out, False), (own, False)}
    pair.ports.append(stranger)
    out.send(note_on(0, 62, 80))
    assert pair.ours.mend() == []
    hand, ear = appear()
    back = changes(pair.ours, 2)
    assert {(change.name, change.there) for change in back} == {(change.name, True) for change in gone}
    out.send(ON)
    hand.send(ON)
    stranger.send(OFF)
    assert pair.answered.get(timeout=5)[1] == ON
    assert pair.heard.get(timeout=5)[1] == ON
    time.sleep(0.05)
    assert pair.heard.empty()


def test_whoever_is_patient_opens_without_a_named_port_and_joins_it_later(pair: Pair) -> None:
    pair.ours.patient = True
    out = pair.ours.open_output("Out", "ear")
    pair.ports.append(out)
    assert [(peer.wanted, peer.there) for peer in out.peers] == [("ear", False)]
    pair.ports.append(pair.theirs.open_input(lambda time, data: pair.answered.put((time, data)), "ear"))
    assert [change.there for change in changes(pair.ours, 1)] == [True]
    out.send(ON)
    assert pair.answered.get(timeout=5)[1] == ON


def test_an_output_that_asks_for_what_is_due_writes_its_last_before_it_closes(pair: Pair) -> None:
    _, from_us = pair.connect()
    player = Player(ledger=Ledger())
    if not from_us.drive(player.drive):
        player.serve(from_us.send)
    player.add(DueNote(time.monotonic(), math.inf, 0, 60, 80))
    if from_us.ahead == 0:
        player.play(time.monotonic())
    assert pair.answered.get(timeout=5)[1] == ON
    player.cut(Cut())
    from_us.close()
    assert pair.answered.get(timeout=5)[1] == note_off(0, 60)
    assert not list(player.ledger)

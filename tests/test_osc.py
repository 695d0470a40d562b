"""Open Sound Control: the table of addresses, hostile datagrams, pacing in virtual time, and a server on loopback."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import queue
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from rnnae_live.cli import cli
from rnnae_live.cli.osc import place
from rnnae_live.control import ACTIONS, PART_SPECS, SHARED_SPECS, SPECS, Press
from rnnae_live.errors import ConfigError, ControlError, PortError, UsageError
from rnnae_live.osc import Order, OscServer, Refresh, addresses, told, understood
from rnnae_live.osc.flow import (
    BURST,
    ECHO,
    LONGEST_WAIT,
    MOST_LATER,
    MOST_ORDERS,
    MOST_PRESSES,
    QUIET,
    RATE,
    Feedback,
    Intake,
    Later,
)
from rnnae_live.osc.packet import DEEPEST, IMMEDIATELY, LARGEST, MOST_MESSAGES, Message, ahead, datagram, messages

pytestmark = pytest.mark.unit

PATIENCE = 20.0
"""Seconds after which something that was sent over loopback counts as lost."""

ARGUMENTS = st.lists(
    st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(width=32) | st.text(max_size=20), max_size=3
)


def bundle(*contents: bytes, tag: int = IMMEDIATELY) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(one)) + one for one in contents)


def send(port: int, path: str, *arguments: float | str) -> None:
    """Send a message as a client of python-osc does."""
    with contextlib.closing(SimpleUDPClient("127.0.0.1", port)) as client:
        client.send_message(path, list(arguments))


def test_where_to_listen_is_a_port_an_address_or_nowhere() -> None:
    assert place("off") is None
    assert place("9010") == ("127.0.0.1", 9010)
    assert place("0.0.0.0:9010") == ("0.0.0.0", 9010)
    assert place("[::1]:9010") == ("::1", 9010)
    for text in ("", "0", "65536", "nine", "a:b", ":9010", "-1"):
        with pytest.raises(UsageError, match="is no place for OSC"):
            place(text)


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "arguments", "order"),
    [
        ("/rnnae/part/1/weight/3", (0.75,), Order(0, "weight 3", 0.75)),
        ("/rnnae/part/16/weight/8", (1,), Order(15, "weight 8", 1.0)),
        ("/rnnae/follow", (0.5,), Order(0, "follow", 0.5)),
        ("/rnnae/deja-vu", (0.5,), Order(0, "deja vu", 0.5)),
        ("/rnnae/bpm", (96,), Order(None, "bpm", 96.0)),
        ("/rnnae/scale", ("dorian",), Order(0, "scale", SPECS["scale"].named("dorian"))),
        ("/rnnae/part/2/mode", (2,), Order(1, "mode", 2.0)),
        ("/rnnae/octave", (-1.0,), Order(0, "octave", -1.0)),
        ("/rnnae/freeze", (True,), Order(0, "freeze", 1.0)),
        ("/rnnae/answer", (), Order(0, "answer", 1.0)),
        ("/rnnae/part/3/answer", (1.0,), Order(2, "answer", 1.0)),
        ("/rnnae/hold", (0,), Order(0, "hold", 0.0)),
        ("/rnnae/panic", (), Order(None, "panic", 1.0)),
        ("/rnnae/preset/select", ("Ode to Joy",), Order(0, "preset", "Ode to Joy")),
        ("/rnnae/part/2/preset/select", (5,), Order(1, "preset", 5.0)),
        ("/rnnae/refresh", (), Refresh()),
    ],
)
def test_a_message_is_an_order(path: str, arguments: tuple[float | str, ...], order: object) -> None:
    assert understood(Message(path, arguments)) == order


def test_what_a_button_says_when_it_goes_down_and_comes_up() -> None:
    assert Order(0, "hold", 1.0).press is Press.HOLD
    assert Order(0, "hold", 0.0).press is Press.LET_GO
    assert Order(0, "answer", 1.0).press is Press.ANSWER
    assert Order(0, "answer", 0.0).press is None
    assert Order(0, "bpm", 90.0).press is None


@pytest.mark.parametrize(
    ("path", "arguments", "why"),
    [
        ("/rnnae/bmp", (96,), "There is no OSC address '/rnnae/bmp'"),
        ("/rnnae/part/*/follow", (1,), "There is no OSC address"),
        ("/rnnae/part/0/follow", (1,), "There is no OSC address"),
        ("/rnnae/part/17/follow", (1,), "There is no OSC address"),
        ("/rnnae/bpm", (), "0 arguments were sent"),
        ("/rnnae/bpm", (96, 97), "2 arguments were sent"),
        ("/rnnae/bpm", ("96",), "'96' is no finite number"),
        ("/rnnae/bpm", (math.nan,), "nan is no finite number"),
        ("/rnnae/bpm", (math.inf,), "inf is no finite number"),
        ("/rnnae/bpm", (301.0,), "301 is no bpm; it is from 20 to 300"),
        ("/rnnae/mode", (3,), "3 is no mode"),
        ("/rnnae/mode", ("anser",), "no mode"),
        ("/rnnae/answer", ("now",), "is no finite number"),
        ("/rnnae/preset/select", (0,), "0 is no program"),
        ("/rnnae/preset/select", (" ",), "no name of a preset"),
        ("/rnnae/preset/select", ("x" * 201,), "no name of a preset"),
    ],
)
def test_what_is_none_is_refused_with_its_reason(path: str, arguments: tuple[float | str, ...], why: str) -> None:
    with pytest.raises(ControlError, match=r"(?s).*") as error:
        understood(Message(path, arguments))
    assert why in str(error.value)
    assert str(error.value).isprintable()


def test_every_parameter_and_action_has_an_address_in_every_part() -> None:
    there = {(one.part, one.name) for one in addresses().values()}
    for part in range(16):
        assert {(part, one.name) for one in PART_SPECS} <= there
    assert {(None, one.name) for one in SHARED_SPECS} <= there
    assert set(ACTIONS) <= {name for _, name in there}


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("long", [False, True])
def test_what_is_told_can_be_sent_back(name: str, place: float, long: bool) -> None:
    spec = SPECS[name]
    part = None if spec in SHARED_SPECS else 0
    (message,) = messages(datagram(told(name, part, spec.at(place), long=long)))
    order = understood(message)
    assert isinstance(order, Order)
    assert (order.part, order.name) == (part, name)
    assert order.value == pytest.approx(spec.at(place), rel=1e-6, abs=1e-6)


@given(st.sampled_from(sorted(addresses())), ARGUMENTS)
def test_an_order_is_in_its_range_or_refused(path: str, arguments: list[float | str]) -> None:
    try:
        order = understood(Message(path, tuple(arguments)))
    except ControlError:
        return
    if isinstance(order, Order) and order.name in SPECS:
        spec = SPECS[order.name]
        assert isinstance(order.value, float)
        assert spec.minimum <= order.value <= spec.maximum


def test_the_list_is_printed() -> None:
    done = CliRunner().invoke(cli, ["osc", "--list", "--part", "2"])
    assert done.exit_code == 0
    assert "/rnnae/part/2/weight/3 " in done.stdout
    assert len(json.loads(CliRunner().invoke(cli, ["osc", "--json"]).stdout)) == len(addresses())
    assert CliRunner().invoke(cli, ["osc"]).exit_code == 2


# -- datagrams -------------------------------------------------------------------------------------------------------


def test_bundles_are_read_in_their_order_and_four_deep() -> None:
    one = datagram(Message("/rnnae/bpm", (96,)))
    data = bundle(one, bundle(datagram(Message("/rnnae/answer"))), one)
    assert [m.path for m in messages(data)] == ["/rnnae/bpm", "/rnnae/answer", "/rnnae/bpm"]
    deep = one
    for _ in range(DEEPEST):
        deep = bundle(deep)
    assert [m.path for m in messages(deep)] == ["/rnnae/bpm"]
    with pytest.raises(ControlError, match="deeper than 4"):
        messages(bundle(deep))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#bundle\0",
        b"#bundle\0" + bytes(8) + b"\0\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", -4),
        b"#bundle\0" + bytes(8) + struct.pack(">i", 0),
        b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 1) + b"/a\0\0",
        b"/rnnae/bpm",
        b"/rnnae/bpm\0\0,f\0\0\0",
        b"/rnnae/bpm\0\0,q\0\0\0\0\0\0",
        b"/rnnae/bpm\0\0,[[[[\0\0\0",
        b"/rnnae/scale\0\0\0\0,s\0\0\xff\xff\0\0",
        b"/rnnae/\x1b[2J\0,\0\0\0",
        bundle(*[datagram(Message("/rnnae/answer"))] * (MOST_MESSAGES + 1)),
        b"/" * (LARGEST + 1),
    ],
)
def test_what_is_no_datagram_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(ControlError):
        _ = [understood(message) for message in messages(data)]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_bytes_are_messages_or_refused(data: st.DataObject) -> None:
    def spoilt(raw: bytes) -> bytes:
        for at, byte in data.draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=4)):
            raw = raw[:at] + bytes((byte,)) + raw[at + 1 :]
        return raw

    leaf = st.builds(
        lambda path, arguments: datagram(Message(path, tuple(arguments))),
        st.sampled_from(sorted(addresses())),
        ARGUMENTS,
    )
    tree = st.recursive(
        leaf | st.binary(max_size=60), lambda inner: st.lists(inner, max_size=3).map(lambda c: bundle(*c))
    )
    try:
        found = messages(spoilt(data.draw(tree)))
    except ControlError as error:
        assert str(error).isprintable()  # noqa: PT017 - either is right
        return
    for message in found:
        try:
            assert isinstance(understood(message), Order | Refresh)
        except ControlError as error:
            assert str(error).isprintable()  # noqa: PT017 - either is right


def test_a_message_has_the_latest_time_tag_of_the_bundles_around_it() -> None:
    one = datagram(Message("/rnnae/answer"))
    data = bundle(one, bundle(one, tag=900), bundle(one, tag=1100), bundle(one), tag=1000)
    assert [m.tag for m in messages(data)] == [1000, 1000, 1100, 1000]
    assert [m.tag for m in messages(one)] == [IMMEDIATELY]
    assert [m.tag for m in messages(bundle(one, tag=0))] == [IMMEDIATELY]


@pytest.mark.parametrize("now", [0.0, 1.8e9, 2_085_978_495.5, 2_085_978_496.0, 3e9])
@pytest.mark.parametrize("seconds", [0.25, 0.0, -0.25, 3600.0, -3600.0, 9.0])
def test_a_time_tag_is_so_far_ahead_also_when_the_era_ends(now: float, seconds: float) -> None:
    assert ahead(round((now + 2_208_988_800 + seconds) * 2**32) % 2**64, now) == pytest.approx(seconds, abs=1e-6)
    assert ahead(IMMEDIATELY, now) == 0.0


# -- pacing ----------------------------------------------------------------------------------------------------------


def test_of_a_parameter_the_newest_value_is_handed_on_and_presses_keep_their_order() -> None:
    intake = Intake()
    for number in range(5):
        intake.offer(Order(0, "follow", number / 10))
        intake.offer(Order(1, "follow", number / 20))
    for name in ("answer", "undo", "panic"):
        intake.offer(Order(0, name))
    assert [(one.name, one.part, one.value) for one in intake.take(0.0)] == [
        ("panic", 0, 1.0),
        ("answer", 0, 1.0),
        ("undo", 0, 1.0),
        ("follow", 0, 0.4),
        ("follow", 1, 0.2),
    ]
    assert (intake.replaced, intake.dropped, intake.wake(0.0)) == (8, 0, None)


def test_a_flood_is_bounded_and_a_panic_passes_it() -> None:
    intake, handed, panics = Intake(), 0, 0
    for step in range(1000):
        for number in range(200):
            intake.offer(Order(number % 16, f"weight {number % 8 + 1}", step / 1000))
            intake.offer(Order(0, "answer"))
        if step % 100 == 0:
            intake.offer(Order(None, "panic"))
        out = intake.take(step / 1000)
        panics += out[:1] == [Order(None, "panic")]
        handed += len(out)
    assert panics == 10
    assert handed <= BURST + MOST_ORDERS + 10
    assert handed > MOST_ORDERS
    assert intake.dropped > 1000 * 200 - handed - MOST_PRESSES


def test_what_is_timed_is_done_in_the_order_of_its_times() -> None:
    later = Later()
    for wait, name in [(2.0, "undo"), (1.0, "answer"), (2.0, "capture")]:
        assert later.put(wait, 10.0, f"/rnnae/{name}", Order(0, name))
    assert not later.put(0.0, 10.0, "/rnnae/answer", Order(0, "answer"))
    assert not later.put(-1.0, 10.0, "/rnnae/answer", Order(0, "answer"))
    assert (later.wake(), later.due(10.999)) == (11.0, [])
    assert later.due(11.0) == [("/rnnae/answer", Order(0, "answer"))]
    assert [path for path, _ in later.due(20.0)] == ["/rnnae/undo", "/rnnae/capture"]
    assert (later.wake(), later.dropped) == (None, 0)


def test_what_is_timed_too_far_ahead_or_too_much_is_dropped_and_counted() -> None:
    later = Later()
    assert later.put(LONGEST_WAIT + 0.001, 0.0, "/rnnae/answer", Order(0, "answer"))
    assert (later.wake(), later.dropped) == (None, 1)
    for number in range(MOST_LATER + 5):
        assert later.put(LONGEST_WAIT, number * 0.001, "/rnnae/answer", Order(0, "answer"))
    assert later.dropped == 6
    assert len(later.due(1000.0)) == MOST_LATER


def test_a_panic_never_waits_and_ends_what_does() -> None:
    later = Later()
    assert later.put(1.0, 0.0, "/rnnae/play", Order(None, "play"))
    assert not later.put(5.0, 0.0, "/rnnae/panic", Order(None, "panic"))
    assert (later.due(9.0), later.dropped) == ([], 1)


def test_a_parameter_is_told_thirty_times_a_second_and_its_newest_value_last() -> None:
    feedback, sent = Feedback(), []
    for step in range(1001):
        feedback.told(("follow", 0), step / 1000)
        sent += [(step / 1000, value) for _, value in feedback.due(step / 1000)]
    at = feedback.wake(1.0)
    if at is not None:
        sent += [(at, value) for _, value in feedback.due(at)]
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(sent)]
    assert min(gaps) >= 1 / RATE - 1e-9
    assert len(sent) >= RATE * 0.95
    assert sent[-1][1] == 1.0
    assert feedback.wake(9.0) is None


def test_who_turns_a_parameter_is_not_told_what_it_said() -> None:
    feedback = Feedback()
    for step in range(10):
        assert feedback.heard(("follow", 0), step / 10, step / 100)
        feedback.told(("follow", 0), max(0, step - 2) / 10)
        assert feedback.due(step / 100) == []
    feedback.told(("follow", 0), 0.9)
    assert feedback.due(0.09 + QUIET) == []
    feedback.told(("follow", 0), 0.5)
    assert feedback.due(0.09 + QUIET) == [(("follow", 0), 0.5)]


def test_a_value_that_comes_back_as_it_was_told_is_an_echo_for_a_while() -> None:
    feedback = Feedback()
    feedback.told(("follow", 0), 0.3)
    assert feedback.due(1.0) == [(("follow", 0), 0.3)]
    (narrow,) = struct.unpack(">f", struct.pack(">f", 0.3))
    assert not feedback.heard(("follow", 0), narrow, 1.0 + ECHO / 2)
    assert feedback.heard(("follow", 0), 0.4, 1.0 + ECHO / 2)
    assert feedback.heard(("follow", 0), 0.3, 1.0 + ECHO)
    assert feedback.echoes == 1


# -- the server ------------------------------------------------------------------------------------------------------


@pytest.fixture
def orders() -> queue.Queue[Order]:
    return queue.Queue()


@pytest.fixture
def server(orders: queue.Queue[Order]) -> Iterator[OscServer]:
    opened = OscServer("127.0.0.1", 0, orders.put)
    opened.start()
    yield opened
    opened.close()


@pytest.fixture
def client(server: OscServer) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.connect(("127.0.0.1", server.port))
        opened.settimeout(PATIENCE)
        yield opened


def test_a_client_of_another_library_is_understood(server: OscServer, orders: queue.Queue[Order]) -> None:
    send(server.port, "/rnnae/part/2/weight/3", 0.75)
    assert orders.get(timeout=PATIENCE) == Order(1, "weight 3", 0.75)
    builder = OscBundleBuilder(0)  # What python-osc takes for immediately.
    message = OscMessageBuilder("/rnnae/scale")
    message.add_arg("dorian")
    builder.add_content(message.build())
    with SimpleUDPClient("127.0.0.1", server.port) as client:
        client.send(builder.build())
    assert orders.get(timeout=PATIENCE) == Order(0, "scale", SPECS["scale"].named("dorian"))
    send(server.port, "/rnnae/panic")
    assert orders.get(timeout=PATIENCE).press is Press.PANIC


def test_a_bundle_is_done_at_its_time_tag_and_a_late_one_at_once(
    server: OscServer, orders: queue.Queue[Order], client: socket.socket
) -> None:
    def tagged(seconds: float, path: str) -> bytes:
        tag = round((time.time() + 2_208_988_800 + seconds) * 2**32)
        return bundle(datagram(Message(path)), tag=tag)

    sent = time.monotonic()
    client.send(tagged(0.5, "/rnnae/undo"))
    client.send(tagged(0.3, "/rnnae/capture"))
    client.send(tagged(LONGEST_WAIT + 60.0, "/rnnae/play"))
    client.send(tagged(-60.0, "/rnnae/answer"))
    assert orders.get(timeout=PATIENCE).name == "answer"
    assert [orders.get(timeout=PATIENCE).name for _ in range(2)] == ["capture", "undo"]
    assert time.monotonic() - sent >= 0.499  # The clock on the wall may be slewed meanwhile.
    assert (server.counts().dropped, server.counts().refused, server.counts().messages) == (1, 0, 4)


def test_the_last_sender_is_told_what_changes(
    server: OscServer, orders: queue.Queue[Order], client: socket.socket
) -> None:
    server.told("bpm", None, 120.0)
    client.send(datagram(Message("/rnnae/follow", (0.5,))))
    assert messages(client.recv(LARGEST)) == [Message("/rnnae/bpm", (120.0,))]
    server.told("follow", 0, 0.5)
    server.told("scale", 1, 5.0)
    assert messages(client.recv(LARGEST)) == [Message("/rnnae/part/2/scale", (5,))]
    client.send(datagram(Message("/rnnae/refresh")))
    again = {messages(client.recv(LARGEST))[0].path for _ in range(3)}
    assert again == {"/rnnae/bpm", "/rnnae/follow", "/rnnae/part/2/scale"}
    client.send(datagram(Message("/rnnae/part/1/x", (0.5,))))
    assert [orders.get(timeout=PATIENCE).name for _ in range(2)] == ["follow", "x"]
    server.told("y", 0, 0.25)
    assert messages(client.recv(LARGEST)) == [Message("/rnnae/part/1/y", (0.25,))]


def test_another_sender_takes_over_and_is_told_everything(server: OscServer, client: socket.socket) -> None:
    server.told("bpm", None, 90.0)
    client.send(datagram(Message("/rnnae/answer")))
    assert messages(client.recv(LARGEST))[0].arguments == (90.0,)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(PATIENCE)
        other.sendto(datagram(Message("/rnnae/answer")), ("127.0.0.1", server.port))
        assert messages(other.recv(LARGEST))[0].arguments == (90.0,)
        server.told("bpm", None, 91.0)
        assert messages(other.recv(LARGEST))[0].arguments == (91.0,)


def test_the_port_that_is_told_can_be_another_than_the_one_that_sends(orders: queue.Queue[Order]) -> None:
    heard: queue.Queue[tuple[str, float]] = queue.Queue()
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda path, *given: heard.put((path, given[0])))
    with ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher) as surface:
        threading.Thread(target=surface.serve_forever, daemon=True).start()
        server = OscServer("127.0.0.1", 0, orders.put, reply_port=surface.server_address[1])
        server.start()
        send(server.port, "/rnnae/answer", 1)
        orders.get(timeout=PATIENCE)
        server.told("bpm", None, 99.0)
        assert heard.get(timeout=PATIENCE) == ("/rnnae/bpm", 99.0)
        server.close()
        surface.shutdown()


def test_hostile_datagrams_are_counted_and_the_next_order_is_taken(
    server: OscServer, orders: queue.Queue[Order], client: socket.socket
) -> None:
    hostile = [b"", b"\xff" * 100, bundle(bundle(bundle(bundle(bundle())))), b"/" + b"a" * (LARGEST + 100),
               datagram(Message("/rnnae/bpm", (1e9,))), datagram(Message("/nowhere"))]  # fmt: skip
    for data in hostile:
        client.send(data)
    client.send(datagram(Message("/rnnae/bpm", (96.0,))))
    assert orders.get(timeout=PATIENCE) == Order(None, "bpm", 96.0)
    counts = server.counts()
    assert (counts.refused, counts.datagrams, counts.orders, counts.faults) == (len(hostile), len(hostile) + 1, 1, 0)
    assert "/nowhere" in counts.refusal


def test_whoever_takes_orders_and_fails_ends_nothing() -> None:
    seen: queue.Queue[Order] = queue.Queue()

    def take(order: Order) -> None:
        seen.put(order)
        raise RuntimeError

    server = OscServer("localhost", 0, take)
    server.start()
    for _ in range(3):
        send(server.port, "/rnnae/answer", 1)
        assert seen.get(timeout=PATIENCE) == Order(0, "answer")
    server.close()
    assert server.counts().faults == 3


def test_an_address_that_others_can_reach_has_to_be_asked_for(orders: queue.Queue[Order]) -> None:
    for address in ("0.0.0.0", "::"):
        with pytest.raises(ConfigError, match="other computers; give --osc-open"):
            OscServer(address, 0, orders.put).start()
    server = OscServer("0.0.0.0", 0, orders.put, open_to_others=True)
    server.start()
    send(server.port, "/rnnae/answer", 1)
    assert orders.get(timeout=PATIENCE) == Order(0, "answer")
    server.close()


def test_a_port_that_is_taken_is_said(server: OscServer, orders: queue.Queue[Order]) -> None:
    with pytest.raises(PortError, match=f"UDP port {server.port} of 127.0.0.1 cannot be opened"):
        OscServer("127.0.0.1", server.port, orders.put).start()
    with pytest.raises(PortError, match="is no address"):
        OscServer("256.1.1.1", 0, orders.put).start()

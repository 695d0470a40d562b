"""The processes of a live session: how they talk, what survives them, and that they start, stay and leave."""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live import events
from rnnae_live.cli.live import preset_weight
from rnnae_live.cli.panic import command as panic
from rnnae_live.cli.ports import command as ports
from rnnae_live.errors import UsageError
from rnnae_live.events import Cut, Due, DueNote, Mark, Notice, Output, Retime, Thru, Withdraw
from rnnae_live.live import wire
from rnnae_live.live.session import Session, running
from rnnae_live.live.wire import Kind, Link, LinkLostError, Listener, call
from tests.processes import BOUND, child, children

REPOSITORY = Path(__file__).parents[1]


def linked() -> tuple[Link, Link]:
    first, second = socket.socketpair()
    return Link(first), Link(second)


def received(link: Link) -> list[wire.Frame]:
    assert select.select([link], [], [], 5)[0]
    return link.receive()


pitches = st.integers(0, 127)
parts = st.integers(0, 15)
moments = st.floats(0, 1e9)
outputs = st.one_of(
    st.builds(DueNote, moments, moments, st.integers(0, 15), pitches, pitches, parts),
    st.builds(Withdraw, parts, moments, st.one_of(moments, st.just(math.inf))),
    st.builds(Retime, parts, st.integers(0, 15), pitches, moments),
    st.builds(Thru, st.integers(0, 2)),
    st.builds(Due, moments, st.binary(min_size=1, max_size=20), st.integers(0, 1)),
    st.builds(Cut, st.booleans()),
    st.builds(Notice, st.text(max_size=50), st.booleans()),
    st.builds(Mark, moments, st.text(max_size=50)),
)


@pytest.mark.unit
@given(st.lists(outputs, max_size=20))
def test_what_the_engine_puts_out_arrives_as_it_was(sent: list[Output]) -> None:
    here, there = linked()
    here.send_frames([wire.pack_output(one) for one in sent])
    here.send(Kind.PING)
    frames: list[wire.Frame] = []
    while not frames or frames[-1][0] is not Kind.PING:
        frames += received(there)
    assert [wire.unpack_output(frame) for frame in frames[:-1]] == sent
    here.close()
    there.close()


@pytest.mark.unit
def test_input_keeps_its_time() -> None:
    kind, payload = wire.pack_input(12.5, b"\x90\x3c\x50")
    assert kind is Kind.INPUT
    assert wire.unpack_input(payload) == (12.5, b"\x90\x3c\x50", events.PLAYED)
    assert wire.unpack_input(wire.pack_input(12.5, b"\xf8", events.CONTROL)[1]) == (12.5, b"\xf8", events.CONTROL)


@pytest.mark.unit
def test_frames_that_come_in_pieces_are_whole() -> None:
    raw, end = socket.socketpair()
    there = Link(end)
    data = b"\x03\x00\x00\x00\x02abc" + b"\x00\x00\x00\x00\x06"
    frames = []
    for byte in data:
        raw.send(bytes((byte,)))
        frames += received(there)
    assert frames == [(Kind.INPUT, b"abc"), (Kind.PING, b"")]
    raw.close()
    there.close()


@pytest.mark.unit
@pytest.mark.parametrize("data", [b"\x00\x00\x00\x00\xff", b"\xff\xff\xff\xff\x02"])
def test_what_is_no_frame_cuts_the_line(data: bytes) -> None:
    raw, end = socket.socketpair()
    there = Link(end)
    raw.send(data)
    with pytest.raises(LinkLostError):
        received(there)
    raw.close()
    there.close()


@pytest.mark.unit
def test_an_end_that_takes_nothing_is_given_up_and_never_waited_for() -> None:
    here, there = linked()
    frames = [(Kind.NOTICE, bytes(1000))] * 2000
    with pytest.raises(LinkLostError, match="takes nothing"):
        here.send_frames(frames)
    here.close()
    there.close()


@pytest.mark.unit
def test_an_end_that_closes_is_noticed() -> None:
    here, there = linked()
    there.close()
    with pytest.raises(LinkLostError):
        received(here)
    here.close()


@pytest.mark.unit
@pytest.mark.parametrize("longest", [100, 0])
def test_listening_and_calling_by_unix_socket_and_by_port(
    tmp_path: Path, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LONGEST_UNIX_PATH", longest)
    monkeypatch.chdir(tmp_path)
    folder = Path("s")
    folder.mkdir()
    with pytest.raises(OSError, match=r"No such file"):
        call(folder, "player")
    listener = Listener(folder, "player")
    here = call(folder, "player", patience=1)
    there = listener.accept()
    assert there is not None
    here.send(Kind.PING)
    assert received(there) == [(Kind.PING, b"")]
    for end in (here, there, listener):
        end.close()


@pytest.mark.unit
def test_a_stranger_without_the_secret_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_UNIX_PATH", 0)
    listener = Listener(tmp_path, "front")
    port = int((tmp_path / "front.port").read_text().split()[0])
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(bytes(32))
        assert listener.accept() is None
    listener.close()


@pytest.mark.unit
def test_a_dead_session_leaves_its_notes_to_the_next_and_a_live_one_does_not() -> None:
    first = Session()
    first.ledger.add(2, 60, 80)
    assert running() == [first.folder]
    second = Session()
    assert second.left == []
    second.close()
    # The lock of a process that was killed is free, and its folder is still there.
    assert first._lock is not None
    first._lock.close()
    third = Session()
    assert third.left == [(2, 60)]
    assert list(third.ledger) == [(2, 60)]
    assert not first.folder.exists()
    first.ledger.close()
    third.close()
    assert third.folder.exists()
    fourth = Session()
    assert fourth.left == [(2, 60)]
    fourth.ledger.remove(2, 60)
    fourth.close()
    assert running() == []


@pytest.mark.unit
def test_nobody_else_can_enter_the_folder_of_a_session() -> None:
    session = Session()
    assert stat.S_IMODE(session.folder.stat().st_mode) == 0o700
    session.close()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "pair"),
    [("Arirang=0.5", ("Arirang", 0.5)), ("Arirang", ("Arirang", 1.0)), ("a=b=1", ("a=b", 1.0)), ("#3=0", ("#3", 0.0))],
)
def test_presets_of_the_command_line(text: str, pair: tuple[str, float]) -> None:
    assert preset_weight(text) == pair


@pytest.mark.unit
@pytest.mark.parametrize("text", ["Arirang=2", "Arirang=-1", "Arirang=much", "Arirang=nan", "Arirang="])
def test_weights_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"-p 'Arirang=0\.5'"):
        preset_weight(text)


@pytest.mark.unit
def test_panic_without_a_session_and_a_port_says_what_to_give() -> None:
    result = CliRunner().invoke(panic, [])
    assert "--out NAME" in str(result.exception)


@pytest.mark.unit
def test_ports_of_a_system_without_any() -> None:
    result = CliRunner().invoke(ports, ["--backend", "loopback"])
    assert result.output == "loopback, --in: none\nloopback, --out: none\n"
    result = CliRunner().invoke(ports, ["--backend", "loopback", "--json"])
    assert result.output == '{"loopback": {"in": [], "out": []}}\n'


# -- a whole session, without any MIDI system ------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``rnnae-live live`` with the loopback; whatever is left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def _start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*BOUND, sys.executable, "-m", "rnnae_live", "live", "--backend", "loopback", *options],
            cwd=REPOSITORY,
            env={**os.environ, "RNNAE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def line(stream: IO[str] | None, words: str) -> str:
    """Return the next line that holds some words."""
    assert stream is not None
    for text in stream:
        if words in text:
            return text
    raise AssertionError(f"no line with {words!r}")


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_without_any_midi_it_starts_says_so_stays_and_leaves_with_0(
    start: Callable[..., subprocess.Popen[str]], number: int
) -> None:
    process = start()
    assert "loopback" in line(process.stdout, "MIDI:")
    assert "RNN-AE Live In" in line(process.stdout, "ready")
    time.sleep(0.3)
    assert process.poll() is None
    asked = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - asked < 2.0
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.model
def test_a_wrong_preset_ends_it_with_a_sentence(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("-p", "There Is No Such Song=1")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "There is no preset called" in errors
    assert "Traceback" not in errors


@pytest.mark.unit
def test_a_bank_that_is_none_ends_it_with_a_sentence(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start("--bank", str(tmp_path))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Error: " in errors
    assert "Traceback" not in errors


@pytest.mark.model
def test_children_leave_when_the_front_is_killed(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start()
    line(process.stdout, "ready")
    pids = list(children(process.pid))
    assert len(pids) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.model
def test_the_front_gives_a_child_that_dies_five_more_chances_a_minute(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start()
    line(process.stdout, "ready")
    for _ in range(5):
        os.kill(child(process.pid, "player"), signal.SIGKILL)
        line(process.stdout, "player plays again")
    os.kill(child(process.pid, "player"), signal.SIGKILL)
    assert "died 6 times in a minute; next try in" in line(process.stdout, "died 6 times")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0

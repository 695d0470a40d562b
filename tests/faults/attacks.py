"""Rows about the outside: pages of strangers, floods over the network, and starts at which something is wrong.

The session plays on the loopback; that it plays on, and how late, is what its player says.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from rnnae_live.live import wire
from rnnae_live.live.wire import Kind
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.osc.addresses import told
from rnnae_live.osc.packet import Message, datagram
from rnnae_live.presets import factory
from tests.faults.files import damaged, spoil
from tests.faults.seen import Row, Seen
from tests.processes import BOUND, children

PIECE = ("--backend", "loopback", "--mode", "loop", "--follow", "0", "--bpm", "200", "-p", "Greensleeves=1")
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Session:
    """A running session and what it has said, errors too."""

    home: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def said(self, words: str) -> str | None:
        return next((line for line in list(self.lines) if words in line), None)

    def await_line(self, *words: str, seconds: float = 30.0) -> bool:
        """Wait until some of the words are said; return whether they were before the session ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if any(self.said(one) for one in words):
                return True
            if ended:
                return False
            time.sleep(0.01)
        return False

    def status(self) -> dict[str, Any]:
        """Return what each child says of itself."""
        folder = next((self.home / "run").glob("session-*"))
        link = wire.call(folder, "front", 2.0)
        try:
            link.send(Kind.PING)
            deadline = time.monotonic() + 10.0
            while time.monotonic() < deadline:
                if select.select([link], [], [], 0.2)[0]:
                    for kind, payload in link.receive():
                        if kind is Kind.PONG:
                            return wire.unpack_json(payload)
        finally:
            link.close()
        return {}

    def end(self) -> int:
        """End it as a terminal does, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()


@contextmanager
def session(home: Path, *options: str, **variables: str) -> Iterator[Session]:
    """Run ``rnnae-live live``; whatever is left of it is ended."""
    process = subprocess.Popen(
        [*BOUND, sys.executable, "-m", "rnnae_live", "live", *options],
        cwd=REPOSITORY, env={**os.environ, "RNNAE_HOME": str(home), "RNNAE_PAGE": "off", **variables},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    found = Session(home, process)
    reader = threading.Thread(target=found.read, daemon=True)
    reader.start()
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def request(port: int, data: bytes, seconds: float = 5.0) -> bytes:
    """Send bytes and return what is answered, as far as something is."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=seconds) as one:
        one.sendall(data)
        answer = b""
        while len(answer) < 4096 and (more := one.recv(4096)):
            answer += more
            if b"\r\n\r\n" in answer:
                break
        return answer
    return b""


def is_up(port: int) -> bool:
    """Return whether the page is there for whoever comes as a browser does."""
    good = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if b" 200 " in request(port, good)[:20]:
            return True
        time.sleep(0.2)
    return False


def strangers(port: int, dice: random.Random) -> dict[str, bytes]:
    """Return requests that nobody may make, by what is wrong with them."""
    here = f"127.0.0.1:{port}"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n"  # noqa: E501
    return {
        "DNS rebinding": b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "no Host": b"GET / HTTP/1.1\r\n\r\n",
        "two Hosts": f"GET / HTTP/1.1\r\nHost: {here}\r\nHost: evil.example\r\n\r\n".encode(),
        "another Origin": f"GET /ws HTTP/1.1\r\nHost: {here}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n".encode(),
        "no Origin": f"GET /ws HTTP/1.1\r\nHost: {here}\r\n{upgrade}\r\n".encode(),
        "path out of the folder": f"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: {here}\r\n\r\n".encode(),
        "coded path": f"GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: {here}\r\n\r\n".encode(),
        "giant header": f"GET / HTTP/1.1\r\nHost: {here}\r\nX: ".encode() + b"x" * 200_000 + b"\r\n\r\n",
        "post of a stranger": f"POST /import?name=x HTTP/1.1\r\nHost: {here}\r\nContent-Length: 3\r\n\r\nabc".encode(),
        "giant body": f"POST /import HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}\r\nContent-Length: 99999999\r\n\r\n".encode(),  # noqa: E501
        "no HTTP": bytes(dice.randrange(256) for _ in range(3_000)),
        "half a request": b"GET / HT",
    }


def page(seen: Seen, long: bool, folder: Path) -> None:
    """Attack the page in every way, flood it, kill it: nothing gets in, and the music plays on."""
    dice = random.Random(17)
    with session(folder / "home", *PIECE, "--page", "0") as one:
        seen.hold(one.await_line("page: "), f"no page: {one.lines}")
        port = int((one.said("page: ") or "http://x:0/").rsplit(":", 1)[1].split("/")[0])
        quiet = one.status().get("player", {})
        for _ in range(50 if long else 1):
            for name, data in strangers(port, dice).items():
                answer = request(port, data, 2.0)
                inside = b" 200 " in answer[:20] or b" 101 " in answer[:20] or b"root:" in answer
                seen.inject(name)
                seen.hold(not inside, f"{name} came in")
            slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
            for index, half in enumerate(slow):
                with suppress(OSError):
                    half.sendall(b"GET / HTTP/1.1\r\nHost: 127.0" if index % 2 else b"")
            seen.inject("connections that say nothing", len(slow))
            for half in slow:
                half.close()
            _browsers(seen, port, dice, 2_000 if long else 400)
            seen.hold(is_up(port), "the page is gone after an attack")
        pid = next(pid for pid, words in children(one.process.pid).items() if "rnnae_live.page" in words)
        os.kill(pid, signal.SIGKILL)
        seen.inject("SIGKILL of the page")
        seen.hold(one.await_line("page is there again"), "the page did not come back")
        seen.restarts += 1
        after = one.status().get("player", {})
        played = after.get("sent", 0) - quiet.get("sent", 0)
        seen.hold(played > 0, "nothing was played during the attack")
        seen.hold(not one.said("plays again"), "the music was started again")
        seen.figures["messages played during the attack"] = played
        seen.figures["lateness at p50, p99, most (us)"] = str(after.get("late_us"))
        seen.hold(one.end() == 0, "did not leave with 0")
        seen.hold(not any("Traceback" in line for line in one.lines), "a traceback on the terminal")


def _browsers(seen: Seen, port: int, dice: random.Random, count: int) -> None:
    """Come in as the page does, and then misbehave."""
    origin = f"http://127.0.0.1:{port}"
    wishes = ['{"do":{"turn":"follow","value":%s}}', '{"do":{"note":[1,%s,80]}}', '{"ping":%s}', '{"do":%s}']
    odd = ("1e999", "NaN", '"x"', "[[]]", "-1", "99999999999", "null", "60", "0.5", "{}")
    for size in (10, 300, 70_000, 2_000_000):
        with (
            suppress(OSError, WebSocketException, EOFError),
            connect(f"ws://127.0.0.1:{port}/ws", origin=Origin(origin), open_timeout=10, close_timeout=1) as ws,
        ):
            for _ in range(count if size < 1000 else 3):
                text = dice.choice(wishes) % dice.choice(odd)
                ws.send(text + " " * size if dice.random() < 0.9 else bytes(damaged(text.encode(), dice)))
                seen.inject("a message of a browser that misbehaves")


def osc(seen: Seen, long: bool, folder: Path) -> None:
    """Flood the OSC port with what is OSC and what is none; a wish is still heard, and the music plays on."""
    dice = random.Random(18)
    port = free_port(socket.SOCK_DGRAM)
    with session(folder / "home", *PIECE, "--osc", str(port)) as one:
        seen.hold(one.await_line("OSC: "), f"no OSC: {one.lines}")
        time.sleep(0.5)
        before = one.status().get("player", {}).get("sent", 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            began = time.monotonic()
            count = 200_000 if long else 8_000
            good = datagram(told("weight 2", 0, 0.5))
            for _ in range(count):
                kind = dice.randrange(5)
                data = good if kind == 0 else damaged(good, dice) if kind == 1 else (
                    datagram(Message("/rnnae/follow", (dice.choice((float("nan"), 1e30, 0.5)),))) if kind == 2
                    else bytes(dice.randrange(256) for _ in range(dice.randrange(64))) if kind == 3
                    else b"#bundle\0" + bytes(8) + struct.pack(">i", -4) + good
                )  # fmt: skip
                with suppress(OSError):
                    out.sendto(data, ("127.0.0.1", port))
            seen.figures["datagrams a second"] = round(count / (time.monotonic() - began))
            seen.inject("a datagram of a flood", count)
            time.sleep(1.0)
            played = one.status().get("player", {}).get("sent", 0) - before
            seen.hold(played > 0, "nothing was played during the flood")
            out.sendto(datagram(Message("/rnnae/panic")), ("127.0.0.1", port))
        seen.hold(one.await_line("Panic", seconds=10.0), "a panic after the flood is not heard")
        seen.hold(not one.said("again"), "a child was started again")
        seen.hold(one.end() == 0, "did not leave with 0")


def starts(seen: Seen, long: bool, folder: Path) -> None:
    """Start with everything wrong that can be: it starts anyway and says why, or it says why and ends."""
    dice = random.Random(19)

    def anyway(kind: str, words: str, prepare: Callable[[Path], object], *options: str) -> None:
        home = folder / f"{len(seen.injected)} {sum(seen.injected.values())}"
        home.mkdir()
        prepare(home)
        with session(home, *PIECE, *options) as one:
            seen.inject(kind)
            ready = one.await_line("ready: ")
            seen.hold(ready, f"{kind}: did not start: {one.lines[-3:]}")
            seen.hold(not words or one.await_line(words, seconds=10), f"{kind}: says nothing of '{words}': {one.lines}")
            seen.hold(not ready or one.end() == 0, f"{kind}: did not leave with 0")
            seen.hold(not any("Traceback" in line for line in one.lines), f"{kind}: a traceback")

    def refused(kind: str, words: str, *options: str, home: Path | None = None) -> None:
        with session(home or folder / "home", *options) as one:
            seen.inject(kind)
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(30)
            seen.hold(one.process.poll() in (1, 2, 4), f"{kind}: left with {one.process.poll()}")
            one.await_line(words, seconds=2)
            seen.hold(one.said(words) is not None, f"{kind}: says nothing of '{words}': {one.lines[-3:]}")
            seen.hold(not any("Traceback" in line for line in one.lines), f"{kind}: a traceback")

    configurations = [b"bpm = ", b"bpm = 9999\n", b"\xff\xfe\x00", b"nonsense = 1\n", b"a." * 9000 + b"=1"]
    for content in configurations if long else configurations[:3]:
        anyway("a broken configuration", "rnnae.toml", partial(_configuration, content))
    anyway("a preset that is broken", "left out", _broken_preset)
    anyway("a folder of presets that is a file", "", lambda home: (home / "songs").write_bytes(b"x"))
    anyway("a session that crashed, its table damaged", "", _crashed)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        anyway("the port of the page in use", "cannot be opened", lambda _home: None, "--page", port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 0))
        anyway("the port of OSC in use", "OSC is off", lambda _home: None, "--osc", str(busy.getsockname()[1]))
    refused("no ports of that name", "There is no MIDI port", "--backend", "loopback", "--in", "no such port")
    refused("no preset of that name", "There is no preset", "--backend", "loopback", "-p", "no such song")
    refused("a bank that is none", "is no bank", "--backend", "loopback", "--bank", str(folder))
    refused("a home that cannot be written", "Set RNNAE_HOME", "--backend", "loopback", home=Path("/proc/1/nowhere"))
    for turn in range(20 if long else 2):
        bank = folder / f"bank {turn}"
        shutil.copytree(factory(), bank)
        name = (*FILES, MANIFEST)[turn % 4]
        (bank / name).write_bytes(spoil((bank / name).read_bytes(), name, dice))
        refused(f"a model whose {name} is damaged", "copy the bank again", "--backend", "loopback", "--bank", str(bank))


def _configuration(content: bytes, home: Path) -> None:
    (home / "rnnae.toml").write_bytes(content)


def _broken_preset(home: Path) -> None:
    (home / "songs").mkdir()
    (home / "songs" / "broken-00000001.json").write_bytes(b'{"schema": 2')


def _crashed(home: Path) -> None:
    place = home / "run" / "session-dead"
    place.mkdir(parents=True)
    (place / "lock").write_bytes(b"")
    (place / "ledger").write_bytes(b"nonsense")


ROWS = [
    Row("the page under attack", "nothing gets in, no note is late for it", page),
    Row("OSC under attack", "bounded, a panic is heard, the music plays on", osc),
    Row("bad starts", "starts anyway and says why, or ends with one sentence", starts),
]

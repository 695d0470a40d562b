"""The page of a real session: what it shows and does, and that no attack on it, and not its death, is heard."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from rnnae_live.melody import Melody
from rnnae_live.midifile import read, write
from rnnae_live.page.process import address, bind
from rnnae_live.phrase import Note
from rnnae_live.view import apply
from tests.page.conftest import Page
from tests.processes import child, children

pytestmark = pytest.mark.model


class Eye:
    """A browser that keeps what it is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.state: dict[str, Any] = {}
        self.told: list[dict[str, Any]] = []

    def do(self, **wish: Any) -> None:  # noqa: ANN401
        self.socket.send(json.dumps({"do": wish}))

    def until(self, met: Callable[[], object]) -> None:
        """Listen until something is so."""
        deadline = time.monotonic() + 30
        while not met():
            assert time.monotonic() < deadline, (self.state, self.told[-5:])
            with suppress(TimeoutError):
                message = json.loads(self.socket.recv(timeout=0.2))
                if "state" in message:
                    self.state = apply(self.state, message["state"])
                else:
                    self.told.append(message)

    def said(self, kind: str) -> Any:  # noqa: ANN401
        """Return the newest message of a kind, when there is one."""
        self.until(lambda: any(kind in one for one in self.told))
        return next(one[kind] for one in reversed(self.told) if kind in one)

    @property
    def part(self) -> Any:  # noqa: ANN401
        return self.state["parts"]["0"]

    def phrase(self) -> None:
        """Play four notes on the keyboard of the screen, and ask for the answer."""
        for pitch in (60, 64, 67, 72):
            self.do(note=[1, pitch, 90], part=0)
            time.sleep(0.06)
            self.do(note=[0, pitch, 0], part=0)
        self.do(press="answer")


def dial(
    url: str, origin: str | None, headers: dict[str, str] | None = None
) -> AbstractContextManager[ClientConnection]:
    """Return the connection of a browser that comes from ``origin``."""
    return connect(
        url, origin=None if origin is None else Origin(origin), additional_headers=headers, max_size=None, legacy=False
    )


@contextmanager
def eye(page: Page) -> Iterator[Eye]:
    with dial(f"ws://127.0.0.1:{page.port}/ws", page.url.rstrip("/")) as one:
        seen = Eye(one)
        seen.until(lambda: "parts" in seen.state)
        yield seen


def get(page: Page, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}
    data = answer.read()
    connection.close()
    return answer.status, told, data


def raw(page: Page, data: bytes) -> bytes:
    """Return what the server answers to some bytes, until it closes or is silent."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=3) as one:
        one.sendall(data)
        answer = b""
        with suppress(TimeoutError, ConnectionError):
            while chunk := one.recv(65536):
                answer += chunk
                if len(answer) > 1 << 20:
                    break
        return answer


def post(page: Page, path: str, data: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    with suppress(ConnectionError):
        connection.request("POST", path, data, {"Origin": page.url.rstrip("/"), **headers})
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def others(page: Page) -> set[int]:
    """Return the processes that make the music."""
    return {child(page.process.pid, "player"), child(page.process.pid, "engine")}


def test_a_phrase_is_played_answered_seen_and_taken_home(page: Page, tmp_path: Path) -> None:
    with eye(page) as one:
        assert len(one.said("presets")) >= 20
        one.phrase()
        one.until(lambda: one.part["playing"])
        assert [pitch for *_, pitch, _ in one.part["heard"]["notes"]] == [60, 64, 67, 72]
        assert one.state["counts"]["answers"] == 1
        one.until(lambda: one.part["playing"] is None)
        one.until(lambda: one.state["player"]["sent"] >= 2)
        for name, tracks in (("answer", 1), ("session", 2)):
            status, headers, data = get(page, f"/{name}.mid")
            assert (status, headers["content-type"]) == (200, "audio/midi")
            assert len(read(data).parts) == tracks
            one.socket.send(json.dumps({"export": name}))
            assert one.said("export")["name"] == f"{name}.mid"
            one.told.clear()


def test_knobs_buttons_presets_and_mixes_do_what_they_say(page: Page) -> None:
    with eye(page) as one, eye(page) as two:
        one.do(turn="weight 2", value=0.75)
        one.until(lambda: one.part["values"]["weight 2"] == 0.75)
        two.until(lambda: two.part["values"]["weight 2"] == 0.75)
        one.do(preset="Arirang", slot=4)
        two.until(lambda: two.part["slots"][3] == "Arirang")
        names = [row["name"] for row in one.said("presets")]
        apart = [names[0], names[12], names[20]]
        one.do(mix=dict(zip(apart, (0.2, 0.3, 0.5), strict=True)))
        one.until(lambda: set(apart) <= set(one.part["slots"]))
        heard = {name: one.part["values"][f"weight {at}"] for at, name in enumerate(one.part["slots"], 1)}
        one.until(lambda: one.part["values"]["weight 2"] == 0.0)
        assert {name: weight for name, weight in heard.items() if weight} == dict(
            zip(apart, (0.2, 0.3, 0.5), strict=True)
        )
        one.do(press="hold")
        one.until(lambda: one.part["hold"])
        one.do(press="hold", down=False)
        two.until(lambda: not two.part["hold"])
        one.do(preset="There Is No Such Song")
        two.until(lambda: any("There is no preset called" in one.get("notice", "") for one in two.told))


def test_a_panic_is_at_the_player_before_anything_else(open_page: Callable[..., Page]) -> None:
    page = open_page("--mode", "loop", "-p", "Arirang=1")
    with eye(page) as one:
        one.until(lambda: one.part["playing"] and one.state.get("player", {}).get("sent", 0) > 2)
        for _ in range(3000):
            one.socket.send('{"do": {"preset": "Arirang"}}')
        one.do(press="panic")
        one.until(lambda: one.part["playing"] is None)
        one.until(lambda: one.state["player"]["pending"] == 0)
        # How much was too much is said with the page's next status, which the player's does not wait for.
        one.until(lambda: one.state["page"]["dropped"] > 1000)


def test_a_file_is_dropped_on_it(page: Page, tmp_path: Path) -> None:
    tune = Melody(tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate((60, 64, 67, 72, 71, 67, 64, 62))), 192)
    write(tmp_path / "tune.mid", tune)
    with eye(page) as one:
        name = "<script>alert(1)</script>"
        path = "/import?slot=5&name=%3Cscript%3Ealert(1)%3C%2Fscript%3E"
        status, body = post(page, path, (tmp_path / "tune.mid").read_bytes())
        report = json.loads(body)["imported"]
        assert (status, report["name"], report["exact"]) == (200, name, True)
        one.until(lambda: one.part["slots"][4] == name)
        one.until(lambda: any(row["name"] == name for row in one.said("presets")))
    assert post(page, "/import?name=x", b"x" * 100)[0] == 422
    assert post(page, "/import?name=x&slot=nine", b"x")[0] == 400
    assert post(page, "/import?name=x&slot=9", b"x")[0] == 400
    assert post(page, "/import?name=", b"x")[0] == 400
    assert post(page, "/import?name=x", bytes((4 << 20) + 1))[0] == 413
    assert post(page, "/import?name=x", b"x", Origin="http://evil.example")[0] == 403


def test_files_of_the_page_and_no_others(page: Page) -> None:
    status, headers, body = get(page, "/")
    assert status == 200
    assert b"<html" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    host = f"Host: 127.0.0.1:{page.port}\r\nConnection: close\r\n\r\n".encode()
    for path in (
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/....//server.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/\\..\\server.py",
        "/static/%00",
        "/static/",
        "//etc/passwd",
        "/server.py",
    ):
        answer = raw(page, b"GET " + path.encode() + b" HTTP/1.1\r\n" + host)
        assert answer.split(b" ")[1] in (b"404", b"405", b"400"), path
        assert b"import" not in answer
        assert b"root:" not in answer


def test_a_rebound_name_gets_nothing(page: Page) -> None:
    for host in ("evil.example", f"evil.example:{page.port}", "127.0.0.1", "127.0.0.1:1"):
        assert get(page, "/", Host=host)[0] == 421
        assert get(page, "/session.mid", Host=host)[0] == 421


def test_the_socket_is_for_the_page_alone(page: Page) -> None:
    url = f"ws://127.0.0.1:{page.port}/ws"
    for origin in (None, "http://evil.example", "null", f"https://127.0.0.1:{page.port}", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus, match="403"), dial(url, origin):
            pass
    for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{page.port}"}):
        with suppress(InvalidStatus):
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            upgrade = (
                f"GET /ws HTTP/1.1\r\nHost: {headers['Host']}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}"
            )
            answer = raw(page, f"{upgrade}Origin: http://{headers['Host']}\r\n\r\n".encode())
            assert b" 101 " not in answer
            assert answer.split(b" ")[1] == b"403"


def test_what_is_too_long_or_no_message_ends_a_connection_and_no_other(page: Page) -> None:
    with eye(page) as good:
        for data in ("x" * ((1 << 16) + 1), b"\xff" * ((1 << 16) + 1)):
            with eye(page) as one:
                one.socket.send(data)
                with pytest.raises(ConnectionClosed):
                    one.until(lambda: False)
        with eye(page) as one:
            for text in ("", "[", "{}", '{"do": null}', '{"do": {"turn": "bpm", "value": NaN}}', "[" * 60000):
                one.told.clear()
                one.socket.send(text)
                assert one.said("refused")
            one.socket.send(b"binary")
            assert one.said("refused")
        junk = [b"\x00" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000, b"GET /" + b"x" * 100_000, os.urandom(5000)]
        for data in junk:
            raw(page, data)
        good.do(turn="weight 1", value=0.5)
        good.until(lambda: good.part["values"]["weight 1"] == 0.5)
        assert good.state["counts"]["faults"] == 0


def test_the_seventeenth_page_is_told_so(page: Page) -> None:
    url, origin = f"ws://127.0.0.1:{page.port}/ws", page.url.rstrip("/")
    with ExitStack() as opened:
        for _ in range(16):
            opened.enter_context(dial(url, origin))
        with pytest.raises(InvalidStatus, match="403"), dial(url, origin):
            pass


def test_a_page_that_never_reads_is_cut_off_while_another_plays(page: Page) -> None:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", page.port))
    where = f"127.0.0.1:{page.port}"
    upgrade = f"GET /ws HTTP/1.1\r\nHost: {where}\r\nOrigin: http://{where}\r\nConnection: Upgrade\r\n"
    deaf.sendall(f"{upgrade}Upgrade: websocket\r\n{key}\r\n".encode())
    # The terminal is told as well, and somebody has to read there.
    Thread(target=page.process.stdout.read, daemon=True).start()  # type: ignore[union-attr]
    with deaf, eye(page) as one:
        one.until(lambda: one.state.get("page", {}).get("viewers") == 2)
        # Each refused wish is told to everybody; one of them does not listen.
        for number in range(1200):
            one.do(preset=f"{number} {'x' * 190}")
            time.sleep(0.007)
        assert "xxx" in one.said("notice")
        one.until(lambda: one.state["page"]["viewers"] == 1)
        one.do(turn="weight 1", value=0.5)
        one.until(lambda: one.part["values"]["weight 1"] == 0.5)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_when_the_page_dies_the_music_does_not_and_the_page_is_where_it_was(page: Page, number: int) -> None:
    music, pid = others(page), page.pid
    with eye(page) as one:
        one.do(turn="weight 3", value=0.25)
        one.until(lambda: one.part["values"]["weight 3"] == 0.25)
        os.kill(pid, number)
        assert page.line("page is there again")
    with eye(page) as again:
        assert again.part["values"]["weight 3"] == 0.25
    assert others(page) == music
    assert page.pid != pid


def test_when_the_engine_dies_the_page_goes_on(page: Page) -> None:
    with eye(page) as one:
        one.do(turn="weight 3", value=0.25)
        one.until(lambda: one.part["values"]["weight 3"] == 0.25)
        time.sleep(0.3)
        os.kill(child(page.process.pid, "engine"), signal.SIGKILL)
        one.until(lambda: any("engine plays again" in one.get("notice", "") for one in one.told))
        one.do(turn="weight 4", value=0.5)
        one.until(lambda: one.part["values"]["weight 4"] == 0.5)
        assert one.part["values"]["weight 3"] == 0.25


def test_where_its_port_is_taken_the_session_goes_on_and_says_so(open_page: Callable[..., Page]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page = open_page(page=str(port), wait=False)
        assert f"The port {port} of 127.0.0.1 cannot be opened" in page.line("page")
        assert len(others(page)) == 2
        time.sleep(0.5)
        assert page.process.poll() is None
        assert len(children(page.process.pid)) == 2


def test_it_is_off_where_that_is_asked_for(open_page: Callable[..., Page]) -> None:
    page = open_page(page="off", wait=False)
    page.line("ready:")
    time.sleep(0.5)
    assert len(children(page.process.pid)) == 2


def test_other_computers_need_the_link_that_is_printed_once(open_page: Callable[..., Page]) -> None:
    page = open_page("--page-host", "0.0.0.0")
    link, token = page.url.split("#")
    assert link.endswith("/enter")
    assert len(token) >= 43
    host = link.removeprefix("http://").removesuffix("/enter")
    assert get(page, "/")[0] == 403
    assert get(page, f"/?token={token}")[0] == 403
    assert get(page, "/enter")[0] == 200
    assert get(page, "/enter.js")[0] == 200
    with pytest.raises(InvalidStatus, match="403"), dial(f"ws://{host}/ws", f"http://{host}"):
        pass
    here = {"Host": host, "Origin": f"http://{host}"}
    assert post(page, "/enter", b"x" * 43, **here)[0] == 403
    assert post(page, "/enter", token.encode(), Host=host, Origin="http://evil.example")[0] == 403
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("POST", "/enter", token, here)
    answer = connection.getresponse()
    cookie = answer.getheader("set-cookie") or ""
    assert answer.status == 204
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    connection.close()
    entered = {"Cookie": cookie.split(";")[0]}
    assert get(page, "/", Host=host, **entered)[0] == 200
    with dial(f"ws://{host}/ws", f"http://{host}", entered) as one:
        told = "".join(str(one.recv(timeout=10)) for _ in range(3))
    assert token not in told
    assert get(page, "/", Host=f"evil.example:{page.port}", **entered)[0] == 421


@pytest.mark.unit
def test_the_next_free_port_is_taken_and_named() -> None:
    first = bind("127.0.0.1", "auto")
    second = bind("127.0.0.1", "auto")
    try:
        assert 7712 <= first.getsockname()[1] < second.getsockname()[1] < 7732
    finally:
        first.close()
        second.close()


@pytest.mark.unit
def test_addresses_as_a_browser_takes_them() -> None:
    assert address("127.0.0.1", 7712) == "http://127.0.0.1:7712/"
    assert address("::1", 7712) == "http://[::1]:7712/"
    assert "0.0.0.0" not in address("0.0.0.0", 7712)

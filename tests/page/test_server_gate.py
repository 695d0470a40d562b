"""Who may come in: every attack that a browser can be made to take part in is tried."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from rnnae_live.page.gate import Gate

pytestmark = pytest.mark.unit

TOKEN = "q" * 43
HERE = "127.0.0.1:7712"


def status(gate: Gate, headers: list[tuple[str, str]], path: str = "/", method: str = "GET", kind: str = "http") -> int:
    """Return the status of the answer to a request; of an upgrade 101 where it comes through, else 403."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": kind, "path": path, "method": method, "query_string": b""}
    scope["headers"] = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    asyncio.run(gate(scope, receive, send))
    assert sent
    first = sent[0]
    if kind == "websocket":
        return 101 if first["type"] == "websocket.accept" else 403
    names = {name for name, _ in first["headers"]}
    assert {b"content-security-policy", b"x-content-type-options", b"cross-origin-resource-policy"} <= names
    assert not any(name.startswith(b"access-control") for name in names)
    return int(first["status"])


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})


def gate(host: str = "127.0.0.1", token: str = "") -> Gate:
    return Gate(app, host, 7712, token)


@pytest.mark.parametrize("host", [HERE, "localhost:7712", "[::1]:7712", "LOCALHOST:7712"])
def test_the_page_itself_comes_in(host: str) -> None:
    origin = f"http://{host}"
    assert status(gate(), [("Host", host)]) == 200
    assert status(gate(), [("Host", host), ("Origin", origin)], "/ws", kind="websocket") == 101
    assert status(gate(), [("Host", host), ("Origin", origin)], "/import", "POST") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:7712",
        "127.0.0.1.evil.example:7712",
        "localhost.evil.example:7712",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:77123",
        "192.168.1.5:7712",
        "0.0.0.0:7712",
        "localhost:7712@evil.example",
        "evil.example:7712:7712",
        "",
        ":7712",
        socket.gethostname() + ".evil.example:7712",
    ],
)
def test_a_name_that_is_made_to_mean_this_computer_does_not(host: str) -> None:
    assert status(gate(), [("Host", host)]) == 421
    assert status(gate(), [("Host", host), ("Origin", f"http://{host}")], "/ws", kind="websocket") == 403


def test_no_host_and_two_hosts_do_not() -> None:
    assert status(gate(), []) == 421
    assert status(gate(), [("Host", HERE), ("Host", "evil.example:7712")]) == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:7712",
        "http://127.0.0.1:7713",
        "http://127.0.0.1",
        "http://localhost:7712",
        "http://127.0.0.1:7712.evil.example",
        "file://",
        "",
    ],
)
def test_the_page_of_a_stranger_does_not(origin: str) -> None:
    headers = [("Host", HERE), ("Origin", origin)]
    assert status(gate(), headers, "/ws", kind="websocket") == 403
    assert status(gate(), headers, "/import", "POST") == 403
    assert status(gate(), headers, "/answer.mid") == 403


def test_who_does_not_say_where_it_comes_from_may_only_look() -> None:
    assert status(gate(), [("Host", HERE)], "/ws", kind="websocket") == 403
    assert status(gate(), [("Host", HERE)], "/import", "POST") == 403
    assert status(gate(), [("Host", HERE)], "/answer.mid") == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_stranger_may_link_to_the_page_and_to_nothing_else(site: str) -> None:
    headers = [("Host", HERE), ("Sec-Fetch-Site", site)]
    assert status(gate(), headers, "/") == 200
    assert status(gate(), headers, "/session.mid") == 403
    assert status(gate(), headers, "/static/stage.js") == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5"])
def test_from_another_computer_only_with_the_token(host: str) -> None:
    here = ("Host", "192.168.1.5:7712")
    origin = ("Origin", "http://192.168.1.5:7712")
    open_gate = gate(host, TOKEN)
    for cookie in ("", f"rnnae-7712={TOKEN[:-1]}", f"rnnae-7713={TOKEN}", "rnnae-7712=", f"x={TOKEN}", "rnnae-7712=ä"):
        assert status(open_gate, [here, ("Cookie", cookie)]) == 403
        assert status(open_gate, [here, origin, ("Cookie", cookie)], "/ws", kind="websocket") == 403
        assert status(open_gate, [here, origin, ("Cookie", cookie)], "/import", "POST") == 403
        assert status(open_gate, [here, ("Cookie", cookie)], "/static/stage.js") == 403
    assert status(open_gate, [here], f"/?token={TOKEN}") == 403
    good = ("Cookie", f"other=1; rnnae-7712={TOKEN}")
    assert status(open_gate, [here, good]) == 200
    assert status(open_gate, [here, origin, good], "/ws", kind="websocket") == 101
    assert status(open_gate, [here], "/enter") == 200
    assert status(open_gate, [("Host", "evil.example:7712"), good]) == 421


def test_a_server_on_one_address_has_no_other() -> None:
    good = ("Cookie", f"rnnae-7712={TOKEN}")
    assert status(gate("192.168.1.5", TOKEN), [("Host", "192.168.1.6:7712"), good]) == 421
    assert status(gate("0.0.0.0", TOKEN), [("Host", f"{socket.gethostname()}:7712"), good]) == 200

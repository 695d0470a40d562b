"""The gate: who may talk to the page. Every request and every upgrade passes it before anything is done.

network -> [gate] -> server

A page of a stranger can make a browser send requests here, and a name that it owns can be made to mean this computer
(DNS rebinding). So the Host has to be an address or a name of this computer, and the Origin, where a browser sends
one, the page itself. Whoever can come from another computer needs the token as well: a link that the terminal shows
has it in its fragment, which no request carries; the page behind it posts it once and gets a cookie for it.

*Threading*: the server's thread. *Errors*: none; what is refused is answered with a status and a sentence.
*Source*: OWASP, Cross-Site WebSocket Hijacking; Fetch Metadata Request Headers, W3C.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rnnae_live.live.wire import is_local

ENTRANCE = frozenset({"/enter", "/enter.js"})
"""What is there for whoever has no cookie yet."""

ENTERED = frozenset({"/", *ENTRANCE})
"""Where a link of another page may lead."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every answer says."""


class Gate:
    """Lets those through to ``app`` who may come in. ``host`` and ``port`` are where the server listens.

    ``token`` is what a cookie has to say, empty where nobody needs one.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str = "") -> None:
        """Keep who may come in."""
        self._app = app
        self._host = host
        self._port = port
        self._token = token
        self.cookie = f"rnnae-{port}"
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        why = self._refusal(scope)
        if why is not None:
            self.refused += 1
            response = PlainTextResponse(why[1], status_code=why[0])
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await response(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)

    def is_token(self, given: str) -> bool:
        """Return whether a text is the token."""
        return bool(self._token) and secrets.compare_digest(given.encode(errors="replace"), self._token.encode())

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and sentence for whoever may not come in, None for whoever may."""
        headers, path = Headers(scope=scope), scope["path"]
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_here(hosts[0].lower()):
            return 421, "The page is at the address that rnnae-live has printed, and at no other name."
        origins = headers.getlist("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins) or len(origins) > 1:
            return 403, "Another page may not ask for this."
        if changes and not origins:
            return 403, "Only the page itself may ask for this, and says so with its Origin."
        if path not in ENTERED and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "Another page may not ask for this."
        if self._token and path not in ENTRANCE and not self.is_token(_cookie(headers, self.cookie)):
            return 403, "Open the link that rnnae-live has printed; it lets this browser in."
        return None

    def _is_here(self, host: str) -> bool:
        """Return whether a Host is this server: an address, or a name that nobody else can give it."""
        name, _, port = host.rpartition(":")
        if port != str(self._port):
            return False
        name = name.removeprefix("[").removesuffix("]")
        if is_local(self._host):
            return is_local(name)
        if name == self._host.lower() or name in own_names():
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # A server on one address only has that one; one on all of them has any, and a number cannot be rebound.
        return _is_everywhere(self._host) or address == ipaddress.ip_address(_address(self._host))


def own_names() -> Iterable[str]:
    """Return the names of this computer that need no name server of somebody else."""
    name = socket.gethostname().lower()
    return ("localhost", name, f"{name.removesuffix('.local')}.local")


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - no address is this one


def _cookie(headers: Headers, name: str) -> str:
    try:
        jar: SimpleCookie = SimpleCookie(headers.get("cookie", "")[:4096])
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-cache")
        await send(message)

    return told

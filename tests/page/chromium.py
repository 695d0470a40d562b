"""A real browser for the tests: Debian's chromium without a window, told what to do over the DevTools protocol.

test -> [chromium] -> page

*Units*: CSS pixels; seconds. *Errors*: ``BrowserError`` where the browser does not do what it is told.
*Source*: Chrome DevTools Protocol, https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

PATIENCE = 20.0
"""Seconds that something may take to come about on a loaded machine."""

LARGEST = 64 << 20
"""Bytes of a message: a screenshot is one."""

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)

CODES = {" ": "Space", "Escape": "Escape", "Tab": "Tab", "Enter": "Enter"}
NUMBERS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowUp": 38, "ArrowDown": 40, "ArrowRight": 39}


class BrowserError(Exception):
    """The browser does not do what it is told."""


def installed() -> str | None:
    """Return the path of a browser, None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Tab:
    """A page in the browser. ``errors`` are the exceptions and complaints of its console, refused requests too."""

    def __init__(self, address: str, width: int, height: int, scale: float = 1.0) -> None:
        """Connect to a page, make it as large as asked for, and listen to its console."""
        self._open = ExitStack()
        self._line: ClientConnection = self._open.enter_context(
            connect(address, max_size=LARGEST, compression=None, ping_interval=None)
        )
        self._numbers = itertools.count(1)
        self._closed = False
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.size(width, height, scale)

    def size(self, width: int, height: int, scale: float = 1.0) -> None:
        """Make the page as large as a screen of so many pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - what the protocol has
        """Return what a method of the protocol answers.

        Raises:
            BrowserError: it refuses, or does not answer.
        """
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                message = json.loads(self._line.recv(max(0.01, deadline - time.monotonic())))
            except TimeoutError:
                break
            self._hear(message)
            if message.get("id") == number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']['message']}")
                return dict(message["result"])
        raise BrowserError(f"{method} was not answered within {PATIENCE:.0f} s.")

    def _hear(self, message: dict[str, Any]) -> None:
        method, content = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = content["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and content["entry"]["level"] == "error":
            self.errors.append(f"{content['entry']['text']} {content['entry'].get('url', '')}")

    # -- looking -----------------------------------------------------------------------------------------------------

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever the expression is
        """Return the value of an expression, awaited where it is a promise.

        Raises:
            BrowserError: it throws.
        """
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def wait(self, expression: str, patience: float = PATIENCE) -> Any:  # noqa: ANN401
        """Return the value of an expression as soon as it is true.

        Raises:
            BrowserError: it does not become true.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                value = self.evaluate(expression)
                why = ""
            except BrowserError as error:
                value, why = None, f" ({error})"
            if value:
                return value
            if time.monotonic() > deadline:
                raise BrowserError(f"{expression} did not become true within {patience:.0f} s{why}.")
            time.sleep(0.05)

    def go(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=url)

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Return left, top, width and height of an element.

        Raises:
            BrowserError: there is none.
        """
        found = self.evaluate(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)})?.getBoundingClientRect();"
            " return b ? [b.left, b.top, b.width, b.height] : null; })()"
        )
        if found is None:
            raise BrowserError(f"There is no {selector}.")
        left, top, width, height = found
        return left, top, width, height

    def point(self, selector: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
        """Return the pixel at a place of an element, 0-1 from its upper left corner."""
        left, top, width, height = self.box(selector)
        return left + x * width, top + y * height

    def screenshot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    # -- hands -------------------------------------------------------------------------------------------------------

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Let the mouse be ``mousePressed``, ``mouseMoved`` or ``mouseReleased``."""
        buttons = 0 if kind == "mouseReleased" else 1
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        x, y = self.point(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def drag(self, points: Iterable[tuple[float, float]]) -> None:
        """Press the mouse at the first point, and let go at the last."""
        first, *others = points
        self.mouse("mousePressed", *first)
        for point in others:
            self.mouse("mouseMoved", *point)
        self.mouse("mouseReleased", *(others or [first])[-1])

    def touch(self, kind: str, points: Iterable[tuple[float, float]]) -> None:
        """Let fingers be ``touchStart``, ``touchMove`` or ``touchEnd`` at some points."""
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)

    def key(self, key: str, *, up: bool = True, down: bool = True, shift: bool = False) -> None:
        """Press a key and let it go."""
        kind = "Key" if key.isalpha() and len(key) == 1 else "Digit" if key.isdigit() else ""
        code = CODES.get(key, f"{kind}{key.upper()}" if kind else key)
        number = NUMBERS.get(key, ord(key.upper()[0]))
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        for kind in (["keyDown"] if down else []) + (["keyUp"] if up else []):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind if text or kind == "keyUp" else "rawKeyDown",
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                modifiers=8 if shift else 0,
                **({"text": text} if kind == "keyDown" and text else {}),
            )

    def front(self) -> None:
        """Let this be the tab that is seen: a browser draws no other."""
        self.call("Page.bringToFront")

    def close(self) -> None:
        """Close the page, and hang up."""
        if not self._closed:
            self._closed = True
            with suppress(BrowserError, WebSocketException):
                self.call("Page.close")
            self._open.close()


class Browser:
    """A browser with a profile of its own in ``folder``; leave it to end it."""

    def __init__(self, path: str, folder: Path) -> None:
        """Start the browser at ``path``.

        Raises:
            BrowserError: it does not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [path, *OPTIONS, f"--user-data-dir={folder}", "about:blank"], stdout=self._log, stderr=self._log
        )
        self._tabs: list[Tab] = []
        self._port = self._listening(folder / "DevToolsActivePort")

    def _listening(self, told: Path) -> int:
        deadline = time.monotonic() + PATIENCE * 2
        while time.monotonic() < deadline and self._process.poll() is None:
            if told.is_file() and (words := told.read_text().split()):
                return int(words[0])
            time.sleep(0.05)
        self.close()
        raise BrowserError("The browser does not start; its words are in the file 'log' of its folder.")

    def open(self, url: str, width: int = 1280, height: int = 720, scale: float = 1.0) -> Tab:
        """Return a new tab that shows ``url``."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            address = json.load(answer)["webSocketDebuggerUrl"]
        tab = Tab(address, width, height, scale)
        self._tabs.append(tab)
        tab.go(url)
        return tab

    def close(self) -> None:
        """End the browser."""
        for tab in self._tabs:
            tab.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the browser."""
        self.close()

"""The browsers that look: each is told everything once, then what has changed, as fast as it reads and no faster.

front -> [viewers] -> browsers; browsers -> messages -> [viewers] -> front

Nothing waits for a browser. What it has not been told is not kept in a queue: when it is ready for more, it gets what
differs between what it has seen and what there is now, so a slow one sees fewer steps and never an old one. A panic
goes to the player past everything else, also where a browser sends more than it may.

*Units*: seconds of the event loop's clock. *Threading*: the event loop's. *Errors*: none; who breaks the rules is told
or cut off.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from rnnae_live.control import ACTIONS, PART_SPECS, SHARED_SPECS
from rnnae_live.errors import ControlError
from rnnae_live.page.messages import Import, Wish, is_panic, read
from rnnae_live.view import Plain, apply, changes

MOST = 16
"""Browsers at a time."""

FRAME = 1 / 30
"""Seconds between two moments at which a browser is told what has changed."""

STALLED = 10.0
"""Seconds after which a browser that takes nothing is cut off."""

MOST_WAITING = 1 << 20
"""Bytes of answers and sentences that may wait for a browser."""

RATE, BURST = 200.0, 200.0
"""Messages a second that a browser may send, and at once."""

Key = tuple[object, object]


class Bucket:
    """Lets ``RATE`` messages a second through, ``BURST`` at once."""

    def __init__(self) -> None:
        """Begin full."""
        self._left = BURST
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Return whether one more may pass at ``now`` (s)."""
        if self._at is not None:
            self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Viewers:
    """All browsers, what they are shown, and the way to the front.

    ``do`` hands on a wish, ``panic`` silences everything, ``take_in`` imports a file, ``take_out`` exports one.
    """

    def __init__(
        self,
        do: Callable[[Wish], None],
        panic: Callable[[], None],
        take_in: Callable[[Import], Any],
        take_out: Callable[[str], Any],
    ) -> None:
        """Begin with nobody."""
        self.do, self.panic, self.take_in, self.take_out = do, panic, take_in, take_out
        self.seen: Plain = {}
        self.presets = b""
        self.dropped = 0
        self.refused = 0
        self._all: list[Viewer] = []

    def __len__(self) -> int:
        """How many look."""
        return len(self._all)

    def state(self, different: Plain) -> None:
        """Take what has changed."""
        self.seen = apply(self.seen, different)
        for one in self._all:
            one.wake()

    def notice(self, text: str) -> None:
        """Tell everybody a sentence."""
        self.tell({"notice": text})

    def tell(self, message: Plain) -> None:
        """Tell everybody something."""
        data = msgspec.json.encode(message)
        for one in list(self._all):
            one.say(data)

    def show_presets(self, rows: list[Plain]) -> None:
        """Tell everybody the presets of the bank."""
        self.presets = msgspec.json.encode({"presets": rows})
        for one in self._all:
            one.presets_due = True
            one.wake()

    async def welcome(self, socket: WebSocket) -> None:
        """Let a browser look until it goes."""
        if len(self._all) >= MOST:
            await socket.close(1013, f"There are {MOST} pages open; close one.")
            return
        await socket.accept()
        viewer = Viewer(socket, self)
        self._all.append(viewer)
        try:
            await viewer.look()
        finally:
            self._all.remove(viewer)
            viewer.let_go()


class Viewer:
    """One browser."""

    def __init__(self, socket: WebSocket, viewers: Viewers) -> None:
        """Begin with the table of parameters; the rest follows."""
        self.presets_due = bool(viewers.presets)
        self._socket = socket
        self._viewers = viewers
        self._wakened = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._shown: Plain | None = None
        self._told_at = 0.0
        self._bucket = Bucket()
        self._later: OrderedDict[Key, Wish] = OrderedDict()
        self._keys: set[tuple[int, int]] = set()
        self.say(TABLES)

    def wake(self) -> None:
        """Let it be told what is new, when it is time."""
        self._wakened.set()

    def say(self, message: bytes) -> None:
        """Let it be told something; one that does not read is cut off."""
        self._bytes += len(message)
        if self._bytes > MOST_WAITING + len(TABLES):
            self.cut()
            return
        self._waiting.append(message)
        self.wake()

    def cut(self) -> None:
        """End the connection at once, whatever waits in it."""
        self._socket.scope["state"]["transport"].abort()

    async def look(self) -> None:
        """Tell and listen until it goes."""
        tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._listen())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError | TimeoutError):
                raise error

    def let_go(self) -> None:
        """Release the keys that it still holds."""
        for part, pitch in self._keys:
            self._viewers.do({"note": [0, pitch, 0], "part": part})
        self._keys.clear()

    # -- to the browser ----------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._waiting:
                message = self._waiting.popleft()
                self._bytes -= len(message)
                await self._send(message)
            if self.presets_due:
                self.presets_due = False
                await self._send(self._viewers.presets)
            rest = self._told_at + FRAME - loop.time()
            stale = self._shown is not self._viewers.seen or bool(self._later)
            if stale and rest <= 0:
                self._told_at = loop.time()
                self._flush()
                await self._send_state()
                continue
            try:
                async with asyncio.timeout(rest if stale else None):
                    await self._wakened.wait()
            except TimeoutError:
                continue
            self._wakened.clear()

    async def _send_state(self) -> None:
        seen = self._viewers.seen
        if seen is self._shown:
            return
        different = seen if self._shown is None else changes(self._shown, seen)
        self._shown = seen
        if different:
            await self._send(msgspec.json.encode({"state": different}))

    async def _send(self, message: bytes) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await self._socket.send_text(message.decode())
        except TimeoutError:
            self.cut()
            raise

    # -- from the browser --------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self._refuse("A message is a text.")
                continue
            allowed = self._bucket.take(time.monotonic())
            # What is too much is looked at only where it may be a panic, or the last place of a moving finger.
            if not allowed and len(text) > 200:
                self._viewers.dropped += 1
                continue
            try:
                self._take(*read(text), allowed=allowed)
            except ControlError as error:
                self._refuse(str(error))

    def _take(self, kind: str, content: Any, *, allowed: bool) -> None:  # noqa: ANN401 - what ``read`` returns
        if kind == "do" and is_panic(content):
            self._later.clear()
            self._keys.clear()
            self._viewers.panic()
        elif kind == "do" and not allowed and ("turn" in content or "mix" in content):
            # Of what is turned too fast the newest value is done, a little later.
            key = (content.get("turn"), content.get("part"))
            self._viewers.dropped += key in self._later
            self._later[key] = content
            self.wake()
        elif not (allowed or (kind == "do" and self._releases(content))):
            self._viewers.dropped += 1
        elif kind == "ping":
            clock = {"server": time.monotonic(), "ping": content}
            self.say(msgspec.json.encode({"clock": clock}))
        elif kind == "do":
            self._do(content)
        elif kind == "import":
            self._answer(self._viewers.take_in(content))
        else:
            self._answer(self._viewers.take_out(content))

    def _do(self, wish: Wish) -> None:
        """Hand on a wish after those that wait, and remember which keys are down."""
        self._flush()
        if "note" in wish:
            on, pitch, _ = wish["note"]
            key = (wish["part"], pitch)
            if on:
                self._keys.add(key)
            else:
                self._keys.discard(key)
        self._viewers.do(wish)

    def _releases(self, wish: Wish) -> bool:
        """Return whether a wish lets go of a key that is down: that is never too much."""
        return "note" in wish and not wish["note"][0] and (wish["part"], wish["note"][1]) in self._keys

    def _flush(self) -> None:
        while self._later:
            self._viewers.do(self._later.popitem(last=False)[1])

    def _refuse(self, sentence: str) -> None:
        self._viewers.refused += 1
        if self._bytes < MOST_WAITING // 2:
            self.say(msgspec.json.encode({"refused": sentence}))

    def _answer(self, work: Any) -> None:  # noqa: ANN401 - a coroutine that returns plain data
        """Tell the browser what some work brings, when it is done."""

        async def finish() -> None:
            try:
                message = await work
            except Exception as error:  # noqa: BLE001 - one request that fails is no reason to end the page
                message = {"refused": f"That did not work ({type(error).__name__}); try again."}
            self.say(msgspec.json.encode(message))

        task = asyncio.create_task(finish())
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)


_TASKS: set[asyncio.Task[Any]] = set()
"""Work that is under way: a task that nobody holds may be collected."""


def tables() -> Plain:
    """Return all that can be turned and pressed, from the tables of ``control``."""
    return {
        "specs": [
            {
                "name": one.name,
                "min": one.minimum,
                "max": one.maximum,
                "default": one.default,
                "choices": list(one.choices),
                "unit": one.unit,
                "whole": one.whole,
                "step": one.step,
                "curve": one.curve.value,
                "summary": one.summary,
                "shared": one in SHARED_SPECS,
            }
            for one in (*PART_SPECS, *SHARED_SPECS)
        ],
        "actions": [
            {"name": one.name, "summary": one.summary, "held": one.release is not None} for one in ACTIONS.values()
        ],
    }


TABLES = msgspec.json.encode(tables())

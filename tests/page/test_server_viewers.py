"""Browsers that are slow, greedy or gone: each sees what is newest, and no other pays for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from starlette.websockets import WebSocket

from rnnae_live.page.messages import Wish
from rnnae_live.page.viewers import BURST, MOST, MOST_WAITING, RATE, Bucket, Viewers
from rnnae_live.view import apply

pytestmark = pytest.mark.unit


class Browser:
    """The other end of a WebSocket, without a network: ``reads`` decides when it takes what it is sent."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed: int | None = None
        self.aborted = False
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "state": {"transport": self}, "headers": [], "path": "/ws"}
        self.socket = WebSocket(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        return await self._in.get()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.reads.wait()
        if message["type"] == "websocket.send":
            self.got.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.closed = message["code"]

    def abort(self) -> None:
        self.aborted = True
        self.leave()

    def say(self, message: dict[str, Any]) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})

    def state(self) -> dict[str, Any]:
        """Return what it knows, put together as the page does."""
        seen: dict[str, Any] = {}
        for one in self.got:
            if "state" in one:
                seen = apply(seen, one["state"])
        return seen


class House:
    """Viewers whose wishes are written down."""

    def __init__(self) -> None:
        self.asked: list[Wish | str] = []
        self.viewers = Viewers(self.asked.append, lambda: self.asked.append("panic"), self._none, self._none)
        self._tasks: list[asyncio.Task[None]] = []

    async def _none(self, _asked: object) -> dict[str, Any]:
        return {}

    async def enter(self) -> Browser:
        browser = Browser()
        self._tasks.append(asyncio.create_task(self.viewers.welcome(browser.socket)))
        await asyncio.sleep(0)
        return browser

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def played(scene: Callable[[House], Awaitable[None]]) -> None:
    async def whole() -> None:
        house = House()
        try:
            await scene(house)
        finally:
            await house.close()

    asyncio.run(whole())


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.005)


def test_a_browser_gets_the_tables_then_everything_then_what_has_changed() -> None:
    async def scene(house: House) -> None:
        house.viewers.state({"a": {"b": 1, "c": 2}, "d": [1]})
        browser = await house.enter()
        await until(lambda: len(browser.got) >= 2)
        assert {one["name"] for one in browser.got[0]["specs"]} >= {"weight 1", "bpm", "scale"}
        assert browser.got[1] == {"state": {"a": {"b": 1, "c": 2}, "d": [1]}}
        house.viewers.state({"a": {"b": 3}})
        house.viewers.notice("So it is.")
        await until(lambda: len(browser.got) >= 4)
        assert {"state": {"a": {"b": 3}}} in browser.got
        assert {"notice": "So it is."} in browser.got

    played(scene)


def test_a_slow_browser_sees_the_newest_and_another_does_not_wait_for_it() -> None:
    async def scene(house: House) -> None:
        slow, quick = await house.enter(), await house.enter()
        house.viewers.state({"n": 0, "same": "x" * 100})
        await until(lambda: slow.state().get("n") == 0)
        slow.reads.clear()
        for number in range(1, 5001):
            house.viewers.state({"n": number, "deep": {"a": number, "b": [number]}})
            if number % 1000 == 0:
                await until(lambda: quick.state().get("n") == number)  # noqa: B023
        before = len(slow.got)
        slow.reads.set()
        await until(lambda: slow.state().get("n") == 5000)
        assert slow.state() == quick.state() == house.viewers.seen
        assert len(slow.got) - before <= 3

    played(scene)


def test_what_did_not_change_is_not_sent_again() -> None:
    async def scene(house: House) -> None:
        browser = await house.enter()
        house.viewers.state({"a": 1})
        await until(lambda: browser.state() == {"a": 1})
        for _ in range(50):
            house.viewers.state({"a": 1})
        house.viewers.notice("end")
        await until(lambda: {"notice": "end"} in browser.got)
        assert sum("state" in one for one in browser.got) == 1

    played(scene)


def test_a_browser_that_takes_nothing_is_cut_off_and_costs_no_more_than_its_bound() -> None:
    async def scene(house: House) -> None:
        deaf, other = await house.enter(), await house.enter()
        await until(lambda: bool(deaf.got and other.got))
        deaf.reads.clear()
        for number in range(2000):
            house.viewers.notice(f"{number:04} " + "x" * 1000)
            if number % 100 == 0:
                await until(lambda: other.got[-1].get("notice", "")[:4] == f"{number:04}")  # noqa: B023
        assert deaf.aborted
        await until(lambda: len(house.viewers) == 1)
        assert MOST_WAITING < 2000 * 1000
        assert not other.aborted
        await until(lambda: other.got[-1].get("notice", "")[:4] == "1999")

    played(scene)


def test_the_seventeenth_browser_is_turned_away_until_one_leaves() -> None:
    async def scene(house: House) -> None:
        browsers = [await house.enter() for _ in range(MOST)]
        late = await house.enter()
        await until(lambda: late.closed is not None)
        assert late.closed == 1013
        assert len(house.viewers) == MOST
        browsers[0].leave()
        await until(lambda: len(house.viewers) == MOST - 1)
        assert (await house.enter()).closed is None
        assert len(house.viewers) == MOST

    played(scene)


def test_more_than_two_hundred_messages_a_second_are_held_back_and_a_panic_never_is() -> None:
    async def scene(house: House) -> None:
        browser = await house.enter()
        for _ in range(2000):
            browser.say({"do": {"preset": "Arirang"}})
        browser.say({"do": {"press": "panic"}})
        browser.say({"do": {"preset": "Arirang"}})
        await until(lambda: "panic" in house.asked)
        sent = len(house.asked)
        assert BURST <= sent <= BURST + 100
        assert house.viewers.dropped >= 1700

    played(scene)


def test_of_a_finger_that_is_too_fast_the_last_place_counts() -> None:
    async def scene(house: House) -> None:
        browser = await house.enter()
        for number in range(3000):
            browser.say({"do": {"turn": "x", "value": number / 3000}})
            browser.say({"do": {"turn": "y", "value": number / 3000}})
        last = 2999 / 3000
        await until(lambda: {"turn": "y", "value": last} in house.asked and {"turn": "x", "value": last} in house.asked)
        for name in ("x", "y"):
            values = [one["value"] for one in house.asked if isinstance(one, dict) and one["turn"] == name]
            assert values == sorted(values)
        assert len(house.asked) < 1000

    played(scene)


def test_keys_that_are_down_are_let_go_when_the_browser_leaves_or_floods() -> None:
    async def scene(house: House) -> None:
        browser = await house.enter()
        browser.say({"do": {"note": [1, 60, 90], "part": 2}})
        browser.say({"do": {"note": [1, 64, 90], "part": 2}})
        for _ in range(400):
            browser.say({"do": {"press": "tap"}})
        browser.say({"do": {"note": [0, 60, 0], "part": 2}})
        await until(lambda: {"note": [0, 60, 0], "part": 2} in house.asked)
        browser.leave()
        await until(lambda: len(house.viewers) == 0)
        assert house.asked[-1] == {"note": [0, 64, 0], "part": 2}
        assert house.asked.count({"note": [0, 60, 0], "part": 2}) == 1

    played(scene)


def test_what_is_wrong_is_told_to_who_sent_it_and_to_nobody_else() -> None:
    async def scene(house: House) -> None:
        browser, other = await house.enter(), await house.enter()
        browser.say({"do": {"turn": "nothing", "value": 1}})
        await until(lambda: any("refused" in one for one in browser.got))
        browser.say({"ping": 7})
        await until(lambda: any("clock" in one for one in browser.got))
        clock = next(one["clock"] for one in browser.got if "clock" in one)
        assert clock["ping"] == 7
        assert clock["server"] > 0
        assert not any("refused" in one or "clock" in one for one in other.got)
        assert house.asked == []

    played(scene)


def test_the_bucket_fills_as_fast_as_it_says() -> None:
    bucket = Bucket()
    assert sum(bucket.take(0.0) for _ in range(1000)) == BURST
    assert sum(bucket.take(0.5) for _ in range(1000)) == RATE / 2
    assert sum(bucket.take(100.0) for _ in range(1000)) == BURST

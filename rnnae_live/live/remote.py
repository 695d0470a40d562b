"""OSC beside the front: what comes over the network is handed to the engine, what changes is told to the last sender.

network <-> osc <-> [remote] <-> front <-> engine

*Threading*: the server has a thread of its own; ``wishes`` and ``show`` are for the front's. *Errors*: ``start`` says
what keeps it from working; the music plays without.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from rnnae_live.control import SHARED_SPECS, SPECS
from rnnae_live.errors import RnnaeError
from rnnae_live.osc import Order, OscServer

MOST = 1024
"""Wishes that may wait for the front; beyond that the oldest are forgotten."""


class Remote:
    """The OSC server of a session. ``wake`` ends the front's wait."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Begin without a server."""
        self._wake = wake
        self._server: OscServer | None = None
        self._orders: deque[Order] = deque(maxlen=MOST)

    def start(self, address: str, port: int, *, reply_port: int | None = None, open_to_others: bool = False) -> str:
        """Listen; return the sentence that says where, or why not."""
        server = OscServer(address, port, self._take, reply_port=reply_port, open_to_others=open_to_others)
        try:
            server.start()
        except RnnaeError as error:
            return f"OSC is off: {error}"
        self._server = server
        return f"OSC: {address}:{port}."

    @property
    def on(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    def wishes(self) -> list[dict[str, Any]]:
        """Return what was asked for since this was last asked, as ``Engine.do`` takes it."""
        return [wish(self._orders.popleft()) for _ in range(len(self._orders))]

    def show(self, different: dict[str, Any]) -> None:
        """Tell the last sender which values have changed (branches of the engine's ``view``)."""
        if self._server is None:
            return
        for name, value in different.get("values", {}).items():
            self._server.told(name, None, float(value))
        for number, part in different.get("parts", {}).items():
            for name, value in part.get("values", {}).items():
                self._server.told(name, int(number), float(value))

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _take(self, order: Order) -> None:
        self._orders.append(order)
        self._wake()


def wish(order: Order) -> dict[str, Any]:
    """Return what an order asks for, as ``Engine.do`` takes it."""
    part = None if order.name in {one.name for one in SHARED_SPECS} else order.part
    if order.name in SPECS:
        return {"turn": order.name, "value": order.value, "part": part}
    if order.press is not None:
        return {"press": order.press.value, "part": part}
    if isinstance(order.value, str):
        return {"preset": order.value, "part": part}
    return {"program": int(order.value) - 1, "part": part}

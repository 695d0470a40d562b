"""Whoever watches a session: the control page, OSC, another program. Each sees all of it at first, then what changes.

engine -> front -> [audience] -> watchers

A watcher is a line to the front on which ``WATCH`` came. It is told with ``STATE`` frames (plain data, see
``rnnae_live.view``) and with the ``NOTICE`` frames that the performer reads. One that takes nothing any more is
forgotten; nothing musical waits for it.

*Threading*: the front's thread. *Errors*: none.
"""

from __future__ import annotations

from typing import Any

from rnnae_live.live import wire
from rnnae_live.live.wire import Frame, Kind, Link, LinkLostError
from rnnae_live.view import apply

MOST = 16
"""Watchers at a time; the next one is turned away."""


class Audience:
    """All watchers, and what they have seen."""

    def __init__(self) -> None:
        """Begin with an empty house."""
        self._links: list[Link] = []
        self._seen: dict[str, Any] = {}

    def __bool__(self) -> bool:
        """Whether anybody watches."""
        return bool(self._links)

    def __contains__(self, link: object) -> bool:
        """Whether a line is a watcher's."""
        return link in self._links

    def join(self, link: Link) -> bool:
        """Let a watcher in and show it everything; False where there is no room."""
        if link not in self._links:
            if len(self._links) >= MOST:
                return False
            self._links.append(link)
        self._send(link, wire.pack_json(Kind.STATE, self._seen))
        return True

    def leave(self, link: Link) -> None:
        """Forget a watcher."""
        self._links = [one for one in self._links if one is not link]

    def show(self, different: dict[str, Any]) -> None:
        """Tell all watchers what has changed."""
        self._seen = apply(self._seen, different)
        self.tell(wire.pack_json(Kind.STATE, different))

    def tell(self, frame: Frame) -> None:
        """Hand a frame to all watchers."""
        for link in list(self._links):
            self._send(link, frame)

    def _send(self, link: Link, frame: Frame) -> None:
        try:
            link.send(*frame)
        except LinkLostError:
            self.leave(link)

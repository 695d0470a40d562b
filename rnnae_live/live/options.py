"""What a live session was asked for.

cli -> [options] -> front -> player, engine, page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What ``rnnae-live live`` was asked for, as plain data.

    Without names of ports there are virtual ones of our own. ``offset`` in seconds; ``parts`` as ``PartSettings``.
    ``osc`` is address and port of the OSC server, ``osc_reply`` the port of its answers where that is another one.
    ``page`` is the port of the control page as digits, "auto" for the first free one of its own, "off" for none.
    """

    backend: str = "auto"
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    control: str | None = None
    bank: str | None = None
    sync: str = "internal"
    bpm: float = 120.0
    metre: tuple[int, int] = (4, 4)
    count_in: int = 0
    send_clock: bool = False
    offset: float = 0.0
    thru: str = "off"
    parts: tuple[dict[str, Any], ...] = ({},)
    record: bool = False
    page: str = "off"
    page_host: str = "127.0.0.1"
    osc: tuple[str, int] | None = None
    osc_reply: int | None = None
    osc_open: bool = False


def port_names(options: Mapping[str, Any], what: str) -> list[str]:
    """Return the names given for one kind of port: several as a list, one as it is, none at all."""
    given = options.get(f"{what}s") or options.get(what) or []
    return [given] if isinstance(given, str) else list(given)

"""How an engine starts: the clock, the ports' ways, and the parts.

cli, config -> [settings] -> engine, part

*Units*: bpm in quarter notes a minute, offsets in seconds, rests in quarter notes, channels 0-15.
*Errors*: none here; what the values mean is checked by whoever uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnae_live.phrase import Metre

REST_BEATS = 2.0
"""Quarter notes of silence that end a phrase: longer than a rest inside most phrases."""

COMMON = Metre(0)


@dataclass(frozen=True, slots=True)
class PartSettings:
    """How a part starts: channels (None for all in, and the performer's out), presets with weights, parameters."""

    channel_in: int | None = None
    channel_out: int | None = None
    presets: tuple[tuple[str, float], ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    rest_beats: float = REST_BEATS
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine starts.

    ``sync`` is "internal" or "midi"; ``offset`` are seconds by which everything is sent early, for what delays the
    sound behind the ports; ``count_in`` are bars before a transport of our own runs; ``send_clock`` sends it on.
    """

    bpm: float = 120.0
    metre: Metre = COMMON
    sync: str = "internal"
    send_clock: bool = False
    count_in: int = 0
    offset: float = 0.0
    thru: str = "off"
    parts: tuple[PartSettings, ...] = (PartSettings(),)


def from_plain(data: Mapping[str, Any]) -> Settings:
    """Return the settings that plain data (JSON) stands for; what it does not name is as at the start."""
    start = Settings()
    return Settings(
        bpm=float(data.get("bpm", start.bpm)),
        metre=Metre(0, *data.get("metre", (4, 4))),
        sync=data.get("sync", start.sync),
        send_clock=bool(data.get("send_clock", start.send_clock)),
        count_in=int(data.get("count_in", start.count_in)),
        offset=float(data.get("offset", start.offset)),
        thru=data.get("thru", start.thru),
        parts=tuple(_part(one) for one in data.get("parts", ({},))),
    )


def _part(data: Mapping[str, Any]) -> PartSettings:
    return PartSettings(
        data.get("channel_in"),
        data.get("channel_out"),
        tuple((str(name), float(weight)) for name, weight in data.get("presets", ())),
        {str(name): float(value) for name, value in data.get("values", {}).items()},
        float(data.get("rest_beats", REST_BEATS)),
        int(data.get("seed", 0)),
    )

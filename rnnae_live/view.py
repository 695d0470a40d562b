"""What an engine shows to whoever watches: plain data, whole once and then only what has changed.

engine -> [view] -> front -> osc, page

``view`` is a tree of plain data (JSON); ``changes`` are the branches of it that differ from an earlier one, and
``apply`` puts them into that one again. Nothing here changes what is played.

*Shapes*: notes that are coming in as [on, off, pitch, velocity] in seconds, off null while the key is down; notes of
what was heard as [onset, duration, pitch, velocity] in ticks of the phrase; notes of what is played as [on, off,
pitch, velocity] in ticks of the transport. *Units*: ticks, 24 to the quarter note; seconds.
*Threading*: the engine's thread. *Errors*: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnae_live.control import weight_name
from rnnae_live.events import CONTROL

if TYPE_CHECKING:
    from rnnae_live.engine import Engine
    from rnnae_live.part import Part

Plain = dict[str, Any]

COMING = 64
"""Notes of the phrase that is being played which are shown: the last ones."""


def view(engine: Engine, now: float) -> Plain:
    """Return all that there is to see at ``now``, except for the presets of the bank, which stay as they are."""
    transport, counts = engine.transport, engine.counts
    return {
        "transport": {
            "bpm": round(transport.bpm, 2),
            "running": transport.running,
            "origin": transport.clock.origin,
            "bar": transport.bar,
            "beat": transport.grid("beat"),
            "sync": transport.sync,
        },
        "values": dict(engine.values),
        "counts": {"phrases": counts.phrases, "answers": counts.answers, "faults": counts.faults},
        "parts": {str(part.number): {**_part(part, now), "physical": _physical(engine, part)} for part in engine.parts},
    }


def _part(part: Part, now: float) -> Plain:
    desk, walk, heard = part.desk, part.walk, part.desk.heard
    slots = dict(part.slots)
    weights = desk.glide.values(desk.values, part.transport.clock.tick(now))
    return {
        "values": dict(desk.values),
        "sounding": {name: round(weights[name], 3) for name in map(weight_name, range(1, 9))},
        "slots": [slots[number].name if number in slots else None for number in range(1, 9)],
        "captured": [number for number, slot in slots.items() if slot.melody is not None],
        "hold": part.hold,
        "seed": desk.seed,
        "channel": part.settings.channel_in,
        "listening": not part.capture.empty,
        "coming": [
            [round(on, 4), None if off is None else round(off, 4), pitch, velocity]
            for on, off, pitch, velocity in part.capture.latest(COMING)
        ],
        "heard": None
        if heard is None
        else {
            "notes": [[n.onset, n.duration, n.pitch, n.velocity] for n in heard.melody.notes],
            "length": heard.melody.length,
            "pickup": heard.melody.pickup,
        },
        "playing": None
        if walk is None or walk.melody is None
        else {
            "start": walk.start,
            "length": walk.length,
            "at": walk.at,
            "notes": [[round(n.on_tick, 2), round(n.off_tick, 2), n.pitch, n.velocity] for n in walk.notes],
        },
    }


def _physical(engine: Engine, part: Part) -> dict[str, float]:
    """Return where the controller's knobs stand, as far as they were moved."""
    surface = engine.surfaces.get(CONTROL)
    stands = {} if surface is None else surface.physical
    return {name: value for (name, number), value in stands.items() if number in (0, part.number)}


def changes(before: Plain, after: Plain) -> Plain:
    """Return the branches of ``after`` that ``before`` does not have, or has otherwise; dictionaries are descended."""
    different: Plain = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict) and value.keys() == old.keys():
            inside = changes(old, value)
            if inside:
                different[name] = inside
        elif name not in before or old != value:
            different[name] = value
    return different


def apply(before: Plain, different: Plain) -> Plain:
    """Return ``before`` with the branches that ``changes`` returned."""
    after = dict(before)
    for name, value in different.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict) and value.keys() <= old.keys():
            after[name] = apply(old, value)
        else:
            after[name] = value
    return after

"""What sixteen parts at 200 bpm cost: in virtual time, where only work is counted, and as a live session.

engine -> player -> [parts] -> figures; live session -> [parts] -> figures

*Errors*: ``PortError`` where the session does not start.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from rnnae_live.bench.figures import Figure, all_of
from rnnae_live.bench.session import Scene, session
from rnnae_live.bench.timing import looping, pairs
from rnnae_live.events import Notice
from rnnae_live.player import Player
from rnnae_live.presets import Bank

PARTS, BPM = 16, 200.0

STEP = 1e-5
"""Seconds by which virtual time goes on at least."""


def figure(bank: Bank, seconds: float) -> Figure:
    """Return the processor time as a percentage of one core, for ``seconds`` of music after its first bars."""
    engine = looping(bank, pairs([preset.name for preset in bank.presets], PARTS), BPM)
    sent = 0

    def count(_data: bytes) -> None:
        nonlocal sent
        sent += 1

    player = Player(count)
    now = 1.0
    outputs = engine.start(now)
    begin, end = now + 10.0, now + 10.0 + seconds
    before, first = time.process_time(), 0
    while now < end:
        for output in outputs:
            if not isinstance(output, Notice):
                player.take(output)
        player.play(now)
        moments = [moment for moment in (engine.wake(), player.next_at()) if moment is not None]
        # A step at least: what is due at a moment may be due a rounding error after it.
        following = max(now + STEP, min([*moments, end]))
        if now < begin <= following:
            before, first = time.process_time(), sent
        now = following
        outputs = engine.advance(now)
    percent = 100 * (time.process_time() - before) / seconds
    title = f"{PARTS} parts at {BPM:g} bpm, of one core"
    return Figure("parts_16_cpu_percent", title, [percent], all_of(10.0), about={"messages": sent - first})


def live(bank: Bank, backend: str, seconds: float) -> Iterator[Figure]:
    """Yield the processor time of all processes of a live session as a percentage of one core; nothing if unknown.

    Raises:
        PortError: the session does not start.
    """
    names = pairs([preset.name for preset in bank.presets], PARTS)
    with session(Scene(backend, "loop", BPM, names)) as one:
        time.sleep(min(2.0, seconds / 2))
        before = one.usage()
        time.sleep(seconds)
        about = one.since(before)
    used = [percent for name, percent in about.items() if name.endswith("_cpu_percent")]
    if used:
        title = f"{PARTS} parts at {BPM:g} bpm live, all processes, of one core"
        yield Figure("parts_16_live_cpu_percent", title, [sum(used)], all_of(10.0), about=about)

"""What sixteen parts at 200 bpm cost: engine, player and ports in virtual time, so that only work is counted.

engine -> player -> [parts] -> figures
"""

from __future__ import annotations

import time

from rnnae_live.bench.figures import Figure, all_of
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

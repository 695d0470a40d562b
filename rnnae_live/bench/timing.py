"""How exactly the instrument plays: the grid at the receiver, and how soon an answer begins.

plan -> performer, or loopback -> hearing -> [timing] -> figures

The same scenes are played over real ports, to a live session that is started as a user would, and over the in-process
loopback. Several parts play together, so that there are notes enough to see the thousandth.

*Errors*: ``PortError`` where ports or the session cannot be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rnnae_live.bench.figures import Figure, Goal, all_of, quantile, rounded
from rnnae_live.bench.grid import errors, tick_seconds
from rnnae_live.bench.load import load
from rnnae_live.bench.loopback import rehearsed
from rnnae_live.bench.performer import Performer
from rnnae_live.bench.plan import SILENCE, Hearing, Message, knob, latencies, phrases
from rnnae_live.bench.session import Scene, polled, session
from rnnae_live.bench.visitor import visiting
from rnnae_live.control import spec
from rnnae_live.engine import Engine
from rnnae_live.errors import PortError
from rnnae_live.live.bank import rehearse
from rnnae_live.presets import Bank
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.voices import BankVoices

BPM = 120.0
PARTS = 8
"""Parts that loop together, each between two presets."""

PHRASE_BPM, PHRASE_EVERY = 240.0, 1.3
"""Tempo of the phrases that are answered, a bar of one second each, and the seconds from one to the next."""

POLLS = 30.0
"""Questions a second of a control page."""

LAST = 0.2
"""Seconds before the end at which everything is silenced, so that a note that still sounds then is stuck."""

ON_TIME = 0.001
"""Seconds within which a note counts as on time: it takes as long on a DIN cable."""

TOLD = frozenset({"sent", "dropped", "late_us", "late_us_p999", "missed_periods"})
"""What the player says of itself that is told beside what was measured."""

ENOUGH = 1000
"""Notes below which a share of them is told and not judged."""

TIMED = frozenset({"jack"})
"""Backends whose driver takes messages with their time."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Under what the grid is measured."""

    name: str
    title: str
    knob: bool = False
    polls: float = 0.0
    load: bool = False
    turns: float = 0.0
    """Of a weight a second, by a browser that looks at the page; without them nobody looks, and there is none."""


CONDITIONS = (
    Condition("idle", "nothing else to do"),
    Condition("knob", "a knob moves 100 times a second", knob=True),
    Condition("polled", "knob, and status polled 30 times a second", knob=True, polls=POLLS),
    Condition("load", "knob, polled, and a busy process per core", knob=True, polls=POLLS, load=True),
)

CLOSED = Condition("page_closed", "no page")
OPEN = Condition("page_open", "page open, a weight turned there 60 times a second", turns=60.0)

NO_PAGE = "The loopback of the bench is no session that could have a page: what that adds is measured over JACK."


def on_grid(bank: Bank, backend: str, seconds: float, condition: Condition) -> Iterator[Figure]:
    """Yield how far the notes of looping parts were off the grid under a condition, and the share that was on time.

    Raises:
        PortError: the ports or the session cannot be had.
    """
    hearing, about = _listen(bank, backend, seconds, condition)
    yield from judged(hearing, condition, about, timed=backend in TIMED)


def judged(
    hearing: Hearing, condition: Condition, about: dict[str, Any] | None = None, *, timed: bool = False
) -> Iterator[Figure]:
    """Yield the figures of what was heard; ``timed`` says that the driver takes messages with their time.

    Raises:
        PortError: nothing was heard.
    """
    ons = hearing.ons()
    if not ons:
        raise PortError("The instrument played nothing that could be measured; see what `rnnae-live doctor` finds.")
    off = errors(ons, tick_seconds(BPM))
    about = {"unreleased_notes": hearing.unreleased(), **(about or {})}
    goal = Goal({"p99": 0.05, "p999": 0.1}) if timed else Goal({"p99": 1.0, "p999": 2.0})
    title = f"output against the grid: {condition.title}"
    yield Figure(f"output_error_{condition.name}_ms", title, [one * 1000 for one in off], goal, about=about)
    share = sum(one <= ON_TIME for one in off) / len(off)
    name, title = f"notes_on_time_{condition.name}_share", f"notes within 1 ms of the grid, of {len(off):,}"
    yield Figure(name, title, [share], all_of(0.9999, least=True) if len(off) >= ENOUGH else None)


def page(bank: Bank, backend: str, seconds: float) -> Iterator[Figure]:
    """Yield the grid without and with a page that is looked at and turned, and what that adds to the 95th percentile.

    Raises:
        PortError: the ports or the session cannot be had, or it has no page.
    """
    if backend == "loopback":
        raise PortError(NO_PAGE)
    without, about = _listen(bank, backend, seconds, CLOSED)
    shown, more = _listen(bank, backend, seconds, OPEN)
    figures = [
        *judged(without, CLOSED, about, timed=backend in TIMED),
        *judged(shown, OPEN, more, timed=backend in TIMED),
    ]
    yield from figures
    yield added(figures[0], figures[2])


def added(closed: Figure, opened: Figure) -> Figure:
    """Return what an open page adds to the 95th percentile of the notes' error; below 0 where it was less with it."""
    before, after = (quantile(sorted(one.samples), 0.95) for one in (closed, opened))
    return Figure(
        "page_adds_p95_ms",
        "p95 of output against the grid: what the open page adds",
        [after - before],
        all_of(0.2),
        about={"closed_p95_ms": rounded(before), "open_p95_ms": rounded(after)},
    )


def answers(bank: Bank, backend: str, seconds: float) -> Figure:
    """Return how long after the end of a phrase its answer began, above the period of the driver.

    Raises:
        PortError: no phrase was answered.
    """
    count = max(2, int(seconds / PHRASE_EVERY))
    messages = list(phrases(count, PHRASE_BPM, PHRASE_EVERY))
    most = count * PHRASE_EVERY + 0.5
    if backend == "loopback":
        voices = BankVoices(bank)
        rehearse(voices)
        engine = Engine(voices, Settings(bpm=PHRASE_BPM))
        hearing = rehearsed(engine, most, messages)
    else:
        with session(Scene(backend, "answer", PHRASE_BPM, follow=1.0)):
            hearing = Performer(backend, most, messages).hearing()
    found = latencies(hearing)
    if not found:
        raise PortError("No phrase was answered, so there is no latency to tell; see what `rnnae-live doctor` finds.")
    return Figure(
        "answer_above_period_ms",
        "end of a phrase to the first note of its answer, above the period",
        [max(0.0, one - hearing.period) * 1000 for one in found],
        Goal({"p99": 3.0}),
        about={"period_ms": round(hearing.period * 1000, 3), "phrases": count, "answered": len(found)},
    )


def _listen(bank: Bank, backend: str, seconds: float, condition: Condition) -> tuple[Hearing, dict[str, Any]]:
    """Play the loops for some seconds; return what was heard, and what else there is to tell."""
    messages: list[Message] = [(max(0.0, seconds - LAST), SILENCE)]
    messages += knob(seconds - LAST) if condition.knob else ()
    names = pairs([preset.name for preset in bank.presets], PARTS)
    with ExitStack() as stack:
        if condition.load:
            stack.enter_context(load())
        if backend == "loopback":
            return rehearsed(looping(bank, names), seconds, messages, condition.polls), {}
        live = stack.enter_context(session(Scene(backend, "loop", BPM, names, page=condition.turns > 0)))
        visit = stack.enter_context(visiting(live.page(), condition.turns)) if condition.turns else None
        counts = stack.enter_context(polled(live, condition.polls))
        before = live.usage()
        hearing = Performer(backend, seconds, messages).hearing()
        about: dict[str, Any] = dict(live.since(before))
        if visit is not None:
            about["page"] = visit
        if condition.polls:
            about.update(polls_asked=counts[0], polls_answered=counts[1])
        live.poll()
        about["player"] = {name: told for name, told in live.status.get("player", {}).items() if name in TOLD}
    return hearing, about


def looping(bank: Bank, names: Sequence[Sequence[str]], bpm: float = BPM) -> Engine:
    """Return an engine that loops: one part for each of ``names``, on a channel of its own."""
    loop = spec("mode").named("loop")
    parts = tuple(
        PartSettings(
            channel_out=channel,
            presets=tuple((name, 1.0 / len(each)) for name in each),
            values={"mode": loop, "follow": 0.0},
        )
        for channel, each in enumerate(names)
    )
    return Engine(BankVoices(bank), Settings(bpm=bpm, parts=parts))


def pairs(names: Sequence[str], count: int) -> list[list[str]]:
    """Return ``count`` pairs of names, neighbours, beginning again where there are not enough."""
    return [[names[2 * place % len(names)], names[(2 * place + 1) % len(names)]] for place in range(count)]

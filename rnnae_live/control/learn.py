"""Learning: which control is meant, found out by moving it.

sources -> [control.learn] -> store

Say with ``begin`` what is to be moved, then give ``heard`` all that comes from the controller until ``state`` is
``DONE``: ``result`` is the assignment. A key or a pad is known at its first press; a knob after some steps, so that
one with ends, an endless one and a pair of controllers can be told apart. Turn it slowly, to the left first.
``recent`` shows the last sources, also when nothing is to be learned.

*Units*: seconds of the monotonic clock, in what is heard. *Errors*: ``begin`` raises ``ControlError`` for a name that
is none; a control that may not be learned is passed over, and ``refused`` says why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rnnae_live.control.actions import ACTIONS, known
from rnnae_live.control.encoders import detected
from rnnae_live.control.mapping import Assignment, Way
from rnnae_live.control.sources import BUTTONS, COARSE, LSB, Heard, Kind, Source

STEPS = 6
"""Messages of a knob after which it is known."""

MOST_STEPS = 64
MOST_RECENT = 8
MOMENTARY = 0.8
"""Seconds: a button that is let go sooner is no switch that stays."""

ENDS = frozenset({0, COARSE})


class State(Enum):
    """Where learning is."""

    IDLE = "idle"
    LISTENING = "listening"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Shown:
    """A source that was heard, and where it went, or by how many steps."""

    source: Source
    value: int
    top: int
    clicks: int = 0


def _refusal(source: Source) -> str | None:
    return source.refusal()


class Learn:
    """Learns one control at a time. ``refusal`` says why a source may not be learned on this port."""

    def __init__(self, refusal: Callable[[Source], str | None] = _refusal) -> None:
        """Begin idle."""
        self.state = State.IDLE
        self.target = ""
        self.result: Assignment | None = None
        self.refused: str | None = None
        self._refusal = refusal
        self._part: int | None = None
        self._kind: Kind | None = None
        self._heard: dict[Source, list[Heard]] = {}
        self._order: deque[Source] = deque(maxlen=2 * STEPS)
        self._recent: dict[Source, Shown] = {}

    @property
    def recent(self) -> tuple[Shown, ...]:
        """The sources that were heard last, the latest first."""
        return tuple(reversed(self._recent.values()))

    def begin(self, target: str, part: int | None = None, kind: Kind | None = None) -> None:
        """Listen for the control of a parameter or action; ``kind`` passes over all others.

        Raises:
            ControlError: there is neither a parameter nor an action of this name.
        """
        self.target, self._part, self._kind = known(target), part, kind
        self.state, self.result, self.refused = State.LISTENING, None, None
        self._heard.clear()
        self._order.clear()

    def cancel(self) -> None:
        """Stop listening."""
        self.state = State.IDLE

    def heard(self, *moved: Heard) -> None:
        """Take what one message has moved."""
        for one in moved:
            if one.source.kind is not Kind.CC14:
                # A pair is shown when it has been learned; until then its halves are.
                self._recent.pop(one.source, None)
                self._recent[one.source] = Shown(one.source, one.value, one.top, one.clicks)
        while len(self._recent) > MOST_RECENT:
            del self._recent[next(iter(self._recent))]
        if self.state is State.LISTENING:
            for one in moved:
                self._listen(one)

    def _listen(self, one: Heard) -> None:
        if self.state is not State.LISTENING or (self._kind is not None and one.source.kind is not self._kind):
            return
        reason = self._refusal(one.source)
        if reason is not None:
            if one.source.kind is not Kind.CC14:
                self.refused = reason
            return
        if one.source.kind is Kind.CC14 and self._kind is not Kind.CC14:
            return
        steps = self._heard.setdefault(one.source, [])
        steps.append(one)
        del steps[:-MOST_STEPS]
        self._order.append(one.source)
        way = self._way(one.source, steps)
        if way is not None:
            source = self._pair(one.source) or one.source
            self.result = Assignment(source, self.target, way, self._part)
            self.state = State.DONE

    def _way(self, source: Source, steps: list[Heard]) -> Way | None:
        """Return how a control moves its target, None while that is not known."""
        if source.kind in BUTTONS:
            down = steps[-1].value > 0
            return None if not down else Way.ABSOLUTE if self.target in ACTIONS else Way.TOGGLE
        values = [one.value for one in steps]
        if set(values) <= ENDS and source.kind is Kind.CC:
            return self._button(steps)
        if self.target in ACTIONS:
            return Way.ABSOLUTE if len(values) >= 2 else None
        if len(values) < STEPS:
            return None
        encoding = detected(values) if source.kind is Kind.CC and self._pair(source) is None else None
        return Way.ABSOLUTE if encoding is None else Way(encoding.value)

    def _button(self, steps: list[Heard]) -> Way | None:
        """Return how a button moves its target: one that springs back goes on to the next value at each press."""
        values = [one.value for one in steps]
        if len(values) >= STEPS and set(values) == {COARSE}:
            encoding = detected(values)
            return Way.ABSOLUTE if encoding is None or self.target in ACTIONS else Way(encoding.value)
        if len(set(values)) < 2:
            return None
        springs = steps[-1].value == 0 and steps[-1].time - steps[-2].time < MOMENTARY
        return Way.TOGGLE if springs and self.target not in ACTIONS else Way.ABSOLUTE

    def _pair(self, source: Source) -> Source | None:
        """Return the pair that a controller is a half of, where both halves come in turns; None where they do not."""
        if source.kind is not Kind.CC or source.number >= 2 * LSB:
            return None
        coarse = Source(Kind.CC, source.number % LSB, source.channel)
        fine = Source(Kind.CC, coarse.number + LSB, source.channel)
        last = list(self._order)[-STEPS:]
        turns = len(last) == STEPS and set(last[::2]) | set(last[1::2]) == {coarse, fine} and last[0] != last[1]
        turns = turns and len(set(last[::2])) == len(set(last[1::2])) == 1
        return Source(Kind.CC14, coarse.number, source.channel) if turns else None

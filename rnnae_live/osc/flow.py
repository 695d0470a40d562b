"""How much OSC goes each way: the newest value of each parameter, as often as is good, and never back to who sent it.

addresses -> [flow] -> the front; engine -> [flow] -> packet

What a bundle's time tag puts into the future waits in ``Later``, at most ``LONGEST_WAIT`` seconds and at most
``MOST_LATER`` messages: more than that is dropped and counted.

*Units*: seconds of a monotonic clock; time is an argument. *Threading*: none.
*Source*: https://en.wikipedia.org/wiki/Token_bucket
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

from rnnae_live.control.specs import SPECS
from rnnae_live.osc.addresses import Order, Refresh

Place = tuple[str, int | None]
"""A parameter of a part."""

RATE = 30.0
"""Times a second at most that a parameter is told."""

QUIET = 0.25
"""Seconds after its last message in which whoever turns a parameter is told nothing about it: the hand is on it."""

ECHO = 0.25
"""Seconds in which a value that was just told and comes back is nobody's wish."""

MOST_ORDERS = 1000.0
"""Orders a second that are handed on."""

BURST = 200.0
"""Orders that may come at once."""

MOST_PRESSES = 32
"""Presses that may wait."""

LONGEST_WAIT = 10.0
"""Seconds in the future that a time tag may lie: more is a clock that is wrong."""

MOST_LATER = 512
"""Messages that may wait for their time."""

SAME = 1e-6
"""Relative difference of a value and what is left of it in 32 bits."""


def same(one: float | None, other: float) -> bool:
    """Return whether two values are the same for a float of 32 bits."""
    return one is not None and math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)


class Later:
    """Messages whose time has not come: in the order of their times, those of the same time as they came."""

    def __init__(self) -> None:
        """Begin with none."""
        self.dropped = 0
        self._waiting: list[tuple[float, int, str, Order | Refresh]] = []
        self._numbers = count()

    def put(self, wait: float, now: float, path: str, asked: Order | Refresh) -> bool:
        """Keep what was asked for at ``path`` for ``wait`` seconds; False for what is to be done at once.

        A panic never waits, and whatever waits is forgotten with it: nothing begins to play after that by itself.
        """
        if isinstance(asked, Order) and asked.name == "panic":
            self.dropped += len(self._waiting)
            self._waiting.clear()
            return False
        if not wait > 0:
            return False
        if wait > LONGEST_WAIT or len(self._waiting) >= MOST_LATER:
            self.dropped += 1
        else:
            heapq.heappush(self._waiting, (now + wait, next(self._numbers), path, asked))
        return True

    def due(self, now: float) -> list[tuple[str, Order | Refresh]]:
        """Return what is to be done now."""
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            out.append(heapq.heappop(self._waiting)[2:])
        return out

    def wake(self) -> float | None:
        """Return when the next one is due, None where none waits."""
        return self._waiting[0][0] if self._waiting else None


class Intake:
    """Orders on their way in. Of a parameter the newest waits, which is counted; a panic never does."""

    def __init__(self) -> None:
        """Begin with a full bucket."""
        self.dropped = 0
        self.replaced = 0
        self._turns: OrderedDict[Place, Order] = OrderedDict()
        self._presses: list[Order] = []
        self._tokens = BURST
        self._filled_at: float | None = None

    def offer(self, order: Order) -> None:
        """Take an order; ``take`` hands it on."""
        if order.name in SPECS:
            self.replaced += self._turns.pop((order.name, order.part), None) is not None
            self._turns[order.name, order.part] = order
        elif order.name == "panic":
            if order not in self._presses:
                self._presses.insert(0, order)
        elif len(self._presses) < MOST_PRESSES:
            self._presses.append(order)
        else:
            self.dropped += 1

    def take(self, now: float) -> list[Order]:
        """Return what may be handed on now: presses first, then the values that wait longest."""
        if self._filled_at is not None:
            self._tokens = min(BURST, self._tokens + (now - self._filled_at) * MOST_ORDERS)
        self._filled_at = now
        panics = [one for one in self._presses if one.name == "panic"]
        presses = [one for one in self._presses if one.name != "panic"]
        count = min(len(presses), int(self._tokens))
        turns = min(len(self._turns), int(self._tokens) - count)
        self._tokens -= count + turns
        self._presses = presses[count:]
        return [*panics, *presses[:count], *(self._turns.popitem(last=False)[1] for _ in range(turns))]

    def wake(self, now: float) -> float | None:
        """Return when more may be handed on, None where nothing waits."""
        return now + 1.0 / MOST_ORDERS if self._turns or self._presses else None


@dataclass(slots=True)
class _Told:
    """What the other side knows of a parameter, and when."""

    value: float | None = None
    heard_at: float = -math.inf
    sent: float | None = None
    sent_at: float = -math.inf


@dataclass(slots=True)
class Feedback:
    """Values on their way out. ``echoes`` counts values that came back as they were told."""

    echoes: int = 0
    values: dict[Place, float] = field(default_factory=dict)
    _waiting: dict[Place, None] = field(default_factory=dict)
    _known: dict[Place, _Told] = field(default_factory=dict)

    def told(self, place: Place, value: float) -> None:
        """Take a parameter's value; ``due`` hands it on where the other side does not know it."""
        self.values[place] = value
        self._waiting[place] = None

    def heard(self, place: Place, value: float, now: float) -> bool:
        """Take a value that the other side has sent; False where it is only our own that comes back."""
        known = self._known.setdefault(place, _Told())
        if same(known.sent, value) and now - known.sent_at < ECHO and now - known.heard_at > ECHO:
            self.echoes += 1
            return False
        known.value, known.heard_at = value, now
        return True

    def forget(self) -> None:
        """Tell everything again: another one listens, or the same has lost what it knew."""
        self._known.clear()
        self._waiting = dict.fromkeys(self.values)

    def due(self, now: float, most: int = 64) -> list[tuple[Place, float]]:
        """Return the values that are to be told now, ``most`` at once."""
        out: list[tuple[Place, float]] = []
        for place in list(self._waiting):
            known = self._known.setdefault(place, _Told())
            if len(out) >= most:
                break
            if self._at(known) <= now:
                del self._waiting[place]
                if not same(known.value, self.values[place]):
                    known.value = known.sent = self.values[place]
                    known.sent_at = now
                    out.append((place, known.value))
        return out

    def wake(self, now: float) -> float | None:
        """Return when ``due`` has something to hand on, None for never."""
        moments = [self._at(self._known.get(place) or _Told()) for place in self._waiting]
        return max(now, min(moments)) if moments else None

    def _at(self, known: _Told) -> float:
        """Return when a parameter may be told again."""
        return max(known.sent_at + 1.0 / RATE, known.heard_at + QUIET)

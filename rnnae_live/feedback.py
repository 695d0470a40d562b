"""The feedback guard: notices that what leaves comes back in, and keeps the echo out.

ports -> [feedback] -> engine, and player -> [feedback] -> ports

Notes alone cannot prove a loop: a machine-exact trill that is passed on, or a sequencer that plays the answer along,
looks the same. They raise a suspicion. The proof is something that only a cable can know:

- a *probe* that comes back: the selection of parameters that nothing has (NRPN and RPN, 27 random bits), without a
  value, so that it changes nothing; or
- *marks*, where controllers do not pass: for a while velocities are moved by +-4 at random, and what comes in follows.

Nothing else cuts, so nothing that a performer or a machine plays can. Limit: a loop that passes neither controllers
nor velocities is not found. Clock and SysEx are not looked at.

*Units*: seconds of one monotonic clock; time is an argument. *Threading*: one thread. *Errors*: none.
"""

from __future__ import annotations

import random
from collections import deque

from rnnae_live.echo import JITTER, MARKED_RETURNS, RETURNS, Fit, Left, Way
from rnnae_live.events import CONTROL_CHANGE, NOTE_OFF, NOTE_ON, Notice, note_off

ROUND_TRIP = 0.25
"""Seconds after which nothing that left is expected back."""
ANSWER = 0.3
"""Seconds within which a probe comes back."""
MARK = 4
"""Velocity by which a mark is louder or softer: half a decibel."""
MARKS = 32
"""Notes that are marked for one suspicion."""
EAGER_AGAIN = (2.0, 64.0)
"""Seconds before a single note that could be an echo is enough for a probe again: at first, and at most."""
PROBES = 5
"""Probes that may follow each other at once; one more each second."""
PROBE_AGAIN = 0.5
"""Seconds between two probes of a known loop."""
UNANSWERED = 3
"""Probes that do not come back, after which the loop is gone."""
OPEN_AFTER = 1.5
"""Seconds without an echo, although notes were sent, after which a loop that marks have proved is gone."""
LEFT_MOST = 24
"""Notes, and controllers, that are remembered as sent: more would be looked through for every note of a flood."""
MOST_WAYS = 128
DEEPEST = 8
"""Note-ons without a note-off that are remembered of one key."""

_CONTROLS = 1000
"""The interval of what is no note and has to come back as it was."""
_PARAMETER = (99, 98, 101, 100)
"""The controllers of a probe in the order in which they are sent: number of an NRPN, then of an RPN, high and low."""


class Guard:
    """Watches what leaves and what comes in; ``looped`` says that the one is the other."""

    def __init__(self, seed: int | None = None) -> None:
        """Begin open. ``seed`` makes probes and marks repeatable."""
        self._dice = random.Random(seed)
        self._notes: deque[Left] = deque(maxlen=LEFT_MOST)
        self._controls: deque[Left] = deque(maxlen=LEFT_MOST)
        self._serial = 0
        self._channel = 0
        self._ways: dict[int, list[Way]] = {}
        self._way_count = 0
        self._let_in: dict[tuple[int, int], list[tuple[Way, ...]]] = {}
        self._kept_out: dict[tuple[int, int], int] = {}
        self._marks = 0
        self._asked: dict[tuple[int, ...], float] = {}
        self._selected: dict[int, dict[int, int]] = {}
        self._wanted = False
        self._tokens, self._tokens_at = float(PROBES), 0.0
        self._eager_at, self._eager_wait = float("-inf"), EAGER_AGAIN[0]
        self._trip: float | None = None
        """Seconds that a probe takes to come back, where the loop was proved by one."""
        self._proof: Way | None = None
        """The way whose marks proved the loop, where probes do not come back."""
        self._closed_at = self._echo_at = 0.0
        self._probe_at = 0.0
        self._unanswered = 0
        self._news: deque[Notice] = deque(maxlen=8)
        self._releases: list[bytes] = []
        self.looped = False
        self.echoes = 0

    def sent(self, data: bytes, at: float) -> bytes:
        """Return the message to send at ``at`` in place of ``data``: the same, or a note-on with a mark."""
        kind = data[0] & 0xF0
        if kind in (0xF0, NOTE_OFF):
            return data
        self._serial += 1
        if kind != NOTE_ON:
            self._controls.append(Left(self._serial, at, 0, 0, 0, data))
        elif data[2]:
            plain = velocity = data[2]
            if self._marks:
                self._marks -= 1
                step = self._dice.choice((-MARK, MARK))
                velocity = plain + step if 1 <= plain + step <= 127 else plain - step
                data = bytes((data[0], data[1], velocity))
            self._channel = data[0] & 0x0F
            self._notes.append(Left(self._serial, at, data[1], plain, velocity))
        return data

    def received(self, data: bytes, at: float) -> bool:
        """Return whether a message that came in at ``at`` is to be heard; False says that it is an echo."""
        kind = data[0] & 0xF0
        if kind == 0xF0:
            return True
        key = (data[0] & 0x0F, data[1])
        if kind == NOTE_OFF or (kind == NOTE_ON and not data[2]):
            return not self._heard_off(key)
        if kind == NOTE_ON:
            echo = self._heard_note(key, data[2], at)
        else:
            answer = kind == CONTROL_CHANGE and self._answered(data, at)
            echo = self._heard_control(data, at) or answer
        self.echoes += echo
        return not echo

    def probe(self, at: float) -> list[bytes]:
        """Return what is to be sent now to find out, mostly nothing. Call it after what came in, and twice a second.

        It is for the port alone: ``sent`` need not see it.
        """
        if self.looped:
            if self._over(at):
                self._open()
                return []
            if self._trip is None or at - self._probe_at < PROBE_AGAIN:
                return []
            self._unanswered += 1
        elif self._wanted:
            self._wanted = False
            self._tokens = min(PROBES, self._tokens + max(0.0, at - self._tokens_at))
            self._tokens_at = at
            if self._tokens < 1:
                return []
            self._tokens -= 1
        else:
            return []
        self._probe_at = at
        return self._question(at)

    def news(self) -> Notice | None:
        """Return the next sentence for the performer, once: a loop was found, or is gone."""
        return self._news.popleft() if self._news else None

    def releases(self) -> list[bytes]:
        """Return, once, note-offs to hear as if they came in: of echoes that were let in before the loop was known."""
        released, self._releases = self._releases, []
        return released

    # -- what comes in -----------------------------------------------------------------------------------------------

    def _heard_note(self, key: tuple[int, int], velocity: int, at: float) -> bool:
        """Follow a note-on back to what left; return whether it is an echo of it."""
        nearest: dict[Way, Left] = {}
        single = False
        for left in reversed(self._notes):
            delay = at - left.at
            if delay > ROUND_TRIP:
                break
            if delay >= 0:
                single = True
                self._compare(key[1] - left.pitch, left, at, nearest)
        for way, left in nearest.items():
            self._take(way, left, at)
            if left.velocity != left.plain:
                way.plain.add(left.plain, velocity)
                way.marked.add(left.velocity, velocity)
        ways = tuple(nearest)
        for way in ways:
            self._judge(way, at)
        if self.looped and self._proof in ways:
            self._echo_at = at
        if self.looped and any(map(self._known, ways)):
            self._kept_out[key] = self._kept_out.get(key, 0) + 1
            return True
        if single and not self.looped and at >= self._eager_at:
            self._eager_at = at + self._eager_wait
            self._eager_wait = min(EAGER_AGAIN[1], 2 * self._eager_wait)
            self._wanted = True
        opened = self._let_in.setdefault(key, [])
        opened.append(ways)
        del opened[:-DEEPEST]
        return False

    def _heard_off(self, key: tuple[int, int]) -> bool:
        """Give a note-off to the note-on that was heard; return whether there was none to give it to."""
        opened = self._let_in.get(key)
        if opened:
            opened.pop(0)
            if not opened:
                del self._let_in[key]
            return False
        kept = self._kept_out.pop(key, 0)
        if kept > 1:
            self._kept_out[key] = kept - 1
        return kept > 0 or self.looped

    def _heard_control(self, data: bytes, at: float) -> bool:
        """Follow any other message back; return whether it is an echo."""
        nearest: dict[Way, Left] = {}
        found = False
        for left in reversed(self._controls):
            delay = at - left.at
            if delay > ROUND_TRIP:
                break
            if delay >= 0 and left.data[1:] == data[1:] and (left.data[0] ^ data[0]) < 0x10:
                found = True
                self._compare(_CONTROLS, left, at, nearest)
        for way, left in nearest.items():
            self._take(way, left, at)
            self._judge(way, at)
        return found and self.looped

    def _compare(self, interval: int, left: Left, at: float, nearest: dict[Way, Left]) -> None:
        """Enter the way on which ``left`` would have come back now, unless another message fits that way better."""
        delay = at - left.at
        ways = self._ways.setdefault(interval, [])
        for way in ways:
            off = abs(way.delay - delay)
            if off <= JITTER:
                if way.serial != left.serial:
                    other = nearest.get(way)
                    if other is None or off < abs(way.delay - (at - other.at)):
                        nearest[way] = left
                return
        if self._way_count >= MOST_WAYS:
            self._forget(at)
            ways = self._ways.setdefault(interval, [])
        way = Way(interval, delay, left.serial, at)
        ways.append(way)
        self._way_count += 1
        nearest[way] = left

    def _take(self, way: Way, left: Left, at: float) -> None:
        """Count that ``left`` came back on ``way``, which may be new."""
        if way.serial != left.serial:
            way.take(left, at, self._missed(way, left))

    def _missed(self, way: Way, left: Left) -> int:
        """Return how many messages that left before ``left`` should have come back this way, and did not."""
        if left.serial <= way.serial + 1:
            return 0
        controls = way.interval == _CONTROLS
        between = (m for m in (self._controls if controls else self._notes) if way.serial < m.serial < left.serial)
        return sum(controls or 0 <= m.pitch + way.interval <= 127 for m in between)

    def _forget(self, at: float) -> None:
        """Forget all ways but those that were taken lately, more than once."""
        for interval, ways in list(self._ways.items()):
            kept = [way for way in ways if way.returned >= RETURNS and at - way.at <= 4 * ROUND_TRIP][:DEEPEST]
            if kept:
                self._ways[interval] = kept
            else:
                del self._ways[interval]
        self._way_count = sum(map(len, self._ways.values()))
        if self._way_count >= MOST_WAYS:
            self._ways.clear()
            self._way_count = 0

    # -- suspicion and proof -----------------------------------------------------------------------------------------

    def _judge(self, way: Way, at: float) -> None:
        """Ask where a way is suspicious; close where its marks prove it, open where they no longer do."""
        if self.looped:
            if way is self._proof and self._trip is None and way.marked.n >= MARKED_RETURNS:
                if way.refuted() and at - self._closed_at > ROUND_TRIP:
                    self._open()
                way.plain, way.marked = Fit(), Fit()
        elif way.proved():
            self._proof = way
            way.plain, way.marked = Fit(), Fit()
            self._close(at)
        elif way.suspicious():
            way.needed = 2 * way.returned
            if way.marked.n >= MARKED_RETURNS:
                way.plain, way.marked = Fit(), Fit()
            self._wanted = True
            self._marks = MARKS

    def _known(self, way: Way) -> bool:
        """Return whether what comes in this way is an echo, once there is a loop."""
        if way.returned >= RETURNS:
            return True
        as_long = self._trip is not None and abs(way.delay - self._trip) <= JITTER
        return as_long and (way.returned > 1 or way.interval == 0)

    def _question(self, at: float) -> list[bytes]:
        """Return a probe: numbers above 63, which no standard and hardly an instrument gives to a parameter."""
        self._asked = {nonce: asked for nonce, asked in self._asked.items() if at - asked <= ANSWER}
        nonce = tuple(self._dice.randrange(low, 127) for low in (64, 0, 64, 0))
        self._asked[nonce] = at
        status = CONTROL_CHANGE | self._channel
        return [bytes((status, controller, value)) for controller, value in zip(_PARAMETER, nonce, strict=True)]

    def _answered(self, data: bytes, at: float) -> bool:
        """Return whether a controller belongs to a probe that has come back; the last of four is the proof."""
        controller, value = data[1], data[2]
        if controller not in _PARAMETER:
            return False
        selected = self._selected.setdefault(data[0] & 0x0F, {})
        selected[controller] = value
        if controller == _PARAMETER[-1]:
            asked = self._asked.pop(tuple(selected.get(number, -1) for number in _PARAMETER), None)
            if asked is not None and at - asked <= ANSWER:
                self._trip, self._unanswered = at - asked, 0
                if not self.looped:
                    self._close(at)
                return True
        place = _PARAMETER.index(controller)
        return self.looped and any(nonce[place] == value for nonce in self._asked)

    def _close(self, at: float) -> None:
        """Keep echoes out from now on, and release those that were let in."""
        self.looped = True
        self._wanted = False
        self._closed_at = self._echo_at = self._probe_at = at
        for key, opened in list(self._let_in.items()):
            own = [ways for ways in opened if not any(map(self._known, ways))]
            echoes = len(opened) - len(own)
            if echoes:
                self._let_in[key] = own
                self._kept_out[key] = self._kept_out.get(key, 0) + echoes
                self._releases += [note_off(*key)] * echoes
        self._news.append(Notice(self._sentence(), fault=True))

    def _open(self) -> None:
        """Hear everything again, and begin anew."""
        self.looped, self._trip, self._proof = False, None, None
        self._marks, self._way_count = 0, 0
        for memory in (self._notes, self._controls, self._ways, self._asked, self._kept_out):
            memory.clear()
        self._eager_at, self._eager_wait = float("-inf"), EAGER_AGAIN[0]
        self._news.append(Notice("Your Out port no longer leads back into In: everything is heard again."))

    def _sentence(self) -> str:
        """Return what the performer is told of a loop."""
        known = [w for ways in self._ways.values() for w in ways if w.interval != _CONTROLS and self._known(w)]
        best = max(known, key=lambda way: (way.returned - way.missed, -way.delay), default=None)
        how = ""
        if best is not None:
            how = f" (after {best.delay * 1000:.0f} ms"
            if best.interval:
                how += f", {abs(best.interval)} semitones {'higher' if best.interval > 0 else 'lower'}"
            how += ")"
        return f"Your Out port leads back into In{how}: what comes back is ignored until you take that connection out."

    def _over(self, at: float) -> bool:
        """Return whether nothing has come back for a while, although it should have."""
        if self._trip is not None:
            return self._unanswered >= UNANSWERED and at - self._probe_at >= PROBE_AGAIN
        self._marks = MARKS
        lost = sum(self._echo_at < left.at <= at - ROUND_TRIP for left in self._notes)
        return at - self._echo_at >= OPEN_AFTER and lost >= RETURNS

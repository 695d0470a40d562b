"""The engine's process: the music. Loads the bank, then turns what comes in into what is due.

Everything musical is ``rnnae_live.engine``; here it gets its time, its input and its output.

*Threading*: one thread, and one for each errand to the disk, which is waited for at the end.
*Errors*: see ``child``; a fault while playing becomes a notice.
"""

from __future__ import annotations

import gc
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from rnnae_live import events
from rnnae_live.control.store import Controls, load
from rnnae_live.engine import Engine
from rnnae_live.errors import ControlError, PresetError, RnnaeError
from rnnae_live.events import DueNote, Mark, Notice, Output
from rnnae_live.live import realtime, wire
from rnnae_live.live.bank import BankWatch, open_voices
from rnnae_live.live.child import Child, main
from rnnae_live.live.lesson import Lesson
from rnnae_live.live.wire import Kind, Link, LinkLostError
from rnnae_live.melody import Melody
from rnnae_live.presets import keep
from rnnae_live.settings import from_plain
from rnnae_live.state import Chain
from rnnae_live.view import changes, view
from rnnae_live.voices import BankVoices

TRANSIT = 0.0005
"""Seconds from here to the player: an answer that would start sooner starts as a whole that much later."""

AGAIN = 0.02
"""Seconds between two calls to a player that is not there yet."""

BREATH = 0.0005
"""Seconds between two turns for the same moment."""

LEARN = 0.5
"""Seconds between two looks at what has been learned."""

ERRANDS = 1.0
"""Seconds that a disk has at the end: less than the front waits."""

LOOK = 2.0
"""Seconds between two looks at the folder of presets."""

SHOW = 1 / 30
"""Seconds between two moments at which whoever watches is told."""

TIDY = 0.25
"""Seconds between two looks for garbage."""

MIDDLE = 1
"""Generation up to which it is looked for: what has outlived two looks stays."""

SPARE = 0.004
"""Seconds that have to be free of anything due before something is done that can wait."""


class EngineProcess(Child):
    """The process that makes the music."""

    role = "engine"

    def start(self) -> dict[str, Any]:
        """Load the bank, take over what an earlier engine knew, and call the player, who has kept what came in."""
        options = self.options
        folder = Path(options["bank"]) if options["bank"] else None
        voices = open_voices(folder)
        self.engine = Engine(voices, from_plain(options))
        if options.get("takeover"):
            self.engine.restore(options["takeover"])
        self.bank = voices.bank
        self._watch = BankWatch(folder, self.bank, self._errand, self._later)
        self._lacks = ""
        self._stamp, self._look_at = self._folder_stamp(), 0.0
        self._told: dict[str, Any] | None = None
        self._told_later: deque[Notice] = deque()
        self._errands: list[Thread] = []
        self._controls: Controls | None = None
        control = options.get("control")
        self._lesson = Lesson(control, self._later, self._errand) if control else None
        self._learn_at = 0.0
        self._answer_us = 0
        self._watched = False
        self._shown: dict[str, Any] = {}
        self._show_at = 0.0
        self._player: Link | None = None
        self._plays = False
        self._call_at = 0.0
        self._idle = False
        self._woke: float | None = None
        realtime.settle()
        self._tidy_at = 0.0
        real_time = realtime.schedule(realtime.ENGINE)
        self._call(0.0)
        for text in voices.bank.notices:
            self.front.send(*wire.pack_output(Notice(text, fault=True)))
        slots = [slot.name for _, slot in self.engine.parts[0].slots]
        return {"bank": str(voices.bank.folder), "slots": slots, "real_time": real_time}

    def turn(self) -> None:
        """Wait for a message or for the moment that time alone brings, and play what follows; then do what can wait."""
        wake = self._wake_at()
        patience = math.inf if wake is None else wake - time.monotonic()
        if wake is not None and wake == self._woke:
            # Whatever wants to be done at once, again and again, shall not take all of the processor.
            patience = max(patience, BREATH)
        self._woke = wake
        if not self._idle and patience > SPARE:
            patience = 0.0
        if self._watched:
            patience = min(patience, max(0.0, self._show_at - time.monotonic()))
        others = [self._player] if self._player else []
        ready = self.wait(others, None if math.isinf(patience) else patience)
        try:
            if self._player is None:
                self._call(0.0)
            if self._player is not None and self._player in ready:
                self._hear(self._player)
            if self._plays:
                self._put(self.engine.advance(time.monotonic()))
            self._work(busy=bool(ready))
            self._show(time.monotonic())
            self._learn(time.monotonic())
            self._refresh(time.monotonic())
            self._tidy(time.monotonic())
            while self._told_later:
                self._put([self._told_later.popleft()])
        except LinkLostError:
            self._lost()

    def _wake_at(self) -> float | None:
        """Return when time alone brings something, None for never: nothing before there is a player with its ports."""
        if self._player is None:
            return self._call_at
        return self.engine.wake() if self._plays else None

    def take(self, frame: wire.Frame) -> None:
        """Take a frame of the front: what a remote control asks for, and whether anybody watches."""
        super().take(frame)
        kind, payload = frame
        if kind is Kind.DO and hasattr(self, "engine"):
            self._idle = False
            wish = wire.unpack_json(payload)
            self._put(self._teach(wish) if "learn" in wish else self.engine.do(wish, time.monotonic()))
        elif kind is Kind.WATCH:
            self._watched, self._shown = bool(payload and payload[0]), {}

    def _refresh(self, now: float) -> None:
        """Notice presets that other programs have saved, on a thread: thousands of files take their time.

        A model that has been replaced is opened aside, and plays from the next phrase on.
        """
        opened = self._watch.take()
        if opened is not None:
            self._exchange(opened)
        if now < self._look_at:
            return
        self._watch.look()
        self._look_at = now + LOOK
        before, self._stamp = self._stamp, self._folder_stamp()
        if before != self._stamp:
            self._errand(self.bank.refresh)

    def _exchange(self, opened: BankVoices) -> None:
        """Play with a bank that was opened meanwhile, where all that is heard is in it."""
        try:
            self.engine.exchange(opened)
        except PresetError as error:
            self._watch.refuse()
            if str(error) != self._lacks:
                self._lacks = str(error)
                self._put([Notice(f"The bank has changed; the one that is loaded plays on. {error}", fault=True)])
            return
        self.bank, self._lacks = opened.bank, ""
        name = opened.bank.model.manifest.name
        self._put([Notice(f"The bank has changed; its model '{name}' plays from the next phrase on.")])

    def _tidy(self, now: float) -> None:
        """Look for garbage in what is new, where nothing is due meanwhile: Python itself would look at any moment."""
        wake = self._wake_at()
        if self._idle and now >= self._tidy_at and not self._watch.opening and (wake is None or wake > now + SPARE):
            self._tidy_at = now + TIDY
            gc.collect(MIDDLE)

    def _errand(self, errand: Callable[[], object]) -> None:
        """Do something that waits for a disk, on a thread of its own."""
        self._errands = [one for one in self._errands if one.is_alive()]
        self._errands.append(Thread(target=errand, name="errand", daemon=True))
        self._errands[-1].start()

    def _folder_stamp(self) -> int:
        with suppress(OSError):
            return self.bank.own.stat().st_mtime_ns
        return 0

    def _show(self, now: float) -> None:
        """Tell the front what has changed, as often as an eye can follow."""
        if not self._watched or now < self._show_at:
            return
        self._show_at = now + SHOW
        seen = view(self.engine, now)
        if self._lesson is not None:
            seen["learn"] = {**self._lesson.shown(), "map": self._map()}
        different = changes(self._shown, seen)
        self._shown = seen
        if different:
            self.front.send(*wire.pack_json(Kind.STATE, {"at": now, **different}))

    def leave(self) -> None:
        """Let go of the player, which releases what sounds, and let files be written to their end."""
        if getattr(self, "_player", None) is not None:
            self._lost()
        deadline = time.monotonic() + ERRANDS
        for thread in getattr(self, "_errands", ()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def status(self) -> dict[str, Any]:
        """Return counts, and all settings where they have changed since they were told last."""
        if not hasattr(self, "engine"):
            return {}
        counts = self.engine.counts
        told: dict[str, Any] = {
            "answer_us": self._answer_us,
            "phrases": counts.phrases,
            "answers": counts.answers,
            "faults": counts.faults,
        }
        settings = self.engine.snapshot()
        if settings != self._told:
            self._told = told["settings"] = settings
        return told

    def _hear(self, player: Link) -> None:
        """Take what the player says.

        Raises:
            LinkLostError: it is gone.
        """
        for kind, payload in player.receive():
            if kind is Kind.INPUT:
                self._handle(*wire.unpack_input(payload))
            elif kind is Kind.READY:
                self._plays = True
                self._put(self.engine.start(time.monotonic()))
            elif kind is Kind.RETURNED:
                # Read as for the first time, and shown all values.
                self._controls, self._learn_at = None, 0.0

    def _handle(self, at: float, data: bytes, port: int) -> None:
        event = events.read(data, at)
        if event is not None and port == events.CONTROL and self._lesson is not None and self._lesson.heard(event):
            return
        if event is not None:
            answers = self.engine.counts.answers
            self._put(self.engine.handle(event, time.monotonic(), port))
            if self.engine.counts.answers > answers:
                self._answer_us = round((time.monotonic() - at) * 1e6)

    def _teach(self, wish: dict[str, Any]) -> list[Output]:
        """Wait for the control of what somebody has named."""
        if self._lesson is None:
            return [Notice("There is no controller to learn from: start with --control NAME.")]
        try:
            self._lesson.begin(wish["learn"], self._controls, wish.get("part"), self._map())
        except ControlError as error:
            return [Notice(str(error))]
        return []

    def _map(self) -> str | None:
        """Return the name of the map with which the controller is read, None for the performer's own."""
        controller = self.engine.surfaces.get(events.CONTROL)
        return None if controller is None else controller.active

    def _later(self, notice: Notice) -> None:
        """Tell something from any thread."""
        self._told_later.append(notice)
        self.wake()

    def _learn(self, now: float) -> None:
        """Read the controller as has been learned for it, again when something was learned while it plays."""
        name = self.options.get("control")
        if not name or now < self._learn_at or (self._controls is not None and not self._controls.changed()):
            return
        self._learn_at = now + LEARN
        try:
            self._controls = load()
        except ControlError as error:
            # What was learned before holds on.
            self._controls = (self._controls or Controls()).seen()
            self._put([Notice(str(error), fault=True)])
        surface, notes = self._controls.surface(name), self._controls.of(name).notes
        self._put(self.engine.attach(surface, now, notes=notes))

    def _work(self, *, busy: bool) -> None:
        """Do a little of what can wait, where nothing else is to be done in the meantime."""
        wake = self._wake_at()
        if busy:
            self._idle = False
        if busy or self._idle or (wake is not None and wake < time.monotonic() + SPARE):
            return
        done = self.engine.work()
        self._idle = done is None
        if done:
            self._put(done)
        for melody, chain in self.engine.take_kept():
            # A disk takes its time, and this thread has none.
            self._errand(partial(self._store, melody, chain))

    def _store(self, melody: Melody, chain: Chain) -> None:
        """Save a captured phrase as a preset; on a thread of its own."""
        bank = self.bank
        name = f"Captured {datetime.now().astimezone():%Y-%m-%d %H-%M-%S}"
        try:
            path = bank.save(keep(bank.model, melody, name, chain))
            notice = Notice(f"Saved as '{name}' ({path}).")
        except (RnnaeError, OSError) as error:
            notice = Notice(f"The captured phrase could not be saved and stays for this session: {error}", fault=True)
        self._later(notice)

    def _put(self, outputs: list[Output]) -> None:
        """Send to the player what is played, and to the front what is told."""
        late = min((one.at for one in outputs if isinstance(one, DueNote)), default=math.inf)
        late = time.monotonic() + TRANSIT - late
        if late > 0:
            outputs = self.engine.delay(outputs, late)
        played = [wire.pack_output(output) for output in outputs if not isinstance(output, Notice | Mark)]
        if played and self._player is not None:
            self._player.send_frames(played)
        told = [wire.pack_output(output) for output in outputs if isinstance(output, Notice | Mark)]
        if told:
            self.front.send_frames(told)

    def _call(self, patience: float) -> None:
        """Call the player, who says when its ports are open; where there is none, try again a little later."""
        try:
            self._player = wire.call(self.folder, "player", patience)
        except OSError:
            self._call_at = time.monotonic() + AGAIN

    def _lost(self) -> None:
        """The player is gone: so is what it was to play. Another one will come."""
        if self._player is not None:
            self._player.close()
        self._player, self._plays = None, False
        self._call_at = time.monotonic() + AGAIN


if __name__ == "__main__":
    sys.exit(main(EngineProcess))

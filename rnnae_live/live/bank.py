"""The bank of a live session: opened and rehearsed, and opened anew aside when its model changes on the disk.

presets, voices -> [bank] -> engine

A bank that is replaced while it plays is verified as at the start, on a thread of its own; only one that plays as it
should is handed over. Whatever else becomes of the files, the model that is loaded plays on.

*Threading*: ``look`` and ``take`` on the engine's thread. *Errors*: ``ModelError`` from ``open_voices`` only.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from rnnae_live.control import DEFAULT_BUTTONS, Press
from rnnae_live.engine import Engine
from rnnae_live.errors import RnnaeError
from rnnae_live.events import ControlChange, NoteOff, NoteOn, Notice
from rnnae_live.library import SONGS
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.presets import Bank
from rnnae_live.voices import BankVoices, Voices

Stamp = tuple[tuple[int, int, int], ...]
"""What says that files are the same: moment of the last change, size and number of each."""

Errand = Callable[[Callable[[], object]], None]
"""Does something on a thread of its own."""


def open_voices(folder: Path | None) -> BankVoices:
    """Return the bank in ``folder`` (None: the factory bank), in memory and used once.

    Raises:
        ModelError: there is no bank, or its model is damaged.
    """
    voices = BankVoices.open(folder)
    rehearse(voices)
    voices.bank.preload()
    return voices


class BankWatch:
    """Looks whether the model in the bank's folder is still the one that plays."""

    def __init__(self, folder: Path | None, bank: Bank, errand: Errand, tell: Callable[[Notice], None]) -> None:
        """Watch ``bank``, which was opened as ``folder``; what is wrong with its next model is told on any thread."""
        self._folder = folder
        self._errand = errand
        self._tell = tell
        self._place = bank.folder
        self._lacking = False
        self._known = self._last = self._stamp()
        self._opened: BankVoices | None = None
        self.opening = False
        """Whether a bank is being opened: whoever looks for garbage would look through all of it."""

    def look(self) -> None:
        """Look at the files; where they have changed, and not since the last look, open the bank aside."""
        before, self._last = self._last, self._stamp()
        if self._last == self._known or self._last != before:
            return
        self._known = self._last
        if self._known is None:
            self._tell(Notice(f"The model in {self._place} is gone; the one that is loaded plays on.", fault=True))
        else:
            self.opening = True
            self._errand(partial(self._open, self._known))

    def take(self) -> BankVoices | None:
        """Return a bank that has been opened since this was asked last, None where there is none."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._watch_presets(on=False)
        return opened

    def refuse(self) -> None:
        """Open the bank that was taken once more when its presets change: it lacks some that are heard."""
        self._watch_presets(on=True)

    def _watch_presets(self, *, on: bool) -> None:
        self._lacking = on
        self._known = self._last = self._stamp()

    def _open(self, stamp: Stamp) -> None:
        """Open the bank that is there, on a thread of its own."""
        try:
            opened = open_voices(self._folder)
            # Nothing of it is garbage, and looking through all of it would take milliseconds.
            gc.freeze()
            if stamp == self._stamp():
                self._opened = opened
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the music goes on
            what = str(error) if isinstance(error, RnnaeError) else f"{type(error).__name__}: {error}"
            told = f"The bank has changed and cannot be used; the one that is loaded plays on. {what}"
            self._tell(Notice(told, fault=True))
        finally:
            self.opening = False

    def _stamp(self) -> Stamp | None:
        """Return what the files of the model are like, None where one of them is missing."""
        with suppress(OSError):
            names = (*FILES, MANIFEST, *([SONGS] if self._lacking else []))
            stats = [(self._place / name).stat() for name in names]
            return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in stats)
        return None


def rehearse(voices: Voices) -> None:
    """Answer a phrase that nobody hears, so that the first one on stage does not wait for what is made on first use."""
    engine = Engine(voices)
    button = next(controller for controller, press in DEFAULT_BUTTONS.items() if press is Press.ANSWER)
    now = 0.0
    for number in range(32):
        # By hand, not on the grid: what is exact takes a shorter way.
        jitter = 0.013 * (number * 7 % 5 - 2)
        engine.handle(NoteOn(now + 0.25 + jitter, 0, 60 + number % 12, 80), now + 0.25 + jitter)
        now += 0.25
        engine.handle(NoteOff(now + 0.2 + jitter, 0, 60 + number % 12), now + 0.2 + jitter)
        if number % 16 == 15:
            engine.handle(ControlChange(now + 0.25, 0, button, 127), now + 0.25)

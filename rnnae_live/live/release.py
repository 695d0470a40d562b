"""A player that only lets go: started where the real one has died too often, so that nothing sounds until its next try.

ledger -> [release] -> ports

It opens no input and plays nothing, so whatever killed the player is not met again. What the ledger names is released
at once, and again as after every crash; then it leaves.

*Units*: seconds of the monotonic clock. *Threading*: one thread, and the driver's. *Errors*: see ``child``.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnae_live.errors import PortError
from rnnae_live.ledger import Ledger
from rnnae_live.live.child import Child, main
from rnnae_live.live.options import port_names
from rnnae_live.live.player import AFTER_A_CRASH, RELEASE_AGAIN, TRY_AGAIN
from rnnae_live.live.session import LEDGER
from rnnae_live.player import Player
from rnnae_live.ports import Backend, Output, choose
from rnnae_live.ports.base import OUT


class ReleaseProcess(Child):
    """The process that releases what a player left sounding."""

    role = "player"

    def __init__(self, folder: Path) -> None:
        """Call the front."""
        super().__init__(folder)
        self._backend: Backend | None = None
        self._output: Output | None = None
        self._ledger = Ledger.open(folder / LEDGER)
        self._notes = list(self._ledger)
        self._player = Player(None, self._ledger)
        now = time.monotonic()
        self._again = [now + seconds for seconds in RELEASE_AGAIN] if self._notes else []

    def start(self) -> dict[str, Any]:
        """Open the output and release what the ledger names."""
        patience = time.monotonic() + AFTER_A_CRASH
        while self._notes and not self.stopping:
            try:
                self._open()
                break
            except PortError:
                self._close()
                if time.monotonic() >= patience:
                    raise
            self.wait([], TRY_AGAIN)
        return {}

    def turn(self) -> None:
        """Release again what a first volley may have lost; leave when that is done."""
        if not self._again:
            self.stopping = True
            return
        self.wait([], self._again[0] - time.monotonic())
        back = self._backend.mend() if self._backend is not None else []
        if back or time.monotonic() >= self._again[0]:
            self._player.repeat(self._notes)
        if time.monotonic() >= self._again[0]:
            self._again.pop(0)

    def leave(self) -> None:
        """Let the driver send it, and close."""
        self._close()

    def status(self) -> dict[str, Any]:
        """Return nothing: it is not asked."""
        return {}

    def _open(self) -> None:
        names = port_names(self.options, "destination")
        self._backend = choose(self.options["backend"], named=bool(names)).backend
        self._backend.patient = True
        self._output = self._backend.open_output(OUT, *names)
        self._player.serve(self._output.send)
        self._player.release()

    def _close(self) -> None:
        system, self._backend = self._backend, None
        for one in (self._output, system):
            if one is not None:
                with suppress(PortError):
                    one.close()
        self._output = None


if __name__ == "__main__":
    sys.exit(main(ReleaseProcess))

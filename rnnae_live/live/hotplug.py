"""Named ports that go and come back: joined again, and what nobody can let go of any more released.

ports -> [hotplug] -> player

*Units*: seconds of the monotonic clock. *Threading*: the process's own thread; ``soon`` is for any.
*Errors*: ``PortError`` where the system does not answer.
"""

from __future__ import annotations

from collections.abc import Callable

from rnnae_live.agenda import Key
from rnnae_live.events import note_off
from rnnae_live.ports import Backend, Change, Input, Output

LOOK_AGAIN = 1.0
"""Seconds between two looks at which named ports are there, where the system does not tell of changes."""

QUIET = 0.01
"""Seconds in which nothing must be due for such a look, where this process has to be in time itself."""

Tell = Callable[[str, bool], None]


class Hotplug:
    """Looks for named ports. ``tell`` takes a sentence and whether it is a fault."""

    def __init__(
        self,
        tell: Tell,
        sounding: Callable[[], list[Key]],
        repeat: Callable[[list[Key]], None],
        show: Callable[[], None],
    ) -> None:
        """Ask ``sounding`` what a port that goes leaves behind, and ``repeat`` its note-offs when it is back.

        ``show`` is called when a controller is back, whose rings and lamps are as they were built.
        """
        self._tell = tell
        self._sounding = sounding
        self._repeat = repeat
        self._show = show
        self._missed: dict[str, list[Key]] = {}
        self._by = 0.0
        self.down: dict[Input, set[Key]] = {}
        """The keys that are down on each input."""
        self.lamps: Output | None = None
        """What shows a controller its values."""
        self.at = 0.0
        """When to look next."""

    def soon(self) -> None:
        """Look as soon as possible."""
        self.at = 0.0

    def mend(self, backend: Backend | None, now: float, due: float | None) -> None:
        """Join what has come back, unless something is due at once at ``due``.

        Raises:
            PortError: the system does not answer.
        """
        if now < self.at or backend is None:
            return
        if due is not None and due - now < QUIET and now < self._by:
            self.at = now + QUIET
            return
        self.at, self._by = now + LOOK_AGAIN, now + 1.5 * LOOK_AGAIN
        for change in backend.mend():
            self._changed(change)

    def _changed(self, change: Change) -> None:
        self._tell(f"'{change.name}' is back." if change.there else f"'{change.name}' is gone.", not change.there)
        if isinstance(change.port, Input) and not change.there:
            # Whoever holds these keys cannot let go of them any more.
            for channel, pitch in list(self.down[change.port]):
                change.port.arrived(note_off(channel, pitch))
        elif change.port is self.lamps:
            if change.there:
                self._show()
        elif isinstance(change.port, Output) and not change.there:
            self._missed[change.name] = self._sounding()
        elif isinstance(change.port, Output):
            self._repeat(self._missed.pop(change.name, []))

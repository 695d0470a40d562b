"""Which notes sound on the out port, written where another process can read it.

player -> [ledger] -> whoever has to release what a dead player left sounding

One byte for each of 16 x 128 notes in a small file that is mapped into memory: the kernel keeps it when a process is
killed. A note is entered *before* its note-on is sent and taken out *after* its note-off was, so what the ledger does
not name cannot sound; at worst one note-off too many is sent.

*Shapes*: 8 bytes of magic, then ``channel * 128 + pitch`` -> 0, or the velocity of the note that sounds.
*Threading*: one writer; a byte is written whole, so readers need no lock.
*Errors*: ``PortError`` where the file cannot be made or is not a ledger.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from rnnae_live.errors import PortError
from rnnae_live.events import CHANNELS, PITCHES

MAGIC = b"RNNAELG1"
SIZE = len(MAGIC) + CHANNELS * PITCHES


class Ledger:
    """The table of sounding notes. ``Ledger()`` lives in this process only, ``Ledger.open`` in a file."""

    def __init__(self, memory: bytearray | mmap.mmap | None = None) -> None:
        """Use ``memory`` of ``SIZE`` bytes, or memory of its own."""
        self._memory: bytearray | mmap.mmap = bytearray(MAGIC.ljust(SIZE, b"\0")) if memory is None else memory

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map the ledger in ``path`` into memory; a file that is not there is made, with no note sounding.

        Raises:
            PortError: the file cannot be made or read, or is something else.
        """
        try:
            if not path.exists():
                path.write_bytes(MAGIC.ljust(SIZE, b"\0"))
            with path.open("r+b") as file:
                memory = mmap.mmap(file.fileno(), 0)
        except (OSError, ValueError) as error:
            raise PortError(f"The table of sounding notes {path} cannot be used: {error}.") from error
        if len(memory) != SIZE or memory[: len(MAGIC)] != MAGIC:
            memory.close()
            raise PortError(f"{path} is not a table of sounding notes; remove it and start again.")
        return cls(memory)

    def add(self, channel: int, pitch: int, velocity: int) -> None:
        """Enter a note whose note-on is about to be sent."""
        self._memory[len(MAGIC) + channel * PITCHES + pitch] = max(1, velocity)

    def remove(self, channel: int, pitch: int) -> None:
        """Take out a note whose note-off was sent."""
        self._memory[len(MAGIC) + channel * PITCHES + pitch] = 0

    def __contains__(self, note: tuple[int, int]) -> bool:
        """True where (channel, pitch) sounds."""
        return bool(self._memory[len(MAGIC) + note[0] * PITCHES + note[1]])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Every (channel, pitch) that sounds."""
        table = self._memory[len(MAGIC) :]
        return iter([divmod(place, PITCHES) for place, velocity in enumerate(table) if velocity])

    def close(self) -> None:
        """Let go of the file; the table stays in it."""
        if isinstance(self._memory, mmap.mmap):
            self._memory.close()

"""A folder of presets that is the user's own, changed so that nothing is lost whatever happens meanwhile.

library -> [shelf] -> files

Every change is made with the folder's lock and is one file replaced whole. What is replaced or deleted lies in
``trash/`` before it goes, and a file of an older schema in ``backup/`` before it is written in the new one. A crash
leaves the old or the new; at the worst a deleted preset is both there and in the trash.

*Threading*: any thread, any process. *Errors*: ``PresetError``.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rnnae_live.errors import PresetError
from rnnae_live.files import Lock, home, make_folder, remove, sweep, write_whole
from rnnae_live.library.preset import Preset, read_record
from rnnae_live.library.record import SCHEMA, Record, write

SONGS = "songs"
TRASH = "trash"
BACKUP = "backup"
LOCK = ".lock"
_MOMENT = re.compile(r"^\d{8}T\d{6}-(\d{9}-)?")
"""What the trash puts before a file's name."""


class Shelf:
    """The user's own folder of presets."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made when something is first put there."""
        self.folder = folder
        self.trash = folder / TRASH

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Keep others from writing, and clear away what one that was killed has left.

        Raises:
            PresetError: the folder cannot be written, or somebody else writes for too long.
        """
        try:
            make_folder(self.folder)
            lock = Lock(self.folder / LOCK)
            with lock:
                for folder in (self.folder, self.trash, self.folder / BACKUP):
                    sweep(folder)
                yield
        except TimeoutError as error:
            raise PresetError(f"{self.folder} is in use: {error.strerror}; nothing was changed. Try again.") from error
        except OSError as error:
            place = error.filename or self.folder
            raise PresetError(f"{place} cannot be written ({error.strerror}); nothing was lost.") from error

    def put(self, record: Record, *, keep_old: bool) -> Path:
        """Write a record into its file and return that; the caller holds the lock.

        ``keep_old`` puts a copy of what the file held into the trash; one of an older schema is kept in any case.

        Raises:
            OSError: it cannot be written; the file is as it was.
        """
        file = self.folder / f"{record.id}.json"
        if file.exists():
            if keep_old:
                write_whole(self._in_trash(file), file.read_bytes())
            self._keep_older_schema(file)
        write_whole(file, write(record))
        return file

    def discard(self, file: Path) -> Path:
        """Move a file to the trash and return where it lies; the caller holds the lock.

        Raises:
            OSError: that cannot be written; the file is where it was.
        """
        # A rename from folder to folder is two changes, of which a power cut may keep the wrong one.
        target = self._in_trash(file)
        write_whole(target, file.read_bytes())
        remove(file)
        return target

    def bring_back(self, deleted: Preset, record: Record) -> Path:
        """Write what was deleted into the folder again and return its file; the caller holds the lock.

        Raises:
            OSError: that cannot be written; it stays in the trash.
        """
        file = self.put(record, keep_old=True)
        remove(Path(deleted.file))
        return file

    def deleted(self) -> list[Preset]:
        """Return what is in the trash and can be read, the last that came first."""
        found = []
        for file in sorted(self.trash.glob("*.json"), reverse=True):
            with contextlib.suppress(PresetError):
                record = read_record(file)
                record = msgspec.structs.replace(record, id=_MOMENT.sub("", record.id))
                found.append(Preset.of(record, str(file)))
        return found

    def _in_trash(self, file: Path) -> Path:
        now = time.time_ns()
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 10**9))
        return self.trash / f"{moment}-{now % 10**9:09d}-{file.name}"

    def _keep_older_schema(self, file: Path) -> None:
        try:
            schema = read_record(file).schema
        except PresetError:
            return
        if schema < SCHEMA:
            write_whole(self.folder / BACKUP / f"schema{schema}-{file.name}", file.read_bytes())


def places(folder: Path | None) -> tuple[Path, Path]:
    """Return the folder of a bank and that of the user's own presets for it; without one those of the factory."""
    return (folder, folder / SONGS) if folder else (factory(), home() / SONGS)


def factory() -> Path:
    """Return the folder of the factory bank: beside the code when installed, ``presets`` in a checkout."""
    installed = Path(__file__).parents[1] / "factory"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "presets"

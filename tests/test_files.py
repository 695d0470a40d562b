"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnae_live.files import Lock, sweep, sync_folder, write_whole

pytestmark = pytest.mark.unit


def test_content_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_a_lock_has_one_holder_whoever_asks(tmp_path: Path) -> None:
    with Lock(tmp_path / ".lock"):
        with pytest.raises(TimeoutError, match="another program"), Lock(tmp_path / ".lock", patience=0):
            pytest.fail("two hold it")
        child = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from rnnae_live.files import Lock; Lock({str(tmp_path / '.lock')!r}, 0).__enter__()",
            ],
            capture_output=True,
            check=False,
        )
        assert b"TimeoutError" in child.stderr
    with Lock(tmp_path / ".lock", patience=0):
        pass


def test_only_what_is_unfinished_is_swept(tmp_path: Path) -> None:
    for name in (".a.json-1234.tmp", "a.tmp", ".hidden", "a.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.tmp").mkdir()
    sweep(tmp_path)
    sweep(tmp_path / "there is none")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".folder.tmp", ".hidden", "a.json", "a.tmp"]


def test_a_folder_that_cannot_be_synced_is_no_failure_but_a_bad_disk_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> None:
        def fsync(_handle: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)

    refuse(errno.EINVAL)
    sync_folder(tmp_path)
    refuse(errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)

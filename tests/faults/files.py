"""Rows about files: presets, models and configuration on disks that fail, and banks that were damaged."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rnnae_live import files
from rnnae_live.errors import ModelError, PresetError
from rnnae_live.library import SONGS
from rnnae_live.library.record import write
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES, Model
from rnnae_live.presets import factory
from tests.faults.seen import Row, Seen
from tests.library import disk, test_crash
from tests.library.songs import library, song
from tests.manifests import sealed


@contextlib.contextmanager
def forgetful() -> Iterator[pytest.MonkeyPatch]:
    """Let nothing be remembered of a folder, so that every look reads its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAE_HOME", os.devnull)
        yield patch


def power_cuts(seen: Seen, _long: bool, folder: Path) -> None:
    """Cut the power at every moment of every change of a library."""
    with forgetful():
        for number, name in enumerate(test_crash.CHANGES):
            wrong = test_crash.losses(name, _made(folder, f"cut {number}"))
            seen.inject(f"power cut: {name}", len(list((folder / f"cut {number}").glob("after *"))))
            for sentence in wrong:
                seen.hold(False, f"{name}: {sentence}")


def full_disks(seen: Seen, _long: bool, folder: Path) -> None:
    """Let every call that changes the disk fail once, because it is full or broken."""
    for word, number in (("disk full", errno.ENOSPC), ("input/output error", errno.EIO), ("read-only", errno.EROFS)):
        with forgetful() as patch:
            patch.setattr(disk, "errno", SimpleNamespace(ENOSPC=number))
            for name in test_crash.CHANGES:
                _fail_everywhere(seen, f"{word}: {name}", name, _made(folder, f"{word} {name}"))


def _fail_everywhere(seen: Seen, what: str, name: str, folder: Path) -> None:
    begin, change = test_crash.CHANGES[name]
    begin(whole := _made(folder, "whole"))
    change(library(whole))
    wanted = test_crash.seen(library(whole))
    for at in range(1, 200):
        root = _made(folder, str(at))
        begin(root)
        found = library(root)
        old, before = test_crash.seen(found), test_crash.songs(found)
        failing = disk.Disk(root)
        failing.fail_at = at
        with failing.recording(), contextlib.suppress(PresetError):
            change(found)
        after = library(root)
        if failing.asked < at:
            return
        seen.inject(what)
        now = test_crash.seen(after)
        kept = before <= test_crash.songs(after) and not after.notices
        seen.hold(kept, f"{what}, call {at}: something is torn or lost")
        either = now in (old, wanted) or (name in test_crash.MANY and now <= old | wanted)
        seen.hold(either, f"{what}, call {at}: neither old nor new")
        after.save(song("next", 99))
        seen.hold(not list(root.rglob(f"*{files.TEMPORARY}")), f"{what}, call {at}: a temporary file is left")


def kills_and_writers(seen: Seen, long: bool, folder: Path) -> None:
    """Kill a program that changes a library without pause, and let two write at once."""
    for number in range(30 if long else 1):
        with forgetful():
            test_crash.test_a_kill_at_any_moment_loses_nothing(_made(folder, f"kill {number}"))
            seen.inject("kill -9 while saving, renaming, deleting", 6)
            test_crash.test_two_programs_that_write_at_once_lose_nothing(_made(folder, f"both {number}"))
            seen.inject("two writers", 48)


def thousands(seen: Seen, long: bool, folder: Path) -> None:
    """Open a folder of 10,000 presets of which one is damaged; then one that is missing, and one that is read-only."""
    count = 10_000 if long else 2_000
    songs = _made(folder, "many") / SONGS
    songs.mkdir()
    content = write(song("preset", 1).record).decode()
    for number in range(count):
        (songs / f"preset-{number:08x}.json").write_text(content.replace('"name": "preset"', f'"name": "No {number}"'))
    (songs / "preset-00000007.json").write_bytes(b'{"schema": 2, "id": "x", "na')
    began = time.monotonic()
    found = library(folder / "many")
    cold = time.monotonic() - began
    began = time.monotonic()
    again = library(folder / "many")
    warm = time.monotonic() - began
    seen.inject(f"{count} presets")
    seen.inject("a damaged preset")
    seen.hold(len(found.presets) == count - 1 == len(again.presets), f"{len(found.presets)} of {count - 1} were found")
    seen.hold(len(found.notices) == 1 and "preset-00000007" in found.notices[0], "the damaged one is not told of")
    seen.bound(f"open {count} presets (s)", cold, 10.0 * count / 10_000)
    seen.bound(f"open {count} presets again (s)", warm, 1.0)
    missing = library(folder / "nowhere")
    seen.inject("a folder that is missing")
    seen.hold(not missing.presets and not missing.notices, "a folder that is missing is a fault")
    (folder / "file").write_text("no folder")
    blocked = library(folder / "file")
    seen.inject("a folder that is a file")
    with contextlib.suppress(PresetError):
        blocked.save(song("one", 1))
        seen.hold(False, "a preset was saved into nothing")


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return bytes with some of them changed, cut off, doubled or torn out; never the same."""
    made = bytearray(data)
    while bytes(made) == data:
        at = dice.randrange(len(made)) if made else 0
        kind = dice.randrange(7)
        if kind == 0:
            made[at : at + 1] = bytes((dice.randrange(256),))
        elif kind == 1:
            made[at] ^= 1 << dice.randrange(8)
        elif kind == 2:
            del made[at:]
        elif kind == 3:
            del made[at : at + dice.randrange(1, 64)]
        elif kind == 4:
            made[at:at] = made[at : at + dice.randrange(1, 64)]
        elif kind == 5:
            made[at : at + 64] = bytes(len(made[at : at + 64]))
        else:
            made[at : at + 4] = b"\x00\x00\xc0\x7f"
    return bytes(made)


def spoil(data: bytes, name: str, dice: random.Random) -> bytes:
    """Return a damaged file of a model, of a manifest one that says something else: more space is no damage."""
    spoiled = damaged(data, dice)
    if name == MANIFEST:
        with contextlib.suppress(ValueError):
            while json.loads(spoiled) == json.loads(data):
                spoiled = damaged(data, dice)
    return spoiled


def models(seen: Seen, long: bool, folder: Path) -> None:
    """Damage a model in every way: none runs. Then fit its hashes: what loads plays, and nothing else is raised."""
    dice = random.Random(9)
    bundle = _made(folder, "bundle")
    whole = {name: (factory() / name).read_bytes() for name in (*FILES, MANIFEST)}
    ran = fitted_ran = 0
    count, fitted = (6_000, 600) if long else (60, 12)
    for number in range(count + fitted):
        name = dice.choice((*FILES, MANIFEST)) if number < count else dice.choice(FILES[:2])
        for one, data in whole.items():
            (bundle / one).write_bytes(data)
        spoiled = spoil(whole[name], name, dice)
        (bundle / name).write_bytes(spoiled)
        if number >= count:
            manifest = json.loads(whole[MANIFEST])
            manifest["sha256"][name] = hashlib.sha256(spoiled).hexdigest()
            (bundle / MANIFEST).write_bytes(sealed(manifest))
        try:
            Model.load(bundle)
        except ModelError:
            seen.inject(f"damaged {name}" if number < count else f"damaged {name} whose hash fits")
            continue
        if number < count:
            ran += 1
        else:
            fitted_ran += 1
            seen.inject(f"damaged {name} whose hash fits")
    seen.hold(not ran, f"{ran} damaged models run")
    seen.figures["corrupted models / run"] = f"{count} / {ran}"
    seen.figures["with fitted hashes / still play the golden phrase"] = f"{fitted} / {fitted_ran}"


def _made(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    return place


ROWS = [
    Row("power cuts while presets change", "old or new, never torn, nothing lost", power_cuts),
    Row("full and failing disks", "old or new, temporary files swept", full_disks),
    Row("kills and two writers", "no lost update, nothing torn", kills_and_writers),
    Row("thousands of presets", "fast, the corrupt one skipped with a note", thousands),
    Row("damaged models", "none runs", models),
]

"""Planted faults: each protection of the instrument is taken out in turn, and a check has to notice.

The code has no switch for this: a protection is removed by replacing a function or a bound for as long as its check
runs. A check that passes with the protection in place and without it protects nothing.

``found`` counts; ``python -m tests.faults`` reports "planted faults found / planted".
"""

from __future__ import annotations

import math
import os
import stat
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.datastructures import Headers

from rnnae_live import agenda, capture, chunks, decoder, files, fuse, manifest, model, player, state, walk
from rnnae_live.clock.follower import Follower
from rnnae_live.config import file as config_file
from rnnae_live.echo import Way
from rnnae_live.engine import Engine
from rnnae_live.feedback import Guard
from rnnae_live.fuse import Fuse, Lane
from rnnae_live.ledger import Ledger
from rnnae_live.library import record
from rnnae_live.library import shelf as shelves
from rnnae_live.library.shelf import Shelf
from rnnae_live.live import nursery, session, wire
from rnnae_live.model import Model
from rnnae_live.osc import packet
from rnnae_live.osc.addresses import Order
from rnnae_live.osc.flow import Intake as OscIntake
from rnnae_live.page import gate, messages, viewers
from rnnae_live.page.gate import Gate
from rnnae_live.part import Part
from rnnae_live.player import Player
from rnnae_live.presets import pack
from rnnae_live.state import State
from rnnae_live.walk import Walk
from tests.faults.checks_inside import (
    backlog,
    cable,
    cable_of_notes,
    cable_releases,
    change_of_mind,
    changed_manifest,
    crowd,
    cut_releases,
    dead_clock,
    engine_dies,
    entered_first,
    failing_part,
    first_note,
    flooded_bound,
    flooded_clock,
    flooded_offs,
    flooded_panic,
    forgets,
    golden,
    hash_of_model,
    invalid_bytes,
    late_off,
    long_phrase,
    longest,
    operators,
    overlapping,
    own_note_off,
    pedal,
    slept,
    slept_for_days,
    stage_raises,
    state_of_nan,
    weight_of_nan,
)
from tests.faults.checks_outside import (
    alone,
    crowded_page,
    deep_osc,
    frozen,
    giant_configuration,
    giant_preset,
    hostile_title,
    impossible_preset,
    left_sounding,
    let_go,
    losses,
    lost_update,
    midi_events,
    midi_length,
    osc_of_nan,
    osc_panic,
    other_origin,
    rebinding,
    restarts,
    slipping_pack,
    stuffed_link,
    unfinished,
    wish_of_nan,
    without_token,
)

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Planted:
    """A protection: what takes it out, and a check that raises where it is out."""

    name: str
    remove: Callable[[Patch], None]
    check: Callable[[Path], None]


def found(fault: Planted, folder: Path) -> bool:
    """Return whether the check passes with the protection, and notices that it is out."""
    (folder / "with").mkdir(parents=True)
    (folder / "without").mkdir()
    fault.check(folder / "with")
    with pytest.MonkeyPatch.context() as patch:
        fault.remove(patch)
        try:
            fault.check(folder / "without")
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it shows, it was noticed
            return True
    return False


def _set(owner: Any, name: str, value: Any) -> Callable[[Patch], None]:  # noqa: ANN401 - any protection
    return lambda patch: patch.setattr(owner, name, value)


def careless(shelf: Shelf, file: Path) -> Path:
    data = file.read_bytes()
    files.remove(file)
    files.write_whole(shelf.trash / file.name, data)
    return shelf.trash / file.name


# -- the list --------------------------------------------------------------------------------------------------------


def _release_nothing(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
    self.ledger.add(key[0], key[1], waiting.data[2])
    sounding_ = self._sounding[key] = player._Sounding(waiting.serial, waiting.owner)
    if waiting.until is not None:
        self._set_off(key, sounding_, waiting.until)
    self._emit(waiting.data, waiting.at, late)


def _abandon(self: Player) -> None:
    self._agenda.clear()


def _drop_late_offs(patch: Patch) -> None:
    real = Player._off

    def off(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
        if late <= player.LATEST:
            real(self, key, waiting, late)

    patch.setattr(Player, "_off", off)


def _any_owner(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
    if key in self.ledger:
        self._release(key, waiting.at, late)


def _piece_by_piece(self: Walk, tick: float) -> bool:
    while not self.over and self.start + (length := self.source.length(self.at)) <= tick:
        self.start, self.at, self._sounding = self.start + length, self.at + 1, None
    return self.over


def _raise(self: Engine, error: Exception) -> list[Any]:
    raise error


def _without_lane(data: bytes) -> Lane | None:
    found_ = LANE(data)
    return Lane.VALUE if found_ is Lane.PANIC else found_


LANE = fuse.lane


def _unproved(patch: Patch) -> None:
    patch.setattr(Guard, "_answered", lambda *_args: False)
    patch.setattr(Way, "proved", lambda _self: False)


class _Instead:
    """A module in which some names are others."""

    def __init__(self, module: Any, **names: Any) -> None:  # noqa: ANN401 - any module
        self._module, self._names = module, names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any member
        names = self.__dict__["_names"]
        return names[name] if name in names else getattr(self.__dict__["_module"], name)


def _sync_folders_only(handle: int) -> None:
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.fsync(handle)


class _Blind(Headers):
    """Headers whose Origin is always that of the page."""

    def getlist(self, key: str) -> list[str]:
        return [f"http://{self['host']}"] if key == "origin" else super().getlist(key)


def _waiting_panic(self: OscIntake, _now: float) -> list[Order]:
    count = min(len(self._presses), int(self._tokens))
    self._tokens -= count
    given, self._presses = self._presses[:count], self._presses[count:]
    return given


def _unlocked(patch: Patch) -> None:
    patch.setattr(files.Lock, "__enter__", lambda self: self)


def _no_pack_names(_file: Path, archive: zipfile.ZipFile) -> dict[str, int]:
    return {entry.filename: 1 << 30 for entry in archive.infolist()}


def _plain_number(data: bytes, pos: int, limit: int) -> tuple[int, int]:
    value = 0
    for after in range(pos + 1, min(pos + 5000, limit) + 1):
        value = value << 7 | data[after - 1] & 127
        if data[after - 1] < 0x80:
            return value, after
    return value, min(pos + 5000, limit)


def _deaf(path: Any, *_args: object) -> None:  # noqa: ANN401 - a descriptor
    return


PLANTED = [
    Planted("a second note-on releases the first", _set(Player, "_on", _release_nothing), overlapping),
    Planted("late note-ons are dropped", _set(player, "LATEST", math.inf), backlog),
    Planted("what waits for the port is bounded", _set(player, "MOST_PENDING", 1 << 30), crowd),
    Planted("a late note-off is sent", _drop_late_offs, late_off),
    Planted("a cut releases", _set(Player, "release", lambda _self: None), cut_releases),
    Planted("the death of the engine releases", _set(Player, "abandon", _abandon), engine_dies),
    Planted("what has been played is not played in a second version",
            _set(Player, "withdraw", lambda _self, _event: None), change_of_mind),
    Planted("a note is ended by whoever began it", _set(Player, "_off", _any_owner), own_note_off),
    Planted("invalid bytes are not passed on", _set(player, "fault", lambda _data: None), invalid_bytes),
    Planted("a pedal comes up with a cut", _set(Player, "_lift_pedals", lambda _self: None), pedal),
    Planted("a note is entered before it is sent", _set(Ledger, "add", _deaf), entered_first),
    Planted("forgotten entries leave the heap", _set(agenda, "MOST_DEAD", 1 << 30), forgets),
    Planted("note-offs pass a flood", _set(Fuse, "_note_off", lambda self, _data: self._spend(1)), flooded_offs),
    Planted("panic passes a flood", _set(fuse, "lane", _without_lane), flooded_panic),
    Planted("a flood is bounded", _set(Fuse, "_spend", lambda _self, _cost, _keep=0.0: True), flooded_bound),
    Planted("a flood of clock is bounded", _set(fuse, "CLOCK_RATE", 1e9), flooded_clock),
    Planted("a cable from Out to In is proved by a probe", _unproved, cable),
    Planted("a cable that passes notes only is proved by marks",
            _set(Way, "proved", lambda _self: False), cable_of_notes),
    Planted("echoes that were let in are released", _set(Guard, "releases", lambda _self: []), cable_releases),
    Planted("nothing that raises leaves the engine", _set(Engine, "_fault", _raise), stage_raises),
    Planted("a part that fails is silenced", _set(Part, "silence", lambda _self, _now: []), failing_part),
    Planted("hours of sleep are not decoded", _set(Walk, "_pass_over", lambda _self, _tick: None), slept),
    Planted("days of sleep are no longer than seconds", _set(Walk, "_pass_over", _piece_by_piece), slept_for_days),
    Planted("a phrase without end is answered",
            _set(capture.Capture, "full", property(lambda _self: False)), long_phrase),
    Planted("a clock that dies stops the music", _set(Follower, "advance", lambda _self, _now: None), dead_clock),
    Planted("a late first tick costs no note", _set(walk, "JUST", -0.25), first_note),
    Planted("states are finite", _set(State, "__post_init__", lambda _self: None), state_of_nan),
    Planted("weights are finite", _set(state, "np", _Instead(np, isfinite=np.ones_like)), weight_of_nan),
    Planted("a model is the one that its manifest names",
            _set(model, "_verified", lambda file, _sha256: file.read_bytes()), hash_of_model),
    Planted("a manifest is as it was written", _set(
        manifest, "digest_of", lambda one: one.digest), changed_manifest),
    Planted("a model plays its golden phrase", _set(Model, "check_golden", lambda _self: None), golden),
    Planted("a model has no operator that ours have not",
            _set(model, "OPERATORS", frozenset([*model.OPERATORS, "Sinh"])), operators),
    Planted("a phrase has an end", _set(decoder, "LONGEST", 1 << 30), longest),
    Planted("files are synced before they are renamed",
            _set(files, "os", _Instead(os, fsync=_sync_folders_only)), losses("save over another")),
    Planted("folders are synced", _set(files, "sync_folder", _deaf), losses("save")),
    Planted("the trash has it before it goes", _set(Shelf, "discard", careless), losses("delete")),
    Planted("one writer at a time", _unlocked, lost_update),
    Planted("unfinished files are swept", _set(shelves, "sweep", _deaf), unfinished),
    Planted("a giant is no preset", _set(record, "LARGEST_FILE", 1 << 40), giant_preset),
    Planted("fields of a preset are checked", _set(record, "_fault", lambda _record: ""), impossible_preset),
    Planted("a pack names no file outside", _set(pack, "_sizes", _no_pack_names), slipping_pack),
    Planted("events of a MIDI file are bounded", _set(chunks, "MAX_EVENTS", 1 << 40), midi_events),
    Planted("a number of a MIDI file has four bytes", _set(chunks, "_number", _plain_number), midi_length),
    Planted("titles are harmless", _set(chunks, "printable", lambda text, _length=80: text), hostile_title),
    Planted("a giant is no configuration", _set(config_file, "LARGEST_FILE", 1 << 40), giant_configuration),
    Planted("an end that takes nothing is given up", _set(wire, "MOST_WAITING", 1 << 40), stuffed_link),
    Planted("a dead session's notes are taken over", _set(session, "_take_over", lambda _root: []), left_sounding),
    Planted("restarts are limited", _set(nursery, "MOST_STARTS", 1 << 30), restarts),
    Planted("the player is told that it is alone",
            _set(nursery, "Kind", _Instead(wire.Kind, ALONE=wire.Kind.PING)), alone),
    Planted("what a player left that is not tried again is released", _set(nursery, "RELEASE", "player"), let_go),
    Planted("a frozen child is replaced",
            _set(nursery, "FROZEN", {"engine": math.inf, "player": math.inf, "page": math.inf}), frozen),
    Planted("a stranger's name is not this computer", _set(Gate, "_is_here", lambda _self, _host: True), rebinding),
    Planted("another page may not ask", _set(gate, "Headers", _Blind), other_origin),
    Planted("other computers need the token", _set(Gate, "is_token", lambda _self, _given: True), without_token),
    Planted("a browser's messages are bounded", _set(viewers.Bucket, "take", lambda _self, _now: True), crowded_page),
    Planted("wishes are finite", _set(messages, "math", _Instead(math, isfinite=lambda _number: True)), wish_of_nan),
    Planted("bundles are not nested without end", _set(packet, "DEEPEST", 1 << 30), deep_osc),
    Planted("OSC values are finite", _set(
        sys.modules["rnnae_live.osc.addresses"], "math", _Instead(math, isfinite=lambda _number: True)), osc_of_nan),
    Planted("an OSC panic does not wait", _set(OscIntake, "take", _waiting_panic), osc_panic),
]  # fmt: skip
"""Every protection that is taken out."""

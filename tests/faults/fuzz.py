"""Rows that feed every parser that meets the outside with what is no longer what it was; seeded, to come again.

An input is either taken or refused with the one error that the parser names. Anything else is a crash; what takes
longer than ``HANG`` is a hang.

*Units*: seconds of CPU time, so that a loaded machine is no hang.
"""

from __future__ import annotations

import json
import os
import random
import struct
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from rnnae_live import events, midifile
from rnnae_live.cli import _configured, live
from rnnae_live.config import decode as configuration
from rnnae_live.control import store
from rnnae_live.errors import ConfigError, ControlError, MidiFileError, ModelError, PresetError, RnnaeError
from rnnae_live.events import PLAYED
from rnnae_live.library import record
from rnnae_live.live.intake import Intake
from rnnae_live.live.wire import Link, LinkLostError
from rnnae_live.manifest import MANIFEST, read_manifest
from rnnae_live.osc.addresses import addresses, told, understood
from rnnae_live.osc.packet import Message, datagram, messages
from rnnae_live.page.messages import read as wish
from rnnae_live.player import Player
from rnnae_live.presets import factory
from rnnae_live.presets.pack import export_pack, read_pack
from rnnae_live.recorder import HEADER, JOURNAL, recover
from rnnae_live.song import song
from tests.faults.files import damaged
from tests.faults.real import voices
from tests.faults.seen import Row, Seen

HANG = 2.0


def feed(seen: Seen, kind: str, inputs: Callable[[random.Random], Any], parse: Callable[[Any], object],
         refusal: type[Exception], count: int) -> tuple[int, int]:  # fmt: skip
    """Feed a parser; return how many inputs were taken, and how many crashed or hung."""
    dice = random.Random(kind)
    taken = crashed = 0
    for number in range(count):
        given = inputs(dice)
        began = time.process_time()
        try:
            parse(given)
            taken += 1
        except refusal:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            crashed += 1
            seen.hold(False, f"{kind} {number}: {type(error).__name__}: {str(error)[:120]} from {given[:60]!r}")
        spent = time.process_time() - began
        if spent > HANG:
            crashed += 1
            seen.hold(False, f"{kind} {number}: {spent:.1f} s")
    seen.inject(kind, count)
    return taken, crashed


def midi_seeds(folder: Path) -> list[bytes]:
    """Return MIDI files to damage: songs of the bank as we write them, and the corpus where it is there."""
    seeds = []
    for number, preset in enumerate(voices().bank.presets[:12]):
        midifile.write(folder / f"{number}.mid", preset.melody)
        seeds.append((folder / f"{number}.mid").read_bytes())
    beside = Path(os.environ.get("RNNAE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
    found = sorted(beside.rglob("*.mid"))[:: max(1, len(list(beside.rglob("*.mid"))) // 60)] if beside.is_dir() else []
    return seeds + [path.read_bytes() for path in found]


def sound(seed: bytes) -> bool:
    """Return whether a file has a melody before it is damaged."""
    try:
        song(midifile.read(seed))
    except MidiFileError:
        return False
    return True


def midi_files(seen: Seen, long: bool, folder: Path) -> None:
    """Damage MIDI files a little, and import them; then feed what is no file at all."""
    seeds = [seed for seed in midi_seeds(folder) if sound(seed)]
    count = 100_000 if long else 1_500

    def mutated(dice: random.Random) -> bytes:
        data = dice.choice(seeds)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            data = damaged(data, dice) or data
        return data

    def hostile(dice: random.Random) -> bytes:
        head = b"MThd" + struct.pack(">LHHH", *(dice.choice((0, 1, 2, 6, 0x7FFF, 0xFFFF)) for _ in range(4)))
        body = bytes(dice.randrange(256) for _ in range(dice.randrange(200)))
        runs = bytes((dice.randrange(128, 256),)) * dice.randrange(2_000)
        length = dice.choice((len(body), 0, 0xFFFFFFFF))
        return head[: dice.choice((14, 14, 14, 5))] + b"MTrk" + struct.pack(">L", length) + body + runs

    def imported(data: bytes) -> None:
        song(midifile.read(data))

    taken, crashes = feed(seen, "a damaged MIDI file", mutated, imported, MidiFileError, count)
    _, more = feed(seen, "a hostile MIDI file", hostile, imported, MidiFileError, count // 2)
    seen.figures["MIDI files / crashes"] = f"{count + count // 2} / {crashes + more}"
    seen.figures["mutated files imported (%)"] = round(100 * taken / count, 1)
    seen.hold(taken >= 0.8 * count, f"only {taken} of {count} damaged files were imported")


def live_bytes(seen: Seen, long: bool, _folder: Path) -> None:
    """Let streams of any bytes come in where a driver lets messages in."""

    def stream(dice: random.Random) -> list[bytes]:
        return [
            bytes(dice.randrange(256) for _ in range(dice.randrange(6))) if dice.random() < 0.5
            else bytes((dice.randrange(0x80, 0x100), dice.randrange(128), dice.randrange(128)))
            for _ in range(40)
        ]  # fmt: skip

    def heard(given: list[bytes]) -> None:
        intake, sent = Intake(recording=True), list[bytes]()
        player = Player(sent.append)
        player.leaves = intake.leaves
        player.set_thru(2)
        for number, data in enumerate(given):
            for at, message in intake.heard("in", PLAYED, number / 500, data):
                events.read(message, at)
                player.thru(message, at)
            player.play(number / 500)
            intake.probes(number / 500)
        player.play(1e3)
        assert not [data for data in sent if events.fault(data)], "an invalid message was sent"

    count = 100_000 if long else 1_500
    _, crashes = feed(seen, "a stream of any bytes", stream, heard, ZeroDivisionError, count)
    seen.figures["byte streams / crashes"] = f"{count} / {crashes}"


def remote(seen: Seen, long: bool, _folder: Path) -> None:
    """Damage OSC datagrams, messages of browsers, and frames between processes."""
    count = 50_000 if long else 1_500
    paths = list(addresses())
    good = [datagram(told("weight 1", 0, 0.5)), datagram(Message("/rnnae/panic")),
            datagram(Message("/rnnae/preset/select", ("Arirang",)))]  # fmt: skip

    def osc(dice: random.Random) -> bytes:
        path = dice.choice(paths)
        value = dice.choice((float("nan"), float("inf"), -1e30, 1e30, 0.5, 7, True, "x" * dice.randrange(300)))
        data = datagram(Message(path, (value,) * dice.randrange(4)))
        if dice.random() < 0.3:
            for _ in range(dice.randrange(1, 12)):
                data = b"#bundle\0" + bytes(8) + struct.pack(">i", dice.choice((len(data), -4, 1 << 30))) + data
        return damaged(data, dice) if dice.random() < 0.5 else data if dice.random() < 0.9 else dice.choice(good)

    feed(seen, "an OSC datagram", osc, lambda data: [understood(one) for one in messages(data)], ControlError, count)

    wishes = ['{"do":{"turn":"follow","value":0.5}}', '{"do":{"press":"panic"}}', '{"do":{"note":[1,60,80]}}',
              '{"do":{"mix":{"Arirang":0.5}}}', '{"ping":1}', '{"import":{"name":"x","data":"TVRo"}}',
              '{"export":"answer"}', '{"do":{"preset":"Arirang","slot":3}}']  # fmt: skip
    odd = ("NaN", "1e999", "-0", "null", "[]", "{}", '"\\ud800"', "true", "1" * 400, "[" * 3000, '{"a":' * 500)

    def browser(dice: random.Random) -> bytes:
        text = dice.choice(wishes)
        if dice.random() < 0.5:
            return text.replace(dice.choice(("0.5", "60", "1", '"x"', '"panic"')), dice.choice(odd)).encode()
        return damaged(text.encode(), dice)

    feed(seen, "a message of a browser", browser, wish, ControlError, count)

    def frames(data: bytes) -> None:
        link = object.__new__(Link)
        link._in = bytearray(data)
        list(link._frames())

    frame = b"\x03\0\0\0\x02abc" * 4
    feed(seen, "a frame between processes", lambda dice: damaged(frame, dice), frames, LinkLostError, count)


ODD = (b"NaN", b"1e999", b"null", b"-1", b"99999999999999999999", b'"\\u0000"', b"[]", b"{}", b"true")


def spoiled(seeds: list[bytes]) -> Callable[[random.Random], bytes]:
    """Return what damages one of some files, or puts a value of another kind into its JSON."""

    def make(dice: random.Random) -> bytes:
        data = dice.choice(seeds)
        if dice.random() < 0.4 and data[:1] in b"{[":
            plain = json.loads(data)
            key = dice.choice(list(plain))
            return json.dumps(plain).encode().replace(json.dumps(plain[key]).encode(), dice.choice(ODD), 1)
        return damaged(data, dice)

    return make


def packs(seen: Seen, count: int, folder: Path) -> None:
    """Damage packs, and what is in them."""
    export_pack(voices().bank, voices().bank.presets[:2], folder / "pack.zip", "Two")
    packed = (folder / "pack.zip").read_bytes()

    def pack(dice: random.Random) -> bytes:
        if dice.random() < 0.5:
            return damaged(packed, dice)
        made = BytesIO()
        with zipfile.ZipFile(BytesIO(packed)) as old, zipfile.ZipFile(made, "w") as new:
            spoil = dice.choice(old.namelist())
            for name in old.namelist():
                data = old.read(name)
                new.writestr(dice.choice((name, f"../{name}")) if name == spoil else name,
                             damaged(data, dice) if name == spoil else data)  # fmt: skip
        return made.getvalue()

    def unpacked(data: bytes) -> None:
        (folder / "x.zip").write_bytes(data)
        read_pack(folder / "x.zip")

    feed(seen, "a pack", pack, unpacked, PresetError, count)


def settings_and_controls(seen: Seen, count: int, folder: Path) -> None:
    """Damage configuration and learned controls."""
    table = _configured.table(live.command)
    toml = [b'bpm = 96\nmode = "loop"\npresets = ["Arirang=0.5"]\nfollow = 0.25\nsend-clock = true\n',
            b'thru = "notes"\nrest = 2.5\npage = "off"\n[[parts]]\nchannel = 2\n']  # fmt: skip
    words = (
        b"[" * 500,
        b"a." * 400 + b"b=1",
        b"=",
        b"'''",
        b"9" * 900,
        b"nan",
        b"inf",
        b"1979-05-27",
        b"\x00",
        b"\xff",
    )

    def settings(dice: random.Random) -> bytes:
        data = dice.choice(toml)
        at = dice.randrange(len(data))
        return damaged(data, dice) if dice.random() < 0.6 else data[:at] + dice.choice(words) + data[at:]

    feed(seen, "a configuration", settings, lambda data: configuration(data, Path("x"), table), ConfigError, count)

    learned = b'{"ports":[{"port":"nano","controls":[{"control":"cc 20","moves":"weight 1"}]}],"schema":1}'

    def controls(data: bytes) -> None:
        (folder / "controls.json").write_bytes(data)
        store.load(folder / "controls.json")

    feed(seen, "learned controls", spoiled([learned]), controls, ControlError, count)


def stored(seen: Seen, long: bool, folder: Path) -> None:
    """Damage presets, manifests, packs, configuration, learned controls and journals."""
    count = 20_000 if long else 300
    presets = [path.read_bytes() for path in sorted((factory() / "songs").glob("*.json"))]

    def whole(data: bytes) -> None:
        found = record.read(data, "x")
        assert found.chain
        assert found.melody.length > 0
        assert record.read(record.write(found), "x") == msgspec.structs.replace(found, schema=record.SCHEMA)

    feed(seen, "a preset", spoiled(presets), whole, PresetError, count)

    def manifest(data: bytes) -> None:
        (folder / MANIFEST).write_bytes(data)
        read_manifest(folder)

    feed(seen, "a manifest", spoiled([(factory() / MANIFEST).read_bytes()]), manifest, ModelError, count // 3)

    packs(seen, count // 5, folder)
    settings_and_controls(seen, count, folder)

    lines = HEADER + b'0.000000 bpm 120.0000\n0.100000 in 903c50\n0.2 mark "x"\n0.500000 in 803c40\n0.6 out 903c50\n'

    def journal(data: bytes) -> None:
        place = folder / "recordings"
        place.mkdir(exist_ok=True)
        (place / f"a{JOURNAL}").write_bytes(data)
        recover(place)
        for path in place.iterdir():
            path.unlink()

    feed(seen, "a journal of a recording", spoiled([lines]), journal, RnnaeError, count // 3)


ROWS = [
    Row("MIDI files", "0 crashes, 0 hangs, >= 80 % of mutated files imported", midi_files),
    Row("live bytes", "0 crashes, 0 hangs, nothing invalid sent", live_bytes),
    Row("OSC, browsers, frames", "refused with a sentence, 0 crashes, 0 hangs", remote),
    Row("presets, packs, manifests, configuration", "refused with a sentence, 0 crashes, 0 hangs", stored),
]

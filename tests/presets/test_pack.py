"""Packs: what comes out goes in again, and nothing hostile does."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from rnnae_live.errors import ModelError, PresetError, RnnaeError
from rnnae_live.files import home
from rnnae_live.library.record import write
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES, Model
from rnnae_live.presets import SONGS, Bank, factory
from rnnae_live.presets import pack as packs
from rnnae_live.presets.pack import export_pack, export_preset, install, read_pack, read_single, verified
from tests.library.disk import Disk, Tree, tree_of

pytestmark = pytest.mark.model

Entries = dict[str, bytes]


@pytest.fixture
def pack(bank: Bank, tmp_path: Path) -> Path:
    """A pack of two factory presets."""
    file = tmp_path / "two.zip"
    assert export_pack(bank, bank.presets[:2], file, "Two") == 2
    return file


def entries(file: Path) -> Entries:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack_again(file: Path, content: Entries, *, honest: bool = True) -> Path:
    """Write entries as a pack, with hashes that fit where it is to look ``honest``."""
    if honest:
        about = json.loads(content[packs.CONTENTS])
        about["sha256"] = {
            name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != packs.CONTENTS
        }
        content = {**content, packs.CONTENTS: json.dumps(about).encode()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file


def test_a_pack_becomes_a_bank_that_plays(pack: Path, tmp_path: Path, bank: Bank) -> None:
    place = install(read_pack(pack), tmp_path / "new" / "bank")
    opened = Bank.open(place)
    assert [p.record for p in opened.presets] == [msgspec.structs.replace(p.record, schema=2) for p in bank.presets[:2]]
    assert [missed for _, missed in opened.check()] == [None, None]
    assert (place / "MODEL_CARD.md").read_bytes() == (factory() / "MODEL_CARD.md").read_bytes()
    assert [path.name for path in place.parent.iterdir()] == ["bank"]
    with pytest.raises(PresetError, match="is there already"):
        install(read_pack(pack), place)
    assert install(read_pack(pack)).parent == home() / "banks"


def test_the_same_bank_is_the_same_pack_and_replaces_nothing_unasked(bank: Bank, pack: Path, tmp_path: Path) -> None:
    export_pack(bank, bank.presets[:2], tmp_path / "again.zip", "Two")
    assert (tmp_path / "again.zip").read_bytes() == pack.read_bytes()
    with pytest.raises(PresetError, match="--force replaces it"):
        export_pack(bank, bank.presets, pack, "Two")
    with pytest.raises(PresetError, match="--force replaces it"):
        export_preset(bank.presets[0], pack)
    export_pack(bank, bank.presets[:1], pack, "One", force=True)
    assert len(read_pack(pack).presets) == 1


def test_a_bank_whose_model_was_changed_is_not_exported(own: Bank, tmp_path: Path) -> None:
    (own.folder / "decoder.onnx").write_bytes(b"something else")
    with pytest.raises(PresetError, match="not what its manifest names"):
        export_pack(own, [], tmp_path / "x.zip", "x")
    assert not (tmp_path / "x.zip").exists()


def test_a_single_preset_travels_alone(bank: Bank, own: Bank, tmp_path: Path) -> None:
    export_preset(bank.presets[3], tmp_path / "My Preset (1).json")
    got = verified(own.model, read_single(tmp_path / "My Preset (1).json"))
    assert own.take_in([got]).stored == [bank.presets[3].name]
    assert own.presets[0].notes == bank.presets[3].notes
    assert own.take_in([got]).there == [bank.presets[3].name]


def test_a_preset_that_only_says_that_it_is_exact_is_found_out(bank: Bank) -> None:
    swapped = bank.presets[0].changed(links=bank.presets[1].links)
    assert swapped.exact
    assert not verified(bank.model, swapped).exact
    tiny = bank.presets[0].links[0]
    short = bank.presets[0].changed(links=[msgspec.structs.replace(tiny, state=tiny.state[:32])])
    with pytest.raises(PresetError, match="does not fit its model"):
        verified(bank.model, short)


HOSTILE_NAMES = ["../evil.json", "songs/../../evil.json", "/etc/evil", "songs/Evil.json", "songs/a/b.json", "evil.exe",
                 "songs\\evil.json", "songs/.json", "C:evil", "songs/"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_no_pack_has_is_refused(pack: Path, name: str) -> None:
    pack_again(pack, {**entries(pack), name: b"x"})
    with pytest.raises(PresetError, match=r"has no place in a pack|is no pack"):
        read_pack(pack)


def test_a_list_of_contents_that_is_no_text_is_refused(pack: Path) -> None:
    content = entries(pack)
    about = content[packs.CONTENTS].replace(b'"name": "', b'"name": "\xf2\x28', 1)
    pack_again(pack, {**content, packs.CONTENTS: about}, honest=False)
    with pytest.raises(PresetError, match="is no pack"):
        read_pack(pack)


def song_of(content: Entries) -> str:
    return next(name for name in content if name.startswith(f"{SONGS}/"))


def changed(name: str) -> Callable[[Entries], Entries]:
    def flip(content: Entries) -> Entries:
        data, middle = content[name], len(content[name]) // 2
        return {**content, name: data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]}

    return flip


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_byte_that_was_changed_is_found(pack: Path, name: str) -> None:
    pack_again(pack, changed(name)(entries(pack)), honest=False)
    with pytest.raises(PresetError, match="was changed on the way"):
        read_pack(pack)


@pytest.mark.parametrize("name", FILES)
def test_a_model_that_lies_with_fitting_hashes_is_not_installed(pack: Path, tmp_path: Path, name: str) -> None:
    read = read_pack(pack_again(pack, changed(name)(entries(pack))))
    with pytest.raises(ModelError):
        install(read, tmp_path / "bank")
    assert not (tmp_path / "bank").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["two.zip"]


def test_another_model_id_than_the_model_has_is_found(pack: Path, tmp_path: Path, bank: Bank) -> None:
    content, own = entries(pack), bank.model.model_id.encode()
    fake = {name: data.replace(own, b"0" * 16) for name, data in content.items() if "songs" in name}
    about = content[packs.CONTENTS].replace(own, b"0" * 16)
    read = read_pack(pack_again(pack, {**content, **fake, packs.CONTENTS: about}))
    with pytest.raises(PresetError, match="not the one that it names"):
        install(read, tmp_path / "bank")
    assert not (tmp_path / "bank").exists()


def test_a_preset_that_is_none_or_of_another_model_is_refused(pack: Path, bank: Bank) -> None:
    content, own = entries(pack), bank.model.model_id.encode()
    pack_again(pack, {**content, song_of(content): b"{}"})
    with pytest.raises(PresetError, match="is no preset"):
        read_pack(pack)
    strange = content[song_of(content)].replace(own, b"0" * 16)
    pack_again(pack, {**content, song_of(content): strange})
    with pytest.raises(PresetError, match="another model"):
        read_pack(pack)


def test_what_is_too_large_is_not_unpacked(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = entries(pack)
    pack_again(pack, {**content, "DATA.md": bytes(packs.LARGEST_TEXT + 1)})
    with pytest.raises(PresetError, match="too large"):
        read_pack(pack)
    pack_again(pack, content)
    for limit, value in (("MOST_FILES", 3), ("LARGEST_WHOLE", 1000), ("LARGEST_ARCHIVE", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(packs, limit, value)
            with pytest.raises(PresetError, match=r"more than|larger than"):
                read_pack(pack)
    assert len(read_pack(pack).presets) == 2


def test_a_size_that_lies_is_found(pack: Path) -> None:
    pack_again(pack, {**entries(pack), "DATA.md": bytes(packs.LARGEST_TEXT * 4)})
    data = bytearray(pack.read_bytes())
    true = (packs.LARGEST_TEXT * 4).to_bytes(4, "little")
    assert data.count(true) == 2
    pack.write_bytes(bytes(data).replace(true, (100).to_bytes(4, "little")))
    with pytest.raises(PresetError):
        read_pack(pack)


@pytest.mark.parametrize("missing", [MANIFEST, *FILES, packs.CONTENTS])
def test_a_pack_without_its_parts_is_refused(pack: Path, missing: str) -> None:
    content = {name: data for name, data in entries(pack).items() if name != missing}
    pack_again(pack, content, honest=missing != packs.CONTENTS)
    with pytest.raises(PresetError, match=r"lacks|no pack"):
        read_pack(pack)


def test_an_entry_that_is_there_twice_is_refused(pack: Path) -> None:
    with zipfile.ZipFile(pack, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(MANIFEST, b"{}")
    with pytest.raises(PresetError, match="twice"):
        read_pack(pack)


@pytest.mark.parametrize("cut", [0, 10, 1000, -10, -1000])
def test_a_file_that_is_no_whole_archive_is_refused(pack: Path, cut: int) -> None:
    pack.write_bytes(pack.read_bytes()[:cut])
    with pytest.raises(PresetError, match="no pack"):
        read_pack(pack)
    with pytest.raises(RnnaeError, match="cannot be read"):
        read_pack(pack.with_name("gone.zip"))


def test_a_power_cut_while_a_bank_is_installed_leaves_none_or_all(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_pack(pack)
    (tmp_path / "banks").mkdir()
    disk = Disk(tmp_path / "banks")
    with disk.recording():
        install(read, tmp_path / "banks" / "new")
    wanted = {**read.files, **{f"{SONGS}/{p.id}.json": write(p.record) for p in read.presets}, SONGS: None}

    def installed(tree: Tree) -> Tree:
        return {name[4:]: data for name, data in tree.items() if name.startswith("new/")}

    outcomes = [(finished, "new" in tree, installed(tree)) for finished, tree in disk.crashes()]
    assert disk.whole() == tree_of(tmp_path / "banks")
    assert len(outcomes) > 20
    for finished, there, tree in outcomes:
        assert tree == wanted if there else not finished
    # What a kill has left is cleared by the next try.
    (tmp_path / "banks" / ".again.tmp" / SONGS).mkdir(parents=True)
    (tmp_path / "banks" / ".again.tmp" / SONGS / "rest.json").write_text("{")
    assert len(Bank.open(install(read, tmp_path / "banks" / "again")).presets) == 2


def test_a_disk_that_is_full_while_a_bank_is_installed_leaves_nothing(
    bank: Bank, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_pack(pack)
    # It is loaded in other tests; here only the disk counts.
    monkeypatch.setattr(Model, "load", lambda _: bank.model)
    monkeypatch.setattr(packs, "verified", lambda _, preset: preset)
    for number in range(1, 200):
        root = tmp_path / str(number)
        root.mkdir()
        disk = Disk(root)
        disk.fail_at = number
        failed = False
        with disk.recording():
            try:
                install(read, root / "new")
            except PresetError as error:
                failed = "No space left" in str(error)
        if disk.asked < number:
            assert (root / "new" / MANIFEST).is_file()
            return
        assert failed
        # The last thing of all is the sync of a folder that has its name already.
        assert not (root / "new").exists() or tree_of(root / "new").keys() >= read.files.keys()
        assert [path.name for path in root.iterdir()] in ([], ["new"])
    pytest.fail("the import never came to an end")

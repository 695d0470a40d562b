"""Files are read whatever they are, and written whole."""

from __future__ import annotations

import os
import random
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.errors import MidiFileError
from rnnae_live.melody import Melody
from rnnae_live.midifile import read, write
from rnnae_live.phrase import Metre, Note, Tempo
from rnnae_live.song import read_song
from tests import performer
from tests.performer import chunk, events, file, meta, part, song

LINE = [(0, 240, 57, 80), (240, 480, 60, 80), (480, 720, 64, 80), (720, 960, 69, 80)]
HEARD = [(0, 240, 57), (240, 240, 60), (480, 240, 64), (720, 240, 69)]


def heard(data: bytes) -> list[tuple[int, int, int]]:
    return [(n.onset, n.duration, n.pitch) for p in read(data).parts for n in p.notes]


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    spans = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 100), st.integers(0, 127), st.integers(1, 127))))
    notes, now = [], 0
    for rest, duration, pitch, velocity in spans:
        notes.append(Note(now + rest, duration, pitch, velocity))
        now = notes[-1].end
    metre = draw(st.sampled_from([Metre(0), Metre(0, 3, 4), Metre(0, 6, 8), Metre(0, 2, 2)]))
    bpm = draw(st.integers(2000, 30000)) / 100
    return Melody(tuple(notes), now + draw(st.integers(0, 96)), (metre,), 0, bpm)


@settings(deadline=None)
@given(melodies())
def test_a_written_melody_is_read_back_exactly(tmp_path_factory: pytest.TempPathFactory, melody: Melody) -> None:
    path = tmp_path_factory.mktemp("written") / "melody.mid"
    write(path, melody)
    phrase = read(path)
    assert phrase.ppq == 480
    assert phrase.tempos == (Tempo(0, melody.bpm),)
    assert phrase.metres == melody.metres
    assert phrase.length == melody.length * 20
    notes = [n for p in phrase.parts for n in p.notes]
    assert [(n.onset, n.duration, n.pitch, n.velocity) for n in notes] == [
        (n.onset * 20, n.duration * 20, n.pitch, n.velocity) for n in melody.notes
    ]


def test_several_voices_and_a_pickup_are_written(tmp_path: Path) -> None:
    high = Melody((Note(0, 12, 72), Note(12, 24, 74), Note(36, 96, 76)), 132, (Metre(0), Metre(108, 3, 4)), 12, 90.0)
    write(tmp_path / "two.mid", {"Song": high, "Answer \x1b[31m": Melody((Note(0, 132, 48),), 132)})
    phrase = read(tmp_path / "two.mid")
    assert [(p.name, p.channel, p.length) for p in phrase.parts] == [("Song", 0, 2640), ("Answer [31m", 1, 2640)]
    back = read_song(tmp_path / "two.mid").melody
    assert (back.notes, back.pickup, back.metres, back.bars()) == (high.notes, 12, high.metres, high.bars())
    assert len(mido.MidiFile(tmp_path / "two.mid").tracks) == 3


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "song.mid"
    write(path, Melody((Note(0, 24, 60),), 24))
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(MidiFileError, match="No space left"):
        write(path, Melody((Note(0, 24, 61),), 24))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_and_no_tempo_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no melody"):
        write(tmp_path / "a.mid", {})
    with pytest.raises(ValueError, match="tempo"):
        write(tmp_path / "a.mid", Melody((), 24, bpm=0.0))


def test_running_status_and_silent_note_ons_end_notes() -> None:
    body = b"\x00\x90\x3c\x50" + b"\x60\x3c\x00" + b"\x00\x40\x50" + b"\x60\x40\x00" + b"\x00\xff\x2f\x00"
    assert heard(file([body], 96, 0)) == [(0, 96, 60), (96, 96, 64)]


def test_running_status_outlives_a_meta_event() -> None:
    body = b"\x00\x90\x3c\x50" + b"\x00\xff\x01\x01x" + b"\x60\x3c\x00" + b"\x00\xff\x2f\x00"
    assert heard(file([body], 96, 0)) == [(0, 96, 60)]


def test_repeated_notes_that_overlap_keep_their_own_ends() -> None:
    notes = [(0, 130, 60, 80), (100, 230, 60, 80), (200, 300, 60, 80)]
    assert heard(file([part(notes)])) == [(0, 130, 60), (100, 130, 60), (200, 100, 60)]


def test_a_lost_note_off_spoils_no_other_note() -> None:
    rows = [(0, b"\x90\x3c\x50"), (240, b"\x90\x3c\x50"), (480, b"\x80\x3c\x00"), (480, b"\x90\x40\x50")]
    assert heard(file([events([*rows, (720, b"\x80\x40\x00")])])) == [(0, 240, 60), (240, 240, 60), (480, 240, 64)]


def test_without_note_offs_a_note_ends_at_the_next_attack_and_the_last_with_the_track() -> None:
    body = events([(on, bytes([0x90, pitch, 80])) for on, _, pitch, _ in LINE], end=960)
    phrase = read(file([body]))
    assert heard(file([body])) == HEARD
    assert "had no note-off" in phrase.notices[0]


@pytest.mark.parametrize("frames", [24, 25, 29, 30])
def test_smpte_frames_become_quarter_notes(frames: int) -> None:
    rate = (30000 / 1001 if frames == 29 else frames) * 40
    bpm = 100
    notes = [(on / 480 * 60 / bpm * rate, end / 480 * 60 / bpm * rate, pitch, vel) for on, end, pitch, vel in LINE]
    division = (256 - frames) << 8 | 40
    song_ = read_song(file([events([(0, performer.tempo(bpm))]), part(notes)], division))
    assert [(n.onset, n.duration, n.pitch) for n in song_.melody.notes] == [(a // 20, b // 20, p) for a, b, p in HEARD]
    assert song_.max_shift_ms < 2


def test_unknown_chunks_and_meta_events_keep_the_time() -> None:
    alien = chunk(b"XFIH", b"\x01\x02\x03")
    body = b"\x60\xff\x60\x02hi" + b"\x60\x90\x3c\x50" + b"\x60\x80\x3c\x00" + b"\x00\xff\x2f\x00"
    data = file([])[:14] + alien + chunk(b"MTrk", body) + alien
    assert heard(data) == [(192, 96, 60)]


@pytest.mark.parametrize("length", [0, 5, 10_000, 0xFFFFFFFF])
def test_wrong_chunk_lengths_are_found_out(length: int) -> None:
    one, two = part(LINE), part([(0, 960, 40, 80)], 1)
    data = file([one, two])
    at = data.index(b"MTrk") + 4
    data = data[:at] + length.to_bytes(4, "big") + data[at + 4 :]
    assert sorted(heard(data)) == sorted([*HEARD, (0, 960, 40)])


def test_a_cut_file_gives_what_came_before() -> None:
    data = song([part(LINE)])
    for cut in range(60, len(data)):
        notes = heard(data[:cut]) if b"MTrk" in data[:cut] else []
        whole = [note for note in notes if note in HEARD]
        assert len(whole) >= len(notes) - 1


def test_impossible_tempos_metres_and_keys_are_ignored() -> None:
    rows = [
        (0, meta(0x51, b"\0\0\0")),
        (0, meta(0x51, b"\0")),
        (0, meta(0x58, b"\x04\xff\x18\x08")),
        (0, meta(0x58, b"\x00\x02\x18\x08")),
        (0, meta(0x59, b"\x7f\x05")),
        (10, performer.tempo(90)),
    ]
    phrase = read(file([events(rows), part(LINE)]))
    assert phrase.tempos == (Tempo(0, 120.0), Tempo(10, 90.0))
    assert phrase.metres == (Metre(0),)
    assert len(phrase.notices) == 2


def test_names_are_text_on_one_line() -> None:
    name = "Lead\x1b]0;pwned\x07\u202e\n\x00 voice" + "x" * 300
    phrase = read(file([events([(0, meta(3, name.encode())), (0, b"\x90\x3c\x50"), (9, b"\x80\x3c\x00")])]))
    assert phrase.parts[0].name.startswith("Lead]0;pwned voicexxx")
    assert len(phrase.parts[0].name) == 80
    assert phrase.parts[0].name.isprintable()


def test_what_is_no_midi_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.mid").write_text("<html>not music</html>")
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "big.mid").write_bytes(b"MThd" + bytes(4_000_001))
    os.mkfifo(tmp_path / "pipe.mid")
    for name, words in {
        "page.mid": "no MThd header",
        "empty.mid": "is empty",
        "big.mid": "larger than 4 MB",
        "pipe.mid": "not a regular file",
        ".": "a folder",
        "none.mid": "There is no file",
        "nul\0.mid": "cannot be read",
    }.items():
        with pytest.raises(MidiFileError, match=words) as caught:
            read(tmp_path / name)
        assert str(caught.value).isprintable()
    with pytest.raises(MidiFileError, match="not a regular file"):
        read("/dev/zero")


def test_floods_and_deserts_are_bounded() -> None:
    flood = b"\x00\x90\x3c\x50" + b"\x00\x3c\x00\x00\x3c\x50" * 160_000
    with pytest.raises(MidiFileError, match="more than 300000 events"):
        read(file([flood]))
    desert = b"\xff\xff\xff\x7f\x90\x3c\x50" + b"\x60\x80\x3c\x00"
    late = file([b"\x00\x90\x3e\x50\x60\x80\x3e\x00" + desert + b"\x00\xff\x2f\x00"], 1)
    phrase = read(late)
    assert [n.pitch for p in phrase.parts for n in p.notes] == [62]
    assert "24 hours" in " ".join(phrase.notices)
    # A quantity that never ends is four bytes long.
    assert heard(file([b"\x80" * 100_000])) == []


def test_a_type_2_file_is_one_of_its_songs() -> None:
    drums = part([(0, 60, 36, 90), (480, 540, 38, 90)], 9)
    data = file([drums, part([(0, 480, 40, 80)], 1), events([(0, performer.metre(3, 4))]), part(LINE)], 480, 2)
    result = read_song(data)
    assert [(n.onset, n.duration, n.pitch) for n in result.melody.notes] == [(a // 20, b // 20, p) for a, b, p in HEARD]
    assert result.roots == ()


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Return the bytes with some changed, lost, doubled, or cut off."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at, kind = dice.randrange(len(out)), dice.randrange(6)
        if kind == 0:
            out[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            out[at] = dice.choice((0, 0x7F, 0x80, 0xF0, 0xF7, 0xFF, dice.randrange(256)))
        elif kind == 2:
            del out[at : at + dice.choice((1, 1, 3, 20))]
        elif kind == 3:
            out[at:at] = dice.randbytes(dice.choice((1, 2, 8)))
        elif kind == 4:
            out[at:at] = out[at : at + dice.choice((4, 40))]
        else:
            del out[max(at, len(out) // 2) :]
        if not out:
            return b""
    return bytes(out)


def test_five_thousand_damaged_files_do_no_harm() -> None:
    dice = random.Random(1)
    whole = [
        song([part([(20 * a, 20 * (a + b), p, 80) for a, b, p in notes])], 480, 100, metre)
        for notes, metre in performer.TUNES.values()
    ]
    whole += [performer.arrange(performer.ODE, dice, kind=kind) for kind in (0, 1)]
    imported, refused = 0, set()
    for _ in range(5000):
        data = mutated(dice.choice(whole), dice)
        try:
            result = read_song(data)
        except MidiFileError as error:
            refused.add(str(error))
        else:
            imported += 1
            assert len(result.melody.bars()) < 2_000_000
    assert imported > 4000
    assert all(sentence.endswith(".") for sentence in refused)

"""The recorder: a session becomes a MIDI file, whatever ends it, and what goes wrong is one sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live import midifile, recorder
from rnnae_live.events import note_off, note_on
from rnnae_live.recorder import HEADER, JOURNAL, Recorder, recover
from tests.processes import BOUND

pytestmark = pytest.mark.unit

WHEN = datetime(2026, 11, 24, 21, 30, 5)  # noqa: DTZ001 - only a name
TICK = 60 / 120 / midifile.RECORDING_PPQ


def played(path: Path, track: str) -> list[tuple[float, bytes]]:
    """Return seconds and bytes of the messages of a track, as mido reads them; every file has a tempo of 120."""
    now, found = 0, []
    file = mido.MidiFile(path, charset="utf-8")
    for message in next(t for t in file.tracks if t.name == track):
        now += message.time
        if not message.is_meta:
            found.append((now * TICK, bytes(message.bytes())))
    return found


def markers(path: Path) -> list[str]:
    file = mido.MidiFile(path, charset="utf-8")
    return [m.text for m in file.tracks[0] if m.type == "marker"]


def test_a_session_becomes_a_file_that_both_readers_understand(tmp_path: Path) -> None:
    heard = [
        (100.0, note_on(0, 60, 90)),
        (100.4, note_off(0, 60)),
        (100.5, b"\xb0\x07\x40"),
        (100.6, b"\xf0\x7d\x01\xf7"),
    ]
    sent = [(101.0, note_on(3, 72, 80)), (101.25, note_off(3, 72)), (101.3, b"\xe3\x01\x40"), (101.4, b"\xc3\x05")]
    take = Recorder(tmp_path / "recordings", 120.0, 100.0, WHEN)
    for track, events in (("in", heard), ("out", sent)):
        for at, data in events:
            take.note(track, at, data)
            take.flush()
    take.note("in", 101.0, b"\xf8")
    take.mark(100.2, "Preset 'Ode'\n = 0.5 \N{MUSICAL SYMBOL G CLEF}")
    path = take.close()
    assert path == tmp_path / "recordings" / "2026-11-24 21.30.05.mid"
    assert list(path.parent.iterdir()) == [path]
    for track, events in (("In", heard), ("Out", sent)):
        found = played(path, track)
        assert [data for _, data in found] == [data for _, data in events]
        assert [at for at, _ in found] == pytest.approx([at - 100.0 for at, _ in events], abs=TICK)
    assert markers(path) == ["Preset 'Ode' = 0.5 \N{MUSICAL SYMBOL G CLEF}"]
    phrase = midifile.read(path)
    assert phrase.notices == ()
    assert {part.name: [note.pitch for note in part.notes] for part in phrase.parts} == {"In": [60], "Out": [72]}
    assert phrase.tempos[0].bpm == 120.0
    assert take.news() is None


def test_tempo_changes_keep_every_event_at_its_second(tmp_path: Path) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    for second, bpm in ((1, 90.0), (2, 187.3), (3, 0.0), (4, 61.7)):
        take.tempo(second, bpm)
    moments = [0.1 + 0.37 * n for n in range(20)]
    for n, at in enumerate(moments):
        take.note("out", at, note_on(0, 40 + n, 90))
        take.note("out", at + 0.2, note_off(0, 40 + n))
    path = take.close()
    assert path is not None
    now, found = 0.0, []
    for message in mido.MidiFile(path):  # Iterating converts ticks to seconds.
        now += message.time
        if message.type == "note_on":
            found.append(now)
    assert found == pytest.approx(moments, abs=0.001)
    assert len(midifile.read(path).tempos) == 4


def test_a_note_that_still_sounds_ends_with_the_file(tmp_path: Path) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    take.note("out", 0.0, note_on(1, 60, 90))
    take.note("out", 0.1, note_on(1, 64, 90))
    take.note("in", 2.0, note_on(0, 50, 1))
    path = take.close()
    assert path is not None
    assert [(round(at, 2), data) for at, data in played(path, "Out")][2:] == [
        (2.0, note_off(1, 60)),
        (2.0, note_off(1, 64)),
    ]
    assert midifile.read(path).notices == ()


def test_no_recording_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "2026-11-24 21.30.05.mid").write_bytes(b"mine")
    takes = [Recorder(tmp_path, 120.0, 0.0, WHEN) for _ in range(3)]
    for number, take in enumerate(takes):
        take.note("in", 0.0, note_on(0, 60 + number, 90))
    paths = [take.close() for take in takes]
    assert [path.name for path in paths if path] == [f"2026-11-24 21.30.05 ({n}).mid" for n in (2, 3, 4)]
    assert (tmp_path / "2026-11-24 21.30.05.mid").read_bytes() == b"mine"


def test_a_session_without_music_leaves_nothing(tmp_path: Path) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    take.mark(0.5, "started")
    assert take.close() is None
    assert take.close() is None
    assert list(tmp_path.iterdir()) == []
    assert take.news() is None


SESSION = """
import sys
from pathlib import Path
from rnnae_live.events import note_off, note_on
from rnnae_live.recorder import Recorder
take = Recorder(Path(sys.argv[1]), 120.0, 0.0)
n = 0
while True:
    take.note("out", n * 0.01, note_on(0, n % 128, 90))
    take.note("out", n * 0.01 + 0.005, note_off(0, n % 128))
    n += 1
    if n % 50 == 0:
        take.flush()
        print(n, flush=True)
        sys.stdin.readline()
"""


def session(folder: Path) -> subprocess.Popen[str]:
    """Start a process that records 50 notes for each line that it is sent."""
    command = [*BOUND, sys.executable, "-c", SESSION, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_killed_session_becomes_a_file_at_the_next_start_and_a_living_one_does_not(tmp_path: Path) -> None:
    process = session(tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(20):
        assert process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
    flushed = int(process.stdout.readline())
    assert recover(tmp_path) == []
    journal = next(tmp_path.glob(f"*{JOURNAL}"))
    while journal.read_bytes().count(b" out ") < 2 * (flushed - 50):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with journal.open("ab") as file:
        file.write(b"99.5 out 90")
    [path] = recover(tmp_path)
    [part] = midifile.read(path).parts
    assert flushed - 50 <= len(part.notes) <= flushed
    assert [note.pitch for note in part.notes] == [n % 128 for n in range(len(part.notes))]
    assert recover(tmp_path) == []
    assert list(tmp_path.iterdir()) == [path]


DISK = """
import resource, sys, time
from pathlib import Path
from rnnae_live.events import note_off, note_on
from rnnae_live.recorder import Recorder
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
take = Recorder(Path(sys.argv[1]), 120.0, 0.0)
news = None
n = 0
while news is None and n < 100_000:
    take.note("in", n * 0.01, note_on(0, n % 128, 90))
    take.note("in", n * 0.01 + 0.005, note_off(0, n % 128))
    take.flush()
    if n % 100 == 0:
        time.sleep(0.001)  # Nobody plays so fast that the thread that writes gets no turn.
    news = take.news()
    n += 1
print(news.text)
take.note("in", 9999.0, note_on(0, 1, 90))
take.flush()
path = take.close()
assert take.news() is None, "told twice"
print(path)
"""


def test_a_full_disk_ends_the_recording_with_one_sentence_and_keeps_what_was_written(tmp_path: Path) -> None:
    command = [*BOUND, sys.executable, "-c", DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    sentence, path = done.stdout.splitlines()
    assert "The recording stops" in sentence
    assert "File too large" in sentence
    [part] = midifile.read(Path(path)).parts
    assert len(part.notes) > 100


def test_a_device_without_space_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, take._file.fileno())
    os.close(full)
    take.note("in", 0.0, note_on(0, 60, 90))
    assert take.close() is None
    notice = take.news()
    assert notice is not None
    assert "No space left on device" in notice.text
    assert take.news() is None


def test_a_folder_that_vanishes_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SYNC", 0.0)
    take = Recorder(tmp_path / "gone", 120.0, 0.0, WHEN)
    shutil.rmtree(tmp_path / "gone")
    take.note("in", 0.0, note_on(0, 60, 90))
    assert take.close() is None
    notice = take.news()
    assert notice is not None
    assert "No such file" in notice.text


def test_a_folder_that_cannot_be_made_is_one_sentence_and_the_music_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    take = Recorder(tmp_path / "file" / "recordings", 120.0, 0.0)
    notice = take.news()
    assert notice is not None
    assert "The session is not recorded" in notice.text
    take.note("in", 0.0, note_on(0, 60, 90))
    take.mark(0.0, "x")
    take.flush()
    assert take.close() is None
    assert not take.recording


def test_a_file_that_cannot_be_written_stays_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    take.note("in", 0.0, note_on(0, 60, 90))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(midifile, "write_whole", full)
        assert take.close() is None
        assert recover(tmp_path) == []
    notice = take.news()
    assert notice is not None
    assert "No space left on device" in notice.text
    assert "later start" in notice.text
    [path] = recover(tmp_path)
    assert len(midifile.read(path).parts[0].notes) == 1


def test_a_recording_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_MESSAGES", 101)
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    for n in range(500):
        take.note("out", n * 0.01, bytes((0xB0, 1, n % 128)))
    notice = take.news()
    assert notice is not None
    assert "is full (101 messages)" in notice.text
    path = take.close()
    assert path is not None
    assert len(played(path, "Out")) == 100
    assert take.news() is None


@given(
    lines=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.tuples(
                st.sampled_from((b"0.5", b"nan", b"1e999", b"-3", b"x")),
                st.sampled_from((b"in", b"out", b"mark", b"bpm", b"")),
                st.sampled_from((b"903c40", b"903c", b"f8", b'"x"', b"{}", b"120", b"inf", b"nan", b"zz", b"f07d")),
            ).map(b" ".join),
        ),
        max_size=20,
    )
)
def test_whatever_is_in_a_journal_the_good_lines_are_kept(
    lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    body = b"\n".join([*lines, b"0.25 in 903d40", b"0.75 in 803d40", b"0.9 in 80"])
    (folder / f"a{JOURNAL}").write_bytes(HEADER + body)
    [path] = recover(folder)
    phrase = midifile.read(path)
    assert any(note.pitch == 61 and note.velocity == 64 for part in phrase.parts for note in part.notes)
    mido.MidiFile(path, charset="utf-8")


def test_what_waits_is_handed_over_without_a_flush(tmp_path: Path) -> None:
    take = Recorder(tmp_path, 120.0, 0.0, WHEN)
    for n in range(3 * recorder.MOST_WAITING):
        take.note("out", n * 0.001, bytes((0xB0, 1, n % 128)))
        assert len(take._lines) < recorder.MOST_WAITING
    path = take.close()
    assert path is not None
    assert len(played(path, "Out")) == 3 * recorder.MOST_WAITING
    assert path.stat().st_size < 5 * 3 * recorder.MOST_WAITING + 1000

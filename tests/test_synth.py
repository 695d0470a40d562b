"""The synthesizer: right notes at the right time, never clipping, never clicking, and quick."""

from __future__ import annotations

import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import Note
from rnnae_live.synth import PEAK, RATE, TAIL, TIMBRES, Sound, Voice, render, write

pytestmark = pytest.mark.unit

ONE_NOTE = Melody((Note(PPQ, PPQ * 2, 69, 90),), PPQ * 4)  # silence 0.5 s, A4 1 s, silence 0.5 s


def loudness(sound: Sound, start: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(sound[int(start * RATE) : int(end * RATE)]))))


@pytest.mark.parametrize("timbre", TIMBRES)
@pytest.mark.parametrize("pitch", [36, 60, 69, 96, 120])
def test_the_pitch_is_right(timbre: str, pitch: int) -> None:
    melody = Melody((Note(0, PPQ * 4, pitch, 90),), PPQ * 4)
    sound = render([Voice(melody, timbre)], room=0)[: 2 * RATE, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    peak = float(spectrum.argmax()) * RATE / len(sound)
    assert peak == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=1.0)


@pytest.mark.parametrize("timbre", TIMBRES)
def test_a_note_begins_in_time_sounds_and_dies_away(timbre: str) -> None:
    sound = render([Voice(ONE_NOTE, timbre)], room=0)
    assert len(sound) == round((2 + TAIL) * RATE)
    assert loudness(sound, 0, 0.499) == 0
    assert loudness(sound, 0.5, 0.6) > 0.1
    assert loudness(sound, 1.4, 1.5) > 0.05
    release = TIMBRES[timbre].release
    assert loudness(sound, 1.5 + 4 * release, 1.5 + 5 * release) < 0.02 * loudness(sound, 1.4, 1.5)
    assert loudness(sound, 1.5 + 6.1 * release, 2 + TAIL) == 0


def test_many_voices_do_not_clip_and_one_is_as_loud() -> None:
    loud = replace(ONE_NOTE, notes=(Note(0, PPQ * 4, 60, 127),))
    for count in (1, 20):
        sound = render([Voice(loud, timbre) for timbre in TIMBRES] * count)
        assert float(np.abs(sound).max()) == pytest.approx(PEAK, abs=1e-4)


def test_nothing_clicks() -> None:
    """The steepest step between two frames is that of the tones themselves, also at attacks and releases."""
    notes = tuple(Note(i * 12, 11, 60 + i % 5, 100) for i in range(16))
    sound = render([Voice(Melody(notes, 192), timbre="input")], room=0)
    steps = np.abs(np.diff(sound, axis=0)).max(axis=1)
    edges = [int(i * 0.25 * RATE) for i in range(1, 16)]
    at_edges = max(float(steps[edge - 40 : edge + 40].max()) for edge in edges)
    assert at_edges < 0.5 * float(steps.max())


def test_harder_is_louder_and_pan_goes_to_its_side() -> None:
    soft_then_hard = Melody((Note(0, PPQ, 60, 20), Note(PPQ * 4, PPQ, 60, 120)), PPQ * 8)
    sound = render([Voice(soft_then_hard)], room=0)
    assert loudness(sound, 2.0, 2.5) > 3 * loudness(sound, 0.0, 0.5)
    left = render([Voice(ONE_NOTE, pan=-1)], room=0)
    assert float(np.abs(left[:, 1]).max()) < 1e-6 < float(np.abs(left[:, 0]).max())


def test_the_room_rings_on_and_falls_silent() -> None:
    sound = render([Voice(replace(ONE_NOTE, notes=(Note(0, 6, 69, 90),), length=6), "input")])
    assert loudness(sound, 0.8, 0.9) > 0
    assert loudness(sound, 1.4, 1.7) < 0.01


def test_no_voice_and_no_note_are_silence() -> None:
    assert not render([]).any()
    assert not render([Voice(Melody((), PPQ))]).any()


def test_a_minute_takes_less_than_a_second_of_computing() -> None:
    notes = tuple(Note(i * 12, 12, 48 + i * 7 % 36, 40 + i % 80) for i in range(240))
    began = time.process_time()
    sound = render([Voice(Melody(notes, 240 * 12))])
    assert len(sound) > 60 * RATE
    assert time.process_time() - began <= 1.0


def test_the_file_holds_the_sound(tmp_path: Path) -> None:
    sound = render([Voice(ONE_NOTE)])
    write(tmp_path / "a.wav", sound)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(frames) == len(sound)
    assert float(np.abs(frames / 32767 - sound).max()) < 1e-4

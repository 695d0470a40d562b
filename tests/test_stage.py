"""The stage: a phrase goes in as bytes at one port, and its answer comes out as bytes at another."""

from __future__ import annotations

import pytest

from rnnae_live.engine import Engine
from rnnae_live.errors import PresetError
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.settings import Settings
from rnnae_live.stage import Stage
from rnnae_live.state import Chain
from tests.virtual import Echo, Mix

pytestmark = pytest.mark.path

PHRASE = Melody(tuple(Note(i * 24, 20, 60 + i % 5, 70 + i) for i in range(8)), 192, bpm=96.0)


class Answers(Echo):
    """Voices that answer what they heard, or fail."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__([])
        self.error = error
        self.heard = PHRASE

    def encode(self, melody: Melody) -> Chain:
        self.heard = melody
        return super().encode(melody)

    def _heaviest(self, mix: Mix, at: int) -> Melody:
        if self.error:
            raise self.error
        return self.heard


def test_what_is_heard_is_what_was_played() -> None:
    voices = Answers()
    stage = Stage(Engine(voices, Settings(96.0)))
    take = stage.play(PHRASE)
    assert [(n.onset, n.pitch, n.velocity) for n in voices.heard.notes] == [
        (n.onset, n.pitch, n.velocity) for n in PHRASE.notes
    ]
    assert take.melody.notes == voices.heard.notes
    assert (take.melody.length, take.melody.bpm) == (192, 96.0)
    assert take.messages == 2 * len(PHRASE.notes)
    assert take.sounding == 0
    assert 0 < take.seconds < 1
    stage.close()


def test_phrases_follow_each_other() -> None:
    stage = Stage(Engine(Answers(), Settings(96.0)))
    assert stage.play(PHRASE).melody == stage.play(PHRASE).melody
    assert stage.engine.counts.answers == 2


def test_a_failing_bank_gives_no_notes_and_says_why() -> None:
    stage = Stage(Engine(Answers(PresetError("The bank is gone.")), Settings(96.0)))
    take = stage.play(PHRASE)
    assert take.melody.notes == ()
    assert take.messages == 0
    assert any("The bank is gone." in notice for notice in take.notices)

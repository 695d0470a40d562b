"""The judge: a probability over what may follow, learned from intervals and durations only."""

from __future__ import annotations

import math

import pytest
from rnnae_export.judge import Judge
from rnnae_export.ngram import UNHEARD, NGram

from rnnae_live.melody import Melody, transpose
from rnnae_live.phrase import Note

pytestmark = pytest.mark.unit


def line(*notes: tuple[int, int]) -> Melody:
    """Notes (pitch, duration) one after the other."""
    onset, row = 0, []
    for pitch, duration in notes:
        row.append(Note(onset, duration, pitch))
        onset += duration
    return Melody(tuple(row), onset)


SCALE = line(*((60 + step, 24) for step in (0, 2, 4, 5, 7, 9, 11, 12)))


def test_the_lowest_order_is_witten_and_bell_by_hand() -> None:
    judge = Judge(1).learn([line((60, 24), (62, 24), (64, 24))])
    # Three notes of two kinds: a beginning, and a step up of 2 that came twice.
    begin, step = (1 + 2 * UNHEARD) / 5, (2 + 2 * UNHEARD) / 5
    assert judge.nats(line((60, 24), (62, 24))) == pytest.approx(-math.log(begin) - math.log(step))


def test_what_may_follow_adds_up_to_one() -> None:
    judge = Judge(3).learn([SCALE, line((60, 24), (62, 12), (60, 12), (62, 24))])
    before = line((60, 24), (62, 24))

    def chance(interval: int, duration: int) -> float:
        return math.exp(judge.nats(before) - judge.nats(line((60, 24), (62, 24), (62 + interval, duration))))

    # Five kinds were heard, of 1 / UNHEARD that are thinkable. One of them, a first note, came twice among twelve and
    # cannot be asked for in the middle: its share is what the lower orders leave, and at most theirs.
    heard = sum(chance(*symbol) for symbol in ((2, 24), (1, 24), (2, 12), (-2, 12)))
    unheard = (1 / UNHEARD - 5) * chance(30, 7)
    first = chance(30, 7) / UNHEARD * ((2 + 5 * UNHEARD) / 17) / (5 / 17)
    assert heard + unheard + first == pytest.approx(1, abs=1e-9)


def test_keys_and_rests_do_not_matter_and_durations_do() -> None:
    judge = Judge().learn([SCALE])
    rested = Melody(tuple(Note(2 * n.onset, n.duration, n.pitch) for n in SCALE.notes), 2 * SCALE.length)
    assert judge.nats(transpose(SCALE, 5)) == judge.nats(rested) == judge.nats(SCALE)
    assert judge.nats(line(*((n.pitch, 12) for n in SCALE.notes))) > judge.nats(SCALE) + 10


def test_what_it_learned_is_likelier_than_the_same_notes_in_another_order() -> None:
    judge = Judge().learn([SCALE] * 3)
    order = (3, 0, 6, 1, 7, 2, 5, 4)
    shuffled = line(*((SCALE.notes[at].pitch, 24) for at in order))
    assert judge.nats(shuffled) > 3 * judge.nats(SCALE)
    assert (judge.songs, judge.notes) == (3, 24)


def test_more_of_the_past_makes_it_surer() -> None:
    # After C D comes E, after E D comes C: two notes back decide.
    tune = line(*((pitch, 24) for pitch in (60, 62, 64, 62) * 8))
    assert Judge(3).learn([tune]).nats(tune) < Judge(1).learn([tune]).nats(tune) / 2


def test_silence_costs_nothing_and_an_order_is_needed() -> None:
    assert Judge().learn([SCALE]).nats(Melody((), 96)) == 0
    with pytest.raises(ValueError, match="1 symbol or more"):
        Judge(0)


def test_an_ngram_weighs_the_end_of_a_line_after_its_beginning() -> None:
    ngram = NGram(2)
    ngram.learn("abab")
    assert ngram.nats("ab") == pytest.approx(ngram.nats("ab", 1) + ngram.nats("a"))
    assert ngram.nats("ab", 1) < ngram.nats("bb", 1)

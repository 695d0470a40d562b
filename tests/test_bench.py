"""The bench: percentiles, goals, the grid, what a performer plays; and that every part of it measures something."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.bench import compute, load, measurement, parts, server, timing
from rnnae_live.bench.figures import QUANTILES, Figure, Goal, all_of, quantile, rounded, verdict
from rnnae_live.bench.grid import errors, tick_seconds
from rnnae_live.bench.measurement import Options
from rnnae_live.bench.performer import Performer, Timed, play
from rnnae_live.bench.plan import ANSWER_NOW, Hearing, knob, latencies, phrases
from rnnae_live.bench.session import LiveSession, Scene, polled, session
from rnnae_live.bench.table import HEAD, number, table
from rnnae_live.bench.visitor import visiting
from rnnae_live.cli import cli
from rnnae_live.errors import PortError
from rnnae_live.events import fault, note_off, note_on
from rnnae_live.presets import Bank

pytestmark = pytest.mark.unit

# -- figures -----------------------------------------------------------------------------------------------------------


def test_quantiles_are_samples_by_nearest_rank() -> None:
    thousand = Figure("x_us", "x", [float(number) for number in range(1000, 0, -1)])
    assert thousand.quantiles == {"p50": 500.0, "p99": 990.0, "p999": 999.0, "max": 1000.0}
    assert Figure("x_us", "x", [7.0]).quantiles == dict.fromkeys(QUANTILES, 7.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_the_smallest_sample_that_so_many_do_not_exceed(samples: list[float], part: float) -> None:
    ranked = sorted(samples)
    found = quantile(ranked, part)
    assert sum(one <= found for one in ranked) >= math.floor(part * len(ranked))
    below = [one for one in ranked if one < found]
    assert not below or len(below) < math.ceil(part * len(ranked)) or part == 0


@pytest.mark.parametrize(
    ("goal", "samples", "met"),
    [
        (Goal({"p50": 2.0}), [1.0, 2.0, 9.0], True),
        (Goal({"p50": 2.0, "max": 8.0}), [1.0, 2.0, 9.0], False),
        (Goal({"p50": 2.0}), [2.1], False),
        (all_of(0.9999, least=True), [0.99995], True),
        (all_of(0.9999, least=True), [0.9998], False),
    ],
)
def test_a_goal_is_met_where_every_bound_holds(goal: Goal, samples: list[float], met: bool) -> None:
    assert Figure("x_ms", "x", samples, goal).met is met


def test_a_figure_without_a_unit_or_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="unit"):
        Figure("speed", "x", [1.0])
    with pytest.raises(ValueError, match="no samples"):
        Figure("speed_us", "x", [])


def test_json_has_the_quantiles_the_goal_and_whether_it_is_met() -> None:
    goal = Goal({"p99": 0.05, "p999": 0.1})
    plain = Figure("error_ms", "x", [0.01, 0.2], goal, cpu=0.5, about={"period_ms": 2.667}).plain()
    assert plain == {
        "p50": 0.01,
        "p99": 0.2,
        "p999": 0.2,
        "max": 0.2,
        "samples": 2,
        "cpu_mean": 0.5,
        "goal": {"p99": 0.05, "p999": 0.1},
        "goal_of": ["p99", "p999"],
        "met": False,
        "period_ms": 2.667,
    }
    single = Figure("decoder_step_hot_us", "x", [11.0], Goal({"p50": 12.0})).plain()
    assert (single["goal"], single["goal_of"], single["met"]) == (12.0, ["p50"], True)
    assert "goal" not in Figure("x_us", "x", [1.0]).plain()


def test_numbers_keep_four_digits_and_shares_their_nines() -> None:
    assert [rounded(value) for value in (0.0, 12.34567, 0.00123456, 123456.7, 0.999912345)] == [
        0.0,
        12.35,
        0.001235,
        123457.0,
        0.999912,
    ]


def test_the_verdict_names_what_is_not_met() -> None:
    good, bad = Figure("a_us", "a", [1.0], all_of(2.0)), Figure("b_us", "b", [3.0], all_of(2.0))
    assert verdict([good, Figure("c_us", "c", [1.0])]) == "1 of 1 goals met."
    assert verdict([good, bad]) == "1 of 2 goals met; not met: b_us."


def test_the_table_is_plain_and_its_columns_line_up() -> None:
    figures = [
        Figure("a_us", "one thing", [1.234, 250.0], Goal({"p50": 100.0, "p99": 150.0}), cpu=12.0),
        Figure("b_share", "another", [0.99994], all_of(0.9999, least=True)),
        Figure("c_ms", "a third", [0.0042]),
    ]
    head, rule, *rows = table(figures)
    assert head.split() == list(HEAD)
    assert set(rule) == {"-"}
    assert all(row.isascii() for row in rows)
    assert rows[0].split() == [
        "one",
        "thing",
        "us",
        "1.23",
        "250",
        "250",
        "250",
        "12",
        *["p50/p99", "<=", "100", "/", "150", "NO"],
    ]
    assert rows[1].split() == ["another", "share", "0.99994", ">=", "0.9999", "yes"]
    assert head.index("goal") == rows[0].index("p50/p99") == rows[1].index(">=")
    assert [number(value) for value in (0, 0.00004, 0.05, 9.0)] == ["0", "0.00004", "0.05", "9"]


# -- grid --------------------------------------------------------------------------------------------------------------


@given(
    st.floats(0, 1000),
    st.lists(st.integers(0, 5000), min_size=1, max_size=60),
    st.sampled_from([60.0, 120.0, 200.0]),
)
def test_what_is_on_the_grid_has_no_error_wherever_the_grid_begins(begin: float, ticks: list[int], bpm: float) -> None:
    step = tick_seconds(bpm)
    assert max(errors([begin + tick * step for tick in ticks], step)) < 1e-9


@given(st.floats(0, 100), st.floats(-0.004, 0.004))
def test_one_note_off_the_grid_is_off_by_just_that(begin: float, off: float) -> None:
    step = tick_seconds(120)
    moments = [begin + number * 6 * step for number in range(40)]
    moments[17] += off
    found = errors(moments, step)
    assert found[17] == pytest.approx(abs(off), abs=1e-6)
    assert max(found[:17] + found[18:]) < 1e-6


def test_a_constant_delay_is_no_error_and_a_drift_is() -> None:
    step = tick_seconds(120)
    on = [number * 6 * step for number in range(100)]
    assert max(errors([at + 0.0077 for at in on], step)) < 1e-9
    assert max(errors([at * 1.0001 for at in on], step)) > 0.0005


def test_nothing_to_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="moments"):
        errors([], 0.1)


# -- plan --------------------------------------------------------------------------------------------------------------


def test_a_knob_moves_a_hundred_times_a_second_and_sends_valid_messages() -> None:
    moves = list(knob(3.0))
    assert len(moves) == 300
    assert [at for at, _ in moves] == pytest.approx([number / 100 for number in range(300)])
    assert all(fault(data) is None for _, data in moves)
    assert {data[1] for _, data in moves} == {20, 21}
    assert {0, 127} <= {data[2] for _, data in moves}


def test_phrases_end_with_the_button_and_every_note_is_released() -> None:
    played = sorted(phrases(3, 240.0, 1.3))
    assert Hearing([], played).unreleased() == 0
    assert sum(data == ANSWER_NOW for _, data in played) == 3
    assert [data for _, data in played][-1] == ANSWER_NOW


def test_latency_is_from_the_button_to_the_first_note_after_it() -> None:
    on, off = note_on(0, 60, 80), note_off(0, 60)
    sent = [(1.0, ANSWER_NOW), (3.0, ANSWER_NOW), (5.0, ANSWER_NOW)]
    heard = [(0.5, on), (0.9, off), (1.25, on), (1.5, off), (2.0, on), (5.5, on)]
    hearing = Hearing(sent, heard)
    assert latencies(hearing) == [0.25, 0.5]
    assert hearing.unreleased() == 1
    assert hearing.ons() == [0.5, 1.25, 2.0, 5.5]
    assert hearing.ons(channel=1) == []


def test_what_was_heard_comes_back_from_json() -> None:
    hearing = Hearing([(1.0, ANSWER_NOW)], [(1.5, note_on(2, 60, 9))], 0.0026, 1)
    assert Hearing.read(json.loads(json.dumps(hearing.plain()))) == hearing


def test_a_driver_that_asks_gets_what_is_due_with_its_moment_and_what_is_overdue_at_once() -> None:
    timed = Timed([(1.0, b"a"), (2.5, b"b"), (3.0, b"c")])
    put: list[tuple[float, bytes]] = []
    timed(1.5, 2.0, lambda at, data: put.append((at, data)))
    assert put == [(1.5, b"a")]
    timed(2.0, 3.0, lambda at, data: put.append((at, data)))
    assert put == timed.sent == [(1.5, b"a"), (2.5, b"b")]


def test_a_driver_that_does_not_ask_is_sent_everything_in_order() -> None:
    out: list[bytes] = []
    sent = play(out.append, [(0.0, b"a"), (0.0, b"b")], time.monotonic())
    assert out == [data for _, data in sent] == [b"a", b"b"]


def test_a_performer_who_finds_no_port_says_so() -> None:
    with pytest.raises(PortError, match="no MIDI port 'RNN-AE Live Out'"):
        Performer("loopback", 0.1, []).hearing()


# -- load, server, session ---------------------------------------------------------------------------------------------


def test_servers_that_were_killed_are_named_as_the_cause() -> None:
    cause = server._cause(b"Too many servers already active\nFailed to open server\njackdmp 1.9.21\nCopyright")
    assert cause.startswith("Too many servers already active Failed to open server. Killed servers keep")
    assert "Copyright" not in cause


def test_load_ends_with_its_block() -> None:
    mine = {int(pid) for pid in _children()}
    with load.load(2):
        busy = {int(pid) for pid in _children()} - mine
        assert len(busy) == 2
    assert not {pid for pid in busy if Path(f"/proc/{pid}").exists()}


def _children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def test_a_server_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.shutil, "which", lambda _name: None)  # type: ignore[attr-defined]
    with pytest.raises(PortError, match="apt install jackd2"), server.own_server():
        raise AssertionError("no server, no block")


def test_a_server_that_does_not_start_says_why_and_leaves_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "jackd"
    program.write_text("#!/bin/sh\necho 'no such driver' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(server.shutil, "which", lambda _name: str(program))  # type: ignore[attr-defined]
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "mine")
    with pytest.raises(PortError, match="did not start: no such driver"), server.own_server():
        raise AssertionError("no server, no block")
    assert os.environ["JACK_DEFAULT_SERVER"] == "mine"


@pytest.mark.parametrize("mode", ["answer", "loop"])
def test_the_session_is_started_with_options_that_live_has(mode: str) -> None:
    scene = Scene("loopback", mode, 120.0, (["Ode to Joy", "Aloha Oe"], ["Arirang"]))
    words = scene.arguments()
    name, *options = words
    command = cli.commands.get(name) or cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    parsed = command.make_context(name, list(options)).params
    assert (parsed["backend"], parsed["mode"], parsed["bpm"]) == ("loopback", mode, 120.0)
    assert parsed["page"] == "off"
    assert command.make_context(name, replace(scene, page=True).arguments()[1:]).params["page"] == "0"
    assert parsed["presets"] == ("Ode to Joy=0.5", "Aloha Oe=0.5")
    assert parsed["more"] == (f'2 {mode} "Arirang=1.0"',)


def test_a_session_says_how_its_processes_are_and_what_they_use() -> None:
    with session(Scene("loopback", "loop", parts=[["Arirang"]])) as live:
        with polled(live, 50.0) as counts:
            before = live.usage()
            _until(lambda: counts[1] >= 3 and live.status["player"].get("sent", 0) > 0)
        assert {"player", "engine"} <= set(live.status)
        assert live.status["player"]["dropped"] == 0
        if before:
            assert {"player_cpu_percent", "engine_rss_mb", "front_grown_mb"} <= set(live.since(before))
    assert live.process.returncode == 0
    assert any(line.startswith("Sent ") for line in live.lines)


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is true; ``seconds`` is only a bound for a broken run."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_visitor_of_the_page_turns_weights_and_takes_all_states() -> None:
    with session(Scene("loopback", "loop", parts=[["Arirang", "Ode to Joy"]], page=True)) as live:
        with visiting(live.page(), 60.0) as told:
            assert told == {}
            _until(lambda: live.poll() and live.status.get("page", {}).get("viewers") == 1)
            time.sleep(1.0)
        assert told["turns"] > 10
        assert told["pings"] >= 1
        assert told["states"] > 5
        assert told["state_bytes"] > 20 * told["states"]
        assert told["longest_trip_ms"] > 0
        assert live.status["page"]["refused"] == 0
        _until(lambda: live.poll() and live.status["page"]["viewers"] == 0)


def test_a_visitor_who_does_not_come_in_says_so() -> None:
    with pytest.raises(PortError, match="did not let its visitor in"), visiting("http://127.0.0.1:9/", 60.0):
        raise AssertionError("no page, no visit")


def test_a_session_that_does_not_start_says_its_last_words() -> None:
    with pytest.raises(PortError, match=r"did not start.*No Such Song"):
        LiveSession(Scene("loopback", "loop", parts=[["No Such Song"]]))


# -- measuring ---------------------------------------------------------------------------------------------------------


def test_samples_have_the_unit_of_their_name() -> None:
    samples = compute.Samples([0.001, 0.002], 0.002)
    assert list(samples.figure("x_us", "x").samples) == [1000.0, 2000.0]
    assert samples.figure("x_ms", "x").cpu == pytest.approx(1.0)


def test_hot_and_paced_call_the_work_and_time_it_alone() -> None:
    calls: list[int] = []
    paced = compute.paced(lambda: calls.append(1), 3, pace=0.001)
    assert (len(paced.wall), len(calls)) == (3, 3)
    assert len(compute.hot(lambda: calls.append(1), 5).wall) == 5


def test_the_map_has_a_preset_in_each_corner(bank: Bank) -> None:
    corners = [compute.piece(preset.chain) for preset in bank.presets[:4]]
    cells = compute.cells(corners)
    assert len(cells) == 64
    for place, corner in ((0, 0), (7, 1), (56, 2), (63, 3)):
        assert [weight for _, weight in cells[place]] == [float(number == corner) for number in range(4)]
    assert all(sum(weight for _, weight in cell) == pytest.approx(1) for cell in cells)


def test_the_bare_numpy_step_is_the_decoders_own_step(bank: Bank) -> None:
    pitch, duration = compute.numpy_step(bank.model)()
    assert pitch.shape == (bank.model.vocabulary.pitch_symbols,)
    assert duration.shape == (bank.model.vocabulary.duration_symbols,)


def test_every_figure_of_computing_is_made(bank: Bank) -> None:
    amount = compute.Amount(hot=20, paced=2, melodies=3, maps=1, steps=50)
    figures = {figure.name: figure for figure in compute.figures(bank, amount)}
    assert {"decoder_step_hot_us", "decoder_step_paced_us", "knob_to_melody_paced_ms", "xy_map_64_ms"} <= set(figures)
    assert figures["deadline_success_share"].about["steps"] >= 50
    assert all(min(figure.samples) > 0 for figure in figures.values())
    assert figures["decoder_step_hot_us"].goal == Goal({"p50": 12.0})


def test_ratios_compare_with_work_that_is_not_ours() -> None:
    figures = [
        Figure("numpy_step_us", "", [20.0]),
        Figure("decoder_step_hot_us", "", [10.0]),
        Figure("python_loop_us", "", [1000.0]),
        Figure("knob_to_melody_hot_ms", "", [0.5]),
    ]
    assert measurement.ratios(figures) == {
        "decoder_step_hot_over_numpy_step": 0.5,
        "knob_to_melody_hot_over_python_loop": 0.5,
    }


def test_notes_on_the_grid_and_late_ones_are_told_apart() -> None:
    step = tick_seconds(timing.BPM)
    heard = [(5.0 + number * 6 * step, note_on(0, 60, 80)) for number in range(1000)]
    heard[500] = (heard[500][0] + 0.003, heard[500][1])
    busy = timing.CONDITIONS[1]
    error, share = timing.judged(Hearing([], heard), busy, {"engine_cpu_percent": 3.0}, timed=True)
    assert (error.name, error.goal) == ("output_error_knob_ms", Goal({"p99": 0.05, "p999": 0.1}))
    assert error.quantiles["max"] == pytest.approx(3.0, abs=1e-6)
    assert error.about == {"unreleased_notes": 1, "engine_cpu_percent": 3.0}
    assert (share.samples, share.met) == ([0.999], False)
    assert next(timing.judged(Hearing([], heard), busy)).goal == Goal({"p99": 1.0, "p999": 2.0})


def test_silence_is_an_error_and_no_perfect_timing() -> None:
    with pytest.raises(PortError, match="played nothing"):
        list(timing.judged(Hearing([], []), timing.CONDITIONS[0]))


def test_what_the_page_adds_is_the_difference_of_the_95th_percentiles() -> None:
    closed = Figure("output_error_page_closed_ms", "", [0.01 * number for number in range(1, 101)])
    opened = Figure("output_error_page_open_ms", "", [0.3 + 0.01 * number for number in range(1, 101)])
    figure = timing.added(closed, opened)
    assert figure.name == "page_adds_p95_ms"
    assert list(figure.samples) == [pytest.approx(0.3)]
    assert figure.about == {"closed_p95_ms": pytest.approx(0.95), "open_p95_ms": pytest.approx(1.25)}
    assert figure.met is False
    assert timing.added(opened, closed).met is True
    assert timing.added(opened, closed).plain()["p50"] == pytest.approx(-0.3)


def test_sixteen_parts_play_in_virtual_time(bank: Bank) -> None:
    figure = parts.figure(bank, 2.0)
    assert figure.samples[0] > 0
    assert figure.about["messages"] > 100


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "answers", lambda: False)


@pytest.mark.usefixtures("no_server")
def test_jack_without_a_server_is_one_sentence_and_status_1() -> None:
    done = CliRunner().invoke(cli, ["bench", "--backend", "jack"])
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "Error: No JACK server answers. Start one, or let the bench start its own with --own-server."
    ]


def test_only_the_groups_that_were_asked_for_are_measured() -> None:
    assert [group for group in measurement.GROUPS if not Options().wants(group)] == ["load"]
    assert all(Options(load=True).wants(group) for group in measurement.GROUPS)
    chosen = Options(only=frozenset({"load", "answer"}))
    assert [group for group in measurement.GROUPS if chosen.wants(group)] == ["load", "answer"]
    refused = CliRunner().invoke(cli, ["bench", "--only", "everything"])
    assert refused.exit_code == 2
    assert "There is no group 'everything'; there are compute, parts, idle" in refused.stderr


def test_a_server_that_nothing_would_use_is_wrong_use() -> None:
    done = CliRunner().invoke(cli, ["bench", "--backend", "loopback", "--own-server"])
    assert done.exit_code == 2
    assert "leave one out" in done.stderr


def test_what_the_page_adds_is_left_out_over_the_loopback_and_fails_where_it_is_asked_for() -> None:
    assert measurement.left_out(Options("loopback")) == {"page": timing.NO_PAGE}
    assert measurement.left_out(Options("jack")) == {}
    done = CliRunner().invoke(cli, ["bench", "--backend", "loopback", "--only", "page"])
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [f"Error: {timing.NO_PAGE}"]


@pytest.mark.usefixtures("no_server")
def test_auto_takes_the_loopback_where_no_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measurement.settled(Options()).backend == "loopback"
    monkeypatch.setattr(server, "answers", lambda: True)
    assert measurement.settled(Options()).backend == "jack"
    assert measurement.settled(Options("loopback")).backend == "loopback"


def test_the_command_prints_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(options: Options) -> Iterator[Figure]:
        assert (options.backend, options.seconds, options.load) == ("loopback", 5.0, True)
        yield Figure("decoder_step_hot_us", "one step", [11.0, 12.0], Goal({"p50": 12.0}), cpu=11.0)

    monkeypatch.setattr(measurement, "measure", measure)
    words = ["bench", "--backend", "loopback", "--seconds", "5", "--load"]
    record = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert record["decoder_step_hot_us"]["met"] is True
    assert {"backend", "machine", "ratios", "summary"} <= set(record)
    shown = CliRunner().invoke(cli, words)
    assert "one step" in shown.stdout
    assert "1 of 1 goals met. Over loopback" in shown.stdout
    assert "Left out: page. " in shown.stdout


def test_what_was_measured_before_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(_options: Options) -> Iterator[Figure]:
        yield Figure("decoder_step_hot_us", "one step", [11.0])
        raise PortError("The server is gone.")

    monkeypatch.setattr(measurement, "measure", measure)
    done = CliRunner().invoke(cli, ["bench", "--backend", "loopback", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"] == "The server is gone."
    assert json.loads(done.stdout)["decoder_step_hot_us"]["p50"] == 11.0
    assert done.stderr.splitlines() == ["Error: The server is gone."]


@pytest.mark.timeout(300)
def test_a_quick_run_over_the_loopback_measures_everything() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rnnae_live", "bench", "--backend", "loopback", "--quick", "--seconds", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    for name in (
        "decoder_step_hot_us",
        "decoder_step_paced_us",
        "encoder_ready_hot_us",
        "knob_to_melody_hot_ms",
        "xy_map_64_ms",
        "answer_above_period_ms",
        "output_error_idle_ms",
        "output_error_polled_ms",
        "deadline_success_share",
        "parts_16_cpu_percent",
        "parts_16_live_cpu_percent",
        "help_over_python_ms",
        "ports_open_ms",
        "rss_largest_mb",
    ):
        assert {"p50", "p99", "p999", "max", "samples", "goal", "met"} <= set(record[name]), name
    assert record["backend"] == "loopback"
    assert list(record["left_out"]) == ["page"]
    for name in ("idle", "knob", "polled"):
        assert record[f"output_error_{name}_ms"]["unreleased_notes"] == 0
        assert record[f"output_error_{name}_ms"]["samples"] > 10

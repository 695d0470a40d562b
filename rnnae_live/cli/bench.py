"""``rnnae-live bench``: speed and timing of this computer, against the goals of the project."""

from __future__ import annotations

import json
from pathlib import Path

import click

BACKENDS = ("auto", "jack", "loopback")


@click.command(short_help="Measure speed and timing on this computer.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, envvar="RNNAE_BENCH_BACKEND",
              help="Ports to measure over; auto takes JACK where a server answers.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.option("--seconds", type=click.FloatRange(1.0, 3600.0), default=20.0, show_default=True,
              help="How long each scene plays.")  # fmt: skip
@click.option("--only", multiple=True, metavar="GROUP", help="Measure this group only; may be given again: compute, "
              "parts, idle, knob, polled, load, page, answer, start.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A tenth of everything: shows that it works, not how well.")
@click.option("--load", is_flag=True, help="Measure also with a busy process on every core.")
@click.option("--own-server", is_flag=True, help="Start a JACK server with the dummy driver, and end it afterwards.")
@click.option("--period", type=click.Choice(["16", "32", "64", "128", "256", "512", "1024"]), default="128",
              show_default=True, help="Frames of a period of that server, at 48 kHz.")  # fmt: skip
@click.option("--bank", type=click.Path(exists=True, file_okay=False, path_type=Path), envvar="RNNAE_BANK",
              help="Folder of the bank to measure; the factory bank without.")  # fmt: skip
def command(
    *,
    backend: str,
    as_json: bool,
    seconds: float,
    only: tuple[str, ...],
    quick: bool,
    load: bool,
    own_server: bool,
    period: str,
    bank: Path | None,
) -> None:
    """Measure steps of the model, knob to melody, end of a phrase to its answer, notes against the grid, start, memory.

    Every figure has p50, p99, p99.9, max and the processor time, its goal and whether that is met. The grid is measured
    where it is received: by a JACK client in another process, or over the in-process loopback. It takes some minutes.
    """
    from rnnae_live.bench import measurement
    from rnnae_live.bench.figures import verdict
    from rnnae_live.bench.table import table
    from rnnae_live.errors import RnnaeError, UsageError

    if own_server and backend == "loopback":
        raise UsageError("--own-server starts a JACK server, which --backend loopback does not use: leave one out.")
    if unknown := sorted(set(only).difference(measurement.GROUPS)):
        raise UsageError(f"There is no group '{unknown[0]}'; there are {', '.join(measurement.GROUPS)}.")
    chosen = "jack" if own_server else backend
    options = measurement.Options(chosen, seconds, quick, load, own_server, int(period), bank, frozenset(only))
    options = options if own_server else measurement.settled(options)
    figures, failure = [], None
    try:
        for figure in measurement.measure(options):
            figures.append(figure)
            if not as_json:
                click.echo(f"  {figure.title} ...", err=True)
    except RnnaeError as error:
        if not figures:
            raise
        failure = error  # What took minutes to measure is told first.
    if as_json:
        record = measurement.record(figures, options)
        click.echo(json.dumps({**record, "error": str(failure)} if failure else record, indent=2, ensure_ascii=False))
    else:
        for line in table(figures):
            click.echo(line)
        click.echo(f"\n{verdict(figures)} Over {options.backend}, {_described(measurement.machine())}.")
        for group, why in measurement.left_out(options).items():
            click.echo(f"Left out: {group}. {why}")
    if failure is not None:
        raise failure


def _described(machine: dict[str, object]) -> str:
    load = machine.get("load_average")
    busy = f", load average {load}" if load else ""
    return f"{machine['cores']} cores of {machine['processor']}, Python {machine['python']}{busy}"

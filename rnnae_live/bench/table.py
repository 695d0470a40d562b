"""Figures as a table of plain ASCII columns, for people.

figures -> [table] -> cli
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnae_live.bench.figures import QUANTILES, Figure

HEAD = ("what", "unit", "p50", "p99", "p99.9", "max", "cpu", "goal", "met")
MET = {True: "yes", False: "NO", None: ""}


def table(figures: Sequence[Figure]) -> list[str]:
    """Return the lines of the table: a head, a rule, and one line a figure."""
    rows = [HEAD, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [_line(row, widths) for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def number(value: float) -> str:
    """Return a number with about three digits, and never as 1e-05."""
    if value == 0:
        return "0"
    size = abs(value)
    for bound, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if size >= bound:
            text = f"{value:.{digits}f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.5f}"


def _row(figure: Figure) -> tuple[str, ...]:
    quantiles = figure.quantiles
    # Of a share near 1 the nines count.
    values = [
        f"{value:.5g}" if figure.unit == "share" else number(value) for value in (quantiles[name] for name in QUANTILES)
    ]
    if len(figure.samples) == 1:
        values = [values[0], "", "", ""]
    cpu = "" if figure.cpu is None else number(figure.cpu)
    return figure.title, figure.unit, *values, cpu, str(figure.goal or ""), MET[figure.met]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row: texts to the left, numbers to the right."""
    cells = [
        text.rjust(width) if 2 <= column <= 6 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()

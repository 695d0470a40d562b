"""``rnnae-live doctor``: is this computer ready to play, and if not, why and what next."""

from __future__ import annotations

import contextlib
import json
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rnnae_live.doctor.findings import Finding

COLOURS = {"ok": "green", "look": "yellow", "broken": "red", "-": "bright_black"}

MARGIN = 26
"""Columns left of the sentences: mark and name of the check."""


@click.command(short_help="Check this computer: MIDI, model, presets, timing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this computer: Python, packages, MIDI, real-time permissions, timing, model, presets, folders, settings.

    Exit status 1 where something needs doing; what is only worth a look does not keep you from playing.
    """
    from rnnae_live.doctor.examination import examine
    from rnnae_live.doctor.findings import healthy, summary

    findings = []
    for finding in examine(variables(ctx.find_root())):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        rows = [{"check": f.check, "mark": f.mark.value, "found": f.found, "next": f.step} for f in findings]
        record = {"ready": healthy(findings), "summary": summary(findings), "findings": rows}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        click.echo(f"\n{summary(findings)}")
    ctx.exit(0 if healthy(findings) else 1)


def variables(ctx: click.Context) -> list[str]:
    """Return every environment variable that an option of the command line reads; empty where that is not known."""
    group, names = ctx.command, []
    if not isinstance(group, click.Group):
        return []
    for name in group.list_commands(ctx):
        # A command whose optional part is not installed reads nothing.
        with contextlib.suppress(Exception):
            command = group.get_command(ctx, name)
            names += _read_by(command, f"{ctx.auto_envvar_prefix or 'RNNAE'}_{name}".upper()) if command else []
    return names


def _read_by(command: click.Command, prefix: str) -> list[str]:
    """Return the variables of a command and of its own commands: those that are named, and those that click makes."""
    from rnnae_live.cli._configured import Configured, table

    names = [key.variable for key in table(command).keys.values()] if isinstance(command, Configured) else []
    for option in command.params:
        given = option.envvar or ()
        names += [given] if isinstance(given, str) else list(given)
        names.append(f"{prefix}_{option.name}".upper())
    for name, inner in getattr(command, "commands", {}).items():
        names += _read_by(inner, f"{prefix}_{name}".upper().replace("-", "_"))
    return names


def _show(finding: Finding) -> None:
    """Print a finding: mark, name, sentence, and the next step below."""
    width = max(MARGIN + 30, min(110, shutil.get_terminal_size().columns))
    mark = click.style(f"{finding.mark.value:<7}", fg=COLOURS[finding.mark.value], bold=finding.mark.value == "broken")
    lines = _wrapped(finding.found, width)
    click.echo(f"{mark} {finding.check:<{MARGIN - 9}} {lines[0]}")
    for line in lines[1:]:
        click.echo(" " * MARGIN + line)
    for number, line in enumerate(_wrapped(f"Next: {finding.step}", width) if finding.step else []):
        click.echo(" " * MARGIN + click.style(line if number == 0 else f"      {line}", fg="cyan"))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - MARGIN - 6, break_on_hyphens=False) or [""]

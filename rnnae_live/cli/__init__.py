"""The command line ``rnnae-live``: finds a command by its name, and turns every error into a sentence and a status.

The command NAME is the object ``command`` of ``rnnae_live.cli.NAME``; a module that is not there is a command
that is not there. Further commands come from the entry-point group ``rnnae_live.commands``. Nothing is imported
before it is called: ``--help`` reads the summaries below, so it costs little more than Python itself.

*Errors*: ``RnnaeError`` leaves with its own ``exit_status``, a module of an optional part that is not installed
with 3, anything unforeseen with 1; the traceback is shown only where ``RNNAE_DEBUG`` is set.
"""

from __future__ import annotations

import errno
import os
import pkgutil
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rnnae_live import __version__
from rnnae_live.errors import MissingPartError, RnnaeError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from click.shell_completion import CompletionItem

ENTRY_POINTS = "rnnae_live.commands"
"""Entry-point group by which other packages add commands; each entry is a click command."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it: 128 + SIGINT."""

REQUIRED = frozenset(
    {"mido", "msgspec", "numpy", "onnxruntime", "PIL", "platformdirs", "pythonosc", "rtmidi", "tomlkit"}
)
"""Packages that every installation has; anything else that is missing belongs to an optional part."""

BANK_READERS = frozenset({"preset", "render"})
"""Commands whose ``--bank`` is the one that the configuration names; elsewhere it says where something is made."""

SECTIONS: dict[str, dict[str, str]] = {
    "Start here": {
        "demo": "Hear and see the instrument without any MIDI device.",
        "doctor": "Check this computer: MIDI, model, presets, timing.",
    },
    "Play": {
        "live": "Play: listen on a MIDI port, answer on another.",
        "ports": "List the MIDI ports of this computer.",
        "learn": "Teach a controller's knobs what they move.",
        "panic": "Silence every note on a port.",
        "bench": "Measure speed and timing on this computer.",
        "config": "Show the settings and where each comes from.",
        "osc": "List the OSC addresses of all parameters and actions.",
    },
    "Songs and presets": {
        "inspect": "Show how a MIDI file is read, without a model.",
        "render": "Mix a phrase and presets into a MIDI file.",
        "preset": "List, show, save and check presets.",
    },
    "Your own model": {
        "train": "Train a model on a folder of MIDI files.",
        "fit": "Make a bank in which one state is one whole song.",
        "export": "Turn a training run into a bank that plays live.",
        "evaluate": "Measure a bank: recall, reconstruction, mixing.",
    },
}
"""Commands in the order of the help, with their summaries. Only those that exist are shown."""

EPILOG = """\b
Exit status: 0 done, 1 failed, 2 wrong use, 3 optional part missing,
4 input refused. Set RNNAE_DEBUG=1 to see the details of a failure.
\b
To complete commands, presets and parameters with Tab, put into ~/.bashrc:
eval "$(_RNNAE_LIVE_COMPLETE=bash_source rnnae-live)"
(~/.zshrc: zsh_source; fish: _RNNAE_LIVE_COMPLETE=fish_source rnnae-live | source)"""


class Commands(click.Group):
    """A click group that imports a command when it is called and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that exist, in the order of the help."""
        there = {*_modules(), *_contributed()}
        known = [name for section in SECTIONS.values() for name in section]
        return [name for name in known if name in there] + sorted(there.difference(known))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called ``cmd_name``, or None.

        Raises:
            ModuleNotFoundError: the command is there, but a package that it needs is not installed.
        """
        command: click.Command
        if cmd_name in _modules():
            command = import_module(f"{__name__}.{cmd_name}").command
            return command
        entry = _contributed().get(cmd_name)
        if entry is None:
            return None
        command = entry.load()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the arguments left; a name that nothing has is answered with the nearest one."""
        names = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in names:
            raise click.UsageError(_unknown(args[0], names), ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if name in BANK_READERS:
            from rnnae_live.cli._configured import BankDefaults

            ctx.default_map = {name: BankDefaults()}
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, without importing those that have a summary above."""
        names = self.list_commands(ctx)
        for title, section in SECTIONS.items():
            _write(formatter, title, [(name, summary) for name, summary in section.items() if name in names])
            names = [name for name in names if name not in section]
        _write(formatter, "More", [(name, _short_help(self, ctx, name)) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with ``incomplete``, importing none."""
        from click.shell_completion import CompletionItem

        summaries = {name: text for section in SECTIONS.values() for name, text in section.items()}
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=summaries.get(name)) for name in names] + options

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; whatever it raises becomes a sentence and an exit status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except RnnaeError as error:
            raise _left(error, str(error), error.exit_status) from error
        except ModuleNotFoundError as error:
            raise _left(error, *_missing(error)) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # The reader of a pipe went away; click leaves quietly.
            raise _left(error, _unforeseen(error), RnnaeError.exit_status) from error


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "RNNAE"},
)
@click.version_option(__version__, "-V", "--version", message="rnnae-live %(version)s")
def cli() -> None:
    """Play the state space of an LSTM auto-encoder over MIDI.

    Play a phrase, rest, and hear it answered: encoded to a state vector, mixed with the songs that you chose,
    decoded, and sent back in tempo.
    """


def main() -> NoReturn:
    """Run the command line with the arguments of this process and leave with its status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a note head gets a question mark, never a UnicodeEncodeError.
            stream.reconfigure(errors="replace")
    cli.main(prog_name="rnnae-live")


def _modules() -> list[str]:
    """Return the names of the commands in this package."""
    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]


def _contributed() -> dict[str, EntryPoint]:
    """Return the entry points that other packages add, by name."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _write(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows, col_max=12)


def _short_help(group: Commands, ctx: click.Context, name: str) -> str:
    """Return the summary that a command gives itself, empty where it cannot be loaded."""
    try:
        command = group.get_command(ctx, name)
    except ModuleNotFoundError:
        return ""
    return command.get_short_help_str() if command else ""


def _unknown(name: str, names: list[str]) -> str:
    """Return the sentence for a command that does not exist."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are {', '.join(names)}."
    return f"There is no command '{name}'. {hint}"


def _missing(error: ModuleNotFoundError) -> tuple[str, int]:
    """Return sentence and status for a package that is not installed."""
    package = (error.name or "").partition(".")[0]
    if package in REQUIRED:
        return f"The installation is incomplete, {package} is missing: pip install --force-reinstall rnnae-live", 1
    if not package or package.startswith("rnnae"):
        return _unforeseen(error), RnnaeError.exit_status
    needs = f"This command needs {package}, which is not installed"
    return f"{needs}: pip install 'rnnae-live[train]'", MissingPartError.exit_status


def _unforeseen(error: Exception) -> str:
    """Return the sentence for an error that nobody raised on purpose."""
    if isinstance(error, OSError) and error.strerror:
        where = f" '{error.filename}'" if error.filename is not None else ""
        return f"The system refused{where}: {error.strerror}."
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"Something failed that should not have ({what}). RNNAE_DEBUG=1 shows the details; please report them."


def _left(error: Exception, message: str, status: int) -> click.exceptions.Exit:
    """Print the sentence, after the traceback where that was asked for, and return what click leaves with."""
    if os.environ.get("RNNAE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    click.echo(f"{click.style('Error:', fg='red')} {message}", err=True)
    return click.exceptions.Exit(status)

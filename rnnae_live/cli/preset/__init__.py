"""``rnnae-live preset``: the library of songs. What lists and changes presets loads no model."""

from __future__ import annotations

import click

from rnnae_live.cli.preset import carrying, changing, looking, storing

EPILOG = """\b
Examples:
  rnnae-live preset save SONG.mid --name "My song" --program 5 --force
  rnnae-live preset blend "Ode to Joy=0.5" "Greensleeves=0.5" --name "Joyful sleeves"
  rnnae-live preset list joy --tag slow
  rnnae-live preset export --all -o bank.zip"""


class Presets(click.Group):
    """A group that answers a word that is no command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the arguments left."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.commands, n=1, cutoff=0.5)
            hint = f"Did you mean 'preset {near[0]}'?" if near else f"There are {', '.join(self.commands)}."
            raise click.UsageError(f"There is no command 'preset {args[0]}'. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were added: what is used most comes first."""
        return list(self.commands)


@click.group(name="preset", cls=Presets, epilog=EPILOG, short_help="Keep, find, blend, number and carry presets.")
def command() -> None:
    """Songs stored as states, recalled note for note.

    Where a command takes the NAME of a preset, its id and its program do as well: "#5", "#2:5" in bank 2.
    """


for one in (
    looking.list_presets,
    looking.show,
    storing.save,
    storing.blend,
    changing.rename,
    changing.duplicate,
    changing.tag,
    changing.untag,
    changing.program,
    changing.slot,
    changing.scene,
    changing.delete,
    changing.undo,
    changing.restore,
    looking.check,
    storing.reencode,
    carrying.export,
    carrying.import_files,
):
    command.add_command(one)

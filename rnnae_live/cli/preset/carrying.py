"""``preset export`` and ``import``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import click

from rnnae_live.cli.preset.arguments import BANK, JSON, NAMES, open_library, print_json, tell
from rnnae_live.errors import PresetError, UsageError


@click.command(short_help="Write presets, or a bank with its model, into a file to take along.")
@NAMES
@click.option("--all", "everything", is_flag=True, help="All presets of the bank.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
              help="FILE.zip: a pack with the model; FILE.json: one preset.")  # fmt: skip
@click.option("--title", help="What the pack is called; the file's name by default.")
@click.option("--force", is_flag=True, help="Replace FILE.")
@BANK
@JSON
def export(
    *,
    names: tuple[str, ...],
    everything: bool,
    output: Path,
    title: str | None,
    force: bool,
    bank: Path | None,
    as_json: bool,
) -> None:
    """Write presets into a file to take along: one as JSON, or several with the model that plays them as a pack.

    \b
    Examples:
      rnnae-live preset export --all -o bank.zip
      rnnae-live preset export "My song" "Ode to Joy" -o two.zip
      rnnae-live preset export "My song" -o my-song.json
    """
    from rnnae_live.presets.pack import export_pack, export_preset

    if bool(names) == everything:
        raise UsageError("Give the names of presets, or --all.")
    library = open_library(bank)
    chosen = library.presets if everything else [library.find(name) for name in names]
    if output.suffix.lower() == ".json":
        if len(chosen) != 1:
            raise UsageError(f"A .json file holds one preset, not {len(chosen)}; give -o FILE.zip.")
        export_preset(chosen[0], output, force=force)
        count = 1
    elif output.suffix.lower() == ".zip":
        count = export_pack(library, chosen, output, title or output.stem, force=force)
    else:
        raise UsageError(f"{output} has to end in .zip (a pack) or .json (one preset).")
    if as_json:
        print_json({"file": str(output), "presets": count, "bytes": output.stat().st_size})
    else:
        click.echo(f"Wrote {_count(count)} to {output} ({output.stat().st_size / 1e6:.1f} MB).")


@click.command(name="import", short_help="Take in presets or a pack that `export` wrote.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--force", is_flag=True, help="Replace presets of the same name; the old ones go to the trash.")
@click.option("--reencode", is_flag=True, help="Make presets of another model again with the bank's own.")
@BANK
@JSON
def import_files(*, files: tuple[Path, ...], force: bool, reencode: bool, bank: Path | None, as_json: bool) -> None:
    """Take in presets (.json) or packs (.zip), every hash, size and name checked and every preset decoded.

    Presets of the bank's own model come to your presets. A pack of another model becomes a bank of its own: in the
    folder that --bank names, where that is not there yet, else in your folder; the command says which.

    \b
    Examples:
      rnnae-live preset import bank.zip
      rnnae-live preset import their-bank.zip --bank THEIRS
      rnnae-live preset import a.json b.json --force
    """
    results = [_take_in(file, bank, force=force, reencode=reencode, as_json=as_json) for file in files]
    if as_json:
        print_json(results)


def _take_in(file: Path, folder: Path | None, *, force: bool, reencode: bool, as_json: bool) -> dict[str, object]:
    from rnnae_live.manifest import MANIFEST
    from rnnae_live.presets import Bank
    from rnnae_live.presets.pack import install, read_pack, read_single, verified

    pack = read_pack(file) if file.suffix.lower() == ".zip" or zipfile.is_zipfile(file) else None
    presets = pack.presets if pack else [read_single(file)]
    fresh = folder is not None and not (folder / MANIFEST).exists()
    opened = None if fresh else Bank.open(folder)
    models = {p.model_id for p in presets} | ({pack.model_id} if pack else set())
    strange = opened is not None and models != {opened.model_id}
    if pack is not None and (opened is None or (strange and not reencode and folder is None)):
        place = install(pack, folder)
        if not as_json:
            click.echo(f"{_count(len(presets))} with the model make a bank in {place}; play it with --bank {place}.")
        return {"file": str(file), "bank": str(place), "stored": [p.name for p in presets], "there": [], "notices": []}
    if opened is None:
        raise PresetError(f"{folder} is no bank: a single preset needs one; leave --bank out, or import a pack.")
    if strange and not reencode:
        raise PresetError(
            f"{file} was made with another model than the bank in {opened.folder}; "
            "--reencode makes it again from its notes, and a pack can become a bank of its own: --bank NEW_FOLDER."
        )
    made = [verified(opened.model, p) if p.model_id == opened.model_id else opened.translate(p) for p in presets]
    if lost := [p.name for p in made if p.model_id == opened.model_id and not p.exact and strange]:
        raise PresetError(f"This bank's model does not return {', '.join(map(repr, lost))}; nothing was changed.")
    intake = opened.take_in(made, force=force)
    if not as_json:
        tell(intake.notices)
        known = f"; {_count(len(intake.there))} there already" if intake.there else ""
        click.echo(f"{_count(len(intake.stored))} of {file} came to {opened.own}{known}.")
    return {"file": str(file), "bank": str(opened.folder), "stored": intake.stored, "there": intake.there,
            "notices": intake.notices}  # fmt: skip


def _count(presets: int) -> str:
    return f"{presets} preset{'' if presets == 1 else 's'}"

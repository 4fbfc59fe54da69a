"""`consent-ledger bundle`: what an auditor takes away."""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, use_options, use_request
from consent_ledger.cli.output import note, shown
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger bundle audit-2026 --sample 50 --seed 8c1f --for open-dataset")
@click.argument("directory", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--withhold-openings", "withhold", is_flag=True, help="Show that statements were recorded, not what.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Put the decisions on N assets in as well.")
@click.option("--seed", metavar="TEXT", help="What draws the sample: the auditor's choice.")
@use_options
@click.option("--as-of", type=INSTANT, metavar="TIME", help="As of when the sample is decided [default: now].")
@click.option(
    "--templates", type=click.Path(path_type=Path, exists=True, file_okay=False), multiple=True,
    help="A folder with template texts of your own.",
)  # fmt: skip
@home_options
@pass_session
def bundle(
    session: Session, /, directory: Path, withhold: bool, sample: int | None, seed: str | None, purpose: str | None,
    purposes: Path | None, as_of: int | None, templates: tuple[Path, ...], **facets: Any,
) -> None:  # fmt: skip
    """Write all that an outside auditor needs into a new folder: the log, its openings, template texts and keys.

    With --sample and --seed, also the decisions on that many assets, drawn by the seed, for the use that is named: the
    auditor's program has to come to the same ones.
    """
    from consent_ledger.bundle import SampleRequest, write_bundle
    from consent_ledger.cli.progress import counting
    from consent_ledger.ledger import system_clock

    if (sample is None) != (seed is None):
        raise click.UsageError("--sample and --seed go together")
    request = None
    if sample is not None and seed is not None:
        use = use_request(facets, purpose, purposes, session.party_of)
        request = SampleRequest(seed, sample, use, system_clock() if as_of is None else as_of)
    elif purpose or as_of is not None or any(facets.values()):
        raise click.UsageError("a use is for the decisions of a sample, want --sample and --seed")
    with session.reading() as store, counting("writing entries") as progress:
        written = write_bundle(
            store, directory, withhold=withhold, sample=request, templates=templates, progress=progress
        )
    note(f"wrote {written.size} entries and {written.decisions} decisions to `{shown(directory)}`")
    if written.absent_texts:
        note(f"{written.absent_texts} template texts were not found, want --templates")
    note(f"the log's key, which the auditor should know from elsewhere, is {written.vkey}")

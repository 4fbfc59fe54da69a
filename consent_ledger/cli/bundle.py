"""`consent-ledger bundle`: what an auditor takes away."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from consent_ledger.cli.anchors import read_policy
from consent_ledger.cli.options import INSTANT, use_options, use_request
from consent_ledger.cli.output import note, shown
from consent_ledger.cli.session import Session, home_options, pass_session

if TYPE_CHECKING:
    from consent_ledger.verification.layout import Openings


@click.command(epilog="Example: consent-ledger bundle audit-2026.tar --sample 50 --seed 8c1f --for open-dataset")
@click.argument("place", metavar="FOLDER|FILE.tar", type=click.Path(path_type=Path))
@click.option("--withhold-openings", "withhold", is_flag=True, help="Show that statements were recorded, not what.")
@click.option("--project", metavar="PROJECT", help="Show only what was recorded about one project.")
@click.option("--party", metavar="PARTY", help="Show only what was recorded about one person or organisation.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Put the decisions on N assets in as well.")
@click.option("--seed", metavar="TEXT", help="What draws the sample: the auditor's choice.")
@click.option("--only-sample", is_flag=True, help="Show only what the decisions of the sample rest on.")
@use_options
@click.option("--as-of", type=INSTANT, metavar="TIME", help="As of when the sample is decided [default: now].")
@click.option(
    "--templates", type=click.Path(path_type=Path, exists=True, file_okay=False), multiple=True,
    help="A folder with template texts of your own.",
)  # fmt: skip
@home_options
@pass_session
def bundle(
    session: Session, /, place: Path, withhold: bool, project: str | None, party: str | None, sample: int | None,
    seed: str | None, only_sample: bool, purpose: str | None, purposes: Path | None, as_of: int | None,
    templates: tuple[Path, ...], **facets: Any,
) -> None:  # fmt: skip
    """Write all that an outside auditor needs into a new folder or tar: the log, its openings, template texts and keys.

    The log is always whole. With --sample and --seed there are also the decisions on that many assets, drawn by the
    seed, for the use that is named: the auditor's program has to come to the same ones.
    """
    from consent_ledger.cli.progress import counting
    from consent_ledger.evidence.bundle import SampleRequest, write_bundle
    from consent_ledger.ledger import system_clock

    openings, about = _extent(session, withhold, project, party, only_sample)
    if (sample is None) != (seed is None):
        raise click.UsageError("--sample and --seed go together")
    if sample is None and openings == "sample":
        raise click.UsageError("--only-sample goes with --sample")
    if sample is not None and openings == "party":
        raise click.UsageError("a sample is of assets that others consented to as well: it does not go with --party")
    request = None
    if sample is not None and seed is not None:
        use = use_request(facets, purpose, purposes, session.party_of)
        request = SampleRequest(seed, sample, use, system_clock() if as_of is None else as_of)
    elif purpose or as_of is not None or any(facets.values()):
        raise click.UsageError("a use is for the decisions of a sample, want --sample and --seed")
    with session.reading() as store, counting("writing entries") as progress:
        policy = session.settings.policy_file
        read_policy(policy)
        written = write_bundle(
            store, place, openings=openings, about=about, sample=request, templates=templates,
            policy=None if policy is None else policy.read_bytes(), progress=progress,
        )  # fmt: skip
    note(
        f"wrote {written.size} entries, {written.shown} of them open, "
        f"and {written.decisions} decisions to `{shown(place)}`"
    )
    if written.absent_texts:
        note(f"{written.absent_texts} template texts were not found, want --templates")
    note(f"the log's key, which the auditor should know from elsewhere, is {written.vkey}")


def _extent(
    session: Session, withhold: bool, project: str | None, party: str | None, only_sample: bool
) -> "tuple[Openings, str | None]":
    """Return which openings are shown, and what they are about."""
    given: dict[Openings, bool] = {
        "withheld": withhold, "project": project is not None, "party": party is not None, "sample": only_sample,
    }  # fmt: skip
    chosen = [name for name, wanted in given.items() if wanted]
    if len(chosen) > 1:
        raise click.UsageError("want one of --withhold-openings, --project, --party and --only-sample")
    return (chosen or ["all"])[0], project if party is None else session.party_of(party)

"""`consent-ledger asset`: media files, registered by their hashes."""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.contesting import dispute, takedown
from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def asset() -> None:
    """Register media files by their hashes; the files stay where they are."""


asset.add_command(dispute)
asset.add_command(takedown)


@asset.command(epilog="Example: consent-ledger asset register clips/c0001 --project twine --by studio --owner c0001 "
               "--subject c0001")  # fmt: skip
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1)
@click.option("--project", required=True, metavar="ID", help="The project that they are submitted to.")
@click.option("--by", required=True, metavar="PARTY", help="Who registers them: an organisation, or their owner.")
@click.option("--manifest", "manifests", multiple=True, metavar="CSV|NDJSON", type=click.Path(path_type=Path),
              help="A table with a row for each file.")  # fmt: skip
@click.option("--files0", metavar="FILE|-", help="A list of files with a zero byte behind each, as `find -print0`.")
@click.option("--owner", "owners", multiple=True, metavar="PARTY",
              help="Whose they are [default: who registers; of what an organisation derived: `nobody`].")  # fmt: skip
@click.option("--subject", "subjects", multiple=True, metavar="PARTY", help="Who is seen or heard; `?` for somebody.")
@click.option("--no-subjects", is_flag=True, help="Nobody is seen or heard in them.")
@click.option("--subjects-unverified", is_flag=True, help="Nobody has looked who is in them.")
@click.option("--organisation", "organisations", multiple=True, metavar="ORG", help="Who else must permit.")
@click.option("--captured-at", type=INSTANT, metavar="TIME", help="When they were made.")
@click.option("--derived-from", "parents", multiple=True, metavar="FILE|HASH", help="What they were all made from.")
@click.option("--transform", metavar="CODE", help="How they were made: face_blur, transcode, annotation, ...")
@click.option("--absent", multiple=True, metavar="PARTY", help="Who is in what they were made from and not in them.")
@click.option("--retention-until", type=INSTANT, metavar="TIME", help="Until when they may be kept.")
@click.option("--dry-run", is_flag=True, help="Do everything but record it.")
@ledger_options
@pass_session
def register(
    session: Session, paths: tuple[str, ...], project: str, by: str, manifests: tuple[Path, ...], files0: str | None,
    owners: tuple[str, ...], subjects: tuple[str, ...], no_subjects: bool, subjects_unverified: bool,
    organisations: tuple[str, ...], captured_at: int | None, parents: tuple[str, ...],
    transform: str | None, absent: tuple[str, ...], retention_until: int | None, dry_run: bool,
) -> int:  # fmt: skip
    """Register files. Those that are registered already are left out, so an interrupted run is simply run again.

    Writes `hash`, a tab and the file for each that is new. What cannot be read is named, nothing else is lost for it,
    and the exit code is then 1.
    """
    from consent_ledger.cli.registering import Registration, named, sources

    if not (paths or manifests or files0):
        raise click.UsageError("name files, folders, a --manifest or --files0")
    common = {
        **({"owners": named(owners)} if owners else {}),
        **_subjects(subjects, no_subjects, subjects_unverified, needed=bool(paths or files0)),
        **({"organisations": list(organisations)} if organisations else {}),
        **instant_fields(captured_at=captured_at, retention_until=retention_until),
        **_derived(parents, transform, absent),
    }
    for name in {*owners, *subjects, *organisations, *absent} - {"?", "nobody"}:
        session.party_of(name)  # a mistyped name is one mistake, and not one for each file
    found = sources(paths, manifests, files0, common)
    with session.recording(rehearse=dry_run) as ledger:
        return Registration(session, ledger, project, by).run(found)


def _subjects(named: tuple[str, ...], nobody: bool, unverified: bool, *, needed: bool) -> dict[str, Any]:
    """Return who is seen or heard; the command line has to say it, as leaving it out must not mean nobody."""
    if bool(named) + nobody + unverified > 1:
        raise click.UsageError("--subject, --no-subjects and --subjects-unverified exclude each other")
    if named or nobody:
        return {"subjects": list(named)}
    if needed and not unverified:
        raise click.UsageError("who is in them? give --subject, --no-subjects or --subjects-unverified")
    return {"subjects_unverified": True} if unverified else {}


def _derived(parents: tuple[str, ...], transform: str | None, absent: tuple[str, ...]) -> dict[str, Any]:
    from consent_ledger.cli.registering import Derived
    from consent_ledger.media import asset_of

    if bool(parents) != (transform is not None) or (absent and not parents):
        raise click.UsageError("--derived-from goes with --transform, and --absent with both")
    return {"derived": Derived(tuple(map(asset_of, parents)), transform, absent)} if transform else {}


@asset.command(epilog="Example: consent-ledger asset show clips/c0001/0-portrait.mp4")
@click.argument("name", metavar="FILE|HASH")
@ledger_options
@pass_session
def show(session: Session, name: str) -> None:
    """Show what is registered about a file, as JSON."""
    from consent_ledger.cli.output import write_json
    from consent_ledger.media import asset_of

    hash_ = asset_of(name)
    with session.asking() as ledger:
        claims = ledger.find_claims([hash_])[hash_]
    write_json({"asset": hash_, "registrations": [_claim(session, claim) for claim in claims]})


def _claim(session: Session, claim: Any) -> dict[str, Any]:
    from consent_ledger.signing.instants import format_time

    def names(parties: Any) -> list[str]:
        return [session.book.name_of(party) for party in parties]

    return {
        "entry": claim.entry,
        "statement": claim.statement,
        "recorded_at": format_time(claim.recorded_at),
        "by": session.book.name_of(claim.issuer),
        "project": claim.project,
        "owners": names(claim.owners),
        "subjects": "unverified" if claim.subjects is None else names(claim.subjects),
        "organisations": names(claim.organisations),
        "derived_from": [{"asset": p.asset, "transform": p.transform} for p in claim.parents],
    }

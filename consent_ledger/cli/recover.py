"""`consent-ledger recover`: what a restored database has forgotten is appended again."""

from pathlib import Path

import click

from consent_ledger.cli.output import note, shown
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger recover bundle-of-last-night --openings receipts/r1.json")
@click.argument("source", metavar="FOLDER|FILE.tar", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--openings", "further", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file with openings that the source lacks: an openings.ndjson, or somebody's receipt.",
)  # fmt: skip
@click.option("--vkey", metavar="KEY|FILE", help="The log's verifier keys [default: those in log.vkey].")
@home_options
@pass_session
def recover(session: Session, source: Path, further: tuple[Path, ...], vkey: str | None) -> None:
    """Append to a restored database what was recorded after its backup, from a bundle or from the published log.

    The source is verified as a whole first. Nothing is signed, so that no second history can come of it. See
    docs/restore.md.
    """
    from consent_ledger.cli.anchors import read_key
    from consent_ledger.cli.progress import counting
    from consent_ledger.custody.anchor import Anchor
    from consent_ledger.custody.erasure import Journal, complete
    from consent_ledger.custody.recovery import recover as bring_back
    from consent_ledger.store.engine import open_store

    settings = session.settings
    known = read_key(vkey) or settings.verifier_key.read_text(encoding="ascii")
    anchor = Anchor(settings.anchor_file)
    with open_store(settings.database, create=True) as store, counting("verifying entries") as progress:
        recovered = bring_back(store, source, vkey=known, anchor=anchor, further=further, progress=progress)
        complete(store, Journal(settings.erasures))
    anchor.close()
    added = recovered.size - recovered.before
    note(f"{added} entries came back from `{shown(source)}`, the ledger has {recovered.size} and may be written again")

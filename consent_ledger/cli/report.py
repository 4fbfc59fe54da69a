"""`consent-ledger report`: the audit report, as PDF and as the data that it is made of."""

from pathlib import Path

import click

from consent_ledger.cli.output import note, shown
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger report -o audit.pdf --json audit.json")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the PDF here.")
@click.option("--json", "data", type=click.Path(path_type=Path, dir_okay=False), help="Write the data here.")
@click.option("--language", type=click.Choice(["en", "nl"]), default="en", help="The language of the PDF.")
@home_options
@pass_session
def report(session: Session, /, output: Path | None, data: Path | None, language: str) -> None:
    """Write what this ledger holds, who vouches for it, and what its latest verification found.

    Every figure of the PDF is counted from the data, which is attached to it. The same ledger gives the same bytes:
    dates are those of the ledger, not of the clock. Run `verify --ledger` first for a verification of today.
    """
    from consent_ledger.cli.progress import counting
    from consent_ledger.reporting.document import encode_document, gather

    if output is None and data is None:
        raise click.UsageError("want -o or --json")
    with session.reading() as store, counting("counting entries") as progress:
        document = gather(store, None, progress)
    raw = encode_document(document)
    if data is not None:
        data.write_bytes(raw)
    if output is not None:
        from consent_ledger.reporting.pdf import report_pdf

        output.write_bytes(report_pdf(raw, language))
    written = " and ".join(f"`{shown(path)}`" for path in (output, data) if path is not None)
    note(f"wrote the report of {document.size} entries to {written}")

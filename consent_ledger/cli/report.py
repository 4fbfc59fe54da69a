"""`consent-ledger report`: the audit report, as PDF and as the data that it is made of."""

from pathlib import Path

import click

from consent_ledger.cli.output import note, printable, shown
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger report -o audit.pdf --json audit.json")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the PDF here.")
@click.option("--json", "data", type=click.Path(path_type=Path, dir_okay=False), help="Write the data here.")
@click.option("--language", type=click.Choice(["en", "nl"]), default="en", help="The language of the PDF.")
@click.option(
    "--check", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Verify a PDF instead: that it is what the data in it give, and those of a signed checkpoint.",
)  # fmt: skip
@click.option("--vkey", metavar="KEY|FILE", help="With --check: the log's verifier key, known from elsewhere.")
@home_options
@pass_session
def report(
    session: Session, /, output: Path | None, data: Path | None, language: str, check: Path | None, vkey: str | None
) -> None:
    """Write what this ledger holds, who vouches for it, and what its latest verification found.

    Every figure of the PDF is counted from the data, which is attached to it. The same ledger gives the same bytes:
    dates are those of the ledger, not of the clock. Run `verify --ledger` first for a verification of today.

    With --check no ledger is needed. Exit code 5: somebody changed the PDF or the data in it.
    """
    from consent_ledger.cli.progress import counting
    from consent_ledger.reporting.document import encode_document, gather

    if check is not None:
        _check(check, vkey)
        return
    if output is None and data is None:
        raise click.UsageError("want -o or --json, or --check")
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


def _check(file: Path, vkey: str | None) -> None:
    from consent_ledger.cli.anchors import read_key
    from consent_ledger.reporting.checking import check_report

    document = check_report(file.read_bytes(), (read_key(vkey) or "").split())
    click.echo(printable(f"ledger {document.origin}, {document.size} entries, root {document.root}"))
    if vkey is None:
        click.echo("not checked: whose log this is: the key was taken from the report itself, want --vkey")
    click.echo("not checked: that the log holds what was counted, which a bundle of it shows")
    click.echo("verified: every page is what the data in it give, and they are of what the log signed")

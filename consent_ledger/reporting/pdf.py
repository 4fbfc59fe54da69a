"""The report as PDF/A-3 with its data attached. Equal data give equal bytes.

WeasyPrint is the extra `pdf`. It fetches nothing here: the page carries its font, and every other address is refused.
"""

import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256

from consent_ledger.errors import UnavailableError
from consent_ledger.messages import words
from consent_ledger.reporting.document import FILE, decode_document
from consent_ledger.reporting.page import report_page
from consent_ledger.signing.instants import SECOND

SECONDS = 300


def report_pdf(raw: bytes, language: str) -> bytes:
    """Return the PDF of a report's file. Raises UnavailableError where the extra `pdf` or its libraries are missing."""
    try:
        from weasyprint import HTML, Attachment
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as e:  # OSError: the libraries that WeasyPrint opens are not on this machine
        raise UnavailableError(
            "PDF needs WeasyPrint: install `consent-ledger[pdf]` and the system packages libpango-1.0-0, "
            "libpangoft2-1.0-0 and libharfbuzz-subset0, or take the report as JSON",
            code="pdf_unavailable",
        ) from e
    document, text = decode_document(raw), words(language)
    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    moment = datetime.fromtimestamp(document.as_of // SECOND, UTC)
    attachment = Attachment(
        string=raw.decode(), base_url="", url_fetcher=fetcher, name=FILE, description=text("report.attached"),
        created=moment, modified=moment, relationship="Data",
    )  # fmt: skip
    pdf: bytes = HTML(string=report_page(document, text), base_url="", url_fetcher=fetcher).write_pdf(
        pdf_variant="pdf/a-3a", pdf_identifier=sha256(raw).digest()[:16], attachments=[attachment]
    )
    return pdf


def report_pdf_apart(raw: bytes, language: str) -> bytes:
    """Return the PDF, made in another process: what goes wrong in a library in C stops nothing here."""
    command = [sys.executable, "-m", "consent_ledger.reporting", language]
    try:
        made = subprocess.run(command, input=raw, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as e:
        raise UnavailableError(f"the PDF was not made within {SECONDS} seconds", code="pdf_unavailable") from e
    if made.returncode or not made.stdout.startswith(b"%PDF-"):
        raise UnavailableError("the PDF cannot be made here, take the report as JSON", code="pdf_unavailable")
    return made.stdout

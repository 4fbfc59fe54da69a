"""`python -m consent_ledger.reporting en < report.json > report.pdf`: the report of its data, made again."""

import sys

from consent_ledger.errors import LedgerError
from consent_ledger.messages import LANGUAGES
from consent_ledger.reporting.pdf import report_pdf


def main() -> int:
    """Read the data from stdin, write the PDF to stdout."""
    language = sys.argv[1] if len(sys.argv) == 2 else ""
    if language not in LANGUAGES:
        print(f"want one of {', '.join(LANGUAGES)}", file=sys.stderr)
        return 2
    try:
        sys.stdout.buffer.write(report_pdf(sys.stdin.buffer.read(), language))
    except LedgerError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

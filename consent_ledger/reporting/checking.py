"""Whether a PDF is the report of the data attached to it: rendered anew from them, it must be the same bytes.

So nothing on its pages can be changed, nor the data without the pages. That the data are the ledger's is shown by the
checkpoint in them, which the log signed, and by the ledger or a bundle of it.
"""

import re
import zlib

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.messages import LANGUAGES
from consent_ledger.reporting.document import FORMAT, Document, decode_document
from consent_ledger.reporting.figures import total
from consent_ledger.reporting.pdf import report_pdf
from consent_ledger.signing.note import NoteVerifier

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_MOST = 256_000_000


def check_report(pdf: bytes, vkeys: list[str]) -> Document:
    """Return the data of a report that is whole; VerificationError where it is not. `vkeys` are the log's verifier keys
    as the reader knows them; none: those that the report names."""
    raw = attached_data(pdf)
    try:
        document = decode_document(raw)
        signed = open_checkpoint(document.checkpoint.encode(), map(NoteVerifier.from_vkey, vkeys or document.log_keys))
    except LedgerError as e:
        raise VerificationError(f"the data in the report do not hold: {e}", code="report_altered") from e
    if signed != Checkpoint(document.origin, document.size, bytes.fromhex(document.root)):
        raise VerificationError("the data in the report are not of the checkpoint in them", code="report_altered")
    if total(document) != document.size:
        detail = f"the data in the report count {total(document)} entries, the log signed {document.size}"
        raise VerificationError(detail, code="report_altered")
    if all(report_pdf(raw, language) != pdf for language in LANGUAGES):
        detail = "the report is not what its data give: it was changed, or made by another version of this program"
        raise VerificationError(detail, code="report_altered")
    return document


def attached_data(pdf: bytes) -> bytes:
    """Return the data attached to a report; VerificationError where there are none."""
    for match in _STREAM.finditer(pdf):
        try:
            raw = zlib.decompressobj().decompress(match[1], _MOST)
        except zlib.error:
            continue
        if FORMAT.encode() in raw and _is_report(raw):
            return raw
    raise VerificationError("no data of a report are attached to this file", code="report_malformed")


def _is_report(raw: bytes) -> bool:
    try:
        decode_document(raw)
    except MalformedError:
        return False
    return True

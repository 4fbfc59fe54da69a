"""Time-stamps (RFC 3161) of a checkpoint: who stamped it is known by the root of his certificate.

What is stamped is the checkpoint as its log signed it (`log_note`), whoever cosigned it later.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import VerificationError as NotVerified
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from consent_ledger.audit.checkpoint import log_note
from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.verification.source import Source

MAX_STAMP = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_roots(path: Path) -> list[Certificate]:
    """Return the certificates in a PEM file, which an authority's certificate has to lead to."""
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as e:
        raise LedgerError(f"`{path}` holds no certificates in PEM form", code="bad_certificates") from e


def verify_stamp(token: bytes, note: bytes, roots: Sequence[Certificate], *, nonce: int | None = None) -> int:
    """Return the instant (microseconds) at which an authority under `roots` stamped the checkpoint `note`.

    MalformedError or VerificationError where it is no stamp, or not of this checkpoint, or not by such an authority.
    """
    try:
        response = decode_timestamp_response(token)
    except ValueError as e:
        raise MalformedError("time-stamp is not the answer of an authority (RFC 3161)") from e
    builder = VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        builder.build().verify_message(response, log_note(note))
    except (NotVerified, ValueError) as e:
        raise VerificationError(f"time-stamp does not verify: {str(e).lower()}", code="timestamp_invalid") from e
    return int((response.tst_info.gen_time.astimezone(UTC) - _EPOCH).total_seconds() * 1_000_000)


def check_stamps(
    source: Source, names: Sequence[str], note: bytes, roots: Sequence[Certificate], findings: list[Finding]
) -> Iterator[int]:
    """Yield the instants of time-stamps in a bundle of its checkpoint `note`; those that do not verify are findings."""
    for name in names:
        try:
            yield verify_stamp(source.read(name, MAX_STAMP) or b"", note, roots)
        except (MalformedError, VerificationError) as e:
            findings.append(Finding(None, "timestamp_invalid", f"`{name}`: {e}"))

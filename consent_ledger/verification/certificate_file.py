"""The file of a certificate (docs/decisions/0007): canonical JSON, so that every byte of it has one spelling."""

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from consent_ledger.answers import ClearanceAnswer
from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.errors import VerificationError
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.signing.envelope import Envelope

FORMAT: Final = "consent-ledger/certificate/v1"
ANSWER_TYPE = "application/vnd.consent-ledger.decision.v1+json"
EVIDENCE_TYPE = "application/vnd.consent-ledger.evidence.v1+json"
MAX_CERTIFICATE = 64 * 1024 * 1024
CANNOT = (
    "that no other entry touches the question: the operator says so, and only the whole log shows it",
    "that people are who their keys say, and that the media file is what its hash was made from",
)


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An entry (its bytes, as text), its proof of inclusion, and its opening unless that is withheld or erased."""

    entry: str
    proof: tuple[bytes, ...]
    salt: bytes | UnsetType = UNSET
    envelope: bytes | UnsetType = UNSET
    erased_by: int | UnsetType = UNSET


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the operator signs besides: the entries that the answer of this digest rests on, at a ledger size, as far as
    the `viewer` may know; for the operator itself there is none."""

    answer: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    entries: tuple[int, ...]
    ledger: str
    size: int
    viewer: PartyId | UnsetType = UNSET


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file. `log_keys` and `witnesses` are verifier keys: every signature on the checkpoint is by one of them."""

    format: Literal["consent-ledger/certificate/v1"]
    answer: Envelope
    evidence: Envelope
    checkpoint: str
    log_keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    entries: tuple[Sealed, ...]


class Certified(NamedTuple):
    """What a certificate proves: the ledger gave this answer, and at this checkpoint it rested on these entries.

    `replayed`: the answer was arrived at again from the entries alone. `cosigned` are witnesses of the reader's policy.
    """

    answer: ClearanceAnswer
    checkpoint: Checkpoint
    entries: int
    signatures: int
    replayed: bool
    cosigned: tuple[str, ...]
    not_checked: tuple[str, ...]


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the file's bytes: canonical JSON, and a line feed."""
    return encode_canonical(certificate) + b"\n"


def decode_certificate(raw: bytes) -> Certificate:
    """Return the certificate that a file holds, nothing verified; VerificationError where it holds none."""
    try:
        certificate = msgspec.json.decode(raw[: MAX_CERTIFICATE + 1], type=Certificate)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise VerificationError(f"this is no certificate: {e}", code="certificate_malformed") from e
    if encode_certificate(certificate) != raw:
        raise VerificationError("certificate is not in its one spelling", code="certificate_malformed")
    return certificate

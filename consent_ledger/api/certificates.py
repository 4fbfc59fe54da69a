"""Certificates: an answer that the ledger signs, kept with all that it rests on, for whoever has to show it later."""

import secrets
from typing import Annotated, ClassVar

import msgspec
from litestar import get
from litestar.types import ASGIApp

from consent_ledger.access.callers import Caller
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.requests import HttpRequest, path_value, service_of
from consent_ledger.api.responses import JSON, Body
from consent_ledger.api.service import Service
from consent_ledger.errors import NotFoundError, UnavailableError
from consent_ledger.evidence.certificates import Signer, certify
from consent_ledger.ledger import Ledger
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.store.decisions import insert_decision, read_decision
from consent_ledger.verification.certificate_file import decode_certificate

DSSE = "application/vnd.dsse.envelope.v1+json"
SIGNED = {
    "type": "object",
    "description": "DSSE. The payload is the answer, byte for byte as it would be without a certificate, signed by the "
    "ledger's operator key under the type `application/vnd.consent-ledger.decision.v1+json`.",
}
DecisionId = Annotated[str, msgspec.Meta(pattern=r"^dec_[0-9a-f]{32}$(?!\n)")]
FILE = {"type": "object", "description": "See `docs/decisions/0007-certificate.md`."}


class CertificateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether an answer is wanted as a certificate."""

    notes: ClassVar[dict[str, str]] = {
        "certificate": "Have the answer signed, and kept with its evidence: see `Location`. 503 `no_signer` where the "
        "service holds no key for it."
    }
    certificate: bool = False


def signer_of(service: Service) -> Signer:
    """Return what certificates are signed with."""
    if service.signer is None:
        raise UnavailableError("this service holds no key to sign answers with", code="no_signer")
    return service.signer


async def certified(service: Service, answer: bytes, caller: Caller) -> Body:
    """Return the signed answer, once its certificate is kept."""
    raw = await service.read(certify, service.ledger.store, answer, signer_of(service), caller.viewer)
    id_ = "dec_" + secrets.token_hex(16)
    await service.read(_keep, service.ledger, id_, caller.organisation, raw)
    envelope = encode_canonical(decode_certificate(raw).answer)
    return Body(envelope, DSSE, headers={"Location": f"/v1/decisions/{id_}", "Cache-Control": "no-store"})


def _keep(ledger: Ledger, id_: str, organisation: str, raw: bytes) -> None:
    with ledger.store.write() as tx:
        insert_decision(tx, id_, organisation, ledger.clock(), raw)


@get(
    "/v1/decisions/{id:str}",
    name="read_decision",
    opt={
        "operation": Operation(
            "Take a certificate away",
            tag="clearance",
            scope="clearance:read",
            path=(
                Parameter("id", DecisionId, "From `Location`, where the answer was asked for with `certificate=true`."),
            ),
            answers={200: Answer("One answer and all that it rests on, in a file that verifies alone.", {JSON: FILE})},
            problems=(404, 422, 503),
        )
    },
)
async def read_certificate(request: HttpRequest) -> ASGIApp:
    """The same bytes every time, for the organisation that asked. It shows of the statements behind the answer those
    that the organisation may see; the others are sealed in it."""
    id_ = path_value(request, "id", DecisionId)
    about(request, f"decision {id_}")
    service, caller = service_of(request), caller_of(request)
    raw = await service.read(_find, service.ledger, id_, caller.viewer)
    return Body(raw, headers={"Content-Disposition": 'attachment; filename="certificate.json"'})


def _find(ledger: Ledger, id_: str, organisation: str | None) -> bytes:
    with ledger.store.read() as tx:
        raw = read_decision(tx, id_, organisation)
    if raw is None:
        raise NotFoundError("there is no such decision", code="decision_unknown")
    return raw

"""Receipts: what proves a registration to somebody who has nothing but this and the log's verifier key."""

from base64 import b64encode

from litestar import get
from litestar.types import ASGIApp

from consent_ledger.answers import ProvenReceipt
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import JSON, TEXT, Body, json_body
from consent_ledger.api.statements import STATEMENT_ID, path_id
from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.receipt import decode_receipt
from consent_ledger.evidence.receipts import public_keys
from consent_ledger.ledger import Ledger
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.reading.statements import find_receipt, open_statement
from consent_ledger.signing.envelope import decode_envelope
from consent_ledger.signing.instants import format_time
from consent_ledger.store.log import read_head

PROOF_SUFFIX = ".tlog-proof"


@get(
    "/v1/receipts/{id:str}",
    name="read_receipt",
    opt={
        "operation": Operation(
            "Take a receipt away",
            tag="log",
            scope="audit:read",
            path=(STATEMENT_ID,),
            answers={200: Answer("The receipt.", {JSON: ProvenReceipt, TEXT: {"type": "string"}})},
            problems=(404, 410, 422, 503),
        )
    },
)
async def read_receipt(request: HttpRequest) -> ASGIApp:
    """JSON, or the text of c2sp.org/tlog-proof where `Accept` prefers text or the path ends in `.tlog-proof`."""
    given: str = request.path_params["id"]
    id_ = path_id(request, given.removesuffix(PROOF_SUFFIX))
    about(request, f"statement {id_}")
    as_text = given.endswith(PROOF_SUFFIX) or _prefers_text(request.headers.get("accept", ""))
    service, viewer = service_of(request), caller_of(request).viewer
    if as_text:
        return Body(await service.read(_proof_text, service.ledger, viewer, id_), TEXT, headers={"Vary": "Accept"})
    receipt = await service.read(read_proven, service.ledger, viewer, id_)
    return json_body(receipt, headers={"Vary": "Accept"})


def _prefers_text(accept: str) -> bool:
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((t.startswith("text/") for t in types if t.startswith("text/") or t == JSON), False)


def _proof_text(ledger: Ledger, viewer: Viewer, id_: str) -> bytes:
    return ledger.prove(find_receipt(ledger, viewer, id_))


def read_proven(ledger: Ledger, viewer: Viewer, id_: str) -> ProvenReceipt:
    """Return the receipt of a statement with its opening and proof."""
    opened = open_statement(ledger, viewer, id_)
    receipt = opened.receipt
    proof = decode_receipt(ledger.prove(receipt)).proof
    keyids = {signature.keyid for signature in decode_envelope(opened.envelope).signatures}
    with ledger.store.read() as tx:
        keys = public_keys(tx, read_head(tx).size, keyids)
    return ProvenReceipt(
        id=receipt.id,
        entry=receipt.entry,
        recorded_at=format_time(receipt.recorded_at),
        sealed=receipt.entry_bytes.decode(),
        salt=opened.salt.hex(),
        envelope=b64encode(opened.envelope).decode(),
        proof=[hash_.hex() for hash_ in proof],
        checkpoint=receipt.checkpoint.decode(),
        vkey=ledger.vkey_at(read_checkpoint_text(receipt.checkpoint).size),
        keys={keyid: b64encode(raw).decode() for keyid, raw in keys.items()},
    )

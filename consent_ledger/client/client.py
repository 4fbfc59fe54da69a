"""The client: a method for each thing that can be asked or said, and nothing believed that does not verify."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike, fspath
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from consent_ledger.answers import (
    ClearanceAnswer,
    ClearanceRequest,
    ConsistencyAnswer,
    ExplainRequest,
    InclusionAnswer,
    ProvenReceipt,
    ReceiptAnswer,
    RehearsalAnswer,
    StatementAnswer,
    Version,
)
from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.batch import Receipt
from consent_ledger.client.address import parse_address, parse_token
from consent_ledger.client.bulk import clear_all
from consent_ledger.client.explaining import explain_all
from consent_ledger.client.registering import register_all
from consent_ledger.client.transport import JSON, TEXT, Patience, Transport
from consent_ledger.client.verifying import (
    decode,
    receipt_file_of,
    verify_answer,
    verify_asset,
    verify_checkpoint,
    verify_growth,
    verify_proof,
    verify_registration,
    verify_statement,
    wrong_answer,
)
from consent_ledger.documents import (
    MAX_LOOKED_UP,
    AssetAnswer,
    ConsentAnswer,
    LookupAnswer,
    LookupRequest,
    ProjectDetails,
    TemplateAnswer,
    TemplateItem,
    TemplatePage,
)
from consent_ledger.errors import LedgerError, VerificationError
from consent_ledger.evidence.receipts import ReceiptFile, verify_receipt_file
from consent_ledger.licenses.explanation import Want
from consent_ledger.licenses.terms import TemplateDocument, template_digest
from consent_ledger.signing.note import NoteVerifier

T = TypeVar("T")

PATIENCE = Patience()


def _now() -> int:
    return time.time_ns() // 1000


class Client:
    """One server's ledger. Threads may share it; it is closed at the end of its `with` block.

    Every method raises this package's errors: those that the server states with their code, problems and request id,
    UnavailableError where it cannot be reached or does not answer, VerificationError where what it answers is not so.
    """

    def __init__(
        self, url: str, token: str | None = None, *, vkey: str | None = None,
        ca_file: str | PathLike[str] | None = None, allow_plain_http: bool = False, patience: Patience = PATIENCE,
        clock: Callable[[], int] = _now, pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """`vkey`: the log's verifier key, known from elsewhere, or several, one a line, where it had several; what the
        log signed is then verified under them.

        Plain http is spoken to this machine only, unless `allow_plain_http`: whoever is on the way reads the token.
        """
        address = parse_address(url, allow_plain_http=allow_plain_http)
        self._vkey = vkey
        self.verifiers = [] if vkey is None else [NoteVerifier.from_vkey(line) for line in vkey.split()]
        self.clock = clock
        self.transport = Transport(
            address, None if token is None else parse_token(token), None if ca_file is None else fspath(ca_file),
            patience, pause,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self.transport.close()

    # What is said ------------------------------------------------------------------------------------------------

    def register(self, envelope: bytes) -> Receipt:
        """Record a signed statement and return its receipt. Where a reply is lost, the first one is got again."""
        key = {"Idempotency-Key": secrets.token_hex(16)}
        answered = self.transport.exchange(
            "POST", "/v1/statements", body=envelope, statuses=(200, 201), headers=key
        )  # fmt: skip
        receipt = decode(answered.body, ReceiptAnswer)
        return verify_registration(envelope, receipt, answered.status == 201, self.verifiers)

    def register_all(self, envelopes: Iterable[bytes]) -> Iterator[Receipt | LedgerError]:
        """Record many, in order, and yield for each its receipt or the error that refused it. Memory stays bounded.

        A statement may rest on one before it, and what is refused takes nothing else with it. Raises UnavailableError
        where the server is lost; what was yielded before is recorded.
        """
        return register_all(self.transport, envelopes, self.register, self.checkpoint, self.verifiers)

    def rehearse(self, envelope: bytes) -> Receipt | None:
        """Return None for a statement that would be recorded now, or the receipt of one that is; record nothing."""
        body = self.transport.exchange("POST", "/v1/rehearsals", body=envelope).body
        recorded = decode(body, RehearsalAnswer).recorded
        return None if recorded is None else verify_registration(envelope, recorded, False, self.verifiers)

    # What is asked -----------------------------------------------------------------------------------------------

    def clear(self, question: ClearanceRequest) -> ClearanceAnswer:
        """Return the answer, whatever its verdict; only `allow` clears."""
        answer = self._post("/v1/clearance", question, ClearanceAnswer)
        verify_answer(question, answer, self.clock())
        return answer

    def clear_all(self, questions: Iterable[ClearanceRequest]) -> Iterator[ClearanceAnswer | LedgerError]:
        """Yield for each question, in order, its answer or the error that kept it from being answered.

        All that name no point in time or size are answered at one, that of the first. Memory stays bounded.
        """
        return clear_all(self.transport, questions, self.clock)

    def explain(self, request: ExplainRequest) -> list[tuple[Want, ...]]:
        """Return, for each asset, in order, the smallest set of things that would clear it."""
        return explain_all(self.transport, request)

    def project(self, id_: str) -> ProjectDetails:
        """Return a project as it was recorded last, and what it asks people to sign."""
        project = self._get(f"/v1/projects/{segment(id_)}", ProjectDetails)
        if project.project != id_:
            raise wrong_answer("the answer is about another project than was asked")
        return project

    def template(self, digest: str) -> TemplateDocument:
        """Return the template version of a digest; what it says is what the digest is of."""
        document = self._get(f"/v1/templates/{segment(digest)}", TemplateAnswer).document
        if template_digest(document) != digest:
            raise wrong_answer("the answer is another template than was asked for")
        return document

    def templates(self) -> Iterator[TemplateItem]:
        """Yield the template versions that one's organisation published, or offers."""
        cursor: str | None = None
        while True:
            page = self._get("/v1/templates", TemplatePage, limit=1000, cursor=cursor)
            yield from page.items
            if page.next_cursor is None or not page.items:
                return
            cursor = page.next_cursor

    def asset(self, hash_: str) -> AssetAnswer:
        """Return how an asset is registered, as far as one's organisation sees it."""
        answer = self._get(f"/v1/assets/{segment(hash_)}", AssetAnswer)
        if answer.asset != hash_:
            raise wrong_answer("the answer is about another asset than was asked")
        return verify_asset(answer)

    def assets(self, hashes: Sequence[str]) -> list[AssetAnswer]:
        """Return how each asset is registered, in order; no registrations for one that is not, or not to be seen."""
        found: list[AssetAnswer] = []
        for start in range(0, len(hashes), MAX_LOOKED_UP):
            part = list(hashes[start : start + MAX_LOOKED_UP])
            answers = self._post("/v1/assets/lookup", LookupRequest(part), LookupAnswer).items
            if [answer.asset for answer in answers] != part:
                raise wrong_answer("the answer is about other assets than were asked")
            found += map(verify_asset, answers)
        return found

    def consent(self, party: str) -> ConsentAnswer:
        """Return what a party granted and withdrew, as far as one's organisation sees it."""
        answer = self._get(f"/v1/parties/{segment(party)}/consent", ConsentAnswer)
        if answer.party != party:
            raise wrong_answer("the answer is about another party than was asked")
        return answer

    def statement(self, id_: str) -> bytes:
        """Return the signed envelope of a recorded statement, byte for byte."""
        return verify_statement(id_, self._get(f"/v1/statements/{segment(id_)}", StatementAnswer).envelope)

    def receipt(self, id_: str) -> ReceiptFile:
        """Return the receipt of a recorded statement, verified: the entry commits to it, and the log to the entry."""
        receipt = receipt_file_of(self._get(f"/v1/receipts/{segment(id_)}", ProvenReceipt))
        verify_receipt_file(receipt, self._vkey)
        if receipt.id != id_:
            raise VerificationError(f"the receipt is for `{receipt.id}`, want `{id_}`", code="wrong_answer")
        return receipt

    def version(self) -> Version:
        """Return which software and ledger this is; VerificationError `wrong_log_key` for another than the pinned."""
        version = self._get("/version", Version)
        if self._vkey is not None and version.vkey not in self._vkey.split():
            detail = "the server's ledger is another than that of the verifier key"
            raise VerificationError(detail, code="wrong_log_key")
        return version

    def checkpoint(self, since: Checkpoint | None = None) -> Checkpoint:
        """Return the log's latest checkpoint; VerificationError unless the log only grew `since` an earlier one."""
        latest = verify_checkpoint(self.transport.exchange("GET", "/checkpoint", wants=TEXT).body, self.verifiers)
        if since is not None:
            query = {"first": since.size, "second": latest.size}
            verify_growth(since, latest, self._get("/v1/log/proof/consistency", ConsistencyAnswer, **query))
        return latest

    def inclusion(self, index: int, size: int | None = None) -> InclusionAnswer:
        """Return the proof that an entry is in the log of a size, verified."""
        proof = self._get("/v1/log/proof/inclusion", InclusionAnswer, index=index, size=size)
        verify_proof(index, size, proof, self.verifiers)
        return proof

    def _get(self, path: str, type_: type[T], **query: Any) -> T:
        given = urlencode({name: value for name, value in query.items() if value is not None})
        return decode(self.transport.exchange("GET", f"{path}?{given}" if given else path).body, type_)

    def _post(self, path: str, document: Any, type_: type[T]) -> T:
        body = msgspec.json.encode(document)
        return decode(self.transport.exchange("POST", path, body=body, sends=JSON).body, type_)


def segment(text: str) -> str:
    """Return the text as one segment of a path."""
    return quote(text, safe=":")

"""Statements that are handed in: read, and let through to registration only from whoever may bring them."""

from litestar.exceptions import HTTPException

from consent_ledger.access.submission import require_submitter, skim
from consent_ledger.api.authentication import caller_of, gate_of, known_caller
from consent_ledger.api.requests import HttpRequest, read_body
from consent_ledger.api.responses import JSON
from consent_ledger.errors import LedgerError, UnauthenticatedError
from consent_ledger.signing.envelope import MAX_ENVELOPE


async def read_submission(request: HttpRequest) -> bytes:
    """Return the envelope in the body, that whoever asks may hand in; raise as `require_submitter` does."""
    try:
        raw = await read_body(request, JSON, MAX_ENVELOPE)
    except (LedgerError, HTTPException):
        caller_of(request)  # who brings no good token learns that, and nothing else
        raise
    await require_may_submit(request, raw)
    return raw


async def require_may_submit(request: HttpRequest, raw: bytes) -> None:
    """Raise unless whoever asks may hand in an envelope."""
    gate = gate_of(request)
    said, caller = skim(raw), known_caller(request)
    organisation = gate.issuers.known(said, caller)
    if organisation is None and said is not None:
        organisation = await gate.issuing.ask(said.issuer)
    try:
        require_submitter(said, caller, issuer_is_organisation=bool(organisation))
    except UnauthenticatedError:
        caller_of(request)  # says what was wrong with the token, if one came
        raise

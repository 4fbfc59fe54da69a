"""What a party granted and withdrew."""

from litestar import get
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.requests import HttpRequest, path_value, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.documents import ConsentAnswer
from consent_ledger.licenses.terms import PartyId
from consent_ledger.reading.consents import find_consent

PARTY = Parameter("party", PartyId, "`pty_` and 32 hex digits.")


@get(
    "/v1/parties/{party:str}/consent",
    name="read_consent",
    opt={
        "operation": Operation(
            "Read what a party granted and withdrew",
            tag="parties",
            scope="clearance:read",
            path=(PARTY,),
            answers={200: Answer("Its grants and withdrawals.", {JSON: ConsentAnswer})},
            problems=(404, 422),
        )
    },
)
async def read_consent(request: HttpRequest) -> ASGIApp:
    """As far as the organisation sees them: what was granted to it, and withdrawals of that."""
    party = path_value(request, "party", PartyId)
    about(request, f"party {party}")
    service = service_of(request)
    found = await service.read(find_consent, service.ledger.store, caller_of(request).viewer, party)
    return json_body(found)  # not to be cached: it can be erased

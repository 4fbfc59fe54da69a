"""The HTTP application, put together: routes, errors, limits, and what every response has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import msgspec
from litestar import Litestar
from litestar.datastructures import State

from consent_ledger.access.organisations import operator_of
from consent_ledger.api import (
    audit,
    invitations,
    log,
    media,
    operation,
    organisations,
    projects,
    sessions,
    templates,
    tiles,
    tokens,
    wordings,
)
from consent_ledger.api.audit_trail import AuditTrail
from consent_ledger.api.authentication import Gate, guard
from consent_ledger.api.browse import api_page
from consent_ledger.api.bulk import clear_assets
from consent_ledger.api.certificates import read_certificate
from consent_ledger.api.clearance import clear_asset
from consent_ledger.api.consents import read_consent
from consent_ledger.api.errors import answer_error
from consent_ledger.api.explaining import explain_assets
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.frame import add_headers, framed
from consent_ledger.api.hot import short_cut
from consent_ledger.api.logs import Logger, Silent
from consent_ledger.api.lookups import look_up_assets
from consent_ledger.api.methods import answer_options
from consent_ledger.api.metrics import measured
from consent_ledger.api.openapi import build_document
from consent_ledger.api.receipts import read_receipt
from consent_ledger.api.rehearsals import rehearse_statement
from consent_ledger.api.service import Service
from consent_ledger.api.statements import read_statement, register_statement
from consent_ledger.api.tracing import Tracing
from consent_ledger.evidence.certificates import Signer
from consent_ledger.ledger import Ledger
from consent_ledger.portal import routes as pages
from consent_ledger.publishing.cosigned import NO_QUORUM, Quorum

ROUTES = (
    register_statement,
    rehearse_statement,
    read_statement,
    read_receipt,
    clear_asset,
    clear_assets,
    read_certificate,
    explain_assets,
    *templates.ROUTES,
    *wordings.ROUTES,
    *projects.ROUTES,
    *invitations.ROUTES,
    *media.ROUTES,
    read_consent,
    look_up_assets,
    *log.ROUTES,
    *tiles.ROUTES,
    *tokens.ROUTES,
    *organisations.ROUTES,
    *audit.ROUTES,
    *sessions.ROUTES,
    *operation.ROUTES,
)
HOT = ("register_statement", "clear_asset")
NO_BODY = 64 * 1024
USUAL = Exposure()


@cache
def described() -> tuple[bytes, bytes]:
    """Return the description of the API, and the page of it: the same for every application."""
    document = build_document(ROUTES)
    return msgspec.json.encode(document), api_page(document).encode()


def create_app(
    ledger: Ledger,
    *,
    logger: Logger | None = None,
    exposure: Exposure = USUAL,
    signer: Signer | None = None,
    quorum: Quorum = NO_QUORUM,
    tracing: Tracing | None = None,
) -> Litestar:
    """Return the application that serves `ledger`, which stays the caller's to close.

    `signer`: what answers are signed with where a certificate is asked for. `quorum`: who has to have cosigned the
    checkpoint that is shown. `tracing`: where requests are traced; it stays the caller's to close.
    """
    document, page = described()
    operator = operator_of(ledger.store)
    trail = AuditTrail(ledger.store, ledger.clock, logger or Silent(), exposure.trail)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.service.warm_up()
        trail.start()
        yield
        # A new one takes its place: an application may be started again.
        ending, app.state.service = app.state.service, Service(ledger, signer, quorum)
        ending.close()
        closing, app.state.gate = app.state.gate, Gate(ledger, operator, exposure)
        closing.close()
        trail.stop()

    app = Litestar(
        [*answer_options((*ROUTES, *pages.ROUTES)), *ROUTES, *pages.ROUTES],
        before_send=[add_headers],
        guards=[guard],
        exception_handlers={Exception: answer_error},
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=NO_BODY,
        state=State(
            {
                "service": Service(ledger, signer, quorum),
                "gate": Gate(ledger, operator, exposure),
                "document": document,
                "page": page,
            }
        ),
    )
    handler = measured(short_cut(app, HOT), lambda: app.state.service.metrics)
    app.asgi_handler = framed(handler if tracing is None else tracing.wrap(handler), logger or Silent(), trail.add)
    return app

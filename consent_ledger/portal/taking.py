"""What an auditor takes away: the report, and a bundle of the whole log. Made apart, streamed, and not kept here."""

import asyncio
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from litestar.types import ASGIApp, Receive, Scope, Send

from consent_ledger.api.audit_trail import about
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import JSON, Body
from consent_ledger.errors import ForbiddenError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.portal.pages import page, require_plain, shown, viewer_of, words_of
from consent_ledger.reporting.document import encode_document, gather
from consent_ledger.reporting.pdf import report_pdf_apart
from consent_ledger.store.engine import Store
from consent_ledger.verification.layout import Openings

PDF, TAR = "application/pdf", "application/x-tar"
CHUNK = 256 * 1024


@page("/audit/take", "take")
async def take(request: HttpRequest) -> ASGIApp:
    """What there is to take away, for whom."""
    require_plain(request)
    keys = [key.vkey for key in service_of(request).ledger.log_keys]
    is_operator = viewer_of(request) is None
    with_pdf = find_spec("weasyprint") is not None
    return shown(request, "take.html", page="take", keys=keys, is_operator=is_operator, with_pdf=with_pdf)


@page("/audit/report.json", "report_data")
async def report_data(request: HttpRequest) -> ASGIApp:
    """The data of the report."""
    require_plain(request)
    service = service_of(request)
    raw = await service.stream(_data, service.ledger.store, viewer_of(request))
    return Body(raw, JSON, headers={"Content-Disposition": 'attachment; filename="consent-ledger-report.json"'})


@page("/audit/report.pdf", "report_pdf")
async def report(request: HttpRequest) -> ASGIApp:
    """The report, in the reader's language."""
    require_plain(request)
    service, language = service_of(request), words_of(request).language
    pdf = await service.stream(_pdf, service.ledger.store, viewer_of(request), language)
    return Body(pdf, PDF, headers={"Content-Disposition": 'attachment; filename="consent-ledger-report.pdf"'})


def _data(store: Store, viewer: Viewer) -> bytes:
    return encode_document(gather(store, viewer))


def _pdf(store: Store, viewer: Viewer, language: str) -> bytes:
    return report_pdf_apart(_data(store, viewer), language)


@page("/audit/bundle/{what:str}", "bundle")
async def bundle(request: HttpRequest) -> ASGIApp:
    """The whole log as a tar: `withheld.tar` for every auditor, `own.tar` with what the organisation may see open,
    `all.tar` for the operator's."""
    require_plain(request)
    viewer, what = viewer_of(request), request.path_params["what"].removesuffix(".tar")
    openings = _openings(viewer, what)
    about(request, f"bundle {openings}")
    return Tar(request, viewer, openings)


def _openings(viewer: Viewer, what: str) -> Openings:
    if what == "withheld":
        return "withheld"
    if what == "own" and viewer is not None:
        return "organisation"
    if what == "all" and viewer is None:
        return "all"
    raise ForbiddenError("this bundle is not for you, want `withheld.tar`", code="not_yours")


class Tar:
    """The response with a bundle: written to a temporary file first, so that what is sent is whole."""

    def __init__(self, request: HttpRequest, viewer: Viewer, openings: Openings) -> None:
        self._service = service_of(request)
        self._viewer = viewer
        self._openings = openings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as stack:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="consent-ledger-"))) / "bundle.tar"
            about_ = self._viewer if self._openings == "organisation" else None
            await self._service.stream(
                write_bundle, self._service.ledger.store, place, openings=self._openings, about=about_
            )
            file = stack.enter_context(place.open("rb"))
            headers = [
                (b"content-type", TAR.encode()),
                (b"content-length", b"%d" % place.stat().st_size),
                (b"content-disposition", b'attachment; filename="bundle.tar"'),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


ROUTES = (take, report_data, report, bundle)

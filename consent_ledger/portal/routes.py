"""All pages."""

from litestar.types import ASGIApp

from consent_ledger.api.requests import HttpRequest
from consent_ledger.portal import browsing, evidence, taking
from consent_ledger.portal.assets import read_asset
from consent_ledger.portal.pages import page, require_plain, shown


@page("/audit/sign-in", "sign_in_page", scope=None)
async def sign_in(request: HttpRequest) -> ASGIApp:
    """The form for staff; `/session` takes it."""
    require_plain(request)
    return shown(request, "sign_in.html")


ROUTES = (*browsing.ROUTES, *evidence.ROUTES, *taking.ROUTES, sign_in, read_asset)

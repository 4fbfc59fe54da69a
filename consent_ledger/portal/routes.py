"""All pages."""

from typing import ClassVar, Literal

from litestar.types import ASGIApp

from consent_ledger.api.requests import HttpRequest, read_query
from consent_ledger.portal import browsing, evidence, taking
from consent_ledger.portal.assets import read_asset
from consent_ledger.portal.pages import PageView, page, shown


class SignInView(PageView, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The form, for the first time or once more."""

    notes: ClassVar[dict[str, str]] = {**PageView.notes, "refused": "Whether it was refused before."}
    refused: Literal["1"] | None = None


@page("/audit/sign-in", "sign_in_page", scope=None)
async def sign_in(request: HttpRequest) -> ASGIApp:
    """The form for staff; `/session` takes it, and comes back here where it refuses."""
    return shown(request, "sign_in.html", refused=read_query(request, SignInView).refused is not None)


ROUTES = (*browsing.ROUTES, *evidence.ROUTES, *taking.ROUTES, sign_in, read_asset)

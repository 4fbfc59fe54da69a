"""Style and script, under names that change with every byte of them, so that they can be kept for good."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from litestar import get
from litestar.types import ASGIApp

from consent_ledger.api.operations import Operation
from consent_ledger.api.requests import HttpRequest
from consent_ledger.api.responses import IMMUTABLE, Body
from consent_ledger.errors import NotFoundError

_TYPES = {"portal.css": "text/css; charset=utf-8", "proof.js": "text/javascript; charset=utf-8"}


@lru_cache
def _files() -> dict[str, tuple[str, bytes]]:
    """Each file's path here, with its name and bytes."""
    folder = Path(__file__).parent / "assets"
    found = {name: (folder / name).read_bytes() for name in _TYPES}
    return {f"/assets/{sha256(raw).hexdigest()[:16]}/{name}": (name, raw) for name, raw in found.items()}


def asset_path(name: str) -> str:
    """Return where a file is served."""
    return next(path for path, (called, _) in _files().items() if called == name)


@get(
    "/assets/{digest:str}/{name:str}",
    name="asset",
    opt={"operation": Operation("asset", tag="pages", answers={}, scope=None)},
)
async def read_asset(request: HttpRequest) -> ASGIApp:
    """One file of the pages."""
    found = _files().get(request.url.path)
    if found is None:
        raise NotFoundError("there is no such file", code="asset_missing")
    name, raw = found
    return Body(raw, _TYPES[name], headers=IMMUTABLE)

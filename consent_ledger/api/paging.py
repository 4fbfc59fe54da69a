"""Lists in pages: `items`, `next_cursor`, and a `Link` to the next page.

A cursor says behind what the next page begins. It is opaque to clients and read back only for the list it was made
for; there is nothing to be gained by forging one, as each page shows no more than its reader may see, and a place must
be one that a list can have.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlencode

import msgspec

from consent_ledger.api.requests import HttpRequest
from consent_ledger.errors import RefusedError

T = TypeVar("T")
MOST = 1_000
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern="^[A-Za-z0-9_=-]+$")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
_MARK = 6


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a list."""

    notes: ClassVar[dict[str, str]] = {
        "cursor": "`next_cursor` of the page before; without it, the first page.",
        "limit": "How many items at most.",
    }
    cursor: Cursor | None = None
    limit: Limit = 100


def encode_cursor(listing: str, place: Any) -> str:
    """Return the cursor of a place in a list. `listing` names the list and what it was asked for."""
    return urlsafe_b64encode(_mark(listing) + msgspec.json.encode(place)).decode()


def decode_cursor(listing: str, cursor: str | None, start: T) -> T:
    """Return the place that a cursor stands for, which is of `start`'s type; without one, `start`.

    Raises RefusedError `bad_cursor` for what was not made for this list.
    """
    if cursor is None:
        return start
    kind: Any = tuple.__class_getitem__(tuple(map(type, start))) if isinstance(start, tuple) else type(start)
    try:
        raw = urlsafe_b64decode(cursor.encode())
        if not raw.startswith(_mark(listing)):
            raise RefusedError("cursor was made for another list", code="bad_cursor")
        place: T = msgspec.json.decode(raw[_MARK:], type=kind)
    except (ValueError, msgspec.MsgspecError) as e:
        raise RefusedError("cursor is not one of this list", code="bad_cursor") from e
    if not all(map(_can_be, place if isinstance(place, tuple) else (place,))):
        raise RefusedError("cursor is not one of this list", code="bad_cursor")
    return place


def _can_be(part: Any) -> bool:
    """Whether every database can be asked for it: of numbers and texts they take different ones."""
    return part.isascii() and part.isprintable() if isinstance(part, str) else -1 <= part < 2**63


def cut(found: Sequence[T], limit: int, listing: str, place: Callable[[T], Any]) -> tuple[list[T], str | None]:
    """Return a page of what was found, which is one more than `limit` where there is more, and the next cursor."""
    page = list(found[:limit])
    return page, encode_cursor(listing, place(page[-1])) if len(found) > limit else None


def next_link(request: HttpRequest, cursor: str | None) -> dict[str, str]:
    """Return the header that leads to the next page, if there is one."""
    if cursor is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{request.url.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}


def _mark(listing: str) -> bytes:
    return hashlib.sha256(listing.encode()).digest()[:_MARK]

"""The log as files: the checkpoint, and tiles that never change (c2sp.org/tlog-tiles)."""

from litestar import get
from litestar.types import ASGIApp

from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import BYTES, IMMUTABLE, TEXT, Body
from consent_ledger.audit.tiles import (
    ENTRIES,
    FULL_WIDTH,
    Tile,
    check_tile_exists,
    encode_bundle,
    encode_tile,
    parse_tile_path,
    tile_ids,
)
from consent_ledger.errors import MalformedError, NotFoundError, UnavailableError
from consent_ledger.publishing.cosigned import Quorum, read_shown
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_entries, read_head, read_nodes


@get(
    "/checkpoint",
    name="read_checkpoint",
    opt={
        "operation": Operation(
            "Read the latest checkpoint",
            tag="log",
            scope=None,
            answers={
                200: Answer(
                    "A signed note (c2sp.org/tlog-checkpoint), with the newest cosignature of each witness.",
                    {TEXT: {"type": "string"}},
                )
            },
            problems=(503,),
        )
    },
)
async def checkpoint(request: HttpRequest) -> ASGIApp:
    """The log's word on its size and root."""
    service = service_of(request)
    return Body(await service.read(_shown_note, service.ledger.store, service.quorum), TEXT)


def _shown_note(store: Store, quorum: Quorum) -> bytes:
    with store.read() as tx:
        note = read_shown(tx, quorum)
    if note is None:
        raise UnavailableError("no checkpoint has been cosigned by its quorum of witnesses yet", code="not_witnessed")
    return note


@get(
    "/tile/{path:path}",
    name="read_tile",
    opt={
        "operation": Operation(
            "Read a tile",
            tag="log",
            scope=None,
            path=(Parameter("path", str, "Level and index, as c2sp.org/tlog-tiles spells them: `0/000`."),),
            answers={200: Answer("The tile.", {BYTES: {"type": "string", "format": "binary"}})},
            problems=(404, 503),
        )
    },
)
async def tile(request: HttpRequest) -> ASGIApp:
    """Hash tiles, and under `entries` bundles of sealed entries: the whole log as files that never change."""
    try:
        wanted = parse_tile_path("tile/" + str(request.path_params["path"]).strip("/"))
    except MalformedError as e:
        raise NotFoundError(str(e), code="tile_unknown") from e
    service = service_of(request)
    return Body(await service.read(read_tile, service.ledger.store, wanted), BYTES, headers=IMMUTABLE)


def read_tile(store: Store, wanted: Tile) -> bytes:
    """Return the bytes of a tile; NotFoundError where the log is too short to have it."""
    with store.read() as tx:
        check_tile_exists(wanted, read_head(tx).size)
        if wanted.level == ENTRIES:
            start = wanted.index * FULL_WIDTH
            return encode_bundle(read_entries(tx, start, start + wanted.width))
        return encode_tile(wanted, read_nodes(tx, tile_ids(wanted)))


ROUTES = (checkpoint, tile)

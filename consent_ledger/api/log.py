"""The log, for whoever wants to check it: entries, proofs, receipts, the checkpoint and tiles. Nothing in it is secret:
entries are sealed."""

from base64 import b64encode
from typing import Annotated, ClassVar

import msgspec
from litestar import get
from litestar.types import ASGIApp

from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.api.responses import BYTES, IMMUTABLE, JSON, TEXT, Body, json_body
from consent_ledger.api.statements import STATEMENT_ID, Opened, open_statement, path_id
from consent_ledger.audit.proofs import consistency_ids, inclusion_ids, prove_consistency, prove_inclusion
from consent_ledger.audit.receipt import decode_receipt
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
from consent_ledger.audit.tree import Frontier, frontier_ids, leaf_hash, stored_index
from consent_ledger.errors import MalformedError, NotFoundError, UnavailableError
from consent_ledger.ledger import Ledger
from consent_ledger.signing.instants import format_time
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint, read_entries, read_head, read_nodes
from consent_ledger.store.transaction import Transaction

PAGE = 1_000
PROOF_SUFFIX = ".tlog-proof"

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
HashHex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class EntryItem(msgspec.Struct, frozen=True):
    """One sealed entry: its bytes, and their Merkle leaf hash."""

    index: int
    sealed: str
    leaf: HashHex


class EntryPage(msgspec.Struct, frozen=True):
    """Entries in order. `next_cursor` is the next `start`, where there is more; `size` is that of the ledger."""

    items: list[EntryItem]
    next_cursor: str | None
    size: int


class EntryRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries."""

    notes: ClassVar[dict[str, str]] = {
        "start": "The first entry.",
        "end": f"The first entry that is not wanted; without it, to the last. A page holds {PAGE}.",
    }
    start: Number = 0
    end: Number | None = None


class InclusionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which inclusion proof."""

    notes: ClassVar[dict[str, str]] = {
        "index": "The entry.",
        "size": "The ledger size whose root the proof leads to; without it, the present one.",
    }
    index: Number
    size: Number | None = None


class ConsistencyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which consistency proof."""

    notes: ClassVar[dict[str, str]] = {
        "first": "The smaller size.",
        "second": "The larger size; without it, the present one.",
    }
    first: Number
    second: Number | None = None


class InclusionAnswer(msgspec.Struct, frozen=True):
    """An RFC 9162 inclusion proof, hashes in hex from the leaf's end. `checkpoint` is the note of `size`, if signed."""

    index: int
    size: int
    leaf: HashHex
    proof: list[HashHex]
    root: HashHex
    checkpoint: str | None


class ConsistencyAnswer(msgspec.Struct, frozen=True):
    """An RFC 9162 consistency proof, hashes in hex."""

    first: int
    second: int
    first_root: HashHex
    second_root: HashHex
    proof: list[HashHex]


class ProvenReceipt(msgspec.Struct, frozen=True):
    """All that proves a registration, offline and for ever: the entry, its opening (`salt`, `envelope`) and its proof.

    `commitment` in the entry is SHA-256 of `consent-ledger/opening/v1`, a line feed, salt and envelope.
    """

    id: str
    entry: int
    recorded_at: str
    sealed: str
    salt: HashHex
    envelope: Annotated[str, msgspec.Meta(extra_json_schema={"contentEncoding": "base64"})]
    proof: list[HashHex]
    checkpoint: str
    vkey: str


@get(
    "/v1/log/entries",
    name="list_entries",
    opt={
        "operation": Operation(
            "Read sealed entries",
            tag="log",
            query=EntryRange,
            answers={200: Answer("A page of entries.", {JSON: EntryPage}, headers=("Link",))},
            problems=(422, 503),
        )
    },
)
async def list_entries(request: HttpRequest) -> ASGIApp:
    """Entries hold commitments and links, no content."""
    wanted = read_query(request, EntryRange)
    service = service_of(request)
    page = await service.read(read_page, service.ledger.store, wanted)
    end = "" if wanted.end is None else f"&end={wanted.end}"
    link = {"Link": f'</v1/log/entries?start={page.next_cursor}{end}>; rel="next"'} if page.next_cursor else {}
    return json_body(page, headers=link)


def read_page(store: Store, wanted: EntryRange) -> EntryPage:
    """Return the first page of a range of entries."""
    with store.read() as tx:
        size = read_head(tx).size
        end = size if wanted.end is None else min(wanted.end, size)
        last = min(end, wanted.start + PAGE)
        entries = read_entries(tx, wanted.start, last)
    items = [EntryItem(n, raw.decode(), leaf_hash(raw).hex()) for n, raw in enumerate(entries, wanted.start)]
    return EntryPage(items, str(last) if last < end else None, size)


@get(
    "/v1/log/proof/inclusion",
    name="prove_inclusion",
    opt={
        "operation": Operation(
            "Prove that an entry is in the log",
            tag="log",
            query=InclusionQuery,
            answers={200: Answer("The proof.", {JSON: InclusionAnswer})},
            problems=(404, 422, 503),
        )
    },
)
async def inclusion(request: HttpRequest) -> ASGIApp:
    """RFC 9162, section 2.1.3."""
    wanted = read_query(request, InclusionQuery)
    service = service_of(request)
    return json_body(await service.read(read_inclusion, service.ledger.store, wanted))


def read_inclusion(store: Store, wanted: InclusionQuery) -> InclusionAnswer:
    """Return the inclusion proof; NotFoundError where there is no such entry or size."""
    with store.read() as tx:
        size = _known_size(tx, wanted.size)
        if wanted.index >= size:
            raise NotFoundError(f"entry {wanted.index} is not in the ledger of {size}", code="entry_unknown")
        leaf = stored_index(0, wanted.index)
        nodes = read_nodes(tx, [*inclusion_ids(wanted.index, size), leaf])
        note = read_checkpoint(tx, size)
        root = _root(tx, size)
    proof = prove_inclusion(wanted.index, size, nodes)
    return InclusionAnswer(
        wanted.index,
        size,
        nodes[leaf].hex(),
        [hash_.hex() for hash_ in proof],
        root.hex(),
        None if note is None else note.decode(),
    )


@get(
    "/v1/log/proof/consistency",
    name="prove_consistency",
    opt={
        "operation": Operation(
            "Prove that the log only grew",
            tag="log",
            query=ConsistencyQuery,
            answers={200: Answer("The proof.", {JSON: ConsistencyAnswer})},
            problems=(404, 422, 503),
        )
    },
)
async def consistency(request: HttpRequest) -> ASGIApp:
    """RFC 9162, section 2.1.4. The proof from size 0 is empty, and proves nothing."""
    wanted = read_query(request, ConsistencyQuery)
    service = service_of(request)
    return json_body(await service.read(read_consistency, service.ledger.store, wanted))


def read_consistency(store: Store, wanted: ConsistencyQuery) -> ConsistencyAnswer:
    """Return the consistency proof; NotFoundError where there is no such size."""
    with store.read() as tx:
        second = _known_size(tx, wanted.second)
        if wanted.first > second:
            raise NotFoundError(f"size {wanted.first} is not a size before {second}", code="size_unknown")
        nodes = read_nodes(tx, consistency_ids(wanted.first, second))
        roots = _root(tx, wanted.first), _root(tx, second)
    proof = prove_consistency(wanted.first, second, nodes)
    return ConsistencyAnswer(
        wanted.first, second, roots[0].hex(), roots[1].hex(), [hash_.hex() for hash_ in proof]
    )


def _known_size(tx: Transaction, size: int | None) -> int:
    head = read_head(tx).size
    if size is not None and size > head:
        raise NotFoundError(f"the ledger has {head} entries, not {size}", code="size_unknown")
    return head if size is None else size


def _root(tx: Transaction, size: int) -> bytes:
    return Frontier.load(size, read_nodes(tx, frontier_ids(size))).root()


@get(
    "/v1/receipts/{id:str}",
    name="read_receipt",
    opt={
        "operation": Operation(
            "Take a receipt away",
            tag="log",
            path=(STATEMENT_ID,),
            answers={200: Answer("The receipt.", {JSON: ProvenReceipt, TEXT: {"type": "string"}})},
            problems=(404, 410, 422, 503),
        )
    },
)
async def read_receipt(request: HttpRequest) -> ASGIApp:
    """JSON, or the text of c2sp.org/tlog-proof where `Accept` prefers text or the path ends in `.tlog-proof`."""
    given: str = request.path_params["id"]
    id_ = path_id(request, given.removesuffix(PROOF_SUFFIX))
    as_text = given.endswith(PROOF_SUFFIX) or _prefers_text(request.headers.get("accept", ""))
    service = service_of(request)
    if as_text:
        return Body(await service.read(_proof_text, service.ledger, id_), TEXT, headers={"Vary": "Accept"})
    receipt = await service.read(read_proven, service.ledger, id_)
    return json_body(receipt, headers={"Vary": "Accept"})


def _prefers_text(accept: str) -> bool:
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((t.startswith("text/") for t in types if t.startswith("text/") or t == JSON), False)


def _proof_text(ledger: Ledger, id_: str) -> bytes:
    return ledger.prove(ledger.find(id_))


def read_proven(ledger: Ledger, id_: str) -> ProvenReceipt:
    """Return the receipt of a statement with its opening and proof."""
    opened: Opened = open_statement(ledger, id_)
    receipt = opened.receipt
    proof = decode_receipt(ledger.prove(receipt)).proof
    return ProvenReceipt(
        id=receipt.id,
        entry=receipt.entry,
        recorded_at=format_time(receipt.recorded_at),
        sealed=receipt.entry_bytes.decode(),
        salt=opened.salt.hex(),
        envelope=b64encode(opened.envelope).decode(),
        proof=[hash_.hex() for hash_ in proof],
        checkpoint=receipt.checkpoint.decode(),
        vkey=ledger.vkey,
    )


@get(
    "/checkpoint",
    name="read_checkpoint",
    opt={
        "operation": Operation(
            "Read the latest checkpoint",
            tag="log",
            answers={200: Answer("A signed note (c2sp.org/tlog-checkpoint).", {TEXT: {"type": "string"}})},
            problems=(503,),
        )
    },
)
async def checkpoint(request: HttpRequest) -> ASGIApp:
    """The log's word on its size and root."""
    service = service_of(request)
    return Body(await service.read(_latest_note, service.ledger.store), TEXT)


def _latest_note(store: Store) -> bytes:
    with store.read() as tx:
        note = read_checkpoint(tx)
    if note is None:
        raise UnavailableError("the ledger holds nothing yet")
    return note


@get(
    "/tile/{path:path}",
    name="read_tile",
    opt={
        "operation": Operation(
            "Read a tile",
            tag="log",
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


ROUTES = (list_entries, inclusion, consistency, read_receipt, checkpoint, tile)

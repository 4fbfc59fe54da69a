"""The log, for whoever rather asks than reads tiles. Nothing in it is secret: entries are sealed."""

from typing import Annotated, ClassVar

import msgspec
from litestar import get
from litestar.types import ASGIApp

from consent_ledger.answers import ConsistencyAnswer, EntryItem, EntryPage, InclusionAnswer
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.audit.proofs import consistency_ids, inclusion_ids, prove_consistency, prove_inclusion
from consent_ledger.audit.tree import Frontier, frontier_ids, leaf_hash, stored_index
from consent_ledger.errors import NotFoundError
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint, read_entries, read_head, read_nodes
from consent_ledger.store.transaction import Transaction

PAGE = 1_000

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


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


@get(
    "/v1/log/entries",
    name="list_entries",
    opt={
        "operation": Operation(
            "Read sealed entries",
            tag="log",
            scope=None,
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
            scope=None,
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
            scope=None,
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
    return ConsistencyAnswer(wanted.first, second, roots[0].hex(), roots[1].hex(), [hash_.hex() for hash_ in proof])


def _known_size(tx: Transaction, size: int | None) -> int:
    head = read_head(tx).size
    if size is not None and size > head:
        raise NotFoundError(f"the ledger has {head} entries, not {size}", code="size_unknown")
    return head if size is None else size


def _root(tx: Transaction, size: int) -> bytes:
    return Frontier.load(size, read_nodes(tx, frontier_ids(size))).root()


ROUTES = (list_entries, inclusion, consistency)

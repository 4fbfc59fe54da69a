"""The log, entry by entry: an overview, a list, and one entry with the proof that it is in the log."""

from typing import Annotated, NamedTuple

import msgspec
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.api.responses import TEXT, Body
from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.audit.receipt import Receipt, encode_receipt
from consent_ledger.errors import NotFoundError, RefusedError, UnavailableError
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.portal.pages import PageView, page, require_plain, shown, viewer_of
from consent_ledger.publishing.cosigned import read_cosigned
from consent_ledger.reading.checkpoints import latest_checkpoints
from consent_ledger.reading.log import Entered, find_entered, list_erasures, read_entered
from consent_ledger.store.auditing import summarise_witnesses
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_nodes, read_size
from consent_ledger.verification.runs import Run, last_run

PAGE = 50
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class LogView(PageView, frozen=True, kw_only=True):
    """Which part of the log: the entries before `before`, or the one entry that somebody typed."""

    before: Number | None = None
    entry: Number | None = None


class Proven(NamedTuple):
    """An entry, and its proof under the latest checkpoint: on which side each value stands, and the signed note."""

    entry: Entered
    size: int
    root: bytes
    path: list[tuple[bool, bytes]]
    note: str


class Standing(NamedTuple):
    """How the ledger stands, for the overview."""

    size: int
    at: int
    root: bytes
    run: Run | None
    witnesses: int
    erased: int


@page("/audit", "overview")
async def overview(request: HttpRequest) -> ASGIApp:
    """What the latest verification found, and what there is."""
    require_plain(request)
    service = service_of(request)
    standing = await service.read(_stand, service.ledger.store, viewer_of(request))
    return shown(request, "overview.html", page="overview", s=standing)


def _stand(store: Store, viewer: Viewer) -> Standing:
    run = last_run(store)
    with store.read() as tx:
        newest = latest_checkpoints(tx, 1)
        if not newest:
            raise UnavailableError("the ledger holds nothing yet")
        erased = sum(len(erasure.erased) for erasure in list_erasures(tx, viewer))
        return Standing(newest[0].size, newest[0].at, newest[0].root, run, len(summarise_witnesses(tx)), erased)


@page("/audit/log", "log")
async def log(request: HttpRequest) -> ASGIApp:
    """Entries, the newest first."""
    wanted = read_query(request, LogView)
    if wanted.entry is not None:
        lang = "" if wanted.lang is None else f"?lang={wanted.lang}"
        return Body(b"", status=303, headers={"Location": f"/audit/log/{wanted.entry}{lang}"})
    service = service_of(request)
    size, entries = await service.read(_read_part, service.ledger.store, viewer_of(request), wanted.before)
    return shown(request, "log.html", page="log", size=size, entries=entries, step=PAGE)


def _read_part(store: Store, viewer: Viewer, before: int | None) -> tuple[int, list[Entered]]:
    with store.read() as tx:
        size = read_size(tx)
        end = size if before is None else min(before, size)
        return size, read_entered(tx, viewer, range(max(0, end - PAGE), end))[::-1]


@page("/audit/log/{index:str}", "entry")
async def entry(request: HttpRequest) -> ASGIApp:
    """One entry with its proof, to be checked in the browser."""
    require_plain(request)
    index = _index(request)
    about(request, f"entry {index}")
    service = service_of(request)
    proven = await service.read(_prove, service.ledger.store, viewer_of(request), index)
    return shown(request, "entry.html", page="log", e=proven.entry, p=proven)


@page("/audit/log/{index:str}/tlog-proof", "entry_proof")
async def entry_proof(request: HttpRequest) -> ASGIApp:
    """The same proof as a file (c2sp.org/tlog-proof)."""
    require_plain(request)
    index = _index(request)
    service = service_of(request)
    proven = await service.read(_prove, service.ledger.store, viewer_of(request), index)
    receipt = encode_receipt(Receipt(index, tuple(hash_ for _, hash_ in proven.path), proven.note.encode()))
    return Body(receipt, TEXT, headers={"Content-Disposition": f'attachment; filename="entry-{index}.tlog-proof"'})


def _index(request: HttpRequest) -> int:
    text: str = request.path_params["index"]
    if not text.isascii() or not text.isdecimal() or len(text) > 15 or text != str(int(text)):
        raise RefusedError("path has no number of an entry", code="bad_index")
    return int(text)


def _prove(store: Store, viewer: Viewer, index: int) -> Proven:
    with store.read() as tx:
        note = read_cosigned(tx)
        if note is None:
            raise UnavailableError("the ledger holds nothing yet")
        signed = read_checkpoint_text(note)
        if index >= signed.size:
            raise NotFoundError(f"entry {index} is not in the ledger of {signed.size}", code="entry_unknown")
        found = find_entered(tx, viewer, index)
        proof = prove_inclusion(index, signed.size, read_nodes(tx, inclusion_ids(index, signed.size)))
    return Proven(
        found, signed.size, signed.root, list(zip(sides(index, signed.size), proof, strict=True)), note.decode()
    )


def sides(index: int, size: int) -> list[bool]:
    """Return for each value of an inclusion proof whether it stands left of the hash before (RFC 9162, 2.1.3.2)."""
    inner = (index ^ (size - 1)).bit_length()
    return [bool(index >> n & 1) for n in range(inner)] + [True] * (index >> inner).bit_count()


ROUTES = (overview, log, entry, entry_proof)

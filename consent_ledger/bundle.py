"""Bundles: what an auditor takes away (formats.md section 7).

A bundle is made from one snapshot of a store, a page at a time, beside its place, and moved there whole: a folder with
that name is a complete bundle. `verification.layout` says which files it has, `verification.bundles` verifies it.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.audit.tiles import (
    ENTRIES,
    FULL_WIDTH,
    Tile,
    encode_bundle,
    encode_tile,
    tile_ids,
    tile_path,
    tiles_of,
)
from consent_ledger.clearance import clear
from consent_ledger.errors import ConflictError, MalformedError, NotFoundError, VerificationError
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.statements import Genesis, Template, UseRequest
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.resources import template_root
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import Head, Recorded, read_head, read_nodes, read_openings, stream
from consent_ledger.store.transaction import Transaction
from consent_ledger.verification import layout
from consent_ledger.verification.layout import Sample, Scope, Shown
from consent_ledger.verification.samples import compile_request, draw, encode_decision

Progress = Callable[[int], None]


class SampleRequest(NamedTuple):
    """Put decisions into the bundle: on `assets` assets drawn by `seed`, for one use, as of an instant."""

    seed: str
    assets: int
    query: UseRequest
    as_of: int


class Written(NamedTuple):
    """What a bundle holds."""

    size: int
    vkey: str
    decisions: int
    absent_texts: int


def write_bundle(
    store: Store,
    directory: Path,
    *,
    withhold: bool = False,
    sample: SampleRequest | None = None,
    templates: Sequence[Path] = (),
    progress: Progress = lambda entries: None,
) -> Written:
    """Write the bundle of the whole log to `directory`, which must not exist or be empty.

    With `withhold`, of all openings only that of entry 0 is shown. The wordings of templates are looked for in the
    folders `templates` and in the one that is shipped. ConflictError `bundle_exists`; VerificationError where the
    database lacks entries or its last checkpoint.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConflictError(f"`{directory}` exists already and is not an empty folder", code="bundle_exists")
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.absolute().with_name(f".{directory.absolute().name}.{secrets.token_hex(6)}")
    try:
        with store.read() as tx:
            written = _Writer(store, tx, draft, withhold, progress).write(sample, [*templates, template_root()])
        os.rename(draft, directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written


class _Writer:
    def __init__(self, store: Store, tx: Transaction, directory: Path, withhold: bool, progress: Progress) -> None:
        self._store = store
        self._tx = tx
        self._directory = directory
        self._withhold = withhold
        self._progress = progress
        self._head: Head = read_head(tx)
        self._documents: list[TemplateDocument] = []

    def write(self, request: SampleRequest | None, templates: Sequence[Path]) -> Written:
        vkey = self._vkey()
        if self._head.checkpoint is None:
            raise VerificationError("the database has no checkpoint", code="checkpoint_missing")
        sample = None if request is None else Sample(
            request.seed, request.assets, request.query, max(request.as_of, self._head.recorded_at), self._head.size
        )  # fmt: skip
        self._write_log()
        decisions = 0 if sample is None else self._write_decisions(sample)
        absent = self._write_templates(templates)
        scope = Scope(layout.FORMAT, "withheld" if self._withhold else "all", sample)
        self._put(layout.SCOPE, layout.encode_document(scope))
        self._put(layout.KEYS, vkey.encode() + b"\n")
        self._put(layout.POLICY, layout.policy(vkey))
        self._put(layout.README, _readme(self._head.size, scope, vkey))
        self._put(layout.CHECKPOINT, self._head.checkpoint)
        return Written(self._head.size, vkey, decisions, absent)

    def _vkey(self) -> str:
        """The log's key, as entry 0 names it."""
        opening = read_openings(self._tx, [0]).get(0)
        genesis = None if opening is None else skim_signed(opening.envelope).statement
        if not isinstance(genesis, Genesis):
            raise NotFoundError("the database holds no ledger yet, want `init` first", code="ledger_missing")
        return genesis.log_key

    def _put(self, path: str, raw: bytes) -> None:
        place = self._directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(raw)

    # The log -----------------------------------------------------------------------------------------------------

    def _write_log(self) -> None:
        size = self._head.size
        self._directory.mkdir()
        rows = stream(self._tx, 0, size)
        with (self._directory / layout.OPENINGS).open("wb") as openings:
            for tile in tiles_of(size):
                if tile.level == ENTRIES:
                    page = list(islice(rows, tile.width))
                    self._put(tile_path(tile), _entries(tile, page))
                    openings.writelines(self._lines(page))
                    self._progress(tile.start + tile.width)
                else:
                    self._put(tile_path(tile), encode_tile(tile, self._nodes(tile)))

    def _nodes(self, tile: Tile) -> dict[int, bytes]:
        ids = tile_ids(tile)
        nodes = read_nodes(self._tx, ids)
        if len(nodes) < len(ids):
            raise VerificationError(f"the database lacks nodes of `{tile_path(tile)}`", code="node_missing")
        return nodes

    def _lines(self, page: Iterable[Recorded]) -> Iterator[bytes]:
        for row in page:
            shown = self._shown(row)
            # Neither there nor erased: the bundle has no line, and whoever verifies it is told so.
            if shown is not None:
                yield layout.encode_opening(row.index, shown)

    def _shown(self, row: Recorded) -> Shown | None:
        if row.opening is None:
            found = entries_touching(self._tx, [erasure_key(row.index)], self._head.size)
            return Erased(next(iter(found.values()))[0]) if found else None
        self._remember(row.opening)
        return Withheld() if self._withhold and row.index else row.opening

    def _remember(self, opening: Opening) -> None:
        try:
            statement = skim_signed(opening.envelope).statement
        except MalformedError:
            return  # damaged, which is for the auditor to find
        if isinstance(statement, Template) and isinstance(statement.document, TemplateDocument):
            self._documents.append(statement.document)

    # What goes with it -------------------------------------------------------------------------------------------

    def _write_decisions(self, sample: Sample) -> int:
        """Write what the service answers about assets that the seed draws, through its index and all."""
        reader = FactsReader(self._tx, 0)
        reader.follow(self._tx, self._head.size)
        assets = draw(sample.seed, sample.count, reader.facts.assets)
        point = clear(
            self._store, assets, compile_request(sample.query), clock=lambda: sample.as_of, as_of=sample.as_of,
            size=sample.size,
        )  # fmt: skip
        self._put(layout.DECISIONS, b"".join(map(encode_decision, assets, point.decisions)))
        return len(assets)

    def _write_templates(self, folders: Sequence[Path]) -> int:
        """Write the documents and those wordings that are found; return how many are not."""
        wanted = {t for d in self._documents for texts in d.languages.values() for t in (texts.text, texts.summary)}
        for document in self._documents:
            raw = encode_canonical(document)
            self._put(layout.document_file("sha256:" + sha256(raw).hexdigest()), raw)
        for digest, raw in _wordings(folders):
            if digest in wanted:
                wanted.discard(digest)
                self._put(layout.wording_file(digest), raw)
        return len(wanted)


def _entries(tile: Tile, page: Sequence[Recorded]) -> bytes:
    for place, row in zip(range(tile.start, tile.start + tile.width), page, strict=False):
        if row.index != place:
            raise VerificationError(f"entry {place} is not in the database", code="entry_missing")
    if len(page) < tile.width:
        raise VerificationError(f"entry {tile.start + len(page)} is not in the database", code="entry_missing")
    return encode_bundle([row.entry for row in page])


def _wordings(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.md")):
            if path.is_file() and path.stat().st_size <= layout.MAX_DOCUMENT:
                raw = path.read_bytes()
                yield "sha256:" + sha256(raw).hexdigest(), raw


def _readme(size: int, scope: Scope, vkey: str) -> bytes:
    sample = "" if scope.sample is None else _SAMPLE.format(count=scope.sample.count, seed=scope.sample.seed)
    shown = "all of them" if scope.openings == "all" else "withheld but for entry 0"
    return _README.format(size=size, vkey=vkey, shown=shown, sample=sample, last=size - 1, width=FULL_WIDTH).encode()


_README = """\
This folder is the evidence of a consent ledger of {size} entries, as its checkpoint signs them.
It can be verified with no network and no database, and without trusting whoever handed it over:

    consent-ledger verify FOLDER --vkey KEY --checkpoint THE-ONE-YOU-SAVED-LAST-TIME --save-checkpoint NEW

KEY is the log's verifier key. Take it from somewhere else than this folder, where it says
    {vkey}

checkpoint        a signed note (c2sp.org/tlog-checkpoint): origin, size, Merkle root (RFC 9162)
tile/             the log as c2sp.org/tlog-tiles: tile/entries/... hold the entries 0 to {last}, {width} a file,
                  each with its length in two bytes before it; tile/0/... their hashes, tile/1/... the nodes above
openings.ndjson   one line an entry: what it commits to, SHA-256("consent-ledger/opening/v1\\n" || salt || envelope),
                  in base64; or the entry that erased it; or that it is withheld (here: {shown})
templates/        documents (.json) and wordings (.md) of licence templates, named by their SHA-256
keys.txt          the log's verifier key, as entry 0 names it
policy.txt        who else has to have signed the checkpoint (c2sp.org/tlog-policy)
scope.json        what was put into this folder
{sample}"""

_SAMPLE = """\
decisions.ndjson  decisions on {count} assets drawn by the seed `{seed}`: those with the smallest
                  SHA-256(seed || "\\n" || asset)
"""

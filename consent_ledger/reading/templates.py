"""Licence templates: what is published, what became of it, its wordings, and two versions held against each other."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from consent_ledger.errors import NotFoundError
from consent_ledger.licenses.comparison import Change, compare_documents, same_document_terms
from consent_ledger.licenses.keys import project_key, template_key
from consent_ledger.licenses.records import TemplateRecord
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.licenses.visibility import Viewer, lists_template
from consent_ledger.licenses.wording import Wording, parse_wording
from consent_ledger.resources import template_root
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import keys_under
from consent_ledger.store.log import read_size
from consent_ledger.store.transaction import Transaction
from consent_ledger.store.wordings import insert_wording, read_wordings

_ALL = template_key("")
_PROJECTS = project_key("")
_STEP = 200
_MOST = 2**62


class TemplateFound(NamedTuple):
    """A published template version with its digest."""

    digest: str
    record: TemplateRecord


class Comparison(msgspec.Struct, frozen=True):
    """What changed between two versions, as far as their wordings are known here; `missing` are those that are not."""

    same_terms: bool
    changes: list[Change]
    missing: list[str]


def list_templates(store: Store, viewer: Viewer, after: int, limit: int) -> list[TemplateFound]:
    """Return template versions that the viewer published or offers, in the order of their publication, from the first
    one behind entry `after`."""
    found: list[TemplateFound] = []
    with store.read() as tx:
        size = read_size(tx)
        reader = FactsReader(tx, size)
        reader.load([key for key, _, _ in keys_under(tx, _PROJECTS, size, -1, _MOST)])
        while len(found) < limit and (rows := keys_under(tx, _ALL, size, after, _STEP)):
            reader.load([key for key, _, _ in rows])
            digests = ["sha256:" + key[1:].hex() for key, _, _ in rows]
            seen = [d for d in digests if lists_template(viewer, d, reader.facts)]
            found += [TemplateFound(d, reader.facts.templates[d]) for d in seen]
            after = rows[-1][1]
    return found[:limit]


def find_template(store: Store, digest: str) -> TemplateFound:
    """Return the template version of a digest, for whoever has it; raise NotFoundError."""
    with store.read() as tx:
        return _find(tx, digest)


def _find(tx: Transaction, digest: str) -> TemplateFound:
    reader = FactsReader(tx, read_size(tx))
    reader.load([template_key(digest)])
    record = reader.facts.templates.get(digest)
    if record is None:
        raise NotFoundError(f"template `{digest}` is not published", code="template_unknown")
    return TemplateFound(digest, record)


def compare_published(store: Store, before: str, after: str) -> Comparison:
    """Return what changed between two published versions, in the rules and in every language; raise NotFoundError."""
    with store.read() as tx:
        old, new = _find(tx, before).record.document, _find(tx, after).record.document
        named = sorted({*_digests(old), *_digests(new)})
        kept = read_wordings(tx, [bytes.fromhex(digest[7:]) for digest in named])
    raws = {digest: raw for digest, raw in _shipped() if digest in named}
    raws |= {"sha256:" + digest.hex(): raw for digest, raw in kept.items()}
    wordings = {digest: _parsed(raw) for digest, raw in raws.items()}
    missing = [digest for digest in named if digest not in wordings]
    return Comparison(same_document_terms(old, new), compare_documents(old, new, wordings), missing)


def keep_wording(store: Store, raw: bytes) -> str:
    """Keep a text or a summary, and return the digest by which templates name it. Raises MalformedError."""
    _parsed(raw)
    digest = hashlib.sha256(raw).digest()
    with store.write() as tx:
        insert_wording(tx, digest, raw)
    return "sha256:" + digest.hex()


def find_wording(store: Store, digest: str) -> bytes:
    """Return the bytes of a text or a summary; raise NotFoundError."""
    with store.read() as tx:
        kept = read_wordings(tx, [bytes.fromhex(digest[7:])])
    shipped: Mapping[str, bytes] = {} if kept else dict(_shipped())
    found = next(iter(kept.values()), None) or shipped.get(digest)
    if found is None:
        raise NotFoundError(f"wording `{digest}` is not kept here", code="wording_unknown")
    return found


def _parsed(raw: bytes) -> Wording:
    return parse_wording(raw, "wording")


def _digests(document: TemplateDocument) -> Iterable[str]:
    return (digest for said in document.languages.values() for digest in (said.text, said.summary))


def _shipped() -> Iterator[tuple[str, bytes]]:
    """Yield the wordings of the templates that come with the program, under their digests."""
    for path in template_root().glob("*/*/*.md"):
        raw = path.read_bytes()
        yield "sha256:" + hashlib.sha256(raw).hexdigest(), raw

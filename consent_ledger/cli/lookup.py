"""Looking things up in the ledger that are named on the command line: projects and templates."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from consent_ledger.errors import NotFoundError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import (
    asset_key,
    project_key,
    statement_key,
    template_key,
    template_name_key,
)
from consent_ledger.licenses.records import Claim, ProjectRecord
from consent_ledger.licenses.statements import TemplateRef
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import read_head, read_openings


@contextmanager
def facts_of(store: Store) -> Iterator[FactsReader]:
    """Give a reader of the facts that are recorded now."""
    with store.read() as tx:
        yield FactsReader(tx, read_head(tx).size)


def find_project(store: Store, name: str) -> tuple[ProjectRecord, list[TemplateDocument]]:
    """Return a project as it is now, and the template versions that it offers, by id and version."""
    with facts_of(store) as reader:
        reader.load([project_key(name)])
        records = reader.facts.projects.get(name)
        if not records:
            raise NotFoundError(f"project `{name}` is not recorded", code="project_unknown")
        reader.load([template_key(digest) for digest in records[-1].templates])
        known = reader.facts.templates
    documents = [known[digest].document for digest in records[-1].templates if digest in known]
    return records[-1], by_name(documents)


def by_name(documents: Iterable[TemplateDocument]) -> list[TemplateDocument]:
    """Return template versions by id, those of one id from the oldest to the newest."""
    return sorted(documents, key=lambda d: (d.id, _order(d.version)))


def find_templates(store: Store, publisher: str, names: Iterable[str]) -> list[TemplateRef]:
    """Return the references of template versions: `id/version` of this publisher, or a digest of anybody's."""
    with facts_of(store) as reader:
        return [_find_template(reader, publisher, name) for name in names]


def _find_template(reader: FactsReader, publisher: str, name: str) -> TemplateRef:
    facts: Facts = reader.facts
    if name.startswith("sha256:"):
        reader.load([template_key(name)])
        digest: str | None = name
    else:
        id_, _, version = name.partition("/")
        if not version:
            raise NotFoundError(f"template `{name}` has no version, want `{name}/1.0`", code="template_unknown")
        reader.load([template_name_key(publisher, id_, version)])
        digest = facts.template_versions.get((f"{publisher}/{id_}", version))
    record = facts.templates.get(digest or "")
    if record is None or digest is None:
        raise NotFoundError(f"template `{name}` is not published by this organisation", code="template_unknown")
    return TemplateRef(id=record.document.id, version=record.document.version, digest=digest)


def pick_template(documents: list[TemplateDocument], project: str, wanted: str | None) -> TemplateDocument:
    """Return the offered template that is wanted; without a wish, the only one."""
    named = {f"{d.id}/{d.version}": d for d in documents}
    if wanted is None and len(documents) == 1:
        return documents[0]
    if wanted is not None and (wanted in named or len([d for d in documents if d.id == wanted]) == 1):
        return named.get(wanted) or next(d for d in documents if d.id == wanted)
    offered = ", ".join(named) or "none"
    asked = "no template named" if wanted is None else f"`{wanted}` is not offered"
    raise NotFoundError(f"{asked}, project `{project}` offers: {offered}", code="template_not_offered")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def find_claims(store: Store, assets: Sequence[str]) -> dict[str, tuple[Claim, ...]]:
    """Return the registrations of each asset; none for one that is not registered."""
    with facts_of(store) as reader:
        reader.load([asset_key(asset) for asset in assets])
    return {asset: reader.facts.assets.get(asset, ()) for asset in assets}


def find_envelope(store: Store, id_: str) -> bytes:
    """Return the signed envelope of a statement, as it was recorded."""
    with store.read() as tx:
        found = entries_touching(tx, [statement_key(id_)], read_head(tx).size)
        openings = read_openings(tx, [entry for entries in found.values() for entry in entries])
    if not found:
        raise NotFoundError(f"statement `{id_}` is not recorded", code="statement_unknown")
    if not openings:
        raise NotFoundError(f"statement `{id_}` was erased", code="statement_erased")
    return next(iter(openings.values())).envelope

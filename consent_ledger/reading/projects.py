"""Projects, as they are now."""

from typing import NamedTuple

import msgspec

from consent_ledger.errors import NotFoundError
from consent_ledger.licenses.keys import project_key, template_key
from consent_ledger.licenses.statements import Project
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.reading.records import Recorded, recorded, recorded_under
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import keys_under
from consent_ledger.store.log import read_size
from consent_ledger.store.transaction import Transaction

_ALL = project_key("")
_STEP = 200


class ProjectItem(msgspec.Struct, frozen=True):
    """A project as it was recorded last, and the entry by which it was there first."""

    first_entry: int
    latest: Recorded[Project]


class Offered(NamedTuple):
    """A project, and the documents of the template versions that it offers."""

    project: Recorded[Project]
    documents: list[TemplateDocument]


def list_projects(store: Store, viewer: Viewer, after: int, limit: int) -> list[ProjectItem]:
    """Return the viewer's projects, in the order in which they came, from the first one behind entry `after`."""
    found: list[ProjectItem] = []
    with store.read() as tx:
        size = read_size(tx)
        while len(found) < limit and (rows := keys_under(tx, _ALL, size, after, _STEP)):
            latest = {r.entry: r for r in recorded(tx, [last for _, _, last in rows], Project)}
            items = [ProjectItem(first, latest[last]) for _, first, last in rows if last in latest]
            found += [item for item in items if viewer in (None, item.latest.said.controller)]
            after = rows[-1][1]
    return found[:limit]


def find_project(tx: Transaction, viewer: Viewer, name: str) -> Recorded[Project]:
    """Return a project of the viewer's; raise NotFoundError where there is none of that name."""
    found = recorded_under(tx, project_key(name), read_size(tx), Project)
    if not found or viewer not in (None, found[-1].said.controller):
        raise NotFoundError(f"project `{name}` is not recorded", code="project_unknown")
    return found[-1]


def find_offered(store: Store, viewer: Viewer, name: str) -> Offered:
    """Return a project of the viewer's with what it offers; raise NotFoundError."""
    with store.read() as tx:
        project = find_project(tx, viewer, name)
        return Offered(project, offered_documents(tx, project.said))


def offered_documents(tx: Transaction, project: Project) -> list[TemplateDocument]:
    """Return the template versions that a project offers, in its own order."""
    reader = FactsReader(tx, read_size(tx))
    reader.load([template_key(ref.digest) for ref in project.templates])
    known = reader.facts.templates
    return [known[ref.digest].document for ref in project.templates if ref.digest in known]

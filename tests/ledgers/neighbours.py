"""Two organisations in one ledger that are nobody's business but their own: `studio` of the world, and `rival`.

Each has a person, a template, a project and a film. `ada` is the studio's, `eve` the rival's; both allow training
inside. `bank` is an organisation that has nothing yet.
"""

from collections.abc import Sequence
from typing import Any

from consent_ledger.issuing import Issuer, grant_fields, key_material, template_ref, whole_second
from consent_ledger.ledger import Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.terms import Prohibition, Rule, TemplateDocument
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.store.engine import Store
from tests.world import PROJECT, World, hash_of, issuer_of, key_of, party_of, permission, template

PROJECTS = {"studio": PROJECT, "rival": "secret-films"}
PEOPLE = {"studio": "ada", "rival": "eve"}


class Neighbours(World):
    """The two, and what each has said: `said[organisation]` are the receipts by type."""

    def __init__(self, store: Store, **how: Any) -> None:
        super().__init__(store, **how)
        self.said: dict[str, dict[str, Receipt]] = {}
        self.documents: dict[str, TemplateDocument] = {}
        self.enrol("bank", kind="organisation")
        self.enrol("rival", kind="organisation")
        for organisation in PROJECTS:
            self.settle(organisation)
        self.wait()

    def settle(self, name: str) -> None:
        """Let an organisation publish, enrol a person, and register a film that the person allows to train on."""
        organisation, person, project = issuer_of(name), issuer_of(PEOPLE[name]), PROJECTS[name]
        document = self.documents[name] = template(
            "house",
            Rule(id="inside", optional=False, permission=permission("inside")),
            publisher=name,
        )
        said = self.said[name] = {}
        ref = template_ref(document)
        said["template"] = self.register(organisation, st.Template, template=ref, action="published", document=document)
        said["project"] = self.set_project(name)
        said["party"] = self.register(
            organisation, st.Party, party=person.party, kind="person", age="adult",
            key=key_material(person.key.public_key),
        )  # fmt: skip
        said["key"] = self.add_key(person, f"{person.party}/second")
        said["grant"] = self.allow(person, document, st.Scope(project=project))
        said["asset"] = self.submit(name, f"{name}/film", [PEOPLE[name]])
        said["fulfilment"] = self.register(
            organisation, st.Fulfilment, condition="paid", status="met", assets=[hash_of(f"{name}/film")]
        )
        said["suspension"] = self.register(person, st.Suspension, action="suspended", grants=[said["grant"].id])
        said["revocation"] = self.register(
            person,
            st.Revocation, party=person.party, channel="key", grants=[said["grant"].id],
            uses=Prohibition(activities=["display"]),
        )  # fmt: skip
        self.register(person, st.Suspension, action="resumed", grants=[said["grant"].id])

    def set_project(self, name: str, **fields: Any) -> Receipt:
        documents = [self.documents[name]]
        usual = {"title": f"what {name} does", "brief": "", "flags": [], "controller": party_of(name)}
        refs = [template_ref(d) for d in documents]
        return self.register(
            issuer_of(name), st.Project, **({"project": PROJECTS[name], "templates": refs} | usual | fields)
        )

    def add_key(self, person: Issuer, name: str) -> Receipt:
        new = key_of(name)
        statement = person.draft(st.Key, self.now, party=person.party, action="added", key=key_material(new.public_key))
        return self.ledger.register(sign_envelope(st.encode_statement(statement), person.key, new))

    def allow(self, person: Issuer, document: TemplateDocument, scope: st.Scope, **fields: Any) -> Receipt:
        asked = {rule.id: True for rule in document.rules if rule.optional}
        usual: dict[str, Any] = {
            "capacities": ["owner", "subject"],
            "starts": whole_second(self.now),
            "assurance": "own_key",
            **grant_fields(document, "en", asked),
        }
        return self.register(person, st.Grant, scope=scope, **(usual | fields))

    def submit(self, by: str, film: str, owners: Sequence[str], project: str | None = None, **fields: Any) -> Receipt:
        """Register a film in a project, its own if none is named; `by` is an organisation or a person."""
        medium = self.medium(film, owners, owners, **fields)
        return self.register(issuer_of(by), st.Asset, project=project or PROJECTS[by], media=[medium])

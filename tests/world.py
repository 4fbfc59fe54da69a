"""A small world to test in: a real ledger on a real store, people with keys of their own, and a clock that waits.

Nothing is mocked. Keys and party ids come from names, so that the same story gives the same people.
"""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any

from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.replay import Finding
from consent_ledger.clearance import clear
from consent_ledger.custody.rebuild import compare
from consent_ledger.issuing import Issuer, grant_fields, key_material, template_ref, whole_second
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Decision
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.terms import LanguageDigests, Permission, Prohibition, Rule, TemplateDocument
from consent_ledger.signing.instants import SECOND, parse_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier, vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_rows
from consent_ledger.store.log import read_head
from consent_ledger.verification import Verification

ORIGIN = "ledger.example/world"
PROJECT = "films"
START = parse_time("2026-01-05T09:00:00Z")
HOUR = 3600 * SECOND
DAY = 24 * HOUR
LICENCE = "CC-BY-4.0"
INTERNAL = compile_use(["train"], ["general"], "commercial", "internal")
OPEN = compile_use(["train"], ["general"], "commercial", "open", licence=LICENCE)
LOG_KEY = SigningKey.from_seed(sha256(b"world/log").digest())
VKEY = vkey_text(ORIGIN, LOG_KEY.public_key)
TEXT = "sha256:" + sha256(b"You allow training inside the organisation, and open release if you say yes.").hexdigest()


def key_of(name: str) -> SigningKey:
    return SigningKey.from_seed(sha256(f"world/{name}".encode()).digest())


def party_of(name: str) -> str:
    return "pty_" + sha256(f"world/party/{name}".encode()).hexdigest()[:32]


def issuer_of(name: str, origin: str = ORIGIN) -> Issuer:
    return Issuer(origin, party_of(name), key_of(name))


def hash_of(name: str) -> str:
    return "sha256:" + sha256(f"world/media/{name}".encode()).hexdigest()


def permission(rule: str, **fields: Any) -> Permission:
    """A permission to train commercially inside the organisation, unless `fields` say otherwise."""
    usual: dict[str, Any] = {
        "activities": ["train"],
        "aims": ["general"],
        "contexts": ["noncommercial", "commercial"],
        "max_audience": "internal",
        "territories": ["WORLD"],
        "explicit": False,
    }
    return Permission(rule=rule, **(usual | fields))


def template(
    id_: str, *rules: Rule, version: str = "1.0", publisher: str = "studio", **fields: Any
) -> TemplateDocument:
    usual: dict[str, Any] = {
        "capacities": ["owner", "subject", "guardian", "organisation"],
        "conditions": [],
        "obligations": [],
        "derivatives": "allowed",
        "copyright": "revocable",
        "survives_death": False,
        "policies": {},
        "languages": {"en": LanguageDigests(text=TEXT, summary=TEXT)},
    }
    return TemplateDocument(
        id=id_, version=version, publisher=party_of(publisher), rules=list(rules), **(usual | fields)
    )


OFFER = template(
    "films",
    Rule(id="inside", optional=False, permission=permission("inside")),
    Rule(
        id="release",
        optional=True,
        permission=permission("release", max_audience="open", licences=[LICENCE]),
    ),
    Rule(
        id="faces",
        optional=True,
        permission=permission("faces", aims=["biometric"], explicit=True),
    ),
    Rule(id="never", optional=True, prohibition=Prohibition(rule="never", activities=["train.generative"])),
)
"""The template that everybody is offered: training inside always, the rest asked apart."""

NO_TO_ALL = {"release": False, "faces": False, "never": False}


class World:
    """A ledger with its operator, an organisation `studio`, its project and the template `OFFER`."""

    def __init__(self, store: Store, *, entropy: Callable[[int], bytes] | None = None) -> None:
        self.store = store
        self.now = START
        self.operator = issuer_of("operator")
        self.studio = issuer_of("studio")
        self._extra: dict[str, Any] = {} if entropy is None else {"entropy": entropy}
        self.ledger = Ledger.create(store, self.genesis(), key_of("operator"), LOG_KEY, clock=self.clock, **self._extra)
        self.enrol("studio", kind="organisation")
        self.publish(OFFER)
        self.offer(OFFER)

    def genesis(self) -> st.Genesis:
        genesis = self.operator.draft(
            st.Genesis,
            self.now,
            format=1,
            log_key=VKEY,
            operator_key=key_material(self.operator.key.public_key),
        )
        assert isinstance(genesis, st.Genesis)
        return genesis

    # Time -----------------------------------------------------------------------------------------------------

    def clock(self) -> int:
        return self.now

    def wait(self, duration: int = SECOND) -> int:
        """Let time pass (microseconds); return the new now."""
        self.now += duration
        return self.now

    def reopen(self, store: Store | None = None) -> None:
        """Open the ledger anew, as after a restart."""
        self.store = store or self.store
        self.ledger = Ledger.open(self.store, LOG_KEY, clock=self.clock, **self._extra)

    # Saying ---------------------------------------------------------------------------------------------------

    def say(self, issuer: Issuer, kind: type[st.Statement], /, **fields: Any) -> bytes:
        """Return the signed envelope of a statement issued now."""
        return issuer.say(kind, self.now, **fields)

    def register(self, issuer: Issuer, kind: type[st.Statement], /, **fields: Any) -> Receipt:
        return self.ledger.register(self.say(issuer, kind, **fields))

    def enrolment(self, name: str, kind: str = "person", **fields: Any) -> bytes:
        if kind == "person":
            fields = {"age": "adult"} | fields
        key = key_material(key_of(name).public_key)
        return self.say(self.operator, st.Party, party=party_of(name), kind=kind, key=key, **fields)

    def enrol(self, name: str, kind: str = "person", **fields: Any) -> Issuer:
        self.ledger.register(self.enrolment(name, kind, **fields))
        return issuer_of(name)

    def people(self, *names: str) -> list[Issuer]:
        return [self.enrol(name) for name in names]

    def publish(self, document: TemplateDocument) -> Receipt:
        ref = template_ref(document)
        return self.register(self.studio, st.Template, template=ref, action="published", document=document)

    def offer(self, *documents: TemplateDocument) -> Receipt:
        return self.register(
            self.studio, st.Project, project=PROJECT, controller=self.studio.party, title="films", brief="",
            templates=[template_ref(d) for d in documents], flags=[],
        )  # fmt: skip

    def medium(self, name: str, owners: Sequence[str], subjects: Sequence[str] = (), **fields: Any) -> st.Medium:
        return st.Medium(
            hash=hash_of(name), size=1000, media_type="video/mp4", owners=[party_of(o) for o in owners],
            subjects=[s if s == st.UNIDENTIFIED else party_of(s) for s in subjects], **fields,
        )  # fmt: skip

    def submission(self, *media: st.Medium) -> bytes:
        return self.say(self.studio, st.Asset, project=PROJECT, media=list(media))

    def film(self, name: str, owners: Sequence[str], subjects: Sequence[str] = (), **fields: Any) -> str:
        """Register one medium; return its hash."""
        self.ledger.register(self.submission(self.medium(name, owners, subjects, **fields)))
        return hash_of(name)

    def consent(
        self,
        name: str,
        *,
        document: TemplateDocument = OFFER,
        choices: dict[str, bool] | None = None,
        assets: Collection[str] | None = None,
        capacities: Sequence[str] = ("owner", "subject"),
        **fields: Any,
    ) -> bytes:
        """Return the signed grant of a party; `choices` are its answers besides "no". Absent `assets`: the project."""
        asked = {rule.id for rule in document.rules if rule.optional}
        answers = {rule: (choices or {}).get(rule, False) for rule in sorted(asked)}
        scope = st.Scope(project=PROJECT) if assets is None else st.Scope(assets=sorted(assets))
        usual: dict[str, Any] = {
            "capacities": list(capacities),
            "scope": scope,
            "starts": whole_second(self.now),
            "assurance": "own_key",
            **grant_fields(document, "en", answers),
        }
        return self.say(issuer_of(name), st.Grant, **(usual | fields))

    def grant(self, name: str, **how: Any) -> Receipt:
        return self.ledger.register(self.consent(name, **how))

    def withdrawal(self, name: str, **fields: Any) -> bytes:
        return self.say(issuer_of(name), st.Revocation, **({"party": party_of(name), "channel": "key"} | fields))

    def revoke(self, name: str, **fields: Any) -> Receipt:
        return self.ledger.register(self.withdrawal(name, **fields))

    # Asking ---------------------------------------------------------------------------------------------------

    def ask(self, asset: str, use: Use = INTERNAL, **point: int) -> Decision:
        (decision,) = clear(self.store, [asset], use, clock=self.clock, **point).decisions
        return decision

    def verdict(self, asset: str, use: Use = INTERNAL, **point: int) -> str:
        return self.ask(asset, use, **point).verdict.name

    @property
    def size(self) -> int:
        with self.store.read() as tx:
            return read_head(tx).size

    def findings(self) -> list[Finding]:
        return findings(self.store)


def findings(store: Store) -> list[Finding]:
    """Return what an auditor finds who replays the whole log against its signed checkpoint: nothing, one hopes."""
    with store.read() as tx:
        head = read_head(tx)
        assert head.checkpoint is not None
        signed = open_checkpoint(head.checkpoint, [NoteVerifier.from_vkey(VKEY)])
        verification = Verification(signed)
        found = list(verification.run((row.raw, row.opening) for row in read_rows(tx, range(head.size))))
        assert verification.counts.entries == head.size
    return found


def index_is_right(store: Store) -> bool:
    """Whether the index is what the log alone makes of it."""
    with store.read() as tx:
        return compare(tx) == []


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}

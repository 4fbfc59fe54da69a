"""Registration: one row for each reason to refuse a statement."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.errors import ConflictError, ForbiddenError, LedgerError, MalformedError, RefusedError
from consent_ledger.issuing import Issuer, key_material, template_ref, whole_second
from consent_ledger.ledger import Ledger
from consent_ledger.licenses import registration
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.licenses.records import KeyRecord, PartyRecord, Registered
from consent_ledger.licenses.signed import Signers, read_signed
from consent_ledger.licenses.terms import LanguageDigests, Prohibition, Rule, TemplateDocument
from consent_ledger.signing.envelope import (
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
    pae,
    sign_envelope,
    time_message,
)
from consent_ledger.signing.instants import format_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from tests.stores import new_store
from tests.world import (
    DAY,
    HOUR,
    LOG_KEY,
    OFFER,
    ORIGIN,
    PROJECT,
    TEXT,
    World,
    hash_of,
    issuer_of,
    key_of,
    party_of,
    permission,
    template,
)

ENDED = template("ended", Rule(id="inside", optional=False, permission=permission("inside")))
SHELF = template("shelf", Rule(id="inside", optional=False, permission=permission("inside")), capacities=["owner"])
ELSEWHERE = "sha256:" + "e" * 64


class Scene(World):
    """A ledger on which something of everything was recorded."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.people("ada", "ben", "mum")
        self.enrol("kim", age="minor", majority="2030-01-01")
        self.enrol("una", age="unknown")
        self.enrol("rival", kind="organisation")
        self.enrol("clock", kind="time_source")
        self.publish(ENDED)
        self.publish(SHELF)
        self.register(self.studio, st.Template, template=template_ref(ENDED), action="invalidated")
        self.clip = self.film("clip", ["ada"], ["ben"])
        self.given = self.grant("ada").id
        self.bens = self.grant("ben", capacities=["subject"]).id
        for name, action in (("old", "retired"), ("lost", "compromised")):
            self.enrol(name)
            since = {"since": whole_second(self.now)} if action == "compromised" else {}
            keyid = key_of(name).public_key.keyid
            self.register(self.operator, st.Key, party=party_of(name), action=action, keyid=keyid, **since)
        self.registration = self.ledger.register(self.submission(self.medium("shelf", ["ada"]))).id
        gone = self.ledger.register(self.enrolment("gone")).entry
        self.register(
            self.operator, st.Erasure, level="statements", party=party_of("gone"), entries=[gone], basis="request"
        )
        self.wait(DAY)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with new_store(f"sqlite:///{tmp_path_factory.mktemp('scene')}/ledger.db") as store:
        yield Scene(store)


def signed_by(envelope: bytes, *names: str) -> bytes:
    """The same payload, signed by others."""
    return sign_envelope(decode_envelope(envelope).payload, *(key_of(name) for name in names))


def vouched(envelope: bytes, at: int, name: str) -> bytes:
    """The envelope with the word of a time source (or of somebody who is none) that it existed at a time."""
    signed, key = decode_envelope(envelope), key_of(name)
    time = format_time(at)
    message = time_message(pae(signed.payload_type, signed.payload), time)
    word = Signature(key.public_key.keyid, key.sign(message), time=time)
    return encode_envelope(Envelope(signed.payload, signed.payload_type, (*signed.signatures, word)))


def published(w: Scene, document: TemplateDocument, **ref: Any) -> bytes:
    named = template_ref(document)
    fields = {"id": named.id, "version": named.version, "digest": named.digest} | ref
    return w.say(w.studio, st.Template, template=st.TemplateRef(**fields), action="published", document=document)


def parented(w: Scene, name: str, *parents: str) -> st.Medium:
    made = [st.Derivation(asset=hash_of(p), transform="crop") for p in parents]
    return w.medium(name, ["ada"], derived_from=made)


def medium(**fields: Any) -> st.Medium:
    usual = {"hash": hash_of("new"), "size": 1, "media_type": "video/mp4", "owners": [party_of("ada")], "subjects": []}
    return st.Medium(**{k: v for k, v in (usual | fields).items() if v is not ...})


def offered(w: Scene, *refs: st.TemplateRef, **fields: Any) -> bytes:
    usual: dict[str, Any] = {
        "project": PROJECT, "controller": w.studio.party, "title": "films", "brief": "", "templates": list(refs),
        "flags": [],
    }  # fmt: skip
    return w.say(w.studio, st.Project, **(usual | fields))


ADA, BEN, KIM, STUDIO, NOBODY = (party_of(name) for name in ("ada", "ben", "kim", "studio", "nobody"))
NEW_KEY = key_material(key_of("new key").public_key)
LIMIT = {"effective_at": whole_second(0)}

ROWS: list[tuple[str, str, type[LedgerError], Callable[[Scene], bytes]]] = [
    # Who signs, and for which ledger
    (
        "a statement for another ledger",
        "wrong_ledger",
        RefusedError,
        lambda w: w.say(issuer_of("ada", "ledger.example/other"), st.Revocation, party=ADA, channel="key"),
    ),
    (
        "a second genesis",
        "genesis_exists",
        ConflictError,
        lambda w: sign_envelope(st.encode_statement(w.genesis()), key_of("operator")),
    ),
    (
        "a state, which is reserved",
        "reserved",
        RefusedError,
        lambda w: w.say(w.operator, st.State, size=1, root="0" * 64),
    ),
    (
        "an issuer whom nobody enrolled",
        "party_unknown",
        RefusedError,
        lambda w: w.say(Issuer(w.studio.origin, NOBODY, key_of("ada")), st.Revocation, party=ADA, channel="key"),
    ),
    ("a key that was retired", "key_not_valid", ForbiddenError, lambda w: w.consent("old")),
    ("a key that was compromised by then", "key_not_valid", ForbiddenError, lambda w: w.consent("lost")),
    (
        "a time source that is none",
        "time_source_unknown",
        ForbiddenError,
        lambda w: vouched(w.consent("ada"), w.now, "ben"),
    ),
    (
        "only a time source",
        "signer_unknown",
        LedgerError,
        lambda w: encode_envelope(
            Envelope(
                (e := decode_envelope(vouched(w.consent("ada"), w.now, "clock"))).payload,
                e.payload_type,
                e.signatures[1:],
            )
        ),
    ),
    # Parties
    (
        "a person who enrols somebody",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(issuer_of("ada"), st.Party, party=NOBODY, kind="person", age="adult"),
    ),
    (
        "an organisation that enrols an organisation",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(w.studio, st.Party, party=NOBODY, kind="organisation"),
    ),
    (
        "an organisation with an age",
        "age_misplaced",
        RefusedError,
        lambda w: w.say(w.operator, st.Party, party=NOBODY, kind="organisation", age="adult"),
    ),
    (
        "an organisation that dies",
        "age_misplaced",
        RefusedError,
        lambda w: w.say(w.operator, st.Party, party=STUDIO, kind="organisation", deceased_at=whole_second(w.now)),
    ),
    (
        "a person without an age",
        "age_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Party, party=NOBODY, kind="person"),
    ),
    (
        "a minor without a day of majority",
        "majority_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Party, party=NOBODY, kind="person", age="minor"),
    ),
    (
        "an adult with a day of majority",
        "majority_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Party, party=NOBODY, kind="person", age="adult", majority="2020-01-01"),
    ),
    (
        "a party that is enrolled already",
        "party_exists",
        ConflictError,
        lambda w: w.say(w.operator, st.Party, party=ADA, kind="person", age="adult"),
    ),
    (
        "a death reported by an organisation that did not enrol the person",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(issuer_of("rival"), st.Party, party=ADA, kind="person", deceased_at=whole_second(w.now)),
    ),
    (
        "a death that brings a key",
        "party_exists",
        ConflictError,
        lambda w: w.say(w.operator, st.Party, party=ADA, kind="person", deceased_at=whole_second(w.now), key=NEW_KEY),
    ),
    (
        "a key that is somebody's already",
        "key_exists",
        ConflictError,
        lambda w: w.say(
            w.operator, st.Party, party=NOBODY, kind="person", age="adult", key=key_material(key_of("ada").public_key)
        ),
    ),
    (
        "a passkey, which nothing can verify yet",
        "key_scheme",
        RefusedError,
        lambda w: w.say(
            w.operator,
            st.Party,
            party=NOBODY,
            kind="person",
            age="adult",
            key=st.KeyMaterial(scheme="webauthn", public_key=NEW_KEY.public_key),
        ),
    ),
    (
        "a key of low order",
        "bad_key",
        MalformedError,
        lambda w: w.say(
            w.operator,
            st.Party,
            party=NOBODY,
            kind="person",
            age="adult",
            key=st.KeyMaterial(scheme="ed25519", public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ),
    ),
    (
        "a key of 31 bytes",
        "bad_key",
        MalformedError,
        lambda w: w.say(
            w.operator,
            st.Party,
            party=NOBODY,
            kind="person",
            age="adult",
            key=st.KeyMaterial(scheme="ed25519", public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
        ),
    ),
    # Keys
    (
        "an added key that is not there",
        "key_missing",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Key, party=ADA, action="added", keyid=key_of("ada").public_key.keyid),
    ),
    (
        "a retired key that is spelled out",
        "key_missing",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Key, party=ADA, action="retired", key=NEW_KEY),
    ),
    (
        "a compromise without a time",
        "since_missing",
        RefusedError,
        lambda w: w.say(
            issuer_of("ada"), st.Key, party=ADA, action="compromised", keyid=key_of("ada").public_key.keyid
        ),
    ),
    (
        "a retirement with a time",
        "since_missing",
        RefusedError,
        lambda w: w.say(
            issuer_of("ada"),
            st.Key,
            party=ADA,
            action="retired",
            keyid=key_of("ada").public_key.keyid,
            since=whole_second(w.now),
        ),
    ),
    (
        "somebody else's key",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(issuer_of("ben"), st.Key, party=ADA, action="retired", keyid=key_of("ada").public_key.keyid),
    ),
    (
        "a key that the operator adds for a person",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: sign_envelope(
            st.encode_statement(w.operator.draft(st.Key, w.now, party=ADA, action="added", key=NEW_KEY)),
            key_of("operator"),
            key_of("new key"),
        ),
    ),
    (
        "a new key that did not sign",
        "possession_not_proved",
        ForbiddenError,
        lambda w: w.say(issuer_of("ada"), st.Key, party=ADA, action="added", key=NEW_KEY),
    ),
    (
        "the end of a key that the party never had",
        "key_unknown",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Key, party=ADA, action="retired", keyid=key_of("ben").public_key.keyid),
    ),
    # Templates
    (
        "a person's template",
        "not_an_organisation",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Template, template=template_ref(OFFER), action="superseded"),
    ),
    (
        "a publication without its document",
        "document_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Template, template=template_ref(OFFER), action="published"),
    ),
    (
        "an end with a document",
        "document_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Template, template=template_ref(OFFER), action="superseded", document=OFFER),
    ),
    (
        "the end of another organisation's template",
        "template_unknown",
        RefusedError,
        lambda w: w.say(issuer_of("rival"), st.Template, template=template_ref(OFFER), action="superseded"),
    ),
    (
        "a document of another name",
        "template_mismatch",
        RefusedError,
        lambda w: published(w, template("one"), id="two"),
    ),
    (
        "a document of another version",
        "template_mismatch",
        RefusedError,
        lambda w: published(w, template("one"), version="1.1"),
    ),
    (
        "a document of another publisher",
        "template_mismatch",
        RefusedError,
        lambda w: published(w, template("one", publisher="rival")),
    ),
    (
        "a document of another digest",
        "digest_mismatch",
        RefusedError,
        lambda w: published(w, template("one"), digest=ELSEWHERE),
    ),
    (
        "a version that is published already",
        "template_exists",
        ConflictError,
        lambda w: published(w, template("films", survives_death=True)),
    ),
    (
        "a rule that permits and forbids",
        "rule_ambiguous",
        RefusedError,
        lambda w: published(
            w,
            template(
                "one", Rule(id="r", optional=False, permission=permission("r"), prohibition=Prohibition(rule="r"))
            ),
        ),
    ),
    (
        "a rule that does neither",
        "rule_ambiguous",
        RefusedError,
        lambda w: published(w, template("one", Rule(id="r", optional=False))),
    ),
    (
        "a rule whose permission names another",
        "rule_mismatch",
        RefusedError,
        lambda w: published(w, template("one", Rule(id="r", optional=False, permission=permission("s")))),
    ),
    (
        "a rule that stands twice",
        "rule_repeated",
        RefusedError,
        lambda w: published(w, template("one", *[Rule(id="r", optional=False, permission=permission("r"))] * 2)),
    ),
    (
        "a template in no language",
        "language_missing",
        RefusedError,
        lambda w: published(w, template("one", languages={})),
    ),
    # Projects and releases
    ("a project of another's", "controller_mismatch", RefusedError, lambda w: offered(w, controller=party_of("rival"))),
    (
        "a project that belongs to another",
        "project_exists",
        ConflictError,
        lambda w: w.say(
            issuer_of("rival"),
            st.Project,
            project=PROJECT,
            controller=party_of("rival"),
            title="x",
            brief="",
            templates=[],
            flags=[],
        ),
    ),
    (
        "a project that offers what is not published",
        "template_unknown",
        RefusedError,
        lambda w: offered(w, template_ref(template("one"))),
    ),
    (
        "a release decided in the future",
        "size_unknown",
        RefusedError,
        lambda w: w.say(
            w.studio,
            st.Release,
            dataset="films",
            version="1.0.0",
            manifest=ELSEWHERE,
            count=0,
            root="0" * 64,
            query=st.UseRequest(
                activities=["train"], aims=["general"], context="commercial", audience="internal", territories=["WORLD"]
            ),
            as_of=whole_second(w.now),
            size=10**6,
        ),
    ),
    # Assets
    (
        "an asset of no project",
        "project_unknown",
        RefusedError,
        lambda w: w.say(w.studio, st.Asset, project="nowhere", media=[medium()]),
    ),
    ("an asset that stands twice", "asset_repeated", RefusedError, lambda w: w.submission(medium(), medium())),
    (
        "an asset of which nothing is said about people",
        "subjects_missing",
        RefusedError,
        lambda w: w.submission(medium(subjects=...)),
    ),
    (
        "an asset with people, unverified",
        "subjects_missing",
        RefusedError,
        lambda w: w.submission(medium(subjects_unverified=True)),
    ),
    ("an asset without an owner", "owner_missing", RefusedError, lambda w: w.submission(medium(owners=[]))),
    (
        "a person who registers another's asset",
        "not_the_owner",
        RefusedError,
        lambda w: w.say(issuer_of("ben"), st.Asset, project=PROJECT, media=[medium()]),
    ),
    ("an owner who stands twice", "party_repeated", RefusedError, lambda w: w.submission(medium(owners=[ADA, ADA]))),
    ("an owner who is nobody", "party_unknown", RefusedError, lambda w: w.submission(medium(owners=[NOBODY]))),
    (
        "an organisation that is a person",
        "not_an_organisation",
        RefusedError,
        lambda w: w.submission(medium(organisations=[ADA])),
    ),
    (
        "a subject that is an organisation",
        "not_a_person",
        RefusedError,
        lambda w: w.submission(medium(subjects=[STUDIO])),
    ),
    ("an asset made from itself", "derivation_cycle", RefusedError, lambda w: w.submission(parented(w, "new", "new"))),
    (
        "two assets made from each other",
        "derivation_cycle",
        RefusedError,
        lambda w: w.submission(parented(w, "new", "newer"), parented(w, "newer", "new")),
    ),
    # What becomes of assets
    (
        "a person's fulfilment",
        "not_an_organisation",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Fulfilment, condition="paid", status="met", assets=[w.clip]),
    ),
    (
        "a fulfilment of a grant to another",
        "grant_unknown",
        RefusedError,
        lambda w: w.say(
            issuer_of("rival"), st.Fulfilment, condition="paid", status="met", assets=[w.clip], grants=[w.given]
        ),
    ),
    (
        "a rejection without a reason",
        "reason_missing",
        RefusedError,
        lambda w: w.say(w.studio, st.Fulfilment, condition="accepted", status="unmet", assets=[w.clip]),
    ),
    (
        "a payment of something else",
        "payment_misplaced",
        RefusedError,
        lambda w: w.say(
            w.studio, st.Fulfilment, condition="accepted", status="met", assets=[w.clip], payment_reference="1"
        ),
    ),
    (
        "a dispute by an organisation",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(w.studio, st.Dispute, assets=[w.clip], status="open"),
    ),
    (
        "an open dispute that is decided",
        "upheld_misplaced",
        RefusedError,
        lambda w: w.say(w.operator, st.Dispute, assets=[w.clip], status="open", upheld=w.registration),
    ),
    (
        "a dispute decided for a registration of something else",
        "registration_unknown",
        RefusedError,
        lambda w: w.say(w.operator, st.Dispute, assets=[w.clip], status="resolved", upheld=w.registration),
    ),
    (
        "a takedown by a person",
        "not_an_organisation",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Takedown, assets=[w.clip], action="ordered", basis="x"),
    ),
    # Grants
    (
        "a grant by another's key",
        "signer_must_be_grantor",
        ForbiddenError,
        lambda w: signed_by(w.consent("ada"), "ben"),
    ),
    ("a grant by the staff", "signer_must_be_grantor", ForbiddenError, lambda w: signed_by(w.consent("ada"), "studio")),
    ("a grant by a passkey", "assurance_unsupported", RefusedError, lambda w: w.consent("ada", assurance="passkey")),
    (
        "a witnessed grant without evidence",
        "evidence_missing",
        RefusedError,
        lambda w: signed_by(w.consent("ada", assurance="witnessed"), "operator"),
    ),
    (
        "a witnessed grant that the witness did not sign",
        "signer_unknown",
        ForbiddenError,
        lambda w: w.consent("ada", assurance="witnessed", evidence="0" * 64),
    ),
    (
        "a paper record that the organisation did not sign",
        "signer_unknown",
        ForbiddenError,
        lambda w: w.consent("ada", assurance="attested", evidence="0" * 64),
    ),
    (
        "a capacity that stands twice",
        "capacity_repeated",
        RefusedError,
        lambda w: w.consent("ada", capacities=["owner", "owner"]),
    ),
    ("a guardian of nobody", "ward_missing", RefusedError, lambda w: w.consent("mum", capacities=["guardian"])),
    (
        "a ward without a guardian",
        "ward_missing",
        RefusedError,
        lambda w: w.consent("mum", capacities=["subject"], ward=KIM),
    ),
    (
        "a guardian who is seen herself in one breath",
        "ward_missing",
        RefusedError,
        lambda w: w.consent("mum", capacities=["guardian", "subject"], ward=KIM),
    ),
    (
        "a person as an organisation",
        "not_an_organisation",
        RefusedError,
        lambda w: w.consent("ada", capacities=["organisation"]),
    ),
    (
        "an organisation that is seen",
        "not_a_person",
        RefusedError,
        lambda w: w.consent("studio", capacities=["subject"]),
    ),
    (
        "a guardian whom nobody knows the ward of",
        "party_unknown",
        RefusedError,
        lambda w: w.consent("mum", capacities=["guardian"], ward=NOBODY),
    ),
    (
        "a guardian of herself",
        "guardian_authority_invalid",
        RefusedError,
        lambda w: w.consent("kim", capacities=["guardian"], ward=KIM),
    ),
    (
        "a guardian of a grown-up",
        "guardian_authority_invalid",
        RefusedError,
        lambda w: w.consent("mum", capacities=["guardian"], ward=BEN),
    ),
    (
        "a guardian of somebody of unknown age",
        "guardian_authority_invalid",
        RefusedError,
        lambda w: w.consent("mum", capacities=["guardian"], ward=party_of("una")),
    ),
    ("a minor alone", "guardian_consent_required", RefusedError, lambda w: w.consent("kim", capacities=["subject"])),
    (
        "a template that is not published",
        "template_unknown",
        RefusedError,
        lambda w: w.consent("ada", document=template("one")),
    ),
    (
        "a template under another version",
        "template_unknown",
        RefusedError,
        lambda w: w.consent(
            "ada", template=st.TemplateRef(id="films", version="1.1", digest=template_ref(OFFER).digest)
        ),
    ),
    (
        "a template that was invalidated",
        "template_invalidated",
        RefusedError,
        lambda w: w.consent("ada", document=ENDED, assets=[w.clip]),
    ),
    ("a language that the template lacks", "language_unknown", RefusedError, lambda w: w.consent("ada", language="fy")),
    (
        "another text than the template's",
        "text_mismatch",
        RefusedError,
        lambda w: w.consent("ada", text_digest=ELSEWHERE),
    ),
    (
        "a capacity that the template is not for",
        "capacity_not_offered",
        RefusedError,
        lambda w: w.consent("ben", document=SHELF, assets=[w.clip], capacities=["subject"]),
    ),
    ("an optional rule without an answer", "choice_missing", RefusedError, lambda w: unanswered(w)),
    ("an answer to what was not asked", "choice_unknown", RefusedError, lambda w: unasked(w)),
    ("terms that the answers do not make", "terms_mismatch", RefusedError, lambda w: widened(w)),
    (
        "a scope of assets and a project",
        "scope_ambiguous",
        RefusedError,
        lambda w: w.consent("ada", scope=st.Scope(assets=[w.clip], project=PROJECT)),
    ),
    ("a scope of nothing", "scope_ambiguous", RefusedError, lambda w: w.consent("ada", scope=st.Scope())),
    (
        "a scope of assets from a time",
        "scope_ambiguous",
        RefusedError,
        lambda w: w.consent("ada", scope=st.Scope(assets=[w.clip], from_=whole_second(w.now))),
    ),
    (
        "a scope of no project",
        "project_unknown",
        RefusedError,
        lambda w: w.consent("ada", scope=st.Scope(project="nowhere")),
    ),
    (
        "a template that the project does not offer",
        "template_not_offered",
        RefusedError,
        lambda w: w.consent("ada", document=SHELF, capacities=["owner"]),
    ),
    (
        "a grant that ends as it starts",
        "invalid_interval",
        RefusedError,
        lambda w: w.consent("ada", ends=whole_second(w.now)),
    ),
    (
        "a grant that takes the place of none",
        "grant_unknown",
        RefusedError,
        lambda w: w.consent("ada", supersedes=[ELSEWHERE]),
    ),
    (
        "a grant that takes the place of another's",
        "grant_unknown",
        RefusedError,
        lambda w: w.consent("ada", supersedes=[w.bens]),
    ),
    # Withdrawals and pauses
    ("a withdrawal for nobody", "party_unknown", RefusedError, lambda w: w.withdrawal("ada", party=NOBODY)),
    (
        "a withdrawal for somebody else",
        "signer_must_be_grantor",
        ForbiddenError,
        lambda w: w.withdrawal("ben", party=ADA),
    ),
    (
        "a withdrawal by another's key",
        "signer_unknown",
        ForbiddenError,
        lambda w: signed_by(w.withdrawal("ada"), "ben"),
    ),
    ("a withdrawal of another's grant", "grant_unknown", RefusedError, lambda w: w.withdrawal("ada", grants=[w.bens])),
    (
        "a withdrawal of what is no grant",
        "grant_unknown",
        RefusedError,
        lambda w: w.withdrawal("ada", grants=[w.registration]),
    ),
    (
        "a pause of another's grant",
        "grant_unknown",
        RefusedError,
        lambda w: w.say(issuer_of("ada"), st.Suspension, action="suspended", grants=[w.bens]),
    ),
    (
        "a pause by another's key",
        "signer_unknown",
        ForbiddenError,
        lambda w: signed_by(w.say(issuer_of("ada"), st.Suspension, action="suspended", grants=[w.given]), "ben"),
    ),
    # Erasures
    (
        "an erasure by an organisation",
        "issuer_not_allowed",
        ForbiddenError,
        lambda w: w.say(w.studio, st.Erasure, level="identity", party=ADA, entries=[], basis="request"),
    ),
    (
        "an erasure of nobody",
        "party_unknown",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="identity", party=NOBODY, entries=[], basis="request"),
    ),
    (
        "an erasure of entries to come",
        "entries_invalid",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=ADA, entries=[10**6], basis="request"),
    ),
    (
        "an erasure out of order",
        "entries_invalid",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=ADA, entries=[9, 3], basis="request"),
    ),
    (
        "an erasure of statements that names none",
        "entries_invalid",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=ADA, entries=[], basis="request"),
    ),
    (
        "an erasure of an identity that names entries",
        "entries_invalid",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="identity", party=ADA, entries=[3], basis="request"),
    ),
    ("a party that was erased", "party_erased", ConflictError, lambda w: w.enrolment("gone")),
    (
        "an erasure of what others said",
        "entries_not_theirs",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=ADA, entries=[1], basis="request"),
    ),
    (
        "an erasure of an organisation",
        "not_a_person",
        RefusedError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=w.studio.party, entries=[1], basis="x"),
    ),
    (
        "a second erasure",
        "party_erased",
        ConflictError,
        lambda w: w.say(w.operator, st.Erasure, level="statements", party=party_of("gone"), entries=[1], basis="x"),
    ),
    ("a log key by another", "issuer_not_allowed", ForbiddenError, lambda w: log_key(w, "new", issuer=w.studio)),
    ("a log key of another", "issuer_not_allowed", ForbiddenError, lambda w: log_key(w, "new", party=ADA)),
    (
        "a log key with a party's key",
        "log_key_alone",
        RefusedError,
        lambda w: log_key(w, "new", key=key_material(key_of("new").public_key)),
    ),
    ("a compromised log key", "log_key_action", RefusedError, lambda w: log_key(w, "log", action="compromised")),
    ("a log key of another log", "log_key_malformed", RefusedError, lambda w: log_key(w, "new", name="ledger.example")),
    ("a log key that is none", "log_key_malformed", RefusedError, lambda w: log_key(w, "new", log_key="x+y+z")),
    ("a log key again", "key_exists", ConflictError, lambda w: log_key(w, "log")),
    ("no log key left", "log_key_last", RefusedError, lambda w: log_key(w, "log", action="retired")),
    ("the end of a key it never had", "key_unknown", RefusedError, lambda w: log_key(w, "new", action="retired")),
    ("a third log key", "rotation_underway", ConflictError, lambda w: third_log_key(w)),
]


def log_key(w: Scene, seed: str, *, issuer: Issuer | None = None, name: str = ORIGIN, **fields: Any) -> bytes:
    said = {"party": w.operator.party, "action": "added", "log_key": vkey_text(name, key_of(seed).public_key)}
    return w.say(issuer or w.operator, st.Key, **(said | fields))


def third_log_key(w: Scene) -> bytes:
    """Refused by facts that have two: the ledger itself would want the file of the second."""
    facts = Facts()
    facts.origin, facts.operator = ORIGIN, w.operator.party
    facts.parties[w.operator.party] = PartyRecord(0, w.operator.party, "ledger", None, None)
    keyid = w.operator.key.public_key.keyid
    facts.parties[w.operator.party].keys.append(KeyRecord(0, keyid, "ed25519", w.operator.key.public_key.raw))
    facts.log_keys = [LogKey("one", 0), LogKey("two", 1)]
    signed = read_signed(log_key(w, "new"))
    registration.admit(facts, signed.statement, Signers(frozenset({keyid})), Registered(2, 0, signed.id))
    return b""


def unasked(w: Scene) -> bytes:
    choices = {"release": False, "faces": False, "never": False}
    draft = st.parse_statement(decode_envelope(w.consent("ada", choices=choices)).payload)
    assert isinstance(draft, st.Grant)
    return respoken(w, draft, choices=choices | {"more": True})


def unanswered(w: Scene) -> bytes:
    draft = st.parse_statement(decode_envelope(w.consent("ada")).payload)
    assert isinstance(draft, st.Grant)
    return respoken(w, draft, choices={"faces": False, "never": False})


def widened(w: Scene) -> bytes:
    """Her answers were no, and the terms are those of yes."""
    no = st.parse_statement(decode_envelope(w.consent("ada")).payload)
    yes = st.parse_statement(decode_envelope(w.consent("ada", choices={"release": True})).payload)
    assert isinstance(no, st.Grant)
    assert isinstance(yes, st.Grant)
    return respoken(w, no, terms=yes.terms)


def respoken(w: Scene, draft: st.Grant, **changes: Any) -> bytes:
    header = ("ledger", "issuer", "issued_at", "nonce")
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__ if f not in header}
    return w.say(issuer_of("ada"), st.Grant, **(fields | changes))


@pytest.mark.parametrize(("code", "error", "say"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_may_not_be_said_is_refused(
    scene: Scene, code: str, error: type[LedgerError], say: Callable[[Scene], bytes]
) -> None:
    size = scene.size
    with pytest.raises(error) as refused:
        scene.ledger.register(say(scene))
    assert refused.value.code == code
    assert str(refused.value)[0].islower() or str(refused.value)[0] == "`"
    assert scene.size == size


def test_there_is_a_row_for_every_reason() -> None:
    """A new reason to refuse is one more `if`, and one more row here."""
    sources = [path.read_text() for path in Path(registration.__file__).parent.glob("*.py")]
    pattern = r'(?:refuse\(\s*|code=|code: str = |Problem\([^,]+, )"([a-z_]+)"'
    codes = {code for source in sources for code in re.findall(pattern, source)}
    # Nothing can be said to a ledger that has no genesis: see the test below.
    assert codes - {code for _, code, _, _ in ROWS} == {"genesis_missing"}


def test_the_first_statement_is_the_genesis(scene: Scene, tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/empty.db") as store:
        ledger = Ledger(store, scene.studio.origin, LOG_KEY, clock=scene.clock)
        (outcome,) = ledger.register_all([scene.enrolment("operator")])
        assert isinstance(outcome, LedgerError)
        assert outcome.code == "genesis_missing"


def test_the_genesis_is_signed_by_the_key_that_it_names(scene: Scene, tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/empty.db") as store, pytest.raises(LedgerError) as refused:
        Ledger.create(store, scene.genesis(), key_of("ada"), LOG_KEY, clock=scene.clock)
    assert refused.value.code in ("signer_unknown", "key_unknown")


def test_a_refusal_of_media_lists_everything_that_is_wrong(scene: Scene) -> None:
    with pytest.raises(RefusedError) as refused:
        scene.ledger.register(
            scene.submission(medium(owners=[NOBODY], subjects=[STUDIO]), medium(hash=ELSEWHERE, owners=[]))
        )
    assert [(p.pointer, p.code) for p in refused.value.problems] == [
        ("/media/0/owners", "party_unknown"),
        ("/media/0/subjects", "not_a_person"),
        ("/media/1/owners", "owner_missing"),
    ]


# What is allowed although it looks like something that is not ------------------------------------------------------

ALLOWED: list[tuple[str, Callable[[Scene], bytes]]] = [
    ("a withdrawal by a key that was retired", lambda w: w.withdrawal("old")),
    ("a withdrawal by a key that was compromised", lambda w: w.withdrawal("lost")),
    (
        "a withdrawal by the ledger for somebody who lost her keys",
        lambda w: w.say(w.operator, st.Revocation, party=ADA, channel="mail", grants=[w.given]),
    ),
    (
        "a grant by a lost key, signed before by trusted time",
        lambda w: vouched(w.consent("lost"), w.now - 2 * DAY, "clock"),
    ),
    (
        "a grant that the ledger witnessed",
        lambda w: signed_by(w.consent("ada", assurance="witnessed", evidence="0" * 64), "operator"),
    ),
    (
        "a paper record that the organisation entered",
        lambda w: signed_by(w.consent("ada", assurance="attested", evidence="0" * 64), "studio"),
    ),
    (
        "a second key of her own",
        lambda w: sign_envelope(
            st.encode_statement(issuer_of("ada").draft(st.Key, w.now, party=ADA, action="added", key=NEW_KEY)),
            key_of("ada"),
            key_of("new key"),
        ),
    ),
    ("a guardian for a minor", lambda w: w.consent("mum", capacities=["guardian"], ward=KIM)),
    ("a grant by somebody of unknown age, which decides nothing", lambda w: w.consent("una", capacities=["subject"])),
    (
        "a film by its maker",
        lambda w: w.say(issuer_of("ada"), st.Asset, project=PROJECT, media=[medium(hash=hash_of("own"))]),
    ),
    (
        "a film with somebody whom nobody could name",
        lambda w: w.submission(w.medium("crowd", ["ada"], ["ben", st.UNIDENTIFIED])),
    ),
    ("a claim on bytes that are somebody's", lambda w: w.submission(w.medium("clip", ["ben"], ["ben"]))),
    ("something made from what nobody registered", lambda w: w.submission(parented(w, "copy", "unknown"))),
    (
        "a death",
        lambda w: w.say(w.operator, st.Party, party=BEN, kind="person", deceased_at=whole_second(w.now - HOUR)),
    ),
    (
        "a person enrolled by an organisation, without a key",
        lambda w: w.say(w.studio, st.Party, party=NOBODY, kind="person", age="adult"),
    ),
    (
        "another language of the same template",
        lambda w: published(w, template("two", languages={"nl": LanguageDigests(text=TEXT, summary=TEXT)})),
    ),
    ("a withdrawal that pretends to be old", lambda w: w.withdrawal("ben", **LIMIT)),
    (
        "a takedown of what nobody registered",
        lambda w: w.say(issuer_of("rival"), st.Takedown, assets=[ELSEWHERE], action="ordered", basis="court_order"),
    ),
]


@pytest.mark.parametrize("say", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_what_may_be_said_is_recorded(tmp_path: Path, say: Callable[[Scene], bytes]) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        scene = Scene(store)
        assert scene.ledger.register(say(scene)).is_new
        assert scene.findings() == []


def test_a_retired_key_of_a_party_leaves_its_other_keys(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        scene = Scene(store)
        second: SigningKey = key_of("second")
        added = issuer_of("ada").draft(
            st.Key, scene.now, party=ADA, action="added", key=key_material(second.public_key)
        )
        scene.ledger.register(sign_envelope(st.encode_statement(added), key_of("ada"), second))
        retired = issuer_of("ada")._replace(key=second)
        scene.register(retired, st.Key, party=ADA, action="retired", keyid=key_of("ada").public_key.keyid)
        with pytest.raises(ForbiddenError):
            scene.grant("ada")
        assert scene.ledger.register(sign_envelope(decode_envelope(scene.consent("ada")).payload, second)).is_new

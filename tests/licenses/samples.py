"""One statement of every type, with every field that it may have, and one with only those that it must have."""

from datetime import UTC, datetime
from typing import Any

from consent_ledger.licenses import statements as st
from consent_ledger.licenses.terms import (
    ConditionRule,
    LanguageDigests,
    Permission,
    Prohibition,
    Rule,
    TemplateDocument,
    Terms,
    resolve_terms,
    template_digest,
)
from consent_ledger.signing.keys import enrol_public_key
from consent_ledger.signing.note import vkey_text

NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2027, 6, 1, 12, 0, 0, tzinfo=UTC)
ADA, BEN, STUDIO, LAB, LEDGER = (f"pty_{digit * 32}" for digit in "12345")
FILM, CROP, PAGE, EARLIER = (f"sha256:{digit * 64}" for digit in "abcd")
COMMITMENT = "e" * 64
SECOND_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")  # RFC 8032, test 2
KEY = st.KeyMaterial(scheme="ed25519", public_key="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")  # RFC 8032, test 1

PERMISSION = Permission(
    rule="release",
    capacities=["owner", "subject"],
    activities=["train", "display"],
    aims=["general", "biometric.identify"],
    contexts=["noncommercial", "commercial"],
    max_audience="open",
    territories=["WORLD"],
    recipients=[LAB],
    licences=["CC-BY-4.0"],
    explicit=True,
)
PROHIBITION = Prohibition(
    rule="never",
    capacities=["owner"],
    activities=["train.generative"],
    aims=["likeness"],
    contexts=["commercial"],
    min_audience="gated",
    territories=["DE", "NL"],
    recipients=[LAB],
    licences=["CC0-1.0"],
)
DOCUMENT = TemplateDocument(
    id="open-video",
    version="1.0",
    publisher=STUDIO,
    capacities=["owner", "subject"],
    rules=[
        Rule(id="release", optional=True, permission=PERMISSION),
        Rule(id="never", optional=False, prohibition=PROHIBITION),
    ],
    conditions=[ConditionRule(condition="paid", rules=["release"]), ConditionRule(condition="transform:face_blur")],
    obligations=["attribution"],
    derivatives="allowed",
    exclusive_to=LAB,
    copyright="irrevocable",
    survives_death=True,
    retention_until=LATER,
    policies={"compensation": "paid"},
    languages={"en": LanguageDigests(text=PAGE, summary=FILM), "nl": LanguageDigests(text=CROP, summary=EARLIER)},
)
REF = st.TemplateRef(id="open-video", version="1.0", digest=template_digest(DOCUMENT))
BARE_TERMS = Terms(
    permissions=[], prohibitions=[], conditions=[], obligations=[], derivatives="none", copyright="revocable",
    survives_death=False,
)  # fmt: skip
MEDIUM = st.Medium(
    hash=FILM,
    size=2**53 - 1,
    media_type="video/mp4",
    owners=[ADA],
    subjects=[ADA, "unidentified"],
    organisations=[STUDIO],
    captured_at=NOON,
    retention_until=LATER,
    derived_from=[
        st.Derivation(asset=CROP, transform="face_blur", absent_subjects=[BEN]),
        st.Derivation(asset=PAGE, transform="transcode"),
    ],
)
BARE_MEDIUM = st.Medium(hash=CROP, size=0, media_type="image/jpeg", owners=[ADA], subjects_unverified=True)
QUERY = st.UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="open", territories=["WORLD"],
    licence="CC-BY-4.0", recipient=LAB, min_assurance="witnessed",
)  # fmt: skip


def say(kind: type[st.Statement], issuer: str, /, **fields: Any) -> st.Statement:
    return kind(ledger="ledger.example/films", issuer=issuer, issued_at=NOON, nonce="0123456789abcdef" * 2, **fields)


SAMPLES: dict[str, st.Statement] = {
    "genesis": say(
        st.Genesis, LEDGER, format=1, log_key=vkey_text("ledger.example/films", enrol_public_key(KEY.raw)),
        operator_key=KEY,
    ),
    "party": say(st.Party, LEDGER, party=ADA, kind="person", key=KEY, age="minor", majority="2030-02-28"),
    "party-death": say(st.Party, STUDIO, party=ADA, kind="person", deceased_at=NOON),
    "party-bare": say(st.Party, LEDGER, party=STUDIO, kind="organisation"),
    "key-added": say(st.Key, ADA, party=ADA, action="added", key=KEY),
    "key-compromised": say(st.Key, LEDGER, party=ADA, action="compromised", keyid=st.keyid_of(KEY), since=NOON),
    "key-log": say(
        st.Key, LEDGER, party=LEDGER, action="added",
        log_key=vkey_text("ledger.example/films", enrol_public_key(SECOND_KEY)),
    ),
    "template": say(st.Template, STUDIO, template=REF, action="published", document=DOCUMENT),
    "template-ended": say(st.Template, STUDIO, template=REF, action="invalidated", effective_at=LATER),
    "project": say(
        st.Project, STUDIO, project="films", controller=STUDIO, title="Films – één met accent", brief="Why.\nHow.",
        templates=[REF], flags=["public_body_involved"], starts=NOON, ends=LATER,
    ),
    "project-bare": say(
        st.Project, STUDIO, project="films", controller=STUDIO, title="f", brief="", templates=[], flags=[]
    ),
    "asset": say(st.Asset, STUDIO, project="films", media=[MEDIUM, BARE_MEDIUM]),
    "grant": say(
        st.Grant, ADA, capacities=["owner", "subject"], template=REF, language="nl", text_digest=CROP,
        choices={"release": True}, terms=resolve_terms(DOCUMENT, {"release": True}),
        scope=st.Scope(assets=[FILM, CROP]),
        starts=NOON, ends=LATER, supersedes=[EARLIER], assurance="witnessed", evidence=COMMITMENT,
    ),
    "grant-ward": say(
        st.Grant, ADA, capacities=["guardian"], ward=BEN, template=REF, language="en", text_digest=PAGE, choices={},
        terms=BARE_TERMS, scope=st.Scope(project="films", from_=NOON, until=LATER), starts=NOON, assurance="own_key",
    ),
    "revocation": say(
        st.Revocation, ADA, party=BEN, grants=[EARLIER], assets=[FILM], uses=PROHIBITION, effective_at=LATER,
        channel="mail", evidence=COMMITMENT,
    ),
    "revocation-bare": say(st.Revocation, ADA, party=ADA, channel="key"),
    "suspension": say(st.Suspension, ADA, action="suspended", grants=[EARLIER], effective_at=LATER),
    "suspension-bare": say(st.Suspension, ADA, action="resumed", grants=[EARLIER]),
    "fulfilment": say(
        st.Fulfilment, STUDIO, condition="paid", status="met", assets=[FILM], grants=[EARLIER], reason="hand_visible",
        payment_reference="INV-2026:0001",
    ),
    "fulfilment-bare": say(st.Fulfilment, STUDIO, condition="transform:face_blur", status="unknown", assets=[FILM]),
    "dispute": say(st.Dispute, LEDGER, assets=[FILM], status="resolved", upheld=EARLIER, effective_at=LATER),
    "dispute-bare": say(st.Dispute, LEDGER, assets=[FILM], status="open"),
    "takedown": say(st.Takedown, STUDIO, assets=[FILM], action="ordered", basis="court_order", effective_at=LATER),
    "takedown-bare": say(st.Takedown, LEDGER, assets=[FILM], action="lifted", basis="court_order"),
    "release": say(
        st.Release, STUDIO, dataset="films", version="1.0.0", previous=EARLIER, manifest=PAGE, count=22_800,
        root=COMMITMENT, query=QUERY, as_of=NOON, size=9_000,
    ),
    "acknowledgement": say(st.Acknowledgement, LAB, release=EARLIER, size=9_001, action="stopped_using"),
    "erasure": say(st.Erasure, LEDGER, level="statements", party=ADA, entries=[3, 5, 8], basis="request"),
    "erasure-bare": say(st.Erasure, LEDGER, level="identity", party=ADA, entries=[], basis="request"),
    "state": say(st.State, LEDGER, size=9_002, root=COMMITMENT),
}  # fmt: skip

"""Policies in linked data, out and in: ODRL and DPV. What comes back permits no more and forbids no less."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from msgspec import UNSET

from consent_ledger.errors import MalformedError, RefusedError
from consent_ledger.licenses.mappings.dpv import from_dpv, to_dpv
from consent_ledger.licenses.mappings.odrl_export import agreement_of, offer_of
from consent_ledger.licenses.mappings.odrl_import import from_odrl
from consent_ledger.licenses.mappings.signals import EVERYTHING, Signal, prohibition
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.statements import Grant, Scope, TemplateRef
from consent_ledger.licenses.templates import parse_template
from consent_ledger.licenses.terms import Permission, Terms, resolve_terms
from consent_ledger.resources import template_root
from tests.licenses.foreign import (
    ISSUER,
    PARTIES,
    PUBLISHER,
    TERMS,
    USES,
    document,
    forbids,
    permits,
    uses_within,
    would_permit,
)

STATEMENT = "sha256:" + "1" * 64
CAPACITIES = st.sampled_from([["owner"], ["owner", "subject"], ["subject"]])
START = datetime(2026, 6, 1, tzinfo=UTC)


def grant_of(terms: Terms, capacities: list[str], **fields: Any) -> Grant:
    digest = "sha256:" + "2" * 64
    return Grant(
        ledger="ledger.example",
        issuer=ISSUER,
        issued_at=START,
        nonce="0" * 32,
        capacities=capacities,
        template=TemplateRef(id="a-template", version="1.0", digest=digest),
        language="en",
        text_digest=digest,
        choices={},
        terms=terms,
        scope=fields.pop("scope", Scope(assets=[digest])),
        starts=START,
        assurance="own_key",
        **fields,
    )


def agreed(terms: Terms, capacities: list[str]) -> dict[str, Any]:
    """The Agreement, as it is after a journey as JSON."""
    try:
        return json.loads(json.dumps(agreement_of(grant_of(terms, capacities), STATEMENT, PUBLISHER)))
    except RefusedError:
        reject()


def permits_back(signal: Signal, use: Use) -> bool:
    return any(would_permit(hint, use) for hint in signal.hints) and not forbids(signal.prohibitions, use)


@given(terms=TERMS, capacities=CAPACITIES, uses=st.lists(USES, min_size=8, max_size=8))
def test_an_agreement_comes_back_permitting_no_more(terms: Terms, capacities: list[str], uses: list[Use]) -> None:
    signal = from_odrl(agreed(terms, capacities))

    for use in [*uses, *uses_within(terms)]:
        if permits_back(signal, use):
            assert permits(terms, use, PUBLISHER, capacities)
            assert not forbids(terms.prohibitions, use)
        if forbids(terms.prohibitions, use):
            assert forbids(signal.prohibitions, use)


@given(terms=TERMS, optional=st.booleans(), uses=st.lists(USES, min_size=8, max_size=8))
def test_an_offer_comes_back_permitting_no_more_than_what_cannot_be_declined(
    terms: Terms, optional: bool, uses: list[Use]
) -> None:
    template = document(terms, optional)
    try:
        signal = from_odrl(json.loads(json.dumps(offer_of(template))))
    except RefusedError:
        return
    agreed_to = resolve_terms(template, {rule.id: False for rule in template.rules if rule.optional})

    for use in [*uses, *uses_within(terms)]:
        if permits_back(signal, use):
            assert permits(agreed_to, use, PUBLISHER, ["owner", "subject"])
        if forbids(terms.prohibitions, use):
            assert forbids(signal.prohibitions, use)


@given(terms=TERMS, capacities=CAPACITIES, uses=st.lists(USES, min_size=8, max_size=8))
def test_dpv_rules_come_back_permitting_no_more(terms: Terms, capacities: list[str], uses: list[Use]) -> None:
    signal = from_dpv(json.loads(json.dumps(to_dpv(terms, capacities))))

    for use in [*uses, *uses_within(terms)]:
        if permits_back(signal, use):
            assert permits(terms, use, PUBLISHER, capacities)
            assert not forbids(terms.prohibitions, use)
        if forbids(terms.prohibitions, use):
            assert forbids(signal.prohibitions, use)


@given(terms=TERMS)
def test_what_a_person_shown_permits_never_comes_back_as_a_hint(terms: Terms) -> None:
    alone = [msgspec.structs.replace(p, capacities=["subject"]) for p in terms.permissions]
    terms = msgspec.structs.replace(terms, permissions=alone)

    assert from_odrl(agreed(terms, ["owner", "subject"])).hints == ()
    assert from_dpv(to_dpv(terms, ["owner", "subject"])).hints == ()


PLAIN = Terms(
    permissions=[
        Permission(
            rule="use",
            activities=["train", "index"],
            aims=["general"],
            contexts=["noncommercial", "commercial"],
            max_audience="recipient",
            territories=["WORLD"],
            recipients=[PARTIES[1]],
            explicit=False,
        )
    ],
    prohibitions=[prohibition(rule="never", aims=["emotion"])],
    conditions=[],
    obligations=["attribution"],
    derivatives="allowed",
    copyright="revocable",
    survives_death=False,
)


def test_what_odrl_can_say_comes_back_whole() -> None:
    signal = from_odrl(agreed(PLAIN, ["owner"]))

    [hint] = signal.hints
    assert (hint.activities, hint.aims, hint.contexts) == (
        ["train", "index"],
        ["general"],
        ["noncommercial", "commercial"],
    )
    assert (hint.max_audience, hint.recipients, hint.obligations) == ("recipient", [PARTIES[1]], ["attribution"])
    assert hint.starts == START
    assert signal.prohibitions == (prohibition(aims=["emotion"]),)
    assert signal.lost == ()


def test_an_agreement_is_between_who_granted_and_who_may_use() -> None:
    policy = agreed(PLAIN, ["owner"])

    assert policy["@type"] == "Agreement"
    assert policy["assigner"].endswith(ISSUER)
    assert policy["uid"].endswith(STATEMENT)
    [permission] = policy["permission"]
    assert [party.rpartition(":")[2] for party in permission["assignee"]] == [PARTIES[1]]
    assert permission["action"] == ["urn:consent-ledger:terms:1:train", "http://www.w3.org/ns/odrl/2/index"]


def test_a_policy_always_lets_prohibitions_win() -> None:
    assert agreed(PLAIN, ["owner"])["conflict"] == "odrl:prohibit"
    assert offer_of(document(PLAIN, False))["conflict"] == "odrl:prohibit"


def test_a_grant_for_a_project_targets_what_is_submitted_to_it() -> None:
    scope = Scope(project="a-project", from_=START, until=datetime(2026, 7, 1, tzinfo=UTC))
    policy = agreement_of(
        grant_of(PLAIN, ["owner"], scope=scope, ends=datetime(2027, 1, 1, tzinfo=UTC)), STATEMENT, PUBLISHER
    )

    assert policy["permission"][0]["target"] == ["urn:consent-ledger:project:a-project:media"]
    [hint] = from_odrl(json.loads(json.dumps(policy))).hints
    assert hint.ends == datetime(2027, 1, 1, tzinfo=UTC)


def test_terms_without_derivatives_come_back_without_a_hint_that_holds() -> None:
    terms = msgspec.structs.replace(PLAIN, derivatives="none")

    assert EVERYTHING in from_odrl(agreed(terms, ["owner"])).prohibitions
    assert from_dpv(to_dpv(terms, ["owner"])).hints == ()


def test_terms_that_say_nothing_have_no_policy() -> None:
    terms = msgspec.structs.replace(PLAIN, permissions=[], prohibitions=[])

    with pytest.raises(RefusedError, match="at least one rule"):
        agreement_of(grant_of(terms, ["owner"]), STATEMENT, PUBLISHER)


@pytest.mark.parametrize("folder", sorted(template_root().glob("*/1.0")), ids=lambda folder: folder.parent.name)
def test_every_shipped_template_is_an_offer(folder: Any) -> None:
    wordings = {
        kind: {p.name.split(".")[1]: p.read_bytes() for p in folder.glob(f"{kind}.*.md")}
        for kind in ("text", "summary")
    }
    files = parse_template((folder / "template.toml").read_bytes(), wordings["text"], wordings["summary"])
    template = files.document(PUBLISHER, dict.fromkeys(files.placeholders, PARTIES[1]))

    offer = offer_of(template)

    assert offer["@type"] == "Offer"
    assert len(offer.get("permission", [])) == len([r for r in template.rules if r.permission is not UNSET])
    from_odrl(offer)


def rule(**parts: Any) -> dict[str, Any]:
    return {"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "uid": "http://example.com/p", **parts}


def limit(operand: str, operator: str, value: Any) -> dict[str, Any]:
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


INDEXING = {"activities": ["index"]}


def limited(operand: str, operator: str, value: Any) -> dict[str, Any]:
    return {"action": "index", "constraint": [limit(operand, operator, value)]}


def refined(action: str) -> dict[str, Any]:
    return {"action": {"rdf:value": {"@id": action}, "refinement": [limit("resolution", "lteq", "300")]}}


@pytest.mark.parametrize(
    ("written", "forbidden"),
    [
        ({"action": "index"}, {"activities": ["index"]}),
        ({"action": "odrl:index"}, {"activities": ["index"]}),
        ({"action": {"@id": "http://www.w3.org/ns/odrl/2/index"}}, {"activities": ["index"]}),
        ({"action": ["index", "display"]}, {"activities": ["index", "display"]}),
        ({"action": ["index", "dance"]}, {}),
        ({"action": "use"}, {}),
        ({"action": "derive"}, {}),
        ({}, {}),
        ({"action": "cc:CommercialUse"}, {"contexts": ["commercial"]}),
        ({"action": "distribute"}, {"min_audience": "recipient"}),
        ({"action": "ai-training"}, {"activities": ["train"]}),
        ({"action": "data-mining"}, {}),
        (refined("odrl:index"), INDEXING),
        (limited("purpose", "isAnyOf", "dpv:CommercialPurpose"), INDEXING | {"contexts": ["commercial"]}),
        (limited("purpose", "isNoneOf", "dpv:CommercialPurpose"), INDEXING),
        (limited("purpose", "eq", "dpv:CounterTerrorism"), INDEXING),
        (limited("spatial", "eq", "NL"), INDEXING | {"territories": ["NL"]}),
        (limited("spatial", "eq", "http://example.com/nl"), INDEXING),
        (limited("dateTime", "lt", "2020-01-01T00:00:00Z"), INDEXING),
        ({"action": "index", "constraint": {"or": [limit("spatial", "eq", "NL")]}}, INDEXING),
        ({"action": "index", "assignee": "http://example.com/somebody"}, {"activities": ["index"]}),
        ({"action": "index", "remedy": [{"action": "delete"}]}, {"activities": ["index"]}),
    ],
)  # fmt: skip
def test_a_foreign_prohibition_is_read_wide(written: dict[str, Any], forbidden: dict[str, Any]) -> None:
    assert from_odrl(rule(prohibition=[written])).prohibitions == (prohibition(**forbidden),)


@pytest.mark.parametrize("written", ["http://example.com/elsewhere", {"@id": "_:b0"}, None, 7])
def test_a_prohibition_that_is_elsewhere_forbids_everything(written: Any) -> None:
    assert from_odrl(rule(prohibition=written)).prohibitions == (EVERYTHING,)


@pytest.mark.parametrize("action", ["index", "odrl:index", ["index", "display"], "gen-ai", "data-mining"])
def test_a_plain_foreign_permission_is_a_hint_of_the_least(action: Any) -> None:
    [hint] = from_odrl(rule(permission=[{"target": "http://example.com/asset", "action": action}])).hints

    assert (hint.capacity, hint.aims, hint.contexts, hint.max_audience) == (
        "owner",
        ["general"],
        ["noncommercial"],
        "internal",
    )


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"action": "use"},
        {"action": "annotate"},
        {"action": "cc:CommercialUse"},
        {"action": ["index", "dance"]},
        {"action": "index", "duty": [{"action": "compensate"}]},
        {"action": "index", "duty": {"action": "inform"}},
        {"action": "index", "constraint": [limit("count", "lteq", "10")]},
        {"action": "index", "constraint": [limit("purpose", "isAnyOf", "eu-aiact:EmotionRecognition")]},
        {"action": "index", "constraint": [limit("spatial", "eq", "NL"), limit("spatial", "eq", "DE")]},
        {"action": "index", "constraint": "http://example.com/constraint"},
        {"action": "index", "assignee": "http://example.com/somebody"},
        {"action": "index", "target": {"@type": "AssetCollection", "refinement": []}},
        {"action": {"rdf:value": {"@id": "odrl:index"}, "refinement": []}},
        {"action": "index", "http://example.com/only": "on Sundays"},
        {"action": "urn:consent-ledger:terms:1:promote"},
        "http://example.com/permission",
    ],
)
def test_a_foreign_permission_with_limits_that_are_not_understood_is_no_hint(written: Any) -> None:
    signal = from_odrl(rule(permission=[written]))

    assert signal.hints == ()
    assert len(signal.lost) == 1


@pytest.mark.parametrize("shared", [{"constraint": [limit("count", "lteq", "1")]}, {"duty": []}, {"action": "play"}])
def test_what_rules_share_limits_them_all(shared: dict[str, Any]) -> None:
    assert from_odrl(rule(permission=[{"action": "index"}], **shared)).hints == ()


def test_a_foreign_obligation_undoes_the_permissions() -> None:
    policy = rule(permission=[{"action": "index"}], obligation=[{"action": "delete"}])

    assert from_odrl(policy).hints == ()


def test_what_is_inherited_may_forbid_anything() -> None:
    signal = from_odrl(rule(permission=[{"action": "index"}], inheritFrom="http://example.com/parent"))

    assert (signal.prohibitions, signal.hints) == ((EVERYTHING,), ())


def test_a_conflict_term_of_another_does_not_lift_a_prohibition() -> None:
    signal = from_odrl(rule(conflict="perm", permission=[{"action": "index"}], prohibition=[{"action": "index"}]))

    assert signal.prohibitions == (prohibition(activities=["index"]),)


def test_a_policy_of_the_tdm_reservation_protocol_is_read() -> None:
    policy = rule(
        prohibition=[{"action": "tdm:mine", "constraint": [limit("purpose", "eq", "tdm:research")]}],
        permission=[{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}],
    )

    assert from_odrl(policy).prohibitions == (prohibition(activities=["analyze"], contexts=["noncommercial.academic"]),)


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"@type": "Offer"},
        {"@context": {"verbod": "http://www.w3.org/ns/odrl/2/prohibition"}, "permission": [{"action": "index"}]},
        {"@context": {"@vocab": "http://www.w3.org/ns/odrl/2/"}, "permission": [{"action": "index"}]},
    ],
)
def test_what_might_hide_a_prohibition_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        from_odrl(policy)


DPV_CONTEXT = {"dpv": "https://w3id.org/dpv#", "ai": "https://w3id.org/dpv/ai#"}


@pytest.mark.parametrize(
    ("written", "forbidden"),
    [
        ({"dpv:hasProcessing": "ai:ModelTraining"}, {"activities": ["train"]}),
        ({"dpv:hasProcessing": {"@id": "dpv:Share"}}, {"min_audience": "recipient"}),
        ({"dpv:hasPurpose": "dpv:Purpose"}, {}),
        ({"dpv:hasPurpose": "ai:PatternRecognition"}, {}),
        ({"dpv:hasPurpose": "ai:EmotionRecognition"}, {"aims": ["emotion"]}),
        ({"dpv:hasPurpose": ["ai:EmotionRecognition", "dpv:CommercialPurpose"]}, {}),
        ({"dpv:hasProcessing": "ai:ModelTraining", "dpv:hasDuration": "P1Y"}, {"activities": ["train"]}),
        ("http://example.com/rule", {}),
    ],
)
def test_a_dpv_prohibition_is_read_wide(written: Any, forbidden: dict[str, Any]) -> None:
    signal = from_dpv({"@context": DPV_CONTEXT, "dpv:hasProhibition": [written]})

    assert signal.prohibitions == (prohibition(**forbidden),)


@pytest.mark.parametrize(
    ("written", "activities"),
    [
        ({"dpv:hasProcessing": "dpv:Display"}, ["display"]),
        ({"dpv:hasProcessing": "dpv:Analyse"}, None),
        ({"dpv:hasProcessing": "dpv:Display", "dpv:hasDuration": "P1Y"}, None),
        ({"dpv:hasPurpose": "dpv:CommercialPurpose"}, None),
        ({"dpv:hasProcessing": "dpv:Display", "dpv:hasRecipient": "http://example.com/lab"}, None),
        ("http://example.com/rule", None),
    ],
)
def test_a_dpv_permission_is_read_narrow(written: Any, activities: list[str] | None) -> None:
    hints = from_dpv({"@context": DPV_CONTEXT, "dpv:hasPermission": [written]}).hints

    assert [h.activities for h in hints] == ([] if activities is None else [activities])


def test_a_dpv_node_without_rules_is_refused() -> None:
    with pytest.raises(MalformedError, match="hasPermission"):
        from_dpv({"@context": DPV_CONTEXT, "dpv:hasPurpose": "dpv:Purpose"})


def test_an_exact_term_of_dpv_is_used_and_another_is_matched() -> None:
    [permission] = to_dpv(PLAIN, ["owner"])["dpv:hasPermission"]

    assert permission["dpv:hasProcessing"][0] == {"@id": "https://w3id.org/dpv/ai#ModelTraining"}
    assert permission["dpv:hasPurpose"] == [
        {"@id": "urn:consent-ledger:terms:1:general", "skos:closeMatch": [{"@id": "https://w3id.org/dpv#Purpose"}]}
    ]


def test_a_use_that_the_agreement_names_is_permitted_back() -> None:
    use = compile_use(["train.generative"], ["detect_synthetic"], "commercial", "internal", ["NL"], None, PARTIES[1])

    assert permits_back(from_odrl(agreed(PLAIN, ["owner"])), use)
    assert permits_back(from_dpv(to_dpv(PLAIN, ["owner"])), use)

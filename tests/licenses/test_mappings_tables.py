"""The tables of the mappings: they are the taxonomy's, and every one of its mappings is heard when it forbids."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.licenses.mappings import (
    aipref,
    cawg,
    concepts,
    dpv_terms,
    dta,
    duo,
    odrl_terms,
    plus,
    spdx3,
    tdmrep,
)
from consent_ledger.licenses.mappings.odrl_import import from_odrl
from consent_ledger.licenses.mappings.relations import STARRED
from consent_ledger.licenses.masks import compile_prohibition
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, Audience

LICENSES = Path(cawg.__file__).parents[1]
TAXONOMY = json.loads((LICENSES / "taxonomy.json").read_text())["facets"]
TABLES = {
    ("activity", "dpv"): dpv_terms.ACTIVITIES,
    ("aim", "dpv"): dpv_terms.AIMS,
    ("context", "dpv"): dpv_terms.CONTEXTS,
    ("audience", "dpv"): dpv_terms.AUDIENCES,
    ("activity", "odrl"): odrl_terms.ACTIVITIES,
    ("context", "odrl"): odrl_terms.CONTEXTS,
    ("audience", "odrl"): odrl_terms.AUDIENCES,
    ("activity", "odrl_ai_draft"): odrl_terms.AI_DRAFT,
    ("activity", "cawg"): cawg.TERMS,
    ("activity", "tdmrep"): tdmrep.ACTIVITIES,
    ("context", "tdmrep"): tdmrep.CONTEXTS,
    ("activity", "plus"): plus.TERMS,
    ("activity", "dta"): dta.ACTIVITIES,
    ("context", "duo"): duo.CONTEXTS,
    ("audience", "duo"): duo.AUDIENCES,
    ("audience", "spdx3"): spdx3.AUDIENCES,
}
LISTED = {line for line in (LICENSES / "mappings" / "dpv-2.3.txt").read_text().splitlines() if not line.startswith("#")}
FACETS = {"activity": "activities", "aim": "aims", "context": "contexts"}


def taxonomy(facet: str, vocabulary: str) -> dict[str, Any]:
    return {term["id"]: term["maps"][vocabulary] for term in TAXONOMY[facet] if vocabulary in term["maps"]}


def _linked() -> Iterator[tuple[str, str, str, str]]:
    for facet, terms in TAXONOMY.items():
        for term in terms:
            for vocabulary in ("dpv", "odrl", "odrl_ai_draft", "tdmrep"):
                for iri, relation in term["maps"].get(vocabulary, []):
                    yield facet, term["id"], iri, relation


LINKED = list(_linked())


def test_every_mapping_of_the_taxonomy_has_a_table() -> None:
    kinds = {(facet, name) for facet, terms in TAXONOMY.items() for term in terms for name in term["maps"]}

    assert kinds == {*TABLES, ("activity", "aipref")}


@pytest.mark.parametrize(("facet", "vocabulary"), TABLES)
def test_a_table_is_what_the_taxonomy_says(facet: str, vocabulary: str) -> None:
    table = {term: [list(match) for match in matches] for term, matches in TABLES[facet, vocabulary].items()}

    assert table == taxonomy(facet, vocabulary)


def test_the_labels_of_aipref_are_those_of_the_taxonomy_for_every_draft() -> None:
    assert {term: dict(labels) for term, labels in aipref.TERMS.items()} == taxonomy("activity", "aipref")


def test_every_dpv_address_is_in_the_list_of_those_that_exist() -> None:
    tables = (table for (_, name), table in TABLES.items() if name == "dpv")
    named = {iri for table in tables for matches in table.values() for iri, _ in matches}

    assert named | set(dpv_terms.STRUCTURE) == LISTED


@pytest.mark.parametrize(("facet", "term", "iri", "relation"), LINKED)
def test_a_foreign_term_that_is_forbidden_forbids_ours_and_all_below_it(
    facet: str, term: str, iri: str, relation: str
) -> None:
    as_action = {"prohibition": [{"action": iri}]}
    as_purpose = {
        "prohibition": [
            {
                "action": "use",
                "constraint": [{"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": {"@id": iri}}],
            }
        ]
    }
    for policy in (as_action, as_purpose):
        [prohibition] = from_odrl(policy).prohibitions
        compiled = compile_prohibition(prohibition)
        if facet == "audience":
            assert compiled.min_audience <= Audience[term]
        else:
            tree = {"activity": ACTIVITY, "aim": AIM, "context": CONTEXT}[facet]
            reached = getattr(compiled, FACETS[facet])
            assert reached & tree.covers([term]) == tree.covers([term])
        if relation == "broad" and facet in ("activity", "aim") and "ModelTraining" not in iri:
            assert getattr(compiled, FACETS[facet]) == tree.everything


@pytest.mark.parametrize(("facet", "term", "iri", "relation"), LINKED)
def test_a_foreign_term_that_is_permitted_permits_only_what_lies_within_it(
    facet: str, term: str, iri: str, relation: str
) -> None:
    meaning = concepts.permitted(iri)

    assert meaning is None or not STARRED.intersection(meaning.terms)
    if relation in ("close", "narrow") and meaning is not None:
        assert term not in meaning.terms or facet == "audience"


@pytest.mark.parametrize("facet", TAXONOMY)
def test_a_term_of_ours_has_a_name_that_comes_back(facet: str) -> None:
    for term in TAXONOMY[facet]:
        meaning = concepts.forbidden(concepts.own(term["id"]))

        assert meaning is not None
        assert meaning.terms == (term["id"],)

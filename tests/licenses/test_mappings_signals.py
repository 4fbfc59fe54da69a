"""Signals in files and headers, out and in: what goes out and comes back permits no more, and forbids no less."""

from collections.abc import Callable

import pytest
from hypothesis import given

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings.aipref import from_aipref, to_aipref
from consent_ledger.licenses.mappings.cawg import from_cawg, to_cawg
from consent_ledger.licenses.mappings.dta import from_dta, to_dta
from consent_ledger.licenses.mappings.duo import from_duo, to_duo
from consent_ledger.licenses.mappings.plus import from_plus, to_plus
from consent_ledger.licenses.mappings.signals import (
    EVERYTHING,
    MACHINE,
    OwnerHint,
    Signal,
    combine,
    forbid,
    prohibition,
)
from consent_ledger.licenses.mappings.spdx3 import from_spdx3, to_spdx3
from consent_ledger.licenses.mappings.survey import Cell, Survey, below, cells, standing, use_of
from consent_ledger.licenses.mappings.tdmrep import from_tdmrep, to_tdmrep
from consent_ledger.licenses.masks import compile_prohibition
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.terms import Prohibition
from consent_ledger.licenses.vocabulary import Audience
from tests.licenses.foreign import CELLS, DECISION, SURVEYS, cell_use, forbids, reaches

ROUND_TRIPS: dict[str, Callable[[Survey], Signal]] = {
    "cawg": lambda survey: from_cawg(to_cawg(survey)),
    "aipref": lambda survey: from_aipref(to_aipref(survey)),
    "tdmrep": lambda survey: from_tdmrep(to_tdmrep(survey)),
    "plus": lambda survey: from_plus(to_plus(survey)["plus:DataMining"]),
    "duo": lambda survey: from_duo(to_duo(survey)),
    "dta": lambda survey: from_dta(to_dta(survey)),
}
OBO = "http://purl.obolibrary.org/obo/"
REACH = {
    "cawg": ["analyze", "infer", "train.discriminative", "train.generative"],
    "aipref": ["train.generative", "index"],
    "tdmrep": list(MACHINE),
    "plus": list(MACHINE),
}
"""What each vocabulary has to say something of, and has words to forbid."""


def everything_allowed(shows_nobody: bool = False) -> Survey:
    return Survey(dict.fromkeys(CELLS, Verdict.allow), shows_nobody, DECISION)


def all_but(*activities: str) -> Survey:
    denied = set(below(activities))
    return Survey({c: Verdict.deny if c.activity in denied else Verdict.allow for c in CELLS}, False, DECISION)


@pytest.mark.parametrize("name", ROUND_TRIPS)
@given(survey=SURVEYS)
def test_what_comes_back_permits_no_more_than_what_went_out(name: str, survey: Survey) -> None:
    signal = ROUND_TRIPS[name](survey)

    assert [c for c in CELLS if reaches(signal, c) and survey.verdicts[c] is not Verdict.allow] == []


@pytest.mark.parametrize("name", REACH)
@given(survey=SURVEYS)
def test_what_is_not_allowed_to_everybody_comes_back_forbidden_to_all(name: str, survey: Survey) -> None:
    signal = ROUND_TRIPS[name](survey)

    for activity in REACH[name]:
        if standing(survey, activity) != "allowed":
            asked = [c for c in CELLS if c.activity == activity]
            assert [c for c in asked if not forbids(signal.prohibitions, cell_use(c))] == []


@given(survey=SURVEYS)
def test_the_four_entries_of_cawg_are_always_written(survey: Survey) -> None:
    entries = to_cawg(survey)["entries"]

    assert list(entries) == ["cawg.data_mining", "cawg.ai_inference", "cawg.ai_training", "cawg.ai_generative_training"]
    for label, activity in zip(entries, REACH["cawg"], strict=True):
        wanted = {"allowed": "allowed", "partly": "constrained", "denied": "notAllowed", "undetermined": "notAllowed"}
        assert entries[label]["use"] == wanted[standing(survey, activity)]
        assert entries[label].get("constraint_info") == (DECISION if entries[label]["use"] == "constrained" else None)


def test_an_empty_survey_allows_nothing() -> None:
    survey = Survey({}, True, DECISION)

    assert {e["use"] for e in to_cawg(survey)["entries"].values()} == {"notAllowed"}
    assert to_aipref(survey) == "search=n, train-ai=n"
    assert to_tdmrep(survey) == {"tdm-reservation": 1, "tdm-policy": DECISION}
    assert to_plus(survey) == {"plus:DataMining": "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"}
    assert (to_duo(survey), to_dta(survey)) == ((), ())


def test_a_survey_that_allows_everything_says_so() -> None:
    survey = everything_allowed()

    assert {e["use"] for e in to_cawg(survey)["entries"].values()} == {"allowed"}
    assert to_aipref(survey) == "search=y, train-ai=y"
    assert to_tdmrep(survey) == {"tdm-reservation": 0}
    assert to_plus(survey) == {"plus:DataMining": "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"}
    assert to_duo(survey) == ("DUO:0000004",)
    assert to_dta(survey) == ("ai-pre-training", "ai-evaluation")


@pytest.mark.parametrize("name", ["cawg", "aipref", "plus", "duo", "dta"])
def test_what_is_allowed_to_everybody_comes_back_as_a_hint(name: str) -> None:
    signal = ROUND_TRIPS[name](everything_allowed())

    assert signal.hints
    assert signal.prohibitions == ()


@pytest.mark.parametrize(
    ("survey", "code"),
    [
        (all_but("train.generative"), "DMI-PROHIBITED-GENAIMLTRAINING"),
        (all_but("train.discriminative"), "DMI-PROHIBITED-AIMLTRAINING"),
        (all_but("train"), "DMI-PROHIBITED-AIMLTRAINING"),
        (all_but("annotate", "analyze", "train", "evaluate", "infer"), "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"),
        (all_but("evaluate"), "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"),
        (all_but("index", "evaluate"), "DMI-PROHIBITED-SEECONSTRAINT"),
        (all_but("promote"), "DMI-ALLOWED"),
    ],
)
def test_plus_writes_the_mildest_code_that_is_true(survey: Survey, code: str) -> None:
    assert to_plus(survey)["plus:DataMining"].endswith("/" + code)


def test_an_aim_about_a_person_does_not_arise_where_nobody_is_shown() -> None:
    verdicts = {c: Verdict.allow if c.aim in ("general", "detect_synthetic") else Verdict.deny for c in CELLS}

    assert standing(Survey(verdicts, True, DECISION), "train") == "allowed"
    assert standing(Survey(verdicts, False, DECISION), "train") == "partly"


@pytest.mark.parametrize(
    ("contexts", "audiences", "codes"),
    [
        (["noncommercial", "noncommercial.academic", "commercial"], 3, ("DUO:0000042",)),
        (["noncommercial", "noncommercial.academic"], 3, ("DUO:0000042", "DUO:0000046")),
        (["noncommercial.academic"], 3, ("DUO:0000042", "DUO:0000018")),
        (["noncommercial.academic"], 2, ("DUO:0000042", "DUO:0000018", "DUO:0000026", "DUO:0000028")),
        (["noncommercial.academic"], 1, ()),
    ],
)
def test_duo_writes_research_with_what_limits_it(contexts: list[str], audiences: int, codes: tuple[str, ...]) -> None:
    rungs = list(Audience.__members__)[:audiences]
    allowed = set(cells(contexts=contexts, audiences=rungs))
    survey = Survey({c: Verdict.allow if c in allowed else Verdict.deny for c in CELLS}, False, DECISION)

    assert to_duo(survey) == codes


@pytest.mark.parametrize(
    ("entries", "forbidden"),
    [
        ({"cawg.data_mining": {"use": "notAllowed"}}, [forbid("analyze")]),
        ({"c2pa.ai_inference": {"use": "constrained"}}, [forbid("infer")]),
        ({"cawg.ai_generative_training": {"use": "notAllowed"}}, [forbid("train.generative")]),
        ({"cawg.ai_training": {"use": "notAllowed"}}, [forbid("train")]),
        (
            {"cawg.ai_training": {"use": "notAllowed"}, "cawg.ai_generative_training": {"use": "allowed"}},
            [forbid("train.discriminative")],
        ),
        ({"cawg.data_mining": {"use": "perhaps"}}, [forbid("analyze")]),
        ({"cawg.data_mining": "allowed"}, [forbid("analyze")]),
        ({"org.example.dance": {"use": "notAllowed"}}, [EVERYTHING]),
        ({"org.example.dance": {"use": "allowed"}}, []),
        ({}, []),
    ],
)
def test_cawg_is_read_wide(entries: dict[str, object], forbidden: list[Prohibition]) -> None:
    assert list(from_cawg({"entries": entries}).prohibitions) == forbidden


@pytest.mark.parametrize("assertion", [{}, {"entries": []}, {"entries": None}])
def test_what_has_no_entries_is_no_assertion(assertion: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match="entries"):
        from_cawg(assertion)


@pytest.mark.parametrize(
    ("value", "forbidden", "hinted"),
    [
        ("train-ai=n", ["train"], []),
        ("train-ai=y", [], ["train.generative"]),
        ("train-ai=y, search=n", ["index"], ["train.generative"]),
        ("search=y", [], []),
        ('train-ai=n;why="no", search=y', ["train"], []),
        ("train-ai=n, train-ai=y", ["train"], []),
        ("train-ai=y, train-ai=n", ["train"], []),
        ("train-ai", [], []),
        ("train-ai=?1", [], []),
        ('train-ai="y"', [], []),
        ("train-ai=(y n), search=n", ["index"], []),
        ("Train-AI=y", [], []),
        ("tdm=n", list(MACHINE), []),
        ("newly-invented=n", list(MACHINE), []),
        ("train-ai=y,", [], []),
        ("train-ai=nn", [], []),
        ("", [], []),
    ],
)
def test_preferences_are_read(value: str, forbidden: list[str], hinted: list[str]) -> None:
    signal = from_aipref(value)

    assert [a for p in signal.prohibitions for a in p.activities or ()] == forbidden
    assert [a for h in signal.hints for a in h.activities] == hinted


@pytest.mark.parametrize("value", [1, "1", True, False, 2, None, "yes"])
def test_a_reservation_is_anything_but_zero(value: object) -> None:
    assert from_tdmrep({"tdm-reservation": value}).prohibitions == (forbid(*MACHINE),)


@pytest.mark.parametrize("properties", [{}, {"tdm-reservation": 0}, {"tdm-reservation": "0"}, {"tdm-policy": DECISION}])
def test_what_is_not_reserved_is_not_permitted_by_that(properties: dict[str, object]) -> None:
    signal = from_tdmrep(properties)

    assert (signal.prohibitions, signal.hints) == ((), ())


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("DMI-PROHIBITED", list(MACHINE)),
        ("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING", ["train"]),
        ("DMI-PROHIBITED-GENAIMLTRAINING", ["train.generative"]),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", [a for a in MACHINE if a != "index"]),
        ("DMI-PROHIBITED-SEECONSTRAINT", list(MACHINE)),
        ("DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", list(MACHINE)),
        ("DMI-PROHIBITED-SEELINKEDRIGHTSEXPR", list(MACHINE)),
        ("DMI-PROHIBITED-OFTOMORROW", list(MACHINE)),
    ],
)
def test_codes_of_plus_are_read_wide(code: str, forbidden: list[str]) -> None:
    [found] = from_plus(code).prohibitions

    assert found.activities == forbidden


def test_an_unspecified_code_says_nothing_and_another_word_is_no_code() -> None:
    assert from_plus("DMI-UNSPECIFIED") == Signal()
    with pytest.raises(MalformedError, match="DMI-"):
        from_plus("allowed")


@pytest.mark.parametrize(
    ("codes", "forbidden", "contexts"),
    [
        (["DUO:0000042"], [], [["noncommercial.academic"]]),
        (["DUO_0000042", OBO + "DUO_0000046"], [{"contexts": ["commercial"]}], [["noncommercial.academic"]]),
        (["DUO:0000004"], [], [["noncommercial"]]),
        (["DUO:0000042", "DUO:0000026"], [{"min_audience": "gated"}], []),
        (["DUO:0000042", "DUO:0000021"], [], []),
        (["DUO:0000042", "DUO:0000015"], [{"activities": ["analyze", "train", "evaluate"]}], []),
        (["DUO:0000007"], [{}], []),
        (["DUO:0000042", "DUO:0000022"], [{}], []),
        (["DUO:0000042", "DUO:0000044"], [{}], []),
        (["DUO:9999999"], [{}], []),
    ],
)  # fmt: skip
def test_codes_of_duo_are_read(codes: list[str], forbidden: list[dict[str, object]], contexts: list[list[str]]) -> None:
    signal = from_duo(codes)

    assert list(signal.prohibitions) == [prohibition(**facets) for facets in forbidden]
    assert [h.contexts for h in signal.hints] == contexts


@pytest.mark.parametrize("audience", Audience.__members__)
def test_availability_comes_back_as_a_bound_on_the_audience(audience: str) -> None:
    signal = from_spdx3(to_spdx3(audience))
    wider = [rung for rung in Audience if rung > Audience[audience]]

    assert signal.hints == ()
    for rung in wider:
        assert any(compile_prohibition(p).min_audience <= rung for p in signal.prohibitions)
    assert all(compile_prohibition(p).min_audience > Audience[audience] for p in signal.prohibitions)


def test_an_unknown_level_keeps_the_data_in_the_house() -> None:
    assert from_spdx3({"confidentialityLevel": "ultraviolet"}).prohibitions == (Prohibition(min_audience="recipient"),)
    assert from_spdx3({"datasetAvailability": "query"}).prohibitions == (Prohibition(min_audience="recipient"),)


@pytest.mark.parametrize("term", ["likeness", "emotion", "biometric.identify"])
def test_no_hint_reaches_what_is_for_the_person_shown_to_permit(term: str) -> None:
    with pytest.raises(ValueError, match="person shown"):
        OwnerHint(source="a test", activities=["train"], aims=[term])  # type: ignore[list-item]


def test_several_signals_forbid_what_any_of_them_forbids() -> None:
    signal = combine([from_aipref("train-ai=y"), from_plus("DMI-PROHIBITED-GENAIMLTRAINING")])

    assert forbids(signal.prohibitions, use_of(Cell("train.generative", "general", "noncommercial", "internal")))
    assert len(signal.hints) == 1

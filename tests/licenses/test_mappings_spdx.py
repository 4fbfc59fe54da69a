"""What public licences express, and what an expression of them is read as."""

import pytest
from license_expression import get_spdx_licensing

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.lint.licences import PUBLIC_LICENCES
from consent_ledger.licenses.mappings.signals import EVERYTHING
from consent_ledger.licenses.mappings.spdx_expressions import from_spdx, licences_of, to_spdx
from consent_ledger.licenses.spdx import LICENCES, expresses_noncommercial
from consent_ledger.licenses.terms import Permission, Prohibition

NOT_COMMERCIAL = Prohibition(contexts=["commercial"])


def permission(*licences: str) -> Permission:
    return Permission(
        rule="open",
        activities=["train"],
        aims=["general"],
        contexts=["commercial"],
        max_audience="open",
        territories=["WORLD"],
        licences=list(licences),
        explicit=False,
    )


def test_every_licence_of_the_table_is_an_spdx_identifier() -> None:
    known = get_spdx_licensing().known_symbols

    assert [licence for licence in LICENCES if licence not in known] == []


def test_every_creative_commons_licence_of_spdx_is_in_the_table() -> None:
    known = [
        k for k in get_spdx_licensing().known_symbols if k.startswith(("CC-BY-", "CC0-", "CDLA-", "ODC-By", "ODbL"))
    ]

    assert [licence for licence in known if licence not in LICENCES] == []


def test_every_licence_that_the_lint_accepts_is_in_the_table() -> None:
    assert LICENCES.keys() >= PUBLIC_LICENCES


@pytest.mark.parametrize("licence", LICENCES)
def test_the_name_of_a_creative_commons_licence_tells_what_it_expresses(licence: str) -> None:
    if not licence.startswith("CC-BY"):
        return
    parts = licence.split("-")
    words = {"NC": "not_commercial", "ND": "no_derivatives", "SA": "share_alike"}

    assert LICENCES[licence] == {words[part] for part in parts if part in words}


@pytest.mark.parametrize(
    ("licence", "expressed"),
    [
        ("CC-BY-4.0", set()),
        ("CC0-1.0", set()),
        ("PDDL-1.0", set()),
        ("ODC-By-1.0", set()),
        ("CDLA-Permissive-1.0", set()),
        ("CDLA-Permissive-2.0", set()),
        ("O-UDA-1.0", set()),
        ("MIT", set()),
        ("Apache-2.0", set()),
        ("CC-BY-SA-4.0", {"share_alike"}),
        ("ODbL-1.0", {"share_alike"}),
        ("CDLA-Sharing-1.0", {"share_alike"}),
        ("CC-BY-ND-4.0", {"no_derivatives"}),
        ("CC-BY-NC-4.0", {"not_commercial"}),
        ("CC-BY-NC-SA-3.0", {"not_commercial", "share_alike"}),
        ("CC-BY-NC-ND-2.5", {"not_commercial", "no_derivatives"}),
        ("C-UDA-1.0", {"computational_use"}),
    ],
)
def test_a_licence_expresses(licence: str, expressed: set[str]) -> None:
    assert LICENCES[licence] == expressed
    assert expresses_noncommercial(licence) == ("not_commercial" in expressed)


@pytest.mark.parametrize("licence", ["LicenseRef-ours", "CC-BY-NC-5.0", "", "cc-by-nc-4.0"])
def test_a_licence_that_is_not_in_the_table_expresses_nothing(licence: str) -> None:
    assert not expresses_noncommercial(licence)


@pytest.mark.parametrize(
    ("expression", "licences"),
    [
        ("CC-BY-4.0", ["CC-BY-4.0"]),
        ("cc-by-4.0", ["CC-BY-4.0"]),
        ("MIT OR (CC-BY-NC-4.0 AND ODbL-1.0)", ["MIT", "CC-BY-NC-4.0", "ODbL-1.0"]),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", ["GPL-2.0-or-later"]),
        ("LicenseRef-ours", ["LicenseRef-ours"]),
    ],
)
def test_an_expression_names_licences(expression: str, licences: list[str]) -> None:
    assert sorted(licences_of(expression)) == sorted(licences)


@pytest.mark.parametrize("expression", ["", " ", "MIT AND", "(MIT", "MIT OR OR ISC", "a licence of my own"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(MalformedError):
        from_spdx(expression)


@pytest.mark.parametrize(
    ("expression", "forbidden", "contexts"),
    [
        ("CC-BY-4.0", [], ["noncommercial", "commercial"]),
        ("CC-BY-NC-4.0", [NOT_COMMERCIAL], ["noncommercial"]),
        ("MIT OR CC-BY-NC-4.0", [NOT_COMMERCIAL], ["noncommercial"]),
        ("MIT AND CC-BY-NC-SA-4.0", [NOT_COMMERCIAL], ["noncommercial"]),
        ("C-UDA-1.0", [Prohibition(activities=["display", "promote"])], ["noncommercial", "commercial"]),
    ],
)
def test_an_expression_is_read(expression: str, forbidden: list[Prohibition], contexts: list[str]) -> None:
    signal = from_spdx(expression)

    assert list(signal.prohibitions) == forbidden
    [hint] = signal.hints
    assert (hint.capacity, hint.aims, hint.contexts) == ("owner", ["general"], contexts)


def test_no_derivatives_is_no_hint_for_training() -> None:
    [hint] = from_spdx("CC-BY-ND-4.0").hints

    assert not {"train", "annotate", "infer"} & set(hint.activities)


def test_what_a_licence_says_of_changed_copies_is_told() -> None:
    assert len(from_spdx("CC-BY-SA-4.0").lost) == len(from_spdx("CC-BY-ND-4.0").lost) == 1


def test_an_unknown_licence_may_forbid_anything() -> None:
    signal = from_spdx("MIT OR LicenseRef-ours")

    assert EVERYTHING in signal.prohibitions
    assert signal.hints == ()


def test_licences_that_every_permission_names_make_an_expression() -> None:
    assert to_spdx([permission("CC-BY-4.0", "CC0-1.0"), permission("CC0-1.0", "CC-BY-4.0")]) == "CC-BY-4.0 OR CC0-1.0"
    assert to_spdx([permission("CC-BY-4.0"), permission("CC0-1.0")]) is None
    assert to_spdx([]) is None


@pytest.mark.parametrize("licence", [licence for licence in LICENCES if licence.startswith(("CC", "CDLA", "OD"))])
def test_an_expression_goes_out_and_comes_back_under_the_same_licence(licence: str) -> None:
    expression = to_spdx([permission(licence)])

    assert expression is not None
    assert [h.licences for h in from_spdx(expression).hints] == [[licence]]

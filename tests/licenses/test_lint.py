"""The lint of templates: what each rule refuses, and that it speaks to people."""

import pytest

from consent_ledger.licenses.lint import lint_template
from consent_ledger.licenses.templates import TemplateFiles
from consent_ledger.resources import template_root
from consent_ledger.template_files import list_templates, read_template
from tests.licenses.sample_template import sample

FOLDERS = list_templates(template_root())
IDENTIFY = """
[[rules]]
id = "identify"
optional = true
[rules.permission]
activities = ["infer"]
aims = ["biometric.identify"]
contexts = ["commercial"]
max_audience = "internal"
territories = ["NL"]
explicit = true
"""
FORBID = """
[[rules]]
id = "not_generative"
optional = false
[rules.prohibition]
activities = ["train.generative"]
"""
NOT_COMMERCIAL = FORBID.replace('activities = ["train.generative"]', 'contexts = ["commercial"]')
WORKERS = {'signers = "contributors"': 'signers = "workers"'}
ILLINOIS = {'jurisdictions = ["NL"]': 'jurisdictions = ["NL", "US-IL"]'}
EXPLICIT = {"explicit = false": "explicit = true"}
NO_CLAUSE = {"rule_without_clause", "question_missing"}
"""What a rule that is added to the sample brings along, since the sample's wordings do not speak of it."""


def codes(files: TemplateFiles, *flags: str, severity: str = "error") -> set[str]:
    return {finding.code for finding in lint_template(files, flags) if finding.severity == severity}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_shipped_template_is_a_sample_without_errors_or_warnings(folder) -> None:
    findings = lint_template(read_template(folder), ["public_body_involved"])

    assert {f.severity for f in findings} == {"note"}
    assert "sample" in {f.code for f in findings}


def test_the_small_sample_is_clean() -> None:
    assert lint_template(sample()) == []


@pytest.mark.parametrize(
    ("toml", "more", "expected"),
    [
        ({'consent = "any_time"': 'consent = "not_revocable"'}, "", {"consent_not_revocable"}),
        ({'consent = "any_time"': 'consent = "none"'}, "", {"consent_not_revocable"}),
        (EXPLICIT | {'["general"]': '["likeness"]'}, "", set()),
        ({'["general"]': '["likeness"]'}, "", {"explicit_use_not_explicit"}),
        (
            EXPLICIT | {'["general"]': '["emotion"]', "optional = true": "optional = false"},
            "",
            {"explicit_use_not_optional", "question_about_nothing"},
        ),
        (EXPLICIT | {'["general"]': '["general", "emotion"]'}, "", {"explicit_use_bundled"}),
        (EXPLICIT | {'["general"]': '["likeness", "emotion"]'}, "", {"explicit_use_bundled"}),
        (EXPLICIT | {'["train"]': '["promote", "train"]'}, "", {"explicit_use_bundled"}),
        (
            EXPLICIT | {'["general"]': '["biometric.identify", "biometric.categorise"]'},
            "",
            set(),
        ),
        ({'licences = ["CC-BY-4.0"]\n': ""}, "", {"open_without_licence"}),
        ({'["CC-BY-4.0"]': "[]"}, "", {"open_without_licence", "permits_nothing"}),
        ({'["CC-BY-4.0"]': '["CC-BY-4"]'}, "", {"licence_unknown"}),
        ({'["WORLD"]': '["NL", "BE"]'}, "", {"open_not_worldwide"}),
        ({}, FORBID, {"licence_cannot_carry_restriction"} | NO_CLAUSE - {"question_missing"}),
        ({'["CC-BY-4.0"]': '["CC-BY-NC-4.0"]'}, FORBID, {"licence_cannot_carry_restriction", "rule_without_clause"}),
        ({'["CC-BY-4.0"]': '["CC-BY-NC-4.0"]'}, NOT_COMMERCIAL, {"rule_without_clause"}),
        ({}, FORBID + 'capacities = ["subject"]', {"rule_without_clause"}),
        ({"[rules.permission]": "[rules.prohibition]\n[rules.permission]"}, "",
         {"rule_ambiguous", "licence_cannot_carry_restriction"}),
        ({"[rules.permission]": '[rules.permission]\ncapacities = ["guardian"]'}, "", {"capacity_unknown"}),
        ({'["train"]': "[]"}, "", {"permits_nothing"}),
        ({}, FORBID.replace("not_generative", "open").replace("false", "true"),
         {"rule_repeated", "licence_cannot_carry_restriction"}),
        ({}, '[[conditions]]\ncondition = "paid"\nrules = ["sell"]', {"condition_without_rule", "rule_without_clause"}),
        ({}, '[overrides]\nconsent_not_revocable = "we_insist"', {"override_unknown"}),
        (ILLINOIS, IDENTIFY, {"biometrics_without_retention_limit"} | NO_CLAUSE),
        ({'["NL"]': '["WORLD"]'}, IDENTIFY, {"biometrics_without_retention_limit"} | NO_CLAUSE),
        (ILLINOIS | {'"while_permitted"': '"years", years = 4'}, IDENTIFY,
         {"biometrics_without_retention_limit"} | NO_CLAUSE),
        (ILLINOIS | {'"while_permitted"': '"years", years = 3'}, IDENTIFY, NO_CLAUSE),
        ({}, IDENTIFY, NO_CLAUSE),
        (ILLINOIS, "", set()),
    ],
)  # fmt: skip
def test_what_machines_read_is_refused_for_one_reason(toml, more, expected) -> None:
    assert codes(sample(toml, more=more)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ({" {#policy-term}": ""}, {"clause_without_rule", "rule_without_clause", "languages_differ"}),
        ({"{#policy-term}": "{#rule-sell}"}, {"clause_without_rule", "rule_without_clause", "languages_differ"}),
        ({"## About rule-open {#rule-open}\n\nIt says.\n": ""}, {"rule_without_clause", "languages_differ"}),
        (
            {"## About notice-copies {#notice-copies}\n\nIt says.\n": ""},
            {"open_without_copies_clause", "languages_differ"},
        ),
        ({"{#policy-term}\n\nIt says.": "{#policy-term}\n"}, {"clause_empty"}),
        ({"{#policy-term}": "{#policy-roles}"}, {"clause_repeated", "rule_without_clause", "languages_differ"}),
        ({"{#policy-term}": "{#policy-roles}", "{#policy-roles}": "{#policy-term}"}, {"languages_differ"}),
    ],
)
def test_a_text_is_refused_where_clauses_and_rules_part(text, expected) -> None:
    assert codes(sample(text=text)) == expected


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ({"## May everyone? {#rule-open}\n\nYes or no.\n": ""}, {"question_missing"}),
        ({"May everyone?": "Everyone may"}, {"question_not_asked"}),
        ({"{#rule-open}": "{#rule-sell}"}, {"question_missing", "question_about_nothing"}),
    ],
)
def test_a_summary_asks_every_optional_rule_and_nothing_else(summary, expected) -> None:
    assert codes(sample(summary=summary)) == expected


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ({"- One line.\n": ""}, {"summary_length"}),
        ({"Yes or no.": "word " * 31 + "end."}, {"sentence_long"}),
        ({"- One line.\n" * 5: ("- " + "word " * 22 + "end.\n") * 5}, {"summary_hard_to_read"}),
    ],
)
def test_a_summary_that_is_hard_to_read_is_warned_of(summary, expected) -> None:
    assert codes(sample(summary=summary), severity="warning") == expected


def test_an_open_release_that_cannot_be_declined_is_warned_of() -> None:
    files = sample(
        {"optional = true": "optional = false"}, summary={"## May everyone? {#rule-open}\n\nYes or no.\n": ""}
    )

    assert (codes(files), codes(files, severity="warning")) == (set(), {"open_not_asked_apart"})


def test_consent_of_workers_is_refused_where_a_public_body_is_involved() -> None:
    assert codes(sample(WORKERS), "public_body_involved") == {"worker_consent"}
    assert codes(sample(WORKERS | {"jurisdictions": 'flags = ["public_body_involved"]\njurisdictions'})) == {
        "worker_consent"
    }
    assert codes(sample(WORKERS), severity="warning") == {"worker_consent_private"}


def test_consent_of_workers_passes_with_a_recorded_override() -> None:
    files = sample(WORKERS, more='[overrides]\nworker_consent = "works_council_agreed"')

    assert codes(files, "public_body_involved") == set()
    assert codes(files, "public_body_involved", severity="note") == {"worker_consent_override"}
    assert files.document("pty_" + "1" * 32).policies["override_worker_consent"] == "works_council_agreed"


def test_another_basis_than_consent_needs_no_override() -> None:
    basis = {'privacy = "consent", portrait = "consent"': 'privacy = "contract", portrait = "none"'}

    assert codes(sample(WORKERS | basis), "public_body_involved") == set()


def test_errors_come_first_and_each_finding_says_what_to_do() -> None:
    findings = lint_template(
        sample({'["WORLD"]': '["NL"]', 'review = "reviewed"': 'review = "sample"'}, summary={"- One line.\n": ""})
    )

    assert [f.severity for f in findings] == ["error", "warning", "warning", "note"]
    assert all(f.where and f.problem.endswith(".") and f.remedy.endswith((".", ").")) for f in findings)


def test_a_message_for_a_lawyer() -> None:
    (finding,) = lint_template(sample({'licences = ["CC-BY-4.0"]\n': ""}))

    assert finding == (
        "error",
        "open_without_licence",
        "template.toml, rule `open`",
        "Everyone may get copies under this rule, but no public licence is named, so nobody could tell what strangers "
        "may do with their copies.",
        'Name the licence by its SPDX identifier, for example `licences = ["CC-BY-4.0"]`.',
    )

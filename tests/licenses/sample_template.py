"""A small template that the lint finds nothing in, to break in one place at a time."""

from collections.abc import Mapping

from consent_ledger.licenses.templates import TemplateFiles, parse_template

TOML = """
id = "sample"
version = "1.0"
review = "reviewed"
signers = "contributors"
jurisdictions = ["NL"]
capacities = ["owner", "subject"]
derivatives = "allowed"
survives_death = true
obligations = []
compensation = "none"
term = { kind = "until_withdrawn" }
revocation = { consent = "any_time", copyright = "revocable" }
effects = { new_use = "stops" }
retention = { kind = "while_permitted" }
legal_basis = { copyright = "licence", privacy = "consent", portrait = "consent" }
roles = { controller = "publisher" }

[[rules]]
id = "open"
optional = true
[rules.permission]
activities = ["train"]
aims = ["general"]
contexts = ["noncommercial", "commercial"]
max_audience = "open"
territories = ["WORLD"]
licences = ["CC-BY-4.0"]
explicit = false
"""
ANCHORS = (
    "rule-open", "notice-copies", "policy-roles", "policy-term", "policy-revocation", "policy-effects",
    "policy-compensation", "policy-retention", "policy-legal_basis",
)  # fmt: skip
TEXT = "# Text\n\nIt begins.\n" + "".join(f"\n## About {anchor} {{#{anchor}}}\n\nIt says.\n" for anchor in ANCHORS)
SUMMARY = "# In short\n\n" + "- One line.\n" * 5 + "\n## May everyone? {#rule-open}\n\nYes or no.\n"


def sample(
    toml: Mapping[str, str] | None = None,
    text: Mapping[str, str] | None = None,
    summary: Mapping[str, str] | None = None,
    more: str = "",
) -> TemplateFiles:
    """Return the sample with replacements: in `template.toml` (and `more` behind it), in the English text (the Dutch
    one has the same clauses and keeps them) and in both summaries."""
    return parse_template(
        (_changed(TOML, toml) + more).encode(),
        {"en": _changed(TEXT, text).encode(), "nl": TEXT.encode()},
        {language: _changed(SUMMARY, summary).encode() for language in ("en", "nl")},
    )


def _changed(source: str, replacements: Mapping[str, str] | None) -> str:
    for before, after in (replacements or {}).items():
        assert before in source
        source = source.replace(before, after, 1)
    return source

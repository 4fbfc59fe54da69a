"""The lint of licence templates (clearance.md, "Templates"): what no template should ask people to sign.

Every message is for a lawyer who has never seen the program: what the template does, why that is a problem, and what
to change. `flags` are those of the project that the template is meant for, such as `public_body_involved`.
"""

from collections.abc import Collection, Iterator

from consent_ledger.licenses.lint.findings import Finding
from consent_ledger.licenses.lint.law import lint_law
from consent_ledger.licenses.lint.rules import lint_rules
from consent_ledger.licenses.lint.wordings import lint_wordings
from consent_ledger.licenses.templates import TemplateFiles

_ORDER = ("error", "warning", "note")


def lint_template(files: TemplateFiles, flags: Collection[str] = ()) -> list[Finding]:
    """Return everything that is wrong with a template, errors first."""
    return sorted(_findings(files, flags), key=lambda finding: _ORDER.index(finding.severity))


def _findings(files: TemplateFiles, flags: Collection[str]) -> Iterator[Finding]:
    yield from lint_law(files.source, {*flags, *files.source.flags})
    yield from lint_rules(files.source)
    yield from lint_wordings(files)
    if files.source.review == "sample":
        yield Finding(
            "note",
            "sample",
            "template.toml",
            "This template is a sample. No lawyer has taken responsibility for it.",
            'Have it reviewed for your case; then set `review = "reviewed"` in your own copy, under an id of your own.',
        )

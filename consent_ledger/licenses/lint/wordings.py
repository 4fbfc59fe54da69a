"""Lint of what people read: every clause makes something, everything made has its clause, in every language alike."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from consent_ledger.licenses.lint.findings import Finding
from consent_ledger.licenses.templates import TemplateFiles, TemplateSource
from consent_ledger.licenses.wording import Block, Wording

COPIES: Final = "notice-copies"
"""The clause that says that copies cannot be recalled."""

NOTICES: Final = frozenset(
    {"notice-media", "notice-people", "notice-copies", "notice-rights", "notice-law", "notice-authority", "notice-work"}
)
"""Clauses that explain and make nothing: which media and people, copies, rights, law, authority to sign, the work."""

_POLICIES: Final = (
    "policy-roles", "policy-term", "policy-revocation", "policy-effects", "policy-compensation", "policy-retention",
    "policy-legal_basis",
)  # fmt: skip
_OPTIONAL_POLICIES: Final = ("policy-derivatives", "policy-copyright", "policy-exclusivity")
_SUMMARY_LINES: Final = range(5, 8)
_LONG_SENTENCE: Final = 30
_MEAN_SENTENCE: Final = 18
"""Words a sentence: what plain-language guides ask of texts at level B1."""

_NAMES: Final = {"en": "English", "nl": "Dutch", "de": "German", "fr": "French"}


def lint_wordings(files: TemplateFiles) -> Iterator[Finding]:
    """Yield what is wrong with the texts and summaries."""
    wanted = wanted_anchors(files.source)
    for language, text in files.texts.items():
        yield from _clauses(text, f"{_language(language)} text", wanted, files.source)
    yield from _same_in_every_language(files)
    for language, summary in files.summaries.items():
        yield from _questions(summary, f"{_language(language)} summary", files.source)
        yield from _plainness(summary, f"{_language(language)} summary")


def wanted_anchors(source: TemplateSource) -> dict[str, str]:
    """Return the anchors that every text must have, and what each one is for, in words."""
    wanted = {f"rule-{rule.id}": f"rule `{rule.id}`" for rule in source.rules}
    wanted |= {f"condition-{c.condition}": f"condition `{c.condition}`" for c in source.conditions}
    wanted |= {f"obligation-{code}": f"obligation `{code}`" for code in source.obligations}
    wanted |= {anchor: f"`[{anchor.removeprefix('policy-')}]` of template.toml" for anchor in _POLICIES}
    if source.revocation.copyright == "irrevocable":
        wanted["policy-copyright"] = 'the licence that cannot be taken back (`copyright = "irrevocable"`)'
    return wanted


def _language(code: str) -> str:
    return _NAMES.get(code, f"`{code}`")


def _clauses(text: Wording, where: str, wanted: dict[str, str], source: TemplateSource) -> Iterator[Finding]:
    known = {*wanted, *NOTICES, *_OPTIONAL_POLICIES}
    for clause in text.clauses:
        at = f'{where}, clause "{clause.heading}"'
        if clause.anchor is None or clause.anchor not in known:
            tied = "is tied to nothing" if clause.anchor is None else f"points to `{clause.anchor}`, which is nothing"
            yield Finding(
                "error", "clause_without_rule", at,
                f"The clause {tied} in the machine-readable part. People would sign it, and no answer of the ledger "
                "would ever take it into account.",
                "Add the rule to template.toml and its name behind the heading, such as `{#rule-train}`; or, for a "
                f"clause that only explains, one of: {', '.join(sorted(NOTICES))}.",
            )  # fmt: skip
        if not clause.blocks:
            yield Finding(
                "error", "clause_empty", at, "The clause has a heading and says nothing.", "Write what it means."
            )
    counts = Counter(clause.anchor for clause in text.clauses if clause.anchor is not None)
    for anchor, count in counts.items():
        if count > 1:
            yield Finding(
                "error", "clause_repeated", where,
                f"{count} clauses claim to be about `{anchor}`, so nobody can tell which one counts.",
                "Make them one clause.",
            )  # fmt: skip
    for anchor, meaning in wanted.items():
        if anchor not in counts:
            yield Finding(
                "error", "rule_without_clause", where,
                f"No clause explains {meaning}. People would agree to something that they were never told.",
                f"Add a clause whose heading ends in `{{#{anchor}}}`.",
            )  # fmt: skip
    if COPIES not in counts and any(r.permission and r.permission.max_audience == "open" for r in source.rules):
        yield Finding(
            "error", "open_without_copies_clause", where,
            "The template lets everyone have copies, and the text does not say that copies cannot be called back once "
            "they are out. Somebody who believes that withdrawing undoes it did not give informed consent.",
            f"Add a clause that says so, with a heading that ends in `{{#{COPIES}}}`.",
        )  # fmt: skip


def _same_in_every_language(files: TemplateFiles) -> Iterator[Finding]:
    (first, reference), *others = files.texts.items()
    wanted = [clause.anchor for clause in reference.clauses]
    for language, text in others:
        anchors = [clause.anchor for clause in text.clauses]
        if anchors == wanted:
            continue
        only = sorted({a for a in {*anchors} ^ {*wanted} if a is not None})
        differs = f"These are in one and not in the other: {', '.join(only)}." if only else "Their order differs."
        yield Finding(
            "error", "languages_differ", f"{_language(first)} and {_language(language)} text",
            f"The two texts do not have the same clauses. {differs} Two people who sign the same template must have "
            "agreed to the same.",
            "Give every language the same clauses in the same order.",
        )  # fmt: skip


def _questions(summary: Wording, where: str, source: TemplateSource) -> Iterator[Finding]:
    asked = {clause.anchor: clause for clause in summary.clauses}
    optional = {f"rule-{rule.id}": rule.id for rule in source.rules if rule.optional}
    for anchor, rule in optional.items():
        clause = asked.get(anchor)
        if clause is None:
            yield Finding(
                "error", "question_missing", where,
                f"Rule `{rule}` is optional, and the summary does not ask about it, so nobody could answer.",
                f"Add the question as a heading that ends in `{{#{anchor}}}`, and below it what yes and no mean.",
            )  # fmt: skip
        elif not clause.heading.endswith("?"):
            yield Finding(
                "error", "question_not_asked", f"{where}, \"{clause.heading}\"",
                "The heading of an optional rule is what people answer with yes or no, and it is not a question.",
                "Word it as a question that ends in a question mark.",
            )  # fmt: skip
    for clause in summary.clauses:
        if clause.anchor not in optional:
            yield Finding(
                "error", "question_about_nothing", f"{where}, \"{clause.heading}\"",
                "The summary asks something that is not an optional rule, so the answer would change nothing.",
                "Make the rule optional in template.toml, or leave the question out.",
            )  # fmt: skip


def _plainness(summary: Wording, where: str) -> Iterator[Finding]:
    items = [block for block in summary.opening if block.kind == "item"]
    if len(items) not in _SUMMARY_LINES:
        yield Finding(
            "warning", "summary_length", where,
            f"The summary has {len(items)} lines. On a phone, five to seven short lines are read; more are skipped.",
            "Say who asks, what for, what people get and how they stop, in five to seven lines (`- ...`).",
        )  # fmt: skip
    blocks = [*summary.opening, *(block for clause in summary.clauses for block in clause.blocks)]
    sentences = [sentence for block in blocks for sentence in _sentences(block)]
    for sentence in sentences:
        if len(sentence.split()) > _LONG_SENTENCE:
            yield Finding(
                "warning", "sentence_long", where,
                f"This sentence has {len(sentence.split())} words: \"{sentence[:60]}...\". Many readers lose the "
                f"thread after {_LONG_SENTENCE}.",
                "Make two sentences of it.",
            )  # fmt: skip
    words = sum(len(sentence.split()) for sentence in sentences)
    if sentences and words > _MEAN_SENTENCE * len(sentences):
        yield Finding(
            "warning", "summary_hard_to_read", where,
            f"Sentences are {words / len(sentences):.0f} words long on average. For readers at level B1 that is hard.",
            f"Aim at {_MEAN_SENTENCE} words or fewer.",
        )  # fmt: skip


def _sentences(block: Block) -> list[str]:
    """Split at a full stop, question mark or colon that a space follows."""
    return [s for s in re.split(r"(?<=[.?!:])\s+", block.text.replace("**", "")) if s]

"""Two versions of a template held against each other: the rules, and every clause in every language.

What matters most comes first: whether the terms that machines read are the same, so that what people signed for one
version permits exactly what the other would.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from consent_ledger.licenses.templates import TemplateFiles, TemplateSource
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.licenses.wording import Block, Wording

_DOCUMENT_TERMS = (
    "rules", "conditions", "obligations", "derivatives", "exclusive_to", "survives_death", "copyright",
    "retention_until",
)  # fmt: skip


class Change(NamedTuple):
    """One difference: where (`rules`, `text en`, ...), at what, what became of it, and both states in full."""

    where: str
    at: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: str
    after: str


class Aligned(NamedTuple):
    """One clause in every language: its anchor, and per language its heading and number of words (None: missing)."""

    anchor: str
    headings: dict[str, tuple[str, int] | None]


def same_terms(before: TemplateFiles, after: TemplateFiles) -> bool:
    """Whether grants of the two versions permit exactly the same, whatever was answered."""
    return _terms(before.source) == _terms(after.source)


def compare_templates(before: TemplateFiles, after: TemplateFiles) -> list[Change]:
    """Return every difference: of what machines read first, then of each language's text and summary."""
    changes = list(_compare_fields("template.toml", before.source, after.source))
    for kind, old, new in (("text", before.texts, after.texts), ("summary", before.summaries, after.summaries)):
        for language in sorted({*old, *new}):
            changes += _compare_wordings(f"{kind} {language}", old.get(language), new.get(language))
    return changes


def same_document_terms(before: TemplateDocument, after: TemplateDocument) -> bool:
    """Whether grants of two published versions permit exactly the same, whatever was answered."""
    same = all(getattr(before, name) == getattr(after, name) for name in _DOCUMENT_TERMS)
    return same and set(before.capacities) == set(after.capacities)


def compare_documents(
    before: TemplateDocument, after: TemplateDocument, wordings: Mapping[str, Wording]
) -> list[Change]:
    """Return every difference between two published versions, as far as `wordings` has their texts and summaries by
    digest; of the others only that they differ."""
    changes = list(_compare_fields("rules", _without_languages(before), _without_languages(after)))
    for kind in ("text", "summary"):
        for language in sorted({*before.languages, *after.languages}):
            old, new = (
                None if (said := document.languages.get(language)) is None else str(getattr(said, kind))
                for document in (before, after)
            )
            where = f"{kind} {language}"
            if all(digest is None or digest in wordings for digest in (old, new)):
                changes += _compare_wordings(where, wordings.get(old or ""), wordings.get(new or ""))
            elif old != new:
                changes.append(Change(where, "digest", "changed", old or "", new or ""))
    return changes


def _without_languages(document: TemplateDocument) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(document)
    return {name: value for name, value in fields.items() if name != "languages"}


def align_languages(files: TemplateFiles) -> list[Aligned]:
    """Return the clauses of the texts side by side, in the order of the first language."""
    clauses = {
        language: {clause.anchor or clause.heading: clause for clause in text.clauses}
        for language, text in files.texts.items()
    }
    anchors = dict.fromkeys(anchor for by_anchor in clauses.values() for anchor in by_anchor)
    return [
        Aligned(
            anchor,
            {
                language: (found.heading, len(_said(found.blocks).split())) if found else None
                for language, found in ((code, by_anchor.get(anchor)) for code, by_anchor in clauses.items())
            },
        )
        for anchor in anchors
    ]


def mark_words(before: str, after: str) -> list[tuple[Literal["same", "removed", "added"], str]]:
    """Return the runs of words that two passages share, and those that only one of them has."""
    old, new = re.findall(r"\S+\s*", before), re.findall(r"\S+\s*", after)
    runs: list[tuple[Literal["same", "removed", "added"], str]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            runs.append(("same", "".join(old[i:j])))
            continue
        if i < j:
            runs.append(("removed", "".join(old[i:j])))
        if k < m:
            runs.append(("added", "".join(new[k:m])))
    return runs


def _terms(source: TemplateSource) -> tuple[Any, ...]:
    """What becomes the terms of a grant; the rest of `template.toml` is only told to people."""
    return (
        set(source.capacities),
        source.rules,
        source.conditions,
        source.obligations,
        source.derivatives,
        source.exclusive_to,
        source.survives_death,
        source.revocation.copyright,
        source.retention.until,
    )


def _compare_fields(where: str, before: Any, after: Any) -> Iterator[Change]:
    old, new = _flat(msgspec.to_builtins(before)), _flat(msgspec.to_builtins(after))
    for at in dict.fromkeys([*old, *new]):
        if at not in new:
            yield Change(where, at, "removed", old[at], "")
        elif at not in old:
            yield Change(where, at, "added", "", new[at])
        elif old[at] != new[at]:
            yield Change(where, at, "changed", old[at], new[at])


def _flat(value: Any, at: str = "") -> dict[str, str]:
    """Return the value's leaves by path; rules go by their ids, so that a new one in between shows as one."""
    if isinstance(value, dict):
        return {
            path: leaf for key, item in value.items() for path, leaf in _flat(item, f"{at}.{key}".strip(".")).items()
        }
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        named: dict[str, Any] = {}
        for n, item in enumerate(value):
            name = f"{at}[{item.get('id', item.get('condition'))}]"
            named[name if name not in named else f"{name}[{n}]"] = item
        return {path: leaf for name, item in named.items() for path, leaf in _flat(item, name).items()}
    if isinstance(value, list):
        return {at: ", ".join(str(item) for item in value)}
    return {at: {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)}


def _compare_wordings(where: str, before: Wording | None, after: Wording | None) -> Iterator[Change]:
    if before is not None and after is not None and before.raw == after.raw:
        return
    old, new = _passages(before), _passages(after)
    for at in dict.fromkeys([*old, *new]):
        if at not in new:
            yield Change(where, at, "removed", old[at], "")
        elif at not in old:
            yield Change(where, at, "added", "", new[at])
        elif old[at] != new[at]:
            yield Change(where, at, "changed", old[at], new[at])
    shared = [at for at in old if at in new]
    if shared != [at for at in new if at in old]:
        yield Change(where, "order of clauses", "moved", ", ".join(old), ", ".join(new))


def _passages(wording: Wording | None) -> dict[str, str]:
    """Return what a wording says by anchor; a clause without one goes by its heading."""
    if wording is None:
        return {}
    opening = {"title": wording.title, "opening": _said(wording.opening)}
    return opening | {c.anchor or c.heading: f"{c.heading}\n{_said(c.blocks)}" for c in wording.clauses}


def _said(blocks: tuple[Block, ...]) -> str:
    return "\n".join(block.text for block in blocks)

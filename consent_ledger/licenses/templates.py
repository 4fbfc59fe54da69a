"""Licence templates: the files that a lawyer writes, and the document that is published of them (clearance.md).

`template.toml` says what machines read; one text and one summary per language say the same to people. A published
version is addressed by the digest of its document, and the document holds the digests of the exact bytes of every
wording, so nothing in the folder can change under a signature.

A string `{name}` in `template.toml` stands for parties that the publisher names when it publishes. Until then each has
a stand-in id, so that the rules have their types from the moment they are parsed.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.errors import MalformedError, Problem, RefusedError
from consent_ledger.licenses.terms import (
    Capacity,
    Code,
    ConditionRule,
    Instant,
    LanguageDigests,
    Part,
    PartyId,
    Permission,
    Prohibition,
    Rule,
    RuleId,
    TemplateDocument,
    TemplateId,
    TemplateVersion,
)
from consent_ledger.licenses.wording import Wording, parse_wording

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")

Years = Annotated[int, Meta(ge=1, le=100)]
Place = Annotated[str, Meta(pattern=r"^(?:WORLD|EU|[A-Z]{2}(?:-[A-Z0-9]{1,3})?)$(?!\n)")]


class Term(Part, frozen=True, kw_only=True):
    """How long what is granted holds."""

    kind: Literal["until_withdrawn", "project", "years", "copyright"]
    years: Years | UnsetType = UNSET


class Revocation(Part, frozen=True, kw_only=True):
    """Who may take back what: a person's consent (`none`: it asks for none), and the licence of an owner."""

    consent: Literal["any_time", "not_revocable", "none"]
    copyright: Literal["revocable", "irrevocable"]


class Retention(Part, frozen=True, kw_only=True):
    """How long media are kept: `while_permitted` has no limit but withdrawal."""

    kind: Literal["while_permitted", "project", "years", "until"]
    years: Years | UnsetType = UNSET
    until: Instant | UnsetType = UNSET


class LegalBasis(Part, frozen=True, kw_only=True):
    """What each layer of law is satisfied by."""

    copyright: Literal["licence", "assignment", "none"]
    privacy: Literal["consent", "contract", "legitimate_interests", "public_task", "none"]
    portrait: Literal["consent", "contract", "none"]


class TemplateSource(Part, frozen=True, kw_only=True):
    """What `template.toml` says. `overrides` records, by lint code, why a rule of the lint does not stop this one."""

    id: TemplateId
    version: TemplateVersion
    review: Literal["sample", "reviewed"]
    signers: Literal["contributors", "workers", "organisations"]
    flags: list[Code] = msgspec.field(default_factory=list)
    jurisdictions: Annotated[list[Place], Meta(min_length=1)]
    capacities: Annotated[list[Capacity], Meta(min_length=1)]
    derivatives: Literal["allowed", "none"]
    survives_death: bool
    obligations: list[Code]
    term: Term
    revocation: Revocation
    effects: dict[RuleId, Code]
    compensation: Literal["none", "paid", "sweepstakes"]
    retention: Retention
    legal_basis: LegalBasis
    roles: dict[RuleId, Code]
    exclusive_to: PartyId | UnsetType = UNSET
    conditions: list[ConditionRule] = msgspec.field(default_factory=list)
    overrides: dict[RuleId, Code] = msgspec.field(default_factory=dict)
    rules: Annotated[list[Rule], Meta(min_length=1, max_length=100)]


class TemplateFiles(NamedTuple):
    """A template version as its folder has it: what machines read, and each language's text and summary."""

    source: TemplateSource
    placeholders: tuple[str, ...]
    texts: Mapping[str, Wording]
    summaries: Mapping[str, Wording]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the template can be read and signed in."""
        return tuple(sorted(self.texts))

    def document(
        self, publisher: str, parameters: Mapping[str, str | Sequence[str]] | None = None, *, id: str | None = None
    ) -> TemplateDocument:
        """Return what is published: the placeholders filled in with party ids, one or several each.

        `id` publishes under another name, so that one template can be offered with several sets of parameters.
        Raises RefusedError (`parameter_missing`, `parameter_unknown`, `parameter_invalid`).
        """
        parties = _parties(self.placeholders, parameters or {})
        source = self.source
        fields = {
            "id": source.id if id is None else id,
            "version": source.version,
            "publisher": publisher,
            "capacities": source.capacities,
            "rules": [_fill_rule(rule, parties) for rule in source.rules],
            "conditions": source.conditions,
            "obligations": source.obligations,
            "derivatives": source.derivatives,
            "exclusive_to": _only(source.exclusive_to, parties),
            "copyright": source.revocation.copyright,
            "survives_death": source.survives_death,
            "retention_until": source.retention.until,
            "policies": policies(source),
            "languages": {
                language: LanguageDigests(text=_digest(self.texts[language]), summary=_digest(self.summaries[language]))
                for language in self.languages
            },
        }
        try:
            return msgspec.convert({k: v for k, v in fields.items() if v is not UNSET}, TemplateDocument)
        except msgspec.ValidationError as e:
            raise RefusedError(f"template cannot be published: {e}", code="parameter_invalid") from e


def parse_template(toml: bytes, texts: Mapping[str, bytes], summaries: Mapping[str, bytes]) -> TemplateFiles:
    """Return the template that `template.toml` and the wordings per language say. Raises MalformedError."""
    if not texts:
        raise MalformedError("template has no text, want at least one `text.<language>.md`")
    for language in sorted(texts.keys() ^ summaries.keys()):
        has, lacks = ("text", "summary") if language in texts else ("summary", "text")
        raise MalformedError(f"template has `{has}.{language}.md` and no `{lacks}.{language}.md`, want both")
    try:
        fields, names = _stand_in(tomllib.loads(toml.decode("utf-8")))
        source = msgspec.convert(_name_rules(fields), TemplateSource)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as e:
        raise MalformedError(f"`template.toml`: {e}") from e
    return TemplateFiles(
        source,
        tuple(sorted(names)),
        {language: parse_wording(raw, f"text.{language}.md") for language, raw in sorted(texts.items())},
        {language: parse_wording(raw, f"summary.{language}.md") for language, raw in sorted(summaries.items())},
    )


def policies(source: TemplateSource) -> dict[str, str]:
    """Return the codes for what no decision reads but a person is told."""
    basis = msgspec.structs.asdict(source.legal_basis)
    return {
        "review": source.review,
        "signers": source.signers,
        "term": _coded(source.term.kind, source.term.years),
        "revocation_consent": source.revocation.consent,
        "compensation": source.compensation,
        "retention": _coded(source.retention.kind, source.retention.years),
        **{f"effect_{name}": code for name, code in source.effects.items()},
        **{f"basis_{layer}": code for layer, code in basis.items()},
        **{f"role_{name}": code for name, code in source.roles.items()},
        **{f"override_{name}": code for name, code in source.overrides.items()},
    }


def stand_in(name: str) -> str:
    """Return the party id that stands for placeholder `name` until the template is published."""
    return "pty_" + hashlib.sha256(f"placeholder {name}".encode()).hexdigest()[:32]


def _coded(kind: str, years: int | UnsetType) -> str:
    return kind if years is UNSET else f"{kind}:{years}"


def _digest(wording: Wording) -> str:
    return "sha256:" + hashlib.sha256(wording.raw).hexdigest()


def _stand_in(value: Any) -> tuple[Any, set[str]]:
    """Return the value with a stand-in for every placeholder, and the placeholders' names."""
    if isinstance(value, str) and (match := _PLACEHOLDER.fullmatch(value)):
        return stand_in(match[1]), {match[1]}
    if isinstance(value, list):
        items = [_stand_in(item) for item in value]
        return [item for item, _ in items], set().union(*(names for _, names in items))
    if isinstance(value, dict):
        fields = {key: _stand_in(item) for key, item in value.items()}
        return {key: item for key, (item, _) in fields.items()}, set().union(*(names for _, names in fields.values()))
    return value, set()


def _name_rules(fields: dict[str, Any]) -> dict[str, Any]:
    """Write each rule's id into what the rule creates, so that the file need not repeat it."""
    rules = fields.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        for kind in ("permission", "prohibition"):
            if isinstance(rule, dict) and isinstance(rule.get(kind), dict):
                rule[kind] = {"rule": rule.get("id"), **rule[kind]}
    return fields


def _parties(placeholders: Sequence[str], parameters: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """Return the parties for each stand-in."""
    given = {name: [value] if isinstance(value, str) else list(value) for name, value in parameters.items()}
    problems = [
        Problem(f"/parameters/{name}", "parameter_missing", f"template names `{{{name}}}`, want a party for it")
        for name in placeholders
        if not given.get(name)
    ] + [
        Problem(f"/parameters/{name}", "parameter_unknown", f"template has no placeholder `{{{name}}}`")
        for name in sorted(given.keys() - set(placeholders))
    ]
    if problems:
        raise RefusedError(problems[0].detail, code=problems[0].code, problems=tuple(problems))
    try:
        return {stand_in(name): msgspec.convert(given[name], list[PartyId]) for name in placeholders}
    except msgspec.ValidationError as e:
        raise RefusedError(f"a placeholder stands for parties, want their ids: {e}", code="parameter_invalid") from e


def _fill(party_ids: Sequence[str], parties: Mapping[str, list[str]]) -> list[str]:
    return list(dict.fromkeys(p for id_ in party_ids for p in parties.get(id_, [id_])))


def _only(party: str | UnsetType, parties: Mapping[str, list[str]]) -> str | UnsetType:
    if party is UNSET:
        return UNSET
    filled = _fill([party], parties)
    if len(filled) != 1:
        detail = f"template is exclusive to one party, {len(filled)} were named"
        raise RefusedError(detail, code="parameter_invalid")
    return filled[0]


def _fill_rule(rule: Rule, parties: Mapping[str, list[str]]) -> Rule:
    made: dict[str, Permission | Prohibition] = {}
    if rule.permission is not UNSET and rule.permission.recipients is not UNSET:
        made["permission"] = msgspec.structs.replace(
            rule.permission, recipients=_fill(rule.permission.recipients, parties)
        )
    if rule.prohibition is not UNSET and rule.prohibition.recipients is not UNSET:
        made["prohibition"] = msgspec.structs.replace(
            rule.prohibition, recipients=_fill(rule.prohibition.recipients, parties)
        )
    return msgspec.structs.replace(rule, **made)

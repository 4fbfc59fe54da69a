"""Terms: what a grant permits and forbids, and the template rules that they are resolved from (formats.md, section 2).

A permission names every facet and a territory. A prohibition may leave facets out, and left out means all, so a
forgotten field can only make an answer stricter. An empty list is not an absent one: it names nothing.
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.errors import Problem, RefusedError
from consent_ledger.signing.canonical import encode_canonical

Capacity = Literal["owner", "subject", "guardian", "organisation"]
AudienceName = Literal["internal", "recipient", "gated", "open"]
Activity = Literal[
    "annotate", "analyze", "index", "train", "train.discriminative", "train.generative",
    "evaluate", "infer", "display", "promote",
]  # fmt: skip
Aim = Literal[
    "general", "detect_synthetic", "biometric", "biometric.identify", "biometric.categorise", "emotion", "likeness"
]
Context = Literal["noncommercial", "noncommercial.academic", "commercial"]
PartyId = Annotated[str, Meta(pattern=r"^pty_[0-9a-f]{32}$(?!\n)")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)")]
TemplateId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9\-]{1,62}$(?!\n)")]
TemplateVersion = Annotated[str, Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$(?!\n)")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(?:_[a-z0-9]{2,8})*$(?!\n)")]
Condition = Annotated[
    str, Meta(pattern=r"^(?:accepted|paid|captured_after_grant|transform:[a-z][a-z0-9_]{0,39})$(?!\n)")
]
Instant = Annotated[datetime, Meta(tz=True)]
Territory = Annotated[str, Meta(pattern=r"^(?:WORLD|[A-Z]{2})$(?!\n)")]
Licence = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+\-]{0,99}$(?!\n)")]
RuleId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)")]
Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.:\-]{0,79}$(?!\n)")]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A part of a statement or of a template."""


class TimedPart(Part, frozen=True, kw_only=True, gc=False):
    """A part with times: the fields named in `instants` are whole seconds in UTC, written with `Z`."""

    instants: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.instants:
            value = getattr(self, name)
            if value is not UNSET and (value.tzinfo is not UTC or value.microsecond):
                raise ValueError(f"`{name}` is not a time in whole seconds UTC, want `YYYY-MM-DDTHH:MM:SSZ`")


class Permission(Part, frozen=True, kw_only=True, gc=False):
    """Uses that are permitted, created by template rule `rule`, for the capacities named (absent: for all)."""

    rule: RuleId
    capacities: list[Capacity] | UnsetType = UNSET
    activities: list[Activity]
    aims: list[Aim]
    contexts: list[Context]
    max_audience: AudienceName
    territories: list[Territory]
    recipients: list[PartyId] | UnsetType = UNSET
    licences: list[Licence] | UnsetType = UNSET
    explicit: bool


class Prohibition(Part, frozen=True, kw_only=True, gc=False):
    """Uses that are forbidden, or withdrawn by a revocation: what is left out means all."""

    rule: RuleId | UnsetType = UNSET
    capacities: list[Capacity] | UnsetType = UNSET
    activities: list[Activity] | UnsetType = UNSET
    aims: list[Aim] | UnsetType = UNSET
    contexts: list[Context] | UnsetType = UNSET
    min_audience: AudienceName | UnsetType = UNSET
    territories: list[Territory] | UnsetType = UNSET
    recipients: list[PartyId] | UnsetType = UNSET
    licences: list[Licence] | UnsetType = UNSET


class ConditionRule(Part, frozen=True, kw_only=True, gc=False):
    """A condition (`accepted`, `paid`, `transform:...`, `captured_after_grant`) on the rules named, or on all."""

    condition: Condition
    rules: list[RuleId] | UnsetType = UNSET


class Terms(TimedPart, frozen=True, kw_only=True, gc=False):
    """The resolved terms of a grant."""

    instants = ("retention_until",)
    permissions: list[Permission]
    prohibitions: list[Prohibition]
    conditions: list[ConditionRule]
    obligations: list[Code]
    derivatives: Literal["allowed", "none"]
    exclusive_to: PartyId | UnsetType = UNSET
    copyright: Literal["revocable", "irrevocable"]
    survives_death: bool
    retention_until: Instant | UnsetType = UNSET


class Rule(Part, frozen=True, kw_only=True, gc=False):
    """One rule of a template: a permission or a prohibition that a clause of the text explains.

    An optional rule is a question of its own; it enters the terms only when the answer was yes."""

    id: RuleId
    optional: bool
    permission: Permission | UnsetType = UNSET
    prohibition: Prohibition | UnsetType = UNSET


class LanguageDigests(Part, frozen=True, kw_only=True, gc=False):
    """The digests of a template's full text and summary in one language."""

    text: Digest
    summary: Digest


class TemplateDocument(TimedPart, frozen=True, kw_only=True, gc=False):
    """The machine-readable part of a template version; its digest addresses the version.

    `publisher` is the organisation that benefits from what is granted. `policies` are codes for what no decision
    reads but a person is told: the effects of revocation, compensation, retention, legal basis, roles."""

    instants = ("retention_until",)
    id: TemplateId
    version: TemplateVersion
    publisher: PartyId
    capacities: Annotated[list[Capacity], Meta(min_length=1)]
    rules: Annotated[list[Rule], Meta(max_length=100)]
    conditions: list[ConditionRule]
    obligations: list[Code]
    derivatives: Literal["allowed", "none"]
    exclusive_to: PartyId | UnsetType = UNSET
    copyright: Literal["revocable", "irrevocable"]
    survives_death: bool
    retention_until: Instant | UnsetType = UNSET
    policies: dict[RuleId, Code]
    languages: dict[Language, LanguageDigests]


def template_digest(document: TemplateDocument) -> str:
    """Return `sha256:` and the hex digest of the document's canonical form."""
    return "sha256:" + hashlib.sha256(encode_canonical(document)).hexdigest()


def resolve_terms(document: TemplateDocument, choices: dict[str, bool]) -> Terms:
    """Return the terms that the answers make of a template.

    Raises RefusedError (`choice_missing`, `choice_unknown`) listing every optional rule that is not answered and
    every answer to a question that was not asked.
    """
    asked = {rule.id for rule in document.rules if rule.optional}
    problems = [
        Problem(f"/choices/{rule}", "choice_missing", f"optional rule `{rule}` is not answered, want true or false")
        for rule in sorted(asked - choices.keys())
    ] + [
        Problem(f"/choices/{rule}", "choice_unknown", f"`{rule}` is not an optional rule of this template")
        for rule in sorted(choices.keys() - asked)
    ]
    if problems:
        raise RefusedError(problems[0].detail, code=problems[0].code, problems=tuple(problems))
    chosen = [rule for rule in document.rules if not rule.optional or choices[rule.id]]
    ids = {rule.id for rule in chosen}
    return Terms(
        permissions=[rule.permission for rule in chosen if rule.permission is not UNSET],
        prohibitions=[rule.prohibition for rule in chosen if rule.prohibition is not UNSET],
        conditions=[c for c in document.conditions if c.rules is UNSET or ids.intersection(c.rules)],
        obligations=document.obligations,
        derivatives=document.derivatives,
        exclusive_to=document.exclusive_to,
        copyright=document.copyright,
        survives_death=document.survives_death,
        retention_until=document.retention_until,
    )

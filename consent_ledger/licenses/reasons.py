"""Reason codes, the verdict that each one leads to, and their order."""

from enum import IntEnum
from typing import Final, NamedTuple


class Verdict(IntEnum):
    """The answer, worst first: across parties and atoms the least wins, within one party the best."""

    deny = 0
    undetermined = 1
    allow = 2


_ALLOW, _DENY, _UNDETERMINED = Verdict.allow, Verdict.deny, Verdict.undetermined

VERDICTS: Final[dict[str, Verdict]] = {
    "granted": _ALLOW,
    "asset_unknown": _UNDETERMINED,
    "parent_unknown": _UNDETERMINED,
    "derivation_cycle": _UNDETERMINED,
    "subjects_unverified": _UNDETERMINED,
    "subject_unidentified": _UNDETERMINED,
    "subject_deceased": _UNDETERMINED,
    "age_unknown": _UNDETERMINED,
    "ownership_disputed": _UNDETERMINED,
    "takedown": _DENY,
    "retention_elapsed": _DENY,
    "no_valid_grant": _UNDETERMINED,
    "signature_invalid": _UNDETERMINED,
    "template_not_offered": _UNDETERMINED,
    "template_invalidated": _DENY,
    "invalid_interval": _UNDETERMINED,
    "not_yet_effective": _DENY,
    "expired": _DENY,
    "superseded": _DENY,
    "suspended": _DENY,
    "revoked": _DENY,
    "prohibited": _DENY,
    "not_granted": _DENY,
    "explicit_consent_required": _DENY,
    "audience_exceeds_grant": _DENY,
    "licence_required": _UNDETERMINED,
    "licence_not_granted": _DENY,
    "licence_conflicts_with_restriction": _DENY,
    "territory_not_covered": _DENY,
    "recipient_not_granted": _DENY,
    "exclusive_to_other": _DENY,
    "derivative_not_permitted": _DENY,
    "assurance_too_low": _UNDETERMINED,
    "precondition_unmet": _DENY,
    "precondition_unknown": _UNDETERMINED,
    "grant_after_capture": _UNDETERMINED,
    "guardian_consent_required": _UNDETERMINED,
    "guardian_authority_invalid": _UNDETERMINED,
    "reaffirmation_required": _UNDETERMINED,
    "ledger_integrity_failure": _UNDETERMINED,
}
"""`deny` where the party, or the law, has spoken; `undetermined` where there is no valid record or something cannot
be told."""

_ORDER: Final = {code: n for n, code in enumerate(VERDICTS)}


class Reason(NamedTuple):
    """Why: a code, whose permission it is about, the grant and the entry it rests on, and the parents (`via`) through
    which the question came to that party. `rule` is the template rule that came nearest."""

    code: str
    capacity: str | None = None
    party: str | None = None
    grant: str | None = None
    entry: int | None = None
    via: tuple[str, ...] = ()
    rule: str | None = None


def in_order(reasons: set[Reason]) -> tuple[Reason, ...]:
    """Return the reasons in their stable order: worst verdict first, then code, party, entry."""

    def rank(r: Reason) -> tuple[object, ...]:
        entry = -1 if r.entry is None else r.entry
        where = (len(r.via), r.via, r.capacity or "", r.party or "", entry, r.grant or "", r.rule or "")
        return (VERDICTS[r.code], _ORDER[r.code], *where)

    return tuple(sorted(reasons, key=rank))

"""Examples for the description of the API: an answer about clearance for every reason there is."""

from typing import Any, Final

import msgspec

from consent_ledger.answers import ClearanceAnswer, ReasonAnswer, RequirementAnswer
from consent_ledger.licenses.decision import POLICY
from consent_ledger.licenses.reasons import VERDICTS
from consent_ledger.licenses.statements import UseRequest

MEANINGS: Final = {
    "granted": "Everybody who has to permit the use has permitted it.",
    "asset_unknown": "Nobody registered these bytes.",
    "parent_unknown": "It is derived from something that nobody registered.",
    "derivation_cycle": "It is said to be derived from itself.",
    "subjects_unverified": "Nobody has looked who is seen or heard.",
    "subject_unidentified": "Somebody is seen or heard whom nobody could name.",
    "subject_deceased": "A person who is seen or heard has died, and her permission does not outlast that.",
    "age_unknown": "Whether a person is of age is not known.",
    "ownership_disputed": "Whose it is, is contested.",
    "takedown": "It must not be used, by order.",
    "retention_elapsed": "It was to be kept until a time that is over.",
    "no_valid_grant": "A party has signed nothing that is about it.",
    "signature_invalid": "A grant was signed with a key that was in other hands by then.",
    "template_not_offered": "A grant rests on a template that the project did not offer.",
    "template_invalidated": "A grant rests on a template that was declared invalid.",
    "invalid_interval": "A grant ends before it begins.",
    "not_yet_effective": "A grant has not begun.",
    "expired": "A grant has ended.",
    "superseded": "A grant was replaced by a later one.",
    "suspended": "A grant is paused by whoever gave it.",
    "revoked": "A grant was withdrawn.",
    "prohibited": "A party forbids the use.",
    "not_granted": "A party signed, and not for this use.",
    "explicit_consent_required": "This use has to be asked for in so many words, and was not.",
    "audience_exceeds_grant": "It was permitted to fewer people than are asked for.",
    "licence_required": "An open release has to name its licence.",
    "licence_not_granted": "It was not permitted under this licence.",
    "licence_conflicts_with_restriction": "An owner restricts what the licence would let everybody do.",
    "territory_not_covered": "It was not permitted in all of these territories.",
    "recipient_not_granted": "It was permitted to other recipients.",
    "exclusive_to_other": "It is promised to somebody else alone.",
    "derivative_not_permitted": "No changed version was permitted.",
    "assurance_too_low": "The party signed less strongly than the question demands.",
    "precondition_unmet": "A condition of the permission is not met, such as payment.",
    "precondition_unknown": "Whether a condition is met cannot be told.",
    "grant_after_capture": "It was made before the permission, which was to come first.",
    "guardian_consent_required": "The party is a minor, and no guardian has signed.",
    "guardian_authority_invalid": "Whoever signed for a minor could not, or can no more.",
    "reaffirmation_required": "The party came of age, and has to decide anew.",
    "ledger_integrity_failure": "The ledger does not verify, so nothing rests on it.",
}
"""What each reason says, in a line."""

_ABOUT_THE_ASSET: Final = frozenset(
    {"asset_unknown", "parent_unknown", "derivation_cycle", "subjects_unverified", "subject_unidentified",
     "ownership_disputed", "takedown", "retention_elapsed", "ledger_integrity_failure"}
)  # fmt: skip
_WITHOUT_A_GRANT: Final = frozenset({"no_valid_grant", "age_unknown", "subject_deceased", "guardian_consent_required"})
_ASSET, _GRANT, _PARTY = "sha256:" + "9f" * 32, "sha256:" + "c4" * 32, "pty_" + "5e" * 16
_USE = UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="open", territories=["WORLD"],
    licence="CC-BY-4.0",
)  # fmt: skip


def clearance_examples() -> dict[str, Any]:
    """Return an example of an answer for each reason, as OpenAPI names them."""
    return {
        code: {"summary": meaning, "value": msgspec.to_builtins(_answer(code))} for code, meaning in MEANINGS.items()
    }


def _answer(code: str) -> ClearanceAnswer:
    concerns_party = code not in _ABOUT_THE_ASSET
    grant, entry = (_GRANT, 30511) if concerns_party and code not in _WITHOUT_A_GRANT else (None, None)
    party = _PARTY if concerns_party else None
    capacity = "subject" if concerns_party else None
    reason = ReasonAnswer(code=code, capacity=capacity, party=party, grant=grant, entry=entry, rule=None, via=())
    status = "covered" if code == "granted" else code
    need = RequirementAnswer(capacity="subject", party=_PARTY, status=status, grant=grant, entry=entry, via=())
    return ClearanceAnswer(
        verdict=VERDICTS[code].name,  # type: ignore[arg-type]  # the names are the verdicts
        asset=_ASSET,
        query=_USE,
        reasons=(reason,),
        requirements=(need,) if concerns_party else (),
        obligations=("attribution",) if code == "granted" else (),
        warnings=(),
        valid_until=None,
        as_of="2026-11-23T09:00:00Z",
        size=31204,
        root="ab" * 32,
        policy=POLICY,
    )

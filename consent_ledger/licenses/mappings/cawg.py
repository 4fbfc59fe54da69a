"""The training and data mining assertion of the Creator Assertions Working Group, version 1.1 (cawg.io).

All four entries are always written. What is partly allowed is `constrained`, which readers take for `notAllowed` unless
they follow the address in it; what cannot be told is `notAllowed`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings.relations import Table, permitted_by
from consent_ledger.licenses.mappings.signals import EVERYTHING, Signal, combine, forbid, hint
from consent_ledger.licenses.mappings.survey import Survey, standing
from consent_ledger.licenses.terms import Activity

LABEL: Final = "cawg.training-mining"
TERMS: Final[Table] = {
    "analyze": [("cawg.data_mining", "exact")],
    "infer": [("cawg.ai_inference", "exact")],
    "train.discriminative": [("cawg.ai_training", "exact")],
    "train.generative": [("cawg.ai_generative_training", "exact")],
}
_FORBIDS: Final[Mapping[str, Activity]] = {
    "data_mining": "analyze",
    "ai_inference": "infer",
    "ai_training": "train.discriminative",
    "ai_generative_training": "train.generative",
}


def to_cawg(survey: Survey) -> dict[str, Any]:
    """Return the assertion's data: one entry for each of the four uses."""
    return {"entries": {matches[0][0]: _entry(survey, term) for term, matches in TERMS.items()}}


def _entry(survey: Survey, activity: str) -> dict[str, str]:
    match standing(survey, activity):
        case "allowed":
            return {"use": "allowed"}
        case "partly":
            return {"use": "constrained", "constraint_info": survey.decision}
        case _:
            return {"use": "notAllowed"}


def from_cawg(assertion: Mapping[str, Any]) -> Signal:
    """Return what an assertion says, in the words of this version or of C2PA 1.x (`c2pa.` for `cawg.`).

    Raises MalformedError for what has no map of entries."""
    entries = assertion.get("entries")
    if not isinstance(entries, Mapping):
        raise MalformedError("training and data mining assertion has no `entries`, want a map of them")
    return combine(_read(entries))


def _read(entries: Mapping[str, Any]) -> Iterator[Signal]:
    for label, entry in entries.items():
        prefix, _, name = str(label).partition(".")
        known = name if prefix in ("cawg", "c2pa") and name in _FORBIDS else None
        use = entry.get("use") if isinstance(entry, Mapping) else None
        if use == "allowed":
            yield _allowed(label, known)
            continue
        told = (f"`{label}`: its constraint was not read",) if use == "constrained" else ()
        if known is None:
            yield Signal((EVERYTHING,), lost=(*told, f"`{label}` is not a known use, so all are forbidden"))
        elif known == "ai_training" and not _mentions(entries, "ai_generative_training"):
            # somebody who says no to training and does not know of the other entry means all of it
            yield Signal((forbid("train"),), lost=told)
        else:
            yield Signal((forbid(_FORBIDS[known]),), lost=told)


def _allowed(label: str, known: str | None) -> Signal:
    if known is None:
        return Signal(lost=(f"`{label}` is not a known use, so nothing is permitted by it",))
    return Signal(hints=(hint(f"cawg {label}", activities=permitted_by(TERMS, f"cawg.{known}")),))


def _mentions(entries: Mapping[str, Any], name: str) -> bool:
    return any(f"{prefix}.{name}" in entries for prefix in ("cawg", "c2pa"))

"""Intended uses in the Data Provenance Standards 1.0 of the Data & Trust Alliance (dataandtrustalliance.org).

Its list of intended uses forbids nothing, and what it calls pre-training is only a part of training.
"""

from collections.abc import Iterable
from typing import Final

from consent_ledger.licenses.mappings.relations import Table, permitted_by
from consent_ledger.licenses.mappings.signals import Signal, combine, hint
from consent_ledger.licenses.mappings.survey import Survey, standing

ACTIVITIES: Final[Table] = {
    "train": [("ai-pre-training", "narrow")],
    "evaluate": [("ai-evaluation", "exact")],
}


def to_dta(survey: Survey) -> tuple[str, ...]:
    """Return the intended uses that are allowed to everybody."""
    return tuple(
        code for term, matches in ACTIVITIES.items() for code, _ in matches if standing(survey, term) == "allowed"
    )


def from_dta(codes: Iterable[str]) -> Signal:
    """Return the hints that intended uses are. A code that is not wholly one of our activities gives none."""
    return combine(
        Signal(hints=(hint(f"dta {code}", activities=terms),))
        if (terms := permitted_by(ACTIVITIES, code))
        else Signal(lost=(f"`{code}` permits nothing that can be told",))
        for code in codes
    )

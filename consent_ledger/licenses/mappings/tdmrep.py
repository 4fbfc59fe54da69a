"""The TDM Reservation Protocol, final community group report of 10 May 2024 (w3.org/community/tdmrep).

One bit, whether the right to mine text and data is reserved (Article 4 of Directive (EU) 2019/790), and the address of
a policy. Mining is whatever machines do to analyse, so the bit is 0 only when all of that is allowed.
"""

from collections.abc import Mapping
from typing import Any, Final

from consent_ledger.licenses.mappings.relations import Table
from consent_ledger.licenses.mappings.signals import MACHINE, Signal, forbid
from consent_ledger.licenses.mappings.survey import Survey, standing

NAMESPACE: Final = "http://www.w3.org/ns/tdmrep#"
ACTIVITIES: Final[Table] = {"analyze": [(NAMESPACE + "mine", "close")]}
CONTEXTS: Final[Table] = {
    "noncommercial.academic": [(NAMESPACE + "research", "close")],
    "commercial": [(NAMESPACE + "non-research", "broad")],
}
"""Words of its policies, which are ODRL: `odrl_import` reads them."""


def to_tdmrep(survey: Survey) -> dict[str, Any]:
    """Return the two properties, as in a header, a `tdmrep.json` or an HTML page; reserved unless all is allowed."""
    if standing(survey, *MACHINE) == "allowed":
        return {"tdm-reservation": 0}
    return {"tdm-reservation": 1, "tdm-policy": survey.decision}


def from_tdmrep(properties: Mapping[str, Any]) -> Signal:
    """Return what the properties say. A value that is neither 0 nor 1 is read as 1.

    That nothing is reserved is the absence of a prohibition: it permits nothing."""
    if "tdm-reservation" not in properties:
        return Signal()
    if str(properties["tdm-reservation"]).strip() == "0":
        return Signal(lost=("`tdm-reservation` is 0: what the law then allows is not a permission of the owner",))
    lost = ("the `tdm-policy` was not read",) if "tdm-policy" in properties else ()
    return Signal((forbid(*MACHINE),), lost=lost)

"""The Data Mining property of PLUS and IPTC photo metadata (PLUS LDF 2.0.1; IPTC Photo Metadata 2023.1).

One code for a file, in XMP as `plus:DataMining`, and an address in `plus:OtherConstraints` for the code that wants one.
"""

from collections.abc import Mapping
from typing import Final

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings.relations import Table
from consent_ledger.licenses.mappings.signals import MACHINE, OwnerHint, Signal, forbid
from consent_ledger.licenses.mappings.survey import Survey, standing
from consent_ledger.licenses.terms import Activity

NAMESPACE: Final = "http://ns.useplus.org/ldf/vocab/"
TERMS: Final[Table] = {
    "analyze": [("DMI-PROHIBITED", "broad")],
    "index": [("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", "close")],
    "train": [("DMI-PROHIBITED-AIMLTRAINING", "exact")],
    "train.generative": [("DMI-PROHIBITED-GENAIMLTRAINING", "exact")],
}
_FORBIDS: Final[Mapping[str, tuple[Activity, ...]]] = {
    "DMI-PROHIBITED": MACHINE,
    "DMI-PROHIBITED-AIMLTRAINING": ("train",),
    "DMI-PROHIBITED-GENAIMLTRAINING": ("train.generative",),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": tuple(a for a in MACHINE if a != "index"),
    "DMI-PROHIBITED-SEECONSTRAINT": MACHINE,
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": MACHINE,
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": MACHINE,
}


def to_plus(survey: Survey) -> dict[str, str]:
    """Return the XMP properties: the mildest code that leaves open nothing that is not allowed to everybody."""
    everything_but: dict[str, tuple[Activity, ...]] = {
        "DMI-ALLOWED": MACHINE,
        "DMI-PROHIBITED-GENAIMLTRAINING": (*(a for a in MACHINE if a != "train"), "train.discriminative"),
        "DMI-PROHIBITED-AIMLTRAINING": tuple(a for a in MACHINE if a != "train"),
        "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": ("index",),
    }
    for code, allowed in everything_but.items():
        if standing(survey, *allowed) == "allowed":
            return {"plus:DataMining": NAMESPACE + code}
    if standing(survey, *MACHINE) == "partly":
        return {
            "plus:DataMining": NAMESPACE + "DMI-PROHIBITED-SEECONSTRAINT",
            "plus:OtherConstraints": survey.decision,
        }
    return {"plus:DataMining": NAMESPACE + "DMI-PROHIBITED"}


def from_plus(value: str) -> Signal:
    """Return what a code says, bare or as an address. Raises MalformedError for what is no code of this property."""
    code = value.strip().rpartition("/")[2]
    if code == "DMI-UNSPECIFIED":
        return Signal()
    if code == "DMI-ALLOWED":
        return Signal(hints=(OwnerHint(source=f"plus {code}", activities=["analyze"]),))
    if code in _FORBIDS:
        lost = (f"what `{code}` refers to was not read",) if "-SEE" in code else ()
        return Signal((forbid(*_FORBIDS[code]),), lost=lost)
    if code.startswith("DMI-"):
        return Signal(
            (forbid(*MACHINE),), lost=(f"`{code}` is not a known code, so all that machines do is forbidden",)
        )
    raise MalformedError(f"`{value}` is not a data mining code of PLUS, want one that begins with `DMI-`")

"""How available a data set is, in the Dataset profile of SPDX 3.0 (spdx.github.io/spdx-spec/v3.0.1).

It says whom copies reach, and nothing of what they may do. So it never permits, and may forbid a wider audience.
"""

from collections.abc import Mapping
from typing import Final

from consent_ledger.licenses.mappings.relations import Table
from consent_ledger.licenses.mappings.signals import Signal, combine
from consent_ledger.licenses.terms import AudienceName, Prohibition
from consent_ledger.licenses.vocabulary import Audience

AUDIENCES: Final[Table] = {
    "recipient": [("confidentialityLevel=amber", "close")],
    "gated": [("datasetAvailability=clickthrough|registration", "exact")],
    "open": [("datasetAvailability=directDownload, confidentialityLevel=clear", "exact")],
}
_LEVELS: Final[Mapping[str, AudienceName | None]] = {
    "clear": None,
    "green": "open",
    "amber": "gated",
    "red": "recipient",
}
_AVAILABILITY: Final[Mapping[str, AudienceName | None]] = {
    "directDownload": None,
    "clickthrough": "open",
    "registration": "open",
}
"""The lowest audience that a value forbids. A value that is not here forbids every audience but the own house."""


def to_spdx3(audience: str) -> dict[str, str]:
    """Return the properties for a data set that reaches `audience`."""
    match Audience[audience]:
        case Audience.open:
            return {"datasetAvailability": "directDownload", "confidentialityLevel": "clear"}
        case Audience.gated:
            return {"datasetAvailability": "registration"}
        case Audience.recipient:
            return {"confidentialityLevel": "amber"}
        case Audience.internal:
            return {"confidentialityLevel": "red"}


def from_spdx3(properties: Mapping[str, str]) -> Signal:
    """Return what the two properties say; others are not looked at."""
    found: list[Signal] = []
    for name, table in (("confidentialityLevel", _LEVELS), ("datasetAvailability", _AVAILABILITY)):
        if name in properties:
            lowest = table.get(properties[name], "recipient")
            found.append(Signal(() if lowest is None else (Prohibition(min_audience=lowest),)))
    return combine(found)

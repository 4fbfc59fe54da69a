"""What a public licence can say for an owner (SPDX identifiers, spdx.org/licenses).

A public licence cannot be narrowed by the person who uses it: an owner's prohibition that the licence does not itself
express cannot travel with the copies. Of the families used for media and data only the non-commercial ones express a
prohibition of use at all, and that is "not commercial".
"""

from typing import Final

_CC_NONCOMMERCIAL: Final = ("CC-BY-NC", "CC-BY-NC-SA", "CC-BY-NC-ND")

NONCOMMERCIAL: Final = frozenset(
    [f"{family}-{version}" for family in _CC_NONCOMMERCIAL for version in ("1.0", "2.0", "2.5", "3.0", "4.0")]
    + ["CC-BY-NC-ND-3.0-DE", "CC-BY-NC-ND-3.0-IGO", "CC-BY-NC-SA-2.0-DE", "CC-BY-NC-SA-2.0-FR", "CC-BY-NC-SA-2.0-UK"]
    + ["CC-BY-NC-3.0-DE", "CC-BY-NC-SA-3.0-DE", "CC-BY-NC-SA-3.0-IGO", "PolyForm-Noncommercial-1.0.0"]
)
"""Licences that express "not commercial" and nothing narrower."""


def expresses_noncommercial(licence: str) -> bool:
    """Whether the licence itself forbids commercial use; False for a licence that is not in the table."""
    return licence in NONCOMMERCIAL

"""Public licences that are made for media and data, by SPDX identifier (spdx.org/licenses).

Not all of SPDX: a licence for program code leaves open what it means for a film, and one that is not listed here may
be a slip of the pen.
"""

from typing import Final

_CC: Final = ("CC-BY", "CC-BY-SA", "CC-BY-ND", "CC-BY-NC", "CC-BY-NC-SA", "CC-BY-NC-ND")

PUBLIC_LICENCES: Final = frozenset(f"{family}-{version}" for family in _CC for version in ("2.0", "3.0", "4.0")) | {
    "C-UDA-1.0",
    "CC-PDDC",
    "CC0-1.0",
    "CDLA-Permissive-1.0",
    "CDLA-Permissive-2.0",
    "CDLA-Sharing-1.0",
    "DL-DE-BY-2.0",
    "DL-DE-ZERO-2.0",
    "GFDL-1.3-only",
    "GFDL-1.3-or-later",
    "LAL-1.3",
    "ODbL-1.0",
    "ODC-By-1.0",
    "OGL-UK-3.0",
    "O-UDA-1.0",
    "PDDL-1.0",
    "etalab-2.0",
}

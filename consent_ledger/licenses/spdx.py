"""What a public licence can say for an owner, by SPDX identifier (spdx.org/licenses).

A public licence cannot be narrowed by the person who uses it: an owner's prohibition that the licence does not itself
express cannot travel with the copies. Of what licences express only "not commercial" is a prohibition of use. No
derivatives and share-alike say how changed copies may be passed on, and attribution forbids nothing; of what a licence
with "computational use" leaves out nobody has made a prohibition that an owner could word the same way.
"""

from collections.abc import Mapping
from typing import Final, Literal

Expression = Literal["not_commercial", "no_derivatives", "share_alike", "computational_use"]

_NOTHING: Final[frozenset[Expression]] = frozenset()
_NC: Final[frozenset[Expression]] = frozenset({"not_commercial"})
_ND: Final[frozenset[Expression]] = frozenset({"no_derivatives"})
_SA: Final[frozenset[Expression]] = frozenset({"share_alike"})
_COMPUTATIONAL: Final[frozenset[Expression]] = frozenset({"computational_use"})

_CREATIVE_COMMONS: Final = (
    ("CC-BY", _NOTHING, "1.0 2.0 2.5 2.5-AU 3.0 3.0-AT 3.0-AU 3.0-DE 3.0-IGO 3.0-NL 3.0-US 4.0"),
    ("CC-BY-SA", _SA, "1.0 2.0 2.0-UK 2.1-JP 2.5 3.0 3.0-AT 3.0-DE 3.0-IGO 4.0"),
    ("CC-BY-ND", _ND, "1.0 2.0 2.5 3.0 3.0-DE 4.0"),
    ("CC-BY-NC", _NC, "1.0 2.0 2.5 3.0 3.0-DE 4.0"),
    ("CC-BY-NC-SA", _NC | _SA, "1.0 2.0 2.0-DE 2.0-FR 2.0-UK 2.5 3.0 3.0-DE 3.0-IGO 4.0"),
    ("CC-BY-NC-ND", _NC | _ND, "1.0 2.0 2.5 3.0 3.0-DE 3.0-IGO 4.0"),
)
_OTHERS: Final = (
    (_NOTHING, "CC0-1.0 CC-PDDC CC-PDM-1.0 PDDL-1.0 Unlicense"),  # the public domain, or as near as law allows
    (_NOTHING, "CDLA-Permissive-1.0 CDLA-Permissive-2.0 ODC-By-1.0 O-UDA-1.0"),  # data
    (_NOTHING, "DL-DE-BY-2.0 DL-DE-ZERO-2.0 NLOD-1.0 NLOD-2.0 OGL-Canada-2.0"),  # governments
    (_NOTHING, "OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 etalab-2.0"),
    (_NOTHING, "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 ISC MIT MIT-0 Zlib"),  # software
    (_SA, "CC-SA-1.0 CDLA-Sharing-1.0 ODbL-1.0 LAL-1.2 LAL-1.3"),
    (_SA, "GFDL-1.1-only GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later"),
    (_SA, "GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.1-only LGPL-2.1-or-later"),
    (_SA, "LGPL-3.0-only LGPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later MPL-2.0"),
    (_NC, "NCGL-UK-2.0 PolyForm-Noncommercial-1.0.0"),
    (_COMPUTATIONAL, "C-UDA-1.0"),
)

LICENCES: Final[Mapping[str, frozenset[Expression]]] = {
    f"{family}-{version}": expressed
    for family, expressed, versions in _CREATIVE_COMMONS
    for version in versions.split()
} | {licence: expressed for expressed, licences in _OTHERS for licence in licences.split()}
"""Each licence that is known here, and what it expresses beyond permission and attribution."""


def expresses_noncommercial(licence: str) -> bool:
    """Whether the licence itself forbids commercial use; False for a licence that is not in the table."""
    return "not_commercial" in LICENCES.get(licence, _NOTHING)

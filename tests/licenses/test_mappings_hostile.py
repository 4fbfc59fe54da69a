"""Documents that mean harm or nothing: a reader refuses them or reads them, and never fails in another way."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings.aipref import from_aipref
from consent_ledger.licenses.mappings.cawg import from_cawg
from consent_ledger.licenses.mappings.dpv import from_dpv
from consent_ledger.licenses.mappings.odrl_import import from_odrl
from consent_ledger.licenses.mappings.plus import from_plus
from consent_ledger.licenses.mappings.signals import Signal
from consent_ledger.licenses.mappings.spdx_expressions import from_spdx
from consent_ledger.licenses.mappings.tdmrep import from_tdmrep

KEYS = [
    "permission", "prohibition", "obligation", "action", "constraint", "leftOperand", "operator", "rightOperand", "uid",
    "assignee", "target", "duty", "@id", "@value", "@context", "inheritFrom", "cl:capacity", "rdf:value", "refinement",
    "dpv:hasPermission", "dpv:hasProhibition", "dpv:hasPurpose", "dpv:hasProcessing", "dpv:hasObligation", "entries",
    "cawg.ai_training", "use", "tdm-reservation", "cl:maxAudience", "cl:until",
]  # fmt: skip
WORDS = [
    "use", "index", "purpose", "isAnyOf", "spatial", "NL", "odrl:dateTime", "lt", "2026-01-01T00:00:00Z", "allowed",
    "cl:train", "cl:likeness", "cl:audience", "lteq", "cl:open", "dpv:Purpose", "ai:ModelTraining", "eq", "", ":", "0",
    "urn:consent-ledger:party:pty_x", "cl:obligation:attribution", "\ud800", "2026-02-30T00:00:00Z",
]  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=6)


@pytest.mark.parametrize("reads", [from_odrl, from_dpv, from_cawg, from_tdmrep])
@given(document=DOCUMENTS)
def test_any_document_is_read_or_refused(reads: Callable[[Any], Signal], document: dict[str, Any]) -> None:
    try:
        signal = reads(document)
    except MalformedError:
        return
    assert all(hint.capacity == "owner" for hint in signal.hints)


@pytest.mark.parametrize("reads", [from_aipref, from_plus, from_spdx])
@given(text=st.one_of(st.text(), st.text('()=;, ynOR AND-train.+*?"\\:WITH')))
def test_any_text_is_read_or_refused(reads: Callable[[str], Signal], text: str) -> None:
    try:
        reads(text)
    except MalformedError:
        return


def test_a_long_header_is_read_in_good_time() -> None:
    for value in ("a=" * 20_000, "a;" * 20_000, "a" * 40_000 + "!", "a=n," * 10_000, '"' * 40_000, " " * 40_000 + "!"):
        from_aipref(value)

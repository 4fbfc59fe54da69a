"""Who may bring which statement: the whole table."""

import json
from base64 import b64encode
from itertools import product
from typing import get_args

import pytest

from consent_ledger.access.callers import SCOPES, Caller, read_scopes
from consent_ledger.access.submission import OPERATORS, SCOPE_OF, WITHDRAWALS, Said, require_submitter, skim
from consent_ledger.errors import ForbiddenError, LedgerError, RefusedError
from consent_ledger.licenses.statements import Statement

OURS, THEIRS = "pty_" + "1" * 32, "pty_" + "2" * 32
TYPES = {kind.__struct_config__.tag for kind in get_args(Statement)}


def caller(*scopes: str, operator: bool = False) -> Caller:
    return Caller(OURS, "clt_0", frozenset(scopes), operator)


def refusal(said: Said | None, who: Caller | None, *, organisation: bool = False) -> str:
    try:
        require_submitter(said, who, issuer_is_organisation=organisation)
    except LedgerError as e:
        return e.code
    return ""


def test_every_type_of_statement_is_in_the_table() -> None:
    assert SCOPE_OF.keys() | WITHDRAWALS == TYPES
    assert SCOPE_OF.keys() & WITHDRAWALS == set()


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_the_table_is_what_decides(type_: str) -> None:
    for who, organisation, issuer in product((True, False), (True, False), (OURS, THEIRS)):
        said = Said(type_, issuer)
        everything = caller(*SCOPES, operator=who)
        if type_ in WITHDRAWALS:
            assert refusal(said, None, organisation=organisation) == ""
            assert refusal(said, everything, organisation=organisation) == ""
            continue
        others = caller(*set(SCOPES) - {SCOPE_OF[type_]}, operator=who)
        assert refusal(said, None, organisation=organisation) == "token_wanted"
        assert refusal(said, others, organisation=organisation) == "scope_missing"
        expected = "operator_only" if type_ in OPERATORS and not who else ""
        expected = expected or ("issuer_not_yours" if organisation and issuer != OURS else "")
        assert refusal(said, everything, organisation=organisation) == expected


def test_what_cannot_be_read_wants_a_token_and_is_then_registrations_to_refuse() -> None:
    assert refusal(None, None) == refusal(Said("sonnet", OURS), None) == "token_wanted"
    assert refusal(None, caller()) == refusal(Said("sonnet", OURS), caller()) == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"payload": 1}', b'{"payload": "%%%"}',
        *[json.dumps({"payload": b64encode(p).decode()}).encode() for p in (b"", b"{}", b'{"type":1}', b"[" * 9000)],
    ],
)  # fmt: skip
def test_what_says_nothing_is_nothing(raw: bytes) -> None:
    assert skim(raw) is None


def test_scopes_are_those_that_there_are() -> None:
    assert read_scopes(["admin", "clearance:read", "admin"]) == ("clearance:read", "admin")
    for wrong in ([], ["root"], ["admin", "ADMIN"]):
        with pytest.raises(RefusedError, match="want one or more of"):
            read_scopes(wrong)


def test_a_caller_has_the_scopes_it_has() -> None:
    caller("admin").require("admin")
    with pytest.raises(ForbiddenError, match="`asset:write`"):
        caller("admin").require("asset:write")

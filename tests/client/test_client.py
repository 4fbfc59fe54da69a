"""The client against a real server: what it asks and says arrives, and what comes back is verified."""

from base64 import b64encode

import msgspec
import pytest
from msgspec.structs import replace

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest
from consent_ledger.client import Client
from consent_ledger.errors import (
    ForbiddenError,
    LedgerError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    VerificationError,
)
from consent_ledger.evidence.receipts import verify_receipt_file
from consent_ledger.licenses.signed import read_signed
from tests.api.asking import question
from tests.client.conftest import Served
from tests.world import hash_of


def asked(name: str, audience: str = "open", **fields: object) -> ClearanceRequest:
    return msgspec.convert(question(hash_of(name), audience, **fields), ClearanceRequest)


def test_one_question_is_answered(client: Client) -> None:
    answer = client.clear(asked("hers"))
    assert (answer.verdict, answer.asset) == ("allow", hash_of("hers"))
    assert client.clear(asked("his")).verdict == "deny"
    assert client.clear(asked("nobody's")).verdict == "undetermined"


def test_many_are_answered_in_order_and_at_one_moment(client: Client) -> None:
    names = ["hers", "his", "nobody's"] * 1_500
    answers = list(client.clear_all(asked(name) for name in names))
    assert all(isinstance(answer, ClearanceAnswer) for answer in answers)
    found = [a.verdict for a in answers if isinstance(a, ClearanceAnswer)]
    assert found == ["allow", "deny", "undetermined"] * 1_500
    assert len({(a.as_of, a.size) for a in answers if isinstance(a, ClearanceAnswer)}) == 1


def test_a_question_that_cannot_be_answered_takes_no_other_with_it(client: Client) -> None:
    first, second, third = client.clear_all([asked("hers"), asked("hers", size=10**6), asked("his")])
    assert isinstance(first, ClearanceAnswer)
    assert isinstance(second, NotFoundError)
    assert second.code == "size_unknown"
    assert isinstance(third, ClearanceAnswer)


def test_a_statement_is_registered_once_and_proved(client: Client, served: Served) -> None:
    envelope = served.unsaid[0]
    first, again = client.register(envelope), client.register(envelope)
    assert (first.is_new, again.is_new) == (True, False)
    assert first._replace(is_new=False) == again
    assert client.statement(first.id) == envelope
    proved = verify_receipt_file(client.receipt(first.id), served.vkey)
    assert (proved.entry.index, proved.signed.raw) == (first.entry, envelope)
    assert client.checkpoint().size > first.entry


def test_the_log_only_grew_and_its_entries_are_in_it(client: Client, served: Served) -> None:
    earlier = client.checkpoint()
    entry = client.register(served.unsaid[17]).entry
    latest = client.checkpoint(since=earlier)
    assert latest.size == earlier.size + 1
    assert client.inclusion(entry).size == latest.size
    assert client.inclusion(0, earlier.size).root == earlier.root.hex()
    for other in (replace(earlier, root=bytes(32)), replace(earlier, size=10**6)):
        with pytest.raises(LedgerError):
            client.checkpoint(since=other)


def test_an_error_keeps_its_class_its_code_its_problems_and_the_request(client: Client, served: Served) -> None:
    signed = read_signed(served.unsaid[1]).envelope
    forged = msgspec.structs.replace(signed.signatures[0], sig=bytes(64))
    with pytest.raises(VerificationError) as not_signed:
        client.register(msgspec.json.encode(msgspec.structs.replace(signed, signatures=(forged,)), order="sorted"))
    assert not_signed.value.code == "signature_invalid"
    assert not_signed.value.request_id is not None
    with pytest.raises(RefusedError) as refused:
        client.register(b'{"payload": "%b"}' % b64encode(b"{}"))
    assert [problem.pointer for problem in refused.value.problems] == ["/payloadType", "/signatures"]
    with pytest.raises(NotFoundError):
        client.statement("sha256:" + "0" * 64)


def test_another_log_than_the_pinned_one_is_not_believed(served: Served) -> None:
    other = "other.example/x+" + served.vkey.split("+", 1)[1]
    with pytest.raises(LedgerError):
        Client(served.place, vkey=other)
    genuine = "tests/world+00000000+" + served.vkey.rsplit("+", 1)[1]
    with pytest.raises(LedgerError):
        Client(served.place, vkey=genuine)


@pytest.mark.parametrize(("token", "error"), [(None, UnauthenticatedError), ("clt_wrong", UnauthenticatedError)])
def test_who_has_no_token_gets_no_answer(
    served: Served, token: str | None, error: type[LedgerError]
) -> None:  # fmt: skip
    with Client(served.place, token) as client, pytest.raises(error):
        client.clear(asked("hers"))


def test_what_a_token_is_not_for_is_forbidden(served: Served) -> None:
    with Client(served.place, served.reading_only) as client:
        assert client.clear(asked("hers")).verdict == "allow"
        with pytest.raises(ForbiddenError):
            client.statement("sha256:" + "0" * 64)

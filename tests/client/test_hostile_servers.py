"""Whatever a server answers that is not the answer is an error, and never `allow`."""

import json
import time
from typing import Any

import msgspec
import pytest

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest
from consent_ledger.client import Client, Patience
from consent_ledger.errors import LedgerError, LimitedError, UnavailableError, VerificationError
from consent_ledger.signing.instants import format_instant
from tests.api.asking import question
from tests.client.hostile import Asked, Hostile, answering, endless, lines_told, problem, said, told
from tests.world import hash_of

ASKED = msgspec.convert(question(hash_of("hers")), ClearanceRequest)
OTHER = msgspec.convert(question(hash_of("his")), ClearanceRequest)


def allowing(asked: ClearanceRequest = ASKED, **changed: Any) -> dict[str, Any]:
    """An answer that the client would believe, but for what is changed."""
    document = json.loads(msgspec.json.encode(asked))
    answer = {
        "verdict": "allow", "asset": document.pop("asset"), "query": document,
        "reasons": [{"code": "granted", "capacity": None, "party": None, "grant": None, "entry": 1, "rule": None,
                     "via": []}],
        "requirements": [], "obligations": [], "warnings": [], "valid_until": None,
        "as_of": format_instant(time.time_ns() // 1000), "size": 9, "root": None, "policy": "1",
    }  # fmt: skip
    return answer | changed


def ask(hostile: Hostile, **given: Any) -> ClearanceAnswer:
    with Client(hostile.place, "clt_x", patience=Patience(read=5, attempts=3), pause=lambda _: None, **given) as client:
        return client.clear(ASKED)


def ask_both(hostile: Hostile) -> list[ClearanceAnswer | LedgerError]:
    with Client(hostile.place, patience=Patience(read=5, attempts=3), pause=lambda _: None) as client:
        return list(client.clear_all([ASKED, OTHER]))


def test_the_answer_that_all_others_are_made_from_is_believed() -> None:
    with answering(told(allowing())) as hostile:
        assert ask(hostile).verdict == "allow"
    with answering(lines_told(MOMENT, SECOND)) as hostile:
        assert [a.verdict for a in ask_both(hostile) if isinstance(a, ClearanceAnswer)] == ["allow", "allow"]


GOOD = json.dumps(allowing()).encode()
NOT_AN_ANSWER = {
    "nothing": b"",
    "no http": b"allow\n",
    "html": said("200 OK", "text/html", b"<p>allow</p>"),
    "json that says it is html": said("200 OK", "text/html", GOOD),
    "no type": said("200 OK", "", GOOD),
    "cut short": said("200 OK", "application/json", GOOD)[:-40],
    "cut short in order": said("200 OK", "application/json", GOOD[:-40]),
    "not utf-8": said("200 OK", "application/json", b"\xff" + GOOD),
    "nested": said("200 OK", "application/json", b"[" * 200_000),
    "compressed": said("200 OK", "application/json", GOOD, Content_Encoding="gzip"),
    "created": said("201 Created", "application/json", GOOD),
    "no content": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
    "elsewhere": said("307 Temporary Redirect", "application/json", GOOD, Location="http://127.0.0.2:9/v1/clearance"),
    "an answer as an error": said("500 Oops", "application/json", GOOD),
    "an error as html": said("502 Bad Gateway", "text/html", b"<h1>502</h1>"),
    "not allowed": said("418 I'm a teapot", "text/plain", b"allow"),
    "a list": told([allowing()]),
    "a field missing": told({k: v for k, v in allowing().items() if k != "reasons"}),
    "endless": endless,
}


@pytest.mark.parametrize("kind", NOT_AN_ANSWER)
def test_what_is_not_an_answer_is_an_error(kind: str) -> None:
    with answering(NOT_AN_ANSWER[kind]) as hostile, pytest.raises(UnavailableError):  # type: ignore[arg-type]
        ask(hostile)


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "another asset": {"asset": OTHER.asset},
    "another use": {"query": allowing()["query"] | {"audience": "internal"}},
    "a reason that forbids": {"reasons": [allowing()["reasons"][0] | {"code": "revoked"}]},
    "a reason that nobody knows": {"reasons": [allowing()["reasons"][0] | {"code": "granted!"}]},
    "no reason": {"reasons": []},
    "somebody who said nothing": {
        "requirements": [{"capacity": "subject", "party": "pty_" + "0" * 32, "status": "revoked", "grant": None,
                          "entry": None, "via": []}],
    },
    "an old answer": {"as_of": "2026-01-01T00:00:00Z"},
    "no time": {"as_of": "now"},
    "over already": {"valid_until": "2026-01-01T00:00:00Z"},
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_an_answer_that_contradicts_what_was_asked_or_itself_is_an_error(kind: str) -> None:
    answer = allowing(**CONTRADICTIONS[kind])
    with answering(told(answer)) as hostile, pytest.raises(VerificationError):
        ask(hostile)
    with answering(lines_told(answer, allowing(OTHER))) as hostile, pytest.raises(VerificationError):
        ask_both(hostile)


def test_a_verdict_that_nobody_knows_is_an_error() -> None:
    with answering(told(allowing(verdict="ALLOW"))) as hostile, pytest.raises(UnavailableError):
        ask(hostile)


MOMENT = allowing()
SECOND = MOMENT | {"asset": OTHER.asset}
FAILED = {"line": 1, "error": json.loads(problem("503 x", "unavailable").partition(b"\r\n\r\n")[2])}


@pytest.mark.parametrize(
    "lines",
    [(), (MOMENT,), (SECOND, MOMENT), (MOMENT, SECOND, SECOND), (MOMENT, "allow"), (MOMENT, SECOND | {"size": 8}),
     (MOMENT, FAILED), (MOMENT, None), (SECOND, FAILED | {"line": 2})],
    ids=["none", "one is missing", "another order", "one too many", "one that is none", "two moments",
         "the error of another line", "null", "the first is left out"],
)  # fmt: skip
def test_lines_that_are_not_the_answers_in_their_order_are_an_error(lines: tuple[Any, ...]) -> None:
    with answering(lines_told(*lines)) as hostile, pytest.raises((UnavailableError, VerificationError)):
        ask_both(hostile)


def test_lines_that_are_cut_short_are_an_error() -> None:
    whole = lines_told(MOMENT, SECOND)
    body = whole.partition(b"\r\n\r\n")[2]
    for cut in (whole[:-1], said("200 OK", "application/x-ndjson", body[:-1])):
        with answering(cut) as hostile, pytest.raises(UnavailableError):
            ask_both(hostile)


def test_an_error_in_a_line_is_that_lines_and_holds_no_tricks() -> None:
    with answering(lines_told(FAILED, SECOND)) as hostile:
        first, second = ask_both(hostile)
    assert isinstance(first, UnavailableError)
    assert str(first) == "no, says \\x1b[31mit"
    assert isinstance(second, ClearanceAnswer)


def test_what_passes_is_asked_again_and_what_stays_is_not_asked_for_ever() -> None:
    with answering(problem("503 x", "unavailable"), b"", told(allowing())) as hostile:
        assert ask(hostile).verdict == "allow"
    with answering(problem("503 x", "unavailable")) as hostile:
        with pytest.raises(UnavailableError) as error:
            ask(hostile)
        assert (len(hostile.asked), error.value.request_id) == (3, "12345678")
    with answering(problem("403 x", "forbidden")) as hostile:
        with pytest.raises(LedgerError):
            ask(hostile)
        assert len(hostile.asked) == 1


def test_it_waits_as_long_as_it_is_told_to_and_not_for_ever() -> None:
    waited: list[float] = []
    limited = problem("429 x", "too_many_requests", Retry_After="7")
    with answering(limited, told(allowing())) as hostile, Client(hostile.place, pause=waited.append) as client:
        assert client.clear(ASKED).verdict == "allow"
    assert waited == [7.0]
    with answering(problem("429 x", "too_many_requests", Retry_After="86400")) as hostile:
        with Client(hostile.place, pause=waited.append) as client, pytest.raises(LimitedError) as error:
            client.clear(ASKED)
        assert len(hostile.asked) == 1
    assert error.value.retry_after == 86_400
    assert waited == [7.0]


def test_a_registration_that_is_tried_again_is_the_same_one() -> None:
    patience = {"patience": Patience(attempts=3), "pause": lambda _: None}
    with answering(b"", problem("503 x", "unavailable"), b"") as hostile, Client(hostile.place, **patience) as client:
        with pytest.raises(UnavailableError):
            client.register(b"{}")
        with pytest.raises(UnavailableError):
            client.register(b"{}")
    keys = [asked.headers["idempotency-key"] for asked in hostile.asked]
    assert len(keys) == 6
    assert len({*keys[:3]}) == len({*keys[3:]}) == 1
    assert keys[0] != keys[3]


def test_where_it_is_sent_elsewhere_the_token_does_not_go() -> None:
    with answering(told(allowing())) as other:
        elsewhere = said("308 x", "application/json", b"{}", Location=other.place + "/v1/clearance")
        with answering(elsewhere) as hostile, pytest.raises(UnavailableError) as error:
            ask(hostile)
        assert error.value.code == "redirected"
        assert other.asked == []


def test_a_proxy_does_not_get_what_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(told(allowing())) as proxy, answering(told(allowing())) as hostile:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.place)
        assert ask(hostile).verdict == "allow"
        assert proxy.asked == []


def test_nothing_but_the_question_and_the_token_is_sent() -> None:
    with answering(told(allowing())) as hostile:
        ask(hostile)
    asked: Asked = hostile.asked[0]
    assert asked.line == "POST /v1/clearance HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer clt_x"
    assert asked.headers["accept-encoding"] == "identity"
    assert "cookie" not in asked.headers

"""Many questions over HTTP, as lines."""

import asyncio
import json
import resource
from contextlib import closing
from typing import Any

import pytest
from litestar.testing import TestClient

from consent_ledger.api.spool import ClientGone, LineSpool
from consent_ledger.errors import UnavailableError
from tests.api.asking import NDJSON, lines, question
from tests.world import hash_of

FILMS = ["hers", "his", "theirs", "lost"]


def ask(client: TestClient, body: bytes) -> list[Any]:
    response = client.post("/v1/clearance/bulk", content=body, headers=NDJSON)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in response.content.splitlines()]


def test_each_line_gets_the_answer_that_a_single_question_gets(client: TestClient) -> None:
    asked = [question(hash_of(FILMS[n % 4]), ["open", "internal", "gated"][n % 3]) for n in range(500)]
    answers = ask(client, lines(*asked))
    single = [client.post("/v1/clearance", json=q).json() for q in asked[:12]]
    assert [a["asset"] for a in answers] == [q["asset"] for q in asked]
    for n, answer in enumerate(answers):
        want = single[n % 12]
        assert {**answer, "as_of": want["as_of"]} == want
    assert len({(a["size"], a["as_of"]) for a in answers}) == 1


def test_a_bad_line_gets_an_error_and_the_rest_are_answered(client: TestClient) -> None:
    good = question(hash_of("hers"))
    body = b"\n".join(
        [
            json.dumps(good).encode() + b"\r",
            b"{not json",
            b"",
            json.dumps(good | {"audience": "all", "x": 1}).encode(),
            b"[" * 10_000,
            b'{"pad": "' + b"x" * 20_000 + b'"}',
            json.dumps(good | {"size": 10**6}).encode(),
            json.dumps(good).encode(),
        ]
    )
    answers = ask(client, body)
    assert [a.get("verdict") for a in answers] == ["allow", None, None, None, None, None, "allow"]
    failed = {a["line"]: (a["error"]["status"], a["error"]["code"]) for a in answers if "error" in a}
    assert failed == {
        2: (400, "not_json"),
        4: (422, "invalid"),
        5: (400, "too_deep"),
        6: (413, "too_large"),
        7: (404, "size_unknown"),
    }
    assert {e["pointer"] for e in answers[2]["error"]["errors"]} == {"/audience", "/x"}


def test_nothing_asked_is_nothing_answered(client: TestClient) -> None:
    assert ask(client, b"") == ask(client, b"\n\n") == []


def test_lines_that_are_cut_anywhere_come_out_whole() -> None:
    body = b"one\n\ntwo two\n" + b"x" * 50 + b"\nlast"

    async def pass_through(cut: int) -> list[bytes | None]:
        chunks = [body[n : n + cut] for n in range(0, len(body), cut)]

        async def receive() -> Any:
            return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

        spool = LineSpool(longest=20)
        async with asyncio.TaskGroup() as group:
            group.create_task(spool.fill(receive))
            found = [line async for batch in spool.lines() for line in batch]
        spool.close()
        return found

    for cut in range(1, len(body) + 1):
        assert asyncio.run(pass_through(cut)) == [b"one", b"", b"two two", None, b"last"]


def test_a_client_that_sends_faster_than_it_is_answered_has_to_wait_in_the_end() -> None:
    async def flood() -> int:
        sent = 0

        async def receive() -> Any:
            nonlocal sent
            sent += 1
            return {"type": "http.request", "body": b"x" * 1000 + b"\n", "more_body": True}

        spool = LineSpool(longest=2000, on_disk=10_000)
        filling = asyncio.create_task(spool.fill(receive))
        await asyncio.sleep(0.05)
        filling.cancel()
        spool.close()
        return sent

    assert asyncio.run(flood()) < 15


def test_a_client_that_goes_away_ends_its_request() -> None:
    async def fill() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        with closing(LineSpool(100)) as spool:
            await spool.fill(receive)

    with pytest.raises(ClientGone):
        asyncio.run(fill())


def test_where_the_disk_is_full_the_request_is_not_taken() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": bytes(3 * 1024 * 1024), "more_body": True}

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 1024 * 1024, before[1]))
    try:
        with closing(LineSpool(100)) as spool, pytest.raises(UnavailableError, match="no room"):
            asyncio.run(spool.fill(receive))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

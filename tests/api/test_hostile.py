"""HTTP as a stranger bends it: after each visit the service answers as before, and has told nobody."""

from contextlib import suppress

import pytest

from tests.api.asking import lines, question
from tests.api.stranger import CHUNKED, GET, MEGABYTE, Served, problem
from tests.world import hash_of

ENDLESS = {
    "fields behind the body": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10_000),
    "one field behind the body": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y" * 60_000),
    "a name behind the body": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"y" * 60_000),
    "a chunk's extension": (CHUNKED + b"\r\n1;", b"y" * 60_000),
    "a path": (b"GET /", b"y" * 60_000),
    "a method": (b"", b"Y" * 60_000),
    "requests ahead": (b"", b"GET /x HTTP/1.1\r\nHost:\r\n\r\n" * 9_000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_is_cut_before_it_fills_memory(served: Served, kind: str) -> None:
    head, piece = ENDLESS[kind]
    before, sent = served.memory(), 0
    with served.connect() as connection, suppress(ConnectionError):
        connection.sendall(head)
        while sent < 20 * MEGABYTE:
            connection.sendall(piece)
            sent += len(piece)
    assert sent < 20 * MEGABYTE
    assert served.memory() < before + 20 * MEGABYTE


def test_a_field_behind_the_body_is_none_of_the_request(served: Served) -> None:
    body = lines(question(hash_of("hers")))
    chunks = b"%x\r\n" % len(body) + body + b"\r\n0\r\n" + served.studio + b"\r\n\r\n"
    head = CHUNKED + b"Content-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
    assert problem(served.send(head + chunks))[0] == 401


SMUGGLED = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"POST /v1/clearance HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"
DOUBTFUL = {
    "upgrade": UPGRADE + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED),
    "upgrade in chunks": UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n",
    "both lengths": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": GET + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a signed length": GET + b"Content-Length: +0\r\n\r\n",
    "another coding": GET + b"Transfer-Encoding: xchunked\r\n\r\n",
    "chunked last but one": GET + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": GET + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk that is too long": CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n",
    "a signed chunk": CHUNKED + b"\r\n-1\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a folded field": GET + b"X: a\r\n b\r\n\r\n",
    "a bare return": GET + b"X-Request-Id: aaaaaaaa\rSet-Cookie: a=b\r\n\r\n",
    "a zero byte": GET + b"X: \0\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "a thousand fields": GET + b"X: y\r\n" * 1000 + b"\r\n",
    "another version": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a method of its own": b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5,
}


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_is_read_behind_it(served: Served, kind: str) -> None:
    answer = served.send(DOUBTFUL[kind], SMUGGLED)
    if not answer.startswith(b"HTTP/1.1 401"):  # that was answered before the body came
        assert problem(answer)[0] == 400
    assert b'"vkey"' not in answer
    assert b"set-cookie" not in answer.lower()

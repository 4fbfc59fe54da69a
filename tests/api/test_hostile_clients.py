"""Clients that are slow, many, cut off or wrong: after each the service answers as before, and has told nobody."""

import json
import re
import socket
import struct
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain

import pytest

from consent_ledger.api.authentication import MOST_BULK
from tests.api.asking import lines, question
from tests.api.stranger import BULK, GET, MEGABYTE, SECRET, Served, chunk, problem, statuses, until
from tests.world import hash_of


def test_slow_readers_fill_no_memory_and_keep_only_themselves_waiting(served: Served) -> None:
    asked = chunk(lines(*[question(hash_of("hers"))] * 4_000))
    before = served.memory()
    with ExitStack() as stack:
        slow = [stack.enter_context(served.connect()) for _ in range(MOST_BULK)]
        for connection in slow:
            connection.sendall(BULK + served.studio + b"\r\n\r\n" + asked)
        for connection in slow:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        refused = served.post("/v1/clearance/bulk", b"", kind=b"x-ndjson")
        assert problem(refused)[0] == 429
        assert b"retry-after: 1\r\n" in refused
        assert statuses(served.post("/v1/clearance/bulk", b"", kind=b"x-ndjson", token=served.rival)) == [200]
        assert served.memory() < before + 8 * MEGABYTE * MOST_BULK
    until(lambda: statuses(served.post("/v1/clearance/bulk", b"", kind=b"x-ndjson")) == [200])


GOOD = lines(question(hash_of("hers"), "internal"))
BROKEN = {
    "not UTF-8": (b"\xff\xfe\n", ["not_json"]),
    "a zero byte": (b"\0\n", ["not_json"]),
    "nested": (b"[" * 8_000 + b"\n", ["too_deep"]),
    "a megabyte": (b"x" * MEGABYTE + b"\n", ["too_large"]),
    "with CR": (GOOD[:-1] + b"\r\n", ["allow"]),
    "two in one": (GOOD[:-1] + GOOD, ["not_json"]),
    "a mark in front": (b"\xef\xbb\xbf" + GOOD, ["not_json"]),
    "a surrogate": (GOOD.replace(b"general", b"\\ud800"), ["not_json"]),
    "a huge number": (b'{"size": ' + b"9" * 5_000 + b"}\n", ["not_json"]),
    "somebody's name": (b'{"' + SECRET + b'": 1}\n', ["invalid"]),
    "the last without an end": (b"", []),
    "nothing but ends": (b"\n\r\n \n", []),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_line_is_answered_in_its_place_and_the_others_are_done(served: Served, kind: str) -> None:
    line, told = BROKEN[kind]
    answer = served.post("/v1/clearance/bulk", GOOD + line + GOOD[:-1], kind=b"x-ndjson")
    assert statuses(answer) == [200]
    found = [json.loads(line) for line in re.findall(rb'^\{.*"(?:verdict|error)".*\}\r?$', answer, re.M)]
    assert [one.get("verdict") or one["error"]["code"] for one in found] == ["allow", *told, "allow"]


BODIES = {
    "cut short": (b"Content-Length: 500\r\n\r\n{", []),
    "cut short in a chunk": (b"Transfer-Encoding: chunked\r\n\r\n500\r\n{", []),
    "longer than anything": (b"Content-Length: 99999999999\r\n\r\n{}", [413]),
    "without an end": (b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b" " * 60_000) * 200, [413]),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("path", [b"/v1/statements", b"/v1/clearance", b"/v1/clearance/explain", b"/v1/projects"])
def test_a_body_that_is_not_what_it_says_ends_only_its_own_request(served: Served, path: bytes, kind: str) -> None:
    body, told = BODIES[kind]
    answer = b""
    with served.connect() as connection, suppress(ConnectionError):
        connection.sendall(
            b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + served.studio
        )
        connection.sendall(b"\r\n" + body)
        if not told:
            connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)
    assert statuses(answer) in (told, [])


def test_one_key_of_two_organisations_at_once_is_two_keys(served: Served) -> None:
    def keep(n: int) -> list[tuple[int, bool]]:
        head = b"Idempotency-Key: one"
        token = (served.studio, served.rival)[n % 2]
        head += b"\r\nContent-Type: text/markdown\r\nConnection: close\r\nHost: x\r\nContent-Length: 5"
        answer = served.send(
            b"POST /v1/wordings HTTP/1.1\r\n" + token + b"\r\n" + head + b"\r\n\r\n# %d\n\n" % (n // 2 % 2)
        )
        return [(status, b"idempotency-replayed" in answer) for status in statuses(answer)]

    with ThreadPoolExecutor(16) as pool:
        found = Counter(chain.from_iterable(pool.map(keep, range(48))))
    assert found[201, False] == 2
    assert found[422, False] == 24
    assert {status for status, _ in found} <= {201, 409, 422}
    assert sum(found.values()) == 48


def test_thousands_of_connections_that_break_off_leave_nothing_behind(served: Served) -> None:
    begun = [
        b"",
        GET[:20],
        GET + b"\r\n",
        BULK + served.studio + b"\r\n\r\n" + chunk(GOOD) + b"50\r\n{",
        b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n" + served.studio + b"\r\n\r\n{",
    ]
    held, memory = served.held(), served.memory()
    for n in range(2_500):
        with served.connect() as connection:
            connection.sendall(begun[n % 5])
            if n % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    until(lambda: served.held() <= held)
    assert served.memory() < memory + 30 * MEGABYTE


def test_the_figures_name_nobody(running: Served) -> None:
    """The last one: it looks at what all the others left, and leaves connections of every kind to the end."""
    running.send(
        b"GET /v1/projects/" + SECRET + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + running.studio + b"\r\n\r\n"
    )
    figures = running.send(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + running.operator + b"\r\n\r\n"
    )
    assert statuses(figures) == [200]
    assert SECRET not in figures
    assert not [value for value in re.findall(rb'="([^"]*)"', figures) if re.search(rb"[0-9a-f]{16}|BREW|@", value)]
    head = b"POST /v1/clearance HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"
    for begun in (
        b"",
        GET,
        GET + b"\r\n",
        head + running.studio + b"\r\n\r\n{",
        BULK + running.studio + b"\r\n\r\n" + chunk(GOOD),
    ):
        connection = running.connect()
        connection.sendall(begun)
        running.left.append(connection)

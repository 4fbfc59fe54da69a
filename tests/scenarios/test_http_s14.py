"""S14 over HTTP: 500 people sign at once, all tap twice, one in twenty loses the reply and sends again; with a key.

On PostgreSQL two processes share the ledger, and the second tap goes to the other one. (Services that are killed
meanwhile: tests/api/test_kill.py.)
"""

import asyncio
import re
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from consent_ledger.store.engine import open_store
from tests.processes.signers import Place, Server, furnish
from tests.world import findings, index_is_right

PEOPLE = 500
LOST = 20
AT_ONCE = 120
"""Connections that are open at a time."""


class Told(NamedTuple):
    """A response: its status, its body, and whether it was given before."""

    status: int
    body: bytes
    replayed: bool


async def post(port: int, place: Place, key: str, body: bytes, *, lose: bool = False) -> Told | None:
    """Send a statement with a key; None where the reply is not waited for."""
    head = (
        "POST /v1/statements HTTP/1.1\r\nHost: ledger\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Authorization: Bearer {place.token}\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + body)
        await writer.drain()
        if lose:
            return None
        answered = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"\r\ncontent-length: (\d+)", answered)
        assert length is not None
        replayed = "\r\nidempotency-replayed: true" in answered
        return Told(int(answered[9:12]), await reader.readexactly(int(length[1])), replayed)
    finally:
        writer.close()


async def tap(port: int, place: Place, key: str, body: bytes, turn: asyncio.Semaphore, *, lose: bool) -> Told:
    """Send until it is answered: while the first is running, the second is told to come back."""
    async with asyncio.timeout(60):
        while True:
            async with turn:
                told = await post(port, place, key, body, lose=lose)
            if told is not None and told.status != 409:
                return told
            lose = False
            await asyncio.sleep(0.05)


async def everybody(place: Place, ports: list[int], envelopes: list[bytes]) -> list[tuple[Told, Told]]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def sign(n: int) -> tuple[Told, Told]:
        lose = n % LOST == 0
        first, second = (
            tap(ports[k % len(ports)], place, f"sign-{n}", envelopes[n], turn, lose=lose and k == 0) for k in (0, 1)
        )
        return await asyncio.gather(first, second)

    return list(await asyncio.gather(*[sign(n) for n in range(PEOPLE)]))


def test_s14_everybody_taps_twice_and_some_lose_the_reply(store_url: str, tmp_path: Path) -> None:
    place = furnish(tmp_path / "home", store_url, PEOPLE)
    envelopes = [place.world.consent(f"signer {n}") for n in range(PEOPLE)]
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(place.home)) for _ in range(2 if "postgresql" in store_url else 1)]
        for server in servers:
            server.wait()
        ports = [server.port for server in servers]
        told = asyncio.run(everybody(place, ports, envelopes))
        other = asyncio.run(post(ports[-1], place, "sign-7", envelopes[8]))
        again = asyncio.run(post(ports[-1], place, "sign-7", envelopes[7]))
        assert [server.end("term") for server in servers] == [0] * len(servers)

    assert {(tap.status, tap.body == one.body) for one, two in told for tap in (one, two)} == {(201, True)}
    entries = sorted(msgspec.json.decode(one.body)["entry"] for one, _ in told)
    assert entries == list(range(place.before, place.before + PEOPLE))
    assert other is not None
    assert (other.status, msgspec.json.decode(other.body)["code"]) == (422, "idempotency_key_reused")
    assert again == told[7][0]._replace(replayed=True)
    with open_store(store_url) as store:
        assert findings(store) == []
        assert index_is_right(store)

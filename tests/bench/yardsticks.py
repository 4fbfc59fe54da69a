"""The limits and peers that a measurement is held against."""

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import cedarpy
from nacl.signing import SigningKey


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def raw_verify_rate(message_bytes: int = 700, count: int = 4000) -> float:
    """PyNaCl's `VerifyKey.verify` calls a second, on one core, over messages of that many bytes."""
    key = SigningKey(sha256(b"yardstick").digest())
    signed = key.sign(bytes(message_bytes))
    verify, message, signature = key.verify_key.verify, signed.message, signed.signature

    def run() -> None:
        for _ in range(count):
            verify(message, signature)

    return count / seconds(run)


def sqlite_commit_rate(directory: Path, row_bytes: int = 1200, batch: int = 1000, rows: int = 20_000) -> float:
    """Rows a second that bare `executemany` appends durably (WAL, FULL), `batch` rows a commit."""
    connection = sqlite3.connect(directory / "bare.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, b)"
    )
    body = bytes(row_bytes)

    def run() -> None:
        for start in range(0, rows, batch):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, body) for n in range(start, start + batch)])
            connection.execute("COMMIT")

    rate = rows / seconds(run)
    connection.close()
    return rate


def indexed_lookups(directory: Path, keys: Sequence[str]) -> float:
    """Seconds for one indexed SELECT after the other of the same rows, in bare SQLite: the least a check could do."""
    connection = sqlite3.connect(directory / f"lookup-{len(keys)}.db")
    connection.execute("CREATE TABLE asset (hash TEXT PRIMARY KEY, verdict INTEGER) WITHOUT ROWID")
    connection.executemany("INSERT INTO asset VALUES (?, 1)", ((key,) for key in keys))
    connection.commit()
    select = "SELECT verdict FROM asset WHERE hash = ?"
    taken = seconds(lambda: [connection.execute(select, (key,)).fetchone() for key in keys])
    connection.close()
    return taken


def cedar_question() -> Callable[[], bool]:
    """Return a decision by Cedar (cedarpy), policies and entities parsed beforehand: the same model for one asset, an
    owner and a subject who must both permit the use."""
    policy = """
        permit(principal, action == Action::"train", resource)
        when { resource.owner.audience >= context.audience && resource.subject.audience >= context.audience
               && resource.owner.licences.contains(context.licence) && !resource.owner.withdrawn
               && !resource.subject.withdrawn };
    """
    person = {"audience": 3, "licences": ["CC-BY-4.0"], "withdrawn": False}
    entities = [
        {"uid": {"type": "Person", "id": "p"}, "attrs": person, "parents": []},
        {
            "uid": {"type": "Asset", "id": "a"},
            "attrs": {name: {"__entity": {"type": "Person", "id": "p"}} for name in ("owner", "subject")},
            "parents": [],
        },
    ]
    request = {
        "principal": 'Person::"p"',
        "action": 'Action::"train"',
        "resource": 'Asset::"a"',
        "context": {"audience": 3, "licence": "CC-BY-4.0"},
    }
    parsed = cedarpy.PolicySet.from_str(policy), cedarpy.Entities.from_json_str(json.dumps(entities))
    if not cedarpy.is_authorized(request, *parsed).allowed:
        raise SystemExit("the yardstick does not permit what it should")
    return lambda: bool(cedarpy.is_authorized(request, *parsed).allowed)


def cedar_rate(count: int = 3000) -> float:
    """Such decisions a second, one after the other."""
    ask = cedar_question()
    return count / seconds(lambda: [ask() for _ in range(count)])

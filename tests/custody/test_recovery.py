"""A restored backup is brought back to what was published, and nothing is signed twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.custody.anchor import Anchor
from consent_ledger.custody.recovery import recover
from consent_ledger.errors import LedgerError, StaleError, VerificationError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.evidence.receipts import encode_receipt_file, take_receipt, verify_receipt_file
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.verification.live import verify_store
from tests.stores import new_store
from tests.world import LOG_KEY, ORIGIN, World, hash_of, index_is_right, key_of

TABLES = {"entry": '"index"', "opening": '"index"', "node": "id", "touch": '"key", entry'}


def rows(store: Store) -> dict[str, list[Any]]:
    with store.read() as tx:
        return {t: [tuple(r) for r in tx.select(f"SELECT * FROM {t} ORDER BY {key}")] for t, key in TABLES.items()}


class Scene:
    """A ledger with a bundle of early on and one of later, and a database that knows only the early part."""

    def __init__(self, place: Path, url: str, other: str) -> None:
        self.place, self.other = place, other
        self.early, self.late = place / "early", place / "late"
        self.anchor = Anchor(place / "anchor")
        with new_store(url) as store:
            world = World(store)
            world.ledger.anchor = self.anchor
            world.people("ada", "ben")
            world.film("clip", ["ada"], ["ada"])
            world.grant("ada")
            write_bundle(store, self.early)
            self.receipts = [world.grant("ben"), world.revoke("ada")]
            more = world.ledger.register_all([world.enrolment(f"p{n}") for n in range(20)])
            self.receipts += [receipt for receipt in more if isinstance(receipt, Receipt)]
            write_bundle(store, self.late)
            write_bundle(store, place / "sealed", openings="withheld")
            self.files = [take_receipt(store, receipt.id) for receipt in self.receipts]
            self.rows, self.size, self.vkey = rows(store), world.size, world.ledger.vkey

    def restored(self) -> Store:
        """The database as it was early on."""
        store = new_store(self.other)
        recover(store, self.early, vkey=self.vkey, anchor=Anchor(self.place / "anchor of that day"))
        return store

    def recover(self, store: Store, source: Path, **how: Any) -> Any:
        return recover(store, source, vkey=self.vkey, anchor=Anchor(self.anchor.path), **how)

    def code_of(self, store: Store, source: Path, **how: Any) -> str:
        before = rows(store)
        with pytest.raises(LedgerError) as refused:
            self.recover(store, source, **how)
        assert rows(store) == before
        return refused.value.code


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, f"sqlite:///{tmp_path}/ledger.db", f"sqlite:///{tmp_path}/restored.db")


@pytest.fixture
def either(store_url: str, tmp_path: Path) -> Iterator[Scene]:
    """The same on each kind of database."""
    if store_url.startswith("sqlite"):
        yield Scene(tmp_path, store_url, f"sqlite:///{tmp_path}/restored.db")
        return
    import psycopg

    base, _, options = store_url.partition("?")
    name = base.rpartition("/")[2] + "_restored"
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield Scene(tmp_path, store_url, f"{base.rpartition('/')[0]}/{name}?{options}")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_was_forgotten_comes_back_byte_for_byte(either: Scene) -> None:
    with either.restored() as store:
        stale = Ledger.open(store, LOG_KEY, anchor=Anchor(either.anchor.path))
        world = World.__new__(World)
        world.store, world.now, world.ledger = store, 1_900_000_000_000_000, stale
        with pytest.raises(StaleError) as refused:
            world.revoke("ada")
        assert refused.value.code == "behind_published"
        assert either.recover(store, either.late).size == either.size
        assert rows(store) == either.rows
        assert index_is_right(store)
        assert not verify_store(store, vkey=either.vkey).findings
        world.ledger = Ledger.open(store, LOG_KEY, clock=world.clock, anchor=Anchor(either.anchor.path))
        assert world.verdict(hash_of("clip")) == "deny"
        assert world.ledger.register(world.withdrawal("ben")).entry == either.size
        for receipt, file in zip(either.receipts, either.files, strict=True):
            assert verify_receipt_file(file, either.vkey).entry.index == receipt.entry
            assert verify_receipt_file(take_receipt(store, receipt.id), either.vkey).entry.index == receipt.entry


def test_again_is_nothing_and_from_nothing_is_everything(either: Scene) -> None:
    with new_store(either.other) as store:
        assert either.recover(store, either.late) == (0, either.size)
        assert either.recover(store, either.late) == (either.size, either.size)
        assert rows(store) == either.rows


def test_a_witness_that_saw_more_is_satisfied(scene: Scene) -> None:
    scene.anchor.stop("witness `w` has seen more", 1, size=scene.size)
    with scene.restored() as store:
        scene.recover(store, scene.late)
    assert scene.anchor.read().stop is None


def test_a_source_that_ends_before_what_was_published_is_refused(scene: Scene) -> None:
    with scene.restored() as store:
        assert scene.code_of(store, scene.early) == "source_too_short"


def test_without_its_openings_nothing_comes_back_and_receipts_are_openings(scene: Scene) -> None:
    """The public log, which holds none; the backup has the early ones, and people have their receipts."""
    files = []
    for n, file in enumerate(scene.files):
        files.append(scene.place / f"receipt {n}.json")
        files[-1].write_bytes(encode_receipt_file(file))
    with scene.restored() as store:
        assert scene.code_of(store, scene.place / "sealed") == "openings_missing"
        assert scene.code_of(store, scene.place / "sealed", further=files[1:]) == "openings_missing"
        scene.recover(store, scene.place / "sealed", further=files)
        assert rows(store) == scene.rows


def test_tiles_alone_are_enough_with_the_openings_beside_them(scene: Scene) -> None:
    tiles = scene.place / "tiles"
    shutil.copytree(scene.late / "tile", tiles / "tile")
    shutil.copy(scene.late / "checkpoint", tiles)
    with scene.restored() as store:
        assert scene.code_of(store, tiles) == "openings_missing"
        scene.recover(store, tiles, further=[scene.late / "openings.ndjson"])
        assert rows(store) == scene.rows


@pytest.mark.parametrize("file", ["openings.ndjson", "checkpoint", "tile/entries", "tile/0"])
def test_a_source_with_a_wrong_byte_is_refused(scene: Scene, file: str) -> None:
    damaged = next(f for f in (scene.late / file, *(scene.late / file).rglob("*")) if f.is_file())
    raw = bytearray(damaged.read_bytes())
    place = raw.find(b'"salt":"') + 20 if file == "openings.ndjson" else len(raw) - 30
    raw[place] = ord("A") if raw[place] != ord("A") else ord("B")
    damaged.write_bytes(raw)
    with scene.restored() as store:
        assert scene.code_of(store, scene.late) in ("source_not_verified", "openings_missing")


def test_a_database_that_went_another_way_is_not_mended(scene: Scene) -> None:
    with scene.restored() as store:
        world = World.__new__(World)
        world.store, world.now = store, 1_900_000_000_000_000
        world.ledger = Ledger.open(store, LOG_KEY, clock=world.clock)
        world.revoke("ben")
        with pytest.raises(StaleError) as refused:
            scene.recover(store, scene.late)
        assert refused.value.code == "forked"


def test_a_source_of_another_log_is_refused(scene: Scene) -> None:
    stranger = vkey_text(ORIGIN, key_of("stranger").public_key)
    with scene.restored() as store, pytest.raises(VerificationError):
        recover(store, scene.late, vkey=stranger, anchor=Anchor(scene.anchor.path))

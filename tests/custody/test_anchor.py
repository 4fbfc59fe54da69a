"""The anchor: a database that has forgotten what was published is not written to, and nothing is cleared on it."""

import shutil
from fcntl import LOCK_EX, flock
from pathlib import Path
from threading import Thread

import pytest

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.clearance import Engine
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import StaleError, UnavailableError
from consent_ledger.ledger import Ledger
from consent_ledger.signing.keys import SigningKey
from consent_ledger.store.engine import Store, open_store
from tests.stores import EmptyStores, new_store
from tests.world import INTERNAL, LOG_KEY, World, hash_of, issuer_of


def copy_of(place: Path) -> Path:
    """A backup: the database's files as they are after all connections were closed."""
    backup = place.with_name("backup.db")
    shutil.copy(place, backup)
    return backup


def restore(place: Path, backup: Path) -> None:
    for name in ("-wal", "-shm"):
        place.with_name(place.name + name).unlink(missing_ok=True)
    shutil.copy(backup, place)


def published_size(anchor: Anchor) -> int:
    checkpoint = anchor.read().checkpoint
    assert checkpoint is not None
    return checkpoint.size


def refusal(world: World) -> str:
    with pytest.raises(StaleError) as refused:
        world.enrol("nobody")
    return refused.value.code


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A ledger with a film that is cleared, and an anchor beside it."""
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.people("ada")
        world.film("clip", ["ada"], ["ada"])
        world.grant("ada")
        world.ledger.anchor = Anchor(tmp_path / "anchor")
        world.enrol("ben")
        assert published_size(world.ledger.anchor) == world.size
    return tmp_path / "ledger.db"


def opened(store: Store, anchor: Anchor) -> World:
    world = World.__new__(World)
    world.store, world.now = store, 1_800_000_000_000_000
    world.operator, world.studio = issuer_of("operator"), issuer_of("studio")
    world.ledger = Ledger.open(store, LOG_KEY, clock=world.clock, anchor=anchor)
    return world


def test_the_anchor_is_written_before_anything_is_acknowledged(place: Path) -> None:
    anchor = Anchor(place.with_name("anchor"))
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        for n in range(5):
            receipt = world.ledger.register(world.enrolment(f"p{n}"))
            assert Anchor(anchor.path).read().note == receipt.checkpoint
        anchor.close()
        assert anchor.path.read_bytes() == receipt.checkpoint  # written through to the disk


def test_a_restored_backup_is_not_written_to_and_nothing_is_cleared_on_it(place: Path) -> None:
    backup = copy_of(place)
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, Anchor(place.with_name("anchor")))
        world.revoke("ada")
        assert world.verdict(hash_of("clip")) == "deny"
    restore(place, backup)
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, Anchor(place.with_name("anchor")))
        assert refusal(world) == "behind_published"
        engine = Engine(store, world.clock, published=world.ledger.published)
        decision = engine.clear([hash_of("clip")], INTERNAL).decisions[0]
        assert decision.verdict.name == "undetermined"
        assert [reason.code for reason in decision.reasons] == ["ledger_integrity_failure"]
        assert [v.name for v in engine.verdicts([hash_of("clip")], INTERNAL)] == ["undetermined"]
        with pytest.raises(StaleError, match="consent-ledger recover"):
            engine.explain([hash_of("clip")], INTERNAL)
        assert world.verdict(hash_of("clip")) == "allow"  # which is why


def test_a_database_that_is_exchanged_while_it_is_served_is_noticed(place: Path) -> None:
    """As when PostgreSQL fails over to a replica that lags behind."""
    anchor = Anchor(place.with_name("anchor"))
    backup = copy_of(place)
    with open_store(f"sqlite:///{place}") as store, open_store(f"sqlite:///{backup}") as behind:
        world = opened(store, anchor)
        world.enrol("cyd")
        world.ledger.store = behind
        assert refusal(world) == "behind_published"


def test_a_fork_is_noticed(place: Path) -> None:
    backup = copy_of(place)
    with open_store(f"sqlite:///{backup}") as store:
        opened(store, Anchor(place.with_name("other"))).enrol("mallory")
    with open_store(f"sqlite:///{place}") as store:
        opened(store, Anchor(place.with_name("anchor"))).enrol("cyd")
    restore(place, backup)
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, Anchor(place.with_name("anchor")))
        assert refusal(world) == "forked"
        world.ledger.anchor = Anchor(place.with_name("other"))
        world.people("dan", "eve")
        world.ledger.anchor = Anchor(place.with_name("anchor"))
        assert refusal(world) == "forked"  # it is the longer one now, and is still another


def test_each_host_has_an_anchor_of_its_own_and_never_writes_behind_it(place: Path) -> None:
    near, far = Anchor(place.with_name("anchor")), Anchor(place.with_name("far"))
    with open_store(f"sqlite:///{place}") as store:
        one, two = opened(store, near), opened(store, far)
        for n in range(6):
            (one if n % 2 else two).enrol(f"p{n}")
        assert (published_size(near), published_size(far)) == (one.size, one.size - 1)


def test_threads_and_processes_that_share_an_anchor_never_turn_it_back(place: Path) -> None:
    with open_store(f"sqlite:///{place}") as store:
        worlds = [opened(store, Anchor(place.with_name("anchor"))) for _ in range(4)]
        threads = [
            Thread(target=lambda w=world, n=n: [w.enrol(f"{n} {k}") for k in range(5)])  # type: ignore[misc]
            for n, world in enumerate(worlds)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {published_size(world.ledger.anchor) for world in worlds if world.ledger.anchor} == {worlds[0].size}
        older = Anchor(place.with_name("anchor"))
        before = older.read()
        older.advance(store_note(worlds[0], 3))
        assert older.read() == before


def store_note(world: World, size: int) -> bytes:
    with world.store.read() as tx:
        note: bytes = tx.select("SELECT note FROM checkpoint WHERE size = ?", (size,))[0][0]
        return note


def test_a_missing_anchor_is_made_from_the_head_and_said(place: Path) -> None:
    told: list[str] = []
    anchor = Anchor(place.with_name("new"), notice=told.append)
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        assert published_size(anchor) == world.size
        assert len(told) == 1
        assert "no anchor" in told[0]
        opened(store, anchor)
    assert len(told) == 1


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", b"\x00" * 200])
def test_an_anchor_that_cannot_be_read_is_an_error_and_not_a_new_start(place: Path, damage: bytes) -> None:
    file = place.with_name("anchor")
    file.write_bytes(damage)
    with open_store(f"sqlite:///{place}") as store:
        with pytest.raises(StaleError) as refused:
            opened(store, Anchor(file))
        assert refused.value.code == "anchor_unreadable"
    assert file.read_bytes() == damage


def test_a_torn_write_only_makes_the_anchor_older(place: Path) -> None:
    anchor = Anchor(place.with_name("anchor"))
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        for n in range(3):
            world.enrol(f"p{n}")
        kept = read_checkpoint_text(anchor.path.read_bytes()).size
        note = anchor.latest.read_bytes()
        for torn in (b"", note[:50], note[:-1], b"\x00" * len(note)):
            anchor.latest.write_bytes(torn)
            after = Anchor(anchor.path)
            assert kept <= published_size(after) <= world.size
            again = opened(store, after)
            assert again.ledger.register(again.enrolment(f"p after {torn!r}")).is_new
            assert published_size(after) == world.size


def test_an_anchor_of_another_ledger_is_told_apart(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    stranger = SigningKey.from_seed(bytes(32))
    with EmptyStores(tmp_path_factory.mktemp("other"))() as store:
        world = World(store)
        world.ledger.anchor = Anchor(place.with_name("strange"))
        world.ledger._log_keys = {world.ledger.vkey: stranger}
        world.people(*"abcdefghij")
    with open_store(f"sqlite:///{place}") as store:
        assert refusal(opened(store, Anchor(place.with_name("strange")))) == "anchor_of_another_log"
        other = place.with_name("named")
        other.write_bytes(
            place.with_name("anchor").read_bytes().replace(b"ledger.example/world", b"ledger.example/ever")
        )
        assert refusal(opened(store, Anchor(other))) == "anchor_of_another_log"


def test_an_anchor_that_goes_away_while_the_ledger_is_open_stops_it(place: Path) -> None:
    folder = place.with_name("elsewhere")
    folder.mkdir()
    anchor = Anchor(folder / "anchor")
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        size = world.size
        folder.rename(place.with_name("unmounted"))
        folder.mkdir()
        assert refusal(world) == "anchor_unreadable"
        assert world.size == size
        folder.rmdir()
        place.with_name("unmounted").rename(folder)
        assert world.enrol("dan")
        assert published_size(anchor) == size + 1


def test_a_retry_is_acknowledged_only_once_it_is_anchored(place: Path) -> None:
    anchor = Anchor(place.with_name("anchor"))
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        envelope = world.enrolment("cyd")
        lock = place.with_name("anchor.lock")
        lock.unlink()
        lock.mkdir()
        for _ in range(2):
            with pytest.raises(UnavailableError):
                world.ledger.register(envelope)
        lock.rmdir()
        receipt = world.ledger.register(envelope)
        assert not receipt.is_new
        assert anchor.read().note == receipt.checkpoint


def test_a_process_that_stands_still_with_the_anchor_in_hand_is_not_waited_for_without_end(place: Path) -> None:
    anchor = Anchor(place.with_name("anchor"), lock_seconds=0.1)
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        envelope = world.enrolment("cyd")
        with place.with_name("anchor.lock").open("rb") as held:
            flock(held, LOCK_EX)
            with pytest.raises(UnavailableError, match="stands still") as refused:
                world.ledger.register(envelope)
            assert refused.value.code == "not_anchored"
        receipt = world.ledger.register(envelope)
        assert not receipt.is_new
        assert anchor.read().note == receipt.checkpoint


def test_what_a_witness_has_seen_stops_the_ledger_until_it_is_there(place: Path) -> None:
    anchor = Anchor(place.with_name("anchor"))
    with open_store(f"sqlite:///{place}") as store:
        world = opened(store, anchor)
        anchor.stop("witness `w` has seen 100 entries", 7, size=100)
        assert refusal(world) == "stopped"
        again = opened(store, Anchor(anchor.path))
        assert refusal(again) == "stopped"
        anchor.go_on(99)
        assert refusal(again) == "stopped"
        anchor.go_on(100)
        assert again.ledger.register(again.enrolment("cyd")).is_new
        anchor.stop_mark.write_bytes(b"garbage")
        assert refusal(again) == "stopped"


def test_two_databases_that_share_an_anchor_cannot_publish_two_histories(place: Path) -> None:
    """The second commits, and nobody hears of it."""
    backup = copy_of(place)
    anchor = Anchor(place.with_name("anchor"))
    with open_store(f"sqlite:///{place}") as one, open_store(f"sqlite:///{backup}") as two:
        opened(one, anchor).enrol("cyd")
        forked = opened(two, Anchor(place.with_name("other")))
        receipt = forked.ledger.register(forked.enrolment("dan"))
        with pytest.raises(StaleError) as refused:
            anchor.advance(receipt.checkpoint)
        assert refused.value.code == "forked"

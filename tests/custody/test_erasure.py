"""Erasing what a person said: nothing of it is left, and nothing becomes permitted by it."""

import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from consent_ledger.clearance import Engine, clear
from consent_ledger.custody.erasure import Destroyed, Journal, complete, erase, is_pending, watch_erasures
from consent_ledger.custody.holds import Hold, Holds
from consent_ledger.custody.rebuild import compare, rebuild
from consent_ledger.errors import ConflictError, LedgerError, NotFoundError, RefusedError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.issuing import whole_second
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import decide
from consent_ledger.licenses.erasing import statements_of
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.store.engine import Store, open_store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head, read_openings
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.live import verify_store
from tests.ledgers.neutral import random_case
from tests.ledgers.pure import PureStage
from tests.stores import new_store
from tests.world import LOG_KEY, OPEN, World, codes, hash_of, issuer_of, key_of, party_of


class Home:
    """The files beside the database."""

    def __init__(self, place: Path) -> None:
        self.journal = Journal(place / "erasures.ndjson")
        self.holds = Holds(place / "holds.json")


def erased(world: World, name: str, home: Home, level: Any = "statements") -> list[Receipt]:
    return erase(world.ledger, world.operator, party_of(name), level, "request", home.journal, home.holds)


def furnish(world: World) -> None:
    """Two people in one film, each with a film of their own; ada has said all that a person can say."""
    world.people("ada", "ben")
    ada = issuer_of("ada")
    world.film("both", ["ben"], ["ada", "ben"])
    world.film("hers", ["ada"], ["ada"])
    world.film("his", ["ben"], ["ben"])
    world.grant("ada", choices={"release": True})
    world.grant("ben", choices={"release": True})
    world.revoke("ada", assets=[hash_of("hers")])
    first = world.grant("ada", assets=[hash_of("hers")])
    world.register(ada, st.Suspension, action="suspended", grants=[first.id])
    world.register(
        world.operator, st.Key, party=party_of("ada"), action="retired", keyid=key_of("ada").public_key.keyid
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from furnished(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def either(store_url: str) -> Iterator[World]:
    """The same on each kind of database."""
    yield from furnished(store_url)


def furnished(url: str) -> Iterator[World]:
    with new_store(url) as store:
        world = World(store)
        furnish(world)
        yield world


def everything(store: Store) -> dict[int, Any]:
    with store.read() as tx:
        return dict(read_openings(tx, range(read_head(tx).size)))


def test_all_that_she_said_is_gone_and_all_that_others_said_is_there(either: World, home: Home) -> None:
    before = everything(either.store)
    (receipt,) = erased(either, "ada", home)
    after = everything(either.store)
    gone = before.keys() - after.keys()
    assert {n: o for n, o in before.items() if n not in gone} == {n: o for n, o in after.items() if n != receipt.entry}
    hers = {n for n, o in before.items() if about(o.envelope, party_of("ada"))}
    assert gone == hers
    assert len(gone) == 6  # enrolment, two grants, withdrawal, pause, key
    assert sorted(home.journal.read()) == sorted(gone)
    assert not verify_store(either.store).findings
    assert verify_store(either.store).counts.erased == 6


def about(envelope: bytes, party: str) -> bool:
    statement = skim_signed(envelope).statement
    if isinstance(statement, st.Grant | st.Suspension):
        return statement.issuer == party
    return isinstance(statement, st.Party | st.Key | st.Revocation) and statement.party == party


def test_afterwards_she_permits_nothing_and_others_what_they_did(world: World, home: Home) -> None:
    assert [world.verdict(hash_of(name)) for name in ("both", "hers", "his")] == ["allow", "deny", "allow"]
    size = world.size
    (receipt,) = erased(world, "ada", home)
    for point in ({}, {"size": size}, {"size": size - 3}):
        assert [world.verdict(hash_of(n), **point) for n in ("both", "hers", "his")] == ["deny", "deny", "allow"]
    decision = world.ask(hash_of("both"))
    assert codes(decision) == {"revoked"}
    assert [r.entry for r in decision.reasons] == [receipt.entry]
    for refused in (world.consent("ada"), world.withdrawal("ada"), world.enrolment("ada")):
        (outcome,) = world.ledger.register_all([refused])
        assert isinstance(outcome, LedgerError)
        assert outcome.code in ("party_unknown", "party_erased")


def test_warm_cold_and_rebuilt_facts_and_the_auditor_agree(either: World, home: Home, tmp_path: Path) -> None:
    assets = [hash_of(name) for name in ("both", "hers", "his")]
    warm = Engine(either.store, either.clock, warm=True)
    warm.clear(assets, OPEN)
    size = either.size
    assert [v.name for v in warm.verdicts(assets, OPEN)] == ["allow", "deny", "allow"]
    erased(either, "ada", home)
    for point in ({}, {"size": size}, {"size": 5}):
        wanted = warm.clear(assets, OPEN, **point).decisions
        assert clear(either.store, assets, OPEN, clock=either.clock, **point).decisions == wanted
        for n, asset in enumerate(assets):
            assert clear(either.store, [asset], OPEN, clock=either.clock, **point).decisions == [wanted[n]]
    assert warm.verdicts(assets, OPEN) == [d.verdict for d in warm.clear(assets, OPEN).decisions]
    with either.store.read() as tx:
        assert compare(tx) == []
    rebuild(either.store)
    with either.store.read() as tx:
        assert compare(tx) == []
    for point in ({}, {"size": size}, {"size": 5}):
        wanted = warm.clear(assets, OPEN, **point).decisions
        assert clear(either.store, assets, OPEN, clock=either.clock, **point).decisions == wanted
    write_bundle(either.store, tmp_path / "bundle")
    report = verify_bundle(tmp_path / "bundle", vkey=either.ledger.vkey)
    assert report.findings == ()
    assert report.counts.erased == 6
    assert not verify_store(either.store).findings


def test_another_process_that_is_warm_hears_of_it(either: World, home: Home) -> None:
    running = Ledger.open(either.store, LOG_KEY, clock=either.clock)
    running.register(either.enrolment("cyd"))
    running.register(either.consent("ben", capacities=["owner"]))
    erased(either, "ben", home)
    (outcome,) = running.register_all([either.consent("ben")])
    assert isinstance(outcome, LedgerError)
    assert outcome.code == "party_unknown"


def test_it_is_done_once_for_persons_who_are_there(world: World, home: Home) -> None:
    erased(world, "ada", home)
    with pytest.raises(ConflictError) as refused:
        erased(world, "ada", home)
    assert refused.value.code == "party_erased"
    with pytest.raises(NotFoundError):
        erased(world, "nobody", home)
    with pytest.raises(RefusedError):
        erased(world, "studio", home)
    (only,) = erased(world, "ben", home, level="identity")
    assert world.verdict(hash_of("his")) == "allow"
    assert only.is_new


def test_a_legal_hold_keeps_everything(world: World, home: Home) -> None:
    home.holds.add(Hold(party_of("ada"), "case 12", 1))
    size = world.size
    for level in ("statements", "identity"):
        with pytest.raises(ConflictError) as refused:
            erased(world, "ada", home, level=level)
        assert refused.value.code == "legal_hold"
    assert (world.size, home.journal.read()) == (size, {})
    home.holds.path.chmod(0o600)
    home.holds.lift(party_of("ada"))
    with pytest.raises(NotFoundError):
        home.holds.lift(party_of("ada"))
    assert erased(world, "ada", home)
    home.holds.path.write_text("{")
    with pytest.raises(LedgerError, match="cannot be understood"):
        erased(world, "ben", home)


# What binds others stays ------------------------------------------------------------------------------------------


def test_what_a_guardian_said_for_her_ward_stays_and_so_does_what_stops_it(world: World, home: Home) -> None:
    world.people("mum")
    world.enrol("kim", age="minor", majority="2040-01-01")
    world.film("kim", ["kim"], ["kim"])
    both = world.grant("mum", capacities=["guardian"], ward=party_of("kim"))
    world.grant("mum")
    assert world.verdict(hash_of("kim")) == "allow"
    world.revoke("mum")
    assert world.verdict(hash_of("kim")) == "deny"
    before = world.ask(hash_of("kim"))
    erased(world, "mum", home)
    assert world.ask(hash_of("kim")) == before
    assert both.entry in everything(world.store)
    assert not verify_store(world.store).findings


def test_a_key_that_others_rest_on_stays(world: World, home: Home) -> None:
    """Mum's key signed for kim; that it was compromised must not be forgotten."""
    world.people("mum")
    world.enrol("kim", age="minor", majority="2040-01-01")
    world.film("kim", ["kim"], ["kim"])
    world.grant("mum", capacities=["guardian"], ward=party_of("kim"))
    since = {"since": whole_second(world.now)}
    keyid = key_of("mum").public_key.keyid
    world.register(world.operator, st.Key, party=party_of("mum"), action="compromised", keyid=keyid, **since)
    before = world.ask(hash_of("kim"))
    assert codes(before) == {"signature_invalid"}
    with pytest.raises(ConflictError) as refused:
        erased(world, "mum", home)
    assert refused.value.code == "nothing_to_erase"
    assert world.ask(hash_of("kim")) == before


def test_whoever_is_erased_as_a_ward_is_erased_with_the_guardians_words(world: World, home: Home) -> None:
    world.people("mum")
    world.enrol("kim", age="minor", majority="2040-01-01")
    world.film("kim", ["kim"], ["kim"])
    grant = world.grant("mum", capacities=["guardian"], ward=party_of("kim"))
    erased(world, "kim", home)
    assert grant.entry not in everything(world.store)
    assert world.verdict(hash_of("kim")) == "deny"
    assert not verify_store(world.store).findings


numbers = some.integers(0, 2**32)


@given(numbers)
def test_no_verdict_becomes_more_permissive_whoever_is_erased(number: int) -> None:
    case, random = random_case(number), Random(number)
    stage = PureStage(case["events"])
    facts = stage.facts
    people = [party for party, record in facts.parties.items() if record.kind == "person"]
    asked = [stage.query(case["query"])._replace(asset=asset) for asset in facts.assets]
    sizes = [facts.size, random.randint(1, facts.size)]
    before = [decide(q._replace(size=size), facts).verdict for q in asked for size in sizes]
    party = random.choice(people or [""])
    entries = sorted(statements_of(facts, party))
    if not entries:
        return
    erasure = st.Erasure(
        ledger=facts.origin or "", issuer=facts.operator or "", issued_at=whole_second(facts.recorded_at),
        nonce="0" * 32,
        level="statements", party=party,
        entries=entries, basis="request",
    )  # fmt: skip
    facts.apply(Registered(facts.size, facts.recorded_at, "sha256:" + "0" * 64), erasure)
    after = [decide(q._replace(size=size), facts).verdict for q in asked for size in sizes]
    assert all(now <= then for now, then in zip(after, before, strict=True))


# No byte is left ---------------------------------------------------------------------------------------------------


def pieces_of(opening: Any) -> Iterator[bytes]:
    """What would tell that an opening is still there, wherever it was cut."""
    for whole in (opening.salt, b64encode(opening.salt), opening.envelope):
        yield from (whole[start : start + 24] for start in range(0, max(1, len(whole) - 23), 24))


def files_with(folder: Path, wanted: set[bytes]) -> dict[str, int]:
    found = {}
    for file in folder.rglob("*"):
        if file.is_file():
            raw = file.read_bytes()
            hits = sum(piece in raw for piece in wanted)
            if hits:
                found[file.name] = hits
    return found


def own_pieces(before: dict[int, Any], after: dict[int, Any]) -> set[bytes]:
    """The pieces of what is gone that nothing that stays has as well."""
    gone = {piece for n, o in before.items() if n not in after for piece in pieces_of(o)}
    left = b"\n".join(o.salt + o.envelope for o in after.values())
    return {piece for piece in gone if piece not in left}


def test_no_byte_of_it_is_left_in_the_files_of_sqlite(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with new_store(f"sqlite:///{data}/ledger.db") as store:
        world = World(store)
        furnish(world)
        for n in range(300):
            world.enrol(f"p{n}")
        before = everything(store)
        folder = Home(tmp_path)
        erased(world, "ada", folder)
        wanted = own_pieces(before, everything(store))
        assert len(wanted) > 100
        assert files_with(data, wanted) == {}
        assert files_with(data, {everything(store)[0].salt}) != {}  # the search finds what is there
    assert files_with(data, wanted) == {}


def test_no_byte_of_it_is_left_in_the_tables_of_postgresql(postgresql: Callable[[str], str], tmp_path: Path) -> None:
    """The write-ahead log is the server's to keep or to drop: see docs/restore.md."""
    import psycopg

    with psycopg.connect(postgresql("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE erasing")
    with new_store(postgresql("erasing")) as store:
        world = World(store)
        furnish(world)
        before = everything(store)
        with psycopg.connect(postgresql("erasing"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            data = Path(connection.execute("SHOW data_directory").fetchone()[0])  # type: ignore[index]
            connection.execute("ANALYZE")
        erased(world, "ada", Home(tmp_path))
        wanted = own_pieces(before, everything(store))
        assert files_with(data / "base", {o.salt for o in everything(store).values()}) != {}
        assert files_with(data / "base", wanted) == {}


# Whatever stops it, it is completed --------------------------------------------------------------------------------


class Broken(Exception):
    pass


@pytest.mark.parametrize("step", ["journal", "journal_sync", "erase", "commit", "committed", "scrub", "scrubbed"])
def test_what_stopped_half_way_is_completed_at_the_next_open(tmp_path: Path, step: str) -> None:
    armed = False

    def fault(name: str) -> None:
        if armed and name == step:
            raise Broken

    home = Home(tmp_path)
    with new_store(f"sqlite:///{tmp_path}/ledger.db", step=fault) as store:
        world = World(store)
        furnish(world)
        size = world.size
        hers = statements(world, "ada")
        world.register(world.operator, st.Erasure, level="statements", party=party_of("ada"), entries=hers, basis="x")
        armed = True
        with pytest.raises(Broken):
            complete(store, home.journal, fault)
        armed = False
        assert world.verdict(hash_of("hers")) == "deny"  # from the entry on, whatever is done with the opening
    with open_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        complete(store, home.journal)
        with store.read() as tx:
            assert not is_pending(tx, home.journal)
        assert sorted(home.journal.read()) == hers
        assert not everything(store).keys() & set(hers)
        assert not verify_store(store).findings
        assert complete(store, home.journal) == 0
        assert read_size(store) == size + 1


def read_size(store: Store) -> int:
    with store.read() as tx:
        return read_head(tx).size


def statements(world: World, name: str) -> list[int]:
    with world.store.read() as tx:
        reader = FactsReader(tx, 0)
        reader.follow(tx, world.size)
    return sorted(statements_of(reader.facts, party_of(name)))


def test_a_restored_backup_keeps_her_gone(tmp_path: Path, home: Home) -> None:
    place = tmp_path / "ledger.db"
    with new_store(f"sqlite:///{place}") as store:
        furnish(World(store))
    shutil.copy(place, tmp_path / "backup.db")
    with open_store(f"sqlite:///{place}") as store:
        world = World.__new__(World)
        world.store, world.now, world.operator = store, 1_900_000_000_000_000, issuer_of("operator")
        world.ledger = Ledger.open(store, LOG_KEY, clock=world.clock)
        erased(world, "ada", home)
    with open_store(f"sqlite:///{tmp_path}/backup.db") as store:
        before = everything(store)
        assert complete(store, home.journal) == 6
        assert files_with_one(tmp_path / "backup.db", own_pieces(before, everything(store))) == 0
        assert complete(store, home.journal) == 0


def files_with_one(file: Path, wanted: set[bytes]) -> int:
    raw = file.read_bytes()
    return sum(piece in raw for piece in wanted)


def test_the_journal_of_another_ledger_destroys_nothing(world: World, home: Home) -> None:
    home.journal.append([Destroyed(n, "00" * 32, 9) for n in range(4)])
    assert complete(world.store, home.journal) == 0
    assert not verify_store(world.store).findings


def test_a_torn_last_line_of_the_journal_is_made_good(world: World, home: Home) -> None:
    home.journal.path.write_bytes(b'{"entry":1,"comm')
    assert home.journal.read() == {}
    erased(world, "ada", home)
    assert len(home.journal.read()) == 6
    home.journal.path.write_bytes(b"garbage\n" + home.journal.path.read_bytes())
    with pytest.raises(LedgerError, match="cannot be understood"):
        complete(world.store, home.journal)


def test_the_index_alone_destroys_nothing(world: World, home: Home) -> None:
    with world.store.write() as tx:
        tx.execute("forged", 'INSERT INTO touch ("key", entry) VALUES (?, ?)', (b"e" + (3).to_bytes(8), 4))
    assert complete(world.store, home.journal) == 0
    assert 3 in everything(world.store)


def test_an_erasure_that_comes_another_way_is_held_and_carried_out_as_well(world: World, home: Home) -> None:
    """A statement that the operator signed elsewhere, over HTTP for example."""
    watch_erasures(world.ledger, home.journal, home.holds)
    hers = statements(world, "ada")
    said = world.say(
        world.operator, st.Erasure, level="statements", party=party_of("ada"), entries=hers, basis="request"
    )
    home.holds.add(Hold(party_of("ada"), "case 12", 1))
    (refused,) = world.ledger.register_all([said])
    assert isinstance(refused, LedgerError)
    assert refused.code == "legal_hold"
    home.holds.lift(party_of("ada"))
    assert world.ledger.register(said).is_new
    assert not everything(world.store).keys() & set(hers)
    assert sorted(home.journal.read()) == hers

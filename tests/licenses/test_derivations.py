"""Who must say yes to something that was made from other things, when several ways lead there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.clearance import Engine
from consent_ledger.licenses import statements as st
from tests.stores import new_store
from tests.world import INTERNAL, World, codes, hash_of, party_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Film `a` by ada shows ben; crops `b` and `c` were made from it, and `d` from both. Everybody agreed to `a`."""
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.people("ada", "ben")
        world.film("a", ["ada"], ["ben"])
        world.film("b", [], derived_from=[made_from("a")])
        world.film("c", [], derived_from=[made_from("a")])
        world.film("d", [], derived_from=[made_from("b"), made_from("c")])
        world.grant("ada", capacities=["owner"], assets=[hash_of("a")])
        world.grant("ben", capacities=["subject"], assets=[hash_of("a")])
        world.wait()
        yield world


def made_from(name: str, transform: str = "crop", absent: list[str] | None = None) -> st.Derivation:
    gone = {} if absent is None else {"absent_subjects": [party_of(p) for p in absent]}
    return st.Derivation(asset=hash_of(name), transform=transform, **gone)


@pytest.mark.parametrize("named", ["a", "b", "c", "d"])
@pytest.mark.parametrize("who", ["ada", "ben"])
def test_a_withdrawal_of_anything_on_any_way_is_heard(world: World, who: str, named: str) -> None:
    assert world.verdict(hash_of("d")) == "allow"
    world.revoke(who, assets=[hash_of(named)])
    assert codes(world.ask(hash_of("d"))) == {"revoked"}


@pytest.mark.parametrize("named", ["a", "b", "c", "d"])
def test_a_prohibition_of_anything_on_any_way_is_heard(world: World, named: str) -> None:
    world.grant("ben", capacities=["subject"], assets=[hash_of(named)], choices={"never": True})
    assert codes(world.ask(hash_of("d"))) == {"prohibited"}


def test_a_grant_for_what_was_made_is_no_grant_for_what_it_was_made_from(world: World) -> None:
    world.revoke("ben")
    world.grant("ben", capacities=["subject"], assets=[hash_of("d")])
    assert codes(world.ask(hash_of("d"))) == {"revoked"}


def test_somebody_absent_on_one_way_is_asked_because_of_the_other(world: World) -> None:
    world.film("e", [], derived_from=[made_from("b", absent=["ben"]), made_from("c")])
    world.film("f", [], derived_from=[made_from("b", absent=["ben"]), made_from("c", absent=["ben"])])
    world.revoke("ben")
    assert codes(world.ask(hash_of("e"))) == {"revoked"}
    assert world.verdict(hash_of("f")) == "allow"


def test_somebody_absent_is_not_bound_to_what_was_done_where_she_is_absent(world: World) -> None:
    """On the way where ben is seen his face is blurred; that is enough for him."""
    world.film("e", [], derived_from=[made_from("a", "face_blur"), made_from("c", absent=["ben"])])
    (need,) = (r for r in world.ask(hash_of("e")).requirements if r.capacity == "subject")
    assert need.via == (hash_of("a"),)


def test_many_ways_are_walked_quickly(world: World) -> None:
    """Two edges at each of sixty steps are more ways than anybody can count."""
    steps = [
        world.medium(
            f"s{n}", [], derived_from=[made_from(f"s{n - 1}" if n else "a", f"t{n}{way}") for way in ("left", "right")]
        )
        for n in range(60)
    ]
    world.ledger.register(world.submission(*steps))
    assert world.verdict(hash_of("s59")) == "allow"
    world.revoke("ben", assets=[hash_of("s30")])
    assert world.verdict(hash_of("s59")) == "deny"
    assert world.verdict(hash_of("s29")) == "allow"


def test_what_is_taken_down_stays_so_even_where_nobody_registered_it(world: World) -> None:
    world.register(world.operator, st.Takedown, assets=[hash_of("elsewhere")], action="ordered", basis="court_order")
    world.film("e", ["ada"], derived_from=[made_from("elsewhere")])
    assert world.verdict(hash_of("elsewhere")) == "deny"
    assert codes(world.ask(hash_of("elsewhere"))) == {"takedown", "asset_unknown"}
    assert {"takedown", "parent_unknown"} <= codes(world.ask(hash_of("e")))
    assets = [hash_of("elsewhere"), hash_of("e"), hash_of("f")]
    assert [v.name for v in Engine(world.store, world.clock).verdicts(assets, INTERNAL)] == [
        "deny",
        "deny",
        "undetermined",
    ]

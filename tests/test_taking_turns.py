"""Ledgers that write to one database in turn, as several processes do: each knows at once what the others recorded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from consent_ledger.clearance import Engine
from consent_ledger.errors import LedgerError
from consent_ledger.ledger import Ledger, Outcome
from consent_ledger.licenses import statements as st
from consent_ledger.store.engine import open_store
from tests.stores import new_store
from tests.world import INTERNAL, LOG_KEY, World, hash_of, index_is_right, key_of, party_of

NAMES = ("ada", "ben", "cas", "dan")


def envelopes(world: World, rng: Random, count: int) -> Iterator[bytes]:
    """Statements that rest on each other, in an order that is often wrong, and some of them twice."""
    said: list[bytes] = []
    for n in range(count):
        said.append(rng.choice(said) if said and rng.random() < 0.1 else one(world, rng, n, said))
        yield said[-1]


def one(world: World, rng: Random, n: int, said: list[bytes]) -> bytes:
    name, other = rng.choice(NAMES), rng.choice(NAMES)
    match rng.choice((0, 1, 2, 3, 4, 4, 5, 7, 7) + (6,) * (n % 8 == 7)):
        case 0 | 1:
            return world.enrolment(name)
        case 2 | 3:
            assets = [hash_of(f"{other} {n % 4}")] if rng.random() < 0.4 else None
            return world.consent(name, assets=assets)
        case 4:
            return world.submission(world.medium(f"{name} {n % 4}", [name], [other]))
        case 5:
            return world.withdrawal(name, uses=st.Prohibition(min_audience="open"))
        case 6:
            keyid = key_of(name).public_key.keyid
            return world.say(world.operator, st.Key, party=party_of(name), action="retired", keyid=keyid)
        case _:
            parent = st.Derivation(asset=hash_of(f"{other} {n % 4}"), transform="crop")
            return world.submission(world.medium(f"{name} {(n + 1) % 4}", [name], [name], derived_from=[parent]))


def seen(outcome: Outcome) -> object:
    """What does not depend on salts and on when transactions end."""
    return outcome.code if isinstance(outcome, LedgerError) else (outcome.id, outcome.entry, outcome.is_new)


def in_turn(ledgers: Sequence[Ledger], batches: Sequence[Sequence[bytes]]) -> list[object]:
    turns = [ledgers[n % len(ledgers)].register_all(batch) for n, batch in enumerate(batches)]
    return [seen(outcome) for outcomes in turns for outcome in outcomes]


def test_three_in_turn_admit_and_refuse_what_one_alone_does(tmp_path: Path) -> None:
    met: Counter[object] = Counter()
    for seed in range(3):
        met += Counter(outcomes_of(Random(seed), tmp_path / str(seed)))
    refused = {outcome for outcome in met if isinstance(outcome, str)}
    # Worth something only while these are met.
    assert refused >= {"key_not_valid", "party_exists", "party_unknown", "derivation_cycle"}


def outcomes_of(rng: Random, place: Path) -> list[object]:
    """Tell a story to one ledger, and to three in turn; return what both say."""
    place.mkdir()
    with ExitStack() as stack:
        alone, turns = [
            World(stack.enter_context(new_store(f"sqlite:///{place}/{name}.db"))) for name in ("alone", "turns")
        ]
        story = list(envelopes(alone, rng, 150))
        batches = []
        while story:
            cut = rng.choice([1, 1, 2, 5])
            batches.append(story[:cut])
            story = story[cut:]
        stores = [stack.enter_context(open_store(f"sqlite:///{place}/turns.db")) for _ in range(3)]
        said = in_turn([alone.ledger], batches)
        assert in_turn([Ledger.open(store, LOG_KEY, clock=turns.clock) for store in stores], batches) == said
        assert turns.findings() == []
        assert index_is_right(turns.store)
    return said


def test_what_one_acknowledged_the_other_answers_by(store_url: str) -> None:
    with ExitStack() as stack:
        world = World(stack.enter_context(new_store(store_url)))
        store = stack.enter_context(open_store(store_url))
        ledger = Ledger.open(store, LOG_KEY, clock=world.clock)
        engines = [Engine(s, world.clock, warm=True) for s in (world.store, store)]

        def verdicts() -> set[str]:
            return {d.verdict.name for engine in engines for d in engine.clear([hash_of("film")], INTERNAL).decisions}

        assert verdicts() == {"undetermined"}
        for envelope, expected in (
            (world.enrolment("ada"), "undetermined"),
            (world.submission(world.medium("film", ["ada"], ["ada"])), "undetermined"),
            (world.consent("ada"), "allow"),
            (world.withdrawal("ada"), "deny"),
            (world.consent("ada"), "allow"),
        ):
            world.ledger, ledger = ledger, world.ledger
            world.ledger.register(envelope)
            assert verdicts() == {expected}

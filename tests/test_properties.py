"""What holds for every ledger (clearance.md, "Five properties"), and that a decision is always given.

`HYPOTHESIS_PROFILE=thorough` looks at thousands of ledgers for each.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import UNSET

from consent_ledger.clearance import decide_all
from consent_ledger.conformance import Stage
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import compile_use
from consent_ledger.licenses.reasons import VERDICTS, Verdict
from consent_ledger.licenses.records import Claim
from consent_ledger.licenses.situations import Situations, Verdicts
from consent_ledger.signing.instants import SECOND, parse_time
from tests.ledgers.neutral import ACTIVITIES, AIMS, AUDIENCES, CONTEXTS, LICENCES, RECIPIENTS, random_case, random_event
from tests.ledgers.pure import PureStage
from tests.stores import EmptyStores

numbers = some.integers(0, 2**32)
LATER = "2026-09-01T00:00:00Z"
DAY = 24 * 3600 * SECOND


def parties_of(case: dict[str, Any]) -> list[tuple[str, str]]:
    """Whom the case's assets and grants name, and in which role."""
    found = [(e["party"], e["role"]) for e in case["events"] if e["type"] == "grant"]
    for asset in (e for e in case["events"] if e["type"] == "asset"):
        found += [(p, "owner") for p in asset.get("owners") or ()]
        found += [(p, "subject") for p in asset.get("subjects") or () if p != "?"]
        found += [(p, "organisation") for p in asset.get("rights_holders") or ()]
    return found


# A revocation, a prohibition or a depicted person never raises the verdict ---------------------------------------


@given(numbers)
def test_a_revocation_never_raises_the_verdict(number: int) -> None:
    case, random = random_case(number), Random(number)
    stage = PureStage(case["events"])
    instants = [stage.query(case["query"]).as_of, parse_time(LATER) + DAY * random.randint(0, 400)]
    before = [stage.decide(case["query"], as_of=instant).verdict for instant in instants]
    party, role = random.choice(parties_of(case))
    stage.play(random_event(random, "revoke", party, role, case) | {"recorded_at": LATER})
    after = [stage.decide(case["query"], as_of=instant).verdict for instant in instants]
    assert all(verdict <= earlier for verdict, earlier in zip(after, before, strict=True))


@given(numbers)
def test_a_grant_that_only_forbids_never_raises_the_verdict(number: int) -> None:
    case, random = random_case(number), Random(number)
    stage = PureStage(case["events"])
    party, role = random.choice(parties_of(case))
    event = random_event(random, "prohibition", party, role, case)
    after = parse_time(LATER) + DAY * random.randint(0, 400)
    before = stage.decide(case["query"], as_of=after)
    stage.play(event | {"recorded_at": LATER})
    assert stage.decide(case["query"], as_of=after).verdict <= before.verdict


@given(numbers)
def test_a_prohibition_within_a_grant_never_raises_the_verdict(number: int) -> None:
    case, random = random_case(number), Random(number)
    before = PureStage(case["events"]).decide(case["query"])
    grant = random.choice([e for e in case["events"] if e["type"] == "grant"] or [{}])
    added = random_event(random, "prohibition", "ada", "owner", case)["prohibitions"]
    events = [
        e | {"prohibitions": [*(e.get("prohibitions") or ()), *added]} if e is grant else e for e in case["events"]
    ]
    assert PureStage(events).decide(case["query"]).verdict <= before.verdict


@given(numbers)
def test_a_person_more_in_the_picture_never_raises_the_verdict(number: int) -> None:
    case, random = random_case(number), Random(number)
    before = PureStage(case["events"]).decide(case["query"])
    assets = [e for e in case["events"] if e["type"] == "asset" and e.get("subjects") is not None]
    asset = random.choice(assets or [{}])
    person = random.choice(["ada", "ben", "kim", "una", "stranger", "?"])
    events = [e | {"subjects": sorted({*e["subjects"], person})} if e is asset else e for e in case["events"]]
    assert PureStage(events).decide(case["query"]).verdict <= before.verdict


# A narrower request never does worse ------------------------------------------------------------------------------


def narrower(query: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a request that is contained in `query`."""
    activities = [random.choice(below(a, ACTIVITIES)) for a in query["activities"]]
    aims = [random.choice(below(a, AIMS)) for a in query["aims"]]
    rung = AUDIENCES.index(query["audience"])
    inside = ["DE", "FR"] if "WORLD" in query["territories"] or query["audience"] == "open" else query["territories"]
    changed = {
        "activities": random.sample(activities, random.randint(1, len(activities))),
        "aims": random.sample(aims, random.randint(1, len(aims))),
        "context": random.choice(below(query["context"], CONTEXTS)),
        "audience": AUDIENCES[random.randint(0, rung)],
        "territories": random.choice([query["territories"], random.sample(inside, 1)]),
    }
    if "actor" not in query:
        changed["actor"] = random.choice(RECIPIENTS)
    return query | {k: v for k, v in changed.items() if random.random() < 0.5}


def below(term: str, terms: list[str]) -> list[str]:
    return [t for t in terms if t == term or t.startswith(term + ".") or (term, t) == ("general", "detect_synthetic")]


@given(numbers)
def test_a_narrower_request_never_does_worse(number: int) -> None:
    case, random = random_case(number), Random(number)
    stage = PureStage(case["events"])
    wide = stage.decide(case["query"])
    for _ in range(4):
        narrow = narrower(case["query"], random)
        assert stage.decide(narrow).verdict >= wide.verdict, narrow


# What is recorded later never changes an earlier answer -----------------------------------------------------------


@given(numbers)
def test_what_is_recorded_later_never_changes_an_earlier_answer(number: int) -> None:
    case, random = random_case(number), Random(number)
    events = case["events"]
    cut = random.randint(1, len(events))
    stage = PureStage(events[:cut])
    sizes = [stage.facts.size, random.randint(1, stage.facts.size)]
    before = [stage.decide(case["query"], size) for size in sizes]
    stage.play_all(events[cut:])
    stage.play_all(e | {"recorded_at": LATER} for e in random_case(number + 1)["events"] if e["type"] != "asset")
    assert [stage.decide(case["query"], size) for size in sizes] == before


@given(numbers)
def test_an_answer_holds_until_it_says(number: int) -> None:
    case, random = random_case(number), Random(number)
    stage = PureStage(case["events"])
    now = stage.query(case["query"]).as_of
    answer = stage.decide(case["query"])
    end = now + 3000 * DAY if answer.valid_until is None else answer.valid_until
    assert end > now
    for instant in (random.randrange(now, end), random.randrange(now, min(end, now + 90 * DAY)), end - 1):
        later = stage.decide(case["query"], as_of=instant)
        assert (later.verdict, later.reasons) == (answer.verdict, answer.reasons)


# The bulk answer equals the single answer -------------------------------------------------------------------------


def medium_of(claim: Claim, name: str) -> st.Medium:
    """The same said of other bytes."""
    fields: dict[str, Any] = {"owners": list(claim.owners)}
    if claim.subjects is None:
        fields["subjects_unverified"] = True
    else:
        fields["subjects"] = list(claim.subjects)
    if claim.organisations:
        fields["organisations"] = list(claim.organisations)
    if claim.parents:
        fields["derived_from"] = [
            st.Derivation(asset=p.asset, transform=p.transform, absent_subjects=sorted(p.absent) or UNSET)
            for p in claim.parents
        ]
    return st.Medium(hash=st.statement_id(name.encode()), size=1, media_type="video/mp4", **fields)


def about_everything(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its grants and withdrawals for the whole project, so that nothing tells its assets apart."""
    whole = {"grant": {"assets": ["*"], "preconditions": []}, "revoke": {"assets": None}}
    return case | {"events": [event | whole.get(event["type"], {}) for event in case["events"]]}


def with_copies(stage: PureStage) -> list[str]:
    """Register, in one statement, more media of which the same is said as of those of the case; return all."""
    claims = {hash_: claims[0] for hash_, claims in stage.facts.assets.items()}
    media = [medium_of(claim, f"{n} like {hash_}") for hash_, claim in claims.items() for n in range(3)]
    if media:
        stage.register_media(media)
    return [*claims, *(m.hash for m in media), "sha256:" + "0" * 64]


@given(numbers)
def test_the_bulk_answer_equals_the_single_answer(number: int) -> None:
    case, random = random_case(number), Random(number)
    if random.random() < 0.7:
        case = about_everything(case)
    early = [e for e in case["events"] if e["type"] in ("asset", "person")]
    stage = PureStage(early)
    assets = with_copies(stage)
    stage.play_all(e for e in case["events"] if e["type"] not in ("asset", "person"))
    asked = stage.query(case["query"])
    for size in (asked.size, random.randint(1, asked.size)):
        singles = [decide(Query(asset, asked.use, asked.as_of, size), stage.facts) for asset in assets]
        assert decide_all(assets, asked.use, stage.facts, asked.as_of, size) == singles
    singles = [decide(Query(asset, asked.use, asked.as_of, asked.size), stage.facts) for asset in assets]
    quick = Verdicts(Situations(stage.facts), asked.use, asked.as_of, asked.size)
    assert quick.of_all(assets) == [single.verdict for single in singles]


# Replaying the log gives what the service gives -------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("replay"))


@given(number=numbers)
def test_replaying_the_log_gives_what_the_service_gives(empty: EmptyStores, number: int) -> None:
    """See also test_differential, where each ledger is replayed too."""
    case = random_case(number)
    with empty() as store:
        stage = Stage(store, case["events"])
        for event in case["events"]:
            stage.play(event)
        service, auditor = stage.ask(case["query"])
    assert service == auditor
    codes = {reason.code for reason in service.reasons}
    assert "ledger_integrity_failure" not in codes


# A decision is always given ---------------------------------------------------------------------------------------

uses = some.builds(
    compile_use,
    some.lists(some.sampled_from(ACTIVITIES), min_size=1, max_size=4),
    some.lists(some.sampled_from(AIMS), min_size=1, max_size=4),
    some.sampled_from(CONTEXTS),
    some.sampled_from(AUDIENCES),
    some.lists(some.sampled_from(["WORLD", "DE", "US", "XX"]), min_size=1, max_size=4),
    some.none() | some.sampled_from(LICENCES) | some.text(max_size=10),
    some.none() | some.text(max_size=40),
    some.sampled_from([None, "own_key", "passkey", "witnessed", "attested", "sworn"]),
)


@given(number=numbers, use=uses, asset=some.text(max_size=80), as_of=some.integers(), size=some.integers(-5, 200))
def test_a_decision_is_always_given(number: int, use: Any, asset: str, as_of: int, size: int) -> None:
    stage = PureStage(random_case(number)["events"])
    for hash_ in (asset, *stage.facts.assets):
        for instant in (as_of, stage.facts.recorded_at):
            answer = decide(Query(hash_, use, instant, size), stage.facts)
            assert isinstance(answer, Decision)
            assert answer.reasons
            assert answer.verdict == min(VERDICTS[r.code] for r in answer.reasons)


@settings(max_examples=min(100, settings().max_examples))
@given(numbers)
def test_facts_that_failed_decide_nothing(number: int) -> None:
    stage = PureStage(random_case(number)["events"])
    stage.facts.failure = "entry 3 is not what the ledger recorded"
    for asset in stage.facts.assets:
        answer = decide(stage.query(random_case(number)["query"])._replace(asset=asset), stage.facts)
        assert (answer.verdict, [r.code for r in answer.reasons]) == (
            Verdict.undetermined,
            ["ledger_integrity_failure"],
        )


class Fault(Exception):
    """Something in the facts that cannot be read."""


class Fuse:
    """Counts what is read, and breaks at one of the readings."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.count = at, 0

    def blow(self) -> None:
        self.count += 1
        if self.count - 1 == self.at:
            raise Fault


class Fragile:
    """Anything from the facts, each reading of which passes by the fuse."""

    def __init__(self, value: Any, fuse: Fuse) -> None:
        self._value, self._fuse = value, fuse

    def __getattr__(self, name: str) -> Any:
        self._fuse.blow()
        return fragile(getattr(self._value, name), self._fuse)

    def __getitem__(self, key: Any) -> Any:
        self._fuse.blow()
        return fragile(self._value[key], self._fuse)

    def get(self, key: Any, default: Any = None) -> Any:
        self._fuse.blow()
        return fragile(self._value.get(key, default), self._fuse)

    def __iter__(self) -> Iterator[Any]:
        self._fuse.blow()
        return (fragile(item, self._fuse) for item in self._value)

    def __contains__(self, item: object) -> bool:
        self._fuse.blow()
        return item in self._value

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == (other._value if isinstance(other, Fragile) else other))

    def __hash__(self) -> int:
        return hash(self._value)


def fragile(value: Any, fuse: Fuse) -> Any:
    is_leaf = isinstance(value, str | bytes | int | frozenset | None) or callable(value)
    return value if is_leaf else Fragile(value, fuse)


def decide_on(facts: Facts, query: Query, fuse: Fuse) -> Decision:
    return decide(query, Fragile(facts, fuse))  # type: ignore[arg-type]


def test_a_fault_at_any_reading_of_the_facts_leaves_the_answer_undetermined() -> None:
    """Each reading by each rule is made to fail in turn, on ledgers about everything."""
    verdicts: Counter[str] = Counter()
    for number in range(12 if settings().max_examples < 1000 else 80):
        case = random_case(number)
        stage = PureStage(case["events"])
        query = stage.query(case["query"])
        whole = Fuse()
        expected = decide(query, stage.facts)
        assert decide_on(stage.facts, query, whole) == expected
        verdicts[expected.verdict.name] += 1
        for reading in range(whole.count):
            answer = decide_on(stage.facts, query, Fuse(reading))
            assert answer.verdict is Verdict.undetermined
            assert [r.code for r in answer.reasons] == ["ledger_integrity_failure"]
    assert set(verdicts) == {"allow", "deny", "undetermined"}

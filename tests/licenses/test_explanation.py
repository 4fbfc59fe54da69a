"""Explanations: what they ask for clears the asset, they ask for no more than that, and people can read them."""

from collections.abc import Iterable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from consent_ledger.errors import RefusedError
from consent_ledger.issuing import whole_second
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.evaluation import Moment
from consent_ledger.licenses.explanation import ACTIONS, SIGNING, Group, Want, group_wants, wants
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.reasons import VERDICTS
from consent_ledger.licenses.sentences import SENTENCES, WHY, sentence
from consent_ledger.licenses.terms import Prohibition, Rule, TemplateDocument
from consent_ledger.resources import template_root
from consent_ledger.template_files import find_template, read_template
from tests.ledgers.pure import PureLedger
from tests.world import DAY, INTERNAL, LOG_KEY, OPEN, World, issuer_of, key_of, party_of, permission, template

NAMES = (
    "open-video-dataset", "depicted-person-release", "guardian-release", "photo-marketplace",
    "deepfake-detection-study", "annotation-agreement", "broadcaster-licence",
)  # fmt: skip


def shipped(name: str, *recipients: str) -> TemplateDocument:
    files = read_template(find_template(template_root(), name))
    return files.document(party_of("studio"), {n: [party_of(r) for r in recipients] for n in files.placeholders})


DOCUMENTS = {name: shipped(name, "lab") for name in NAMES}
LAB = party_of("lab")
USES = (
    INTERNAL,
    OPEN,
    compile_use(["train", "evaluate"], ["general"], "commercial", "open", licence="CC-BY-4.0"),
    compile_use(["display"], ["general"], "noncommercial", "open", licence="CC0-1.0"),
    compile_use(["train"], ["general"], "commercial", "recipient", recipient=LAB),
    compile_use(["train", "evaluate"], ["detect_synthetic"], "noncommercial", "recipient", recipient=LAB),
    compile_use(["train.generative"], ["likeness"], "noncommercial", "recipient", recipient=LAB),
)


class PureWorld(World):
    """The same people on the pure core: thousands of stories in the time of one."""

    def __init__(self, *documents: TemplateDocument) -> None:
        self.now = 1_767_603_600_000_000
        self.operator, self.studio = issuer_of("operator"), issuer_of("studio")
        self.ledger = PureLedger.create(  # type: ignore[assignment]
            None, self.genesis(), key_of("operator"), LOG_KEY, clock=self.clock
        )
        for name in ("studio", "lab", "rtl"):
            self.enrol(name, kind="organisation")
        self.people("ada", "bob", "mum")
        self.enrol("kid", age="minor", majority="2030-01-01")
        for each in documents:
            self.publish(each)
        self.offer(*documents)

    @property
    def facts(self) -> Any:
        return self.ledger.facts  # type: ignore[attr-defined]

    def ask(self, asset: str, use: Use = INTERNAL, **point: int) -> Decision:
        return decide(Query(asset, use, self.now, self.facts.size), self.facts)

    def wants(self, asset: str, use: Use = INTERNAL) -> tuple[Want, ...]:
        return wants(asset, use, self.ask(asset, use), self.facts, Moment(self.now, self.facts.size))

    def told(self, assets: Iterable[str], use: Use = INTERNAL) -> list[str]:
        return [sentence(group) for group in group_wants({asset: self.wants(asset, use) for asset in assets})]


# What is asked for clears the asset ------------------------------------------------------------------------------


def random_world(random: Random) -> tuple[PureWorld, list[str]]:
    """A story about one film, and perhaps what was made of it; return the file to ask about and its ancestors."""
    offered = random.sample(NAMES, random.randint(1, 5))
    world = PureWorld(*DOCUMENTS.values())
    world.offer(*(DOCUMENTS[name] for name in offered))
    for _ in range(random.randint(0, 3)):
        try_act(world, random, [])
    world.wait(DAY)
    owner = random.choice(["ada", "bob", "rtl"])
    subjects = random.sample(["ada", "bob", "kid"], random.randint(0, 2))
    captured = random.choice([{}, {"captured_at": whole_second(world.now + DAY * random.choice([-9, 0]))}])
    more = {"organisations": [party_of("rtl")]} if random.random() < 0.2 else {}
    line = [world.film("film", [owner], subjects, **captured, **more)]
    if random.random() < 0.4:
        made = st.Derivation(asset=line[0], transform=random.choice(["face_blur", "transcode"]))
        line.insert(0, world.film("made", random.choice([[], ["bob"]]), [], derived_from=[made]))
    for _ in range(random.randint(0, 4)):
        world.wait(DAY)
        try_act(world, random, line)
    world.wait(DAY)
    return world, line


def try_act(world: PureWorld, random: Random, line: list[str]) -> None:
    """Do something that somebody might do, unless registration refuses it."""
    with suppress(RefusedError):
        random_act(world, random, line)


def random_act(world: PureWorld, random: Random, line: list[str]) -> None:
    name = random.choice(["ada", "bob", "rtl"])
    grants = [g for g in world.facts.grants.get(party_of(name), ()) if g.ward is None]
    match random.choice(["grant", "grant", "grant", "revoke", "suspend", "fulfil", "guardian"]):
        case "grant":
            document = random.choice([d for d in DOCUMENTS.values() if d.capacities != ["guardian"]])
            choices = {r.id: random.random() < 0.5 for r in document.rules if r.optional}
            assets = random.choice([None, None, line or None])
            capacities = random.sample(document.capacities, random.randint(1, len(document.capacities)))
            world.grant(name, document=document, choices=choices, assets=assets, capacities=capacities)
        case "revoke":
            uses = random.choice([{}, {"uses": Prohibition(min_audience="open")}])
            world.revoke(name, **uses)
        case "suspend" if grants:
            world.register(issuer_of(name), st.Suspension, action="suspended", grants=[grants[-1].id])
        case "fulfil" if line:
            world.register(
                world.studio, st.Fulfilment, condition=random.choice(["accepted", "paid"]), assets=line,
                status=random.choice(["met", "unmet", "unknown"]), reason="told",
            )  # fmt: skip
        case "guardian":
            world.grant("mum", document=DOCUMENTS["guardian-release"], capacities=["guardian"], ward=party_of("kid"))


def comply(world: PureWorld, want: Want, line: list[str]) -> bool:
    """Do what is wanted, and nothing else; return whether it can be done by asking people."""
    name = next((n for n in ("ada", "bob", "kid", "rtl") if party_of(n) == want.party), "")
    match want.action:
        case action if action in SIGNING and want.template is not None:
            document = next(d for d in DOCUMENTS.values() if f"{d.id} {d.version}" == want.template)
            by: dict[str, Any] = {"capacities": want.capacities}
            if action == "ask_guardian":
                name, by = "mum", {"capacities": ["guardian"], "ward": want.party}
            world.grant(name, document=document, choices=dict.fromkeys(want.questions, True), assets=line, **by)
        case "ratify_capture":
            for grant in list(world.facts.grants[want.party]):
                document = world.facts.templates[grant.template].document
                given = {p.rule for p in grant.terms.permissions}
                world.grant(name, document=document, choices=dict.fromkeys(given, True), assets=line,
                            capacities=grant.capacities)  # fmt: skip
        case "meet_condition" | "replace_rejected":
            for condition in want.conditions:
                world.register(world.studio, st.Fulfilment, condition=condition, status="met", assets=line)
        case "resume":
            paused = [g.id for g in world.facts.grants[want.party] if g.id in world.facts.suspensions]
            world.register(issuer_of(name), st.Suspension, action="resumed", grants=paused)
        case _:
            return False
    return True


@given(some.integers(0, 2**32), some.sampled_from(USES))
def test_what_is_asked_for_clears_the_asset(number: int, use: Use) -> None:
    world, line = random_world(Random(number))
    for _ in range(4):
        wanted = world.wants(line[0], use)
        world.wait(DAY)
        done = [comply(world, want, line) for want in wanted]
        if not all(done):
            return
        if {want.action for want in wanted} <= SIGNING | {"meet_condition"}:
            break  # what was paused or made too early may lack more, once it holds again
    decision = world.ask(line[0], use)
    assert decision.verdict.name == "allow", (wanted, decision.reasons)


@given(some.integers(0, 2**32), some.sampled_from(USES))
def test_nothing_is_asked_for_that_could_be_left_out(number: int, use: Use) -> None:
    world, line = random_world(Random(number))
    wanted = world.wants(line[0], use)
    signatures = [want for want in wanted if want.action in SIGNING]
    if len(signatures) < 2 or any(want.template is None for want in signatures) or len(signatures) < len(wanted):
        return
    world.wait(DAY)
    for want in signatures[1:]:
        comply(world, want, line)
    assert world.ask(line[0], use).verdict.name != "allow", signatures


@given(some.integers(0, 2**32), some.sampled_from(USES))
def test_a_cleared_asset_wants_nothing_and_every_other_something(number: int, use: Use) -> None:
    world, line = random_world(Random(number))
    for asset in line:
        assert bool(world.wants(asset, use)) == (world.ask(asset, use).verdict.name != "allow")
        assert all(world.told([asset], use))


# For whom it is asked, and what --------------------------------------------------------------------------------


def test_one_signature_is_asked_for_all_capacities_of_a_party() -> None:
    world = PureWorld(DOCUMENTS["open-video-dataset"], DOCUMENTS["depicted-person-release"])
    film = world.film("film", ["ada"], ["ada", "bob"])
    assert [(w.party, w.capacities, w.template, w.questions) for w in world.wants(film, OPEN)] == [
        (party_of("ada"), ("owner", "subject"), "open-video-dataset 1.0", ("open",)),
        (party_of("bob"), ("subject",), "depicted-person-release 1.0", ("open",)),
    ]


def test_an_organisation_is_not_asked_to_sign_what_is_for_workers() -> None:
    world = PureWorld(DOCUMENTS["annotation-agreement"], DOCUMENTS["broadcaster-licence"])
    clip = world.film("clip", ["rtl"], organisations=[party_of("rtl")])
    to_lab = USES[4]
    assert world.told([clip], to_lab) == [
        "1 file lacks a signature under broadcaster-licence 1.0 from 1 organisation, which signed nothing yet that is "
        "about it"
    ]
    assert "no template of the project asks for) from 1 organisation" in world.told([clip], OPEN)[0]


def test_for_a_minor_the_guardian_is_asked() -> None:
    world = PureWorld(DOCUMENTS["open-video-dataset"], DOCUMENTS["guardian-release"])
    world.grant("ada", document=DOCUMENTS["open-video-dataset"])
    film = world.film("film", ["ada"], ["kid"])
    assert world.told([film]) == [
        "1 file lacks a signature under guardian-release 1.0 from the parents or guardians of 1 person"
    ]


def test_a_template_that_forbids_the_use_is_not_offered_for_it() -> None:
    never = Rule(id="never", optional=False, prohibition=Prohibition(rule="never", activities=["train.generative"]))
    generous = Rule(id="all", optional=False, permission=permission("all"))
    world = PureWorld(template("contrary", generous, never), template("plain", generous))
    film = world.film("film", ["ada"])
    assert [want.template for want in world.wants(film)] == ["plain 1.0"]


def test_what_gives_least_beyond_the_use_is_asked_for() -> None:
    rules = {
        rung: Rule(id=rung, optional=True, permission=permission(rung, max_audience=rung, licences=["CC-BY-4.0"]))
        for rung in ("open", "gated", "internal")
    }
    world = PureWorld(*(template(f"a-{n}", rule) for n, rule in enumerate(rules.values())))
    film = world.film("film", ["ada"])
    assert [want.questions for want in world.wants(film)] == [("internal",)]


# In words --------------------------------------------------------------------------------------------------------


def test_a_film_that_was_made_too_early_wants_a_ratification() -> None:
    study = DOCUMENTS["deepfake-detection-study"]
    world = PureWorld(study)
    captured = whole_second(world.now)
    early = [world.film(f"film of {who}", [who], captured_at=captured) for who in ("ada", "bob")]
    world.wait(DAY)
    for who in ("ada", "bob"):
        world.grant(who, document=study)
    assert world.told(early, USES[5]) == [
        "2 files were made before 2 people signed and need a maker's ratification: a signature that names each"
    ]


def test_a_photo_waits_or_was_rejected() -> None:
    market = DOCUMENTS["photo-marketplace"]
    world = PureWorld(market)
    world.grant("ada", document=market)
    photos = [world.film(f"photo {n}", ["ada"]) for n in range(3)]
    for photo, condition, status in ((photos[1], "accepted", "met"), (photos[2], "accepted", "unmet")):
        world.register(world.studio, st.Fulfilment, condition=condition, status=status, assets=[photo], reason="told")
    assert sorted(world.told(photos, USES[4])) == [
        "1 file waits to be accepted and to be paid for",
        "1 file waits to be paid for",
        "1 file was rejected: accept it after all, or do without",
    ]


def test_who_withdrew_is_not_simply_asked_again() -> None:
    world = PureWorld(DOCUMENTS["open-video-dataset"])
    world.grant("ada", document=DOCUMENTS["open-video-dataset"], choices={"open": True})
    film = world.film("film", ["ada"])
    world.wait(DAY)
    world.revoke("ada")
    world.wait(DAY)
    assert world.told([film], OPEN) == [
        "1 file lacks a yes to `open` of open-video-dataset 1.0 from 1 person, who withdrew it: leave it out unless "
        "they agree anew"
    ]


def test_every_reason_has_its_words() -> None:
    asking = {code for code in VERDICTS if ACTIONS.get(code, "ask_for_permission") == "ask_for_permission"}
    assert asking - {"granted"} == set(WHY)
    assert {*ACTIONS.values(), "ask_for_permission", "replace_rejected"} == set(SENTENCES)


@pytest.mark.parametrize("kind", ["person", "organisation", None])
@pytest.mark.parametrize("count", [1, 1_200])
def test_every_sentence_is_one(kind: str | None, count: int) -> None:
    for action in SENTENCES:
        for code in WHY:
            group = Group(action, code, ("owner",), "a 1.0", ("x", "y"), ("x", "y"), ("paid",), kind, count, count)
            told = sentence(group)
            assert "{" not in told
            assert told.startswith("1 file " if count == 1 else "1,200 files ")

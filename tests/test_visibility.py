"""Who sees what (docs/decisions/0006), on a ledger of two organisations that know nothing of each other."""

from collections.abc import Iterator

import pytest

from consent_ledger.clearance import Engine
from consent_ledger.issuing import template_ref
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Decision
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.terms import Rule
from consent_ledger.licenses.visibility import Sight, Viewer, keys_for_statement, lists_template, sees_statement
from consent_ledger.store.facts import FactsReader, read_rows
from consent_ledger.store.log import read_head
from tests.ledgers.neighbours import PEOPLE, PROJECTS, Neighbours
from tests.stores import EmptyStores
from tests.world import INTERNAL, hash_of, issuer_of, party_of, permission, template

NOBODY = "sha256:" + "0" * 64
TYPES = ["template", "project", "party", "key", "grant", "asset", "fulfilment", "suspension", "revocation"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("neighbours"))


@pytest.fixture
def world(empty: EmptyStores) -> Iterator[Neighbours]:
    with empty() as store:
        yield Neighbours(store)


def viewer_of(name: str | None) -> Viewer:
    return None if name is None else party_of(name)


def asked(world: Neighbours, asset: str, viewer: str | None, use: Use = INTERNAL, **point: int) -> Decision:
    """The answer, which every way of asking has to give."""
    sees = viewer_of(viewer)
    cold, warm = Engine(world.store, world.clock), Engine(world.store, world.clock, warm=True)
    (decision,) = cold.clear([asset], use, viewer=sees, **point).decisions
    several = warm.clear([NOBODY, asset, NOBODY, asset], use, viewer=sees, **point).decisions
    assert several[1] == several[3] == decision
    if not point:
        assert warm.verdicts([asset, NOBODY], use, viewer=sees) == [decision.verdict, several[0].verdict]
    return decision


def folded(world: Neighbours) -> Facts:
    with world.store.read() as tx:
        reader = FactsReader(tx, 0)
        reader.follow(tx, read_head(tx).size)
    return reader.facts


def seen(world: Neighbours, viewer: str | None, id_: str) -> bool:
    """Whether the viewer sees a statement: by all facts, and by those under its keys alone."""
    facts = folded(world)
    with world.store.read() as tx:
        by_id = FactsReader(tx, world.size)
        entry = world.ledger.find(id_).entry
        statement = dict(statements(world))[entry]
        by_id.need(lambda facts: keys_for_statement(statement, facts))
    answer = sees_statement(viewer_of(viewer), statement, facts)
    assert sees_statement(viewer_of(viewer), statement, by_id.facts) == answer
    return answer


def statements(world: Neighbours) -> Iterator[tuple[int, st.Statement]]:
    with world.store.read() as tx:
        for row in read_rows(tx, range(world.size)):
            assert row.opening is not None
            yield row.entry, skim_signed(row.opening.envelope).statement


@pytest.mark.parametrize("viewer", ["studio", "bank"])
def test_anothers_asset_is_answered_as_a_hash_that_nobody_registered(world: Neighbours, viewer: str) -> None:
    assert asked(world, hash_of("rival/film"), "rival").verdict is Verdict.allow
    assert asked(world, hash_of("rival/film"), None).verdict is Verdict.allow
    assert asked(world, hash_of("rival/film"), viewer) == asked(world, NOBODY, viewer)
    assert {r.code for r in asked(world, NOBODY, viewer).reasons} == {"asset_unknown"}


def test_what_is_said_of_a_hash_besides_opens_nothing_and_shows_nothing(world: Neighbours) -> None:
    for issuer in (world.operator, world.studio):
        world.register(issuer, st.Takedown, assets=[hash_of("rival/film"), NOBODY], action="ordered", basis="court")
    world.register(world.operator, st.Dispute, assets=[NOBODY], status="open")
    unknown = asked(world, hash_of("nothing"), "studio")
    assert asked(world, hash_of("rival/film"), "studio") == unknown
    assert asked(world, NOBODY, "studio") == unknown
    assert asked(world, hash_of("rival/film"), "rival").verdict is Verdict.deny
    assert asked(world, NOBODY, None).verdict is Verdict.deny


def test_hiding_a_rivals_registration_never_turns_a_dispute_into_a_yes(world: Neighbours) -> None:
    before = world.size
    world.submit("studio", "rival/film", ["ada"])
    answers = {viewer: asked(world, hash_of("rival/film"), viewer) for viewer in ("studio", "rival", None)}
    assert {r.code for r in answers["studio"].reasons} >= {"ownership_disputed"}
    assert answers["studio"] == answers["rival"] == answers[None]
    assert asked(world, hash_of("rival/film"), "studio", size=before) == asked(world, NOBODY, "studio", size=before)
    assert [c.issuer for c in Sight(party_of("studio"), folded(world), world.size).claims(hash_of("rival/film"))] == [
        party_of("studio")
    ]


def test_what_is_derived_from_anothers_asset_needs_the_others_too(world: Neighbours) -> None:
    parent = st.Derivation(asset=hash_of("rival/film"), transform="crop")
    world.submit("studio", "crop", ["ada"], derived_from=[parent])
    decision = asked(world, hash_of("crop"), "studio")
    assert decision.verdict is Verdict.allow
    assert party_of("eve") in {need.party for need in decision.requirements}
    world.revoke("eve")
    world.wait()
    assert asked(world, hash_of("crop"), "studio").verdict is Verdict.deny
    assert asked(world, hash_of("rival/film"), "studio") == asked(world, NOBODY, "studio")


def test_a_person_who_works_for_two_tells_neither_of_the_other(world: Neighbours) -> None:
    """`ada`, whom the studio enrolled, submits to the rival with her own key."""
    world.allow(issuer_of("ada"), world.documents["rival"], st.Scope(project=PROJECTS["rival"]))
    registration = world.submit("ada", "by ada", ["ada"], PROJECTS["rival"])
    assert asked(world, hash_of("by ada"), "rival").verdict is Verdict.allow
    assert asked(world, hash_of("by ada"), "studio") == asked(world, NOBODY, "studio")
    assert not seen(world, "studio", registration.id)
    assert seen(world, "rival", world.said["studio"]["party"].id)  # to check her signature


def for_recipient(world: Neighbours, publisher: str, by: str) -> None:
    document = template(
        "lend",
        Rule(id="lend", optional=False, permission=permission(
            "lend", max_audience="recipient", recipients=[party_of("bank")], activities=["evaluate"])),
        publisher=publisher,
    )  # fmt: skip
    ref = template_ref(document)
    world.register(issuer_of(publisher), st.Template, template=ref, action="published", document=document)
    world.allow(issuer_of(by), document, st.Scope(assets=[hash_of("rival/film")]))


def lent(recipient: str | None) -> Use:
    party = None if recipient is None else party_of(recipient)
    return compile_use(["evaluate"], ["general"], "commercial", "recipient", recipient=party)


def test_a_recipient_may_ask_for_itself_even_after_the_withdrawal_and_reads_nothing(world: Neighbours) -> None:
    film = hash_of("rival/film")
    assert asked(world, film, "bank", lent("bank")) == asked(world, NOBODY, "bank", lent("bank"))
    before = world.size
    for_recipient(world, "rival", "eve")
    assert asked(world, film, "bank", lent("bank")).verdict is Verdict.allow
    assert asked(world, film, "bank", lent("studio")) == asked(world, NOBODY, "bank", lent("studio"))
    assert asked(world, film, "studio", lent("studio")) == asked(world, NOBODY, "studio", lent("studio"))
    assert asked(world, film, "bank", lent("bank"), size=before) == asked(world, NOBODY, "bank", size=before)
    assert Sight(party_of("bank"), folded(world), world.size).claims(film) == ()
    world.revoke("eve")
    world.wait()
    assert {r.code for r in asked(world, film, "bank", lent("bank")).reasons} == {"revoked"}


def test_nobody_makes_itself_a_recipient_by_a_template_of_its_own(world: Neighbours) -> None:
    for_recipient(world, "studio", "eve")
    assert asked(world, hash_of("rival/film"), "bank", lent("bank")) == asked(world, NOBODY, "bank", lent("bank"))
    assert asked(world, hash_of("rival/film"), "studio") == asked(world, NOBODY, "studio")


def test_a_grant_that_names_one_asset_shows_none_that_was_registered_with_it(world: Neighbours) -> None:
    film, other = (world.medium(name, ["eve"], ["eve"]) for name in ("named", "not named"))
    world.register(issuer_of("rival"), st.Asset, project=PROJECTS["rival"], media=[film, other])
    document = template(
        "lend",
        Rule(id="lend", optional=False, permission=permission("lend", recipients=[party_of("bank")])),
        publisher="rival",
    )
    ref = template_ref(document)
    world.register(issuer_of("rival"), st.Template, template=ref, action="published", document=document)
    world.allow(issuer_of("eve"), document, st.Scope(assets=[film.hash]))
    engine = Engine(world.store, world.clock, warm=True)
    assets = [film.hash, other.hash, film.hash, NOBODY]
    decisions = engine.clear(assets, lent("bank"), viewer=party_of("bank")).decisions
    assert decisions[1] == decisions[3] != decisions[0] == decisions[2]


@pytest.mark.parametrize("type_", TYPES)
def test_a_statement_is_seen_by_its_own_organisation_and_the_operator(world: Neighbours, type_: str) -> None:
    for name in PEOPLE:
        assert seen(world, name, world.said[name][type_].id)
        assert seen(world, None, world.said[name][type_].id)


@pytest.mark.parametrize("viewer", ["studio", "bank"])
@pytest.mark.parametrize("type_", TYPES)
def test_a_statement_is_seen_by_no_other_organisation_but_a_template(
    world: Neighbours, type_: str, viewer: str
) -> None:
    assert seen(world, viewer, world.said["rival"][type_].id) == (type_ == "template")


def test_templates_are_listed_for_their_publisher_and_who_offers_them(world: Neighbours) -> None:
    (digest,) = folded(world).projects[PROJECTS["rival"]][-1].templates
    listed = {v: lists_template(viewer_of(v), digest, folded(world)) for v in ("rival", "studio", "bank", None)}
    assert listed == {"rival": True, "studio": False, "bank": False, None: True}
    world.documents["studio"] = world.documents["rival"]
    world.set_project("studio")
    assert lists_template(party_of("studio"), digest, folded(world))


def test_a_withdrawal_that_names_grants_to_two_is_shown_to_neither(world: Neighbours) -> None:
    for_rival = world.allow(issuer_of("ada"), world.documents["rival"], st.Scope(project=PROJECTS["rival"]))
    grants = [world.said["studio"]["grant"].id, for_rival.id]
    both = world.revoke("ada", grants=grants)
    pause = world.register(issuer_of("ada"), st.Suspension, action="suspended", grants=grants)
    for id_ in (both.id, pause.id):
        assert [seen(world, v, id_) for v in ("studio", "rival", None)] == [False, False, True]
    everything = world.revoke("ada")
    assert [seen(world, v, everything.id) for v in ("studio", "rival", "bank")] == [True, True, False]


def test_disputes_and_takedowns_are_seen_by_whose_assets_alone_they_name(world: Neighbours) -> None:
    films = [hash_of("studio/film"), hash_of("rival/film")]
    both = world.register(world.operator, st.Takedown, assets=films, action="ordered", basis="court")
    one = world.register(world.operator, st.Dispute, assets=films[1:], status="open")
    assert [seen(world, v, both.id) for v in ("studio", "rival", None)] == [False, False, True]
    assert [seen(world, v, one.id) for v in ("studio", "rival", None)] == [False, True, True]


def test_a_ledger_that_does_not_verify_says_so_of_every_asset_alike(world: Neighbours) -> None:
    with world.store.write() as tx:
        tx.execute("break", "DROP TRIGGER opening_update")
        tx.execute("break", 'UPDATE opening SET envelope = ? WHERE "index" = ?', (b"{}", 3))
    engine = Engine(world.store, world.clock, warm=True)
    assets = [hash_of("rival/film"), hash_of("studio/film"), NOBODY]
    decisions = engine.clear(assets, INTERNAL, viewer=party_of("studio")).decisions
    assert {r.code for d in decisions for r in d.reasons} == {"ledger_integrity_failure"}

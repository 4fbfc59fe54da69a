"""What the shipped templates come to on a ledger: the scenarios that they were written for, in small."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.issuing import whole_second
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.resources import template_root
from consent_ledger.template_files import find_template, read_template
from tests.stores import new_store
from tests.world import DAY, OPEN, World, codes, party_of


def document(name: str, *recipients: str, id: str | None = None) -> TemplateDocument:
    files = read_template(find_template(template_root(), name))
    return files.document(
        party_of("studio"), {name: [party_of(r) for r in recipients] for name in files.placeholders}, id=id
    )


def use(activities: list[str], aim: str, audience: str, recipient: str, context: str = "commercial") -> Use:
    return compile_use(activities, [aim], context, audience, recipient=party_of(recipient))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.people("ada", "bob")
        for name in ("lab", "rival", "rtl", "npo"):
            world.enrol(name, kind="organisation")
        yield world


def offered(world: World, *documents: TemplateDocument) -> None:
    for each in documents:
        world.publish(each)
    world.offer(*documents)


def test_open_release_follows_the_question_of_everyone_seen(world: World) -> None:
    dataset, release = document("open-video-dataset"), document("depicted-person-release")
    offered(world, dataset, release)
    world.grant("ada", document=dataset, choices={"open": True})
    world.grant("bob", document=release, capacities=["subject"])
    alone, together = world.film("alone", ["ada"], ["ada"]), world.film("together", ["ada"], ["ada", "bob"])

    assert [world.verdict(alone), world.verdict(together)] == ["allow", "allow"]
    assert [world.verdict(alone, OPEN), world.verdict(together, OPEN)] == ["allow", "deny"]
    world.revoke("ada")
    assert [world.verdict(alone), world.verdict(together)] == ["deny", "deny"]


def test_a_study_allows_detection_and_apart_from_it_likeness_to_its_lab_alone(world: World) -> None:
    study = document("deepfake-detection-study", "lab")
    offered(world, study)
    early = whole_second(world.now - DAY)
    for name, answer in (("ada", True), ("bob", False)):
        world.grant(name, document=study, choices={"likeness": answer})
    world.wait(DAY)
    made = {"captured_at": whole_second(world.now)}
    ada, bob = (world.film(name, [name], [name], **made) for name in ("ada", "bob"))
    before = world.film("before", ["ada"], ["ada"], captured_at=early)
    detect = use(["train", "evaluate"], "detect_synthetic", "recipient", "lab")
    likeness = use(["train.generative"], "likeness", "recipient", "lab")

    assert [world.verdict(film, detect) for film in (ada, bob, before)] == ["allow", "allow", "undetermined"]
    assert [world.verdict(film, likeness) for film in (ada, bob, before)] == ["allow", "deny", "undetermined"]
    assert codes(world.ask(before, detect)) == {"grant_after_capture"}
    elsewhere = use(["train", "evaluate"], "detect_synthetic", "recipient", "rival")
    assert codes(world.ask(ada, elsewhere)) == {"recipient_not_granted"}
    identify = use(["train"], "biometric.identify", "recipient", "lab")
    assert [world.verdict(ada, wish) for wish in (OPEN, identify)] == ["deny", "deny"]


def test_a_photo_is_cleared_once_it_is_accepted_and_paid(world: World) -> None:
    market = document("photo-marketplace", "lab")
    offered(world, market)
    world.grant("ada", document=market)
    photo = world.film("photo", ["ada"])
    train = use(["train"], "general", "recipient", "lab")

    assert codes(world.ask(photo, train)) == {"precondition_unmet"}
    for condition, verdict in (("accepted", "deny"), ("paid", "allow")):
        world.register(world.studio, st.Fulfilment, condition=condition, status="met", assets=[photo])
        assert world.verdict(photo, train) == verdict
    assert world.verdict(photo, use(["train"], "general", "recipient", "rival")) == "deny"


def test_labels_need_the_licensor_and_the_annotator_and_stay_when_she_withdraws(world: World) -> None:
    licence, work = document("broadcaster-licence", "rtl", "npo"), document("annotation-agreement")
    offered(world, licence, work)
    world.grant("npo", document=licence, capacities=["organisation", "owner"])
    clip = world.film("clip", ["npo"], organisations=[party_of("npo")])
    derived = [st.Derivation(asset=clip, transform="annotation")]
    labels = world.film("labels", ["ada"], derived_from=derived)
    train = use(["train"], "general", "recipient", "rtl")

    assert [world.verdict(clip, train), world.verdict(labels, train)] == ["allow", "undetermined"]
    world.grant("ada", document=work, choices={"thanks": True}, language="nl",
                text_digest=work.languages["nl"].text)  # fmt: skip
    assert world.verdict(labels, train) == "allow"
    assert world.verdict(labels, use(["train"], "general", "recipient", "lab")) == "deny"
    world.revoke("ada")
    assert world.verdict(labels, train) == "allow"
    world.revoke("npo")
    assert world.verdict(labels, train) == "deny"


def test_a_guardian_speaks_for_a_child_and_not_for_everyone_after_the_birthday(world: World) -> None:
    release, dataset = document("guardian-release"), document("open-video-dataset")
    offered(world, release, dataset)
    world.enrol("kid", age="minor", majority=whole_second(world.now + 30 * DAY).date().isoformat())
    world.grant("bob", document=dataset, choices={"open": True})
    world.grant("ada", document=release, capacities=["guardian"], ward=party_of("kid"), choices={"open": True})
    film = world.film("playground", ["bob"], ["kid"])

    assert [world.verdict(film), world.verdict(film, OPEN)] == ["allow", "allow"]
    world.wait(60 * DAY)
    assert world.verdict(film) == "allow"
    assert "reaffirmation_required" in codes(world.ask(film, OPEN))

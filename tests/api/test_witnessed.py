"""Under a quorum that fails closed, only a checkpoint that has it is shown, and readiness says so."""

from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.audit.policy import parse_policy
from consent_ledger.publishing.cosigned import Quorum, has_quorum, read_shown
from consent_ledger.publishing.witnessing import witness_id
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, split_note, vkey_text
from consent_ledger.store.log import read_checkpoint
from consent_ledger.store.witnesses import Cosignature, add_cosignatures
from tests.world import World

NAME = "witness.example"
KEY = SigningKey.from_seed(b"W" * 32)
POLICY = parse_policy(f"witness w {vkey_text(NAME, KEY.public_key, COSIGNATURE)}\nquorum w\n".encode())


def cosign(world: World, time: int, name: str = NAME) -> bytes:
    with world.store.write() as tx:
        text = split_note(read_checkpoint(tx) or b"")[0]
        line = cosignature_line(text, name, KEY, time)
        id_ = witness_id(NoteVerifier(name, KEY.public_key, COSIGNATURE))
        add_cosignatures(tx, [Cosignature(world.size, id_, time, line)])
    return line


def test_a_checkpoint_is_kept_back_until_its_quorum_has_cosigned_it(world: World) -> None:
    with TestClient(create_app(world.ledger, quorum=Quorum(POLICY, closed=True))) as client:
        kept_back = client.get("/checkpoint")
        assert (kept_back.status_code, kept_back.json()["code"]) == (503, "not_witnessed")
        ready = client.get("/readyz").json()
        assert (ready["quorum"], ready["fail"]) == ("lacking", "closed")
        cosign(world, 5)
        newest = cosign(world, 7)
        shown = client.get("/checkpoint")
        assert shown.content.endswith(newest)
        assert shown.text.count(NAME) == 1
        assert client.get("/readyz").json()["quorum"] == "cosigned"
        world.enrol("somebody")
        assert client.get("/checkpoint").content == shown.content
        assert client.get("/readyz").json()["quorum"] == "lacking"


def test_failing_open_it_is_shown_with_what_cosignatures_there_are(world: World) -> None:
    with TestClient(create_app(world.ledger, quorum=Quorum(POLICY, closed=False))) as client:
        world.enrol("somebody")
        assert client.get("/checkpoint").text.split("\n")[1] == str(world.size)
        ready = client.get("/readyz").json()
        assert (ready["quorum"], ready["fail"]) == ("lacking", "open")


def test_witnesses_of_former_times_do_not_crowd_out_those_of_today(world: World) -> None:
    for number in range(120):
        cosign(world, number, f"former.example/{number}")
    newest = cosign(world, 200)
    with world.store.read() as tx:
        shown = read_shown(tx, Quorum(POLICY, closed=True))
    assert shown is not None
    assert newest in shown
    assert has_quorum(POLICY, shown)

"""An honest bundle, made once, and copies of it to do things to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.evidence.bundle import SampleRequest, write_bundle
from consent_ledger.issuing import key_material
from consent_ledger.licenses import statements as st
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.store.log import read_checkpoint
from tests.evidence.second import second
from tests.stores import new_store
from tests.verification.tampering import FILMS, QUERY, WORDING, Evidence, erase
from tests.world import HOUR, World, issuer_of, key_of, party_of

__all__ = ["second"]


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    folder = tmp_path_factory.mktemp("evidence")
    texts = folder / "texts"
    texts.mkdir()
    (texts / "text.en.md").write_bytes(WORDING)
    with new_store(f"sqlite:///{folder}/ledger.db") as store:
        world = World(store)
        at = {"template": 2}
        world.people("anna", "ben", "carl", "edna")
        at["key added"] = world.ledger.register(
            sign_envelope(
                st.encode_statement(
                    issuer_of("carl").draft(
                        st.Key, world.now, party=party_of("carl"), action="added",
                        key=key_material(key_of("carl/2").public_key),
                    )
                ),
                key_of("carl"), key_of("carl/2"),
            )
        ).entry  # fmt: skip
        keyid = key_of("carl").public_key.keyid
        world.register(issuer_of("carl"), st.Key, party=party_of("carl"), action="retired", keyid=keyid)
        world.ledger.register_all(world.submission(world.medium(f"film {n}", ["anna"], ["anna"])) for n in range(FILMS))
        world.wait(HOUR)
        at["grant"] = world.grant("anna").entry
        at["second grant"] = world.grant("ben", choices={"release": True}).entry
        older_size = world.size
        with store.read() as tx:
            older = read_checkpoint(tx)
        assert older is not None
        world.wait(HOUR)
        at["revocation"] = world.revoke("anna").entry
        at["erased"] = world.grant("edna").entry
        at["erasure"] = world.register(
            world.operator, st.Erasure, level="statements", party=party_of("edna"), entries=[at["erased"]],
            basis="request",
        ).entry  # fmt: skip
        world.film("last", ["anna"])
        sample = SampleRequest("a seed", 20, QUERY, world.now)
        written = write_bundle(store, folder / "bundle", sample=sample, templates=[texts])
        erase(folder / "bundle", at["erased"], at["erasure"])
        yield Evidence(folder / "bundle", written.size, older, older_size, world, at)


@pytest.fixture
def forged(evidence: Evidence, tmp_path: Path) -> Evidence:
    """A copy to do things to."""
    return evidence._replace(bundle=Path(shutil.copytree(evidence.bundle, tmp_path / "bundle")))

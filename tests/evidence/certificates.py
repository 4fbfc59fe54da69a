"""A certificate to try things on, and the story behind it."""

import msgspec

from consent_ledger.answers import answer_of, use_of
from consent_ledger.clearance import Engine
from consent_ledger.evidence.certificates import Signer, certify
from consent_ledger.ledger import Ledger
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.signing.keys import SigningKey
from tests.world import HOUR, World, key_of

USE = UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="internal", territories=["WORLD"]
)


def small_story(world: World) -> str:
    """Two people in a film; one of them withdraws, and agrees again. Return the film."""
    world.people("anna", "ben", "carl")
    film = world.film("film", ["anna"], ["anna", "ben"])
    world.film("another", ["carl"], ["carl"])
    world.grant("anna")
    world.grant("ben")
    world.grant("carl")
    world.wait(HOUR)
    world.revoke("ben")
    world.wait(HOUR)
    world.grant("ben", assets=[film])
    return film


def answer_on(world: World, asset: str, use: UseRequest = USE, viewer: str | None = None, **point: int) -> bytes:
    """Return the ledger's answer, as it is written."""
    cleared = Engine(world.store, world.clock).clear([asset], use_of(use), viewer=viewer, **point)  # type: ignore[arg-type]
    return msgspec.json.encode(answer_of(asset, use, cleared.decisions[0], cleared))


def certificate_on(world: World, asset: str, use: UseRequest = USE, viewer: str | None = None, **point: int) -> bytes:
    """Return the certificate of that answer."""
    return certify(world.store, answer_on(world, asset, use, viewer, **point), signer(world), viewer)


def certificate_of(ledger: Ledger, asset: str, use: UseRequest, operator_key: SigningKey) -> bytes:
    """Return the certificate of any ledger's answer."""
    cleared = Engine(ledger.store, ledger.clock).clear([asset], use_of(use))
    answer = msgspec.json.encode(answer_of(asset, use, cleared.decisions[0], cleared))
    return certify(ledger.store, answer, Signer(operator_key))


def signer(world: World) -> Signer:
    return Signer(key_of("operator"))

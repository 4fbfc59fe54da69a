"""A certificate to try things on, and the story behind it."""

import msgspec

from consent_ledger.answers import answer_of, use_of
from consent_ledger.certificates import Signer, certify
from consent_ledger.clearance import Engine
from consent_ledger.licenses.statements import UseRequest
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


def signer(world: World) -> Signer:
    return Signer(key_of("operator"))

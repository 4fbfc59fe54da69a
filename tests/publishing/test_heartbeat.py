"""One process at a time asks the witnesses, and what one hears stops all."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.cosigning import Submission, encode_submission
from consent_ledger.audit.policy import parse_policy
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import StaleError
from consent_ledger.publishing.cosigned import Quorum, read_shown
from consent_ledger.publishing.heartbeat import LEASE_SECONDS, Heartbeat, InBackground, asking
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint
from consent_ledger.witness import Memory
from consent_ledger.witness.server import create_app
from tests.publishing.published import ORIGIN, VERIFIER, Growing
from tests.publishing.serving import serving
from tests.stores import new_store


class Scene:
    """A witness over HTTP, and hosts that serve one ledger, each with an anchor of its own."""

    def __init__(self, store: Store, place: Path, stack: ExitStack) -> None:
        self.store, self._place, self._stack = store, place, stack
        self.passed = 0
        key = SigningKey.from_seed(b"W" * 32)
        self.memory = stack.enter_context(
            Memory(place / "w", "witness.example", key, {ORIGIN: [VERIFIER]}, clock=lambda: self.clock() // 1_000_000)
        )
        address = stack.enter_context(serving(create_app(self.memory)))
        vkey = vkey_text(self.memory.name, key.public_key, COSIGNATURE)
        self.quorum = Quorum(parse_policy(f"witness w {vkey} {address}\nquorum w\n".encode()), closed=True)

    def clock(self) -> int:
        return time.time_ns() // 1000 + self.passed * 1_000_000

    def host(self, name: str) -> tuple[Heartbeat, Anchor]:
        anchor = Anchor(self._place / name)
        witnessing = self._stack.enter_context(
            asking(self.store, self.quorum, anchor, clock=self.clock, heartbeat_seconds=0)
        )
        return Heartbeat(self.store, witnessing, anchor, self.clock), anchor


@pytest.fixture
def scene(store_url: str, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack.enter_context(new_store(store_url)), tmp_path, stack)


def test_one_asks_until_it_ends_or_is_not_heard_of(scene: Scene) -> None:
    Growing(scene.store).grow(3)
    (one, _), (two, _), (three, _) = scene.host("one"), scene.host("two"), scene.host("three")
    assert one.beat() is not None
    assert two.beat() is None
    assert one.beat() is not None
    one.close()
    assert two.beat() is not None
    assert one.beat() is None
    scene.passed = LEASE_SECONDS
    assert three.beat() is not None


def test_what_a_witness_has_seen_stops_one_host_after_the_other(scene: Scene, tmp_path: Path) -> None:
    Growing(scene.store).grow(3)
    with new_store(f"sqlite:///{tmp_path}/lost.db") as lost:
        Growing(lost).grow(9)
        with lost.read() as tx:
            assert scene.memory.cosign(encode_submission(Submission(0, (), read_checkpoint(tx) or b"")))
    (one, one_s_anchor), (two, two_s_anchor) = scene.host("one"), scene.host("two")
    with pytest.raises(StaleError):
        one.beat()
    assert one_s_anchor.read().stop is not None
    assert two.beat() is None  # it is still the other's turn
    assert one.beat() is None
    with pytest.raises(StaleError):
        two.beat()
    assert two_s_anchor.read().stop is not None


def test_in_the_background_what_is_appended_is_cosigned(scene: Scene) -> None:
    heartbeat, anchor = scene.host("one")
    heard = Event()
    said: list[tuple[str, dict[str, Any]]] = []

    def say(event: str, **fields: Any) -> None:
        said.append((event, fields))
        heard.set()

    with InBackground(heartbeat, say, interval_seconds=0.01):
        Growing(scene.store).grow(3)
        assert heard.wait(30)
    assert said[0] == ("witness_asked", {"witness": "w", "error": None})
    with scene.store.read() as tx:
        assert read_checkpoint_text(read_shown(tx, scene.quorum) or b"").size == 3
    assert anchor.read().checkpoint is not None

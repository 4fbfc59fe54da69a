"""Another log key: recorded in the log, both sign for a while, and what was signed before holds for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import open_checkpoint, read_checkpoint_text, sign_checkpoint
from consent_ledger.custody.rotation import add_log_key, retire_log_key
from consent_ledger.errors import ConflictError, LedgerError, VerificationError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.evidence.receipts import take_receipt, verify_receipt_file
from consent_ledger.keyfile import read_key_file, write_key_file
from consent_ledger.ledger import Ledger
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.log_keys import LogKey, signing_at, trusted
from consent_ledger.settings import Settings
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier, vkey_text
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.layout import Openings
from consent_ledger.verification.live import verify_store
from tests.stores import new_store
from tests.world import LOG_KEY, ORIGIN, World, key_of

GENESIS_KEY = vkey_text(ORIGIN, LOG_KEY.public_key)


class Rotating(World):
    """A world with a home for its log keys."""

    def settle(self, home: Path, url: str) -> None:
        self.settings = Settings(home=home, database=url)
        write_key_file(self.settings.log_key, _seed("log"))
        self.ledger = self.opened()

    def opened(self) -> Ledger:
        newest = read_key_file(self.settings.log_keys[0])
        return Ledger.open(self.store, newest, clock=self.clock, further_keys=self.keys)

    def keys(self) -> Iterator[SigningKey]:
        return map(read_key_file, self.settings.log_keys)

    def rotate(self) -> str:
        """Add a log key; return it."""
        add_log_key(self.ledger, self.operator, self.settings, None)
        return self.ledger.vkey

    def retire(self) -> None:
        retire_log_key(self.ledger, self.operator, self.settings)


def _seed(name: str) -> bytes:
    from hashlib import sha256

    return sha256(f"world/{name}".encode()).digest()


def signers(note: bytes, *vkeys: str) -> set[str]:
    """Which of the keys signed a checkpoint."""
    found = set()
    for vkey in vkeys:
        try:
            open_checkpoint(note, [NoteVerifier.from_vkey(vkey)])
            found.add(vkey)
        except VerificationError:
            pass
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Rotating]:
    yield from settled(tmp_path, f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def either(tmp_path: Path, store_url: str) -> Iterator[Rotating]:
    """The same on each kind of database."""
    yield from settled(tmp_path, store_url)


def settled(home: Path, url: str) -> Iterator[Rotating]:
    with new_store(url) as store:
        world = Rotating(store)
        world.settle(home, url)
        yield world


def test_both_keys_sign_for_a_while_and_then_only_the_new_one(either: Rotating) -> None:
    old = either.ledger.vkey
    before = either.ledger.register(either.enrolment("a"))
    new = either.rotate()
    during = either.ledger.register(either.enrolment("b"))
    either.retire()
    after = either.ledger.register(either.enrolment("c"))
    assert [signers(r.checkpoint, old, new) for r in (before, during, after)] == [{old}, {old, new}, {new}]
    assert either.ledger.vkey == new
    assert either.settings.verifier_key.read_text().split() == [new, old]


def test_receipts_of_all_times_verify(world: Rotating) -> None:
    receipts = [world.ledger.register(world.enrolment("a"))]
    for n in range(2):
        world.rotate()
        receipts.append(world.ledger.register(world.enrolment(f"during {n}")))
        world.retire()
        receipts.append(world.ledger.register(world.enrolment(f"after {n}")))
    told = world.settings.verifier_key.read_text()
    for receipt in receipts:
        file = take_receipt(world.store, receipt.id)
        assert verify_receipt_file(file, told).entry.index == receipt.entry
        assert verify_receipt_file(file).entry.index == receipt.entry
    with pytest.raises(VerificationError):
        verify_receipt_file(take_receipt(world.store, receipts[0].id), world.ledger.vkey)


def test_a_process_that_was_running_takes_the_new_key_up(either: Rotating) -> None:
    running = either.opened()
    new = either.rotate()
    receipt = running.register(either.enrolment("a"))
    assert signers(receipt.checkpoint, GENESIS_KEY, new) == {GENESIS_KEY, new}
    either.retire()
    receipt = running.register(either.enrolment("b"))
    assert signers(receipt.checkpoint, GENESIS_KEY, new) == {new}
    assert running.vkey == new


def test_a_process_without_the_new_key_signs_nothing(world: Rotating) -> None:
    elsewhere = Ledger.open(world.store, LOG_KEY, clock=world.clock)
    world.rotate()
    size = world.size
    with pytest.raises(VerificationError) as refused:
        elsewhere.register(world.enrolment("a"))
    assert refused.value.code == "wrong_log_key"
    assert world.size == size
    with pytest.raises(VerificationError, match="is not here") as refused:
        Ledger.open(world.store, LOG_KEY)
    assert refused.value.code == "wrong_log_key"
    world.retire()
    world.settings.log_key.unlink()  # nobody needs it any more
    assert world.opened().register(world.enrolment("b")).is_new


def test_a_rotation_that_stopped_after_its_key_file_goes_on_with_it(world: Rotating) -> None:
    made = write_key_file(world.settings.home / "log.key.2", _seed("made"))
    world.ledger = world.opened()  # a key that is not recorded signs nothing
    receipt = world.ledger.register(world.enrolment("a"))
    assert signers(receipt.checkpoint, GENESIS_KEY, vkey_text(ORIGIN, made)) == {GENESIS_KEY}
    assert world.rotate() == vkey_text(ORIGIN, made)
    assert len(world.settings.log_keys) == 2


def test_of_two_that_rotate_one_is_told_that_it_is_done(world: Rotating) -> None:
    other = world.opened()
    world.rotate()
    with pytest.raises(ConflictError) as refused:
        add_log_key(other, world.operator, world.settings, None)
    assert refused.value.code == "rotation_underway"
    assert len(world.settings.log_keys) == 2
    world.retire()
    with pytest.raises(ConflictError) as refused:
        retire_log_key(other, world.operator, world.settings)
    assert refused.value.code == "log_key_last"


def test_a_reused_or_wrong_key_is_refused_whoever_asks(world: Rotating) -> None:
    vkey = vkey_text(ORIGIN, key_of("x").public_key)
    said = {"party": world.operator.party, "action": "added", "log_key": vkey}
    with pytest.raises(LedgerError):
        world.register(world.studio, st.Key, **said)
    # The key's file is not here, so nothing could be signed: it is not recorded either.
    with pytest.raises(VerificationError) as refused:
        world.register(world.operator, st.Key, **said)
    assert refused.value.code == "wrong_log_key"
    assert world.ledger.register(world.enrolment("a")).is_new


def test_a_live_ledger_verifies_under_any_key_that_it_has_had(either: Rotating) -> None:
    either.rotate()
    either.enrol("a")
    either.retire()
    either.enrol("b")
    new = either.ledger.vkey
    for told in (None, GENESIS_KEY, new, f"{new}\n{GENESIS_KEY}"):
        assert verify_store(either.store, vkey=told).findings == ()
    report = verify_store(either.store, vkey=vkey_text(ORIGIN, key_of("x").public_key))
    assert "log_key_replaced" in {f.code for f in report.findings}


def test_a_checkpoint_by_a_key_that_is_retired_is_found(world: Rotating) -> None:
    world.rotate()
    world.retire()
    world.ledger._log_keys[world.ledger.vkey] = LOG_KEY
    receipt = world.ledger.register(world.enrolment("a"))
    assert signers(receipt.checkpoint, GENESIS_KEY) == {GENESIS_KEY}
    assert "checkpoint_invalid" in {f.code for f in verify_store(world.store).findings}


@pytest.fixture
def rotated(world: Rotating) -> Rotating:
    """Two rotations behind it, and statements before, between and after."""
    for n in range(2):
        world.enrol(f"before {n}")
        world.rotate()
        world.enrol(f"during {n}")
        world.retire()
    world.enrol("after")
    return world


@pytest.mark.parametrize("openings", ["all", "withheld"])
def test_a_bundle_verifies_under_any_key_that_the_log_has_had(
    rotated: Rotating, tmp_path: Path, openings: Openings
) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(rotated.store, bundle, openings=openings)
    told = rotated.settings.verifier_key.read_text().split()
    assert len(told) == 3
    for vkey in (*told, "\n".join(told)):
        assert verify_bundle(bundle, vkey=vkey).findings == ()
    assert codes_of(bundle, vkey_text(ORIGIN, key_of("x").public_key)) >= {"log_key_replaced"}


def test_who_knows_only_the_first_key_wants_to_see_it_hand_over(rotated: Rotating, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(rotated.store, bundle)
    newest, middle, first = rotated.settings.verifier_key.read_text().split()
    early, late = sorted((bundle / "checkpoints").iterdir(), key=lambda file: int(file.name))
    late.unlink()
    assert codes_of(bundle, first) == codes_of(bundle, middle) == {"log_key_unlinked"}
    assert codes_of(bundle, newest) == set()
    early.unlink()
    assert codes_of(bundle, first) == {"log_key_unlinked"}


def test_a_bundle_whose_head_an_old_key_signed_is_found(rotated: Rotating, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(rotated.store, bundle)
    head = bundle / "checkpoint"
    checkpoint = read_checkpoint_text(head.read_bytes())
    head.write_bytes(sign_checkpoint(checkpoint, LOG_KEY))
    assert "checkpoint_invalid" in codes_of(bundle, GENESIS_KEY)
    assert "checkpoint_invalid" in codes_of(bundle, rotated.ledger.vkey)


def codes_of(bundle: Path, vkey: str) -> set[str]:
    return {finding.code for finding in verify_bundle(bundle, vkey=vkey).findings}


# Who trusts which key -----------------------------------------------------------------------------------------------

KEYS = [LogKey("a", 0, 20), LogKey("b", 10, 30), LogKey("c", 25)]


@pytest.mark.parametrize(
    ("size", "signing"),
    [(0, []), (1, ["a"]), (10, ["a"]), (11, ["b", "a"]), (20, ["b", "a"]), (21, ["b"]), (26, ["c", "b"]), (31, ["c"])],
)
def test_which_keys_sign_at_a_size(size: int, signing: list[str]) -> None:
    assert [key.vkey for key in signing_at(KEYS, size)] == signing


@pytest.mark.parametrize(
    ("known", "signed", "expected"),
    [
        ({"c"}, [(40, {"c"})], {"a", "b", "c"}),  # the newest key vouches for the whole log
        ({"a"}, [(40, {"c"})], {"a"}),  # nothing shows that the old one handed over
        ({"a"}, [(15, {"a", "b"}), (40, {"c"})], {"a", "b"}),
        ({"a"}, [(15, {"a", "b"}), (28, {"b", "c"}), (40, {"c"})], {"a", "b", "c"}),
        ({"a"}, [(28, {"b", "c"}), (15, {"a"})], {"a", "b", "c"}),  # in any order
        ({"x"}, [(40, {"x", "c"})], set()),  # no key of this log
        (set(), [(40, {"c"})], set()),
    ],
)
def test_trust_goes_from_key_to_key_by_what_they_signed(
    known: set[str], signed: list[tuple[int, set[str]]], expected: set[str]
) -> None:
    assert trusted(KEYS, known, signed) == expected

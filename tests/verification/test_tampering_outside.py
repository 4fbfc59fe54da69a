"""What an outside auditor tried, in the place of a cheating sender or operator, and what it found."""

from consent_ledger.audit.replay import Withheld
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.note import vkey_text
from tests.forgery import Leaf, rewrite
from tests.second import Second, second
from tests.verification.test_tampering import VKEY, Evidence, audit, evidence, forged
from tests.world import ORIGIN, key_of

__all__ = ["evidence", "forged", "second"]

WITHHELD = '{"format":"consent-ledger/bundle/v1","openings":"withheld"}'


def test_a_senders_own_key_beside_the_logs_vouches_for_nothing(forged: Evidence, second: Second) -> None:
    """A log made up as a whole, with nothing shown that could contradict it, under a key that `keys.txt` adds."""
    thief = key_of("thief")
    rewrite(forged.bundle, [Leaf(n * SECOND, bytes([n]) * 32, Withheld()) for n in range(20)], thief)
    (forged.bundle / "keys.txt").write_text(f"{VKEY}\n{vkey_text(ORIGIN, thief.public_key)}\n")
    (forged.bundle / "scope.json").write_text(WITHHELD)
    assert [(f.entry, f.code) for f in audit(forged, checkpoints=[]).findings] == [(None, "checkpoint_invalid")]
    assert second.bundle(forged.bundle, VKEY).findings

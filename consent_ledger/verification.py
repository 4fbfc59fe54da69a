"""Verification: recompute everything that a log claims, trusting nobody (architecture.md, "an outside auditor").

`Verification` walks entries and openings once. It checks chain, commitments, tree and checkpoints (`audit`), every
statement's signature under the key that was valid then and the rules of registration (`licenses`), and yields every
finding. What remains is the facts, on which decisions can be replayed.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.replay import Erased, Finding, Opening, Replay, Replayed, Withheld
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.licenses.facts import Facts, Registered
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import SignedStatement, read_signed, verify_signed
from consent_ledger.licenses.statements import Genesis, Key, KeyMaterial, Party, keyid_of
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_rows
from consent_ledger.store.log import read_head

Pair = tuple[bytes, Opening | Withheld | Erased | None]


class Counts(NamedTuple):
    """What was looked at."""

    entries: int = 0
    opened: int = 0
    withheld: int = 0
    erased: int = 0
    signatures: int = 0


class Verification:
    """One walk over a log; `facts` and `counts` are those of the entries walked so far."""

    def __init__(self, head: Checkpoint | None = None, older: Collection[Checkpoint] = ()) -> None:
        self.facts = Facts()
        self.counts = Counts()
        self._replay = Replay(head, older)
        self._keys: dict[str, bytes] = {}

    def run(self, pairs: Iterable[Pair]) -> Iterator[Finding]:
        """Yield every finding."""
        for item in self._replay.run(pairs):
            if isinstance(item, Finding):
                yield item
            else:
                yield from self._read(item)

    def _read(self, item: Replayed) -> Iterator[Finding]:
        counts = self.counts
        self.counts = counts._replace(
            entries=counts.entries + 1,
            opened=counts.opened + (item.status == "opened"),
            withheld=counts.withheld + (item.status == "withheld"),
            erased=counts.erased + (item.status == "erased"),
        )
        if item.envelope is None:
            return
        try:
            signed = read_signed(item.envelope)
            self._admit(item, signed)
        except MalformedError as e:
            yield Finding(item.index, "statement_malformed", str(e))
        except VerificationError as e:
            yield Finding(item.index, "signature_invalid", str(e))
        except LedgerError as e:
            yield Finding(item.index, "registration_refused", f"{e.code}: {e}")

    def _admit(self, item: Replayed, signed: SignedStatement) -> None:
        match signed.statement:
            case Genesis(operator_key=key) | Party(key=KeyMaterial() as key) | Key(key=KeyMaterial() as key):
                self._keys[keyid_of(key)] = key.raw
            case _:
                pass
        signers = verify_signed(signed, self._keys)
        self.counts = self.counts._replace(signatures=self.counts.signatures + len(signed.envelope.signatures))
        where = Registered(item.index, item.recorded_at, signed.id, signers.keyids)
        self.facts.apply(admit(self.facts, signed.statement, signers, where), signed.statement)


def replay_facts(store: Store) -> Facts:
    """Return the facts as an auditor folds them from a store's whole log; with any finding, facts that fail."""
    with store.read() as tx:
        size = read_head(tx).size
        verification = Verification()
        pairs = ((row.raw, row.opening) for row in read_rows(tx, range(size)))
        findings = list(verification.run(pairs))
    if findings:
        verification.facts.failure = f"entry {findings[0].entry}: {findings[0].detail}"
    return verification.facts

"""Intake: envelopes are read and their signatures verified, here or in the workers, before a transaction begins."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.licenses.keys import for_admission
from consent_ledger.licenses.signed import (
    SignedStatement,
    Signers,
    brought_key,
    read_signed,
    signers_of,
    verify_signed,
)
from consent_ledger.licenses.statements import keyid_of
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_public_keys
from consent_ledger.workers import Sums, Workers

_REMEMBERED_KEYS = 200_000


class Verified(NamedTuple):
    """A statement whose signatures are good, who signed it, and the index keys that admitting it needs."""

    signed: SignedStatement
    signers: Signers
    needs: set[bytes]


class Intake:
    """Verifies envelopes for one store, and remembers public keys. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._public_keys: dict[str, bytes] = {}

    def verify_here(self, envelopes: Sequence[bytes]) -> list[Verified | LedgerError]:
        """Return for each envelope what is in it, or the error that refuses it."""
        parsed = [_parse(raw, read_signed) for raw in envelopes]
        keys = self._keys_for([p for p in parsed if isinstance(p, SignedStatement)])
        return [_verify(p, keys) if isinstance(p, SignedStatement) else p for p in parsed]

    def verify_there(self, envelopes: Sequence[bytes], workers: Workers) -> Callable[[], list[Verified | LedgerError]]:
        """Begin to verify in the workers, and return what waits for the end of it."""
        parsed = [_parse(raw, read_signed) for raw in envelopes]
        keys = self._keys_for([p for p in parsed if isinstance(p, SignedStatement)])
        again: set[int] = set()
        share = len(envelopes) // workers.count + 1
        parts = [self._send(range(n, min(n + share, len(parsed))), parsed, keys, workers, again)
                 for n in range(0, len(parsed), share)]  # fmt: skip

        def finish() -> list[Verified | LedgerError]:
            try:
                again.update(n for part in parts for n in part.wrong())
            except UnavailableError:  # a worker has gone: then it is done here
                return self.verify_here(envelopes)
            return [
                p if isinstance(p, LedgerError) else _verified(p, signers_of(p.envelope)) if n not in again
                else self.verify_here([p.raw])[0]  # for the words of the refusal
                for n, p in enumerate(parsed)
            ]  # fmt: skip

        return finish

    def _send(
        self, places: range, parsed: Sequence[SignedStatement | LedgerError], keys: dict[str, bytes], workers: Workers,
        again: set[int],
    ) -> Sums[int]:  # fmt: skip
        sums = Sums[int]()
        for n in places:
            signed = parsed[n]
            if isinstance(signed, SignedStatement) and not sums.add(n, signed, keys):
                again.add(n)
        sums.send(workers)
        return sums

    def _keys_for(self, statements: Sequence[SignedStatement]) -> dict[str, bytes]:
        """Return the raw public key behind each keyid, from these statements or from the ledger.

        A keyid is the digest of its key, so where the key was found is no matter; whose it is, registration judges.
        """
        if len(self._public_keys) > _REMEMBERED_KEYS:
            self._public_keys = {}
        known = self._public_keys
        for signed in statements:
            material = brought_key(signed.statement)
            if material is not None:
                known[keyid_of(material)] = material.raw
        unknown = {keyid for signed in statements for keyid in signed.keyids if keyid not in known}
        if unknown:
            with self._store.read() as tx:
                known.update(read_public_keys(tx, unknown))
        return known


def _parse(raw: bytes, read: Callable[[bytes], SignedStatement]) -> SignedStatement | LedgerError:
    try:
        return read(raw)
    except LedgerError as e:
        return e


def _verify(signed: SignedStatement, keys: dict[str, bytes]) -> Verified | LedgerError:
    try:
        return _verified(signed, verify_signed(signed, keys))
    except LedgerError as e:
        return e


def _verified(signed: SignedStatement, signers: Signers) -> Verified:
    return Verified(signed, signers, for_admission(signed.statement, signers))

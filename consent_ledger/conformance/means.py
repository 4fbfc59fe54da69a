"""What a stage needs besides its events: keys, ages, forged signatures, a broken entry, an auditor."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from consent_ledger.errors import LedgerError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.issuing import (
    Issuer,
    new_nonce,
    whole_second,
)
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import asset_key
from consent_ledger.signing.envelope import (
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
)
from consent_ledger.signing.instants import parse_instant
from consent_ledger.signing.keys import SigningKey
from consent_ledger.store.engine import Store
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import read_head, read_openings
from consent_ledger.verification.bundles import replay_bundle


def replayed(store: Store, folder: Path, vkey: str) -> Facts:
    """Return the facts as an auditor folds them from a bundle of the store."""
    try:
        write_bundle(store, folder)
        return replay_bundle(folder, vkey)
    except LedgerError as e:  # so damaged that no bundle can be made of it
        facts = Facts()
        facts.failure = str(e)
        return facts


def new_key() -> SigningKey:
    """Return a key that nobody has had."""
    return SigningKey.from_seed(bytes.fromhex(new_nonce() + new_nonce()))


def organisation_names(events: Sequence[Mapping[str, Any]]) -> set[str]:
    """The parties that a case uses as organisations."""
    names = {p for e in events for p in e.get("rights_holders") or ()}
    return names | {e["party"] for e in events if e["type"] == "grant" and e["role"] == "organisation"}


def age_of(person: Mapping[str, Any]) -> dict[str, Any]:
    """Return a person's age as a `party` statement has it: of age at 18."""
    if person.get("age") == "unknown":
        return {"age": "unknown"}
    if person.get("birthdate"):
        year, month, day = person["birthdate"].split("-")
        month, day = ("03", "01") if (month, day) == ("02", "29") and (int(year) + 18) % 4 else (month, day)
        return {"age": "minor", "majority": f"{int(year) + 18}-{month}-{day}"}
    return {"age": "adult"}


def effective(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field for an event's `at`, if it has one."""
    return {"effective_at": whole_second(parse_instant(event["at"]))} if event.get("at") else {}


def signing_key_of(event: Mapping[str, Any], issuer: Issuer) -> SigningKey:
    """Return the key that signs a grant: the issuer's, or a stranger's where the case wants a wrong one."""
    return new_key() if event.get("sig") == "wrong_key" else issuer.key


def spoil(envelope: bytes) -> bytes:
    """Return the envelope with one bit of its signature changed."""
    signed = decode_envelope(envelope)
    first = signed.signatures[0]
    bad = Signature(first.keyid, first.sig[:-1] + bytes([first.sig[-1] ^ 1]))
    return encode_envelope(Envelope(signed.payload, signed.payload_type, (bad,)))


def break_entry(store: Store, asset: str) -> None:
    """Alter the entry that registered `asset`, past the database's own guard, as somebody with the disk could."""
    with store.write() as tx:
        (entry,) = entries_touching(tx, [asset_key(asset)], read_head(tx).size)[asset_key(asset)][:1]
        opening = read_openings(tx, [entry])[entry]
        tx.execute("break", "DROP TRIGGER opening_update")
        tx.execute("break", 'UPDATE opening SET envelope = ? WHERE "index" = ?', (opening.envelope[:-1] + b" ", entry))

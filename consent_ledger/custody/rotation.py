"""Another key for the log: made, recorded and used beside the old one, which is retired later (decision 5).

First the key file, then the statement, so that a crash between the two leaves a file and no promise; the next attempt
takes that file up. Whichever of two processes records first, the other is told that it was done.
"""

from pathlib import Path

from consent_ledger.errors import ConflictError
from consent_ledger.issuing import Issuer
from consent_ledger.keyfile import new_seed, read_key_file, write_key_file
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.licenses.statements import Key
from consent_ledger.settings import Settings
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.facts import read_log_keys
from consent_ledger.store.log import read_head


def add_log_key(ledger: Ledger, operator: Issuer, settings: Settings, passphrase: str | None) -> Receipt:
    """Record a new log key: from this receipt's checkpoint on, the old key and the new one both sign.

    ConflictError `rotation_underway` where two keys sign already.
    """
    recorded = _log_keys(ledger)
    if sum(key.retired is None for key in recorded) > 1:
        raise ConflictError("two log keys sign now, want the older one retired first", code="rotation_underway")
    key = _unrecorded(ledger.origin, settings, recorded, passphrase) or _new_key(settings, passphrase)
    vkey = vkey_text(ledger.origin, key.public_key)
    envelope = operator.say(Key, ledger.clock(), party=operator.party, action="added", log_key=vkey)
    receipt = ledger.register(envelope)
    write_verifier_keys(ledger, settings.verifier_key)
    return receipt


def retire_log_key(ledger: Ledger, operator: Issuer, settings: Settings) -> Receipt:
    """Record that the older of two log keys no longer signs. Its file may then be destroyed; what it signed holds.

    ConflictError `log_key_last` where there is only one.
    """
    active = [key.vkey for key in _log_keys(ledger) if key.retired is None]
    if len(active) < 2:
        raise ConflictError("only one log key signs, want another one added first", code="log_key_last")
    envelope = operator.say(Key, ledger.clock(), party=operator.party, action="retired", log_key=active[0])
    receipt = ledger.register(envelope)
    write_verifier_keys(ledger, settings.verifier_key)
    return receipt


def write_verifier_keys(ledger: Ledger, file: Path) -> None:
    """Write the public file with every key that the log has had, a line each, the newest first."""
    draft = file.with_name(f".{file.name}.new")
    draft.write_text("".join(f"{key.vkey}\n" for key in reversed(_log_keys(ledger))), encoding="utf-8")
    draft.replace(file)


def _log_keys(ledger: Ledger) -> list[LogKey]:
    with ledger.store.read() as tx:
        return read_log_keys(tx, read_head(tx).size)


def _unrecorded(origin: str, settings: Settings, recorded: list[LogKey], passphrase: str | None) -> SigningKey | None:
    """Return the key of a rotation that stopped after its file was written."""
    known = {key.vkey for key in recorded}
    for file in settings.log_keys:
        key = read_key_file(file, passphrase)
        if vkey_text(origin, key.public_key) not in known:
            return key
    return None


def _new_key(settings: Settings, passphrase: str | None) -> SigningKey:
    taken = [int(file.suffix[1:]) for file in settings.log_keys if file != settings.log_key]
    seed = new_seed()
    write_key_file(settings.home / f"log.key.{max(taken, default=1) + 1}", seed, passphrase)
    return SigningKey.from_seed(seed)

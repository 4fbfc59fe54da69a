"""A ledger's home: making one, whole or not at all, and opening what is in it."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from consent_ledger.address_book import LEDGER, AddressBook, Contact
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import ConflictError, UnavailableError
from consent_ledger.issuing import Issuer, key_material, new_party_id
from consent_ledger.keyfile import new_seed, write_key_file
from consent_ledger.ledger import Ledger, system_clock
from consent_ledger.licenses.statements import Genesis
from consent_ledger.settings import Settings, default_database, write_settings
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import open_store


def create_home(
    home: Path,
    origin: str,
    *,
    database: str | None = None,
    passphrase: str | None = None,
    clock: Callable[[], int] = system_clock,
) -> str:
    """Make a ledger and its home; return the log's verifier key. After an error there is no home.

    ConflictError `home_exists` where something is at `home` already.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ConflictError(f"`{home}` exists already and is not an empty folder", code="home_exists")
    draft = home.with_name(f".{home.name}.{secrets.token_hex(6)}")
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        vkey = _fill(draft, origin, database, passphrase, clock)
        os.rename(draft, home)  # an empty folder may be there, nothing else
    except OSError as e:
        raise UnavailableError(f"`{home}` cannot be made: {(e.strerror or str(e)).lower()}", code="cannot_open") from e
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return vkey


def _fill(home: Path, origin: str, database: str | None, passphrase: str | None, clock: Callable[[], int]) -> str:
    settings = Settings(home=home, database=database or default_database(home))
    log_seed, operator_seed = new_seed(), new_seed()
    write_settings(home, database)
    write_key_file(settings.log_key, log_seed, passphrase)
    write_key_file(settings.operator_key, operator_seed, passphrase)
    settings.party_keys.mkdir(mode=0o700)
    log_key, operator_key = SigningKey.from_seed(log_seed), SigningKey.from_seed(operator_seed)
    vkey = vkey_text(origin, log_key.public_key)
    settings.verifier_key.write_text(vkey + "\n", encoding="utf-8")
    operator = Issuer(origin, new_party_id(), operator_key)
    AddressBook(settings.address_book).add([Contact(LEDGER, operator.party, "ledger", settings.operator_key.name)])
    genesis = operator.draft(
        Genesis, clock(), format=1, log_key=vkey, operator_key=key_material(operator_key.public_key)
    )
    assert isinstance(genesis, Genesis)
    # Last: a database elsewhere cannot be taken back with the folder.
    with open_store(settings.database, create=True) as store:
        anchor = Anchor(settings.anchor_file)
        Ledger.create(store, genesis, operator_key, log_key, clock=clock, anchor=anchor)
    return vkey


@contextmanager
def open_ledger(settings: Settings, log_key: SigningKey, clock: Callable[[], int] = system_clock) -> Iterator[Ledger]:
    """Give the ledger of a home, for writing."""
    with open_store(settings.database) as store:
        anchor = Anchor(settings.anchor_file)
        yield Ledger.open(store, log_key, clock=clock, anchor=anchor)
        anchor.close()

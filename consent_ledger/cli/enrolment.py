"""Enrolling parties: a key file for each, one statement each, and then their names in the address book."""

from base64 import b64decode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from consent_ledger.address_book import Contact
from consent_ledger.cli.ledgers import Recording, Rehearsed
from consent_ledger.cli.output import note
from consent_ledger.cli.session import Session
from consent_ledger.durable import sync_directory
from consent_ledger.errors import LedgerError
from consent_ledger.issuing import key_material, new_party_id
from consent_ledger.keyfile import new_seed, write_key_file
from consent_ledger.licenses.statements import Party
from consent_ledger.signing.keys import SigningKey, enrol_public_key

_AT_ONCE = 16


def public_key_of(text: str) -> Any:
    """Return the key material of a public key in base64; raise a usage error for anything else."""
    try:
        return key_material(enrol_public_key(b64decode(text, validate=True)))
    except (ValueError, LedgerError) as e:
        raise click.BadParameter(f"`{text}` is not an Ed25519 public key in base64") from e


def enrol(
    session: Session, names: Sequence[str], fields: dict[str, Any], *,
    by: str, public_key: str | None = None, no_key: bool = False, dry_run: bool = False,
) -> None:  # fmt: skip
    """Record a party for each name. Those that are refused are not enrolled, and no key file of them stays."""
    if public_key is not None and len(names) != 1:
        raise click.UsageError("--public-key is one person's: give one name")
    session.book.require_free(names)
    foreign = None if public_key is None else public_key_of(public_key)
    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        made: list[Path] = []
        try:
            contacts = []
            envelopes = []
            keys = [(None, foreign)] * len(names)
            if foreign is None and not no_key:
                keys = _new_keys(session, names, made, dry_run=dry_run)
            for name, (path, material) in zip(names, keys, strict=True):
                party = new_party_id()
                contacts.append(Contact(name, party, fields["kind"], path))
                key = {} if material is None else {"key": material}
                envelopes.append(issuer.say(Party, ledger.clock(), party=party, **key, **fields))
            recorded = _record(session, ledger, contacts, envelopes)
            made = [p for p in made if p not in recorded]
        finally:
            for path_ in made:
                path_.unlink(missing_ok=True)


def _new_keys(session: Session, names: Sequence[str], made: list[Path], *, dry_run: bool) -> list[tuple[Any, Any]]:
    """Make a key for each; many files are waited for together, as a disk takes as long for one as for several.

    Under a passphrase one by one: each then fills a lot of memory, on purpose.
    """
    if not dry_run:
        _make_room(session)
    with ThreadPoolExecutor(1 if session.given_passphrase() else _AT_ONCE) as pool:
        return list(pool.map(lambda name: _new_key(session, name, made, dry_run=dry_run), names))


def _make_room(session: Session) -> None:
    """Make the folder of key files, which a home that was put together by hand may not have."""
    folder = session.settings.party_keys
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_directory(folder.parent)


def _new_key(session: Session, name: str, made: list[Path], *, dry_run: bool) -> tuple[str, Any]:
    seed = new_seed()
    path = session.settings.party_keys / f"{name}.key"
    if not dry_run:
        write_key_file(path, seed, session.given_passphrase())
        made.append(path)
    return str(path.relative_to(session.home)), key_material(SigningKey.from_seed(seed).public_key)


def _record(session: Session, ledger: Recording, contacts: list[Contact], envelopes: list[bytes]) -> set[Path]:
    """Return the key files of those who were enrolled; raise the first refusal, once the others are recorded."""
    try:
        outcomes = ledger.register_all(envelopes)
    except Rehearsed:
        note(f"would be enrolled: {', '.join(c.name for c in contacts)} (nothing was written)")
        return set()
    pairs = list(zip(contacts, outcomes, strict=True))
    enrolled = [contact for contact, outcome in pairs if not isinstance(outcome, LedgerError)]
    session.book.add(enrolled)
    for contact in enrolled:
        click.echo(f"{contact.party}\t{contact.name}")
    refused = [(contact, outcome) for contact, outcome in pairs if isinstance(outcome, LedgerError)]
    for contact, error in refused[1:]:
        note(f"`{contact.name}` is not enrolled: {error}")
    note(f"enrolled {len(enrolled)}, refused {len(refused)}")
    if refused:
        raise refused[0][1]
    return {session.home / c.key for c in enrolled if c.key is not None}

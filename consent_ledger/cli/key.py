"""`consent-ledger key`: making keys, and recording what becomes of them."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.output import note, write_json
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.rotation import rotate_log
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def key() -> None:
    """Make keys, and record that one is added, retired or compromised."""


key.add_command(rotate_log)


@key.command(epilog="Example: consent-ledger key new anna.key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@ledger_options
@pass_session
def new(session: Session, file: Path) -> None:
    """Make a key in a new file, for its owner only; under the passphrase, if one is given. Writes the public key."""
    from consent_ledger.keyfile import new_seed, write_key_file

    _write_public(write_key_file(file, new_seed(), session.given_passphrase()).raw)


@key.command(epilog="Example: consent-ledger key show c0001")
@click.argument("name", metavar="PARTY|FILE")
@ledger_options
@pass_session
def show(session: Session, name: str) -> None:
    """Show the public key of a key file, or of the party whose key file is here; never the private one."""
    path = Path(name)
    if not path.is_file():
        path = session.key_file(session.book.find(name))
    _write_public(session.read_key(path).public_key.raw)


def _write_public(raw: bytes) -> None:
    from consent_ledger.signing.keys import PublicKey

    write_json({"keyid": PublicKey(raw).keyid, "public_key": b64encode(raw).decode(), "scheme": "ed25519"})


@key.command(epilog="Example: consent-ledger key add c0001 c0001-phone.key")
@click.argument("party", metavar="PARTY")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--key-file", type=click.Path(path_type=Path), help="A key they have [default: the address book's].")
@click.option("--use", is_flag=True, help="From now on sign with the new key here.")
@writing_options
@ledger_options
@pass_session
def add(
    session: Session, party: str, file: Path, key_file: Path | None, use: bool, dry_run: bool, as_json: bool
) -> None:
    """Record a further key of a party. The old and the new key both sign."""
    from consent_ledger.issuing import key_material
    from consent_ledger.licenses.statements import Key, encode_statement
    from consent_ledger.signing.envelope import sign_envelope

    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, party, key_file)
        added = session.read_key(file)
        fields: dict[str, Any] = {"action": "added", "key": key_material(added.public_key)}
        statement = issuer.draft(Key, ledger.clock(), party=issuer.party, **fields)
        envelope = sign_envelope(encode_statement(statement), issuer.key, added)
        recorded = record(ledger, envelope, f"`{party}` has a further key", as_json=as_json)
    if use and recorded is not None:
        contact = session.book.find(party)
        session.book.add([type(contact)(contact.name, contact.party, contact.kind, str(file.absolute()))])
        note(f"`{party}` signs with `{file}` from now on")


@key.command(epilog="Example: consent-ledger key retire c0001 sha256:9f86d0...")
@click.argument("party", metavar="PARTY")
@click.argument("keyid", metavar="KEYID")
@click.option("--by", metavar="PARTY", help="Who says so, `ledger` where the party cannot [default: the party].")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key to sign with [default: the address book's].")
@writing_options
@ledger_options
@pass_session
def retire(
    session: Session, party: str, keyid: str, by: str | None, key_file: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Record that a key is no longer used; what it signed before stays valid."""
    _stop(session, party, keyid, by, key_file, {"action": "retired"}, dry_run, as_json)


@key.command(epilog="Example: consent-ledger key compromised c0001 sha256:9f86d0... --since 2026-06-01T12:00:00Z")
@click.argument("party", metavar="PARTY")
@click.argument("keyid", metavar="KEYID")
@click.option("--since", type=INSTANT, required=True, metavar="TIME", help="What it signed from then on is not valid.")
@click.option("--by", metavar="PARTY", help="Who says so, `ledger` where the party cannot [default: the party].")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key to sign with [default: the address book's].")
@writing_options
@ledger_options
@pass_session
def compromised(
    session: Session, party: str, keyid: str, since: int, by: str | None, key_file: Path | None, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Record that others may have had a key since a time."""
    fields = {"action": "compromised", **instant_fields(since=since)}
    _stop(session, party, keyid, by, key_file, fields, dry_run, as_json)


def _stop(
    session: Session, party: str, keyid: str, by: str | None, key_file: Path | None, fields: dict[str, Any],
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    from consent_ledger.licenses.statements import Key

    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by or party, key_file)
        said = {"party": session.party_of(party), "keyid": keyid, **fields}
        envelope = issuer.say(Key, ledger.clock(), **said)
        record(ledger, envelope, f"a key of `{party}` is {fields['action']}", as_json=as_json)

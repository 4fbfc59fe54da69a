"""`consent-ledger witness`: cosign the checkpoints of other logs, so that they cannot show two histories."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from consent_ledger.cli.output import note, printable
from consent_ledger.cli.session import Session, home_options, pass_session

if TYPE_CHECKING:
    from consent_ledger.signing.note import NoteVerifier

KEY = "witness.key"
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def witness() -> None:
    """Run a witness for other logs (c2sp.org/tlog-witness). It needs no ledger of its own."""


@witness.command(
    "new-key", epilog="Example: consent-ledger witness new-key --dir witness --name witness.example.org/w1"
)
@click.option("--dir", "folder", type=FOLDER, required=True, help="The witness's folder, made if it is not there.")
@click.option("--name", required=True, help="The witness's name, best a domain you own and a path.")
@home_options
@pass_session
def new_key(session: Session, folder: Path, name: str) -> None:
    """Make the key of a new witness, and write its verifier key, which logs want."""
    from consent_ledger.keyfile import new_seed, write_key_file
    from consent_ledger.signing.note import COSIGNATURE, check_key_name, vkey_text

    check_key_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(vkey_text(name, write_key_file(folder / KEY, new_seed(), session.given_passphrase()), COSIGNATURE))


@witness.command(epilog="Example: consent-ledger witness vkey --dir witness --name witness.example.org/w1")
@click.option("--dir", "folder", type=FOLDER, required=True, help="The witness's folder.")
@click.option("--name", required=True, help="The witness's name.")
@home_options
@pass_session
def vkey(session: Session, folder: Path, name: str) -> None:
    """Write the verifier key of a witness."""
    from consent_ledger.signing.note import COSIGNATURE, vkey_text

    click.echo(vkey_text(name, session.read_key(folder / KEY).public_key, COSIGNATURE))


@witness.command(
    epilog="Example: consent-ledger witness serve --dir witness --name witness.example.org/w1 "
    "--log ledger.example.org/log+1b2f6c3a+AQ..."
)
@click.option("--dir", "folder", type=FOLDER, required=True, help="The witness's folder: its key and its memory.")
@click.option("--name", required=True, help="The witness's name.")
@click.option(
    "--log", "logs", multiple=True, metavar="VKEY", help="The verifier key of a log whose name is its origin."
)
@click.option(
    "--log-of", "others", multiple=True, nargs=2, metavar="ORIGIN VKEY",
    help="The verifier key of a log whose origin is another than the key's name.",
)  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8200, show_default=True, help="The port, 0 for any.")
@home_options
@pass_session
def serve(
    session: Session, folder: Path, name: str, logs: tuple[str, ...], others: tuple[tuple[str, str], ...], host: str,
    port: int,
) -> None:  # fmt: skip
    """Cosign what the named logs submit, as long as each only ever grows, until told to stop.

    The folder remembers what was cosigned: never put it back from a backup. A log that changes its key is named twice.
    """
    import time

    from consent_ledger.witness import Memory
    from consent_ledger.witness.server import listen, run

    known = _known([*((None, text) for text in logs), *others])
    key = session.read_key(folder / KEY)
    with Memory(folder, name, key, known, clock=lambda: int(time.time())) as memory:
        listening = listen(host, port)
        at, number = listening.getsockname()[:2]
        place = f"[{at}]" if ":" in at else at
        click.echo(f"witnessing {len(known)} logs as {name} at http://{place}:{number}")
        run(memory, listening, note)


def _known(named: list[tuple[str | None, str]]) -> "dict[str, list[NoteVerifier]]":
    from consent_ledger.errors import LedgerError
    from consent_ledger.signing.note import ED25519, NoteVerifier

    known: dict[str, list[NoteVerifier]] = {}
    for origin, text in named:
        try:
            verifier = NoteVerifier.from_vkey(text)
        except LedgerError as e:
            raise click.UsageError(f"{e}, want the verifier key of a log") from e
        if verifier.kind != ED25519:
            raise click.UsageError(f"`{printable(verifier.name)}` is the key of a witness, want that of a log")
        known.setdefault(verifier.name if origin is None else origin, []).append(verifier)
    if not known:
        raise click.UsageError("no log is named, want --log")
    return known

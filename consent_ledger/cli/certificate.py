"""`consent-ledger certificate`: one answer with all that it rests on, in one file that verifies alone."""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, use_options, use_request
from consent_ledger.cli.output import note, printable, shown, write_json
from consent_ledger.cli.session import Session, home_options, pass_session


@click.group()
def certificate() -> None:
    """Take an answer away with all that it rests on, and verify one."""


@certificate.command(epilog="Example: consent-ledger certificate make film.mp4 --for open-dataset -o answer.json")
@click.argument("asset", metavar="FILE|HASH")
@use_options
@click.option("--as-of", type=INSTANT, metavar="TIME", help="As of when it is asked [default: now].")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new file.")
@home_options
@pass_session
def make(
    session: Session, /, asset: str, purpose: str | None, purposes: Path | None, as_of: int | None, output: Path,
    **facets: Any,
) -> None:  # fmt: skip
    """Ask whether a file may be put to a use, and write the answer, signed by the ledger, with its evidence."""
    import msgspec

    from consent_ledger.answers import answer_of, use_of
    from consent_ledger.clearance import clear
    from consent_ledger.evidence.certificates import Signer, certify
    from consent_ledger.ledger import system_clock
    from consent_ledger.publishing.cosigned import read_quorum

    hash_ = _hash(asset)
    request = use_request(facets, purpose, purposes, session.party_of)
    with session.reading() as store:
        point = clear(store, [hash_], use_of(request), clock=system_clock, as_of=as_of, published=session.published)
        answer = answer_of(hash_, request, point.decisions[0], point)
        key = session.read_key(session.settings.operator_key)
        policy = read_quorum(session.settings.policy_file, closed=False).policy
        raw = certify(store, msgspec.json.encode(answer), Signer(key, policy))
    try:
        with output.open("xb") as file:
            file.write(raw)
    except FileExistsError as e:
        raise click.ClickException(f"`{shown(output)}` exists and is not overwritten") from e
    note(f"the answer is `{answer.verdict}`; wrote it to `{shown(output)}`")
    vkey = shown(session.settings.verifier_key)
    note(f"verify it with `consent-ledger certificate verify {shown(output)} --vkey {vkey}`")


def _hash(asset: str) -> str:
    from consent_ledger.media import Hashed, hash_files, parse_hash

    hash_ = parse_hash(asset)
    if hash_ is not None:
        return hash_
    (item,) = hash_files([Path(asset)])
    if not isinstance(item, Hashed):
        raise click.ClickException(f"`{shown(asset)}`: {item.why}")
    return item.asset


@certificate.command(epilog="Example: consent-ledger certificate verify answer.json --vkey log.vkey")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--vkey", metavar="KEY|FILE", help="The log's verifier key, known from elsewhere.")
@click.option(
    "--policy", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Whose cosignatures the checkpoint must have (c2sp.org/tlog-policy).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def verify(file: Path, vkey: str | None, policy: Path | None, as_json: bool) -> None:
    """Verify a certificate with nothing but this file: no ledger, no network. Exit code 5 if it proves nothing."""
    from consent_ledger.cli.anchors import read_key, read_policy
    from consent_ledger.cli.options import use_in_words
    from consent_ledger.verification.certificate_file import MAX_CERTIFICATE
    from consent_ledger.verification.certificates import verify_certificate

    with file.open("rb") as stream:
        proved = verify_certificate(stream.read(MAX_CERTIFICATE + 1), read_key(vkey), read_policy(policy))
    answer = proved.answer
    if as_json:
        write_json({"verified": True, **proved._asdict(), "checkpoint": proved.checkpoint.size})
        return
    click.echo(f"verdict {answer.verdict} on {answer.asset}")
    click.echo(printable(f"asked for {use_in_words(answer.query)}"))
    click.echo(printable(f"given by {proved.checkpoint.origin} as of {answer.as_of}, at size {answer.size}"))
    click.echo(f"checked {proved.entries} entries, {proved.signatures} signatures"
               + (", and the decision, made anew" if proved.replayed else ""))  # fmt: skip
    for sentence in proved.not_checked:
        click.echo(printable(f"not checked: {sentence}"))
    click.echo("verified: the ledger gave this answer, and it rests on these entries")

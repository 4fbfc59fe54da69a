"""`consent-ledger submission`: what the organisation that asked for files says of them: accepted, rejected, paid."""

from collections.abc import Callable
from typing import Any

import click

from consent_ledger.cli.recording import in_parts, record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def submission() -> None:
    """Say that files are accepted, rejected or paid for, where that is a condition of what people granted."""


def _options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the files and who says it."""
    command = writing_options(ledger_options(pass_session(command)))
    command = click.option(
        "--grant", "grants", multiple=True, metavar="ID",
        help="Only for this grant [default: for all to this organisation].",
    )(command)  # fmt: skip
    command = click.option("--by", required=True, metavar="ORG", help="The organisation that asked for them.")(command)
    return click.argument("names", metavar="FILE|FOLDER|HASH|-...", nargs=-1, required=True)(command)


@submission.command(epilog="Example: consent-ledger submission accept photos/ --by market")
@_options
def accept(session: Session, names: tuple[str, ...], by: str, **given: Any) -> int:
    """Record that files are accepted."""
    return _say(session, names, by, {"condition": "accepted", "status": "met"}, "accepted", **given)


@submission.command(epilog="Example: consent-ledger submission reject photo.jpg --by market --reason hand_visible")
@click.option("--reason", required=True, metavar="CODE", help="Why, in a word: hand_visible, blurred, too_dark.")
@_options
def reject(session: Session, names: tuple[str, ...], by: str, reason: str, **given: Any) -> int:
    """Record that files are rejected, and why. They may be accepted later all the same."""
    said = {"condition": "accepted", "status": "unmet", "reason": reason}
    return _say(session, names, by, said, f"rejected ({reason})", **given)


@submission.command(epilog="Example: consent-ledger submission paid photo.jpg --by market --reference INV-2026-17")
@click.option("--reference", metavar="TEXT", help="Of the payment: letters, digits and `. _ : -`, no names.")
@_options
def paid(session: Session, names: tuple[str, ...], by: str, reference: str | None, **given: Any) -> int:
    """Record that files are paid for."""
    said = {"condition": "paid", "status": "met", **({} if reference is None else {"payment_reference": reference})}
    return _say(session, names, by, said, "paid for", **given)


@submission.command(epilog="Example: consent-ledger submission condition clip.mp4 --by lab --named transform:face_blur "
                    "--status met")  # fmt: skip
@click.option("--named", "condition", required=True, metavar="CODE", help="accepted, paid or transform:...")
@click.option("--status", required=True, type=click.Choice(["met", "unmet", "unknown"]), help="How it stands.")
@click.option("--reason", metavar="CODE", help="Why, in a word.")
@_options
def condition(
    session: Session, names: tuple[str, ...], by: str, condition: str, status: str, reason: str | None, **given: Any
) -> int:
    """Record how any condition stands for files; what was recorded last holds."""
    said = {"condition": condition, "status": status, **({} if reason is None else {"reason": reason})}
    return _say(session, names, by, said, f"`{condition}` {status}", **given)


def _say(
    session: Session, names: tuple[str, ...], by: str, said: dict[str, Any], words: str, *, grants: tuple[str, ...],
    dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Record it of the files that can be read, and return the exit code."""
    from consent_ledger.cli.check import hashed_assets
    from consent_ledger.cli.output import note, shown
    from consent_ledger.licenses.statements import Fulfilment

    asked, unusable = hashed_assets(names)
    only = {"grants": list(grants)} if grants else {}
    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        for assets in in_parts(list(dict.fromkeys(one.asset for one in asked))):
            envelope = issuer.say(Fulfilment, ledger.clock(), assets=assets, **said, **only)
            count = "1 file" if len(assets) == 1 else f"{len(assets)} files"
            record(ledger, envelope, f"{count}: {words}", as_json=as_json)
    for item in unusable:
        note(f"not recorded: {shown(item.path)}: {item.why}")
    return 1 if unusable or not asked else 0

"""`consent-ledger verify`: everything recomputed, trusting nobody."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.anchors import read_authorities, read_key, read_policy, read_small
from consent_ledger.cli.output import note, printable, shown, write_json
from consent_ledger.errors import LedgerError
from consent_ledger.signing.instants import SECOND, format_instant
from consent_ledger.verification.layout import Sample
from consent_ledger.verification.report import Report

_MOST = 50
_SKEW = 600 * SECOND
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class AgeType(click.ParamType[int]):
    """A length of time, in microseconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the microseconds; fail with what was wanted."""
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
        if match is None:
            self.fail(f"`{value}` is no length of time, want for example 7d, 12h, 30m or 90s", param, ctx)
        return int(match[1]) * _UNITS[match[2]] * SECOND


AGE = AgeType()


@click.command(epilog="Example: consent-ledger verify bundle/ --vkey KEY --checkpoint last-month.txt")
@click.argument("place", metavar="[FOLDER|FILE.tar]", type=click.Path(path_type=Path), required=False)
@click.option("--vkey", metavar="KEY|FILE", help="The log's verifier key, known from elsewhere than the bundle.")
@click.option(
    "--checkpoint", "checkpoints", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that you saved earlier: shows that nothing was taken back.",
)  # fmt: skip
@click.option(
    "--save-checkpoint", "save", type=click.Path(path_type=Path, dir_okay=False),
    help="Save the checkpoint here for next time, once everything has passed.",
)  # fmt: skip
@click.option(
    "--policy", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Whose cosignatures the checkpoint must have (c2sp.org/tlog-policy).",
)  # fmt: skip
@click.option(
    "--timestamp-root", "root", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificates, in PEM, of authorities whose time-stamps (RFC 3161) of the checkpoint count.",
)  # fmt: skip
@click.option("--require-anchor", is_flag=True, help="Want an older checkpoint, or a policy with a quorum.")
@click.option("--max-age", type=AGE, metavar="7d|12h", help="Want an entry or a cosignature no older than this.")
@click.option("--ledger", metavar="HOME|URL", help="Verify a live database instead, its index too.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes [default: one for each core].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def verify(
    place: Path | None, vkey: str | None, checkpoints: tuple[Path, ...], save: Path | None, policy: Path | None,
    root: Path | None, require_anchor: bool, max_age: int | None, ledger: str | None, jobs: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Verify a bundle with nothing but its files: no ledger, no network, no trust in whoever wrote it.

    Recomputes the tree, the chain, every opening and signature, the rules of registration, templates and decisions;
    names the first bad entry and every finding, and lists what was not checked. Exit code 0: everything passed; 5: not;
    6: it passed, and has not the anchor or the age that was asked for.
    """
    from consent_ledger.cli import NOT_VERIFIED, STALE
    from consent_ledger.cli.progress import counting

    if (place is None) == (ledger is None):
        raise click.UsageError("want a bundle, or --ledger")
    if ledger is not None and (policy is not None or root is not None):
        raise click.UsageError("--policy and --timestamp-root go with a bundle: it has cosignatures and time-stamps")
    given: dict[str, Any] = {
        "vkey": read_key(vkey),
        "checkpoints": [read_small(path) for path in checkpoints],
        "jobs": jobs,
    }
    with counting("verifying entries") as progress:
        if ledger is not None:
            report = _verify_ledger(ledger, progress=progress, **given)
        else:
            from consent_ledger.verification import verify_bundle

            assert place is not None
            _refuse_certificate(place)
            report = verify_bundle(
                place, policy=read_policy(policy), roots=read_authorities(root), progress=progress, **given
            )
    loose = _loose(report, require_anchor, max_age)
    write_json(_described(report, loose)) if as_json else _show(report, loose)
    if not report.verified:
        return NOT_VERIFIED
    if loose:
        return STALE
    if save is not None:
        _save(save, report.checkpoint_note)
        note(f"saved the checkpoint of {report.counts.entries} entries to `{shown(save)}`")
    return 0


def _refuse_certificate(place: Path) -> None:
    if place.is_file():
        with place.open("rb") as file:
            if file.read(1) == b"{":
                raise click.UsageError(f"`{shown(place)}` is no bundle, want `consent-ledger certificate verify`")


def _loose(report: Report, require_anchor: bool, max_age: int | None) -> list[str]:
    """Return in which ways what was verified is not tied down as was asked for."""
    loose = []
    if require_anchor and not report.anchored:
        loose.append("not anchored: want --checkpoint with an older one, or --policy with a quorum")
    age = time.time_ns() // 1000 - report.seen_at
    seen = format_instant(report.seen_at) if report.seen_at else "never"
    if max_age is not None and age > max_age:
        loose.append(f"stale: the last that was seen of this log is of {seen}")
    if max_age is not None and age < -_SKEW:
        loose.append(f"not to be believed: the last that was seen of this log is of {seen}, which is still to come")
    return loose


def _verify_ledger(place: str, **given: Any) -> Report:
    from consent_ledger.ledger import system_clock
    from consent_ledger.settings import read_settings
    from consent_ledger.store.engine import open_store
    from consent_ledger.verification.live import verify_store

    url = place if "://" in place else read_settings(Path(place), os.environ).database
    began = system_clock()
    with open_store(url, read_only=True) as store:
        report = verify_store(store, **given)
    # What fails because of what was brought along may be the wrong key or another log's checkpoint.
    if report.verified or not (given["vkey"] or given["checkpoints"]):
        _keep(url, report, began)
    return report


def _keep(url: str, report: Report, began: int) -> None:
    """Let the ledger's own people see what was found; who may only read it goes without."""
    from consent_ledger.ledger import system_clock
    from consent_ledger.store.engine import open_store
    from consent_ledger.verification.runs import record_report

    try:
        with open_store(url) as store:
            record_report(store, report, began, system_clock())
    except LedgerError as e:
        note(f"what was found is not kept in the ledger: {e}")


def _save(path: Path, checkpoint: bytes) -> None:
    """Write the file whole or not at all: it is what the next verification rests on."""
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(checkpoint)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as e:
        raise LedgerError(f"`{shown(path)}` cannot be written: {(e.strerror or '').lower()}") from e


def _described(report: Report, loose: list[str]) -> dict[str, Any]:
    head = report.checkpoint
    return {
        "verified": report.verified,
        "anchored": report.anchored,
        "cosigned": report.cosigned,
        "seen_at": format_instant(report.seen_at),
        "stamped_at": None if report.stamped_at is None else format_instant(report.stamped_at),
        "loose": loose,
        "ledger": None if head is None else head.origin,
        "size": None if head is None else head.size,
        "root": None if head is None else head.root.hex(),
        "counts": report.counts._asdict(),
        "sample": report.sample,
        "verdicts": report.verdicts,
        "first_bad": report.first_bad,
        "findings": report.findings,
        "not_checked": report.not_checked,
    }


def _sampled(sample: Sample, verdicts: Mapping[str, int]) -> str:
    """Say what was decided: the sender chose it, and the auditor has to see that it is what was asked for."""
    from consent_ledger.cli.options import use_in_words

    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return (
        f"decided anew: {told}; drawn by the seed `{sample.seed}`, asked for {use_in_words(sample.query)}, "
        f"as of {format_instant(sample.as_of)}, at {sample.size} entries"
    )


def _show(report: Report, loose: list[str]) -> None:
    head, counts = report.checkpoint, report.counts
    if head is not None:
        click.echo(f"ledger {head.origin}, {head.size} entries, root {head.root.hex()}")
    checked = ", ".join(f"{count} {name}" for name, count in counts._asdict().items() if count)
    click.echo(f"checked {checked or 'nothing'}")
    if report.sample is not None:
        click.echo(printable(_sampled(report.sample, report.verdicts)))
    if report.stamped_at is not None:
        click.echo(f"signed by {format_instant(report.stamped_at)}, says a time-stamp")
    for sentence in report.not_checked:
        click.echo(printable(f"not checked: {sentence}"))
    for finding in report.findings[:_MOST]:
        where = "log" if finding.entry is None else f"entry {finding.entry}"
        click.echo(printable(f"{where}: {finding.code}: {finding.detail}"))
    if len(report.findings) > _MOST:
        note(f"{len(report.findings) - _MOST} more findings are not shown here; --json shows all")
    for sentence in loose:
        click.echo(sentence)
    if report.verified:
        click.echo("verified: everything that was checked is as it was recorded")
        return
    first = f"the first bad entry is {report.first_bad}"
    if not report.is_named:
        first = f"the first bad entry may be any from entry {report.first_bad} on"
    click.echo(f"NOT VERIFIED: {len(report.findings)} findings, {first}")

"""Verifications of a live ledger that are remembered, so that its operators and auditors see when it last verified.

What is kept is a summary, beside the log and not in it: whoever doubts it verifies again.
"""

from collections.abc import Callable

import msgspec

from consent_ledger.store.engine import Store
from consent_ledger.store.verification_runs import RunRow, add_run, read_run, read_runs
from consent_ledger.verification.live import verify_store
from consent_ledger.verification.report import Report

MOST_FINDINGS = 1_000
_NEWEST = 2**62


class RunFinding(msgspec.Struct, frozen=True):
    """Something that is not as it should be; `entry` is None where no one entry can be named."""

    entry: int | None
    code: str
    detail: str


class Run(msgspec.Struct, frozen=True):
    """One verification: when it began (microseconds), what it looked at, and what it found.

    `findings` are the first ones of `found`; `counts` says how many there were of what was checked.
    """

    at: int
    milliseconds: int
    origin: str | None
    size: int
    root: str | None
    first_bad: int | None
    found: int
    counts: dict[str, int]
    findings: tuple[RunFinding, ...]
    not_checked: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0


class KeptRun(msgspec.Struct, frozen=True):
    """A verification with the number that it is kept under."""

    id: int
    run: Run


def verify_and_record(store: Store, clock: Callable[[], int], *, jobs: int | None = None) -> Report:
    """Verify the ledger in `store`, keep what was found, and return it. It takes every entry's time to verify."""
    began = clock()
    report = verify_store(store, jobs=jobs)
    record_report(store, report, began, clock())
    return report


def record_report(store: Store, report: Report, began: int, ended: int) -> None:
    """Keep what a verification found that lasted from `began` to `ended` (microseconds)."""
    run = _run_of(report, began, ended)
    with store.write() as tx:
        add_run(tx, run.at, run.size, msgspec.json.encode(run))


def _run_of(report: Report, began: int, ended: int) -> Run:
    head = report.checkpoint
    return Run(
        at=began,
        milliseconds=max(0, ended - began) // 1000,
        origin=None if head is None else head.origin,
        size=report.counts.entries if head is None else head.size,
        root=None if head is None else head.root.hex(),
        first_bad=report.first_bad,
        found=len(report.findings),
        counts=report.counts._asdict(),
        findings=tuple(RunFinding(f.entry, f.code, f.detail) for f in report.findings[:MOST_FINDINGS]),
        not_checked=report.not_checked,
    )


def last_run(store: Store) -> Run | None:
    """Return the latest verification; None where there was none."""
    runs = list_runs(store, 1)
    return runs[0].run if runs else None


def list_runs(store: Store, limit: int, before: int = _NEWEST) -> list[KeptRun]:
    """Return verifications, newest first, those that are kept under smaller numbers than `before`."""
    with store.read() as tx:
        return [_kept(row) for row in read_runs(tx, before, limit)]


def find_run(store: Store, id_: int) -> KeptRun | None:
    """Return the verification that is kept under a number."""
    with store.read() as tx:
        row = read_run(tx, id_)
    return None if row is None else _kept(row)


def _kept(row: RunRow) -> KeptRun:
    return KeptRun(row.id, msgspec.json.decode(row.report, type=Run))

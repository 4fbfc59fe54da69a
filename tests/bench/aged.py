"""A ledger that has lived, at any size: is its bundle found whole by both verifiers, and how long does it take them?"""

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

from consent_ledger.evidence.bundle import SampleRequest, write_bundle
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.store.engine import open_store
from consent_ledger.verification import verify_bundle
from tests.bench.yardsticks import seconds
from tests.evidence.second import FILE
from tests.ledgers.aged import build

USE = UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="open", territories=["WORLD"],
    licence="CC-BY-4.0",
)  # fmt: skip


def aged(directory: Path, entries: int) -> None:
    """Build it, bundle it as a tar, and verify that: withdrawn, erased, re-templated, and the log key rotated twice."""
    with open_store(f"sqlite:///{directory}/ledger.db", create=True) as store:
        ledger, _, erased, older = build(store, directory, entries * 10 // 36)
        sample = SampleRequest("seed", 50, USE, ledger.clock())
        written = write_bundle(store, directory / "bundle.tar", sample=sample, templates=[directory])
    print(f"aged: {written.size:,} entries, {len(erased):,} people erased, {written.size - written.shown:,} not open")
    (directory / "older").write_bytes(older)
    report = verify_bundle(directory / "bundle.tar", vkey=ledger.vkey, checkpoints=[older])
    taken = seconds(lambda: verify_bundle(directory / "bundle.tar", vkey=ledger.vkey, checkpoints=[older]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  verify: {report.findings}, {report.counts}, {taken:.2f} s, peak with all else {peak:.0f} MiB")
    command = [sys.executable, "-I", str(FILE), str(directory / "bundle.tar"), "--vkey", ledger.vkey]
    said: list[str] = []
    run = partial(subprocess.run, [*command, "--checkpoint", str(directory / "older")], capture_output=True, text=True)
    taken = seconds(lambda: said.extend(run(check=False).stdout.splitlines()))
    print(f"  the one-file verifier: {said[0]}; {said[-1]}; {taken:.2f} s")

"""`consent-ledger conformance`: clearance cases, each on a real ledger."""

import tempfile
from itertools import count
from pathlib import Path

import click

NOT_PASSED = 5


@click.command(epilog="Example: consent-ledger conformance my-cases.json")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--verbose", "-v", is_flag=True, help="List the cases that pass too.")
def conformance(file: Path | None, verbose: bool) -> int:
    """Run the clearance cases in FILE, or those that come with this program.

    Each is played on a ledger of its own, with real signatures and its own clock, and asked in the ordinary way. Exit
    code 0 when all pass, 5 when any fails.
    """
    from consent_ledger.conformance import read_cases, run_cases
    from consent_ledger.resources import case_files
    from consent_ledger.store.engine import open_store

    files = case_files() if file is None else (file,)
    cases = [case for one in files for case in read_cases(one.read_bytes())]
    passed, failed = 0, []
    with tempfile.TemporaryDirectory(prefix="consent-ledger-cases-") as folder:
        numbers = count()
        for outcome in run_cases(cases, lambda: open_store(f"sqlite:///{folder}/{next(numbers)}.db", create=True)):
            if outcome.passed:
                passed += 1
                if verbose:
                    click.echo(f"pass {outcome.id}")
            else:
                failed.append(outcome)
                click.echo(f"FAIL {outcome.id}: expected {outcome.expected}, got {outcome.got}")
    click.echo(f"{passed} passed, {len(failed)} failed")
    return NOT_PASSED if failed else 0

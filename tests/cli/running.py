"""What came of running the command line, and how to run it as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent


class Ran(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def run_process(*arguments: str, stdin: bytes = b"", **variables: str) -> Ran:
    """Run the command line as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "consent_ledger", *arguments],
        input=stdin, capture_output=True, cwd=ROOT, env={**os.environ, **variables}, timeout=60, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

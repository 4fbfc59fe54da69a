"""A real server in a process of its own, for a ledger that is made first."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MAIN = """
import sys
from consent_ledger.api.server import run
from consent_ledger.ledger import Ledger
from consent_ledger.store.engine import open_store
from tests.world import LOG_KEY
with open_store(sys.argv[1]) as store:
    announce = lambda place: print(place, flush=True)
    run(Ledger.open(store, LOG_KEY), "127.0.0.1", 0, sys.stderr.buffer, grace_seconds=1, announce=announce)
"""


@contextmanager
def serving(url: str, log: Path) -> Iterator[str]:
    """Serve the ledger at a database's address, and give the address of the server."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, url], stdout=subprocess.PIPE, stderr=file, cwd=ROOT
        )  # fmt: skip
    try:
        assert process.stdout is not None
        place = process.stdout.readline().decode().strip()
        assert place.startswith("http://"), log.read_text(encoding="utf-8")
        yield place
    finally:
        process.terminate()
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()

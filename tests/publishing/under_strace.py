"""Publishes a growing log again and again, while strace lets system calls fail; writes what came of each attempt."""

import sys
import tempfile
from pathlib import Path

from consent_ledger.errors import UnavailableError
from consent_ledger.publishing import publish
from consent_ledger.publishing.directory import Directory
from consent_ledger.store.log import read_checkpoint
from tests.publishing.published import VERIFIER, Growing, folder, read_published
from tests.stores import EmptyStores


def main(site: Path, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as place, EmptyStores(Path(place))() as store:
        log = Growing(store)
        for size in range(250, 250 + rounds):
            log.grow(size)
            for _ in range(20):
                try:
                    publish(store, Directory(site), read_checkpoint, [VERIFIER])
                except UnavailableError:
                    print("failed", size, read_published(folder(site)))
                else:
                    print("published", size, read_published(folder(site)))
                    break


main(Path(sys.argv[1]), int(sys.argv[2]))

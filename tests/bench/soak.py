"""Kill -9 of one process amid hundreds of signers, again and again: the test of that name, as hard as it must stand."""

from contextlib import ExitStack
from pathlib import Path

from tests.bench.http import postgresql
from tests.bench.yardsticks import seconds
from tests.processes.signers import Server, everything_holds, furnish, signed_through


def soak(directory: Path, signers: int, times: int) -> None:
    """The only process on SQLite, then one of two on PostgreSQL."""
    survive(directory / "alone", f"sqlite:///{directory}/ledger.db", 1, signers, times)
    with postgresql(directory) as url:
        survive(directory / "two", url, 2, signers, times)


def survive(home: Path, url: str, processes: int, signers: int, times: int) -> None:
    place = furnish(home, url, signers)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(home)) for _ in range(processes)]
        told = []
        taken = seconds(lambda: told.append(signed_through(place, servers, ["kill"] * times, signers)))
        if [server.end("term") for server in servers] != [0] * processes:
            raise SystemExit("a process did not stop in order")
    recorded = everything_holds(place, told[0], 2 * signers * times)
    print(f"{processes} process(es), {signers} signers, {times} kills: {recorded} statements in {taken:.0f} s,")
    print(f"  {told[0].told} answers, two to each statement and equal; numbers contiguous, everything verifies")

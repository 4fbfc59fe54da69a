"""`python -m tests.bench [register] [clear] [mixed] [verify] [aged] [http] [soak]`: the aims of the design, as ratios
of one run; and the service killed again and again amid five hundred signers."""

import argparse
import os
import resource
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from consent_ledger.clearance import Engine
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.store.engine import open_store
from consent_ledger.verification import verify_bundle
from tests.bench import http, soak
from tests.bench.aged import aged
from tests.bench.yardsticks import cedar_rate, indexed_lookups, raw_verify_rate, seconds, sqlite_commit_rate
from tests.ledgers.twine import OPEN, START, Twine, key_for


def build(directory: Path, twine: Twine, envelopes: list[bytes]) -> tuple[Ledger, float]:
    """Return a ledger of the fixture, and the seconds that `register_all` took."""
    store = open_store(f"sqlite:///{directory}/{twine.contributors}x{twine.videos}.db", create=True)
    ledger = Ledger.create(store, twine.genesis(), key_for("operator"), key_for("log"))
    outcomes = []
    taken = seconds(lambda: outcomes.extend(ledger.register_all(envelopes)))
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
    if refused:
        raise SystemExit(f"the fixture was refused: {refused[0]}")
    return ledger, taken


def register(directory: Path) -> None:
    """Registration, signature checks included, against raw verification and bare commits."""
    twine = Twine()
    envelopes = list(twine.envelopes())
    raw = raw_verify_rate()
    _, taken = build(directory, twine, envelopes)
    raw = (raw + raw_verify_rate()) / 2
    rate = len(envelopes) / taken
    bare = sqlite_commit_rate(directory)
    print(f"register_all: {len(envelopes)} statements in {taken:.2f} s, {rate:,.0f} a second")
    print(f"  raw Ed25519 verification, one core: {raw:,.0f} a second; ratio {rate / raw:.2f} (aim 0.50)")
    print(f"  bare SQLite, 1,000 rows a commit: {bare:,.0f} rows a second; ratio {rate / bare:.2f}")


def clear(directory: Path, large: int) -> None:
    """Clearance of 24,000 and of many assets, cold and warm, against a bare indexed lookup of the same rows."""
    for twine in (Twine(), Twine(large // 200, 200)):
        ledger, taken = build(directory, twine, list(twine.envelopes()))
        size = twine.contributors * twine.videos
        print(f"clear {size:,} assets of {twine.contributors:,} people (built in {taken:.0f} s)")
        clear_one(directory, Engine(ledger.store, lambda: START), twine.assets())


def clear_one(directory: Path, engine: Engine, assets: list[str]) -> None:
    verdicts: Counter[str] = Counter()
    cold = seconds(lambda: verdicts.update(d.verdict.name for d in engine.clear(assets, OPEN).decisions))
    reasons = min(seconds(lambda: engine.clear(assets, OPEN)) for _ in range(3))
    told(directory, engine, assets, verdicts, {"cold, with all reasons": cold, "warm, with all reasons": reasons})


def told(directory: Path, engine: Engine, assets: list[str], verdicts: Counter[str], taken: dict[str, float]) -> float:
    """Print what was measured beside the lookups, warm verdicts with it, and return the seconds of those."""
    warm = min(seconds(lambda: engine.verdicts(assets, OPEN)) for _ in range(3))
    bare = indexed_lookups(directory, assets)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {dict(verdicts)}; peak {peak:.0f} MiB; bare indexed lookups {bare:.2f} s")
    for name, spent in {**taken, "warm, verdicts": warm}.items():
        print(f"  {name}: {spent:.2f} s, {bare / spent:.2f} times as fast as the lookups")
    return warm


def mixed(directory: Path, large: int) -> None:
    """Clips, blurred clips and transcodes of those, two people in some, 5 % withdrawn: against the same rows looked up,
    and against the same decisions by Cedar, one by one, with everything parsed beforehand."""
    twine = Twine(large // 24, 8)
    envelopes = [*twine.envelopes(), *twine.derivations(2), *twine.withdrawals(Random(1))]
    ledger, taken = build(directory, twine, envelopes)
    assets = [*twine.assets(), *twine.derived_assets(2)]
    print(f"mixed {len(assets):,} assets of {twine.contributors:,} people (built in {taken:.0f} s)")
    engine = Engine(ledger.store, lambda: START + 10**12)
    verdicts: Counter[str] = Counter()
    cold = seconds(lambda: verdicts.update(v.name for v in engine.verdicts(assets, OPEN)))
    taken = told(directory, engine, assets, verdicts, {"cold, verdicts": cold})
    cedar = cedar_rate()
    times = len(assets) / taken / cedar
    print(f"  cedarpy, one request after the other: {cedar:,.0f} a second; ours {times:.1f} times (aim 20)")


def verify(directory: Path, entries: int) -> None:
    """Full verification of a bundle, on one core and on all, against its signatures and hashes alone."""
    twine = Twine(entries // 3, 8)
    ledger, _ = build(directory, twine, list(twine.envelopes()))
    write_bundle(ledger.store, directory / "bundle")
    raw = raw_verify_rate()
    for jobs in dict.fromkeys((1, os.cpu_count() or 1)):
        taken = seconds(lambda jobs=jobs: verify_bundle(directory / "bundle", vkey=ledger.vkey, jobs=jobs))
        rate = entries / taken
        share = rate / raw
        print(f"verify {entries:,} entries, {jobs} job(s): {taken:.2f} s, {rate:,.0f} a second, {share:.2f} of raw")
    print(f"  raw Ed25519 verification, one core: {(raw + raw_verify_rate()) / 2:,.0f} a second")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=["register", "clear", "mixed", "verify"])
    parser.add_argument("--large", type=int, default=1_000_000, help="assets in the large clearance")
    parser.add_argument("--entries", type=int, default=100_000, help="entries in the verification")
    parser.add_argument("--seconds", type=int, default=3, help="for each load over HTTP")
    parser.add_argument("--signers", type=int, default=500, help="people who sign amid kills")
    parser.add_argument("--times", type=int, default=10, help="kills")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for what in arguments.what:
            directory = Path(name) / what
            directory.mkdir()
            match what:
                case "register":
                    register(directory)
                case "clear":
                    clear(directory, arguments.large)
                case "mixed":
                    mixed(directory, arguments.large)
                case "verify":
                    verify(directory, arguments.entries)
                case "aged":
                    aged(directory, arguments.entries)
                case "http":
                    http.measure(directory, arguments.seconds)
                case "soak":
                    soak.soak(directory, arguments.signers, arguments.times)
                case _:
                    parser.error(f"unknown measurement `{what}`, see the first line of --help")


if __name__ == "__main__":
    main()

"""The one-file verifier finds what the first one finds, and shares no code with it."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests import test_tampering as tampering
from tests.test_tampering import VKEY, Evidence, cheat, evidence, forged

__all__ = ["evidence", "forged"]

FILE = Path(__file__).parent.parent / "deploy" / "verify_bundle.py"
BEYOND = {tampering.a_decision_is_changed, tampering.a_decision_is_removed}
"""What the one file says that it does not check."""


@pytest.fixture(scope="module")
def second() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_bundle", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_bad(second: ModuleType, e: Evidence) -> tuple[int, int | None]:
    """Return how many things are wrong, and the first entry that something is wrong with."""
    audit = second.Audit(e.bundle, VKEY, [e.older])
    audit.run()
    return len(audit.findings), min((entry for entry, _ in audit.findings if entry is not None), default=None)


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    source = FILE.read_text()
    assert source.count("\n") <= 500
    assert "import consent_ledger" not in source
    assert "from consent_ledger" not in source


def test_the_honest_bundle_verifies(second: ModuleType, evidence: Evidence) -> None:
    audit = second.Audit(evidence.bundle, VKEY, [evidence.older])
    audit.run()
    assert (audit.findings, audit.entries, audit.signatures) == ([], evidence.size, evidence.size)


@pytest.mark.parametrize(
    "deed", [deed for deed in tampering.PASSING_ON if deed not in BEYOND], ids=lambda deed: deed.__name__
)
def test_what_is_done_on_the_way_is_found_and_named(second: ModuleType, forged: Evidence, deed: tampering.Deed) -> None:
    entry = deed(forged)
    count, first = first_bad(second, forged)
    assert count
    if entry is not None:
        assert first in (entry, None)


@pytest.mark.parametrize(
    "say",
    [
        tampering.signed_by_another, tampering.signed_by_a_retired_key, tampering.signed_by_an_unknown_key,
        tampering.recorded_twice, tampering.not_canonical, tampering.another_genesis, tampering.a_bad_signature,
        tampering.a_key_of_low_order, tampering.only_a_time_source,
    ],
    ids=lambda say: say.__name__,
)  # fmt: skip
def test_what_a_cheating_operator_recorded_is_found(
    second: ModuleType, forged: Evidence, say: Callable[[Evidence], bytes]
) -> None:
    place = cheat(forged, say(forged))
    assert first_bad(second, forged)[1] == place

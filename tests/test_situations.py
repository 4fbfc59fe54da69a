"""Verdicts on very many assets equal `decide`, asset by asset."""

import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.clearance import Engine
from consent_ledger.conformance import Stage, read_cases
from consent_ledger.ledger import Ledger
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Query, decide
from consent_ledger.licenses.situations import Situations, Verdicts
from consent_ledger.resources import case_files
from consent_ledger.signing.instants import parse_instant
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head
from tests.ledgers.twine import INTERNAL, OPEN, Twine, key_for
from tests.stores import EmptyStores, new_store

CASES = {case["id"]: case for file in case_files() for case in read_cases(file.read_bytes())}


def for_the_whole_project(case: dict[str, Any]) -> dict[str, Any]:
    """The case with every grant and withdrawal about everything, so that nothing names an asset."""
    case = deepcopy(case)
    for event in case["events"]:
        if event["type"] == "grant":
            event["assets"] = ["*"]
        elif event["type"] == "revoke":
            event.pop("assets", None)
    return case


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("id_", CASES)
def test_a_case_for_the_whole_project_is_judged_as_it_is_decided(id_: str, empty: EmptyStores) -> None:
    case = for_the_whole_project(CASES[id_])
    with empty() as store:
        stage = Stage(store, case["events"])
        for event in case["events"]:
            stage.play(event)
        use = stage.use_of(case["query"])
        with store.read() as tx:
            reader = FactsReader(tx, 0)
            reader.follow(tx, read_head(tx).size)
        facts = reader.facts
    as_of = parse_instant(case["query"]["as_of"])
    assets = [*facts.assets, "sha256:" + "0" * 64]
    quick = Verdicts(Situations(facts), use, as_of, facts.size).of_all(assets)
    assert quick == [decide(Query(asset, use, as_of, facts.size), facts).verdict for asset in assets]


def test_a_dataset_with_derived_clips_and_withdrawals_is_judged_as_it_is_decided(tmp_path: Path) -> None:
    twine, rng = Twine(60, 6), random.Random(7)
    store = new_store(f"sqlite:///{tmp_path}/l.db")
    ledger = Ledger.create(store, twine.genesis(), key_for("operator"), key_for("log"))
    ledger.register_all([*twine.envelopes(), *twine.derivations(2), *twine.withdrawals(rng)])
    engine = Engine(store, ledger.clock)
    assets = [*twine.assets(), *twine.derived_assets(2), "sha256:" + "1" * 64]
    for use in (OPEN, INTERNAL):
        decided = [decision.verdict for decision in engine.clear(assets, use).decisions]
        assert engine.verdicts(assets, use) == decided
        assert len(set(decided)) == 3
    ledger.register(twine.issuer(3).say(st.Revocation, ledger.clock(), party=twine.issuer(3).party, channel="key"))
    assert engine.verdicts(assets, OPEN) == [d.verdict for d in engine.clear(assets, OPEN).decisions]

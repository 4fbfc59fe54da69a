from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.entry import decode_entry, encode_entry
from consent_ledger.audit.replay import Erased, Finding, Opening, Replay, Replayed, Withheld
from consent_ledger.audit.tree import empty_root, leaf_hash
from tests.audit.chain import ORIGIN, START, Log, make_log

SIZE = 12
LOG = make_log(SIZE)
HEAD = LOG.checkpoint()

Shown = Opening | Withheld | Erased | None


def walk(
    entries: list[bytes], openings: Sequence[Shown], head: Checkpoint | None = HEAD, older: Collection[Checkpoint] = ()
) -> tuple[list[Replayed], list[tuple[int | None, str]]]:
    results = list(Replay(head, older).run(zip(entries, openings, strict=True)))
    findings = [result for result in results if isinstance(result, Finding)]
    assert all(finding.detail for finding in findings)
    return [result for result in results if isinstance(result, Replayed)], [(f.entry, f.code) for f in findings]


def findings_of(entries: list[bytes], openings: Sequence[Shown] | None = None) -> list[tuple[int | None, str]]:
    return walk(entries, LOG.openings if openings is None else openings)[1]


def changed(log: Log, index: int, /, **fields: int | bytes) -> list[bytes]:
    entry = decode_entry(log.entries[index])
    values = {
        "index": entry.index,
        "recorded_at": entry.recorded_at,
        "commitment": entry.commitment,
        "previous": entry.previous,
    } | fields
    entries = list(log.entries)
    entries[index] = encode_entry(**values)  # type: ignore[arg-type]
    return entries


@pytest.mark.parametrize("size", [0, 1, 2, SIZE])
def test_a_log_as_it_was_recorded_has_no_findings(size: int) -> None:
    log = make_log(size)
    older = [log.checkpoint(n) for n in range(size + 1)]
    replayed, findings = walk(log.entries, list(log.openings), log.checkpoint(), older)
    assert findings == []
    assert [(r.index, r.leaf, r.envelope, r.recorded_at) for r in replayed] == [
        (n, leaf_hash(entry), opening.envelope, START + n * 1_000_000)
        for n, (entry, opening) in enumerate(zip(log.entries, log.openings, strict=True))
    ]
    assert {r.status for r in replayed} <= {"opened"}


def test_a_walk_knows_its_size_and_root() -> None:
    replay = Replay()
    assert (replay.size, replay.root()) == (0, empty_root())
    for n, _ in enumerate(replay.run(zip(LOG.entries, LOG.openings, strict=True)), 1):
        assert (replay.size, replay.root()) == (n, LOG.checkpoint(n).root)


def test_older_checkpoints_are_compared_in_a_log_longer_than_one_batch() -> None:
    log = make_log(2100)
    older = [log.checkpoint(size) for size in (1, 1023, 1024, 1025, 2048, 2099)]
    assert walk(log.entries, list(log.openings), log.checkpoint(), older)[1] == []
    forged = [Checkpoint(ORIGIN, 1500, bytes(32))]
    assert walk(log.entries, list(log.openings), log.checkpoint(), forged)[1] == [(None, "inconsistent_checkpoint")]


@given(st.integers(0, SIZE - 2), st.integers(0, 255))
def test_a_changed_commitment_is_named(index: int, bit: int) -> None:
    commitment = (int.from_bytes(decode_entry(LOG.entries[index]).commitment, "big") ^ 1 << bit).to_bytes(32, "big")
    findings = findings_of(changed(LOG, index, commitment=commitment))
    assert findings == [(index, "commitment_mismatch"), (index, "link_broken"), (None, "root_mismatch")]


@given(st.integers(0, SIZE - 2))
def test_a_changed_time_is_named(index: int) -> None:
    findings = findings_of(changed(LOG, index, recorded_at=decode_entry(LOG.entries[index]).recorded_at + 500_000_000))
    assert sorted(findings, key=str) == sorted(
        [(index + 1, "time_backwards"), (index, "link_broken"), (None, "root_mismatch")], key=str
    )


@given(st.integers(1, SIZE - 2))
def test_a_changed_link_is_named(index: int) -> None:
    findings = findings_of(changed(LOG, index, previous=bytes(32)))
    assert findings[0] == (index, "link_broken")
    assert (None, "root_mismatch") in findings
    assert all(entry in (None, index) for entry, _ in findings)


def test_the_first_entry_links_to_nothing() -> None:
    assert findings_of(changed(LOG, 0, previous=b"x" * 32))[0] == (0, "link_broken")


@given(st.integers(0, SIZE - 2))
def test_a_changed_index_is_named(index: int) -> None:
    findings = findings_of(changed(LOG, index, index=99))
    assert findings == [(index, "index_wrong"), (index, "link_broken"), (None, "root_mismatch")]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"commitment": bytes(32)}, ["commitment_mismatch"]),
        ({"recorded_at": 0}, ["time_backwards"]),
        ({"index": 0}, ["index_wrong"]),
        ({"previous": bytes(32)}, ["link_broken"]),
    ],
)
def test_a_changed_last_entry_is_found_by_the_root(fields: dict[str, int | bytes], codes: list[str]) -> None:
    assert [code for _, code in findings_of(changed(LOG, SIZE - 1, **fields))] == [*codes, "root_mismatch"]


@given(st.integers(0, SIZE - 1))
def test_a_malformed_entry_is_named_and_the_walk_goes_on(index: int) -> None:
    entries = list(LOG.entries)
    entries[index] = b" " + entries[index]
    replayed, findings = walk(entries, list(LOG.openings))
    assert findings[0] == (index, "entry_malformed")
    assert set(findings[1:]) <= {(index, "link_broken"), (None, "root_mismatch")}
    assert len(replayed) == SIZE - 1


@given(st.integers(0, SIZE - 2))
def test_a_removed_entry_is_missed_once(index: int) -> None:
    entries, openings = list(LOG.entries), list(LOG.openings)
    del entries[index], openings[index]
    assert findings_of(entries, list(openings)) == [
        (index, "index_wrong"),
        (index, "link_broken"),
        (None, "size_mismatch"),
    ]


def test_a_log_cut_short_is_found_by_its_checkpoints() -> None:
    entries, openings = LOG.entries[:-2], list(LOG.openings[:-2])
    assert walk(entries, openings)[1] == [(None, "size_mismatch")]
    assert walk(entries, openings, None, [HEAD, LOG.checkpoint(3)])[1] == [(None, "inconsistent_checkpoint")]
    assert walk(entries, openings, None, [LOG.checkpoint(3)])[1] == []


def test_a_log_written_anew_does_not_agree_with_what_was_published() -> None:
    other = make_log(SIZE)
    other.entries[:] = make_log(SIZE).entries
    forged = changed(other, 4, recorded_at=START + 4_500_000)[4]
    entries = [*other.entries[:4], encode_entry(4, START, decode_entry(forged).commitment, leaf_hash(other.entries[3]))]
    head = Log(entries, LOG.openings[:5], {}).checkpoint()
    older = [LOG.checkpoint(4), LOG.checkpoint(5)]
    findings = walk(entries, list(LOG.openings[:5]), head, older)[1]
    assert findings == [(4, "time_backwards"), (None, "inconsistent_checkpoint")]


def test_a_checkpoint_of_another_log_is_not_compared() -> None:
    other = Checkpoint("other.example", 3, LOG.checkpoint(3).root)
    assert walk(LOG.entries, list(LOG.openings), HEAD, [other])[1] == [(None, "inconsistent_checkpoint")]


def test_each_opening_has_its_status() -> None:
    openings: list[Shown] = list(LOG.openings)
    openings[2:5] = [Withheld(), Erased(by=7), None]
    replayed, findings = walk(LOG.entries, openings)
    assert [r.status for r in replayed[1:6]] == ["opened", "withheld", "erased", "missing", "opened"]
    assert [r.erased_by for r in replayed[1:6]] == [None, None, 7, None, None]
    assert [r.envelope for r in replayed[2:5]] == [None] * 3
    assert findings == [(4, "opening_missing")]


@pytest.mark.parametrize("by", [0, 3, SIZE, 10**9])
def test_only_a_later_entry_of_this_log_can_have_erased(by: int) -> None:
    openings: list[Shown] = list(LOG.openings)
    openings[3] = Erased(by)
    assert findings_of(LOG.entries, openings) == [(3, "erasure_invalid")]


@pytest.mark.parametrize(
    "wrong",
    [
        Opening(LOG.openings[3].salt, LOG.openings[4].envelope),
        Opening(LOG.openings[4].salt, LOG.openings[3].envelope),
        # The same bytes in another division.
        Opening(LOG.openings[3].salt[:-1], LOG.openings[3].salt[-1:] + LOG.openings[3].envelope),
        Opening(LOG.openings[3].salt + LOG.openings[3].envelope[:1], LOG.openings[3].envelope[1:]),
    ],
)
def test_an_opening_that_does_not_fit_is_not_believed(wrong: Opening) -> None:
    openings: list[Shown] = list(LOG.openings)
    openings[3] = wrong
    replayed, findings = walk(LOG.entries, openings)
    assert findings == [(3, "commitment_mismatch")]
    assert (replayed[3].status, replayed[3].envelope) == ("missing", None)


def test_every_finding_is_reported() -> None:
    entries = changed(LOG, 2, commitment=bytes(32))
    entries[6] = b"{}"
    openings: list[Shown] = list(LOG.openings)
    openings[9] = None
    assert findings_of(entries, openings) == [
        (2, "commitment_mismatch"),
        (2, "link_broken"),
        (6, "entry_malformed"),
        (6, "link_broken"),
        (9, "opening_missing"),
        (None, "root_mismatch"),
    ]

"""The figures of the report, each counted from its data and from nothing else."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from consent_ledger.reading.log import Status
from consent_ledger.reporting.document import Document, Tally

Key = TypeVar("Key", bound=Hashable)
STATUSES: tuple[Status, ...] = ("opened", "withheld", "erased", "missing", "damaged")
MOST_MONTHS = 24


def total(document: Document) -> int:
    """Return how many entries were counted."""
    return sum(tally.entries for tally in document.tallies)


def by_status(document: Document) -> list[tuple[str, int]]:
    """Return the number of entries of each status that occurs."""
    counts = _counted((tally.status, tally) for tally in document.tallies)
    return [(status, counts[status]) for status in STATUSES if status in counts]


def by_type(document: Document) -> list[tuple[str | None, int]]:
    """Return the number of entries of each type, most first; what is not shown comes last."""
    counts = _counted((tally.type, tally) for tally in document.tallies)
    return sorted(counts.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))


def by_month(document: Document) -> list[tuple[str, int]]:
    """Return the number of entries of each of the latest months that have any, the oldest first."""
    counts = _counted((tally.month, tally) for tally in document.tallies if tally.month)
    return sorted(counts.items())[-MOST_MONTHS:]


def erased(document: Document) -> int:
    """Return how many entries were erased."""
    return sum(len(erasure.erased) for erasure in document.erasures)


def cosignatures(document: Document) -> int:
    """Return how many cosignatures there are."""
    return sum(witness.count for witness in document.growth.witnesses)


def ranges(numbers: Sequence[int], most: int) -> tuple[list[str], int]:
    """Return ascending numbers as ranges, at most so many, and how many numbers are not in them."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    shown = found[:most]
    left = len(numbers) - sum(last - first + 1 for first, last in shown)
    return [str(first) if first == last else f"{first}–{last}" for first, last in shown], left


def _counted(pairs: Iterable[tuple[Key, Tally]]) -> Counter[Key]:
    counts: Counter[Key] = Counter()
    for key, tally in pairs:
        counts[key] += tally.entries
    return counts

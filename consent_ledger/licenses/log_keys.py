"""Which key signs the log: the one that entry 0 names, until the operator records another (decision 5).

A key signs checkpoints of the sizes that include the entry that names it, up to the size that the entry that retires it
is not yet part of. Between the two entries of a rotation both keys sign, so that whoever knows only one can go on.
"""

from collections.abc import Collection, Iterable

import msgspec

from consent_ledger.signing.note import NoteVerifier


class LogKey(msgspec.Struct, frozen=True, gc=False):
    """A key of the log, the entry that named it, and the one that retired it, if any did."""

    vkey: str
    entry: int
    retired: int | None = None

    def signs(self, size: int) -> bool:
        """Whether it is one that signs a checkpoint of `size` entries."""
        return self.entry < size and (self.retired is None or size <= self.retired)


def signing_at(keys: Iterable[LogKey], size: int) -> list[LogKey]:
    """Return the keys that sign at a size, the newest first."""
    return sorted((key for key in keys if key.signs(size)), key=lambda key: -key.entry)


def verifiers_at(keys: Iterable[LogKey], size: int) -> list[NoteVerifier]:
    """Return the verifiers of a checkpoint of `size` entries, the newest first."""
    return [NoteVerifier.from_vkey(key.vkey) for key in signing_at(keys, size)]


def trusted(keys: Iterable[LogKey], known: Collection[str], signed: Iterable[tuple[int, Collection[str]]]) -> set[str]:
    """Return the verifier keys that whoever trusts `known` has reason to trust.

    `signed` are the checkpoints that agree with the log: the size of each, and whose good signatures it has. One that a
    trusted key signed vouches for all entries below it, and so for the keys that those name.
    """
    keys = list(keys)
    found = {key.vkey for key in keys if key.vkey in known}
    checkpoints = [(size, set(by)) for size, by in signed]
    while True:
        reach = max((size for size, by in checkpoints if by & found), default=0)
        more = {key.vkey for key in keys if key.entry < reach} - found
        if not more:
            return found
        found |= more

"""What a publisher needs of the place that it publishes to."""

from contextlib import AbstractContextManager
from typing import Protocol

from consent_ledger.errors import VerificationError


class Place(Protocol):
    """A folder or a bucket. Between `alone` and its end, `sync` makes durable what was added; then the checkpoint."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other publishers away, where the place can."""

    def read_checkpoint(self) -> bytes | None:
        """Return the checkpoint that is published."""

    def add(self, path: str, raw: bytes) -> bool:
        """Put a file that never changes; return whether it was not there.

        VerificationError `published_differs` where it is there with other bytes, from here or from `sync`.
        """

    def sync(self) -> None:
        """Return once everything that was added is there for good."""

    def replace_checkpoint(self, raw: bytes) -> None:
        """Put another checkpoint in the place of the one that was read."""


def differs(path: str) -> VerificationError:
    """Return the error for a file that should never have changed."""
    return VerificationError(f"`{path}` is published already, with other bytes", code="published_differs")

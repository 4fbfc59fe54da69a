"""The log as static files for anybody to read (c2sp.org/tlog-tiles), in a folder or a bucket.

A file that was put there never changes; only the checkpoint is replaced, and last: whatever it promises is there and on
the disk before. So a reader, at any moment and after any crash, finds a log that verifies from its checkpoint down, and
a publisher that comes after a crash goes on where the checkpoint stands.

Partial tiles may be removed once the full tile is there (c2sp.org/tlog-tiles); they are left, being small.
"""

from consent_ledger.publishing.places import Place
from consent_ledger.publishing.publisher import Published, check_published, publish

__all__ = ["Place", "Published", "check_published", "publish"]

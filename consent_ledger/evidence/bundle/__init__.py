"""Bundles: what an auditor takes away (formats.md section 7).

A bundle is made from one snapshot of a store, a page at a time, beside its place, and moved there whole: what has that
name is a complete bundle. `verification.layout` says which files it has, `verification.bundles` verifies it.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from consent_ledger.errors import ConflictError
from consent_ledger.evidence.bundle.places import FolderPlace, Place, TarPlace
from consent_ledger.evidence.bundle.writing import Progress, SampleRequest, Writer, Written
from consent_ledger.resources import template_root
from consent_ledger.store.engine import Store
from consent_ledger.verification.layout import Openings

__all__ = ["SampleRequest", "Written", "write_bundle"]


def write_bundle(
    store: Store,
    place: Path,
    *,
    openings: Openings = "all",
    about: str | None = None,
    sample: SampleRequest | None = None,
    templates: Sequence[Path] = (),
    policy: bytes | None = None,
    progress: Progress = lambda entries: None,
) -> Written:
    """Write a bundle of the whole log to `place`: a tar where it is called `.tar`, else a folder. It must not exist;
    a folder may be there if it is empty.

    `openings` says which ones are shown: `all`; `withheld`, but for entry 0; those of the `project` or `party` that it
    is `about`; those that an `organisation` may see; or those that the decisions of the `sample` rest on. The wordings
    of templates are looked for in the folders `templates` and in the one that is shipped. `policy` is a file that says
    which witnesses are asked. ConflictError `bundle_exists`; NotFoundError for a project or party that is not recorded;
    VerificationError where the database lacks entries or its last checkpoint.
    """
    packed = place.suffix == ".tar"
    if place.exists() and (packed or not place.is_dir() or any(place.iterdir())):
        raise ConflictError(f"`{place}` exists already and is not an empty folder", code="bundle_exists")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.absolute().with_name(f".{place.absolute().name}.{secrets.token_hex(6)}")
    try:
        files: Place = TarPlace(draft) if packed else FolderPlace(draft)
        with store.read() as tx:
            writer = Writer(store, tx, files, openings, about, policy, progress)
            written = writer.write(sample, [*templates, template_root()])
        files.finish()
        os.rename(draft, place)
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)
    return written

"""What a bundle says of itself to people."""

from consent_ledger.audit.tiles import FULL_WIDTH
from consent_ledger.verification.layout import Scope


def readme(size: int, scope: Scope, vkeys: str, shown: int, erased: int) -> bytes:
    """Return the text for a bundle of a log of `size` entries, with `shown` openings; `vkeys` are lines."""
    sample = "" if scope.sample is None else _SAMPLE.format(count=scope.sample.count, seed=scope.sample.seed)
    fields = {
        "size": size,
        "last": max(size - 1, 0),
        "width": FULL_WIDTH,
        "vkeys": "".join(f"    {line}\n" for line in vkeys.splitlines()),
        "what": _WHAT[scope.openings].format(about=scope.about),
        "shown": shown,
        "erased": erased,
        "withheld": size - shown - erased,
    }
    return (_TEXT.format(sample=sample, **fields) + (_ALL if scope.openings == "all" else _PART)).encode()


_WHAT = {
    "all": "everything that is still recorded",
    "withheld": "that things were recorded, and when, but not what",
    "project": "what was recorded about the project `{about}`",
    "party": "what was recorded about the party `{about}`",
    "organisation": "what the organisation `{about}` may see",
    "sample": "what the decisions of its sample rest on",
}

_TEXT = """\
This is the evidence of a consent ledger: who agreed to which use of which media, since when.
The ledger has {size} entries. Of what they hold this bundle shows {what}:
{shown} are open, {withheld} are withheld, {erased} were erased.

HOW TO VERIFY IT

It can be verified with no network and no database, and without trusting whoever handed it over:

    consent-ledger verify BUNDLE --vkey KEY --checkpoint THE-ONE-YOU-SAVED-LAST-TIME --save-checkpoint NEW

or with the one file `verify_bundle.py`, which shares no code with the ledger:

    python3 verify_bundle.py BUNDLE --vkey KEY --checkpoint THE-ONE-YOU-SAVED-LAST-TIME

BUNDLE is this folder or tar. KEY is the log's verifier key. Take it from somewhere else than here, where it says
{vkeys}
WHAT IS IN IT

checkpoint        a signed note (c2sp.org/tlog-checkpoint): origin, size, Merkle root (RFC 9162), with the
                  cosignatures of witnesses, if there are any (c2sp.org/tlog-cosignature)
checkpoints/      for each change of the log's key, a checkpoint that the old and the new key both signed
tile/             the whole log as c2sp.org/tlog-tiles: tile/entries/... hold the entries 0 to {last}, {width} a file,
                  each with its length in two bytes before it; tile/0/... their hashes, tile/1/... the nodes above
openings.ndjson   one line an entry: what it commits to, SHA-256("consent-ledger/opening/v1\\n" || salt || envelope),
                  in base64; or the entry that erased it; or that it is withheld
templates/        documents (.json) and wordings (.md) of licence templates, named by their SHA-256
timestamps/       time-stamps (RFC 3161) of the checkpoint, if there are any
keys.txt          the log's verifier keys, as the sender knows them
policy.txt        which witnesses the sender asks (c2sp.org/tlog-policy); which ones you trust is for you to say
scope.json        what was put into this bundle
{sample}
WHAT IT PROVES

That these entries, in this order, are what the log signed, each chained to the one before; that each open one was
signed by the keys of those who speak in it, and was recorded by the rules. With a checkpoint that you saved earlier:
that nothing which was there then was changed or removed. With cosignatures of witnesses whom you trust: that they
saw the same log.
"""

_ALL = """
WHAT IT CANNOT PROVE

That people are who their keys say, that they understood what they signed, and that media files are what their hashes
were made from. Without an earlier checkpoint and without witnesses: that the log was not written anew as a whole.
"""

_PART = (
    _ALL
    + """\
What the withheld entries hold, and that none of them should be open here: that nothing was left out is seen only
where all openings are. That no entry was left out of the log is proved even so.
"""
)

_SAMPLE = """\
decisions.ndjson  decisions on {count} assets drawn by the seed `{seed}`: those with the smallest
                  SHA-256(seed || "\\n" || asset)
"""

"""The layout of a bundle (formats.md section 7): which files there are and how an opening is written.

Binary is base64 with padding, one opening a line, in canonical JSON: a line has one spelling, so that no byte of it can
change unnoticed.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from consent_ledger.audit.entry import SALT_BYTES
from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.errors import MalformedError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.signing.envelope import MAX_ENVELOPE

FORMAT: Literal["consent-ledger/bundle/v1"] = "consent-ledger/bundle/v1"
CHECKPOINT = "checkpoint"
OPENINGS = "openings.ndjson"
TEMPLATES = "templates"
KEYS = "keys.txt"
POLICY = "policy.txt"
README = "README.txt"
SCOPE = "scope.json"
DECISIONS = "decisions.ndjson"
TIMESTAMPS = "timestamps"
HANDOVERS = "checkpoints"
FILES = frozenset({CHECKPOINT, OPENINGS, KEYS, POLICY, README, SCOPE, DECISIONS})
OTHERS = re.compile(rf"{TEMPLATES}/[0-9a-f]{{64}}\.(?:json|md)|{TIMESTAMPS}/[0-9a-z.-]{{1,100}}\.tsr"
                    rf"|{HANDOVERS}/[0-9]{{1,15}}")  # fmt: skip
"""The names of the files of which there may be any number, besides tiles."""

MAX_LINE = 2 * MAX_ENVELOPE
MAX_DOCUMENT = 1_000_000

Shown = Opening | Withheld | Erased
Openings = Literal["all", "withheld", "project", "party", "organisation", "sample"]


class OpeningLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One line: an opening, the entry that erased it, or that it is withheld."""

    index: Annotated[int, msgspec.Meta(ge=0)]
    salt: bytes | None = None
    envelope: bytes | None = None
    erased_by: Annotated[int, msgspec.Meta(ge=0)] | None = None
    withheld: Literal[True] | None = None


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which decisions are in the bundle: those on `count` assets drawn by `seed`, for one use, at one point."""

    seed: str
    count: int
    query: UseRequest
    as_of: int
    size: int


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What its maker put into the bundle: the openings of everything, of nothing, of a project or party (`about`), of
    what an organisation may see, or of what the decisions of the sample rest on. Nobody signed this: it says what to
    expect, not what is true."""

    format: Literal["consent-ledger/bundle/v1"]
    openings: Openings
    about: str | None = None
    sample: Sample | None = None


_decoder = msgspec.json.Decoder(OpeningLine)
_encoder = msgspec.json.Encoder(order="sorted")


def encode_opening(index: int, shown: Shown) -> bytes:
    """Return the line for one entry."""
    match shown:
        case Opening(salt, envelope):
            line = OpeningLine(index, salt=salt, envelope=envelope)
        case Erased(by):
            line = OpeningLine(index, erased_by=by)
        case Withheld():
            line = OpeningLine(index, withheld=True)
    return _encoder.encode(line) + b"\n"


def decode_opening(raw: bytes) -> tuple[int, Shown]:
    """Return the entry's index and its opening; raise MalformedError unless `encode_opening` writes exactly this."""
    try:
        line = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise MalformedError(f"line is not an opening: {e}") from e
    if _encoder.encode(line) + b"\n" != raw:
        raise MalformedError("line is not in the one form that an opening has")
    match line:
        case OpeningLine(index, bytes() as salt, bytes() as envelope, None, None) if len(salt) == SALT_BYTES:
            return index, Opening(salt, envelope)
        case OpeningLine(index, None, None, int() as by, None):
            return index, Erased(by)
        case OpeningLine(index, None, None, None, True):
            return index, Withheld()
    raise MalformedError("line is neither an opening, erased nor withheld")


def encode_document(document: msgspec.Struct) -> bytes:
    """Return a small document of the bundle as indented JSON."""
    return msgspec.json.format(_encoder.encode(document), indent=2) + b"\n"


def handover_file(size: int) -> str:
    """Return the path of the checkpoint of a size, by which one log key vouches for the next."""
    return f"{HANDOVERS}/{size}"


def stamp_file(authority: str) -> str:
    """Return the path of the time-stamp by the authority at this address."""
    return f"{TIMESTAMPS}/{sha256(authority.encode()).hexdigest()[:16]}.tsr"


def document_file(digest: str) -> str:
    """Return the path of a template's document, whose SHA-256 is `digest`."""
    return f"{TEMPLATES}/{digest.removeprefix('sha256:')}.json"


def wording_file(digest: str) -> str:
    """Return the path of a template's text or summary, whose SHA-256 is `digest`."""
    return f"{TEMPLATES}/{digest.removeprefix('sha256:')}.md"


def policy(vkey: str, witnesses: bytes | None) -> bytes:
    """Return the policy file (c2sp.org/tlog-policy): the log, and what the file `witnesses` says of those."""
    log = f"log {vkey}\n".encode()
    if witnesses is None:
        return log + b"quorum none\n"
    return log + b"".join(line + b"\n" for line in witnesses.split(b"\n")[:-1] if line.split()[:1] != [b"log"])


EVERYTHING = Scope(FORMAT, "all")


def sampled_from(scope: Scope, facts: Facts) -> Iterable[str]:
    """Return the assets that the sample of a bundle is drawn from: all that the facts know, or those of its project."""
    if scope.openings != "project":
        return facts.assets
    return [a for a, claims in facts.assets.items() if any(claim.project == scope.about for claim in claims)]


def read_scope(raw: bytes | None) -> Scope:
    """Return the scope that a file holds; without a file, everything. MalformedError where it is none."""
    if raw is None:
        return EVERYTHING
    try:
        return msgspec.json.decode(raw, type=Scope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise MalformedError(f"not a scope: {e}") from e

#!/usr/bin/env python3
"""A second verifier of consent-ledger bundles: one file, the standard library and `cryptography`.

It shares no code with the service, so that a mistake there is not made here too. It recomputes the signed note, the
tree (RFC 9162), the chain, every tile, entry bundle, opening and erasure, every signature under a key that was enrolled
by then, neither retired nor compromised, and belongs to who may sign; and the digests of template files. It does not
judge the other rules of registration, nor decisions: `consent-ledger verify` does.

    python3 verify_bundle.py FOLDER --vkey KEY [--checkpoint FILE]...

Exit code 0: all that is checked holds; 5: it does not; 2: wrong usage.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOT_CHECKED = (
    "rules of registration other than who may sign and what is recorded twice",
    "decisions: use `consent-ledger verify`",
    "witnesses: none is asked for",
    "whether public keys have a small part of mixed order (small order is refused)",
    "that people are who their keys say, and that media files are what their hashes were made from",
)
PAYLOAD_TYPE = "application/vnd.consent-ledger.statement.v1+json"
ENTRY = re.compile(
    rb'\{"commitment":"([0-9a-f]{64})","index":(0|[1-9][0-9]{0,15}),"previous":"([0-9a-f]{64})",'
    rb'"recorded_at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)","v":1\}'
)
VKEY = re.compile(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
SIGNATURE_LINE = re.compile(rb"\xe2\x80\x94 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = {0, 1, P - 1} | {
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
}
WIDTH = 256
MAX_LINE = 300_000


class Bad(Exception):
    """Something that is not as it should be."""


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def unbase64(text: str | bytes) -> bytes:
    """Decode base64 that has one spelling only."""
    text = text.encode("ascii") if isinstance(text, str) else text
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise Bad("is not base64") from e
    if base64.b64encode(raw) != text:
        raise Bad("has base64 with spare bits")
    return raw


def unjson(raw: bytes) -> object:
    """Decode JSON without repeated keys."""

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) != len(pairs):
            raise Bad("has a repeated key")
        return dict(pairs)

    try:
        return json.loads(raw, object_pairs_hook=members)
    except (ValueError, RecursionError) as e:
        raise Bad("is not JSON") from e


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check_key(raw: bytes) -> bytes:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if len(raw) != 32 or y >= P or y in SMALL_ORDER:
        raise Bad("public key is not one that may be used")
    return raw


def check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    """Ed25519, strictly: 64 bytes, S below the order of the group."""
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= L:
        raise Bad("signature is malformed")
    try:
        Ed25519PublicKey.from_public_bytes(check_key(key)).verify(signature, message)
    except (InvalidSignature, ValueError) as e:
        raise Bad("signature does not verify") from e


# The signed note and the tree -----------------------------------------------------------------------------------------


def read_vkey(text: str) -> tuple[str, bytes, bytes]:
    """Return name, four-byte id and key of a C2SP verifier key."""
    match = VKEY.fullmatch(text)
    if match is None:
        raise Bad("verifier key is not name+id+key")
    name, stated, material = match[1], bytes.fromhex(match[2]), unbase64(match[3])
    if material[:1] != b"\x01" or sha(name.encode() + b"\n" + material)[:4] != stated:
        raise Bad("verifier key does not hold together")
    return name, stated, check_key(material[1:])


def open_checkpoint(raw: bytes, vkey: str) -> tuple[int, bytes]:
    """Return size and root that the log signed."""
    name, id_, key = read_vkey(vkey)
    text, gap, lines = raw.rpartition(b"\n\n")
    if not gap or not lines.endswith(b"\n"):
        raise Bad("checkpoint is not a signed note")
    text += b"\n"
    own = []
    for line in lines[:-1].split(b"\n"):
        match = SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise Bad("checkpoint has a malformed signature line")
        blob = unbase64(match[2])
        if match[1] == name.encode() and blob[:4] == id_:
            own.append(blob[4:])
    if len(own) != 1:
        raise Bad(f"checkpoint has {len(own)} signatures by the log's key, want 1")
    check_signature(key, text, own[0])
    return parse_checkpoint(text, name)


def parse_checkpoint(text: bytes, name: str) -> tuple[int, bytes]:
    body = re.fullmatch(rb"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]+)\n", text)
    if body is None or body[1] != name.encode():
        raise Bad("checkpoint is not origin, size and root of this log")
    root = unbase64(body[3])
    if len(root) != 32:
        raise Bad("checkpoint has no root of 32 bytes")
    return int(body[2]), root


def tile_path(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")


class Tree:
    """A Merkle tree that grows; it keeps one root for each one bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        rest = self.size
        while rest & 1:
            leaf = sha(b"\x01" + self.peaks.pop() + leaf)
            rest >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return sha(b"")
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = sha(b"\x01" + peak + root)
        return root


# The audit ------------------------------------------------------------------------------------------------------------


class Audit:
    """One walk over a bundle. `findings` are (entry or None, what is wrong)."""

    def __init__(self, folder: Path, vkey: str, older: list[bytes]) -> None:
        self.folder, self.vkey = folder, vkey
        self.findings: list[tuple[int | None, str]] = []
        self.entries = self.signatures = 0
        self.tree = Tree()
        self.older = [c for raw in older if (c := self.opened("older checkpoint", raw)) is not None]
        self.keys: dict[str, bytes] = {}
        self.owners: dict[str, str] = {}
        self.stopped: dict[str, list[str]] = {}
        self.operator = ""
        self.publishers: dict[str, str] = {}
        self.documents: dict[str, tuple[int, dict]] = {}
        self.ids: dict[bytes, int] = {}
        self.erased: dict[int, int] = {}
        self.erasures: dict[int, set[int]] = {}

    def bad(self, entry: int | None, what: str) -> None:
        self.findings.append((entry, what))

    def opened(self, what: str, raw: bytes) -> tuple[int, bytes] | None:
        try:
            return open_checkpoint(raw, self.vkey)
        except Bad as e:
            self.bad(None, f"{what}: {e}")
            return None

    def file(self, path: str, entry: int | None) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except OSError:
            self.bad(entry, f"`{path}` cannot be read")
            return None

    def run(self) -> None:
        head = self.opened("checkpoint", self.file("checkpoint", None) or b"")
        if (self.file("keys.txt", None) or b"").decode("ascii", "replace") != self.vkey + "\n":
            self.bad(None, "`keys.txt` names another key")
        if (self.file("policy.txt", None) or b"") != f"log {self.vkey}\nquorum none\n".encode():
            self.bad(None, "`policy.txt` is not that of this log without witnesses")
        if head is None:
            return
        size = min(head[0], len(self.file("openings.ndjson", 0) or b"") // 25 + 10_000)
        roots = self.walk(size)
        if (self.tree.size, self.tree.root()) != head:
            self.bad(None, "entries do not have the size and root that were signed")
        for old_size, old_root in self.older:
            if old_size > size:
                self.bad(size, f"an older checkpoint has {old_size} entries")
            elif roots.get(old_size) != old_root:
                self.bad(None, f"first {old_size} entries do not have the root of an older checkpoint")
        for entry, by in self.erased.items():
            if by not in self.erased and entry not in self.erasures.get(by, ()):
                self.bad(entry, f"entry {by} is not an erasure that names it")
        self.check_documents()

    def walk(self, size: int) -> dict[int, bytes]:
        roots = {old: b"" for old, _ in self.older}
        lines = self.lines(size)
        previous, time, row = bytes(32), "", []
        for place, raw in enumerate(self.read_entries(size)):
            leaf = sha(b"\x00" + raw)
            self.tree.add(leaf)
            row.append(leaf)
            if self.tree.size in roots:
                roots[self.tree.size] = self.tree.root()
            match = ENTRY.fullmatch(raw)
            if match is None:
                self.bad(place, "is not an entry")
            else:
                commitment, index, link, recorded = match.groups()
                if int(index) != place:
                    self.bad(place, f"says that it is entry {int(index)}")
                if bytes.fromhex(link.decode()) != previous:
                    self.bad(place, "does not link to the entry before it")
                if recorded.decode() < time:
                    self.bad(place, "is older than the entry before it")
                time = recorded.decode()
                self.check_opening(place, bytes.fromhex(commitment.decode()), time, lines.get(place))
            previous = leaf
            if len(row) == WIDTH or place + 1 == size:
                self.check_tile(0, place // WIDTH, row)
                row = []
        self.entries = size
        self.check_upper(size)
        return roots

    def read_entries(self, size: int):
        for start in range(0, size, WIDTH):
            width = min(WIDTH, size - start)
            raw = self.file(tile_path("entries", start // WIDTH, width), start) or b""
            leaves = self.file(tile_path("0", start // WIDTH, width), start) or b""
            found, at = [], 0
            while at + 2 <= len(raw):
                length = int.from_bytes(raw[at : at + 2], "big")
                found.append(raw[at + 2 : at + 2 + length])
                at += 2 + length
            if at != len(raw) or len(found) != width:
                expected = [leaves[n * 32 : n * 32 + 32] for n in range(width)]
                first = next((n for n, e in enumerate(found[:width]) if sha(b"\x00" + e) != expected[n]), len(found))
                self.bad(start + min(first, width - 1), "entry bundle does not hold the entries that it should")
                placed = {sha(b"\x00" + entry): entry for entry in found}
                found = [placed.get(leaf, b"") for leaf in expected]
            yield from found

    def check_tile(self, level: int, index: int, row: list[bytes]) -> None:
        path = tile_path(str(level), index, len(row))
        raw = self.file(path, index * WIDTH if level == 0 else None)
        if raw is None or raw == b"".join(row):
            return
        first = next((n for n, node in enumerate(row) if raw[n * 32 : n * 32 + 32] != node), 0)
        self.bad(index * WIDTH + first if level == 0 else None, f"`{path}` does not have the hashes of the entries")

    def check_upper(self, size: int) -> None:
        """Every tile above the leaves, from the tiles below."""
        level = 1
        while size := size // WIDTH:
            row: list[bytes] = []
            for n in range(size):
                below = Tree()
                raw = self.file(tile_path(str(level - 1), n, WIDTH), None) or b""
                for at in range(0, len(raw), 32):
                    below.add(raw[at : at + 32])
                row.append(below.root())
                if len(row) == WIDTH or n + 1 == size:
                    self.check_tile(level, n // WIDTH, row)
                    row = []
            level += 1

    # Openings and what they say ------------------------------------------------------------------------------------

    def lines(self, size: int) -> dict[int, dict]:
        found: dict[int, dict] = {}
        expected = 0
        for raw in (self.file("openings.ndjson", 0) or b"").splitlines(keepends=True):
            try:
                line = unjson(raw[:MAX_LINE])
                if not isinstance(line, dict) or canonical(line) + b"\n" != raw or type(line.get("index")) is not int:
                    raise Bad("is not an opening in its one form")
            except Bad as e:
                self.bad(expected, f"line of `openings.ndjson` {e}")
                expected += 1
                continue
            index = line["index"]
            if index in found or not expected <= index < size:
                self.bad(min(index, expected), f"line of entry {index} is not in its place")
            found.setdefault(index, line)
            expected = max(expected, index + 1)
        return found

    def check_opening(self, place: int, commitment: bytes, time: str, line: dict | None) -> None:
        kind = None if line is None else sorted(line)
        if kind == ["erased_by", "index"] and type(line["erased_by"]) is int:
            self.erased[place] = line["erased_by"]
            return
        if kind != ["envelope", "index", "salt"]:
            self.bad(place, "is withheld" if kind == ["index", "withheld"] else "has no opening")
            return
        try:
            salt, envelope = unbase64(line["salt"]), unbase64(line["envelope"])
            if len(salt) != 32 or sha(b"consent-ledger/opening/v1\n" + salt + envelope) != commitment:
                raise Bad("has an opening that it does not commit to")
            self.check_envelope(place, time, envelope)
        except (Bad, KeyError, TypeError, AttributeError, UnicodeError) as e:
            self.bad(place, str(e) if isinstance(e, Bad) else "holds no envelope with a statement")

    def check_envelope(self, place: int, time: str, raw: bytes) -> None:
        envelope = unjson(raw)
        payload = unbase64(envelope["payload"])
        statement = unjson(payload)
        text = payload.decode("utf-8")
        if canonical(statement) != payload or unicodedata.normalize("NFC", text) != text:
            raise Bad("holds a statement that is not in canonical form")
        if self.ids.setdefault(sha(payload), place) != place:
            raise Bad(f"records again what entry {self.ids[sha(payload)]} has recorded")
        kind = statement["type"]
        if (kind == "genesis") != (place == 0):
            raise Bad("is a second genesis" if place else "is no genesis, and is entry 0")
        self.enrol(place, statement)
        message = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise Bad("has an envelope of another type")
        signers = set()
        for signature in envelope["signatures"]:
            signed = message
            if "time" in signature:
                digest = hashlib.sha256(message).hexdigest()
                signed = f"consent-ledger/time/v1\n{signature['time']}\n{digest}\n".encode()
            else:
                signers.add(signature["keyid"])
            if signature["keyid"] not in self.keys:
                raise Bad("is signed by a key that is not enrolled")
            check_signature(self.keys[signature["keyid"]], signed, unbase64(signature["sig"]))
            self.signatures += 1
        self.check_signers(statement, signers, time)
        self.remember(place, statement)

    def enrol(self, place: int, statement: dict) -> None:
        material = statement.get("operator_key") or statement.get("key")
        if statement["type"] == "genesis":
            self.operator = statement["issuer"]
            if statement["log_key"] != self.vkey:
                self.bad(0, "genesis names another log key")
        if material:
            raw = check_key(unbase64(material["public_key"]))
            keyid = "sha256:" + hashlib.sha256(raw).hexdigest()
            if self.owners.setdefault(keyid, statement.get("party", statement["issuer"])) != statement.get(
                "party", statement["issuer"]
            ):
                raise Bad("enrols a key that is another party's")
            self.keys[keyid] = raw

    def check_signers(self, statement: dict, signers: set[str], time: str) -> None:
        """Somebody who may has to have signed, and unless it stops something, with a key that still holds."""
        kind, issuer = statement["type"], statement["issuer"]
        speaker = issuer
        if kind == "grant" and statement["assurance"] == "witnessed":
            speaker = self.operator
        elif kind == "grant" and statement["assurance"] == "attested":
            speaker = self.publishers.get(statement["template"]["digest"], issuer)
        own = {keyid for keyid in signers if self.owners.get(keyid) == speaker}
        if not own:
            raise Bad("is not signed by its issuer")
        stops = kind == "revocation" or statement.get("action") in ("suspended", "retired", "compromised")
        if not stops and all(any(since <= time for since in self.stopped.get(keyid, ())) for keyid in own):
            raise Bad("is signed by a key that was retired or compromised")

    def remember(self, place: int, statement: dict) -> None:
        kind = statement["type"]
        if kind == "key" and "keyid" in statement:
            self.stopped.setdefault(statement["keyid"], []).append(statement.get("since", ""))
        elif kind == "template" and "document" in statement:
            digest = "sha256:" + hashlib.sha256(canonical(statement["document"])).hexdigest()
            if digest != statement["template"]["digest"]:
                raise Bad("publishes a template under another digest than its own")
            self.publishers[digest] = statement["issuer"]
            self.documents[digest] = place, statement["document"]
        elif kind == "erasure":
            if statement["issuer"] != self.operator:
                raise Bad("is an erasure, but not by the operator")
            self.erasures[place] = set(statement["entries"])

    def check_documents(self) -> None:
        for digest, (place, document) in self.documents.items():
            texts = [text for language in document["languages"].values() for text in language.values()]
            for wanted, suffix in [(digest, "json"), *((text, "md") for text in texts)]:
                path = self.folder / "templates" / f"{wanted.removeprefix('sha256:')}.{suffix}"
                if path.is_file() and "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
                    self.bad(place, f"`{path.name}` is not what was published")


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a consent-ledger bundle, sharing no code with its maker.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vkey", required=True, help="the log's verifier key, known from elsewhere")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="one that was saved earlier")
    given = parser.parse_args()
    try:
        read_vkey(given.vkey)
        older = [path.read_bytes() for path in given.checkpoint]
    except (Bad, OSError) as e:
        parser.error(str(e))
    audit = Audit(given.folder, given.vkey, older)
    audit.run()
    print(f"checked {audit.entries} entries, {audit.signatures} signatures")
    for sentence in NOT_CHECKED:
        print(f"not checked: {sentence}")
    if not older:
        print("not checked: that nothing was taken back, want --checkpoint")
    findings = sorted(set(audit.findings), key=lambda f: (f[0] is None, f[0] or 0, f[1]))
    for entry, what in findings:
        print(f"{'log' if entry is None else f'entry {entry}'}: {what}")
    print("NOT VERIFIED" if findings else "verified: everything that was checked is as it was recorded")
    return 5 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A second verifier for consent-ledger bundles and certificates: one file, the standard library and `cryptography`.

It shares no code with the service, so that a mistake there is not made here too. Of a bundle (a folder or a tar) it
recomputes notes, tree (RFC 9162), chain, every tile, entry, opening and erasure, template files, and every signature
by a key that was enrolled, not retired, and of who may sign; and as much of the entries in a certificate.

    python3 verify_bundle.py BUNDLE|CERTIFICATE --vkey KEY [--checkpoint FILE]...      0: it holds; 5: it does not
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import tarfile
import tempfile
import unicodedata
from functools import reduce
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOT_CHECKED = (
    "decisions, which `consent-ledger` makes anew; time-stamps; whether witnesses are enough",
    "rules of registration other than who may sign and what is recorded twice",
    "that keys are their people's and have no part of mixed order, that media files are what was hashed",
)
DSSE_TYPE = "application/vnd.consent-ledger.{}.v1+json"
ENTRY = re.compile(
    rb'\{"commitment":"([0-9a-f]{64})","index":(0|[1-9][0-9]{0,15}),"previous":"([0-9a-f]{64})",'
    rb'"recorded_at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)","v":1\}'
)
POLICY = re.compile(r"#.*|log \S+.*|witness \S+ \S+.*|group \S+ .+|quorum \S+|")
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, P - 1, ORDER_8, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7}
WIDTH = 256
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Bad(ValueError):
    """Something that is not as it should be."""


class Unknown(Bad):
    """Something rests on what is not here: bad, unless that may be what is not shown."""


def need(holds: object, otherwise: str, kind: type[Bad] = Bad) -> None:
    if not holds:
        raise kind(otherwise)


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def unbase64(text: str | bytes) -> bytes:
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw) == (text.encode() if isinstance(text, str) else text), "has base64 with spare bits")
    return raw


def unjson(raw: bytes, *, one_form: bool = True):
    value = json.loads(raw, object_pairs_hook=lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else None)
    need(not one_form or canonical(value).encode() == raw, "is not in its one form")
    return value


def check_key(raw: bytes) -> bytes:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    need(len(raw) == 32 and y < P and y not in SMALL_ORDER, "public key is not one that may be used")
    return raw


def check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    """Ed25519, strictly: 64 bytes, S below the order of the group."""
    need(len(signature) == 64 and int.from_bytes(signature[32:], "little") < L, "signature is malformed")
    try:
        Ed25519PublicKey.from_public_bytes(check_key(key)).verify(signature, message)
    except Exception as e:
        raise Bad("signature does not verify") from e


def read_vkey(text: str) -> tuple[bytes, bytes, int, bytes]:
    """Return name, four-byte id, kind (1 a log, 4 a witness) and key of a C2SP verifier key."""
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
    need(match, "verifier key is not name+id+key")
    name, material = match[1].encode(), unbase64(match[3])
    need(sha(name + b"\n" + material)[:4].hex() == match[2] and material[0] in (1, 4), "verifier key is malformed")
    return name, bytes.fromhex(match[2]), material[0], check_key(material[1:])


def signers_of(note: bytes, vkeys: list[str]) -> tuple[set[str], int]:
    """Return which keys signed a note, and how many other lines there are; a bad signature by one of them is Bad."""
    text, _, lines = note.rpartition(b"\n\n")
    keys = {read_vkey(vkey)[:2]: (vkey, *read_vkey(vkey)[2:]) for vkey in vkeys}
    found: list[str] = []
    for line in lines.removesuffix(b"\n").split(b"\n"):
        match = re.fullmatch(rb"\xe2\x80\x94 ([^ ]+) ([A-Za-z0-9+/]+={0,2})", line)
        need(match, "checkpoint has a malformed signature line")
        blob = unbase64(match[2])
        if (match[1], blob[:4]) in keys:
            vkey, kind, key = keys[match[1], blob[:4]]
            seen = b"cosignature/v1\ntime %d\n" % int.from_bytes(blob[4:12], "big") if kind == 4 else b""
            check_signature(key, seen + text + b"\n", blob[12 if kind == 4 else 4 :])
            found.append(vkey)
    need(len(set(found)) == len(found), "checkpoint has two signatures by one key")
    return set(found), lines.count(b"\n") - len(found)


def parse_note(note: bytes) -> tuple[bytes, int, bytes]:
    body = re.fullmatch(rb"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]+)", note.rpartition(b"\n\n")[0])
    need(body and len(unbase64(body[3])) == 32, "checkpoint is not origin, size and root")
    return body[1], int(body[2]), unbase64(body[3])


class Tree:
    def __init__(self, leaves: list[bytes] | None = None) -> None:
        self.peaks: dict[int, bytes] = {}  # one root for each one bit of the size, by its height
        for leaf in leaves or ():
            self.add(leaf)

    def add(self, node: bytes, height: int = 0) -> None:
        while height in self.peaks:
            node, height = sha(b"\1" + self.peaks.pop(height) + node), height + 1
        self.peaks[height] = node

    def root(self) -> bytes:
        peaks = [self.peaks[height] for height in sorted(self.peaks)]
        return reduce(lambda right, left: sha(b"\1" + left + right), peaks) if peaks else sha(b"")


def root_over(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to: above the first `inner` nodes all are on the left."""
    inner = (index ^ size - 1).bit_length()
    fits = 0 <= index < size and len(proof) == inner + (index >> inner).bit_count()
    need(fits and all(len(node) == 32 for node in proof), "proof is not of the right length")
    for n, node in enumerate(proof):
        leaf = sha(b"\1" + (leaf + node if n < inner and not index >> n & 1 else node + leaf))
    return leaf


class Book:
    """Who is who, as the statements so far say: keys, whose they are, and since when they no longer hold.

    `log_keys`: verifier key, the entry that names it, the one that retires it. `gone`: whose statements were erased.
    """

    def __init__(self) -> None:
        self.signatures, self.operator, self.origin, self.issuer, self.log_keys = 0, "", "", "", []
        self.keys, self.owners, self.stopped, self.publishers, self.documents = {}, {}, {}, {}, {}
        self.ids, self.erasures, self.gone = {}, {}, set()

    def open(self, place: int, commitment: bytes, time: str, salt: str, envelope: str) -> None:
        """Take down the statement in an opening, and check that who may has signed it."""
        opening = unbase64(salt) + unbase64(envelope)
        committed = sha(b"consent-ledger/opening/v1\n" + opening).hex().encode() == commitment
        need(len(unbase64(salt)) == 32 and committed, "has an opening that it does not commit to")
        dsse = unjson(unbase64(envelope), one_form=False)
        payload = unbase64(dsse["payload"])
        statement, text = unjson(payload), payload.decode()
        need(unicodedata.normalize("NFC", text) == text, "holds a statement that is not in normal form")
        need(dsse["payloadType"] == DSSE_TYPE.format("statement"), "has an envelope of another type")
        first = self.ids.setdefault(sha(payload), place)
        need(first == place, f"records again what entry {first} has recorded")
        need((statement["type"] == "genesis") == (place == 0), "is a second genesis, or is entry 0 and none")
        self.issuer = statement["issuer"]
        self.take(place, statement)
        need(statement["ledger"] == self.origin, "is meant for another ledger", Bad if self.origin else Unknown)
        self.check(dsse, statement, time)

    def take(self, place: int, statement: dict) -> None:
        kind, issuer, material = statement["type"], statement["issuer"], statement.get("key")
        if kind == "genesis":
            self.operator, self.origin, material = issuer, statement["ledger"], statement["operator_key"]
            self.log_keys = [[statement["log_key"], 0, None]]
        if material:
            raw, party = check_key(unbase64(material["public_key"])), statement.get("party", issuer)
            keyid = f"sha256:{sha(raw).hex()}"
            need(self.owners.setdefault(keyid, party) == party, "enrols a key that is another party's")
            self.keys[keyid] = raw
        if kind == "key" and "keyid" in statement:
            self.stopped.setdefault(statement["keyid"], []).append(statement.get("since", ""))
        elif kind == "key" and "log_key" in statement:
            vkey, added = statement["log_key"], statement["action"] == "added"
            self.log_keys = [[key, n, end if added or key != vkey else place] for key, n, end in self.log_keys]
            self.log_keys += [[vkey, place, None]] * added
        elif kind == "template" and "document" in statement:
            digest = f"sha256:{sha(canonical(statement['document']).encode()).hex()}"
            need(digest == statement["template"]["digest"], "publishes a template under another digest than its own")
            self.publishers[digest], self.documents[digest] = issuer, (place, statement["document"])
        elif kind == "erasure":
            need(issuer == self.operator and max(statement["entries"], default=0) < place, "is no erasure that may be")
            self.erasures[place] = statement["entries"]
            self.gone |= {statement["party"]} if statement["entries"] else set()

    def check(self, dsse: dict, statement: dict, time: str) -> None:
        """Somebody who may has to have signed, and unless it stops something, with a key that still holds."""
        for signature in dsse["signatures"]:
            need(signature["keyid"] in self.keys, "is signed by a key that is not enrolled", Unknown)
            self.check_dsse(dsse, signature)
        signers = {signature["keyid"] for signature in dsse["signatures"] if "time" not in signature}
        kind, assurance = statement["type"], statement.get("assurance")
        published = self.publishers.get(statement.get("template", {}).get("digest"))
        speaker = {"witnessed": self.operator, "attested": published}.get(assurance, statement["issuer"])
        own = {keyid for keyid in signers if self.owners.get(keyid) == speaker}
        need(own, "is not signed by its issuer", Bad if assurance == "own_key" or not signers else Unknown)
        stops = kind == "revocation" or statement.get("action") in ("suspended", "retired", "compromised")
        held = any(all(since > time for since in self.stopped.get(keyid, ())) for keyid in own)
        need(stops or held, "is signed by a key that was retired or compromised")

    def check_dsse(self, dsse: dict, signature: dict) -> None:
        payload, kind = unbase64(dsse["payload"]), dsse["payloadType"].encode()
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        if "time" in signature:
            message = f"consent-ledger/time/v1\n{signature['time']}\n{sha(message).hex()}\n".encode()
        check_signature(self.keys[signature["keyid"]], message, unbase64(signature["sig"]))
        self.signatures += 1

    def signing(self, size: int) -> list[str]:
        return [vkey for vkey, entry, end in self.log_keys if entry < size and (end is None or size <= end)]


def unpack(place: Path, folder: Path) -> Path:
    """Write out a tar that holds nothing but files and folders with plain names."""
    with tarfile.open(place, "r:") as tar:
        for member in tar.getmembers():
            path = Path(member.name)
            plain = not (member.issparse() or path.is_absolute() or ".." in path.parts)
            need(plain and member.type in (b"0", b"\0", b"5"), f"`{path}` is no file, or leads elsewhere")
            if not member.isdir():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with (folder / path).open("xb") as copy:
                    copy.write(tar.extractfile(member).read())
        tar.fileobj.seek(tar.offset)
        need((rest := tar.fileobj.read(2**20)) and not any(rest), "the tar does not end where it should")
    return folder


def tile_path(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")


class Audit:
    """One walk over a bundle. `findings` are (entry or None, what is wrong)."""

    def __init__(self, folder: Path, vkeys: list[str], older: list[bytes]) -> None:
        self.folder, self.vkeys, self.book, self.tree, self.findings = folder, vkeys, Book(), Tree(), []
        self.known = {"README.txt", "decisions.ndjson"}
        self.not_checked = [] if older else ["that nothing was taken back: want --checkpoint"]
        self.unseen, self.erased, self.doubts, self.rows = set(), {}, [], {}  # rows: nodes of tiles being filled
        handovers = [self.file(path.relative_to(folder).as_posix()) for path in sorted(folder.glob("checkpoints/*"))]
        self.notes = [*older, *handovers, self.file("checkpoint")]
        scope = self.file("scope.json") if (folder / "scope.json").exists() else b'{"openings":"all"}'
        self.complete = re.search(rb'"openings": *"all"', scope)

    def bad(self, entry: int | None, what: object) -> None:
        self.findings.append((entry, str(what)))

    def file(self, path: str, entry: int | None = None) -> bytes:
        self.known.add(path)
        if (self.folder / path).is_file() and not (self.folder / path).is_symlink():
            return (self.folder / path).read_bytes()
        self.bad(entry, f"`{path}` is not there")
        return b""

    def run(self) -> None:
        size, roots = parse_note(self.notes[-1])[1], {parse_note(note)[1]: sha(b"") for note in self.notes}
        openings = self.folder / "openings.ndjson"
        self.walk(min(size, 10_000 + (openings.stat().st_size // 25 if openings.is_file() else 0)), roots)
        for check in (lambda: self.check_notes(roots), self.check_witnesses, self.settle):
            try:
                check()
            except ValueError as e:
                self.bad(None, e)
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if not path.is_dir()}
        strange = sorted(path for path in found - self.known if not path.startswith(("templates/", "timestamps/")))
        self.not_checked += [f"`{path}`, which is no part of the bundle" for path in strange[:9]]

    def check_notes(self, roots: dict[int, bytes]) -> None:
        *written, end = self.file("keys.txt").decode().split("\n")
        need({*map(read_vkey, written)} & {*map(read_vkey, self.vkeys)} and not end, "`keys.txt` names another key")
        opened = []
        for note in self.notes:
            origin, size, root = parse_note(note)
            if origin != read_vkey(self.vkeys[0])[0]:
                self.bad(0 if note == self.notes[-1] else None, "a checkpoint is of another log")
            signed = signers_of(note, self.book.signing(size) or self.vkeys)[0]
            need(signed, "checkpoint is not signed by the log")
            if size > self.size:
                self.bad(self.size if note != self.notes[-1] else None, f"a checkpoint says {size} entries")
            elif roots[size] != root:
                self.bad(None, f"first {size} entries do not have the root that was signed")
            opened.append((size, signed))
        trusted = (named := {key for key, _, _ in self.book.log_keys}) & {*self.vkeys}
        for _ in named:  # trust goes on by checkpoints that a trusted key signed
            reach = max((size for size, signed in opened if signed & trusted), default=0)
            trusted |= {key for key, entry, _ in self.book.log_keys if entry < reach}
        if named and not trusted:
            self.bad(0, "the log names other keys than the one that was given")
        need(not trusted or trusted & opened[-1][1], "no checkpoint shows that the given key handed over to this one")

    def check_witnesses(self) -> None:
        text = self.file("policy.txt").decode()
        names, quorum = (re.findall(rf"^{line} (\S+)", text, re.M) for line in ("(?:witness|group)", "quorum"))
        known = {*self.vkeys, *(key for key, _, _ in self.book.log_keys)}
        whole = all(map(POLICY.fullmatch, text.split("\n"))) and {*quorum} <= {"none", *names} and len(quorum) == 1
        need(whole and {*re.findall(r"^log (\S+)", text, re.M)} & known, "`policy.txt` is not one for this log")
        signed, others = signers_of(self.notes[-1], [*known, *re.findall(r"^witness \S+ (\S+)", text, re.M)])
        self.not_checked.append(f"{others} signatures by unknown keys; cosigned by {sorted(signed - known)}")

    def walk(self, size: int, roots: dict[int, bytes]) -> None:
        previous, time, row, lines, self.size = bytes(32), "", [], self.lines(size), size
        for place, raw in enumerate(self.entries(size)):
            leaf, match = sha(b"\0" + raw), ENTRY.fullmatch(raw)
            self.tree.add(leaf)
            row.append(leaf)
            roots |= {place + 1: self.tree.root()} if place + 1 in roots else {}
            if match is None:
                self.bad(place, "is not an entry")
                self.unseen.add(place)
            else:
                commitment, index, link, recorded = match.groups()
                if int(index) != place or bytes.fromhex(link.decode()) != previous or recorded.decode() < time:
                    self.bad(place, "does not follow the entry before it, by its number, link or time")
                time = recorded.decode()
                self.check_opening(place, commitment, time, lines.get(place, b""))
            previous = leaf
            if len(row) == WIDTH or place + 1 == size:
                self.check_tile(0, place // WIDTH, row)
                row = []
        for level, row in sorted(self.rows.items()):
            self.check_tile(level, (size >> 8 * level) // WIDTH, row) if row else None

    def entries(self, size: int):
        for start in range(0, size, WIDTH):
            width = min(WIDTH, size - start)
            raw = self.file(tile_path("entries", start // WIDTH, width), start)
            leaves = self.file(tile_path("0", start // WIDTH, width), start)
            found, at = [], 0
            while at + 2 <= len(raw):
                found.append(raw[at + 2 : at + 2 + int.from_bytes(raw[at : at + 2], "big")])
                at += 2 + int.from_bytes(raw[at : at + 2], "big")
            if at != len(raw) or len(found) != width:
                expected = [leaves[n * 32 : n * 32 + 32] for n in range(width)]
                placed = {sha(b"\0" + entry): entry for entry in found}
                apart = (n for n, leaf in enumerate(expected) if n >= len(found) or sha(b"\0" + found[n]) != leaf)
                self.bad(start + next(apart, width - 1), "entry bundle does not hold the entries that it should")
                found = [placed.get(leaf, b"") for leaf in expected]
            yield from found

    def check_tile(self, level: int, index: int, row: list) -> None:
        """Hold a tile against what is below it (None: not known), and pass on the node above it."""
        raw = self.file(path := tile_path(str(level), index, len(row)), None if level else index * WIDTH)
        wrong = [n for n, node in enumerate(row) if node and raw[n * 32 : n * 32 + 32] != node]
        if (self.folder / path).is_file() and (wrong or len(raw) != 32 * len(row)):
            first = index * WIDTH + (wrong[0] if len(raw) == 32 * len(row) else 0)
            self.bad(first << 8 * level, f"`{path}` does not have the hashes of the entries")
        if len(row) == WIDTH:
            above = self.rows.setdefault(level + 1, [])
            above.append(None if wrong or None in row else Tree(row).root())
            if len(above) == WIDTH:
                self.rows[level + 1] = []
                self.check_tile(level + 1, index // WIDTH, above)

    def lines(self, size: int) -> dict[int, bytes]:
        found, expected = {}, 0
        for raw in self.file("openings.ndjson", 0).splitlines(keepends=True):
            index = int(m[1]) if (m := re.search(rb'"index":(0|[1-9][0-9]{0,15})[,}]', raw)) else expected
            if index in found or not expected <= index < size:
                self.bad(min(index, expected), "line of `openings.ndjson` is not in its place")
            found.setdefault(index, raw)
            expected = max(expected, index + 1)
        return found

    def check_opening(self, place: int, commitment: bytes, time: str, raw: bytes) -> None:
        try:
            match unjson(raw[:-1]) if raw.endswith(b"\n") else None:
                case {"index": int(), "salt": str(salt), "envelope": str(envelope), **rest} if not rest:
                    return self.book.open(place, commitment, time, salt, envelope)
                case {"index": int(), "erased_by": int(by), **rest} if not rest:
                    self.erased[place] = by
                    need(by > place, "is erased by an entry before it")
                case {"index": int(), "withheld": True, **rest} if not rest:
                    need(not self.complete, "is withheld, in a bundle that says it holds all")
                case _:
                    raise Bad("has no opening")
        except Unknown as e:
            return self.doubts.append((place, e, self.book.issuer)) if self.unseen else self.bad(place, e)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            self.bad(place, e if isinstance(e, Bad) else "holds no envelope with a statement")
        if place not in self.book.ids.values():
            self.unseen.add(place)

    def settle(self) -> None:
        for entry, by in self.erased.items():
            if by not in self.unseen and entry not in self.book.erasures.get(by, ()):
                self.bad(entry, f"entry {by} is not an erasure that names it")
        for place, what, issuer in self.doubts:
            if self.unseen <= self.erased.keys() and issuer not in self.book.gone:
                self.bad(place, what)
        where = [place for place, _, _ in self.doubts]
        self.not_checked += [f"{len(where)} statements, {where[:3]}..., that rest on one not shown"] if where else []
        self.not_checked += [f"{len(self.unseen)} statements that are withheld or erased"] if self.unseen else []
        for digest, (place, document) in self.book.documents.items():
            texts = [text for language in document["languages"].values() for text in language.values()]
            for wanted in (digest, *texts):
                path = self.folder / "templates" / f"{wanted[7:]}.{'json' if wanted == digest else 'md'}"
                if path.is_file() and f"sha256:{sha(path.read_bytes()).hex()}" != wanted:
                    self.bad(place, f"`{path.name}` is not what was published")


def check_certificate(raw: bytes, vkeys: list[str], book: Book) -> list[str]:
    """Return what was not checked of a certificate; raise Bad for one that does not hold."""
    file, indexes, closed = unjson(raw.removesuffix(b"\n")), [], {}
    fields = {"answer", "checkpoint", "entries", "evidence", "format", "log_keys", "witnesses"}
    format_ = raw.endswith(b"}\n") and {*file} == fields and file["format"]
    need(format_ == "consent-ledger/certificate/v1", "is not a certificate")
    note, keys = file["checkpoint"].encode(), [*file["log_keys"], *file["witnesses"]]
    origin, size, root = parse_note(note)
    signed, others = signers_of(note, keys)
    need(sorted(signed) == sorted(keys) and not others, "checkpoint is signed by others than it says")
    need({*vkeys} & {*file["log_keys"]} and origin == read_vkey(vkeys[0])[0], "certificate is of another log")
    for sealed in file["entries"]:
        match = ENTRY.fullmatch(sealed["entry"].encode())
        need(match and int(match[2]) > (indexes or [-1])[-1], "entry is malformed, or not in its place")
        indexes.append(place := int(match[2]))
        proved = root_over(sha(b"\0" + match[0]), place, size, [unbase64(node) for node in sealed["proof"]])
        need(proved == root, f"entry {place} is not in the log")
        opening = {*sealed} - {"entry", "proof"}
        need(opening in ({"salt", "envelope"}, {"erased_by"}, set()), f"entry {place} has half an opening")
        try:
            if "salt" in opening:
                book.open(place, match[1], match[4].decode(), sealed["salt"], sealed["envelope"])
            else:
                closed[place] = sealed.get("erased_by")
        except Unknown as e:
            need(closed, f"entry {place} {e}")
    wrong = [place for place, by in closed.items() if by is not None and place not in book.erasures.get(by, ())]
    need(not wrong, f"entries {wrong} are not named by their erasure")
    for name, kind in (("answer", "decision"), ("evidence", "evidence")):
        (signature,) = file[name]["signatures"]
        whole = {*file[name]} == {"payload", "payloadType", "signatures"} and {*signature} == {"keyid", "sig"}
        need(whole and file[name]["payloadType"] == DSSE_TYPE.format(kind), "has another envelope than it should")
        own = book.owners.get(signature["keyid"]) == book.operator and signature["keyid"] not in book.stopped
        need(own, "is not signed by the operator")
        book.check_dsse(file[name], signature)
    payload = unbase64(file["answer"]["payload"])
    answer, evidence = unjson(payload, one_form=False), unjson(unbase64(file["evidence"]["payload"]))
    said = [evidence[name] for name in ("answer", "entries", "ledger", "size")]
    need(
        said == [f"sha256:{sha(payload).hex()}", indexes, book.origin, answer["size"]],
        "the operator signed other evidence",
    )
    need({*file["log_keys"]} <= {*book.signing(size)}, "checkpoint is signed by a key that was not the log's")
    there = answer["root"] is None or (answer["size"], answer["root"]) == (size, root.hex())
    need(there and indexes[-1] < answer["size"] <= size, "answer is of another size or root")
    rests_on = {item["entry"] for item in (*answer["reasons"], *answer["requirements"])}
    need(rests_on <= {None, *indexes}, "answer rests on an entry that is not here")
    print(f"verdict {answer['verdict']} on {answer['asset']}, as of {answer['as_of']}")
    return [f"entry {place}, which is not shown" for place in closed] + ["that no other entry touches the question"]


def check(place: Path, scratch: Path, vkeys: list[str], older: list[bytes]) -> tuple[Book, list, list[str]]:
    book = Book()
    try:
        if place.is_file() and place.open("rb").read(1) == b"{":
            return book, [], check_certificate(place.read_bytes(), vkeys, book)
        audit = Audit(place if place.is_dir() else unpack(place, scratch), vkeys, older)
        audit.run()
        return audit.book, audit.findings, audit.not_checked
    except (ValueError, LookupError, TypeError, AttributeError, tarfile.TarError, OSError) as e:
        return book, [(None, str(e))], ["anything else"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a bundle or a certificate, sharing no code with its maker.")
    parser.add_argument("place", type=Path, help="a folder, a tar, or a certificate")
    parser.add_argument("--vkey", required=True, help="the log's verifier key, known from elsewhere")
    parser.add_argument("--checkpoint", type=argparse.FileType("rb"), action="append", default=[], help="an older one")
    given = parser.parse_args()
    older = [file.read() for file in given.checkpoint]
    with tempfile.TemporaryDirectory() as scratch:
        book, findings, not_checked = check(given.place, Path(scratch), given.vkey.split(), older)
    print(f"checked {len(book.ids)} statements, {book.signatures} signatures")
    print(*(f"not checked: {sentence}" for sentence in (*not_checked, *NOT_CHECKED)), sep="\n")
    for entry, what in sorted(set(findings), key=lambda f: (f[0] is None, f[0] or 0, f[1])):
        print(f"{'log' if entry is None else f'entry {entry}'}: {what}")
    print("NOT VERIFIED" if findings else "verified: everything that was checked is as it was recorded")
    return 5 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

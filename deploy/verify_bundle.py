#!/usr/bin/env python3
"""A second verifier for consent-ledger bundles and certificates: one file, the standard library and `cryptography`.

It shares no code with the service, so that a mistake there is not made here too. It recomputes notes, tree, chain,
every tile, entry, opening, erasure, template file and signature, by whose key it has to be. Exit code 5: it is not so.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import tarfile
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOT_CHECKED = (
    "decisions, which `consent-ledger verify` makes anew; time-stamps; whether the witnesses are enough",
    "what statements may say, but for who signs and enrols, what is erased, and that none is there twice",
    "that keys are their people's and have no part of mixed order, that media files are what was hashed",
)
DSSE_TYPE = "application/vnd.consent-ledger.{}.v1+json"
HASH = '"([0-9a-f]{64})"'
SEALED = (
    rf'\{{"commitment":{HASH},"index":(0|[1-9][0-9]{{0,15}}),"previous":{HASH},"recorded_at":"([^"]{{20}})","v":1\}}'
)
POLICY = re.compile(r"#.*|log \S+.*|witness \S+ \S+.*|group \S+ .+|quorum \S+|")
P, L, WIDTH = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, 256
ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, P - 1, ORDER_8, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7}
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Bad(ValueError):
    """Something that is not as it should be."""


class Unknown(Bad):
    """It rests on what is not here: bad, unless that may be what is not shown."""


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
    def paired(pairs: list) -> dict:
        need(len(made := dict(pairs)) == len(pairs) and not (one_form and None in made.values()), "repeats a field")
        return made

    value = json.loads(raw, object_pairs_hook=paired, parse_float=int, parse_constant=int)  # which are no integers
    need(not one_form or canonical(value).encode() == raw, "is not in its one form")
    return value


def check_time(text: str) -> str:
    need(datetime.fromisoformat(text[:19]).isoformat() + "Z" == text, "has a time that is none")
    return text


def check_key(raw: bytes) -> bytes:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    need(len(raw) == 32 and y < P and y not in SMALL_ORDER, "public key is not one that may be used")
    return raw


def check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    need(len(signature) == 64 and int.from_bytes(signature[32:], "little") < L, "signature is malformed")
    try:
        Ed25519PublicKey.from_public_bytes(check_key(key)).verify(signature, message)
    except Exception as e:
        raise Bad("signature does not verify") from e


def read_vkey(text: str) -> tuple[bytes, bytes, int, bytes]:
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
    need(match, "verifier key is not name+id+key")
    name, material = match[1].encode(), unbase64(match[3])
    need(sha(name + b"\n" + material)[:4].hex() == match[2] and material[0] in (1, 4), "verifier key is malformed")
    return name, bytes.fromhex(match[2]), material[0], check_key(material[1:])


def signers_of(note: bytes, vkeys: list[str]) -> tuple[set[str], int]:
    text, _, lines = note.rpartition(b"\n\n")
    keys = {read_vkey(vkey)[:2]: (vkey, *read_vkey(vkey)[2:]) for vkey in vkeys}
    found: list[str] = []
    for line in lines.removesuffix(b"\n").split(b"\n"):
        match = re.fullmatch(rb"\xe2\x80\x94 ([^ ]+) ([A-Za-z0-9+/]+={0,2})", line)
        need(match, "checkpoint has a malformed signature line")
        if (match[1], (blob := unbase64(match[2]))[:4]) in keys:
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


def root_of(nodes: list[bytes]) -> bytes:
    if len(nodes) < 2:
        return nodes[0] if nodes else sha(b"")
    half = 1 << (len(nodes) - 1).bit_length() - 1
    return sha(b"\1" + root_of(nodes[:half]) + root_of(nodes[half:]))


def root_over(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    inner = (index ^ size - 1).bit_length()  # above so many nodes all are on the left
    fits = 0 <= index < size and len(proof) == inner + (index >> inner).bit_count()
    need(fits and all(len(node) == 32 for node in proof), "proof is not of the right length")
    for n, node in enumerate(proof):
        leaf = sha(b"\1" + (leaf + node if n < inner and not index >> n & 1 else node + leaf))
    return leaf


class Book:  # who is who, as the statements so far say; `gone` are those whose statements were erased
    def __init__(self) -> None:
        self.signatures, self.operator, self.origin, self.head, self.log_keys = 0, "", "", "", {}
        self.keys, self.owners, self.stopped, self.publishers, self.documents = {}, {}, {}, {}, {}
        self.ids, self.erasures, self.kinds, self.gone, self.named = {}, {}, {}, set(), set()

    def open(self, place: int, commitment: str, time: str, salt: str, envelope: str) -> None:
        opened = sha(b"consent-ledger/opening/v1\n" + unbase64(salt) + unbase64(envelope)).hex()
        need(len(unbase64(salt)) == 32 and opened == commitment, "has an opening that it does not commit to")
        dsse = unjson(unbase64(envelope), one_form=False)
        payload, keyids = unbase64(dsse["payload"]), {signature["keyid"] for signature in dsse["signatures"]}
        plain = all({"keyid", "sig"} <= {*s} <= {"keyid", "sig", "time"} for s in dsse["signatures"])
        plain &= {*dsse} == {"payload", "payloadType", "signatures"} and len(dsse["signatures"]) == len(keyids) <= 8
        need(plain and dsse["payloadType"] == DSSE_TYPE.format("statement"), "has another envelope than it should")
        statement, normal = unjson(payload), unicodedata.normalize("NFC", payload.decode()).encode() == payload
        fits = normal and len(payload) <= 48 * 1024 and check_time(statement["issued_at"])
        need(fits, "holds a statement that is not in normal form, or too long")
        first = self.ids.setdefault(sha(payload), place)
        need(first == place, f"records again what entry {first} has recorded")
        need((statement["type"] == "genesis") == (place == 0), "is a second genesis, or is entry 0 and none")
        self.named, known = {statement["issuer"], statement.get("party")}, statement["issuer"] in self.kinds
        need(self.may(statement, keyids), "is not its issuer's to say", Bad if known else Unknown)
        self.take(place, statement)
        need(statement["ledger"] == self.origin, "is meant for another ledger", Bad if self.origin else Unknown)
        self.check(dsse, statement, time)

    def may(self, statement: dict, keyids: set[str]) -> bool:
        """Whether its issuer may enrol the party, key or log key that a statement is about, or say that one is over."""
        kind, issuer, party, key = (statement.get(name) for name in ("type", "issuer", "party", "key"))
        if kind == "party":
            enrols = ("ledger", "organisation") if statement["kind"] == "person" else ("ledger",)
            return self.kinds.get(issuer) in enrols and not (key and party in self.kinds)
        if kind == "key" and key:
            return issuer == party and f"sha256:{sha(unbase64(key['public_key'])).hex()}" in keyids
        return kind != "key" or issuer == self.operator or (issuer == party and "log_key" not in statement)

    def take(self, place: int, statement: dict) -> None:
        kind, issuer, material = statement["type"], statement["issuer"], statement.get("key")
        party = statement.get("party", issuer)
        if kind == "genesis":
            self.operator, self.origin, material = issuer, statement["ledger"], statement["operator_key"]
            self.log_keys, self.kinds[issuer] = {statement["log_key"]: (0, None)}, "ledger"
        if material:
            keyid = f"sha256:{sha(raw := check_key(unbase64(material['public_key']))).hex()}"
            need(keyid not in self.owners, "enrols a key that is enrolled already")
            self.keys[keyid], self.owners[keyid] = raw, party
        if kind == "party":
            self.kinds.setdefault(party, statement["kind"])
        elif kind == "key" and "keyid" in statement:
            self.stopped.setdefault(statement["keyid"], []).append(statement.get("since", ""))
        elif kind == "key" and "log_key" in statement:
            vkey, old = statement["log_key"], statement["action"] == "retired"
            fits = party == issuer and read_vkey(vkey)[:3:2] == (self.origin.encode(), 1)
            need(fits and old == (vkey in self.log_keys), "names another key than one that is the log's, or becomes it")
            self.log_keys[vkey] = (self.log_keys[vkey][0], place) if old else (place, None)
        elif kind == "template" and "document" in statement:
            digest = f"sha256:{sha(canonical(statement['document']).encode()).hex()}"
            need(digest == statement["template"]["digest"], "publishes a template under another digest than its own")
            self.publishers[digest], self.documents[digest] = issuer, (place, statement["document"])
        elif kind == "erasure":
            may = issuer == self.operator and self.kinds.get(party, "person") == "person"
            need(may and max(statement["entries"], default=0) < place, "is no erasure that may be")
            self.erasures[place] = statement["entries"]
            self.gone |= {party} if statement["entries"] else set()

    def check(self, dsse: dict, statement: dict, time: str) -> None:
        for signature in (known := [s for s in dsse["signatures"] if s["keyid"] in self.keys]):
            self.check_dsse(dsse, signature)
        stamps = [(check_time(s["time"]), self.kinds.get(self.owners[s["keyid"]])) for s in known if "time" in s]
        timed, source = min(stamps, default=(time, "time_source"))
        need(source == "time_source", "is timed by no time source", Unknown)
        kind, assurance, brought = statement["type"], statement.get("assurance"), statement.get("key")
        published = self.publishers.get(statement.get("template", {}).get("digest"))
        speaker = {"witnessed": self.operator, "attested": published}.get(assurance, statement["issuer"])
        signers = {s["keyid"] for s in known if "time" not in s}
        new = f"sha256:{sha(unbase64(brought['public_key'])).hex()}" if brought else ""
        own = {keyid for keyid in signers - {new} if self.owners[keyid] == speaker}
        need(own or len(known) == len(dsse["signatures"]), "is signed by a key that is not enrolled", Unknown)
        need(own, "is not signed by its issuer", Bad if assurance == "own_key" or not signers else Unknown)
        stops = kind == "revocation" or statement.get("action") in ("suspended", "retired", "compromised")
        held = any(all(since > min(time, timed) for since in self.stopped.get(keyid, ())) for keyid in own)
        need((stops and "log_key" not in statement) or held, "is signed by a key that was retired or compromised")
        self.named |= {*re.findall(r"pty_[0-9a-f]{32}", canonical(statement))}
        need(len(known) == len(dsse["signatures"]), "is cosigned by a key that is not enrolled", Unknown)

    def check_dsse(self, dsse: dict, signature: dict) -> None:
        payload, kind = unbase64(dsse["payload"]), dsse["payloadType"].encode()
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        if "time" in signature:
            message = f"consent-ledger/time/v1\n{signature['time']}\n{sha(message).hex()}\n".encode()
        check_signature(self.keys[signature["keyid"]], message, unbase64(signature["sig"]))
        self.signatures += 1

    def signing(self, size: int) -> list[str]:
        return [key for key, (entry, end) in self.log_keys.items() if entry < size and (end is None or size <= end)]


def unpack(place: Path, folder: Path) -> Path:
    with tarfile.open(place, "r:") as tar:
        for member in tar.getmembers():
            path = Path(member.name)
            plain = member.offset_data - member.offset == 512 and not (path.is_absolute() or ".." in path.parts)
            need(plain and member.type in (b"0", b"\0", b"5"), f"`{path}` is no file, or leads elsewhere")
            if not member.isdir():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with (folder / path).open("xb") as copy:
                    copy.write(tar.extractfile(member).read())
        tar.fileobj.seek(tar.offset)
        need((rest := tar.fileobj.read(2**20)) and not any(rest), "the tar does not end where it should")
    return folder


def tile_path(level: str, index: int, width: int) -> str:
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    return f"tile/{level}/" + re.sub(r"(...)(?=.)", r"x\1/", digits) + ("" if width == WIDTH else f".p/{width}")


class Audit:
    def __init__(self, folder: Path, vkeys: list[str], older: list[bytes]) -> None:
        self.folder, self.vkeys, self.book, self.leaves, self.findings = folder, vkeys, Book(), [], []
        self.known = {"README.txt", "decisions.ndjson"}
        self.not_checked = [] if older else ["that nothing was taken back: want --checkpoint"]
        self.unseen, self.erased, self.doubts = set(), {}, []
        handovers = [self.file(path.relative_to(folder).as_posix()) for path in sorted(folder.glob("checkpoints/*"))]
        self.notes = [*older, *handovers, self.file("checkpoint")]
        scope = unjson(self.file("scope.json"), one_form=False) if os.path.lexists(folder / "scope.json") else {}
        self.complete = scope.get("openings", "all") == "all"

    def bad(self, entry: int | None, what: object) -> None:
        self.findings.append((entry, str(what)))

    def file(self, path: str, entry: int | None = None) -> bytes:
        self.known.add(path)
        if (self.folder / path).is_file() and not (self.folder / path).is_symlink():
            return (self.folder / path).read_bytes()
        self.bad(entry, f"`{path}` is not there")
        return b""

    def run(self) -> None:
        origin, size, root = parse_note(self.notes[-1])
        self.book.head = f"ledger {origin.decode()}, {size} entries, root {root.hex()}"
        openings = self.file("openings.ndjson", 0)
        self.walk(min(size, 10_000 + len(openings) // 25), openings)
        for check in (self.check_tiles, self.check_notes, self.check_witnesses, self.settle):
            try:
                check()
            except ValueError as e:
                self.bad(None, e)
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir())
        strange = sorted({path.relative_to(self.folder).as_posix() for path in found} - self.known)
        self.not_checked += [f"`{path}`, which is no part of what was looked at" for path in strange[:9]]

    def check_notes(self) -> None:
        *written, end = self.file("keys.txt").decode().split("\n")
        need({*map(read_vkey, written)} & {*map(read_vkey, self.vkeys)} and not end, "`keys.txt` names another key")
        opened = []
        for note in self.notes:
            origin, size, root = parse_note(note)
            if origin != read_vkey(self.vkeys[0])[0]:
                self.bad(0 if note == self.notes[-1] else None, "a checkpoint is of another log")
            signed = signers_of(note, self.book.signing(size) or self.vkeys)[0]
            need(signed, "checkpoint is not signed by the log")
            if size > (there := len(self.leaves)):
                self.bad(there if note != self.notes[-1] else None, f"a checkpoint says {size} entries")
            elif root_of(self.leaves[:size]) != root:
                self.bad(None, f"first {size} entries do not have the root that was signed")
            opened.append((size, signed))
        trusted = (named := self.book.log_keys).keys() & {*self.vkeys}
        for _ in named:  # trust goes on by checkpoints that a trusted key signed
            reach = max((size for size, signed in opened if signed & trusted), default=0)
            trusted |= {key for key, (entry, _) in named.items() if entry < reach}
        if named and not trusted:
            self.bad(0, "the log names other keys than the one that was given")
        need(not trusted or trusted & opened[-1][1], "no checkpoint shows that the given key handed over to this one")

    def check_witnesses(self) -> None:
        text = self.file("policy.txt").decode()
        names, quorum = (re.findall(rf"^{line} (\S+)", text, re.M) for line in ("(?:witness|group)", "quorum"))
        known = {*self.vkeys, *self.book.log_keys}
        whole = all(map(POLICY.fullmatch, text.split("\n"))) and {*quorum} <= {"none", *names} and len(quorum) == 1
        need(whole and {*re.findall(r"^log (\S+)", text, re.M)} & known, "`policy.txt` is not one for this log")
        signed, others = signers_of(self.notes[-1], [*known, *re.findall(r"^witness \S+ (\S+)", text, re.M)])
        named = ", ".join(sorted(signed - known)) or "nobody"
        self.not_checked.append(f"witnesses: cosigned by {named} of the sender's, and {others} times by others")

    def walk(self, size: int, openings: bytes) -> None:
        previous, time, lines = bytes(32).hex(), "", self.lines(size, openings)
        for place, raw in enumerate(self.entries(size)):
            self.leaves.append(sha(b"\0" + raw))
            if match := re.fullmatch(SEALED, raw.decode("latin-1")):
                commitment, index, link, recorded = match.groups()
                if int(index) != place or link != previous or recorded < time:
                    self.bad(place, "does not follow the entry before it, by its number, link or time")
                self.check_opening(place, commitment, time := recorded, lines.get(place, b""))
            else:
                self.bad(place, "is not an entry")
                self.unseen.add(place)
            previous = self.leaves[-1].hex()

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

    def check_tiles(self) -> None:
        level, nodes = 0, self.leaves  # None: something was found below it
        while nodes:
            above = []
            for start in range(0, len(nodes), WIDTH):
                row = nodes[start : start + WIDTH]
                raw = self.file(path := tile_path(str(level), start // WIDTH, len(row)), None if level else start)
                wrong = [n for n, node in enumerate(row) if node and raw[n * 32 : n * 32 + 32] != node]
                if (self.folder / path).is_file() and (wrong or len(raw) != 32 * len(row)):
                    first = start + (wrong[0] if len(raw) == 32 * len(row) else 0)
                    self.bad(first << 8 * level, f"`{path}` does not have the hashes of the entries")
                above += [None if wrong or None in row else root_of(row)] * (len(row) == WIDTH)
            level, nodes = level + 1, above

    def lines(self, size: int, openings: bytes) -> dict[int, bytes]:
        found, expected = {}, 0
        for raw in openings.splitlines(keepends=True):
            index = int(m[1]) if (m := re.search(rb'"index":(0|[1-9][0-9]{0,15})[,}]', raw)) else expected
            if index in found or not expected <= index < size:
                self.bad(min(index, expected), "line of `openings.ndjson` is not in its place")
            found.setdefault(index, raw)
            expected = max(expected, index + 1)
        return found

    def check_opening(self, place: int, commitment: str, time: str, raw: bytes) -> None:
        try:
            match unjson(raw[:-1]) if check_time(time) and raw.endswith(b"\n") else None:
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
            return self.doubts.append((place, e, self.book.named)) if self.unseen else self.bad(place, e)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            self.bad(place, e if isinstance(e, Bad) else "has a time or an envelope that is none")
        if place not in self.book.ids.values():
            self.unseen.add(place)

    def settle(self) -> None:
        for entry, by in self.erased.items():
            twice = by in self.book.erasures.get(self.erased.get(by, -1), ())
            if twice or (by not in self.unseen and entry not in self.book.erasures.get(by, ())):
                self.bad(entry, f"entry {by} is not an erasure that names it")
        for place, what, named in self.doubts:
            if self.unseen <= self.erased.keys() and not named & self.book.gone:
                self.bad(place, what)
        unseen = f"statements withheld or erased: {len(self.unseen)}, and that rest on such: {len(self.doubts)}"
        self.not_checked += [unseen] if self.unseen else []
        for digest, (place, document) in self.book.documents.items():
            texts = [text for language in document["languages"].values() for text in language.values()]
            for wanted in dict.fromkeys((digest, *texts)):
                path = f"templates/{wanted[7:]}.{'json' if wanted == digest else 'md'}"
                if not os.path.lexists(self.folder / path):
                    self.not_checked += [f"`{path}`, which is not here"]
                elif sha(self.file(path, place)).hex() != wanted[7:]:
                    self.bad(place, f"`{path}` is not what was published")


def check_certificate(raw: bytes, vkeys: list[str], book: Book) -> list[str]:
    file, indexes, closed = unjson(raw.removesuffix(b"\n")), [], {}
    fields = [*file] == ["answer", "checkpoint", "entries", "evidence", "format", "log_keys", "witnesses"]
    need(fields and file["format"] == "consent-ledger/certificate/v1" and raw[-1:] == b"\n", "is not a certificate")
    note, keys = file["checkpoint"].encode(), [*file["log_keys"], *file["witnesses"]]
    origin, size, root = parse_note(note)
    signed, others = signers_of(note, keys)
    need(sorted(signed) == sorted(keys) and not others, "checkpoint is signed by others than it says")
    given = origin == read_vkey(vkeys[0])[0] and {*vkeys} & {*file["log_keys"]}
    need(given, "checkpoint is not signed by the key that was given: is it of another log, or was the key replaced?")
    for sealed in file["entries"]:
        match = re.fullmatch(SEALED, sealed["entry"])
        need(
            match and int(match[2]) > max(indexes, default=-1) and check_time(match[4]),
            "entry is malformed, or not in its place",
        )
        indexes.append(place := int(match[2]))
        proved = root_over(sha(b"\0" + match[0].encode()), place, size, [unbase64(node) for node in sealed["proof"]])
        need(proved == root, f"entry {place} is not in the log")
        opening = {*sealed} - {"entry", "proof"}
        need(opening in ({"salt", "envelope"}, {"erased_by"}, set()), f"entry {place} has half an opening")
        closed |= {} if "salt" in opening else {place: sealed.get("erased_by")}
        try:
            "salt" in opening and book.open(place, match[1], match[4], sealed["salt"], sealed["envelope"])
        except Unknown as e:
            need(closed, f"entry {place} {e}")
    named = all(by is None or place in book.erasures.get(by, ()) for place, by in closed.items())
    need(named, "an entry is not named by the erasure that it says")
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
    meant = [f"sha256:{sha(payload).hex()}", indexes, book.origin, answer["size"]]
    need(said == meant, "the operator signed other evidence")
    need({*file["log_keys"]} <= {*book.signing(size)}, "checkpoint is signed by a key that was not the log's")
    there = answer["root"] is None or (answer["size"], answer["root"]) == (size, root.hex())
    rests_on = {None, *indexes} >= {item["entry"] for item in (*answer["reasons"], *answer["requirements"])}
    need(rests_on and there and indexes[-1] < answer["size"] <= size, "answer is of another size, root or entries")
    book.head = f"certificate by {book.origin}, at {size} entries, as of {answer['as_of']}: {answer['verdict']} for "
    book.head += f"{answer['asset']}, asked for {canonical(answer['query'])}"
    return [f"entry {place}, which is not shown" for place in closed] + ["that no other entry touches the question"]


def check(place: Path, scratch: Path, vkeys: list[str], older: list[bytes]) -> tuple[Book, list, list[str]]:
    book = Book()
    try:
        if place.is_file() and place.open("rb").read(1) == b"{":
            return book, [], check_certificate(place.read_bytes(), vkeys, book)
        audit = Audit(place if place.is_dir() else unpack(place, scratch), vkeys, older)
        audit.run()
        return audit.book, audit.findings, audit.not_checked
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, tarfile.TarError, OSError) as e:
        return book, [(None, str(e))], ["anything else"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a bundle or a certificate, sharing no code with its maker.")
    parser.add_argument("place", type=Path, help="a folder, a tar, or a certificate")
    parser.add_argument("--vkey", required=True, help="the log's verifier key, known from elsewhere, or a file with it")
    parser.add_argument("--checkpoint", type=argparse.FileType("rb"), action="append", default=[], help="an older one")
    given = parser.parse_args()
    vkeys = (Path(given.vkey).read_text() if os.path.isfile(given.vkey) else given.vkey).split()
    with tempfile.TemporaryDirectory() as scratch:
        book, findings, not_checked = check(given.place, Path(scratch), vkeys, [f.read() for f in given.checkpoint])
    say = [book.head or "cannot be read", f"checked {len(book.ids)} statements, {book.signatures} signatures"]
    say += [f"not checked: {sentence}" for sentence in (*not_checked, *NOT_CHECKED)]
    for entry, what in sorted(set(findings), key=lambda f: (f[0] is None, f[0] or 0, f[1])):
        say.append(f"{'log' if entry is None else f'entry {entry}'}: {what}")
    first = min((entry for entry, _ in findings if entry is not None), default="not to be named")
    good = "verified: everything that was checked is as it was recorded"
    say.append(f"NOT VERIFIED: the first bad entry is {first}" if findings else good)
    print(*("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line) for line in say), sep="\n")
    return 5 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

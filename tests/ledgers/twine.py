"""The Twine fixture of the design: an open, paid video dataset, as signed envelopes.

Contributor i films `videos` clips and is seen in them. Everybody grants training inside the organisation; `open` is
granted unless i % 20 == 7. Where i % 10 == 0, the last clip also shows contributor i + 1.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from random import Random
from typing import NamedTuple

from consent_ledger.issuing import Issuer, grant_fields, key_material, template_ref, whole_second
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.masks import compile_use
from consent_ledger.licenses.terms import LanguageDigests, Permission, Prohibition, Rule, TemplateDocument
from consent_ledger.signing.instants import parse_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text

ORIGIN = "twine.example/ledger"
PROJECT = "twine"
START = parse_time("2026-01-05T09:00:00Z")
OPEN = compile_use(["train"], ["general"], "commercial", "open", licence="CC-BY-4.0")
INTERNAL = compile_use(["train"], ["general"], "commercial", "internal")
TEXT = "sha256:" + sha256(b"You allow training inside the organisation, and open release if you say yes.").hexdigest()


@cache
def key_for(name: str) -> SigningKey:
    """The same key for the same name, always: fixtures can be compared."""
    return SigningKey.from_seed(sha256(f"twine/{name}".encode()).digest())


@cache
def party_for(name: str) -> str:
    return "pty_" + sha256(f"twine/party/{name}".encode()).hexdigest()[:32]


class Twine(NamedTuple):
    """How large the dataset is."""

    contributors: int = 3000
    videos: int = 8

    def issuer(self, i: int) -> Issuer:
        return Issuer(ORIGIN, party_for(f"c{i:04}"), key_for(f"c{i:04}"))

    @property
    def operator(self) -> Issuer:
        return Issuer(ORIGIN, party_for("operator"), key_for("operator"))

    @property
    def organisation(self) -> Issuer:
        return Issuer(ORIGIN, party_for("organisation"), key_for("organisation"))

    def video(self, i: int, k: int) -> str:
        return "sha256:" + sha256(f"video {i} {k}".encode()).hexdigest()

    def assets(self) -> list[str]:
        return [self.video(i, k) for i in range(self.contributors) for k in range(self.videos)]

    def genesis(self) -> st.Genesis:
        statement = self.operator.draft(
            st.Genesis,
            START,
            format=1,
            log_key=vkey_text(ORIGIN, key_for("log").public_key),
            operator_key=key_material(key_for("operator").public_key),
        )
        assert isinstance(statement, st.Genesis)
        return statement

    def document(self) -> TemplateDocument:
        common = {"aims": ["general"], "contexts": ["commercial"], "territories": ["WORLD"], "explicit": False}
        train = Permission(rule="train", activities=["train"], max_audience="internal", **common)
        release = Permission(rule="open", activities=["train"], max_audience="open", licences=["CC-BY-4.0"], **common)
        return TemplateDocument(
            id="twine",
            version="1.0",
            publisher=self.organisation.party,
            capacities=["owner", "subject"],
            rules=[
                Rule(id="train", optional=False, permission=train),
                Rule(id="open", optional=True, permission=release),
            ],
            conditions=[],
            obligations=[],
            derivatives="allowed",
            copyright="revocable",
            survives_death=False,
            policies={},
            languages={"en": LanguageDigests(text=TEXT, summary=TEXT)},
        )

    def setting(self) -> Iterator[bytes]:
        """The organisation, its template and its project."""
        key = key_material(self.organisation.key.public_key)
        yield self.operator.say(st.Party, START, party=self.organisation.party, kind="organisation", key=key)
        ref = template_ref(self.document())
        yield self.organisation.say(st.Template, START, template=ref, action="published", document=self.document())
        yield self.organisation.say(
            st.Project, START, project=PROJECT, controller=self.organisation.party, title="Twine", brief="",
            templates=[ref], flags=[],
        )  # fmt: skip

    def enrolments(self) -> Iterator[bytes]:
        for i in range(self.contributors):
            person = self.issuer(i)
            key = key_material(person.key.public_key)
            yield self.organisation.say(st.Party, START, party=person.party, kind="person", age="adult", key=key)

    def registrations(self) -> Iterator[bytes]:
        for i in range(self.contributors):
            person = self.issuer(i)
            for start in range(0, self.videos, st.MAX_MEDIA):
                clips = range(start, min(start + st.MAX_MEDIA, self.videos))
                yield person.say(st.Asset, START, project=PROJECT, media=[self.medium(i, k) for k in clips])

    def medium(self, i: int, k: int) -> st.Medium:
        subjects = [self.issuer(i).party]
        if i % 10 == 0 and k == self.videos - 1:
            subjects.append(self.issuer(i + 1).party)
        return st.Medium(
            hash=self.video(i, k),
            size=1000 + k,
            media_type="video/mp4",
            owners=[self.issuer(i).party],
            subjects=subjects,
        )

    def grants(self) -> Iterator[bytes]:
        document = self.document()
        says = {choice: grant_fields(document, "en", {"open": choice}) for choice in (True, False)}
        for i in range(self.contributors):
            yield self.grant(i, says[i % 20 != 7])

    def grant(self, i: int, fields: dict[str, object]) -> bytes:
        return self.issuer(i).say(
            st.Grant, START, capacities=["owner", "subject"], scope=st.Scope(project=PROJECT),
            starts=whole_second(START), assurance="own_key", **fields,
        )  # fmt: skip

    def derived(self, i: int, k: int, depth: int) -> str:
        """The clip, blurred once and then transcoded `depth - 1` times; depth 0 is the clip itself."""
        return self.video(i, k) if depth == 0 else "sha256:" + sha256(f"derived {i} {k} {depth}".encode()).hexdigest()

    def derived_assets(self, depth: int) -> list[str]:
        clips = [(i, k) for i in range(self.contributors) for k in range(self.videos)]
        return [self.derived(i, k, d) for d in range(1, depth + 1) for i, k in clips]

    def derivations(self, depth: int) -> Iterator[bytes]:
        """Every clip derived, `depth` deep, as the organisation registers it."""
        clips = [(i, k) for i in range(self.contributors) for k in range(self.videos)]
        for d in range(1, depth + 1):
            for start in range(0, len(clips), st.MAX_MEDIA // 2):
                part = clips[start : start + st.MAX_MEDIA // 2]
                media = [self._made(i, k, d) for i, k in part]
                yield self.organisation.say(st.Asset, START, project=PROJECT, media=media)

    def _made(self, i: int, k: int, depth: int) -> st.Medium:
        made = st.Derivation(asset=self.derived(i, k, depth - 1), transform="face_blur" if depth == 1 else "transcode")
        return st.Medium(
            hash=self.derived(i, k, depth),
            size=900,
            media_type="video/mp4",
            owners=[],
            subjects=[],
            derived_from=[made],
        )

    def withdrawals(self, rng: Random, share: float = 0.05) -> Iterator[bytes]:
        """Some contributors withdraw: half of them everything, half only open release."""
        for i in sorted(rng.sample(range(self.contributors), int(self.contributors * share))):
            uses = {"uses": Prohibition(min_audience="open")} if rng.random() < 0.5 else {}
            yield self.issuer(i).say(st.Revocation, START, party=self.issuer(i).party, channel="key", **uses)

    def envelopes(self) -> Iterator[bytes]:
        """Everything after genesis, in an order that the ledger accepts."""
        yield from self.setting()
        yield from self.enrolments()
        yield from self.registrations()
        yield from self.grants()

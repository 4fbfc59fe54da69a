"""The demo's world: a home, thirty people with keys of their own, 240 files, and a clock that the demo turns."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from consent_ledger.address_book import LEDGER, AddressBook, Contact
from consent_ledger.clearance import Clearance, clear
from consent_ledger.demo_media import write_media
from consent_ledger.errors import LedgerError
from consent_ledger.home import create_home, open_ledger
from consent_ledger.issuing import Issuer, grant_fields, key_material, new_party_id, template_ref, whole_second
from consent_ledger.keyfile import new_seed, read_key_file, write_key_file
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.masks import compile_use
from consent_ledger.licenses.terms import Prohibition, TemplateDocument
from consent_ledger.media import Hashed, find_files, hash_files
from consent_ledger.resources import template_root
from consent_ledger.settings import Settings, default_database
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.keys import SigningKey
from consent_ledger.template_files import read_template
from consent_ledger.withdrawal import find_withdrawal

PEOPLE, CLIPS = 30, 8
ORIGIN = "demo.example/twine"
PROJECT = "twine"
TEMPLATE = "open-video-dataset/1.0"
DAY = 24 * 3600 * SECOND

Place = tuple[int, int]
"""A file: whose it is, and which of the eight."""


def name_of(person: int) -> str:
    """Return the local name of a contributor."""
    return f"c{person:04d}"


def shown_in(place: Place) -> set[int]:
    """Return who is seen or heard in a file: its maker, and in three of them somebody else."""
    person, clip = place
    return {person, person + 1} if clip == CLIPS - 1 and person % 10 == 0 else {person}


def should_be_allowed(
    audience: str, withdrawn: Collection[int] = (), withdrawn_open: Collection[int] = ()
) -> set[Place]:
    """Return the files that may be used, by the story alone: everybody in it has said yes, and has not stopped."""

    def agrees(person: int) -> bool:
        said_yes = audience == "internal" or (person % 20 != 7 and person not in withdrawn_open)
        return said_yes and person not in withdrawn

    places = {(person, clip) for person in range(PEOPLE) for clip in range(CLIPS)}
    return {place for place in places if all(agrees(person) for person in shown_in(place))}


class Asked(NamedTuple):
    """An answer of the ledger about all files. `reasons`: how many files have a verdict for which codes, by whom."""

    counts: Counter[str]
    allowed: set[Place]
    reasons: dict[tuple[str, tuple[str, ...]], tuple[int, set[str]]]
    point: Clearance

    def __str__(self) -> str:
        verdicts = ", ".join(f"{name} {self.counts[name]}" for name in ("allow", "deny", "undetermined"))
        return f"checked {self.counts.total()}, {verdicts}"


class Stage:
    """Everything that the demo does to its ledger."""

    def __init__(self, directory: Path, ledger: Ledger, settings: Settings) -> None:
        self.directory = directory
        self.media = directory / "media"
        self.ledger = ledger
        self._settings = settings
        self._book = AddressBook(settings.address_book)
        self._issuers: dict[str, Issuer] = {}
        self._document: TemplateDocument | None = None
        self.files: dict[Place, Hashed] = {}

    def issuer(self, name: str) -> Issuer:
        """Return somebody who signs with the key in her own file."""
        if name not in self._issuers:
            contact = self._book.find(name)
            key = read_key_file(self._settings.home / (contact.key or ""))
            self._issuers[name] = Issuer(ORIGIN, contact.party, key)
        return self._issuers[name]

    def enrol(self, names: list[str], **fields: Any) -> None:
        """Give each a key in a file of her own, and let the ledger enrol her."""
        operator = self.issuer(LEDGER)
        contacts, envelopes = [], []
        for name in names:
            seed, party = new_seed(), new_party_id()
            path = self._settings.party_keys / f"{name}.key"
            write_key_file(path, seed)
            contacts.append(Contact(name, party, fields["kind"], str(path.relative_to(self._settings.home))))
            key = key_material(SigningKey.from_seed(seed).public_key)
            envelopes.append(operator.say(st.Party, self.ledger.clock(), party=party, key=key, **fields))
        self._record(envelopes)
        self._book.add(contacts)

    def publish(self) -> None:
        """Let the studio publish its template and open its project."""
        studio, now = self.issuer("studio"), self.ledger.clock()
        document = read_template(template_root() / TEMPLATE).document(studio.party, {})
        reference = template_ref(document)
        self._document = document
        self._record(
            [
                studio.say(st.Template, now, template=reference, action="published", document=document),
                studio.say(
                    st.Project, now, project=PROJECT, controller=studio.party, title="Twine", templates=[reference],
                    brief="Everyday films, photos and sounds, to train models on", flags=[],
                ),
            ]
        )  # fmt: skip

    def register(self) -> int:
        """Write the media files, hash them and let the studio register them; return how many bytes there are."""
        places = {path: (person, clip) for person, clip, path in write_media(self.media, PEOPLE, CLIPS)}
        for file in hash_files(find_files([self.media])):
            assert isinstance(file, Hashed)
            self.files[places[file.path]] = file
        studio, now = self.issuer("studio"), self.ledger.clock()
        self._record(
            [
                studio.say(st.Asset, now, project=PROJECT, media=[self._medium((person, k)) for k in range(CLIPS)])
                for person in range(PEOPLE)
            ]
        )
        return sum(file.size for file in self.files.values())

    def _medium(self, place: Place) -> st.Medium:
        file = self.files[place]
        types = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".wav": "audio/wav"}
        return st.Medium(
            hash=file.asset,
            size=file.size,
            media_type=types[file.path.suffix],
            owners=[self._book.find(name_of(place[0])).party],
            subjects=[self._book.find(name_of(person)).party for person in sorted(shown_in(place))],
        )

    def grant(self) -> None:
        """Let everybody sign: training always, the open release by who says yes to it."""
        assert self._document is not None
        now = self.ledger.clock()
        envelopes = []
        for person in range(PEOPLE):
            fields = grant_fields(self._document, "en", {"open": person % 20 != 7})
            envelopes.append(
                self.issuer(name_of(person)).say(
                    st.Grant, now, capacities=["owner", "subject"], scope=st.Scope(project=PROJECT),
                    starts=whole_second(now), assurance="own_key", **fields,
                )
            )  # fmt: skip
        self._record(envelopes)

    def withdraw(self, person: int, **part: Any) -> Receipt:
        """Let somebody withdraw all or a part; the same again finds the withdrawal that stands."""
        issuer = self.issuer(name_of(person))
        standing = find_withdrawal(self.ledger.store, issuer.party, **part)
        if standing.withdrawal is not None:
            return self.ledger.find(standing.withdrawal)
        said = {"party": issuer.party, "channel": "command_line", **part}
        return self.ledger.register(issuer.say(st.Revocation, self.ledger.clock(), **said))

    def withdraw_open(self, person: int) -> Receipt:
        """Let somebody withdraw the open release and nothing else."""
        return self.withdraw(person, uses=Prohibition(min_audience="open"))

    def ask(self, audience: str, at: int | None = None) -> Asked:
        """Ask about all files whether they may be trained on by this audience, now or as it was at an instant."""
        licence = "CC-BY-4.0" if audience == "open" else None
        use = compile_use(["train"], ["general"], "commercial", audience, licence=licence)
        places = sorted(self.files)
        point = clear(
            self.ledger.store, [self.files[place].asset for place in places], use,
            clock=self.ledger.clock, as_of=at, known_at=at,
        )  # fmt: skip
        reasons: dict[tuple[str, tuple[str, ...]], tuple[int, set[str]]] = {}
        for decision in point.decisions:
            why = decision.verdict.name, tuple(dict.fromkeys(reason.code for reason in decision.reasons))
            files, names = reasons.get(why, (0, set()))
            reasons[why] = files + 1, names | {self._book.name_of(r.party or "") for r in decision.reasons}
        verdicts = [decision.verdict.name for decision in point.decisions]
        allowed = {place for place, verdict in zip(places, verdicts, strict=True) if verdict == "allow"}
        return Asked(Counter(verdicts), allowed, reasons, point)

    def verdict(self, place: Place, asked: Asked) -> str:
        """Return one file's verdict, and the reason where it is not allowed."""
        decision = asked.point.decisions[sorted(self.files).index(place)]
        codes = dict.fromkeys(reason.code for reason in decision.reasons)
        return decision.verdict.name + ("" if decision.verdict.name == "allow" else f" ({', '.join(codes)})")

    def _record(self, envelopes: list[bytes]) -> None:
        for outcome in self.ledger.register_all(envelopes):
            if isinstance(outcome, LedgerError):
                raise outcome


class Calendar:
    """The demo's clock, in microseconds: it stands still until it is turned."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def turn(self, days: int, hours: int = 0) -> None:
        """Let time pass."""
        self.now += days * DAY + hours * 3600 * SECOND


@contextmanager
def open_stage(directory: Path, clock: Calendar) -> Iterator[Stage]:
    """Give a stage with a new ledger in `directory`, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    home = directory / "home"
    create_home(home, ORIGIN, clock=clock)
    settings = Settings(home=home, database=default_database(home))
    with open_ledger(settings, read_key_file(settings.log_key), clock) as ledger:
        yield Stage(directory, ledger, settings)

"""Stories: people agree and withdraw, time passes, the ledger is opened anew; a dictionary knows what must be true."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consent_ledger.custody.rebuild import rebuild
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.engine import open_store
from tests.stores import new_store
from tests.world import DAY, INTERNAL, LOG_KEY, OPEN, World, hash_of, index_is_right, party_of

PEOPLE = ["ada", "ben", "cas"]
people = some.sampled_from(PEOPLE)


class Said(NamedTuple):
    """What a person said: a grant or a withdrawal, of some films (None: of all), for release or not.

    A grant is for use inside, and for open release where `release`; a withdrawal of `release` leaves use inside."""

    is_grant: bool
    films: frozenset[str] | None
    release: bool


class Ledgers(RuleBasedStateMachine):
    """`said` and `films` are the model: what each person said, in order, and who owns and is seen in each film."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.url = f"sqlite:///{self.place}/ledger.db"
        self.films: dict[str, tuple[str, frozenset[str]]] = {}
        self.said: dict[str, list[Said]] = {name: [] for name in PEOPLE}
        self.receipts: list[tuple[bytes, Receipt]] = []
        self.past: list[tuple[str, bool, dict[str, int], str]] = []

    @initialize()
    def begin(self) -> None:
        self.world = World(new_store(self.url))
        self.world.people(*PEOPLE)
        self.other = Ledger.open(self.world.store, LOG_KEY, clock=self.world.clock)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            assert self.world.findings() == []
            assert index_is_right(self.world.store)
            for film, is_open, point, verdict in self.past:
                assert self.verdict(film, is_open, **point) == verdict
            self.world.store.close()
        shutil.rmtree(self.place)

    # What must be true --------------------------------------------------------------------------------------------

    def permits(self, name: str, film: str, is_open: bool) -> str:
        """What one person says to the use of a film."""
        answers = {"undetermined"}
        for n, one in enumerate(self.said[name]):
            if not one.is_grant or (one.films is not None and film not in one.films):
                continue
            withdrawn = any(
                not later.is_grant and (later.films is None or film in later.films) and (is_open or not later.release)
                for later in self.said[name][n + 1 :]
            )
            answers.add("deny" if withdrawn or (is_open and not one.release) else "allow")
        return "allow" if "allow" in answers else "deny" if "deny" in answers else "undetermined"

    def expected(self, film: str, is_open: bool) -> str:
        owner, seen = self.films[film]
        answers = {self.permits(name, film, is_open) for name in {owner} | seen}
        return next((worst for worst in ("deny", "undetermined") if worst in answers), "allow")

    def verdict(self, film: str, is_open: bool, **point: int) -> str:
        return self.world.verdict(hash_of(film), OPEN if is_open else INTERNAL, **point)

    @invariant()
    def answers_are_those_of_the_model(self) -> None:
        for film in list(self.films)[-4:]:
            for is_open in (False, True):
                assert self.verdict(film, is_open) == self.expected(film, is_open)

    # What happens -------------------------------------------------------------------------------------------------

    def record(self, envelope: bytes, *, by_other: bool = False) -> None:
        ledger = self.other if by_other else self.world.ledger
        receipt = ledger.register(envelope)
        assert receipt.is_new
        self.receipts.append((envelope, receipt))

    @rule(owner=people, seen=some.sets(people))
    def film(self, owner: str, seen: set[str]) -> None:
        name = f"film {len(self.films)}"
        self.record(self.world.submission(self.world.medium(name, [owner], sorted(seen))))
        self.films[name] = owner, frozenset(seen)

    @rule(name=people, release=some.booleans(), data=some.data(), by_other=some.booleans())
    def grant(self, name: str, release: bool, data: Any, by_other: bool) -> None:
        films = self.some_films(data)
        assets = None if films is None else [hash_of(film) for film in films]
        self.record(self.world.consent(name, choices={"release": release}, assets=assets), by_other=by_other)
        self.said[name].append(Said(True, films, release))

    @rule(name=people, release=some.booleans(), data=some.data(), by_other=some.booleans())
    def revoke(self, name: str, release: bool, data: Any, by_other: bool) -> None:
        films = self.some_films(data)
        fields: dict[str, Any] = {} if films is None else {"assets": sorted(hash_of(film) for film in films)}
        if release:
            fields["uses"] = st.Prohibition(min_audience="open")
        self.record(self.world.withdrawal(name, **fields), by_other=by_other)
        self.said[name].append(Said(False, films, release))

    def some_films(self, data: Any) -> frozenset[str] | None:
        if not self.films or data.draw(some.booleans()):
            return None
        return data.draw(some.frozensets(some.sampled_from(sorted(self.films)), min_size=1, max_size=3))

    @rule(seconds=some.sampled_from([0, 1, 3600, -7200, 86400]))
    def wait(self, seconds: int) -> None:
        """Sometimes the clock goes back: the ledger does not."""
        self.world.wait(seconds * SECOND)

    @precondition(lambda self: self.films)
    @rule(data=some.data())
    def remember(self, data: Any) -> None:
        """Whatever is recorded later, this answer at this size and time stays."""
        film, is_open = data.draw(some.sampled_from(sorted(self.films))), data.draw(some.booleans())
        point = {"as_of": self.world.now + 400 * DAY, "size": self.world.size}
        self.past.append((film, is_open, point, self.expected(film, is_open)))

    @precondition(lambda self: self.receipts)
    @rule(data=some.data(), by_other=some.booleans())
    def say_again(self, data: Any, by_other: bool) -> None:
        envelope, first = data.draw(some.sampled_from(self.receipts))
        ledger = self.other if by_other else self.world.ledger
        assert ledger.register(envelope) == first._replace(is_new=False)

    @rule()
    def be_refused(self) -> None:
        size = self.world.size
        outcome = self.world.ledger.register_all([self.world.withdrawal("ada", party=party_of("ben")), b"{}"])
        assert not any(isinstance(o, Receipt) for o in outcome)
        assert self.world.size == size

    @rule()
    def open_anew(self) -> None:
        self.world.store.close()
        self.world.reopen(open_store(self.url))
        self.other = Ledger.open(self.world.store, LOG_KEY, clock=self.world.clock)

    @rule()
    def make_the_index_anew(self) -> None:
        rebuild(self.world.store)


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(max_examples=max(8, settings().max_examples // 5), stateful_step_count=25)

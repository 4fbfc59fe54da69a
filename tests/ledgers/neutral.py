"""Random ledgers in the neutral format of clearance cases, small enough that everything meets everything."""

from random import Random
from typing import Any

PEOPLE = ["ada", "ben", "cas"]
MINORS = ["kim", "lou"]
UNKNOWN = "una"
GUARDIAN = "mum"
ORGANISATIONS = ["acme", "bbc"]
RECIPIENTS = ["labx", "laby"]
ASSETS = ["A", "B", "C", "D"]
ACTIVITIES = ["train", "train.discriminative", "train.generative", "evaluate", "display", "promote"]
AIMS = ["general", "detect_synthetic", "biometric", "biometric.identify", "emotion", "likeness"]
CONTEXTS = ["noncommercial", "noncommercial.academic", "commercial"]
AUDIENCES = ["internal", "recipient", "gated", "open"]
LICENCES = ["CC-BY-4.0", "CC-BY-NC-4.0", "CC0-1.0", "CDLA-Permissive-2.0"]
TERRITORIES = ["DE", "US"]
RELATIONS = ["transcode", "exact_copy", "crop", "blur", "composite", "label", "synthetic"]
CONDITIONS = ["payment", "accepted", "transform:face_blur"]

_MONTHS = [f"2026-{month:02}-{day:02}T00:00:00Z" for month in range(1, 9) for day in (1, 15)]
"""Few instants, so that events, starts, ends and questions often fall on the same one."""


def random_case(seed: int) -> dict[str, Any]:
    """Return the case that a number stands for, without its answer."""
    return _Author(Random(seed)).write()


def random_event(random: Random, kind: str, party: str, role: str, case: dict[str, Any]) -> dict[str, Any]:
    """Return one more event for the case by a party: a `revoke`, or a grant that is a `prohibition` and no more."""
    author = _Author(random)
    author.assets = [e["id"] for e in case["events"] if e["type"] == "asset"]
    author.grants = [e for e in case["events"] if e["type"] == "grant"]
    if kind == "revoke":
        return author._revoke(party, role)
    prohibitions = [author._prohibition() for _ in range(random.choice([1, 2]))]
    assets = ["*"] if author._maybe(0.5) else author._some(author.assets)
    return {
        "type": "grant", "id": "GX", "party": party, "role": role, "assets": assets, "permissions": [],
        "prohibitions": prohibitions,
    }  # fmt: skip


class _Author:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.grants: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.family = random.random() < 0.15  # everything made from something, often in two ways
        self.assets = ASSETS[: 4 if self.family else random.choice([1, 1, 2, 2, 3, 4])]
        # Some ledgers are about one thing: otherwise nearly every answer would be no.
        self.trouble = random.choice([0.0, 0.05, 0.3])

    def write(self) -> dict[str, Any]:
        random = self.random
        self._people()
        for number, asset in enumerate(self.assets):
            self._add(self._asset(asset, self.assets[:number]), "2025-12-01T00:00:00Z")
        times = sorted(
            random.choices(_MONTHS[:12], k=random.randint(1, 4) if self.trouble < 0.1 else random.randint(2, 14))
        )
        parties = self._required()
        for party in parties:
            if random.random() > self.trouble / 3:
                self._add(self._grant(party, generous=True), random.choice(_MONTHS[:3]))
        for time in times:
            self._add(self._anything(parties), time)
        self.events.sort(key=lambda e: e["recorded_at"])
        return {"id": "random", "events": self.events, "query": self._query()}

    def _add(self, event: dict[str, Any] | None, time: str) -> None:
        if event is not None:
            if self._maybe(0.03):
                time = self.random.choice(_MONTHS)
            self.events.append({**event, "recorded_at": time})

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def _some(self, items: list[str], most: int = 2) -> list[str]:
        return self.random.sample(items, k=min(len(items), self.random.randint(1, most)))

    def _people(self) -> None:
        for name, birthdate in zip(MINORS, ("2008-03-15", "2011-01-01"), strict=True):
            self._add({"type": "person", "id": name, "birthdate": birthdate}, "2025-12-01T00:00:00Z")
        self._add({"type": "person", "id": UNKNOWN, "age": "unknown"}, "2025-12-01T00:00:00Z")
        if self._maybe(self.trouble):
            died = self.random.choice(_MONTHS)
            self._add({"type": "person", "id": self.random.choice(PEOPLE), "deceased_at": died}, "2025-12-01T00:00:00Z")

    def _asset(self, name: str, earlier: list[str]) -> dict[str, Any]:
        random = self.random
        people = PEOPLE + (MINORS if self._maybe(0.4) else []) + ([UNKNOWN] if self._maybe(self.trouble) else [])
        event: dict[str, Any] = {"type": "asset", "id": name, "owners": self._some(PEOPLE[:2]), "subjects": []}
        if self._maybe(0.6):
            event["subjects"] = self._some(people)
        if self._maybe(self.trouble / 3):
            event["subjects"] = random.choice([None, [*event["subjects"], "?"]])
        if self._maybe(0.15):
            event["rights_holders"] = self._some(ORGANISATIONS)
        if self._maybe(self.trouble / 3):
            event["retention_end"] = random.choice(_MONTHS)
        if earlier and (self.family or self._maybe(0.7)):
            parents = earlier[-2:] if self.family else self._some(earlier)
            event["derived_from"] = [self._edge(parent, people) for parent in parents]
            if self.family or self._maybe(0.5):
                event["owners"] = []
        elif self._maybe(0.02):
            event["derived_from"] = [self._edge(random.choice(ASSETS), people)]
        return event

    def _edge(self, parent: str, people: list[str]) -> dict[str, Any]:
        edge: dict[str, Any] = {"asset": parent, "relation": self.random.choice(RELATIONS)}
        if self._maybe(0.3):
            edge["subjects"] = self._some(people)
            edge["subjects_attested"] = self._maybe(0.7)
        return edge

    def _required(self) -> list[tuple[str, str]]:
        """Who must say yes to anything, and in which role; a minor's guardian and, later, the grown-up too."""
        found: dict[tuple[str, str], None] = {}
        for asset in self.events:
            for field, role in (("owners", "owner"), ("subjects", "subject"), ("rights_holders", "organisation")):
                for party in asset.get(field) or ():
                    if party in MINORS:
                        found[party, "guardian"] = None
                    if party != "?":
                        found[party, role] = None
        return list(found)

    def _anything(self, parties: list[tuple[str, str]]) -> dict[str, Any] | None:
        party, role = self.random.choice(parties) if parties else ("ada", "owner")
        write = self.random.choices(
            [
                lambda: self._grant((party, role), generous=self._maybe(0.5)),
                lambda: self._revoke(party, role),
                lambda: self._pause("suspend"),
                lambda: self._pause("resume"),
                self._about_asset,
                lambda: {"type": "template", "id": self.random.choice(["T1", "T2"]), **self._template()},
                lambda: {"type": "key_compromised", "party": party, "at": self.random.choice(_MONTHS)},
                lambda: self._death(party),
                self._claim_again,
            ],
            weights=[40, 25, 6, 5, 4, 4, 2, 2, 1],
        )[0]
        return write()

    def _template(self) -> dict[str, Any]:
        return {"status": self.random.choice(["superseded", "invalidated"]), "at": self.random.choice(_MONTHS)}

    def _death(self, party: str) -> dict[str, Any] | None:
        if party in ORGANISATIONS or any(e["type"] == "person" and e["id"] == party for e in self.events):
            return None
        return {"type": "person", "id": party, "deceased_at": self.random.choice(_MONTHS)}

    def _about_asset(self) -> dict[str, Any]:
        kind = self.random.choice(["dispute", "dispute", "takedown"])
        event = {"type": kind, "asset": self.random.choice(self.assets), "at": self.random.choice(_MONTHS)}
        return event | ({"status": self.random.choice(["open", "resolved"])} if kind == "dispute" else {})

    def _claim_again(self) -> dict[str, Any]:
        return self._asset(self.random.choice(self.assets), [])

    def _grant(self, whose: tuple[str, str], *, generous: bool) -> dict[str, Any]:
        random, (party, role) = self.random, whose
        grant: dict[str, Any] = {
            "type": "grant",
            "id": f"G{len(self.grants)}",
            "party": GUARDIAN if role == "guardian" else party,
            "role": role,
            "assets": ["*"] if generous and self._maybe(0.3) else self._some(self.assets, len(self.assets)),
            "permissions": [self._permission(generous) for _ in range(random.choice([1, 1, 1, 2]))],
        }
        if generous:
            grant["assets"] = grant["assets"] if self._maybe(0.2) else self.assets
        if role == "guardian":
            grant["on_behalf_of"] = party
        if self._maybe(0.1 if generous else 0.6):
            grant["start"] = random.choice(_MONTHS)
        if self._maybe(0.15):
            grant["end"] = random.choice(_MONTHS)
        if self._maybe(0.2):
            grant["signed_at"] = random.choice(_MONTHS)
            grant["trusted_time"] = self._maybe(0.7)
        if self.grants and self._maybe(0.15):
            grant["supersedes"] = [random.choice(self.grants)["id"]]
        if self._maybe(0.2):
            grant["template"] = random.choice(["T1", "T2"])
        if self._maybe(0.03):
            grant["sig"] = random.choice(["bad", "wrong_key"])
        if self._maybe(self.trouble / 2):
            grant["prohibitions"] = [self._prohibition() for _ in range(random.choice([1, 2]))]
        if self._maybe(self.trouble / 2):
            grant["derivatives"] = "none"
        if self._maybe(self.trouble / 3):
            grant["exclusive_to"] = random.choice(RECIPIENTS)
        if self._maybe(0.2):
            grant["revocability"] = "irrevocable"
        if self._maybe(0.2):
            grant["survives_death"] = True
        if self._maybe(0.15) and grant["assets"] != ["*"]:
            kinds = self._some(CONDITIONS)
            statuses = [random.choice(["met", "met", "unmet", "unknown"]) for _ in kinds]
            grant["preconditions"] = [{"kind": k, "status": s} for k, s in zip(kinds, statuses, strict=True)]
        self.grants.append(grant)
        return grant

    def _permission(self, generous: bool) -> dict[str, Any]:
        if generous:
            return {
                "activities": ["train", "evaluate", "display", "promote"],
                "aims": ["general", "biometric", "emotion"],
                "contexts": ["noncommercial", "commercial"],
                "max_audience": self.random.choice(["gated", "open", "open"]),
                "territories": ["WORLD"],
                "licences": LICENCES[: self.random.choice([1, 2, 4])],
                "explicit": True,
            }
        permission: dict[str, Any] = {
            "activities": self._some(ACTIVITIES, 3),
            "aims": self._some(AIMS),
            "contexts": self._some(CONTEXTS),
            "max_audience": self.random.choice(AUDIENCES),
            "territories": self.random.choice([["WORLD"], ["WORLD"], ["DE"], ["DE", "US"]]),
        }
        if self._maybe(0.2):
            permission["actors"] = self._some(RECIPIENTS)
        if self._maybe(0.7):
            permission["licences"] = self._some(LICENCES)
        if self._maybe(0.6):
            permission["explicit"] = self._maybe(0.7)
        return permission

    def _prohibition(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field, terms in (("activities", ACTIVITIES), ("aims", AIMS), ("contexts", CONTEXTS)):
            if self._maybe(0.4):
                found[field] = [] if self._maybe(0.03) else self._some(terms)
        if self._maybe(0.3):
            found["min_audience"] = self.random.choice(AUDIENCES)
        if self._maybe(0.15):
            found["territories"] = self.random.choice([["DE"], ["US"], ["WORLD"]])
        if self._maybe(0.15):
            found["actors"] = self._some(RECIPIENTS)
        return found

    def _revoke(self, party: str, role: str) -> dict[str, Any]:
        event: dict[str, Any] = {"type": "revoke", "party": party}
        if role == "guardian" and self._maybe(0.6):
            event["party"] = GUARDIAN
        if self._maybe(0.05):
            event["party"] = "mallory"
        if self._maybe(0.3):
            event["effective_at"] = self.random.choice(_MONTHS)
        mine = [g["id"] for g in self.grants if event["party"] in (g["party"], g.get("on_behalf_of"))]
        if mine and self._maybe(0.4):
            event["grants"] = self._some(mine)
        if self._maybe(0.3):
            event["assets"] = self._some(self.assets)
        if self._maybe(0.4):
            event["pattern"] = self._prohibition()
        return event

    def _pause(self, kind: str) -> dict[str, Any] | None:
        if not self.grants:
            return None
        return {"type": kind, "grants": self._some([g["id"] for g in self.grants]), "at": self.random.choice(_MONTHS)}

    def _query(self) -> dict[str, Any]:
        random = self.random
        query: dict[str, Any] = {
            "asset": "Z" if self._maybe(0.01) else self.assets[-1] if self.family else random.choice(self.assets),
            "activities": ["train.discriminative"],
            "aims": ["general"],
            "context": "commercial",
            "audience": random.choice(["internal", "recipient", "open"]),
            "territories": ["DE"],
            "as_of": random.choice([*_MONTHS, *_MONTHS[8:], *["2026-08-31T23:59:59.999999Z"] * 20]),
            "licence": "CC-BY-4.0",
        }
        if self._maybe(0.5):
            query["activities"] = self._some(["train.discriminative", "train", "evaluate", *ACTIVITIES])
            query["aims"] = self._some(["general", "general", "general", "detect_synthetic", *AIMS], 1)
            query["context"] = random.choice(CONTEXTS)
            query["audience"] = random.choice(AUDIENCES)
            query["territories"] = random.choice([["DE"], ["DE"], ["WORLD"], ["DE", "US"]])
            query["licence"] = random.choice(LICENCES)
        if (query["audience"] != "open" and self._maybe(0.7)) or self._maybe(0.1):
            del query["licence"]
        if self._maybe(0.4):
            query["actor"] = random.choice(RECIPIENTS)
        if self._maybe(0.2):
            query["known_at"] = random.choice(_MONTHS)
        return query

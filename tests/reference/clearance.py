"""The rules of clearance as a definition: literal, slow, and over cases in the neutral format alone.

It shares nothing with the package: no vocabulary table, no facts, no index, no masks. It reads a case's events one by
one, says which of them a ledger rightly records, and answers the case's query. Where the rules give a party several
reasons of equal weight, any of them will do, so an answer holds sets of codes to choose from.

`captured_at`, assurance and obligations are not in the neutral format.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any, NamedTuple

Case = Mapping[str, Any]
Event = Mapping[str, Any]

LADDER = ("internal", "recipient", "gated", "open")
STARRED = {
    "promote", "biometric", "biometric.identify", "biometric.categorise", "emotion", "likeness",
}  # fmt: skip
SAME_WORK = {"transcode", "exact_copy"}
UNDETERMINED = {
    "asset_unknown", "parent_unknown", "derivation_cycle", "subjects_unverified", "subject_unidentified",
    "subject_deceased", "age_unknown", "ownership_disputed", "no_valid_grant", "signature_invalid",
    "template_not_offered", "invalid_interval", "licence_required", "precondition_unknown", "grant_after_capture",
    "guardian_consent_required", "guardian_authority_invalid", "reaffirmation_required", "ledger_integrity_failure",
}  # fmt: skip


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def verdict_of(code: str) -> str:
    return "allow" if code == "granted" else "undetermined" if code in UNDETERMINED else "deny"


def worst(verdicts: list[str]) -> str:
    return next((v for v in ("deny", "undetermined") if v in verdicts), "allow")


def best(verdicts: list[str]) -> str:
    return next((v for v in ("allow", "undetermined") if v in verdicts), "deny")


class Point(NamedTuple):
    """One thing that is asked for: the codes of which one must be named, and those that may stand beside it."""

    named: frozenset[str]
    beside: frozenset[str] = frozenset()


class Answer(NamedTuple):
    """The verdict, and for each thing that was asked for what may be said about it."""

    verdict: str
    points: tuple[Point, ...]

    def agrees(self, verdict: str, codes: set[str]) -> bool:
        """Whether an answer of `verdict` with the reasons `codes` is right: it names everything that stands in the way
        and nothing else, and says `granted` where nothing does."""
        obstacles = [point for point in self.points if point.named != {"granted"}]
        possible = set().union(*(point.named | point.beside for point in self.points))
        return (
            verdict == self.verdict
            and all(point.named & codes for point in obstacles or self.points)
            and codes <= (possible - {"granted"} if obstacles else possible)
        )


# Vocabulary -------------------------------------------------------------------------------------------------------


def parent_of(term: str) -> str | None:
    if term == "detect_synthetic":
        return "general"
    return term.rpartition(".")[0] or None


def lineage(term: str | None) -> list[str]:
    return [] if term is None else [term, *lineage(parent_of(term))]


def permits(terms: list[str], asked: str) -> bool:
    """Rule 2: permission inherits down the tree, never up, and into a starred term only from a starred one."""
    return any(t in lineage(asked) and (asked not in STARRED or t in STARRED) for t in terms)


def forbids(terms: list[str] | None, asked: str) -> bool:
    """Rules 3 and 5: prohibition inherits down, blocks a broader request, and left out means all."""
    return terms is None or any(t in lineage(asked) or asked in lineage(t) for t in terms)


class Atom(NamedTuple):
    activity: str
    aim: str
    starred: bool


def atoms_of(query: Mapping[str, Any]) -> list[Atom]:
    return [Atom(a, b, bool({a, b} & STARRED)) for a, b in product(query["activities"], query["aims"])]


def overlaps(prohibition: Mapping[str, Any], query: Mapping[str, Any], atom: Atom) -> bool:
    """Whether any part of what is asked is forbidden (or withdrawn)."""
    lowest = prohibition.get("min_audience") or "internal"
    territories, actors, licences = (prohibition.get(k) for k in ("territories", "actors", "licences"))
    where = {"WORLD"} if query["audience"] == "open" else set(query["territories"])
    return (
        forbids(prohibition.get("activities"), atom.activity)
        and forbids(prohibition.get("aims"), atom.aim)
        and forbids(prohibition.get("contexts"), query["context"])
        and LADDER.index(query["audience"]) >= LADDER.index(lowest)
        and (territories is None or _meets(set(territories), where))
        and (actors is None or (query.get("actor") in actors if query.get("actor") else bool(actors)))
        and (licences is None or query.get("licence") in licences)
    )


def _meets(mine: set[str], asked: set[str]) -> bool:
    return bool(mine) and ("WORLD" in mine or "WORLD" in asked or not mine.isdisjoint(asked))


def licence_expresses(licence: str, prohibition: Mapping[str, Any]) -> bool:
    """Whether a public licence says by itself what the prohibition says: the non-commercial ones say "not commercial",
    and with that anything that forbids commercial uses only. A prohibition of nothing needs no saying."""
    facets = ("activities", "aims", "contexts", "territories", "actors", "licences")
    if any(prohibition.get(f) == [] for f in facets):
        return True
    return "-NC" in licence and prohibition.get("contexts") == ["commercial"]


# What is recorded -------------------------------------------------------------------------------------------------


class World:
    """The events that the ledger recorded, each with its place and time, as known at some point."""

    def __init__(self, events: list[Event], known_at: datetime | None) -> None:
        self.people = {e["id"]: e for e in events if e["type"] == "person"}
        self.broken = any(e["type"] == "ledger" and e.get("integrity") == "broken" for e in events)
        self.log: list[dict[str, Any]] = []
        now = datetime.min.replace(tzinfo=UTC)
        for event in events:
            now = max(now, instant(event["recorded_at"]))  # recorded_at never goes backwards
            recorded = {**event, "entry": len(self.log), "now": now}
            if event["type"] == "resume":  # permits again, so it needs a good signature for each grant
                recorded["grants"] = [g for g in event["grants"] if self._may_resume(g, now)]
            if not self._refused(recorded):
                self.log.append(recorded)
        self.log = [e for e in self.log if known_at is None or e["now"] <= known_at]

    def of(self, *types: str) -> Iterator[dict[str, Any]]:
        return (e for e in self.log if e["type"] in types)

    def grant(self, id_: str) -> dict[str, Any] | None:
        return next((g for g in self.of("grant") if g["id"] == id_), None)

    def majority(self, party: str) -> datetime | None:
        """The day of coming of age, of somebody whose birthday is known."""
        person = self.people.get(party, {})
        if "birthdate" not in person or person.get("age") == "unknown":
            return None
        year, month, day = map(int, person["birthdate"].split("-"))
        try:
            return datetime(year + 18, month, day, tzinfo=UTC)
        except ValueError:  # born on a leap day
            return datetime(year + 18, 3, 1, tzinfo=UTC)

    def compromised_since(self, party: str) -> datetime | None:
        return min((instant(e["at"]) for e in self.of("key_compromised") if e["party"] == party), default=None)

    def _refused(self, event: dict[str, Any]) -> bool:
        """Whether the ledger rightly refuses the event."""
        if event["type"] == "asset":
            made_from = [d["asset"] for d in event.get("derived_from") or ()]
            return (not event.get("owners") and not made_from) or event["id"] in self.ancestors(made_from)
        if event["type"] == "grant":
            return self._grant_refused(event)
        if event["type"] == "revoke" and event.get("grants") is not None:
            named = [g for g in map(self.grant, event["grants"]) if g is not None]
            return not named or any(event["party"] not in (g["party"], g.get("on_behalf_of")) for g in named)
        return False

    def _may_resume(self, id_: str, now: datetime) -> bool:
        grant = self.grant(id_)
        since = None if grant is None else self.compromised_since(grant["party"])
        return since is None or now < since

    def ancestors(self, assets: list[str]) -> set[str]:
        """Return the assets and everything that they are made from."""
        claims = list(self.of("asset"))
        found: set[str] = set()
        while new := set(assets) - found:
            found |= new
            assets = [d["asset"] for e in claims if e["id"] in new for d in e.get("derived_from") or ()]
        return found

    def _grant_refused(self, grant: dict[str, Any]) -> bool:
        signer, ward = grant["party"], grant.get("on_behalf_of")
        signed = signed_at(grant)
        if grant.get("sig") in ("bad", "wrong_key"):
            return True
        if (since := self.compromised_since(signer)) is not None and signed >= since:
            return True
        if "end" in grant and grant["end"] is not None and instant(grant["end"]) <= starts(grant):
            return True
        if any(
            t["id"] == grant.get("template") and t["status"] == "invalidated" and _effective(t) <= grant["now"]
            for t in self.of("template")
        ):
            return True
        if (grant["role"] == "guardian") != (ward is not None):
            return True
        if ward is not None:
            majority = self.majority(ward)
            if ward == signer or majority is None or signed >= majority:
                return True
        elif (majority := self.majority(signer)) is not None and signed < majority:
            return True
        named = [g for g in map(self.grant, grant.get("supersedes") or ()) if g is not None]
        return any((g.get("on_behalf_of") or g["party"]) != (ward or signer) for g in named)


def signed_at(grant: dict[str, Any]) -> datetime:
    """When it was certainly signed: by trusted time, or else by its entry."""
    recorded: datetime = grant["now"]
    return min(recorded, instant(grant["signed_at"])) if grant.get("trusted_time") else recorded


def starts(grant: dict[str, Any]) -> datetime:
    return instant(grant.get("start") or grant.get("signed_at") or grant["recorded_at"])


def _effective(event: dict[str, Any]) -> datetime:
    """Never back-dated."""
    claimed = event.get("effective_at") or event.get("at")
    return max(event["now"], instant(claimed)) if claimed else event["now"]


# Requirements -----------------------------------------------------------------------------------------------------


class Requirement(NamedTuple):
    """That `party` must permit, in `capacity`, because of `origin`: the last asset on the `line` of derivation from the
    asset asked about. `adapted` says that the asset asked about is another work."""

    capacity: str
    party: str
    line: tuple[str, ...]
    adapted: bool

    @property
    def origin(self) -> str:
        return self.line[-1]


def claims_of(world: World, asset: str, as_of: datetime) -> tuple[list[dict[str, Any]], bool]:
    """Return the registrations of an asset that hold, and whether its ownership is open.

    Whoever claims the same bytes for other owners disputes them (S8); the first registration holds meanwhile."""
    claims = [e for e in world.of("asset") if e["id"] == asset]
    disputes = [e for e in world.of("dispute") if e["asset"] == asset and _effective(e) <= as_of]
    is_open = bool(disputes) and disputes[-1]["status"] == "open"
    settled = disputes[-1]["entry"] if disputes and not is_open else -1
    holding = [c for c in claims if set(c.get("owners") or ()) == set(claims[0].get("owners") or ())]
    rivals = [c for c in claims if c not in holding and c["entry"] > settled and c["now"] <= as_of]
    return holding, is_open or bool(rivals)


def family_of(world: World, asset: str, as_of: datetime) -> set[str]:
    """Return the asset and everything that it is made from."""
    found, pending = set[str](), {asset}
    while pending:
        found |= pending
        claims = [claim for name in pending for claim in claims_of(world, name, as_of)[0]]
        pending = {edge["asset"] for claim in claims for edge in claim.get("derived_from") or ()} - found
    return found


def requirements(world: World, asset: str, as_of: datetime) -> tuple[list[Requirement], list[str]]:
    """Return everyone who must say yes, and what stands in the way of knowing that."""
    needs: list[Requirement] = []
    doubts: list[str] = []

    def visit(line: tuple[str, ...], adapted: bool, visible: set[str] | None) -> None:
        """`visible`: whom all the attestations on the way leave (None: there is none, so everybody)."""
        claims, _ = claims_of(world, line[-1], as_of)
        if not claims:
            doubts.append("asset_unknown" if len(line) == 1 else "parent_unknown")
        for claim in claims:
            needs.extend(Requirement("owner", p, line, adapted) for p in claim.get("owners") or ())
            needs.extend(Requirement("organisation", p, line, adapted) for p in claim.get("rights_holders") or ())
            for person in claim.get("subjects") or ():
                if visible is not None and person not in visible:
                    continue
                if person == "?":
                    doubts.append("subject_unidentified")
                else:
                    needs.append(Requirement("subject", person, line, adapted))
            for edge in claim.get("derived_from") or ():
                if edge["asset"] in line:
                    doubts.append("derivation_cycle")
                    continue
                left = visible
                if edge.get("subjects_attested"):
                    named = set(edge.get("subjects") or ())
                    left = named if visible is None else named & visible
                visit((*line, edge["asset"]), adapted or edge["relation"] not in SAME_WORK, left)
        if claims and all(claim.get("subjects") is None for claim in claims):
            doubts.append("subjects_unverified")

    visit((asset,), False, None)
    return together(needs), doubts


def together(needs: list[Requirement]) -> list[Requirement]:
    """Where several ways lead to one party's part in one asset, what is said about any asset on any of them counts."""
    found: dict[tuple[str, str, str], Requirement] = {}
    for need in needs:
        key = need.capacity, need.party, need.origin
        other = found.get(key, need)
        found[key] = need._replace(line=(*other.line, *need.line), adapted=other.adapted or need.adapted)
    return list(found.values())


# The algorithm ----------------------------------------------------------------------------------------------------


def point(*codes: str) -> Point:
    return Point(frozenset(codes))


def decide(case: Case) -> Answer:
    query = case["query"]
    as_of = instant(query["as_of"])
    world = World(case["events"], instant(query["known_at"]) if query.get("known_at") else None)
    if world.broken:
        return Answer("undetermined", (point("ledger_integrity_failure"),))
    needs, doubts = requirements(world, query["asset"], as_of)
    found = [point(code) for code in doubts]
    for asset in family_of(world, query["asset"], as_of):
        found += [point(code) for code in about_asset(world, asset, as_of)]
    for need, atom in product(needs, atoms_of(query)):
        found += evaluate(world, query, as_of, need, atom)
    return Answer(worst([verdict_of(min(point.named)) for point in found]), tuple(found))


def about_asset(world: World, asset: str, as_of: datetime) -> Iterator[str]:
    """What is true of the asset whoever consents. It goes for what is made from it, too."""
    if any(e["asset"] == asset and _effective(e) <= as_of for e in world.of("takedown")):
        yield "takedown"
    for claim in claims_of(world, asset, as_of)[0]:
        if claim.get("retention_end") and as_of >= instant(claim["retention_end"]):
            yield "retention_elapsed"
    if claims_of(world, asset, as_of)[1]:
        yield "ownership_disputed"


def grants_of(world: World, need: Requirement, as_of: datetime) -> list[dict[str, Any]]:
    """The grants of that party in that capacity (the guardian's, for a minor) that cover the asset."""
    majority = world.majority(need.party)
    minor = majority is not None and as_of < majority
    own = [g for g in world.of("grant") if g["party"] == need.party and g["role"] == need.capacity]
    guardians = [
        g for g in world.of("grant") if g.get("on_behalf_of") == need.party and need.capacity != "organisation"
    ]
    grants = guardians if minor else own + guardians
    return [g for g in grants if "*" in g["assets"] or not set(g["assets"]).isdisjoint(need.line)]


def covers(grant: dict[str, Any], asset: str) -> bool:
    return "*" in grant["assets"] or asset in grant["assets"]


def status_of(world: World, grant: dict[str, Any], as_of: datetime) -> str:
    since = world.compromised_since(grant["party"])
    if since is not None and signed_at(grant) >= since:
        return "signature_invalid"
    for event in world.of("template"):
        if (event["id"], event["status"]) == (grant.get("template"), "invalidated") and _effective(event) <= as_of:
            return "template_invalidated"
    if as_of < max(starts(grant), signed_at(grant)):
        return "not_yet_effective"
    if grant.get("end") and as_of >= instant(grant["end"]):
        return "expired"
    for later in world.of("grant"):
        if later["entry"] > grant["entry"] and grant["id"] in (later.get("supersedes") or ()):
            bad = (since := world.compromised_since(later["party"])) is not None and signed_at(later) >= since
            if not bad and as_of >= max(starts(later), signed_at(later)):
                return "superseded"
    acts = [e for e in world.of("suspend", "resume") if grant["id"] in e["grants"] and e["entry"] > grant["entry"]]
    acted = [e for e in acts if _effective(e) <= as_of]
    return "suspended" if acted and acted[-1]["type"] == "suspend" else "active"


def evaluate(world: World, query: Mapping[str, Any], as_of: datetime, need: Requirement, atom: Atom) -> list[Point]:
    """Return what one party's part in one atom comes to."""
    grants = grants_of(world, need, as_of)
    statuses = {g["id"]: status_of(world, g, as_of) for g in grants}
    in_force = [p for g in grants if statuses[g["id"]] in ("active", "suspended") for p in g.get("prohibitions") or ()]
    against = set()
    if any(overlaps(p, query, atom) for p in in_force):
        against.add("prohibited")
    by_owner = need.capacity in ("owner", "organisation")
    public = query.get("licence") if query["audience"] == "open" else None
    if by_owner and public and not all(licence_expresses(public, p) for p in in_force):
        against.add("licence_conflicts_with_restriction")
    if against:
        return [point(code) for code in against]
    if world.people.get(need.party, {}).get("age") == "unknown":
        return [point("age_unknown")]
    candidates = [g for g in grants if covers(g, need.origin)]
    ways = [way for g in candidates for way in try_grant(world, query, as_of, need, atom, g, statuses[g["id"]])]
    if not ways:
        return [Point(frozenset({"no_valid_grant"}), frozenset(why_none(world, need, as_of)))]
    verdict = best([worst([verdict_of(c) for c in codes]) for codes in ways])
    possible = {c for codes in ways if worst([verdict_of(c) for c in codes]) == verdict for c in codes}
    named = frozenset(c for c in possible if verdict_of(c) == verdict)
    return [Point(named, frozenset(possible) - named)]


def why_none(world: World, need: Requirement, as_of: datetime) -> Iterator[str]:
    """What else can be said of somebody of whom there is no record that could permit."""
    majority = world.majority(need.party)
    if majority is not None and as_of < majority:
        yield "guardian_consent_required"
    if need.capacity == "subject" and is_dead(world, need.party, as_of):
        yield "subject_deceased"


def is_dead(world: World, party: str, as_of: datetime) -> bool:
    deaths = [e["deceased_at"] for e in world.of("person") if e["id"] == party and e.get("deceased_at")]
    return any(as_of >= instant(died) for died in deaths)


def try_grant(
    world: World, query: Mapping[str, Any], as_of: datetime, need: Requirement, atom: Atom, grant: dict[str, Any],
    status: str,
) -> list[set[str]]:  # fmt: skip
    """Return, for each way in which the grant might permit the atom, what it comes to."""
    if status != "active":
        return [{status}]
    if revoked(world, query, as_of, need, atom, grant):
        return [{"revoked"}]
    whole = set(shortfalls_of_grant(world, query, as_of, need, grant))
    permissions = grant.get("permissions") or ()
    ways = [
        whole | set(shortfalls(query, need, atom, grant, world, as_of, p))
        for p in permissions
        if in_atom(p, query, atom)
    ]
    return [way or {"granted"} for way in ways] or [{"not_granted"}]


def revoked(
    world: World, query: Mapping[str, Any], as_of: datetime, need: Requirement, atom: Atom, grant: dict[str, Any]
) -> bool:
    """Whether a later entry withdrew the grant for this. A licence of copyright may be irrevocable, a consent never."""
    if grant.get("revocability") == "irrevocable" and grant["role"] in ("owner", "organisation"):
        return False
    return any(
        r["entry"] > grant["entry"]
        and r["party"] in (grant["party"], grant.get("on_behalf_of"))
        and _effective(r) <= as_of
        and (r.get("grants") is None or grant["id"] in r["grants"])
        and (r.get("assets") is None or "*" in r["assets"] or not set(r["assets"]).isdisjoint(need.line))
        and (r.get("pattern") is None or overlaps(r["pattern"], query, atom))
        for r in world.of("revoke")
    )


def shortfalls_of_grant(
    world: World, query: Mapping[str, Any], as_of: datetime, need: Requirement, grant: dict[str, Any]
) -> Iterator[str]:
    """What is wanting whatever its permissions say."""
    if grant.get("exclusive_to") and query.get("actor") != grant["exclusive_to"]:
        yield "exclusive_to_other"
    if grant.get("derivatives") == "none" and need.adapted:
        yield "derivative_not_permitted"
    if need.capacity == "subject" and is_dead(world, need.party, as_of) and not grant.get("survives_death"):
        yield "subject_deceased"
    for condition in grant.get("preconditions") or ():
        # The fulfilment is recorded right after the grant, and like everything acts from its entry on.
        status = condition.get("status") if as_of >= grant["now"] else None
        if status == "unknown":
            yield "precondition_unknown"
        elif status != "met":
            yield "precondition_unmet"


def in_atom(permission: Mapping[str, Any], query: Mapping[str, Any], atom: Atom) -> bool:
    return (
        permits(permission["activities"], atom.activity)
        and permits(permission["aims"], atom.aim)
        and permits(permission["contexts"], query["context"])
    )


def shortfalls(
    query: Mapping[str, Any], need: Requirement, atom: Atom, grant: dict[str, Any], world: World, as_of: datetime,
    permission: Mapping[str, Any],
) -> Iterator[str]:  # fmt: skip
    """What is wanting in a permission for the atom."""
    is_open = query["audience"] == "open"
    if LADDER.index(query["audience"]) > LADDER.index(permission["max_audience"]):
        yield "audience_exceeds_grant"
    where = {"WORLD"} if is_open else set(query["territories"])
    if "WORLD" not in permission["territories"] and not where <= set(permission["territories"]):
        yield "territory_not_covered"
    if permission.get("actors") is not None and query.get("actor") not in permission["actors"]:
        yield "recipient_not_granted"
    licence, licences = query.get("licence"), permission.get("licences")
    if is_open and not licence:
        yield "licence_required"
    elif is_open if licences is None else bool(licence) and licence not in licences:
        yield "licence_not_granted"
    if atom.starred and need.capacity == "subject" and not permission.get("explicit"):
        yield "explicit_consent_required"
    majority = world.majority(need.party)
    grown_up = majority is not None and as_of >= majority
    if grant["role"] == "guardian" and grown_up and (is_open or atom.starred):
        yield "reaffirmation_required"

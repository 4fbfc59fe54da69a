"""A case's stage: its ledger, its parties with their keys, and the events as they are played."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from consent_ledger.clearance import clear
from consent_ledger.conformance.means import (
    age_of,
    break_entry,
    effective,
    new_key,
    organisation_names,
    replayed,
    signing_key_of,
    spoil,
)
from consent_ledger.conformance.terms import condition_of, permission_of, prohibition_of, slug_of
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.issuing import (
    Issuer,
    grant_fields,
    key_material,
    new_party_id,
    template_ref,
    whole_second,
)
from consent_ledger.ledger import Ledger
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.terms import (
    ConditionRule,
    LanguageDigests,
    Rule,
    TemplateDocument,
)
from consent_ledger.signing.envelope import (
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
    pae,
    sign_envelope,
    time_message,
)
from consent_ledger.signing.instants import format_time, parse_instant, parse_time
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import Store

PROJECT = "case"


class Stage:
    """One case's ledger: parties by their local names, with keys, and a clock that the events set."""

    def __init__(
        self,
        store: Store,
        events: Sequence[Mapping[str, Any]],
        create: Callable[..., Ledger] = Ledger.create,
    ) -> None:
        """`create` makes the ledger in the store, as `Ledger.create` does."""
        self.store = store
        self._now = min((parse_instant(e["recorded_at"]) for e in events), default=parse_time("2025-01-01T00:00:00Z"))
        self._people = {e["id"]: e for e in events if e["type"] == "person"}
        self._claims: dict[str, list[Mapping[str, Any]]] = {}
        for event in events:
            if event["type"] == "asset":
                self._claims.setdefault(event["id"], []).append(event)
        self._organisations = organisation_names(events)
        self._issuers: dict[str, Issuer] = {}
        self._assets: dict[str, str] = {}
        self._grants: dict[str, tuple[str, str]] = {}
        self._templates: dict[str, list[st.TemplateRef]] = {}
        self._template_events: dict[str, list[Mapping[str, Any]]] = {}
        self._parents: dict[str, Mapping[str, Any]] = {}
        self._broken = False
        origin = "conformance.example/case"
        log_key, operator_key = new_key(), new_key()
        self._operator = Issuer(origin, new_party_id(), operator_key)
        genesis = self._operator.draft(
            st.Genesis,
            self._now,
            format=1,
            log_key=vkey_text(origin, log_key.public_key),
            operator_key=key_material(operator_key.public_key),
        )
        assert isinstance(genesis, st.Genesis)
        self._ledger = create(store, genesis, operator_key, log_key, clock=lambda: self._now)
        self._publisher = self._enrol("publisher of the case", kind="organisation")
        self._offer([])

    # Whatever the ledger needs first ------------------------------------------------------------------------------

    def _enrol(self, name: str, kind: str) -> Issuer:
        issuer = Issuer(self._operator.origin, new_party_id(), new_key())
        fields: dict[str, Any] = {"party": issuer.party, "kind": kind, "key": key_material(issuer.key.public_key)}
        if kind == "person":
            fields |= age_of(self._people.get(name, {}))
        self._say(self._operator, st.Party, **fields)
        self._issuers[name] = issuer
        return issuer

    def _party(self, name: str) -> Issuer:
        kind = "organisation" if name in self._organisations else "person"
        return self._issuers.get(name) or self._enrol(name, kind)

    def _hash(self, name: str) -> str:
        return self._assets.setdefault(name, st.statement_id(f"the bytes of {name}".encode()))

    def _offer(self, refs: list[st.TemplateRef]) -> None:
        self._say(
            self._publisher, st.Project, project=PROJECT, controller=self._publisher.party, title="a case", brief="",
            templates=refs, flags=[],
        )  # fmt: skip

    def _say(self, issuer: Issuer, kind: type[st.Statement], /, **fields: Any) -> str:
        return self._ledger.register(issuer.say(kind, self._now, **fields)).id

    # Events -------------------------------------------------------------------------------------------------------

    def play(self, event: Mapping[str, Any]) -> None:
        """Record an event at its time; what the ledger refuses is not recorded, and the case goes on."""
        self._now = max(self._now, parse_instant(event["recorded_at"]))
        play = _PLAYS.get(event["type"])
        if play is None:
            raise MalformedError(f"unknown event type `{event['type']}`")
        with suppress(LedgerError):
            play(self, event)

    def _play_person(self, event: Mapping[str, Any]) -> None:
        issuer = self._party(event["id"])
        if "deceased_at" in event:
            died = whole_second(parse_instant(event["deceased_at"]))
            self._say(self._operator, st.Party, party=issuer.party, kind="person", deceased_at=died)

    def _play_asset(self, event: Mapping[str, Any]) -> None:
        name = event["id"]
        subjects = event.get("subjects")
        medium: dict[str, Any] = {
            "hash": self._hash(name),
            "size": len(name),
            "media_type": "video/mp4",
            "owners": [self._party(p).party for p in event.get("owners") or ()],
        }
        if subjects is None:
            medium["subjects_unverified"] = True
        else:
            medium["subjects"] = [st.UNIDENTIFIED if p == "?" else self._party(p).party for p in subjects]
        if event.get("rights_holders"):
            medium["organisations"] = [self._party(p).party for p in event["rights_holders"]]
        if event.get("retention_end"):
            medium["retention_until"] = whole_second(parse_instant(event["retention_end"]))
        if event.get("derived_from"):
            medium["derived_from"] = [self._derivation(d) for d in event["derived_from"]]
        self._parents.setdefault(name, event)
        self._say(self._publisher, st.Asset, project=PROJECT, media=[st.Medium(**medium)])

    def _derivation(self, edge: Mapping[str, Any]) -> st.Derivation:
        fields: dict[str, Any] = {"asset": self._hash(edge["asset"]), "transform": edge["relation"]}
        if edge.get("subjects_attested"):
            visible = set(edge.get("subjects") or ())
            gone = [p for p in self._shown(edge["asset"]) if p not in visible]
            if gone:
                fields["absent_subjects"] = [st.UNIDENTIFIED if p == "?" else self._party(p).party for p in gone]
        return st.Derivation(**fields)

    def _shown(self, name: str) -> list[str]:
        """Everybody whom an asset or anything that it was made from shows, even where that is registered later: whom a
        crop does not show, it does not show."""
        shown: dict[str, None] = {}
        pending, seen = [name], set[str]()
        while pending:
            asset = pending.pop()
            if asset in seen:
                continue
            seen.add(asset)
            for event in self._claims.get(asset, ()):
                shown |= dict.fromkeys(event.get("subjects") or ())
                pending += [d["asset"] for d in event.get("derived_from") or ()]
        return list(shown)

    def _play_grant(self, event: Mapping[str, Any]) -> None:
        issuer = self._party(event["party"])
        document = self._document(event)
        fields: dict[str, Any] = grant_fields(document, "en", {})
        fields["capacities"] = [event["role"]]
        if event.get("on_behalf_of"):
            fields["ward"] = self._party(event["on_behalf_of"]).party
        everything = "*" in event["assets"]
        fields["scope"] = (
            st.Scope(project=PROJECT) if everything else st.Scope(assets=[self._hash(a) for a in event["assets"]])
        )
        signed_at = event.get("signed_at") or event["recorded_at"]
        fields["starts"] = whole_second(parse_instant(event.get("start") or signed_at))
        if event.get("end"):
            fields["ends"] = whole_second(parse_instant(event["end"]))
        earlier = [self._grants[g][0] for g in event.get("supersedes") or () if g in self._grants]
        if earlier:
            fields["supersedes"] = earlier
        statement = issuer.draft(st.Grant, parse_instant(signed_at), assurance="own_key", **fields)
        envelope = sign_envelope(st.encode_statement(statement), signing_key_of(event, issuer))
        if event.get("sig") == "bad":
            envelope = spoil(envelope)
        if event.get("trusted_time"):
            envelope = self._vouch(envelope, parse_instant(signed_at))
        id_ = self._ledger.register(envelope).id
        self._grants[event["id"]] = id_, event["party"]
        self._fulfil(event, id_)

    def _document(self, event: Mapping[str, Any]) -> TemplateDocument:
        """Publish a template whose terms are exactly the event's, and offer it."""
        recipients = self._recipients
        rules = [
            Rule(id=f"p{n}", optional=False, permission=permission_of(f"p{n}", p, recipients))
            for n, p in enumerate(event.get("permissions") or ())
        ] + [
            Rule(id=f"f{n}", optional=False, prohibition=prohibition_of(p, recipients, rule=f"f{n}"))
            for n, p in enumerate(event.get("prohibitions") or ())
        ]
        extra: dict[str, Any] = {}
        if event.get("exclusive_to"):
            extra["exclusive_to"] = self._party(event["exclusive_to"]).party
        text = st.statement_id(b"the text of the case")
        name = str(event.get("template") or "case")
        versions = self._templates.setdefault(name, [])
        document = TemplateDocument(
            id=slug_of(name),
            version=f"1.{len(versions)}",
            publisher=self._publisher.party,
            capacities=["owner", "subject", "guardian", "organisation"],
            rules=rules,
            conditions=[ConditionRule(condition=condition_of(c["kind"])) for c in event.get("preconditions") or ()],
            obligations=[],
            derivatives="none" if event.get("derivatives") == "none" else "allowed",
            copyright="irrevocable" if event.get("revocability") == "irrevocable" else "revocable",
            survives_death=bool(event.get("survives_death")),
            policies={},
            languages={"en": LanguageDigests(text=text, summary=text)},
            **extra,
        )
        ref = template_ref(document)
        self._say(self._publisher, st.Template, template=ref, action="published", document=document)
        versions.append(ref)
        # What became of the case's template became of every version of it that a grant needs.
        for ended in self._template_events.get(name, ()):
            self._say(self._publisher, st.Template, template=ref, action=ended["status"], **effective(ended))
        if "*" in event["assets"]:
            self._offer([r for refs in self._templates.values() for r in refs][-50:])
        return document

    def _recipients(self, names: Sequence[str]) -> list[str]:
        return [self._party(name).party for name in names]

    def _vouch(self, envelope: bytes, time: int) -> bytes:
        """Let a trusted time source say that the statement existed at `time`."""
        name = "time source of the case"
        source = self._issuers.get(name) or self._enrol(name, kind="time_source")
        signed = decode_envelope(envelope)
        spelled = format_time(time)
        message = time_message(pae(signed.payload_type, signed.payload), spelled)
        vouched = Signature(source.key.public_key.keyid, source.key.sign(message), time=spelled)
        return encode_envelope(Envelope(signed.payload, signed.payload_type, (*signed.signatures, vouched)))

    def _fulfil(self, event: Mapping[str, Any], grant: str) -> None:
        names = [a for a in event["assets"] if a != "*"] or list(self._parents)
        for condition in event.get("preconditions") or ():
            if "status" in condition:
                self._say(
                    self._publisher, st.Fulfilment, condition=condition_of(condition["kind"]),
                    status=condition["status"], assets=[self._hash(a) for a in names], grants=[grant],
                    **({"reason": "case"} if condition["status"] == "unmet" else {}),
                )  # fmt: skip

    def _play_revoke(self, event: Mapping[str, Any]) -> None:
        issuer = self._party(event["party"])
        fields: dict[str, Any] = {"party": issuer.party, "channel": "key"}
        if event.get("effective_at"):
            fields["effective_at"] = whole_second(parse_instant(event["effective_at"]))
        if event.get("grants") is not None:
            fields["grants"] = [self._grants[g][0] for g in event["grants"] if g in self._grants]
            if not fields["grants"]:
                return
        if event.get("assets") is not None and "*" not in event["assets"]:
            fields["assets"] = [self._hash(a) for a in event["assets"]]
        if event.get("pattern") is not None:
            fields["uses"] = prohibition_of(event["pattern"], self._recipients)
        self._say(issuer, st.Revocation, **fields)

    def _play_suspension(self, event: Mapping[str, Any]) -> None:
        action = "suspended" if event["type"] == "suspend" else "resumed"
        for name in event["grants"]:
            if name in self._grants:
                id_, party = self._grants[name]
                self._say(self._party(party), st.Suspension, action=action, grants=[id_], **effective(event))

    def _play_dispute(self, event: Mapping[str, Any]) -> None:
        asset = [self._hash(event["asset"])]
        self._say(self._operator, st.Dispute, assets=asset, status=event["status"], **effective(event))

    def _play_takedown(self, event: Mapping[str, Any]) -> None:
        asset = [self._hash(event["asset"])]
        self._say(self._operator, st.Takedown, assets=asset, action="ordered", basis="case", **effective(event))

    def _play_template(self, event: Mapping[str, Any]) -> None:
        self._template_events.setdefault(str(event["id"]), []).append(event)
        for ref in self._templates.get(str(event["id"]), ()):
            self._say(self._publisher, st.Template, template=ref, action=event["status"], **effective(event))

    def _play_key_compromised(self, event: Mapping[str, Any]) -> None:
        issuer = self._party(event["party"])
        since = whole_second(parse_instant(event["at"]))
        keyid = issuer.key.public_key.keyid
        self._say(self._operator, st.Key, party=issuer.party, action="compromised", keyid=keyid, since=since)

    def _play_ledger(self, event: Mapping[str, Any]) -> None:
        self._broken = self._broken or event.get("integrity") == "broken"

    # The question -------------------------------------------------------------------------------------------------

    def ask(self, query: Mapping[str, Any]) -> tuple[Decision, Decision]:
        """Return the service's answer and the auditor's."""
        asset = self._hash(query["asset"])
        use = self.use_of(query)
        as_of = parse_instant(query["as_of"])
        known_at = parse_instant(query["known_at"]) if query.get("known_at") else None
        if self._broken:
            break_entry(self.store, asset)
        answer = clear(self.store, [asset], use, clock=lambda: self._now, as_of=as_of, known_at=known_at)
        with TemporaryDirectory(prefix="consent-ledger-case-") as folder:
            facts = replayed(self.store, Path(folder) / "bundle", self._ledger.vkey)
        return answer.decisions[0], decide(Query(asset, use, as_of, answer.size), facts)

    def use_of(self, query: Mapping[str, Any]) -> Use:
        """Return the use that a case's query asks for."""
        actor = query.get("actor")
        return compile_use(
            query["activities"],
            query["aims"],
            query["context"],
            query["audience"],
            query["territories"],
            query.get("licence"),
            None if actor is None else self._party(actor).party,
        )


_PLAYS: dict[str, Callable[[Stage, Mapping[str, Any]], None]] = {
    "asset": Stage._play_asset,
    "person": Stage._play_person,
    "grant": Stage._play_grant,
    "revoke": Stage._play_revoke,
    "suspend": Stage._play_suspension,
    "resume": Stage._play_suspension,
    "dispute": Stage._play_dispute,
    "takedown": Stage._play_takedown,
    "template": Stage._play_template,
    "key_compromised": Stage._play_key_compromised,
    "ledger": Stage._play_ledger,
}

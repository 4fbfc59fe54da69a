"""The ledger of a server, asked and written to over HTTP."""

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest, ExplainRequest
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.receipt import decode_receipt
from consent_ledger.batch import Outcome, Receipt
from consent_ledger.cli.ledgers import Rehearsed, When
from consent_ledger.cli.lookup import by_name
from consent_ledger.client import Client
from consent_ledger.documents import ConsentAnswer, RegistrationAnswer
from consent_ledger.errors import (
    ForbiddenError,
    LedgerError,
    LimitedError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
)
from consent_ledger.evidence.receipts import ReceiptFile
from consent_ledger.licenses.explanation import Want
from consent_ledger.licenses.facts import optional_micros
from consent_ledger.licenses.records import Claim, Parent, ProjectRecord
from consent_ledger.licenses.statements import TemplateRef, UseRequest
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.signing.instants import format_instant, parse_time
from consent_ledger.withdrawal import Standing, standing_among

_TOLD = [name for name in ClearanceAnswer.__struct_fields__ if name not in ("asset", "query")]


class RemoteAsking:
    """A server that is asked."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def clear(self, assets: Sequence[str], request: UseRequest, when: When) -> list[ClearanceAnswer]:
        said = msgspec.structs.asdict(request) | _point(when)
        told: dict[Hashable, ClearanceAnswer] = {}  # assets of which the same is said share it
        answers = []
        for answer in self._client.clear_all(ClearanceRequest(asset=asset, **said) for asset in assets):
            if isinstance(answer, LedgerError):
                raise answer
            alike = told.setdefault(tuple(getattr(answer, name) for name in _TOLD), answer)
            answers.append(msgspec.structs.replace(alike, asset=answer.asset))
        return answers

    def explain(self, assets: Sequence[str], request: UseRequest, when: When) -> list[tuple[Want, ...]]:
        said = msgspec.structs.asdict(request) | _point(when)
        return self._client.explain(ExplainRequest(assets=list(assets), **said))

    def find_project(self, name: str) -> tuple[ProjectRecord, list[TemplateDocument]]:
        project = self._client.project(name)
        digests = [ref.digest for ref in project.templates]
        record = ProjectRecord(project.entry, project.controller, frozenset(digests), frozenset(project.flags))
        return record, by_name(self._client.template(digest) for digest in digests)

    def find_templates(self, publisher: str, names: Iterable[str]) -> list[TemplateRef]:
        return [self._find_template(publisher, name) for name in names]

    def _find_template(self, publisher: str, name: str) -> TemplateRef:
        if name.startswith("sha256:"):
            document = self._client.template(name)
            return TemplateRef(id=document.id, version=document.version, digest=name)
        for item in self._client.templates():
            if item.publisher == publisher and f"{item.id}/{item.version}" == name:
                return TemplateRef(id=item.id, version=item.version, digest=item.digest)
        raise NotFoundError(f"template `{name}` is not published by this organisation", code="template_unknown")

    def find_claims(self, assets: Sequence[str]) -> dict[str, tuple[Claim, ...]]:
        found = self._client.assets(list(dict.fromkeys(assets)))
        return {answer.asset: tuple(map(_claim, answer.registrations)) for answer in found}

    def find_consent(self, party: str) -> ConsentAnswer:
        return self._client.consent(party)

    def find_envelope(self, id_: str) -> bytes:
        return self._client.statement(id_)

    def take_receipt(self, id_: str) -> ReceiptFile:
        return self._client.receipt(id_)


class RemoteRecording(RemoteAsking):
    """A server that is written to."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.clock = client.clock

    @cached_property
    def origin(self) -> str:
        """The ledger's name; the server's word for it is not enough, or what is signed could be of use in another."""
        version = self._client.version()
        if not self._client.verifiers:
            detail = "whose log the server has is not known here, and nothing is signed for a stranger"
            raise RefusedError(f"{detail}: want `log.vkey` in the home, or --vkey", code="vkey_wanted")
        return version.origin

    def register(self, envelope: bytes) -> Receipt:
        return self._client.register(envelope)

    def register_all(self, envelopes: Iterable[bytes]) -> list[Outcome]:
        return list(self._client.register_all(envelopes))

    def find_withdrawal(self, party: str, **part: Any) -> Standing:
        try:
            consent = self._client.consent(party)
        except (ForbiddenError, NotFoundError, UnauthenticatedError):
            return Standing(None, None)  # to withdraw, nobody need be allowed to see what was granted
        return standing_among(consent, **part)

    def find(self, id_: str) -> Receipt:
        receipt = self._client.receipt(id_)
        sealed = receipt.entry.encode()
        entry, checkpoint = decode_entry(sealed), decode_receipt(receipt.proof.encode()).checkpoint
        return Receipt(id_, entry.index, entry.recorded_at, sealed, checkpoint, False)


class RemoteRehearsal(RemoteRecording):
    """A server that is only asked what it would record, each as if it were alone."""

    def register(self, envelope: bytes) -> Receipt:
        receipt = self._client.rehearse(envelope)
        if receipt is None:
            raise Rehearsed
        return receipt

    def register_all(self, envelopes: Iterable[bytes]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        rehearsed = False
        for envelope in envelopes:
            try:
                outcomes.append(self.register(envelope))
            except Rehearsed:
                rehearsed = True
            except (UnavailableError, UnauthenticatedError, LimitedError):
                raise
            except LedgerError as e:
                outcomes.append(e)
        if rehearsed:
            raise Rehearsed
        return outcomes


def _point(when: When) -> dict[str, Any]:
    times = {"as_of": when.as_of, "known_at": when.known_at}
    said: dict[str, Any] = {name: format_instant(time) for name, time in times.items() if time is not None}
    return said | ({} if when.size is None else {"size": when.size})


def _claim(registration: RegistrationAnswer) -> Claim:
    said = registration.medium
    derived = () if said.derived_from is UNSET else said.derived_from
    return Claim(
        entry=registration.entry,
        recorded_at=parse_time(registration.recorded_at),
        statement=registration.statement,
        issuer=registration.issuer,
        project=registration.project,
        owners=tuple(said.owners),
        subjects=None if said.subjects is UNSET else tuple(said.subjects),
        organisations=() if said.organisations is UNSET else tuple(said.organisations),
        captured_at=optional_micros(said.captured_at),
        retention_until=optional_micros(said.retention_until),
        parents=tuple(
            Parent(d.asset, d.transform, frozenset() if d.absent_subjects is UNSET else frozenset(d.absent_subjects))
            for d in derived
        ),
    )

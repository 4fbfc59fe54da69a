"""Making statements: the fields that every one has, and the signature. What it says is the caller's."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from consent_ledger.licenses.statements import KeyMaterial, Statement, TemplateRef, encode_statement
from consent_ledger.licenses.terms import TemplateDocument, resolve_terms, template_digest
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.keys import PublicKey, SigningKey


class Issuer(NamedTuple):
    """A party that speaks with its own key, to the ledger `origin`."""

    origin: str
    party: str
    key: SigningKey

    def say(self, kind: type[Statement], at: int, /, **fields: Any) -> bytes:
        """Return the signed envelope of a statement of type `kind`, issued at an instant (microseconds)."""
        return sign_envelope(encode_statement(self.draft(kind, at, **fields)), self.key)

    def draft(self, kind: type[Statement], at: int, /, **fields: Any) -> Statement:
        """Return the statement, unsigned: for another key to sign, or several."""
        header: dict[str, Any] = {
            "ledger": self.origin,
            "issuer": self.party,
            "issued_at": whole_second(at),
            "nonce": new_nonce(),
        }
        return kind(**header, **fields)


def whole_second(instant: int) -> datetime:
    """Return the instant (microseconds) as a statement spells it: whole seconds, UTC."""
    return datetime.fromtimestamp(instant // SECOND, UTC)


def new_party_id() -> str:
    """Return a new party id, which means nothing."""
    return "pty_" + secrets.token_hex(16)


def new_nonce() -> str:
    """Return 16 random bytes in hex."""
    return secrets.token_hex(16)


def key_material(key: PublicKey) -> KeyMaterial:
    """Return an Ed25519 public key as statements carry it."""
    return KeyMaterial(scheme="ed25519", public_key=b64encode(key.raw).decode())


def template_ref(document: TemplateDocument) -> TemplateRef:
    """Return the reference that names a template version."""
    return TemplateRef(id=document.id, version=document.version, digest=template_digest(document))


def grant_fields(document: TemplateDocument, language: str, choices: Mapping[str, bool]) -> dict[str, Any]:
    """Return the fields of a grant that a template, the language it was read in and the answers determine.

    Raises RefusedError where an optional rule is not answered, KeyError for a language that the template lacks.
    """
    return {
        "template": template_ref(document),
        "language": language,
        "text_digest": document.languages[language].text,
        "choices": dict(choices),
        "terms": resolve_terms(document, dict(choices)),
    }

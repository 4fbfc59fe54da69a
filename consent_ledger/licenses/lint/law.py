"""Lint of the layers of law: consent that can be withdrawn, consent of workers, biometrics in Illinois."""

from collections.abc import Collection, Iterator
from typing import Final

from msgspec import UNSET

from consent_ledger.licenses.lint.findings import Finding
from consent_ledger.licenses.templates import TemplateSource

OVERRIDABLE: Final = frozenset({"worker_consent"})
"""Findings that a recorded reason turns into a note."""

_TOML: Final = "template.toml"
_PERSONS: Final = frozenset({"subject", "guardian"})
_BIOMETRIC_YEARS: Final = 3
"""740 ILCS 14/15(a): at the latest three years after the person's last dealings with the holder."""


def lint_law(source: TemplateSource, flags: Collection[str]) -> Iterator[Finding]:
    """Yield what the law of some place would not let stand, for a project with these flags."""
    yield from _revocability(source)
    yield from _workers(source, flags)
    yield from _biometrics_in_illinois(source)


def _revocability(source: TemplateSource) -> Iterator[Finding]:
    rests_on_consent = "consent" in (source.legal_basis.privacy, source.legal_basis.portrait)
    if source.revocation.consent != "any_time" and (rests_on_consent or _PERSONS & set(source.capacities)):
        yield Finding(
            "error",
            "consent_not_revocable",
            f"{_TOML}, [revocation]",
            "People who are seen or heard could not take back their consent. Consent must be as easy to withdraw as to "
            "give, at any time (Article 7(3) GDPR); consent that cannot be withdrawn is not valid consent.",
            'Set `consent = "any_time"`. Only the copyright licence of an owner may be irrevocable.',
        )


def _workers(source: TemplateSource, flags: Collection[str]) -> Iterator[Finding]:
    layers = [layer for layer in ("privacy", "portrait") if getattr(source.legal_basis, layer) == "consent"]
    if source.signers != "workers" or not layers:
        return
    where = f"{_TOML}, [legal_basis]"
    reason = source.overrides.get("worker_consent")
    if reason is not None:
        yield Finding(
            "note", "worker_consent_override", where,
            f"Workers are asked for consent, and it is recorded that this is intended: `{reason}`. The reason becomes "
            "part of the published template, where everyone can read it.",
            "Check that the reason still holds, and that saying no has no consequence at work.",
        )  # fmt: skip
    elif "public_body_involved" in flags:
        yield Finding(
            "error", "worker_consent", where,
            f"Workers sign this and the basis for {' and '.join(layers)} is their consent, while a public body is "
            "involved. A worker can seldom refuse freely, and a public body should not rely on consent where "
            "there is an imbalance of power (recital 43 GDPR), so the consent may be void.",
            "Use another basis, such as the contract. If it is truly voluntary, record why: `[overrides]` "
            '`worker_consent = "a_reason_code"`.',
        )  # fmt: skip
    else:
        yield Finding(
            "warning", "worker_consent_private", where,
            f"Workers sign this and the basis for {' and '.join(layers)} is their consent. A worker can seldom refuse "
            "freely. Where a public body is involved the lint refuses it.",
            "Use another basis, such as the contract, or record in `[overrides]` why the consent is free.",
        )  # fmt: skip


def _biometrics_in_illinois(source: TemplateSource) -> Iterator[Finding]:
    places = [p for p in source.jurisdictions if p in ("US-IL", "US", "WORLD")]
    retention = source.retention
    is_limited = retention.kind == "until" or (retention.years is not UNSET and retention.years <= _BIOMETRIC_YEARS)
    if not places or is_limited:
        return
    for rule in source.rules:
        if rule.permission is not UNSET and any(aim.startswith("biometric") for aim in rule.permission.aims):
            yield Finding(
                "error", "biometrics_without_retention_limit", f"{_TOML}, rule `{rule.id}`",
                f"People in {', '.join(places)} may sign this and the rule permits biometric use, but the template "
                "sets no limit of at most three years to how long data are kept. Illinois law demands one (Biometric "
                "Information Privacy Act, 740 ILCS 14/15(a)) and lets every person sue.",
                f'Set `[retention]` `kind = "years"`, `years = {_BIOMETRIC_YEARS}` or less, or leave these places out '
                "of `jurisdictions`.",
            )  # fmt: skip

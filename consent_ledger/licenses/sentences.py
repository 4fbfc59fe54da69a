"""Explanations in words, for people who know neither code nor law: what a dataset lacks, from whom, and what to do."""

from collections.abc import Sequence
from typing import Final

from consent_ledger.licenses.explanation import Group

SENTENCES: Final = {
    "ask_for_permission": "{files} {lack} {what} from {people}{why}",
    "ask_guardian": "{files} {lack} {what} from the parents or guardians of {people}",
    "sign_more_strongly": "{files} {lack} a stronger signature from {people}: ask {them} to sign with a key "
    "of their own",
    "resume": "{files} {are} on hold: {people} paused the permission and can let it go on",
    "wait_for_start": "{files} may be used later: what {people} signed has not begun",
    "ratify_capture": "{files} {were} made before {people} signed and {need} a maker's ratification: a signature that "
    "names {each}",
    "meet_condition": "{files} {wait} {conditions}",
    "replace_rejected": "{files} {were} rejected: accept {it} after all, or do without",
    "replace_prohibition": "{files} {are} forbidden for this by {people}: only a new agreement that replaces what "
    "{they} signed can lift that",
    "register_asset": "{files} {are} not registered: nothing is known of {it}. Register {it} first; if made from a "
    "registered file (another format, a blurred version), say from which",
    "register_parent": "{files} {are} made from something that is not registered: register that first",
    "correct_derivation": "{files} {are} said to be made from themselves: find out what {they_files} {were} made from",
    "verify_subjects": "{files} {need} somebody to look who is seen or heard, and to register that",
    "identify_subject": "{files} {show} somebody whom nobody has identified",
    "ask_heirs": "{files} {show} {people} who died: ask the heirs, or leave {it} out",
    "establish_age": "{files} {show} or {belong} to {people} whose age nobody has established",
    "resolve_dispute": "{files} {are} claimed by more than one: wait until it is settled whose {they_files} {are}",
    "name_a_licence": "{files} cannot be judged for release before you say under which licence",
    "ask_exclusive_licensee": "{files} {are} promised by {people} to somebody else alone",
    "nothing_clears_it": "{files} must not be used any more (ordered down, or kept long enough): leave {it} out",
    "verify_ledger": "{files} cannot be judged: the ledger does not verify, tell whoever runs it",
}

WHY: Final = {
    "no_valid_grant": "{who} signed nothing yet that is about {it}",
    "signature_invalid": "whose key may have been in other hands when {they} signed",
    "template_not_offered": "{who} signed something that the project did not offer",
    "template_invalidated": "{who} signed a text that was declared invalid",
    "invalid_interval": "whose permission ends before it begins",
    "expired": "whose permission has ended",
    "superseded": "{who} replaced it by another",
    "revoked": "{who} withdrew it: leave {it} out unless {they} {agree} anew",
    "not_granted": "{who} signed for other uses",
    "explicit_consent_required": "{who} {have} to be asked for this in so many words",
    "audience_exceeds_grant": "{who} so far {permit} it to fewer people than this",
    "licence_not_granted": "{who} did not permit this licence",
    "territory_not_covered": "{who} did not permit it in all these countries",
    "recipient_not_granted": "{who} {permit} it to other recipients and not to this one",
    "derivative_not_permitted": "{who} {permit} no changed versions",
    "guardian_authority_invalid": "for whom somebody signed who could not",
    "reaffirmation_required": "{who} came of age and {have} to decide anew",
}

CONDITIONS: Final = {"accepted": "to be accepted", "paid": "to be paid for"}


def sentence(group: Group) -> str:
    """Return one group as a sentence."""
    one, single = group.assets == 1, group.parties == 1
    words = {
        "files": "1 file" if one else f"{group.assets:,} files",
        "it": "it" if one else "them",
        "they_files": "it" if one else "they",
        "each": "it" if one else "each",
        "people": _people(group),
        "them": "that one" if single else "them",
        "they": "they",
        "who": "which" if group.party_kind == "organisation" else "who",
        "what": _what(group),
        "conditions": _conditions(group.conditions),
    }
    words |= {verb: forms[not one] for verb, forms in _OF_FILES.items()}
    words |= {verb: forms[not single] for verb, forms in _OF_PARTIES.items()}
    why = WHY.get(group.code)
    words["why"] = "" if why is None else ", " + why.format(**words)
    return SENTENCES[group.action].format(**words)


_OF_FILES: Final = {
    "lack": ("lacks", "lack"), "are": ("is", "are"), "were": ("was", "were"), "need": ("needs", "need"),
    "wait": ("waits", "wait"), "show": ("shows", "show"), "belong": ("belongs", "belong"),
}  # fmt: skip
_OF_PARTIES: Final = {"have": ("has", "have"), "permit": ("permits", "permit"), "agree": ("agree", "agree")}


def _people(group: Group) -> str:
    one, many = ("organisation", "organisations") if group.party_kind == "organisation" else ("person", "people")
    return f"1 {one}" if group.parties == 1 else f"{group.parties:,} {many}"


def _what(group: Group) -> str:
    if group.template is None:
        return "a permission (which no template of the project asks for)"
    if not group.questions:
        return f"a signature under {group.template}"
    return f"a yes to {_listed([f'`{question}`' for question in group.questions])} of {group.template}"


def _conditions(conditions: Sequence[str]) -> str:
    """Return what is waited for: people's acts, or a version that something was done to."""
    acts = [CONDITIONS[c] for c in conditions if c in CONDITIONS]
    made = [c.partition(":")[2] for c in conditions if c.startswith("transform:")]
    said = [_listed(acts)] if acts else []
    if made:
        versions = _listed([f"`{transform}`" for transform in made])
        said.append(f"for a version with {versions}: make and register that, and ask about it instead")
    return ", and ".join(said) or "for a condition to be met"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

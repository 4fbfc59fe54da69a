"""What would clear many assets, asked in parts."""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from consent_ledger.answers import AssetWants, ExplainAnswer, ExplainRequest, WantAnswer
from consent_ledger.client.transport import MEGABYTE, Transport
from consent_ledger.client.verifying import decode, wrong_answer
from consent_ledger.licenses.explanation import ACTIONS, Want
from consent_ledger.licenses.reasons import VERDICTS

ASSETS = 2_000
MOST = 32 * MEGABYTE

_ACTIONS = {*ACTIONS.values(), "ask_for_permission", "replace_rejected"}


def explain_all(transport: Transport, request: ExplainRequest) -> list[tuple[Want, ...]]:
    """Return, for each asset of the request, in order, what would clear it: nothing for one that is cleared."""
    found: dict[str, tuple[Want, ...]] = {}
    source = iter(dict.fromkeys(request.assets))
    while part := list(islice(source, ASSETS)):
        body = msgspec.json.encode(msgspec.structs.replace(request, assets=part))
        answered = transport.exchange("POST", "/v1/clearance/explain", body=body, most=MOST)
        found |= _read(part, decode(answered.body, ExplainAnswer).assets)
    return [found[asset] for asset in request.assets]


def _read(asked: list[str], answers: Sequence[AssetWants]) -> Iterator[tuple[str, tuple[Want, ...]]]:
    if [answer.asset for answer in answers] != asked:
        raise wrong_answer("the answer is about other assets than were asked")
    for answer in answers:
        yield answer.asset, tuple(_want(want) for want in answer.wants)


def _want(answer: WantAnswer) -> Want:
    want = Want(**msgspec.structs.asdict(answer))
    texts = (want.template or "", *want.capacities, *want.rules, *want.questions, *want.conditions)
    known = want.action in _ACTIONS and want.code in VERDICTS and want.party_kind in _KINDS
    if not known or not all(text.isprintable() for text in texts):
        raise wrong_answer("the answer wants something that is not known here")
    return want


_KINDS = (None, "person", "organisation", "ledger", "time_source")

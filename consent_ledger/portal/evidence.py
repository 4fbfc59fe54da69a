"""What stands beside the log: checkpoints and who else signed them, erasures, verifications."""

from typing import Annotated, NamedTuple

import msgspec
from litestar.types import ASGIApp
from markupsafe import Markup

from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.errors import NotFoundError, RefusedError
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.messages import Words
from consent_ledger.portal.pages import PageView, page, require_plain, shown, viewer_of, words_of
from consent_ledger.reading.checkpoints import Growth, Signed, latest_checkpoints, read_growth, witness_name
from consent_ledger.reading.log import ErasureItem, list_erasures
from consent_ledger.reporting.charts import Labels, growth_chart, mark_sample
from consent_ledger.store.engine import Store
from consent_ledger.verification.runs import KeptRun, find_run, list_runs

RECENT = 20
RUNS = 30
MOST_FINDINGS = 200


class RunsView(PageView, frozen=True, kw_only=True):
    """Which verifications: those that are kept under smaller numbers than `before`."""

    before: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None


class Witnessed(NamedTuple):
    """How the log grew and who signed it, with the latest checkpoints."""

    growth: Growth
    latest: list[Signed]


@page("/audit/checkpoints", "checkpoints")
async def checkpoints(request: HttpRequest) -> ASGIApp:
    """A picture of the log's growth with the cosignatures, and the checkpoints themselves."""
    require_plain(request)
    service = service_of(request)
    seen = await service.read(_witness, service.ledger.store)
    chart = Markup(_chart(seen.growth, words_of(request)))
    return shown(request, "checkpoints.html", page="checkpoints", g=seen.growth, latest=seen.latest, chart=chart,
                 sample=lambda n: Markup(mark_sample(n)))  # fmt: skip


def _witness(store: Store) -> Witnessed:
    with store.read() as tx:
        return Witnessed(read_growth(tx), latest_checkpoints(tx, RECENT))


def _chart(growth: Growth, words: Words) -> str:
    if not growth.points:
        return ""
    first, last = growth.points[0], growth.points[-1]
    told = words("checkpoints.chart_text", first=words.time(first.at), last=words.time(last.at),
                 size=words.number(last.size))  # fmt: skip
    names = {witness.name: witness_name(witness.name) for witness in growth.witnesses}
    labels = Labels(words("checkpoints.chart"), told, words("checkpoints.axis_size"))
    marks = [(mark.at, mark.size, mark.witness) for mark in growth.marks]
    return growth_chart([(point.at, point.size) for point in growth.points], marks, names, labels)


@page("/audit/erasures", "erasures")
async def erasures(request: HttpRequest) -> ASGIApp:
    """Which entries were erased, when, and as far as the reader may know why."""
    require_plain(request)
    service = service_of(request)
    found = await service.read(_erasures, service.ledger.store, viewer_of(request))
    return shown(request, "erasures.html", page="erasures", erasures=found)


def _erasures(store: Store, viewer: Viewer) -> list[ErasureItem]:
    with store.read() as tx:
        return list_erasures(tx, viewer)[::-1]


@page("/audit/verifications", "verifications")
async def verifications(request: HttpRequest) -> ASGIApp:
    """Verifications of the whole ledger, the latest first."""
    wanted = read_query(request, RunsView)
    service = service_of(request)
    before = 2**53 if wanted.before is None else wanted.before
    found = await service.read(list_runs, service.ledger.store, RUNS + 1, before)
    older = found[RUNS - 1].id if len(found) > RUNS else None
    return shown(request, "verifications.html", page="findings", runs=found[:RUNS], older=older)


@page("/audit/verifications/{number:str}", "verification")
async def verification(request: HttpRequest) -> ASGIApp:
    """What one verification checked, found, and did not check."""
    require_plain(request)
    service = service_of(request)
    kept = await service.read(_find_run, service.ledger.store, request.path_params["number"])
    details = viewer_of(request) is None  # they may name what is another's
    return shown(request, "verification.html", page="findings", run=kept.run, details=details, most=MOST_FINDINGS)


def _find_run(store: Store, text: str) -> KeptRun:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise RefusedError("path has no number of a verification", code="bad_number")
    found = find_run(store, int(text))
    if found is None:
        raise NotFoundError(f"there is no verification {int(text)}", code="verification_unknown")
    return found


ROUTES = (checkpoints, erasures, verifications, verification)

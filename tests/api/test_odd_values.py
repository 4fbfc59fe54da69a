"""What a stranger puts where an id, a cursor or a label belongs: refused on both databases, and the trail goes on."""

import hashlib
from base64 import urlsafe_b64encode

from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.store.request_log import read_requests
from tests.api.asking import bearer
from tests.stores import new_store
from tests.world import World, party_of

PLACES = (
    ("GET", "/v1/decisions/{}"),
    ("GET", "/v1/assets/{}"),
    ("GET", "/v1/statements/{}"),
    ("GET", "/v1/receipts/{}"),
    ("GET", "/v1/templates/{}"),
    ("GET", "/v1/wordings/{}"),
    ("GET", "/v1/projects/{}"),
    ("GET", "/v1/projects/{}/progress"),
    ("GET", "/v1/parties/{}/consent"),
    ("DELETE", "/v1/tokens/{}"),
    ("DELETE", "/v1/organisations/{}"),
    ("GET", "/audit/log/{}"),
    ("GET", "/audit/verifications/{}"),
)
ODD = (
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "%F0%9F%98%80",
    "somebody%40example.org",
    "9" * 30,
    "%0d%0aSet-Cookie:a=b",
    "'",
)
LISTS = {
    "/v1/tokens": f"tokens of {party_of('operator')}",
    "/v1/organisations": "organisations",
    "/v1/projects": "projects",
    "/v1/templates": "templates",
    "/v1/disputes": "disputes",
    "/v1/audit-trail": f"requests of {party_of('operator')}",
}
FORGED = (
    '"\\u0000"',
    '"\u00e9"',
    str(2**63),
    str(2**70),
    str(-(2**70)),
    f'[{2**70},"a"]',
    '[1,"\\u0000"]',
    "null",
    "1.5",
)


def test_nothing_odd_is_a_mistake_of_the_service_or_stops_the_audit_trail(store_url: str) -> None:
    with new_store(store_url) as store:
        ledger = World(store).ledger
        with TestClient(create_app(ledger), raise_server_exceptions=False) as client:
            client.headers.update(bearer(ledger))
            count = ask_for_odd_things(client)
        with store.read() as tx:
            kept = read_requests(tx, party_of("operator"), 2**63 - 1, 1000)
    assert len(kept) == count
    assert not any("example.org" in row.asked.subject for row in kept)


def ask_for_odd_things(client: TestClient) -> int:  # type: ignore[type-arg]
    """Return how many were asked for; each has to be refused."""
    for method, place in PLACES:
        for odd in ODD:
            answer = client.request(method, place.format(odd))
            assert answer.status_code in (404, 422), (place, odd, answer.text)
            assert "set-cookie" not in answer.headers
    for path, listing in LISTS.items():
        for place in FORGED:
            cursor = urlsafe_b64encode(hashlib.sha256(listing.encode()).digest()[:6] + place.encode()).decode()
            refused = client.get(path, params={"cursor": cursor})
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor"), (path, place)
    label = client.post("/v1/tokens", json={"label": "a\0b", "scopes": ["admin"]})
    assert (label.status_code, label.json()["errors"][0]["pointer"]) == (422, "/label")
    return len(PLACES) * len(ODD) + len(LISTS) * len(FORGED) + 1

"""Rate limits: buckets in bounded memory, by token and by address, and what a client is told."""

from typing import Any

import pytest
from litestar import Litestar

from consent_ledger.api.app import create_app
from consent_ledger.api.exposure import Exposure, client_of, networks
from consent_ledger.api.limits import Buckets, Level, Limits, Rate
from consent_ledger.errors import LimitedError
from tests.api.asking import bearer
from tests.api.calling import call, pairs
from tests.world import World


class Hand:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_then_what_it_fills_by() -> None:
    hand = Hand()
    buckets = Buckets(Rate(2, 3), now=hand)
    assert [buckets.take("a") for _ in range(3)] == [Level(3, 2, 1), Level(3, 1, 1), Level(3, 0, 2)]
    with pytest.raises(LimitedError) as refused:
        buckets.take("a")
    assert refused.value.retry_after == 1
    assert buckets.take("b") == Level(3, 2, 1)
    hand.now = 0.5
    assert buckets.take("a") == Level(3, 0, 2)
    hand.now = 100
    assert buckets.take("a") == Level(3, 2, 1)


def test_who_is_refused_does_not_pay_for_it() -> None:
    hand = Hand()
    buckets = Buckets(Rate(1, 1), now=hand)
    buckets.take("a")
    for _ in range(50):
        with pytest.raises(LimitedError):
            buckets.take("a")
    hand.now = 1
    assert buckets.take("a") == Level(1, 0, 1)


def test_what_is_borrowed_is_waited_for() -> None:
    hand = Hand()
    buckets = Buckets(Rate(10, 100), now=hand)
    assert buckets.borrow("a", 100) == 0
    assert buckets.borrow("a", 50) == 5
    hand.now = 5
    assert buckets.borrow("a", 10) == 1


def test_buckets_take_bounded_memory() -> None:
    buckets = Buckets(Rate(1, 1), most=100)
    for n in range(10_000):
        buckets.take(n)
    assert len(buckets) == 100


def test_no_rate_is_no_limit() -> None:
    buckets = Buckets(Rate(0, 0))
    assert [buckets.take("a") for _ in range(10)] == [None] * 10
    assert (buckets.borrow("a", 10), len(buckets)) == (0, 0)


def limited(world: World, **exposure: Any) -> Litestar:
    return create_app(
        world.ledger, exposure=Exposure(limits=Limits(token=Rate(0.001, 3), address=Rate(0.001, 2)), **exposure)
    )


def test_a_client_is_told_what_is_left_and_when_to_come_back(world: World) -> None:
    app = limited(world)
    header, other = pairs(bearer(world.ledger)), pairs(bearer(world.ledger))
    left = [call(app, "GET", "/v1/tokens", header).headers["ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = call(app, "GET", "/v1/tokens", header)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_requests")
    told = [
        refused.headers[name] for name in ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    ]
    assert told == ["1000", "3", "0", "3000"]
    answer = call(app, "GET", "/v1/tokens", other)
    assert (answer.status, answer.headers["ratelimit-limit"], answer.headers["ratelimit-reset"]) == (200, "3", "1000")


def test_without_a_token_the_address_pays_and_guessing_tokens_too(world: World) -> None:
    app = limited(world)
    assert [call(app, "GET", "/checkpoint", client="192.0.2.9").status for _ in range(3)] == [200, 200, 429]
    assert [call(app, "GET", "/v1/tokens", client="192.0.2.8").status for _ in range(3)] == [401, 401, 429]
    assert call(app, "GET", "/v1/tokens", pairs(bearer(world.ledger)), client="192.0.2.8").status == 200
    assert [call(app, "GET", "/healthz", client="192.0.2.9").status for _ in range(9)] == [200] * 9


PROXIES = Exposure(proxies=networks(["10.0.0.0/8", "2001:db8:1::/48"]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", [b"198.51.100.1"], "192.0.2.1"),  # whoever is no proxy is not believed
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # what stands before it is the client's own word
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", [b"203.0.113.9", b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [b"\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", [b"10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("::ffff:10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1::5", [b"2001:db8:7:7:1:2:3:4"], "2001:db8:7:7::/64"),
        ("2001:db8:9:9:1:2:3:4", [b"198.51.100.1"], "2001:db8:9:9::/64"),
        ("unix", [], ""),
    ],
)
def test_which_address_pays(peer: str, forwarded: list[bytes], counted: str) -> None:
    scope: Any = {"client": (peer, 1), "headers": [(b"x-forwarded-for", value) for value in forwarded]}
    assert client_of(PROXIES, scope) == counted

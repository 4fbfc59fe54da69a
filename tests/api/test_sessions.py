"""Staff who sign in: cookies, CSRF, the shut login, and that a session is as good as its person."""

import re
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from litestar.testing import TestClient
from nacl.pwhash import argon2id

from consent_ledger.access import staff
from consent_ledger.access.organisations import close_account
from consent_ledger.access.staff import MEMORY, NOBODY, PASSES, add_staff, disable_staff
from consent_ledger.api.app import create_app
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate
from consent_ledger.errors import ConflictError, RefusedError
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.staff import StaffRecord, insert_staff
from tests.api.asking import bearer
from tests.api.calling import UNLIMITED
from tests.stores import new_store
from tests.world import World, party_of

PASSWORD = "correct horse battery"
COOKIE = "consent-ledger"
MINUTE = 60 * SECOND


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        bearer(world.ledger, party_of("studio"))
        yield world


def employ(world: World, login: str) -> None:
    """Let somebody sign in with a password that is cheap to check."""
    kept = argon2id.str(PASSWORD.encode(), opslimit=1, memlimit=8192).decode()
    record = StaffRecord(f"stf_{login}", party_of("studio"), login, kept, ("admin", "audit:read"), world.now, None)
    with world.store.write() as tx:
        insert_staff(tx, record)


@pytest.fixture
def browser(world: World) -> Iterator[TestClient]:
    employ(world, "anna")
    with TestClient(create_app(world.ledger, exposure=UNLIMITED)) as client:
        client.follow_redirects = False
        yield client


def sign_in(browser: TestClient, login: str = "anna", password: str = PASSWORD, **fields: str) -> str:
    """Sign in and return the CSRF token."""
    answer = browser.post("/session", data={"login": login, "password": password, **fields})
    assert answer.status_code == 303
    return str(browser.get("/session").json()["csrf_token"])


def test_a_session_is_as_good_as_a_token_with_its_scopes(world: World, browser: TestClient) -> None:
    assert browser.get("/v1/tokens").status_code == 401
    token = sign_in(browser)
    assert browser.get("/v1/tokens").status_code == 200
    assert browser.get(f"/v1/statements/{'x'}").status_code == 422
    assert browser.post("/v1/clearance", json={}, headers={"X-CSRF-Token": token}).json()["code"] == "scope_missing"
    session = browser.get("/session").json()
    assert (session["organisation"], session["scopes"]) == (party_of("studio"), ["admin", "audit:read"])


def test_the_cookie_is_for_this_host_its_pages_and_its_requests_only(browser: TestClient) -> None:
    answer = browser.post("/session", data={"login": "anna", "password": PASSWORD})
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert morsel.key == COOKIE
    assert re.fullmatch("[0-9a-f]{64}", morsel.value)
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Strict", "/", "")
    assert not morsel["secure"]


def test_by_https_it_goes_no_other_way(world: World) -> None:
    employ(world, "anna")
    with TestClient(create_app(world.ledger, exposure=Exposure(https=True)), "https://ledger.example") as client:
        answer = client.post("/session", data={"login": "anna", "password": PASSWORD}, follow_redirects=False)
        assert answer.headers["set-cookie"].startswith("__Host-consent-ledger=")
        assert answer.headers["set-cookie"].endswith("; Secure")
        assert client.get("/session").status_code == 200


def test_a_planted_session_is_never_taken_over(browser: TestClient) -> None:
    planted = "0" * 64
    browser.cookies.set(COOKIE, planted)
    answer = browser.post("/session", data={"login": "anna", "password": PASSWORD})
    assert planted not in answer.headers["set-cookie"]
    browser.cookies.clear()
    assert browser.get("/session", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 401


def test_signing_in_again_ends_the_session_before(browser: TestClient) -> None:
    sign_in(browser)
    first = browser.cookies[COOKIE]
    sign_in(browser)
    assert browser.cookies[COOKIE] != first
    browser.cookies.clear()
    assert browser.get("/session", headers={"Cookie": f"{COOKIE}={first}"}).status_code == 401


def test_a_cookie_is_one_and_no_riddle(browser: TestClient) -> None:
    sign_in(browser)
    good = f"{COOKIE}={browser.cookies[COOKIE]}"
    browser.cookies.clear()
    for cookie, status in (
        (f'other=1; {good}; "=;;=', 200),
        (f"{good}; {COOKIE}={'0' * 64}", 401),
        (f'{COOKIE}="{browser.cookies.get(COOKIE, "")}', 401),
        (f'{COOKIE}="' + "\\000" * 10_000 + '"', 401),
        (f"{COOKIE}=\xff", 401),
    ):
        assert browser.get("/session", headers={"Cookie": cookie.encode("latin-1")}).status_code == status


def test_nobody_who_is_not_signed_in_gets_a_cookie(browser: TestClient) -> None:
    for path in ("/healthz", "/checkpoint", "/session", "/v1/tokens", "/nowhere"):
        assert "set-cookie" not in browser.get(path).headers
    refused = browser.post("/session", data={"login": "anna", "password": "wrong wrong wrong"})
    assert "set-cookie" not in refused.headers


def test_signing_out_ends_the_session_on_the_server(browser: TestClient) -> None:
    token = sign_in(browser)
    kept = browser.cookies[COOKIE]
    assert browser.post("/session/end").status_code == 403
    answer = browser.post("/session/end", data={"csrf_token": token})
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (303, True)
    browser.cookies.clear()
    assert browser.get("/session", headers={"Cookie": f"{COOKIE}={kept}"}).json()["code"] == "session_over"
    assert browser.post("/session/end").status_code == 303


CHANGING = [
    ({}, 403),
    ({"X-CSRF-Token": ""}, 403),
    ({"X-CSRF-Token": "0" * 64}, 403),
    ({"X-CSRF-Token": "right", "Origin": "https://evil.example"}, 403),
    ({"X-CSRF-Token": "right", "Origin": "null"}, 403),
    ({"X-CSRF-Token": "right", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"X-CSRF-Token": "right", "Sec-Fetch-Site": "same-site"}, 403),
    ({"X-CSRF-Token": "right", "Sec-Fetch-Site": "same-origin", "Origin": "http://testserver.local"}, 201),
    ({"X-CSRF-Token": "right"}, 201),
]


def test_what_changes_something_comes_from_a_page_of_ours(browser: TestClient) -> None:
    right = sign_in(browser)
    for headers, status in CHANGING:
        given = {name: value.replace("right", right) for name, value in headers.items()}
        answer = browser.post("/v1/tokens", json={"scopes": ["admin"], "label": "x"}, headers=given)
        assert (answer.status_code, answer.json().get("code")) == (status, "csrf" if status == 403 else None), headers


def test_another_sessions_csrf_token_is_none(world: World, browser: TestClient) -> None:
    employ(world, "bert")
    berts = sign_in(browser, "bert")
    sign_in(browser, "anna")
    answer = browser.post("/v1/tokens", json={"scopes": ["admin"], "label": "x"}, headers={"X-CSRF-Token": berts})
    assert answer.json()["code"] == "csrf"


def test_signing_in_from_another_sites_page_is_refused(browser: TestClient) -> None:
    form = {"login": "anna", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/session", data=form, headers=headers).json()["code"] == "csrf"


PLACES = [
    ("/audit/log", "/audit/log"),
    ("//evil.example", "/"),
    ("https://evil.example", "/"),
    ("/a\r\nX: y", "/"),
    ("/\\x", "/"),
    ("/./x", "/"),
    ("", "/"),
    ("/" + "a" * 20_000 + "!", "/"),
]


def test_it_goes_on_to_a_place_of_ours_only(browser: TestClient) -> None:
    for place, location in PLACES:
        answer = browser.post("/session", data={"login": "anna", "password": PASSWORD, "next": place})
        assert (answer.status_code, answer.headers["location"]) == (303, location)


def test_a_session_ends_without_requests_and_after_its_whole_time(world: World, browser: TestClient) -> None:
    sign_in(browser)
    for _ in range(24):  # 12 hours, half an hour at a time less a little
        world.wait(29 * MINUTE)
        assert browser.get("/session").status_code == 200
    world.wait(25 * MINUTE)
    assert browser.get("/session").json()["code"] == "session_over"
    sign_in(browser)
    world.wait(30 * MINUTE)
    assert browser.get("/session").json()["code"] == "session_over"


def test_who_is_disabled_or_whose_organisation_is_closed_is_out_at_once(world: World, browser: TestClient) -> None:
    employ(world, "bert")
    sign_in(browser, "bert")
    disable_staff(world.store, "BERT", world.now)
    assert browser.get("/session").status_code == 401
    sign_in(browser, "anna")
    close_account(world.store, party_of("studio"), world.now)
    assert browser.get("/session").status_code == 401
    for login in ("anna", "bert"):
        assert browser.post("/session", data={"login": login, "password": PASSWORD}).status_code == 401


def test_five_wrong_passwords_shut_a_login_whether_anybody_has_it_or_not(world: World, browser: TestClient) -> None:
    answers = {}
    for login in ("anna", "nobody"):
        for guess in ["wrong wrong wrong"] * 5 + [PASSWORD] * 2:
            answer = browser.post("/session", data={"login": login, "password": guess})
            problem = answer.json() | {"request_id": ""}
            answers[str(problem)] = answer.status_code
    assert list(answers.values()) == [401]
    world.wait(15 * MINUTE)
    sign_in(browser)


@pytest.mark.parametrize(
    ("back", "status"), [("/audit/sign-in", 303), ("https://evil.test", 401), ("//evil.test", 401)]
)
def test_who_is_refused_goes_back_to_the_form_and_nowhere_else(browser: TestClient, back: str, status: int) -> None:
    form = {"login": "anna", "password": "wrong wrong wrong", "back": back}
    refused = browser.post("/session", data=form, follow_redirects=False)
    assert refused.status_code == status
    assert refused.headers.get("location") == ("/audit/sign-in?refused=1" if status == 303 else None)
    assert "set-cookie" not in refused.headers


def test_four_wrong_ones_do_not_and_a_right_one_begins_anew(browser: TestClient) -> None:
    for _ in range(2):
        for _ in range(4):
            browser.post("/session", data={"login": "anna", "password": "wrong wrong wrong"})
        sign_in(browser)


def test_nobodys_password_takes_as_long_as_somebodys() -> None:
    kept = staff.hash_password(PASSWORD)
    assert kept.rpartition("$")[0].rpartition("$")[0] == NOBODY.decode().rpartition("$")[0].rpartition("$")[0]
    assert argon2id.str(b"x", PASSES, MEMORY)[:28] == NOBODY[:28]
    took = []
    for against in (kept, None):
        started = time.process_time()
        assert not staff.password_fits("wrong wrong wrong", against)
        took.append(time.process_time() - started)
    assert min(took) > 0


def test_an_address_tries_ten_times_and_then_waits(world: World) -> None:
    limits = Limits(sign_in=Rate(0.001, 2))
    with TestClient(create_app(world.ledger, exposure=Exposure(limits=limits))) as client:
        answers = [client.post("/session", data={"login": f"n{n}", "password": "x"}).status_code for n in range(3)]
    assert answers == [401, 401, 429]


FORMS = [b"", b"login=anna&login=anna", b"login=%ff&password=x", b"\xff=1", b"login=" + b"a" * 5000, b"&" * 5000]


def test_a_form_that_is_none_is_refused(browser: TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for form in FORMS:
        assert browser.post("/session", content=form, headers=headers).status_code in (400, 401)


def test_a_login_is_one_however_it_is_spelled(world: World, browser: TestClient) -> None:
    with pytest.raises(ConflictError, match="taken"):
        add_staff(world.store, party_of("studio"), "ANNA", PASSWORD, ["admin"], world.now)
    sign_in(browser, "ANNA")


@pytest.mark.parametrize(
    ("login", "password"), [("a b", PASSWORD), ("", PASSWORD), ("bert", "short"), ("bert", "x" * 1025)]
)
def test_staff_is_refused_with_what_was_wanted(world: World, login: str, password: str) -> None:
    with pytest.raises(RefusedError):
        add_staff(world.store, party_of("studio"), login, password, ["admin"], world.now)


def test_neither_passwords_nor_cookies_are_kept(world: World, browser: TestClient) -> None:
    csrf = sign_in(browser)
    with world.store.read() as tx:
        kept = repr([tx.select(f"SELECT * FROM {table}") for table in ("staff", "staff_session", "sign_in_failure")])
    for secret in (PASSWORD, browser.cookies[COOKIE], csrf):
        assert secret not in kept

"""The pages in a real browser: the proof check, phones, keyboards, and no script at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.access.organisations import open_account, operator_of
from consent_ledger.access.staff import add_staff
from tests.ledgers.neighbours import Neighbours
from tests.portal.conftest import Place

CHROMIUM = Path("/usr/bin/chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="NOT TESTED in a browser: playwright is not installed")
Browser, Page = sync_api.Browser, sync_api.Page


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    if not CHROMIUM.exists():
        pytest.skip(f"NOT TESTED in a browser: {CHROMIUM} is missing, want the system package `chromium`")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: "Browser", world: Neighbours, place: Place) -> Any:
    """What a browser keeps of an auditor of the operator who has signed in, on the page for that."""
    operator = operator_of(world.store)
    open_account(world.store, operator, "the ledger", world.now)
    add_staff(world.store, operator, "auditor", "correct horse battery", ["audit:read"], world.now)
    page = browser.new_page()
    assert page.goto(f"{place.url}/audit").status == 401
    page.click("text=Sign in")
    page.fill("#login", "auditor")
    page.fill("#password", "correct horse battery")
    page.click("main button")
    assert page.url == f"{place.url}/audit"
    return page.context.storage_state()


@pytest.fixture(scope="module")
def one_page(browser: "Browser", signed_in: Any) -> "Page":
    """One page for all: another for each test is another process of the browser each time."""
    page = browser.new_context(storage_state=signed_in).new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


@pytest.fixture
def page(one_page: "Page") -> "Page":
    """The page of an auditor who has signed in."""
    one_page.complaints.clear()  # type: ignore[attr-defined]
    return one_page


def checked(page: "Page") -> str:
    """Press the button; return what the page says, and as what."""
    page.click("#check button")
    page.wait_for_selector("#result.good, #result.bad")
    return f"{page.get_attribute('#result', 'class')}: {page.inner_text('#result')}"


def test_the_proof_of_every_kind_of_entry_is_verified_step_by_step(
    page: "Page", world: Neighbours, place: Place
) -> None:
    for index in (0, 31, 64, world.size - 1):
        page.goto(f"{place.url}/audit/log/{index}")
        assert checked(page) == f"good: Verified: these bytes are entry {index} under the root of {world.size} entries."
        assert page.locator("#steps li").count() == page.locator("#path li").count() + 2
    assert page.complaints == []


TAMPERED = {
    "a value": "c => { const e = document.querySelector('#path li:nth-child(2) code'); "
    "e.textContent = e.textContent.replace(/^./, d => d === '0' ? '1' : '0') }",
    "the order": "c => { const l = document.querySelectorAll('#path code'); "
    "[l[0].textContent, l[1].textContent] = [l[1].textContent, l[0].textContent] }",
    "one too few": "c => document.querySelector('#path li:last-child').remove()",
    "one too many": "c => document.querySelector('#path').append(document.querySelector('#path li').cloneNode(true))",
    "no hash": "c => { document.querySelector('#path code').textContent = 'zz' }",
    "the entry": "c => { const e = document.getElementById('sealed'); "
    "e.textContent = e.textContent.replace('Z', 'z') }",
    "a space after the entry": "c => document.getElementById('sealed').append(' ')",
    "its number": "c => { document.getElementById('proof').dataset.index = '32' }",
    "no number": "c => { document.getElementById('proof').dataset.index = 'x' }",
    "the size": "c => { const n = document.getElementById('note'); "
    "n.textContent = n.textContent.replace(/\\n\\d+/, '\\n33') }",
    "the root": "c => { const n = document.getElementById('note'); "
    "n.textContent = n.textContent.replace(/\\n(\\d+)\\n./, (w, s) => `\\n${s}\\n${w.endsWith('A') ? 'B' : 'A'}`) }",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_proof_fails(page: "Page", world: Neighbours, place: Place, what: str) -> None:
    page.goto(f"{place.url}/audit/log/31")
    page.evaluate(TAMPERED[what], None)
    assert checked(page) == "bad: NOT verified: these bytes do not give the root."


def test_a_root_that_the_auditor_holds_is_compared(page: "Page", world: Neighbours, place: Place) -> None:
    page.goto(f"{place.url}/audit/log/5?lang=nl")
    root = page.inner_text("#root").strip()
    _, _, in_base64, *_ = page.inner_text("#note").split("\n")
    for held, verdict in ((root, "good"), (root.upper(), "good"), (in_base64, "good"), ("0" * 64, "bad"), ("x", "bad")):
        page.fill("#held", held)
        assert checked(page).startswith(f"{verdict}: ")
    assert checked(page).startswith("bad: Geverifieerd")  # what was entered is no root, and that is said
    page.fill("#held", "0" * 64)
    assert checked(page) == "bad: NIET de wortel die u hebt."


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_its_window(page: "Page", place: Place, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    for path in ("", "/log", "/log/31", "/checkpoints", "/erasures", "/verifications/1", "/take?lang=nl", "/log/999"):
        page.goto(f"{place.url}/audit{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        targets = "[...document.querySelectorAll('button, .button, nav a')].filter(e => e.offsetParent)"
        assert page.evaluate(f"{targets}.filter(e => e.offsetHeight < 24).length") == 0, path


def test_without_a_script_everything_is_there_but_the_check(
    browser: "Browser", signed_in: Any, world: Neighbours, place: Place
) -> None:
    page = browser.new_context(storage_state=signed_in, java_script_enabled=False).new_page()
    page.goto(f"{place.url}/audit/log")
    page.fill("#entry", "31")
    page.click(".jump button")
    assert page.url.endswith("/audit/log/31")
    assert page.is_visible("#by-hand")
    assert not page.is_visible("#check")
    page.click("text=Previous entry")
    assert page.inner_text("h1") == "Entry 30"
    with page.expect_download() as download:
        page.click("a.button")
    assert Path(download.value.path()).read_bytes().startswith(b"c2sp.org/tlog-proof@v1\nindex 30\n")


def test_a_keyboard_gets_past_the_navigation_and_presses_the_button(
    page: "Page", world: Neighbours, place: Place
) -> None:
    page.goto(f"{place.url}/audit/log/3")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.focus("#held")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result.good")


def test_whoever_signs_out_is_out(browser: "Browser", signed_in: Any, world: Neighbours, place: Place) -> None:
    add_staff(world.store, operator_of(world.store), "leaver", "correct horse battery", ["audit:read"], world.now)
    page = browser.new_page()
    page.goto(f"{place.url}/audit/sign-in?lang=nl")
    page.fill("#login", "leaver")
    page.fill("#password", "not the right one")
    page.click("main button")
    assert page.url.endswith("/audit/sign-in?refused=1")
    assert page.text_content("[role=alert]")
    page.fill("#login", "leaver")
    page.fill("#password", "correct horse battery")
    page.click("main button")
    page.click("header button")
    assert page.goto(f"{place.url}/audit").status == 401


def test_every_text_stands_out_from_what_is_behind_it(page: "Page", place: Place) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in ("", "/log/31", "/checkpoints", "/take"):
            page.goto(f"{place.url}/audit{path}")
            assert page.evaluate(CONTRAST) == [], (scheme, path)


CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('main *, header *, footer *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.offsetParent) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(e.outerHTML.slice(0, 80));
  }
  return found;
}"""

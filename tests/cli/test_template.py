"""Templates on the command line: what a lawyer does with them, and what is published."""

import json
import shutil
from pathlib import Path

import pytest

from consent_ledger.resources import template_root
from tests.cli.conftest import Run


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A copy of a shipped template, as its next version."""
    folder = tmp_path / "own" / "1.1"
    shutil.copytree(template_root() / "open-video-dataset" / "1.0", folder)
    change(folder / "template.toml", 'version = "1.0"', 'version = "1.1"')
    return folder


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_the_shipped_templates_have_no_errors(run: Run) -> None:
    ran = run("template", "lint")

    assert (ran.code, ran.out.count("nothing stands in the way of publishing it")) == (0, 7)


def test_lint_says_what_is_wrong_and_what_to_do(run: Run, draft: Path) -> None:
    change(draft / "template.toml", 'consent = "any_time"', 'consent = "not_revocable"')
    ran = run("template", "lint", draft)

    assert ran.code == 1
    assert "open-video-dataset 1.1: 1 error" in ran.out
    assert "People who are seen or heard could not take back their consent." in ran.out
    assert 'To do: Set `consent = "any_time"`.' in ran.out
    found = json.loads(run("template", "lint", draft, "--json").out)
    assert [f["code"] for f in found[0]["findings"]] == ["consent_not_revocable", "sample"]


def test_a_flag_of_the_project_is_taken_into_account(run: Run, draft: Path) -> None:
    change(draft / "template.toml", 'signers = "contributors"', 'signers = "workers"')

    assert run("template", "lint", draft).code == 0
    assert "[worker_consent]" in run("template", "lint", draft, "--flag", "public_body_involved").out


def test_a_template_with_an_error_is_not_published(run: Run, place: Path, draft: Path) -> None:
    change(draft / "template.toml", 'licences = ["CC-BY-4.0"]\n', "")
    ran = run("template", "publish", draft, "--by", "studio")

    assert ran.code == 1
    assert ran.err.startswith("error: template is not published, its lint finds `open_without_licence`: see")


def test_a_template_is_published_once_for_several_recipients_and_under_an_own_id(run: Run, place: Path) -> None:
    for name in ("rtl", "npo"):
        assert run("org", "enrol", name).code == 0
    publish = ("template", "publish", "broadcaster-licence", "--by", "rtl")
    both = ("--parameter", "recipient=rtl", "--parameter", "recipient=npo")

    assert "want a party for it" in run(*publish).err
    assert run(*publish, *both).code == 0
    assert "published already" in run(*publish, "--parameter", "recipient=npo").err
    assert run(*publish, "--parameter", "recipient=npo", "--as", "rtl-licence").code == 0


def test_diff_shows_both_languages_and_whether_people_must_sign_anew(run: Run, draft: Path) -> None:
    for language, before, after in (("en", "no payment", "no money"), ("nl", "geen betaling", "geen geld")):
        change(draft / f"text.{language}.md", before, after)
    ran = run("template", "diff", "open-video-dataset/1.0", draft)

    assert ran.code == 0
    assert ran.out.startswith("The terms are the same: what people signed for one permits what the other would.")
    assert "You get no [-payment-] {+money+} for this agreement." in ran.out
    assert "Je krijgt voor deze overeenkomst geen [-betaling.-] {+geld.+}" in ran.out
    found = json.loads(run("template", "diff", "open-video-dataset/1.0", draft, "--json").out)
    assert (found["same_terms"], len(found["changes"])) == (True, 3)


def test_diff_of_one_version_sets_its_languages_side_by_side(run: Run) -> None:
    assert "rule-open\n  en  Open dataset: only if you say yes (" in run("template", "diff", "open-video-dataset").out


def test_preview_is_a_page_or_a_pdf(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra `pdf` is not installed")
    page = run("template", "preview", "guardian-release", "--language", "nl").out
    ran = run("template", "preview", "guardian-release", "--output", tmp_path / "preview.pdf")

    assert page.startswith('<!DOCTYPE html>\n<html lang="nl">')
    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "preview.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lint", "no-such"), "no template `no-such` in "),
        (("preview", "guardian-release", "--language", "fr"), "no text in `fr`, want one of en, nl"),
        (("preview", "guardian-release", "--output", "/no/such/place.html"), "`/no/such/place.html`: no such file"),
    ],
)
def test_a_mistake_is_one_clear_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    ran = run("template", *arguments)

    assert ran.code == 1
    assert message in ran.err
    assert ran.err.count("\n") == 1

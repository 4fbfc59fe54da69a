"""Templates: what their files say, what is published of them, and the terms that answers make of that."""

import hashlib
from itertools import product

import pytest

from consent_ledger.errors import MalformedError, NotFoundError, RefusedError
from consent_ledger.licenses.comparison import align_languages, compare_templates, mark_words, same_terms
from consent_ledger.licenses.statements import MAX_STATEMENT_BYTES
from consent_ledger.licenses.templates import TemplateFiles
from consent_ledger.licenses.terms import resolve_terms, template_digest
from consent_ledger.licenses.wording import Block, parse_wording
from consent_ledger.resources import font_file, template_root
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.template_files import find_template, list_templates, read_template, version_key
from consent_ledger.template_preview import Fonts, preview_html, preview_pdf
from tests.licenses.sample_template import SUMMARY, TEXT, TOML, sample

ROOT = template_root()
SHIPPED = {folder.parent.name: read_template(folder) for folder in list_templates(ROOT)}
PUBLISHER, LAB, OTHER = ("pty_" + digit * 32 for digit in "123")
FONTS = Fonts(font_file("Regular"), font_file("Bold"))

DOCUMENTS = {
    "annotation-agreement": "sha256:3e9dfc869bc49243a8a4791b7147f55fa55e757ef015488b78e6ac6aee7aa51f",
    "broadcaster-licence": "sha256:d5d42dc7c96a923bdf7b72b9d1abf9a65ce30df6c20619823bcda82f85a988d7",
    "deepfake-detection-study": "sha256:e3b4cf8c344b2fe308434584df70b327e9b4003f4d7a390f101f215030a7ff59",
    "depicted-person-release": "sha256:2481c5ade42648483e8bb50e27bffedf1615dab79b22eda290f86f6778afcbaf",
    "guardian-release": "sha256:e96a7dfc5d52955f1b9ab9ab11bec3ef9b6af4f6953e12c1e163428d70f8d829",
    "open-video-dataset": "sha256:86bb5fdd0c4019f90fa638f64bc604d3300a97629244718ea5effef78cdb8e04",
    "photo-marketplace": "sha256:c62c97cc7beafe4db48af7c670d6c4bda5ba69cef697542d2480f54f0540cd71",
}
"""The digest of what PUBLISHER publishes, for LAB where a recipient is named: people sign these."""


def document(name: str):
    files = SHIPPED[name]
    return files.document(PUBLISHER, {name: [LAB] for name in files.placeholders})


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_template_is_in_the_folder_of_its_name(name: str) -> None:
    source = SHIPPED[name].source

    assert find_template(ROOT, f"{source.id}/{source.version}") == ROOT / source.id / source.version


@pytest.mark.parametrize("name", SHIPPED)
def test_both_languages_have_the_same_clauses_and_questions(name: str) -> None:
    files = SHIPPED[name]

    assert files.languages == ("en", "nl")
    for wordings in (files.texts, files.summaries):
        assert [c.anchor for c in wordings["en"].clauses] == [c.anchor for c in wordings["nl"].clauses]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_document_addresses_the_exact_bytes_of_every_wording(name: str) -> None:
    folder = find_template(ROOT, name)

    for language, digests in document(name).languages.items():
        for kind in ("text", "summary"):
            raw = (folder / f"{kind}.{language}.md").read_bytes()
            assert getattr(digests, kind) == "sha256:" + hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_published_version_never_changes(name: str) -> None:
    assert template_digest(document(name)) == DOCUMENTS[name]


def test_every_shipped_template_has_its_digest_here() -> None:
    assert DOCUMENTS.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_document_fits_into_a_statement(name: str) -> None:
    assert len(encode_canonical(document(name))) < MAX_STATEMENT_BYTES / 4


@pytest.mark.parametrize(
    ("name", "required", "optional"),
    [
        ("open-video-dataset", ["train"], ["open"]),
        ("depicted-person-release", ["train"], ["open"]),
        ("guardian-release", ["train"], ["open"]),
        ("photo-marketplace", ["use"], []),
        ("deepfake-detection-study", ["detect"], ["likeness"]),
        ("annotation-agreement", ["labels"], ["thanks"]),
        ("broadcaster-licence", ["use"], []),
    ],
)
def test_every_combination_of_answers_makes_the_terms_it_should(name, required, optional) -> None:
    for answers in product([True, False], repeat=len(optional)):
        choices = dict(zip(optional, answers, strict=True))
        terms = resolve_terms(document(name), choices)

        assert [p.rule for p in terms.permissions] == required + [rule for rule in optional if choices[rule]]
        assert terms.prohibitions == []


def test_the_open_video_dataset_asks_for_training_and_apart_for_open_release() -> None:
    train, release = resolve_terms(document("open-video-dataset"), {"open": True}).permissions

    assert (train.activities, train.aims, train.max_audience) == (["train"], ["general"], "internal")
    assert train.contexts == release.contexts == ["noncommercial", "commercial"]
    assert (release.max_audience, release.licences, release.territories) == ("open", ["CC-BY-4.0"], ["WORLD"])
    assert set(release.activities) == {"train", "evaluate", "display", "analyze", "index", "annotate"}
    assert document("open-video-dataset").capacities == ["owner", "subject"]


def test_the_marketplace_permits_one_developer_once_accepted_and_paid() -> None:
    terms = resolve_terms(document("photo-marketplace"), {})

    assert [(c.condition, c.rules) for c in terms.conditions] == [("accepted", ["use"]), ("paid", ["use"])]
    assert [(p.recipients, p.max_audience) for p in terms.permissions] == [([LAB], "recipient")]
    for language, first in (("en", "You still own these photos."), ("nl", "Deze foto's blijven van jou.")):
        assert SHIPPED["photo-marketplace"].summaries[language].opening[0].text.startswith(f"**{first}**")


def test_the_study_asks_apart_and_explicitly_for_synthetic_likeness() -> None:
    terms = resolve_terms(document("deepfake-detection-study"), {"likeness": True})
    detect, likeness = terms.permissions

    assert [c.condition for c in terms.conditions] == ["captured_after_grant"]
    assert (detect.activities, detect.aims, detect.explicit) == (["evaluate", "train"], ["detect_synthetic"], False)
    assert (likeness.activities, likeness.aims, likeness.explicit) == (["train.generative"], ["likeness"], True)
    assert {(p.max_audience, *p.recipients) for p in (detect, likeness)} == {("recipient", LAB)}


def test_an_assignment_stays_and_the_thanks_are_the_persons_own() -> None:
    labels, thanks = resolve_terms(document("annotation-agreement"), {"thanks": True}).permissions

    assert document("annotation-agreement").copyright == "irrevocable"
    assert (labels.capacities, thanks.capacities) == (["owner"], ["subject"])


def test_several_parties_fill_one_placeholder_and_an_own_id_keeps_the_versions_apart() -> None:
    licence = SHIPPED["broadcaster-licence"].document(PUBLISHER, {"recipient": [LAB, OTHER, LAB]}, id="our-licence")

    assert (licence.id, licence.rules[0].permission.recipients) == ("our-licence", [LAB, OTHER])
    assert SHIPPED["broadcaster-licence"].document(PUBLISHER, {"recipient": LAB}).rules[0].permission.recipients == [
        LAB
    ]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "parameter_missing"),
        ({"recipient": []}, "parameter_missing"),
        ({"recipient": LAB, "buyer": OTHER}, "parameter_unknown"),
        ({"recipient": "the lab"}, "parameter_invalid"),
    ],
)
def test_placeholders_are_filled_with_parties_and_all_of_them(parameters, code) -> None:
    with pytest.raises(RefusedError) as refused:
        SHIPPED["broadcaster-licence"].document(PUBLISHER, parameters)

    assert refused.value.code == code


def test_exclusivity_is_to_one_party() -> None:
    files = sample({"roles =": 'exclusive_to = "{buyer}"\nroles ='})

    assert files.document(PUBLISHER, {"buyer": LAB}).exclusive_to == LAB
    with pytest.raises(RefusedError, match="exclusive to one party, 2 were named"):
        files.document(PUBLISHER, {"buyer": [LAB, OTHER]})


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ({'["train"]': '["dance"]'}, "Invalid enum value 'dance'"),
        ({"optional = true\n": ""}, "missing required field `optional`"),
        ({"optional = true": "optional = true\nsurprise = 1"}, "unknown field `surprise`"),
        ({"survives_death = true": "survives_death = tru"}, "Invalid value"),
        ({'version = "1.0"': 'version = "1.0"\nversion = "1.1"'}, "Cannot overwrite a value"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(toml, message) -> None:
    with pytest.raises(MalformedError, match=f"`template.toml`: .*{message}"):
        sample(toml)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"No title\n", "line 1 is not a title"),
        (b"# Title\n\n### Too deep\n", "line 3 is not a clause"),
        (b"# Title\n\n## Braces {here}\n", "line 3 is not a clause"),
        (b"# Title\n\n**never closed\n", "emphasis is not closed"),
        (b"# Title\r\n", "invisible character U\\+000D"),
        ("# Title\n\nzero\u200bwidth\n".encode(), "invisible character U\\+200B"),
        ("# Cafe\u0301\n".encode(), "normal form C"),
        (b"# \xff\n", "not UTF-8 at byte 2"),
        (b"# T\n" + b"a" * 300_000, "has 300004 bytes"),
    ],
)
def test_a_wording_that_two_readers_could_see_differently_is_refused(raw, message) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_wording(raw, "text.en.md")


def test_lines_are_joined_into_paragraphs_items_and_notes() -> None:
    wording = parse_wording(b"# T\n\n> a\n> b\n\n- c\n  d\n- e\n\nf\ng\n\nh\n", "text.en.md")

    assert wording.opening == (
        Block("note", "a b"), Block("item", "c d"), Block("item", "e"),
        Block("paragraph", "f g"), Block("paragraph", "h"),
    )  # fmt: skip


def test_folders_are_read_and_their_mistakes_named(tmp_path) -> None:
    for version in ("1.9", "1.10"):
        folder = tmp_path / "sample" / version
        folder.mkdir(parents=True)
        (folder / "template.toml").write_text(TOML, encoding="utf-8")
        (folder / "text.en.md").write_text(TEXT, encoding="utf-8")
    with pytest.raises(MalformedError, match=r"has `text.en.md` and no `summary.en.md`, want both"):
        read_template(folder)
    (folder / "summary.en.md").write_text(SUMMARY, encoding="utf-8")

    assert isinstance(read_template(folder), TemplateFiles)
    assert find_template(tmp_path, "sample") == folder
    (folder / "notes.md").write_text("x")
    with pytest.raises(MalformedError, match="is no wording"):
        read_template(folder)
    with pytest.raises(NotFoundError, match=r"want a folder with `template.toml`"):
        read_template(tmp_path)
    with pytest.raises(NotFoundError, match=r"no template `sampel` in .*, there is sample"):
        find_template(tmp_path, "sampel")


def test_versions_are_ordered_as_numbers() -> None:
    assert sorted(["1.10", "1.9", "2.0", "1.1"], key=version_key) == ["1.1", "1.9", "1.10", "2.0"]


def test_a_typo_changes_no_terms_and_shows_in_its_language_alone() -> None:
    old, new = sample(), sample({'version = "1.0"': 'version = "1.1"'}, {"It says.": "It says so."})

    assert same_terms(old, new)
    assert [(c.where, c.at, c.kind) for c in compare_templates(old, new)] == [
        ("template.toml", "version", "changed"),
        ("text en", "rule-open", "changed"),
    ]


def test_a_new_use_changes_the_terms_and_is_named() -> None:
    old, new = sample(), sample({'["train"]': '["train", "display"]'}, {"{#rule-open}": "{#rule-new}"})

    assert not same_terms(old, new)
    changes = compare_templates(old, new)
    assert changes[0] == ("template.toml", "rules[open].permission.activities", "changed", "train", "train, display")
    assert {(c.at, c.kind) for c in changes[1:]} == {("rule-open", "removed"), ("rule-new", "added")}
    assert compare_templates(old, old) == []


def test_languages_stand_side_by_side_and_a_missing_clause_shows() -> None:
    rows = {row.anchor: row.headings for row in align_languages(sample(text={"{#policy-term}": "{#policy-time}"}))}

    assert rows["rule-open"] == {"en": ("About rule-open", 2), "nl": ("About rule-open", 2)}
    assert (rows["policy-term"]["en"], rows["policy-time"]["nl"]) == (None, None)


def test_a_passage_is_compared_by_words() -> None:
    assert mark_words("no payment at all", "no money at all") == [
        ("same", "no "), ("removed", "payment "), ("added", "money "), ("same", "at all"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_preview_shows_everything_and_fetches_nothing(name: str, language: str) -> None:
    files = SHIPPED[name]
    page = preview_html(files, language, FONTS)

    for wording in (files.texts[language], files.summaries[language]):
        assert all(f">{clause.heading}</h2>" in page for clause in wording.clauses)
        assert hashlib.sha256(wording.raw).hexdigest() in page
    assert 'class="note"' in page
    assert not any(word in page for word in ("http:", "https:", "<script", "checked"))


def test_a_preview_escapes_what_a_template_says() -> None:
    page = preview_html(sample(text={"It says.": "<script>alert(1)</script> & **bold**"}), "en", FONTS)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <b>bold</b>" in page


def test_a_preview_in_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no text in `fr`, want one of en, nl"):
        preview_html(sample(), "fr", FONTS)


def test_a_pdf_preview_is_set_in_our_own_font() -> None:
    pytest.importorskip("weasyprint", reason="the extra `pdf` is not installed")
    from io import BytesIO

    from pypdf import PdfReader

    reader = PdfReader(BytesIO(preview_pdf(preview_html(SHIPPED["photo-marketplace"], "nl", FONTS))))
    fonts = {str(font["/BaseFont"]) for page in reader.pages for font in _fonts_of(page)}

    assert "Deze foto's blijven van jou." in reader.pages[0].extract_text()
    assert all("Preview" in font or "Open-Sans" in font for font in fonts), fonts


def _fonts_of(page):
    return [font.get_object() for font in page["/Resources"].get("/Font", {}).values()]

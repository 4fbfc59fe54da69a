"""`consent-ledger template lint`, `preview` and `diff`: what a lawyer does with a template before it is published."""

import os
import sys
import textwrap
from pathlib import Path

import click

from consent_ledger.cli.output import note, on_a_terminal, printable, shown, write_json
from consent_ledger.errors import RefusedError
from consent_ledger.licenses.templates import TemplateFiles

NAME = "FOLDER|ID[/VERSION]"


def template_folder(name: str) -> Path:
    """Return the folder that is meant: one on disk, or one of those that come with this program."""
    from consent_ledger.resources import template_root
    from consent_ledger.template_files import find_template

    folder = Path(name)
    # An id is not mistaken for a folder that happens to be here under its name.
    is_path = (folder / "template.toml").is_file() or name.count(os.sep) > 1
    return folder if is_path else find_template(template_root(), name)


def read_named(name: str) -> TemplateFiles:
    """Return the template that is meant."""
    from consent_ledger.template_files import read_template

    return read_template(template_folder(name))


def refuse_errors(files: TemplateFiles, name: str) -> None:
    """Raise RefusedError if the lint finds an error: such a template is not published."""
    from consent_ledger.licenses.lint import lint_template

    errors = [finding for finding in lint_template(files) if finding.severity == "error"]
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise RefusedError(
            f"template is not published, its lint finds `{errors[0].code}`{more}: see `template lint {shown(name)}`",
            code="template_lint",
        )


@click.command(epilog="Example: consent-ledger template lint open-video-dataset --flag public_body_involved")
@click.argument("names", nargs=-1, metavar=f"[{NAME}]...")
@click.option("--flag", "flags", multiple=True, metavar="FLAG", help="A flag of the project that it is meant for.")
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
def lint(names: tuple[str, ...], flags: tuple[str, ...], as_json: bool) -> int:
    """Say what is wrong with templates, in words for a lawyer. Without a name: with all that come with this program.

    Exit code 0 if nothing stands in the way of publishing, 1 if something does.
    """
    from consent_ledger.licenses.lint import lint_template
    from consent_ledger.resources import template_root
    from consent_ledger.template_files import list_templates, read_template

    folders = [template_folder(name) for name in names] or list_templates(template_root())
    found = [(read_template(folder), folder) for folder in folders]
    reports = [(files.source, folder, lint_template(files, flags)) for files, folder in found]
    if as_json:
        write_json(
            [
                {"id": source.id, "version": source.version, "findings": [f._asdict() for f in findings]}
                for source, _, findings in reports
            ]
        )
    for source, folder, findings in () if as_json else reports:
        errors = sum(f.severity == "error" for f in findings)
        verdict = f"{errors} error{'s' * (errors != 1)}" if errors else "nothing stands in the way of publishing it"
        click.echo(f"{source.id} {source.version}: {verdict}  ({shown(folder)})")
        for f in findings:
            click.echo(f"\n  {f.severity}: {f.where}   [{f.code}]")
            for line in (f.problem, f"To do: {f.remedy}"):
                click.echo(_paragraph(line))
        click.echo()
    return int(any(f.severity == "error" for _, _, findings in reports for f in findings))


@click.command(epilog="Example: consent-ledger template preview open-video-dataset --language nl --output preview.pdf")
@click.argument("name", metavar=NAME)
@click.option("--language", default="en", show_default=True, metavar="LANGUAGE", help="The language to show.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write it [default: standard output].")
@click.option("--format", "kind", type=click.Choice(["html", "pdf"]), help="[default: by the output's name, or html]")
def preview(name: str, language: str, output: Path | None, kind: str | None) -> None:
    """Show a template as people will see it, each clause beside what it makes, as a page or a PDF to review."""
    from consent_ledger.resources import font_file
    from consent_ledger.template_preview import Fonts, preview_html, preview_pdf

    kind = kind or ("pdf" if output is not None and output.suffix.lower() == ".pdf" else "html")
    if kind == "pdf" and output is None and on_a_terminal():
        raise click.UsageError("a PDF is not for a terminal, want `--output FILE`")
    page = preview_html(read_named(name), language, Fonts(font_file("Regular"), font_file("Bold")))
    content = preview_pdf(page) if kind == "pdf" else page.encode()
    if output is None:
        sys.stdout.buffer.write(content)
        return
    output.write_bytes(content)
    note(f"preview of `{name}` in `{language}` written to `{shown(output)}`")


@click.command(epilog="Example: consent-ledger template diff my-release/1.0 my-release/1.1")
@click.argument("before", metavar=NAME)
@click.argument("after", metavar=f"[{NAME}]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write the differences as JSON.")
def diff(before: str, after: str | None, as_json: bool) -> None:
    """Show what changed between two versions, in the rules and every language; of one, its languages side by side."""
    if after is None:
        _show_languages(read_named(before), as_json)
        return
    from consent_ledger.licenses.comparison import compare_templates, same_terms

    old, new = read_named(before), read_named(after)
    changes, is_same = compare_templates(old, new), same_terms(old, new)
    if as_json:
        write_json({"same_terms": is_same, "changes": [change._asdict() for change in changes]})
        return
    click.echo(
        "The terms are the same: what people signed for one permits what the other would."
        if is_same
        else "The terms differ: what people signed for one does not permit what the other would."
    )
    where = ""
    for change in changes:
        if change.where != where:
            where = change.where
            click.echo(f"\n{where}")
        click.echo(f"  {change.kind} {change.at}")
        for line in _marked(change.before, change.after).splitlines():
            click.echo(_paragraph(line))
    if not changes:
        click.echo("There is no difference.")


def _marked(before: str, after: str) -> str:
    """Return both passages as one, with what was taken out in [-...-] and what was put in in {+...+}."""
    from consent_ledger.licenses.comparison import mark_words

    marks = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}")}
    runs = [(*marks[state], words) for state, words in mark_words(before, after)]
    return "".join(f"{left}{words.rstrip()}{right}{words[len(words.rstrip()) :] or ' '}" for left, right, words in runs)


def _paragraph(line: str) -> str:
    """Return the line wrapped and indented; anchors and licences are not broken at their hyphens."""
    return textwrap.fill(
        printable(line), 96, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def _show_languages(files: TemplateFiles, as_json: bool) -> None:
    from consent_ledger.licenses.comparison import align_languages

    rows = align_languages(files)
    if as_json:
        write_json([{"anchor": row.anchor, **row.headings} for row in rows])
        return
    for row in rows:
        click.echo(printable(row.anchor))
        for language, found in row.headings.items():
            said = "MISSING" if found is None else f"{found[0]} ({found[1]} words)"
            click.echo(f"  {language}  {printable(said)}")

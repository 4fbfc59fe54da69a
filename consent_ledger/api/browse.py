"""The API's description as one HTML page, without a script and without anything from elsewhere.

Swagger UI in a version that reads OpenAPI 3.1 would be more than a megabyte of somebody else's script and want a looser
content security policy; what a reader needs is a list with the schemas behind their names.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from consent_ledger.api.errors import KINDS, Kind

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: .9rem/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .3rem; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; }
.method { display: inline-block; min-width: 3.5rem; font-weight: bold; }
summary { cursor: pointer; }
"""


def api_page(document: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    info = document["info"]
    parts = [
        f"<p>{escape(info['summary'])} {escape(info['description'])}</p>",
        '<p>Version <code>{}</code>; <a href="/openapi.json">openapi.json</a>.</p>'.format(escape(info["version"])),
        "<nav><ul>",
        *(
            f'<li><a href="#{escape(op["operationId"])}"><code>{method.upper()} {escape(path)}</code></a>'
            f" {escape(op['summary'])}</li>"
            for path, method, op in _operations(document)
        ),
        "</ul></nav>",
    ]
    for path, method, operation in _operations(document):
        parts += _section(path, method, operation)
    parts.append("<section><h2>Schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(
            f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code>'
            f" {escape(schema.get('description', ''))}</summary>{_json(schema)}</details>"
        )
    parts += ["</section>", "<section><h2>Problems</h2>", _kinds(), "</section>"]
    return _page(f"{info['title']}: HTTP API", parts)


def problem_page(kind: Kind) -> str:
    """Return the page that a problem's `type` names."""
    return _page(
        kind.title,
        [f"<p>Status <code>{kind.status}</code>, type <code>/problems/{escape(kind.slug)}</code>.</p>",
         f"<p>{escape(kind.advice)}</p>", '<p><a href="/docs">All of the API</a></p>'],
    )  # fmt: skip


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _section(path: str, method: str, operation: Mapping[str, Any]) -> list[str]:
    parts = [
        f'<section id="{escape(operation["operationId"])}"><h2>{escape(operation["summary"])}</h2>',
        f'<p><code><span class="method">{method.upper()}</span> {escape(path)}</code></p>',
        f"<p>{escape(operation['description'])}</p>",
    ]
    rows = [
        (f"<code>{escape(p['name'])}</code>", p["in"] + ", required" * p["required"], escape(p["description"]))
        for p in operation.get("parameters", ())
    ]
    if rows:
        parts.append(_table(("Parameter", "in", ""), rows))
    for media_type, medium in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body <code>{escape(media_type)}</code>: {_schema(medium)}</p>")
        if "example" in medium:
            parts.append(_json(medium["example"]))
    answers = [
        (f"<code>{status}</code>", escape(answer["description"]),
         "<br>".join(f"<code>{escape(t)}</code>: {_schema(m)}" for t, m in answer.get("content", {}).items()))
        for status, answer in operation["responses"].items()
    ]  # fmt: skip
    return [*parts, _table(("Status", "", "Body"), answers), "</section>"]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _schema(medium: Mapping[str, Any]) -> str:
    schema = medium.get("x-line-schema", medium["schema"])
    options = schema.get("anyOf", [schema])
    named = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    each = "lines of " if "x-line-schema" in medium else ""
    links = " or ".join(f'<a href="#schema-{escape(name)}"><code>{escape(name)}</code></a>' for name in named)
    return each + (links or escape(str(schema.get("type", ""))))


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<pre>{escape(text)}</pre>"


def _kinds() -> str:
    rows = [
        (f"<code>{kind.status}</code>", f'<a href="/problems/{kind.slug}">{kind.slug}</a>', escape(kind.advice))
        for kind in KINDS.values()
    ]
    return _table(("Status", "Type", "What to do"), rows)


def _page(title: str, parts: list[str]) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{0}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/docs/style.css"></head><body><main><h1>{0}</h1>'
    )
    return head.format(escape(title)) + "\n".join(parts) + "</main></body></html>\n"

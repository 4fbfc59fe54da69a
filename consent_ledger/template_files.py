"""Template folders: `license_templates/<id>/<version>/` with `template.toml` and a text and a summary per language."""

import re
from pathlib import Path
from typing import Final

from consent_ledger.errors import MalformedError, NotFoundError, UnavailableError
from consent_ledger.licenses.templates import TemplateFiles, parse_template
from consent_ledger.licenses.wording import MAX_WORDING_BYTES

_WORDING: Final = re.compile(r"(text|summary)\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.md")


def read_template(directory: Path) -> TemplateFiles:
    """Return the template in `directory`.

    Raises NotFoundError where there is no `template.toml`, MalformedError naming the file that is wrong.
    """
    toml = directory / "template.toml"
    if not toml.is_file():
        raise NotFoundError(f"no template in `{directory}`, want a folder with `template.toml`")
    wordings: dict[str, dict[str, bytes]] = {"text": {}, "summary": {}}
    for path in sorted(directory.glob("*.md")):
        match = _WORDING.fullmatch(path.name)
        if match is None:
            raise MalformedError(f"`{path}` is no wording, want `text.<language>.md` or `summary.<language>.md`")
        wordings[match[1]][match[2]] = _read(path)
    try:
        return parse_template(_read(toml), wordings["text"], wordings["summary"])
    except MalformedError as e:
        raise MalformedError(f"{directory}: {e}", code=e.code) from e


def list_templates(root: Path) -> list[Path]:
    """Return the folders below `root` that hold a template, by id and then by version, oldest first."""
    found = [path.parent for path in root.glob("*/*/template.toml")]
    return sorted(found, key=lambda folder: (folder.parent.name, version_key(folder.name), folder.name))


def find_template(root: Path, name: str) -> Path:
    """Return the folder of `<id>/<version>`, or of the newest version of `<id>`. Raises NotFoundError."""
    id_, _, version = name.partition("/")
    found = [f for f in list_templates(root) if f.parent.name == id_ and version in ("", f.name)]
    if not found:
        known = ", ".join(dict.fromkeys(f.parent.name for f in list_templates(root))) or "none"
        raise NotFoundError(f"no template `{name}` in `{root}`, there is {known}")
    return found[-1]


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions: 1.10 comes after 1.9."""
    return tuple(int(part) for part in version.split(".") if part.isascii() and part.isdigit())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_WORDING_BYTES + 1)
    except OSError as e:
        raise UnavailableError(f"cannot read `{path}`: {e.strerror}") from e

"""The documents of a bundle: template documents and wordings, held against the digests that the log published."""

from hashlib import sha256

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import MalformedError
from consent_ledger.licenses.facts import Facts
from consent_ledger.verification.layout import MAX_DOCUMENT, document_file, wording_file
from consent_ledger.verification.source import Source


def check_templates(source: Source, facts: Facts, findings: list[Finding], not_checked: list[str]) -> int:
    """Hold every template file against the entry that published it; return how many files were held."""
    checked = 0
    absent: list[str] = []
    for digest, record in facts.templates.items():
        wanted = {digest: document_file(digest)}
        for texts in record.document.languages.values():
            wanted[texts.text] = wording_file(texts.text)
            wanted[texts.summary] = wording_file(texts.summary)
        for digest_, path in wanted.items():
            try:
                raw = source.read(path, MAX_DOCUMENT)
            except MalformedError as e:
                findings.append(Finding(record.entry, "template_altered", str(e)))
                continue
            if raw is None:
                absent.append(path)
            elif "sha256:" + sha256(raw).hexdigest() != digest_:
                detail = f"`{path}` is not what entry {record.entry} published"
                findings.append(Finding(record.entry, "template_altered", detail))
            else:
                checked += 1
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        not_checked.append(f"wordings of templates that are not here: `{absent[0]}`{more}")
    return checked

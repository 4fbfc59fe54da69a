"""Named purposes: what each name stands for, and what its file may say."""

import pytest

from consent_ledger.errors import MalformedError, NotFoundError
from consent_ledger.licenses.masks import compile_use
from consent_ledger.licenses.purposes import load_purposes, purpose_named
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.resources import shipped_purposes

SHIPPED = load_purposes(shipped_purposes())
OWN = b"""
[museum-wall]
title = "Show on the wall of the museum"
activities = ["display"]
aims = ["general"]
context = "noncommercial"
audience = "internal"
territories = ["NL"]
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_purpose_is_a_request_that_compiles(name: str) -> None:
    request = SHIPPED[name].use()

    assert compile_use(
        request.activities,
        request.aims,
        request.context,
        request.audience,
        request.territories,
        request.licence or None,
    ).atoms


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_purpose_for_everyone_names_its_licence(name: str) -> None:
    assert (SHIPPED[name].audience == "open") == bool(SHIPPED[name].licence)


@pytest.mark.parametrize(
    "name", ["open-dataset", "academic-training", "commercial-training", "benchmark", "deepfake-detection"]
)
def test_the_purposes_of_the_manual_are_shipped(name: str) -> None:
    assert purpose_named(SHIPPED, name).title


def test_the_recipient_and_the_licence_are_the_callers() -> None:
    recipient = "pty_" + "1" * 32

    assert SHIPPED["deepfake-detection"].use(recipient=recipient) == UseRequest(
        activities=["train", "evaluate"],
        aims=["detect_synthetic"],
        context="noncommercial",
        audience="recipient",
        territories=["WORLD"],
        recipient=recipient,
    )
    assert SHIPPED["open-dataset"].use(licence="CC0-1.0").licence == "CC0-1.0"


def test_a_projects_own_file_adds_a_name() -> None:
    purposes = {**SHIPPED, **load_purposes(OWN)}

    assert purpose_named(purposes, "museum-wall").use().territories == ["NL"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match=r"no purpose `open-data`, there is open-dataset, open-training"):
        purpose_named(SHIPPED, "open-data")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((b"display", b"dance"), "Invalid enum value 'dance'"),
        ((b'aims = ["general"]\n', b""), "missing required field `aims`"),
        ((b"audience", b"public"), "missing required field `audience`|unknown field `public`"),
        ((b"[museum-wall]", b"[Museum Wall]"), "file of purposes"),
        ((b'["display"]', b"[]"), "length >= 1"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(change: tuple[bytes, bytes], message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        load_purposes(OWN.replace(*change))

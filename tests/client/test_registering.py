"""Statements that are sent, lost replies, and receipts that are none."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from consent_ledger.answers import ProblemAnswer
from consent_ledger.api.errors import KINDS
from consent_ledger.batch import Receipt
from consent_ledger.client import Client, Patience
from consent_ledger.client.problems import error_of_problem
from consent_ledger.errors import LedgerError, RefusedError, UnauthenticatedError, UnavailableError, VerificationError
from tests.client.conftest import Served
from tests.client.hostile import answering, lines_told, said


@contextmanager
def losing_replies(place: str, lost: int) -> Iterator[str]:
    """Pass connections on to a server, and break off the first `lost` of them where the reply begins."""
    target = (urlsplit(place).hostname, urlsplit(place).port)
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(65_536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve() -> None:
        number = 0
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            number += 1
            with near, socket.create_connection(target) as far:  # type: ignore[arg-type]
                threading.Thread(target=pump, args=(near, far), daemon=True).start()
                if number <= lost:
                    far.recv(1)  # it is recorded by now
                    near.shutdown(socket.SHUT_RDWR)
                else:
                    pump(far, near)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=10)


def through(place: str, served: Served) -> Client:
    """A client that comes to the ledger by another address, and does not wait before it tries again."""
    return Client(place, served.token, vkey=served.vkey, patience=Patience(read=5), pause=lambda _: None)


def test_a_lost_reply_is_got_again_and_nothing_is_recorded_twice(served: Served, client: Client) -> None:
    before = client.checkpoint().size
    with losing_replies(served.place, 2) as place, through(place, served) as losing:
        receipt = losing.register(served.unsaid[3])
    assert (receipt.is_new, receipt.entry) == (True, before)
    assert client.checkpoint().size == before + 1


def test_many_are_recorded_in_order_and_what_is_refused_takes_nothing_with_it(
    served: Served, client: Client
) -> None:  # fmt: skip
    before = client.checkpoint().size
    made = served.unsaid[4:12]
    pretty = json.dumps(json.loads(made[7]), indent=1).encode()
    sent = [*made[:3], b"{}", *made[3:7], made[0], pretty]
    with losing_replies(served.place, 3) as place, through(place, served) as losing:
        outcomes = list(losing.register_all(iter(sent)))
    recorded = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    assert [(r.entry - before, r.is_new) for r in recorded] == [
        (0, True), (1, True), (2, True), (3, True), (4, True), (5, True), (6, True), (0, False), (7, True),
    ]  # fmt: skip
    assert isinstance(outcomes[3], RefusedError)
    assert client.checkpoint().size == before + 8


def test_a_rehearsal_records_nothing(served: Served, client: Client) -> None:
    before = client.checkpoint().size
    assert client.rehearse(served.unsaid[12]) is None
    recorded = client.register(served.unsaid[12])
    assert client.rehearse(served.unsaid[12]) == recorded._replace(is_new=False)
    assert client.checkpoint().size == before + 1


def test_who_has_no_token_records_nothing(served: Served) -> None:
    with Client(served.place) as stranger, pytest.raises(UnauthenticatedError):
        list(stranger.register_all(served.unsaid[20:22]))


RECEIPTS: dict[str, dict[str, Any]] = {
    "of another statement": {"id": "sha256:" + "0" * 64},
    "of another entry": {"entry": 0},
    "of another time": {"recorded_at": "2020-01-01T00:00:00Z"},
    "with another entry's bytes": {"sealed": "{}"},
    "under no checkpoint": {"checkpoint": "x"},
    "under a checkpoint that nobody signed": {},
}


@pytest.mark.parametrize("kind", RECEIPTS)
def test_a_receipt_that_is_none_is_not_believed(served: Served, client: Client, kind: str) -> None:
    receipt = client.register(served.unsaid[13])
    good = {"id": receipt.id, "entry": receipt.entry, "recorded_at": "", "sealed": receipt.entry_bytes.decode(),
            "checkpoint": receipt.checkpoint.decode()}  # fmt: skip
    good["recorded_at"] = json.loads(receipt.entry_bytes)["recorded_at"]
    changed = good | RECEIPTS[kind]
    if kind == "under a checkpoint that nobody signed":
        text, gap, _ = str(good["checkpoint"]).partition("\n\n")
        changed["checkpoint"] = text + gap + "— tests/world AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    bodies = [json.dumps(document).encode() for document in (good, changed)]
    replies = [said("201 Created", "application/json", body) for body in bodies]
    with answering(*replies) as hostile, through(hostile.place, served) as deceived:
        assert deceived.register(served.unsaid[13]) == receipt._replace(is_new=True)
        with pytest.raises(VerificationError):
            deceived.register(served.unsaid[13])


def test_receipts_that_are_missing_are_an_error(served: Served, client: Client) -> None:
    made = served.unsaid[14:16]
    checkpoint = said("200 OK", "text/plain; charset=utf-8", client.register(made[0]).checkpoint)
    lines = lines_told({"id": "sha256:" + "0" * 64})
    with (
        answering(checkpoint, lines) as hostile,
        through(hostile.place, served) as deceived,
        pytest.raises(UnavailableError),
    ):
        list(deceived.register_all(made))


@pytest.mark.parametrize("slug", KINDS)
def test_every_problem_of_the_service_has_an_error_here(slug: str) -> None:
    kind = KINDS[slug]
    document = ProblemAnswer(f"/problems/{slug}", kind.title, kind.status, "why", "some_code", (), "12345678")
    error = error_of_problem(document, kind.status)
    assert type(error) is not LedgerError
    assert (error.code, str(error), error.request_id) == ("some_code", "why", "12345678")

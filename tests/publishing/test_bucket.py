"""Publishing to a bucket: an S3 server on loopback, spoken to over HTTP."""

from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from consent_ledger.errors import LedgerError, StaleError, UnavailableError, VerificationError
from consent_ledger.publishing import publish
from consent_ledger.publishing.s3 import Bucket, open_bucket
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint
from tests.publishing.published import VERIFIER, Fetch, Growing, read_published
from tests.stores import EmptyStores

NAME = "published"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in (("ACCESS_KEY_ID", "any"), ("SECRET_ACCESS_KEY", "any"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket=NAME)
    yield client
    for item in client.list_objects_v2(Bucket=NAME).get("Contents", []):
        client.delete_object(Bucket=NAME, Key=item["Key"])


@pytest.fixture(scope="module")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("stores"))


def fetching(s3: Any, prefix: str) -> Fetch:
    def fetch(path: str) -> bytes | None:
        try:
            raw: bytes = s3.get_object(Bucket=NAME, Key=prefix + path)["Body"].read()
        except ClientError:
            return None
        return raw

    return fetch


def put(store: Store, place: Bucket, size: int | None = None) -> int | None:
    return publish(store, place, lambda tx: read_checkpoint(tx, size), [VERIFIER]).size


def test_a_bucket_holds_what_a_folder_would(empty_stores: EmptyStores, s3: Any, endpoint: str) -> None:
    place = open_bucket(f"s3://{NAME}/logs/one/", endpoint)
    with empty_stores() as store:
        log = Growing(store)
        for size in (1, 300, 700):
            log.grow(size)
            assert put(store, place) == size
            assert read_published(fetching(s3, "logs/one/")) == size
    kept = s3.head_object(Bucket=NAME, Key="logs/one/tile/0/000")
    assert (kept["ContentType"], kept["CacheControl"]) == (
        "application/octet-stream", "public, max-age=31536000, immutable"
    )  # fmt: skip
    assert s3.head_object(Bucket=NAME, Key="logs/one/checkpoint")["ContentType"] == "text/plain; charset=utf-8"


def test_nothing_is_put_over_other_bytes_and_nothing_taken_back(
    empty_stores: EmptyStores, s3: Any, endpoint: str
) -> None:
    place = Bucket(NAME, endpoint=endpoint)
    with empty_stores() as store:
        log = Growing(store)
        log.grow(300)
        put(store, place)
        s3.put_object(Bucket=NAME, Key="tile/entries/001", Body=b"other")
        log.grow(600)
        with pytest.raises(VerificationError) as error:
            put(store, place)
        assert error.value.code == "published_differs"
        assert s3.get_object(Bucket=NAME, Key="tile/entries/001")["Body"].read() == b"other"
    with empty_stores() as store:
        Growing(store).grow(200)
        with pytest.raises(StaleError):
            put(store, place)
    assert read_published(fetching(s3, "")) == 300


class Meddling(Bucket):
    """Somebody else publishes between what this one reads and what it writes."""

    meddle: Callable[[], object] = staticmethod(lambda: None)

    def sync(self) -> None:
        super().sync()
        self.meddle()


def test_the_checkpoint_is_replaced_only_if_it_is_the_one_that_was_read(
    empty_stores: EmptyStores, s3: Any, endpoint: str
) -> None:
    with empty_stores() as store:
        log = Growing(store)
        for size in (100, 300):  # first where none is published, then where one is
            log.grow(size)
            slow = Meddling(NAME, endpoint=endpoint)
            slow.meddle = lambda: put(store, Bucket(NAME, endpoint=endpoint))
            with pytest.raises(UnavailableError) as error:
                put(store, slow)
            assert error.value.code == "published_meanwhile"
            assert read_published(fetching(s3, "")) == size


def test_stopped_while_it_puts_tiles_it_goes_on(empty_stores: EmptyStores, s3: Any, endpoint: str) -> None:
    class Stopping(Bucket):
        left = 0

        def add(self, path: str, raw: bytes) -> bool:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().add(path, raw)

    with empty_stores() as store:
        Growing(store).grow(600)
        for left in (0, 3, 6):
            place = Stopping(NAME, endpoint=endpoint)
            place.left = left
            with pytest.raises(KeyboardInterrupt):
                put(store, place)
            assert read_published(fetching(s3, "")) == 0
        assert put(store, Bucket(NAME, endpoint=endpoint)) == 600
    assert read_published(fetching(s3, "")) == 600


def test_two_publishers_at_once_do_no_harm(empty_stores: EmptyStores, s3: Any, endpoint: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        for size in (100, 300, 600):
            try:
                put(store, Bucket(NAME, endpoint=endpoint), size)
            except BaseException as e:
                if getattr(e, "code", None) != "published_meanwhile":
                    failures.append(e)

    with empty_stores() as store:
        Growing(store).grow(100, 300, 600)
        threads = [Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        put(store, Bucket(NAME, endpoint=endpoint))
    assert read_published(fetching(s3, "")) == 600


def test_a_store_that_is_not_there_is_told(empty_stores: EmptyStores, s3: Any, endpoint: str) -> None:
    with empty_stores() as store:
        Growing(store).grow(3)
        with pytest.raises(UnavailableError) as error:
            put(store, Bucket("no-such-bucket", endpoint=endpoint))
        assert "NoSuchBucket" in str(error.value)
    for address, where in (("s3://", None), ("s3://bucket", "no address")):
        with pytest.raises(LedgerError):
            open_bucket(address, where)

"""Publishing to a bucket of an S3-compatible store. There is no lock there: every put says what it expects to find."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.publishing.directory import CHECKPOINT
from consent_ledger.publishing.places import differs
from consent_ledger.signing.note import MAX_NOTE

AT_ONCE = 16
ATTEMPTS = 3
_FOR_EVER = {"ContentType": "application/octet-stream", "CacheControl": "public, max-age=31536000, immutable"}
_FOR_NOW = {"ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=5"}


class Bucket:
    """A prefix in a bucket. Keys and region are found as boto3 finds them; `endpoint` is for stores other than AWS."""

    def __init__(self, bucket: str, prefix: str = "", *, endpoint: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        config = Config(max_pool_connections=AT_ONCE, retries={"mode": "standard", "max_attempts": 5})
        self._client: Any = boto3.client("s3", endpoint_url=endpoint, config=config)
        self._under_way: deque[Future[bool]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self._etag: str | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Others are not kept away: whoever comes second finds the same bytes, or the checkpoint changed.

        UnavailableError `cannot_publish` where the store cannot be reached or refuses.
        """
        try:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="s3") as self._pool:
                yield
        except (BotoCoreError, ClientError) as e:
            code = e.response["Error"]["Code"] if isinstance(e, ClientError) else type(e).__name__
            raise UnavailableError(f"cannot publish to `s3://{self._bucket}`: {code}", code="cannot_publish") from e
        finally:
            self._under_way.clear()
            self._pool = None

    def read_checkpoint(self) -> bytes | None:
        answer = self._get(CHECKPOINT)
        self._etag = None if answer is None else answer["ETag"]
        return None if answer is None else answer["Body"].read(MAX_NOTE + 1)

    def add(self, path: str, raw: bytes) -> bool:
        """Begin to put a file; whether it was there is known by the end of `sync`, and it is counted as new."""
        assert self._pool is not None
        self._under_way.append(self._pool.submit(self._add, path, raw))
        if len(self._under_way) > 4 * AT_ONCE:
            self._under_way.popleft().result()
        return True

    def _add(self, path: str, raw: bytes) -> bool:
        if self._put(path, raw, _FOR_EVER, IfNoneMatch="*"):
            return True
        answer = self._get(path)
        if answer is None or answer["Body"].read(len(raw) + 1) != raw:
            raise differs(path)
        return False

    def sync(self) -> None:
        while self._under_way:
            self._under_way.popleft().result()

    def replace_checkpoint(self, raw: bytes) -> None:
        expected = {"IfNoneMatch": "*"} if self._etag is None else {"IfMatch": self._etag}
        if not self._put(CHECKPOINT, raw, _FOR_NOW, **expected):
            raise UnavailableError("another publisher was faster, try again", code="published_meanwhile")

    def _get(self, path: str) -> Any:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)
        except ClientError as e:
            if e.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise

    def _put(self, path: str, raw: bytes, headers: dict[str, str], **expected: str) -> bool:
        """Return whether it was put; False where it was not as expected."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + path, Body=raw, **headers, **expected)
            except ClientError as e:
                status = e.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 412:
                    return False
                # Two conditional puts of one key at once: neither may have been done.
                if status != 409 or attempt == ATTEMPTS:
                    raise
            else:
                return True
        raise AssertionError("unreachable")


def open_bucket(address: str, endpoint: str | None) -> Bucket:
    """Return the place that `s3://bucket/prefix` names."""
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket:
        raise LedgerError(f"`{address}` is not `s3://bucket/prefix`", code="bad_address")
    try:
        return Bucket(bucket, prefix, endpoint=endpoint)
    except (BotoCoreError, ValueError) as e:
        raise LedgerError(f"`{address}` cannot be opened: {type(e).__name__}", code="bad_address") from e

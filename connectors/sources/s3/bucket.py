"""Asking one bucket: botocore signs, pages and understands; the guarded client connects.

No connection is made (`assistant/common/aws_client.py`) but by the client that judges addresses, keeps
the pace and repeats what was not answered.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from assistant.common.aws_client import aws_client, request_headers
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import MAX_BODY_BYTES, Ask, Origin, TooLarge
from assistant.common.told import told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors, web_client
from connectors.sources.s3.refusals import is_archived, is_missing, object_error, run_error

PAGE_KEYS = 1000
_RETRY_AFTER_S = 60.0
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bucket is and who asks. `owner`: the account that must own it; `endpoint` empty: Amazon."""

    bucket: str
    access_key_id: str
    secret_access_key: str
    endpoint: str = ""
    region: str = ""
    owner: str = ""
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"Place({self.bucket!r})"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the listing has it. `modified` is aware."""

    key: str
    etag: str
    size: int
    modified: datetime
    archived: bool

    @property
    def stamp(self) -> str:
        """Changes whenever the object is written."""
        return f"{self.etag}-{self.size:x}-{int(self.modified.timestamp() * 1000):x}"


class _Readable(Protocol):
    def read(self) -> bytes: ...


class _Api(Protocol):
    """The two operations of botocore's generated client that are needed."""

    def list_objects_v2(self, **arguments: object) -> Mapping[str, object]: ...
    def get_object(self, **arguments: object) -> Mapping[str, object]: ...


class Bucket:
    """One bucket. Connects when first asked; may be used by several threads."""

    def __init__(self, place: Place, surroundings: Surroundings) -> None:
        self._place = place
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._limit = threading.local()
        self._opened: tuple[_Api, GuardedClient] | None = None

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
            self._opened = None

    def objects(self, *, prefix: str = "", after: str = "", flat: bool = False) -> Iterator[Stored]:
        """Every current object whose key starts with `prefix` and comes after `after`, in the store's order.

        `flat` leaves out what lies in a further folder. Raises:
            ConnectorError: the listing did not reach its end.
        """
        arguments: dict[str, object] = {"Bucket": self._place.bucket, "MaxKeys": PAGE_KEYS, "Prefix": prefix}
        if after:
            arguments["StartAfter"] = after
        if flat:
            arguments["Delimiter"] = "/"
        if self._place.owner:
            arguments["ExpectedBucketOwner"] = self._place.owner
        while True:
            with self._errors():
                try:
                    page = self._api().list_objects_v2(**arguments)
                except ClientError as error:
                    raise run_error(error, self._place.bucket) from error
            # An empty answer, or a page of something else, has no objects either.
            if "IsTruncated" not in page:
                raise Retry(told("The store's answer is no listing."), after=_RETRY_AFTER_S)
            contents = page.get("Contents", [])
            assert isinstance(contents, list), "botocore gives lists as lists"
            yield from map(_stored, contents)
            token = page.get("NextContinuationToken")
            if not page["IsTruncated"]:
                return
            if not token:
                raise Reconfigure(
                    told("The store says that its listing goes on, but not where: it is no S3 API.")
                )
            arguments["ContinuationToken"] = token

    def read(self, key: str, *, limit: int) -> bytes:
        """The whole object.

        Raises:
            DocumentFailure: larger than `limit` bytes, refused or gone.
            ConnectorError: the store does not answer as it should.
        """
        arguments: dict[str, object] = {"Bucket": self._place.bucket, "Key": key}
        if self._place.owner:
            arguments["ExpectedBucketOwner"] = self._place.owner
        self._limit.bytes = limit
        try:
            with self._errors():
                answer = self._api().get_object(**arguments)
                body = cast("_Readable", answer["Body"]).read()
        except TooLarge as error:
            detail = told("The object is larger than {limit} bytes.", limit=limit)
            raise DocumentFailure(FailureCode.TOO_LARGE, detail) from error
        except ClientError as error:
            raise object_error(error, self._place.bucket) from error
        finally:
            self._limit.bytes = MAX_BODY_BYTES
        # A store stamps every object; what stands before it, such as a page to sign in, stamps nothing.
        if not answer.get("ETag"):
            raise Retry(told("The store's answer is no object."), after=_RETRY_AFTER_S)
        return body

    def read_setting(self, key: str, *, limit: int) -> bytes:
        """An object that says who may see what.

        Raises:
            MalformedError: it is not there, archived or too large, and stays so until somebody mends it.
            DocumentFailure: it is not handed over, so that nobody knows what it says.
            ConnectorError: the store does not answer as it should.
        """
        try:
            return self.read(key, limit=limit)
        except DocumentFailure as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and is_missing(cause):
                raise MalformedError(told("is not there")) from error
            if not isinstance(cause, ClientError) or is_archived(cause):
                raise MalformedError(told("cannot be read: {detail}", detail=error.detail)) from error
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with network_errors():
            try:
                yield
            except ClientError:
                raise
            except (BotoCoreError, ValueError) as error:
                kind = type(error).__name__
                raise Reconfigure(
                    told(
                        "The store cannot be asked ({kind}): check 'endpoint', 'region' and 'bucket'.",
                        kind=kind,
                    )
                ) from error

    def _api(self) -> _Api:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened[0]

    def _open(self) -> tuple[_Api, GuardedClient]:
        place = self._place
        guarded = web_client(self._surroundings, Origin(place.endpoint, ca_file=place.ca_file))
        client = aws_client(
            "s3",
            access_key_id=place.access_key_id,
            secret_access_key=place.secret_access_key,
            endpoint=place.endpoint,
            region=place.region,
            config=Config(
                signature_version="s3v4",
                retries={"total_max_attempts": 1, "mode": "standard"},
                s3={"addressing_style": "path" if place.endpoint else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            send=lambda request: _sent(guarded, request, getattr(self._limit, "bytes", MAX_BODY_BYTES)),
        )
        return cast("_Api", client), guarded


class _Body(io.BytesIO):
    """Bytes with the one method of a socket's answer that botocore calls beside `read`."""

    def stream(self, amount: int = 65_536, *, decode_content: bool = False) -> Iterator[bytes]:  # noqa: ARG002
        while block := self.read(amount):
            yield block


def _sent(guarded: GuardedClient, request: AWSPreparedRequest, limit: int) -> AWSResponse:
    """The answer to a signed request, read whole. A redirect is botocore's to follow, by this way again."""
    method, url = str(request.method), str(request.url)
    answer = guarded.send(Ask(method, url, headers=request_headers(request), max_bytes=limit, redirects=0))
    # The body was decoded and counted on its way: its length and coding are no longer those of the answer.
    kept = HTTPHeaders()
    for name, value in answer.headers.items():
        if name not in ("content-encoding", "content-length", "transfer-encoding"):
            kept[name] = value
    return AWSResponse(url, answer.status, kept, _Body(answer.body))


def _stored(item: Mapping[str, object]) -> Stored:
    modified, size = item.get("LastModified"), item.get("Size", 0)
    assert isinstance(modified, datetime), "botocore gives times as times"
    return Stored(
        key=str(item["Key"]),
        etag=str(item.get("ETag", "")).strip('"'),
        size=size if isinstance(size, int) else 0,
        modified=modified.astimezone(UTC),
        archived=item.get("StorageClass") in _ARCHIVED,
    )

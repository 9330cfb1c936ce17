"""Puts documents into a source of kind `push`. One file, nothing but the standard library: copy it.

    mundap = Mundap("https://mundap.example.com", source=7, key="mundap_push_...")
    leave = Document("leave", title="Leave", text="15 days.", acl={"allow": ["everyone"]})
    with mundap.job("nightly") as job:
        for result in job.put([leave]):
            print(result)

Every request may be sent again without harm, and is, when its answer does not come. A job
that ends without an exception says that it put everything: what it did not put is deleted.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Union, cast
from urllib.parse import urlsplit

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]", Mapping[str, "Json"]]

MOST_DOCUMENTS = 10  # in one request
MOST_BYTES = 12 * 1024 * 1024  # of one request, by the length of its JSON; the server takes 16 MiB
_MOST_IDS = 1_000
_TRIES = 8
_LONGEST_PAUSE_S = 60.0
_TIMEOUT_S = 300.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class PushError(Exception):
    """Mundap refused a request, or cannot be reached. `status` is that of HTTP; 0: there was no answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})" if code else message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Document:
    """A document. `text`, or the bytes of a file in `data` with a `name` that says its kind.

    Without an `acl` nobody sees it. Its shapes are in the README of the source kind `push`.
    """

    id: str
    title: str = ""
    text: str | None = None
    data: bytes | None = None
    name: str = ""
    media_type: str = ""
    url: str = ""
    modified: datetime | None = None
    attributes: Mapping[str, Json] = field(default_factory=dict)
    acl: Mapping[str, Json] | None = None

    def as_json(self) -> dict[str, Json]:
        """The document as it is sent, with the checksum of its content."""
        if (self.text is None) == (self.data is None):
            raise ValueError(f"The document {self.id!r} must have either text or data.")
        content = self.text.encode("utf-8") if self.text is not None else self.data or b""
        said: dict[str, Json] = {"id": self.id, "checksum": hashlib.sha256(content).hexdigest()}
        if self.text is not None:
            said["text"] = self.text
        else:
            said["base64"] = base64.b64encode(content).decode("ascii")
        for key in ("title", "name", "media_type", "url"):
            if getattr(self, key):
                said[key] = cast(str, getattr(self, key))
        if self.modified is not None:
            if self.modified.tzinfo is None:
                raise ValueError(f"The time of {self.id!r} has no zone.")
            said["modified"] = self.modified.isoformat()
        if self.attributes:
            said["attributes"] = self.attributes
        if self.acl is not None:
            said["acl"] = self.acl
        return said


@dataclass(frozen=True)
class Result:
    """What became of a document: added, updated, unchanged, deleted, left_out or failed, and then why."""

    id: str
    status: str
    code: str = ""
    message: str = ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to somebody else."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - as the standard library calls it
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        """Never."""


class Mundap:
    """A source, with the key for it."""

    def __init__(self, url: str, *, source: int, key: str) -> None:
        parts = urlsplit(url)
        near = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and near):
            raise ValueError("The address must begin with https://, or the key could be read on its way.")
        self._base = f"{url.rstrip('/')}/api/v1/sources/{source}"
        self._key = key
        self._opener = urllib.request.build_opener(_NoRedirect)

    def put(self, documents: Iterable[Document], *, job: int | None = None) -> Iterator[Result]:
        """Put documents, several a request; gives what became of each, in their order."""
        batch: list[str] = []
        size = 0
        for document in documents:
            text = json.dumps(document.as_json(), ensure_ascii=False)
            length = len(text.encode("utf-8", "surrogatepass"))
            if batch and (len(batch) == MOST_DOCUMENTS or size + length > MOST_BYTES):
                yield from self._put(batch, job)
                batch, size = [], 0
            batch.append(text)
            size += length
        if batch:
            yield from self._put(batch, job)

    def delete(self, ids: Sequence[str], *, job: int | None = None) -> Iterator[Result]:
        """Delete documents. Those that are not there are deleted too."""
        for start in range(0, len(ids), _MOST_IDS):
            part: list[Json] = list(ids[start : start + _MOST_IDS])
            yield from _results(self._post("documents/delete", {"ids": part, "job": job}))

    def put_groups(
        self, groups: Mapping[str, Sequence[str]], *, replace: bool = False, job: int | None = None
    ) -> None:
        """Put groups with their members. `replace`: these are all there are.

        Raises:
            PushError: one cannot be read. The others are stored, and nobody is in that one.
        """
        listed: list[Json] = [{"group": name, "members": list(groups[name])} for name in groups]
        answer = self._post("groups", {"groups": listed, "replace": replace, "job": job})
        for row in cast("list[dict[str, str]]", answer["groups"]):
            if row["status"] == "failed":
                raise PushError(200, row["code"], row["message"])

    def delete_groups(self, names: Sequence[str], *, job: int | None = None) -> None:
        """Let nobody be in these groups."""
        self._post("groups", {"delete": list(names), "job": job})

    @contextmanager
    def job(self, name: str = "", *, complete: bool = True, wait: bool = True) -> Iterator[Job]:
        """A job: whoever leaves it by an exception has not put everything, and nothing is deleted.

        A job that has a `name` and is open goes on, as after a crash of this program; without one
        the name is made up.
        """
        job = Job(self, cast(int, self._post("jobs", {"name": name or secrets.token_hex(16)})["job"]))
        try:
            yield job
        except BaseException:
            self._stop(job.id, complete=False)
            raise
        job.ended = self._stop(job.id, complete=complete)
        pause = 0.1
        while wait and job.ended["state"] in ("pending", "running"):
            time.sleep(pause)
            pause = min(2 * pause, 5.0)
            job.ended = self._send("GET", f"jobs/{job.id}", None)

    def _stop(self, job: int, *, complete: bool) -> dict[str, Json]:
        return self._post(f"jobs/{job}/stop", {"complete": complete})

    def _put(self, batch: Sequence[str], job: int | None) -> Iterator[Result]:
        body = f'{{"job": {json.dumps(job)}, "documents": [{", ".join(batch)}]}}'
        yield from _results(self._send("POST", "documents", body.encode("utf-8", "backslashreplace")))

    def _post(self, path: str, body: Mapping[str, Json]) -> dict[str, Json]:
        return self._send("POST", path, json.dumps(body).encode("ascii"))

    def _send(self, method: str, path: str, body: bytes | None) -> dict[str, Json]:
        """One request, sent again while there is hope."""
        pause = 0.5
        for left in range(_TRIES - 1, -1, -1):
            try:
                return self._sent(method, path, body)
            except PushError as error:
                if not left or (error.status and error.status not in _TRY_AGAIN):
                    raise
            time.sleep(pause + secrets.randbelow(500) / 1000)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        raise AssertionError("the last try has returned or raised")

    def _sent(self, method: str, path: str, body: bytes | None) -> dict[str, Json]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the address was checked when it was given
            f"{self._base}/{path}", data=body, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                return cast("dict[str, Json]", json.load(answer))
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PushError(0, "", f"Mundap gave no answer: {type(error).__name__}.") from None


@dataclass
class Job:
    """A job that is open. `ended`: its state and figures, once it was left."""

    mundap: Mundap
    id: int
    ended: dict[str, Json] = field(default_factory=dict)

    def put(self, documents: Iterable[Document]) -> Iterator[Result]:
        """Put documents; see `Mundap.put`."""
        return self.mundap.put(documents, job=self.id)


def _results(answer: Mapping[str, Json]) -> Iterator[Result]:
    for row in cast("list[dict[str, str]]", answer["documents"]):
        yield Result(row["id"], row["status"], row["code"], row["message"])


def _refusal(error: urllib.error.HTTPError) -> PushError:
    try:
        told = cast("dict[str, dict[str, str]]", json.load(error))["error"]
        return PushError(error.code, told["code"], told["message"])
    except (ValueError, KeyError, TypeError, OSError):
        return PushError(error.code, "", f"Mundap answered with status {error.code}.")

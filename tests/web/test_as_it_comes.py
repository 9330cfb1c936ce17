"""Under ASGI, what is made in pieces leaves piece by piece, and no more of it is made than is taken."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import cast

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory

from assistant.accounts.models import User
from assistant.web import as_it_comes
from assistant.web.as_it_comes import PART_BYTES, AsItComesMiddleware

PIECE = b"x" * 1000


def through(response: HttpResponseBase) -> AsyncIterator[bytes]:
    """What the middleware makes of it in front of an asynchronous view."""

    async def view(request: HttpRequest) -> HttpResponseBase:
        return response

    finished = AsItComesMiddleware(view).finished(AsyncRequestFactory().get("/"), response)
    return aiter(cast(StreamingHttpResponse, finished))


async def test_no_more_is_made_than_one_part_ahead() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield PIECE

    sent = through(StreamingHttpResponse(pieces()))
    assert made == []
    first = await anext(sent)
    assert PART_BYTES <= len(first) < PART_BYTES + len(PIECE)
    assert len(made) == len(first) // len(PIECE)
    rest = [part async for part in sent]
    assert len(first) + sum(map(len, rest)) == 1000 * len(PIECE)


async def test_what_is_slow_to_be_made_is_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_it_comes, "PART_S", 0.0)
    sent = through(StreamingHttpResponse(iter([b"a", b"", b"b"])))
    assert [part async for part in sent] == [b"a", b"b"]


async def test_a_failure_ends_the_answer_and_is_not_hidden() -> None:
    def pieces() -> Iterator[bytes]:
        yield PIECE * 100
        raise RuntimeError("gone")

    sent = through(StreamingHttpResponse(pieces()))
    assert await anext(sent)
    with pytest.raises(RuntimeError, match="gone"):
        await anext(sent)


async def test_answers_that_are_whole_or_streams_already_stay_as_they_are() -> None:
    async def view(request: HttpRequest) -> HttpResponseBase:
        return whole

    async def events() -> AsyncIterator[bytes]:
        yield b"event"

    whole, stream = HttpResponse(b"whole"), StreamingHttpResponse(events())
    before = AsItComesMiddleware(view)
    assert before.finished(AsyncRequestFactory().get("/"), whole) is whole
    before.finished(AsyncRequestFactory().get("/"), stream)
    plain = StreamingHttpResponse(iter([b"by WSGI"]))
    before.finished(RequestFactory().get("/"), plain)
    assert list(plain) == [b"by WSGI"]
    assert [part async for part in stream] == [b"event"]


@pytest.mark.django_db(transaction=True)
async def test_exports_and_static_files_are_never_collected_whole(people: dict[str, User]) -> None:
    client = AsyncClient()
    await client.aforce_login(people["ada"])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="StreamingHttpResponse must consume")
        for path in ("/my-data/", "/console/audit/export/", "/static/css/base.css"):
            answer = await (client.get if "static" in path else client.post)(path)
            assert answer.status_code == 200, path
            stream = cast(StreamingHttpResponse, answer)
            assert stream.is_async, path
            content = b"".join([part async for part in cast(AsyncIterator[bytes], stream.streaming_content)])
            assert content
            if path == "/my-data/":
                with zipfile.ZipFile(BytesIO(content)) as file:
                    assert file.testzip() is None

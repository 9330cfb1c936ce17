"""The stream of a turn over HTTP: its headers, its order, where it goes on, and who may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from assistant.accounts.models import User
from assistant.chat.models import Conversation, Turn
from assistant.chat.runner import run_turn
from tests.conftest import SmallWorld


@pytest.fixture
def turn(small_world: SmallWorld, people: dict[str, User]) -> Turn:
    """A turn of Ann's, carried out."""
    conversation = Conversation.objects.create(user=people["ann"], title="Office")
    asked = Turn.objects.create(
        conversation=conversation,
        question="When does the office in Daejeon open?",
        language="en",
        model="extractive",
    )
    assert run_turn(asked.pk)
    return asked


def stream(user: User | None, address: str, **headers: str) -> tuple[StreamingHttpResponse, str]:
    """The response and everything it streams."""
    client = AsyncClient()
    if user is not None:
        client.force_login(user)

    async def read() -> tuple[StreamingHttpResponse, str]:
        response = cast(StreamingHttpResponse, await client.get(address, headers=headers))
        if not response.streaming:
            return response, ""
        parts = [part async for part in cast("AsyncIterator[bytes]", response.streaming_content)]
        return response, b"".join(parts).decode()

    return async_to_sync(read)()


def kinds(text: str) -> list[str]:
    """The names of the events, in order."""
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]


def test_the_stream_is_never_cached_or_buffered_and_ends_with_the_last_event(
    turn: Turn, people: dict[str, User]
) -> None:
    response, text = stream(people["ann"], f"/turns/{turn.pk}/stream/")
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert kinds(text)[0] == "status"
    assert "token" in kinds(text)
    assert kinds(text)[-1] == "done"
    assert "08:30" in text


def test_a_reader_goes_on_after_the_last_event_it_saw(turn: Turn, people: dict[str, User]) -> None:
    _, everything = stream(people["ann"], f"/turns/{turn.pk}/stream/")
    _, rest = stream(people["ann"], f"/turns/{turn.pk}/stream/?after=2")
    _, by_header = stream(people["ann"], f"/turns/{turn.pk}/stream/?after=0", **{"Last-Event-ID": "2"})
    assert kinds(rest) == kinds(by_header) == kinds(everything)[2:]


def test_somebody_elses_stream_is_not_there(turn: Turn, people: dict[str, User]) -> None:
    theirs, _ = stream(people["sam"], f"/turns/{turn.pk}/stream/")
    nobodys, _ = stream(people["sam"], "/turns/999999/stream/")
    assert theirs.status_code == nobodys.status_code == 404


def test_who_is_not_signed_in_gets_no_stream(turn: Turn) -> None:
    response, text = stream(None, f"/turns/{turn.pk}/stream/")
    assert response.status_code == 401
    assert text == ""


def test_a_revoked_document_turns_the_stream_into_withheld(
    turn: Turn, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync()
    _, text = stream(people["ann"], f"/turns/{turn.pk}/stream/")
    assert kinds(text) == ["withheld"]
    assert "08:30" not in text

"""Who may call the API? The owner of a key that works, at this moment; everybody else gets one answer."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant.accounts.api_keys import issue_key, revoke_key
from assistant.accounts.door_models import FailedTries
from assistant.accounts.models import ApiKey, User
from assistant.accounts.people import close_account, reopen_account
from assistant.audit.models import AuditEvent
from assistant.common.errors import IndexDamaged, ModelUnavailable
from assistant.common.types import Json
from tests.api.calling import Caller, caller_of, status_over_asgi

REFUSED = 401


def works(caller: Caller) -> bool:
    """Whether the key is taken; what is called is nothing to find."""
    answer = caller.get("documents/987654")
    assert answer.status in {REFUSED, 404}
    return answer.status == 404


def test_a_key_opens_the_api_and_nothing_else_does(people: dict[str, User]) -> None:
    key = issue_key(user_id=people["ann"].pk, name="script", days=30, actor="test").text
    assert works(Caller(f"Bearer {key}"))
    assert works(Caller(f"bearer {key}"))
    refused = {
        Caller(sent).get("search", q="heron").body
        for sent in (
            None,
            "",
            "Bearer",
            "Bearer ",
            key,
            f"Basic {key}",
            f"Bearer {key} ",
            f"Bearer {key}x",
            f"Bearer {key[:-1]}",
            f"Bearer {key.upper()}",
            f"Bearer {key},Bearer {key}",
            f"Bearer {key}\tx",
            "Bearer mundap_" + "x" * 43,
            "Bearer " + "x" * 60_000,
            "Bearer 열쇠",
            "Bearer \u00ff\u0000",
            "Bearer ' OR 1=1 --",
        )
    }
    assert len(refused) == 1
    answer = Caller().get("search", q="heron")
    assert (answer.status, answer.error) == (REFUSED, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_cookie_is_no_key(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["ada"])
    assert client.get("/api/v1/search?q=heron").status_code == REFUSED
    assert client.post("/api/v1/ask", {"question": "heron?"}, "application/json").status_code == REFUSED


def test_a_key_in_the_address_or_the_body_is_not_taken(people: dict[str, User]) -> None:
    key = issue_key(user_id=people["ann"].pk, name="script", days=30, actor="test").text
    assert Caller().get("search", q="heron", key=key).status == REFUSED
    assert Caller().post("ask", {"question": "heron?", "key": key}).status == REFUSED


def test_a_revoked_key_is_refused_at_the_next_request(people: dict[str, User]) -> None:
    key = issue_key(user_id=people["ann"].pk, name="script", days=30, actor="test")
    other = caller_of(people["ann"])
    caller = Caller(f"Bearer {key.text}")
    assert works(caller)
    revoke_key(key_id=key.id, actor="test")
    assert not works(caller)
    assert works(other)


def test_an_expired_key_is_refused(people: dict[str, User]) -> None:
    caller = caller_of(people["ann"])
    assert works(caller)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not works(caller)


def test_the_key_of_a_closed_account_is_refused_until_it_is_open_again(people: dict[str, User]) -> None:
    caller = caller_of(people["ann"])
    close_account(user_id=people["ann"].pk, actor="test")
    assert not works(caller)
    reopen_account(user_id=people["ann"].pk, actor="test")
    assert works(caller)


def test_every_path_below_the_api_answers_in_one_shape(people: dict[str, User]) -> None:
    caller = caller_of(people["ann"])
    nothing = caller.get("documents/987654")
    assert (nothing.status, nothing.error) == (404, "not_found")
    for path in (
        "",
        "nothing",
        "search/",
        "documents/x",
        "documents/-1",
        "documents/1/text",
        f"documents/{'9' * 30}",
        f"documents/{'9' * 5_000}",
        "documents/1%0A",
        "../../healthz",
        "문서",
        "%00",
        "%ff",
    ):
        assert caller.get(path).body == nothing.body, path
        assert caller.get(path).headers == nothing.headers, path
        assert Caller().get(path).status == REFUSED, path
    assert caller.send("POST", "nothing").body == nothing.body


def test_another_method_is_refused_only_to_who_has_a_key(people: dict[str, User]) -> None:
    caller = caller_of(people["ann"])
    for method, path, allowed in (("POST", "search", "GET, HEAD"), ("DELETE", "ask", "POST")):
        refused = caller.send(method, path)
        assert (refused.status, refused.error, refused.headers["Allow"]) == (
            405,
            "method_not_allowed",
            allowed,
        )
        assert Caller().send(method, path).status == REFUSED


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ModelUnavailable("/models/secret is gone"), 503, "unavailable"),
        (IndexDamaged("/home/secret/segment is torn"), 503, "unavailable"),
        (RuntimeError("secret text"), 500, "internal"),
        (RecursionError("secret text"), 500, "internal"),
    ],
)
def test_what_fails_inside_is_told_without_its_inside(
    people: dict[str, User],
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    status: int,
    code: str,
) -> None:
    with patch("assistant.chat.finding.search", side_effect=failure):
        answer = caller_of(people["ann"]).get("search", q="heron")
    assert (answer.status, answer.error) == (status, code)
    assert b"secret" not in answer.body
    assert "secret text" not in caplog.text
    assert caplog.records


def test_a_request_without_a_plausible_key_asks_the_database_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        Caller("Bearer " + "x" * 60_000).get("search", q="heron")
        Caller("Basic abc").get("search", q="heron")
    assert len(asked) == 0


def test_the_api_answers_over_asgi(people: dict[str, User]) -> None:
    async def called(authorization: str) -> int:
        headers = {"Authorization": authorization}
        return (await AsyncClient().get("/api/v1/documents/987654", headers=headers)).status_code

    caller = caller_of(people["ann"])
    assert caller.authorization is not None
    assert async_to_sync(called)(caller.authorization) == 404
    assert async_to_sync(called)("Bearer nothing") == REFUSED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("good_first", [True, False])
def test_two_authorization_headers_prove_nothing(people: dict[str, User], *, good_first: bool) -> None:
    good = caller_of(people["ann"]).authorization
    assert good is not None
    pair = [good, "Bearer mundap_other"]

    path = "documents/987654"
    assert async_to_sync(status_over_asgi)(path, good) == 404
    sent = pair if good_first else pair[::-1]
    assert async_to_sync(status_over_asgi)(path, *sent) == REFUSED


@pytest.mark.django_db(transaction=True)
def test_a_long_search_holds_nobody_up(people: dict[str, User]) -> None:
    key = caller_of(people["ann"]).authorization
    assert key is not None
    searching, may_end = threading.Event(), threading.Event()

    def search(*_: object, **__: object) -> list[Json]:
        searching.set()
        assert may_end.wait(10), "nobody else was served meanwhile"
        return []

    async def both() -> tuple[int, int]:
        slow = asyncio.create_task(status_over_asgi("search?q=heron", key))
        while not searching.is_set():
            await asyncio.sleep(0.01)
        quick = await status_over_asgi("documents/987654", key)
        may_end.set()
        return await slow, quick

    with patch("assistant.chat.finding.search", side_effect=search):
        # In a loop of its own: under `async_to_sync` all synchronous work would share one thread.
        assert asyncio.run(both()) == (200, 404)


def test_wrong_keys_from_one_address_have_to_wait_and_right_ones_never(
    people: dict[str, User],
) -> None:
    ann = caller_of(people["ann"])
    wrong = Caller("Bearer mundap_" + "x" * 43)
    answers = [wrong.get("search", q="heron") for _ in range(70)]
    assert [answer.status for answer in answers[:60]] == [REFUSED] * 60
    last = answers[-1]
    assert (last.status, last.error) == (429, "too_many")
    assert 1 <= int(last.headers["Retry-After"]) <= 5
    assert works(ann)
    assert Caller().get("search", q="heron").status == REFUSED  # who sends no key guesses none
    pushed = Caller("Bearer mundap_push_" + "x" * 43).post("sources/1/documents", {})
    assert pushed.status == 429
    event = AuditEvent.objects.get(event="keys_throttled")
    assert event.data == {"held": "keys"}  # the trail itself knows from where


def test_looking_a_right_key_up_counts_nothing(people: dict[str, User]) -> None:
    assert works(caller_of(people["ann"]))
    assert not FailedTries.objects.exists()

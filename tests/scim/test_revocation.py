"""Who is deactivated over SCIM is refused at the next request by every way in; parallel changes all count."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from assistant.accounts.api_keys import issue_key
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.chat.events import Status, to_payload
from assistant.chat.models import Conversation, StoredEvent, Turn, TurnState
from assistant.identity.scim.models import ProvisionedMember
from tests.api.calling import Caller
from tests.scim.world import Program, account, program_of, provider

CHANGES = 100


@pytest.fixture
def program(db: None) -> Program:
    """A program that provisions example.com."""
    return program_of(provider())


@pytest.mark.parametrize("way", ["active", "deleted"])
def test_page_search_and_stream_are_refused_at_the_next_request(
    people: dict[str, User], program: Program, way: str
) -> None:
    ann = account("ann@example.com")
    made = program.add_person("ann@example.com")
    browser = Client()
    browser.force_login(ann)
    caller = Caller(f"Bearer {issue_key(user_id=ann.pk, name='k', days=3, actor='test').text}")
    assert browser.get("/").status_code == 200
    assert caller.get("documents/987654").status == 404
    if way == "active":
        program.patch(f"Users/{made.id}", {"op": "Replace", "path": "active", "value": "False"})
    else:
        program.delete(f"Users/{made.id}")
    assert browser.get("/").status_code == 302
    assert caller.get("documents/987654").status == 401
    assert not SignedInSession.objects.filter(user=ann).exists()
    if way != "deleted":
        program.patch(f"Users/{made.id}", {"op": "replace", "path": "active", "value": True})
        assert browser.get("/").status_code == 302  # the session of before is over for good
        assert account("ann@example.com").is_active


@pytest.mark.django_db(transaction=True)
def test_a_running_answer_stops_within_two_seconds(people: dict[str, User]) -> None:
    program, ann = program_of(provider()), people["ann"]
    made = program.add_person("ann@example.com")
    browser = Client()
    browser.force_login(ann)
    turn = Turn.objects.create(
        conversation=Conversation.objects.create(user=ann, title="t"),
        question="How many days?",
        language="en",
        model="extractive",
        state=TurnState.RUNNING,
        lease_until=timezone.now() + timedelta(minutes=5),
    )
    StoredEvent.objects.create(turn=turn, seq=1, kind="status", payload=to_payload(Status("searching")))
    ended: list[float] = []

    def end() -> None:
        program.patch(f"Users/{made.id}", {"op": "Replace", "path": "active", "value": "False"})
        ended.append(time.monotonic())
        connections.close_all()

    async def read() -> tuple[bytes, float, int]:
        client = AsyncClient()
        client.cookies = browser.cookies
        answer = await client.get(f"/turns/{turn.pk}/stream/")
        assert answer.status_code == 200
        ending = threading.Thread(target=end)
        ending.start()
        parts = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, answer).streaming_content)
        text = b"".join([part async for part in parts])
        over = time.monotonic()
        ending.join()
        again = await client.get(f"/turns/{turn.pk}/stream/")
        return text, over, again.status_code

    text, over, again = async_to_sync(read)()
    assert text.count(b"event:") <= 2  # what was there before, and at most the word that it is over
    assert over - ended[0] < 2.0
    assert again == 401


@pytest.fixture
def _committed(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


@pytest.mark.usefixtures("_committed")
def test_of_a_hundred_changes_of_a_group_at_once_none_is_lost() -> None:
    User.objects.create_user("root@elsewhere.org", role=Role.ADMINISTRATOR)
    program = program_of(provider(group_roles=[["writers", Role.CONTENT_ADMINISTRATOR]]))
    people = [program.add_person(f"p{n}@example.com").id for n in range(10)]
    group = program.add_group("writers").id

    def change(n: int) -> int:
        """Each person comes and goes in turn, and stays in the end."""
        person, out = people[n % 10], (n // 10) % 2 == 1 and n < CHANGES - 10
        step = (
            {"op": "remove", "path": f'members[value eq "{person}"]'}
            if out
            else {"op": "add", "path": "members", "value": [{"value": person}]}
        )
        try:
            return program.patch(f"Groups/{group}", step).status  # type: ignore[arg-type]
        finally:
            connection.close()

    rounds = [range(start, start + 10) for start in range(0, CHANGES, 10)]
    with ThreadPoolExecutor(10) as pool:
        for numbers in rounds:
            assert set(pool.map(change, numbers)) == {204}
    assert ProvisionedMember.objects.count() == 10
    assert set(User.objects.filter(email__startswith="p").values_list("role", flat=True)) == {
        Role.CONTENT_ADMINISTRATOR
    }

"""Where somebody is signed in, and that a session which ended is nobody's, wherever its cookie is shown."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.contrib.sessions.backends.base import UpdateError
from django.core.management import call_command
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from assistant.accounts import sessions
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.accounts.people import close_account, reopen_account
from assistant.accounts.session_store import SessionStore
from assistant.accounts.tasks import sweep_door
from assistant.audit.models import AuditEvent
from assistant.chat.events import TurnEvent, Withheld
from assistant.chat.models import Conversation, Turn, TurnState
from assistant.chat.services import follow_turn
from assistant.identity.models import ExternalIdentity, IdentityProvider, ProviderSession
from assistant.identity.providers import set_open
from tests.conftest import PASSWORD, SmallWorld

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SIGN_IN, PAGE = "/sign-in/", "/sessions/"


@pytest.fixture(autouse=True)
def _password_alone(settings: LazySettings) -> None:
    """Sessions are the matter here, not how they came about."""
    settings.MUNDAP_REQUIRE_SECOND_FACTOR = "nobody"


def signed_in(name: str, *, agent: str = FIREFOX, address: str = "203.0.113.7") -> Client:
    """A browser of its own in which the person signed in through the form."""
    client = Client(headers={"User-Agent": agent, "Accept-Language": "en"}, REMOTE_ADDR=address)
    answer = client.post(SIGN_IN, {"email": f"{name}@example.com", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    """Whether the browser's next request is somebody's."""
    return client.get(PAGE).status_code == 200


def handle_of(client: Client) -> str:
    return SignedInSession.objects.get(session_key=client.session.session_key).handle


def test_the_page_tells_this_device_and_the_others_in_plain_words(people: dict[str, User]) -> None:
    signed_in("ann", agent="Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Edg/126.0", address="198.51.100.9")
    signed_in("sam", address="192.0.2.77")
    page = signed_in("ann").get(PAGE).content.decode()
    assert page.index("Firefox on Linux") < page.index("This device") < page.index("Edge on Windows")
    assert "198.51.100.9" in page
    assert "192.0.2.77" not in page  # of somebody else
    assert page.count('class="session"') == 2


def test_no_key_of_a_session_is_ever_shown(people: dict[str, User]) -> None:
    ann = signed_in("ann")
    signed_in("ann")
    shown = (
        ann.get(PAGE).content.decode()
        + signed_in("ada").get(f"/console/people/{people['ann'].pk}/").content.decode()
    )
    events = repr(list(AuditEvent.objects.values()))
    for key in SignedInSession.objects.values_list("session_key", flat=True):
        assert key not in shown
        assert key not in events


def test_signing_in_makes_a_new_key(people: dict[str, User]) -> None:
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key or ""
    client.cookies["sessionid"] = planted
    client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    assert not SignedInSession.objects.filter(session_key=planted).exists()


def prove(client: Client) -> int:
    """Proves again who it is, an hour after it did so last."""
    session = client.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    return client.post("/security/prove/", {"proving_password": PASSWORD}).status_code


def test_proving_oneself_again_makes_a_new_key_for_the_same_session(people: dict[str, User]) -> None:
    ann = signed_in("ann")
    before = SignedInSession.objects.get(user=people["ann"])
    provider = IdentityProvider.objects.create(slug="okta", name="Okta", kind="saml", is_open=True)
    identity = ExternalIdentity.objects.create(provider=provider, subject="ann", user=people["ann"])
    ProviderSession.objects.create(session=before, identity=identity)
    assert prove(ann) == 302
    assert is_in(ann)
    after = SignedInSession.objects.get(user=people["ann"])
    assert after.session_key == ann.cookies["sessionid"].value != before.session_key
    same = ("handle", "started_at", "browser", "system", "address", "expire_date")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert ProviderSession.objects.get().session == after  # the provider can still end it
    thief = Client()
    thief.cookies["sessionid"] = before.session_key
    assert not is_in(thief)
    assert sessions.lives(user_id=people["ann"].pk, handle=before.handle)  # what streams to it goes on
    set_open(provider_id=provider.pk, is_open=False, actor="test")
    assert not is_in(ann)
    assert not sessions.lives(user_id=people["ann"].pk, handle=before.handle)


def test_who_proves_nothing_keeps_the_key(people: dict[str, User]) -> None:
    ann = signed_in("ann")
    key = ann.session.session_key
    assert ann.post("/security/prove/", {"proving_password": PASSWORD}).status_code == 302  # not asked
    session = ann.session
    del session["proven"]
    session.save()
    assert ann.post("/security/prove/", {"proving_password": "wrong"}).status_code == 422
    assert ann.session.session_key == key


def test_a_session_that_ended_is_not_begun_anew_by_a_new_key(people: dict[str, User]) -> None:
    store = SessionStore(signed_in("ann").session.session_key)
    assert store["_auth_user_id"] == str(people["ann"].pk)
    SignedInSession.objects.all().delete()
    store.cycle_key()
    with pytest.raises(UpdateError):
        store.save()
    assert not SignedInSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_new_key_leaves_no_reference_behind(people: dict[str, User]) -> None:
    """Committed for good: the database looks at references then."""
    ann = signed_in("ann")
    provider = IdentityProvider.objects.create(slug="okta", name="Okta", kind="saml", is_open=True)
    identity = ExternalIdentity.objects.create(provider=provider, subject="ann", user=people["ann"])
    ProviderSession.objects.create(session=SignedInSession.objects.get(), identity=identity)
    assert prove(ann) == 302
    assert ProviderSession.objects.get().session_id == ann.session.session_key
    connection.check_constraints()


def test_one_session_is_ended_and_the_others_go_on(people: dict[str, User]) -> None:
    here, there, third = signed_in("ann"), signed_in("ann"), signed_in("ann")
    assert here.post(f"{PAGE}{handle_of(there)}/end/").status_code == 302
    assert [is_in(one) for one in (here, there, third)] == [True, False, True]
    assert AuditEvent.objects.filter(event="session_ended", actor="ann@example.com").count() == 1


def test_all_others_are_ended_and_this_one_goes_on(people: dict[str, User]) -> None:
    here, there, third, sam = signed_in("ann"), signed_in("ann"), signed_in("ann"), signed_in("sam")
    here.post(f"{PAGE}end-others/")
    assert [is_in(one) for one in (here, there, third, sam)] == [True, False, False, True]
    assert AuditEvent.objects.get(event="sessions_ended").data["count"] == 2


def test_a_session_of_somebody_else_is_not_there(people: dict[str, User]) -> None:
    ann, sam, ada = signed_in("ann"), signed_in("sam"), signed_in("ada")
    for thief in (sam, ada):
        for handle in (handle_of(ann), ann.session.session_key, "nothing"):
            assert thief.post(f"{PAGE}{handle}/end/").status_code == 404
    assert is_in(ann)
    assert not AuditEvent.objects.filter(event="session_ended").exists()


def test_who_manages_people_signs_a_person_out_everywhere(people: dict[str, User]) -> None:
    ann, again, sam, ada = signed_in("ann"), signed_in("ann"), signed_in("sam"), signed_in("ada")
    path = f"/console/people/{people['ann'].pk}/end-sessions/"
    assert sam.post(path).status_code == 404
    assert is_in(ann)
    assert "Signed in on 2 devices." in ada.get(f"/console/people/{people['ann'].pk}/").content.decode()
    assert ada.post(path).status_code == 302
    assert [is_in(one) for one in (ann, again, sam, ada)] == [False, False, True, True]


def test_the_command_line_signs_out_and_lets_in(people: dict[str, User]) -> None:
    ann = signed_in("ann")
    stranger = Client()
    for _ in range(6):
        answer = stranger.post(SIGN_IN, {"email": "ann@example.com", "password": "wrong"})
    assert answer.status_code == 429
    assert _said("sign-out")["ended"] == 1
    assert not is_in(ann)
    assert _said("let-in")["waited"] is True
    assert stranger.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD}).status_code == 302


def _said(verb: str) -> dict[str, object]:
    out = io.StringIO()
    call_command("user", verb, "ann@example.com", stdout=out)
    said = json.loads(out.getvalue())
    assert isinstance(said, dict)
    return said


def test_another_password_ends_every_session(people: dict[str, User]) -> None:
    ann, sam = signed_in("ann"), signed_in("sam")
    people["ann"].set_password("another battery staple horse")
    people["ann"].save()
    assert (is_in(ann), is_in(sam)) == (False, True)


def test_a_closed_account_is_signed_out_and_reopening_brings_no_session_back(people: dict[str, User]) -> None:
    ann = signed_in("ann")
    close_account(user_id=people["ann"].pk, actor="ada@example.com")
    assert not is_in(ann)
    reopen_account(user_id=people["ann"].pk, actor="ada@example.com")
    assert not is_in(ann)


def test_a_session_ends_when_it_is_not_used_and_using_it_is_written_rarely(
    people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_SESSION_IDLE_S = 24 * 3600
    ann = signed_in("ann")
    row = SignedInSession.objects.filter(session_key=ann.session.session_key)
    row.update(used_at=timezone.now() - timedelta(minutes=4))
    before = row.get().used_at
    assert is_in(ann)
    assert row.get().used_at == before
    row.update(used_at=timezone.now() - timedelta(hours=23))
    assert is_in(ann)
    assert row.get().used_at > timezone.now() - timedelta(minutes=1)
    row.update(used_at=timezone.now() - timedelta(hours=25))
    assert not sessions.sessions_of(user_id=people["ann"].pk)
    assert not is_in(ann)


def test_a_session_ends_after_its_longest_time_however_much_it_is_used(
    people: dict[str, User], settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSION_COOKIE_AGE = 7 * 24 * 3600
    settings.SESSION_SAVE_EVERY_REQUEST = True  # as often as can be
    ann, start = signed_in("ann"), timezone.now()
    for hours in range(12, 7 * 24, 12):
        moment = start + timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert is_in(ann), hours
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(days=7, minutes=1))
    assert not is_in(ann)


def test_what_is_over_is_removed(people: dict[str, User]) -> None:
    keys = [signed_in("ann").session.session_key for _ in range(3)]
    past = timezone.now() - timedelta(days=30)
    SignedInSession.objects.filter(session_key=keys[0]).update(used_at=past)
    SignedInSession.objects.filter(session_key=keys[1]).update(expire_date=past)
    sweep_door()
    assert list(SignedInSession.objects.values_list("session_key", flat=True)) == keys[2:]


def _running_turn(user: User) -> Turn:
    conversation = Conversation.objects.create(user=user, title="Remote work")
    leased = timezone.now() + timedelta(minutes=5)
    return Turn.objects.create(
        conversation=conversation,
        question="How many days?",
        language="en",
        model="extractive",
        state=TurnState.RUNNING,
        lease_until=leased,
    )


@pytest.mark.django_db(transaction=True)
def test_an_open_stream_ends_within_two_seconds_of_its_session(small_world: SmallWorld) -> None:
    ann = User.objects.get(email="ann@example.com")
    cookies, turn = signed_in("ann").cookies, _running_turn(ann)
    ended: list[float] = []

    def end() -> None:
        sessions.end_all_sessions(user_id=ann.pk, actor="ada@example.com")
        ended.append(time.monotonic())
        connections.close_all()

    async def read() -> tuple[bytes, float, int]:
        client = AsyncClient()
        client.cookies = cookies
        ending = threading.Timer(1.0, end)  # while the request waits for its first event
        ending.start()
        answer = await client.get(f"/turns/{turn.pk}/stream/")
        assert answer.status_code == 200
        parts = cast("AsyncIterator[bytes]", cast(StreamingHttpResponse, answer).streaming_content)
        text = b"".join([part async for part in parts])
        over = time.monotonic()
        ending.join()
        again = await client.get(f"/turns/{turn.pk}/stream/")
        return text, over, again.status_code

    text, over, again = async_to_sync(read)()
    assert b"event: withheld" in text
    assert over - ended[0] < 2.0
    assert again == 401


@pytest.mark.django_db(transaction=True)
def test_a_stream_asks_for_its_session_again_and_again(small_world: SmallWorld) -> None:
    turn = _running_turn(User.objects.get(email="ann@example.com"))
    ann = small_world.viewer("ann")
    asked: list[bool] = []

    def admitted() -> bool:
        asked.append(True)
        return len(asked) < 3

    async def read() -> list[TurnEvent]:
        following = follow_turn(viewer=ann, turn_id=turn.pk, after=0, admitted=admitted)
        return [numbered.event async for numbered in following]

    assert async_to_sync(read)() == [Withheld()]
    assert len(asked) == 3

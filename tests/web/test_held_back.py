"""A person who asks too fast is told for how long to wait, in their language, and loses nothing."""

from __future__ import annotations

import json

import pytest
from django.conf import LazySettings
from django.test import AsyncClient, Client
from django.urls import reverse

from assistant.accounts.how_long import at_least
from assistant.accounts.models import User
from assistant.accounts.rate_limits import forget_leases
from assistant.chat import services
from assistant.chat.models import Turn
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ann(people: dict[str, User]) -> Client:
    client = Client()
    client.force_login(people["ann"])
    return client


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ensure_running", lambda _: None)


def ask(client: Client, question: str = "How many days of remote work?", **headers: str):  # type: ignore[no-untyped-def]
    return client.post(reverse("web:ask"), {"question": question}, headers=headers)


def test_the_question_that_is_held_stays_in_the_box(
    small_world: SmallWorld, ann: Client, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE = 2
    assert [ask(ann, **HTMX).status_code for _ in range(2)] == [200, 200]
    held = ask(ann, "What about <laptops>?", **HTMX)
    assert held.status_code == 429
    wait = int(held.headers["Retry-After"])
    assert 25 <= wait <= 30
    assert held.headers["HX-Retarget"] == "#composer-error"
    assert f"very many questions in a short time. Wait {wait} seconds, then send it again." in (
        held.content.decode()
    )
    assert Turn.objects.count() == 2
    # Without scripts the page comes again, with the question in it.
    User.objects.filter(pk=people["ann"].pk).update(language="ko")
    plain = ask_without_following(ann, "What about <laptops>?")
    assert plain.status_code == 429
    page = plain.content.decode()
    assert "What about &lt;laptops&gt;?</textarea>" in page
    assert f"{plain.headers['Retry-After']}초" in page
    # Nobody else waits, and she reads on.
    bob = Client()
    bob.force_login(people["bob"])
    assert ask(bob, **HTMX).status_code == 200
    assert ann.get(reverse("web:home")).status_code == 200


def ask_without_following(client: Client, question: str):  # type: ignore[no-untyped-def]
    return client.post(reverse("web:ask"), {"question": question})


def test_pages_fragments_and_the_console_count_for_who_opens_them(
    db: None, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_REQUESTS_PER_MINUTE = 4
    ada, bob = Client(), Client()
    ada.force_login(people["ada"])
    bob.force_login(people["bob"])
    assert [ada.get(path).status_code for path in ("/", "/console/", "/sessions/")] == [200] * 3
    assert [ada.get("/sessions/").status_code for _ in range(4)][1:] == [429] * 3
    for path in ("/", "/console/sources/", "/console/audit/", "/admin/", "/nothing/here/"):
        held = ada.get(path)
        assert held.status_code == 429, path
        assert int(held.headers["Retry-After"]) >= 1
        assert held.headers["Cache-Control"] == "no-store"
        assert "script-src" in held.headers["Content-Security-Policy"]
        assert "very many pages" in held.content.decode()
    fragment = ada.get("/sessions/", headers=HTMX)
    assert (fragment.status_code, fragment.headers["HX-Reswap"]) == (429, "none")
    assert "very many pages" in json.loads(fragment.headers["HX-Trigger"])["mundap:held"]["text"]
    assert bob.get("/sessions/").status_code == 200
    # Who is not signed in is nobody's count, and signs in.
    assert Client().get(reverse("web:sign-in")).status_code == 200
    settings.MUNDAP_REQUESTS_PER_MINUTE = 0
    assert ada.get("/sessions/").status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_a_stream_that_is_held_comes_back_by_itself(
    small_world: SmallWorld, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_REQUESTS_PER_MINUTE = 1
    client = AsyncClient()
    await client.aforce_login(people["ann"])
    assert (await client.get("/sessions/")).status_code == 200
    forget_leases()
    held = await client.get(reverse("web:stream", args=[1]), headers={"Accept": "text/event-stream"})
    assert (held.status_code, held.headers["Content-Type"]) == (200, "text/event-stream")
    asked_again_ms = int(held.content.decode().removeprefix("retry: ").strip())
    assert 50_000 < asked_again_ms <= 60_000


def test_passkeys_that_do_not_fit_are_held_before_the_audit_log_fills(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.accounts import throttle  # noqa: PLC0415 - one test only
    from assistant.accounts.throttle_rules import Leaking  # noqa: PLC0415
    from assistant.audit.models import AuditEvent  # noqa: PLC0415
    from assistant.audit.trail import Event  # noqa: PLC0415

    monkeypatch.setitem(throttle.RULES, throttle.Kind.CHALLENGES, Leaking(capacity=3, each_s=60))
    came = [Client().post(reverse("web:sign-in-by-passkey")) for _ in range(6)]
    assert [one.status_code for one in came] == [422] * 3 + [429] * 3
    assert int(came[-1].headers["Retry-After"]) > 0
    assert AuditEvent.objects.filter(event=Event.SIGN_IN_FAILED).count() == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (60, "60 seconds"),
        (61, "2 minutes"),
        (3600, "60 minutes"),
        (3601, "2 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: int, words: str) -> None:
    assert at_least(seconds).replace("1 hour", "60 minutes").replace("1 minute", "60 seconds") == words

"""The page to which a link from Slack leads, and the list of one's own Slack users."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.slackbot.joining import Asker, asker_of, link_for
from assistant.slackbot.models import JoinedPerson, JoinLink
from tests.conftest import PASSWORD
from tests.slackbot.hall import Hall, connected
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall(slack: Simulator, settings: LazySettings, people: dict[str, User]) -> Hall:
    """A workspace in which only links count."""
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    return connected(slack, trusts_addresses=False)


@pytest.fixture
def ann(client: Client, people: dict[str, User]) -> Client:
    """Ann, who signed in just now."""
    client.force_login(people["ann"])
    return client


def _plain(answer: Any) -> str:
    """The page without what each response draws anew."""
    drawn = r'nonce="[\w-]+"|"X-CSRFToken": "\w+"|value="\w{64}"'
    return re.sub(drawn, "", answer.content.decode())


def _policy(answer: Any) -> str:
    return re.sub(r"'nonce-[^']+'", "", answer.headers["Content-Security-Policy"])


def path_to(hall: Hall, slack_user: str) -> str:
    """The path of a new link."""
    return urlsplit(link_for(hall.row, slack_user)).path


def test_the_page_says_who_would_be_whom_and_joins_by_a_button_alone(hall: Hall, ann: Client) -> None:
    path = path_to(hall, (user := hall.user("ann")).id)
    shown = ann.get(path)
    text = shown.content.decode()
    assert shown.status_code == 200
    for said in ("Hall", "hall.slack.com", "<bdi>ann</bdi>", "ann@example.com", "Is this you in Slack?"):
        assert said in text
    assert "by your address" not in text
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert _policy(shown) == _policy(ann.get("/sessions/"))
    assert not JoinedPerson.objects.exists()
    done = ann.post(path)
    assert (done.status_code, done.headers["Location"]) == (302, "/sessions/?connected=slack#slack")
    found = asker_of(hall.row, user.id)
    assert isinstance(found, Asker)
    assert found.user.email == "ann@example.com"
    event = AuditEvent.objects.get(event=Event.SLACK_PERSON_JOINED)
    assert (event.actor, event.data["by"]) == ("ann@example.com", "link")
    assert "Go back to Slack and ask" in ann.get(done.headers["Location"]).content.decode()
    assert ann.get(path).status_code == 400


def test_a_visitor_signs_in_first_and_comes_back(hall: Hall, client: Client) -> None:
    path = path_to(hall, hall.user("ann").id)
    for answer in (client.get(path), client.post(path)):
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/sign-in/?next={path}")
    assert JoinLink.objects.exists()


def test_no_other_site_can_press_the_button(hall: Hall, people: dict[str, User]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people["ann"])
    assert browser.post(path_to(hall, hall.user("ann").id)).status_code == 403
    assert not JoinedPerson.objects.exists()


def test_a_session_that_proved_nothing_lately_shows_again_who_it_is(hall: Hall, ann: Client) -> None:
    session = ann.session
    session.pop("proven", None)
    session.save()
    path = path_to(hall, hall.user("ann").id)
    assert ann.post(path).status_code == 403
    assert not JoinedPerson.objects.exists()
    assert ann.post(path, {"proving_password": PASSWORD}).status_code == 302
    assert JoinedPerson.objects.exists()


def test_a_link_that_is_over_and_one_that_never_was_look_alike(hall: Hall, ann: Client) -> None:
    path = path_to(hall, hall.user("ann").id)
    ann.post(path)
    used, guessed = ann.get(path), ann.get(f"/slack/join/{'x' * 43}/")
    assert used.status_code == guessed.status_code == 400
    assert _plain(used) == _plain(guessed).replace("x" * 43, path.split("/")[-2])
    assert "older than an hour" in used.content.decode()
    assert len([call for call in hall.slack.calls if call.method == "users.info"]) == 1  # for the POST


def test_a_colleague_s_link_joins_nobody_and_says_why(hall: Hall, ann: Client) -> None:
    path = path_to(hall, hall.user("bob").id)
    for answer in (ann.get(path), ann.post(path)):
        assert answer.status_code == 409
        assert "address of another person" in answer.content.decode()
        assert "bob" not in answer.content.decode()
    assert not JoinedPerson.objects.exists()


def test_a_user_whom_slack_knows_otherwise_is_joined_with_a_warning(hall: Hall, ann: Client) -> None:
    namesake = hall.user("Ann", email="ann.lee@partner.example")
    text = ann.get(path_to(hall, namesake.id)).content.decode()
    assert "by your address" in text
    assert "ann.lee@partner.example" in text


def test_names_from_slack_are_text(hall: Hall, ann: Client) -> None:
    text = ann.get(path_to(hall, hall.user("<img src=x onerror=alert(1)>", email="").id)).content.decode()
    assert "&lt;img src=x" in text
    assert "<img src=x" not in text


def test_while_slack_is_silent_the_link_stays(hall: Hall, ann: Client) -> None:
    path = path_to(hall, hall.user("ann").id)
    hall.slack.fail("users.info", Trouble.SERVER_ERROR, times=2)
    for answer in (ann.get(path), ann.post(path)):
        assert answer.status_code == 503
        assert "Slack doesn’t answer" in answer.content.decode()
    assert ann.post(path).status_code == 302


def test_the_page_is_korean_for_who_reads_korean(hall: Hall, ann: Client) -> None:
    path = path_to(hall, hall.user("Ann", email="ann.lee@partner.example").id)
    text = ann.get(path, headers={"Accept-Language": "ko"}).content.decode()
    assert "Slack에서 이 사람이 본인인가요?" in text
    assert "Connect" not in text.partition("<main")[2]


def test_people_see_and_leave_their_own_slack_users_and_nobody_else_s(
    hall: Hall, ann: Client, people: dict[str, User]
) -> None:
    own = JoinedPerson.objects.create(workspace=hall.row, slack_user="U1", user=people["ann"], by_link=True)
    other = JoinedPerson.objects.create(workspace=hall.row, slack_user="U2", user=people["bob"])
    text = ann.get("/sessions/").content.decode()
    assert f"/slack/joined/{own.pk}/leave/" in text
    assert f"/slack/joined/{other.pk}/leave/" not in text
    assert ann.post(f"/slack/joined/{other.pk}/leave/").status_code == 404
    assert ann.get(f"/slack/joined/{own.pk}/leave/").status_code == 405
    assert ann.post(f"/slack/joined/{own.pk}/leave/").status_code == 302
    assert "U1" not in ann.get("/sessions/").content.decode()
    assert JoinedPerson.objects.filter(left_at=None).get() == other

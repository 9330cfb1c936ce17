"""The pages of Slack: connecting a workspace, deciding about it, and what nobody else sees of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.slackbot import directory, jobs
from assistant.slackbot.credentials import opened
from assistant.slackbot.manifest import EVENTS, SCOPES
from assistant.slackbot.models import Channel, Job, JoinedPerson, Policy, Workspace
from tests.slackbot.simulator.deliveries import Timing
from tests.slackbot.simulator.events import EVENT_SCOPES
from tests.slackbot.simulator.records import Installation
from tests.slackbot.simulator.records import User as SlackUser
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db

NEW = "/console/slack/new/0123456789abcdef/"
EVENTS_KNOWN = [name for name in EVENTS if name in EVENT_SCOPES]


@pytest.fixture
def slack(settings: LazySettings) -> Iterator[Simulator]:
    """A Slack that is asked."""
    directory.forget()
    with Simulator(Timing(acknowledge_within=3.0, retry_after=())) as simulator:
        settings.MUNDAP_SLACK_API_URL = simulator.api_url
        yield simulator
        assert not simulator.faults
    directory.forget()


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """Who manages sign-in."""
    return signed_in(people["ada"])


@pytest.fixture
def installed(slack: Simulator) -> Installation:
    """An app of our manifest at Slack, in the workspace Acme."""
    return slack.install(slack.app(scopes=SCOPES, events=EVENTS_KNOWN), slack.workspace("Acme"))


@pytest.fixture
def acme(ada: Client, installed: Installation) -> Workspace:
    """The same, connected."""
    assert ada.post(NEW, typed(installed)).status_code == 302
    return Workspace.objects.get()


def signed_in(user: User, *, language: str = "en") -> Client:
    """Somebody's browser."""
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def typed(installed: Installation, **changes: str) -> dict[str, str]:
    """The form as it is sent."""
    return {
        "address": "https://ask.example.com",
        "delivery": "http",
        "bot_token": f" {installed.token}\r\n",
        "signing_secret": installed.app.signing_secret,
        **changes,
    }


def page(client: Client, path: str, *, status: int = 200) -> str:
    """A page's text, without escapes."""
    found = client.get(path)
    assert found.status_code == status
    return html.unescape(found.content.decode())


def secrets_of(row: Workspace) -> list[str]:
    """All that must stand on no page."""
    held = opened(row)
    return [one for one in (held.bot_token, held.signing_secret, held.app_token) if one]


def test_the_manifest_of_a_new_workspace_leads_to_its_own_address_whoever_comes_back(ada: Client) -> None:
    begun = ada.get("/console/slack/new/")
    path = begun["Location"]
    assert re.fullmatch(r"/console/slack/new/[0-9a-f]{16}/", path)
    handle = path.split("/")[-2]
    shown = ada.post(path, {"show": "1", "address": "https://ask.example.com", "delivery": "http"})
    text = html.unescape(shown.content.decode())
    assert shown.status_code == 200
    assert f'"request_url": "https://ask.example.com/slack/{handle}/"' in text
    for scope in SCOPES:
        assert f"<code>{scope}</code>" in text
    assert not Workspace.objects.exists()


def test_without_https_socket_mode_is_offered_first(ada: Client) -> None:
    assert '"socket_mode_enabled": true' in page(ada, NEW)
    over_tls = ada.get(NEW, secure=True).content.decode()
    assert "https://testserver/slack/0123456789abcdef/" in over_tls


def test_no_link_makes_slack_call_another_server(ada: Client) -> None:
    found = page(ada, f"{NEW}?address=https://evil.example&delivery=http&show=1")
    assert "evil.example" not in found.partition("<main")[2].partition("</main>")[0]


def test_a_workspace_is_connected_and_each_thing_that_was_tried_is_listed_once(
    ada: Client, installed: Installation
) -> None:
    answer = ada.post(NEW, typed(installed), follow=True)
    text = answer.content.decode()
    row = Workspace.objects.get()
    assert answer.redirect_chain[-1][0] == f"/console/slack/{row.pk}/"
    for words in ("The bot token works", "Acme (acme", "The app has all its rights", "Slack reaches Mundap"):
        assert words in text
    assert "Slack has not called yet" in text
    assert "The bot token works" not in page(ada, f"/console/slack/{row.pk}/")
    assert ada.get(NEW)["Location"] == f"/console/slack/{row.pk}/"


def test_what_slack_does_not_take_is_said_and_nothing_typed_comes_back(
    ada: Client, slack: Simulator, installed: Installation
) -> None:
    wrong = "xoxb-nobody-knows-this-token"
    answer = ada.post(NEW, typed(installed, bot_token=wrong))
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "Slack doesn't know this token (invalid_auth)" in text
    assert "type it again" in text
    assert re.findall(r"data-state=\"(\w+)\"", text) == ["failed", "not_reached", "not_reached", "passed"]
    assert wrong not in text
    assert installed.app.signing_secret not in text
    assert not Workspace.objects.exists()
    slack.excuse("invalid_auth")


def test_an_address_that_slack_cannot_call_is_said_at_its_field(ada: Client, installed: Installation) -> None:
    answer = ada.post(NEW, typed(installed, address="http://ask.example.com"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="wrong-address"' in text
    assert not Workspace.objects.exists()


def test_secrets_stand_on_no_page_and_in_no_audit_entry(ada: Client, acme: Workspace) -> None:
    ada.post(f"/console/slack/{acme.pk}/check/")
    pages = [
        page(ada, path)
        for path in (
            "/console/slack/",
            f"/console/slack/{acme.pk}/",
            f"/console/slack/{acme.pk}/connect/",
            f"/console/slack/{acme.pk}/channels/",
            "/console/audit/",
        )
    ]
    logged = str(list(AuditEvent.objects.values_list("data", flat=True)))
    for secret in secrets_of(acme):
        assert not any(secret in text for text in [*pages, logged])


def test_nobody_else_finds_any_of_it(acme: Workspace, people: dict[str, User]) -> None:
    content = User.objects.create_user("con@example.com", "x", role=Role.CONTENT_ADMINISTRATOR)
    at = f"/console/slack/{acme.pk}"
    for user in (people["ann"], content):
        client = signed_in(user)
        for path in ("/console/slack/", NEW, f"{at}/", f"{at}/connect/", f"{at}/channels/"):
            assert client.get(path).status_code == 404
        for path in (NEW, f"{at}/settings/", f"{at}/open/", f"{at}/remove/", f"{at}/part/", f"{at}/check/"):
            assert client.post(path, {"policy": "members", "trusts_addresses": "on"}).status_code == 404
        assert 'href="/console/slack/"' not in client.get("/").content.decode()
    acme.refresh_from_db()
    assert (acme.is_open, acme.policy, acme.trusts_addresses) == (True, Policy.PRIVATE, False)


def test_what_is_decided_is_kept_and_shown(ada: Client, acme: Workspace) -> None:
    form = {"policy": "members", "trusts_addresses": "on", "address": "https://mundap.example.com"}
    answer = ada.post(f"/console/slack/{acme.pk}/settings/", form, follow=True)
    assert "Saved." in answer.content.decode()
    acme.refresh_from_db()
    kept = (acme.policy, acme.trusts_addresses, acme.address)
    assert kept == (Policy.MEMBERS, True, "https://mundap.example.com")
    wrong = ada.post(f"/console/slack/{acme.pk}/settings/", {**form, "address": "mundap"})
    assert wrong.status_code == 422
    assert "It is marked below." in wrong.content.decode()
    assert ada.post(f"/console/slack/{acme.pk}/settings/", {**form, "policy": "x"}).status_code == 404


def test_a_workspace_that_slack_shut_out_says_what_to_do_and_is_connected_anew(
    ada: Client, acme: Workspace, installed: Installation
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(failure="app_uninstalled")
    text = page(ada, f"/console/slack/{acme.pk}/")
    assert "The app was removed from the workspace" in text
    assert "Connect anew" in page(ada, "/console/slack/")
    assert "/slack/0123456789abcdef/" in page(ada, f"/console/slack/{acme.pk}/connect/")
    assert ada.post(f"/console/slack/{acme.pk}/connect/", typed(installed)).status_code == 302
    acme.refresh_from_db()
    assert (acme.failure, acme.revision) == ("", 2)


def test_a_channel_says_why_it_is_not_answered_for_all_and_who_is_missing(
    ada: Client, acme: Workspace, slack: Simulator, installed: Installation, people: dict[str, User]
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(policy=Policy.MEMBERS, trusts_addresses=True)
    ann, nia = (slack.user(installed.workspace, name) for name in ("ann", "nia"))
    salaries = slack.channel(installed.workspace, "salaries", [ann, nia, installed.bot], private=True)
    listed = page(ada, f"/console/slack/{acme.pk}/channels/")
    assert "#salaries" in listed
    path = f"/console/slack/{acme.pk}/channels/{salaries.id}/"
    text = page(ada, path)
    assert "has no open account here: the asker alone sees answers" in text
    assert nia.id in text
    assert f"<code>{ann.id}</code>" not in text
    assert "A public channel" not in text
    join(acme, nia, people["bob"])
    assert "from what the asker and 1 other person may all read" in page(ada, path)


def test_a_channels_own_policy_is_kept(
    ada: Client, acme: Workspace, slack: Simulator, installed: Installation
) -> None:
    general = slack.channel(installed.workspace, "general", [installed.bot])
    path = f"/console/slack/{acme.pk}/channels/{general.id}/"
    answer = ada.post(path, {"policy": "off", "accepts_apps": "on"}, follow=True)
    assert "It is not answered: it was decided so." in answer.content.decode()
    row = Channel.objects.get()
    assert (row.channel_id, row.policy, row.accepts_apps, row.name) == (general.id, "off", True, "general")
    assert ada.post(path, {"policy": "loud"}).status_code == 404
    assert ada.get(f"/console/slack/{acme.pk}/channels/C0NOWHERE/").status_code == 404


def test_people_are_listed_and_parted_only_in_their_own_workspace(
    ada: Client, acme: Workspace, slack: Simulator, installed: Installation, people: dict[str, User]
) -> None:
    joined = join(acme, slack.user(installed.workspace, "bob"), people["bob"])
    elsewhere = Workspace.objects.create(handle="b", team_id="T9", bot_user_id="U9", name="B")
    stranger = JoinedPerson.objects.create(workspace=elsewhere, slack_user="U8", user=people["ann"])
    text = page(ada, f"/console/slack/{acme.pk}/")
    assert "bob@example.com" in text
    assert "ann@example.com" not in text
    path = f"/console/slack/{acme.pk}/part/"
    assert ada.post(path, {"joined": stranger.pk}).status_code == 404
    assert ada.post(path, {"joined": joined.pk}).status_code == 302
    left = dict(JoinedPerson.objects.values_list("pk", "left_at"))
    assert left[joined.pk] is not None
    assert left[stranger.pk] is None


def test_many_people_are_listed_in_pages(ada: Client, acme: Workspace, people: dict[str, User]) -> None:
    JoinedPerson.objects.bulk_create(
        JoinedPerson(workspace=acme, slack_user=f"U{n:03}", user=people["bob"], by_link=True)
        for n in range(60)
    )
    first, second = (page(ada, f"/console/slack/{acme.pk}/?page={n}") for n in (1, 2))
    assert (first.count("<code>U0"), second.count("<code>U0")) == (50, 10)


def test_a_workspace_is_closed_and_removed(ada: Client, acme: Workspace) -> None:
    at = f"/console/slack/{acme.pk}"
    ada.post(f"{at}/open/", {"close": "1"})
    acme.refresh_from_db()
    assert not acme.is_open
    assert ada.post(f"{at}/remove/").status_code == 302
    assert not Workspace.objects.exists()
    assert ada.get(f"{at}/").status_code == 404


def test_what_could_not_be_carried_out_is_listed_with_its_reason_and_without_its_words(
    ada: Client, acme: Workspace, people: dict[str, User]
) -> None:
    page = f"/console/slack/{acme.pk}/"
    assert "could not be carried out" not in ada.get(page).content.decode()
    for number, code in enumerate(("busy", "busy", "token_revoked", "some_word")):
        jobs.take_in(acme, kind="question", key=f"m:{number}", payload={"text": "은밀한 질문"})
        claimed = jobs.claim("me")
        assert claimed is not None
        jobs.fail(claimed, code)
        Job.objects.filter(kind=jobs.APOLOGY).delete()
    shown = html.unescape(ada.get(page).content.decode())
    assert "Slack was busy or couldn’t be reached" in shown
    assert "Somebody took the app's token back" in shown
    assert "Slack refused it (some_word)." in shown
    assert "은밀한" not in shown
    assert "처리하지 못한 작업" in signed_in(people["ada"], language="ko").get(page).content.decode()


def test_slack_out_of_reach_leaves_the_pages_standing(
    ada: Client, acme: Workspace, settings: LazySettings
) -> None:
    settings.MUNDAP_SLACK_API_URL = "http://127.0.0.1:9/api/"
    text = page(ada, f"/console/slack/{acme.pk}/channels/")
    assert "Slack does not answer now. Try again in a moment." in text
    assert f'<a href="/console/slack/{acme.pk}/channels/">Try again</a>' in text
    answer = ada.post(f"/console/slack/{acme.pk}/check/", follow=True)
    assert "Slack does not answer now" in answer.content.decode()


def test_the_pages_speak_korean(
    acme: Workspace, people: dict[str, User], slack: Simulator, installed: Installation
) -> None:
    client = signed_in(people["ada"], language="ko")
    general = slack.channel(installed.workspace, "general", [installed.bot])
    at = f"/console/slack/{acme.pk}"
    Workspace.objects.update(heard_at=timezone.now())
    client.post(f"{at}/check/")
    assert "Slack에서 요청이 왔습니다" in page(client, f"{at}/")
    left = []
    new = NEW.replace("0", "1")
    for path in ("/console/slack/", new, f"{at}/", f"{at}/channels/", f"{at}/channels/{general.id}/"):
        main = page(client, path).partition("<main")[2].partition("</main>")[0]
        main = re.sub(r"<textarea.*?</textarea>|<code>.*?</code>|<b>.*?</b>", " ", main, flags=re.S)
        texts = re.findall(r">([^<>]*)<", main)
        left += [one for one in texts if re.search(r"[a-z] [a-z]", one) and not re.search("[가-힣]", one)]
    assert left == []


def join(workspace: Workspace, user: SlackUser, account: User) -> JoinedPerson:
    """As if they had followed their link."""
    return JoinedPerson.objects.create(workspace=workspace, slack_user=user.id, user=account, by_link=True)

"""A workspace is connected by what Slack says of its token, and by nothing that it does not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.common.errors import NotFound, UsageError
from assistant.slackbot import bolt_app, connecting, directory
from assistant.slackbot.connecting import ConnectForm, Mistakes, NotConnected, connect, connect_anew
from assistant.slackbot.credentials import Credentials, opened
from assistant.slackbot.manifest import EVENTS, SCOPES
from assistant.slackbot.models import Job, Policy, Workspace
from assistant.slackbot.services import set_workspace_policy
from assistant.slackbot.slack_api import client_of
from assistant.slackbot.trying import Step, Trial
from tests.slackbot.signed import signed
from tests.slackbot.simulator.events import EVENT_SCOPES
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Installation
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db

HANDLE = "0123456789abcdef"
KNOWN_EVENTS = [name for name in EVENTS if name in EVENT_SCOPES]


@pytest.fixture(autouse=True)
def _here(slack: Simulator, settings: LazySettings) -> Iterator[None]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    directory.forget()
    bolt_app.forget()
    yield
    directory.forget()
    bolt_app.forget()


@pytest.fixture
def ada(people: dict[str, User]) -> User:
    """Who manages sign-in."""
    return people["ada"]


def installed_in(slack: Simulator, name: str = "Acme", **more: object) -> Installation:
    """An app of our manifest in a new workspace."""
    app = slack.app(scopes=more.pop("scopes", SCOPES), events=more.pop("events", KNOWN_EVENTS), **more)  # type: ignore[arg-type]
    return slack.install(app, slack.workspace(name))


def form(installed: Installation, **given: str) -> ConnectForm:
    """What somebody would enter for it."""
    app = installed.app
    entered = Credentials(installed.token, app.signing_secret, app.app_token)
    delivery = "socket" if app.socket_mode else "http"
    address = given.pop("address", "https://ask.example.com")
    return ConnectForm(address, given.pop("delivery", delivery), replace(entered, **given))


def states(trial: Trial) -> dict[str, str]:
    """How each step went."""
    return {str(one.step): str(one.state) for one in trial.steps}


def refused(trial_form: ConnectForm, actor: User) -> Trial:
    """The trial of what was not connected."""
    with pytest.raises(NotConnected) as caught:
        connect(handle=HANDLE, form=trial_form, actor=actor)
    assert not Workspace.objects.filter(handle=HANDLE).exists()
    return caught.value.trial


def detail(trial: Trial, step: Step) -> str:
    """What is said of a step."""
    return next(one.detail for one in trial.steps if one.step is step)


def test_a_workspace_is_stored_as_slack_describes_it_with_its_secrets_sealed(
    slack: Simulator, ada: User
) -> None:
    installed = installed_in(slack)
    row, trial = connect(handle=HANDLE, form=form(installed), actor=ada)
    assert states(trial) == {
        "token": "passed",
        "workspace": "passed",
        "scopes": "passed",
        "secret": "passed",
        "reached": "waiting",
    }
    assert (row.team_id, row.app_id) == (installed.workspace.id, installed.app.id)
    assert (row.bot_user_id, row.bot_id) == (installed.bot.id, installed.bot.bot_id)
    assert (row.name, row.domain) == ("Acme", installed.workspace.domain)
    assert (row.is_open, row.policy, row.trusts_addresses) == (True, Policy.PRIVATE, False)
    assert installed.token.encode() not in bytes(row.sealed_secrets)
    assert opened(row).bot_token == installed.token
    assert client_of(row).auth_test()["team_id"] == row.team_id
    event = AuditEvent.objects.get(event=Event.SLACK_CONNECTED)
    assert event.data == {"workspace": "Acme", "team": row.team_id}


def test_a_token_that_slack_does_not_know_is_said_with_where_to_copy_it(slack: Simulator, ada: User) -> None:
    trial = refused(form(installed_in(slack), bot_token="xoxb-not-one-of-slacks"), ada)
    assert states(trial)["token"] == "failed"
    assert "invalid_auth" in detail(trial, Step.TOKEN)
    assert "OAuth & Permissions" in detail(trial, Step.TOKEN)
    slack.excuse("invalid_auth")


@pytest.mark.parametrize("token", ["xoxp-1-2-3456789", "xapp-1-A1-123456", "", "xoxb-", "xoxb-1\n2345678"])
def test_what_is_no_bot_token_is_not_sent_to_slack(slack: Simulator, ada: User, token: str) -> None:
    trial = refused(form(installed_in(slack), bot_token=token), ada)
    assert "begins with xoxb-" in detail(trial, Step.TOKEN)
    assert not slack.calls


def test_missing_rights_are_named(slack: Simulator, ada: User) -> None:
    fewer = SCOPES.keys() - {"groups:read", "im:history"}
    events = [
        name for name in KNOWN_EVENTS if not name.startswith(("message", "member", "channel_", "group"))
    ]
    trial = refused(form(installed_in(slack, scopes=fewer, events=events)), ada)
    assert states(trial)["scopes"] == "failed"
    assert "groups:read, im:history" in detail(trial, Step.SCOPES)


def test_an_app_that_may_not_even_say_its_id_is_not_connected(slack: Simulator, ada: User) -> None:
    trial = refused(form(installed_in(slack, scopes={"chat:write"}, events=())), ada)
    assert "users:read" in detail(trial, Step.SCOPES)
    slack.excuse("missing_scope")


@pytest.mark.parametrize("secret", ["", "8f742231b10e8888abcd99yyyzzz85a5", "ABCDEF" * 6, "xoxb-1-2"])
def test_a_signing_secret_has_the_right_form(slack: Simulator, ada: User, secret: str) -> None:
    trial = refused(form(installed_in(slack), signing_secret=secret), ada)
    assert states(trial)["secret"] == "failed"


def test_socket_mode_is_tried_with_the_apps_own_token(slack: Simulator, ada: User) -> None:
    installed = installed_in(slack, socket_mode=True)
    other = installed_in(slack, "Other", socket_mode=True)
    off = installed_in(slack, "Off")
    for token, says in (
        ("xapp-nobodys-token", "doesn't know this app-level token"),
        (other.app.app_token, "another app's"),
        ("xoxb-1-23456789", "begins with xapp-"),
    ):
        trial = refused(form(installed, app_token=token), ada)
        assert says in detail(trial, Step.SOCKET)
    trial = refused(form(off, delivery="socket"), ada)
    assert "Switch Socket Mode on" in detail(trial, Step.SOCKET)
    slack.excuse("access_denied", "invalid_auth")
    row, trial = connect(handle=HANDLE, form=form(installed), actor=ada)
    assert states(trial)["socket"] == "passed"
    assert row.delivery == "socket"
    assert "within a minute" in detail(trial, Step.REACHED)


def test_a_workspace_is_connected_once(slack: Simulator, ada: User) -> None:
    installed = installed_in(slack)
    connect(handle=HANDLE, form=form(installed), actor=ada)
    with pytest.raises(NotConnected) as caught:
        connect(handle="f" * 16, form=form(installed), actor=ada)
    assert "connected already" in detail(caught.value.trial, Step.WORKSPACE)
    with pytest.raises(Mistakes):
        connect(handle=HANDLE, form=form(installed_in(slack, "Other")), actor=ada)
    assert Workspace.objects.count() == 1


def test_slack_out_of_reach_stores_nothing(slack: Simulator, ada: User) -> None:
    slack.fail("auth.test", Trouble.SERVER_ERROR)
    trial = refused(form(installed_in(slack)), ada)
    assert "does not answer now" in detail(trial, Step.TOKEN)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"address": "http://ask.example.com"}, "address"),
        ({"address": "https://ask.example.com/chat"}, "address"),
        ({"address": "javascript:alert(1)"}, "address"),
        ({"address": "https://a:b@ask.example.com"}, "address"),
        ({"delivery": "pigeon"}, "delivery"),
        ({"client_id": "1.2"}, "refresh_token"),
        ({"bot_token": "xoxe.xoxb-1-abcdefgh"}, "refresh_token"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    slack: Simulator, ada: User, given: dict[str, str], field: str
) -> None:
    with pytest.raises(Mistakes) as caught:
        connect(handle=HANDLE, form=form(installed_in(slack), **given), actor=ada)
    assert field in caught.value.by_field
    assert not slack.calls


def test_an_app_whose_tokens_rotate_is_connected_with_the_three_that_it_needs(
    slack: Simulator, ada: User
) -> None:
    installed = installed_in(slack, token_rotation=True)
    app = installed.app
    rotating = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": installed.refresh_token,
    }
    row, _ = connect(handle=HANDLE, form=form(installed, **rotating), actor=ada)
    assert row.token_expires_at is not None
    assert opened(row).rotates


def test_new_credentials_end_what_was_open_with_the_former_ones(slack: Simulator, ada: User) -> None:
    installed = installed_in(slack)
    row, _ = connect(handle=HANDLE, form=form(installed), actor=ada)
    lease = timezone.now() + timedelta(seconds=15)
    Workspace.objects.filter(pk=row.pk).update(
        failure="token_revoked", heard_at=lease, socket_owner="one", socket_lease_until=lease
    )
    again, _ = connect_anew(workspace_id=row.pk, form=form(installed), actor=ada)
    again.refresh_from_db()
    assert (again.revision, again.failure, again.heard_at) == (2, "", None)
    assert (again.socket_owner, again.handle) == ("", HANDLE)
    assert AuditEvent.objects.filter(event=Event.SLACK_CREDENTIALS_CHANGED).count() == 1


def test_a_token_of_another_workspace_changes_nothing(slack: Simulator, ada: User) -> None:
    installed = installed_in(slack)
    row, _ = connect(handle=HANDLE, form=form(installed), actor=ada)
    with pytest.raises(NotConnected) as caught:
        connect_anew(workspace_id=row.pk, form=form(installed_in(slack, "Other")), actor=ada)
    assert "another workspace's" in detail(caught.value.trial, Step.WORKSPACE)
    row.refresh_from_db()
    assert (row.revision, row.name) == (1, "Acme")
    assert opened(row).bot_token == installed.token


def test_a_check_says_what_became_of_a_connection(slack: Simulator, ada: User) -> None:
    installed = installed_in(slack)
    row, _ = connect(handle=HANDLE, form=form(installed), actor=ada)
    assert connecting.check(workspace_id=row.pk, actor=ada).passed
    Workspace.objects.filter(pk=row.pk).update(heard_at=timezone.now())
    assert states(connecting.check(workspace_id=row.pk, actor=ada))["reached"] == "passed"
    slack.revoke_tokens(installed)
    trial = connecting.check(workspace_id=row.pk, actor=ada)
    assert not trial.passed
    assert "took the app's token back" in detail(trial, Step.TOKEN)
    row.refresh_from_db()
    assert row.failure == "token_revoked"
    assert "token_revoked" in detail(connecting.check(workspace_id=row.pk, actor=ada), Step.TOKEN)


def test_a_connection_that_stands_is_not_opened_a_second_time(slack: Simulator, ada: User) -> None:
    row, _ = connect(handle=HANDLE, form=form(installed_in(slack, socket_mode=True)), actor=ada)
    Workspace.objects.filter(pk=row.pk).update(
        socket_owner="one", socket_lease_until=timezone.now() + timedelta(seconds=15)
    )
    before = len([one for one in slack.calls if one.method == "apps.connections.open"])
    assert states(connecting.check(workspace_id=row.pk, actor=ada))["reached"] == "passed"
    assert len([one for one in slack.calls if one.method == "apps.connections.open"]) == before
    Workspace.objects.filter(pk=row.pk).update(socket_lease_until=timezone.now())
    assert states(connecting.check(workspace_id=row.pk, actor=ada))["reached"] == "waiting"


def test_slacks_question_whether_the_address_is_ours_counts_as_heard(
    slack: Simulator, ada: User, client: Client
) -> None:
    installed = installed_in(slack)
    row, _ = connect(handle=HANDLE, form=form(installed), actor=ada)
    asked = {"type": "url_verification", "challenge": "3eZbrw1aB"}
    assert signed(asked, secret="another", handle=HANDLE).send(client).status_code == 404
    assert states(connecting.check(workspace_id=row.pk, actor=ada))["reached"] == "waiting"
    assert signed(asked, secret=installed.app.signing_secret, handle=HANDLE).send(client).status_code == 200
    assert states(connecting.check(workspace_id=row.pk, actor=ada))["reached"] == "passed"


def test_addresses_that_count_no_longer_have_the_answers_judged_again(slack: Simulator, ada: User) -> None:
    row, _ = connect(handle=HANDLE, form=form(installed_in(slack)), actor=ada)
    change = {"workspace_id": row.pk, "address": "https://ask.example.com/", "actor": ada}
    connecting.change(trusts_addresses=True, **change)  # type: ignore[arg-type]
    assert not Job.objects.exists()
    connecting.change(trusts_addresses=False, **change)  # type: ignore[arg-type]
    assert Job.objects.get().kind == "recheck"
    row.refresh_from_db()
    assert row.address == "https://ask.example.com"
    said = AuditEvent.objects.filter(event=Event.SLACK_CHANGED).order_by("pk").values_list("data", flat=True)
    assert [one["trusts_addresses"] for one in said] == [True, False]


def test_a_workspace_is_closed_opened_and_removed(slack: Simulator, ada: User) -> None:
    row, _ = connect(handle=HANDLE, form=form(installed_in(slack)), actor=ada)
    for is_open in (False, True):
        connecting.set_open(workspace_id=row.pk, is_open=is_open, actor=ada)
        row.refresh_from_db()
        assert row.is_open is is_open
    connecting.remove(workspace_id=row.pk, actor=ada)
    assert not Workspace.objects.exists()
    with pytest.raises(NotFound):
        connecting.check(workspace_id=row.pk, actor=ada)
    named = {Event.SLACK_CLOSED, Event.SLACK_OPENED, Event.SLACK_REMOVED}
    assert AuditEvent.objects.filter(event__in=named).count() == 3


def test_only_who_manages_sign_in_connects_anything(slack: Simulator, people: dict[str, User]) -> None:
    installed = installed_in(slack)
    row, _ = connect(handle=HANDLE, form=form(installed), actor=people["ada"])
    content = User.objects.create_user("con@example.com", "x", role=Role.CONTENT_ADMINISTRATOR)
    for actor in (people["ann"], content):
        for verb in (
            lambda: connect(handle="f" * 16, form=form(installed), actor=actor),  # noqa: B023
            lambda: connect_anew(workspace_id=row.pk, form=form(installed), actor=actor),  # noqa: B023
            lambda: connecting.check(workspace_id=row.pk, actor=actor),  # noqa: B023
            lambda: connecting.set_open(workspace_id=row.pk, is_open=False, actor=actor),  # noqa: B023
            lambda: connecting.remove(workspace_id=row.pk, actor=actor),  # noqa: B023
            lambda: connecting.change(
                workspace_id=row.pk,
                trusts_addresses=True,
                address="https://x.example",
                actor=actor,  # noqa: B023
            ),
            lambda: set_workspace_policy(workspace_id=row.pk, policy="members", actor=actor),  # noqa: B023
        ):
            with pytest.raises(UsageError):
                verb()
    row.refresh_from_db()
    assert (row.is_open, row.trusts_addresses, row.policy) == (True, False, Policy.PRIVATE)

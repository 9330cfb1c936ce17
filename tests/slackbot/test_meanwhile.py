"""Who may read along changes while an answer is on its way: between being asked, shown and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.chat.models import Turn
from assistant.slackbot import actions, delivering, posting, questions, sharing
from assistant.slackbot.joining import leave
from assistant.slackbot.models import (
    Channel,
    Job,
    JobState,
    JoinedPerson,
    Policy,
    Post,
    PostState,
    Workspace,
)
from assistant.slackbot.services import ChannelForm, set_channel_policy, set_workspace_policy
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.simulator import Simulator

SALARY = "What is the salary band of a senior engineer?"
WITHHELD = "no longer"


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob", "cho", "sam") as opened:
        yield opened


def _first(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, act: Callable[[], object]) -> None:
    """Let `act` happen right before the first call of `where.name`."""
    original, done = getattr(where, name), list[bool]()

    def called(*args: Any, **more: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return original(*args, **more)

    monkeypatch.setattr(where, name, called)


def _everything_seen(office: Office, name: str, channel: Any) -> str:
    return "\n".join(text_of(one) for one in office.slack.what_sees(office.users[name], channel))


def _administrator() -> User:
    return User.objects.create_user("root@example.com", "x", role=Role.ADMINISTRATOR)


def test_who_joins_before_a_quick_answer_is_shown_keeps_it_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = office.channel("pay", "bob")
    joins = partial(office.do, partial(office.slack.join, office.users["ann"], channel))
    _first(monkeypatch, questions, "deliver", joins)
    office.mentioned("bob", channel, SALARY)
    assert "82" not in _everything_seen(office, "ann", channel)
    assert WITHHELD in text_of(office.last("bob", channel))


def test_who_joins_while_the_answer_is_sent_sees_it_taken_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = office.channel("pay", "bob")
    joins = partial(office.do, partial(office.slack.join, office.users["ann"], channel))
    _first(monkeypatch, delivering, "show", joins)
    office.mentioned("bob", channel, SALARY)
    office.work_again()
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "82" not in _everything_seen(office, "ann", channel)


def test_an_answer_that_another_process_began_long_ago_is_judged_again(office: Office) -> None:
    """Also where the event that says who joined was lost."""
    channel = office.channel("pay", "bob")
    office.slack.fail("chat.postMessage", Trouble.SERVER_ERROR, times=1)
    office.mentioned("bob", channel, SALARY)
    Post.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    office.only(lambda: office.slack.join(office.users["ann"], channel))
    Job.objects.filter(kind="recheck").delete()
    office.work_again()
    assert Job.objects.get(kind="question").state == JobState.DONE
    assert "82" not in _everything_seen(office, "ann", channel)


def test_no_draft_of_what_another_process_began_is_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(delivering, "EDITED_EVERY_S", 0.0)
    channel = office.channel("pay", "bob")
    office.slack.fail("chat.postMessage", Trouble.SERVER_ERROR, times=1)
    office.mentioned("bob", channel, SALARY)
    office.only(lambda: office.slack.join(office.users["ann"], channel))
    Job.objects.filter(kind="recheck").delete()
    Post.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    shown, show = list[str](), posting.show

    def watched(client: Any, post: Any, message: Any, **more: Any) -> None:
        shown.append(repr(message.blocks))
        show(client, post, message, **more)

    monkeypatch.setattr(delivering, "show", watched)
    office.work_again()
    assert shown
    assert "82" not in "".join(shown)


def test_what_waits_to_be_sent_again_is_taken_back_at_once(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.slack.fail("chat.postMessage", Trouble.RESET_AFTER, times=1)
    office.mentioned("bob", channel, SALARY)
    assert "82 to 96" in _everything_seen(office, "bob", channel)
    assert Job.objects.get(kind="question").state == JobState.PENDING
    office.do(lambda: office.slack.join(office.users["ann"], channel))
    assert "82" not in _everything_seen(office, "ann", channel)
    office.work_again()
    assert "82" not in _everything_seen(office, "ann", channel)


def test_who_is_parted_from_the_account_meanwhile_is_shown_nothing_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.asked("bob", "How many days a week is remote work allowed?")
    row = JoinedPerson.objects.get()
    parts = partial(leave, joined_id=row.pk, actor=row.user)
    _first(monkeypatch, questions, "deliver", parts)
    shown = text_of(office.asked("bob", SALARY))
    assert "82" not in shown
    assert WITHHELD in shown


def test_who_is_joined_to_another_account_meanwhile_is_shown_nothing_of_the_former(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.asked("bob", "How many days a week is remote work allowed?")
    row = JoinedPerson.objects.get()

    def moves() -> None:
        leave(joined_id=row.pk, actor=row.user)
        ann = User.objects.get(email="ann@example.com")
        JoinedPerson.objects.filter(pk=row.pk).update(user=ann, by_link=True, left_at=None)

    _first(monkeypatch, questions, "deliver", moves)
    shown = text_of(office.asked("bob", SALARY))
    assert "82" not in shown
    assert WITHHELD in shown


def test_what_happens_in_one_workspace_touches_nothing_of_another(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    post = Post.objects.get()
    yard = Workspace.objects.create(handle="yard", team_id="T0YARD", bot_user_id="U0YARD", name="Yard")
    theirs = Post.objects.create(
        workspace=yard,
        turn=post.turn,
        channel_id=channel.id,
        ts=post.ts,
        in_channel=True,
        slack_user=post.slack_user,
        state=PostState.FINAL,
    )
    asked = len(office.slack.calls)
    set_workspace_policy(workspace_id=office.row.pk, policy=Policy.OFF, actor=_administrator())
    office.work()
    assert Post.objects.get(pk=post.pk).state == PostState.WITHDRAWN
    assert Post.objects.get(pk=theirs.pk).judged_at == theirs.judged_at
    changed = [one.method for one in office.slack.calls[asked:] if one.method.startswith("chat.")]
    assert changed == ["chat.update"]


def test_the_home_of_who_is_parted_shows_no_title_of_the_account(office: Office) -> None:
    office.asked("bob", SALARY)
    office.do(lambda: office.slack.open_home(office.users["bob"], office.app))
    row = JoinedPerson.objects.get()
    leave(joined_id=row.pk, actor=row.user)
    office.work()
    home = office.slack.home_of(office.users["bob"], office.app)
    assert home is not None
    assert "/slack/join/" in repr(home.content)
    assert "salary" not in repr(home.content)


def test_the_button_of_an_answer_that_was_taken_back_opens_nothing(office: Office) -> None:
    remote = "How many days a week is remote work allowed?"
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, remote)
    before = office.last("bob", channel)
    Post.objects.update(state=PostState.WITHDRAWN)
    office.do(lambda: office.slack.click(office.users["bob"], before, actions.SOURCES))
    assert office.slack.modal_of(office.users["bob"], office.app) is None


@pytest.mark.parametrize("moment", ["shows", "drawn", "show"])
def test_who_joins_while_an_answer_is_shared_does_not_keep_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whichever step of sharing is the next: who could read the channel was asked before."""
    office.change(policy=Policy.PRIVATE)
    channel, bob = office.channel("pay", "bob"), office.users["bob"]
    office.mentioned("bob", channel, SALARY)
    private = office.last("bob", channel)
    joins = partial(office.do, partial(office.slack.join, office.users["ann"], channel))
    _first(monkeypatch, sharing, moment, joins)
    office.do(lambda: office.slack.click(bob, private, actions.SHARE))
    office.work_again()
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "82" not in _everything_seen(office, "ann", channel)


def test_a_private_answer_asked_for_again_stays_private_though_it_was_shared(office: Office) -> None:
    """The button is below what they alone see, and not below what stands in the channel."""
    office.change(policy=Policy.PRIVATE)
    channel, bob = office.channel("pay", "bob"), office.users["bob"]
    office.mentioned("bob", channel, SALARY)
    private = office.last("bob", channel)
    office.do(lambda: office.slack.click(bob, private, actions.SHARE))
    office.do(lambda: office.slack.click(bob, private, actions.AGAIN))
    answers = [one for one in office.slack.what_sees(bob, channel) if "82 to 96" in text_of(one)]
    assert [bool(one.ephemeral_to) for one in answers] == [True, False, True]


def test_a_shared_answer_whose_arrival_is_unknown_is_taken_back_if_it_may_not_stay(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel, bob = office.channel("pay", "bob"), office.users["bob"]
    office.mentioned("bob", channel, SALARY)
    private = office.last("bob", channel)
    office.slack.fail("chat.postMessage", Trouble.RESET_AFTER, times=1)
    office.do(lambda: office.slack.click(bob, private, actions.SHARE))
    assert Job.objects.get(kind="share").state == JobState.PENDING
    office.only(lambda: office.slack.join(office.users["ann"], channel))
    Job.objects.filter(kind="recheck").delete()
    office.work_again()
    assert "82" not in _everything_seen(office, "ann", channel)
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert Turn.objects.count() == 1


@pytest.mark.parametrize("where", ["channel", "workspace"])
def test_answers_go_from_channels_that_are_switched_off(office: Office, where: str) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    if where == "channel":
        form = ChannelForm(channel_id=channel.id, policy=Policy.OFF)
        set_channel_policy(workspace_id=office.row.pk, form=form, actor=_administrator())
    else:
        set_workspace_policy(workspace_id=office.row.pk, policy=Policy.OFF, actor=_administrator())
    office.work()
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "82 to 96" not in _everything_seen(office, "bob", channel)


def test_answers_go_from_beside_apps_that_are_accepted_no_longer(office: Office) -> None:
    office.users["robot"] = office.slack.user(office.installed.workspace, "robot", is_bot=True)
    channel = office.channel("pay", "bob", "robot")
    Channel.objects.create(workspace=office.row, channel_id=channel.id, accepts_apps=True)
    office.mentioned("bob", channel, SALARY)
    assert Post.objects.get().state == PostState.FINAL
    form = ChannelForm(channel_id=channel.id, accepts_apps=False)
    set_channel_policy(workspace_id=office.row.pk, form=form, actor=_administrator())
    office.work()
    assert Post.objects.get().state == PostState.WITHDRAWN

"""What stands in a channel is judged again when the channel changes, or who its readers are here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from django.conf import LazySettings

from assistant.accounts import people
from assistant.accounts.models import Role, User
from assistant.accounts.services import add_user
from assistant.privacy.erasing import erase
from assistant.slackbot import connecting, manifest, watching
from assistant.slackbot.credentials import Credentials
from assistant.slackbot.models import Job, Policy, Post, PostState, Workspace
from assistant.slackbot.rechecking import recheck_all
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Channel
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
WIFI = "What is the guest network called?"  # which everybody may read
SALARY = "What is the salary band of a senior engineer?"


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob", "cho", "sam") as opened:
        yield opened


@pytest.fixture
def pay(office: Office) -> Channel:
    """A channel in which an answer from the salaries stands; ann may not read it, and is not in it."""
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    assert "82 to 96" in _seen(office, "bob", channel)
    return channel


def _seen(office: Office, name: str, channel: Channel) -> str:
    return "\n".join(text_of(one) for one in office.slack.what_sees(office.users[name], channel))


def _minute(office: Office) -> int:
    """What the task does each minute, and the jobs that come of it."""
    changed = watching.watch_channels()
    office.work()
    recheck_all()
    return changed


def _asked_for(office: Office) -> int:
    return sum(call.method == "conversations.info" for call in office.slack.calls)


def test_a_channel_that_is_made_public_is_noticed_although_slack_does_not_say_so(
    office: Office, pay: Channel
) -> None:
    office.only(lambda: office.slack.convert(pay, by=office.users["bob"], private=False))
    assert not Job.objects.filter(kind="recheck").exists()
    assert "82 to 96" in _seen(office, "ann", pay)
    assert _minute(office) == 1
    assert "82" not in _seen(office, "ann", pay)
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert _minute(office) == 0


def test_a_channel_that_stays_as_it_is_costs_one_call_and_no_judging(office: Office, pay: Channel) -> None:
    before = _asked_for(office)
    for _ in range(3):
        assert _minute(office) == 0
    assert _asked_for(office) == before + 3
    assert not Job.objects.filter(kind="recheck").exists()


def test_what_may_stay_in_a_changed_channel_stays_and_is_judged_once(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    office.only(lambda: office.slack.archive(channel))
    Job.objects.filter(kind="recheck").delete()  # as if the event had been lost
    assert [_minute(office) for _ in range(3)] == [1, 0, 0]
    assert "three days a week" in _seen(office, "bob", channel)


def test_in_each_turn_the_channels_that_waited_longest_are_asked_about(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "A_TURN", 2)
    channels = [office.channel(f"pay{number}", "bob") for number in range(3)]
    for channel in channels:
        office.mentioned("bob", channel, SALARY)
    for channel in channels:
        office.only(partial(office.slack.convert, channel, by=office.users["bob"], private=False))
    assert [_minute(office), _minute(office)] == [2, 1]
    assert set(Post.objects.values_list("state", flat=True)) == {PostState.WITHDRAWN}


@pytest.mark.parametrize("what", ["share", "archive", "unshare"])
def test_slack_tells_of_what_it_tells_and_it_is_judged_at_once(
    office: Office, pay: Channel, what: str
) -> None:
    other = office.slack.workspace("Other")
    acts: dict[str, Callable[[], object]] = {
        "share": lambda: office.slack.share(pay, other),
        "archive": lambda: office.slack.archive(pay),
        "unshare": lambda: office.slack.unshare(pay, other),
    }
    if what == "unshare":
        pay.connected.append(other.id)
    office.only(acts[what])
    assert Job.objects.filter(kind="recheck").count() == 1
    office.work()
    assert ("82" in _seen(office, "bob", pay)) is (what != "share")


@pytest.mark.parametrize("private", [False, True])
def test_answers_go_from_a_channel_that_we_are_taken_out_of(office: Office, private: bool) -> None:
    """We would not hear who joins it. Of a private one Slack lets us change nothing any more."""
    channel = office.channel("pay", "bob", private=True)
    office.mentioned("bob", channel, SALARY)
    if not private:
        for name in ("ann", "cho", "sam"):  # nobody else could read a public one
            office.slack.change_user(office.users[name], deleted=True)
        office.only(lambda: office.slack.convert(channel, by=office.users["bob"], private=False))
        office.work_again()
    office.only(lambda: office.slack.leave(office.bot, channel))
    assert Job.objects.filter(kind="recheck", state="pending").exists()
    office.work_again()
    if private:
        assert Post.objects.get().state == PostState.FINAL  # it stands there still, and is tried again
        office.slack.excuse("channel_not_found")
        office.do(lambda: office.slack.join(office.bot, channel))
        office.do(lambda: office.slack.join(office.users["ann"], channel))
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "82" not in _seen(office, "bob", channel)


def test_everybody_who_comes_later_may_read_an_archived_public_channel(office: Office) -> None:
    """Nobody joins it any more, but it is read on by whoever is in the workspace."""
    for name in ("ann", "cho", "sam"):
        office.slack.change_user(office.users[name], deleted=True)
    channel = office.channel("pay", "bob", private=False)
    office.mentioned("bob", channel, SALARY)
    assert "82 to 96" in _seen(office, "bob", channel)
    office.do(lambda: office.slack.archive(channel))
    assert Post.objects.get().state == PostState.FINAL
    office.only(lambda: office.slack.change_user(office.users["ann"], deleted=False))
    office.work_again()
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_a_channel_about_which_slack_says_nothing_holds_up_no_other(office: Office) -> None:
    heard, silent = office.channel("pay", "bob"), office.channel("money", "bob")
    for channel, year in ((heard, 2001), (silent, 2000)):
        office.mentioned("bob", channel, SALARY)
        Post.objects.filter(channel_id=channel.id).update(judged_at=datetime(year, 1, 1, tzinfo=UTC))
    office.only(lambda: office.slack.join(office.users["ann"], heard))
    Job.objects.filter(kind="recheck").delete()
    office.slack.fail("conversations.info", Trouble.SERVER_ERROR, times=1)
    recheck_all()
    assert "82" not in _seen(office, "ann", heard)
    assert Post.objects.get(channel_id=silent.id).judged_at.year == 2000  # waits for its next turn
    recheck_all()
    assert Post.objects.get(channel_id=silent.id).judged_at.year > 2001


def test_a_workspace_whose_secrets_nobody_can_open_holds_up_no_other(office: Office, pay: Channel) -> None:
    row = Workspace.objects.create(
        handle="other", team_id="T0OTHER", bot_user_id="U0", name="Other", address=""
    )
    Workspace.objects.filter(pk=row.pk).update(sealed_secrets=b"of another key")
    office.only(lambda: office.slack.convert(pay, by=office.users["bob"], private=False))
    assert _minute(office) == 1
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_answers_go_when_slack_no_longer_knows_who_asked(office: Office, pay: Channel) -> None:
    office.slack.fail("users.info", Trouble.ERROR, error="user_not_found", times=1)
    Post.objects.update(judged_at="2000-01-01T00:00:00Z")
    recheck_all()
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_who_joined_unheard_is_noticed_by_how_many_are_in_the_channel(office: Office, pay: Channel) -> None:
    pay.members.append(office.users["ann"].id)  # Slack told it while our server was away for long
    assert "82 to 96" in _seen(office, "ann", pay)
    assert _minute(office) == 1
    assert "82" not in _seen(office, "ann", pay)


@pytest.mark.parametrize("way", ["opened", "connected"])
def test_who_joined_while_a_workspace_was_closed_reads_nothing_once_it_is_open(
    office: Office, pay: Channel, way: str
) -> None:
    root = User.objects.create_user("root@example.com", "x", role=Role.ADMINISTRATOR)
    office.change(is_open=False) if way == "opened" else office.change(failure="token_revoked")
    pay.members.append(office.users["ann"].id)
    _minute(office)
    assert "82 to 96" in _seen(office, "ann", pay)
    if way == "opened":
        connecting.set_open(workspace_id=office.row.pk, is_open=True, actor=root)
    else:
        secrets = Credentials(office.installed.token, office.app.signing_secret)
        form = connecting.ConnectForm("https://ask.example.com", "http", secrets)
        connecting.connect_anew(workspace_id=office.row.pk, form=form, actor=root)
    office.work()
    assert "82" not in _seen(office, "ann", pay)


# Who the readers are here


def test_an_answer_goes_when_one_of_its_readers_is_erased(office: Office) -> None:
    channel = office.channel("plans", "bob", "cho")
    office.mentioned("bob", channel, REMOTE)
    assert "three days a week" in _seen(office, "cho", channel)
    cho = User.objects.get(email="cho@example.com")
    erase(user_id=cho.pk, actor="root@example.com")
    _minute(office)
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "three days a week" not in _seen(office, "cho", channel)


def test_an_answer_goes_when_the_address_of_a_reader_becomes_another_accounts(office: Office) -> None:
    channel = office.channel("plans", "bob", "cho")
    office.mentioned("bob", channel, WIFI)
    assert "ondam-guest" in _seen(office, "cho", channel)
    cho = User.objects.get(email="cho@example.com")
    for act in (people.close_account, people.release_closed_account, people.reopen_account):
        act(user_id=cho.pk, actor="root@example.com")
    # The account is open, and may read it all; but whom Slack knows by the address is another one's now.
    add_user(email="cho@example.com")
    _minute(office)
    assert Post.objects.get().state == PostState.WITHDRAWN
    assert "ondam-guest" not in _seen(office, "cho", channel)


def test_who_joined_later_and_loses_the_right_is_judged_too(office: Office, small_world: SmallWorld) -> None:
    channel = office.channel("plans", "bob")
    office.mentioned("bob", channel, REMOTE)
    office.do(lambda: office.slack.join(office.users["ann"], channel))
    assert "three days a week" in _seen(office, "ann", channel)
    small_world.groups["staff"]["members"] = ["group:hr", "group:executives"]
    small_world.sync()
    recheck_all()
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_nothing_is_asked_of_slack_when_other_people_change(office: Office, pay: Channel) -> None:
    add_user(email="new@example.com")
    before = len(office.slack.calls)
    recheck_all()
    assert len(office.slack.calls) == before
    assert Post.objects.get().state == PostState.FINAL


def test_what_stands_there_keeps_no_list_of_who_could_read_what_was_taken_back(
    office: Office, pay: Channel
) -> None:
    office.change(policy=Policy.OFF)
    Post.objects.update(judged_at="2000-01-01T00:00:00Z", judged_beside=[1, 2])
    recheck_all()
    post = Post.objects.get()
    assert (post.state, post.judged_beside, post.judged_people) == (PostState.WITHDRAWN, [], "")


def test_the_manifest_asks_for_no_messages_of_channels() -> None:
    assert {"message.channels", "message.groups"}.isdisjoint(manifest.EVENTS)

"""Who can read along: everybody is known, or the asker alone is answered."""

from __future__ import annotations

import threading

import pytest
from django.conf import LazySettings
from django.utils.translation import override

from assistant.accounts import people as accounts
from assistant.accounts.models import User
from assistant.accounts.services import add_user
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.common.errors import NotFound, UsageError
from assistant.slackbot import audience as audiences
from assistant.slackbot import directory, services, slack_api
from assistant.slackbot.audience import Audience, Why, audience_of, why_not
from assistant.slackbot.audience_words import SENTENCES
from assistant.slackbot.directory import Incomplete, everybody, members_now
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.joining import leave
from assistant.slackbot.models import Channel, JoinedPerson, Policy, Workspace
from assistant.slackbot.profiles import Standing, Unreadable, profile_of
from assistant.slackbot.selectors import channels_seen
from assistant.slackbot.services import ChannelForm
from tests.slackbot.hall import Hall, connected
from tests.slackbot.simulator import records
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall(slack: Simulator, settings: LazySettings, people: dict[str, User]) -> Hall:
    """A workspace with Ann and Bob, whose channels are answered for all."""
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    hall = connected(slack)
    hall.user("ann")
    hall.user("bob")
    return hall


@pytest.fixture
def room(hall: Hall) -> records.Channel:
    """A private channel with both, and our bot."""
    return hall.slack.channel(hall.team, "room", [hall.installed.bot, *hall.users.values()], private=True)


def heard(hall: Hall, channel: records.Channel, *, fresh: bool = False) -> Audience:
    """Who reads along when Ann asks."""
    return audience_of(hall.row, channel.id, hall.asker(hall.users["ann"]), fresh=fresh)


def names(found: Audience) -> set[str]:
    """The accounts beside Ann."""
    assert found.beside is not None, found.why
    assert list(found.beside) == sorted(found.beside)
    return {one.email.partition("@")[0] for one in User.objects.filter(pk__in=found.beside)}


def test_a_private_channel_is_read_by_its_members(hall: Hall, room: records.Channel) -> None:
    hall.user("cho")
    found = heard(hall, room)
    assert (names(found), found.policy, found.why) == ({"bob"}, Policy.MEMBERS, Why.ALL_JOINED)


def test_a_public_channel_is_read_by_every_full_member_in_it_or_not(hall: Hall) -> None:
    hall.user("cho")
    hall.user("guest", is_restricted=True)
    hall.user("gone", deleted=True)
    hall.user("app", is_bot=True)
    lobby = hall.slack.channel(hall.team, "lobby", [hall.installed.bot, hall.users["ann"]])
    assert names(heard(hall, lobby)) == {"bob", "cho"}
    hall.user("stranger")
    assert heard(hall, lobby, fresh=True).why == Why.NOT_JOINED


def test_one_member_without_an_open_account_makes_it_private(
    hall: Hall, room: records.Channel, people: dict[str, User]
) -> None:
    hall.slack.join(new := hall.user("new"), room)
    assert heard(hall, room) == Audience(Policy.MEMBERS, None, Why.NOT_JOINED)
    hall.slack.leave(new, room)
    accounts.close_account(user_id=people["bob"].pk, actor="ada@example.com")
    assert heard(hall, room).why == Why.NOT_JOINED
    accounts.reopen_account(user_id=people["bob"].pk, actor="ada@example.com")
    assert names(heard(hall, room)) == {"bob"}
    hall.asker(hall.users["bob"])
    leave(joined_id=JoinedPerson.objects.get(user=people["bob"]).pk, actor=people["bob"])
    assert heard(hall, room).why == Why.NOT_JOINED


def test_who_else_is_in_the_channel(hall: Hall, room: records.Channel) -> None:
    hall.asker(hall.users["ann"])
    for said, why in (
        ({"is_restricted": True}, Why.GUESTS),
        ({"is_ultra_restricted": True}, Why.GUESTS),
        ({"is_bot": True}, Why.APPS),
        ({"email": "ann@example.com"}, Why.NOT_JOINED),  # a second one of the same address
        ({"deleted": True}, Why.ALL_JOINED),  # reads nothing any more
    ):
        room.members.append(hall.user("cho", **said).id)
        assert heard(hall, room).why == why, said
        room.members.pop()


def test_other_apps_read_along_only_where_an_administrator_accepts_them(
    hall: Hall, room: records.Channel, people: dict[str, User]
) -> None:
    room.members.append(hall.user("tracker", is_bot=True).id)
    assert heard(hall, room).why == Why.APPS
    form = ChannelForm(room.id, accepts_apps=True)
    services.set_channel_policy(workspace_id=hall.row.pk, form=form, actor=people["ada"])
    assert names(heard(hall, room)) == {"bob"}


def test_somebody_of_another_organisation_in_the_channel_makes_it_private(hall: Hall) -> None:
    other = hall.slack.workspace("Other")
    partner = hall.slack.user(other, "cho")
    for private in (True, False):
        odd = hall.slack.channel(
            hall.team, f"odd{private}", [hall.installed.bot, hall.users["ann"], partner], private=private
        )
        assert heard(hall, odd).why == Why.STRANGERS


def test_shared_channels_and_group_messages_are_private(hall: Hall) -> None:
    other, both = hall.slack.workspace("Other"), [hall.installed.bot, *hall.users.values()]
    shared = hall.slack.channel(hall.team, "shared", both, shared_with=[other])
    pending = hall.slack.channel(hall.team, "pending", both, is_pending_ext_shared=True)
    whole = hall.slack.channel(hall.team, "whole", both, shared_with=[other], is_org_shared=True)
    assert {heard(hall, one).why for one in (shared, pending, whole)} == {Why.SHARED}
    assert heard(hall, hall.slack.group_message(both)).why == Why.GROUP_MESSAGE


def test_a_direct_message_is_read_by_its_person_alone_whatever_the_policy(hall: Hall) -> None:
    direct = hall.slack.direct(hall.installed.bot, hall.users["ann"])
    other = hall.slack.direct(hall.installed.bot, hall.users["bob"])
    for policy in Policy:
        hall.change(policy=policy)
        assert heard(hall, direct) == Audience(Policy.PRIVATE, (), Why.DIRECT)
        assert heard(hall, other).beside is None


def test_the_channel_s_policy_counts_before_the_workspace_s(
    hall: Hall, room: records.Channel, people: dict[str, User]
) -> None:
    def decide(policy: str) -> Audience:
        services.set_channel_policy(
            workspace_id=hall.row.pk, form=ChannelForm(room.id, policy), actor=people["ada"]
        )
        return heard(hall, room)

    assert decide("private") == Audience(Policy.PRIVATE, None, Why.POLICY)
    assert decide("off") == Audience(Policy.OFF, None, Why.OFF)
    services.set_workspace_policy(workspace_id=hall.row.pk, policy="off", actor=people["ada"])
    assert decide("members").why == Why.ALL_JOINED
    assert decide("") == Audience(Policy.OFF, None, Why.OFF)
    events = AuditEvent.objects.filter(event=Event.SLACK_POLICY_CHANGED).order_by("pk")
    assert [(one.data.get("channel", ""), one.data["before"], one.data["policy"]) for one in events] == [
        (room.id, "", "private"),
        (room.id, "private", "off"),
        ("", "members", "off"),
        (room.id, "off", "members"),
        (room.id, "members", ""),
    ]


def test_only_who_says_whom_to_believe_decides_about_channels(
    hall: Hall, room: records.Channel, people: dict[str, User]
) -> None:
    editor = add_user(email="con@example.com", role="content_administrator")
    form = ChannelForm(room.id, "members", accepts_apps=True)
    for actor in (people["ann"], editor):
        with pytest.raises(UsageError, match="security administrators"):
            services.set_channel_policy(workspace_id=hall.row.pk, form=form, actor=actor)
        with pytest.raises(UsageError):
            services.set_workspace_policy(workspace_id=hall.row.pk, policy="members", actor=actor)
    with pytest.raises(UsageError, match="no policy"):
        services.set_workspace_policy(workspace_id=hall.row.pk, policy="everybody", actor=people["ada"])
    with pytest.raises(UsageError, match="no id of a channel"):
        services.set_channel_policy(
            workspace_id=hall.row.pk, form=ChannelForm("#general"), actor=people["ada"]
        )
    with pytest.raises(NotFound):
        services.set_workspace_policy(workspace_id=987_654, policy="off", actor=people["ada"])
    assert not Channel.objects.exists()


def test_an_archived_channel_gets_nothing(hall: Hall, room: records.Channel) -> None:
    hall.slack.archive(room)
    for policy in (Policy.MEMBERS, Policy.PRIVATE):
        hall.change(policy=policy)
        assert heard(hall, room) == Audience(Policy.OFF, None, Why.ARCHIVED)


def test_a_closed_workspace_answers_nothing(hall: Hall, room: records.Channel) -> None:
    asker = hall.asker(hall.users["ann"])
    hall.change(is_open=False)
    assert audience_of(hall.row, room.id, asker) == Audience(Policy.OFF, None, Why.OFF)


def test_who_is_not_in_a_private_channel_gets_no_answer_for_all(hall: Hall, room: records.Channel) -> None:
    hall.slack.leave(hall.users["ann"], room)
    assert heard(hall, room).why == Why.NOT_A_MEMBER


def test_where_slack_does_not_answer_the_asker_alone_is(hall: Hall, room: records.Channel) -> None:
    asker = hall.asker(hall.users["ann"])
    for method in ("conversations.info", "conversations.members", "users.info"):
        for trouble in (Trouble.SERVER_ERROR, Trouble.RESET, Trouble.ERROR):
            hall.slack.fail(method, trouble, error="channel_not_found")
            is_hidden = (method, trouble) == ("conversations.info", Trouble.ERROR)
            why = Why.OUT_OF_REACH if is_hidden else Why.NO_ANSWER
            assert audience_of(hall.row, room.id, asker) == Audience(Policy.MEMBERS, None, why)
            assert audience_of(hall.row, room.id, asker).why == Why.ALL_JOINED


def test_a_channel_that_the_bot_does_not_see_is_private(hall: Hall) -> None:
    hidden = hall.slack.channel(hall.team, "hidden", [hall.users["ann"]], private=True)
    assert heard(hall, hidden).why == Why.OUT_OF_REACH
    hall.slack.excuse("channel_not_found")


def test_all_pages_count(hall: Hall, room: records.Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_PAGE", 2)
    monkeypatch.setattr(directory, "ONE_BY_ONE", 1)
    for number in range(4):
        add_user(email=f"more{number}@example.com")
        room.members.append(hall.user(f"more{number}").id)
    assert len(heard(hall, room).beside or ()) == 5
    room.members.append(hall.user("last").id)
    assert heard(hall, room, fresh=True).why == Why.NOT_JOINED


def test_too_many_readers_are_private(
    hall: Hall, room: records.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lobby = hall.slack.channel(hall.team, "lobby", [hall.installed.bot, *hall.users.values()])
    monkeypatch.setattr(audiences, "MOST_BESIDE", 1)
    assert names(heard(hall, room)) == names(heard(hall, lobby)) == {"bob"}
    hall.slack.join(hall.user("cho"), room)
    directory.forget()
    assert heard(hall, room).why == heard(hall, lobby).why == Why.TOO_MANY
    asked = len(hall.slack.calls)
    assert heard(hall, lobby, fresh=True).why == Why.TOO_MANY
    assert "users.list" not in [one.method for one in hall.slack.calls[asked:]]


def test_the_list_of_people_is_shared_for_half_a_minute_unless_it_is_to_be_fresh(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    lobby = hall.slack.channel(hall.team, "lobby", [hall.installed.bot, *hall.users.values()])

    def lists() -> int:
        return sum(one.method == "users.list" for one in hall.slack.calls)

    assert names(heard(hall, lobby)) == names(heard(hall, lobby)) == {"bob"}
    assert lists() == 1
    hall.slack.change_user(hall.users["bob"], is_restricted=True)
    assert heard(hall, lobby, fresh=True).why == Why.GUESTS
    assert (lists(), heard(hall, lobby).why) == (2, Why.GUESTS)
    hall.slack.change_user(hall.users["bob"], is_restricted=False)
    directory.forget(hall.row.pk)  # as an event does
    assert (names(heard(hall, lobby)), lists()) == ({"bob"}, 3)
    monkeypatch.setattr(directory, "KEPT_S", 0.0)
    heard(hall, lobby)
    assert lists() == 4


def test_what_was_made_for_some_may_be_shown_to_fewer(hall: Hall) -> None:
    def made(*beside: int) -> Audience:
        return Audience(Policy.MEMBERS, beside, Why.ALL_JOINED)

    assert made(2, 3).covers(made(3))
    assert made(2, 3).covers(made(2, 3))
    assert not made(2, 3).covers(made(2, 4))
    assert not made(2).covers(Audience(Policy.MEMBERS, None, Why.GUESTS))
    assert not Audience(Policy.MEMBERS, None, Why.GUESTS).covers(made())


GOOD: dict[str, object] = {
    "id": "C1", "is_channel": True, "is_private": False, "is_archived": False, "is_ext_shared": False,
    "is_org_shared": False, "is_shared": False,
}  # fmt: skip


WORKSPACE = Workspace(team_id="T1")


@pytest.mark.parametrize(
    "change",
    [
        {"is_channel": None},
        {"is_private": None},
        {"is_private": "no"},
        {"is_archived": None},
        {"is_ext_shared": None},
        {"is_org_shared": None},
        {"is_ext_shared": "false"},
        {"is_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_connected_team_ids": ["T9"]},
        {"connected_team_ids": ["T9"]},
        {"shared_team_ids": ["T9"]},
        {"shared_team_ids": "T9"},
        {"internal_team_ids": ["T9"]},
        {"context_team_id": "T9"},
        {"is_im": True},
        {"is_mpim": True},
        {"is_global_shared": True},
    ],
)
def test_a_channel_that_is_not_understood_is_private(change: dict[str, object]) -> None:
    assert why_not(WORKSPACE, GOOD) is None
    assert why_not(WORKSPACE, GOOD | change) is not None


FULL: dict[str, object] = {"id": "U9", "team_id": "T1", "is_restricted": False, "is_ultra_restricted": False}


def test_a_user_who_is_not_understood_is_no_full_member() -> None:
    assert profile_of(WORKSPACE, FULL).standing is Standing.FULL
    for change, standing in (
        ({"is_restricted": None}, Standing.GUEST),
        ({"is_ultra_restricted": "no"}, Standing.GUEST),
        ({"team_id": None}, Standing.STRANGER),
        ({"team_id": "T9", "enterprise_user": {"enterprise_id": ""}}, Standing.STRANGER),
        ({"is_stranger": "yes"}, Standing.STRANGER),
        ({"is_bot": "no"}, Standing.FULL),  # who may be an app is counted as somebody who reads
        ({"deleted": "yes"}, Standing.FULL),
        ({"id": "USLACKBOT"}, Standing.BOT),
    ):
        assert profile_of(WORKSPACE, FULL | change).standing is standing, change
    grid = Workspace(team_id="T1", enterprise_id="E1")
    colleague = FULL | {"team_id": "T9", "enterprise_user": {"enterprise_id": "E1"}}
    assert profile_of(grid, colleague).standing is Standing.FULL
    for nobody in (None, "U9", {}, {"id": 9}, {"id": ""}, {"id": "U" * 99}):
        with pytest.raises(Unreadable):
            profile_of(WORKSPACE, nobody)


class _Answering:
    """A client whose lists are what a test says; the simulator never gives such."""

    def __init__(self, *answers: object) -> None:
        self._answers = iter(answers)

    def conversations_members(self, **_: object) -> _Answering:
        self.data = next(self._answers)
        return self


@pytest.mark.parametrize(
    "answers",
    [
        [None],
        [{"members": ["U1"]}],
        [{"ok": True}],
        [{"ok": True, "members": "U1"}],
        [{"ok": True, "members": [None]}],
        [{"ok": True, "members": ["U1"], "response_metadata": ["x"]}],
        [{"ok": True, "members": ["U1"], "response_metadata": {"next_cursor": 7}}],
        [{"ok": True, "members": ["U1"], "response_metadata": {"next_cursor": "a"}}] * 2,
        [
            {"ok": True, "members": ["U1"], "response_metadata": {"next_cursor": str(number)}}
            for number in range(99)
        ],
        [{"ok": True, "members": ["U1"], "response_metadata": {"next_cursor": "a"}}, {"ok": False}],
    ],
)
def test_half_a_list_is_none(answers: list[object]) -> None:
    with pytest.raises(Incomplete):
        members_now(_Answering(*answers), "C1")  # type: ignore[arg-type]  # all that is asked of it


def test_a_list_ends_where_slack_names_no_next_page() -> None:
    first = {"ok": True, "members": ["U1"], "response_metadata": {"next_cursor": "a"}}
    for last in ({}, {"response_metadata": {"next_cursor": ""}}, {"response_metadata": None}):
        client = _Answering(first, {"ok": True, "members": ["U2", "U1"], **last})
        assert members_now(client, "C1") == ("U1", "U2")  # type: ignore[arg-type]  # as above


def test_administrators_see_the_bot_s_channels_and_their_names_by_right(
    hall: Hall, room: records.Channel, people: dict[str, User]
) -> None:
    hall.slack.channel(hall.team, "lobby", [hall.installed.bot])
    hall.slack.channel(hall.team, "elsewhere", [hall.users["ann"]])
    services.set_channel_policy(
        workspace_id=hall.row.pk, form=ChannelForm(room.id, "private"), actor=people["ada"]
    )
    seen = channels_seen(hall.row, user=people["ada"])
    assert [(one.name, one.own_policy, one.policy) for one in seen] == [
        ("lobby", "", Policy.MEMBERS),
        ("room", "private", Policy.PRIVATE),
    ]
    editor = add_user(email="con@example.com", role="content_administrator")
    assert [one.name for one in channels_seen(hall.row, user=editor)] == ["lobby", ""]


def test_a_reading_that_failed_is_not_kept(hall: Hall) -> None:
    hall.slack.fail("users.list", Trouble.ERROR, error="missing_scope")
    with pytest.raises(SlackRefused):
        everybody(hall.row)
    assert everybody(hall.row).is_whole


def test_calls_at_the_same_moment_wait_for_one_reading(hall: Hall) -> None:
    client = slack_api.client_of(hall.row)
    start = threading.Barrier(6)

    def read() -> None:
        start.wait()
        everybody(hall.row, client=client)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.method == "users.list" for one in hall.slack.calls) == 1


def test_every_reason_is_told_in_korean_and_english() -> None:
    assert set(SENTENCES) == set(Why)
    with override("en"):
        english = [str(one) for one in SENTENCES.values()]
    with override("ko"):
        assert all(ord("가") <= ord(str(one)[0]) <= ord("힣") for one in SENTENCES.values())
    assert len(set(english)) == len(Why)

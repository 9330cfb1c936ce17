"""Who sees what, what is told when a channel or its people change, and what a message would notify."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.common.types import Json
from tests.slackbot.simulator.deliveries import Timing
from tests.slackbot.simulator.marks import marks_in
from tests.slackbot.simulator.records import Acknowledgement, SignedRequest
from tests.slackbot.simulator.simulator import Simulator


def yes(request: SignedRequest) -> Acknowledgement:
    return Acknowledgement(200, {}, b"")


def test_a_channel_is_read_by_those_whom_slack_lets_read_it(slack: Simulator) -> None:
    acme, other = slack.workspace(), slack.workspace("Other")
    ann, bob, gus = (slack.user(acme, each) for each in ("ann", "bob", "gus"))
    slack.change_user(gus, is_restricted=True)
    sam, zoe = slack.user(other, "sam"), slack.user(other, "zoe")
    shared = slack.channel(acme, "shared", [ann, sam], shared_with=[other])
    grid = slack.channel(acme, "grid", [ann], shared_with=[other], is_org_shared=True)
    private = slack.channel(acme, "private", [ann], private=True)
    for channel in (shared, grid, private):
        slack.say(ann, channel, "hello")
    seeing = {
        channel.name: {each.name for each in (ann, bob, gus, sam, zoe) if slack.what_sees(each, channel)}
        for channel in (shared, grid, private)
    }
    assert seeing == {
        "shared": {"ann", "bob", "sam"},
        "grid": {"ann", "bob", "sam", "zoe"},
        "private": {"ann"},
    }
    slack.change_user(ann, deleted=True)
    assert slack.what_sees(ann, private) == []


def test_changes_of_a_channel_and_of_its_people_are_told(slack: Simulator) -> None:
    events = ("channel_shared", "channel_unshared", "channel_archive", "channel_unarchive", "group_unarchive")
    acme, other = slack.workspace(), slack.workspace("Other")
    app = slack.app(request_url=yes, events=(*events, "team_join", "message.channels", "message.groups"))
    installed = slack.install(app, acme)
    ann = slack.user(acme, "ann")
    channel = slack.channel(acme, "general", [ann, installed.bot])
    slack.share(channel, other)
    assert (channel.is_ext_shared, channel.connected) == (True, [other.id])
    slack.unshare(channel, other)
    assert (channel.is_ext_shared, channel.connected) == (False, [])
    slack.archive(channel)
    slack.unarchive(channel)
    slack.convert(channel, by=ann, private=True)
    slack.archive(channel)
    slack.unarchive(channel)
    newcomer = slack.newcomer(acme, "new")
    slack.settle()
    told = [each.name for each in slack.events_sent()]
    assert sorted(told) == sorted([*events[:4], "message", "group_unarchive", "team_join"])
    (converted,) = slack.events_sent("message")
    assert "'subtype': 'channel_convert_to_private'" in str(converted.payload["event"])
    assert slack.what_sees(newcomer, channel) == []


def test_mentions_and_links_are_found_where_slack_finds_them() -> None:
    section: Json = {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "<!here> <#C1|x> https://a.example/1"},
    }
    quiet: Json = {
        "type": "section",
        "text": {"type": "plain_text", "text": "<!channel> <@U9> https://b.example"},
    }
    elements: Json = [
        {"type": "text", "text": "<@U8> https://c.example"},
        {"type": "user", "user_id": "U2"},
        {"type": "broadcast", "range": "channel"},
        {"type": "link", "url": "https://d.example"},
    ]
    rich: Json = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
    found = marks_in("<@U1> &lt;@U7&gt; <https://e.example|here>", [section, quiet, rich])
    assert found.mentions == {"@U1", "!here", "#C1", "@U2", "!channel"}
    assert found.links == {"https://e.example", "https://a.example/1", "https://d.example"}


@given(st.text(alphabet="<>&;@!#|Uhtps:/ .lgtam", max_size=60))
def test_escaped_text_mentions_nobody(written: str) -> None:
    escaped = written.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert marks_in(escaped).mentions == frozenset()


def test_a_tolerated_fault_is_no_fault(slack: Simulator) -> None:
    slack.tolerate("not_in_channel")
    slack.state.fault("chat.postMessage", "not_in_channel")
    slack.state.fault("chat.postMessage", "no_text")
    slack.excuse("no_text")
    assert slack.faults == []


def test_how_long_one_slack_waits_is_its_own() -> None:
    given = Timing()
    with Simulator(given) as one, Simulator(given) as other:
        one.timing.acknowledge_within = 0.1
        assert other.timing.acknowledge_within == given.acknowledge_within == 3.0

"""The connector of MediaWiki against a real one: the suite, and what is peculiar to it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from assistant.common.acl import account, group, user
from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.told import Told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    Account,
    CaughtUp,
    Checkpoint,
    Complete,
    Event,
    FeedGap,
    GroupMembers,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sources.mediawiki.audiences import audiences_of
from connectors.sources.mediawiki.trial import try_out
from connectors.sources.mediawiki.wikitext import as_markdown
from tests.connectors.conformance import (
    ANA,
    BOB,
    World,
    check_listing,
    lets_in,
    listed,
    sees,
    text_of,
    upserts,
)
from tests.connectors.hostile import CONTENT, GONE, MOVED, NEW, ChangeFeedConformance
from tests.connectors.network_checks import NetworkWorld
from tests.connectors.servers.babbling import garbage
from tests.connectors.servers.mediawiki import PASSWORD, MediaWiki, mediawiki_server
from tests.connectors.servers.programs import free_port
from tests.connectors.sources.mediawiki_world import KIND, LOOPBACK, MediaWikiWorld, connector_of, settings_of

MANY = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    """One wiki for the module."""
    with mediawiki_server(tmp_path_factory.mktemp("mediawiki")) as wiki:
        yield wiki


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again asks at once."""
    monkeypatch.setattr("assistant.common.guarded_http._pause", lambda attempt: 0.01)


@pytest.fixture
def wiki(server: MediaWiki) -> MediaWiki:
    """The wiki as installed: its main page is page 1."""
    server.reset()
    return server


class TestMediaWiki(ChangeFeedConformance):
    """Where the suite asks for what a wiki does not have, its own equivalent stands below.

    Who may read what stands in the settings, and a cursor does not outlive them: no permission changes
    by the feed.
    """

    make_world = MediaWikiWorld
    feed_sees = frozenset({CONTENT, NEW, GONE, MOVED})
    many = 4
    shifts = 2  # each change starts PHP, and each run asks a dozen questions

    @pytest.fixture(autouse=True)
    def _wiki(self, server: MediaWiki, monkeypatch: pytest.MonkeyPatch) -> None:
        MediaWikiWorld.wiki = server
        monkeypatch.setattr("connectors.sources.mediawiki.connector._LISTED", 3)

    def test_a_feed_without_changes_reports_nothing(self, world: NetworkWorld) -> None:
        """The feed overlaps with what was listed by some minutes, so what is older counts."""
        MediaWikiWorld.wiki.later("age", seconds=3_600)
        super().test_a_feed_without_changes_reports_nothing(world)

    def test_a_run_from_a_cursor_cut_after_any_item_goes_on_without_loss(self, world: NetworkWorld) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("connectors.sources.mediawiki.connector._AT_ONCE", 3)
            super().test_a_run_from_a_cursor_cut_after_any_item_goes_on_without_loss(world)

    def test_two_listings_of_the_same_source_are_equal(self, world: World) -> None:
        """But for the moment at which each began."""
        first, second = (list(map(_known, listed(world.connector()))) for _ in range(2))
        assert first == second

    def test_only_the_allowed_see_and_a_deny_beats_their_group(self, world: World) -> None:
        """An audience has no denies."""
        name = world.put("b.txt", "second")
        events = listed(world.connector())
        assert sees(events, name, user(ANA))
        assert sees(events, name, user("carol@example.com"), group("staff"))
        assert not sees(events, name, user("stranger@example.com"), group("user"))

    def test_broken_permissions_hide_the_document_and_not_its_neighbour(self, world: World) -> None:
        """A line of an audience that is not understood is refused before anything is read."""
        world.break_acl("a.txt")
        with pytest.raises(UsageError, match="everybody at all"):
            world.connector()

    def test_groups_come_with_their_members(self, world: World) -> None:
        """Groups of a wiki hold accounts only, and the wiki tells nobody's address."""
        world.set_group("board", [f"user:{ANA}"])
        events = list(world.connector().principals())
        names = {event.id: event.id.partition(":")[2] for event in events if isinstance(event, Account)}
        found = {
            event.group: {names[member.id] for member in event.members}
            for event in events
            if isinstance(event, GroupMembers)
        }
        assert found["staff"] == {"Bob", "Carol"}
        assert found["board"] == {"Ana"}
        assert {"Ana", "Bob", "Carol"} < found["user"]
        assert "*" not in found
        assert not any(event.email for event in events if isinstance(event, Account))

    def test_broken_groups_are_never_complete(self, world: World) -> None:
        world.break_groups()
        with pytest.raises(ConnectorError):
            list(world.connector().principals())


SUITES = (TestMediaWiki,)


def _known(event: Event) -> object:
    if isinstance(event, Upsert):
        return event.external_id, event.version, event.title, event.url, event.acl, event.modified
    return type(event)


def cursor_of(events: Iterable[Event]) -> JsonObject:
    """Where a run that ended well lets the next one begin."""
    last = list(events)[-1]
    assert isinstance(last, (Complete, CaughtUp))
    assert last.cursor is not None
    return last.cursor


def changed(wiki: MediaWiki, cursor: JsonObject, *, namespaces: list[str]) -> dict[str, object]:
    """What the feed reports, by id: the title of a page that is there, None for one that is gone."""
    events = list(connector_of(wiki, namespaces=namespaces).documents(cursor=cursor))
    assert isinstance(events[-1], CaughtUp)
    found: dict[str, object] = {}
    for event in events[:-1]:
        if isinstance(event, Checkpoint):
            continue
        assert isinstance(event, (Upsert, Tombstone))
        assert event.external_id not in found
        found[event.external_id] = event.title if isinstance(event, Upsert) else None
    return found


def back(cursor: JsonObject, **by: float) -> JsonObject:
    """The same cursor as if it had been taken at another time."""
    moved = datetime.fromisoformat(str(cursor["time"])) + timedelta(**by)
    return {**cursor, "time": moved.isoformat()}


def test_edits_moves_deletions_and_redirects_come_through_the_feed(wiki: MediaWiki) -> None:
    wiki.namespaces({3000: "HR", 3002: "Hidden"})
    for title in ("Kept", "Edited", "Moved", "Deleted", "Redirected", "Leaving"):
        wiki.later("put", title=title, text="one")
    ids = dict(
        zip(
            ("Kept", "Edited", "Moved", "Deleted", "Redirected", "Leaving"),
            map(str, wiki.flush()),
            strict=True,
        )
    )
    read = ["0", "3000"]
    cursor = cursor_of(listed(connector_of(wiki, namespaces=read)))
    wiki.later("put", title="Edited", text="two")
    wiki.later("put", title="New", text="new")
    wiki.later("move", title="Moved", to="HR:Moved", redirect=True)
    wiki.later("delete", title="Deleted")
    wiki.later("put", title="Redirected", text="#REDIRECT [[Kept]]")
    wiki.later("move", title="Leaving", to="Hidden:Left")
    made = wiki.flush()
    found = changed(wiki, cursor, namespaces=read)
    assert found[ids["Edited"]] == "Edited"
    assert found[str(made[1])] == "New"
    assert found[ids["Moved"]] == "HR:Moved"
    assert found[ids["Deleted"]] is None
    assert found[ids["Redirected"]] is None
    assert found[ids["Leaving"]] is None
    after = upserts(listed(connector_of(wiki, namespaces=read)))
    assert {each for each, title in found.items() if title} <= set(after)
    assert ids["Deleted"] not in after


def test_a_quiet_wiki_reports_nothing_and_moves_its_cursor_on(wiki: MediaWiki) -> None:
    wiki.later("put", title="Old", text="one")
    cursor = cursor_of(listed(connector_of(wiki)))
    later = back(cursor, minutes=-0.01)
    events = list(connector_of(wiki).documents(cursor=later))
    assert all(isinstance(event, (Upsert, Checkpoint, CaughtUp)) for event in events)
    assert str(cursor_of(events)["time"]) >= str(cursor["time"])


def test_a_gap_in_the_feed_asks_for_a_full_listing(wiki: MediaWiki) -> None:
    cursor = cursor_of(listed(connector_of(wiki)))
    wiki.do("put", title="New", text="one")
    for gap in (
        back(cursor, days=-400),
        back(cursor, days=1),
        {**cursor, "wiki": "another"},
        {**cursor, "time": "yesterday"},
        {},
    ):
        with pytest.raises(FeedGap):
            list(connector_of(wiki).documents(cursor=gap))
    wiki.do("forget")
    with pytest.raises(FeedGap):
        list(connector_of(wiki).documents(cursor=cursor))


def test_another_audience_is_not_left_to_the_feed(wiki: MediaWiki) -> None:
    cursor = cursor_of(listed(connector_of(wiki, audience=["everyone"])))
    with pytest.raises(FeedGap):
        list(connector_of(wiki, audience=[f"user:{ANA}"]).documents(cursor=cursor))
    with pytest.raises(FeedGap):
        list(connector_of(wiki, audience=["everyone"], namespaces=["0"]).documents(cursor=cursor))


def test_a_page_that_moves_to_the_front_during_the_listing_is_not_missed(wiki: MediaWiki) -> None:
    for number in range(110):
        wiki.later("put", title=f"Page {number:03}", text="text")
    ids = wiki.flush()
    events = connector_of(wiki).documents()
    first = [next(events) for _ in range(60)]
    wiki.do("move", title="Page 109", to="AAA")
    found = upserts([*first, *events])
    assert found[str(ids[109])].title == "AAA"
    assert len(found) == 111


def test_a_move_keeps_the_document_and_changes_its_title_address_and_readers(wiki: MediaWiki) -> None:
    wiki.namespaces({3000: "HR"})
    lines = ["0 = everyone", "3000 = user:bob@example.com"]
    number = str(wiki.do("put", title="Plan", text="text"))
    before = upserts(listed(connector_of(wiki, namespaces=lines)))[number]
    wiki.do("move", title="Plan", to="HR:Plan")
    after = upserts(check_listing(connector_of(wiki, namespaces=lines)))[number]
    assert lets_in(before.acl, user("sam@example.com"))
    assert not lets_in(after.acl, user("sam@example.com"))
    assert lets_in(after.acl, user(BOB))
    assert (after.title, after.url) == ("HR:Plan", f"{wiki.url}/index.php/HR:Plan")
    assert after.version != before.version


def test_a_resumed_listing_begins_behind_its_checkpoint(wiki: MediaWiki) -> None:
    for number in range(105):
        wiki.later("put", title=f"Page {number:03}", text="text")
    events = listed(connector_of(wiki))
    points = [event for event in events if isinstance(event, Checkpoint)]
    resumed = list(connector_of(wiki).documents(checkpoint=points[-1].state))
    assert isinstance(resumed[0], Upsert)
    assert resumed[0].title == "Page 099"
    assert cursor_of(resumed)["time"] == points[-1].state["time"]
    anew = list(connector_of(wiki).documents(checkpoint={**points[-1].state, "wiki": "another"}))
    assert len(upserts(anew)) == 106


def test_namespaces_that_are_not_named_are_left_out(wiki: MediaWiki) -> None:
    wiki.namespaces({3000: "HR"})
    wiki.later("put", title="HR:Pay", text="text")
    wiki.later("put", title="Talk:Pay", text="talk")
    wiki.later("put", title="User:Ann", text="own")
    titles = {each.title for each in upserts(listed(connector_of(wiki))).values()}
    assert titles == {"Main Page", "HR:Pay"}
    titles = {each.title for each in upserts(listed(connector_of(wiki, namespaces=["2"]))).values()}
    assert titles == {"User:Ann"}
    assert not all(item.ok for item in connector_of(wiki, namespaces=["4242"]).check())
    with pytest.raises(Reconfigure, match="4242"):
        listed(connector_of(wiki, namespaces=["0", "4242"]))


def test_without_an_audience_nobody_reads(wiki: MediaWiki) -> None:
    found = upserts(listed(connector_of(wiki)))["1"]
    assert not lets_in(found.acl, user(ANA), group("user"), group("sysop"))
    found = upserts(listed(connector_of(wiki, audience=["group:user"])))["1"]
    assert lets_in(found.acl, group("user"))


def test_a_blocked_account_is_in_no_group(wiki: MediaWiki) -> None:
    number = wiki.do("user", name="Ann", groups=["staff"])
    here = list(connector_of(wiki).principals())
    assert GroupMembers("staff", (account(f"{number}:Ann"),)) in here
    wiki.do("block", name="Ann")
    gone = list(connector_of(wiki).principals())
    assert not any(isinstance(event, GroupMembers) and event.group == "staff" for event in gone)
    assert Account(f"{number}:Ann") not in gone


@pytest.mark.parametrize(
    "line", ["HR = everyone", "3000 = the boss", "3000 =", "-1", "3000 = everyone,user:x"]
)
def test_a_line_that_is_no_namespace_is_refused(wiki: MediaWiki, line: str) -> None:
    with pytest.raises(UsageError):
        connector_of(wiki, namespaces=[line])
    with pytest.raises(UsageError, match="twice"):
        connector_of(wiki, namespaces=["3000", "3000 = everyone"])


def test_what_other_pages_put_into_a_page_is_not_its_text(wiki: MediaWiki) -> None:
    wiki.later("put", title="Template:Secret", text="the pass phrase is heron")
    wiki.later(
        "put",
        title="Shown",
        text="== Here ==\n{{Secret}} {{:Template:Secret}} {{Person|name=Ann|role=CFO}} end",
    )
    number = str(wiki.flush()[1])
    text = text_of(upserts(listed(connector_of(wiki)))[number].fetch())
    assert "heron" not in text
    assert "## Here" in text
    assert "name: Ann" in text


def test_strange_titles_are_kept_and_linked(wiki: MediaWiki) -> None:
    titles = ["회의록 2026", "A & B? (50%)", "C++/D", "Ünïcode – x", "“Quoted”"]
    for title in titles:
        wiki.later("put", title=title, text="text")
    found = {each.title: each.url for each in upserts(check_listing(connector_of(wiki))).values()}
    assert set(titles) < set(found)
    assert all(url.startswith(f"{wiki.url}/index.php") for url in found.values())


def test_a_page_that_is_gone_or_too_large_is_a_failure_of_that_page(wiki: MediaWiki) -> None:
    wiki.later("put", title="Gone", text="text")
    wiki.later("put", title="Large", text="x" * 20_000)
    gone, large = map(str, wiki.flush())
    found = upserts(listed(connector_of(wiki, replace(LOOPBACK, max_content_bytes=10_000))))
    wiki.do("delete", title="Gone")
    for number, code in ((gone, FailureCode.GONE), (large, FailureCode.TOO_LARGE)):
        with pytest.raises(DocumentFailure) as failure:
            found[number].fetch()
        assert failure.value.code is code


def test_a_wrong_password_is_for_the_administrator(wiki: MediaWiki) -> None:
    connector = connector_of(wiki, user="Nobody")
    with pytest.raises(Reconfigure, match="does not let 'Nobody' in") as error:
        listed(connector)
    assert PASSWORD not in str(error.value)
    assert [(item.step, item.ok) for item in connector.check()] == [("sign-in", False)]


def test_a_bot_password_with_basic_rights_is_enough(wiki: MediaWiki) -> None:
    number = str(wiki.do("put", title="Plan", text="the plan"))
    password = "0123456789abcdefghijklmnopqrstuv"
    settings = settings_of(wiki, user=wiki.bot_password("sync", password))
    connector = KIND.build(settings, {"password": password}, LOOPBACK)
    assert text_of(upserts(listed(connector))[number].fetch()).strip() == "the plan"
    assert all(item.ok for item in connector.check())


def test_namespaces_that_nobody_may_read_are_named_so_that_each_can_be_told_again() -> None:
    items = try_out(
        sign_in=lambda: None,
        some=list,
        namespaces=lambda: {0: "", 2: "User", 4: "Project"},
        audiences=audiences_of(None, ["4 = everyone"]),
        principals=lambda: iter(()),
    )
    [detail] = [item.detail for item in items if item.step == "read permissions"]
    assert detail.endswith("Of 2 namespaces nobody is named: the main one, User.")
    assert isinstance(detail, Told)
    names = detail.values["names"]
    assert isinstance(names, Told)
    assert isinstance(names.values["names"], Told)


def test_a_session_that_ended_is_begun_anew(wiki: MediaWiki) -> None:
    connector = connector_of(wiki)
    assert upserts(listed(connector))
    wiki.configure(session="$wgCookiePrefix = 'other';")  # so the wiki no longer knows its cookies
    assert upserts(listed(connector))


@pytest.mark.usefixtures("impatient")
def test_a_host_that_is_silent_is_tried_later(wiki: MediaWiki) -> None:
    with pytest.raises(Retry):
        listed(connector_of(wiki, url=f"http://127.0.0.1:{free_port()}/api.php"))


def test_a_private_address_is_refused_unless_allowed(wiki: MediaWiki) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(connector_of(wiki, Surroundings(network=Network())))


def test_a_run_that_is_asked_to_stop_stops(wiki: MediaWiki) -> None:
    asked = itertools.count()
    stopping = replace(LOOPBACK, stopped=lambda: next(asked) > 4)
    with pytest.raises(Stopped):
        listed(connector_of(wiki, stopping))


def http(body: bytes, *, length: int | None = None) -> bytes:
    """An answer with this body; `length`: what it says of itself."""
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (size, body)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http(b'{"query": {', length=5_000), Retry),
        (http(b"<html>welcome</html>"), Stop),
        (http(b'{"query": {"tokens": []}}'), Stop),
        (http(b'{"error": {"code": "readapidenied"}}'), Reconfigure),
        (http(b'{"error": {"code": "internal_api_error_DBQueryError"}}'), Retry),
        (http(b'{"error": {"code": "badvalue"}}'), Stop),
        (b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", Reconfigure),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", Retry),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", Reconfigure),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n", Retry),
    ],
    ids=[
        "cut",
        "a web page",
        "no token",
        "no right",
        "it fails",
        "not understood",
        "redirect",
        "broken",
        "refused",
        "busy",
    ],
)
@pytest.mark.usefixtures("impatient")
def test_an_answer_that_is_none_ends_the_run(wiki: MediaWiki, answer: bytes, error: type[Exception]) -> None:
    with garbage([answer]) as port, pytest.raises(error):
        listed(connector_of(wiki, url=f"http://127.0.0.1:{port}/api.php"))


@pytest.mark.parametrize(
    ("written", "markdown"),
    [
        ("= Top =", "# Top"),
        ("=== Deep ===", "### Deep"),
        ("'''bold''' and ''slanted''", "bold and slanted"),
        (
            "[[Page|words]], [[Page]], [https://x.example site], [[File:A.png|thumb|a [[b]] c]]!",
            "words, Page, site, !",
        ),
        ("a<ref>source</ref> b<br>c", "asource b  \nc"),
        ("{{#if: x | y}}{{{1|z}}}before {{T|{{U|inner}}}} after", "before inner after"),
        ("<!-- hidden -->shown<includeonly>elsewhere</includeonly>", "shown"),
        ("<nowiki>'''as {{it}} is'''</nowiki>", "'''as {{it}} is'''"),
        ("<pre>x = '''1'''</pre>", "```\nx = '''1'''\n```"),
        ("* one\n** two\n# three", "- one\n  - two\n1. three"),
        (
            '{| class="wikitable"\n|+ caption\n! Name !! Days\n|-\n| Ann || style="x" | 15\n|}',
            "| Name | Days |\n| --- | --- |\n| Ann | 15 |",
        ),
        ("[[분류:인사]]연차는 15일&nbsp;입니다.", "연차는 15일\xa0입니다."),
        ("= A = b =\n== c ==  \n=== uneven ==\n=no\n==", "# A = b\n\n\n## c\n\n\n## = uneven\n\n=no\n=="),
        ("{{T|[[a|b]]|c=[[d|e]] f|[g|h}}", "b\nc: e f\n[g\nh"),
        ("[//x.example   the page] [mailto:a@x.example\tAnn]", "the page Ann"),
        ("{|\n| one\ntwo\n| three\n|}", "| one two | three |\n| --- | --- |"),
        (f"&#{'9' * 5_000};&#65;", f"&#{'9' * 5_000};A"),
    ],
)
def test_markup_becomes_markdown(written: str, markdown: str) -> None:
    assert as_markdown(written).strip() == markdown


@pytest.mark.parametrize(
    "written",
    ["=" + " " * MANY + "x", "= a" + " " * MANY + "x", "{{x" + "|a" * MANY + "}}", "[[file:" * MANY,
     "{{x|a|" + " " * MANY + "!=b}}", "[//a" + " " * MANY + "\n", "{{a" * MANY + "}}" * MANY,
     "{|\n|a\n" + "b\n" * MANY, "<pre " * MANY, "[[a|" * MANY],
    ids=range(10),
)  # fmt: skip
def test_no_page_takes_long_to_convert(written: str) -> None:
    started = time.process_time()
    as_markdown(written)
    assert time.process_time() - started < 6


def test_the_clock_of_the_wiki_counts(wiki: MediaWiki) -> None:
    cursor = cursor_of(listed(connector_of(wiki)))
    assert abs(datetime.fromisoformat(str(cursor["time"])) - datetime.now(UTC)) < timedelta(minutes=1)

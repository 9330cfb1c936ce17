"""Feeds of every dialect, and why an entry that left one is not gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.common.acl import user
from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.network import Network
from assistant.common.types import Json, JsonObject
from connectors.sdk.config import validate
from connectors.sdk.contract import (
    BytesContent,
    CaughtUp,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    TextContent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sources.feed import connector as connector_module
from connectors.sources.feed.connector import FeedConnector
from connectors.sources.feed.document import entry_id as made_id
from connectors.sources.feed.kind import KIND, feed_settings
from tests.connectors.conformance import ANA, World, check_listing, listed, sees, upserts
from tests.connectors.hostile import CONTENT, NEW, ChangeFeedConformance
from tests.connectors.network_checks import ChangeFeedWorld, changed_since
from tests.connectors.servers.site import Reply, Site, page, running_site
from tests.connectors.sources.audience_suite import AudienceConformance
from tests.connectors.sources.feed_world import SpoiledFeedWorld, atom, entry, entry_id
from tests.connectors.sources.web_world import LOOPBACK

XML = {"Content-Type": "application/atom+xml"}

pytestmark = pytest.mark.usefixtures("impatient")


class TestFeed(AudienceConformance, ChangeFeedConformance):
    """Absence from a feed is no deletion, so that a listing ends with CaughtUp and never with Complete."""

    make_world = SpoiledFeedWorld
    many = 10
    feed_sees = frozenset({CONTENT, NEW})
    goes_on_anew = True

    @pytest.fixture(autouse=True)
    def _small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connector_module, "CHECKPOINT_EVERY", 3)

    def test_a_cursor_that_is_too_old_is_a_gap(self, world: ChangeFeedWorld) -> None:
        """None is: what a feed shows is read as far as something of it may be new."""
        with closing(world.connector()) as connector:
            cursor = cursor_of(listed(connector))
        fresh = {world.put(f"new-{number}.txt", "new") for number in range(5)}
        for name in ("a.txt", "b.txt", "회의록.txt"):
            world.delete(name)
        assert set(upserts(changed_since(world.connector(), cursor))) == fresh

    def test_a_healthy_source_is_listed_to_its_end(self, world: World) -> None:
        events = check_listing(world.connector())
        assert len(upserts(events)) == 3
        assert isinstance(events[-1], CaughtUp)
        assert isinstance(list(world.connector().permissions())[-1], Complete)

    def test_a_deleted_document_is_not_listed_and_the_listing_is_complete(self, world: World) -> None:
        name = world.put("a.txt", "first")
        listed(world.connector())
        world.delete("a.txt")
        events = listed(world.connector())
        assert name not in upserts(events)
        assert not any(isinstance(event, Complete | Tombstone) for event in events)
        # Those who may read it may change nevertheless.
        world.set_acl("", allow=[f"user:{ANA}"])
        assert name in {getattr(each, "external_id", "") for each in world.connector().permissions()}

    def test_a_run_resumed_at_any_checkpoint_misses_nothing_after_it(self, world: World) -> None:
        for number in range(self.many):
            world.put(f"more-{number:03}.txt", f"document {number}")
        events = listed(world.connector())
        points = [event for event in events if isinstance(event, Checkpoint)]
        assert len(points) > 1
        for checkpoint in points:
            resumed = list(world.connector().documents(checkpoint=checkpoint.state))
            assert upserts(resumed).keys() == upserts(events).keys()
            assert isinstance(resumed[-1], CaughtUp)

    def test_single_documents_can_be_reported_again(self, world: World) -> None:
        first, left = world.put("a.txt", "first"), world.put("z.txt", "last")
        world.delete("z.txt")
        events = list(world.connector().again([first, left]))
        assert sees(events, first, user(ANA))
        assert [event.external_id for event in events if isinstance(event, Failure)] == [left]
        assert not any(isinstance(event, Tombstone) for event in events)


SUITES = (TestFeed,)


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site


class Reader:
    """A source over the feeds of a site on a chosen day."""

    def __init__(self, site: Site, scratch: Path | None = None) -> None:
        self.site = site
        self.scratch = scratch
        self.day = 20_000

    def connector(self, **more: Json) -> FeedConnector:
        config: dict[str, Json] = {"addresses": [self.site.url + "/feed"], "audience": ["everyone"], **more}
        checked, _ = validate(KIND, config=config, secrets={})
        surroundings = Surroundings(LOOPBACK, scratch=self.scratch)
        return FeedConnector(feed_settings(checked, {}), surroundings, today=lambda: self.day)

    def read(self, cursor: JsonObject | None = None, **more: Json) -> list[Event]:
        return list(self.connector(**more).documents(cursor=cursor))

    def show(self, *entries: str, more: str = "", path: str = "/feed") -> None:
        self.site.pages[path] = Reply(atom(*entries, more=more).encode(), headers=XML)


def cursor_of(events: list[Event]) -> JsonObject:
    assert isinstance(events[-1], CaughtUp)
    return events[-1].cursor


def gone(events: list[Event]) -> list[str]:
    return [event.external_id for event in events if isinstance(event, Tombstone)]


RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>News</title><link>/</link><item><title>A &amp;lt;b&amp;gt; &lt;i&gt;title&lt;/i&gt;
of two lines</title><link>/posts/1?a=1&amp;b=2</link><guid isPermaLink="false">1</guid>
<pubDate>Thu, 01 Jan 2026 09:00:00 +0900</pubDate><category>hr</category><category>hr</category>
<author>ana@example.com (Ana)</author><description>short</description>
<content:encoded><![CDATA[<p onclick="x()">Long <b>text</b><script>alert(1)</script></p>]]></content:encoded>
</item>
<item><description>No title, no id, no link.</description></item></channel></rss>"""


def test_rss_is_read_with_all_that_it_says(site: Site) -> None:
    site.pages["/feed"] = Reply(RSS.encode(), headers={"Content-Type": "application/rss+xml"})
    events = check_listing(Reader(site).connector())
    first, second = upserts(events).values()
    assert first.external_id == f"{site.url}/feed#1"
    assert first.title == "A <b> title of two lines"
    assert first.url == f"{site.url}/posts/1?a=1&b=2"
    assert first.modified == datetime(2026, 1, 1, tzinfo=UTC)
    assert first.attributes["tags"] == ["hr"]
    content = first.fetch()
    assert isinstance(content, BytesContent)
    assert b"Long <b>text</b>" in content.data
    assert b"alert" not in content.data
    body = second.fetch()
    assert isinstance(body, BytesContent)
    assert b"No title" in body.data


def test_an_unchanged_feed_sends_nothing_and_keeps_its_place(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("a", "first"))
    first = reader.read()
    again = reader.read(cursor_of(first))
    assert again == [CaughtUp(cursor_of(first))]
    assert "If-None-Match" in site.asked[-1].headers


def test_new_readers_and_other_content_are_told_although_the_feed_is_unchanged(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("a", "first", link=site.url + "/a"))
    first = reader.read()
    narrowed = reader.read(cursor_of(first), audience=[f"user:{ANA}"])
    assert sees(narrowed, entry_id("a"), user(ANA))
    assert not sees(narrowed, entry_id("a"), user("bob@example.com"))
    paged = reader.read(cursor_of(first), content="page")
    assert upserts(paged)[entry_id("a")].version != upserts(first)[entry_id("a")].version


def test_a_changed_entry_has_another_version_and_its_neighbour_has_not(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("a", "first"), entry("b", "second"))
    before = upserts(reader.read())
    reader.show(entry("a", "FIRST"), entry("b", "second"))
    after = upserts(reader.read())
    assert [key for key in before if before[key].version != after[key].version] == [entry_id("a")]


def test_older_pages_are_read_by_a_full_run_and_where_all_of_a_page_is_new(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("d", "4"), entry("c", "3"), more='<link rel="next" href="/feed?page=2"/>')
    reader.show(entry("b", "2"), more='<link rel="prev-archive" href="/archive"/>', path="/feed?page=2")
    reader.show(entry("a", "1"), more='<link rel="next" href="/feed"/>', path="/archive")
    full = reader.read()
    assert list(upserts(full)) == [entry_id(name) for name in "dcba"]
    site.forget()
    reader.show(entry("e", "5"), entry("d", "4"), more='<link rel="next" href="/feed?page=2"/>')
    assert entry_id("e") in upserts(reader.read(cursor_of(full)))
    assert site.paths() == ["/feed"]
    site.forget()
    reader.show(entry("f", "6"), more='<link rel="next" href="/feed?page=2"/>')
    reader.read(cursor_of(full))
    assert site.paths() == ["/feed", "/feed?page=2", "/archive"]


def test_a_page_that_fails_gives_no_new_place_in_the_feed(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("b", "2"), more='<link rel="next" href="/feed?page=2"/>')
    site.pages["/feed?page=2"] = Reply(b"out of order", 500)
    events = reader.read()
    assert list(upserts(events)) == [entry_id("b")]
    assert isinstance(events[-1], Failure)


@pytest.mark.parametrize(
    "older", [Reply(atom(entry("a", "1")).encode()[:-20], headers=XML), page(text="Sign in")]
)
def test_an_older_page_that_is_no_whole_feed_is_read_again_by_the_next_run(site: Site, older: Reply) -> None:
    reader = Reader(site)
    reader.show(entry("b", "2"), more='<link rel="next" href="/feed?page=2"/>')
    site.pages["/feed?page=2"] = older
    events = reader.read()
    assert list(upserts(events)) == [entry_id("b")]
    assert isinstance(events[-1], Failure)


def test_an_older_page_that_asks_who_we_are_asks_for_the_administrator(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("b", "2"), more='<link rel="next" href="/feed?page=2"/>')
    site.pages["/feed?page=2"] = Reply(b"who?", 401)
    with pytest.raises(Reconfigure, match="401"):
        reader.read()


@pytest.mark.parametrize("empty", ['<feed xmlns="http://www.w3.org/2005/Atom"/>', atom()])
def test_a_feed_without_entries_is_whole(site: Site, empty: str) -> None:
    site.pages["/feed"] = Reply(empty.encode(), headers=XML)
    assert [type(event) for event in Reader(site).read()] == [CaughtUp]


def test_pages_of_another_host_are_not_followed(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("b", "2"), more='<link rel="next" href="http://127.0.0.2:1/feed"/>')
    assert isinstance(reader.read()[-1], CaughtUp)


def test_an_entry_that_left_the_feed_stays_as_many_days_as_the_administrator_says(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("a", "1"), entry("b", "2"))
    cursor = cursor_of(reader.read(keep_days=30))
    reader.day += 100  # for as long as it stands there, it has not left
    reader.show(entry("b", "2"), entry("c", "3"))
    events = reader.read(cursor, keep_days=30)
    assert gone(events) == []
    reader.day += 29
    reader.show(entry("b", "2"), entry("c", "3"), entry("d", "4"))
    events = reader.read(cursor_of(events), keep_days=30)
    assert gone(events) == []
    reader.day += 1
    events = reader.read(cursor_of(events), keep_days=30)
    assert gone(events) == [entry_id("a")]
    assert gone(reader.read(cursor_of(events), keep_days=30)) == [entry_id("a")], "the first may be lost"


def test_without_a_limit_nothing_leaves(site: Site, tmp_path: Path) -> None:
    reader = Reader(site, tmp_path)
    reader.show(entry("a", "1"), entry("b", "2"))
    cursor = cursor_of(reader.read())
    reader.show(entry("b", "2"))
    reader.day += 10_000
    assert gone(reader.read(cursor)) == []
    assert gone(reader.read()) == []


def test_an_entry_that_comes_back_has_not_left(site: Site) -> None:
    reader = Reader(site)
    reader.show(entry("a", "1"), entry("b", "2"))
    cursor = cursor_of(reader.read(keep_days=5))
    for shown in ("b", "ab", "b"):
        reader.show(*(entry(name, name) for name in shown))
        reader.day += 4
        events = reader.read(cursor, keep_days=5)
        assert gone(events) == []
        cursor = cursor_of(events)


@pytest.mark.parametrize("damage", ["<entry><id>b</id>", "\x01", "&nosuchentity;"])
def test_a_malformed_feed_misses_nothing(site: Site, damage: str) -> None:
    reader = Reader(site)
    reader.show(entry("a", "1"), entry("b", "2"))
    cursor = cursor_of(reader.read(keep_days=1))
    reader.show(entry("b", "2"), damage)
    for _ in range(3):
        reader.day += 10
        events = reader.read(cursor, keep_days=1)
        assert gone(events) == []
        cursor = cursor_of(events)


def test_a_full_run_knows_from_the_scratch_folder_what_left_and_forgets_without_it(
    site: Site, tmp_path: Path
) -> None:
    reader = Reader(site, tmp_path)
    reader.show(entry("a", "1"), entry("b", "2"))
    reader.read(keep_days=5)
    reader.show(entry("b", "2"))
    reader.read(keep_days=5)
    reader.day += 5
    assert gone(reader.read(keep_days=5)) == [entry_id("a")]
    (tmp_path / "entries-1.json").write_text("{damaged")
    assert gone(reader.read(keep_days=5)) == []


def test_a_feed_that_is_read_no_more_has_lost_its_entries(site: Site, tmp_path: Path) -> None:
    reader = Reader(site, tmp_path)
    reader.show(entry("a", "1"), entry("both", "2"))
    reader.show(entry("b", "1"), entry("both", "2"), path="/other")
    feeds: list[Json] = [site.url + "/feed", site.url + "/other"]
    events = reader.read(keep_days=5, addresses=feeds)
    assert len(upserts(events)) == 3
    cursor = cursor_of(reader.read(cursor_of(events), keep_days=5))
    reader.day += 5
    assert gone(reader.read(cursor, keep_days=5)) == [entry_id("b")]


def test_a_feed_may_declare_an_entry_deleted(site: Site) -> None:
    declared = (
        f'<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="{entry_id("a")}" '
        f'when="2026-01-02T00:00:00Z"/>'
    )
    reader = Reader(site)
    reader.show(entry("b", "2"), declared)
    assert gone(reader.read()) == [entry_id("a")]
    reader.show(entry("a", "1"), declared)
    assert gone(reader.read()) == []


def test_one_id_in_two_entries_or_feeds_is_one_document(site: Site) -> None:
    reader = Reader(site)
    newer = entry("a", "new", updated="2026-02-01T00:00:00Z")
    reader.show(entry("a", "old"), newer, entry("a", "older", updated="2025-01-01T00:00:00Z"))
    reader.show(entry("a", "old"), path="/other")
    feeds: list[Json] = [site.url + "/feed", site.url + "/other"]
    events = check_listing(reader.connector(addresses=feeds))
    (found,) = upserts(events).values()
    assert found.fetch() == TextContent("new")


def test_a_later_feed_neither_rewrites_nor_deletes_what_an_earlier_one_holds(
    site: Site, tmp_path: Path
) -> None:
    reader = Reader(site, tmp_path)
    reader.show(entry("a", "ours"))
    reader.show(entry("b", "theirs"), path="/other")
    feeds: list[Json] = [site.url + "/feed", site.url + "/other"]
    cursor = cursor_of(reader.read(addresses=feeds))
    declared = (
        f'<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="{entry_id("a")}" '
        f'when="2026-01-02T00:00:00Z"/>'
    )
    for planted in (entry("a", "forged", updated="2026-03-01T00:00:00Z"), declared):
        reader.show(entry("b", "theirs"), planted, path="/other")
        events = reader.read(cursor, addresses=feeds)  # the first one has not changed, so it names nothing
        assert (entry_id("a") in upserts(events), gone(events)) == (False, [])


@pytest.mark.parametrize(
    "never_whole",
    ["<entry><id>b</id>", '<link rel="next" href="http://127.0.0.2:1/feed"/>'],
    ids=["malformed for good", "goes on elsewhere"],
)
def test_an_entry_that_a_feed_never_read_whole_shows_no_more_is_another_feeds_after_some_days(
    site: Site, tmp_path: Path, never_whole: str
) -> None:
    reader = Reader(site, tmp_path)
    reader.show(entry("a", "ours"), more=never_whole)
    reader.show(entry("a", "theirs"), path="/other")
    feeds: list[Json] = [site.url + "/feed", site.url + "/other"]
    first = upserts(reader.read(addresses=feeds, keep_days=1))
    assert first[entry_id("a")].fetch() == TextContent("ours")
    reader.show(entry("b", "newer"), more=never_whole)
    for days, shown in ((0, False), (6, False), (1, True)):
        reader.day += days
        events = reader.read(addresses=feeds, keep_days=1)
        assert gone(events) == []
        assert (entry_id("a") in upserts(events)) is shown
    assert upserts(events)[entry_id("a")].fetch() == TextContent("theirs")
    reader.show(entry("a", "ours again"), more=never_whole)
    events = reader.read(addresses=feeds, keep_days=1)
    assert upserts(events)[entry_id("a")].fetch() == TextContent("ours again")


def test_ids_that_are_no_uris_are_those_of_their_feed(site: Site) -> None:
    assert made_id("urn:x:1", feed="http://x.example/") == "urn:x:1"
    assert made_id("1", feed="http://x.example/") == "http://x.example/#1"
    for odd in ("a\nb", "x" * 4_096, "nul\x00", "\u202eoff"):
        assert made_id(odd, feed="http://x.example/").startswith("http://x.example/#")
        assert made_id(odd, feed="http://x.example/").isascii()


def test_linked_pages_are_read_where_that_is_wanted(site: Site) -> None:
    reader = Reader(site)
    links = [entry(name, "short", link=site.url + "/" + name) for name in ("there", "gone", "silent")]
    reader.show(*links, entry("inner", "short", link="http://10.1.2.3/"), entry("none", "own text"))
    site.pages["/there"] = page(text="the whole story")
    site.pages["/silent"] = Reply(status=0)
    found = list(upserts(reader.read(content="page")).values())
    content = found[0].fetch()
    assert isinstance(content, BytesContent)
    assert b"the whole story" in content.data
    for each, code in zip(
        found[1:4], (FailureCode.GONE, FailureCode.UNREACHABLE, FailureCode.REFUSED), strict=True
    ):
        with pytest.raises(DocumentFailure) as raised:
            each.fetch()
        assert raised.value.code is code
    assert found[4].fetch() == TextContent("own text")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(b"gone", 404), Stop),
        (Reply(b"no", 401), Reconfigure),
        (Reply(b"broken", 500), Retry),
        (Reply(status=0), Retry),
        (replace(page(text="no feed"), cut=True), Retry),
        (page(text="no feed"), Reconfigure),
        (Reply(b'{"version": "https://example.com/1"}'), Reconfigure),
        (Reply(atom(entry("a", "1")).encode()[:-20], headers=XML), Retry),
        (Reply(RSS.encode()[:400], headers=XML), Retry),
        (Reply(b""), Reconfigure),
    ],
)
def test_a_feed_that_cannot_be_read_is_an_error_and_no_empty_listing(
    site: Site, reply: Reply, error: type[Exception]
) -> None:
    site.pages["/feed"] = reply
    with pytest.raises(error):
        Reader(site).read()
    assert not all(item.ok for item in Reader(site).connector().check())


@pytest.mark.parametrize(
    "tag",
    [
        "<!-- </feed> -->",
        "<!-- <feed/> -->",
        '<entry><content type="text"><![CDATA[</feed>]]></content></entry>',
    ],
)
def test_a_tag_in_a_comment_or_a_quoted_text_is_not_the_end_of_a_feed(site: Site, tag: str) -> None:
    head, root, rest = atom(entry("a", "1"), entry("b", "2")).partition("<feed ")
    whole = f"{head}{tag}{root}{rest}" if "feed/" in tag else atom(tag, entry("b", "2"))
    for body in (whole, whole + tag):
        site.pages["/feed"] = Reply(body.encode(), headers=XML)
        assert entry_id("b") in upserts(Reader(site).read())
    for cut in (whole[:-20], whole[:-20] + "<!-- </feed>", whole[:-20] + "<![CDATA[</feed>"):
        site.pages["/feed"] = Reply(cut.encode(), headers=XML)
        with pytest.raises(Retry, match="breaks off"):
            Reader(site).read()


def test_an_entity_bomb_is_not_unfolded(site: Site) -> None:
    bomb = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "bomb" * 10}">' for n in range(9))
    outside = '<!ENTITY out SYSTEM "file:///etc/hostname">'
    text = atom(entry("a", "x").replace("x</content>", "&b8;&out;</content>"))
    body = text.replace("?>\n", f"?>\n<!DOCTYPE feed [{bomb}{outside}]>", 1)
    site.pages["/feed"] = Reply(body.encode(), headers=XML)
    (found,) = upserts(Reader(site).read()).values()
    assert found.size is not None
    assert found.size < 10_000


def test_a_private_address_is_refused_without_permission(site: Site) -> None:
    settings = feed_settings({"addresses": [site.url]}, {})
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        list(FeedConnector(settings, Surroundings(Network())).documents())


def test_the_password_goes_to_the_first_feed_only(site: Site) -> None:
    with running_site("127.0.0.2") as other:
        for each in (site, other):
            each.pages["/feed"] = Reply(atom(entry(each.url, "x")).encode(), headers=XML)
        feeds: list[Json] = [site.url + "/feed", other.url + "/feed"]
        settings = feed_settings({"addresses": feeds, "username": "reader"}, {"password": "open sesame"})
        connector = FeedConnector(settings, Surroundings(LOOPBACK))
        assert len(upserts(connector.documents())) == 2
        assert "Authorization" in site.asked[0].headers
        assert "Authorization" not in other.asked[0].headers


def test_a_page_that_a_strangers_feed_names_is_asked_for_without_the_password(site: Site) -> None:
    with running_site("127.0.0.2") as stranger:
        link = site.url + "/for-members"
        site.pages["/for-members"] = page(text="the minutes")
        site.pages["/feed"] = Reply(atom(entry("own", "x", link=link)).encode(), headers=XML)
        stranger.pages["/feed"] = Reply(atom(entry("foreign", "x", link=link)).encode(), headers=XML)
        feeds: list[Json] = [site.url + "/feed", stranger.url + "/feed"]
        config: JsonObject = {"addresses": feeds, "username": "reader", "content": "page"}
        connector = FeedConnector(feed_settings(config, {"password": "open sesame"}), Surroundings(LOOPBACK))
        found = upserts(connector.documents())
        for name, proves in (("own", True), ("foreign", False)):
            found[entry_id(name)].fetch()
            assert ("Authorization" in site.asked[-1].headers) is proves


@pytest.mark.parametrize("config", [{"addresses": ["ftp://x/"]}, {"addresses": ["http://a:b@x.example/"]}])
def test_addresses_that_are_none_are_refused(config: JsonObject) -> None:
    with pytest.raises(UsageError):
        feed_settings(config, {})


def test_without_its_notes_a_run_over_permissions_does_not_call_itself_complete(
    site: Site, tmp_path: Path
) -> None:
    reader = Reader(site)
    reader.show(entry("a", "1"))
    permissions = list(reader.connector().permissions())
    assert [type(each) for each in permissions] == [DocumentAcl]
    assert isinstance(next(iter(reader.read())), Upsert)

"""What a crawl reports of a site that moves, hides, fails and lies."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common import guarded_http
from connectors.sdk.contract import BytesContent, Complete, Tombstone
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sources.web.memory import MEMORY_FILE
from tests.connectors.conformance import check_listing, upserts
from tests.connectors.servers.site import Reply, Request, Site, page, redirect, running_site
from tests.connectors.sources.web_site import documents, failed, gone, listing, source

BROKEN = Reply(b"out of order", 500)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "_pause", lambda attempt: 0.01)


@pytest.fixture
def site() -> Iterator[Site]:
    """A start page with two pages, of which one leads to a third."""
    with running_site() as site:
        site.pages["/"] = page("/a", "/b")
        site.pages["/a"] = page("/a/deep", text="first")
        site.pages["/b"] = page("/", text="second")
        site.pages["/a/deep"] = page(text="third")
        yield site


def test_pages_are_listed_in_the_order_in_which_they_are_found(site: Site, tmp_path: Path) -> None:
    events = check_listing(source(site, tmp_path))
    assert documents(site, events) == ["/", "/a", "/b", "/a/deep"]


def test_an_unchanged_site_is_asked_but_sends_nothing_again(site: Site, tmp_path: Path) -> None:
    first = upserts(listing(source(site, tmp_path)))
    site.forget()
    second = upserts(listing(source(site, tmp_path)))
    assert {key: each.version for key, each in first.items()} == {k: e.version for k, e in second.items()}
    assert len(site.paths()) == 4
    assert all("If-None-Match" in request.headers for request in site.asked if request.path != "/robots.txt")


def test_without_its_memory_a_crawl_is_slower_and_as_right(site: Site, tmp_path: Path) -> None:
    remembered = upserts(listing(source(site, tmp_path)))
    forgotten = upserts(listing(source(site)))
    assert {k: e.version for k, e in remembered.items()} == {k: e.version for k, e in forgotten.items()}


def test_damaged_notes_are_begun_anew(site: Site, tmp_path: Path) -> None:
    listing(source(site, tmp_path))
    (tmp_path / MEMORY_FILE).write_bytes(b"SQLite format 3\x00 and then something else" * 99)
    assert len(upserts(listing(source(site, tmp_path)))) == 4


def test_notes_of_another_shape_are_removed(site: Site, tmp_path: Path) -> None:
    for name in ("pages-0.db", "pages-0.db-wal", "pages-0.db-shm"):
        (tmp_path / name).write_bytes(b"x")
    listing(source(site, tmp_path))
    assert list(tmp_path.glob("pages-0*")) == []
    assert (tmp_path / MEMORY_FILE).is_file()


def test_content_that_was_read_for_its_links_is_not_asked_for_again(site: Site, tmp_path: Path) -> None:
    connector = source(site, tmp_path)
    found = upserts(connector.documents())
    site.forget()
    for each in found.values():
        assert isinstance(each.fetch(), BytesContent)
    assert site.paths() == []
    assert found[site.url + "/a"].fetch() == BytesContent(getattr(site.pages["/a"], "body"))  # noqa: B009
    assert site.paths() == ["/a"]
    connector.close()
    assert list((tmp_path / "content").iterdir()) == []


def test_scripts_and_hidden_fields_do_not_change_a_page(site: Site, tmp_path: Path) -> None:
    versions = []
    for text, token in (("same", "1"), ("same", "2"), ("other", "2")):
        head = f'<meta name="csrf" content="{token}"><script>var t = {token}</script>'
        site.pages["/a"] = page("/a/deep", text=text, head=head)
        versions.append(upserts(listing(source(site, tmp_path)))[site.url + "/a"].version)
    assert versions[0] == versions[1] != versions[2]


def test_a_page_that_fails_hides_nothing_that_only_it_leads_to(site: Site, tmp_path: Path) -> None:
    listing(source(site, tmp_path))
    site.pages["/a"] = BROKEN
    events = listing(source(site, tmp_path))
    assert failed(site, events) == {"/a": "unreachable"}
    assert documents(site, events) == ["/", "/b", "/a/deep"]
    assert not isinstance(events[-1], Complete)
    without_memory = listing(source(site))
    assert documents(site, without_memory) == ["/", "/b"]
    assert not any(isinstance(event, Complete | Tombstone) for event in without_memory)


def test_beside_a_page_that_fails_only_what_answers_404_is_gone(site: Site, tmp_path: Path) -> None:
    listing(source(site, tmp_path))
    site.pages["/"] = page("/a")
    site.pages["/a"] = BROKEN
    assert gone(site, listing(source(site, tmp_path))) == []
    del site.pages["/b"]
    events = listing(source(site, tmp_path))
    assert gone(site, events) == ["/b"]
    assert not isinstance(events[-1], Complete)


def test_a_file_that_fails_leads_to_nothing_so_the_listing_is_complete(site: Site) -> None:
    site.pages["/"] = page("/a", "/report.pdf")
    site.pages["/report.pdf"] = BROKEN
    events = listing(source(site))
    assert failed(site, events) == {"/report.pdf": "unreachable"}
    assert isinstance(events[-1], Complete)


def test_a_page_to_which_nothing_leads_any_more_is_left_out_by_the_second_crawl_that_misses_it(
    site: Site, tmp_path: Path
) -> None:
    whole = listing(source(site, tmp_path))
    site.pages["/"] = Reply(b"<!doctype html><p>half a pa", headers={"Content-Type": "text/html"})
    first = listing(source(site, tmp_path))
    assert upserts(first).keys() == upserts(whole).keys()
    assert isinstance(first[-1], Complete)
    second = listing(source(site, tmp_path))
    assert documents(site, second) == ["/"]
    assert isinstance(second[-1], Complete)


def test_a_page_that_was_missed_once_and_found_again_may_be_missed_again(site: Site, tmp_path: Path) -> None:
    sound, half = site.pages["/"], page("/a")
    for shown in (sound, half, sound, half):
        site.pages["/"] = shown
        assert "/b" in documents(site, listing(source(site, tmp_path)))


def test_of_pages_to_which_nothing_leads_those_that_are_gone_or_unwanted_go_at_once(
    site: Site, tmp_path: Path
) -> None:
    listing(source(site, tmp_path))
    site.pages["/"] = page()
    del site.pages["/a"]
    site.pages["/b"] = page(head='<meta name="robots" content="noindex">')
    site.pages["/a/deep"] = BROKEN
    events = listing(source(site, tmp_path))
    assert documents(site, events) == ["/"]
    assert failed(site, events) == {"/a/deep": "unreachable"}
    assert isinstance(events[-1], Complete)


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_not_listed(site: Site, tmp_path: Path, status: int) -> None:
    listing(source(site, tmp_path))
    site.pages["/b"] = Reply(b"gone", status)
    events = listing(source(site, tmp_path))
    assert "/b" not in documents(site, events)
    assert isinstance(events[-1], Complete)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(b"gone", 404), Stop),
        (BROKEN, Retry),
        (Reply(b"no", 403), Reconfigure),
        (Reply(b"who?", 401), Reconfigure),
        (Reply(status=0), Retry),
        (redirect("https://elsewhere.example.com/", 301), Stop),
        (redirect("https://elsewhere.example.com/", 302), Reconfigure),
    ],
)
def test_without_its_start_address_nothing_is_listed(
    site: Site, reply: Reply, error: type[Exception]
) -> None:
    site.pages["/"] = reply
    with pytest.raises(error):
        listing(source(site))


def test_a_redirect_leads_to_the_page_that_stands_for_it(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = page("/old", "/now", "/gone-elsewhere", "/elsewhere-for-now")
    site.pages["/old"] = redirect("/a", 301)
    site.pages["/now"] = redirect("b#top", 302)
    site.pages["/gone-elsewhere"] = redirect("https://elsewhere.example.com/", 301)
    site.pages["/elsewhere-for-now"] = redirect("https://elsewhere.example.com/", 302)
    events = listing(source(site, tmp_path))
    assert documents(site, events) == ["/", "/a", "/b", "/a/deep"]
    assert failed(site, events) == {"/elsewhere-for-now": "refused"}


def test_a_redirect_in_a_circle_is_a_failure(site: Site) -> None:
    site.pages["/a"] = redirect("/x")
    site.pages["/x"] = redirect("/a")
    assert failed(site, listing(source(site)))["/a"] == "unreachable"


def test_a_cookie_that_is_handed_out_by_a_redirect_is_kept(site: Site) -> None:
    def guarded(request: Request) -> Reply:
        if "seen=1" in request.headers.get("Cookie", ""):
            return page(text="first")
        return Reply(status=302, headers={"Location": "/a", "Set-Cookie": "seen=1; Path=/"})

    site.pages["/a"] = guarded
    assert documents(site, listing(source(site))) == ["/", "/a", "/b"]


def test_the_canonical_page_stands_for_its_copies(site: Site, tmp_path: Path) -> None:
    head = '<link rel="canonical" href="/a">'
    site.pages["/"] = page("/a?print=1", "/a?lang=en")
    site.pages["/a?print=1"] = page(text="first", head=head)
    site.pages["/a?lang=en"] = page(text="first", head=head)
    assert documents(site, listing(source(site, tmp_path))) == ["/", "/a", "/a/deep"]
    everything = documents(site, listing(source(site, ignore_canonical=True)))
    assert everything == ["/", "/a?print=1", "/a?lang=en"]


def test_a_copy_whose_canonical_page_is_none_stands_for_itself(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = page(text="first", head='<link rel="canonical" href="/nowhere">')
    site.pages["/b"] = page(text="second", head='<link rel="canonical" href="/c">')
    site.pages["/c"] = page(text="third", head='<link rel="canonical" href="/b">')
    for _ in range(2):
        events = check_listing(source(site, tmp_path))
        assert sorted(documents(site, events)) == ["/", "/a", "/b"]


def test_a_copy_whose_canonical_page_fails_is_kept(site: Site, tmp_path: Path) -> None:
    site.pages["/b"] = page(text="second", head='<link rel="canonical" href="/c">')
    site.pages["/c"] = BROKEN
    assert failed(site, listing(source(site, tmp_path))) == {"/c": "unreachable", "/b": "unreachable"}


def test_noindex_and_nofollow_are_obeyed_wherever_they_stand(site: Site) -> None:
    site.pages["/"] = page("/a", "/b", "/c", "/d")
    site.pages["/a"] = page("/a/deep", head='<meta name="ROBOTS" content="noindex">')
    site.pages["/b"] = page("/only-from-b", head='<meta name="robots" content="nofollow">')
    site.pages["/only-from-b"] = page(text="hidden")
    site.pages["/c"] = replace(
        page(), headers={"Content-Type": "text/html", "X-Robots-Tag": "otherbot: nofollow, none"}
    )
    site.pages["/d"] = replace(
        page(), headers={"Content-Type": "text/html", "X-Robots-Tag": "mundap: noindex"}
    )
    assert documents(site, listing(source(site))) == ["/", "/b", "/c", "/a/deep"]


def test_robots_txt_is_obeyed_unless_the_administrator_says_otherwise(site: Site) -> None:
    site.pages["/robots.txt"] = Reply(b"User-agent: mundap\nDisallow: /a\n\nUser-agent: *\nDisallow: /")
    assert documents(site, listing(source(site))) == ["/", "/b"]
    assert "/a" not in site.paths()
    assert len(documents(site, listing(source(site, ignore_robots=True)))) == 4
    with pytest.raises(Reconfigure, match=r"robots\.txt"):
        listing(source(site, user_agent="Other"))


def test_while_robots_txt_fails_nothing_is_asked_for(site: Site) -> None:
    site.pages["/robots.txt"] = BROKEN
    with pytest.raises(Retry, match=r"robots\.txt"):
        listing(source(site))
    assert site.paths() == []


def test_the_delay_of_robots_txt_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def note(seconds: float, *, stopped: Callable[[], bool]) -> None:
        if seconds > 0:
            asked.append(seconds)

    monkeypatch.setattr("assistant.common.pace.wait", note)
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 7")
    listing(source(site))
    # The clock stands still in this test, so each request has seven seconds more to wait than the last.
    assert asked == [pytest.approx(7 * n, abs=1) for n in (1, 2, 3)]


def test_sitemaps_name_pages_that_no_link_leads_to(site: Site) -> None:
    site.pages["/index.xml"] = Reply(
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        f"<sitemap><loc>{site.url}/one.xml.gz</loc></sitemap><sitemap><loc>{site.url}/two.txt</loc></sitemap>"
        f"</sitemapindex>".encode()
    )
    one = f"<urlset><url><loc>{site.url}/lonely</loc></url><url><loc>https://x.example/</loc></url></urlset>"
    site.pages["/one.xml.gz"] = Reply(gzip.compress(one.encode()))
    site.pages["/two.txt"] = Reply(f"{site.url}/b\n".encode())
    site.pages["/lonely"] = page("/a", text="lonely")
    events = listing(source(site, start=None, sitemaps=[site.url + "/index.xml"], depth=0))
    assert documents(site, events) == ["/lonely", "/b"]
    assert isinstance(events[-1], Complete)


@pytest.mark.parametrize(
    "reply",
    [BROKEN, Reply(b"<urlset><url>"), Reply(b"\x1f\x8b broken"), Reply(b"<html/>"), Reply(b""), Reply(b"{}")],
)
def test_a_sitemap_that_cannot_be_read_deletes_nothing(site: Site, reply: Reply) -> None:
    index = f"<sitemapindex><sitemap><loc>{site.url}/one.xml</loc></sitemap></sitemapindex>"
    site.pages["/index.xml"] = Reply(index.encode())
    site.pages["/one.xml"] = reply
    events = listing(source(site, sitemaps=[site.url + "/index.xml"]))
    assert failed(site, events) == {"/one.xml": "unlisted"}
    assert not isinstance(events[-1], Complete)
    site.pages["/index.xml"] = reply
    with pytest.raises((Reconfigure, Retry)):
        listing(source(site, sitemaps=[site.url + "/index.xml"]))


def test_an_entity_bomb_in_a_sitemap_is_not_unfolded(site: Site) -> None:
    bomb = b"<!DOCTYPE u [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
    site.pages["/s.xml"] = Reply(bomb + b"<urlset><url><loc>/&a;&b;</loc></url></urlset>")
    assert isinstance(listing(source(site, sitemaps=[site.url + "/s.xml"]))[-1], Complete)
    assert not [path for path in site.paths() if "aaaa" in path or "root" in path]


def test_a_trusted_lastmod_saves_the_request(site: Site, tmp_path: Path) -> None:
    def sitemap(day: int) -> Reply:
        return Reply(
            f"<urlset><url><loc>{site.url}/b</loc><lastmod>2026-01-0{day}</lastmod></url></urlset>".encode()
        )

    def crawl() -> list[str]:
        site.forget()
        connector = source(
            site, tmp_path, start=None, sitemaps=[site.url + "/s.xml"], trust_lastmod=True, depth=0
        )
        assert documents(site, listing(connector)) == ["/b"]
        return site.paths()

    site.pages["/s.xml"] = sitemap(1)
    assert "/b" in crawl()
    assert "/b" not in crawl()
    site.pages["/s.xml"] = sitemap(2)
    assert "/b" in crawl()

"""What a crawl does at its limits: endless sites, silence, a stop, and going on afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.http_messages import Answer
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.types import Json
from connectors.sdk.contract import Checkpoint, Complete, Failure, Upsert
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings
from connectors.sources.web import crawl, frontier
from connectors.sources.web import kept as kept_module
from connectors.sources.web import page as page_module
from connectors.sources.web.kept import Kept
from tests.connectors.conformance import check_listing, upserts
from tests.connectors.servers.site import Reply, Site, page, running_site
from tests.connectors.sources.web_site import documents, failed, gone, listing, source
from tests.connectors.sources.web_world import LOOPBACK

BROKEN = Reply(b"out of order", 500)

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def site() -> Iterator[Site]:
    """A start page with two pages, of which one leads to a third."""
    with running_site() as site:
        site.pages["/"] = page("/a", "/b")
        site.pages["/a"] = page("/a/deep", text="first")
        site.pages["/b"] = page("/", text="second")
        site.pages["/a/deep"] = page(text="third")
        yield site


def test_beyond_the_limit_of_pages_the_run_says_so_and_is_not_complete(site: Site) -> None:
    events = listing(source(site, max_pages=2))
    assert documents(site, events) == ["/", "/a"]
    limit = next(event for event in events if isinstance(event, Failure))
    assert (limit.external_id, limit.is_prefix, limit.code) == ("", True, FailureCode.UNLISTED)
    assert not isinstance(events[-1], Complete)


def test_what_is_kept_has_a_bound_and_room_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_KEPT_BYTES", 10)
    kept = Kept(tmp_path)
    for url, body in (("a", b"123456"), ("b", b"123456"), ("c", b"1234"), ("a", b"654321")):
        kept.keep(url, "1", body)
    assert [kept.take(url, "1") for url in ("a", "b", "c", "a")] == [b"123456", None, b"1234", None]
    kept.keep("d", "1", b"1234567890")
    kept.clear()
    assert list(tmp_path.iterdir()) == []
    kept.keep("e", "1", b"1234567890")
    assert kept.take("e", "1") == b"1234567890"


@pytest.mark.parametrize("link", ['<a href="/{}">x</a>', '<link rel="next" href="/{}">'])
def test_of_the_links_of_a_page_the_first_ones_count(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_LINKS", 3)
    body = "".join(link.format(number) for number in range(9)).encode()
    answer = Answer(200, {"content-type": "text/html"}, "https://x.example/", b"<html>" + body)
    read = page_module.read_page(answer, agent="Mundap")
    assert read.links == tuple(f"https://x.example/{number}" for number in range(3))


def test_an_endless_calendar_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "MOST_VARIANTS", 5)

    class Calendar(dict[str, object]):
        def get(self, path: str, default: object = None) -> object:
            month = int(path.partition("=")[2] or 0) if path.startswith("/cal") else None
            return (
                super().get(path, default)
                if month is None
                else page(f"/cal?m={month + 1}", f"/cal?m={month + 2}")
            )

    site.pages = Calendar(site.pages)  # type: ignore[assignment]
    site.pages["/"] = page("/cal", "/b")
    events = listing(source(site))
    assert documents(site, events) == ["/", "/cal", "/b", *(f"/cal?m={n}" for n in range(1, 6))]
    assert failed(site, events) == {"/cal?": "unlisted"}
    assert not isinstance(events[-1], Complete)


def test_links_too_far_away_are_no_part_of_the_source(site: Site) -> None:
    events = listing(source(site, depth=1))
    assert documents(site, events) == ["/", "/a", "/b"]
    assert isinstance(events[-1], Complete)


def test_files_are_named_by_their_type_and_media_are_not_asked_for(site: Site) -> None:
    site.pages["/"] = page("/get.php?id=1", "/movie.mp4", "/logo.png", "/readme.md", "/blob", "/notes.txt")
    pdf = {
        "Content-Type": "application/pdf",
        "Content-Disposition": "attachment; filename*=UTF-8''%ED%91%9C%2F1.pdf",
    }
    site.pages["/get.php?id=1"] = Reply(b"%PDF-1.7", headers=pdf)
    site.pages["/readme.md"] = page(text="rendered")
    site.pages["/blob"] = Reply(b"\x00\x01", headers={"Content-Type": "application/octet-stream"})
    site.pages["/notes.txt"] = Reply(b"plain", headers={"Content-Type": "application/pdf"})
    found = upserts(listing(source(site)))
    names = {key.removeprefix(site.url): (each.name, each.media_type) for key, each in found.items()}
    assert names == {
        "/": ("", "text/html"),
        "/get.php?id=1": ("표_1.pdf", "application/pdf"),
        "/readme.md": ("readme.md.html", "text/html"),
        "/notes.txt": ("notes.txt.pdf", "application/pdf"),
    }
    assert "/movie.mp4" not in site.paths()


def test_a_document_that_is_too_large_is_read_no_further(site: Site) -> None:
    site.pages["/a"] = Reply(b"x" * 5_000, headers={"Content-Type": "text/plain"})
    surroundings = Surroundings(LOOPBACK, max_content_bytes=1_000)
    assert failed(site, listing(source(site, surroundings=surroundings))) == {"/a": "too_large"}


def test_hostile_links_lead_nowhere(site: Site) -> None:
    site.pages["/"] = page(
        "javascript:alert(1)", "mailto:x@y", "//evil.example/", "/" + "x" * 4_096, "http://[::", "/nul%00l",
        "/\u202etxt.exe", "file:///etc/passwd",
    )  # fmt: skip
    site.pages["/nul%00l"] = page(text="fine")
    site.pages["/%E2%80%AEtxt.exe"] = page(text="fine")
    events = check_listing(source(site))
    assert documents(site, events) == ["/", "/nul%00l"]


def test_a_body_that_breaks_off_is_a_failure_of_its_page(site: Site) -> None:
    site.pages["/b"] = replace(page(text="second"), cut=True)
    events = listing(source(site))
    assert failed(site, events) == {"/b": "unreachable"}
    assert not isinstance(events[-1], Complete)


def test_when_the_site_falls_silent_the_run_waits_instead_of_failing_each_page(site: Site) -> None:
    site.pages["/"] = page(*(f"/{n}" for n in range(20)))
    for n in range(20):
        site.pages[f"/{n}"] = Reply(status=0)
    run = source(site).documents()
    next(run)
    site.pages["/"] = Reply(status=0)
    with pytest.raises(Retry, match="does not answer"):
        list(run)


def test_many_silent_pages_do_not_hold_up_a_site_that_is_there(site: Site) -> None:
    site.pages["/"] = page(*(f"/{n}" for n in range(12)), "/b")
    for n in range(12):
        site.pages[f"/{n}"] = Reply(status=0 if n % 2 else 503)
    events = listing(source(site))
    assert documents(site, events) == ["/", "/b"]
    assert set(failed(site, events).values()) == {"unreachable"}
    assert len(failed(site, events)) == 12


def test_a_site_that_asks_for_patience_gets_it(site: Site) -> None:
    site.pages["/a"] = Reply(b"slow down", 429, {"Retry-After": "900"})
    with pytest.raises(Retry) as raised:
        listing(source(site))
    assert raised.value.after == 900


def test_a_private_address_is_refused_without_permission(site: Site) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listing(source(site, surroundings=Surroundings(Network())))


def test_a_run_that_is_asked_to_stop_stops(site: Site) -> None:
    surroundings = Surroundings(LOOPBACK, stopped=lambda: len(site.asked) > 2)
    with pytest.raises(Stopped):
        listing(source(site, surroundings=surroundings))


def test_a_resumed_run_asks_for_nothing_that_came_before_its_checkpoint(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = page(*(f"/{n}" for n in range(140)))
    for n in range(140):
        site.pages[f"/{n}"] = page(text=f"page {n}")
    connector = source(site, tmp_path)
    first = connector.documents()
    events = [next(first) for _ in range(120)]
    checkpoint = next(event for event in events if isinstance(event, Checkpoint))
    site.forget()
    resumed = list(source(site, tmp_path).documents(checkpoint=checkpoint.state))
    assert documents(site, resumed) == [f"/{n}" for n in range(99, 140)]
    assert site.paths() == documents(site, resumed)
    assert isinstance(resumed[-1], Complete)


def test_a_resumed_run_knows_nothing_of_what_was_found_after_its_checkpoint(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/"] = page(*(f"/{n}" for n in range(120)))
    for n in range(120):
        site.pages[f"/{n}"] = page(text=f"page {n}")
    site.pages["/110"] = page("/late")
    site.pages["/late"] = BROKEN
    first = list(source(site, tmp_path).documents())
    checkpoint = next(event for event in first if isinstance(event, Checkpoint))
    site.pages["/110"] = page(text="page 110")
    site.forget()
    resumed = list(source(site, tmp_path).documents(checkpoint=checkpoint.state))
    assert "/late" not in site.paths()
    assert isinstance(resumed[-1], Complete)


def test_a_checkpoint_whose_queue_is_lost_begins_anew(site: Site, tmp_path: Path) -> None:
    state: dict[str, Json] = {"crawl": "0" * 16 + "-" + "0" * 16, "at": 100}
    events = list(source(site, tmp_path).documents(checkpoint=state))
    assert len(documents(site, events)) == 4
    assert isinstance(events[-1], Complete)


def test_a_run_that_goes_on_late_finds_its_queue_or_begins_anew(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "CHECKPOINT_EVERY", 2)
    events = list(source(site, tmp_path).documents())
    (state, *_) = [event.state for event in events if isinstance(event, Checkpoint)]
    for _ in range(4):  # each run removes old queues, perhaps also the one to go on with
        other = source(site, tmp_path).documents()
        next(other)
        resumed = list(source(site, tmp_path).documents(checkpoint=state))
        assert {*documents(site, resumed), "/", "/a"} == set(documents(site, events))
        assert isinstance(resumed[-1], Complete)
    begun = {**state, "at": 4_000}
    anew = list(source(site, tmp_path).documents(checkpoint=begun))
    assert documents(site, anew) == documents(site, events)


def test_a_failure_before_the_checkpoint_keeps_the_resumed_run_from_completing(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/"] = page(*(f"/{n}" for n in range(120)))
    for n in range(120):
        site.pages[f"/{n}"] = page(text=f"page {n}")
    site.pages["/5"] = BROKEN
    first = list(source(site, tmp_path).documents())
    checkpoint = next(event for event in first if isinstance(event, Checkpoint))
    resumed = list(source(site, tmp_path).documents(checkpoint=checkpoint.state))
    assert failed(site, resumed) == {}
    assert not isinstance(resumed[-1], Complete)


def test_single_pages_are_asked_for_alone(site: Site, tmp_path: Path) -> None:
    listing(source(site, tmp_path))
    site.pages["/a"] = BROKEN
    del site.pages["/b"]
    site.forget()
    connector = source(site, tmp_path)
    events = list(connector.again([site.url + path for path in ("/a", "/b", "/a/deep")]))
    assert (failed(site, events), gone(site, events)) == ({"/a": "unreachable"}, ["/b"])
    assert documents(site, events) == ["/a/deep"]
    assert site.paths() == ["/a", "/b", "/a/deep"]


def test_a_new_audience_is_told_without_visiting_the_pages(site: Site, tmp_path: Path) -> None:
    before = listing(source(site, tmp_path))
    site.pages["/a"] = BROKEN  # it keeps its place in the list, or its readers would keep it
    site.forget()
    permissions = list(source(site, tmp_path, audience=["user:ana@example.com"]).permissions())
    assert site.paths() == ["/"]
    assert len(permissions) == len(upserts(before)) + 1
    assert {str(getattr(each, "acl", "")) for each in permissions[:-1]} != {""}


def test_content_that_went_away_after_the_listing_is_a_failure_of_its_document(
    site: Site, tmp_path: Path
) -> None:
    connector = source(site, tmp_path)
    found = next(
        each for each in connector.documents() if isinstance(each, Upsert) and each.external_id.endswith("/b")
    )
    found.fetch()
    del site.pages["/b"]
    with pytest.raises(DocumentFailure) as raised:
        found.fetch()
    assert raised.value.code is FailureCode.GONE
    connector.close()

"""WebDAV against Apache and wsgidav, and against a server that says what it is told to say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.acl import EVERYONE, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Pace, Stopped
from connectors.sdk.contract import BytesContent, Checkpoint, Complete, Connector, Event, Failure
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import Node
from connectors.sources.webdav.connector import WebdavTree
from connectors.sources.webdav.multistatus import Base, NotUnderstood, read_multistatus
from tests.common.scripted_server import reply
from tests.connectors.conformance import ANA as ANA_ADDRESS
from tests.connectors.conformance import BOB as BOB_ADDRESS
from tests.connectors.conformance import World, check_listing, listed, sees, upserts
from tests.connectors.hostile import NetworkConformance
from tests.connectors.hostile_proxy import Spoil
from tests.connectors.servers.apache_dav import apache_dav
from tests.connectors.servers.cutting_proxy import cutting_proxy
from tests.connectors.servers.dav_server import wsgi_dav
from tests.connectors.servers.programs import free_port, needs_root
from tests.connectors.servers.scripted_web import Reply, Script, scripted_web
from tests.connectors.sources.tree_world import LOOPBACK
from tests.connectors.sources.webdav_world import WebdavBehindProxy, WebdavWorld, WsgidavBehindProxy

ANA = user("ana@example.com")


@pytest.fixture(scope="module", autouse=True)
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with apache_dav() as apache, wsgi_dav(tmp_path_factory.mktemp("wsgidav")) as wsgidav:
        WebdavWorld.server, WsgidavBehindProxy.server = apache, wsgidav
        yield


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    WebdavWorld.close_all()


@pytest.fixture
def world(tmp_path: Path) -> WebdavWorld:
    return WebdavWorld(tmp_path)


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_web() as script:
        yield script


class TestWebdav(NetworkConformance):
    make_world = WebdavBehindProxy
    many = 10

    @pytest.fixture(autouse=True)
    def _small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.sdk.tree_source.CHECKPOINT_EVERY", 3)

    def furnish(self, world: World) -> None:
        """One document in folders, and one with a companion, so that each is asked for."""
        super().furnish(world)
        assert isinstance(world, WebdavWorld)
        world.delete("회의록.txt")
        world.put("깊은/곳/회의록.txt", "셋째 문서")
        entries = [{"Name": name, "Type": "USER", "Access": "ALLOW"} for name in (ANA_ADDRESS, BOB_ADDRESS)]
        world.companion("a.txt", {"Title": "First", "AccessControlList": entries})


class TestWsgidav(TestWebdav):
    make_world = WsgidavBehindProxy


def spoilt(status: int, body: bytes = b"", **headers: str) -> Spoil:
    """This answer instead of the real one."""
    return lambda given: reply(status, body, **headers)


SUITES = (TestWebdav, TestWsgidav)


def failures(events: Sequence[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def open_to_all(url: str) -> Connector:
    """The folder at this address for everyone, without an access file."""
    return WebdavWorld.built({"url": url, "audience": ["everyone"]}, {})


def test_hostile_names_are_names(world: WebdavWorld) -> None:
    names = [
        "-rf.txt",
        "[a]*.txt",
        "a b?c#d&e;f%2F.txt",
        "%41.txt",
        "한 글/문 서.txt",
        "quote'\".txt",
        "a+b.txt",
    ]
    for name in names:
        world.put(name, name)
    found = upserts(check_listing(world.connector()))
    assert list(found) == sorted(names)
    assert [found[name].fetch() for name in names] == [BytesContent(name.encode()) for name in names]
    assert found["a b?c#d&e;f%2F.txt"].url == f"{world.url}{quote('a b?c#d&e;f%2F.txt', safe='')}"


@pytest.mark.parametrize("name", [b"a\xff.txt", "a\u202eb.txt".encode(), b"deep/" * 120 + b"x.txt"])
def test_a_name_that_cannot_be_an_id_costs_only_itself(world: WebdavWorld, name: bytes) -> None:
    world.put("z.txt", "x")
    path = os.path.join(os.fsencode(world.root), name)  # noqa: PTH118 - Path has no bytes
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.write(b"x")
    events = check_listing(world.connector())
    assert list(upserts(events)) == ["z.txt"]
    [failure] = failures(events)
    assert failure.code is FailureCode.UNREADABLE


def test_a_closed_folder_is_exempt_and_a_closed_file_fails_alone(world: WebdavWorld) -> None:
    needs_root("to close files to the server")
    for name in ("a.txt", "closed/b.txt", "shut.txt", "gone.txt"):
        world.put(name, "x")
    (world.root / "closed").chmod(0o700)
    events = check_listing(world.connector())
    assert failures(events) == [
        Failure("closed/", FailureCode.UNLISTED, "The server answers 403.", is_prefix=True)
    ]
    assert isinstance(events[-1], Complete)
    (world.root / "shut.txt").chmod(0o600)
    world.delete("gone.txt")
    for name, code in (("shut.txt", FailureCode.REFUSED), ("gone.txt", FailureCode.GONE)):
        with pytest.raises(DocumentFailure) as failed:
            upserts(events)[name].fetch()
        assert failed.value.code is code


def test_a_large_file_comes_whole_and_one_over_the_limit_is_refused(world: WebdavWorld) -> None:
    data = os.urandom(1_000_003)
    (world.root / "large.bin").write_bytes(data)
    found = upserts(listed(world.connector()))["large.bin"]
    assert (found.size, found.media_type) == (len(data), "")
    assert found.fetch() == BytesContent(data)
    limited = world.built(world.config(), surroundings=replace(LOOPBACK, max_content_bytes=len(data) - 1))
    with pytest.raises(DocumentFailure) as failed:
        upserts(listed(limited))["large.bin"].fetch()
    assert failed.value.code is FailureCode.TOO_LARGE


def test_many_threads_fetch_while_the_listing_goes_on(world: WebdavWorld) -> None:
    for number in range(40):
        world.put(f"{number:02}.txt", f"document {number}")
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(e.fetch) for e in world.connector().documents() if hasattr(e, "fetch")]
        assert [each.result() for each in waiting] == [
            BytesContent(f"document {n}".encode()) for n in range(40)
        ]


def test_companions_describe_and_narrow_and_broken_ones_hide(world: WebdavWorld) -> None:
    for name in ("a.txt", "b.txt", "Plan.txt"):
        world.put(name, "x")
    world.set_acl("a.txt", allow=["user:ana@example.com", "group:staff"])
    entries = [{"Name": "staff", "Type": "GROUP", "Access": "DENY"}]
    entries.append({"Name": "ana@example.com", "Type": "USER", "Access": "ALLOW"})
    world.companion("a.txt", {"Title": "회의", "AccessControlList": entries})
    world.companion("b.txt", b"{")
    world.companion("plan.txt", {})
    events = check_listing(world.connector(audience=["everyone"]))
    assert upserts(events)["a.txt"].title == "회의"
    assert sees(events, "a.txt", ANA)
    assert {(f.external_id, f.hide) for f in failures(events)} == {("b.txt", True), ("Plan.txt", True)}


def test_an_access_file_that_is_missing_hides_everything(world: WebdavWorld) -> None:
    world.put("a.txt", "x")
    (world.root / "access.json").unlink()
    connector = world.connector(audience=["everyone"])
    assert not sees(check_listing(connector), "a.txt", EVERYONE)
    assert [item.step for item in connector.check() if not item.ok] == ["read permissions"]


def test_a_file_written_this_second_is_read_once_more_later(world: WebdavWorld) -> None:
    path = world.root / world.put("a.txt", "x")
    settled = upserts(listed(world.connector()))["a.txt"].version
    os.utime(path)
    assert upserts(listed(world.connector()))["a.txt"].version.endswith("-new")
    world.age(path)
    aged = upserts(listed(world.connector()))["a.txt"].version
    assert not aged.endswith("-new")
    assert aged != settled


# Whom it asks, and what for. -----------------------------------------------------------------


def test_wrong_or_missing_credentials_are_for_the_administrator_and_are_never_shown(
    world: WebdavWorld,
) -> None:
    world.put("a.txt", "x")
    without = {name: value for name, value in world.config().items() if name != "user"}
    for connector in (world.built(world.config(), {"password": "wrong horse"}), world.built(without, {})):
        with pytest.raises(Reconfigure, match="401") as refused:
            listed(connector)
        assert "horse" not in str(refused.value)
        [item] = connector.check()
        assert (item.step, item.ok) == ("sign-in", False)


def test_a_password_that_is_revoked_in_mid_run_ends_it(world: WebdavWorld) -> None:
    world.put("a.txt", "x")
    users = world.server.root.parent / "users"
    found = upserts(listed(world.connector()))["a.txt"]
    before = users.read_text(encoding="utf-8")
    users.write_text("", encoding="utf-8")
    try:
        with pytest.raises(Reconfigure):
            found.fetch()
    finally:
        users.write_text(before, encoding="utf-8")


def test_a_private_address_is_refused_unless_it_is_allowed(world: WebdavWorld) -> None:
    connector = world.built(world.config(), surroundings=replace(LOOPBACK, network=Network()))
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(connector)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_silent_or_hangs_up_is_tried_again(world: WebdavWorld) -> None:
    with pytest.raises(Retry):
        listed(world.connector(url=f"http://127.0.0.1:{free_port()}/"))
    port = int(world.server.url.rpartition(":")[2].partition("/")[0])
    for after_bytes in (0, 200):
        with cutting_proxy(port, after_bytes=after_bytes) as own, pytest.raises(Retry):
            listed(world.connector(url=world.url.replace(str(port), str(own))))


def test_a_resumed_run_asks_for_no_folder_before_its_checkpoint(
    world: WebdavWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b", "c"):
        for number in range(60):
            world.put(f"{folder}/{number:02}.txt", "x")
    events = listed(world.connector())
    [checkpoint] = [event for event in events if isinstance(event, Checkpoint)]
    asked: list[tuple[str, ...]] = []
    real = WebdavTree.children

    def children(tree: WebdavTree, folder: tuple[str, ...]) -> Sequence[Node]:
        asked.append(folder)
        return real(tree, folder)

    monkeypatch.setattr(WebdavTree, "children", children)
    resumed = list(world.connector().documents(checkpoint=checkpoint.state))
    assert asked == [(), ("b",), ("c",)]
    assert list(upserts(resumed)) == list(upserts(events))[100:]


def test_a_run_that_is_stopped_ends_between_two_requests(world: WebdavWorld) -> None:
    for number in range(5):
        world.put(f"{number}/a.txt", "x")
    stops: list[bool] = []
    surroundings = Surroundings(LOOPBACK.network, Pace(), lambda: bool(stops))
    run = world.built(world.config(), surroundings=surroundings).documents()
    next(run)
    stops.append(True)
    with pytest.raises(Stopped):
        list(run)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), Stop),
        (Reply(403), Reconfigure),
        (Reply(405), Reconfigure),
        (Reply(500), Retry),
        (Reply(200, b"<html/>"), Reconfigure),
        (Reply(301, headers=(("Location", "http://127.0.0.1:1/"),)), Reconfigure),
        (Reply(503, headers=(("Retry-After", "3600"),)), Retry),
        (Reply(207, b"<html/>"), Reconfigure),
    ],
)
def test_what_the_root_answers_says_what_to_do(script: Script, reply: Reply, error: type[Exception]) -> None:
    script.replies["PROPFIND", "/d/"] = reply
    with pytest.raises(error):
        listed(open_to_all(f"http://127.0.0.1:{script.port}/d"))
    assert set(script.asked) == {("PROPFIND", "/d/")}


# What a hostile server may say. --------------------------------------------------------------

FOLDER = "<D:resourcetype><D:collection/></D:resourcetype>"
FILE = "<D:resourcetype/><D:getetag>&quot;1&quot;</D:getetag>"


def response(href: str, props: str = FILE, *, status: str = "HTTP/1.1 200 OK", more: str = "") -> str:
    return (
        f"<D:response><D:href>{href}</D:href>{more}<D:propstat><D:prop>{props}</D:prop>"
        f"<D:status>{status}</D:status></D:propstat></D:response>"
    )


def multistatus(*responses: str, head: str = "") -> bytes:
    return f'{head}<D:multistatus xmlns:D="DAV:">{"".join(responses)}</D:multistatus>'.encode()


def serve(script: Script, *children: str, itself: str = response("/d/", FOLDER)) -> Connector:
    """A folder /d/ with the file ok.txt, and `children` in its folder /d/sub/."""
    root = multistatus(itself, response("/d/ok.txt"), response("/d/sub/", FOLDER))
    script.replies["PROPFIND", "/d/"] = Reply(body=root)
    script.replies["PROPFIND", "/d/sub/"] = Reply(body=multistatus(response("/d/sub/", FOLDER), *children))
    script.replies["GET", "/d/ok.txt"] = Reply(200, b"fine")
    return open_to_all(f"http://127.0.0.1:{script.port}/d/")


@pytest.mark.parametrize(
    "href",
    [
        "http://evil.example/d/sub/x.txt",
        "//evil.example/d/sub/x.txt",
        "/d/other/x.txt",
        "/d/sub/../x.txt",
        "/d/sub/%2e%2e/x.txt",
        "/d/sub/..%2Fx.txt",
        "/d/sub/a%2Fb.txt",
        "/d/sub//x.txt",
        "/d/sub/./x.txt",
        "/d/sub/deep/x.txt",
        "/d/sub/x.txt?a=b",
        "/d/sub/x.txt#a",
        "x.txt",
        "",
        "/",
        "file:///etc/passwd",
        "http://[::1",
        "/d/sub/",
    ],
)
def test_an_entry_that_does_not_belong_to_its_folder_spoils_that_listing_only(
    script: Script, href: str
) -> None:
    events = check_listing(serve(script, response("/d/sub/good.txt"), response(href)))
    assert list(upserts(events)) == ["ok.txt"]
    [failure] = failures(events)
    assert (failure.external_id, failure.code, failure.is_prefix) == ("sub/", FailureCode.UNLISTED, True)
    assert isinstance(events[-1], Complete)
    assert all(path.startswith("/d/") for _, path in script.asked)


def test_an_address_may_name_its_own_server_in_full_and_be_spelt_otherwise(script: Script) -> None:
    connector = serve(
        script,
        response(f"HTTP://127.0.0.1:{script.port}/d/%73ub/x.txt"),
        response("/d/sub/\ud55c.txt"),
        response("/d/sub/%ED%95%9C2.txt"),
    )
    assert list(upserts(check_listing(connector))) == [
        "ok.txt",
        "sub/x.txt",
        "sub/\ud55c.txt",
        "sub/\ud55c2.txt",
    ]


BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "body",
    [
        multistatus(response("/d/sub/", FOLDER), response("/d/sub/&c;.txt"), head=BOMB),
        multistatus(response("/d/sub/", FOLDER), response("/d/sub/&c;.txt"), head=OUTSIDE),
        multistatus(response("/d/sub/", FOLDER), response("/d/sub/x.txt"), head="<!DOCTYPE a>"),
        multistatus(response("/d/sub/", FOLDER), response("/d/sub/x.txt"))[:-9],
        multistatus(response("/d/sub/x.txt")),
        multistatus(response("/d/sub/", FOLDER), response("/d/sub/x.txt"), response("/d/sub/x.txt")),
        multistatus("<D:response><D:status>HTTP/1.1 200 OK</D:status></D:response>"),
        multistatus(response("/d/sub/", FOLDER, more="<D:status>HTTP/1.1 507 Full</D:status>")),
        b"<multistatus/>",
        b"",
        b"\xff\xfe\x00",
    ],
    ids=["bomb", "outside", "doctype", "cut", "not itself", "twice", "no address", "part", "other", "empty",
         "bytes"],
)  # fmt: skip
def test_a_listing_that_is_not_understood_is_not_used(script: Script, body: bytes) -> None:
    connector = serve(script)
    script.replies["PROPFIND", "/d/sub/"] = Reply(body=body)
    events = check_listing(connector)
    assert list(upserts(events)) == ["ok.txt"]
    assert [(f.external_id, f.is_prefix) for f in failures(events)] == [("sub/", True)]


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(200, b"<html/>"), Reply(302, headers=(("Location", "/"),))]
)
def test_a_folder_that_answers_something_else_is_exempt(script: Script, reply: Reply) -> None:
    connector = serve(script)
    script.replies["PROPFIND", "/d/sub/"] = reply
    events = check_listing(connector)
    assert [(f.external_id, f.code) for f in failures(events)] == [("sub/", FailureCode.UNLISTED)]
    assert ("GET", "/") not in script.asked


def test_entries_of_which_nothing_is_known_are_reported_and_may_be_folders(script: Script) -> None:
    connector = serve(
        script,
        response("/d/sub/a.txt", more="<D:status>HTTP/1.1 403 Forbidden</D:status>"),
        response("/d/sub/b.txt", "<D:getetag>1</D:getetag>"),
        response("/d/sub/c.txt", status="HTTP/1.1 404 Not Found"),
        response("/d/sub/d.txt", "<D:resourcetype><D:redirectref/></D:resourcetype>"),
        "<D:response><D:href>/d/sub/e.txt</D:href><D:href>/d/sub/f.txt</D:href>"
        "<D:status>HTTP/1.1 423 Locked</D:status></D:response>",
    )
    events = check_listing(connector)
    assert [(f.external_id, f.is_prefix) for f in failures(events)] == [
        (f"sub/{name}.txt", True) for name in "abcef"
    ]
    assert list(upserts(events)) == ["ok.txt"]


def test_a_folder_is_gone_when_it_is_no_folder_and_in_doubt_when_it_is_named_and_not_there(
    script: Script,
) -> None:
    connector = serve(script)
    script.replies["PROPFIND", "/d/sub/"] = Reply(body=multistatus(response("/d/sub/")))
    assert failures(check_listing(connector)) == []
    del script.replies["PROPFIND", "/d/sub/"]
    assert [(f.external_id, f.is_prefix) for f in failures(check_listing(connector))] == [("sub/", True)]


def test_odd_sizes_times_and_types_are_left_out(script: Script) -> None:
    props = (
        "<D:resourcetype/><D:getcontentlength>-5</D:getcontentlength><D:getlastmodified>soon</D:getlastmodified>"
        "<D:getcontenttype>text/html; charset=x</D:getcontenttype>"
    )
    found = upserts(listed(serve(script, response("/d/sub/x", props))))["sub/x"]
    assert (found.size, found.modified, found.media_type) == (None, None, "text/html")


def test_where_nothing_tells_whether_a_file_changed_every_run_reads_it(script: Script) -> None:
    connector = serve(script, response("/d/sub/x.txt", "<D:resourcetype/>"))
    first, second = (upserts(listed(connector)) for _ in range(2))
    assert first["sub/x.txt"].version != second["sub/x.txt"].version
    assert first["ok.txt"].version == second["ok.txt"].version


@pytest.mark.usefixtures("impatient")
def test_content_that_redirects_or_breaks_off_is_not_read(script: Script) -> None:
    found = upserts(listed(serve(script)))["ok.txt"]
    script.replies["GET", "/d/ok.txt"] = Reply(200, b"fine", headers=(("ETag", '"1"'),))
    assert found.fetch() == BytesContent(b"fine")
    script.replies["GET", "/d/ok.txt"] = Reply(302, headers=(("Location", "/secret"),))
    with pytest.raises(DocumentFailure):
        found.fetch()
    assert ("GET", "/secret") not in script.asked
    script.replies["GET", "/d/ok.txt"] = Reply(200, b"half", cut=True)
    with pytest.raises(Retry):
        found.fetch()
    script.replies["GET", "/d/ok.txt"] = Reply(206, b"part")
    with pytest.raises(DocumentFailure):
        found.fetch()


@pytest.mark.parametrize(
    ("length", "body", "taken"), [("4", b"fine", True), ("", b"fine", True), ("9", b"<form>", False)]
)
def test_content_without_a_stamp_must_be_as_long_as_the_file(
    script: Script, length: str, body: bytes, taken: bool
) -> None:
    found = upserts(listed(serve(script)))["ok.txt"]
    props = f"<D:resourcetype/><D:getcontentlength>{length}</D:getcontentlength>"
    script.replies["PROPFIND", "/d/ok.txt"] = Reply(body=multistatus(response("/d/ok.txt", props)))
    script.replies["GET", "/d/ok.txt"] = Reply(200, body)
    if taken:
        assert found.fetch() == BytesContent(body)
        return
    with pytest.raises(DocumentFailure) as failed:
        found.fetch()
    assert failed.value.code is FailureCode.UNREACHABLE


@pytest.mark.parametrize("name", ["access.json", "groups.json"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (spoilt(403), Reconfigure),
        (spoilt(302, location="/login"), Reconfigure),
        (spoilt(404), Retry),
        (spoilt(500), Retry),
        (spoilt(200, b"<form action=login>"), Retry),
    ],
    ids=["refused", "leads elsewhere", "not there, and listed", "fails", "a page to sign in"],
)
def test_a_file_of_rights_that_is_not_handed_over_changes_no_permission(
    tmp_path: Path, name: str, answer: Spoil, error: type[Exception]
) -> None:
    with closing(WebdavBehindProxy(tmp_path)) as world:
        world.put("a.txt", "x")
        connector = world.connector()
        world.proxy.spoil(answer, at=0)
        with pytest.raises(error, match=name):
            list(connector.documents() if name == "access.json" else connector.principals())


def test_a_companion_that_is_not_handed_over_leaves_its_file_as_it_was(tmp_path: Path) -> None:
    with closing(WebdavBehindProxy(tmp_path)) as world:
        for name in ("a.txt", "b.txt"):
            world.put(name, "x")
        world.companion("a.txt", {"Title": "Plan"})
        world.proxy.spoil(spoilt(403), at=3)  # after the access file, the root and its listing
        events = listed(world.connector())
    [failure] = failures(events)
    assert (failure.external_id, failure.code, failure.hide) == ("a.txt", FailureCode.REFUSED, False)
    assert list(upserts(events)) == ["b.txt"]


def test_an_address_with_more_than_a_path_is_refused(script: Script) -> None:
    for tail in ("?a=b", "#x", "/../e"):
        with pytest.raises(Reconfigure):
            listed(open_to_all(f"http://127.0.0.1:{script.port}/d{tail}"))
    assert script.asked == []


@given(st.text(max_size=40))
def test_any_address_is_refused_or_lies_below_the_folder(href: str) -> None:
    base = Base.of("https://files.example.com/d/")
    try:
        parts = base.parts_of(href)
    except NotUnderstood:
        return
    assert not {"", ".", ".."} & set(parts)
    assert not any("/" in part for part in parts)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_no_listing(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_multistatus(body, Base.of("https://files.example.com/d/"))

"""The connector of DokuWiki against a real one: the suite, and what is peculiar to it."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.acl import EVERYONE, PrincipalKind, PrincipalRef, account, group, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Stopped
from connectors.sdk.contract import Account, Complete, Failure, GroupMembers, Upsert
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sources.dokuwiki.remote import Fault, RemoteWiki
from connectors.sources.dokuwiki.rules import rules_of
from connectors.sources.dokuwiki.wiki_text import as_markdown
from tests.connectors.conformance import (
    World,
    check_listing,
    lets_in,
    listed,
    text_of,
    upserts,
)
from tests.connectors.hostile import NetworkConformance
from tests.connectors.hostile_proxy import DISGUISED_TROUBLE
from tests.connectors.servers.babbling import garbage
from tests.connectors.servers.dokuwiki import PASSWORD, ROBOT, DokuWiki, dokuwiki_server
from tests.connectors.servers.programs import free_port
from tests.connectors.sources.dokuwiki_world import LOOPBACK, DokuWikiWorld, connector_of

MANY = 100_000

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DokuWiki]:
    """One wiki for the module."""
    with dokuwiki_server(tmp_path_factory.mktemp("dokuwiki")) as wiki:
        yield wiki


@pytest.fixture
def wiki(server: DokuWiki) -> DokuWiki:
    """The wiki, empty."""
    server.reset()
    return server


class TestDokuWiki(NetworkConformance):
    make_world = DokuWikiWorld
    many = 10

    @pytest.fixture(autouse=True)
    def _wiki(self, server: DokuWiki, monkeypatch: pytest.MonkeyPatch) -> None:
        DokuWikiWorld.wiki = server
        monkeypatch.setattr("connectors.sources.dokuwiki.connector.CHECKPOINT_EVERY", 3)

    def test_groups_come_with_their_members(self, world: World) -> None:
        """Groups of a wiki hold accounts only, and there is always the robot's."""
        world.set_group("board", ["user:carol@example.com"])
        found = {
            event.group: set(map(str, event.members))
            for event in world.connector().principals()
            if isinstance(event, GroupMembers) and "%" not in event.group
        }
        assert found == {
            "admin": {f"user:{ROBOT}@example.com"},
            "staff": {"user:bob@example.com", "user:carol@example.com"},
            "board": {"user:carol@example.com"},
        }


class Robots:
    """The wiki as each of its users sees it. Each is asked on connections of its own, which stay open."""

    def __init__(self, wiki: DokuWiki) -> None:
        self._wiki = wiki
        self._open: dict[str, RemoteWiki] = {}

    def __getitem__(self, login: str) -> RemoteWiki:
        if login not in self._open:
            made = RemoteWiki(LOOPBACK, url=self._wiki.url, user=login, password=PASSWORD)
            made.sign_in()
            self._open[login] = made
        return self._open[login]

    def close(self) -> None:
        """Close all connections."""
        for each in self._open.values():
            each.close()


@pytest.fixture(scope="module")
def robots(server: DokuWiki) -> Iterator[Robots]:
    """Everybody who is asked what they may read."""
    asked = Robots(server)
    yield asked
    asked.close()


def reads(wiki: RemoteWiki, page: str) -> bool:
    """Whether the wiki shows the page to whom it is asked as."""
    try:
        return "SECRET" in str(wiki.call("wiki.getPage", page))
    except Fault:
        return False


def holdings(wiki: DokuWiki) -> dict[str, list[PrincipalRef]]:
    """By login, the principals that the connector reports for it."""
    events = list(connector_of(wiki).principals())
    assert isinstance(events[-1], Complete)
    return {
        login: [
            account(login),
            *(
                group(each.group)
                for each in events
                if isinstance(each, GroupMembers) and account(login) in each.members
            ),
        ]
        for login in (each.id for each in events if isinstance(each, Account))
    }


def disagreements(wiki: DokuWiki, robots: Robots) -> list[str]:
    """Where the connector and the wiki do not agree about who reads what."""
    found = upserts(listed(connector_of(wiki)))
    return [
        f"{login} reads {page}"
        for login, held in holdings(wiki).items()
        for page in PAGES
        if reads(robots[login], page) != lets_in(found[page].acl, *held)
    ]


PAGES = [
    "start",
    "hr:pay",
    "hr:open",
    "hr:boss:bonus",
    "user:ann:notes",
    "user:bob:notes",
    "team:dev:plan",
    "0:x",
    "0:y:z",
]
RULE_SETS = {
    "nothing is open": ["* @ALL 0"],
    "no rule at all": [],
    "everybody reads": ["* @ALL 1"],
    "a namespace closes": ["* @ALL 1", "hr:* @ALL 0", "hr:* @hr 1"],
    "a page opens in a closed namespace": ["* @ALL 0", "hr:open @user 1"],
    "the highest right of one level counts": ["* @user 0", "* @hr 1", "* ann 0", "* bob 2"],
    "a nearer level beats": ["* @user 8", "hr:* bob 0", "hr:boss:* @hr 1", "hr:pay bob 1"],
    "own places": ["* @user 1", "user:* @ALL 0", "user:%USER%:* %USER% 16"],
    "own places are shown to colleagues": ["* @ALL 0", "user:%USER%:* @hr 1"],
    "places of groups": ["* @ALL 0", "team:%GROUP%:* %GROUP% 8"],
    "whoever is signed in": ["* @ALL 0", "hr:* %USER% 1", "team:* %GROUP% 1"],
    "a namespace that PHP takes for false": ["* @ALL 1", "0:* @ALL 0"],
    "names in percent form": ["* @ALL 0", "hr:* kim%2elee 1", "team:* @dev%2dops 1", "user:* kim.lee 1"],
    "comments and tabs": ["# first", "*\t@ALL\t0 # nobody", "hr:*   bob  \t 1#bob"],
    "an admin in the rules is none": ["* @ALL 0", "hr:* ann 255"],
    "another case is another name": ["* @ALL 0", "hr:* @HR 1", "team:* Ann 1"],
    "somebody who left": ["* @ALL 1", "hr:* gone 0"],
}


@pytest.mark.parametrize("rules", RULE_SETS.values(), ids=RULE_SETS.keys())
def test_the_rules_let_in_exactly_whom_the_wiki_lets_in(
    wiki: DokuWiki, robots: Robots, rules: list[str]
) -> None:
    people(wiki)
    wiki.set_rules(*rules)
    assert disagreements(wiki, robots) == []


def test_random_rules_let_in_exactly_whom_the_wiki_lets_in(wiki: DokuWiki, robots: Robots) -> None:
    people(wiki)
    chance = random.Random(5)
    scopes = [
        "*",
        "hr:*",
        "hr:boss:*",
        "hr:pay",
        "user:*",
        "user:%USER%:*",
        "team:%GROUP%:*",
        "team:*",
        "0:*",
        "start",
    ]
    subjects = ["@ALL", "@user", "@hr", "@dev", "ann", "bob", "%USER%", "%GROUP%", "kim%2elee"]
    for _ in range(6):
        rules = [
            f"{chance.choice(scopes)} {chance.choice(subjects)} {chance.choice([0, 0, 1, 8])}"
            for _ in range(chance.randrange(2, 9))
        ]
        wiki.set_rules(*rules)
        assert disagreements(wiki, robots) == [], rules


def people(wiki: DokuWiki) -> None:
    """Four people and the pages that everybody is asked about."""
    for login, groups in (
        ("ann", ["user", "dev"]),
        ("bob", ["user", "hr"]),
        ("kim.lee", ["user", "dev-ops"]),
        ("sam", []),
    ):
        wiki.set_user(login, f"{login}@example.com", groups)
    for page in PAGES:
        wiki.put_page(page, "SECRET")


def test_superusers_read_everything_and_managers_do_not(wiki: DokuWiki, robots: Robots) -> None:
    people(wiki)
    wiki.configure(manager="@hr")
    wiki.set_rules("* @ALL 0", "* bob 0")
    assert disagreements(wiki, robots) == []
    acl = upserts(listed(connector_of(wiki)))["hr:pay"].acl
    assert lets_in(acl, group("admin"))
    silent = upserts(listed(connector_of(wiki, superusers=[])))["hr:pay"].acl
    assert not lets_in(silent, group("admin"))


def test_files_have_the_rights_of_their_namespace(wiki: DokuWiki) -> None:
    people(wiki)
    wiki.put_media("hr:list.txt", b"wages")
    wiki.put_media("logo.txt", b"logo")
    wiki.put_media("logo.png", b"no text in it")
    wiki.put_page("hr:list.txt", "a page of the same name")
    wiki.set_rules("* @user 1", "hr:* @hr 1", "hr:* @user 0", "hr:list.txt @ALL 1")
    found = upserts(check_listing(connector_of(wiki)))
    assert lets_in(found["media/hr:list.txt"].acl, group("hr"))
    assert not lets_in(found["media/hr:list.txt"].acl, group("user"))
    assert lets_in(found["hr:list.txt"].acl, account("sam"))
    assert lets_in(found["media/logo.txt"].acl, group("user"))
    assert "media/logo.png" not in found
    assert text_of(found["media/hr:list.txt"].fetch()) == "wages"
    assert not any(each.startswith("media/") for each in upserts(listed(connector_of(wiki, files=False))))


@pytest.mark.parametrize("trouble", DISGUISED_TROUBLE)
def test_an_answer_that_is_not_the_uploaded_file_is_not_taken_for_it(
    server: DokuWiki, tmp_path: Path, trouble: str
) -> None:
    DokuWikiWorld.wiki = server
    with closing(DokuWikiWorld(tmp_path)) as world:
        server.put_media("hr:list.txt", b"wages")
        found = upserts(listed(world.connector()))["media/hr:list.txt"]
        world.proxy.spoil(DISGUISED_TROUBLE[trouble], at=0)
        with pytest.raises(DocumentFailure) as failure:
            found.fetch()
        assert failure.value.code is FailureCode.UNREACHABLE
        server.put_media("hr:list.txt", b"more wages")
        assert text_of(found.fetch()) == "more wages"


def test_pages_come_as_markdown_with_their_address(wiki: DokuWiki) -> None:
    wiki.put_page(
        "hr:휴가", "====== 휴가 규정 ======\n연차는 **15일**입니다. [[hr:pay|급여]]\n\n  * 하나\n  * 둘\n"
    )
    found = upserts(listed(connector_of(wiki)))["hr:휴가"]
    assert text_of(found.fetch()).strip().startswith("# 휴가 규정")
    assert "**15일**입니다. 급여" in text_of(found.fetch())
    assert found.url == f"{wiki.url}/doku.php?id=hr:%ED%9C%B4%EA%B0%80"
    assert found.modified is not None


def test_a_page_that_is_gone_is_not_its_namespaces_template(wiki: DokuWiki) -> None:
    wiki.put_page("hr:pay", "wages")
    (wiki.page_file("hr:pay").parent / "_template.txt").write_text("template", encoding="utf-8")
    found = upserts(listed(connector_of(wiki)))["hr:pay"]
    wiki.delete_page("hr:pay")
    with pytest.raises(DocumentFailure) as failure:
        found.fetch()
    assert failure.value.code is FailureCode.GONE


def test_a_page_that_changed_since_the_listing_is_given_as_it_is_now(wiki: DokuWiki) -> None:
    wiki.put_page("hr:pay", "wages")
    found = upserts(listed(connector_of(wiki)))["hr:pay"]
    wiki.put_page("hr:pay", "more wages")
    assert text_of(found.fetch()) == "more wages"


def test_two_edits_within_a_second_are_two_versions(wiki: DokuWiki) -> None:
    wiki.put_page("start", "one 1")
    os.utime(wiki.page_file("start"), (1_700_000_000, 1_700_000_000))
    first = upserts(listed(connector_of(wiki)))["start"].version
    wiki.put_page("start", "one 2")
    os.utime(wiki.page_file("start"), (1_700_000_000, 1_700_000_000))
    assert upserts(listed(connector_of(wiki)))["start"].version != first


@pytest.mark.parametrize(
    "name", ["Foo Bar", "a%01b", "line%0abreak", "bad%ff", "turned%e2%80%aeround", "a__b/_c"]
)
def test_names_that_no_browser_can_ask_for_are_reported_and_not_read(wiki: DokuWiki, name: str) -> None:
    wiki.put_page("start", "fine")
    file = wiki.folder / "data" / "pages" / f"{name}.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text("hidden", encoding="utf-8")
    events = check_listing(connector_of(wiki))
    assert set(upserts(events)) == {"start"}
    assert isinstance(events[-1], Complete)


def test_a_long_name_is_reported(wiki: DokuWiki) -> None:
    wiki.put_page(":".join(["x" * 200] * 3), "deep")
    failures = [event for event in check_listing(connector_of(wiki)) if isinstance(event, Failure)]
    assert [failure.code for failure in failures] == [FailureCode.UNREADABLE]


def test_control_characters_in_a_page_do_not_stop_the_run(wiki: DokuWiki) -> None:
    wiki.put_page("start", "before \x01\x0c after ]]> &amp; <b>")
    assert "after ]]> &amp; <b>" in text_of(upserts(listed(connector_of(wiki)))["start"].fetch())


def test_a_page_over_the_limit_is_a_failure_of_that_page(wiki: DokuWiki) -> None:
    wiki.put_page("start", "x" * 50_000)
    small = replace(LOOPBACK, max_content_bytes=10_000)
    with pytest.raises(DocumentFailure) as failure:
        upserts(listed(connector_of(wiki, small)))["start"].fetch()
    assert failure.value.code is FailureCode.TOO_LARGE


def test_what_a_robot_without_superuser_rights_may_not_read_is_never_taken_for_deleted(
    wiki: DokuWiki,
) -> None:
    people(wiki)
    wiki.set_user("reader", "reader@example.com", ["user"])
    wiki.set_rules("* @user 1", "hr:* @hr 1", "hr:* @user 0", "team:dev:plan @ALL 0")
    events = listed(connector_of(wiki, user="reader"))
    unlisted = {event.external_id for event in events if isinstance(event, Failure)}
    assert unlisted == {"hr:", "media/hr:", "team:dev:plan"}
    assert {event.code for event in events if isinstance(event, Failure)} == {FailureCode.UNLISTED}
    assert "hr:pay" not in upserts(events)
    assert not all(item.ok for item in connector_of(wiki, user="reader").check())
    wiki.set_rules("* @user 1", "hr:* @hr 1", "hr:* reader 1", "hr:* @user 0")
    events = listed(connector_of(wiki, user="reader"))
    assert [event for event in events if isinstance(event, Failure)] == []
    assert "hr:pay" in upserts(events)


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("hr:* @user", {"hr:", "media/hr:"}),
        ("hr:pay @user -1", {"hr:pay"}),
        ("hr:pay @user all", {"hr:pay"}),
        ("user:%USER%:* %USER% x", {"user:", "media/user:"}),
        ("* @user １", {""}),
        ("hr\x07x @user 1", {"hr", "media/hr"}),
    ],
)
def test_a_rule_that_is_not_understood_hides_what_it_is_about(
    wiki: DokuWiki, line: str, hidden: set[str]
) -> None:
    people(wiki)
    wiki.set_rules("* @ALL 1", line)
    failures = [event for event in check_listing(connector_of(wiki)) if isinstance(event, Failure)]
    assert {event.external_id for event in failures if event.hide} == hidden
    assert not [item for item in connector_of(wiki).check() if item.step == "read permissions" and item.ok]


def test_logins_that_the_wiki_would_read_otherwise_are_nobody(wiki: DokuWiki) -> None:
    wiki.set_user("Ann", "ann@example.com", ["user"])
    wiki.set_user("jürgen", "j@example.com", ["user"])
    wiki.set_user("bob", "no address", ["Human Resources", "Staff"])
    events = list(connector_of(wiki).principals())
    assert {event for event in events if isinstance(event, Account)} == {
        Account("bob", ""),
        Account(ROBOT, f"{ROBOT}@example.com"),
    }
    groups = {event.group for event in events if isinstance(event, GroupMembers)}
    assert groups == {"admin", "staff", "%USER%", "%GROUP%"}


def test_a_denied_login_that_nobody_has_keeps_nobody_out(wiki: DokuWiki) -> None:
    rules = rules_of("hr:* gone 0\n* @ALL 1", people={})
    denied = [e.principal for c in rules.of_page("hr:pay").clauses for e in c.entries if not e.allow]
    assert denied == [group("login:gone")]
    wiki.set_rules("hr:* gone 0", "* @ALL 1")
    events = list(connector_of(wiki).principals())
    assert GroupMembers("login:gone", ()) in events


def test_a_wrong_password_is_for_the_administrator(wiki: DokuWiki) -> None:
    connector = connector_of(wiki, user="nobody")
    with pytest.raises(Reconfigure, match="does not let 'nobody' in") as error:
        listed(connector)
    assert PASSWORD not in str(error.value)
    assert [item.ok for item in connector.check() if item.step == "sign-in"] == [False]


def test_a_wiki_that_takes_no_remote_calls_is_for_the_administrator(wiki: DokuWiki) -> None:
    wiki.configure(remote=0)
    with pytest.raises(Reconfigure, match="remote"):
        listed(connector_of(wiki))


def test_a_missing_rules_file_lets_nobody_in(wiki: DokuWiki, tmp_path: Path) -> None:
    with pytest.raises(Reconfigure, match="cannot be read"):
        listed(connector_of(wiki, acl_file=str(tmp_path / "gone")))
    events = list(connector_of(wiki, users_file=str(tmp_path / "gone")).principals())
    assert [type(event) for event in events] == [Failure]


def test_a_host_that_is_silent_is_tried_later(wiki: DokuWiki) -> None:
    with pytest.raises(Retry):
        listed(connector_of(wiki, url=f"http://127.0.0.1:{free_port()}"))


def test_another_site_at_the_address_ends_the_run(wiki: DokuWiki) -> None:
    with pytest.raises(Stop):
        listed(connector_of(wiki, url=f"{wiki.url}/doku.php/nothing"))


def test_a_private_address_is_refused_unless_allowed(wiki: DokuWiki) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(connector_of(wiki, Surroundings(network=Network())))


def test_a_run_that_is_asked_to_stop_stops(wiki: DokuWiki) -> None:
    wiki.put_page("start", "x")
    asked = itertools.count()
    stopping = replace(LOOPBACK, stopped=lambda: next(asked) > 2)
    with pytest.raises(Stopped):
        listed(connector_of(wiki, stopping))


def test_accounts_carry_the_addresses_that_join_them_to_people(wiki: DokuWiki) -> None:
    wiki.set_user("ann", "Ann@Example.com", ["user"])
    events = list(connector_of(wiki).principals())
    assert Account("ann", "ann@example.com") in events
    assert user("ann@example.com").kind is PrincipalKind.USER
    assert not any(EVERYONE in event.members for event in events if isinstance(event, GroupMembers))


def test_every_listed_document_is_an_upsert_with_a_size(wiki: DokuWiki) -> None:
    wiki.put_page("start", "12345")
    found = [event for event in listed(connector_of(wiki)) if isinstance(event, Upsert)]
    assert [each.size for each in found] == [5]


def http(body: bytes, *, length: int | None = None) -> bytes:
    """An answer with this body; `length`: what it says of itself."""
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s" % (size, body)


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "1">]>
<methodResponse><params><param><value><boolean>&a;</boolean></value></param></params></methodResponse>"""


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http(b"<?xml version='1.0'?><methodResponse>", length=5_000), Retry),
        (http(ENTITIES), Stop),
        (http(b"<html>welcome</html>"), Stop),
        (http(b"<?xml version='1.0'?><methodResponse><params></params></methodResponse>"), Stop),
        (b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", Reconfigure),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", Retry),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", Reconfigure),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", Reconfigure),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n", Retry),
    ],
    ids=[
        "cut",
        "entities",
        "a web page",
        "no value",
        "redirect",
        "broken",
        "not signed in",
        "refused",
        "busy",
    ],
)
def test_an_answer_that_is_none_ends_the_run(wiki: DokuWiki, answer: bytes, error: type[Exception]) -> None:
    with garbage([answer]) as port, pytest.raises(error):
        listed(connector_of(wiki, url=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("written", "markdown"),
    [
        ("====== Top ======", "# Top"),
        ("== Small ==", "##### Small"),
        (" ==== One = two ===  \n== no\n======\n=no=", "### One = two\n\n== no\n======\n=no="),
        ("<sub>a</sub> <wrap box>b</wrap> 1 <sub 2", "a b 1 <sub 2"),
        ("a [[b:c]] and [[https://x.example|the page]]", "a b:c and the page"),
        ("see //this// at http://x.example/a//b", "see this at http://x.example/a//b"),
        ("{{:logo.png?200|Our logo}} {{page>other:secret}} ~~NOTOC~~", "Our logo"),
        ("%%**plain** <nowiki>//too//</nowiki>%%", "**plain** //too//"),
        ("<code php>if (a) { ''b''; }</code>", "```\nif (a) { ''b''; }\n```"),
        ("^ Name ^ Days ^\n| Ann | 15 |", "| Name | Days |\n| --- | --- |\n| Ann | 15 |"),
        ("  * one\n    * two\n  - three", "- one\n  - two\n1. three"),
        ("# no heading", "\\# no heading"),
        ("one \\\\ two", "one   \ntwo"),
    ],
)
def test_markup_becomes_markdown(written: str, markdown: str) -> None:
    assert as_markdown(written).strip() == markdown


@pytest.mark.parametrize(
    "written",
    ["==" + " " * MANY + "x", "=" * MANY + "x", "<sub " * MANY, "//x " * MANY, "%%" * MANY, "{{a|" * MANY],
    ids=range(6),
)
def test_no_page_takes_long_to_convert(written: str) -> None:
    started = time.process_time()
    as_markdown(written)
    assert time.process_time() - started < 6


SUITES = (TestDokuWiki,)

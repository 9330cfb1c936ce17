"""Shares as they really are: odd names, lost rights, broken connections, and what each refusal leads to."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.acl import NOBODY, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Pace, Stopped
from connectors.sdk.contract import BytesContent, Checkpoint, Complete, Event, Failure, Tombstone
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.names import id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sources.smb import connector as connector_module
from connectors.sources.smb import share as share_module
from connectors.sources.smb.connector import SmbConnector
from connectors.sources.smb.folder import DIRECTORY, REPARSE_POINT, SYSTEM, Listed, entries_in
from connectors.sources.smb.refusals import Refused, run_error
from connectors.sources.smb.share import Place, Share
from connectors.sources.smb.walk import Found, Walk, folder_parts
from tests.connectors.conformance import (
    ConnectorConformance,
    World,
    check_listing,
    lets_in,
    listed,
    sees,
    upserts,
)
from tests.connectors.servers.smb_client import ALLOW
from tests.connectors.sources.smb_world import LOOPBACK, SmbWorld, close_connectors

ANA, BOB = user("ana@example.com"), user("bob@example.com")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_connectors()


class TestSmb(ConnectorConformance):
    make_world = SmbWorld

    def test_broken_permissions_hide_the_document_and_not_its_neighbour(self, world: World) -> None:
        """A list that the server does not tell is not known: the last confirmed one stays for a while."""
        broken, sound = world.put("a.txt", "first"), world.put("b.txt", "second")
        world.break_acl("a.txt")
        events = check_listing(world.connector())
        assert upserts(events)[broken].acl is None
        assert not any(isinstance(event, Failure) for event in events)
        assert isinstance(events[-1], Complete)
        assert sees(events, sound, ANA)


SUITES = (TestSmb,)


@pytest.fixture
def world(tmp_path: Path) -> SmbWorld:
    return SmbWorld(tmp_path)


def failures(events: list[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def test_files_are_listed_in_the_order_of_their_paths_under_their_own_names(world: SmbWorld) -> None:
    for folder in ("a", "a/b", "a-b", "인사 팀"):
        world.make_folder(folder)
    names = [
        "a/b/c.txt",
        "a/b.txt",
        "a.txt",
        "a-b/x.txt",
        "B.txt",
        "인사 팀/보고서 (최종) #1 & co.txt",
        "a/b-c.txt",
    ]
    ids = [world.put(name, f"this is {name}") for name in names]
    found = upserts(check_listing(world.connector()))
    assert list(found) == sorted(ids)
    for name, external_id in zip(names, ids, strict=True):
        assert found[external_id].fetch() == BytesContent(f"this is {name}".encode())


def test_hidden_names_and_locks_of_editors_are_no_documents(world: SmbWorld) -> None:
    sound = world.put("a.txt", "x")
    for name in (".hidden", "~$plan.docx"):
        world.put(name, "x")
    assert list(upserts(check_listing(world.connector()))) == [sound]


def test_a_path_that_is_too_long_is_reported(world: SmbWorld) -> None:
    deep = "/".join(["x" * 120] * 4)
    for depth in range(1, 5):
        world.make_folder("/".join(["x" * 120] * depth))
    world.put(f"{deep}/{'y' * 60}.txt", "x")
    events = check_listing(world.connector())
    assert upserts(events) == {}
    (failure,) = failures(events)
    assert failure.code is FailureCode.UNREADABLE
    assert not id_problem(failure.external_id)


def test_a_large_file_comes_whole(world: SmbWorld) -> None:
    text = "".join(f"line {n}\n" for n in range(60_000))
    name = world.put("large.txt", text)
    assert upserts(listed(world.connector()))[name].fetch() == BytesContent(text.encode())


def test_a_file_over_the_limit_is_not_read_even_if_it_grew_meanwhile(world: SmbWorld) -> None:
    name = world.put("a.txt", "x")
    found = upserts(listed(world.connector_in(Surroundings(LOOPBACK, max_content_bytes=1000))))[name]
    world.put("a.txt", "x" * 2000)
    again = upserts(listed(world.connector_in(Surroundings(LOOPBACK, max_content_bytes=1000))))[name]
    for document in (found, again):
        with pytest.raises(DocumentFailure) as refused:
            document.fetch()
        assert refused.value.code is FailureCode.TOO_LARGE


def test_a_file_that_went_or_was_closed_since_it_was_listed_is_a_failure_of_its_own(world: SmbWorld) -> None:
    gone, closed = world.put("a.txt", "x"), world.put("b.txt", "x")
    found = upserts(listed(world.connector()))
    world.delete("a.txt")
    world.break_acl("b.txt")
    for name, code in ((gone, FailureCode.GONE), (closed, FailureCode.REFUSED)):
        with pytest.raises(DocumentFailure) as refused:
            found[name].fetch()
        assert refused.value.code is code


def test_a_folder_that_may_not_be_listed_keeps_what_is_known_below_it(world: SmbWorld) -> None:
    world.make_folder("closed", [])
    world.put("closed/a.txt", "x")
    sound = world.put("z.txt", "x")
    world.protect("closed", [world.entry(ALLOW, "user:ana@example.com")])
    events = check_listing(world.connector())
    assert list(upserts(events)) == [sound]
    (failure,) = failures(events)
    assert (failure.external_id, failure.is_prefix) == (f"{world.folder}/closed/", True)
    assert failure.code is FailureCode.UNLISTED


def test_the_people_file_names_who_stands_behind_sids_and_a_broken_one_hides_everything(
    world: SmbWorld,
) -> None:
    name = world.put("a.txt", "x")
    world.set_acl("a.txt", allow=["user:ana@example.com"])
    sid = world.server.sids["ana"]
    for text in (
        "[",
        "{}",
        '[{"sid": "ana", "is": "everyone"}]',
        '[{"sid": "S-1-5-32-544", "is": "all"}]',
        '[{"sid": "S-1-5-32-544", "is": "everyone", "note": "?"}]',
        json.dumps([{"sid": sid, "is": "user:ana@example.com"}] * 2),
        json.dumps([{"group": "staff", "members": []}] * 2),
    ):
        world.people_file.write_text(text)
        events = check_listing(world.connector())
        assert not sees(events, name, ANA)
        assert [(each.external_id, each.hide, each.is_prefix) for each in failures(events)] == [
            ("", True, True)
        ]
        assert not all(item.ok for item in world.connector().check())
    assert not lets_in(upserts(listed(world.connector(people_file=None)))[name].acl, ANA)


def test_a_group_of_the_server_may_have_its_sid_as_name(world: SmbWorld) -> None:
    name = world.put("a.txt", "x")
    world.set_acl("a.txt", allow=["group:staff"])
    sid = world.server.sids["staff"]
    world.people_file.write_text(json.dumps([{"group": sid, "members": ["user:ana@example.com"]}]))
    acl = upserts(listed(world.connector()))[name].acl
    assert acl is not None
    assert [entry.principal.id for entry in acl.clauses[0].entries][-1] == sid


def test_the_permissions_of_the_share_count_too(world: SmbWorld) -> None:
    name = world.put("a.txt", "x")
    world.set_acl("a.txt", allow=["user:ana@example.com", "user:bob@example.com"])
    keeper, bob = world.server.sids["keeper"], world.server.sids["bob"]
    world.protect("a.txt", [replace(world.service(), sid=keeper), world.entry(ALLOW, "user:ana@example.com"),
                            world.entry(ALLOW, "user:bob@example.com")])  # fmt: skip
    world.server.set_share_permissions(f"S-1-1-0:ALLOWED/0/READ,{bob}:DENIED/0/FULL")
    try:
        events = check_listing(world.connector(user="keeper", share_permissions=None, everyone="everyone"))
        assert sees(events, name, ANA)
        assert not sees(events, name, BOB)
        assert all(i.ok for i in world.connector(user="keeper", share_permissions=None).check())
    finally:
        world.server.set_share_permissions("")


def test_while_the_share_s_permissions_are_not_told_nobody_sees_anything(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Share, pipe: str, messages: list[bytes], **_: object) -> list[bytes]:
        raise Refused(0xC000_0022)

    monkeypatch.setattr(Share, "converse", refuse)
    name = world.put("a.txt", "x")
    world.set_acl("a.txt", allow=["user:ana@example.com"])
    events = check_listing(world.connector(share_permissions=None))
    assert upserts(events)[name].acl == NOBODY
    (failure,) = failures(events)
    assert failure.hide
    assert "share_permissions" in failure.detail
    assert not all(item.ok for item in world.connector(share_permissions=None).check())


@pytest.mark.parametrize("said", [b"", b"\0" * 50_000])
def test_a_pipe_that_never_gives_a_whole_answer_is_asked_no_longer(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    asked: list[int] = []

    def endless(self: Share, tree: object, handle: object, offset: int) -> bytes:
        asked.append(offset)
        assert len(asked) < 100, "the pipe is read for ever"
        return said

    monkeypatch.setattr(Share, "_block", endless)
    world.put("a.txt", "x")
    with pytest.raises(Retry, match="answer"):
        list(world.connector(share_permissions=None).documents())


def test_a_folder_with_more_entries_than_anybody_keeps_ends_the_run(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        world.put(f"{number}.txt", "x")
    monkeypatch.setattr(share_module, "_MOST_ENTRIES", 3)
    with pytest.raises(Retry):
        list(world.connector().documents())


def test_a_resumed_run_asks_for_no_list_before_its_checkpoint(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, files in (("a", 60), ("b", 45), ("c", 5)):
        world.make_folder(folder)
        for number in range(files):
            world.put(f"{folder}/{number:03}.txt", "x")
    events = listed(world.connector())
    point = next(event for event in events if isinstance(event, Checkpoint))
    asked: list[str] = []
    original = Share.descriptors

    def counted(self: Share, paths: Sequence[str]) -> list[bytes | Refused]:
        asked.extend(paths)
        return original(self, paths)

    monkeypatch.setattr(Share, "descriptors", counted)
    resumed = upserts(world.connector().documents(checkpoint=point.state))
    rest = [f"b/{number:03}.txt" for number in range(40, 45)] + [f"c/{number:03}.txt" for number in range(5)]
    assert list(resumed) == [f"{world.folder}/{name}" for name in rest]
    assert len(asked) == 10


def test_many_lists_are_asked_for_together_and_each_file_gets_its_own(world: SmbWorld) -> None:
    people = ("ana", "bob", "cho")
    for number in range(100):
        world.put(f"{number:03}.txt", "x")
        world.set_acl(f"{number:03}.txt", allow=[f"user:{people[number % 3]}@example.com"])
    listing = world.connector()
    assert isinstance(listing, SmbConnector)
    names = [f"{number:03}.txt" for number in range(100)]
    names[7], names[50] = "gone.txt", "nor-here.txt"
    answers = listing._listing.descriptors([f"{world.folder}\\{name}" for name in names])
    assert [index for index, each in enumerate(answers) if isinstance(each, Refused)] == [7, 50]
    found = upserts(listed(world.connector()))
    for number in range(100):
        acl = found[f"{world.folder}/{number:03}.txt"].acl
        let_in = [name for name in people if acl is not None and lets_in(acl, user(f"{name}@example.com"))]
        assert let_in == [people[number % 3]], number


def test_a_wrong_password_is_for_the_administrator_to_mend_and_is_not_repeated(world: SmbWorld) -> None:
    connector = world.connector_in(Surroundings(LOOPBACK), {"password": "a-very-secret-word"})
    with pytest.raises(Reconfigure, match="password") as refused:
        listed(connector)
    assert "a-very-secret-word" not in f"{refused.value!r} {connector!r} {connector.check()}"
    assert "hush" not in repr(Place("server", "docs", "ann", "hush"))


def test_a_share_that_was_renamed_stops_the_run(world: SmbWorld) -> None:
    with pytest.raises(Stop, match="There is no share"):
        listed(world.connector(share="documents"))


def test_a_private_address_is_refused_unless_it_is_allowed(world: SmbWorld) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(world.connector_in(Surroundings(Network())))


def test_a_run_that_was_asked_to_stop_stops(world: SmbWorld) -> None:
    world.put("a.txt", "x")
    with pytest.raises(Stopped):
        listed(world.connector_in(Surroundings(LOOPBACK, Pace(), lambda: True)))


def test_a_connection_that_breaks_in_mid_run_is_tried_again_later(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.put(f"{number}.txt", "x")
    monkeypatch.setattr(connector_module, "_LISTS_AT_ONCE", 1)
    connector = world.connector()
    assert isinstance(connector, SmbConnector)
    run = connector.documents()
    next(run)
    connection = connector._listing._connection
    assert connection is not None
    connection.transport.close()
    with pytest.raises(Retry, match="broke"):
        list(run)
    assert len(upserts(listed(connector))) == 3


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x04nope"])
def test_what_is_no_smb_server_is_tried_again_later(
    world: SmbWorld, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_module, "_TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(answer)

        thread = threading.Thread(target=answer_once, daemon=True)
        thread.start()
        with pytest.raises(Retry, match="does not answer"):
            listed(world.connector(port=listener.getsockname()[1]))
        thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0xC000_0234, Reconfigure),
        (0xC000_0072, Reconfigure),
        (0xC000_0071, Reconfigure),
        (0xC000_0022, Reconfigure),
        (0xC000_00CC, Stop),
        (0xC000_009A, Retry),
    ],
)
def test_each_refusal_says_what_to_do_next(status: int, expected: type[ConnectorError]) -> None:
    assert type(run_error(status, "docs")) is expected


def entry(name: str, *, attributes: int = 0, file_id: int = 0) -> Listed:
    return Listed(name, attributes, 1, 1, 1, file_id)


def walk(folders: dict[str, list[Listed]]) -> list[Found | Failure]:
    """The files of a share that a server makes up."""
    return list(Walk("docs", (), lambda path: folders[path], lambda: False).files())


def test_names_that_lead_elsewhere_or_cannot_be_stored_are_reported() -> None:
    names = ["a/b.txt", "..\\..\\b.txt", "line\nbreak", "a\u202eb", "half\ud800", "nul\x00", "", "y" * 4096]
    found = walk({"": [entry(name) for name in [*names, "sound.txt"]]})
    # What begins with a dot is left out without a word, like every hidden name.
    assert [each.external_id for each in found if isinstance(each, Found)] == ["sound.txt"]
    reported = [each for each in found if isinstance(each, Failure)]
    assert len(reported) == len(names) - 1
    assert not any(id_problem(each.external_id) for each in reported)


def test_links_and_system_files_are_left_out() -> None:
    found = walk(
        {"": [entry("link", attributes=DIRECTORY | REPARSE_POINT), entry("pagefile.sys", attributes=SYSTEM)]}
    )
    assert found == []


def test_a_folder_inside_itself_is_walked_once() -> None:
    inner = [entry("a.txt"), entry("loop", attributes=DIRECTORY, file_id=7)]
    found = walk({"": [entry("top", attributes=DIRECTORY, file_id=7)], "top": inner})
    assert [each.external_id for each in found] == ["top/a.txt"]


def test_a_folder_is_written_with_either_separator() -> None:
    assert folder_parts("\\hr/policies\\") == folder_parts("hr/policies") == ("hr", "policies")
    assert folder_parts("") == ()


def test_an_answer_that_is_cut_or_goes_back_is_refused() -> None:
    name = "a.txt".encode("utf-16-le")
    whole = struct.pack("<IIqqqqqqIIIIQ", 0, 0, 1, 1, 1, 1, 1, 1, 0, len(name), 0, 0, 9) + name
    assert [each.name for each in entries_in(whole)] == ["a.txt"]
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="cut short"):
            list(entries_in(whole[:length]))
    with pytest.raises(ValueError, match="goes back"):
        list(entries_in(struct.pack("<I", 4) + whole[4:]))


@pytest.mark.parametrize("written", [0, -1, 2**62, 2**63 - 1])
def test_a_time_that_no_calendar_has_is_none(written: int) -> None:
    found = Listed("a", 0, 1, written, 1, 1)
    assert found.modified is None or found.modified.tzinfo is not None


def test_a_few_files_are_looked_up_in_their_own_folders(
    world: SmbWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b", "closed"):
        world.make_folder(folder, [])
    here, gone = world.put("a/x.txt", "x"), f"{world.folder}/a/gone.txt"
    world.put("b/y.txt", "x")
    inside = world.put("closed/z.txt", "x")
    world.protect("closed", [world.entry(ALLOW, "user:ana@example.com")])
    listings: list[str] = []
    original = Share.list_folder

    def counted(self: Share, path: str) -> list[Listed]:
        listings.append(path)
        return original(self, path)

    monkeypatch.setattr(Share, "list_folder", counted)
    events = list(world.connector().again([here, gone, inside]))
    assert list(upserts(events)) == [here]
    assert [event for event in events if isinstance(event, Tombstone)] == [Tombstone(gone)]
    assert [each.external_id for each in failures(events)] == [f"{world.folder}/closed/"]
    assert len(listings) == 3
    with pytest.raises(Stop):
        list(world.connector(folder="gone").again(["gone/x.txt"]))


def test_a_document_of_another_folder_is_gone(world: SmbWorld) -> None:
    name = world.put("a.txt", "x")
    assert list(world.connector().again([name, "elsewhere/b.txt"]))[1:] == [Tombstone("elsewhere/b.txt")]

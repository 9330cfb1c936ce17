"""Folders as they really are: links, pipes, odd names, lost rights, companions."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import unicodedata
from pathlib import Path

import pytest

from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, group, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.types import Json
from connectors.sdk import beneath
from connectors.sdk.contract import Complete, Event, Failure, FileContent
from connectors.sdk.errors import Stop
from connectors.sdk.names import id_problem
from connectors.sources.filesystem import walk as walk_module
from connectors.sources.filesystem.connector import FilesystemConnector
from tests.connectors.conformance import check_listing, listed, sees, upserts
from tests.connectors.worlds import FilesystemWorld, amazon_entries

ANA = user("ana@example.com")
HANDBOOK = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "files" / "handbook-18f"


@pytest.fixture
def world(tmp_path: Path) -> FilesystemWorld:
    return FilesystemWorld(tmp_path)


def open_source(world: FilesystemWorld) -> FilesystemConnector:
    """The folder of `world`, for everyone, without an access file."""
    return FilesystemConnector(root=world.root, everyone=True)


def failures(events: list[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def companion(world: FilesystemWorld, name: str, value: Json | bytes) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    (world.root / f"{name}.metadata.json").write_bytes(data)


def test_paths_are_listed_in_the_order_of_their_characters(world: FilesystemWorld) -> None:
    names = ["a/b/c.txt", "a/b.txt", "a.txt", "a-b/x.txt", "B.txt", "가/나.txt", "a/b-c/z.txt"]
    for name in names:
        world.put(name, "x")
    assert list(upserts(check_listing(world.connector()))) == sorted(names)


def test_without_an_access_file_and_an_audience_nobody_sees_anything(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    assert upserts(listed(FilesystemConnector(root=world.root)))["a.txt"].acl == NOBODY
    assert upserts(listed(open_source(world)))["a.txt"].acl == PUBLIC


def test_what_is_no_document_is_not_listed(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    for name in (".hidden", ".git/config", "deep/.cache/x.txt", "~$plan.docx", "a.txt.metadata.json"):
        world.put(name, "{}")
    world.put("UPPER.PDF.METADATA.JSON", "{}")
    assert list(upserts(check_listing(open_source(world)))) == ["a.txt"]


def test_the_files_that_grant_are_never_documents_even_under_another_name(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    access, groups = world.root / "access.json", world.root / "groups.json"
    access.write_text("[]", encoding="utf-8")
    groups.write_text("[]", encoding="utf-8")
    os.link(access, world.root / "copy.json")
    connector = FilesystemConnector(root=world.root, access_file=access, groups_file=groups, everyone=True)
    assert list(upserts(check_listing(connector))) == ["a.txt"]


@pytest.mark.parametrize("by_link", [False, True])
def test_an_access_file_that_is_replaced_amid_the_listing_is_no_document_either(
    world: FilesystemWorld, tmp_path: Path, by_link: bool
) -> None:
    for name in ("a.txt", "settings/b.txt"):
        world.put(name, "x")
    written = world.root / "settings" / "access.json"
    written.write_text("[]", encoding="utf-8")
    named = tmp_path / "link.json" if by_link else written
    if by_link:
        named.symlink_to(written)
    root = tmp_path / "way"
    root.symlink_to(world.root)
    connector = FilesystemConnector(root=root, access_file=named, everyone=True)
    events = connector.documents()
    first = next(events)
    fresh = world.root / ".fresh"
    fresh.write_text('[{"keyPrefix": "hr/", "aclEntries": []}]', encoding="utf-8")
    fresh.replace(written)
    assert list(upserts([first, *events])) == ["a.txt", "settings/b.txt"]


def test_no_link_is_followed_and_no_pipe_or_socket_is_opened(world: FilesystemWorld, tmp_path: Path) -> None:
    world.put("real/a.txt", "x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.txt").write_text("secret", encoding="utf-8")
    (world.root / "folder").symlink_to(tmp_path / "secret")
    (world.root / "loop").symlink_to(world.root)
    (world.root / "outside.txt").symlink_to(tmp_path / "secret" / "s.txt")
    (world.root / "inside.txt").symlink_to(world.root / "real" / "a.txt")
    (world.root / "broken.txt").symlink_to("nowhere")
    os.mkfifo(world.root / "pipe.txt")
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        Path(short, "s").rename(world.root / "socket.txt")
        assert list(upserts(check_listing(open_source(world)))) == ["real/a.txt"]


def test_a_root_that_is_a_link_is_read(world: FilesystemWorld, tmp_path: Path) -> None:
    world.put("a.txt", "x")
    (tmp_path / "link").symlink_to(world.root)
    found = upserts(listed(FilesystemConnector(root=tmp_path / "link", everyone=True)))["a.txt"]
    content = found.fetch()
    assert isinstance(content, FileContent)
    assert content.path.read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize(
    "name", [b"a\nb.txt", b"a\xff.txt", "a\u202eb.txt".encode(), b"a\x1b[2J.txt", b"deep/" * 120 + b"x.txt"]
)
def test_a_name_that_cannot_be_an_id_fails_under_a_printable_one(world: FilesystemWorld, name: bytes) -> None:
    world.put("z.txt", "x")
    path = os.path.join(os.fsencode(world.root), name)  # noqa: PTH118 - Path has no bytes
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.write(b"x")
    events = check_listing(open_source(world))
    assert list(upserts(events)) == ["z.txt"]
    [failure] = failures(events)
    assert failure.code is FailureCode.UNREADABLE
    assert not id_problem(failure.external_id)
    assert isinstance(events[-1], Complete)


def test_a_name_is_kept_as_it_is_spelt_so_that_the_file_opens(world: FilesystemWorld) -> None:
    name = world.put(unicodedata.normalize("NFD", "인사/급여.txt"), "x")
    world.set_item(
        "인사/", {"keyPrefix": "인사/", "aclEntries": amazon_entries(["user:ana@example.com"], [])}
    )
    events = check_listing(world.connector(audience="everyone"))
    content = upserts(events)[name].fetch()
    assert isinstance(content, FileContent)
    assert content.path.read_text(encoding="utf-8") == "x"
    assert sees(events, name, ANA)
    assert not sees(events, name, EVERYONE)


def test_a_broken_prefix_is_named_in_both_spellings(world: FilesystemWorld) -> None:
    world.set_item("인사/", {"keyPrefix": "인사/", "aclEntries": 5})
    named = {failure.external_id for failure in failures(listed(world.connector()))}
    assert named == {unicodedata.normalize("NFC", "인사/"), unicodedata.normalize("NFD", "인사/")}


def test_a_folder_that_cannot_be_listed_is_exempt_and_the_rest_is_complete(
    world: FilesystemWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.txt", "x")
    world.put("closed/b.txt", "x")

    def refuse(root: Path, parts: tuple[str, ...]) -> int:
        if parts == ("closed",):
            raise PermissionError(13, "Permission denied")
        return beneath.open_folder(root, parts)

    monkeypatch.setattr(walk_module, "open_folder", refuse)
    events = check_listing(open_source(world))
    assert failures(events) == [Failure("closed/", FailureCode.UNLISTED, "Permission denied", is_prefix=True)]
    assert list(upserts(events)) == ["a.txt"]
    assert isinstance(events[-1], Complete)
    [listing, *_] = open_source(world).check()
    assert not listing.ok
    assert "closed/" in listing.detail


def test_a_folder_and_a_file_that_vanish_during_the_crawl_are_not_reported(world: FilesystemWorld) -> None:
    for name in ("a.txt", "gone/b.txt", "z.txt"):
        world.put(name, "x")
    run = open_source(world).documents()
    first = next(run)
    (world.root / "gone" / "b.txt").unlink()
    (world.root / "gone").rmdir()
    assert list(upserts([first, *run])) == ["a.txt", "z.txt"]


def test_a_root_that_is_replaced_during_the_crawl_stops_the_run(
    world: FilesystemWorld, tmp_path: Path
) -> None:
    world.put("a.txt", "x")
    run = open_source(world).documents()
    next(run)
    world.root.rename(tmp_path / "old")
    world.root.mkdir()
    with pytest.raises(Stop, match="replaced"):
        list(run)


def test_a_root_that_is_a_file_stops_the_run(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    with pytest.raises(Stop, match="is not a folder"):
        listed(FilesystemConnector(root=world.root / "a.txt"))


def test_an_empty_root_is_complete(world: FilesystemWorld) -> None:
    assert listed(open_source(world)) == [Complete()]


def test_a_document_says_how_large_it_is_so_that_the_engine_can_refuse_it(world: FilesystemWorld) -> None:
    world.put("a.txt", "x" * 11)
    assert upserts(listed(open_source(world)))["a.txt"].size == 11


def test_a_file_swapped_for_a_link_before_it_is_fetched_is_not_read(
    world: FilesystemWorld, tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text("secret", encoding="utf-8")
    world.put("a.txt", "x")
    world.put("sub/b.txt", "x")
    found = upserts(listed(open_source(world)))
    world.delete("a.txt")
    (world.root / "a.txt").symlink_to(tmp_path / "s.txt")
    (world.root / "sub").rename(tmp_path / "sub")
    (world.root / "sub").symlink_to(tmp_path / "sub")
    for name in ("a.txt", "sub/b.txt"):
        with pytest.raises(DocumentFailure) as failed:
            found[name].fetch()
        assert failed.value.code is FailureCode.UNREADABLE


def test_a_file_that_vanished_before_it_is_fetched_fails(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    found = upserts(listed(open_source(world)))["a.txt"]
    world.delete("a.txt")
    with pytest.raises(DocumentFailure):
        found.fetch()


def test_the_version_sees_a_change_that_keeps_size_and_time(world: FilesystemWorld) -> None:
    path = world.root / "a.txt"
    world.put("a.txt", "x")
    before = upserts(listed(open_source(world)))["a.txt"]
    before.fetch()
    times = path.stat()
    path.write_text("y", encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert upserts(listed(open_source(world)))["a.txt"].version != before.version


@pytest.mark.parametrize(("age_ms", "waits_ms"), [(0, 20), (5, 15), (20, 0), (5000, 0), (-5000, 0)])
def test_a_fetch_waits_until_the_next_write_must_bear_another_time(
    world: FilesystemWorld, monkeypatch: pytest.MonkeyPatch, age_ms: int, waits_ms: int
) -> None:
    world.put("a.txt", "x")
    changed = (world.root / "a.txt").stat().st_ctime_ns
    found = upserts(listed(open_source(world)))["a.txt"]
    slept: list[float] = []
    monkeypatch.setattr("time.time_ns", lambda: changed + age_ms * 1_000_000)
    monkeypatch.setattr("time.sleep", slept.append)
    found.fetch()
    assert round(sum(slept) * 1000) == waits_ms


def test_a_broken_access_file_hides_all_and_says_where(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    world.access_file.write_text("[\n{", encoding="utf-8")
    connector = world.connector(audience="everyone")
    events = check_listing(connector)
    [failure] = failures(events)
    assert (failure.external_id, failure.is_prefix, failure.hide) == ("", True, True)
    assert "access.json" in failure.detail
    assert "line 2" in failure.detail
    assert upserts(events)["a.txt"].acl == NOBODY
    assert [item.step for item in connector.check() if not item.ok] == ["read permissions"]


def test_an_access_file_that_leads_in_a_circle_is_a_broken_one(
    world: FilesystemWorld,
) -> None:
    world.put("a.txt", "x")
    circle, other = world.root / "access.json", world.root / "groups.json"
    circle.symlink_to(other)
    other.symlink_to(circle)
    connector = FilesystemConnector(root=world.root, access_file=circle, groups_file=other, everyone=True)
    events = check_listing(connector)
    [failure] = failures(events)
    assert (failure.external_id, failure.is_prefix, failure.hide) == ("", True, True)
    assert "symbolic links" in failure.detail
    assert upserts(events)["a.txt"].acl == NOBODY
    assert isinstance(next(iter(connector.principals())), Failure)
    assert [item.step for item in connector.check() if not item.ok] == ["read permissions", "read groups"]


def test_a_root_that_leads_in_a_circle_stops_the_run(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(Stop, match="symbolic links"):
        listed(FilesystemConnector(root=circle, access_file=circle / "access.json", everyone=True))


def test_a_prefix_that_covers_nothing_is_pointed_out_by_the_connection_test(world: FilesystemWorld) -> None:
    world.put("hr/a.txt", "x")
    world.set_acl("hrr/", allow=["user:ana@example.com"])
    for connector, ok in ((world.connector(), True), (world.connector(audience="everyone"), False)):
        [item] = [item for item in connector.check() if item.step == "read permissions"]
        assert item.ok is ok
        assert "hrr/" in item.detail
    world.set_item("hrr/", {"keyPrefix": "hr/", "aclEntries": []})
    assert all(item.ok for item in world.connector(audience="everyone").check())


def test_a_companion_narrows_and_describes_its_file(world: FilesystemWorld) -> None:
    world.put("hr/a.txt", "x")
    world.set_acl("hr/", allow=["group:hr"])
    entries = amazon_entries(["user:ana@example.com"], [])
    companion(world, "hr/a.txt", {"Title": "휴가 규정", "ContentType": "MD", "AccessControlList": entries})
    events = check_listing(world.connector())
    found = upserts(events)["hr/a.txt"]
    assert (found.title, found.media_type) == ("휴가 규정", "text/markdown")
    assert sees(events, "hr/a.txt", ANA, group("hr"))
    assert not sees(events, "hr/a.txt", ANA)
    assert not sees(events, "hr/a.txt", group("hr"))


def test_a_companion_alone_decides_where_no_prefix_covers(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    companion(world, "a.txt", {"AccessControlList": amazon_entries(["user:ana@example.com"], [])})
    for connector in (world.connector(), world.connector(audience="everyone"), open_source(world)):
        events = check_listing(connector)
        assert sees(events, "a.txt", ANA)
        assert not sees(events, "a.txt", user("bob@example.com"))


def test_no_companion_opens_what_a_broken_access_file_hides(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")
    companion(world, "a.txt", {"AccessControlList": amazon_entries(["user:ana@example.com"], [])})
    world.access_file.write_text("{}", encoding="utf-8")
    assert not sees(check_listing(world.connector()), "a.txt", ANA)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"AccessControlList": "ana"}', b" " * 1_000_001, None])
def test_a_broken_companion_hides_its_file_only(world: FilesystemWorld, content: bytes | None) -> None:
    world.put("a.txt", "x")
    world.put("b.txt", "x")
    if content is None:
        (world.root / "a.txt.metadata.json").symlink_to(world.root / "b.txt")
    else:
        companion(world, "a.txt", content)
    events = check_listing(open_source(world))
    [failure] = failures(events)
    assert (failure.external_id, failure.code, failure.hide) == ("a.txt", FailureCode.BAD_PERMISSIONS, True)
    assert "a.txt.metadata.json" in failure.detail
    assert sees(events, "b.txt", EVERYONE)


def test_a_companion_spelt_in_other_letters_hides_its_file_and_not_the_one_it_belongs_to(
    world: FilesystemWorld,
) -> None:
    for name in ("Plan.txt", "note.txt", "NOTE.txt"):
        world.put(name, "x")
    companion(world, "plan.txt", {"AccessControlList": []})
    companion(world, "note.txt", {})
    events = check_listing(open_source(world))
    assert list(upserts(events)) == ["NOTE.txt", "note.txt"]
    assert [failure.external_id for failure in failures(events)] == ["Plan.txt"]


def test_a_companion_changes_the_version_but_its_access_list_does_not(world: FilesystemWorld) -> None:
    world.put("a.txt", "x")

    def version() -> str:
        return upserts(listed(open_source(world)))["a.txt"].version

    plain = version()
    companion(world, "a.txt", {"Title": "One"})
    described = version()
    companion(world, "a.txt", {"Title": "One", "AccessControlList": []})
    assert version() == described != plain
    companion(world, "a.txt", {"Title": "Two"})
    assert version() not in (plain, described)


@pytest.mark.parametrize(
    "content",
    [b"{", b"{}", b'["g"]', b'[{"group": "g"}]', b'[{"group": "g", "members": ["ana"]}]',
     b'[{"group": "g", "members": []}, {"group": "g", "members": []}]'],
)  # fmt: skip
def test_a_broken_groups_file_gives_no_group_at_all(world: FilesystemWorld, content: bytes) -> None:
    world.groups_file.write_bytes(content)
    [failure] = list(world.connector().principals())
    assert isinstance(failure, Failure)
    assert failure.hide
    assert "groups.json" in failure.detail


def test_without_a_groups_file_no_group_is_known(world: FilesystemWorld) -> None:
    assert list(FilesystemConnector(root=world.root).principals()) == [Complete()]


@pytest.mark.shared_data
def test_a_public_handbook_is_listed_whole() -> None:
    if not HANDBOOK.exists():
        pytest.skip("needs files/handbook-18f of the shared data beside the checkout")
    found = upserts(check_listing(FilesystemConnector(root=HANDBOOK, everyone=True)))
    on_disk = [
        path.relative_to(HANDBOOK)
        for path in HANDBOOK.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(HANDBOOK).parts)
    ]
    assert set(found) == {path.as_posix() for path in on_disk}

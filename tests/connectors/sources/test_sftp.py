"""SFTP against OpenSSH: whom it trusts, what it lists, what it refuses to follow."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.acl import EVERYONE, group, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Pace, Stopped
from assistant.common.told import Told, said, told
from assistant.common.types import Json
from connectors.sdk.contract import BytesContent, Checkpoint, Complete, Connector, Event, Failure
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.names import id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import Node, seconds_version
from connectors.sources.sftp import wire
from connectors.sources.sftp.connector import SftpTree
from tests.connectors.conformance import ConnectorConformance, World, check_listing, listed, sees, upserts
from tests.connectors.servers.cutting_proxy import cutting_proxy
from tests.connectors.servers.password_ssh import PASSWORD, USER, password_server
from tests.connectors.servers.programs import free_port, needs_root, program
from tests.connectors.servers.sshd import ssh_server
from tests.connectors.sources.sftp_world import SftpWorld
from tests.connectors.sources.tree_world import LOOPBACK

ANA = user("ana@example.com")


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    with ssh_server() as server:
        SftpWorld.server = server
        yield


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    SftpWorld.close_all()


@pytest.fixture
def world(tmp_path: Path) -> SftpWorld:
    return SftpWorld(tmp_path)


class TestSftp(ConnectorConformance):
    make_world = SftpWorld

    def test_a_listing_that_is_given_up_leaves_no_file_open(self, world: World) -> None:
        """The connection serves what follows; closing the connector ends it."""
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        connectors = [world.connector() for _ in range(3)]
        for connector in connectors:
            run = connector.documents()
            next(run)
            run.close()  # type: ignore[attr-defined]
            connector.close()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


SUITES = (TestSftp,)


def failures(events: Sequence[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def open_to_all(world: SftpWorld, **more: Json) -> Connector:
    """The folder for everyone, without an access file."""
    config = world.config(audience=["everyone"], **more)
    return world.built({name: value for name, value in config.items() if not name.endswith("_file")})


def test_no_link_is_followed_and_no_pipe_is_opened(world: SftpWorld, tmp_path: Path) -> None:
    world.put("real/a.txt", "x")
    (world.root / "folder").symlink_to("/etc")
    (world.root / "loop").symlink_to(world.root)
    (world.root / "file.txt").symlink_to("/etc/passwd")
    (world.root / "broken.txt").symlink_to("nowhere")
    os.mkfifo(world.root / "pipe.txt")
    assert list(upserts(check_listing(world.connector()))) == ["real/a.txt"]


def test_a_root_that_is_a_link_is_read(world: SftpWorld) -> None:
    world.put("a.txt", "x")
    link = world.root.with_name(f"{world.root.name}-link")
    link.symlink_to(world.root)
    found = upserts(listed(world.connector(folder=str(link))))["a.txt"]
    assert found.fetch() == BytesContent(b"x")
    link.unlink()


def test_what_is_swapped_for_a_link_before_it_is_fetched_is_not_read(world: SftpWorld) -> None:
    for name in ("a.txt", "sub/b.txt"):
        world.put(name, "x")
    found = upserts(listed(world.connector()))
    world.delete("a.txt")
    (world.root / "a.txt").symlink_to("/etc/passwd")
    (world.root / "sub").rename(world.root / "moved")
    (world.root / "sub").symlink_to(world.root / "moved")
    for name in ("a.txt", "sub/b.txt"):
        with pytest.raises(DocumentFailure, match="link") as failed:
            found[name].fetch()
        assert failed.value.code is FailureCode.UNREADABLE


def test_a_folder_swapped_for_a_link_during_the_crawl_leads_nowhere(world: SftpWorld) -> None:
    world.put("a.txt", "x")
    world.put("sub/b.txt", "x")
    run = open_to_all(world).documents()
    first = [next(run)]
    (world.root / "sub").rename(world.root / "moved")
    (world.root / "sub").symlink_to("/etc")
    events = [*first, *run]
    assert (
        Failure(
            "sub/",
            FailureCode.UNLISTED,
            "It has been replaced by a link, which is not followed.",
            is_prefix=True,
        )
        in events
    )
    assert not any(name.startswith("sub/") for name in upserts(events))


@pytest.mark.parametrize(
    "name", [b"a\nb.txt", b"a\xff.txt", "a\u202eb.txt".encode(), b"a\x1b[2J.txt", b"deep/" * 120 + b"x.txt"]
)
def test_a_name_that_cannot_be_an_id_costs_only_itself(world: SftpWorld, name: bytes) -> None:
    world.put("z.txt", "x")
    path = os.path.join(os.fsencode(world.root), name)  # noqa: PTH118 - Path has no bytes
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.write(b"x")
    events = check_listing(open_to_all(world))
    assert "z.txt" in upserts(events)
    [failure] = failures(events)
    assert failure.code is FailureCode.UNREADABLE
    assert not id_problem(failure.external_id)
    assert isinstance(events[-1], Complete)


def test_names_that_look_like_options_or_patterns_are_names(world: SftpWorld) -> None:
    names = ["-rf.txt", "[a-z]*.txt", "a b 'c\".txt", "$(id).txt", "한 글.txt"]
    for name in names:
        world.put(name, name)
    found = upserts(check_listing(world.connector()))
    assert list(found) == sorted(names)
    assert [found[name].fetch() for name in names] == [BytesContent(name.encode()) for name in names]


def test_a_large_file_comes_whole_and_one_over_the_limit_is_refused_unread(world: SftpWorld) -> None:
    data = os.urandom(2_000_003)
    (world.root / "large.bin").write_bytes(data)
    found = upserts(listed(open_to_all(world)))["large.bin"]
    assert found.size == len(data)
    assert found.fetch() == BytesContent(data)
    small = replace(LOOPBACK, max_content_bytes=len(data) - 1)
    limited = world.built(world.config(), surroundings=small)
    with pytest.raises(DocumentFailure) as failed:
        upserts(listed(limited))["large.bin"].fetch()
    assert failed.value.code is FailureCode.TOO_LARGE


def test_many_threads_fetch_while_the_listing_goes_on(world: SftpWorld) -> None:
    for number in range(40):
        world.put(f"{number:02}.txt", f"document {number}" * 1000)
    run = world.connector().documents()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(event.fetch) for event in run if hasattr(event, "fetch")]
        contents = [each.result() for each in waiting]
    assert contents == [BytesContent(f"document {n}".encode() * 1000) for n in range(40)]


def test_a_file_that_vanished_or_was_closed_fails_alone(world: SftpWorld) -> None:
    needs_root("to close a file to the server's user")
    for name in ("gone.txt", "closed.txt"):
        world.put(name, "x")
    found = upserts(listed(open_to_all(world)))
    world.delete("gone.txt")
    (world.root / "closed.txt").chmod(0o600)
    for name, code in (("gone.txt", FailureCode.GONE), ("closed.txt", FailureCode.REFUSED)):
        with pytest.raises(DocumentFailure) as failed:
            found[name].fetch()
        assert failed.value.code is code


@pytest.mark.parametrize(("by", "hidden"), [("access_file", False), ("mode", True)])
def test_a_folder_that_was_closed_is_exempt_and_hidden_where_rights_count(
    world: SftpWorld, by: str, hidden: bool
) -> None:
    needs_root("to close a folder to the server's user")
    world.put("a.txt", "x")
    world.put("closed/b.txt", "x")
    (world.root / "closed").chmod(0o700)
    events = check_listing(open_to_all(world, permissions=by))
    [failure] = failures(events)
    assert (failure.external_id, failure.is_prefix, failure.hide) == ("closed/", True, hidden)
    assert isinstance(events[-1], Complete)
    assert [item.step for item in open_to_all(world).check() if not item.ok] == ["list"]


# Permissions. --------------------------------------------------------------------------------


def test_modes_count_for_the_numbers_that_the_groups_file_or_the_directory_knows(world: SftpWorld) -> None:
    needs_root("to give files to others")
    for name, mode in (("own.txt", 0o604), ("team.txt", 0o644), ("closed/c.txt", 0o644)):
        os.chown(world.root / world.put(name, "x"), 2001, 3001)
        (world.root / name).chmod(mode)
    os.chown(world.root / "closed", 2001, 3001)
    (world.root / "closed").chmod(0o705)
    more: dict[str, Json] = {"permissions": "mode", "plain_modes": True, "others": ["everyone"]}
    ann, staff = group("uid:2001"), group("gid:3001")
    events = check_listing(world.connector(**more))
    for name in ("own.txt", "closed/c.txt"):
        assert sees(events, name, ann)
        assert not sees(events, name, staff)
        assert sees(events, name, ANA)
    assert sees(events, "team.txt", staff)
    acl = upserts(check_listing(open_to_all(world, **more)))["own.txt"].acl
    assert acl is not None
    assert acl.clauses[0].entries[0].principal == group("directory:uid:2001")


def test_every_folder_from_the_root_down_must_let_a_reader_through() -> None:
    needs_root("to give folders to others")
    with ssh_server(user_as_root="root") as server:
        root = server.root / "share"
        (root / "a" / "b").mkdir(parents=True)
        (root / "a" / "b" / "f.txt").write_text("x", encoding="utf-8")
        config: dict[str, Json] = {
            "host": "127.0.0.1", "port": server.port, "user": "root", "folder": str(root),
            "host_keys": [server.fingerprint], "permissions": "mode", "plain_modes": True,
            "others": ["everyone"],
        }  # fmt: skip
        secrets = {"private_key": server.private_key}
        connector = SftpWorld.kind.build(config, secrets, LOOPBACK)
        ann, stranger = group("directory:uid:2001"), group("directory:uid:2002")
        assert sees(check_listing(connector), "a/b/f.txt", stranger)
        for folder in (root / "a" / "b", root / "a", root):
            os.chown(folder, 2001, 3001)
            folder.chmod(0o700)
            events = check_listing(connector)
            assert sees(events, "a/b/f.txt", ann)
            assert not sees(events, "a/b/f.txt", stranger)
            folder.chmod(0o711)
            assert sees(check_listing(connector), "a/b/f.txt", stranger)
        connector.close()


def test_without_the_word_that_there_are_no_access_lists_only_the_owner_counts(world: SftpWorld) -> None:
    needs_root("to give files to others")
    path = world.root / world.put("a.txt", "x")
    os.chown(path, 2001, 3001)
    os.chown(world.root, 2001, 3001)
    setfacl = program("setfacl", package="acl")
    path.chmod(0o600)
    subprocess.run([setfacl, "-m", "u:2002:r,g::-", path], check=True)  # the mode now says 640
    assert path.stat().st_mode & 0o777 == 0o640
    more: dict[str, Json] = {"permissions": "mode", "others": ["everyone"]}
    events = check_listing(world.connector(**more))
    assert sees(events, "a.txt", group("uid:2001"))
    assert not sees(events, "a.txt", group("gid:3001"))
    assert not sees(events, "a.txt", EVERYONE)


def test_an_access_file_narrows_modes_and_a_companion_its_file(world: SftpWorld) -> None:
    for name in ("a.txt", "b.txt"):
        (world.root / world.put(name, "x")).chmod(0o644)
    world.set_acl("a.txt", allow=["user:ana@example.com"])
    world.companion("b.txt", {"Title": "회의", "AccessControlList": []})
    events = check_listing(world.connector(permissions="mode", plain_modes=True, others=["everyone"]))
    assert sees(events, "a.txt", ANA)
    assert not sees(events, "a.txt", EVERYONE)
    assert upserts(events)["b.txt"].title == "회의"
    assert not sees(events, "b.txt", ANA)


@pytest.mark.parametrize("content", [b"{", b'{"AccessControlList": "ana"}', None])
def test_a_broken_companion_hides_its_file_only(world: SftpWorld, content: bytes | None) -> None:
    for name in ("a.txt", "b.txt"):
        world.put(name, "x")
    if content is None:
        (world.root / "a.txt.metadata.json").symlink_to(world.root / "b.txt")
    else:
        world.companion("a.txt", content)
    events = check_listing(open_to_all(world))
    [failure] = failures(events)
    assert (failure.external_id, failure.code, failure.hide) == ("a.txt", FailureCode.BAD_PERMISSIONS, True)
    assert sees(events, "b.txt", EVERYONE)


def test_a_companion_spelt_in_other_letters_hides_its_file(world: SftpWorld) -> None:
    world.put("Plan.txt", "x")
    world.companion("plan.txt", {})
    [failure] = failures(check_listing(open_to_all(world)))
    assert (failure.external_id, failure.hide) == ("Plan.txt", True)


def test_an_access_file_that_is_missing_hides_everything_and_is_never_a_document(world: SftpWorld) -> None:
    world.put("a.txt", "x")
    assert list(upserts(check_listing(world.connector()))) == ["a.txt"]
    (world.root / "access.json").unlink()
    connector = world.connector(audience=["everyone"])
    events = check_listing(connector)
    assert not sees(events, "a.txt", EVERYONE)
    assert "access.json" in failures(events)[0].detail
    assert [item.step for item in connector.check() if not item.ok] == ["read permissions"]


# Whom it trusts. -----------------------------------------------------------------------------


def test_without_a_fingerprint_the_test_shows_it_and_nobody_signs_in(world: SftpWorld) -> None:
    config = world.config()
    del config["host_keys"]
    admitted = world.server.log.read_text().count("Accepted")
    connector = world.built(config)
    [item] = connector.check()
    assert (item.step, item.ok) == ("sign-in", False)
    assert f"has the key {world.server.fingerprint}. Compare it" in item.detail
    with pytest.raises(Reconfigure):
        listed(connector)
    assert world.server.log.read_text().count("Accepted") == admitted


def test_a_server_with_another_key_gets_no_proof_of_who_asks(world: SftpWorld) -> None:
    connector = world.connector(host_keys=["SHA256:" + "A" * 43])
    with pytest.raises(Reconfigure, match="not the one in the settings"):
        listed(connector)
    with pytest.raises(Reconfigure, match="no fingerprint"):
        listed(world.connector(host_keys=["aa:bb:cc"]))


def test_a_wrong_or_broken_key_is_for_the_administrator_and_is_never_shown(world: SftpWorld) -> None:
    with ssh_server() as other:
        wrong = other.private_key
    for key, problem in ((wrong, "does not let"), ("nonsense 4711", "cannot be read")):
        connector = world.built(world.config(), {"private_key": key})
        with pytest.raises(Reconfigure, match=problem) as refused:
            listed(connector)
        assert key.splitlines()[-1] not in str(refused.value)
        assert "4711" not in str(refused.value)
    with pytest.raises(Reconfigure, match="Neither"):
        listed(world.built(world.config(), {}))


def test_a_password_signs_in_and_a_wrong_one_does_not(world: SftpWorld, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with password_server(tmp_path) as server:
        config = world.config(
            port=server.port, user=USER, folder="/", host_keys=[server.fingerprint], audience=["everyone"]
        )
        config = {name: value for name, value in config.items() if not name.endswith("_file")}
        assert list(upserts(listed(world.built(config, {"password": PASSWORD})))) == ["a.txt"]
        with pytest.raises(Reconfigure, match="password") as refused:
            listed(world.built(config, {"password": "wrong horse"}))
        assert "horse" not in str(refused.value)
        SftpWorld.close_all()


def test_a_private_address_is_refused_unless_it_is_allowed(world: SftpWorld) -> None:
    connector = world.built(world.config(), surroundings=replace(LOOPBACK, network=Network()))
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(connector)


def test_a_server_that_does_not_answer_is_tried_again(world: SftpWorld) -> None:
    with pytest.raises(Retry):
        listed(world.connector(port=free_port()))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.close()
        with pytest.raises(Retry):
            listed(world.connector(port=port))


def test_why_a_server_is_not_understood_is_told_again_in_any_language(
    world: SftpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = told("it speaks no SFTP of version 3")

    def broken(sftp: wire.Sftp, path: bytes) -> bytes:
        raise wire.Broken(reason)

    monkeypatch.setattr(wire.Sftp, "real_path", broken)
    with pytest.raises(Retry) as caught:
        listed(world.connector())
    sentence = said(caught.value)
    assert isinstance(sentence, Told)
    assert sentence.values["reason"] is reason


@pytest.mark.parametrize("after_bytes", [10, 1_500, 5_000, 200_000])
def test_a_connection_that_is_cut_off_is_tried_again_and_gives_no_half_a_file(
    world: SftpWorld, after_bytes: int
) -> None:
    (world.root / "large.bin").write_bytes(os.urandom(1_000_000))
    with cutting_proxy(world.server.port, after_bytes=after_bytes) as port:
        connector = world.connector(port=port)
        with pytest.raises(Retry):
            _fetch_all(connector)


@pytest.mark.parametrize("after_bytes", [10, 500, 1_500, 2_100, 2_300, 2_700, 3_500, 200_000])
def test_a_server_that_falls_silent_is_not_waited_for_for_ever(
    world: SftpWorld, monkeypatch: pytest.MonkeyPatch, after_bytes: int
) -> None:
    monkeypatch.setattr("connectors.sources.sftp.session._TIMEOUT_S", 0.6)
    (world.root / "large.bin").write_bytes(os.urandom(1_000_000))
    with cutting_proxy(world.server.port, after_bytes=after_bytes, silent=True) as port:
        with pytest.raises(Retry):
            _fetch_all(world.connector(port=port))
        SftpWorld.close_all()


def _fetch_all(connector: Connector) -> None:
    for found in upserts(listed(connector)).values():
        found.fetch()


# How it goes on. -----------------------------------------------------------------------------


class Asked:
    """Remembers for which folders a tree was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folders: list[str] = []
        real: Callable[[SftpTree, tuple[str, ...]], Sequence[Node]] = SftpTree.children

        def children(tree: SftpTree, folder: tuple[str, ...]) -> Sequence[Node]:
            self.folders.append("/".join(folder))
            return real(tree, folder)

        monkeypatch.setattr(SftpTree, "children", children)


def test_a_resumed_run_asks_for_no_folder_before_its_checkpoint(
    world: SftpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b", "c"):
        for number in range(60):
            world.put(f"{folder}/{number:02}.txt", "x")
    asked = Asked(monkeypatch)
    events = listed(world.connector())
    [checkpoint] = [event for event in events if isinstance(event, Checkpoint)]
    assert checkpoint.state == {"after": "b/39.txt"}
    assert asked.folders == ["", "a", "b", "c"]
    asked.folders.clear()
    resumed = list(world.connector().documents(checkpoint=checkpoint.state))
    assert asked.folders == ["", "b", "c"]
    assert list(upserts(resumed)) == list(upserts(events))[100:]
    assert isinstance(resumed[-1], Complete)


def test_a_document_reported_again_costs_only_the_folders_that_lead_to_it(
    world: SftpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/b/c.txt", "a/x/y.txt", "z/z.txt"):
        world.put(name, "x")
    asked = Asked(monkeypatch)
    found = list(world.connector().again(["a/b/c.txt"]))
    assert list(upserts(found)) == ["a/b/c.txt"]
    assert asked.folders == ["", "a", "a/b"]


def test_a_run_that_is_stopped_ends_between_two_requests(world: SftpWorld) -> None:
    for number in range(5):
        world.put(f"{number}/a.txt", "x")
    stops: list[bool] = []
    surroundings = Surroundings(LOOPBACK.network, Pace(), lambda: bool(stops))
    run = world.built(world.config(), surroundings=surroundings).documents()
    next(run)
    stops.append(True)
    with pytest.raises(Stopped):
        list(run)


def test_a_file_written_this_second_is_read_once_more_when_the_second_is_over() -> None:
    fresh, later = (seconds_version(5, 1000, now=now) for now in (1000.4, 1010.0))
    assert fresh != later
    assert seconds_version(5, 1000, now=99_999.0) == later
    assert seconds_version(5, 2000, now=1000.0) == seconds_version(5, 2000, now=1500.0)
    assert seconds_version(6, 1000, now=1010.0) != later


def test_a_root_that_is_a_file_stops_the_run(world: SftpWorld) -> None:
    world.put("a.txt", "x")
    with pytest.raises(Stop, match="no folder"):
        listed(world.connector(folder=str(world.root / "a.txt")))

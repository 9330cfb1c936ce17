"""Folders whose own rights count: owner, groups, access lists, and every folder on the way."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from assistant.common.acl import EVERYONE, Acl, PrincipalRef, group, user
from assistant.common.errors import FailureCode
from assistant.common.types import Json
from connectors.sdk import beneath
from connectors.sdk.config import validate
from connectors.sdk.contract import Complete, Connector, Event, Failure
from connectors.sdk.posix_acl import XATTR, PosixAcl
from connectors.sdk.surroundings import Surroundings
from connectors.sources.filesystem import walk as walk_module
from connectors.sources.filesystem.kind import KIND
from tests.connectors.conformance import check_listing, listed, sees, upserts
from tests.connectors.sdk.test_posix_acl import packed
from tests.connectors.servers.programs import needs_root
from tests.connectors.worlds import amazon_entries

ANN, BOB, STAFF = group("uid:2001"), group("uid:2002"), group("gid:3001")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    needs_root("to give files to others")
    made = tmp_path / "root"
    made.mkdir(mode=0o755)
    return made


def put(root: Path, name: str, mode: int, *, owner: int = 0, group: int = 0) -> Path:
    """A file with this mode; folders on the way are open to all."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name, encoding="utf-8")
    os.chown(path, owner, group)
    path.chmod(mode)
    return path


def source(root: Path, **more: Json) -> Connector:
    """A source that goes by the rights of the disk, with the folder's groups file."""
    groups = root.parent / "groups.json"
    groups.write_text("[]", encoding="utf-8")
    config: dict[str, Json] = {"root": str(root), "permissions": "posix", "groups_file": str(groups), **more}
    return KIND.build(*validate(KIND, config=config, secrets={}), Surroundings())


def readers(events: Sequence[Event], name: str) -> set[str]:
    """Who of Ann, Bob, a member of staff and a stranger sees the document."""
    people: dict[str, tuple[PrincipalRef, ...]] = {
        "ann": (ANN,),
        "bob": (BOB,),
        "staff": (group("uid:2003"), STAFF),
        "stranger": (user("s@example.com"),),
    }
    return {who for who, held in people.items() if sees(events, name, *held)}


def test_owner_group_and_the_rest_are_told_apart(root: Path) -> None:
    put(root, "own.txt", 0o600, owner=2001)
    put(root, "team.txt", 0o640, owner=2001, group=3001)
    put(root, "all.txt", 0o644, owner=2001, group=3001)
    put(root, "not-team.txt", 0o604, owner=2001, group=3001)
    events = check_listing(source(root, others=["everyone"]))
    assert readers(events, "own.txt") == {"ann"}
    assert readers(events, "team.txt") == {"ann", "staff"}
    assert readers(events, "all.txt") == {"ann", "bob", "staff", "stranger"}
    assert readers(events, "not-team.txt") == {"ann", "bob", "stranger"}


def test_the_rest_are_nobody_unless_somebody_says_who_they_are(root: Path) -> None:
    put(root, "all.txt", 0o644, owner=2001)
    root.chmod(0o755)
    assert readers(check_listing(source(root)), "all.txt") == set()
    assert readers(check_listing(source(root, others=["group:gid:3001"])), "all.txt") == {"staff"}
    assert readers(check_listing(source(root, audience="everyone")), "all.txt") == set()


def test_every_folder_from_the_root_down_must_let_a_reader_through(root: Path) -> None:
    put(root, "a/b/f.txt", 0o644)
    connector = source(root, others=["everyone"])
    assert len(readers(check_listing(connector), "a/b/f.txt")) == 4
    for folder in (root / "a" / "b", root / "a", root):
        os.chown(folder, 2001, 3001)
        folder.chmod(0o710)
        assert readers(check_listing(connector), "a/b/f.txt") == {"ann", "staff"}
        folder.chmod(0o744)
        assert readers(check_listing(connector), "a/b/f.txt") == {"ann"}
        folder.chmod(0o711)
        assert len(readers(check_listing(connector), "a/b/f.txt")) == 4


def test_two_folders_that_exclude_each_other_leave_nobody(root: Path) -> None:
    put(root, "a/b/f.txt", 0o644)
    for folder, owner in ((root / "a", 2001), (root / "a" / "b", 2002)):
        os.chown(folder, owner, 0)
        folder.chmod(0o700)
    assert readers(check_listing(source(root, others=["everyone"])), "a/b/f.txt") == set()


def test_an_access_list_names_people_and_its_mask_cuts_them(root: Path) -> None:
    path = put(root, "f.txt", 0o640)
    acl = PosixAcl(0, 0, 6, 0, 0, ((2001, 6), (2002, 0)), ((3001, 4),), 7)
    connector = source(root, others=["everyone"])
    os.setxattr(path, XATTR, packed(acl))
    assert readers(check_listing(connector), "f.txt") == {"ann", "staff"}
    os.setxattr(path, XATTR, packed(PosixAcl(0, 0, 6, 0, 4, ((2002, 0),), (), 7)))
    assert readers(check_listing(connector), "f.txt") == {"ann", "staff", "stranger"}
    os.setxattr(path, XATTR, packed(PosixAcl(0, 0, 6, 0, 0, ((2001, 6),), ((3001, 4),), 2)))
    assert readers(check_listing(connector), "f.txt") == set()


def test_a_list_for_files_made_later_opens_nothing_by_itself(root: Path) -> None:
    put(root, "f.txt", 0o600)
    os.setxattr(root, "system.posix_acl_default", packed(PosixAcl(0, 0, 7, 7, 7, ((2001, 7),), (), 7)))
    assert readers(check_listing(source(root, others=["everyone"])), "f.txt") == set()


def test_without_a_groups_file_the_directory_says_who_has_a_number(root: Path) -> None:
    put(root, "f.txt", 0o640, owner=2001, group=3001)
    config: dict[str, Json] = {"root": str(root), "permissions": "posix", "others": ["everyone"]}
    connector = KIND.build(config, {}, Surroundings())
    acl = upserts(check_listing(connector))["f.txt"].acl
    assert acl is not None
    assert [str(entry.principal) for entry in acl.clauses[0].entries] == [
        "group:directory:uid:2001",
        "group:directory:gid:3001",
    ]
    assert all(item.ok for item in connector.check())


def test_the_access_file_and_companions_only_narrow(root: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        put(root, name, 0o640, owner=2001, group=3001)
    access = tmp_path / "access.json"
    entries = amazon_entries(["group:gid:3001", "user:s@example.com"], [])
    access.write_text(json.dumps([{"keyPrefix": "a.txt", "aclEntries": entries}]), encoding="utf-8")
    companion = {"AccessControlList": amazon_entries(["group:uid:2001", "group:uid:2002"], [])}
    (root / "b.txt.metadata.json").write_text(json.dumps(companion), encoding="utf-8")
    events = check_listing(source(root, access_file=str(access), others=["everyone"]))
    assert readers(events, "a.txt") == {"staff"}
    assert readers(events, "b.txt") == {"ann"}
    assert readers(events, "c.txt") == {"ann", "staff"}
    access.write_text("[", encoding="utf-8")
    assert readers(check_listing(source(root, access_file=str(access))), "c.txt") == set()


def test_a_change_of_rights_changes_no_version(root: Path) -> None:
    path = put(root, "f.txt", 0o600, owner=2001)
    connector = source(root)
    before = upserts(listed(connector))["f.txt"]
    path.chmod(0o640)
    os.chown(path, 2002, 3001)
    after = upserts(listed(connector))["f.txt"]
    assert after.version == before.version
    assert after.acl != before.acl
    path.write_text("longer than before", encoding="utf-8")
    assert upserts(listed(connector))["f.txt"].version != before.version


def test_a_moved_file_obeys_its_new_folder(root: Path) -> None:
    path = put(root, "open/f.txt", 0o644)
    put(root, "closed/g.txt", 0o644)
    os.chown(root / "closed", 2001, 0)
    (root / "closed").chmod(0o700)
    connector = source(root, others=["everyone"])
    assert len(readers(listed(connector), "open/f.txt")) == 4
    path.rename(root / "closed" / "f.txt")
    assert readers(listed(connector), "closed/f.txt") == {"ann"}


class BrokenDisk:
    """Answers for one attribute of one file or folder as it is told to, and truthfully for the rest."""

    def __init__(self, place: Path, attribute: str, answer: bytes | int) -> None:
        self._identity = place.stat().st_ino
        self._attribute, self._answer, self._real = attribute, answer, os.getxattr

    def __call__(self, path: int | str, name: str, *, follow_symlinks: bool = True) -> bytes:
        info = os.stat(path, follow_symlinks=follow_symlinks)  # noqa: PTH116 - also a descriptor
        if (info.st_ino, name) != (self._identity, self._attribute):
            return self._real(path, name, follow_symlinks=follow_symlinks)
        if isinstance(self._answer, int):
            raise OSError(self._answer, os.strerror(self._answer))
        return self._answer


def test_rights_that_cannot_be_read_are_unknown_and_not_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/f.txt", "b.txt", "c.txt"):
        put(root, name, 0o644)
    connector = source(root, others=["everyone"])
    for place, lost in ((root / "b.txt", {"b.txt"}), (root / "a", {"a/f.txt"})):
        monkeypatch.setattr(os, "getxattr", BrokenDisk(place, XATTR, errno.EIO))
        events = check_listing(connector)
        assert {name for name, found in upserts(events).items() if found.acl is None} == lost
        assert isinstance(events[-1], Complete)
        assert [item.step for item in connector.check() if not item.ok] == ["read permissions"]
        monkeypatch.undo()


@pytest.mark.parametrize("attribute", [XATTR, "system.nfs4_acl", "system.cifs_acl"])
def test_a_list_that_is_not_understood_hides_what_it_guards(
    root: Path, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    for name in ("a/f.txt", "b.txt", "c.txt"):
        put(root, name, 0o644)
    connector = source(root, others=["everyone"])
    for place, failed, prefix in ((root / "b.txt", "b.txt", False), (root / "a", "a/", True)):
        monkeypatch.setattr(os, "getxattr", BrokenDisk(place, attribute, b"\x09"))
        events = check_listing(connector)
        [failure] = [event for event in events if isinstance(event, Failure)]
        assert (failure.external_id, failure.code) == (failed, FailureCode.BAD_PERMISSIONS)
        assert (failure.hide, failure.is_prefix) == (True, prefix)
        assert sees(events, "c.txt", EVERYONE)
        monkeypatch.undo()


def test_a_folder_that_was_closed_to_the_worker_is_hidden(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "closed/f.txt", 0o644)

    def refuse(at: Path, parts: tuple[str, ...]) -> int:
        if parts:
            raise PermissionError(errno.EACCES, "Permission denied")
        return beneath.open_folder(at, parts)

    monkeypatch.setattr(walk_module, "open_folder", refuse)
    events = check_listing(source(root))
    assert events[0] == Failure(
        "closed/", FailureCode.UNLISTED, "Permission denied", hide=True, is_prefix=True
    )


def test_the_connection_test_counts_what_nobody_may_read(root: Path) -> None:
    put(root, "a.txt", 0o000, owner=2001)
    put(root, "b.txt", 0o600, owner=2001)
    [item] = [item for item in source(root).check() if item.step == "read permissions"]
    assert item.ok
    assert "1 of them are open to nobody" in item.detail


def test_lists_of_many_folders_are_joined_without_repeating_themselves(root: Path) -> None:
    put(root, "a/b/c/d/e/f.txt", 0o640, owner=2001, group=3001)
    acl = upserts(listed(source(root, others=["everyone"])))["a/b/c/d/e/f.txt"].acl
    assert isinstance(acl, Acl)
    assert len(acl.clauses) == 1

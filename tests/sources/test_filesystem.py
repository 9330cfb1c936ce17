"""The story of a folder whose own rights count, played through the engine and put to the kernel."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.accounts.models import User
from assistant.sync.services import add_source
from connectors.sdk.posix_acl import XATTR, PosixAcl
from tests.connectors.sdk.test_posix_acl import opened_as, packed
from tests.connectors.servers.programs import needs_root
from tests.sources.story import Row, Story, read_table

TABLE = Path(__file__).with_name("filesystem.md")
NUMBERS = {"ann": 2001, "bob": 2002, "cho": 2003, "sam": 2004}
STAFF, HR = 3001, 3002
WORDS = {
    "plan": "heronplan", "team": "wagtailteam", "notice": "bitternnotice",
    "pay": "plovervault", "letter": "curlewletter", "barred": "siskinbarred",
}  # fmt: skip


@dataclass
class Server:
    """A folder with the accounts and groups of a file server."""

    folder: Path
    places: dict[str, str]
    groups: dict[int, set[str]] = field(default_factory=lambda: {STAFF: {"ann", "bob"}, HR: {"cho"}})

    @property
    def root(self) -> Path:
        return self.folder / "share"

    def path(self, document: str) -> Path:
        return self.root / self.places[document]

    def put(self, document: str, text: str, mode: int, *, owner: int = 0, group: int = 0) -> None:
        path = self.path(document)
        path.write_text(f"The {document} says {WORDS[document]}: {text}", encoding="utf-8")
        os.chown(path, owner, group)
        path.chmod(mode)

    def write_groups(self) -> None:
        people = [
            {"group": f"uid:{number}", "members": [f"user:{name}@example.com"]}
            for name, number in NUMBERS.items()
        ]
        groups = [
            {"group": f"gid:{number}", "members": sorted(f"user:{name}@example.com" for name in members)}
            for number, members in self.groups.items()
        ]
        (self.folder / "groups.json").write_text(json.dumps(people + groups), encoding="utf-8")

    def opens(self, viewer: str, document: str) -> bool:
        """Whether the kernel opens the document for this account."""
        name = viewer.partition("@")[0]
        gids = [number for number, members in self.groups.items() if name in members] or [4001]
        path = self.path(document)
        return path.exists() and opened_as(NUMBERS[name], gids, [path]) == [True]


@pytest.fixture
def server() -> Iterator[Server]:
    needs_root("to give files to others")
    folder = Path(tempfile.mkdtemp(prefix="mundap-share-"))
    folder.chmod(0o755)
    server = Server(folder, {name: f"{name}.txt" for name in WORDS} | {"pay": "hr/pay.txt"})
    (server.root / "hr").mkdir(parents=True)
    server.root.chmod(0o755)
    os.chown(server.root / "hr", 0, HR)
    (server.root / "hr").chmod(0o750)
    server.write_groups()
    server.put("plan", "first", 0o600, owner=NUMBERS["ann"])
    server.put("team", "first", 0o640, group=STAFF)
    server.put("notice", "first", 0o644)
    server.put("pay", "first", 0o644)
    server.put("letter", "first", 0o600)
    server.put("barred", "first", 0o604, group=STAFF)
    os.setxattr(server.path("letter"), XATTR, packed(PosixAcl(0, 0, 6, 0, 0, ((NUMBERS["bob"], 4),), (), 4)))
    yield server
    shutil.rmtree(folder)


def _then_kernel(
    step: Callable[[], None], server: Server, rows: Sequence[Row], situation: str
) -> Callable[[], None]:
    """The step, after which the kernel must say what the table says."""

    def step_and_ask() -> None:
        step()
        said = {row: server.opens(row.viewer, row.document) for row in rows if row.situation == situation}
        assert [row for row, opens in said.items() if opens != row.must_see] == []

    return step_and_ask


class Steps:
    """What each situation of the table does to the server, and how it is synced."""

    def __init__(self, server: Server, story: Story) -> None:
        self.server, self.story = server, story

    def first_sync(self) -> None:
        assert self.story.sync().state == "succeeded"

    def text_changes(self) -> None:
        self.server.put("plan", "second, and longer", 0o600, owner=NUMBERS["ann"])
        run = self.story.sync()
        assert (run.updated, run.unchanged) == (1, 5)

    def plan_for_group(self) -> None:
        os.chown(self.server.path("plan"), -1, STAFF)
        self.server.path("plan").chmod(0o640)
        run = self.story.sync()
        assert (run.updated, run.failed) == (1, 0)

    def mask(self) -> None:
        self.server.path("letter").chmod(0o610)  # of a file with a list, the middle digit is the mask
        self.story.sync("permissions")

    def group_changes(self) -> None:
        self.server.groups[STAFF] = {"ann", "cho"}
        self.server.write_groups()
        self.story.sync("permissions")

    def notice_moves(self) -> None:
        self.server.groups[HR] = set()
        self.server.write_groups()
        self._move("notice", "hr/notice.txt")
        self.story.sync()

    def folder_for_ann(self) -> None:
        os.chown(self.server.root / "hr", NUMBERS["ann"], HR)
        (self.server.root / "hr").chmod(0o700)
        self.story.sync("permissions")

    def folder_opens_and_moves(self) -> None:
        (self.server.root / "hr").chmod(0o755)
        (self.server.root / "hr").rename(self.server.root / "people")
        for name in ("pay", "notice"):
            self._renamed(name, f"people/{name}.txt")
        self.story.sync("full")

    def team_deleted(self) -> None:
        self.server.path("team").unlink()
        assert self.story.sync().deleted == 1

    def _move(self, document: str, to: str) -> None:
        old = self.server.path(document)
        old.rename(self.server.root / to)
        self._renamed(document, to)

    def _renamed(self, document: str, to: str) -> None:
        self.server.places[document] = self.story.ids[document] = to


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_folder_with_rights_of_its_own(people: Mapping[str, User], server: Server) -> None:
    config = {
        "root": str(server.root),
        "permissions": "posix",
        "others": ["everyone"],
        "groups_file": str(server.folder / "groups.json"),
    }
    source_id = add_source(kind="filesystem", name="share", config=config, actor="test")
    story = Story(source_id, ids=dict(server.places), words=dict(WORDS))
    steps = Steps(server, story)
    made = {
        "first sync": steps.first_sync,
        "the text changes": steps.text_changes,
        "the plan is given to the group": steps.plan_for_group,
        "the mask takes the list's rights away": steps.mask,
        "cho takes bob's place in the group": steps.group_changes,
        "the notice moves into hr": steps.notice_moves,
        "the folder is given to ann alone": steps.folder_for_ann,
        "the folder is opened and moves": steps.folder_opens_and_moves,
        "team is deleted": steps.team_deleted,
    }
    rows = read_table(TABLE)
    story.play(rows, {name: _then_kernel(step, server, rows, name) for name, step in made.items()})

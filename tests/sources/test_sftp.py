"""The story of a folder on an SFTP server, played through the engine against OpenSSH."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.programs import needs_root
from tests.connectors.servers.sshd import ssh_server
from tests.connectors.sources.sftp_world import SftpWorld
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("sftp.md")
NUMBERS = {"ann": 2001, "bob": 2002, "cho": 2003, "sam": 2004}
STAFF, HR = 3001, 3002
WORDS = {
    "plan": "heronplan", "team": "wagtailteam", "notice": "bitternnotice",
    "pay": "plovervault", "barred": "siskinbarred", "brief": "ospreybrief",
}  # fmt: skip


class Server(SftpWorld):
    """A folder on the server whose files belong to several people."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.places = {name: f"{name}.txt" for name in WORDS} | {
            "pay": "hr/pay.txt",
            "brief": "legal/brief.txt",
        }
        for name, number in NUMBERS.items():
            self.set_group(f"uid:{number}", [f"user:{name}@example.com"])
        self.staff("ann", "bob")
        self.set_group(f"gid:{HR}", ["user:cho@example.com"])
        self.set_acl("legal/", allow=["user:bob@example.com"])
        for document, mode, owner, group in (
            ("plan", 0o600, NUMBERS["ann"], 0),
            ("team", 0o640, 0, STAFF),
            ("notice", 0o644, 0, 0),
            ("pay", 0o644, 0, 0),
            ("barred", 0o604, 0, STAFF),
            ("brief", 0o644, 0, 0),
        ):
            self.write(document, "first", mode, owner, group)
        os.chown(self.root / "hr", 0, HR)
        (self.root / "hr").chmod(0o750)

    def staff(self, *names: str) -> None:
        self.set_group(f"gid:{STAFF}", [f"user:{name}@example.com" for name in names])

    def write(self, document: str, text: str, mode: int, owner: int, group: int) -> None:
        name = self.put(self.places[document], f"The {document} says {WORDS[document]}: {text}")
        os.chown(self.root / name, owner, group)
        (self.root / name).chmod(mode)


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    needs_root("to give files to others")
    with ssh_server(user_as_root="root") as server:
        SftpWorld.server = server
        yield
        SftpWorld.close_all()


class Steps:
    """What each situation of the table does to the server, and how it is synced."""

    def __init__(self, server: Server, story: Story) -> None:
        self.server, self.story = server, story

    def first_sync(self) -> None:
        assert self.story.sync().state == "succeeded"

    def text_changes(self) -> None:
        self.server.write("plan", "second", 0o600, NUMBERS["ann"], 0)
        run = self.story.sync()
        assert (run.updated, run.unchanged) == (1, 5)

    def plan_for_group(self) -> None:
        plan = self.server.root / "plan.txt"
        os.chown(plan, -1, STAFF)
        plan.chmod(0o640)
        assert self.story.sync("permissions").failed == 0

    def group_changes(self) -> None:
        self.server.staff("ann", "cho")
        self.story.sync("permissions")

    def companion_narrows(self) -> None:
        entries = [{"Name": "ann@example.com", "Type": "USER", "Access": "ALLOW"}]
        self.server.companion("notice.txt", {"AccessControlList": entries})
        self.story.sync()

    def access_file_changes(self) -> None:
        self.server.set_acl("legal/", allow=["user:cho@example.com"])
        self.story.sync("permissions")

    def notice_moves(self) -> None:
        for suffix in ("", ".metadata.json"):
            name = f"notice.txt{suffix}"
            (self.server.root / name).rename(self.server.root / "hr" / name)
        self.story.ids["notice"] = "hr/notice.txt"
        self.story.sync()

    def folder_for_ann(self) -> None:
        os.chown(self.server.root / "hr", NUMBERS["ann"], HR)
        (self.server.root / "hr").chmod(0o700)
        self.story.sync("permissions")

    def folder_opens_and_moves(self) -> None:
        (self.server.root / "hr").chmod(0o755)
        (self.server.root / "hr").rename(self.server.root / "people")
        for name in ("pay", "notice"):
            self.story.ids[name] = f"people/{name}.txt"
        self.story.sync("full")

    def team_deleted(self) -> None:
        self.server.delete("team.txt")
        assert self.story.sync().deleted == 1


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_folder_on_an_sftp_server(
    people: Mapping[str, User], settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    server = Server(tmp_path)
    source_id = add_source(
        kind="sftp",
        name="files",
        config=server.config(permissions="mode", plain_modes=True, others=["everyone"]),
        secrets=server.secrets,
        actor="test",
    )
    story = Story(source_id, ids=dict(server.places), words=dict(WORDS))
    steps = Steps(server, story)
    story.play(
        read_table(TABLE),
        {
            "first sync": steps.first_sync,
            "the text changes": steps.text_changes,
            "the plan is given to the group": steps.plan_for_group,
            "cho takes bob's place in the group": steps.group_changes,
            "a companion narrows the notice": steps.companion_narrows,
            "the access file gives legal to cho": steps.access_file_changes,
            "the notice moves into hr": steps.notice_moves,
            "the folder is given to ann alone": steps.folder_for_ann,
            "the folder is opened and moves": steps.folder_opens_and_moves,
            "team is deleted": steps.team_deleted,
        },
    )

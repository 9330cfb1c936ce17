"""The story of a folder on a WebDAV server, played through the engine against Apache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.apache_dav import apache_dav
from tests.connectors.sources.webdav_world import WebdavWorld
from tests.connectors.worlds import amazon_entries
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("webdav.md")
PLACES = {
    "plan": "plan.txt", "team": "shared/team.txt", "pay": "hr/pay.txt",
    "notice": "notice.txt", "letter": "hr/letter.txt", "forgotten": "forgotten.txt",
}  # fmt: skip
WORDS = {
    "plan": "heronplan", "team": "wagtailteam", "pay": "plovervault",
    "notice": "bitternnotice", "letter": "curlewletter", "forgotten": "ospreyforgotten",
}  # fmt: skip
ANN, BOB, CHO = (f"user:{name}@example.com" for name in ("ann", "bob", "cho"))


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    with apache_dav() as server:
        WebdavWorld.server = server
        yield
        WebdavWorld.close_all()


class Steps:
    """What each situation of the table does to the server, and how it is synced."""

    def __init__(self, server: WebdavWorld, story: Story) -> None:
        self.server, self.story = server, story

    def write(self, document: str, text: str) -> None:
        self.server.put(self.story.ids[document], f"The {document} says {WORDS[document]}: {text}")

    def fill(self) -> None:
        for document in PLACES:
            self.write(document, "first")
        self.server.set_group("staff", [ANN, BOB])
        self.server.set_group("hr", [CHO])
        self.server.set_acl("plan.txt", allow=[ANN])
        self.server.set_acl("shared/", allow=["group:staff"])
        self.server.set_acl("hr/", allow=["group:hr"], deny=[BOB])
        self.server.set_acl("forgotten.txt", allow=[])
        self.server.companion("hr/letter.txt", {"AccessControlList": amazon_entries([CHO, BOB], [])})

    def first_sync(self) -> None:
        self.fill()
        run = self.story.sync()
        assert (run.state, run.added) == ("succeeded", 6)

    def text_changes(self) -> None:
        self.write("plan", "second")
        run = self.story.sync()
        assert (run.updated, run.unchanged) == (1, 5)

    def plan_for_group(self) -> None:
        self.server.set_acl("plan.txt", allow=["group:staff"])
        self.story.sync("permissions")

    def group_changes(self) -> None:
        self.server.set_group("staff", [ANN, CHO])
        self.story.sync("permissions")

    def bob_joins_hr(self) -> None:
        self.server.set_group("hr", [CHO, BOB])
        self.story.sync("permissions")

    def denial_ends(self) -> None:
        self.server.set_acl("hr/", allow=["group:hr"])
        self.story.sync()

    def access_file_breaks(self) -> None:
        (self.server.root / "access.json").write_text("[{", encoding="utf-8")
        assert self.story.sync().state == "succeeded_with_errors"

    def access_file_mended(self) -> None:
        self.server.set_acl("plan.txt", allow=[ANN])
        assert self.story.sync().state == "succeeded"

    def notice_moves(self) -> None:
        (self.server.root / "notice.txt").rename(self.server.root / "hr" / "notice.txt")
        self.story.ids["notice"] = "hr/notice.txt"
        self.story.sync()

    def folder_moves(self) -> None:
        (self.server.root / "hr").rename(self.server.root / "shared" / "people")
        for name in ("pay", "letter", "notice"):
            self.story.ids[name] = f"shared/people/{name}.txt"
        self.story.sync("full")

    def team_deleted(self) -> None:
        self.server.delete("shared/team.txt")
        assert self.story.sync().deleted == 1


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_folder_on_a_webdav_server(
    people: Mapping[str, User], settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    server = WebdavWorld(tmp_path)
    source_id = add_source(
        kind="webdav",
        name="files",
        config=server.config(audience=["group:staff"]),
        secrets=server.secrets,
        actor="test",
    )
    story = Story(source_id, ids=dict(PLACES), words=dict(WORDS))
    steps = Steps(server, story)
    story.play(
        read_table(TABLE),
        {
            "first sync": steps.first_sync,
            "the text changes": steps.text_changes,
            "the plan is given to the group": steps.plan_for_group,
            "cho takes bob's place in the group": steps.group_changes,
            "bob joins hr": steps.bob_joins_hr,
            "hr no longer denies bob": steps.denial_ends,
            "the access file breaks": steps.access_file_breaks,
            "the access file is mended": steps.access_file_mended,
            "the notice moves into hr": steps.notice_moves,
            "the folder moves into shared": steps.folder_moves,
            "team is deleted": steps.team_deleted,
        },
    )

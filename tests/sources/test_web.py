"""The story of `web.md`, told by a real server, the real engine and the real index."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.sync.models import Source
from assistant.sync.services import add_source
from tests.connectors.servers.apache_site import apache
from tests.sources.story import Story, read_table

pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = {
    "plan.html": "The zeppelin plan: we move to the harbour in May.",
    "menu.html": "The canteen serves bibimbap and quokka biscuits.",
}


class Website:
    """The folder that Apache serves, and the source that reads it."""

    def __init__(self) -> None:
        self.root = apache().root / "story"
        self.root.mkdir()
        self.root.chmod(0o755)
        self.url = f"{apache().url}/story/"
        for name, text in TEXTS.items():
            self.write(name, text)
        config: dict[str, Json] = {"start": [self.url], "delay_ms": 0}
        self.story = Story(add_source(kind="web", name="site", config=config, actor="test"))
        self.story.words = {"plan": "zeppelin", "menu": "quokka", "menu at its old address": "quokka"}
        self.story.ids = {"plan": self.url + "plan.html", "menu": self.url + "menu.html"}
        self.story.ids["menu at its old address"] = self.story.ids["menu"]

    def write(self, name: str, text: str, *, head: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_text(f"<html><head>{head}</head><body><p>{text}</p></body></html>", encoding="utf-8")
        path.chmod(0o644)
        self.link()

    def link(self) -> None:
        """Make the start page lead to what is there."""
        names = sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*.html"))
        index = self.root / "index.html"
        index.write_text(
            "".join(f'<p><a href="{name}">{name}</a></p>' for name in names if name != "index.html")
        )
        index.chmod(0o644)

    def move(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(exist_ok=True)
        (self.root / new).parent.chmod(0o755)
        (self.root / old).rename(self.root / new)
        self.link()

    def read_by(self, *audience: str) -> None:
        source = Source.objects.get(pk=self.story.source_id)
        source.config = {**source.config, "audience": list(audience)}
        source.save(update_fields=["config"])

    # The situations, in the order of the table.

    def first(self) -> None:
        self.read_by("user:ann@example.com", "user:bob@example.com")
        assert self.story.sync().state == "succeeded"

    def rewritten(self) -> None:
        self.write("plan.html", "The pangolin plan: we stay where we are.")
        self.story.words["plan"] = "pangolin"
        assert self.story.sync().updated == 1

    def added(self) -> None:
        self.write("team/notes.html", "Notes about the narwhal meeting.")
        self.story.ids["notes"] = self.story.ids["notes in the old folder"] = self.url + "team/notes.html"
        self.story.words["notes"] = self.story.words["notes in the old folder"] = "narwhal"
        assert self.story.sync().added == 1

    def narrowed(self, *audience: str) -> None:
        self.read_by(*audience)
        self.story.sync("permissions")

    def menu_moves(self) -> None:
        self.move("menu.html", "lunch.html")
        self.story.ids["menu"] = self.url + "lunch.html"
        self.story.sync()

    def folder_moves(self) -> None:
        self.move("team", "crew")
        self.story.ids["notes"] = self.url + "crew/notes.html"
        self.story.sync()

    def unindexed(self, head: str) -> None:
        self.write("plan.html", "The pangolin plan: we stay where we are.", head=head)
        self.story.sync()

    def refused(self) -> None:
        (self.root / "lunch.html").chmod(0)
        assert self.story.sync().state == "succeeded_with_errors"
        (self.root / "lunch.html").chmod(0o644)

    def vanished(self) -> None:
        (self.root / "index.html").unlink()
        (self.root / "index.html.old").write_text("")
        assert self.story.sync().state == "failed"

    def deleted(self) -> None:
        (self.root / "crew" / "notes.html").unlink()
        self.link()
        assert self.story.sync("full").deleted == 1


def test_the_story_of_a_web_site(people: dict[str, User], settings: LazySettings, tmp_path: Path) -> None:
    settings.MUNDAP_HOME = tmp_path
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    site = Website()
    site.story.play(
        read_table(Path(__file__).with_name("web.md")),
        {
            "first sync, for Ann and Bob": site.first,
            "the plan is rewritten": site.rewritten,
            "a page is added in a folder": site.added,
            "Bob leaves the audience": lambda: site.narrowed("user:ann@example.com"),
            "the audience is a group that nobody knows": lambda: site.narrowed("group:directory:cn:staff"),
            "the audience is everyone": lambda: site.narrowed("everyone"),
            "the audience is Cho": lambda: site.narrowed("user:cho@example.com"),
            "the menu moves to another address": site.menu_moves,
            "the folder is renamed": site.folder_moves,
            "the plan asks not to be indexed": lambda: site.unindexed(
                '<meta name="robots" content="noindex">'
            ),
            "the plan may be indexed again": lambda: site.unindexed(""),
            "the server refuses the menu": site.refused,
            "the start page is gone": site.vanished,
            "the notes are deleted": site.deleted,
        },
    )

"""The story of a MediaWiki, end to end: a real wiki, the real engine, the real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.accounts.people import link_account
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.mediawiki import PASSWORD, MediaWiki, mediawiki_server
from tests.connectors.sources.mediawiki_world import settings_of
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("mediawiki.md")
TITLES = {"guide": "Guide", "news": "News", "pay": "HR:Pay", "plan": "HR:Plan", "draft": "Drafts:Draft"}
READERS = {
    "audience": ["group:user"],
    "namespaces": ["0", "3000 = user:cho@example.com, group:staff", "3002 = user:nobody@example.com"],
}


class WikiStory:
    """The steps of the table."""

    def __init__(self, story: Story, wiki: MediaWiki, people: dict[str, User]) -> None:
        self.story, self.wiki, self.people = story, wiki, people
        story.words = {
            "guide": "kingfisher",
            "news": "wagtail",
            "pay": "sparrowhawk",
            "plan": "oystercatcher",
            "draft": "nightingale",
        }
        self.numbers: dict[str, int] = {}

    def first_sync(self) -> None:
        for document in TITLES:
            self.put(document)
        self.story.ids = dict(zip(TITLES, map(str, self.wiki.flush()), strict=True))
        for name, groups in (("Ann", []), ("Bob", ["staff"])):
            self.numbers[name] = self.wiki.do("user", name=name, groups=groups)
        assert self.story.sync().state == "succeeded"

    def put(self, document: str, more: str = "") -> None:
        text = f"== {document.title()} ==\nThis page is about the {self.story.words[document]}. {more}\n"
        self.wiki.later("put", title=TITLES[document], text=text)

    def link(self) -> None:
        for name, number in self.numbers.items():
            link_account(
                connection_id=self.story.source_id,
                account_id=f"{number}:{name}",
                user_id=self.people[name.lower()].pk,
                actor="test",
            )

    def edit(self) -> None:
        self.story.words["guide"] = "avocet"
        self.put("guide", "It was rewritten.")
        self.after()

    def after(self, kind: str = "incremental") -> None:
        """Carry out what waits, and sync."""
        self.wiki.flush()
        assert self.story.sync(kind).state == "succeeded"

    def swap_groups(self) -> None:
        self.wiki.later("user", name="Bob", groups=[])
        self.wiki.later("user", name="Ann", groups=["staff"])
        self.after("permissions")

    def move(self, title: str, to: str) -> None:
        self.wiki.later("move", title=title, to=to)
        self.after()

    def block(self) -> None:
        self.wiki.later("block", name="Ann")
        self.after("permissions")

    def redirect(self) -> None:
        self.wiki.later("put", title="Plan", text="#REDIRECT [[Guide]]")
        self.after()

    def delete(self) -> None:
        self.wiki.later("delete", title="HR:Pay")
        self.after()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    """One wiki for the module."""
    with mediawiki_server(tmp_path_factory.mktemp("mediawiki")) as wiki:
        yield wiki


def test_the_story_of_a_mediawiki(server: MediaWiki, people: dict[str, User], settings: LazySettings) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    server.namespaces({3000: "HR", 3002: "Drafts"})
    source_id = add_source(
        kind="mediawiki",
        name="wiki",
        config=settings_of(server, **READERS),
        secrets={"password": PASSWORD},
        actor="test",
    )
    told = WikiStory(Story(source_id), server, people)
    told.story.play(
        read_table(TABLE),
        {
            "first sync, before accounts are linked": told.first_sync,
            "Ann and Bob are linked to their accounts": told.link,
            "a page is edited": told.edit,
            "Bob leaves staff and Ann joins": told.swap_groups,
            "a page moves into HR": lambda: told.move("News", "HR:News"),
            "a page moves out of HR": lambda: told.move("HR:Plan", "Plan"),
            "Ann is blocked": told.block,
            "a page becomes a redirect": told.redirect,
            "a page is deleted": told.delete,
        },
    )

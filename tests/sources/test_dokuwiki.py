"""The story of a DokuWiki, end to end: a real wiki, the real engine, the real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.dokuwiki import PASSWORD, ROBOT, DokuWiki, dokuwiki_server
from tests.connectors.sources.dokuwiki_world import settings_of
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("dokuwiki.md")
RULES = ("* @ALL 1", "hr:* @ALL 0", "hr:* @hr 1", "team:dev:* @ALL 0", "team:dev:* @dev 1")
PLACES = ("user:* @ALL 0", "user:%USER%:* %USER% 16")


class WikiStory:
    """The steps of the table."""

    def __init__(self, story: Story, wiki: DokuWiki) -> None:
        self.story, self.wiki = story, wiki
        story.words = {
            "guide": "kingfisher",
            "welcome": "wagtail",
            "pay": "sparrowhawk",
            "plan": "oystercatcher",
            "notes": "nightingale",
            "list": "goldcrest",
        }
        story.ids = {
            "guide": "guide",
            "welcome": "welcome",
            "pay": "hr:pay",
            "plan": "team:dev:plan",
            "notes": "user:ann:notes",
            "list": "media/hr:list.txt",
        }

    def first_sync(self) -> None:
        for login, groups in (("ann", ["dev"]), ("bob", ["hr"]), ("cho", ["hr", "dev"]), ("sam", [])):
            self.wiki.set_user(login, f"{login}@example.com", groups)
        self.wiki.set_rules(*RULES, *PLACES)
        for document in ("guide", "welcome", "pay", "plan", "notes"):
            self.put(document)
        self.wiki.put_media("hr:list.txt", b"The list of the goldcrest for the personnel office.")
        assert self.story.sync().state == "succeeded"

    def put(self, document: str, more: str = "") -> None:
        word = self.story.words[document]
        text = f"====== {document.title()} ======\nThis page is about the {word}. {more}\n"
        self.wiki.put_page(self.story.ids[document], text)

    def edit(self) -> None:
        self.story.words["guide"] = "avocet"
        self.put("guide", "It was rewritten.")
        run = self.story.sync()
        assert (run.updated, run.added, run.deleted) == (1, 0, 0)

    def rules(self, *more: str, kind: str = "incremental") -> None:
        self.wiki.set_rules(*RULES, *PLACES, *more)
        self.story.sync(kind)

    def swap_groups(self) -> None:
        self.wiki.set_user("bob", "bob@example.com", [])
        self.wiki.set_user("ann", "ann@example.com", ["dev", "hr"])
        run = self.story.sync("permissions")
        assert run.updated == 0

    def promote(self) -> None:
        self.wiki.set_user("cho", "cho@example.com", ["hr", "dev", "admin"])
        self.story.sync()

    def move_page(self) -> None:
        self.move("guide", "hr:guide")
        assert self.story.sync().deleted == 1

    def move_namespace(self) -> None:
        self.move("plan", "hr:board:plan")
        self.rules("hr:board:* @hr 0", "hr:board:* cho 1")

    def move(self, document: str, place: str) -> None:
        self.wiki.delete_page(self.story.ids[document])
        self.story.ids[document] = place
        self.put(document)

    def break_rule(self) -> None:
        self.rules("hr:board:* @hr 0", "hr:board:* cho 1", "hr:* @sales reads")

    def delete(self) -> None:
        self.wiki.delete_page("user:ann:notes")
        run = self.story.sync()
        assert run.deleted == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DokuWiki]:
    """One wiki for the module."""
    with dokuwiki_server(tmp_path_factory.mktemp("dokuwiki")) as wiki:
        yield wiki


def test_the_story_of_a_dokuwiki(server: DokuWiki, people: dict[str, User], settings: LazySettings) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    source_id = add_source(
        kind="dokuwiki",
        name="wiki",
        config=settings_of(server),
        secrets={"password": PASSWORD},
        actor="test",
    )
    told = WikiStory(Story(source_id), server)
    told.story.play(
        read_table(TABLE),
        {
            "first sync": told.first_sync,
            "a page is edited": told.edit,
            "a page closes in an open namespace": lambda: told.rules("welcome @ALL 0", "welcome bob 1"),
            "a page opens in a closed namespace": lambda: told.rules("hr:pay @ALL 1"),
            "the rules are taken back by a permission run": lambda: told.rules(kind="permissions"),
            "Bob leaves hr and Ann joins": told.swap_groups,
            "Cho becomes a superuser": told.promote,
            "a page moves into a closed namespace": told.move_page,
            "a namespace moves with its page": told.move_namespace,
            "a rule is broken": told.break_rule,
            "the rule is mended": lambda: told.rules("hr:board:* @hr 0", "hr:board:* cho 1"),
            "a page is deleted": told.delete,
        },
    )
    assert ROBOT in server.users

"""The story of `feed.md`, told by a real server, the real engine and the real index."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.sync.models import Source
from assistant.sync.services import add_source
from tests.connectors.servers.apache_site import apache
from tests.connectors.sources.feed_world import atom, entry, entry_id
from tests.sources.story import Story, read_table

pytestmark = pytest.mark.django_db(transaction=True)


class Newsroom:
    """The feeds that Apache serves, and the source that reads them."""

    def __init__(self) -> None:
        self.root = apache().root / "newsroom"
        self.root.mkdir()
        self.root.chmod(0o755)
        self.first_feed, self.second_feed = "news.xml", "audits.xml"
        self.entries = {"launch": "The zeppelin is launched in May.", "picnic": "Bring quokka biscuits."}
        self.show()
        self.story = Story(add_source(kind="feed", name="news", config=self.config(), actor="test"))
        self.story.words = {"launch": "zeppelin", "picnic": "quokka", "audit": "narwhal"}
        self.story.words["launch below its old feed"] = "zeppelin"
        self.story.ids = {name: entry_id(name) for name in ("launch", "picnic", "audit")}
        self.story.ids["launch below its old feed"] = f"{self.url(self.first_feed)}#{entry_id('launch')}"

    def url(self, name: str) -> str:
        return f"{apache().url}/newsroom/{name}"

    def config(self, *audience: str) -> dict[str, Json]:
        feeds: list[Json] = [self.url(self.first_feed)]
        if (self.root / self.second_feed).exists():
            feeds.append(self.url(self.second_feed))
        return {"addresses": feeds, "audience": list(audience)}

    def show(self) -> None:
        self.write(self.first_feed, atom(*(entry(name, text) for name, text in self.entries.items())))

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")
        (self.root / name).chmod(0o644)

    def read_by(self, *audience: str) -> None:
        Source.objects.filter(pk=self.story.source_id).update(config=self.config(*audience))

    # The situations, in the order of the table.

    def first(self) -> None:
        self.read_by("user:ann@example.com", "user:bob@example.com")
        assert self.story.sync().added == 2

    def rewritten(self) -> None:
        self.entries["launch"] = "The pangolin is launched in June."
        self.story.words["launch"] = "pangolin"
        self.show()
        assert self.story.sync().updated == 1

    def second(self) -> None:
        markup = escape("<p>The narwhal <b>audit</b> is over.</p>")
        names = f"<title>audit</title><guid>{entry_id('audit')}</guid>"
        item = f"<item>{names}<description>{markup}</description></item>"
        self.write(
            self.second_feed, f'<rss version="2.0"><channel><title>Audits</title>{item}</channel></rss>'
        )
        self.read_by("user:ann@example.com", "user:bob@example.com")
        assert self.story.sync().added == 1

    def left(self) -> None:
        del self.entries["picnic"]
        self.show()
        assert self.story.sync().deleted == 0

    def anew(self) -> None:
        assert self.story.sync("full").deleted == 0

    def narrowed(self, *audience: str) -> None:
        self.read_by(*audience)
        self.story.sync("permissions")

    def moved(self) -> None:
        (self.root / self.first_feed).rename(self.root / "latest.xml")
        self.first_feed = "latest.xml"
        self.read_by("user:cho@example.com")
        assert self.story.sync().added == 0

    def missing(self) -> None:
        (self.root / self.first_feed).rename(self.root / "away.xml")
        assert self.story.sync().state == "failed"

    def empty(self) -> None:
        self.entries = {}
        self.show()
        assert self.story.sync("full").deleted == 0


def test_the_story_of_a_feed(people: dict[str, User], settings: LazySettings, tmp_path: Path) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    settings.MUNDAP_HOME = tmp_path
    news = Newsroom()
    news.story.play(
        read_table(Path(__file__).with_name("feed.md")),
        {
            "first sync, for Ann and Bob": news.first,
            "an entry is rewritten": news.rewritten,
            "a second feed brings an entry": news.second,
            "the picnic leaves the feed": news.left,
            "everything is read anew": news.anew,
            "Bob leaves the audience": lambda: news.narrowed("user:ann@example.com"),
            "the audience is a group that nobody knows": lambda: news.narrowed("group:directory:cn:staff"),
            "the audience is everyone": lambda: news.narrowed("everyone"),
            "the audience is Cho": lambda: news.narrowed("user:cho@example.com"),
            "the feed moves to another address": news.moved,
            "the feed is not there": news.missing,
            "the feed is empty": news.empty,
        },
    )

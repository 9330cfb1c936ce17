"""The story of a bucket, from the real server to what each person sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.sync.services import add_source
from tests.connectors.sources.s3_world import SECRETS, S3World
from tests.connectors.worlds import amazon_entries
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("s3.md")

SALARIES = "salaries (hr/)"
HANDBOOK = "handbook (public/)"
MERGER = "merger (board/)"
NOTE = "note (under no prefix)"
REVIEW = "review (hr/, its companion lets in only ann)"
KEYS = {
    SALARIES: "hr/salaries.txt",
    HANDBOOK: "public/handbook.txt",
    MERGER: "board/merger.txt",
    NOTE: "note.txt",
    "plan (hrx/, beside hr/)": "hrx/plan.txt",
    REVIEW: "hr/review.txt",
    "leaflet (its companion lets in sam, no prefix)": "leaflet.txt",
    "holidays (hr/open/)": "hr/open/holidays.txt",
}
WORDS = {name: f"quarzfels{number}" for number, name in enumerate(KEYS)}


class _Bucket:
    """The bucket of the story, and the steps that change it."""

    def __init__(self, folder: Path) -> None:
        self.world = S3World(folder)
        for name, key in KEYS.items():
            self.world.put(key, f"The {key} speaks of {WORDS[name]}.")
        self.let("hr/", ["group:hr"])
        self.let("public/", ["group:staff"])
        self.let("board/", ["group:board"], deny=["user:bob@example.com"])
        self.world.set_group("hr", ["user:bob@example.com"])
        self.world.set_group("staff", ["user:ann@example.com", "group:hr"])
        self.world.set_group("board", ["user:cho@example.com", "user:bob@example.com"])
        self.companion("hr/review.txt", "ann")
        self.companion("leaflet.txt", "sam")
        config: dict[str, Json] = dict(self.world.config)
        self.story = Story(
            add_source(kind="s3", name="bucket", config=config, secrets=SECRETS, actor="test"),
            ids=dict(KEYS),
            words=WORDS,
        )

    def let(self, prefix: str, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        key = f"s3://{self.world.bucket}/{prefix}"
        self.world.set_item(prefix, {"keyPrefix": key, "aclEntries": amazon_entries(allow, deny)})

    def companion(self, key: str, name: str) -> None:
        entries = amazon_entries([f"user:{name}@example.com"], [])
        self.world.companion(key, {"AccessControlList": list(entries)})

    def move(self, name: str, key: str) -> None:
        self.world.move(self.story.ids[name], key)
        self.story.ids[name] = key

    def steps(self) -> dict[str, Callable[[], None]]:
        """By situation: the change, and the run that must notice it."""
        world, sync = self.world, self.story.sync
        staff = ["user:bob@example.com"]
        changes: dict[str, tuple[Callable[[], object], str]] = {
            "first sync": (lambda: None, "full"),
            "content of the salaries is replaced": (self.rewrite_salaries, "incremental"),
            "a longer prefix opens hr/open/ to staff": (
                lambda: self.let("hr/open/", ["group:staff"]),
                "permissions",
            ),
            "the companion of the review lets in bob": (
                lambda: self.companion("hr/review.txt", "bob"),
                "permissions",
            ),
            "ann joins hr": (
                lambda: world.set_group("hr", [*staff, "user:ann@example.com"]),
                "permissions",
            ),
            "ann leaves hr again": (lambda: world.set_group("hr", staff), "incremental"),
            "the note moves to public/": (lambda: self.move(NOTE, "public/note.txt"), "incremental"),
            "the salaries move from hr/ to board/": (
                lambda: self.move(SALARIES, "board/salaries.txt"),
                "incremental",
            ),
            "the prefix public/ leaves the access file": (
                lambda: world.drop_item("public/"),
                "permissions",
            ),
            "the handbook is deleted": (lambda: world.delete("public/handbook.txt"), "incremental"),
            "the access file breaks": (lambda: world.write("access.json", b"["), "incremental"),
            "the access file is mended": (
                lambda: self.let("board/", ["group:board"], deny=["user:bob@example.com"]),
                "permissions",
            ),
        }

        def step(change: Callable[[], object], kind: str) -> Callable[[], None]:
            def play() -> None:
                change()
                run = sync(kind)
                assert run.state in ("succeeded", "succeeded_with_errors"), run

            return play

        return {situation: step(*change) for situation, change in changes.items()}

    def rewrite_salaries(self) -> None:
        self.world.put("hr/salaries.txt", f"Rewritten: {WORDS[SALARIES]} and more.")


@pytest.mark.django_db(transaction=True)
def test_everybody_sees_in_a_bucket_what_the_table_says(
    people: dict[str, User], settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    bucket = _Bucket(tmp_path)
    bucket.story.play(read_table(TABLE), bucket.steps())


def test_the_table_has_its_documents() -> None:
    assert {row.document for row in read_table(TABLE)} == set(KEYS)

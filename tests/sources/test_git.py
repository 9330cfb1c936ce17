"""The story of a Git repository, played with git's own server behind https."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.models import RunKind, RunState, Source
from assistant.sync.services import add_source
from tests.connectors.servers.git_server import TOKEN
from tests.connectors.sources.git_world import GitWorld
from tests.sources.story import Story, read_table


class Team:
    """The repository, its source, and what happens to both."""

    def __init__(self, folder: Path) -> None:
        self.world = GitWorld(folder)
        self.repository = self.world.repository
        self.story = Story(0)
        self.world.audience = ["user:ann@example.com", "user:bob@example.com"]
        self.write("plan", "docs/plan.md", "heronplan")
        self.write("guide", "docs/guide/start.md", "firstguide")
        self.write("draft, which lies outside docs", "drafts/draft.md", "roughdraft")
        self.write("draft", "docs/draft.md", "roughdraft")
        self.repository.remove("docs/draft.md")
        self.write("plan under its old name", "docs/plan.md", "heronplan")
        self.write("guide in its old folder", "docs/guide/start.md", "firstguide")
        for number in range(6):  # among these, one file is no loss that has to be approved
            self.repository.put(f"docs/notes/{number}.md", f"note {number}")
        self.repository.commit()
        self.story.source_id = add_source(
            kind="git",
            name="team",
            config={**self.world.config, "include": ["docs/"]},
            secrets={"token": TOKEN},
            actor="test",
        )

    def write(self, document: str, path: str, word: str) -> None:
        """A file, where the table calls it so, with a word of its own."""
        self.repository.put(path, f"# A text\n\nThe word here is {word}.\n")
        self.story.ids[document] = self.world.id(path)
        self.story.words[document] = word

    def sync(self, kind: str = RunKind.INCREMENTAL, state: str = RunState.SUCCEEDED) -> None:
        if self.repository.files != self.repository.committed:
            self.repository.commit()
        run = self.story.sync(kind)
        assert run.state == state, run

    def rewrite_plan(self) -> None:
        self.write("plan", "docs/plan.md", "secondplan")
        self.sync()

    def move_draft_in(self) -> None:
        self.repository.move("drafts/draft.md", "docs/draft.md")
        self.sync()

    def rename_plan(self) -> None:
        self.repository.move("docs/plan.md", "docs/the plan.md")
        self.story.ids["plan"] = self.world.id("docs/the plan.md")
        self.story.words["plan under its old name"] = "secondplan"
        self.sync()

    def move_folder(self) -> None:
        self.repository.move("docs/guide/", "docs/handbook/guide/")
        self.story.ids["guide"] = self.world.id("docs/handbook/guide/start.md")
        self.sync()

    def name_readers(self, *audience: str, kind: str) -> None:
        """What the administrator does in the form."""
        source = Source.objects.get(pk=self.story.source_id)
        source.config = {**source.config, "audience": list(audience)}
        source.save(update_fields=["config"])
        self.sync(kind)

    def rewrite_history(self) -> None:
        self.write("guide", "docs/handbook/guide/start.md", "thirdguide")
        self.repository.commit(rewrite=True)
        self.repository.forget_history()
        self.sync()

    def move_draft_out(self) -> None:
        self.repository.move("docs/draft.md", "drafts/draft.md")
        self.sync()

    def delete_plan(self) -> None:
        self.repository.remove("docs/the plan.md")
        self.sync(RunKind.FULL)

    def lose_repository(self) -> None:
        self.repository.folder.rename(self.repository.folder.with_suffix(".away"))
        self.sync(state=RunState.FAILED)

    def find_repository(self) -> None:
        self.repository.folder.with_suffix(".away").rename(self.repository.folder)
        self.write("guide", "docs/handbook/guide/start.md", "lastguide")
        self.sync()


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_git_repository(
    settings: LazySettings, people: dict[str, User], tmp_path: Path
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    settings.MUNDAP_HOME = tmp_path / "home"
    it = Team(tmp_path)
    ann, cho = "user:ann@example.com", "user:cho@example.com"
    it.story.play(
        read_table(Path(__file__).with_name("git.md")),
        {
            "first sync": it.sync,
            "plan gets other words": it.rewrite_plan,
            "draft moves into docs": it.move_draft_in,
            "plan is renamed": it.rename_plan,
            "the folder of guide moves": it.move_folder,
            "cho may read instead of bob": lambda: it.name_readers(ann, cho, kind=RunKind.PERMISSIONS),
            "history is rewritten with another guide": it.rewrite_history,
            "draft moves out of docs again": it.move_draft_out,
            "plan is deleted": it.delete_plan,
            "the repository is gone": it.lose_repository,
            "the repository is back, and guide says something else": it.find_repository,
            "everyone may read": lambda: it.name_readers("everyone", kind=RunKind.INCREMENTAL),
            "nobody is named": lambda: it.name_readers(kind=RunKind.PERMISSIONS),
        },
    )

"""The story of pushed documents, played over HTTP with the client that programs use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.accounts.models import PushKey, User
from assistant.accounts.push_keys import issue_push_key, revoke_push_key
from assistant.sync.models import SyncRun
from assistant.sync.services import add_source
from connectors.push_client.mundap_push import Document, Json, Mundap, PushError, Result
from tests.api.pushing import seen_by
from tests.sources.pushing_server import running_server
from tests.sources.story import Story, read_table

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(people: dict[str, User]) -> Iterator[str]:
    """Where the server listens."""
    with running_server() as found:
        yield found


class Program:
    """The program, its source, and what happens to both."""

    def __init__(self, address: str) -> None:
        source_id = add_source(kind="push", name="notes", config={}, actor="test")
        self.key = issue_push_key(connection_id=source_id, name="story", days=1, actor="test")
        self.mundap = Mundap(address, source=source_id, key=self.key.text)
        names = {"plan": "heronplan", "pay": "bonuspay", "note": "strangenote"}
        self.story = Story(source_id, ids={name: name for name in names}, words=names)
        self.renamed = "plan under its new name"

    def document(self, name: str, *readers: str) -> Document:
        word = self.story.words[name]
        allowed: list[Json] = list(readers)
        listed = {"allow": allowed} if readers else None
        return Document(self.story.ids[name], title=word, text=f"The word here is {word}.", acl=listed)

    def put(self, name: str, *readers: str) -> None:
        (result,) = self.mundap.put([self.document(name, *readers)])
        assert result.status in ("added", "updated"), result

    def first(self) -> None:
        self.mundap.put_groups(
            {"staff": ["user:ann@example.com", "group:hr"], "hr": ["user:bob@example.com"]}
        )
        documents = [
            self.document("plan", "group:staff"),
            self.document("pay", "group:hr"),
            self.document("note"),
            *(Document(f"filler-{number}", text=f"Filler {number}.") for number in range(20)),
        ]
        with self.mundap.job() as job:
            assert {result.status for result in job.put(documents)} == {"added"}
        assert job.ended["state"] == "succeeded", job.ended
        assert job.ended["added"] == len(documents)

    def other_words(self) -> None:
        self.story.words["plan"] = "secondplan"
        self.put("plan", "group:staff")

    def damaged(self) -> None:
        document = Document("plan", text="The word here is secondplan.", acl={"allow": ["cho"]})
        (result,) = self.mundap.put([document])
        assert (result.status, result.code) == ("failed", "bad_permissions")

    def rename(self) -> None:
        self.story.ids[self.renamed], self.story.words[self.renamed] = "plans/plan", "secondplan"
        self.put(self.renamed, "user:cho@example.com")
        assert list(self.mundap.delete(["plan"])) == [Result("plan", "deleted")]

    def job(self, *, breaks: bool) -> None:
        def documents() -> Iterator[Document]:
            yield self.document(self.renamed, "user:cho@example.com")
            yield self.document("pay", "group:hr")
            yield from (Document(f"filler-{number}", text=f"Filler {number}.") for number in range(20))
            if breaks:
                raise KeyError("the program's own source broke")

        if breaks:
            with pytest.raises(KeyError), self.mundap.job("nightly") as job:
                list(job.put(documents()))
            return
        with self.mundap.job("nightly") as job:
            list(job.put(documents()))
        assert (job.ended["state"], job.ended["deleted"]) == ("succeeded", 1), job.ended

    def after_revocation(self) -> None:
        revoke_push_key(key_id=self.key.id, actor="test")
        with pytest.raises(PushError) as refused:
            self.put("pay", "everyone")
        assert refused.value.status == 401


@pytest.mark.django_db(transaction=True)
def test_the_story_of_pushed_documents(address: str) -> None:
    it = Program(address)
    cho = "user:cho@example.com"
    it.story.play(
        read_table(Path(__file__).with_name("push.md")),
        {
            "first push": it.first,
            "plan gets other words": it.other_words,
            "bob leaves hr": lambda: it.mundap.put_groups({"hr": []}),
            "cho may read plan instead of staff": lambda: it.put("plan", cho),
            "the list of plan comes damaged": it.damaged,
            "the list of plan comes whole": lambda: it.put("plan", cho),
            "plan is renamed": it.rename,
            "everyone may read note": lambda: it.put("note", "everyone"),
            "a job breaks off before note": lambda: it.job(breaks=True),
            "a job puts everything but note": lambda: it.job(breaks=False),
            "all groups are replaced, and cho is in hr": lambda: it.mundap.put_groups(
                {"hr": [cho]}, replace=True
            ),
            "the key is revoked and somebody opens pay to all": it.after_revocation,
        },
    )


@pytest.mark.django_db(transaction=True)
def test_the_worked_example_pushes_a_folder(address: str, tmp_path: Path) -> None:
    source_id = add_source(kind="push", name="folder", config={}, actor="test")
    key = tmp_path / "key.txt"
    issued = issue_push_key(connection_id=source_id, name="example", days=1, actor="test")
    key.write_text(issued.text, encoding="ascii")
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Heron\n\nThe plan.", encoding="utf-8")
    (folder / "b.csv").write_text("name,amount\nkestrel,7\n", encoding="utf-8")
    (folder / "groups.csv").write_text("group,members\nstaff,user:ann@example.com\n", encoding="utf-8")
    table = folder / "readers.csv"
    table.write_text("file,title,readers\na.md,Plan,group:staff\nb.csv,Pay,user:bob@example.com\n", "utf-8")

    def push() -> str:
        command = [sys.executable, "-m", "connectors.push_client.push_folder"]
        done = subprocess.run(
            [*command, address, str(source_id), str(key), str(folder)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert "added     a.md" in push()
    assert (seen_by("ann"), seen_by("bob"), seen_by("sam")) == ({"a.md"}, {"b.csv"}, set())
    table.write_text("file,title,readers\na.md,Plan,group:staff\n", "utf-8")
    assert "1 deleted" in push()
    assert (seen_by("ann"), seen_by("bob")) == ({"a.md"}, set())
    assert "unchanged" in push()


@pytest.mark.django_db(transaction=True)
def test_the_client_goes_on_after_a_lost_answer_and_gives_the_key_to_nobody_else(address: str) -> None:
    it = Program(address)
    with it.mundap.job("same") as first, it.mundap.job("same", wait=False) as again:
        assert first.id == again.id
    assert SyncRun.objects.count() == 1
    with pytest.raises(PushError, match="There is nothing here") as refused:
        list(Mundap(address, source=987654, key=it.key.text).put([Document("a", text="x")]))
    assert refused.value.status == 404
    for url in ("http://mundap.example.com", "ftp://127.0.0.1", "file:///etc"):
        with pytest.raises(ValueError, match="https"):
            Mundap(url, source=1, key="x")
    with pytest.raises(ValueError, match="either text or data"):
        Document("a").as_json()
    assert PushKey.objects.count() == 1

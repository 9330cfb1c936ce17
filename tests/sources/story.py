"""A source's story, checked end to end: each situation is made on the real server, synced, and looked at.

A story is a Markdown table, one for each source, which a security officer can read:

    | situation | viewer | document | must see |
    |---|---|---|---|
    | first sync | ann@example.com | plan | yes |

What a viewer sees is asked three times, and the answers must agree: the access rules of
the database, the search with the index, and the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.access.viewer import viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts.models import User
from assistant.documents.models import Document
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress
from assistant.sync.services import request_run

_COLUMNS = ("situation", "viewer", "document", "must see")
_FEWEST_ROWS = 15


@dataclass(frozen=True, slots=True)
class Row:
    """In this situation, must the viewer see the document?"""

    situation: str
    viewer: str
    document: str
    must_see: bool


def read_table(path: Path) -> list[Row]:
    """The rows of a story; an empty cell means as in the row above."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(cells[0]) == _COLUMNS, f"{path.name}: the columns must be {_COLUMNS}"
    rows: list[Row] = []
    for situation, viewer, document, must_see in cells[2:]:
        above = rows[-1] if rows else Row("", "", "", must_see=False)
        assert must_see in ("yes", "no"), f"{path.name}: '{must_see}' is neither yes nor no"
        rows.append(
            Row(
                situation or above.situation,
                viewer or above.viewer,
                document or above.document,
                must_see == "yes",
            )
        )
    assert len(rows) >= _FEWEST_ROWS, f"{path.name} has {len(rows)} rows"
    assert len({row.must_see for row in rows}) == 2, f"{path.name}: a story needs a yes and a no"
    return rows


@dataclass(slots=True)
class Story:
    """A source in the database beside the server that the steps change.

    `ids` leads from a document's name in the table to its external id now; `words` to a word
    that only this document has in its text or title.
    """

    source_id: int
    ids: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def sync(self, kind: str = RunKind.INCREMENTAL) -> RunView:
        """One run from request to end, in this process."""
        run_id = request_run(source_id=self.source_id, kind=kind, actor="test")
        assert execute_run(run_id)
        return run_progress(run_id)

    def sees(self, address: str, document: str) -> bool:
        """Whether the person may read the document and finds it; the two must agree."""
        viewer = viewer_for(User.objects.get(email=address))
        mine = Document.objects.filter(connection_id=self.source_id, external_id=self.ids[document])
        may = mine.filter(pk__in=visible_documents(viewer).values("pk")).exists()
        hits = retrieve(self.words[document], viewer=viewer, plan=Plan(k=50, one_per_document=True)).hits
        finds = any(
            hit.passage.external_id == self.ids[document] and self.words[document] in hit.passage.text
            for hit in hits
        )
        assert may == finds, (
            f"{address} {'may' if may else 'may not'} read {document}, but the search disagrees"
        )
        return may

    def play(self, rows: Sequence[Row], steps: Mapping[str, Callable[[], None]]) -> None:
        """Make each situation in the order of the table and check its rows. A step changes and syncs."""
        assert set(steps) == {row.situation for row in rows}, "the steps are not those of the table"
        wrong: list[str] = []
        for situation in dict.fromkeys(row.situation for row in rows):
            steps[situation]()
            wrong.extend(
                f"{situation}: {row.viewer} sees {row.document}: {not row.must_see}"
                for row in rows
                if row.situation == situation and self.sees(row.viewer, row.document) != row.must_see
            )
        assert wrong == [], "\n".join(wrong)

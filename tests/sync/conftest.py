"""Sources that the engine's tests change: a folder and a scripted one, beside the small world."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.accounts.models import User
from assistant.common.types import Json
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress
from assistant.sync.services import add_source, request_run
from connectors.registry import KINDS
from connectors.sdk.contract import Complete
from tests.connectors.worlds import amazon_entries
from tests.sync import scripted
from tests.sync.watching import Work, watched


def sync(source_id: int, kind: str = RunKind.INCREMENTAL) -> RunView:
    """One run from request to end, in this process."""
    run_id = request_run(source_id=source_id, kind=kind, actor="test")
    assert execute_run(run_id)
    return run_progress(run_id)


@dataclass(slots=True)
class Folder:
    """A folder source with its access file. `put`, `allow` and the like change it, `sync` carries it in."""

    root: Path
    access_file: Path
    source_id: int = 0
    access: dict[str, Json] = field(default_factory=dict)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def allow(self, prefix: str, *principals: str, deny: tuple[str, ...] = ()) -> None:
        self.access[prefix] = {"keyPrefix": prefix, "aclEntries": amazon_entries(principals, deny)}

    def sync(self, kind: str = RunKind.INCREMENTAL) -> RunView:
        self.access_file.write_text(json.dumps(list(self.access.values())), encoding="utf-8")
        return sync(self.source_id, kind)


@pytest.fixture
def folder(people: dict[str, User], tmp_path: Path) -> Folder:
    """Two folders: `open/` for Ann and Bob, `hr/` for Bob; one document each, synced."""
    made = Folder(tmp_path / "root", tmp_path / "access.json")
    made.put("open/desk.md", "# Front desk\n\nVisitors sign the heronbook at the front desk.")
    made.put("hr/bonus.txt", "The bonus of the kestrel team is paid in March.")
    made.allow("open/", "user:ann@example.com", "user:bob@example.com")
    made.allow("hr/", "user:bob@example.com")
    made.access_file.write_text("[]", encoding="utf-8")
    made.source_id = add_source(
        kind="filesystem",
        name="folder",
        config={"root": str(made.root), "access_file": str(made.access_file)},
        actor="test",
    )
    run = made.sync()
    assert (run.state, run.added) == ("succeeded", 2), run
    return made


@pytest.fixture
def script(people: dict[str, User], monkeypatch: pytest.MonkeyPatch) -> Iterator[scripted.Script]:
    """The script of the source `scripted_source`; empty before and after."""
    monkeypatch.setitem(KINDS, "scripted", scripted.PLACE)
    scripted.SCRIPT.__init__()  # type: ignore[misc]  # anew, in place
    yield scripted.SCRIPT
    scripted.SCRIPT.__init__()  # type: ignore[misc]


@pytest.fixture
def scripted_source(script: scripted.Script) -> int:
    """The id of a source that reports what `script` says."""
    return add_source(kind="scripted", name="scripted", config={}, actor="test")


@pytest.fixture
def fed(script: scripted.Script, scripted_source: int) -> int:
    """A source with a change feed and three documents, synced; the script has noted nothing since."""
    script.events = [scripted.A, scripted.B, scripted.C, Complete(cursor=scripted.FIRST)]
    assert sync(scripted_source).added == 3
    script.asked.clear()
    script.fetched.clear()
    return scripted_source


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What is parsed and embedded from here on."""
    return watched(monkeypatch)

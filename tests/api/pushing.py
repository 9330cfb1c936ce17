"""A program that pushes documents into a source of its own, and the worker that ends its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts.models import User
from assistant.accounts.push_keys import issue_push_key
from assistant.common.types import Json
from assistant.sync.engine import execute_run
from assistant.sync.models import OPEN_STATES, RunState, SyncRun
from assistant.sync.push_turns import end_silent
from assistant.sync.services import add_source
from tests.api.calling import Answer, Caller, JsonDict

ANN = "user:ann@example.com"


@dataclass(frozen=True, slots=True)
class Program:
    """A program with a key of the source `source_id`."""

    source_id: int
    caller: Caller

    def post(self, path: str, **body: Json) -> Answer:
        """POST below the source."""
        return self.caller.post(f"sources/{self.source_id}/{path}", body)

    def put(self, *documents: Json, job: int | None = None) -> list[str]:
        """Put documents; returns each one's status, with its code if it failed."""
        answer = self.post("documents", documents=list(documents), job=job)
        assert answer.status == 200, answer.body
        return [f"{row['status']} {row['code']}".strip() for row in results(answer)]

    def start(self, name: str = "") -> int:
        """Start a job."""
        answer = self.post("jobs", name=name)
        assert answer.status == 200, answer.body
        return cast(int, answer.value["job"])

    def stop(self, job: int, *, complete: bool = True, groups_complete: bool = False) -> JsonDict:
        """Stop a job and let the worker end it; returns how the job ended."""
        answer = self.post(f"jobs/{job}/stop", complete=complete, groups_complete=groups_complete)
        assert (answer.status, answer.value["state"]) == (200, "pending"), answer.body
        assert execute_run(job)
        return self.caller.get(f"sources/{self.source_id}/jobs/{job}").value


def results(answer: Answer) -> list[dict[str, str]]:
    """What became of each document."""
    return cast(list[dict[str, str]], answer.value["documents"])


def pushing_program(name: str) -> Program:
    """A new source and a program with its key."""
    source_id = add_source(kind="push", name=name, config={}, actor="test")
    key = issue_push_key(connection_id=source_id, name="script", days=30, actor="test")
    return Program(source_id, Caller(f"Bearer {key.text}"))


def note(name: str, *readers: str, text: str = "") -> JsonDict:
    """A document for these readers."""
    text = text or f"The text of {name}."
    return {"id": name, "title": name, "text": text, "acl": {"allow": list(readers)}}


def seen_by(name: str) -> set[str]:
    """Ids of all documents that the person may read."""
    viewer = viewer_for(User.objects.get(email=f"{name}@example.com"))
    return set(visible_documents(viewer).values_list("external_id", flat=True))


def bring_to_end() -> SyncRun:
    """An hour and more passes: what is open ends, and a worker does what is left to do."""
    end_silent(now=timezone.now() + timedelta(hours=2))
    run = SyncRun.objects.latest("pk")
    if run.state == RunState.PENDING:
        assert execute_run(run.pk)
    run.refresh_from_db()
    assert run.state not in OPEN_STATES
    return run

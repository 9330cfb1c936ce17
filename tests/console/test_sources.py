"""The console is there for administrators only, and shows what a source is doing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.documents.models import Document
from assistant.sync import services
from assistant.sync.models import RunFailure, RunState, Source, SyncRun
from tests.conftest import SmallWorld

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada(client: Client, people: dict[str, User]) -> Client:
    """The administrator's browser."""
    client.force_login(people["ada"])
    return client


@pytest.fixture(autouse=True)
def _nobody_wakes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "wake", lambda run_id: None)


def open_run(world: SmallWorld, **fields: object) -> SyncRun:
    """A run that works right now."""
    defaults = {
        "kind": "incremental",
        "state": RunState.RUNNING,
        "requested_by": "test",
        "started_at": timezone.now(),
        "total": 250,
        "found": 240,
        "fetched": 85,
        "heartbeat_at": timezone.now(),
        "added": 80,
        "unchanged": 10,
        "current_item": "finance/report.docx",
    }
    return SyncRun.objects.create(source_id=world.source_id, **{**defaults, **fields})


def test_other_people_are_told_that_nothing_is_here(
    client: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    client.force_login(people["ann"])
    run = SyncRun.objects.get()
    gets = [
        reverse("console:sources"),
        reverse("console:source", args=[small_world.source_id]),
        reverse("console:progress", args=[small_world.source_id, run.pk]),
    ]
    posts = [
        reverse("console:sync", args=[small_world.source_id]),
        reverse("console:cancel", args=[small_world.source_id, run.pk]),
        reverse("console:approve", args=[small_world.source_id, run.pk]),
    ]
    assert [client.get(address).status_code for address in gets] == [404] * 3
    assert [client.post(address).status_code for address in posts] == [404] * 3
    assert SyncRun.objects.count() == 1
    assert reverse("console:sources") not in client.get("/").content.decode()


def test_without_sources_the_list_says_how_to_add_one(ada: Client) -> None:
    assert "Add the first one" in ada.get(reverse("console:sources")).content.decode()


def test_the_list_shows_state_counts_and_sync_now(ada: Client, small_world: SmallWorld) -> None:
    text = ada.get(reverse("console:sources")).content.decode()
    assert "world" in text
    assert 'data-tone="good"' in text
    assert "Sync now" in text
    assert "hx-trigger" not in text  # nothing runs, so nothing is asked again


def test_the_list_asks_again_while_something_runs(ada: Client, small_world: SmallWorld) -> None:
    open_run(small_world)
    assert 'hx-trigger="every 2s"' in ada.get(reverse("console:sources")).content.decode()


def test_sync_now_opens_one_run_and_a_second_click_none(ada: Client, small_world: SmallWorld) -> None:
    address = reverse("console:sync", args=[small_world.source_id])
    for _ in range(2):
        response = ada.post(address, {"kind": "full"})
        assert response["Location"] == reverse("console:source", args=[small_world.source_id])
    run = SyncRun.objects.latest("pk")
    assert (run.kind, run.requested_by, run.state) == ("full", "ada@example.com", RunState.PENDING)
    assert SyncRun.objects.count() == 2
    assert ada.post(address, {"kind": "nonsense"}).status_code == 404
    assert ada.post(reverse("console:sync", args=[999])).status_code == 404


def test_progress_is_polled_while_the_run_is_open(ada: Client, small_world: SmallWorld) -> None:
    run = open_run(small_world)
    page = ada.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    assert 'hx-trigger="every 2s"' in page
    fragment = ada.get(reverse("console:progress", args=[small_world.source_id, run.pk]), headers=HTMX)
    text = fragment.content.decode()
    assert "90 of 250 documents" in text
    for label, figure in (("Found", 240), ("Fetched", 85), ("Indexed", 80), ("Unchanged", 10), ("Failed", 0)):
        assert f"<dt>{label}</dt><dd>{figure}</dd>" in text
    assert "last sign of life" in text
    assert "finance/report.docx" in text
    assert 'value="90"' in text
    assert 'max="250"' in text
    assert "<html" not in text


def test_progress_names_the_last_document_only_to_who_manages_sources(
    client: Client, small_world: SmallWorld
) -> None:
    """Who only sees sources is told how far a run is, not what it reads."""
    run = open_run(small_world)
    client.force_login(User.objects.create_user("aud@example.com", role=Role.AUDITOR))
    address = reverse("console:progress", args=[small_world.source_id, run.pk])
    for text in (
        client.get(address, headers=HTMX).content.decode(),
        client.get(reverse("console:source", args=[small_world.source_id])).content.decode(),
    ):
        assert "90 of 250 documents" in text
        assert "finance/report.docx" not in text


def test_a_paused_source_can_be_resumed(ada: Client, small_world: SmallWorld) -> None:
    page = reverse("console:source", args=[small_world.source_id])
    ada.post(reverse("console:source-pause", args=[small_world.source_id]))
    text = ada.get(page).content.decode()
    assert "Resume" in text
    assert "Sync now" not in text
    assert "When it is resumed" in text
    ada.post(reverse("console:source-resume", args=[small_world.source_id]))
    assert "Sync now" in ada.get(page).content.decode()


def failed(world: SmallWorld, **reasons: str) -> None:
    """Documents of the latest run that failed."""
    run = SyncRun.objects.latest("pk")
    RunFailure.objects.bulk_create(
        RunFailure(run=run, external_id=name, code=code) for name, code in reasons.items()
    )


def test_failures_are_filtered_by_reason_and_by_id(ada: Client, small_world: SmallWorld) -> None:
    failed(small_world, alpha="corrupt", beta="corrupt", gamma="encrypted")
    page = reverse("console:source", args=[small_world.source_id])
    text = ada.get(page).content.decode()
    assert "The file is damaged. <b>2</b>" in text
    assert "All <b>3</b>" in text

    def shown(query: str) -> set[str]:
        answer = ada.get(page + query).content.decode()
        return {name for name in ("alpha", "beta", "gamma") if f"<bdi>{name}</bdi>" in answer}

    assert shown("") == {"alpha", "beta", "gamma"}
    assert shown("?reason=corrupt") == {"alpha", "beta"}
    assert shown("?text=ALP") == {"alpha"}
    assert shown("?reason=encrypted&text=alp") == set()
    assert "None of the failed documents fits" in ada.get(page + "?text=zzz").content.decode()


def test_many_failures_come_in_pages(ada: Client, small_world: SmallWorld) -> None:
    failed(small_world, **{f"doc{n:03}": "corrupt" for n in range(120)})
    page = reverse("console:source", args=[small_world.source_id])
    assert "Page 1 of 3" in ada.get(page).content.decode()
    text = ada.get(page + "?page=3").content.decode()
    assert "<bdi>doc119</bdi>" in text
    assert text.count("<bdi>doc") == 20


def test_failed_documents_can_be_tried_again(ada: Client, small_world: SmallWorld) -> None:
    page = reverse("console:source", args=[small_world.source_id])
    assert "Try these again" not in ada.get(page).content.decode()
    failed(small_world, alpha="corrupt")
    assert "Try these again" in ada.get(page).content.decode()
    ada.post(reverse("console:source-retry", args=[small_world.source_id]))
    assert SyncRun.objects.latest("pk").kind == "retry"
    # Failures stay in sight while the runs after them have not read the documents again.
    SyncRun.objects.filter(kind="retry").update(kind="permissions", state="succeeded")
    assert "<bdi>alpha</bdi>" in ada.get(page).content.decode()


def test_the_polling_ends_with_the_run(ada: Client, small_world: SmallWorld) -> None:
    run = SyncRun.objects.get()
    response = ada.get(reverse("console:progress", args=[small_world.source_id, run.pk]), headers=HTMX)
    assert response.headers["HX-Retarget"] == response.headers["HX-Reselect"] == "#source-body"
    assert "hx-trigger" not in response.content.decode()


def test_a_run_can_be_cancelled(ada: Client, small_world: SmallWorld) -> None:
    run = open_run(small_world)
    ada.post(reverse("console:cancel", args=[small_world.source_id, run.pk]))
    run.refresh_from_db()
    assert run.cancel_requested


def test_failures_are_shown_in_plain_words(ada: Client, small_world: SmallWorld) -> None:
    with small_world.file.open("a", encoding="utf-8") as stream:
        stream.write("\n{this is no JSON\n")
    run_id = services.request_run(source_id=small_world.source_id, kind="full", actor="test")
    from assistant.sync.engine import execute_run  # noqa: PLC0415 - the engine is heavy

    assert execute_run(run_id)
    text = ada.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    assert "The entry is malformed." in text
    assert "Correct the place named in the details." in text
    korean = ada.get(
        reverse("console:source", args=[small_world.source_id]), headers={"Accept-Language": "ko"}
    ).content.decode()
    assert "항목의 형식이 잘못되었습니다." in korean


def test_the_page_says_who_alone_may_see_a_limited_source(ada: Client, small_world: SmallWorld) -> None:
    page = f"/console/sources/{small_world.source_id}/"
    assert "Whoever the source lets in" in ada.get(page).content.decode()
    Source.objects.update(audience=["user:ann@example.com", "group:staff"])
    shown = ada.get(page).content.decode()
    assert "Only a test group: ann@example.com, group:staff" in shown
    assert "Whoever the source lets in" not in shown


def test_a_mass_deletion_waits_until_somebody_approves_it(ada: Client, small_world: SmallWorld) -> None:
    run = open_run(small_world, state=RunState.WAITING_FOR_APPROVAL, missing=2, finished_at=timezone.now())
    two = Document.objects.filter(external_id__in=["open", "handbook"])
    two.update(hidden="missing", asked_in_run=run.pk)
    address = reverse("console:source", args=[small_world.source_id])
    text = ada.get(address).content.decode()
    assert "2 documents are gone from the source" in text
    assert '<bdi class="id">handbook</bdi>' in text
    assert "Employee handbook" not in text
    ada.post(reverse("console:approve", args=[small_world.source_id, run.pk]))
    assert Document.objects.filter(hidden="removed").count() == 2
    assert "are gone from the source" not in ada.get(address).content.decode()
    again = ada.post(reverse("console:approve", args=[small_world.source_id, run.pk]))
    assert again.status_code == 404


def test_missing_documents_can_be_kept_and_shown_again(ada: Client, small_world: SmallWorld) -> None:
    run = open_run(small_world, state=RunState.WAITING_FOR_APPROVAL, missing=2, finished_at=timezone.now())
    two = Document.objects.filter(external_id__in=["open", "handbook"])
    two.update(hidden="missing", asked_in_run=run.pk)
    ada.post(reverse("console:refuse", args=[small_world.source_id, run.pk]))
    assert not Document.objects.filter(hidden="missing").exists()
    again = ada.post(reverse("console:refuse", args=[small_world.source_id, run.pk]))
    assert again.status_code == 404


def test_a_question_stands_on_the_page_until_it_is_answered_whatever_ran_since(
    ada: Client, small_world: SmallWorld
) -> None:
    now = timezone.now()
    run = open_run(small_world, state=RunState.WAITING_FOR_APPROVAL, missing=1, finished_at=now)
    Document.objects.filter(external_id="handbook").update(hidden="missing", asked_in_run=run.pk)
    for _ in range(25):  # more than the page lists
        open_run(small_world, kind="permissions", state=RunState.SUCCEEDED, finished_at=now)
    text = ada.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    assert "1 document is gone from the source" in text
    assert reverse("console:approve", args=[small_world.source_id, run.pk]) in text


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.RUNNING])
def test_a_question_hides_nothing_of_what_ran_since(
    ada: Client, small_world: SmallWorld, state: RunState
) -> None:
    now = timezone.now()
    run = open_run(small_world, state=RunState.WAITING_FOR_APPROVAL, missing=1, finished_at=now)
    Document.objects.filter(external_id="handbook").update(hidden="missing", asked_in_run=run.pk)
    ended = None if state == RunState.RUNNING else now
    open_run(small_world, state=state, code="source_gone" if ended else "", finished_at=ended)
    text = ada.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    assert "1 document is gone from the source" in text
    assert ("The last sync failed" in text) == (state == RunState.FAILED)
    assert ('id="progress"' in text) == (state == RunState.RUNNING)
    head = text.split("</header>")[-2]
    assert "Needs your approval" in head
    assert ("Failed" if ended else "Syncing") in head


def test_who_only_sees_sources_is_not_told_which_documents_are_missing(
    client: Client, small_world: SmallWorld
) -> None:
    run = open_run(small_world, state=RunState.WAITING_FOR_APPROVAL, missing=1, finished_at=timezone.now())
    Document.objects.filter(external_id="handbook").update(hidden="missing", asked_in_run=run.pk)
    client.force_login(User.objects.create_user("aud@example.com", role=Role.AUDITOR))
    text = client.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    assert "1 document is gone from the source" in text
    assert "handbook" not in text
    assert "Delete" not in text.split('id="approval"')[1].split("</section>")[0]


def test_the_console_shows_no_title_of_a_document(ada: Client, small_world: SmallWorld) -> None:
    text = ada.get(reverse("console:source", args=[small_world.source_id])).content.decode()
    for title in ("Employee handbook", "Salary bands 2026", "Project Heron"):
        assert title not in text

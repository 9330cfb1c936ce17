"""The index of an embedder on a server: built beside the other, answered from, never mixed with another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.catalogue.models import ModelCall
from assistant.catalogue.search_fitting import SearchSettings
from assistant.catalogue.search_services import (
    add_search_model,
    change_search_model,
    choose_search_model,
    remove_search_model,
)
from assistant.common.errors import ModelUnavailable, UsageError
from assistant.documents import same_vectors, search_models
from assistant.documents.embedding import answering_place
from assistant.documents.models import Embedding, ModelIndex, SearchJob, SearchModel
from assistant.ingest.building import advance
from assistant.ingest.index_status import Progress, status
from assistant.providers.limits import forget
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.retrieval.warm_up import warm_up
from assistant.sync.engine import execute_run
from assistant.sync.models import RunState, SyncRun
from assistant.sync.services import request_run
from tests.common.scripted_server import ScriptedServer
from tests.conftest import SmallWorld
from tests.ingest.two_models import LATE, answering, as_new_process, build_whole, external_ids
from tests.providers.embedding_server import LOCAL, PATH, embedding_server, embeds, inputs_of
from tests.providers.scripted_model import refuses


@pytest.fixture
def server(settings: LazySettings) -> Iterator[ScriptedServer]:
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    with embedding_server() as serving:
        yield serving
    as_new_process()
    search_models._with_same_vectors.cache_clear()


def on_server(server: ScriptedServer, **given: str) -> SearchSettings:
    fields = {"name": "Far", "model": "team/tiny-embedder", "address": f"{server.url}/v1", **given}
    return SearchSettings(job=SearchJob.EMBEDDER, kind="openai-compatible", **fields)  # type: ignore[arg-type]


def entered(world: SmallWorld, server: ScriptedServer, *, key: str = "sk-first", **given: str) -> int:
    return add_search_model(on_server(server, **given), key=key, viewer=world.viewer("ada"))


@pytest.fixture
def switched(small_world: SmallWorld, server: ScriptedServer) -> SmallWorld:
    """The small world, answered from the server's vectors."""
    chosen = entered(small_world, server)
    choose_search_model(SearchJob.EMBEDDER, chosen, viewer=small_world.viewer("ada"))
    build_whole()
    return small_world


def as_hour_passes() -> None:
    """Whatever was asked about a server is asked again."""
    search_models._with_same_vectors.cache_clear()
    forget()


def test_a_chosen_server_is_built_beside_the_answering_model_and_takes_over(
    small_world: SmallWorld, server: ScriptedServer
) -> None:
    before = external_ids(small_world.viewer("ann"), "remote work laptop")
    chosen = entered(small_world, server)
    assert status().state is Progress.READY
    choose_search_model(SearchJob.EMBEDDER, chosen, viewer=small_world.viewer("ada"))
    assert status().state is Progress.BUILDING
    assert not server.seen
    build_whole()
    assert answering().kind == "openai-compatible"
    assert answering().name.startswith("tiny-embedder@")
    assert status().state is Progress.READY
    sent = "\n".join(text for asked in inputs_of(server) for text in asked)
    assert "Remote work is allowed" in sent
    assert external_ids(small_world.viewer("ann"), "remote work laptop") == before
    assert external_ids(small_world.viewer("sam"), "salary band merger") <= {"open"}
    events = AuditEvent.objects.values_list("event", flat=True)
    assert {"search_model_added", "search_model_chosen", "index_switched"} <= set(events)
    assert "sk-first" not in repr(list(AuditEvent.objects.values_list("data", flat=True)))


def test_calls_are_counted_without_text(switched: SmallWorld) -> None:
    retrieve("remote work secret words", viewer=switched.viewer("ann"))
    rows = list(ModelCall.objects.values())
    assert rows
    assert {row["name"] for row in rows} == {"Far"}
    assert all(row["input_tokens"] == 7 and row["turn_id"] is None for row in rows)
    assert "remote" not in repr(rows)


def test_going_back_takes_no_call_and_no_new_vector(switched: SmallWorld, server: ScriptedServer) -> None:
    asked = len(server.seen)
    choose_search_model(SearchJob.EMBEDDER, None, viewer=switched.viewer("ada"))
    build_whole()
    assert answering().name.startswith("multilingual-e5-small")
    assert external_ids(switched.viewer("ann"), "remote work laptop")
    assert len(server.seen) == asked


def test_a_key_that_is_entered_anew_counts_at_once_in_every_process(
    switched: SmallWorld, server: ScriptedServer
) -> None:
    (row,) = SearchModel.objects.all()
    assert b"sk-first" not in bytes(row.sealed_key)
    change_search_model(row.pk, on_server(server), key="sk-second", viewer=switched.viewer("ada"))
    retrieve("remote work", viewer=switched.viewer("ann"))
    assert server.seen[-1].headers["authorization"] == "Bearer sk-second"


def test_a_stored_key_is_never_sent_to_another_address(switched: SmallWorld, server: ScriptedServer) -> None:
    (row,) = SearchModel.objects.all()
    elsewhere = on_server(server, address="https://elsewhere.example/v1", name="Renamed")
    change_search_model(row.pk, elsewhere, viewer=switched.viewer("ada"))
    row.refresh_from_db()
    assert (row.name, row.address) == ("Renamed", f"{server.url}/v1")


def test_a_server_out_of_reach_ends_questions_with_an_error_and_nothing_takes_its_place(
    switched: SmallWorld, server: ScriptedServer
) -> None:
    server.on(PATH, refuses(500))
    as_hour_passes()
    with pytest.raises(ModelUnavailable, match="answers 500"):
        retrieve("remote work", viewer=switched.viewer("ann"))
    assert answering().kind == "openai-compatible"


def test_another_model_under_the_same_name_is_noticed(switched: SmallWorld, server: ScriptedServer) -> None:
    server.on(PATH, embeds(change=lambda items: [{**each, "embedding": [1.0] * 12} for each in items]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(same_vectors, "_EVERY_S", 0.0)
        as_hour_passes()
        with pytest.raises(ModelUnavailable, match="another model"):
            retrieve("remote work", viewer=switched.viewer("ann"))
        server.on(PATH, embeds(dimension=9))
        as_new_process()
        as_hour_passes()
        with pytest.raises(ModelUnavailable, match="another model"):
            retrieve("remote work", viewer=switched.viewer("ann"))
        server.on(PATH, embeds())
        as_new_process()
        as_hour_passes()
        assert retrieve("remote work", viewer=switched.viewer("ann"), plan=Plan(k=1)).hits


def test_a_sync_waits_for_the_server_says_so_and_goes_on_where_it_was(
    switched: SmallWorld, server: ScriptedServer
) -> None:
    switched.documents["late"] = LATE
    switched.write()
    server.on(PATH, refuses(503))
    as_hour_passes()
    run = SyncRun.objects.get(pk=request_run(source_id=switched.source_id, kind="incremental", actor="test"))
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.code) == (RunState.PENDING, "model_away")
    assert "503" in run.detail
    assert run.not_before > timezone.now()
    server.on(PATH, embeds())
    forget()
    SyncRun.objects.filter(pk=run.pk).update(not_before=timezone.now())
    execute_run(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
    assert "late" in external_ids(switched.viewer("ann"), "parking garage midnight")


def test_a_key_that_is_refused_ends_the_run(switched: SmallWorld, server: ScriptedServer) -> None:
    switched.documents["late"] = LATE
    switched.write()
    server.on(PATH, refuses(401))
    as_hour_passes()
    run = SyncRun.objects.get(pk=request_run(source_id=switched.source_id, kind="incremental", actor="test"))
    execute_run(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "API key" in run.detail


def test_a_build_that_the_server_breaks_off_says_why_and_the_other_goes_on(
    small_world: SmallWorld, server: ScriptedServer
) -> None:
    server.on(PATH, embeds(), embeds(), refuses(500))
    chosen = entered(small_world, server)
    choose_search_model(SearchJob.EMBEDDER, chosen, viewer=small_world.viewer("ada"))
    server.on(PATH, refuses(429, Retry_After="60"))
    assert not advance()
    assert status().state is Progress.BLOCKED
    assert "429" in status().problems[0]
    assert external_ids(small_world.viewer("ann"), "remote work laptop")
    server.on(PATH, embeds())
    forget()
    build_whole()
    assert answering().kind == "openai-compatible"


def test_one_that_answers_or_is_chosen_cannot_be_removed(switched: SmallWorld) -> None:
    (row,) = SearchModel.objects.all()
    ada = switched.viewer("ada")
    with pytest.raises(UsageError, match="in use"):
        remove_search_model(row.pk, viewer=ada)
    choose_search_model(SearchJob.EMBEDDER, None, viewer=ada)
    with pytest.raises(UsageError, match="in use"):
        remove_search_model(row.pk, viewer=ada)
    build_whole()
    remove_search_model(row.pk, viewer=ada)
    assert not SearchModel.objects.exists()


def test_the_environment_wins_over_what_was_chosen(
    small_world: SmallWorld, server: ScriptedServer, settings: LazySettings
) -> None:
    chosen = entered(small_world, server)
    choose_search_model(SearchJob.EMBEDDER, chosen, viewer=small_world.viewer("ada"))
    settings.MUNDAP_EMBEDDER = ("openai-compatible", "of-the-environment")
    settings.MUNDAP_EMBEDDER_URL = f"{server.url}/v1"
    settings.MUNDAP_EMBEDDER_API_KEY = "sk-environment"
    build_whole()
    assert answering().name.startswith("of-the-environment@")
    assert server.seen[-1].headers["authorization"] == "Bearer sk-environment"
    with pytest.raises(UsageError, match="MUNDAP_EMBEDDER_MODEL"):
        choose_search_model(SearchJob.EMBEDDER, None, viewer=small_world.viewer("ada"))
    settings.MUNDAP_EMBEDDER_URL = ""
    with pytest.raises(ModelUnavailable, match="does not name the server"):
        answering_place().embedder()


def test_vectors_of_two_servers_are_never_mixed(switched: SmallWorld, server: ScriptedServer) -> None:
    other = entered(switched, server, name="Other", version="2")
    choose_search_model(SearchJob.EMBEDDER, other, viewer=switched.viewer("ada"))
    build_whole()
    names = ModelIndex.objects.filter(kind="openai-compatible").values_list("name", flat=True)
    assert len(set(names)) == 2
    counted = [Embedding.objects.filter(model=name).count() for name in names]
    assert counted[0] == counted[1] > 0


def test_a_new_installation_may_begin_with_a_server(
    people: dict[str, User], server: ScriptedServer, settings: LazySettings
) -> None:
    settings.MUNDAP_EMBEDDER = ("openai-compatible", "first")
    settings.MUNDAP_EMBEDDER_URL = f"{server.url}/v1"
    place = answering_place()
    assert (place.kind, place.model, place.dimension) == ("openai-compatible", "environment", 12)
    assert not retrieve("anything", viewer=viewer_for(people["ann"])).hits


def test_it_is_asked_once_whether_it_is_the_same_server(switched: SmallWorld, server: ScriptedServer) -> None:
    as_hour_passes()
    asked = len(server.seen)
    for text in ("one", "two"):
        answering_place().embedder().embed([text])
    assert len(server.seen) == asked + 3


def test_a_warm_up_asks_no_server(switched: SmallWorld, server: ScriptedServer) -> None:
    asked = len(server.seen)
    warm_up()
    assert len(server.seen) == asked

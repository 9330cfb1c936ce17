"""Two processes and one switch; and a builder that is killed for good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

from assistant.catalogue.search_services import add_search_model, choose_search_model
from assistant.documents import same_vectors
from assistant.documents.models import Chunk, Embedding, SearchJob
from assistant.ingest import building
from assistant.ingest.building import advance
from assistant.ingest.index_status import Progress, status
from assistant.ingest.indexing import verify
from assistant.retrieval.index_in_use import answering_index
from assistant.retrieval.retrieve import Evidence
from tests.common.scripted_server import Seen
from tests.conftest import SmallWorld
from tests.ingest.test_served_model import on_server
from tests.ingest.two_models import (
    TinyModels,
    answering,
    answers,
    as_new_process,
    build_whole,
    external_ids,
    want,
)
from tests.providers.embedding_server import LOCAL, PATH, embedding_server, embeds, inputs_of
from tests.security.second_process import REPOSITORY, SecondProcess, database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tiny_models: TinyModels, tmp_path: Path) -> None:
    """What processes of their own find: the second model is wanted."""
    monkeypatch.setenv("MUNDAP_EMBEDDER_MODEL", str(tiny_models.second))
    monkeypatch.setenv("MUNDAP_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url())


def test_another_process_goes_over_at_its_next_question(
    first_world: SmallWorld,
    tiny_models: TinyModels,
    settings: LazySettings,
    environment: None,
    tmp_path: Path,
) -> None:
    expected = sorted(external_ids(first_world.viewer("ann"), "remote work laptop"))
    with SecondProcess(tmp_path) as other:
        assert other.ask("ann", "search", "remote work laptop") == expected
        assert status().answering.startswith("first"), "a question does not switch, whatever is wanted"
        want(settings, tiny_models.second)
        build_whole()
        former = tmp_path / "index" / f"local-{status().former[0]}"
        former.rename(tmp_path / "gone")  # so that only the new index can answer
        assert other.ask("ann", "search", "remote work laptop") == expected
        assert "handbook" not in other.ask("sam", "search", "remote work laptop")


def test_every_search_around_the_switch_is_wholly_of_one_model(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads search without pause while the index is built and switched."""
    old = answers(first_world, "ann")
    seen: list[tuple[tuple[str, str], Evidence]] = []
    wrong: list[BaseException] = []
    over = threading.Event()

    def ask() -> None:
        try:
            while not over.is_set():
                embedder, index = answering_index()
                assert index.contents()[0].size >= 6
                wide = 16 if embedder.name.startswith("first") else 24
                assert embedder.embed(["laptop"]).shape == (1, wide)
                seen.extend(answers(first_world, "ann").items())
        except BaseException as error:  # noqa: BLE001 - told below, in the thread of the test
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    monkeypatch.setattr(building, "BATCH", 1)
    want(settings, tiny_models.second)
    while advance(seconds=0.0):
        pass
    time.sleep(0.3)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    new = answers(first_world, "ann")
    assert old != new
    assert all(found in (old[key], new[key]) for key, found in seen)
    assert {found == old[key] for key, found in seen} == {True, False}


def _slowly(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
    """An embedder that takes its time: whoever is to be killed in the middle is."""
    time.sleep(0.4)
    embeds()(handler, seen)


@pytest.mark.slow
def test_a_builder_that_is_killed_loses_at_most_a_batch(
    small_world: SmallWorld, settings: LazySettings, tmp_path: Path
) -> None:
    """The wanted model is on a server, so that three builders start without loading one."""
    for number in range(250):
        text = f"Note {number}: the crate {number * 7919} stands in hall {number % 17}."
        small_world.documents[f"n{number}"] = {
            "id": f"n{number}",
            "text": text,
            "acl": {"allow": ["group:staff"]},
        }
    small_world.sync()
    digests = Chunk.objects.values("digest").distinct()
    total = digests.count()
    second = Embedding.objects.filter(model__startswith="tiny-embedder", digest__in=digests)
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    around = {
        "MUNDAP_HOME": str(tmp_path),
        "MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DATABASE_URL": database_url(),
    }
    kept = 0
    with embedding_server(_slowly) as server:
        ada, model = small_world.viewer("ada"), on_server(server)
        choose_search_model(SearchJob.EMBEDDER, add_search_model(model, viewer=ada), viewer=ada)
        for _ in range(3):
            with subprocess.Popen(
                [sys.executable, "manage.py", "index", "build"],
                cwd=REPOSITORY,
                env={**os.environ, **around},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as builder:
                while builder.poll() is None and second.count() <= kept:
                    time.sleep(0.01)
                builder.send_signal(signal.SIGKILL)
                said = builder.communicate()[1]
            assert kept < second.count() < total, said
            kept = second.count()
            assert answering().name.startswith("multilingual-e5-small")
        server.on(PATH, embeds())
        server.seen.clear()
        build_whole()
        probes = ("dimension", same_vectors._TEXT)
        sent = [text for asked in inputs_of(server) for text in asked if text not in probes]
        assert len(sent) == total - kept, "what was kept is not embedded again"
        assert second.count() == total
        assert status().state is Progress.READY
        assert answering().name.startswith("tiny-embedder")
        assert verify() == []
        assert "n7" in external_ids(small_world.viewer("ann"), "note 7 crate hall")
    as_new_process()


def test_the_command_of_another_process_tells_the_same(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, environment: None
) -> None:
    said = subprocess.run(
        [sys.executable, "manage.py", "index", "status"],
        cwd=REPOSITORY,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    want(settings, tiny_models.second)
    found = status()
    assert json.loads(said.stdout) == {
        "engine": "local",
        "answering": found.answering,
        "wanted": found.wanted,
        "state": "building",
        "built": 0,
        "total": 0,
        "eta_s": None,
        "former": [],
        "problems": [],
    }

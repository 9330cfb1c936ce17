"""Nothing above the index knows which engine answers: one world on another engine, from sync to answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.chat.finding import ask
from assistant.documents.models import Embedding, ModelIndex
from assistant.index.registry import ENGINES
from assistant.ingest.index_status import status
from assistant.ingest.indexing import compact, current_index, rebuild, verify
from tests.conftest import SmallWorld
from tests.index.reference_engine import ReferenceIndex
from tests.ingest.two_models import answering, answers, build_whole, external_ids
from tests.sync.watching import watched


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "reference", "tests.index.reference_engine:ReferenceIndex")


def test_a_world_is_synced_asked_verified_and_mended_on_another_engine(
    db: None, settings: LazySettings, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings.MUNDAP_INDEX_ENGINE = "reference"
    world: SmallWorld = request.getfixturevalue("small_world")
    assert isinstance(current_index(), ReferenceIndex)
    assert answering().engine == "reference"
    assert not list(tmp_path.rglob("manifest.json"))
    assert verify() == []
    assert "handbook" in external_ids(world.viewer("ann"), "remote work laptop")
    assert external_ids(world.viewer("sam"), "remote work laptop salary merger") == {"open"}
    said = ask("How many days of remote work are allowed?", viewer=world.viewer("ann"))
    assert "three days" in str(said["answer"])
    world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    del world.documents["policy-ko"]
    world.sync()
    assert "handbook" not in external_ids(world.viewer("ann"), "remote work laptop")
    compact(force=True)
    assert verify() == []
    (file,) = tmp_path.rglob("reference-*/documents")
    file.write_bytes(b"torn")
    assert [problem.code for problem in verify()] == ["index_file"]
    assert verify(repair=True) == []
    assert rebuild() == 5
    assert "handbook" in external_ids(world.viewer("bob"), "remote work laptop")


def test_another_engine_is_built_beside_the_first_and_embeds_nothing(
    first_world: SmallWorld, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answers(first_world)
    work = watched(monkeypatch)
    settings.MUNDAP_INDEX_ENGINE = "reference"
    build_whole()
    assert work.embedded == []
    assert (status().engine, status().former) == ("reference", (answering().name,))
    assert isinstance(current_index(), ReferenceIndex)
    after = answers(first_world)
    for key, evidence in before.items():
        found = [(hit.passage.chunk_id, hit.score) for hit in after[key].hits]
        wanted = [(hit.passage.chunk_id, hit.score) for hit in evidence.hits]
        assert [pk for pk, _ in found] == [pk for pk, _ in wanted]
        assert [score for _, score in found] == pytest.approx([score for _, score in wanted])
    assert verify() == []
    ModelIndex.objects.filter(state="retired").update(changed_at=timezone.now() - timedelta(days=2))
    vectors = Embedding.objects.count()
    build_whole()
    assert status().former == ()
    assert Embedding.objects.count() == vectors, "the index that answers holds them, too"

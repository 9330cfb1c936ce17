"""With a reranker configured, passages that passed the door come in its order; without one, as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.chat.finding import search
from assistant.common.errors import ModelUnavailable
from assistant.providers import registry
from assistant.providers.contract import Scores
from assistant.retrieval.reranking import MOST_RERANKED, configured_reranker, reranked
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.retrieval.warm_up import warm_up
from tests.conftest import SmallWorld
from tests.providers.tiny_reranker import made_reranker
from tests.retrieval.made_passages import made
from tests.retrieval.test_retrieve import QUERIES, seen_with_and_without


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    registry.reranker.cache_clear()
    yield
    registry.reranker.cache_clear()


@pytest.fixture
def tiny(tmp_path: Path, settings: LazySettings) -> str:
    """A real cross-encoder, configured."""
    settings.MUNDAP_RERANKER_MODEL = made_reranker(tmp_path / "tiny")
    return str(settings.MUNDAP_RERANKER_MODEL)


class Listed:
    """Scores by a list, and notes what it is asked."""

    name = "listed"

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = scores
        self.texts: list[str] = []

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        self.texts = list(texts)
        return np.array(self._scores[: len(texts)])


def test_the_best_score_comes_first_and_equal_scores_keep_their_order() -> None:
    passages = [made(text) for text in "abcde"]
    assert reranked("q", passages, by=Listed([0.1, 0.5, 0.5, 0.9, 0.1])) == [3, 1, 2, 0, 4]


def test_only_the_first_are_read_and_the_others_stay_behind_them() -> None:
    passages = [made(str(number)) for number in range(MOST_RERANKED + 3)]
    model = Listed([float(number) for number in range(MOST_RERANKED)])
    order = reranked("q", passages, by=model)
    assert order == [*range(MOST_RERANKED - 1, -1, -1), *range(MOST_RERANKED, MOST_RERANKED + 3)]
    assert len(model.texts) == MOST_RERANKED
    assert reranked("q", [], by=model) == []


def test_a_passage_is_read_under_its_title_and_headings() -> None:
    model = Listed([1.0])
    reranked("q", [made("Fifteen days.", title="Leave", headings="Annual leave")], by=model)
    assert model.texts == ["Leave\nAnnual leave\nFifteen days."]


@pytest.mark.django_db
def test_no_reranker_is_the_default() -> None:
    assert configured_reranker() is None


def test_a_search_comes_in_the_order_of_the_scores(small_world: SmallWorld, tiny: str) -> None:
    ann = small_world.viewer("ann")
    hits = retrieve("remote work days", viewer=ann, plan=Plan(k=3)).hits
    model = configured_reranker()
    assert model is not None
    scores = model.scores("remote work days", [f"{hit.passage.title}\n{hit.passage.text}" for hit in hits])
    assert list(scores) == sorted(scores, reverse=True)
    assert len(set(scores.tolist())) == len(hits) == 3


def test_the_reranker_decides_among_more_than_are_shown(small_world: SmallWorld, tiny: str) -> None:
    ann = small_world.viewer("ann")
    every = retrieve("remote work days", viewer=ann, plan=Plan(k=8)).hits
    (first,) = retrieve("remote work days", viewer=ann, plan=Plan(k=1)).hits
    assert first == every[0]


def test_a_reranker_that_cannot_be_loaded_stops_the_search_and_the_warm_up(
    small_world: SmallWorld, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_RERANKER_MODEL = str(tmp_path / "nowhere")
    with pytest.raises(ModelUnavailable, match="MUNDAP_RERANKER_MODEL"):
        retrieve("remote work", viewer=small_world.viewer("ann"))
    with pytest.raises(ModelUnavailable, match="MUNDAP_RERANKER_MODEL"):
        warm_up()


@pytest.mark.django_db
def test_a_warm_up_loads_the_reranker(tiny: str) -> None:
    warm_up()
    model = configured_reranker()
    assert model is not None
    assert getattr(model, "_model") is not None  # noqa: B009 - not part of the contract


def test_the_reranker_reads_nothing_hidden(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    model = Listed([0.0] * MOST_RERANKED)
    monkeypatch.setattr("assistant.retrieval.retrieve.configured_reranker", lambda: model)
    retrieve("salary merger price remote work", viewer=small_world.viewer("sam"))
    assert len(model.texts) == 1
    assert model.texts[0].startswith("Visitor information")


def test_hidden_documents_change_no_byte_of_a_reranked_search(
    people: dict[str, User], tmp_path: Path, settings: LazySettings, tiny: str
) -> None:
    def look(world: SmallWorld) -> str:
        hits = [search(query, viewer=world.viewer("ann"), k=5) for query in QUERIES]
        return json.dumps([[{**hit, "document": 0} for hit in found] for found in hits])

    full, alone = seen_with_and_without(look, tmp_path, settings)
    assert full == alone
    settings.MUNDAP_RERANKER_MODEL = ""
    plain, _ = seen_with_and_without(look, tmp_path / "plain", settings)
    assert plain != full

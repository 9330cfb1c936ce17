"""From a Korean question about an English page to an answer that cites it, with an entailment model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.catalogue import opening
from assistant.catalogue.search_fitting import SearchSettings
from assistant.catalogue.search_services import add_search_model, choose_search_model
from assistant.chat import selectors
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.documents.models import SearchJob
from assistant.documents.search_models import configured_entailment
from assistant.providers.contract import Entailed
from assistant.providers.entailment import FolderEntailment
from tests.conftest import SmallWorld
from tests.providers.scripted_model import LOCAL, MODEL, model_server, writes
from tests.providers.tiny_entailment import made_entailment

KOREAN = "재택근무는 일주일에 3일 가능합니다 [1]."


class Bilingual:
    """Knows one thing in two languages."""

    name = "bilingual"

    def judged(self, premise: str, hypothesis: str) -> Entailed:
        return Entailed(0.97 if "Remote work" in premise and "재택근무" in hypothesis else 0.02, 0.01)


@pytest.fixture
def written(small_world: SmallWorld, settings: LazySettings) -> Iterator[SmallWorld]:
    """The small world with a language model that answers in Korean."""
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    with model_server(writes(KOREAN)) as server:
        settings.MUNDAP_CHAT_MODEL = "openai-compatible"
        settings.MUNDAP_CHAT_URL, settings.MUNDAP_CHAT_MODEL_NAME = f"{server.url}/v1", MODEL
        yield small_world


def asked(world: SmallWorld, name: str = "ann") -> TurnView:
    viewer = world.viewer(name)
    turn = start_turn(viewer=viewer, question="remote work 며칠 가능해요?", conversation_id=None)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def test_without_one_a_korean_sentence_from_an_english_page_is_marked_as_unsupported(
    written: SmallWorld,
) -> None:
    (sentence,) = asked(written).sentences
    assert sentence.citations == ()


def test_with_one_it_cites_the_english_page(written: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "configured_entailment", Bilingual)
    shown = asked(written)
    (sentence,) = shown.sentences
    assert sentence.citations == (1,)
    assert shown.state == "done"


def test_one_that_cannot_be_loaded_ends_the_answer(
    written: SmallWorld, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_ENTAILMENT_MODEL = str(tmp_path / "nowhere")
    shown = asked(written)
    assert shown.state == "failed"
    assert not shown.sentences


def test_a_real_one_is_named_by_the_console_or_the_environment(
    small_world: SmallWorld, settings: LazySettings, tmp_path: Path
) -> None:
    assert configured_entailment() is None
    ada = small_world.viewer("ada")
    chosen = SearchSettings(
        job=SearchJob.ENTAILMENT,
        kind="sequence-classifier",
        name="Mine",
        model=made_entailment(tmp_path / "mine"),
    )
    choose_search_model(SearchJob.ENTAILMENT, add_search_model(chosen, viewer=ada), viewer=ada)
    found = configured_entailment()
    assert isinstance(found, FolderEntailment)
    assert found.name == "mine"
    settings.MUNDAP_ENTAILMENT_MODEL = made_entailment(tmp_path / "given")
    given = configured_entailment()
    assert given is not None
    assert given.name == "given"

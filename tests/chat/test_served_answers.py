"""Answers by a second real server, `transformers serve`, from the question to what the person reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.chat import selectors
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.common.network import parse_networks
from tests.conftest import SmallWorld
from tests.providers.served_model import ServedModels, transformers_serve
from tests.providers.tiny_model import tiny_model

pytestmark = pytest.mark.slow
SENTENCES = (
    "Remote work is allowed three days a week [1]. Everybody, really everybody, gets another new laptop in "
    "March of each year."
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedModels]:
    """One server for all tests that leave it as it was."""
    with transformers_serve(tmp_path_factory.mktemp("serve")) as server:
        yield server


@pytest.fixture
def asked(small_world: SmallWorld, settings: LazySettings, served: ServedModels, tmp_path: Path) -> TurnView:
    """What ann reads when a model of that server has answered."""
    folder = tiny_model(tmp_path / "says", SENTENCES)
    settings.MUNDAP_CHAT_MODEL = "openai-compatible"
    settings.MUNDAP_CHAT_URL, settings.MUNDAP_CHAT_MODEL_NAME = f"{served.url}/v1", str(folder)
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    ann = small_world.viewer("ann")
    question = "How many days a week is remote work allowed?"
    turn = start_turn(viewer=ann, question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=ann, turn_id=turn.pk)


def test_its_sentences_are_held_against_what_the_person_may_read(asked: TurnView) -> None:
    assert asked.state == "done"
    true, false = asked.sentences
    assert (true.text, true.citations) == ("Remote work is allowed three days a week.", (1,))
    assert false.citations == (), "nothing that was read says so"

"""A second real server, `transformers serve`: what comes, and every way in which it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.errors import ModelUnavailable
from assistant.providers.contract import Message, Role, Usage
from tests.providers.scripted_model import model_at
from tests.providers.served_model import ServedModels, transformers_serve
from tests.providers.tiny_model import tiny_model

pytestmark = pytest.mark.slow
SENTENCES = (
    "Remote work is allowed three days a week [1]. Everybody, really everybody, gets another new laptop in "
    "March of each year."
)
ASKED = [Message(Role.SYSTEM, "Rules."), Message(Role.USER, "How many days?")]


@pytest.fixture(scope="module")
def says(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that says a true sentence and a false one."""
    return tiny_model(tmp_path_factory.mktemp("served") / "says", SENTENCES)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that never ends."""
    words = " ".join(f"word{number}" for number in range(600))
    return tiny_model(tmp_path_factory.mktemp("served") / "endless", words, again=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedModels]:
    """One server for all tests that leave it as it was."""
    with transformers_serve(tmp_path_factory.mktemp("serve")) as server:
        yield server


def test_a_message_is_streamed_and_counted_by_the_server(served: ServedModels, says: Path) -> None:
    spent: list[Usage] = []
    pieces = list(model_at(served.server_of(says), spent=spent.append).complete(ASKED))
    assert "".join(pieces) == SENTENCES
    assert len(pieces) > 5
    (usage,) = spent
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (8, 22, False)
    assert usage.outcome == "done"


def test_the_first_piece_is_handed_over_while_the_server_still_writes(
    served: ServedModels, endless: Path
) -> None:
    spent: list[Usage] = []
    server = served.server_of(endless, most_tokens=600)
    with pytest.raises(ModelUnavailable, match="used up its 600 tokens"):
        list(model_at(server, spent=spent.append).complete(ASKED))
    (usage,) = spent
    assert (usage.outcome, usage.output_tokens, usage.estimated) == ("cut", 600, False)
    assert usage.first_token_ms is not None
    assert usage.first_token_ms < usage.ms / 2


def test_whoever_stops_does_not_wait_for_it(served: ServedModels, endless: Path) -> None:
    stopped = threading.Event()
    pieces = model_at(served.server_of(endless, most_tokens=15_000)).complete(ASKED, stop=stopped.is_set)
    assert next(pieces)
    with served.silent():
        stopped.set()
        began = time.monotonic()
        for _ in pieces:
            pass  # what had come before
        assert time.monotonic() - began < 2


def test_a_server_that_falls_silent_in_the_middle_is_given_up(served: ServedModels, endless: Path) -> None:
    pieces = model_at(served.server_of(endless, silence_s=0.7, most_tokens=15_000)).complete(ASKED)
    assert next(pieces)
    with served.silent(), pytest.raises(ModelUnavailable, match="silent or slow for too long"):
        list(pieces)


def test_a_model_that_it_does_not_have_is_an_error_in_words_of_our_own(
    served: ServedModels, tmp_path: Path
) -> None:
    server = replace(served.server_of(tmp_path / "nothing"), attempts=1)
    with pytest.raises(ModelUnavailable, match="answers 500") as caught:
        list(model_at(server).complete(ASKED))
    assert "Traceback" not in str(caught.value)


def test_a_server_that_dies_in_the_middle_leaves_what_came_and_says_so(tmp_path: Path, endless: Path) -> None:
    spent: list[Usage] = []
    with transformers_serve(tmp_path) as server:
        here = server.server_of(endless, most_tokens=15_000)
        pieces = model_at(here, spent=spent.append).complete(ASKED)
        assert next(pieces).strip()
        server.kill()
        with pytest.raises(ModelUnavailable, match="does not answer as it should"):
            list(pieces)
        with pytest.raises(ModelUnavailable, match="does not answer as it should"):
            list(model_at(replace(here, attempts=2), spent=spent.append).complete(ASKED))
    assert [usage.outcome for usage in spent] == ["unreachable", "unreachable"]
    assert spent[0].output_tokens > 0
    assert spent[0].estimated
    assert spent[1].output_tokens == 0

"""A configured cross-encoder scores each pair by itself, offline, or says why it cannot."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.providers.registry import reranker
from assistant.providers.rerankers import CrossEncoderReranker
from tests.providers.tiny_reranker import made_reranker
from tests.providers.unpacked_model import unpacked_folder

QUESTION = "how many days of remote work?"
TEXTS = (
    "remote work is allowed three days a week",
    "연차 휴가는 15일입니다",
    "the pump, " * 30,
    "",
    "laptops are encrypted",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made_reranker(tmp_path_factory.mktemp("models") / "tiny")


def test_scores_are_of_each_pair_alone_to_the_last_digit(folder: str) -> None:
    model = CrossEncoderReranker(model=folder)
    together = model.scores(QUESTION, TEXTS)
    assert together.shape == (len(TEXTS),)
    assert len(set(together.tolist())) == len(TEXTS)
    alone = [model.scores(QUESTION, [text])[0] for text in TEXTS]
    assert together.tolist() == alone
    assert model.scores(QUESTION, TEXTS[::-1]).tolist() == alone[::-1]
    assert model.scores(QUESTION, []).shape == (0,)


def test_a_second_process_s_model_gives_the_same_scores(folder: str) -> None:
    first, second = CrossEncoderReranker(model=folder), CrossEncoderReranker(model=folder)
    assert np.array_equal(first.scores(QUESTION, TEXTS), second.scores(QUESTION, TEXTS))


def test_threads_may_share_one_reranker(folder: str) -> None:
    model = CrossEncoderReranker(model=folder)
    expected = model.scores(QUESTION, TEXTS).tolist()
    with ThreadPoolExecutor(4) as pool:
        assert [found.tolist() for found in pool.map(lambda _: model.scores(QUESTION, TEXTS), range(8))] == [
            expected
        ] * 8


def test_nothing_is_fetched(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    assert len(CrossEncoderReranker(model=folder).scores(QUESTION, TEXTS)) == len(TEXTS)
    with pytest.raises(ModelUnavailable, match="does not exist"):
        CrossEncoderReranker(model="cross-encoder/ms-marco-MiniLM-L6-v2").scores(QUESTION, TEXTS)


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="holds no cross-encoder"):
        CrossEncoderReranker(model=str(tmp_path)).scores(QUESTION, TEXTS)


def test_a_model_that_would_score_at_random_is_refused(tmp_path: Path) -> None:
    """An embedding model loads as a cross-encoder whose last layer nobody has trained."""
    for wrong in (made_reranker(tmp_path / "headless", headless=True), str(unpacked_folder())):
        with pytest.raises(ModelUnavailable, match="holds no cross-encoder"):
            CrossEncoderReranker(model=wrong).scores(QUESTION, TEXTS)


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    broken = made_reranker(tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        CrossEncoderReranker(model=broken).scores(QUESTION, TEXTS)


def test_a_classifier_of_several_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="3 scores a pair"):
        CrossEncoderReranker(model=made_reranker(tmp_path / "three", labels=3)).scores(QUESTION, TEXTS)


def test_a_process_has_one_reranker_of_a_folder(folder: str) -> None:
    assert reranker("cross-encoder", model=folder) is reranker("cross-encoder", model=folder)
    with pytest.raises(UsageError, match="cross-encoder"):
        reranker("telepathy", model=folder)

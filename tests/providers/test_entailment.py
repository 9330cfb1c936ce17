"""A configured entailment model judges pairs by the labels that its configuration names, or is refused."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.providers.contract import NOT_JUDGED
from assistant.providers.entailment import FolderEntailment, places_of
from assistant.providers.registry import entailment
from tests.providers.tiny_entailment import made_entailment
from tests.providers.tiny_reranker import made_reranker

PAIRS = (
    ("remote work is allowed three days a week", "you may work from home"),
    ("연차 휴가는 15일입니다", "there are 15 days of leave"),
    ("laptops are encrypted", "laptops are not encrypted"),
    ("", "a"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made_entailment(tmp_path_factory.mktemp("models") / "tiny")


def test_shares_are_of_one_pair_alone_and_no_more_than_whole(folder: str) -> None:
    model = FolderEntailment(model=folder)
    found = [model.judged(*pair) for pair in PAIRS]
    assert len({each.entails for each in found}) == len(PAIRS)
    for each in found:
        assert each.entails >= 0
        assert each.contradicts >= 0
        assert each.entails + each.contradicts <= 1 + 1e-9
    again = FolderEntailment(model=folder)
    assert [again.judged(*pair) for pair in PAIRS[::-1]] == found[::-1]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("contradiction", "entailment", "neutral"), (2, 0, 1)),
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), (2, 1, 0)),
        ((" Entail", "Contradict", "neutral_"), (0, 2, 1)),
    ],
)
def test_labels_mean_what_they_say_in_any_order(
    folder: str, tmp_path: Path, labels: tuple[str, ...], order: tuple[int, ...]
) -> None:
    usual = FolderEntailment(model=folder)
    other = FolderEntailment(model=made_entailment(tmp_path / "other", labels, order=order))
    for pair in PAIRS:
        one, two = usual.judged(*pair), other.judged(*pair)
        assert one.entails == pytest.approx(two.entails, abs=1e-6)
        assert one.contradicts == pytest.approx(two.contradicts, abs=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("entailment", "not_entailment", "neutral"),
        ("entailment", "entailment", "contradiction"),
        ("entailment", "neutral", "other"),
    ],
)
def test_labels_that_are_not_understood_are_refused_and_never_guessed(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    model = FolderEntailment(model=made_entailment(tmp_path / "odd", labels))
    with pytest.raises(ModelUnavailable, match="id2label") as caught:
        model.judged(*PAIRS[0])
    assert labels[0] in str(caught.value)


def test_two_labels_are_no_entailment_model(tmp_path: Path) -> None:
    made = made_entailment(tmp_path / "two", ("entailment", "not_entailment"), order=(0, 1))
    with pytest.raises(ModelUnavailable, match="id2label"):
        FolderEntailment(model=made).judged(*PAIRS[0])
    assert places_of({0: "entailment", 1: "neutral", 2: "contradiction", 3: "neutral"}) is None
    assert places_of({}) is None


def test_a_pair_that_is_too_long_is_not_judged_by_half(folder: str) -> None:
    model = FolderEntailment(model=folder)
    assert model.judged("a" * 300, "b") == NOT_JUDGED
    assert model.judged("a", "b" * 300) == NOT_JUDGED


def test_what_would_judge_at_random_is_refused(tmp_path: Path) -> None:
    headless = made_reranker(tmp_path / "headless", headless=True)
    config = json.loads((tmp_path / "headless" / "config.json").read_text())
    config["id2label"] = {"0": "entailment", "1": "neutral", "2": "contradiction"}
    (tmp_path / "headless" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        FolderEntailment(model=headless).judged(*PAIRS[0])


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - heavy

    broken = made_entailment(tmp_path / "broken")
    file = tmp_path / "broken" / "model.safetensors"
    weights = load_file(file)
    weights["classifier.bias"] *= float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match="no number"):
        FolderEntailment(model=broken).judged(*PAIRS[0])
    file.write_bytes(b"not weights")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        FolderEntailment(model=broken).judged(*PAIRS[0])


def test_nothing_is_fetched(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    assert FolderEntailment(model=folder).judged(*PAIRS[0]) != NOT_JUDGED
    with pytest.raises(ModelUnavailable, match="does not exist"):
        FolderEntailment(model="somebody/nli-model").judged(*PAIRS[0])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        FolderEntailment(model=str(tmp_path)).judged(*PAIRS[0])


def test_threads_may_share_one_model(folder: str) -> None:
    model = FolderEntailment(model=folder)
    expected = [model.judged(*pair) for pair in PAIRS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pair: model.judged(*pair), PAIRS * 4)) == expected * 4


def test_a_process_has_one_entailment_model_of_a_folder(folder: str) -> None:
    assert entailment("sequence-classifier", model=folder) is entailment("sequence-classifier", model=folder)
    with pytest.raises(UsageError, match="sequence-classifier"):
        entailment("telepathy", model=folder)

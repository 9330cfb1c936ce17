"""The bundled model works offline, is the released one, and fails with a clear sentence."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.common.network import Network
from assistant.providers import embedders
from assistant.providers.contract import ChatParts, ChatServer, Embedder
from assistant.providers.registry import chat_model, embedder


@pytest.fixture(scope="module")
def bundled() -> Embedder:
    return embedder("sentence-transformers")


def test_the_bundled_model_is_described_without_loading_it() -> None:
    fresh = embedders.SentenceTransformerEmbedder()
    assert (fresh.name, fresh.dimension, fresh.languages) == (
        "all-MiniLM-L6-v2@53aa51172d14",
        384,
        frozenset({"en"}),
    )
    assert fresh._encoder is None


def test_a_process_has_one_embedder_of_a_kind(bundled: Embedder) -> None:
    assert embedder("sentence-transformers") is bundled


def test_rows_are_unit_vectors_in_the_order_given(bundled: Embedder) -> None:
    texts = ["annual leave", "the quarterly revenue of the firm " * 30, "", "연차 휴가"] * 10
    rows = bundled.embed(texts)
    assert rows.shape == (40, 384)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert rows[0] == pytest.approx(bundled.embed(["annual leave"])[0], abs=1e-5)
    assert bundled.embed([]).shape == (0, 384)


def test_near_meanings_lie_nearer_than_far_ones(bundled: Embedder) -> None:
    rows = bundled.embed(
        ["How much holiday do I get?", "Employees have 15 days of annual leave.", "Reset a VPN."]
    )
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_threads_may_share_one_embedder(bundled: Embedder) -> None:
    texts = [f"sentence number {i}" for i in range(12)]
    alone = np.vstack([bundled.embed([text]) for text in texts])
    with ThreadPoolExecutor(4) as pool:
        together = np.vstack(list(pool.map(lambda text: bundled.embed([text]), texts)))
    assert together == pytest.approx(alone, abs=1e-6)


def test_a_missing_folder_is_named() -> None:
    absent = embedders.SentenceTransformerEmbedder(model="/nowhere/model")
    with pytest.raises(ModelUnavailable, match="/nowhere/model does not exist"):
        absent.embed(["text"])
    with pytest.raises(ModelUnavailable, match="does not exist"):
        _ = absent.name


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    empty = embedders.SentenceTransformerEmbedder(model=str(tmp_path))
    with pytest.raises(ModelUnavailable, match="no weights"):
        _ = empty.name
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        empty.embed(["text"])


def test_altered_weights_of_the_bundled_model_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"altered")
    monkeypatch.setattr(embedders, "_bundled_folder", lambda: tmp_path)
    with pytest.raises(ModelUnavailable, match="Reinstall"):
        embedders.SentenceTransformerEmbedder().embed(["text"])


def test_an_altered_tokenizer_of_the_bundled_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = embedders._bundled_folder()
    (tmp_path / "model.safetensors").symlink_to(released / "model.safetensors")
    (tmp_path / "tokenizer.json").write_bytes((released / "tokenizer.json").read_bytes() + b" ")
    monkeypatch.setattr(embedders, "_bundled_folder", lambda: tmp_path)
    with pytest.raises(ModelUnavailable, match="Reinstall"):
        embedders.SentenceTransformerEmbedder().embed(["text"])


def test_a_configured_folder_is_read_by_sentence_transformers(bundled: Embedder) -> None:
    configured = embedders.SentenceTransformerEmbedder(model=str(embedders._bundled_folder()))
    texts = ["annual leave", "the quarterly revenue of the firm " * 30, "연차 휴가"] * 15
    rows = configured.embed(texts)
    assert configured.dimension == 384
    assert (rows * bundled.embed(texts)).sum(axis=1).min() >= 0.99


def test_a_configured_model_gets_the_prompts_that_its_folder_names(bundled: Embedder, tmp_path: Path) -> None:
    for file in embedders._bundled_folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    plain = embedders.SentenceTransformerEmbedder(model=str(tmp_path)).name
    settings = tmp_path / "config_sentence_transformers.json"
    settings.unlink(missing_ok=True)
    settings.write_text(json.dumps({"prompts": {"query": "question: ", "document": "passage: "}}))

    prompted = embedders.SentenceTransformerEmbedder(model=str(tmp_path))

    assert prompted.embed_questions(["annual leave"])[0] == pytest.approx(
        bundled.embed(["question: annual leave"])[0], abs=0.02
    )
    assert prompted.embed(["annual leave"])[0] == pytest.approx(
        bundled.embed(["passage: annual leave"])[0], abs=0.02
    )
    assert prompted.name != plain, "vectors of other prompts must not be mixed"


def test_models_of_equal_folder_names_and_other_weights_have_other_names(tmp_path: Path) -> None:
    names = []
    for parent, weights in (("one", b"1"), ("two", b"2")):
        folder = tmp_path / parent / "model"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(weights)
        names.append(embedders.SentenceTransformerEmbedder(model=str(folder)).name)
    assert names[0] != names[1]
    assert all(name.startswith("model@") for name in names)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="sentence-transformers"):
        embedder("telepathy")
    with pytest.raises(UsageError, match="extractive"):
        chat_model("telepathy", ChatParts(None, ChatServer("", ""), Network()))

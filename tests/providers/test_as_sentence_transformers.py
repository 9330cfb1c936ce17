"""What sentence-transformers makes of the bundled model's weights is what our own passes make of them.

All in one file: importing that library and unpacking the weights take longer than the comparisons.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from assistant.providers import embedders
from assistant.providers.bundled_encoder import BundledEncoder
from assistant.providers.float_pass import vector_of
from assistant.providers.pieces import Pieces
from tests.providers.test_bundled_encoder import ENGLISH, KOREAN, TEXTS
from tests.providers.unpacked_model import packed, unpacked_folder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@pytest.fixture(scope="module")
def plain() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy

    return SentenceTransformer(str(unpacked_folder()), device="cpu", local_files_only=True)


def test_in_float32_the_vectors_are_those_of_sentence_transformers(plain: SentenceTransformer) -> None:
    exact = BundledEncoder(packed(), precision="float32")
    expected = plain.encode(list(TEXTS), normalize_embeddings=True)
    assert exact.encode(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_the_pass_in_numpy_is_that_of_sentence_transformers(plain: SentenceTransformer) -> None:
    texts = [ENGLISH[0], KOREAN[0]]
    pieces, weights = Pieces(packed().vocabulary, most=512), packed().weights()
    rows = np.vstack([vector_of(weights, packed().words(pieces.ids(text))) for text in texts])
    assert rows == pytest.approx(plain.encode(texts, normalize_embeddings=True), abs=1e-5)


def test_a_configured_folder_is_read_by_sentence_transformers() -> None:
    configured = embedders.SentenceTransformerEmbedder(model=str(unpacked_folder()))
    texts = ["annual leave", "the quarterly revenue of the firm " * 30, "연차 휴가"] * 15
    rows = configured.embed(texts)
    assert configured.dimension == 384
    assert (rows * embedders.bundled_encoder().encode(texts)).sum(axis=1).min() >= 0.99


def test_a_configured_model_gets_the_prompts_that_its_folder_names(tmp_path: Path) -> None:
    for file in unpacked_folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    plain = embedders.SentenceTransformerEmbedder(model=str(tmp_path)).name
    prompts = {"query": "query: ", "document": "passage: "}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))

    prompted = embedders.SentenceTransformerEmbedder(model=str(tmp_path))

    asked, told = embedders.bundled_encoder().encode(["query: annual leave", "passage: annual leave"])
    assert prompted.embed_questions(["annual leave"])[0] == pytest.approx(asked, abs=0.02)
    assert prompted.embed(["annual leave"])[0] == pytest.approx(told, abs=0.02)
    assert prompted.name != plain, "vectors of other prompts must not be mixed"

"""The file of the bundled model is read as it was written, and its pieces are the model's own."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from assistant.providers.packed_model import BLOCK, MARK, PackedModel
from assistant.providers.pieces import Pieces
from tests.providers.unpacked_model import packed, tokenizer

PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁연차", "▁days", "▁")
SCORES = (0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -4.0)
TEXTS = (
    "연차 휴가는 며칠인가요? How many days are left?",
    "Error E-4012: renew it with `certctl renew --all`.",
    "１２３ ㈜문답, naïve Ünïcödé",
    "구분 | 한도\n국내\t| 1박 150,000원",
    "",
)


def written(file: Path, weights: dict[str, NDArray[np.float32]], halves: NDArray[np.uint8]) -> None:
    """A file of the form, by hand: words as half bytes with a scale of one half, the others in float32."""
    text = "".join(PIECES).encode()
    begins = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head = MARK + struct.pack("<I7ifi", 1, BLOCK, 0, 12, 4 * BLOCK, len(PIECES), 4, 1, 1e-12, BLOCK)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(text))
    head += begins.tobytes() + np.array(SCORES, "<f4").tobytes() + text + struct.pack("<iI", 0, 0)
    packed_rows = b"".join(
        np.float16(0.5).tobytes() + bytes(int(row[j]) | int(row[j + 16]) << 4 for j in range(16))
        for row in halves
    )
    contents = {"emb.word": (1, packed_rows)} | {
        name: (0, one.astype("<f4").tobytes()) for name, one in weights.items()
    }
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in contents)
    entries, at = struct.pack("<i", len(contents)), size
    for name, (kind, content) in contents.items():
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", kind, 0, at, len(content))
        at += len(content)
    file.write_bytes(head + entries + b"".join(content for _, content in contents.values()))


@settings(max_examples=25, deadline=None)
@given(
    halves=arrays(np.uint8, (len(PIECES), BLOCK), elements=st.integers(0, 15)),
    values=arrays(np.float32, (4, BLOCK), elements=st.floats(-9, 9, width=32)),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, halves: NDArray[np.uint8], values: NDArray[np.float32]
) -> None:
    file = tmp_path_factory.mktemp("packed") / "model.bin"
    names = ("emb.pos", "emb.type", "emb.ln.w", "emb.ln.b")
    written(file, dict(zip(names, values, strict=True)), halves)
    model = PackedModel(file)
    assert np.array_equal(model.words([5, 0, 5]), (halves[[5, 0, 5]].astype(np.float32) - 8) / 2)
    weights = model.weights()
    assert np.array_equal(weights["embeddings.LayerNorm.bias"], values[3])
    assert weights["embeddings.position_embeddings.weight"].shape == (1, BLOCK)
    assert model.vocabulary.text.tobytes().decode() == "".join(PIECES)
    assert Pieces(model.vocabulary, most=9).ids("연차 days 연차") == [0, 4, 5, 4, 2]


def test_another_file_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ValueError, match="does not begin like a packed model"):
        PackedModel(file)


def test_a_model_that_lacks_a_tensor_says_which(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    written(file, {}, np.zeros((len(PIECES), BLOCK), np.uint8))
    with pytest.raises(ValueError, match=r"lacks the tensor emb\.pos"):
        PackedModel(file).weights()


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_those_of_another_library(text: str, theirs: object) -> None:
    assert Pieces(packed().vocabulary, most=512).ids(text) == theirs.encode(text).ids  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def theirs() -> object:
    return tokenizer(packed().vocabulary)


def test_a_mark_of_the_model_in_a_text_is_text() -> None:
    pieces = Pieces(packed().vocabulary, most=512)
    marks = {packed().vocabulary.begin, packed().vocabulary.end, packed().vocabulary.padding}
    for text in ("<s>", "a </s> b <pad>", "<mask>"):
        ids = pieces.ids(text)
        assert (ids[0], ids[-1]) == (packed().vocabulary.begin, packed().vocabulary.end)
        assert not marks & set(ids[1:-1])


def test_what_stands_behind_the_most_pieces_is_left_out() -> None:
    ids = Pieces(packed().vocabulary, most=8).ids("one two three four five six seven eight nine ten")
    assert len(ids) == 8
    assert ids[-1] == packed().vocabulary.end


@lru_cache(maxsize=1)
def _pieces() -> Pieces:
    return Pieces(packed().vocabulary, most=64)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_pieces(text: str) -> None:
    assert 2 <= len(_pieces().ids(text)) <= 64

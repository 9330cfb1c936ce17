"""The bundled model in products of bytes says what float32 says, and says it alike in any company."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from assistant.providers import byte_encoder, embedders
from assistant.providers.byte_encoder import ByteEncoder, load_byte_encoder
from assistant.providers.byte_layout import APART, PANEL, ROWS, Bytes, Words
from assistant.providers.byte_tiles import able, plain_byte_tile
from tests.providers.unpacked_model import packed

REPOSITORY = Path(__file__).resolve().parents[2]
ENGLISH = (
    "A receipt must be handed in within thirty days of the journey.",
    "Who may sign a contract?",
    "Error E-4012: the certificate has expired. Renew it with `certctl renew --all` and restart the gateway.",
    "Travel | Limit | Approval\nDomestic | 150,000 won | team lead\nAbroad | 200 USD a night | director",
)
KOREAN = (
    "출장비 영수증은 귀임일부터 30일 안에 제출해야 합니다.",
    "천만 원이 넘는 계약에는 누가 서명하나요?",
    "서버실은 20시에 잠기며, 두 번째 열쇠는 야간 경비원이 B-104호에서 보관합니다.",
    "구분 | 한도 | 승인\n국내 | 1박 150,000원 | 팀장\n해외 | 1박 200달러 | 본부장",
)
LONG = (" ".join(ENGLISH) * 6, " ".join(KOREAN) * 6)
ODD = ("", "   ", "?", "🙂 naïve Ünïcödé", "a" * 5000, "１２３ ㈜문답", "연차 " * 400)
TEXTS = (*ENGLISH, *KOREAN, *LONG, *ODD)


@pytest.fixture(scope="module")
def encoder() -> ByteEncoder:
    return ByteEncoder(packed(), packed().weights())


def test_the_vectors_are_near_those_of_float32_in_the_order_given(encoder: ByteEncoder) -> None:
    from assistant.providers.bundled_encoder import BundledEncoder  # noqa: PLC0415 - heavy

    rows, expected = encoder.encode(TEXTS), BundledEncoder(packed(), precision="float32").encode(TEXTS)
    cosines = (rows * expected).sum(axis=1)
    assert cosines.min() >= 0.995
    assert cosines.mean() >= 0.998
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    distinct = [i for i, text in enumerate(TEXTS) if text.strip()]
    assert (rows[distinct] @ expected[distinct].T).argmax(axis=1).tolist() == list(range(len(distinct)))


def test_a_vector_is_the_same_to_the_last_bit_in_any_company(encoder: ByteEncoder) -> None:
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    assert np.array_equal(encoder.encode(TEXTS), alone)
    assert np.array_equal(encoder.encode(TEXTS[::-1], threads=3)[::-1], alone)


def test_an_encoder_that_is_loaded_anew_gives_the_same_vectors(encoder: ByteEncoder) -> None:
    assert np.array_equal(ByteEncoder(packed(), packed().weights()).encode(TEXTS), encoder.encode(TEXTS))


def test_threads_may_share_one_encoder(encoder: ByteEncoder) -> None:
    alone = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        together = np.vstack(list(pool.map(lambda text: encoder.encode([text]), TEXTS * 4)))
    assert np.array_equal(together, np.tile(alone, (4, 1)))


def test_nothing_behind_the_last_token_is_read(encoder: ByteEncoder) -> None:
    long = "word " * packed().places
    rows = encoder.encode([long, long + "another ending", "word"])
    assert np.array_equal(rows[0], rows[1])
    assert rows[0] @ rows[2] < 0.99


@numba.njit(nogil=True)
def _plainly(rows: int, codes: Bytes, steps: int, weights: Words, sums: Words) -> None:
    plain_byte_tile(rows, codes, 0, steps, weights, 0, PANEL, steps, sums, 0, PANEL)


@pytest.mark.parametrize("rows", range(1, ROWS + 1))
def test_products_of_bytes_are_exact_even_of_the_largest(rows: int) -> None:
    """With the processor's instruction and without it."""
    from assistant.providers import byte_kernels  # noqa: PLC0415 - compiles

    random = np.random.default_rng(rows)
    codes = random.integers(0, 256, (rows, 1536), dtype=np.uint8)
    weights = random.integers(-127, 128, (PANEL, 1536)).astype(np.int8)
    codes[0], weights[0], weights[1] = 255, 127, -127
    sums = np.empty(ROWS * PANEL, np.int32)
    laid_out = byte_encoder._laid_out(weights)
    byte_kernels._multiply_bytes(rows, codes, 0, 1536 // 4, laid_out, 0, 1536 // 4, sums)
    expected = codes.astype(np.int32) @ weights.T.astype(np.int32)
    assert np.array_equal(sums.reshape(ROWS, PANEL)[:rows], expected)
    sums[:] = 0
    _plainly(rows, codes, 1536 // 4, laid_out, sums)
    assert np.array_equal(sums.reshape(ROWS, PANEL)[:rows], expected)


def test_the_curves_are_those_of_the_paper() -> None:
    from assistant.providers import byte_kernels  # noqa: PLC0415 - compiles
    from assistant.providers.float_pass import _gelu  # noqa: PLC0415

    xs = np.linspace(-12, 12, 1001, dtype=np.float32)
    assert [byte_kernels._gelu(x) for x in xs] == pytest.approx(_gelu(xs), abs=1e-5)
    below = np.linspace(-30, 0, 1001, dtype=np.float32)
    assert [byte_kernels._exp(x) for x in below] == pytest.approx(np.exp(below), rel=1e-5)


def test_what_far_exceeds_the_rest_is_not_rounded() -> None:
    random = np.random.default_rng(1)
    weight = random.standard_normal((PANEL, 384)).astype(np.float32)
    inputs = random.standard_normal((20, 384)).astype(np.float32)
    inputs[:, [7, 99, 157, 380]] *= 50
    made = byte_encoder._byte_linear(weight, np.zeros(PANEL, np.float32), inputs)
    assert made.apart.tolist() == [7, 99, 157, 380]
    assert np.array_equal(made.outputs[0, -APART:], weight[:, made.apart].T)
    codes = made.weights.reshape(1, -1, PANEL).view(np.int8).reshape(96, PANEL, 4)
    assert not codes.swapaxes(0, 1).reshape(PANEL, 384)[:, made.apart].any()


def test_without_the_instruction_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_encoder, "able", lambda: False)
    assert load_byte_encoder(packed()) is None
    assert embedders.bundled_encoder().precision in {"bfloat16", "float32"}


def test_vectors_that_disagree_with_float32_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_encoder, "able", lambda: True)
    assert load_byte_encoder(packed()) is not None
    monkeypatch.setattr(byte_encoder, "AGREEMENT", 1.01)
    assert load_byte_encoder(packed()) is None


def test_a_code_generator_that_refuses_leaves_it_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*given: object) -> None:
        raise RuntimeError("LLVM IR parsing error")

    monkeypatch.setattr(byte_encoder, "able", lambda: True)
    monkeypatch.setattr("assistant.providers.byte_kernels.encode", refusing)
    assert load_byte_encoder(packed()) is None


def test_where_bytes_are_multiplied_a_question_needs_no_torch() -> None:
    script = (
        "import sys; from assistant.providers.embedders import SentenceTransformerEmbedder as Embedder\n"
        "made = Embedder(); made.embed(['a question']); print(made.precision, 'torch' in sys.modules)"
    )
    said = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True)
    precision, torch_is_loaded = said.split()
    assert (precision == "bytes") == able()
    assert torch_is_loaded == str(precision != "bytes")

"""The bundled model's own forward pass in either precision.

That it says what sentence-transformers says: `test_as_sentence_transformers.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from assistant.providers import bundled_encoder
from assistant.providers.bundled_encoder import (
    TOKENS_A_PASS,
    BundledEncoder,
    agree,
    fast_precision,
    load_encoder,
    passes_of,
)
from assistant.providers.contract import Vectors
from assistant.providers.float_pass import AGREEMENT
from tests.providers.unpacked_model import packed

ENGLISH = (
    "A receipt must be handed in within thirty days of the journey.",
    "Who may sign a contract of more than ten million won?",
    "The server room is locked at 20:00; the night porter keeps the second key (room B-104).",
    "Error E-4012: the certificate has expired. Renew it with `certctl renew --all` and restart the gateway.",
    "Travel | Limit | Approval\nDomestic | 150,000 won | team lead\nAbroad | 200 USD a night | director",
)
KOREAN = (
    "출장비 영수증은 귀임일부터 30일 안에 제출해야 합니다.",
    "천만 원이 넘는 계약에는 누가 서명할 수 있나요?",
    "서버실은 20시에 잠기며, 두 번째 열쇠는 야간 경비원이 B-104호에서 보관합니다.",
    "오류 E-4012: 인증서가 만료되었습니다. 갱신한 뒤 게이트웨이를 다시 시작하십시오.",
    "구분 | 한도 | 승인\n국내 | 1박 150,000원 | 팀장\n해외 | 1박 200달러 | 본부장",
)
LONG = (" ".join(ENGLISH) * 6, " ".join(KOREAN) * 6)
ODD = ("", "   ", "?", "\n\n", "🙂 naïve Ünïcödé", "a" * 5000, "１２３ ㈜문답")
TEXTS = (*ENGLISH, *KOREAN, *LONG, *ODD)


@pytest.fixture(scope="module")
def exact() -> BundledEncoder:
    return BundledEncoder(packed(), precision="float32")


@pytest.fixture(scope="module")
def fast() -> BundledEncoder:
    if fast_precision() == "float32":
        pytest.skip("this processor has no instructions for bfloat16")
    return BundledEncoder(packed(), precision=fast_precision())


def cosines(one: Vectors, other: Vectors) -> Vectors:
    found: Vectors = (one * other).sum(axis=1)
    return found


def test_the_fast_vectors_stay_within_the_agreement_in_the_order_given(
    fast: BundledEncoder, exact: BundledEncoder
) -> None:
    rows, expected = fast.encode(TEXTS), exact.encode(TEXTS)
    assert cosines(rows, expected).min() >= AGREEMENT
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    distinct = [i for i, text in enumerate(TEXTS) if text.strip()]
    assert (rows[distinct] @ expected[distinct].T).argmax(axis=1).tolist() == list(range(len(distinct)))


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_vector_does_not_depend_on_the_neighbours(precision: str, request: pytest.FixtureRequest) -> None:
    encoder: BundledEncoder = request.getfixturevalue(precision)
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    assert cosines(alone, encoder.encode(TEXTS)).min() >= 0.9999
    assert cosines(alone, encoder.encode(TEXTS[::-1])[::-1]).min() >= 0.9999
    crowd = encoder.encode([text for text in TEXTS for _ in range(3)])
    assert cosines(alone, crowd[::3]).min() >= 0.9999


def test_more_threads_give_the_same_vectors(exact: BundledEncoder) -> None:
    assert exact.encode(TEXTS, threads=3) == pytest.approx(exact.encode(TEXTS), abs=1e-6)


def test_nothing_behind_the_last_token_is_read(exact: BundledEncoder) -> None:
    long = "word " * packed().places
    rows = exact.encode([long, long + "another ending", "word"])
    assert rows[0] == pytest.approx(rows[1], abs=1e-6)
    assert rows[0] @ rows[2] < 0.99


def test_only_texts_of_one_length_share_a_pass_and_passes_are_bounded() -> None:
    lengths = [5, 256, 5, 30, 256, *[30] * 20]
    passes = list(passes_of(lengths))
    assert sorted(i for part in passes for i in part) == list(range(len(lengths)))
    assert all(len({lengths[i] for i in part}) == 1 for part in passes)
    assert all(len(part) == 1 or sum(lengths[i] for i in part) <= TOKENS_A_PASS for part in passes)
    assert lengths[passes[0][0]] == 256


def test_a_processor_without_the_instructions_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "torch.cpu.get_capabilities", lambda: {"avx512_bf16": False, "architecture": "aarch64"}
    )
    assert fast_precision() == "float32"
    assert load_encoder(packed()).precision == "float32"


def test_instructions_for_bfloat16_choose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("avx512_bf16", "amx_bf16"):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda name=name: {name: True})
        assert fast_precision() == "bfloat16"


def test_a_torch_without_the_kernel_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*args: object, **kwargs: object) -> None:
        raise AttributeError("no such operator")

    monkeypatch.setattr(bundled_encoder, "fast_precision", lambda: "bfloat16")
    monkeypatch.setattr(bundled_encoder._Packed, "__init__", lacking)
    assert load_encoder(packed()).precision == "float32"


def test_vectors_that_disagree_with_float32_are_not_used(
    exact: BundledEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BundledEncoder(packed(), precision="float32")
    assert agree(other, exact)
    other._places = -other._places
    assert not agree(other, exact)
    monkeypatch.setattr(bundled_encoder, "fast_precision", lambda: "bfloat16")
    monkeypatch.setattr(bundled_encoder, "agree", lambda fast, exact: False)
    assert load_encoder(packed()).precision == "float32"

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.providers import answer_weights
from assistant.providers.answer_doubt import DOUBT_FEATURES
from assistant.providers.answer_weights import Network, Weights, read, shipped, weights_for, write
from assistant.providers.sentence_features import FEATURES


def network(features: int, units: int = 3) -> Network:
    rng = np.random.default_rng(features)
    return Network(
        rng.normal(size=features),
        rng.uniform(0.5, 2.0, size=features),
        rng.normal(size=(features, units)),
        rng.normal(size=units),
        rng.normal(size=units),
        0.25,
    )


def some_weights() -> dict[str, Weights]:
    one = Weights(network(len(FEATURES)), network(len(DOUBT_FEATURES)), 0.3)
    return {kind: replace(one, threshold=at / 10) for at, kind in enumerate(answer_weights.KINDS, start=1)}


def test_the_weights_that_come_with_the_product_are_of_the_features_that_it_counts() -> None:
    for kind in answer_weights.KINDS:
        weights = shipped()[kind]
        assert weights.ranking.hidden.shape[0] == len(FEATURES)
        assert weights.doubt.hidden.shape[0] == len(DOUBT_FEATURES)
        assert 0.0 < weights.threshold < 1.0
        assert np.isfinite(weights.ranking(np.zeros((2, len(FEATURES))))).all()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path, known = tmp_path / "weights.npz", some_weights()
    write(path, known)
    found = read(path)

    rows = np.random.default_rng(1).normal(size=(4, len(FEATURES)))
    for kind, one in known.items():
        assert found[kind].threshold == one.threshold
        assert np.allclose(found[kind].ranking(rows), one.ranking(rows), atol=1e-3)


def test_weights_of_other_features_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.npz"
    with monkeypatch.context() as other:
        other.setattr(answer_weights, "FEATURES", ("another", *FEATURES[1:]))
        write(path, some_weights())

    with pytest.raises(ValueError, match="answer_learning"):
        read(path)


def test_a_feature_that_never_varied_while_learning_counts_nothing() -> None:
    one = network(4)
    still = replace(one, scale=np.array([1.0, 0.0, 1.0, 1.0]))

    rows = np.zeros((2, 4))
    rows[1, 1] = 1e6

    assert still(rows)[0] == still(rows)[1]


def test_no_value_however_odd_makes_a_score_that_is_no_number() -> None:
    rows = np.array([[1e300, -1e300, 0.0, 5.0], [-1e300, 1e300, 1e9, -1e9]])

    assert np.isfinite(network(4)(rows)).all()


def test_korean_has_weights_of_its_own_and_other_languages_those_of_english() -> None:
    known = some_weights()

    assert weights_for("ko", dense=False, known=known) is known["ko"]
    assert weights_for("ko", dense=True, known=known) is known["ko+dense"]
    assert weights_for("de", dense=True, known=known) is known["en+dense"]
    assert weights_for("de", dense=False, known=known) is known["en"]


def test_features_are_told_apart_by_their_names() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    assert len(set(DOUBT_FEATURES)) == len(DOUBT_FEATURES)

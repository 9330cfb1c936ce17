from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.providers.answer_doubt import DOUBT_FEATURES, doubt_features
from assistant.providers.contract import Source
from assistant.providers.question_type import question_of
from assistant.providers.sentence_features import AT, FEATURES, compare, features
from assistant.providers.sentence_ranking import Evidence, gather

TOWER = Source(
    1,
    "Harbour tower",
    "",
    "The harbour tower was opened in 1931. It is 48 metres tall and has 212 steps. Nobody lives there.",
    0.9,
)
MILL = Source(2, "Old mill", "", "The mill was built in 1874. Its wheel is 6 metres wide.", 0.5)


def evidence(question: str, sources: Sequence[Source], language: str = "en") -> Evidence:
    return gather(question_of(question, language), sources)


def column(name: str, question: str, sources: Sequence[Source] = (TOWER, MILL)) -> list[float]:
    held = evidence(question, sources)
    return [round(float(value), 3) for value in features(held)[:, AT[name]]]


def test_an_answer_that_stands_beside_the_words_of_the_question_is_near() -> None:
    near = column("answer_near", "How many steps does the tower have?")

    assert near[1] == max(near)
    assert near[1] > 0


def test_the_title_counts_for_a_sentence_that_only_points_back() -> None:
    assert column("first_word_here", "Harbour tower: how tall?")[1] == 0.0
    assert column("first_word", "Harbour tower: how tall?")[1] == 0.9


def test_words_in_the_order_of_the_question_are_told_from_the_same_words_in_another() -> None:
    source = Source(1, "", "", "The red boat follows the blue ship. The blue ship follows the red boat.", 1.0)

    first, second = column("in_order", "Does the red boat follow the blue ship?", (source,))

    assert first > second


def test_the_best_sentence_is_behind_nothing() -> None:
    behind = column("coverage_behind", "When was the harbour tower opened?")

    assert max(behind) == 0.0
    assert behind[0] == 0.0


def test_cosines_change_only_what_speaks_of_nearness() -> None:
    held = evidence("When was the harbour tower opened?", (TOWER, MILL))
    plain = features(held)
    cosines = np.linspace(0.9, 0.1, len(held.sentences))
    with_vectors = compare(plain, held, cosines)

    changed = {name for name in FEATURES if (plain[:, AT[name]] != with_vectors[:, AT[name]]).any()}

    assert changed == {name for name in FEATURES if name.startswith("cosine")}
    assert with_vectors[0, AT["cosine_behind"]] == 0.0


TEXTS = st.lists(
    st.sampled_from(
        [
            "The tower",
            "in 1931.",
            "opened",
            "48 m",
            "tall.",
            "탑은",
            "1931년에",
            "열렸다.",
            "\n",
            "\t",
            "(",
            "?",
        ]
    ),
    max_size=30,
).map(" ".join)


@settings(deadline=None)
@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.sampled_from(["When was the tower opened?", "탑은 언제 열렸나요?", "Is it tall?", "왜 열었나요?"]),
)
def test_whatever_the_sources_hold_every_feature_is_a_number(texts: list[str], question: str) -> None:
    sources = tuple(Source(n, "Tower 탑", "", text, 1.0 / n) for n, text in enumerate(texts, start=1))
    held = evidence(question, sources, "ko" if "탑" in question or "왜" in question else "en")
    table = features(held)

    assert table.shape == (len(held.sentences), len(FEATURES))
    assert np.isfinite(table).all()
    if held.sentences:
        doubt = doubt_features(held, table, table[:, AT["coverage"]])
        assert doubt.shape == (len(DOUBT_FEATURES),)
        assert np.isfinite(doubt).all()

"""How much each likeness counts. Learnt, not chosen: do not edit by hand.

Written by `python -m tests.bench.topic_fitting` from halves of clinc, banking77 and naver-kosbi and from
hand-made topics. Odds are for as many texts about the topic as others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """`weights` has one number for each feature of a `TopicJudge`."""

    weights: tuple[float, ...]
    bias: float


ENGLISH = Weights(
    weights=(
        0.077,  # nearest
        -0.096,  # second
        -0.352,  # third
        19.582,  # mean
        1.727,  # middle
        -1.980,  # everyday
        -7.558,  # everyday_few
        -8.654,  # spread
        -1.385,  # loosest
        -0.039,  # shots_everyday
        -2.108,  # words_nearest
        0.484,  # words_second
        0.931,  # words_middle
        -0.187,  # words_everyday
        -1.994,  # words_everyday_few
        2.645,  # words_field_nearest
        -2.417,  # words_field_middle
        -0.519,  # words_concept_nearest
        0.965,  # words_concept_middle
        1.681,  # words_word_nearest
        0.311,  # words_word_middle
        0.000,  # words_procedure
        -0.543,  # words_asks_otherwise
        -0.481,  # words_spread
        -0.289,  # words_has_field
        -0.123,  # words_has_concept
    ),
    bias=3.544,
)

KOREAN = Weights(
    weights=(
        -0.405,  # nearest
        -5.331,  # second
        -1.681,  # third
        14.055,  # mean
        5.698,  # middle
        -1.084,  # everyday
        -11.747,  # everyday_few
        -0.489,  # spread
        -1.581,  # loosest
        8.304,  # shots_everyday
        -1.640,  # words_nearest
        -1.253,  # words_second
        5.630,  # words_middle
        -2.861,  # words_everyday
        2.616,  # words_everyday_few
        -0.860,  # words_field_nearest
        4.121,  # words_field_middle
        0.650,  # words_concept_nearest
        -0.231,  # words_concept_middle
        1.742,  # words_word_nearest
        -6.043,  # words_word_middle
        -2.625,  # words_procedure
        -0.976,  # words_asks_otherwise
        -0.889,  # words_spread
        -1.714,  # words_has_field
        -0.248,  # words_has_concept
    ),
    bias=0.470,
)

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
        3.995,  # nearest
        0.336,  # second
        -1.723,  # third
        7.782,  # mean
        6.610,  # middle
        -2.803,  # everyday
        -4.562,  # everyday_few
        -2.755,  # spread
        -2.152,  # loosest
        -2.375,  # shots_everyday
        -0.430,  # words_nearest
        -0.583,  # words_second
        1.820,  # words_middle
        -0.739,  # words_everyday
        -1.580,  # words_everyday_few
        2.871,  # words_field_nearest
        -2.436,  # words_field_middle
        -0.688,  # words_concept_nearest
        0.887,  # words_concept_middle
        2.627,  # words_word_nearest
        -1.103,  # words_word_middle
        0.000,  # words_procedure
        -2.447,  # words_spread
        -0.334,  # words_has_field
        -0.106,  # words_has_concept
    ),
    bias=1.056,
)

KOREAN = Weights(
    weights=(
        1.070,  # nearest
        -4.400,  # second
        -2.076,  # third
        -2.897,  # mean
        16.782,  # middle
        -0.893,  # everyday
        -12.638,  # everyday_few
        0.521,  # spread
        0.651,  # loosest
        8.470,  # shots_everyday
        -1.801,  # words_nearest
        -1.310,  # words_second
        5.970,  # words_middle
        -3.195,  # words_everyday
        2.916,  # words_everyday_few
        -1.245,  # words_field_nearest
        4.500,  # words_field_middle
        1.114,  # words_concept_nearest
        -0.497,  # words_concept_middle
        2.362,  # words_word_nearest
        -6.955,  # words_word_middle
        -2.492,  # words_procedure
        -1.868,  # words_spread
        -1.605,  # words_has_field
        -0.317,  # words_has_concept
    ),
    bias=-1.063,
)

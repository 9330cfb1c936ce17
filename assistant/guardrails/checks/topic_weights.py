"""How much each likeness counts. Learnt, not chosen: do not edit by hand.

Written by `python -m tests.bench.topic_fitting` from halves of clinc, banking77 and naver-kosbi and from
hand-made topics. Odds are for as many texts about the topic as others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """`weights` has one number for each feature; `usual_spread` stands in where a topic has a single shot."""

    weights: tuple[float, ...]
    bias: float
    usual_spread: float


BY_VECTORS = Weights(
    weights=(
        6.403,  # nearest
        0.209,  # second
        -2.972,  # third
        2.106,  # mean
        11.124,  # middle
        -1.255,  # everyday
        -11.122,  # everyday_few
        -3.136,  # spread
        -1.494,  # loosest
        -7.066,  # shots_everyday
    ),
    bias=1.991,
    usual_spread=0.682,
)

BY_WORDS = Weights(
    weights=(
        -3.794,  # nearest
        -4.569,  # second
        18.936,  # middle
        -3.927,  # everyday
        -0.855,  # everyday_few
        0.232,  # field_nearest
        1.095,  # field_middle
        2.107,  # concept_nearest
        -1.291,  # concept_middle
        -2.844,  # word_nearest
        7.705,  # word_middle
        -2.928,  # procedure
        -4.439,  # spread
        -0.835,  # has_field
        -0.263,  # has_concept
    ),
    bias=0.987,
    usual_spread=0.340,
)

BY_MEANING = Weights(
    weights=(
        -1.709,  # nearest
        -1.699,  # second
        5.289,  # middle
        -4.496,  # everyday
        3.221,  # everyday_few
        -1.243,  # field_nearest
        4.716,  # field_middle
        0.118,  # concept_nearest
        0.954,  # concept_middle
        2.276,  # word_nearest
        -3.094,  # word_middle
        -3.127,  # procedure
        -2.543,  # spread
        -1.618,  # has_field
        -0.409,  # has_concept
        0.567,  # meaning_nearest
        0.071,  # meaning_second
        9.342,  # meaning_mean
        0.533,  # meaning_middle
        -3.451,  # meaning_everyday
        -1.541,  # meaning_everyday_few
        -2.419,  # meaning_spread
        -0.758,  # words_like
        -0.705,  # word_like
        1.496,  # two_like
    ),
    bias=2.662,
    usual_spread=0.550,
)
